//! A layer of gated recurrent units.

use ediacara_graph::ValueId;

use super::recurrent::{Sequence, unroll};
use crate::{NnError, Scope, functional};

impl Scope {
    /// [`gru_cell`](functional::gru_cell) over the time steps of `x[N, T, C]`, from an initial hidden state `[N, units]`, zeros if
    /// there is none. Parameters as PyTorch's: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`.
    ///
    /// # Errors
    /// `x` has not three dimensions, or no time step; the initial state does not fit.
    pub fn gru(
        &mut self,
        name: &str,
        x: ValueId,
        units: usize,
        initial: Option<ValueId>,
    ) -> Result<Sequence, NnError> {
        let [batch, _, features] = self.sequence_shape(name, x)?;
        let weights = self.recurrent_weights(name, 3, features, units)?;
        let hidden = self.initial_state(initial, batch, units)?;
        self.compose(name, |emit| {
            let (outputs, hidden) = unroll(emit, x, hidden, |emit, x, hidden| {
                let hidden = functional::gru_cell(emit, x, hidden, &weights)?;
                Ok((hidden, hidden))
            })?;
            Ok(Sequence { outputs, hidden })
        })
    }
}
