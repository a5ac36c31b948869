//! Constant weights and biases of the real graph.

use ediacara_graph::{DType, Graph, Tensor, ValueId};

use crate::known::real_constant;

/// The relative difference up to which a prescribed bias scale counts as `x_scale * w_scale`: f32 rounds the
/// product.
const SCALE_TOLERANCE: f64 = 1e-5;

/// Weights with output channels outermost.
#[derive(Debug, Clone)]
pub(crate) enum Weights {
    /// f32 without gaps, to be quantised.
    Real(Tensor),
    /// Quantised by the maker of the graph.
    Stored {
        /// The integers, i8.
        values: Tensor,
        /// One scale for each output channel.
        scales: Vec<f32>,
        /// The zero point of all.
        zero: i8,
    },
}

/// Whether every number is finite.
fn all_finite(numbers: &[f32]) -> bool {
    // Zero times a number is 0 unless the number is infinite or not a number; a sum has no branch.
    let poison = |numbers: &[f32]| numbers.iter().fold(0.0_f32, |poison, number| poison + number * 0.0);
    numbers.chunks(4096).all(|chunk| poison(chunk) == 0.0)
}

/// One number for each output channel.
#[derive(Debug, Clone)]
pub(crate) enum Bias {
    /// f32, to be quantised.
    Real(Vec<f32>),
    /// Integers with a scale for each channel.
    Stored(Vec<i32>, Vec<f32>),
}

/// The integers, scales and zero points of a dequantised constant; its scales run along axis 0, or it has
/// one.
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

/// The name of the input that a value is, moved or converted on its way; nothing if it is none.
fn input_behind(graph: &Graph, mut value: ValueId) -> Option<&str> {
    while let Some(node) = graph.producer(value) {
        let &[operand] = graph.node(node).inputs.as_slice() else { return None };
        value = operand;
    }
    graph.inputs().contains(&value).then(|| graph.value(value).name.as_str())
}

fn along_axis_0(op: &dyn ediacara_graph::Op) -> bool {
    matches!(op.attributes().get("axis"), Some(ediacara_graph::Attribute::Int(0)))
}

/// i8 from i8 or, shifted by 128 (N-STORE), from u8.
pub(crate) fn to_signed(tensor: &Tensor) -> Option<Vec<i8>> {
    match tensor.dtype() {
        DType::I8 => tensor.to_vec::<i8>().ok(),
        DType::U8 => {
            Some(tensor.to_vec::<u8>().ok()?.into_iter().map(|value| (value ^ 0x80) as i8).collect())
        }
        _ => None,
    }
}

impl Weights {
    /// The weights behind a value.
    ///
    /// # Errors
    /// It is not constant, or has a form that int8 cannot take over; the error is the reason.
    pub(crate) fn read(graph: &Graph, value: ValueId) -> std::result::Result<Weights, String> {
        let name = &graph.value(value).name;
        if let Some(Dequantised { values, scales, zeros }) = dequantised(graph, value)? {
            let unsigned = values.dtype() == DType::U8;
            let shape = values.shape();
            let values = to_signed(values)
                .ok_or_else(|| format!("its weights `{name}` are {}, not 8 bits wide", values.dtype()))?;
            let zeros =
                zeros.map(|zeros| to_signed(zeros).ok_or("its weights have a zero point of another type"));
            let zeros = zeros.transpose()?.unwrap_or_else(|| vec![if unsigned { -128 } else { 0 }]);
            let zero = zeros.first().copied().unwrap_or(0);
            if zeros.iter().any(|&other| other != zero) {
                return Err(format!(
                    "its weights `{name}` have several zero points; int8 takes one a tensor"
                ));
            }
            let values = Tensor::from_vec(shape, values).map_err(|error| error.to_string())?;
            return Ok(Weights::Stored { values, scales, zero });
        }
        let tensor = real_constant(graph, value).ok_or_else(|| match input_behind(graph, value) {
            Some(input) => {
                format!("its weights are an input, `{input}`: call `freeze`, which makes them constant")
            }
            None => format!("its weights `{name}` are not constant"),
        })?;
        let tensor = tensor.to_contiguous();
        let finite = tensor.as_slice::<f32>().is_ok_and(all_finite);
        if finite {
            Ok(Weights::Real(tensor))
        } else {
            Err(format!("its weights `{name}` are not all finite"))
        }
    }

    /// The matrix `[K, N]` with its outputs outermost, `[N, K]`.
    ///
    /// # Errors
    /// Its scales run along its terms; the error is the reason.
    pub(crate) fn turned(self) -> std::result::Result<Weights, String> {
        self.rearranged(|tensor| tensor.transpose(&[1, 0]))
    }

    /// The weights `[C, O / groups, ...]` of a transposed convolution with output channels outermost,
    /// `[O, C / groups, ...]`.
    ///
    /// # Errors
    /// Its scales run along its inputs; the error is the reason.
    pub(crate) fn outputs_first(self, groups: usize) -> std::result::Result<Weights, String> {
        self.rearranged(|tensor| {
            let &[inputs, outputs, ref taps @ ..] = tensor.shape() else { return Ok(tensor.clone()) };
            let group = [&[groups, inputs / groups, outputs], taps].concat();
            let axes: Vec<usize> = [0, 2, 1].into_iter().chain(3..group.len()).collect();
            let turned = tensor.to_contiguous().reshape(&group)?.transpose(&axes)?.to_contiguous();
            turned.reshape(&[&[groups * outputs, inputs / groups], taps].concat())
        })
    }

    fn rearranged(
        self,
        arrange: impl Fn(&Tensor) -> std::result::Result<Tensor, ediacara_graph::TensorError>,
    ) -> std::result::Result<Weights, String> {
        let arranged = |tensor: &Tensor| match arrange(tensor) {
            Ok(tensor) => Ok(tensor.to_contiguous()),
            Err(error) => Err(error.to_string()),
        };
        match self {
            Weights::Real(tensor) => Ok(Weights::Real(arranged(&tensor)?)),
            Weights::Stored { values, scales, zero } => {
                let values = arranged(&values)?;
                let outputs = values.shape().first().copied().unwrap_or(1);
                let one = scales.first().copied().unwrap_or(1.0);
                if scales.iter().any(|&scale| scale != one) {
                    return Err("its weights have several scales along their inputs; int8 takes one, or one an output \
                        channel"
                        .to_owned());
                }
                Ok(Weights::Stored { values, scales: vec![one; outputs], zero })
            }
        }
    }

    /// The shape, output channels outermost.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Weights::Real(tensor) | Weights::Stored { values: tensor, .. } => tensor.shape(),
        }
    }

    /// The real numbers; empty if the weights are stored ones.
    pub(crate) fn numbers(&self) -> &[f32] {
        match self {
            Weights::Real(tensor) => tensor.as_slice().unwrap_or_default(),
            Weights::Stored { .. } => &[],
        }
    }

    /// The largest absolute weight of each channel of the operand, over all output channels of its group and
    /// taps.
    pub(crate) fn largest_by_input(&self, groups: usize) -> Vec<f32> {
        let Weights::Real(tensor) = self else { return Vec::new() };
        let (Ok(values), &[outputs, inputs, ref taps @ ..]) = (tensor.as_slice::<f32>(), tensor.shape())
        else {
            return Vec::new();
        };
        let taps = taps.iter().product::<usize>().max(1);
        let outputs_of_group = (outputs / groups).max(1);
        let mut largest = vec![0.0_f32; inputs * groups];
        for (output, row) in values.chunks_exact((inputs * taps).max(1)).enumerate() {
            let channels = &mut largest[output / outputs_of_group * inputs..][..inputs];
            for (channel, weights) in channels.iter_mut().zip(row.chunks_exact(taps)) {
                *channel = weights.iter().fold(*channel, |largest, weight| largest.max(weight.abs()));
            }
        }
        largest
    }
}

impl Bias {
    /// The bias behind a value.
    ///
    /// # Errors
    /// It is not constant or not finite; the error is the reason.
    pub(crate) fn read(graph: &Graph, value: ValueId) -> std::result::Result<Bias, String> {
        let name = &graph.value(value).name;
        if let Some(Dequantised { values, scales, zeros }) = dequantised(graph, value)? {
            let no_zero =
                zeros.is_none_or(|zeros| zeros.cast(DType::I32).to_vec::<i32>().is_ok_and(|z| z == [0]));
            if let (Ok(values), true) = (values.to_vec::<i32>(), no_zero) {
                return Ok(Bias::Stored(values, scales));
            }
        }
        let tensor = real_constant(graph, value).ok_or_else(|| match input_behind(graph, value) {
            Some(input) => format!("its bias is an input, `{input}`: call `freeze`, which makes it constant"),
            None => format!("its bias `{name}` is not constant"),
        })?;
        let values = tensor.to_vec::<f32>().map_err(|error| error.to_string())?;
        let finite = values.iter().all(|value| value.is_finite());
        if finite { Ok(Bias::Real(values)) } else { Err(format!("its bias `{name}` is not all finite")) }
    }

    /// The real number of one channel.
    pub(crate) fn real(&self, channel: usize) -> f32 {
        match self {
            Bias::Real(values) => values[channel],
            Bias::Stored(values, scales) => (f64::from(values[channel]) * f64::from(scales[channel])) as f32,
        }
    }

    /// N-BIAS, unless the integer is given in the very scale that is asked for.
    pub(crate) fn integer(&self, channel: usize, scale: f64) -> i32 {
        if let Bias::Stored(values, scales) = self
            && (f64::from(scales[channel]) / scale - 1.0).abs() <= SCALE_TOLERANCE
        {
            return values[channel];
        }
        // The cast saturates.
        (f64::from(self.real(channel)) / scale).round() as i32
    }
}
