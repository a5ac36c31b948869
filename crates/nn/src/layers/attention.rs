//! Multi-head attention: Vaswani et al., "Attention is all you need", 2017.

use ediacara_graph::ops::{Gemm, Reshape, Slice, Transpose};
use ediacara_graph::{Emit, OpError, ValueId};

use crate::{Initialiser, NnError, Role, Scope, functional};

impl Scope {
    /// `heads` attentions side by side, each over its share of E features.
    ///
    /// `query[N, L, E]`, `key[N, S, E]` and `value[N, S, E]` are projected, attended to
    /// ([`scaled_dot_product_attention`](functional::scaled_dot_product_attention)), joined and projected to
    /// `[N, L, E]`. Attention to oneself passes one value three times.
    ///
    /// The parameters are those of PyTorch's `MultiheadAttention`: `in_proj_weight[3 E, E]` (query's rows
    /// first, then key's, then value's), `in_proj_bias[3 E]`, `out_proj.weight[E, E]`, `out_proj.bias[E]`.
    /// Weights are initialised by Glorot, biases with 0.
    ///
    /// # Errors
    /// An operand does not have three dimensions; `heads` does not divide E; the shapes do not fit.
    pub fn attention(
        &mut self,
        name: &str,
        [query, key, value]: [ValueId; 3],
        heads: usize,
        causal: bool,
    ) -> Result<ValueId, NnError> {
        for operand in [query, key, value] {
            self.operand(name, operand, "[N, L, E]")?;
        }
        let &[batch, _, features] = self.shape(query) else {
            return Err(self.misfit(name, query, "[N, L, E]".to_owned()));
        };
        if heads == 0 || !features.is_multiple_of(heads) {
            return Err(self.misfit(name, query, format!("[N, L, E] with {heads} heads that divide E")));
        }
        for operand in [key, value] {
            let &[_, places, _] = self.shape(key) else {
                return Err(self.misfit(name, key, format!("[{batch}, S, {features}], as the query")));
            };
            let places = if operand == key { "S".to_owned() } else { places.to_string() };
            let fits = self.shape(operand).len() == 3 && self.shape(operand)[0] == batch;
            let fits = fits && self.shape(operand)[2] == features;
            if !fits || self.shape(operand)[1] != self.shape(key)[1] {
                let others = if operand == key { "the query" } else { "query and key" };
                return Err(self.misfit(
                    name,
                    operand,
                    format!("[{batch}, {places}, {features}], as {others}"),
                ));
            }
        }
        let mut weight = |part: &str, outputs: usize| {
            let initialiser = Initialiser::Glorot { fan_in: features, fan_out: outputs };
            self.parameter(&format!("{name}.{part}"), &[outputs, features], initialiser, Role::Weight)
        };
        let (weights, out_weight) =
            (weight("in_proj_weight", 3 * features)?, weight("out_proj.weight", features)?);
        let mut bias = |part: &str, outputs: usize| {
            self.parameter(&format!("{name}.{part}"), &[outputs], Initialiser::Constant(0.0), Role::Bias)
        };
        let (biases, out_bias) = (bias("in_proj_bias", 3 * features)?, bias("out_proj.bias", features)?);
        self.compose(name, |emit| {
            let mut split = |index: usize, operand: ValueId| {
                let rows = [index * features, (index + 1) * features];
                let weight =
                    emit.one(Slice::along(&[3 * features, features], 0, rows[0], rows[1]), &[weights])?;
                let bias = emit.one(Slice::along(&[3 * features], 0, rows[0], rows[1]), &[biases])?;
                split_heads(emit, operand, weight, bias, heads)
            };
            let (query, key, value) = (split(0, query)?, split(1, key)?, split(2, value)?);
            let attended = functional::scaled_dot_product_attention(emit, query, key, value, causal)?;
            let joined = emit.one(Transpose { permutation: vec![0, 2, 1, 3] }, &[attended])?;
            let [batch, places] = [emit.ty(joined).shape[0], emit.ty(joined).shape[1]];
            let rows = emit.one(Reshape { shape: vec![batch * places, features] }, &[joined])?;
            let rows = emit.one(Gemm::default(), &[rows, out_weight, out_bias])?;
            emit.one(Reshape { shape: vec![batch, places, features] }, &[rows])
        })
    }
}

/// Projects `[N, L, E]`, and gives it as `[N, heads, L, E / heads]`.
fn split_heads(
    emit: &mut dyn Emit,
    x: ValueId,
    weight: ValueId,
    bias: ValueId,
    heads: usize,
) -> Result<ValueId, OpError> {
    let [batch, places, features] = [0, 1, 2].map(|axis| emit.ty(x).shape[axis]);
    let rows = emit.one(Reshape { shape: vec![batch * places, features] }, &[x])?;
    let rows = emit.one(Gemm::default(), &[rows, weight, bias])?;
    let split = emit.one(Reshape { shape: vec![batch, places, heads, features / heads] }, &[rows])?;
    emit.one(Transpose { permutation: vec![0, 2, 1, 3] }, &[split])
}
