//! Constant weights and biases of the real graph.

use ediacara_graph::ops::DequantizeLinear;
use ediacara_graph::{DType, Graph, Node, Tensor, TensorType, ValueId};

use super::grid;
use crate::known::real_constant;

/// The relative difference up to which a prescribed bias scale counts as `x_scale * w_scale`: f32 rounds the
/// product.
const SCALE_TOLERANCE: f64 = 1e-5;

/// Brings the axes of weights into another order.
type Arrange<'a> = dyn Fn(&Tensor) -> std::result::Result<Tensor, Box<dyn std::error::Error>> + 'a;

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

/// The longest chain of nodes between a dequantize_linear and the weights that are made of it.
const MOVES: usize = 4;

/// What is given once, or for each element of a tensor.
enum Each<T> {
    One(T),
    All(Tensor),
}

/// The integers of a dequantised constant, moved to where it is read, with their scales and zero points.
struct Dequantised {
    values: Tensor,
    scales: Each<f32>,
    /// The zero point; nothing if there are several.
    zero: Option<Tensor>,
}

/// Whether an op only moves elements, so that it moves integers and scales alike.
fn moves(node: &Node) -> bool {
    matches!(node.op.name(), "reshape" | "transpose" | "slice")
}

impl Dequantised {
    /// The integers behind a value; nothing if it is no dequantised constant, or one that was changed.
    fn read(graph: &Graph, value: ValueId) -> Option<Dequantised> {
        let mut chain = Vec::new();
        let mut node = graph.node(graph.producer(value)?);
        while moves(node) && chain.len() < MOVES {
            chain.push(node);
            node = graph.node(graph.producer(*node.inputs.first()?)?);
        }
        let dequantise = node.op_as::<DequantizeLinear>()?;
        let constant = |position: usize| node.inputs.get(position).and_then(|&input| graph.constant(input));
        let (values, scale) = (constant(0)?, constant(1)?);
        let scales = match scale.to_vec::<f32>().ok()?.as_slice() {
            &[one] => Each::One(one),
            several => {
                let mut aligned = vec![1; values.rank()];
                *aligned.get_mut(dequantise.axis)? = several.len();
                let scales = Tensor::from_vec(&aligned, several.to_vec()).ok()?;
                Each::All(scales.broadcast_to(values.shape()).ok()?.to_contiguous())
            }
        };
        let zero = constant(2).cloned().filter(all_equal);
        let none = || TensorType { dtype: values.dtype(), shape: Vec::new() }.zeros().ok();
        let zero = if node.inputs.len() > 2 { zero } else { none() };
        let mut found = Dequantised { values: values.clone(), scales, zero };
        for node in chain.into_iter().rev() {
            found = found.arranged(&|tensor| {
                let shape = &graph.ty(node.outputs[0]).shape;
                let mut outputs = [TensorType { dtype: tensor.dtype(), shape: shape.clone() }.zeros()?];
                node.op.run(&[tensor], &mut outputs)?;
                let [output] = outputs;
                Ok(output)
            })?;
        }
        Some(found)
    }

    fn arranged(self, arrange: &Arrange<'_>) -> Option<Dequantised> {
        let values = arrange(&self.values).ok()?.to_contiguous();
        let scales = match self.scales {
            Each::All(scales) => Each::All(arrange(&scales).ok()?.to_contiguous()),
            one @ Each::One(_) => one,
        };
        Some(Dequantised { values, scales, zero: self.zero })
    }

    /// One scale for each index of the first axis; nothing if an index has several.
    fn scales_by_output(&self) -> Option<Vec<f32>> {
        let outputs = self.values.shape().first().copied().unwrap_or(1);
        let all = match &self.scales {
            Each::One(one) => return Some(vec![*one; outputs]),
            Each::All(all) => all.as_slice::<f32>().ok()?,
        };
        let rows = all.chunks_exact((all.len() / outputs.max(1)).max(1));
        rows.map(|row| row.iter().all(|scale| *scale == row[0]).then_some(row[0])).collect()
    }

    /// Weights that keep their integers; nothing if int8 has no such weights.
    fn weights(&self) -> Option<Weights> {
        let values = Tensor::from_vec(self.values.shape(), to_signed(&self.values)?).ok()?;
        let zero = to_signed(self.zero.as_ref()?)?.first().copied()?;
        Some(Weights::Stored { values, scales: self.scales_by_output()?, zero })
    }
}

/// Whether all elements are one number.
fn all_equal(tensor: &Tensor) -> bool {
    let numbers = tensor.cast(DType::I64).to_vec::<i64>().unwrap_or_default();
    numbers.first().is_some_and(|first| numbers.iter().all(|number| number == first))
}

/// The name of the input that a value is, moved or converted on its way; nothing if it is none.
fn input_behind(graph: &Graph, mut value: ValueId) -> Option<&str> {
    while let Some(node) = graph.producer(value) {
        let &[operand] = graph.node(node).inputs.as_slice() else { return None };
        value = operand;
    }
    graph.inputs().contains(&value).then(|| graph.value(value).name.as_str())
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
    /// The weights behind a value, whose output channels are outermost.
    ///
    /// Those that are stored with one zero point, and one scale or one for each output channel, keep their
    /// integers, and so do real numbers that were such integers once. Others count as the real numbers that
    /// they stand for.
    ///
    /// # Errors
    /// It is not constant, or not finite; the error is the reason.
    pub(crate) fn read(graph: &Graph, value: ValueId) -> std::result::Result<Weights, String> {
        Weights::read_arranged(graph, value, &|tensor| Ok(tensor.clone()))
    }

    /// As [`Weights::read`], for a matrix `[K, N]`: its outputs are brought outermost, `[N, K]`.
    ///
    /// # Errors
    /// As of [`Weights::read`].
    pub(crate) fn read_turned(graph: &Graph, value: ValueId) -> std::result::Result<Weights, String> {
        Weights::read_arranged(graph, value, &|tensor| Ok(tensor.transpose(&[1, 0])?))
    }

    /// As [`Weights::read`], for the weights `[C, O / groups, ...]` of a transposed convolution: its output
    /// channels are brought outermost, `[O, C / groups, ...]`.
    ///
    /// # Errors
    /// As of [`Weights::read`].
    pub(crate) fn read_outputs_first(
        graph: &Graph,
        value: ValueId,
        groups: usize,
    ) -> std::result::Result<Weights, String> {
        Weights::read_arranged(graph, value, &|tensor| {
            let &[inputs, outputs, ref taps @ ..] = tensor.shape() else { return Ok(tensor.clone()) };
            let group = [&[groups, inputs / groups, outputs], taps].concat();
            let axes: Vec<usize> = [0, 2, 1].into_iter().chain(3..group.len()).collect();
            let turned = tensor.to_contiguous().reshape(&group)?.transpose(&axes)?.to_contiguous();
            Ok(turned.reshape(&[&[groups * outputs, inputs / groups], taps].concat())?)
        })
    }

    fn read_arranged(
        graph: &Graph,
        value: ValueId,
        arrange: &Arrange<'_>,
    ) -> std::result::Result<Weights, String> {
        let stored = Dequantised::read(graph, value).and_then(|found| found.arranged(arrange));
        if let Some(weights) = stored.and_then(|stored| stored.weights()) {
            return Ok(weights);
        }
        let name = &graph.value(value).name;
        let tensor = real_constant(graph, value).ok_or_else(|| match input_behind(graph, value) {
            Some(input) => {
                format!("its weights are an input, `{input}`: call `freeze`, which makes them constant")
            }
            None => format!("its weights `{name}` are not constant"),
        })?;
        let tensor = arrange(&tensor).map_err(|error| error.to_string())?.to_contiguous();
        let numbers = tensor.as_slice::<f32>().map_err(|error| error.to_string())?;
        if !all_finite(numbers) {
            return Err(format!("its weights `{name}` are not all finite"));
        }
        match grid::integers(numbers, tensor.shape().first().copied().unwrap_or(1)) {
            Some((values, scales)) => {
                let values = Tensor::from_vec(tensor.shape(), values).map_err(|error| error.to_string())?;
                Ok(Weights::Stored { values, scales, zero: 0 })
            }
            None => Ok(Weights::Real(tensor)),
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
        if let Some(stored) = Dequantised::read(graph, value)
            && let (Ok(values), Some(scales)) = (stored.values.to_vec::<i32>(), stored.scales_by_output())
            && stored.zero.is_some_and(|zero| zero.cast(DType::I64).to_vec::<i64>().is_ok_and(|z| z[0] == 0))
        {
            return Ok(Bias::Stored(values, scales));
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
