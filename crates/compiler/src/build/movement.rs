//! Operators that only move data: as views where strides can say it, else as copies.

use ediacara_graph::ops::{Gather, Pad, PadMode, Reshape, Resize, Slice, Transpose};
use ediacara_graph::{DType, Graph, NodeId, Tensor};

use crate::program::view::View;

fn extents(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&extent| extent as u64).collect()
}

/// The result of a node as a view of its operand.
pub(crate) fn view_of(graph: &Graph, id: NodeId, x: &View) -> Option<View> {
    let node = graph.node(id);
    let shape = extents(&graph.ty(node.outputs[0]).shape);
    if node.op_as::<Reshape>().is_some() {
        return x.reshape(&shape);
    }
    if let Some(transpose) = node.op_as::<Transpose>() {
        return Some(x.transpose(&transpose.permutation));
    }
    if let Some(slice) = node.op_as::<Slice>() {
        let mut view = x.clone();
        for (axis, &count) in shape.iter().enumerate() {
            // Strides are not negative; a single element has no step.
            let step = if count == 1 { 1 } else { u64::try_from(slice.steps[axis]).ok()? };
            view = view.slice(axis, u64::try_from(slice.starts[axis]).ok()?, count, step);
        }
        return Some(view);
    }
    if let Some(gather) = node.op_as::<Gather>() {
        let picks = picks(graph, id)?;
        let step = match picks[..] {
            [first, second, ..] => second.checked_sub(first).filter(|&step| step > 0)?,
            _ => 1,
        };
        if picks.windows(2).any(|pair| pair[1] != pair[0] + step) {
            return None;
        }
        let mut view = x.slice(gather.axis, picks[0], picks.len() as u64, step);
        if graph.ty(node.inputs[1]).rank() == 0 {
            view.shape.remove(gather.axis);
            view.strides.remove(gather.axis);
        }
        return Some(view);
    }
    None
}

/// The indices of a gather, from 0.
pub(crate) fn picks(graph: &Graph, id: NodeId) -> Option<Vec<u64>> {
    let node = graph.node(id);
    let axis = node.op_as::<Gather>()?.axis;
    let size = graph.ty(node.inputs[0]).shape[axis] as i64;
    let indices = graph.constant(node.inputs[1])?.cast(DType::I64).to_vec::<i64>().ok()?;
    let wrapped = indices.iter().map(|&index| if index < 0 { index + size } else { index });
    wrapped.map(|index| u64::try_from(index).ok()).collect()
}

/// A separable movement: what stands at each index of each axis, nothing being the constant.
pub(crate) struct Maps {
    /// Source index for each index of the result, axis by axis.
    pub axes: Vec<Vec<Option<u64>>>,
    /// What stands where there is no source.
    pub value: Option<i8>,
}

impl Maps {
    /// What of `y` no source reaches, as views that do not meet: along each axis what lies before and after the sources,
    /// within their range along the axes before it.
    pub(crate) fn frame(&self, y: &View) -> Vec<View> {
        let mut inside = y.clone();
        let mut frame = Vec::new();
        for (axis, map) in self.axes.iter().enumerate() {
            let count = map.len() as u64;
            let start = map.iter().take_while(|source| source.is_none()).count() as u64;
            let end = count - map.iter().rev().take_while(|source| source.is_none()).count() as u64;
            frame.push(inside.slice(axis, 0, start, 1));
            if start == count {
                break;
            }
            frame.push(inside.slice(axis, end, count - end, 1));
            inside = inside.slice(axis, start, end - start, 1);
        }
        frame.retain(|view| !view.is_empty());
        frame
    }
}

/// The maps of a slice, pad, resize or gather by a list.
pub(crate) fn maps(graph: &Graph, id: NodeId) -> Option<Maps> {
    let node = graph.node(id);
    let from = &graph.ty(node.inputs[0]).shape;
    let to = &graph.ty(node.outputs[0]).shape;
    if let Some(slice) = node.op_as::<Slice>() {
        let at = |axis: usize, index: usize| {
            u64::try_from(slice.starts[axis] + index as i64 * slice.steps[axis]).ok()
        };
        let axes = (0..to.len()).map(|axis| (0..to[axis]).map(|index| at(axis, index)).collect()).collect();
        return Some(Maps { axes, value: None });
    }
    if let Some(pad) = node.op_as::<Pad>()
        && pad.mode == PadMode::Constant
    {
        let at = |axis: usize, index: usize| {
            let inside = index.checked_sub(pad.before[axis]).filter(|&index| index < from[axis]);
            inside.map(|index| index as u64)
        };
        let axes = (0..to.len()).map(|axis| (0..to[axis]).map(|index| at(axis, index)).collect()).collect();
        return Some(Maps { axes, value: Some(pad.value.round_ties_even().clamp(-128.0, 127.0) as i8) });
    }
    if let Some(gather) = node.op_as::<Gather>() {
        let mut axes: Vec<Vec<Option<u64>>> =
            from.iter().map(|&extent| (0..extent as u64).map(Some).collect()).collect();
        axes[gather.axis] = picks(graph, id)?.into_iter().map(Some).collect();
        return Some(Maps { axes, value: None });
    }
    (node.op_as::<Resize>().is_some() || node.op_as::<Pad>().is_some()).then(|| traced(graph, id)).flatten()
}

/// The maps of an operator found by moving numbers instead of data: along each axis in turn, every element
/// is its own index.
fn traced(graph: &Graph, id: NodeId) -> Option<Maps> {
    let node = graph.node(id);
    let from = &graph.ty(node.inputs[0]).shape;
    let to = &graph.ty(node.outputs[0]).shape;
    let elements: usize = from.iter().product();
    let mut axes = Vec::new();
    for axis in 0..to.len() {
        let inner: usize = from[axis + 1..].iter().product();
        let numbers: Vec<i32> = (0..elements).map(|at| (at / inner % from[axis]) as i32).collect();
        let input = Tensor::from_vec(from, numbers).ok()?;
        let mut outputs = [Tensor::zeros(DType::I32, to).ok()?];
        node.op.run(&[&input], &mut outputs).ok()?;
        let result = outputs[0].as_slice::<i32>().ok()?;
        let inner: usize = to[axis + 1..].iter().product();
        axes.push((0..to[axis]).map(|index| u64::try_from(result[index * inner]).ok()).collect());
    }
    Some(Maps { axes, value: None })
}

/// A stretch of indices whose sources advance evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progression {
    to: u64,
    from: u64,
    count: u64,
    to_step: u64,
    from_step: u64,
}

/// The map of an axis as few progressions. Where sources repeat (nearest neighbours), the first, second,
/// ... of each source form progressions of their own.
fn progressions(map: &[Option<u64>]) -> Vec<Progression> {
    let mut seen: std::collections::BTreeMap<u64, usize> = Default::default();
    let mut ranks: Vec<Vec<(u64, u64)>> = Vec::new();
    for (to, from) in map.iter().enumerate().filter_map(|(to, from)| from.map(|from| (to as u64, from))) {
        let rank = seen.entry(from).and_modify(|rank| *rank += 1).or_insert(0);
        if *rank == ranks.len() {
            ranks.push(Vec::new());
        }
        ranks[*rank].push((to, from));
    }
    let mut found = Vec::new();
    for pairs in ranks {
        let mut current: Option<Progression> = None;
        for (to, from) in pairs {
            current = match current {
                Some(mut p) if p.count == 1 && from > p.from => {
                    (p.to_step, p.from_step, p.count) = (to - p.to, from - p.from, 2);
                    Some(p)
                }
                Some(mut p)
                    if p.count > 1
                        && to == p.to + p.count * p.to_step
                        && from == p.from + p.count * p.from_step =>
                {
                    p.count += 1;
                    Some(p)
                }
                other => {
                    found.extend(other);
                    Some(Progression { to, from, count: 1, to_step: 1, from_step: 1 })
                }
            };
        }
        found.extend(current);
    }
    found
}

/// Sources and destinations of a separable movement from `x` into `y`, which has as many axes as the maps.
pub(crate) fn parts(maps: &Maps, x: &View, y: &View) -> Vec<(View, View)> {
    let mut found = vec![(x.clone(), y.clone())];
    for (axis, map) in maps.axes.iter().enumerate() {
        let progressions = progressions(map);
        let cut = |(from, to): &(View, View)| {
            let piece = |p: &Progression| {
                (from.slice(axis, p.from, p.count, p.from_step), to.slice(axis, p.to, p.count, p.to_step))
            };
            progressions.iter().map(piece).collect::<Vec<_>>()
        };
        found = found.iter().flat_map(cut).collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progressions_say_the_same_as_the_map() {
        let check = |map: &[Option<u64>], most: usize| {
            let found = progressions(map);
            assert!(found.len() <= most, "{found:?}");
            let mut rebuilt = vec![None; map.len()];
            for p in &found {
                for i in 0..p.count {
                    rebuilt[(p.to + i * p.to_step) as usize] = Some(p.from + i * p.from_step);
                }
            }
            assert_eq!(rebuilt, map);
        };
        let some = |list: &[u64]| list.iter().copied().map(Some).collect::<Vec<_>>();
        check(&some(&[0, 0, 1, 1, 2, 2]), 2);
        check(&some(&[4, 6, 8]), 1);
        check(&some(&[5, 3, 1]), 3);
        check(&[None, Some(0), Some(1), None], 1);
        check(&some(&[0, 0, 1, 2, 2, 3, 4, 4]), 6);
        check(&some(&[2, 7, 2, 0, 9, 9, 1]), 7);
    }
}
