//! A plain recurrent layer.

use ediacara_graph::ValueId;

use super::recurrent::Sequence;
use crate::{NnError, Scope, functional};

impl Scope {
    /// [`rnn_cell`](functional::rnn_cell) over the time steps of `x[N, T, C]`.
    ///
    /// The initial hidden state is `[N, units]`, zeros if there is none. The parameters are PyTorch's:
    /// `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`.
    ///
    /// # Errors
    /// `x` does not have three dimensions, or has no time step; the initial state does not fit.
    pub fn rnn(
        &mut self,
        name: &str,
        x: ValueId,
        units: usize,
        initial: Option<ValueId>,
    ) -> Result<Sequence, NnError> {
        self.one_state_layer(name, x, units, initial, 1, functional::rnn_cell)
    }
}
