//! A whole real network in the float dialect, for a DLP whose matrix engine multiplies real numbers.
//!
//! Products become `f_conv` and `f_matmul`, pools and depthwise convolutions `f_window`, and everything between them what
//! [`islands`](crate::islands) makes of it. Images lie with channels last, as products and windows read them; what an operator makes of
//! them stays so where it can. Between nodes a value is stored in the type that was chosen, while a node computes in f32. What has no form stays on
//! the host, with its reason. Start reading at [`in_floating_point`].

mod appends;
mod constants;
mod forms;
mod images;
mod mixed;
mod pointwise;
mod products;
mod transposed;
mod windows;

use std::collections::{HashMap, HashSet};

use ediacara_graph::{DType, Graph, NodeId, ValueId};

use crate::Result;
use crate::quantise::{Left, LeftReal, Origin, Quantised, UNCOUNTED};
use forms::{Forms, Rule};
pub use mixed::quantise_mixed;

/// What the networks' nodes become, but for what is rewritten as in islands.
const RULES: &[Rule] =
    &[products::lower, transposed::lower, windows::lower, pointwise::lower, images::lower, appends::lower];

/// Rewrites an optimised real network for a DLP that computes in `dtype` (f32, f16 or bf16) with `lanes` products of a beat
/// ([`FConv::lanes`](ediacara_graph::ops::FConv)).
///
/// The result has the network's inputs and outputs. Nothing in it is quantised.
///
/// # Errors
/// The graph refuses a node, which is a fault of a rule.
pub fn in_floating_point(graph: &Graph, dtype: DType, lanes: usize) -> Result<Quantised> {
    let graph = &*constants::fold_weights(graph)?;
    let mut new = graph.clone();
    let order = graph.order();
    let is_real = |id: &NodeId| {
        let mut outputs = graph.node(*id).outputs.iter();
        outputs.all(|&output| graph.ty(output).dtype == DType::F32)
    };
    let inside: HashSet<NodeId> = order.iter().copied().filter(is_real).collect();
    let mut reasons: HashMap<NodeId, String> = HashMap::new();
    let mut forms = Forms::new(&mut new, inside, dtype, lanes);
    for &id in &order {
        if let Err(reason) = forms.lower(id, RULES)? {
            reasons.insert(id, reason);
        }
    }
    let became = forms.finish()?;
    new.unlink_dead();
    constants::share(&mut new)?;
    let values_of = |id: NodeId| -> Vec<ValueId> {
        let nodes = became.get(&id).cloned().unwrap_or_else(|| vec![id]);
        nodes.into_iter().filter(|&id| new.is_live(id)).map(|id| new.output_of(id)).collect()
    };
    let values: Vec<Vec<ValueId>> = order.iter().map(|&id| values_of(id)).collect();
    let now = new.compact();
    let mut causes: HashMap<NodeId, NodeId> = HashMap::new();
    let (mut origins, mut left) = (Vec::new(), Vec::new());
    for (&id, values) in order.iter().zip(&values) {
        let node = graph.node(id);
        let reason = reasons.remove(&id);
        if reason.is_some() {
            let before = node.inputs.iter().filter_map(|&input| graph.producer(input));
            let cause = before.into_iter().find_map(|maker| causes.get(&maker).copied()).unwrap_or(id);
            causes.insert(id, cause);
        }
        let nodes: Vec<NodeId> =
            values.iter().filter_map(|value| new.producer(now[value.index()]?)).collect();
        if nodes.is_empty() || UNCOUNTED.contains(&node.op.name()) {
            continue;
        }
        let (name, op) = (node.name.clone(), node.op.name().to_owned());
        if let Some(reason) = &reason {
            left.push(LeftReal { node: name.clone(), op: op.clone(), reason: reason.clone() });
        }
        let cause = causes.get(&id).map(|&cause| graph.node(cause).name.clone()).unwrap_or_default();
        let stays = reason.map(|reason| Left { reason, cause });
        origins.push(Origin { node: name, op, macs: graph.cost_of(id).macs, nodes, left: stays });
    }
    let names = graph.outputs().iter().map(|&output| graph.value(output).name.clone());
    let outputs: Vec<(String, ValueId)> = names.zip(new.outputs().to_vec()).collect();
    new.set_named_outputs(&outputs)?;
    Ok(Quantised { graph: new, left, silenced: Vec::new(), origins })
}
