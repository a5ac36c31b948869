//! Layers, as recipes write them.

use std::str::FromStr;

/// The largest number in a layer.
const SIZE_LIMIT: usize = 1 << 16;

/// A layer of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerSpec {
    /// `flatten`
    Flatten,
    /// `dense OUTPUTS`
    Dense(usize),
    /// `conv OUTPUTS KERNEL` or `conv OUTPUTS KERNEL PADDING`
    Conv {
        /// Channels that come out.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
        /// Zeros on each side.
        padding: usize,
    },
    /// `max_pool KERNEL`
    MaxPool(usize),
    /// `average_pool KERNEL`
    AveragePool(usize),
    /// `batch_norm`
    BatchNorm,
    /// `dropout PROBABILITY`
    Dropout(f32),
    /// `relu`
    Relu,
    /// `sigmoid`
    Sigmoid,
    /// `tanh`
    Tanh,
}

impl FromStr for LayerSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<LayerSpec, String> {
        let number = |word: &str, least: usize| {
            let size = word.parse().ok().filter(|size| (least..=SIZE_LIMIT).contains(size));
            size.ok_or_else(|| {
                format!("layer `{text}`: `{word}` is no whole number of {least} to {SIZE_LIMIT}")
            })
        };
        let size = |word: &str| number(word, 1);
        let probability = |word: &str| {
            let share = word.parse().ok().filter(|share| (0.0..1.0).contains(share));
            share.ok_or_else(|| format!("layer `{text}`: `{word}` is no probability from 0 to less than 1"))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words[..] {
            ["flatten"] => LayerSpec::Flatten,
            ["dense", outputs] => LayerSpec::Dense(size(outputs)?),
            ["conv", outputs, kernel] => {
                LayerSpec::Conv { outputs: size(outputs)?, kernel: size(kernel)?, padding: 0 }
            }
            ["conv", outputs, kernel, padding] => LayerSpec::Conv {
                outputs: size(outputs)?,
                kernel: size(kernel)?,
                padding: number(padding, 0)?,
            },
            ["max_pool", kernel] => LayerSpec::MaxPool(size(kernel)?),
            ["average_pool", kernel] => LayerSpec::AveragePool(size(kernel)?),
            ["batch_norm"] => LayerSpec::BatchNorm,
            ["dropout", share] => LayerSpec::Dropout(probability(share)?),
            ["relu"] => LayerSpec::Relu,
            ["sigmoid"] => LayerSpec::Sigmoid,
            ["tanh"] => LayerSpec::Tanh,
            _ => {
                return Err(format!(
                    "layer `{text}` is none of flatten, dense OUTPUTS, conv OUTPUTS KERNEL [PADDING], max_pool KERNEL, average_pool KERNEL, batch_norm, dropout PROBABILITY, relu, sigmoid, tanh"
                ));
            }
        })
    }
}
