//! Vision Transformers.
//!
//! Dosovitskiy et al., "An image is worth 16x16 words", 2021; the small one, with heads of 64, is that of
//! Steiner et al., "How to train your ViT?", 2022, and of Touvron et al., "Training data-efficient image
//! transformers", 2021. Images are cut into patches, each of which becomes a token; a token for the class
//! goes before them.

use ediacara_graph::ops::{Add, Broadcast, Concat, Conv, Gather, Gemm, Reshape, Transpose};
use ediacara_graph::{Graph, TensorType, ValueId};
use ediacara_tensor::Tensor;

use super::transformer::Layers;
use crate::NnError;
use crate::builder::Builder;

/// What distinguishes one Vision Transformer from another.
pub(super) struct Sizes {
    pub(super) name: &'static str,
    /// Rows and columns of an image, a multiple of those of a patch.
    pub(super) image: usize,
    /// Rows and columns of a patch.
    pub(super) patch: usize,
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    /// Hidden neurons of a layer's perceptron.
    pub(super) hidden: usize,
    pub(super) classes: usize,
}

const SMALL: Sizes = Sizes {
    name: "vit_s",
    image: 224,
    patch: 16,
    width: 384,
    layers: 12,
    heads: 6,
    hidden: 1536,
    classes: 1000,
};

pub(super) fn build_small(batch: usize, seed: u64) -> Result<Graph, NnError> {
    build(&SMALL, batch, seed)
}

pub(super) fn build(sizes: &Sizes, batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new(sizes.name, seed);
    let image = builder.input_of("input", TensorType::f32(&[batch, 3, sizes.image, sizes.image]));
    let mut layers = Layers { builder, heads: sizes.heads, epsilon: 1e-6 };
    let mut x = tokens(&mut layers, sizes, image)?;
    for index in 0..sizes.layers {
        x = block(&mut layers, &format!("blocks.{index}"), sizes.hidden, x)?;
    }
    let x = layers.layer_norm("norm", x)?;
    let first = layers.builder.given("class", Tensor::scalar(0_i64));
    let class = layers.op("class_token", Gather { axis: 1 }, &[x, first])?;
    let weight = layers.weight("head.weight", &[sizes.classes, sizes.width])?;
    let bias = layers.weight("head.bias", &[sizes.classes])?;
    let logits = layers.op("head", Gemm::default(), &[class, weight, bias])?;
    layers.builder.finish_all(&[("logits".to_owned(), logits)])
}

/// Tokens `[batch, 1 + patches, width]` with their positions.
fn tokens(layers: &mut Layers, sizes: &Sizes, image: ValueId) -> Result<ValueId, NnError> {
    let &Sizes { patch, width, .. } = sizes;
    let batch = layers.shape(image)[0];
    let count = (sizes.image / patch).pow(2);
    let weight = layers.weight("patch_embed.proj.weight", &[width, 3, patch, patch])?;
    let bias = layers.weight("patch_embed.proj.bias", &[width])?;
    let op = Conv { stride: [patch; 2], ..Conv::default() };
    let patches = layers.op("patch_embed.proj", op, &[image, weight, bias])?;
    let rows = Reshape { shape: vec![batch, width, count] };
    let patches = layers.op("patch_embed.flatten", rows, &[patches])?;
    let by_token = Transpose { permutation: vec![0, 2, 1] };
    let patches = layers.op("patch_embed.transpose", by_token, &[patches])?;
    let mut class = layers.weight("cls_token", &[1, 1, width])?;
    if batch > 1 {
        class = layers.op("cls_token.expand", Broadcast { shape: vec![batch, 1, width] }, &[class])?;
    }
    let all = layers.op("concat", Concat { axis: 1 }, &[class, patches])?;
    let positions = layers.weight("pos_embed", &[1, 1 + count, width])?;
    layers.op("positions", Add, &[all, positions])
}

/// Attention and perceptron, each with a normalisation before it and what came in added behind it.
fn block(layers: &mut Layers, name: &str, hidden: usize, x: ValueId) -> Result<ValueId, NnError> {
    let width = layers.shape(x)[2];
    let normal = layers.layer_norm(&format!("{name}.norm1"), x)?;
    let wide = layers.linear(&format!("{name}.attn.qkv"), normal, 3 * width)?;
    let parts = layers.split_heads(&format!("{name}.attn"), wide)?;
    let joined = layers.attention(&format!("{name}.attn"), parts, None)?;
    let branch = layers.linear(&format!("{name}.attn.proj"), joined, width)?;
    let x = layers.op(&format!("{name}.add1"), Add, &[x, branch])?;
    let normal = layers.layer_norm(&format!("{name}.norm2"), x)?;
    let wide = layers.linear(&format!("{name}.mlp.fc1"), normal, hidden)?;
    let wide = layers.gelu(&format!("{name}.mlp.act"), wide)?;
    let branch = layers.linear(&format!("{name}.mlp.fc2"), wide, width)?;
    layers.op(&format!("{name}.add2"), Add, &[x, branch])
}
