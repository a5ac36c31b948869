//! Constant weights and biases of the real graph, and their integers.

use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_kernels::int8::quantize_multiplier;

use crate::Result;
use crate::known::real_constant;

/// A bias is kept below this, so that it cannot swallow the accumulator's range.
const BIAS_LIMIT: f64 = (1_u64 << 30) as f64;
/// A prescribed bias scale counts as `x_scale * w_scale` up to this relative difference: f32 rounding of the product.
const SCALE_TOLERANCE: f64 = 1e-5;

/// Weights with output channels outermost.
#[derive(Debug, Clone)]
pub(crate) enum Weights {
    /// f32, to be quantised.
    Real(Tensor),
    /// Quantised by whoever made the graph.
    Stored {
        /// The integers, i8.
        values: Tensor,
        /// One scale for each output channel.
        scales: Vec<f32>,
        /// The zero point of all.
        zero: i8,
    },
}

/// One number for each output channel.
#[derive(Debug, Clone)]
pub(crate) enum Bias {
    /// f32, to be quantised.
    Real(Vec<f32>),
    /// Integers with a scale for each channel.
    Stored(Vec<i32>, Vec<f32>),
}

/// Weights as integers, in the order of the real ones.
pub(crate) struct Integers {
    /// The integers.
    pub(crate) values: Vec<i8>,
    /// One scale for each output channel.
    pub(crate) scales: Vec<f32>,
    /// The zero point of all.
    pub(crate) zero: i8,
}

/// The records of N-REQUANTISE, one entry an output channel.
pub(crate) struct Records {
    /// `bias`, i32.
    pub(crate) bias: Tensor,
    /// `multiplier`, i32.
    pub(crate) multiplier: Tensor,
    /// `shift`, u8.
    pub(crate) shift: Tensor,
}

/// The integers, scales and zero points of a dequantised constant whose scales run along axis 0 or are one.
struct Dequantised<'a> {
    values: &'a Tensor,
    scales: Vec<f32>,
    zeros: Option<&'a Tensor>,
}

fn dequantised(graph: &Graph, value: ValueId) -> std::result::Result<Option<Dequantised<'_>>, String> {
    let Some(node) = graph.producer(value).map(|node| graph.node(node)) else { return Ok(None) };
    if node.op.name() != "dequantize_linear" {
        return Ok(None);
    }
    let constant = |position: usize| node.inputs.get(position).and_then(|&input| graph.constant(input));
    let (Some(values), Some(scale)) = (constant(0), constant(1)) else { return Ok(None) };
    let channels = values.shape().first().copied().unwrap_or(1);
    let scales = scale.to_vec::<f32>().map_err(|error| error.to_string())?;
    let scales = match scales.as_slice() {
        [one] => vec![*one; channels],
        several if several.len() == channels && along_axis_0(node.op.as_ref()) => several.to_vec(),
        several => {
            return Err(format!(
                "its weights `{}` have {} scales; one, or one an output channel, can be used",
                graph.value(value).name,
                several.len()
            ));
        }
    };
    Ok(Some(Dequantised { values, scales, zeros: constant(2) }))
}

fn along_axis_0(op: &dyn ediacara_graph::Op) -> bool {
    matches!(op.attributes().get("axis"), Some(ediacara_graph::Attribute::Int(0)))
}

/// i8 from i8 or, shifted by 128 (N-STORE), from u8.
pub(crate) fn to_signed(tensor: &Tensor) -> Option<Vec<i8>> {
    match tensor.dtype() {
        DType::I8 => tensor.to_vec::<i8>().ok(),
        DType::U8 => Some(tensor.to_vec::<u8>().ok()?.into_iter().map(|value| (value ^ 0x80) as i8).collect()),
        _ => None,
    }
}

impl Weights {
    /// The weights behind a value.
    ///
    /// # Errors
    /// It is not constant, or in a form that int8 cannot take over; the reason.
    pub(crate) fn read(graph: &Graph, value: ValueId) -> std::result::Result<Weights, String> {
        let name = &graph.value(value).name;
        if let Some(Dequantised { values, scales, zeros }) = dequantised(graph, value)? {
            let unsigned = values.dtype() == DType::U8;
            let shape = values.shape();
            let values = to_signed(values)
                .ok_or_else(|| format!("its weights `{name}` are {}, not 8 bits wide", values.dtype()))?;
            let zeros = zeros.map(|zeros| to_signed(zeros).ok_or("its weights have a zero point of another type"));
            let zeros = zeros.transpose()?.unwrap_or_else(|| vec![if unsigned { -128 } else { 0 }]);
            let zero = zeros.first().copied().unwrap_or(0);
            if zeros.iter().any(|&other| other != zero) {
                return Err(format!("its weights `{name}` have several zero points; int8 takes one a tensor"));
            }
            let values = Tensor::from_vec(shape, values).map_err(|error| error.to_string())?;
            return Ok(Weights::Stored { values, scales, zero });
        }
        let tensor = real_constant(graph, value).ok_or_else(|| format!("its weights `{name}` are not constant"))?;
        let finite = tensor.to_vec::<f32>().is_ok_and(|values| values.iter().all(|value| value.is_finite()));
        if finite { Ok(Weights::Real(tensor)) } else { Err(format!("its weights `{name}` are not all finite")) }
    }

    /// The shape, output channels outermost.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Weights::Real(tensor) | Weights::Stored { values: tensor, .. } => tensor.shape(),
        }
    }

    /// The integers: as given, or per output channel symmetric with zero point 0.
    ///
    /// Scales are the smallest with which the largest weight fits and the bias stays small enough.
    pub(crate) fn integers(&self, x_scale: f32, bias: Option<&Bias>) -> Result<Integers> {
        let tensor = match self {
            Weights::Stored { values, scales, zero } => {
                let values = values.to_vec::<i8>()?;
                return Ok(Integers { values, scales: scales.clone(), zero: *zero });
            }
            Weights::Real(tensor) => tensor,
        };
        let reals = tensor.to_vec::<f32>()?;
        let channels = tensor.shape().first().copied().unwrap_or(1).max(1);
        let each = reals.len() / channels;
        let mut scales = Vec::with_capacity(channels);
        let mut values = Vec::with_capacity(reals.len());
        for channel in 0..channels {
            let row = &reals[channel * each..][..each];
            let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            let bias = bias.map_or(0.0, |bias| bias.real(channel).abs());
            let floor = f64::from(bias) / (f64::from(x_scale) * BIAS_LIMIT);
            let scale = (f64::from(largest) / 127.0).max(floor) as f32;
            let scale = if scale > f32::MIN_POSITIVE { scale } else { 1.0 };
            values.extend(row.iter().map(|&weight| (weight / scale).round_ties_even().clamp(-127.0, 127.0) as i8));
            scales.push(scale);
        }
        Ok(Integers { values, scales, zero: 0 })
    }
}

impl Bias {
    /// The bias behind a value.
    ///
    /// # Errors
    /// It is not constant or not finite; the reason.
    pub(crate) fn read(graph: &Graph, value: ValueId) -> std::result::Result<Bias, String> {
        let name = &graph.value(value).name;
        if let Some(Dequantised { values, scales, zeros }) = dequantised(graph, value)? {
            let no_zero = zeros.is_none_or(|zeros| zeros.cast(DType::I32).to_vec::<i32>().is_ok_and(|z| z == [0]));
            if let (Ok(values), true) = (values.to_vec::<i32>(), no_zero) {
                return Ok(Bias::Stored(values, scales));
            }
        }
        let tensor = real_constant(graph, value).ok_or_else(|| format!("its bias `{name}` is not constant"))?;
        let values = tensor.to_vec::<f32>().map_err(|error| error.to_string())?;
        let finite = values.iter().all(|value| value.is_finite());
        if finite { Ok(Bias::Real(values)) } else { Err(format!("its bias `{name}` is not all finite")) }
    }

    fn real(&self, channel: usize) -> f32 {
        match self {
            Bias::Real(values) => values[channel],
            Bias::Stored(values, scales) => (f64::from(values[channel]) * f64::from(scales[channel])) as f32,
        }
    }

    /// N-BIAS, unless the integer is given in the very scale that is asked for.
    fn integer(&self, channel: usize, scale: f64) -> i32 {
        if let Bias::Stored(values, scales) = self
            && (f64::from(scales[channel]) / scale - 1.0).abs() <= SCALE_TOLERANCE
        {
            return values[channel];
        }
        // The cast saturates.
        (f64::from(self.real(channel)) / scale).round() as i32
    }
}

/// The bias that takes back what rounding the weights does to the mean of each output channel.
///
/// With inputs of mean `mean[c]` the rounded weights add `sum((rounded - w)[o, c, tap] * mean[c])` to output channel `o`;
/// the same is subtracted here. Padding, whose mean is 0, is taken for ordinary input. Source: Nagel et al., Data-Free
/// Quantization Through Weight Equalization and Bias Correction, 2019, section 4.2, with measured means.
pub(crate) fn corrected_bias(
    weights: &Weights,
    integers: &Integers,
    bias: Option<&Bias>,
    means: &[f64],
    groups: usize,
) -> Result<Option<Bias>> {
    let Weights::Real(tensor) = weights else { return Ok(bias.cloned()) };
    let &[outputs, inputs, ref taps @ ..] = tensor.shape() else { return Ok(bias.cloned()) };
    let taps: usize = taps.iter().product();
    if means.len() != inputs * groups || tensor.is_empty() {
        return Ok(bias.cloned());
    }
    let reals = tensor.to_vec::<f32>()?;
    let each = inputs * taps;
    let mut corrected = Vec::with_capacity(outputs);
    for output in 0..outputs {
        let scale = f64::from(integers.scales[output]);
        let means = &means[output / (outputs / groups) * inputs..][..inputs];
        let (real, stored) = (&reals[output * each..][..each], &integers.values[output * each..][..each]);
        let weights = real.iter().zip(stored).enumerate();
        let shift: f64 = weights
            .map(|(at, (&real, &stored))| (f64::from(stored) * scale - f64::from(real)) * means[at / taps])
            .sum();
        corrected.push((bias.map_or(0.0, |bias| f64::from(bias.real(output))) - shift) as f32);
    }
    Ok(Some(Bias::Real(corrected)))
}

/// The records of a layer: N-BIAS and N-MULTIPLIER for each output channel.
pub(crate) fn records(x_scale: f32, w_scales: &[f32], y_scale: f32, bias: Option<&Bias>) -> Result<Records> {
    let channels = w_scales.len();
    let (mut biases, mut multipliers, mut shifts) = (vec![0; channels], vec![0; channels], vec![0; channels]);
    for (channel, &w_scale) in w_scales.iter().enumerate() {
        let scale = f64::from(x_scale) * f64::from(w_scale);
        let multiplier = quantize_multiplier(scale / f64::from(y_scale))?;
        biases[channel] = bias.map_or(0, |bias| bias.integer(channel, scale));
        multipliers[channel] = multiplier.value;
        shifts[channel] = multiplier.shift;
    }
    Ok(Records {
        bias: Tensor::from_vec(&[channels], biases)?,
        multiplier: Tensor::from_vec(&[channels], multipliers)?,
        shift: Tensor::from_vec(&[channels], shifts)?,
    })
}
