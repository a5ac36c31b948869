//! What recurrent layers have in common: weights, time steps, and the sequence of their results.
//!
//! Time is unrolled: a graph has a fixed number of steps, each with its own nodes and the same weights.

use ediacara_graph::ops::{Concat, Reshape, Slice};
use ediacara_graph::{Emit, OpError, TensorType, ValueId};

use crate::functional::RecurrentWeights;
use crate::{Initialiser, NnError, Role, Scope};

/// What a recurrent layer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The hidden state after each time step: `[N, T, H]`.
    pub outputs: ValueId,
    /// The hidden state after the last step: `[N, H]`.
    pub hidden: ValueId,
}

/// A step of a recurrent layer of one state: emitter, `x[N, C]`, state `[N, H]` and weights give the next
/// state.
pub(super) type Cell = fn(&mut dyn Emit, ValueId, ValueId, &RecurrentWeights) -> Result<ValueId, OpError>;

impl Scope {
    /// The weights of a layer of `units` units with `gates` gates.
    ///
    /// Names and distribution are PyTorch's: uniform in ±1 / sqrt(units).
    pub(super) fn recurrent_weights(
        &mut self,
        name: &str,
        gates: usize,
        inputs: usize,
        units: usize,
    ) -> Result<RecurrentWeights, NnError> {
        self.positive(name, &[("units", units)])?;
        let initialiser = Initialiser::Uniform { bound: 1.0 / (units.max(1) as f32).sqrt() };
        let mut parameter = |part: &str, shape: &[usize], role: Role| {
            self.parameter(&format!("{name}.{part}"), shape, initialiser, role)
        };
        let rows = gates.saturating_mul(units);
        Ok(RecurrentWeights {
            input_weight: parameter("weight_ih_l0", &[rows, inputs], Role::Weight)?,
            hidden_weight: parameter("weight_hh_l0", &[rows, units], Role::Weight)?,
            input_bias: parameter("bias_ih_l0", &[rows], Role::Bias)?,
            hidden_bias: parameter("bias_hh_l0", &[rows], Role::Bias)?,
        })
    }

    /// A layer whose only state is what it gives: `cell` takes `x[N, C]` of a step and the state
    /// `[N, units]`.
    pub(super) fn one_state_layer(
        &mut self,
        name: &str,
        x: ValueId,
        units: usize,
        initial: Option<ValueId>,
        gates: usize,
        cell: Cell,
    ) -> Result<Sequence, NnError> {
        let [batch, _, features] = self.sequence_shape(name, x)?;
        let weights = self.recurrent_weights(name, gates, features, units)?;
        let hidden = self.initial_state(name, initial, batch, units)?;
        self.compose(name, |emit| {
            let (outputs, hidden) = unroll(emit, x, hidden, |emit, x, hidden| {
                let hidden = cell(emit, x, hidden, &weights)?;
                Ok((hidden, hidden))
            })?;
            Ok(Sequence { outputs, hidden })
        })
    }

    /// The sizes N, T and C of `x[N, T, C]`.
    pub(super) fn sequence_shape(&self, name: &str, x: ValueId) -> Result<[usize; 3], NnError> {
        match self.operand(name, x, "[N, T, C]")?[..] {
            [batch, steps, features] if steps > 0 => Ok([batch, steps, features]),
            _ => Err(self.misfit(name, x, "[N, T, C] with at least one time step".to_owned())),
        }
    }

    /// The given state, or zeros `[batch, units]`.
    pub(super) fn initial_state(
        &mut self,
        name: &str,
        given: Option<ValueId>,
        batch: usize,
        units: usize,
    ) -> Result<ValueId, NnError> {
        match given {
            Some(state) if self.operand(name, state, "states")? == [batch, units] => Ok(state),
            Some(state) => Err(self.misfit(name, state, format!("an initial state [{batch}, {units}]"))),
            None => Ok(self.constant(TensorType::new(self.compute_type(), &[batch, units]).zeros()?)),
        }
    }
}

/// Carries a state over the time steps of `x[N, T, C]`; gives the hidden parts `[N, T, H]` and the last
/// state.
///
/// `next` takes the emitter, `x[N, C]` of a step and the state, and gives the next state and its hidden part.
pub(super) fn unroll<S>(
    emit: &mut dyn Emit,
    x: ValueId,
    initial: S,
    mut next: impl FnMut(&mut dyn Emit, ValueId, S) -> Result<(S, ValueId), OpError>,
) -> Result<(ValueId, S), OpError> {
    let shape = emit.ty(x).shape.clone();
    let mut state = initial;
    let mut outputs = Vec::with_capacity(shape[1]);
    for step in 0..shape[1] {
        let now = emit.one(Slice::along(&shape, 1, step, step + 1), &[x])?;
        let now = emit.one(Reshape { shape: vec![shape[0], shape[2]] }, &[now])?;
        let (following, hidden) = next(emit, now, state)?;
        let units = emit.ty(hidden).shape[1];
        outputs.push(emit.one(Reshape { shape: vec![shape[0], 1, units] }, &[hidden])?);
        state = following;
    }
    Ok((emit.one(Concat { axis: 1 }, &outputs)?, state))
}
