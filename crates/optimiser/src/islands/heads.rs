//! Rows between products of many matrices go by matrix: what follows each product follows it alone.
//!
//! The products of a batch of matrices are nodes of their own, which are joined for the real nodes behind them and taken
//! apart for the products that follow. Where nothing else reads the joined value, every matrix has nodes of its own, and its
//! product goes on with them tile by tile.

use std::collections::HashMap;

use ediacara_graph::ops::{Concat, FRow, FScale, QMatMul, Reshape, Slice};
use ediacara_graph::{Graph, NodeId, Tensor, ValueId};

use super::changes::Changes;
use crate::Result;

/// Elements of a matrix that are worth instructions of their own.
const FEWEST_ELEMENTS: usize = 1024;

/// Takes joined matrices apart where only rows and products read them.
///
/// # Errors
/// The graph refuses a node, which is a fault of this pass.
pub(super) fn take_heads_apart(graph: &mut Graph, changes: &mut Changes) -> Result<()> {
    for id in graph.order() {
        let Some(parts) = joined(graph, id) else { continue };
        let value = graph.output_of(id);
        let Some(inside) = readers_by_matrix(graph, value) else { continue };
        let mut apart = Apart { graph, changes, parts: HashMap::from([(value, parts)]) };
        for node in inside {
            apart.node(node)?;
        }
    }
    graph.unlink_dead();
    Ok(())
}

/// The matrices `[rows, columns]` of products that a reshape of their concatenation gives, if there are several.
fn joined(graph: &Graph, id: NodeId) -> Option<Vec<ValueId>> {
    let node = graph.node(id);
    node.op_as::<Reshape>()?;
    let shape = &graph.ty(node.outputs[0]).shape;
    let concat = graph.node(graph.producer(node.inputs[0])?);
    concat.op_as::<Concat>().filter(|concat| concat.axis == 0)?;
    let [.., rows, columns] = shape[..] else { return None };
    let product = |&value: &ValueId| {
        let reshape = graph.node(graph.producer(value)?);
        reshape.op_as::<Reshape>()?;
        let product = reshape.inputs[0];
        graph.node(graph.producer(product)?).op_as::<QMatMul>()?;
        let alone = [value, product].iter().all(|&value| graph.consumers(value).len() == 1);
        (graph.ty(product).shape == [rows, columns] && alone).then_some(product)
    };
    let alone = graph.consumers(node.inputs[0]).len() == 1;
    let large = rows * columns >= FEWEST_ELEMENTS;
    (alone && large && concat.inputs.len() > 1).then(|| concat.inputs.iter().map(product).collect())?
}

/// The nodes behind a value of several matrices, in order: rows, each with an operand of the same matrices or one for all, and
/// slices of one matrix at the end. Nothing if there are others.
fn readers_by_matrix(graph: &Graph, value: ValueId) -> Option<Vec<NodeId>> {
    let batch = batch(graph, value).to_vec();
    let mut inside: HashMap<ValueId, ()> = HashMap::from([(value, ())]);
    let order = graph.order();
    let mut found = Vec::new();
    for id in order {
        let node = graph.node(id);
        if !node.inputs.iter().any(|input| inside.contains_key(input)) {
            continue;
        }
        if one_matrix(graph, id).is_some() {
            found.push(id);
            continue;
        }
        let row = node.op_as::<FRow>().is_some();
        let follows = |index: usize, input: &ValueId| {
            let is_one_for_all = || {
                let constant = graph.constant(*input);
                let own = batch_of(&graph.ty(*input).shape);
                constant.is_some() || own.iter().all(|&extent| extent == 1)
            };
            inside.contains_key(input) || index > 0 && is_one_for_all()
        };
        let fits = (row || node.op_as::<FScale>().is_some())
            && node.inputs.iter().enumerate().all(|(index, input)| follows(index, input))
            && !graph.is_output(node.outputs[0]);
        if !fits || batch_of(&graph.ty(node.outputs[0]).shape) != batch {
            return None;
        }
        inside.insert(node.outputs[0], ());
        found.push(id);
    }
    // Something has to multiply by them again; else nothing is gained.
    found.iter().any(|&id| one_matrix(graph, id).is_some()).then_some(found)
}

/// The extents of all axes but those of a matrix.
fn batch_of(shape: &[usize]) -> &[usize] {
    &shape[..shape.len().saturating_sub(2)]
}

fn batch(graph: &Graph, value: ValueId) -> &[usize] {
    batch_of(&graph.ty(value).shape)
}

/// Which matrix a slice takes, if it takes exactly one.
fn one_matrix(graph: &Graph, id: NodeId) -> Option<usize> {
    let node = graph.node(id);
    let slice = node.op_as::<Slice>()?;
    let shape = &graph.ty(node.inputs[0]).shape;
    let mut index = 0;
    for (axis, &extent) in shape.iter().enumerate() {
        let (start, end) = (slice.starts[axis], slice.ends[axis]);
        let whole = (start, end) == (0, extent as i64);
        if slice.steps[axis] != 1 || (axis + 2 >= shape.len() && !whole) {
            return None;
        }
        if axis + 2 < shape.len() {
            if end != start + 1 {
                return None;
            }
            index = index * extent + start as usize;
        }
    }
    Some(index)
}

/// Nodes while they are taken apart.
struct Apart<'a> {
    graph: &'a mut Graph,
    changes: &'a mut Changes,
    /// The matrices of each value.
    parts: HashMap<ValueId, Vec<ValueId>>,
}

impl Apart<'_> {
    fn node(&mut self, id: NodeId) -> Result<()> {
        let node = self.graph.node(id).clone();
        if let Some(matrix) = one_matrix(self.graph, id) {
            let shape = self.graph.ty(node.outputs[0]).shape.clone();
            let part = self.parts[&node.inputs[0]][matrix];
            let shaped = self.graph.add(node.name, Reshape { shape }, &[part])?;
            self.graph.replace_uses(node.outputs[0], shaped)?;
            return Ok(());
        }
        let batch = batch(self.graph, node.outputs[0]).to_vec();
        let mut parts = Vec::with_capacity(batch.iter().product());
        for matrix in 0..batch.iter().product() {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for &input in &node.inputs {
                inputs.push(self.part(input, matrix, &batch)?);
            }
            parts.push(self.changes.add(self.graph, id, node.op.clone(), &inputs)?);
        }
        self.parts.insert(node.outputs[0], parts);
        Ok(())
    }

    /// An operand of a matrix: its own part, or what is the same for all.
    fn part(&mut self, value: ValueId, matrix: usize, batch: &[usize]) -> Result<ValueId> {
        if let Some(parts) = self.parts.get(&value) {
            return Ok(parts[matrix]);
        }
        let shape = self.graph.ty(value).shape.clone();
        let own = batch_of(&shape).to_vec();
        if own.is_empty() {
            return Ok(value);
        }
        let name = format!("{}.{matrix}", self.graph.value(value).name);
        let inner = shape[own.len()..].to_vec();
        let Some(tensor) = self.graph.constant(value).cloned() else {
            return Ok(self.graph.add(name, Reshape { shape: inner }, &[value])?);
        };
        let mut part = tensor;
        let mut rest = matrix;
        for (axis, &extent) in batch.iter().enumerate().rev() {
            let index = rest % extent;
            rest /= extent;
            let Some(axis) = (axis + own.len()).checked_sub(batch.len()) else { continue };
            let index = if own[axis] == 1 { 0 } else { index as isize };
            part = part.slice(axis, index, index + 1, 1)?;
        }
        let part: Tensor = part.to_contiguous().reshape(&inner)?;
        Ok(self.graph.add_constant(name, part))
    }
}
