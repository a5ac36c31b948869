//! Constants of products: weights that nodes compute from constants are constants, and equal ones are one value, so that products in
//! the steps of a recurrence are known to share their weights.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use ediacara_graph::{Graph, ValueId};

use crate::Result;
use crate::known::real_constant;

/// The graph with constants in place of what its products read and nodes compute from constants alone, as one number that is
/// broadcast to a matrix, which is too large to be folded for every network.
///
/// # Errors
/// The graph refuses it.
pub(super) fn fold_weights(graph: &Graph) -> Result<Cow<'_, Graph>> {
    let is_product = |op: &str| matches!(op, "conv" | "conv_transpose" | "gemm" | "matmul");
    let nodes = graph.nodes().map(|id| graph.node(id)).filter(|node| is_product(node.op.name()));
    let read = nodes.flat_map(|node| node.inputs.iter().copied());
    let read: HashSet<ValueId> = read.filter(|&value| graph.producer(value).is_some()).collect();
    let mut folded = Cow::Borrowed(graph);
    for value in graph.values().filter(|value| read.contains(value)) {
        let Some(tensor) = real_constant(graph, value) else { continue };
        let new = folded.to_mut();
        let constant = new.add_constant(format!("{}.known", graph.value(value).name), tensor.to_contiguous());
        new.replace_uses(value, constant)?;
    }
    if let Cow::Owned(new) = &mut folded {
        new.unlink_dead();
    }
    Ok(folded)
}

/// Makes every node read the first of constants of the same type, shape and bits.
///
/// # Errors
/// The graph refuses it.
pub(super) fn share(graph: &mut Graph) -> Result<()> {
    let mut known: HashMap<u64, Vec<ValueId>> = HashMap::new();
    let mut seen: HashSet<ValueId> = HashSet::new();
    let read: Vec<ValueId> =
        graph.order().iter().flat_map(|&id| graph.node(id).inputs.iter().copied()).collect();
    for value in read.into_iter().filter(|&value| seen.insert(value)) {
        let Some(tensor) = graph.constant(value) else { continue };
        let Ok(bytes) = tensor.as_bytes() else { continue };
        let mut hasher = DefaultHasher::new();
        (tensor.dtype(), tensor.shape(), bytes).hash(&mut hasher);
        let alike = known.entry(hasher.finish()).or_default();
        let equal = |&first: &ValueId| graph.constant(first).is_some_and(|other| other.same_bits(tensor));
        match alike.iter().copied().find(equal) {
            Some(first) => graph.replace_uses(value, first)?,
            None => alike.push(value),
        }
    }
    Ok(())
}
