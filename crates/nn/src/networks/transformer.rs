//! The layers that transformers share, of the operators that their exported files have.
//!
//! Weights are normal with mean 0 and deviation 0.02, within ±3.5 deviations, as the papers begin. Where
//! those begin with 1 and 0, the factors of normalisations vary around 1 by a tenth, and what is added
//! varies around 0 as weights do, as after training: factors of 1 would be simplified away, and a lost 0
//! would not show.

use std::f32::consts::{PI, SQRT_2};

use ediacara_graph::ops::{
    Add, Div, Erf, MatMul, Mul, Pow, Reduce, ReduceKind, Reshape, Slice, Softmax, Sqrt, Sub, Tanh, Transpose,
};
use ediacara_graph::{IntoOp, ValueId};
use ediacara_tensor::Tensor;

use crate::NnError;
use crate::builder::Builder;

/// The deviation of weights, and of what is added.
pub(super) const DEVIATION: f32 = 0.02;

/// How far factors of normalisations vary around 1.
const FACTOR_DEVIATION: f32 = 0.1;

/// Layers of a transformer, added to a graph in the making.
pub(super) struct Layers {
    pub(super) builder: Builder,
    pub(super) heads: usize,
    /// Added to the variance by normalisations.
    pub(super) epsilon: f32,
}

impl Layers {
    pub(super) fn op(&mut self, name: &str, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, NnError> {
        self.builder.op(name, op, inputs)
    }

    /// The dimensions of a value.
    pub(super) fn shape(&self, x: ValueId) -> &[usize] {
        self.builder.shape_of(x)
    }

    /// Weights, or what is added.
    pub(super) fn weight(&mut self, name: &str, shape: &[usize]) -> Result<ValueId, NnError> {
        self.builder.normal(name, shape, 0.0, DEVIATION)
    }

    fn scalar(&mut self, name: &str, value: f32) -> ValueId {
        self.builder.given(name, Tensor::scalar(value))
    }

    /// `(x - mean) / sqrt(variance + epsilon) * weight + bias` over the last axis.
    pub(super) fn layer_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        let axis = self.shape(x).len() - 1;
        let width = self.shape(x)[axis];
        let mean = || Reduce { kind: ReduceKind::Mean, axes: vec![axis], keep_dims: true };
        let centre = self.op(&format!("{name}.mean"), mean(), &[x])?;
        let centred = self.op(&format!("{name}.centred"), Sub, &[x, centre])?;
        let two = self.scalar(&format!("{name}.two"), 2.0);
        let square = self.op(&format!("{name}.square"), Pow, &[centred, two])?;
        let variance = self.op(&format!("{name}.variance"), mean(), &[square])?;
        let epsilon = self.scalar(&format!("{name}.epsilon"), self.epsilon);
        let variance = self.op(&format!("{name}.shifted"), Add, &[variance, epsilon])?;
        let deviation = self.op(&format!("{name}.deviation"), Sqrt, &[variance])?;
        let standard = self.op(&format!("{name}.standard"), Div, &[centred, deviation])?;
        let weight = self.builder.normal(&format!("{name}.weight"), &[width], 1.0, FACTOR_DEVIATION)?;
        let bias = self.weight(&format!("{name}.bias"), &[width])?;
        let scaled = self.op(&format!("{name}.scaled"), Mul, &[standard, weight])?;
        self.op(name, Add, &[scaled, bias])
    }

    /// `x[.., K] * weight[K, outputs] + bias`.
    pub(super) fn linear(&mut self, name: &str, x: ValueId, outputs: usize) -> Result<ValueId, NnError> {
        let inputs = self.shape(x).last().copied().unwrap_or(1);
        let weight = self.weight(&format!("{name}.weight"), &[inputs, outputs])?;
        let bias = self.weight(&format!("{name}.bias"), &[outputs])?;
        let product = self.op(&format!("{name}.product"), MatMul, &[x, weight])?;
        self.op(name, Add, &[product, bias])
    }

    /// Query, key and value `[batch, heads, tokens, width of a head]` out of `[batch, tokens, 3 * width]`.
    pub(super) fn split_heads(&mut self, name: &str, x: ValueId) -> Result<[ValueId; 3], NnError> {
        let shape = self.shape(x).to_vec();
        let &[batch, tokens, wide] = &shape[..] else { return Ok([x; 3]) };
        let width = wide / 3;
        let mut parts = [x; 3];
        for (index, part) in ["query", "key", "value"].into_iter().enumerate() {
            let name = format!("{name}.{part}");
            let slice = Slice::along(&shape, 2, index * width, (index + 1) * width);
            let slice = self.op(&format!("{name}.slice"), slice, &[x])?;
            let split = Reshape { shape: vec![batch, tokens, self.heads, width / self.heads] };
            let split = self.op(&format!("{name}.split"), split, &[slice])?;
            parts[index] = self.op(&name, Transpose { permutation: vec![0, 2, 1, 3] }, &[split])?;
        }
        Ok(parts)
    }

    /// `softmax(query * transpose(key) / sqrt(E) + mask) * value`, with the heads side by side again: `[batch,
    /// tokens, width]`.
    pub(super) fn attention(
        &mut self,
        name: &str,
        [query, key, value]: [ValueId; 3],
        mask: Option<ValueId>,
    ) -> Result<ValueId, NnError> {
        let &[batch, heads, tokens, features] = self.shape(query) else { return Ok(query) };
        let transposed = Transpose { permutation: vec![0, 1, 3, 2] };
        let key = self.op(&format!("{name}.key.transposed"), transposed, &[key])?;
        let scores = self.op(&format!("{name}.product"), MatMul, &[query, key])?;
        let root = self.scalar(&format!("{name}.root"), (features as f32).sqrt());
        let scores = self.op(&format!("{name}.scores"), Div, &[scores, root])?;
        let scores = match mask {
            Some(mask) => self.op(&format!("{name}.masked"), Add, &[scores, mask])?,
            None => scores,
        };
        let weights = self.op(&format!("{name}.softmax"), Softmax { axis: 3 }, &[scores])?;
        let sums = self.op(&format!("{name}.sums"), MatMul, &[weights, value])?;
        let by_token = Transpose { permutation: vec![0, 2, 1, 3] };
        let sums = self.op(&format!("{name}.by_token"), by_token, &[sums])?;
        self.op(&format!("{name}.joined"), Reshape { shape: vec![batch, tokens, heads * features] }, &[sums])
    }

    /// `x * (1 + erf(x / sqrt(2))) / 2`: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.
    pub(super) fn gelu(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        let root = self.scalar(&format!("{name}.root"), SQRT_2);
        let scaled = self.op(&format!("{name}.scaled"), Div, &[x, root])?;
        let erf = self.op(&format!("{name}.erf"), Erf, &[scaled])?;
        let one = self.scalar(&format!("{name}.one"), 1.0);
        let twice = self.op(&format!("{name}.shifted"), Add, &[erf, one])?;
        let product = self.op(&format!("{name}.product"), Mul, &[x, twice])?;
        let half = self.scalar(&format!("{name}.half"), 0.5);
        self.op(name, Mul, &[product, half])
    }

    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`, the approximation of the same paper.
    pub(super) fn gelu_by_tanh(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        let half = self.scalar(&format!("{name}.half"), 0.5);
        let halved = self.op(&format!("{name}.halved"), Mul, &[x, half])?;
        let three = self.scalar(&format!("{name}.three"), 3.0);
        let cube = self.op(&format!("{name}.cube"), Pow, &[x, three])?;
        let bend = self.scalar(&format!("{name}.bend"), 0.044_715);
        let bent = self.op(&format!("{name}.bent"), Mul, &[cube, bend])?;
        let sum = self.op(&format!("{name}.sum"), Add, &[x, bent])?;
        let root = self.scalar(&format!("{name}.root"), (2.0 / PI).sqrt());
        let scaled = self.op(&format!("{name}.scaled"), Mul, &[sum, root])?;
        let tanh = self.op(&format!("{name}.tanh"), Tanh, &[scaled])?;
        let one = self.scalar(&format!("{name}.one"), 1.0);
        let shifted = self.op(&format!("{name}.shifted"), Add, &[tanh, one])?;
        self.op(name, Mul, &[halved, shifted])
    }
}
