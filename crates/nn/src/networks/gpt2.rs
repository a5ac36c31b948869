//! GPT-2 as it decodes one token, with the keys and values of the tokens before it.
//!
//! Radford et al., "Language models are unsupervised multitask learners", 2019: the small one. The output's
//! weights are those of the tokens. As in the paper, weights whose products are added to what came in are
//! scaled by 1 / sqrt(how many there are).

use ediacara_graph::ops::{Add, Concat, Gather, Gemm, Reshape};
use ediacara_graph::{DType, Graph, TensorType, ValueId};
use ediacara_tensor::Tensor;

use super::transformer::{DEVIATION, Layers};
use crate::NnError;
use crate::builder::Builder;

pub(super) const NAME: &str = "gpt2";

/// What distinguishes one GPT-2 from another.
pub(super) struct Sizes {
    pub(super) name: &'static str,
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
}

const SMALL: Sizes =
    Sizes { name: NAME, vocabulary: 50_257, positions: 1024, width: 768, layers: 12, heads: 12 };

/// The decoder after `past` tokens, which is the position of the token that it is given.
pub(super) fn build(past: usize, seed: u64) -> Result<Graph, NnError> {
    let limit = SMALL.positions - 1;
    if !(1..=limit).contains(&past) {
        return Err(NnError::Past { name: NAME.to_owned(), past, limit });
    }
    decoder(&SMALL, past, seed)
}

pub(super) fn decoder(sizes: &Sizes, past: usize, seed: u64) -> Result<Graph, NnError> {
    let &Sizes { vocabulary, width, heads, .. } = sizes;
    let mut builder = Builder::new(sizes.name, seed);
    let token = builder.input_of("input_ids", TensorType::new(DType::I64, &[1, 1]));
    let cache = TensorType::f32(&[1, heads, past, width / heads]);
    let mut caches = Vec::with_capacity(sizes.layers);
    for index in 0..sizes.layers {
        let [key, value] =
            ["key", "value"].map(|part| builder.input_of(&format!("past_{index}_{part}"), cache.clone()));
        caches.push([key, value]);
    }
    let mut layers = Layers { builder, heads, epsilon: 1e-5 };
    let embedding = layers.weight("wte.weight", &[vocabulary, width])?;
    let positions = layers.weight("wpe.weight", &[sizes.positions, width])?;
    let position = layers.builder.given("position", Tensor::from_vec(&[1, 1], vec![past as i64])?);
    let x = layers.op("wte", Gather { axis: 0 }, &[embedding, token])?;
    let place = layers.op("wpe", Gather { axis: 0 }, &[positions, position])?;
    let mut x = layers.op("embedding", Add, &[x, place])?;
    let mut outputs = Vec::with_capacity(1 + 2 * caches.len());
    for (index, cache) in caches.into_iter().enumerate() {
        let present;
        (x, present) = block(&mut layers, &format!("h.{index}"), sizes, x, cache)?;
        for (part, value) in ["key", "value"].into_iter().zip(present) {
            outputs.push((format!("present_{index}_{part}"), value));
        }
    }
    let x = layers.layer_norm("ln_f", x)?;
    let row = layers.op("lm_head.row", Reshape { shape: vec![1, width] }, &[x])?;
    let logits = layers.op("lm_head", Gemm::default(), &[row, embedding])?;
    let logits = layers.op("logits", Reshape { shape: vec![1, 1, vocabulary] }, &[logits])?;
    outputs.insert(0, ("logits".to_owned(), logits));
    layers.builder.finish_all(&outputs)
}

/// Attention over all tokens so far, and the perceptron; then the keys and values with those of this token.
fn block(
    layers: &mut Layers,
    name: &str,
    sizes: &Sizes,
    x: ValueId,
    [past_key, past_value]: [ValueId; 2],
) -> Result<(ValueId, [ValueId; 2]), NnError> {
    let width = sizes.width;
    // Two products of each layer are added.
    let added = DEVIATION / (2.0 * sizes.layers as f32).sqrt();
    let normal = layers.layer_norm(&format!("{name}.ln_1"), x)?;
    let wide = product(layers, &format!("{name}.attn.c_attn"), normal, 3 * width, DEVIATION)?;
    let [query, key, value] = layers.split_heads(&format!("{name}.attn"), wide)?;
    let key = layers.op(&format!("{name}.attn.keys"), Concat { axis: 2 }, &[past_key, key])?;
    let value = layers.op(&format!("{name}.attn.values"), Concat { axis: 2 }, &[past_value, value])?;
    let joined = layers.attention(&format!("{name}.attn"), [query, key, value])?;
    let branch = product(layers, &format!("{name}.attn.c_proj"), joined, width, added)?;
    let x = layers.op(&format!("{name}.add1"), Add, &[branch, x])?;
    let normal = layers.layer_norm(&format!("{name}.ln_2"), x)?;
    let wide = product(layers, &format!("{name}.mlp.c_fc"), normal, 4 * width, DEVIATION)?;
    let wide = layers.gelu_by_tanh(&format!("{name}.mlp.act"), wide)?;
    let branch = product(layers, &format!("{name}.mlp.c_proj"), wide, width, added)?;
    Ok((layers.op(&format!("{name}.add2"), Add, &[x, branch])?, [key, value]))
}

/// A fully connected layer of one token `[1, 1, K]`, as a product of matrices.
fn product(
    layers: &mut Layers,
    name: &str,
    x: ValueId,
    outputs: usize,
    deviation: f32,
) -> Result<ValueId, NnError> {
    let inputs = layers.shape(x).last().copied().unwrap_or(1);
    let weight = layers.builder.normal(&format!("{name}.weight"), &[outputs, inputs], 0.0, deviation)?;
    let bias = layers.weight(&format!("{name}.bias"), &[outputs])?;
    let row = layers.op(&format!("{name}.row"), Reshape { shape: vec![1, inputs] }, &[x])?;
    let y = layers.op(name, Gemm::default(), &[row, weight, bias])?;
    layers.op(&format!("{name}.token"), Reshape { shape: vec![1, 1, outputs] }, &[y])
}
