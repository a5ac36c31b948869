//! A layer of long short-term memory.

use ediacara_graph::ValueId;

use super::recurrent::{Sequence, unroll};
use crate::{NnError, Scope, functional};

impl Scope {
    /// [`lstm_cell`](functional::lstm_cell) over the time steps of `x[N, T, C]`.
    ///
    /// The initial hidden state and cell are `[N, units]`, zeros if there are none. The layer gives the
    /// sequence, and the cell after the last step, `[N, units]`. The parameters are PyTorch's:
    /// `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`.
    ///
    /// # Errors
    /// `x` does not have three dimensions, or has no time step; the initial state does not fit.
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
