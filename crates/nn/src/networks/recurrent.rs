//! Recurrent layers, named by their sizes: `lstm:128-128x100` has 128 inputs, 128 units and 100 steps.
//!
//! One product makes all inputs ready; a `recur` goes through the steps.

use ediacara_graph::ops::{Add, Gemm, Mul, Recur, Reshape, Sigmoid, Slice, Sub, Tanh, Transpose};
use ediacara_graph::{Graph, IntoOp, TensorType, ValueId};
use ediacara_tensor::Tensor;

use crate::NnError;
use crate::builder::Builder;

pub(super) const EXAMPLES: [&str; 2] = ["lstm:128-128x100", "gru:128-128x100"];

/// The most inputs, units or steps; a step's weights are at most 4 * 2^26.
const SIZE_LIMIT: usize = 1 << 13;

/// A kind of layer.
struct Kind {
    prefix: &'static str,
    /// Units of the products of input and state, in multiples of the layer's.
    gates: usize,
    has_cell: bool,
    step: fn(&mut Body, [ValueId; 4]) -> Result<Vec<ValueId>, NnError>,
}

const KINDS: [Kind; 2] = [
    Kind { prefix: "lstm:", gates: 4, has_cell: true, step: lstm },
    Kind { prefix: "gru:", gates: 3, has_cell: false, step: gru },
];

/// Whether a name is that of a recurrent layer.
pub(super) fn is_one(name: &str) -> bool {
    KINDS.iter().any(|kind| name.starts_with(kind.prefix))
}

/// The layer of that name: input [batch, steps, inputs], output [batch, steps, units], state from zero.
pub(super) fn build(name: &str, batch: usize, seed: u64) -> Result<Graph, NnError> {
    let wrong = |problem: String| NnError::Recurrent { name: name.to_owned(), problem };
    let Some(kind) = KINDS.iter().find(|kind| name.starts_with(kind.prefix)) else {
        return Err(wrong("is no kind of recurrent layer".to_owned()));
    };
    let sizes = &name[kind.prefix.len()..];
    let [inputs, units, steps] =
        parse(sizes).ok_or_else(|| wrong(format!("'{sizes}' is not INPUT-HIDDENxSTEPS")))?;
    if [inputs, units, steps].into_iter().any(|size| !(1..=SIZE_LIMIT).contains(&size)) {
        return Err(wrong(format!("inputs, units and steps are 1 to {SIZE_LIMIT}")));
    }
    let rows = kind.gates * units;
    let mut builder = Builder::new(name, seed);
    let input = builder.input(&[batch, steps, inputs]);
    let x = builder.op("by_step", Transpose { permutation: vec![1, 0, 2] }, &[input.value()])?;
    let x = builder.op("rows", Reshape { shape: vec![steps * batch, inputs] }, &[x])?;
    let weight = builder.matrix("input_weight", [rows, inputs])?;
    let bias = builder.bias("bias", rows)?;
    let products = builder.op("products", Gemm::default(), &[x, weight, bias])?;
    let products = builder.op("sequence", Reshape { shape: vec![steps, batch, rows] }, &[products])?;
    let state = builder.given("state", Tensor::full(&[batch, units], 0.0_f32)?);
    let carried = if kind.has_cell { vec![state, state] } else { vec![state] };
    let recurrent = builder.matrix("recurrent_weight", [rows, units])?;
    let recur = Recur::new(body(kind, [batch, units])?, [carried.len(), 1], false);
    let recur = recur.map_err(|error| wrong(error.to_string()))?;
    let operands: Vec<ValueId> = carried.iter().copied().chain([recurrent, products]).collect();
    let all = builder.results("layer", recur, &operands)?[carried.len()];
    let y = builder.op("by_batch", Transpose { permutation: vec![1, 0, 2] }, &[all])?;
    Ok(builder.finish(input.moved_to(y)))
}

fn parse(sizes: &str) -> Option<[usize; 3]> {
    let (inputs, rest) = sizes.split_once('-')?;
    let (units, steps) = rest.split_once('x')?;
    Some([inputs.parse().ok()?, units.parse().ok()?, steps.parse().ok()?])
}

/// The graph of a step in the making.
struct Body {
    graph: Graph,
    batch: usize,
    units: usize,
}

impl Body {
    fn op(&mut self, name: &str, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, NnError> {
        Ok(self.graph.add(name, op, inputs)?)
    }

    /// Gates `from` to `to` of a product.
    fn gates(&mut self, name: &str, x: ValueId, [from, to]: [usize; 2]) -> Result<ValueId, NnError> {
        let shape = self.graph.ty(x).shape.clone();
        self.op(name, Slice::along(&shape, 1, from * self.units, to * self.units), &[x])
    }
}

fn body(kind: &Kind, [batch, units]: [usize; 2]) -> Result<Graph, NnError> {
    let mut body = Body { graph: Graph::new("step"), batch, units };
    let rows = kind.gates * units;
    let h = body.graph.add_input("h", TensorType::f32(&[batch, units]));
    let c = if kind.has_cell { body.graph.add_input("c", TensorType::f32(&[batch, units])) } else { h };
    let r = body.graph.add_input("r", TensorType::f32(&[rows, units]));
    let p = body.graph.add_input("p", TensorType::f32(&[batch, rows]));
    let outputs = (kind.step)(&mut body, [h, c, r, p])?;
    body.graph.set_outputs(outputs);
    Ok(body.graph)
}

/// Gates i, f, o and the candidate g: c' = f * c + i * g, h' = o * tanh(c').
///
/// Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000.
fn lstm(body: &mut Body, [h, c, r, p]: [ValueId; 4]) -> Result<Vec<ValueId>, NnError> {
    let product = body.op("product", Gemm::default(), &[h, r])?;
    let sum = body.op("sum", Add, &[product, p])?;
    let gates = body.gates("gates", sum, [0, 3])?;
    let open = body.op("open", Sigmoid, &[gates])?;
    let candidate = body.gates("candidate", sum, [3, 4])?;
    let candidate = body.op("bounded_candidate", Tanh, &[candidate])?;
    let input = body.gates("input_gate", open, [0, 1])?;
    let forget = body.gates("forget_gate", open, [1, 2])?;
    let output = body.gates("output_gate", open, [2, 3])?;
    let kept = body.op("kept", Mul, &[forget, c])?;
    let added = body.op("added", Mul, &[input, candidate])?;
    let c = body.op("cell", Add, &[kept, added])?;
    let shown = body.op("shown", Tanh, &[c])?;
    let h = body.op("hidden", Mul, &[output, shown])?;
    Ok(vec![h, c, h])
}

/// Gates z and r, and the candidate n = tanh(p + r * R h): h' = (1 - z) * n + z * h.
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, with the reset behind the product.
fn gru(body: &mut Body, [h, _, r, p]: [ValueId; 4]) -> Result<Vec<ValueId>, NnError> {
    let units = body.units;
    let rows = |from: usize, to: usize| Slice::along(&[3 * units, units], 0, from * units, to * units);
    let of_gates = body.op("gate_weight", rows(0, 2), &[r])?;
    let of_candidate = body.op("candidate_weight", rows(2, 3), &[r])?;
    let product = body.op("gate_product", Gemm::default(), &[h, of_gates])?;
    let from_input = body.gates("gate_input", p, [0, 2])?;
    let sum = body.op("gate_sum", Add, &[product, from_input])?;
    let open = body.op("open", Sigmoid, &[sum])?;
    let update = body.gates("update_gate", open, [0, 1])?;
    let reset = body.gates("reset_gate", open, [1, 2])?;
    let product = body.op("candidate_product", Gemm::default(), &[h, of_candidate])?;
    let remembered = body.op("remembered", Mul, &[reset, product])?;
    let from_input = body.gates("candidate_input", p, [2, 3])?;
    let sum = body.op("candidate_sum", Add, &[remembered, from_input])?;
    let candidate = body.op("candidate", Tanh, &[sum])?;
    let one = body.graph.add_constant("one", Tensor::scalar(1.0_f32));
    let closed = body.op("closed", Sub, &[one, update])?;
    let new = body.op("new", Mul, &[closed, candidate])?;
    let old = body.op("old", Mul, &[update, h])?;
    let h = body.op("hidden", Add, &[new, old])?;
    debug_assert_eq!(body.graph.ty(h).shape, [body.batch, units]);
    Ok(vec![h, h])
}
