//! From a recipe's layers to a graph.

use ediacara_graph::ops::{Conv, PoolKind, Relu, Sigmoid, Tanh};
use ediacara_graph::{TensorType, ValueId};
use ediacara_nn::{NnError, Scope, functional};

use crate::LayerSpec;

/// Adds the layers behind `x`; gives the result of the last one, and the noise for dropouts.
///
/// The noise is inputs in [0, 1) that have to be drawn for every run. Layers are called by their kind and
/// place: `dense1`, `conv2`.
///
/// # Errors
/// A layer does not fit what comes before it.
pub fn build(
    scope: &mut Scope,
    x: ValueId,
    layers: &[LayerSpec],
) -> Result<(ValueId, Vec<ValueId>), NnError> {
    let mut noise = Vec::new();
    let mut y = x;
    for (index, layer) in layers.iter().enumerate() {
        let named = |kind: &str| format!("{kind}{}", index + 1);
        y = match *layer {
            LayerSpec::Flatten => scope.flatten(y)?,
            LayerSpec::Dense(outputs) => scope.dense(&named("dense"), y, outputs)?,
            LayerSpec::Conv { outputs, kernel, padding, stride } => {
                let conv = Conv { padding: [padding; 4], stride: [stride; 2], ..Conv::default() };
                scope.conv2d(&named("conv"), y, outputs, kernel, conv)?
            }
            LayerSpec::MaxPool(kernel) => {
                scope.named(&named("max_pool"), |scope| scope.pool2d(PoolKind::Max, y, kernel))?
            }
            LayerSpec::AveragePool(kernel) => {
                scope.named(&named("average_pool"), |scope| scope.pool2d(PoolKind::Average, y, kernel))?
            }
            LayerSpec::BatchNorm => scope.batch_norm(&named("batch_norm"), y)?,
            LayerSpec::LayerNorm => {
                let axes = scope.shape(y).len().saturating_sub(1);
                scope.layer_norm(&named("layer_norm"), y, axes)?
            }
            LayerSpec::Dropout(probability) => {
                if scope.mode() == ediacara_nn::Mode::Inference {
                    continue;
                }
                let shape = scope.shape(y).to_vec();
                noise.push(scope.input(&named("noise"), TensorType::f32(&shape)));
                scope
                    .named(&named("dropout"), |scope| scope.dropout(y, noise[noise.len() - 1], probability))?
            }
            LayerSpec::Relu => scope.apply(Relu, &[y])?,
            LayerSpec::Sigmoid => scope.apply(Sigmoid, &[y])?,
            LayerSpec::Tanh => scope.apply(Tanh, &[y])?,
            LayerSpec::Elu => scope.compose(&named("elu"), |emit| functional::elu(emit, y, 1.0))?,
            LayerSpec::Gelu => scope.compose(&named("gelu"), |emit| functional::gelu(emit, y))?,
            LayerSpec::LeakyRelu(slope) => {
                scope.compose(&named("leaky_relu"), |emit| functional::leaky_relu(emit, y, slope))?
            }
            LayerSpec::Prelu => scope.prelu(&named("prelu"), y)?,
        };
    }
    Ok((y, noise))
}
