//! Equal constants are one value, so that products in the steps of a recurrence are known to share their weights.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use ediacara_graph::{Graph, ValueId};

use crate::Result;

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
