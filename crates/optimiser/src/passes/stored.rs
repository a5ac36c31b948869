//! Weights that a dequantize_linear makes of constant integers.

use ediacara_graph::ops::DequantizeLinear;
use ediacara_graph::rewrite::{Patch, PatchValue};
use ediacara_graph::{DType, Graph, Tensor, ValueId};

/// Integers, with a scale and a zero point for each row along axis 0.
pub(super) struct Stored {
    values: Tensor,
    scales: Tensor,
    zeros: Tensor,
}

impl Stored {
    /// The integers behind a value; nothing if it has none, or their scales run along another axis.
    pub(super) fn behind(graph: &Graph, value: ValueId) -> Option<Stored> {
        let node = graph.node(graph.producer(value)?);
        let &[values, scale, zero] = node.inputs.as_slice() else { return None };
        let axis = node.op_as::<DequantizeLinear>()?.axis;
        let values = graph.constant(values)?.to_contiguous();
        let rows = [*values.shape().first()?];
        let by_row = |value: ValueId| match graph.constant(value)? {
            one if one.len() == 1 => Some(one.reshape(&[]).ok()?.broadcast_to(&rows).ok()?.to_contiguous()),
            several => (axis == 0 && several.shape() == rows).then(|| several.clone()),
        };
        Some(Stored { scales: by_row(scale)?, zeros: by_row(zero)?, values })
    }

    /// With each row multiplied by its factor.
    ///
    /// The sign of a factor goes to the integers; nothing if they cannot take it.
    pub(super) fn scaled(self, factors: &[f32]) -> Option<Stored> {
        let usable = factors.iter().all(|factor| factor.is_finite() && *factor != 0.0);
        if !usable || factors.len() != self.scales.len() {
            return None;
        }
        let scales = self.scales.to_vec::<f32>().ok()?;
        let scales = scales.iter().zip(factors).map(|(scale, factor)| scale * factor.abs()).collect();
        let scales = Tensor::from_vec(self.scales.shape(), scales).ok()?;
        if factors.iter().all(|&factor| factor > 0.0) {
            return Some(Stored { scales, ..self });
        }
        let symmetric =
            self.zeros.dtype() == DType::I8 && self.zeros.to_vec::<i8>().ok()?.iter().all(|&zero| zero == 0);
        let mut values = self.values.to_vec::<i8>().ok().filter(|_| symmetric)?;
        let each = values.len() / factors.len();
        for (row, _) in values.chunks_mut(each.max(1)).zip(factors).filter(|(_, factor)| **factor < 0.0) {
            for value in row {
                *value = value.checked_neg()?;
            }
        }
        Some(Stored {
            values: Tensor::from_vec(self.values.shape(), values).ok()?,
            scales,
            zeros: self.zeros,
        })
    }

    /// Adds the constants and their dequantize_linear to a patch.
    pub(super) fn add_to(self, patch: &mut Patch, name: &str) -> PatchValue {
        let values = patch.constant(format!("{name}.integers"), self.values);
        let scales = patch.constant(format!("{name}.scales"), self.scales);
        let zeros = patch.constant(format!("{name}.zeros"), self.zeros);
        patch.node(name, DequantizeLinear { axis: 0 }, &[values, scales, zeros])
    }
}
