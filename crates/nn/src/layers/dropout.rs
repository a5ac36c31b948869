//! Dropout: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

use ediacara_graph::ops::{Less, Mul, Select};
use ediacara_graph::{TensorType, ValueId};
use ediacara_tensor::Tensor;

use crate::{NnError, Scope};

impl Scope {
    /// Zeros each element with this probability and scales the others by `1 / (1 - probability)`; nothing in
    /// inference.
    ///
    /// `noise` holds numbers of [0, 1) in the shape of `x`, in f32 whatever the type of `x`. The caller draws
    /// it anew for every run, because a graph has no chance of its own.
    ///
    /// # Errors
    /// `noise` does not have the shape of `x`; the probability is not from 0 to less than 1.
    pub fn dropout(&mut self, x: ValueId, noise: ValueId, probability: f32) -> Result<ValueId, NnError> {
        let layer = self.layer_name("dropout");
        for value in [x, noise] {
            self.graph().check_value(value)?;
        }
        if !(0.0..1.0).contains(&probability) {
            let problem = format!("{probability} is no probability from 0 to less than 1");
            return Err(NnError::Layer { layer, problem });
        }
        let wanted = TensorType::f32(self.shape(x));
        if *self.graph().ty(noise) != wanted {
            return Err(self.misfit(
                &layer,
                noise,
                format!("noise of {wanted}, the shape of what is dropped"),
            ));
        }
        if self.mode() == crate::Mode::Inference || probability == 0.0 {
            return Ok(x);
        }
        let threshold = self.constant(Tensor::scalar(probability));
        let dropped = self.apply(Less, &[noise, threshold])?;
        let dtype = self.dtype(x);
        let scale = self.constant(Tensor::scalar(1.0 / (1.0 - probability)).cast(dtype));
        let scaled = self.apply(Mul, &[x, scale])?;
        let zero = self.constant(Tensor::scalar(0.0_f32).cast(dtype));
        self.apply(Select, &[dropped, zero, scaled])
    }
}
