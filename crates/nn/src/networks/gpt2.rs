//! GPT-2 as it decodes one token, with the keys and values of the tokens before it in caches of a fixed length.
//!
//! Radford et al., "Language models are unsupervised multitask learners", 2019: the small one. The output's
//! weights are those of the tokens. As in the paper, weights whose products are added to what came in are
//! scaled by 1 / sqrt(how many there are).

use ediacara_graph::ops::{Add, Gather, Gemm, LessEqual, Reshape, Select, TensorScatter};
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

/// What is added to the scores of positions that no token has yet: its exponential is 0, and f32 holds its sums.
const HIDDEN: f32 = -1e9;

/// The decoder with room for the keys and values of `length` tokens; the input `position` says which token it is given.
pub(super) fn build(length: usize, seed: u64) -> Result<Graph, NnError> {
    let limit = SMALL.positions;
    if !(1..=limit).contains(&length) {
        return Err(NnError::CacheLength { name: NAME.to_owned(), length, limit });
    }
    decoder(&SMALL, length, seed)
}

pub(super) fn decoder(sizes: &Sizes, length: usize, seed: u64) -> Result<Graph, NnError> {
    let &Sizes { vocabulary, width, heads, .. } = sizes;
    let mut builder = Builder::new(sizes.name, seed);
    let token = builder.input_of("input_ids", TensorType::new(DType::I64, &[1, 1]));
    let position = builder.input_of("position", TensorType::new(DType::I64, &[1]));
    let cache = TensorType::f32(&[1, heads, length, width / heads]);
    let mut caches = Vec::with_capacity(sizes.layers);
    for index in 0..sizes.layers {
        let [key, value] =
            ["key", "value"].map(|part| builder.input_of(&format!("past_{index}_{part}"), cache.clone()));
        caches.push([key, value]);
    }
    let mut layers = Layers { builder, heads, epsilon: 1e-5 };
    let embedding = layers.weight("wte.weight", &[vocabulary, width])?;
    let positions = layers.weight("wpe.weight", &[sizes.positions, width])?;
    let x = layers.op("wte", Gather { axis: 0 }, &[embedding, token])?;
    let row = layers.op("position.row", Reshape { shape: vec![1, 1] }, &[position])?;
    let place = layers.op("wpe", Gather { axis: 0 }, &[positions, row])?;
    let mask = mask(&mut layers, position, length)?;
    let mut x = layers.op("embedding", Add, &[x, place])?;
    let mut outputs = Vec::with_capacity(1 + 2 * caches.len());
    for (index, cache) in caches.into_iter().enumerate() {
        let present;
        let own = Cache { past: cache, position, mask };
        (x, present) = block(&mut layers, &format!("h.{index}"), sizes, x, own)?;
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

/// What hides the places behind a position, `[1, 1, 1, length]`.
fn mask(layers: &mut Layers, position: ValueId, length: usize) -> Result<ValueId, NnError> {
    let places = layers.builder.given("places", Tensor::from_vec(&[length], (0..length as i64).collect())?);
    let seen = layers.op("seen", LessEqual, &[places, position])?;
    let [nothing, hidden] = [("nothing", 0.0), ("hidden", HIDDEN)]
        .map(|(name, value)| layers.builder.given(name, Tensor::scalar(value)));
    let mask = layers.op("mask.row", Select, &[seen, nothing, hidden])?;
    layers.op("mask", Reshape { shape: vec![1, 1, 1, length] }, &[mask])
}

/// The keys and values of a layer.
struct Cache {
    /// Those of the tokens before.
    past: [ValueId; 2],
    /// Where those of this token belong.
    position: ValueId,
    /// What is added to the scores.
    mask: ValueId,
}

/// Attention over all tokens so far, and the perceptron; then the keys and values with those of this token.
fn block(
    layers: &mut Layers,
    name: &str,
    sizes: &Sizes,
    x: ValueId,
    Cache { past: [past_key, past_value], position, mask }: Cache,
) -> Result<(ValueId, [ValueId; 2]), NnError> {
    let width = sizes.width;
    // Two products of each layer are added.
    let added = DEVIATION / (2.0 * sizes.layers as f32).sqrt();
    let normal = layers.layer_norm(&format!("{name}.ln_1"), x)?;
    let wide = product(layers, &format!("{name}.attn.c_attn"), normal, 3 * width, DEVIATION)?;
    let [query, key, value] = layers.split_heads(&format!("{name}.attn"), wide)?;
    let append = TensorScatter { axis: 2 };
    let key = layers.op(&format!("{name}.attn.keys"), append, &[past_key, key, position])?;
    let value = layers.op(&format!("{name}.attn.values"), append, &[past_value, value, position])?;
    let joined = layers.attention(&format!("{name}.attn"), [query, key, value], Some(mask))?;
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
