//! Elements that are not zero, and assignment to the elements that a mask selects.
//!
//! Exporters spell `x[mask] = f(x[mask])` as NonZero, GatherND, f and ScatterND. How many elements the mask selects
//! depends on the data, but the result is select(mask, f(x), x), of a known shape. [`assignments`] finds where
//! nothing else looks at the selected elements; there they stand in their places among all others, and positions
//! become the mask itself. Elsewhere a sample says how many there are.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ValueId;
use ediacara_graph::ops::NonZero;
use ediacara_tensor::{DType, Tensor};

use super::gather::check_reduction;
use super::{MICROSOFT, Table, is_default_domain, one};
use crate::context::{Context, failed};
use crate::error::{NodeError, NodeResult};
use crate::head::Head;
use crate::node::{Node, axis};

pub(super) const TABLE: Table = &[("NonZero", non_zero), ("Compress", compress)];

/// The positions of the elements that are not zero, a column each.
fn non_zero(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let x = if context.shape(x).is_empty() { context.reshape(x, &[1])? } else { x };
    one(positions(context, x, node.input_name(0))?)
}

/// The slices along an axis, or the elements, for which the condition holds.
fn compress(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (x, condition) = (node.input(0)?, node.input(1)?);
    let shape = context.shape(x).to_vec();
    let (x, axis) = match node.int("axis")? {
        Some(given) => (x, axis(given, shape.len())?),
        None => (context.reshape(x, &[shape.iter().product()])?, 0),
    };
    let found = positions(context, condition, node.input_name(1))?;
    let count = context.shape(found).iter().product();
    let found = context.reshape(found, &[count])?;
    one(context.gather(x, found, axis)?)
}

/// As NonZero gives them; how many there are is known, or as in the sample.
fn positions(context: &mut Context<'_>, x: ValueId, name: &str) -> NodeResult<ValueId> {
    let tensor = context.known(x).or_else(|| context.sample.as_mut()?.value(&context.graph, x));
    let Some(tensor) = tensor else { return Err(context.depends_on_data(x, name)) };
    let count = NonZero::count_of(&tensor).map_err(failed)?;
    if count == 0 && context.known(x).is_none() {
        // Nothing is computed of no elements, so that the number itself has to be guarded.
        let truths = context.cast(x, DType::Bool)?;
        let numbers = context.cast(truths, DType::I64)?;
        let axes: Vec<usize> = (0..context.shape(x).len()).collect();
        let number = context.reduce(numbers, ediacara_graph::ops::ReduceKind::Sum, &axes, false)?;
        context.guarded(number, &format!("the number of elements of {name} that are not zero"));
    }
    context.emit(NonZero { count }, &[x])
}

/// What becomes of a node that deals with the elements that a mask selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Positions: the mask.
    Mask,
    /// Positions or elements as its first operand has them.
    Passed,
    /// The selected elements in their places, among zeros.
    Picked,
    /// Their number, which nothing needs.
    Count,
    /// The assignment: a select.
    Assigned,
}

/// What a name stands for, with the mask by which it was selected.
#[derive(Debug, Clone, Copy)]
enum Kind<'a> {
    Positions(&'a str),
    Picked(&'a str),
    Count(&'a str),
}

impl<'a> Kind<'a> {
    fn mask(self) -> &'a str {
        match self {
            Kind::Positions(mask) | Kind::Picked(mask) | Kind::Count(mask) => mask,
        }
    }
}

/// Operators, of ONNX and of onnxruntime, whose every result depends on the elements of its operands at its own place.
const ELEMENTWISE: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Clip",
    "Cos",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Greater",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Less",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "QLinearAdd",
    "QLinearLeakyRelu",
    "QLinearMul",
    "QLinearSigmoid",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softplus",
    "Sqrt",
    "Sub",
    "Tanh",
    "Where",
];

/// Operators that take a shape apart, or put one together.
const SHAPES: &[&str] = &["Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze"];

/// What is known of the names of a graph, up to some node.
struct Names<'a> {
    kinds: HashMap<&'a str, Kind<'a>>,
    /// Constants, with how many elements they have.
    constants: HashMap<&'a str, usize>,
    /// For values that hold another one's elements: that one.
    copies: HashMap<&'a str, &'a str>,
}

/// The first outputs of the nodes that assign to what a mask selects, or prepare it, and what becomes of each.
///
/// `order` has the nodes that the outputs need; `constants` gives the number of elements of every constant.
pub(crate) fn assignments<'a>(
    nodes: &'a [impl Head],
    order: &[usize],
    outputs: &[&str],
    constants: impl FnOnce() -> HashMap<&'a str, usize>,
) -> HashMap<&'a str, Role> {
    let operator = |index: usize| {
        let [domain, op, _] = nodes[index].operator();
        if is_default_domain(domain) || domain == MICROSOFT { op } else { "" }
    };
    if !order.iter().any(|&index| operator(index) == "NonZero") {
        return HashMap::new();
    }
    let mut names = Names { kinds: HashMap::new(), constants: constants(), copies: HashMap::new() };
    let mut roles = Vec::new();
    let mut refused = HashSet::new();
    for &index in order {
        let (node, op) = (&nodes[index], operator(index));
        let inputs: Vec<&str> = node.inputs().collect();
        let first = inputs.first().copied().unwrap_or("");
        let Some(output) = node.outputs().next() else { continue };
        match op {
            "QuantizeLinear" | "DequantizeLinear" => {
                let count = names.constants.get(first).copied();
                names.constants.extend(count.map(|count| (output, count)));
            }
            "Expand" | "Cast" | "Identity" => drop(names.copies.insert(output, names.root(first))),
            _ => {}
        }
        if op == "NonZero" {
            let mask = names.root(first);
            names.kinds.insert(output, Kind::Positions(mask));
            roles.push((output, mask, Role::Mask));
        }
        let mut masks = Vec::new();
        node.each_read(&mut |name| masks.extend(names.kinds.get(name).map(|kind| kind.mask())));
        let Some(&mask) = masks.first() else { continue };
        let alone = masks.iter().all(|&other| other == mask) && node.outputs().nth(1).is_none();
        let meaning = names.meaning(op, &inputs).filter(|_| alone);
        let Some((kind, role)) = meaning else {
            refused.extend(masks);
            continue;
        };
        names.kinds.extend(kind.map(|kind| (output, kind)));
        roles.extend(role.map(|role| (output, mask, role)));
    }
    let shown = outputs.iter().filter_map(|name| names.kinds.get(name));
    refused.extend(shown.map(|kind| kind.mask()));
    let kept = roles.into_iter().filter(|(_, mask, _)| !refused.contains(mask));
    kept.map(|(name, _, role)| (name, role)).collect()
}

impl<'a> Names<'a> {
    /// The value whose elements this one holds.
    fn root(&self, name: &'a str) -> &'a str {
        self.copies.get(name).copied().unwrap_or(name)
    }

    /// What a node that reads what a mask selects gives, and what becomes of it; nothing if it is none of those.
    fn meaning(&self, op: &str, inputs: &[&'a str]) -> Option<(Option<Kind<'a>>, Option<Role>)> {
        use Kind::{Count, Picked, Positions};
        let kind = |index: usize| inputs.get(index).and_then(|name| self.kinds.get(name)).copied();
        let is_single = |name: &str| name.is_empty() || self.constants.get(name) == Some(&1);
        let single = |index: usize| inputs.get(index).is_none_or(|name| is_single(name));
        let passed = |kind: Kind<'a>| Some((Some(kind), Some(Role::Passed)));
        match (op, kind(0), kind(1), kind(2)) {
            ("Transpose" | "Identity", Some(positions @ Positions(_)), ..) => passed(positions),
            ("Shape" | "Size", Some(counted), ..) => Some((Some(Count(counted.mask())), Some(Role::Count))),
            ("GatherND", None, Some(Positions(mask)), _) => Some((Some(Picked(mask)), Some(Role::Picked))),
            ("Reshape", Some(picked @ Picked(_)), None, _) if single(1) => passed(picked),
            ("Slice", Some(picked @ Picked(_)), None, Some(Count(_)))
                if single(1) && single(3) && single(4) =>
            {
                passed(picked)
            }
            ("Expand", None, Some(Count(mask)), _) if single(0) => passed(Picked(mask)),
            ("ScatterND", None, Some(Positions(_)), Some(Picked(_))) => Some((None, Some(Role::Assigned))),
            _ => {
                let kinds = || inputs.iter().map(|name| self.kinds.get(name));
                let mask = kinds().flatten().next()?.mask();
                let mut others = inputs.iter().filter(|name| !self.kinds.contains_key(*name));
                if SHAPES.contains(&op) && kinds().flatten().all(|kind| matches!(kind, Count(_))) {
                    let known = others.all(|name| name.is_empty() || self.constants.contains_key(name));
                    return known.then_some((Some(Count(mask)), Some(Role::Count)));
                }
                let picked = kinds().flatten().all(|kind| matches!(kind, Picked(_)));
                let alone = picked && ELEMENTWISE.contains(&op) && others.all(|name| is_single(name));
                alone.then_some((Some(Picked(mask)), None))
            }
        }
    }
}

/// The result of a node with a role.
pub(crate) fn stand_in(context: &mut Context<'_>, node: &Node<'_>, role: Role) -> NodeResult<Vec<ValueId>> {
    match role {
        Role::Mask => {
            let x = node.input(0)?;
            let x = if context.shape(x).is_empty() { context.reshape(x, &[1])? } else { x };
            one(context.cast(x, DType::Bool)?)
        }
        Role::Passed => {
            check_whole(context, node)?;
            one(node.input(0)?)
        }
        Role::Picked => {
            if node.int_or("batch_dims", 0)? != 0 {
                return Err(NodeError::new("selects by a mask for each of a batch, which is not supported"));
            }
            // What is not selected has to stay out of ranges and scales.
            let x = node.input(0)?;
            let (mask, zero) = (aligned(context, node.input(1)?, x)?, context.scalar_like(x, 0.0)?);
            one(context.select(mask, x, zero)?)
        }
        Role::Count => one(context.constant(Tensor::scalar(0_i64))?),
        Role::Assigned => {
            check_reduction(node)?;
            let (x, updates) = (node.input(0)?, node.input(2)?);
            let mask = aligned(context, node.input(1)?, x)?;
            one(context.select(mask, updates, x)?)
        }
    }
}

/// A mask whose axes are the first ones of x: each truth stands for a whole slice.
fn aligned(context: &mut Context<'_>, mask: ValueId, x: ValueId) -> NodeResult<ValueId> {
    let mut shape = context.shape(mask).to_vec();
    shape.resize(context.shape(x).len().max(shape.len()), 1);
    context.reshape(mask, &shape)
}

/// Refuses a node that does more than pass on all that is selected.
fn check_whole(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<()> {
    let mut is = |index: usize, value: i64| -> NodeResult<bool> {
        Ok(context.constant_ints(node, index)?.is_none_or(|values| values == [value]))
    };
    let whole = match node.proto.operator()[1] {
        "Reshape" => is(1, -1)?,
        "Slice" => is(1, 0)? && is(3, 0)? && is(4, 1)?,
        _ => true,
    };
    match whole {
        true => Ok(()),
        false => Err(NodeError::new(
            "takes a part of what a mask selects, which is not supported; assign to all that the mask selects",
        )),
    }
}
