//! matmul of computed values, and of stacked rows with constant weights -> q_matmul.

use ediacara_graph::ops::{Activation, Add, Concat, Div, MatMul, QMatMul, Reshape, Slice, Transpose};
use ediacara_graph::{Graph, Node, NodeId, Rescaling, Tensor, ValueId};

use super::{Rule, bounds};
use crate::Result;
use crate::known::{real_constant, scaled_by};
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layer::{Knowledge, Layer};
use crate::quantise::layout::Layout;
use crate::quantise::linear::Linear;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::quantise::weights::{Bias, Weights};

pub(crate) const RULE: Rule = Rule {
    name: "batch_matmul",
    documentation: "matmul of two computed values becomes one q_matmul for each matrix of the batch, the second operand's \
        as weights with one scale (attention), and one factor behind it its own; matmul of stacked rows with constant weights, and a bias behind it, becomes \
        one q_matmul of all rows, symmetric per output.",
    check,
};

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<MatMul>().is_none() {
        return Verdict::NotMine;
    }
    let [x, y] = [node.inputs[0], node.inputs[1]];
    let ranks = [x, y].map(|value| plan.graph.ty(value).rank());
    if ranks.iter().any(|&rank| rank < 2) {
        return Verdict::Refused("a vector as an operand of matmul has no int8 form".to_owned());
    }
    let stored = |value| {
        matches!(plan.layout(value), Some(Layout::Plain | Layout::ChannelsLast | Layout::AxisLast(_)))
    };
    if !stored(x) {
        return Verdict::Refused(
            "its first operand is not stored in int8 in an order of its own axes".to_owned(),
        );
    }
    let (layout, scales) = (Layout::Plain, Scales::Free);
    if plan.is_constant(y) && ranks[1] == 2 {
        let by_channels = [x, node.outputs[0]].iter().all(|&value| {
            let rank = plan.graph.ty(value).rank();
            plan.channel_axis(value) == Some(rank - 1)
        });
        return match Weights::read_turned(plan.graph, y) {
            Ok(weights) => {
                let bias = bias_after(plan, id, &weights);
                let last = bias.as_ref().map_or(id, |(add, _)| *add);
                let emit = StackedRows { weights, bias: bias.map(|(_, bias)| bias), by_channels };
                match plan.accept_bounded(last, Activation::None, vec![x], (layout, scales), emit) {
                    Verdict::Accepted(mut lowering) if last != id => {
                        lowering.node = id;
                        plan.absorb(last);
                        Verdict::Accepted(lowering)
                    }
                    verdict => verdict,
                }
            }
            Err(reason) => Verdict::Refused(reason),
        };
    }
    if !stored(y) {
        let reason =
            "its second operand is neither a constant matrix nor stored in int8 in an order of its own axes";
        return Verdict::Refused(reason.to_owned());
    }
    let factors = factors_after(plan, id);
    let (last, factor) = factors.last().copied().unwrap_or((id, 1.0));
    match plan.accept_bounded(last, Activation::None, vec![x, y], (layout, scales), Batch { factor }) {
        Verdict::Accepted(mut lowering) => {
            lowering.node = id;
            factors.iter().for_each(|(scaling, _)| plan.absorb(*scaling));
            Verdict::Accepted(lowering)
        }
        verdict => verdict,
    }
}

/// The nodes that multiply or divide a product by one number, one after the other, each with all numbers up to it.
///
/// Nothing else reads what is between them.
fn factors_after(plan: &Plan, product: NodeId) -> Vec<(NodeId, f64)> {
    let (mut found, mut last, mut factor) = (Vec::new(), product, 1.0);
    while let Some(next) = plan.graph.only_consumer(plan.graph.output_of(last)) {
        let node = plan.graph.node(next);
        let Some((_, number)) = scaled_by(plan.graph, node) else { break };
        let Some(number) = plan.graph.constant(number).and_then(|tensor| tensor.to_vec::<f32>().ok()) else {
            break;
        };
        let number = f64::from(number[0]);
        factor = if node.op_as::<Div>().is_some() { factor / number } else { factor * number };
        found.push((next, factor));
        last = next;
    }
    found
}

/// The addition of one constant an output that alone reads a product, and the constants.
fn bias_after(plan: &Plan, product: NodeId, weights: &Weights) -> Option<(NodeId, Bias)> {
    let outputs = *weights.shape().first()?;
    let value = plan.graph.output_of(product);
    let add = plan.graph.only_consumer(value)?;
    let node = plan.graph.node(add);
    node.op_as::<Add>()?;
    let other = node.inputs.iter().copied().find(|&input| input != value)?;
    let alike = plan.graph.ty(node.outputs[0]) == plan.graph.ty(value);
    let tensor = real_constant(plan.graph, other).filter(|tensor| alike && tensor.len() == outputs)?;
    let last = tensor.shape().last() == Some(&outputs);
    let numbers =
        tensor.to_vec::<f32>().ok().filter(|numbers| last && numbers.iter().all(|n| n.is_finite()))?;
    Some((add, Bias::Real(numbers)))
}

/// The axes of a matrix in the real operand: that of its rows and that of the sums' terms.
#[derive(Debug, Clone, Copy)]
struct Axes {
    rows: usize,
    terms: usize,
}

/// A stored operand whose last two axes are those of a matrix, in either order.
struct Matrices {
    value: ValueId,
    /// The real operand's leading dimensions.
    batch: Vec<usize>,
    /// The stored axis of each leading dimension.
    places: Vec<usize>,
    rows: usize,
    terms: usize,
    /// Whether rows lie along the last axis.
    turned: bool,
}

/// The operand with its matrices innermost: as it is stored, or moved there.
fn matrices(emitter: &mut Emitter, name: &str, x: Stored, shape: &[usize], axes: Axes) -> Result<Matrices> {
    let rank = shape.len();
    let stored = x.layout.permutation(rank);
    let batch = shape[..rank - 2].to_vec();
    let (rows, terms) = (shape[axes.rows], shape[axes.terms]);
    let turned = match stored[rank - 2..] {
        [first, second] if [first, second] == [axes.rows, axes.terms] => Some(false),
        [first, second] if [first, second] == [axes.terms, axes.rows] => Some(true),
        _ => None,
    };
    if let Some(turned) = turned {
        let place = |axis| stored.iter().position(|&real| real == axis).unwrap_or(axis);
        let places = (0..rank - 2).map(place).collect();
        return Ok(Matrices { value: x.value, batch, places, rows, terms, turned });
    }
    let wanted = (0..rank - 2).chain([axes.rows, axes.terms]);
    let permutation = wanted.filter_map(|axis| stored.iter().position(|&real| real == axis)).collect();
    let value = emitter.add(format!("{name}.matrices"), Transpose { permutation }, &[x.value])?;
    Ok(Matrices { value, batch, places: (0..rank - 2).collect(), rows, terms, turned: false })
}

impl Matrices {
    /// The matrix `[rows, terms]` for an index of the result's batch; dimensions of 1 are repeated.
    fn at(&self, emitter: &mut Emitter, name: &str, index: &[usize]) -> Result<ValueId> {
        let shape = emitter.graph.ty(self.value).shape.clone();
        let mut part = Slice::all(&shape);
        let own = &index[index.len() - self.batch.len()..];
        for ((&place, &extent), &at) in self.places.iter().zip(&self.batch).zip(own) {
            let at = if extent == 1 { 0 } else { at as i64 };
            (part.starts[place], part.ends[place]) = (at, at + 1);
        }
        let mut value = self.value;
        if part != Slice::all(&shape) {
            value = emitter.add(format!("{name}.part"), part, &[value])?;
        }
        let [rows, terms] = [self.rows, self.terms];
        let shape = if self.turned { vec![terms, rows] } else { vec![rows, terms] };
        if emitter.graph.ty(value).shape != shape {
            value = emitter.add(format!("{name}.matrix"), Reshape { shape }, &[value])?;
        }
        if self.turned {
            value = emitter.add(format!("{name}.turned"), Transpose { permutation: vec![1, 0] }, &[value])?;
        }
        Ok(value)
    }
}

fn shape(graph: &Graph, value: ValueId) -> Vec<usize> {
    graph.ty(value).shape.clone()
}

/// Rows of any leading dimensions, times one constant matrix.
#[derive(Debug)]
struct StackedRows {
    /// `[N, K]`.
    weights: Weights,
    /// One number an output.
    bias: Option<Bias>,
    /// Whether the terms and the outputs are what calibration knows as channels.
    by_channels: bool,
}

impl Emit for StackedRows {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        rescaling.factors.len() == 1
    }

    fn as_linear(&self) -> Option<Linear<'_>> {
        let linear = Linear { weights: &self.weights, groups: 1, gathered: None, is_padded: false };
        self.by_channels.then_some(linear)
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let (x, y) = (operands[0], emitter.encoding(lowering)?);
        let real = shape(emitter.source, lowering.operands[0]);
        let name = emitter.name(lowering);
        // The leading dimensions are rows too, once the terms lie last.
        let axes = Axes { rows: real.len() - 2, terms: real.len() - 1 };
        let mut value = x.value;
        let stored = x.layout.permutation(real.len());
        if stored.iter().enumerate().any(|(place, &axis)| place != axis) {
            let permutation = crate::quantise::layout::inverse(&stored);
            value = emitter.add(format!("{name}.rows_first"), Transpose { permutation }, &[value])?;
        }
        let rows = real[..=axes.rows].iter().product();
        let matrix = Reshape { shape: vec![rows, real[axes.terms]] };
        value = emitter.add(format!("{name}.matrix"), matrix, &[value])?;
        let constants = emitter.constants(lowering, |emitter| {
            let (bias, rescaling) = (self.bias.as_ref(), lowering.rescaling.as_ref());
            let layer = Layer { weights: &self.weights, bias, groups: 1, rescaling };
            let knowledge = match self.by_channels {
                true => emitter.knowledge(lowering, lowering.operands[0]),
                false => Knowledge::default(),
            };
            let (integers, records) = layer.quantise([x.encoding.scale, y.scale], &knowledge, |ratio| {
                emitter.multiplier(lowering, ratio)
            })?;
            Ok((Tensor::from_vec(self.weights.shape(), integers.values)?, integers.zero, records))
        })?;
        let (low, high) = bounds(lowering.activation, y);
        let op = QMatMul { x_zero: x.encoding.zero, w_zero: constants.w_zero, y_zero: y.zero, low, high };
        let [weight, bias, multiplier, shift] = constants.values;
        let inputs = [value, weight, bias, multiplier, shift];
        let product = emitter.add(format!("{name}.product"), op, &inputs)?;
        let result = Reshape { shape: shape(emitter.source, lowering.result) };
        let value = emitter.add(name, result, &[product])?;
        Ok(Stored { value, encoding: y, layout: Layout::Plain })
    }
}

/// Both operands computed, leading dimensions broadcast.
#[derive(Debug)]
struct Batch {
    /// What the product is multiplied by.
    factor: f64,
}

impl Emit for Batch {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        rescaling.factors.len() == 1
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let [x, y] = [operands[0], operands[1]];
        let out = emitter.encoding(lowering)?;
        let name = emitter.name(lowering);
        let [x_shape, y_shape] = [0, 1].map(|index| shape(emitter.source, lowering.operands[index]));
        let result = shape(emitter.source, lowering.result);
        let rank = x_shape.len();
        let x_axes = Axes { rows: rank - 2, terms: rank - 1 };
        let left = matrices(emitter, &format!("{name}.x"), x, &x_shape, x_axes)?;
        let rank = y_shape.len();
        let y_axes = Axes { rows: rank - 1, terms: rank - 2 };
        let right = matrices(emitter, &format!("{name}.y"), y, &y_shape, y_axes)?;

        let product = self.factor * f64::from(x.encoding.scale) * f64::from(y.encoding.scale);
        let (factor, offset) = lowering.rescaling.as_ref().map_or((1.0, 0.0), |one| one.of_channel(0));
        let ratio = emitter.multiplier(lowering, product * factor / f64::from(out.scale))?;
        // The cast saturates.
        let bias = (offset / (product * factor)).round() as i32;
        let (low, high) = bounds(lowering.activation, out);
        let op = QMatMul { x_zero: x.encoding.zero, w_zero: y.encoding.zero, y_zero: out.zero, low, high };
        let columns = right.rows;
        let records = [
            emitter.constant(format!("{name}.bias"), Tensor::full(&[columns], bias)?),
            emitter.constant(format!("{name}.multiplier"), Tensor::full(&[columns], ratio.value)?),
            emitter.constant(format!("{name}.shift"), Tensor::full(&[columns], ratio.shift)?),
        ];
        let [bias, multiplier, shift] = records;
        let batch = &result[..result.len() - 2];
        let count: usize = batch.iter().product();
        let mut parts = Vec::with_capacity(count);
        for at in 0..count {
            let name = if count == 1 { format!("{name}.product") } else { format!("{name}.{at}") };
            let index = index_of(at, batch);
            let rows = left.at(emitter, &format!("{name}.x"), &index)?;
            let weights = right.at(emitter, &format!("{name}.y"), &index)?;
            let product = emitter.add(&name, op, &[rows, weights, bias, multiplier, shift])?;
            let matrix = Reshape { shape: vec![1, left.rows, columns] };
            parts.push(emitter.add(format!("{name}.matrix"), matrix, &[product])?);
        }
        let joined = match parts[..] {
            [one] => one,
            _ => emitter.add(format!("{name}.joined"), Concat { axis: 0 }, &parts)?,
        };
        let value = emitter.add(name, Reshape { shape: result.clone() }, &[joined])?;
        Ok(Stored { value, encoding: out, layout: Layout::Plain })
    }
}

/// The index of element `at` of a row-major tensor.
fn index_of(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        (index[axis], at) = (at % shape[axis], at / shape[axis]);
    }
    index
}
