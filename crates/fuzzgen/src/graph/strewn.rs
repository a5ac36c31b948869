//! Nodes of the host strewn into a quantised network.

use ediacara_graph::ops::{DequantizeLinear, QuantizeLinear, Relu, Sigmoid, Softmax, Tanh};
use ediacara_graph::{DType, GraphError, IntoOp, ValueId};
use ediacara_tensor::Tensor;

use super::Net;

impl Net {
    /// Lets the host compute something of so many percent of the int8 values of nodes: each is made real, goes through an
    /// operator of f32, and is quantised again for those that read it.
    ///
    /// # Errors
    /// Never: types are kept.
    pub fn strew(&mut self, percent: u64) -> Result<(), GraphError> {
        let values: Vec<ValueId> =
            self.graph.order().into_iter().flat_map(|node| self.graph.outputs_of(node).to_vec()).collect();
        for value in values {
            let ty = self.graph.ty(value);
            if ty.dtype == DType::I8 && ty.elements() > 0 && self.random.chance(percent) {
                self.through_the_host(value)?;
            }
        }
        Ok(())
    }

    fn through_the_host(&mut self, value: ValueId) -> Result<(), GraphError> {
        let name = self.name("host");
        let zero = self.random.byte();
        let [from, to] =
            [("in", 0.05_f32, zero), ("out", 0.01, self.random.byte())].map(|(which, scale, zero)| {
                let scale = self.graph.add_constant(format!("{name}.{which}.scale"), Tensor::scalar(scale));
                [scale, self.graph.add_constant(format!("{name}.{which}.zero"), Tensor::scalar(zero))]
            });
        let dequantize = DequantizeLinear { axis: 0 };
        let real = self.graph.add(format!("{name}.real"), dequantize, &[value, from[0], from[1]])?;
        let reader = self.graph.producer(real);
        let axis = self.graph.ty(real).rank().saturating_sub(1);
        let op = match self.random.below(4) {
            0 => Relu.into_op(),
            1 => Tanh.into_op(),
            2 if self.graph.ty(real).rank() > 0 => Softmax { axis }.into_op(),
            _ => Sigmoid.into_op(),
        };
        let computed = self.graph.add(format!("{name}.f32"), op, &[real])?;
        let quantize = QuantizeLinear { axis: 0 };
        let again = self.graph.add(format!("{name}.i8"), quantize, &[computed, to[0], to[1]])?;
        let except: Vec<_> = reader.into_iter().collect();
        self.graph.replace_uses_except(value, again, &except)
    }
}
