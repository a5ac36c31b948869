//! A layer of long short-term memory.

use ediacara_graph::ValueId;

use super::recurrent::{Sequence, unroll};
use crate::{NnError, Scope, functional};

impl Scope {
    /// [`lstm_cell`](functional::lstm_cell) over the time steps of `x[N, T, C]`, from an initial hidden state and cell
    /// `[N, units]`, zeros if there are none. Gives the sequence, and the cell after the last step, `[N, units]`. Parameters
    /// as PyTorch's: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`.
    ///
    /// # Errors
    /// `x` has not three dimensions, or no time step; the initial state does not fit.
    pub fn lstm(
        &mut self,
        name: &str,
        x: ValueId,
        units: usize,
        initial: Option<[ValueId; 2]>,
    ) -> Result<(Sequence, ValueId), NnError> {
        let [batch, _, features] = self.sequence_shape(name, x)?;
        let weights = self.recurrent_weights(name, 4, features, units)?;
        let hidden = self.initial_state(name, initial.map(|[hidden, _]| hidden), batch, units)?;
        let cell = self.initial_state(name, initial.map(|[_, cell]| cell), batch, units)?;
        self.compose(name, |emit| {
            let (outputs, [hidden, cell]) = unroll(emit, x, [hidden, cell], |emit, x, state| {
                let state = functional::lstm_cell(emit, x, state, &weights)?;
                Ok((state, state[0]))
            })?;
            Ok((Sequence { outputs, hidden }, cell))
        })
    }
}
