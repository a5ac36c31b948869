//! One time step of recurrent layers, with the formulas and the order of gates of PyTorch.

use ediacara_graph::ops::{Add, Gemm, Mul, Sigmoid, Slice, Sub, Tanh};
use ediacara_graph::{Emit, OpError, ValueId};

/// The weights of a recurrent layer of C inputs, H units and G gates; the gates' rows follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecurrentWeights {
    /// `[G * H, C]`, for what comes in.
    pub input_weight: ValueId,
    /// `[G * H, H]`, for the hidden state.
    pub hidden_weight: ValueId,
    /// `[G * H]`.
    pub input_bias: ValueId,
    /// `[G * H]`.
    pub hidden_bias: ValueId,
}

impl RecurrentWeights {
    /// `x * input_weight^T + input_bias` and `hidden * hidden_weight^T + hidden_bias`, both `[N, G * H]`.
    fn project(&self, emit: &mut dyn Emit, x: ValueId, hidden: ValueId) -> Result<[ValueId; 2], OpError> {
        let from_input = emit.one(Gemm::default(), &[x, self.input_weight, self.input_bias])?;
        let from_hidden = emit.one(Gemm::default(), &[hidden, self.hidden_weight, self.hidden_bias])?;
        Ok([from_input, from_hidden])
    }
}

/// The columns of one of `count` gates.
fn gate(emit: &mut dyn Emit, gates: ValueId, index: usize, count: usize) -> Result<ValueId, OpError> {
    let shape = emit.ty(gates).shape.clone();
    let units = shape[1] / count;
    emit.one(Slice::along(&shape, 1, index * units, (index + 1) * units), &[gates])
}

/// `tanh(W x + b + U h + c)`: `x[N, C]` and `hidden[N, H]` give the next hidden state.
///
/// Elman, "Finding structure in time", 1990.
///
/// # Errors
/// The shapes do not fit, or the types differ.
pub fn rnn_cell(
    emit: &mut dyn Emit,
    x: ValueId,
    hidden: ValueId,
    weights: &RecurrentWeights,
) -> Result<ValueId, OpError> {
    let [from_input, from_hidden] = weights.project(emit, x, hidden)?;
    let sum = emit.one(Add, &[from_input, from_hidden])?;
    emit.one(Tanh, &[sum])
}

/// Long short-term memory: `x[N, C]`, `hidden[N, H]` and `cell[N, H]` give the next hidden state and the next
/// cell.
///
/// Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000.
///
/// The gates are i, f, g and o, in this order. Each is a function of its own `W x + b + U h + c`: i, f and o
/// are sigmoids, g is a tanh. `cell' = f * cell + i * g`, and `hidden' = o * tanh(cell')`.
///
/// # Errors
/// The shapes do not fit, or the types differ.
pub fn lstm_cell(
    emit: &mut dyn Emit,
    x: ValueId,
    [hidden, cell]: [ValueId; 2],
    weights: &RecurrentWeights,
) -> Result<[ValueId; 2], OpError> {
    let [from_input, from_hidden] = weights.project(emit, x, hidden)?;
    let gates = emit.one(Add, &[from_input, from_hidden])?;
    let [input, forget, candidate, output] = [
        gate(emit, gates, 0, 4)?,
        gate(emit, gates, 1, 4)?,
        gate(emit, gates, 2, 4)?,
        gate(emit, gates, 3, 4)?,
    ];
    let input = emit.one(Sigmoid, &[input])?;
    let forget = emit.one(Sigmoid, &[forget])?;
    let candidate = emit.one(Tanh, &[candidate])?;
    let output = emit.one(Sigmoid, &[output])?;
    let kept = emit.one(Mul, &[forget, cell])?;
    let added = emit.one(Mul, &[input, candidate])?;
    let cell = emit.one(Add, &[kept, added])?;
    let bounded = emit.one(Tanh, &[cell])?;
    Ok([emit.one(Mul, &[output, bounded])?, cell])
}

/// The gated recurrent unit: `x[N, C]` and `hidden[N, H]` give the next hidden state.
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
///
/// The gates are r, z and n, in this order. `r = sigmoid(W_r x + b_r + U_r h + c_r)`, and z likewise.
/// `n = tanh(W_n x + b_n + r * (U_n h + c_n))`. `hidden' = (1 - z) * n + z * hidden`.
///
/// # Errors
/// The shapes do not fit, or the types differ.
pub fn gru_cell(
    emit: &mut dyn Emit,
    x: ValueId,
    hidden: ValueId,
    weights: &RecurrentWeights,
) -> Result<ValueId, OpError> {
    let projections = weights.project(emit, x, hidden)?;
    let mut sigmoid_of = |index: usize| {
        let [from_input, from_hidden] = projections;
        let parts = [gate(emit, from_input, index, 3)?, gate(emit, from_hidden, index, 3)?];
        let sum = emit.one(Add, &parts)?;
        emit.one(Sigmoid, &[sum])
    };
    let (reset, update) = (sigmoid_of(0)?, sigmoid_of(1)?);
    let [from_input, from_hidden] = [gate(emit, projections[0], 2, 3)?, gate(emit, projections[1], 2, 3)?];
    let remembered = emit.one(Mul, &[reset, from_hidden])?;
    let sum = emit.one(Add, &[from_input, remembered])?;
    let candidate = emit.one(Tanh, &[sum])?;
    // (1 - z) n + z h is computed as n + z (h - n).
    let change = emit.one(Sub, &[hidden, candidate])?;
    let change = emit.one(Mul, &[update, change])?;
    emit.one(Add, &[candidate, change])
}
