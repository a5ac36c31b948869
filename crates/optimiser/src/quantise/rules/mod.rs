//! The rules of int8, one in each file: which nodes a rule lowers, what it reads and how it builds them.

mod add;
mod affine;
mod batch_matmul;
mod concat;
mod conv;
mod conv_transpose;
mod gather;
mod interpolation;
mod markers;
mod matmul;
mod maximum;
mod movement;
mod multiply;
mod pool;
mod reshape;
mod table;
mod tensor_scatter;
mod transpose;

use ediacara_graph::ops::Activation;
use ediacara_graph::{Node, NodeId, Tensor, TensorType, ValueId};

use super::layout::Layout;
use super::plan::{Plan, Verdict};
use crate::known::real_constant;
use crate::{Encoding, Range};
pub(crate) use reshape::reshaped;
pub(crate) use transpose::moves_nothing;

/// A rule: lowers one kind of node to int8.
pub(crate) struct Rule {
    /// The name.
    pub(crate) name: &'static str,
    /// What it lowers to what.
    pub(crate) documentation: &'static str,
    /// Says whether this rule lowers a node; absorbs other nodes only if it does.
    pub(crate) check: fn(&mut Plan, NodeId, &Node) -> Verdict,
}

/// Every rule, in the order in which they are asked; the first that accepts a node lowers it.
pub(crate) fn all() -> &'static [Rule] {
    &[
        markers::RULE,
        conv::RULE,
        conv_transpose::RULE,
        matmul::RULE,
        batch_matmul::RULE,
        pool::RULE,
        concat::RULE,
        tensor_scatter::RULE,
        gather::RULE,
        reshape::RULE,
        interpolation::RULE,
        movement::RULE,
        transpose::RULE,
        table::RULE,
        affine::RULE,
        add::RULE,
        multiply::RULE,
        maximum::RULE,
    ]
}

/// The most elements of a constant that is stored to be added to, or multiplied with, an activation.
const LARGEST_CONSTANT: usize = 1 << 20;

/// The widest range of a constant that is no mask: a mask would take all steps of what it is added to.
const WIDEST_CONSTANT: f64 = 1e4;

/// An operand that is a constant, spread to the type of the activation beside it; nothing if it is none that can be
/// stored.
fn constant_beside(plan: &Plan, value: ValueId, ty: &TensorType) -> Option<Tensor> {
    if !plan.is_constant(value) || ty.elements() > LARGEST_CONSTANT {
        return None;
    }
    let spread = real_constant(plan.graph, value)?.broadcast_to(&ty.shape).ok()?.to_contiguous();
    let range = Range::of(spread.as_slice::<f32>().ok()?)?.with_zero();
    (range.width() <= WIDEST_CONSTANT).then_some(spread)
}

/// Why an image is not read: it is not stored, or its axes are not apart. Channels that do not lie last are put there.
pub(crate) fn unreadable_image(plan: &Plan, x: ValueId) -> Option<String> {
    match plan.layout(x) {
        Some(Layout::ChannelsLast | Layout::Plain | Layout::AxisLast(_)) => None,
        Some(Layout::Flat { .. }) => Some("its operand is stored as a flattened image".to_owned()),
        None => Some("its operand is not stored in int8".to_owned()),
    }
}

/// The stored bounds `(low, high)` of an activation.
pub(crate) fn bounds(activation: Activation, encoding: Encoding) -> (i8, i8) {
    let (low, high) = activation.bounds();
    (encoding.encode(low), encoding.encode(high))
}
