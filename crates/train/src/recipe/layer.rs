//! Layers, as recipes write them.

use std::str::FromStr;

/// The largest number in a layer.
const SIZE_LIMIT: usize = 1 << 16;

/// The factor of negative numbers in `leaky_relu`.
const LEAKY_SLOPE: f64 = 0.01;
/// How layers are written.
const FORMS: &str = "flatten, dense OUTPUTS, conv OUTPUTS KERNEL [PADDING [STRIDE]], max_pool KERNEL, \
    average_pool KERNEL, batch_norm, layer_norm, dropout PROBABILITY, relu, sigmoid, tanh, \
    elu, gelu, leaky_relu [SLOPE], prelu";

/// A layer of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerSpec {
    /// `flatten`
    Flatten,
    /// `dense OUTPUTS`
    Dense(usize),
    /// `conv OUTPUTS KERNEL`, `conv OUTPUTS KERNEL PADDING` or `conv OUTPUTS KERNEL PADDING STRIDE`
    Conv {
        /// Channels that come out.
        outputs: usize,
        /// Height and width of the kernel.
        kernel: usize,
        /// Zeros on each side.
        padding: usize,
        /// Steps between windows, down and to the right.
        stride: usize,
    },
    /// `max_pool KERNEL`
    MaxPool(usize),
    /// `average_pool KERNEL`
    AveragePool(usize),
    /// `batch_norm`
    BatchNorm,
    /// `layer_norm`, over all dimensions except that of the batch.
    LayerNorm,
    /// `dropout PROBABILITY`
    Dropout(f32),
    /// `relu`
    Relu,
    /// `sigmoid`
    Sigmoid,
    /// `tanh`
    Tanh,
    /// `elu`, with alpha 1.
    Elu,
    /// `gelu`, exact.
    Gelu,
    /// `leaky_relu` or `leaky_relu SLOPE`, 0.01 if it is left out.
    LeakyRelu(f64),
    /// `prelu`, with a slope learnt for each channel.
    Prelu,
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
        let slope = |word: &str| {
            let slope = word.parse().ok().filter(|slope: &f64| slope.is_finite());
            slope.ok_or_else(|| format!("layer `{text}`: `{word}` is no finite number"))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words[..] {
            ["flatten"] => LayerSpec::Flatten,
            ["dense", outputs] => LayerSpec::Dense(size(outputs)?),
            ["conv", outputs, kernel, ref rest @ ..] if rest.len() <= 2 => LayerSpec::Conv {
                outputs: size(outputs)?,
                kernel: size(kernel)?,
                padding: rest.first().map_or(Ok(0), |padding| number(padding, 0))?,
                stride: rest.get(1).map_or(Ok(1), |stride| size(stride))?,
            },
            ["max_pool", kernel] => LayerSpec::MaxPool(size(kernel)?),
            ["average_pool", kernel] => LayerSpec::AveragePool(size(kernel)?),
            ["batch_norm"] => LayerSpec::BatchNorm,
            ["layer_norm"] => LayerSpec::LayerNorm,
            ["dropout", share] => LayerSpec::Dropout(probability(share)?),
            ["relu"] => LayerSpec::Relu,
            ["sigmoid"] => LayerSpec::Sigmoid,
            ["tanh"] => LayerSpec::Tanh,
            ["elu"] => LayerSpec::Elu,
            ["gelu"] => LayerSpec::Gelu,
            ["leaky_relu"] => LayerSpec::LeakyRelu(LEAKY_SLOPE),
            ["leaky_relu", number] => LayerSpec::LeakyRelu(slope(number)?),
            ["prelu"] => LayerSpec::Prelu,
            [kind, ..] => {
                let kinds = FORMS.split(", ").filter_map(|form| form.split(' ').next());
                let kinds: Vec<&str> = kinds.collect();
                let question =
                    ediacara_hint::did_you_mean(kind, kinds).map(|question| format!("; {question}"));
                return Err(format!("layer `{text}` is none of {FORMS}{}", question.unwrap_or_default()));
            }
            [] => return Err(format!("an empty layer is none of {FORMS}")),
        })
    }
}
