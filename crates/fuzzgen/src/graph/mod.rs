//! Random small quantised networks of the operators that the compiler knows, by seed.
//!
//! The host's arithmetic, compiled programs on the simulator, and the hardware are compared on them.
//!
//! [`network`] draws one. [`Net`] builds one by hand, with random constants. [`motif`] draws real ones that
//! are made as published networks are. Neither the compiler nor a machine is known here: the compiler says
//! whether a network fits a machine.

mod features;
pub mod motif;
mod net;
mod strewn;

use ediacara_graph::ValueId;
use ediacara_graph::ops::{PadMode, PoolKind};
use ediacara_tensor::Tensor;

use crate::Random;
pub use features::{FEATURES, features};
pub use net::{ConvShape, Net};

/// How large networks may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The largest height and width of the input.
    pub side: usize,
    /// The most channels of the input and of a layer's outputs, apart from concatenations.
    pub channels: usize,
    /// The most operators, apart from a few that come with others.
    pub steps: usize,
}

impl Sizes {
    /// For a simulator.
    pub fn small() -> Self {
        Self { side: 12, channels: 42, steps: 7 }
    }

    /// For hardware that is simulated, with memories of a few kilobytes.
    pub fn tiny() -> Self {
        Self { side: 9, channels: 12, steps: 4 }
    }
}

/// A random network, with its outputs set.
///
/// A seed gives the same one for ever.
///
/// # Panics
/// Never: what is drawn fits.
pub fn network(seed: u64, sizes: Sizes) -> Net {
    let mut net = Net::new(seed);
    let random = &mut net.random;
    let batch = random.pick(&[1, 1, 1, 2]);
    let shape =
        [batch, random.between(1, sizes.side), random.between(1, sizes.side), channels(random, sizes)];
    let mut pool = vec![net.input(&shape)];
    for _ in 0..net.random.between(1, sizes.steps) {
        let y = step(&mut net, &pool, sizes);
        pool.push(y);
    }
    let last = pool[pool.len() - 1];
    let mut outputs = vec![last];
    if net.random.chance(40) {
        let shape = net.shape(last);
        let flat = net.reshape(last, &[shape[0], shape[1..].iter().product()]);
        let count = net.random.between(1, sizes.channels);
        outputs = vec![net.matmul(flat, count)];
    }
    if net.random.chance(30) {
        let other = net.random.pick(&pool[1..]);
        if other != outputs[0] {
            outputs.push(other);
        }
    }
    net.graph.set_outputs(outputs);
    // Only people would read what leads nowhere.
    net.graph.unlink_dead();
    net
}

/// An operator of one or more of the values in `pool`.
fn step(net: &mut Net, pool: &[ValueId], sizes: Sizes) -> ValueId {
    let x = net.random.pick(pool);
    match net.random.below(27) {
        0..6 => conv(net, x, sizes),
        6..9 => window_pool(net, x),
        9..12 => residual(net, x, pool),
        12 => {
            let y = net.global_average(x);
            net.multiply(x, y)
        }
        13 => net.table(x),
        14 | 15 => concat(net, x, pool),
        16 => slice(net, x),
        17 => {
            let channels = net.shape(x)[3];
            let indices = (0..net.random.between(1, 9)).map(|_| net.random.below(channels) as i64).collect();
            net.gather(x, 3, indices_of(indices))
        }
        18 => {
            let [a, b, c] = [0; 3].map(|_| net.random.below(3));
            net.pad(x, &[0, a, b, 0], &[0, b, a, c], PadMode::Constant)
        }
        19 => net.transpose(x, &[0, 2, 1, 3]),
        20 => {
            let shape = net.shape(x);
            let y = net.reshape(x, &[shape[0], shape[1] * shape[2], 1, shape[3]]);
            net.reshape(y, &shape)
        }
        21 => {
            let size = [0; 2].map(|_| net.random.between(1, sizes.side));
            net.resize(x, size)
        }
        22 => {
            let stride = net.random.pick(&[[2, 2], [2, 2], [1, 2], [2, 1], [3, 2]]);
            let outputs = channels(&mut net.random, sizes);
            net.conv_transpose(x, outputs, stride)
        }
        23 | 24 => product(net, x, pool, sizes),
        _ => {
            let channels = net.shape(x)[3];
            let groups = divisor(&mut net.random, channels);
            net.shuffle(x, groups)
        }
    }
}

/// A convolution of any kind: 1 x 1, with a stride, with a window, dilated, with any padding, in groups,
/// depthwise.
fn conv(net: &mut Net, x: ValueId, sizes: Sizes) -> ValueId {
    let shape = net.shape(x);
    let random = &mut net.random;
    let mut conv = ConvShape::point(channels(random, sizes));
    let choice = random.below(10);
    if choice < 6 {
        for axis in 0..2 {
            let size = shape[1 + axis];
            conv.kernel[axis] = random.between(1, 5);
            conv.stride[axis] = random.between(1, 3);
            conv.dilation[axis] = random.pick(&[1, 1, 2, 3]);
            conv.padding[axis] = random.below(4);
            conv.padding[axis + 2] = random.below(4);
            let extent = conv.dilation[axis] * (conv.kernel[axis] - 1) + 1;
            let padded = size + conv.padding[axis] + conv.padding[axis + 2];
            if extent > padded {
                (conv.kernel[axis], conv.dilation[axis]) = (1, 1);
            }
        }
    } else if choice < 8 {
        conv.stride = [random.between(1, 2), random.between(1, 2)];
    }
    match random.below(10) {
        0..2 => {
            conv.groups = divisor(random, shape[3]);
            conv.outputs = conv.groups * random.between(1, 3);
        }
        2..4 => (conv.groups, conv.outputs) = (shape[3], shape[3]),
        _ => {}
    }
    net.conv(x, conv)
}

fn window_pool(net: &mut Net, x: ValueId) -> ValueId {
    let shape = net.shape(x);
    let random = &mut net.random;
    let mut window = [[1; 2]; 2];
    let mut padding = [0; 4];
    for axis in 0..2 {
        window[0][axis] = random.between(1, 4.min(shape[1 + axis]));
        window[1][axis] = random.pick(&[1, 2, 2, 3]);
        padding[axis] = random.below(window[0][axis]);
        padding[axis + 2] = random.below(window[0][axis]);
    }
    let kind = if random.chance(50) { PoolKind::Max } else { PoolKind::Average };
    let (ceil, include) = (random.chance(70), random.chance(50));
    net.pool(x, kind, window, padding, ceil, include)
}

/// A sum with a value of the same shape, or the larger of both, or a sum with a convolution that keeps it.
fn residual(net: &mut Net, x: ValueId, pool: &[ValueId]) -> ValueId {
    let shape = net.shape(x);
    match pool.iter().copied().rev().find(|&y| y != x && net.shape(y) == shape) {
        Some(y) if net.random.chance(25) => net.maximum(x, y),
        Some(y) => net.add(x, y),
        None => {
            let y = net.conv(x, ConvShape::square(shape[3], 3, 1, 1));
            net.add(y, x)
        }
    }
}

fn concat(net: &mut Net, x: ValueId, pool: &[ValueId]) -> ValueId {
    let shape = net.shape(x);
    let mut list: Vec<_> = pool.iter().copied().filter(|&y| net.shape(y)[..3] == shape[..3]).collect();
    list.truncate(net.random.between(1, 3));
    list.push(x);
    net.concat(&list, 3)
}

fn slice(net: &mut Net, x: ValueId) -> ValueId {
    let shape = net.shape(x);
    let start = net.random.below(shape[3]);
    let end = net.random.between(start + 1, shape[3]);
    let row = net.random.below(shape[1]);
    let step = net.random.between(1, 2) as i64;
    let ends = [shape[0], shape[1], shape[2], end].map(|end| end as i64);
    net.slice(x, &[0, row as i64, 0, start as i64], &ends, &[1, step, 1, 1])
}

/// The pixels of one value times those of another, or times its channels.
fn product(net: &mut Net, x: ValueId, pool: &[ValueId], sizes: Sizes) -> ValueId {
    let shape = net.shape(x);
    let [pixels, terms] = [shape[..3].iter().product(), shape[3]];
    let rows = net.reshape(x, &[pixels, terms]);
    let y = net.random.pick(pool);
    let other = net.shape(y);
    let other_pixels: usize = other[..3].iter().product();
    let matrix = if other_pixels >= terms && net.random.chance(50) {
        // There are as many pixels as terms, and channels outside: attention's second product.
        let matrix = net.reshape(y, &[other_pixels, other[3]]);
        let matrix = net.slice(matrix, &[0, 0], &[terms as i64, other[3] as i64], &[1, 1]);
        net.transpose(matrix, &[1, 0])
    } else {
        let y = if other[3] == terms { y } else { net.conv(y, ConvShape::point(terms)) };
        let count = other_pixels.min(sizes.channels);
        let matrix = net.reshape(y, &[other_pixels, terms]);
        net.slice(matrix, &[0, 0], &[count as i64, terms as i64], &[1, 1])
    };
    let y = net.product(rows, matrix);
    let outputs = net.shape(y)[1];
    net.reshape(y, &[shape[0], shape[1], shape[2], outputs])
}

/// A number of channels, a multiple of four more often than others, since those have groups.
fn channels(random: &mut Random, sizes: Sizes) -> usize {
    if random.chance(50) {
        4 * random.between(1, sizes.channels / 4)
    } else {
        random.between(1, sizes.channels)
    }
}

/// A divisor between 1 and the number itself, if there is any.
fn divisor(random: &mut Random, of: usize) -> usize {
    let divisors: Vec<_> = (2..of).filter(|divisor| of.is_multiple_of(*divisor)).collect();
    if divisors.is_empty() { random.pick(&[1, of]) } else { random.pick(&divisors) }
}

#[allow(clippy::expect_used, reason = "a list is as long as it is")]
fn indices_of(list: Vec<i64>) -> Tensor {
    Tensor::from_vec(&[list.len()], list).expect("as many values as elements")
}
