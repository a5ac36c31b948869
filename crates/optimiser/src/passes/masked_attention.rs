//! Attention whose mask is known: what it silences is not computed.

use std::ops::Range;

use ediacara_graph::ops::{Add, Concat, Div, MatMul, Max, Min, Mul, Select, Slice, Softmax, Sub};
use ediacara_graph::rewrite::{Patch, PatchValue, Rewrite};
use ediacara_graph::{DType, Graph, GraphError, Node, NodeId, Tensor, ValueId};

/// A masked score has no share in the softmax if the mask gives this number or less.
///
/// Scores within a tenth of its magnitude then differ from every other one by more than the 104 at which `exp` is 0 in f32. Files write
/// infinity, the least f32, or -1e9; -1e4 is met too, and not taken, because scores may reach it.
const SILENT: f32 = -1e9;

/// The fewest rows of a block: fewer do not pay for a product of their own.
const LEAST_ROWS: usize = 64;

/// The most blocks that attention falls into.
const MOST_BLOCKS: usize = 8;

/// Columns of a block start and end at multiples of this, so that the array's rows and columns are used.
const COLUMNS: usize = 16;

/// The most scores of a mask that are looked at.
const MOST_SCORES: usize = 1 << 26;

/// See [`Rewrite::documentation`].
pub(super) struct MaskedAttention;

impl Rewrite for MaskedAttention {
    fn name(&self) -> &'static str {
        "masked_attention"
    }

    fn documentation(&self) -> &'static str {
        "softmax(mask(scores)) v: where a constant mask silences whole columns of many rows, as a causal one does, attention \
         falls into blocks of rows, each with the columns that it attends to."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let Some((softmax, scores, values)) = attention(graph, id, node) else { return Ok(None) };
        let Some(blocks) = blocks(graph, scores) else { return Ok(None) };
        let mut patch = Patch::new();
        let parts: Vec<PatchValue> = blocks
            .into_iter()
            .map(|block| {
                let suffix = format!("rows.{}", block.rows.start);
                let axis = graph.ty(scores).rank() - 1;
                let part = block.of(graph, &mut patch, scores, &suffix);
                let name = format!("{}.{suffix}", softmax.name);
                let weights = patch.node(name, Softmax { axis }, &[part]);
                let columns = (graph.ty(values).rank() - 2, block.columns);
                let taken = taken(graph, &mut patch, values, &[columns], &suffix);
                patch.node(format!("{}.{suffix}", node.name), MatMul, &[weights, taken])
            })
            .collect();
        let axis = graph.ty(node.outputs[0]).rank() - 2;
        let joined = patch.node("", Concat { axis }, &parts);
        patch.replace(node.outputs[0], joined);
        Ok(Some(patch))
    }
}

/// The softmax, the scores and the values of `softmax(scores) values`, if this product is one.
fn attention<'a>(graph: &'a Graph, id: NodeId, node: &Node) -> Option<(&'a Node, ValueId, ValueId)> {
    node.op_as::<MatMul>()?;
    let &[weights, values] = node.inputs.as_slice() else { return None };
    let softmax = graph.node(graph.producer(weights)?);
    let scores = softmax.inputs[0];
    let rank = graph.ty(scores).rank();
    let is_last = softmax.op_as::<Softmax>()?.axis + 1 == rank;
    let fits = is_last && rank >= 2 && graph.ty(values).rank() >= 2 && graph.ty(scores).dtype == DType::F32;
    let read_once = [(weights, id), (scores, graph.producer(weights)?)];
    let is_alone = read_once.iter().all(|&(value, reader)| graph.only_consumer(value) == Some(reader));
    (fits && is_alone).then_some((softmax, scores, values))
}

/// Some rows of the scores, and the columns that they attend to.
struct Block {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// The blocks of scores; nothing if they would save less than three tenths of them.
///
/// So what comes out is not divided again, but for the first block of very many rows.
fn blocks(graph: &Graph, scores: ValueId) -> Option<Vec<Block>> {
    let shape = &graph.ty(scores).shape;
    let &[.., rows, columns] = shape.as_slice() else { return None };
    if rows <= LEAST_ROWS || shape.iter().product::<usize>() > MOST_SCORES {
        return None;
    }
    let attended = attended(graph, scores)?;
    let each = rows.div_ceil(MOST_BLOCKS).next_multiple_of(COLUMNS).max(LEAST_ROWS);
    let starts = (0..rows).step_by(each);
    let blocks: Vec<Block> = starts
        .map(|start| {
            let rows = start..rows.min(start + each);
            let of_rows = &attended[rows.clone()];
            let first = of_rows.iter().map(|range| range.start).min().unwrap_or(0);
            let end = of_rows.iter().map(|range| range.end).max().unwrap_or(columns);
            Block { rows, columns: first / COLUMNS * COLUMNS..columns.min(end.next_multiple_of(COLUMNS)) }
        })
        .collect();
    let computed: usize = blocks.iter().map(|block| block.rows.len() * block.columns.len()).sum();
    (10 * computed <= 7 * rows * columns).then_some(blocks)
}

/// From the first to the last column that any head attends to, for each row of scores; nothing if no mask is known, or if it leaves
/// a row of some head without any column, whose weights would all be the same.
fn attended(graph: &Graph, scores: ValueId) -> Option<Vec<Range<usize>>> {
    let shape = &graph.ty(scores).shape;
    let mut silent = Vec::new();
    silence(graph, scores, shape, &mut silent)?;
    let (&columns, &rows) = (shape.last()?, shape.get(shape.len() - 2)?);
    let mut attended = vec![columns..0; rows];
    for (index, row) in silent.chunks_exact(columns).enumerate() {
        let first = row.iter().position(|&silent| !silent)?;
        let last = row.iter().rposition(|&silent| !silent)?;
        let range = &mut attended[index % rows];
        *range = range.start.min(first)..range.end.max(last + 1);
    }
    Some(attended)
}

/// Adds which elements of a value of this shape its constants silence; nothing if none does.
///
/// Only one run-time value may be in the chain, which is the scores before any mask: another may be a mask itself, and two that silence the
/// same element leave it as large as its neighbours.
fn silence(graph: &Graph, value: ValueId, shape: &[usize], silent: &mut Vec<bool>) -> Option<()> {
    let node = graph.node(graph.producer(value)?);
    let (masked, own) = mask(graph, node)?;
    if graph.ty(masked).shape != shape {
        return None;
    }
    // The scores themselves may be a product, and need no mask of their own.
    let _ = silence(graph, masked, shape, silent);
    let own = own.broadcast_to(shape).ok()?.to_vec::<bool>().ok()?;
    if silent.is_empty() {
        *silent = own;
    } else {
        silent.iter_mut().zip(own).for_each(|(silent, own)| *silent |= own);
    }
    Some(())
}

/// What a node masks, and where it silences it.
fn mask(graph: &Graph, node: &Node) -> Option<(ValueId, Tensor)> {
    let least = |value: ValueId| {
        let tensor = graph.constant(value)?;
        let silent = tensor.to_vec::<f32>().ok()?.into_iter().map(|number| number <= SILENT).collect();
        Tensor::from_vec(tensor.shape(), silent).ok()
    };
    if let (Some(_), &[condition, x, y]) = (node.op_as::<Select>(), node.inputs.as_slice()) {
        let condition = graph.constant(condition)?;
        let (masked, fill, wanted) = match (least(x), least(y)) {
            (None, Some(fill)) => (x, fill, true),
            (Some(fill), None) => (y, fill, false),
            _ => return None,
        };
        let shape = &graph.ty(node.outputs[0]).shape;
        let [condition, fill] =
            [condition, &fill].map(|tensor| tensor.broadcast_to(shape).ok()?.to_vec::<bool>().ok());
        let silent = condition?.into_iter().zip(fill?).map(|(chosen, fill)| chosen != wanted && fill);
        return Some((masked, Tensor::from_vec(shape, silent.collect()).ok()?));
    }
    let is_pair = node.op_as::<Add>().is_some() || node.op_as::<Min>().is_some();
    match node.inputs.as_slice() {
        &[x, y] if is_pair => match (least(x), least(y)) {
            (None, Some(silent)) => Some((x, silent)),
            (Some(silent), None) => Some((y, silent)),
            _ => None,
        },
        _ => None,
    }
}

impl Block {
    /// This part of a value of the scores' shape, or of one that is repeated to it: the nodes before are computed of their parts
    /// alone.
    fn of(&self, graph: &Graph, patch: &mut Patch, value: ValueId, suffix: &str) -> PatchValue {
        let sides = self.sides(&graph.ty(value).shape);
        if let Some(constant) = graph.constant(value) {
            let part = sides.into_iter().try_fold(constant.clone(), |part, (axis, range)| {
                part.slice(axis, range.start as isize, range.end as isize, 1)
            });
            let name = format!("{}.{suffix}", graph.value(value).name);
            return part.map_or(value.into(), |part| patch.constant(name, part.to_contiguous()));
        }
        let made = graph.producer(value).map(|id| graph.node(id));
        if let Some(node) = made.filter(|node| is_elementwise(node)) {
            let operands: Vec<PatchValue> =
                node.inputs.iter().map(|&input| self.of(graph, patch, input, suffix)).collect();
            return patch.node(format!("{}.{suffix}", node.name), node.op.clone(), &operands);
        }
        if let Some(node) = made.filter(|node| is_product(graph, node)) {
            let [left, right] = [node.inputs[0], node.inputs[1]];
            let rows = (graph.ty(left).rank() - 2, self.rows.clone());
            let columns = (graph.ty(right).rank() - 1, self.columns.clone());
            let left = taken(graph, patch, left, &[rows], suffix);
            let right = taken(graph, patch, right, &[columns], suffix);
            return patch.node(format!("{}.{suffix}", node.name), MatMul, &[left, right]);
        }
        taken(graph, patch, value, &sides, suffix)
    }

    /// The axes of rows and columns along which a value of this shape is not repeated, each with this block's part of it.
    fn sides(&self, shape: &[usize]) -> Vec<(usize, Range<usize>)> {
        let axis = |from_last: usize| shape.len().checked_sub(from_last);
        let sides = [(axis(2), &self.rows), (axis(1), &self.columns)];
        let sides = sides.into_iter().filter_map(|(axis, range)| Some((axis?, range.clone())));
        sides.filter(|(axis, _)| shape[*axis] > 1).collect()
    }
}

/// Whether each element of a node's result depends on the same element of its operands.
fn is_elementwise(node: &Node) -> bool {
    let pair =
        node.op_as::<Add>().is_some() || node.op_as::<Sub>().is_some() || node.op_as::<Mul>().is_some();
    let other =
        node.op_as::<Div>().is_some() || node.op_as::<Min>().is_some() || node.op_as::<Max>().is_some();
    pair || other || node.op_as::<Select>().is_some()
}

/// Whether a node is a product of matrices.
fn is_product(graph: &Graph, node: &Node) -> bool {
    node.op_as::<MatMul>().is_some() && node.inputs.iter().all(|&operand| graph.ty(operand).rank() >= 2)
}

/// Ranges of a value along some axes, which are the value itself where they are all.
fn taken(
    graph: &Graph,
    patch: &mut Patch,
    value: ValueId,
    ranges: &[(usize, Range<usize>)],
    suffix: &str,
) -> PatchValue {
    let shape = &graph.ty(value).shape;
    let mut slice = Slice::all(shape);
    for (axis, range) in ranges {
        (slice.starts[*axis], slice.ends[*axis]) = (range.start as i64, range.end as i64);
    }
    if slice == Slice::all(shape) {
        return value.into();
    }
    patch.node(format!("{}.{suffix}", graph.value(value).name), slice, &[value.into()])
}
