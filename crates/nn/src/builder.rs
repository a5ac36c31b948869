//! Builds graphs layer by layer, with seeded weights that keep the variance of the signal.
//!
//! Each value carries an estimate of its statistics ([`Signal`]), from which the weights of the next layer
//! are scaled:
//!
//! - Filters of convolutions and fully connected layers are *centred*: the weights of one output sum to 0. So
//!   the positive mean that ReLU leaves does not add up to offsets that drown the signal, and different
//!   places of a picture keep different values through any depth. Their deviation is 1 / sqrt(fan-in *
//!   variance), which gives outputs of variance 1. This is the scaled weight standardisation of Brock, De and
//!   Smith, "Characterizing signal propagation to close the performance gap in unnormalized ResNets", 2021.
//!   Their gain for ReLU, sqrt(2 / (1 - 1/pi)), is 1 / sqrt of the variance that [`Signal::rectified`]
//!   leaves.
//! - Depthwise filters see one channel, where centring would leave edges only. They are scaled by the second
//!   moment instead.
//! - A batch normalisation is two nodes, `NAME.scale` and `NAME.shift`, with C weights each: gamma /
//!   deviation and beta - mean * gamma / deviation. The running statistics are those that the filters above
//!   give (mean 0, variance 1). So a channel has exactly the two learnable parameters that torchvision
//!   counts, and folding them is the optimiser's work. Gamma varies by a tenth between channels and beta by a
//!   tenth of the deviation, as biases do, so that a lost shift shows.
//! - Residual branches end in a gamma below 1, chosen by the number of blocks of the stage, so that their sum
//!   stays bounded.
//!
//! Each weight has its own stream of random numbers, named after it: the same name and seed give the same
//! weights everywhere. `tests/networks.rs` measures what comes out.

use ediacara_data::Random;
use ediacara_graph::ops::{Add, Clamp, Conv, Gemm, Lrn, Mul, Pool, PoolKind, Relu, Reshape};
use ediacara_graph::{Graph, IntoOp, TensorType, ValueId};
use ediacara_tensor::Tensor;

use crate::NnError;

/// How far gamma, beta and biases vary between channels.
const SPREAD: f32 = 0.1;

/// A value and the estimated statistics of its elements over all channels and places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal {
    value: ValueId,
    /// Mean square.
    second_moment: f64,
    /// Mean square of the distance from the mean.
    variance: f64,
}

impl Signal {
    /// Elements that are normal with mean 0.
    fn normal(value: ValueId, variance: f64) -> Self {
        Self { value, second_moment: variance, variance }
    }

    /// Normal elements of this variance after ReLU: the second moment is halved and the mean is sqrt(variance
    /// / 2 pi).
    ///
    /// A bound at 6 is too far out to matter.
    fn rectified(value: ValueId, variance: f64) -> Self {
        Self { value, second_moment: variance / 2.0, variance: variance * (0.5 - 0.5 / std::f64::consts::PI) }
    }

    /// Whether the elements are taken to be normal around 0.
    fn has_mean_0(&self) -> bool {
        self.second_moment == self.variance
    }

    /// The value.
    pub(crate) fn value(&self) -> ValueId {
        self.value
    }

    /// The same statistics of another value.
    pub(crate) fn moved_to(self, value: ValueId) -> Self {
        Self { value, ..self }
    }
}

/// The shape of a convolution's filters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filters {
    pub(crate) channels: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

impl Filters {
    /// Square filters over all channels, padded so that stride 1 keeps the size (for an odd kernel).
    pub(crate) fn same(channels: usize, kernel: usize, stride: usize) -> Self {
        Self { channels, kernel, stride, padding: kernel / 2, groups: 1 }
    }
}

/// A graph in the making.
pub(crate) struct Builder {
    graph: Graph,
    seed: u64,
}

impl Builder {
    pub(crate) fn new(name: &str, seed: u64) -> Self {
        Self { graph: Graph::new(name), seed }
    }

    /// The input.
    ///
    /// Its elements are taken to be normal with mean 0 and variance 1, as normalised photos nearly are.
    pub(crate) fn input(&mut self, shape: &[usize]) -> Signal {
        Signal::normal(self.graph.add_input("input", TensorType::f32(shape)), 1.0)
    }

    /// An input of which nothing is known.
    pub(crate) fn input_of(&mut self, name: &str, ty: TensorType) -> ValueId {
        self.graph.add_input(name, ty)
    }

    /// The finished graph with these outputs.
    pub(crate) fn finish_all(mut self, outputs: &[(String, ValueId)]) -> Result<Graph, NnError> {
        self.graph.set_named_outputs(outputs)?;
        Ok(self.graph)
    }

    /// The finished graph, whose only output is `output`, called `logits`.
    pub(crate) fn finish(mut self, output: Signal) -> Graph {
        self.graph.rename_value(output.value, "logits");
        self.graph.set_outputs(vec![output.value]);
        self.graph
    }

    /// Adds a node with one result, of whose statistics nothing is known.
    pub(crate) fn op(&mut self, name: &str, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, NnError> {
        Ok(self.graph.add(name, op, inputs)?)
    }

    /// Adds a node with several results.
    pub(crate) fn results(
        &mut self,
        name: &str,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<Vec<ValueId>, NnError> {
        let node = self.graph.add_node(name, op, inputs)?;
        Ok(self.graph.outputs_of(node).to_vec())
    }

    /// A constant that is given.
    pub(crate) fn given(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.graph.add_constant(name, tensor)
    }

    /// The weights [outputs, inputs] of a product that keeps the variance of inputs around 0.
    pub(crate) fn matrix(&mut self, name: &str, [outputs, inputs]: [usize; 2]) -> Result<ValueId, NnError> {
        let weights = self.filters(name, outputs, inputs, Scale::Plain(1.0 / (inputs as f64).sqrt()));
        self.constant(name.to_owned(), &[outputs, inputs], weights)
    }

    /// A constant of nearly normal numbers with this mean and deviation.
    pub(crate) fn normal(
        &mut self,
        name: &str,
        shape: &[usize],
        mean: f32,
        deviation: f32,
    ) -> Result<ValueId, NnError> {
        let values = self.around(name, shape.iter().product(), mean, deviation);
        self.constant(name.to_owned(), shape, values)
    }

    /// Biases around 0.
    pub(crate) fn bias(&mut self, name: &str, count: usize) -> Result<ValueId, NnError> {
        let bias = self.around(name, count, 0.0, SPREAD);
        self.constant(name.to_owned(), &[count], bias)
    }

    /// The dimensions of a value with its statistics.
    pub(crate) fn shape(&self, signal: Signal) -> &[usize] {
        self.shape_of(signal.value)
    }

    /// The dimensions of a value.
    pub(crate) fn shape_of(&self, value: ValueId) -> &[usize] {
        &self.graph.ty(value).shape
    }

    fn constant(&mut self, name: String, shape: &[usize], values: Vec<f32>) -> Result<ValueId, NnError> {
        Ok(self.graph.add_constant(name, Tensor::from_vec(shape, values)?))
    }

    /// `outputs` filters of `fan_in` weights with this deviation, each with sum 0 if `centred`.
    fn filters(&self, name: &str, outputs: usize, fan_in: usize, scale: Scale) -> Vec<f32> {
        let mut random = Random::named(self.seed, name);
        let mut weights: Vec<f32> = Vec::with_capacity(outputs * fan_in);
        let (deviation, centred) = match scale {
            Scale::Centred(deviation) => (deviation as f32, true),
            Scale::Plain(deviation) => (deviation as f32, false),
        };
        for _ in 0..outputs {
            let start = weights.len();
            weights.extend((0..fan_in).map(|_| random.bell() * deviation));
            let filter = &mut weights[start..];
            if centred {
                let mean = filter.iter().map(|&weight| f64::from(weight)).sum::<f64>() / fan_in as f64;
                filter.iter_mut().for_each(|weight| *weight -= mean as f32);
            }
        }
        weights
    }

    /// `count` numbers around `mean` with this deviation.
    fn around(&self, name: &str, count: usize, mean: f32, deviation: f32) -> Vec<f32> {
        let mut random = Random::named(self.seed, name);
        (0..count).map(|_| mean + deviation * random.bell()).collect()
    }

    /// A convolution without bias, to be followed by a batch normalisation; the result has variance 1.
    pub(crate) fn conv(&mut self, name: &str, x: Signal, filters: Filters) -> Result<Signal, NnError> {
        self.conv_of(name, x, filters, None)
    }

    /// A convolution with bias; the result has variance 1.
    pub(crate) fn conv_with_bias(
        &mut self,
        name: &str,
        x: Signal,
        filters: Filters,
    ) -> Result<Signal, NnError> {
        let bias = self.around(&format!("{name}.bias"), filters.channels, 0.0, SPREAD);
        self.conv_of(name, x, filters, Some(bias))
    }

    fn conv_of(
        &mut self,
        name: &str,
        x: Signal,
        filters: Filters,
        bias: Option<Vec<f32>>,
    ) -> Result<Signal, NnError> {
        let Filters { channels, kernel, stride, padding, groups } = filters;
        let depth = self.shape(x)[1] / groups;
        let fan_in = depth * kernel * kernel;
        let scale = if depth == 1 && groups > 1 {
            Scale::Plain(1.0 / (fan_in as f64 * x.second_moment).sqrt())
        } else {
            Scale::Centred(1.0 / (fan_in as f64 * x.variance).sqrt())
        };
        let weight_name = format!("{name}.weight");
        let weights = self.filters(&weight_name, channels, fan_in, scale);
        let weight = self.constant(weight_name, &[channels, depth, kernel, kernel], weights)?;
        let mut operands = vec![x.value, weight];
        if let Some(bias) = bias {
            operands.push(self.constant(format!("{name}.bias"), &[channels], bias)?);
        }
        let op = Conv { stride: [stride; 2], padding: [padding; 4], groups, ..Conv::default() };
        Ok(Signal::normal(self.graph.add(name, op, &operands)?, 1.0))
    }

    /// A batch normalisation whose gamma varies around `gamma`; the result has variance `gamma` squared.
    pub(crate) fn batch_norm(&mut self, name: &str, x: Signal, gamma: f64) -> Result<Signal, NnError> {
        let channels = self.shape(x)[1];
        let spread = SPREAD * gamma as f32;
        let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
        let weight = self.around(&weight_name, channels, gamma as f32, spread);
        let bias = self.around(&bias_name, channels, 0.0, spread);
        let weight = self.constant(weight_name, &[1, channels, 1, 1], weight)?;
        let bias = self.constant(bias_name, &[1, channels, 1, 1], bias)?;
        let scaled = self.graph.add(format!("{name}.scale"), Mul, &[x.value, weight])?;
        let shifted = self.graph.add(format!("{name}.shift"), Add, &[scaled, bias])?;
        Ok(Signal::normal(shifted, x.variance * gamma * gamma))
    }

    /// max(x, 0) of normal elements.
    pub(crate) fn relu(&mut self, name: &str, x: Signal) -> Result<Signal, NnError> {
        Ok(Signal::rectified(self.graph.add(name, Relu, &[x.value])?, x.variance))
    }

    /// max(x + branch, 0), where x is rectified already, or normal (at the start of a stage).
    pub(crate) fn add_relu(
        &mut self,
        name: &str,
        x: Signal,
        branch: Signal,
        relu: &str,
    ) -> Result<Signal, NnError> {
        let sum = self.graph.add(name, Add, &[x.value, branch.value])?;
        let value = self.graph.add(relu, Relu, &[sum])?;
        if x.has_mean_0() {
            return Ok(Signal::rectified(value, x.variance + branch.variance));
        }
        // Half of x is positive: there the sum's square grows by the branch's variance. The other half is 0:
        // there half of the branch survives.
        Ok(Signal::rectified(value, 2.0 * x.second_moment + 1.5 * branch.variance))
    }

    /// x + branch of normal elements.
    pub(crate) fn add(&mut self, name: &str, x: Signal, branch: Signal) -> Result<Signal, NnError> {
        let value = self.graph.add(name, Add, &[x.value, branch.value])?;
        Ok(Signal::normal(value, x.variance + branch.variance))
    }

    /// min(max(x, 0), 6) of normal elements.
    pub(crate) fn relu6(&mut self, name: &str, x: Signal) -> Result<Signal, NnError> {
        let op = Clamp { low: 0.0, high: 6.0 };
        Ok(Signal::rectified(self.graph.add(name, op, &[x.value])?, x.variance))
    }

    /// Local response normalisation.
    ///
    /// The divisor is close to `bias^beta`, as alpha is small.
    pub(crate) fn lrn(&mut self, name: &str, x: Signal, op: Lrn) -> Result<Signal, NnError> {
        let scale = op.bias.powf(-op.beta);
        let value = self.graph.add(name, op, &[x.value])?;
        Ok(Signal {
            value,
            variance: x.variance * scale * scale,
            second_moment: x.second_moment * scale * scale,
        })
    }

    /// Max pooling, rounding down.
    ///
    /// The largest of a few rectified numbers varies about as much as one of them.
    pub(crate) fn max_pool(
        &mut self,
        name: &str,
        x: Signal,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Signal, NnError> {
        let side = |size: usize| (size + 2 * padding).saturating_sub(kernel) / stride + 1;
        let output = [side(self.shape(x)[2]), side(self.shape(x)[3])];
        let op = Pool {
            kind: PoolKind::Max,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 4],
            dilation: [1; 2],
            output,
            count_include_pad: false,
        };
        Ok(x.moved_to(self.graph.add(name, op, &[x.value])?))
    }

    /// The mean over all places, then `[batch, channels]`.
    ///
    /// A mean varies less than its terms: by a fraction between 1 / places, for independent places, and 1,
    /// for equal ones. 1 / 8 is taken.
    pub(crate) fn global_average(&mut self, name: &str, x: Signal) -> Result<Signal, NnError> {
        let (height, width) = (self.shape(x)[2], self.shape(x)[3]);
        let op = Pool {
            kind: PoolKind::Average,
            kernel: [height, width],
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output: [1; 2],
            count_include_pad: false,
        };
        let value = self.graph.add(name, op, &[x.value])?;
        let mean_square = x.second_moment - x.variance;
        let variance = x.variance / 8.0;
        self.flatten("flatten", Signal { value, variance, second_moment: mean_square + variance })
    }

    /// `[batch, everything else]`.
    pub(crate) fn flatten(&mut self, name: &str, x: Signal) -> Result<Signal, NnError> {
        let shape = self.shape(x);
        let op = Reshape { shape: vec![shape[0], shape[1..].iter().product()] };
        Ok(x.moved_to(self.graph.add(name, op, &[x.value])?))
    }

    /// A fully connected layer with bias; the result has variance 1.
    pub(crate) fn linear(&mut self, name: &str, x: Signal, outputs: usize) -> Result<Signal, NnError> {
        let fan_in = self.shape(x)[1];
        let weight_name = format!("{name}.weight");
        let bias_name = format!("{name}.bias");
        // A single weight is its own centre, so that centring would leave 0.
        let scale = if fan_in == 1 {
            Scale::Plain(1.0 / x.second_moment.sqrt())
        } else {
            Scale::Centred(1.0 / (fan_in as f64 * x.variance).sqrt())
        };
        let weights = self.filters(&weight_name, outputs, fan_in, scale);
        let weight = self.constant(weight_name, &[outputs, fan_in], weights)?;
        let bias = self.around(&bias_name, outputs, 0.0, SPREAD);
        let bias = self.constant(bias_name, &[outputs], bias)?;
        let value = self.graph.add(name, Gemm::default(), &[x.value, weight, bias])?;
        Ok(Signal::normal(value, 1.0))
    }
}

/// The deviation of a filter's weights, and whether their sum is 0.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Centred(f64),
    Plain(f64),
}
