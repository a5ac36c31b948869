//! Quantisation to the int8 dialect: a real graph in, a graph of int8 nodes (NHWC) and a real remainder out.
//!
//! [`plan`] decides which nodes are lowered by which of the [`rules`]. [`scales`] gives every stored value a
//! scale and zero point. [`emit`] builds the new graph. A graph that is quantised already takes the same way,
//! with scales that its quantize_linear nodes prescribe (see [`crate::import_qdq`]).

mod balance;
mod demand;
mod emit;
mod equalise;
mod grid;
mod layer;
mod layout;
mod linear;
mod origins;
mod plan;
mod rounding;
mod rules;
mod scales;
mod sensitivity;
mod shift;
mod weights;

use std::collections::{HashMap, HashSet};
use std::fmt;

use ediacara_graph::{Graph, Node, NodeId, ValueId};

use emit::emit;
pub(crate) use origins::UNCOUNTED;
pub(crate) use weights::to_signed;

use crate::{Calibration, Encoding, OptimiserError, Result};
use plan::{Plan, Ranges};
use scales::Encodings;

/// A node that stayed real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftReal {
    /// The node's name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Why.
    pub reason: String,
}

/// A node whose int8 form gives zeros where the real one gives small numbers.
///
/// The range of its results is so narrow, compared with what they are computed from, that the ratio of the
/// scales is beyond the multipliers of N-MULTIPLIER. A sum that always cancels does this, and so does an
/// operand whose range other channels decide. No step of what int8 accumulates is as small as that range, so
/// that zero is within the range and as near as int8 gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Silenced {
    /// The node's name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// The channels of its result that are zero.
    pub channels: usize,
    /// The channels that have their own multiplier; 1 where one multiplier counts for the whole result.
    pub of_channels: usize,
    /// The largest ratio of scales: that of the accumulated sum over the result's.
    pub ratio: f64,
}

impl fmt::Display for Silenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Silenced { node, op, channels, of_channels, ratio } = self;
        write!(f, "node `{node}` ({op}): ")?;
        match channels == of_channels {
            true => write!(f, "its result is 0 in int8")?,
            false => write!(f, "{channels} of its {of_channels} channels are 0 in int8")?,
        }
        write!(
            f,
            ", because in calibration it was so much smaller than what it is computed from that the ratio of their \
             scales is {ratio:.1e} (N-MULTIPLIER wants less than 2^30); if it matters, calibrate with samples on which \
             this layer gives larger numbers"
        )
    }
}

/// A node of the real network, and what became of it.
///
/// The share of a network that runs on the DLP counts these nodes: those that compute or move something. It
/// leaves out reshapes, nodes that only mark quantisation (quantize_linear, dequantize_linear), and nodes
/// that constants alone decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Its multiply-accumulates, as `Summary` counts them.
    pub macs: u64,
    /// The nodes of the new graph that do its work: int8 ones, or its copy if it stayed real.
    ///
    /// Several nodes of the network may be one node there.
    pub nodes: Vec<NodeId>,
    /// Why it stayed real, if it did.
    pub left: Option<Left>,
}

/// Why a node stayed real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The reason, as a sentence without its end.
    pub reason: String,
    /// The name of the node that caused it: itself, or the first of those before it that stayed real.
    pub cause: String,
}

/// A graph in the int8 dialect.
#[derive(Debug, Clone)]
pub struct Quantised {
    /// The graph: int8 in NHWC, f32 at its borders and wherever a node could not be lowered.
    pub graph: Graph,
    /// The nodes that stayed real, in topological order, each with its reason.
    ///
    /// Nodes that only convert (quantize_linear, dequantize_linear and the transposes beside them) are not
    /// listed.
    pub left: Vec<LeftReal>,
    /// The nodes whose results became zeros in int8; each is also a warning of `tracing`.
    ///
    /// Channels that are exactly zero, because all their weights and their bias are, do not count.
    pub silenced: Vec<Silenced>,
    /// What became of the network's nodes, in topological order.
    pub origins: Vec<Origin>,
}

/// Quantises an optimised real graph with scales from its calibration.
///
/// Weights are symmetric with one scale for each output channel. Activations are asymmetric with one scale
/// for each tensor, whose range includes 0; what the host converts on behalf of neighbours on the DLP may have one for
/// each channel. Inputs and outputs keep type, shape and name. A node that has no
/// int8 form stays real, and with it those around it that would gain nothing from int8; what multiplies behind
/// it is int8 again. [`Quantised::left`] lists them.
///
/// # Errors
/// The graph quantises values itself, or was not the one calibrated.
pub fn quantise(graph: &Graph, calibration: &Calibration) -> Result<Quantised> {
    quantise_beside(graph, calibration, None, &HashSet::new())
}

/// Quantises, where the nodes of `floats` are the DLP's if they stay real; with nothing it has no real numbers. Those of `kept`
/// stay real, whatever form they have.
pub(crate) fn quantise_beside(
    graph: &Graph,
    calibration: &Calibration,
    floats: Option<HashSet<NodeId>>,
    kept: &HashSet<NodeId>,
) -> Result<Quantised> {
    let quantises = |node: &&Node| node.op.name() == "quantize_linear";
    if let Some(node) = graph.nodes().map(|id| graph.node(id)).find(quantises) {
        return Err(OptimiserError::AlreadyQuantised {
            graph: graph.name.clone(),
            node: node.name.clone(),
            op: node.op.name().to_owned(),
        });
    }
    let plan = Plan::new(graph, Ranges::Calibrated(calibration), floats, kept);
    let encodings = Encodings::from_calibration(&plan, calibration)?;
    emitted(&plan, &encodings, Some(calibration))
}

/// Quantises a graph with the scales that its marks prescribe, and with those of a calibration for what is
/// multiplied, a product or part of a recurrence, and has no mark.
///
/// The nodes of `floats` are the DLP's if they stay real.
pub(crate) fn quantise_marked(
    graph: &Graph,
    marks: HashMap<ValueId, Encoding>,
    calibration: Option<&Calibration>,
    floats: Option<HashSet<NodeId>>,
) -> Result<Quantised> {
    let nothing = HashSet::new();
    let plan = Plan::new(graph, Ranges::Marked(&marks, calibration), floats, &nothing);
    let encodings = Encodings::from_marks(&plan, &marks, calibration)?;
    emitted(&plan, &encodings, calibration)
}

/// The new graph of a plan, with warnings of what became zero in it.
fn emitted(plan: &Plan, encodings: &Encodings, calibration: Option<&Calibration>) -> Result<Quantised> {
    let quantised = emit(plan, encodings, calibration)?;
    for silenced in &quantised.silenced {
        tracing::warn!("{silenced}");
    }
    Ok(quantised)
}

/// The rules by which nodes become int8, in the order in which they are asked: name and documentation.
pub fn quantisation_rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    rules::all().iter().map(|rule| (rule.name, rule.documentation))
}
