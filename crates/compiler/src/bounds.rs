//! What stands beside the cycles of a program: a floor that none can beat, and a yardstick.
//!
//! Both count the nodes of the network, whatever is fused with what. The floor takes weights and constants to be any
//! numbers, and every result to be wanted. Products across channels are the matrix engine's, results are written by the
//! vector engine, an operation each; a depthwise convolution and the sums of an average may be divided between
//! the two. It leaves out what a program may
//! leave out: taps in the padding, pixels that no window sees, and constants that have passed DRAM before.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ediacara_arch::Machine;
use ediacara_isa::Port;
use ediacara_tensor::Tensor;

use crate::program::layer::{Conv, FloatWindow, Kind, Layer, Middle, Pool, PoolMode, Weights};
use crate::program::rows::Rows;
use crate::program::view::{Image, View};
use crate::program::window::{Axis, Window};

/// The floor and the yardstick of the nodes on the DLP.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// The largest compulsory work of any one engine or of the DRAM over the whole network, in cycles. No program can beat it.
    pub floor_cycles: u64,
    /// For each layer of the program, the sum over its nodes of max(MACs / peak of the unit that does them, bytes that must
    /// cross DRAM there / bandwidth), in cycles. Those are a node's weights, each input of the network and constant that it
    /// is the first to read, and the outputs of the network that it writes. Good overlap can beat their sum.
    pub roofline_cycles: Vec<f64>,
}

impl Bounds {
    /// The sum of [`Bounds::roofline_cycles`], rounded up.
    pub fn layer_roofline_cycles(&self) -> u64 {
        self.roofline_cycles.iter().sum::<f64>().ceil() as u64
    }
}

/// Bytes in DRAM that no layer writes: an input of the network, or a constant that is read as an activation.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Address of the first byte.
    pub(crate) base: u64,
    /// How many there are.
    pub(crate) bytes: u64,
    /// What they are, of a constant.
    pub(crate) constant: Option<&'a Tensor>,
}

impl Source<'_> {
    fn holds(&self, address: u64) -> bool {
        (self.base..self.base + self.bytes).contains(&address)
    }
}

/// The bounds of `layers` on `machine`, which read `sources` and leave `outputs`.
pub(crate) fn bounds(machine: &Machine, layers: &[Layer], sources: &[Source], outputs: &[Port]) -> Bounds {
    let peaks = [machine.peak_macs_per_cycle() as f64, f64::from(machine.vector.lanes)];
    let bandwidth = machine.dram.bytes_per_cycle.to_f64();
    let mut nodes: Vec<Vec<Node>> = layers.iter().map(|layer| nodes(&layer.kind)).collect();
    let mut constants = Constants::default();
    let mut compulsory = 0;
    for weights in nodes.iter().flatten().filter_map(|node| node.weights) {
        compulsory += if constants.is_new(weights.values) { weights.touched } else { 0 };
    }
    for source in sources {
        let of_source = |(layer, kind)| {
            let reads = reads(kind).into_iter().filter(|part| source.holds(part.span.start));
            reads.map(move |part| (layer, part))
        };
        let reading: Vec<(usize, Part)> =
            layers.iter().map(|layer| &layer.kind).enumerate().flat_map(of_source).collect();
        let apart = apart(&reading);
        for &(layer, bytes) in &apart {
            if let Some(node) = nodes[layer].first_mut() {
                node.border_bytes += bytes;
            }
        }
        let most = apart.iter().map(|(_, bytes)| bytes).sum::<u64>();
        compulsory += if source.constant.is_none_or(|tensor| constants.is_new(tensor)) { most } else { 0 };
    }
    let mut seen = HashSet::new();
    for output in outputs {
        let bytes = output.len() as u64;
        if !seen.insert(output.address) || sources.iter().any(|source| source.holds(output.address)) {
            continue;
        }
        let range = output.address..output.address + bytes;
        for (layer, nodes) in layers.iter().zip(&mut nodes) {
            let written = writes(&layer.kind).into_iter().filter(|part| range.contains(&part.span.start));
            if let Some(node) = nodes.last_mut() {
                node.border_bytes += written.map(|part| part.bytes).sum::<u64>();
            }
        }
        compulsory += bytes;
    }
    let sum = |work: fn(&Node) -> u64| nodes.iter().flatten().map(work).sum::<u64>() as f64;
    let (matrix, vector) = (sum(|node| node.products) / peaks[0], sum(|node| node.operations) / peaks[1]);
    let both = (sum(|node| node.products) + sum(|node| node.window_products)) / (peaks[0] + peaks[1]);
    // What WRAM holds, a recurrence loads once; more than that, in every step.
    let mut held = Constants::default();
    let mut roofline_cycles = Vec::with_capacity(nodes.len());
    for nodes in &nodes {
        let mut cycles = 0.0;
        for node in nodes {
            let loaded = |weights: &Constant| weights.values.len() as u64 > machine.core.wram_bytes;
            let weights = node.weights.filter(|weights| loaded(weights) || held.is_new(weights.values));
            let bytes = weights.map_or(0, |weights| weights.values.len() as u64) + node.border_bytes;
            let products = (node.macs[0] as f64 / peaks[0]).max(node.macs[1] as f64 / peaks[1]);
            cycles += products.max(bytes as f64 / bandwidth);
        }
        roofline_cycles.push(cycles);
    }
    Bounds {
        floor_cycles: matrix.max(vector).max(both).max(compulsory as f64 / bandwidth).ceil() as u64,
        roofline_cycles,
    }
}

/// What one node of the network asks of the machine.
#[derive(Debug, Default, Clone, Copy)]
struct Node<'a> {
    /// Multiply-accumulates as the network defines them, of matrix and vector unit.
    macs: [u64; 2],
    /// Products of the matrix unit that any program computes.
    products: u64,
    /// Products of depthwise windows and terms of averages, which either unit may compute.
    window_products: u64,
    /// Operations of the vector unit that any program does.
    operations: u64,
    weights: Option<Constant<'a>>,
    /// Bytes of the network's inputs, outputs and constants that cross DRAM for it.
    border_bytes: u64,
}

/// The weights of a node.
#[derive(Debug, Clone, Copy)]
struct Constant<'a> {
    values: &'a Tensor,
    /// How many of their bytes some pixel is multiplied by.
    touched: u64,
}

/// Tells constants of equal bytes from new ones: a program can load them once, wherever they are used.
#[derive(Debug, Default)]
struct Constants<'a> {
    /// By length and first bytes, which differ where constants do but for rare cases.
    known: HashMap<(usize, &'a [i8]), Vec<&'a [i8]>>,
}

impl<'a> Constants<'a> {
    fn is_new(&mut self, tensor: &'a Tensor) -> bool {
        let Ok(bytes) = tensor.as_slice::<i8>() else { return true };
        let alike = self.known.entry((bytes.len(), &bytes[..bytes.len().min(64)])).or_default();
        let new = !alike.contains(&bytes);
        if new {
            alike.push(bytes);
        }
        new
    }
}

/// The nodes that a layer was made of, in order.
fn nodes(kind: &Kind) -> Vec<Node<'_>> {
    match kind {
        Kind::Conv(conv) => product(conv, &all(&conv.y)),
        Kind::Depthwise(conv) => {
            let table = conv.table.as_ref().map(|_| elementwise(pixels(&conv.y).bytes));
            [depthwise(conv)].into_iter().chain(table).collect()
        }
        Kind::Pool(one) => vec![pool(one)],
        Kind::Block(block) => {
            let (x, y, window) = block.middle.shape();
            let seen = [0, 1]
                .map(|index| seen(&Axis::of(&window, &x, index), &all(&y)[index], window.kernel[index]));
            let mut nodes: Vec<Node> = block.expand.iter().flat_map(|conv| product(conv, &seen)).collect();
            nodes.push(match &block.middle {
                Middle::Depthwise(conv) => depthwise(conv),
                Middle::MaxPool(one) => pool(one),
            });
            nodes.extend(block.project.iter().flat_map(|conv| product(conv, &all(&conv.y))));
            nodes
        }
        Kind::FloatWindow(layer) => vec![float_window(layer)],
        Kind::Binary(binary) => vec![elementwise(binary.d.len())],
        Kind::Table(table) => vec![elementwise(table.d.len())],
        Kind::Rows(rows) => vec![chain(rows)],
        Kind::Copy(_) => vec![Node::default()],
    }
}

fn elementwise(operations: u64) -> Node<'static> {
    Node { operations, ..Node::default() }
}

/// A convolution or matrix product of which `outputs` are wanted, and the addition that it does.
fn product<'a>(conv: &'a Conv, outputs: &[Vec<u64>; 2]) -> Vec<Node<'a>> {
    if selects_channels(conv) {
        return vec![Node::default()];
    }
    let (x, y, window) = (&conv.x, &conv.y, &conv.window);
    let products = y.batch * y.channels * (x.channels / conv.groups.max(1));
    let axes = [0, 1].map(|index| Axis::of(window, x, index));
    let of_axes = |count: &dyn Fn(usize) -> u64| count(0) * count(1);
    let results = y.batch * y.channels * of_axes(&|axis| outputs[axis].len() as u64);
    let wanted = products * of_axes(&|axis| taps(&axes[axis], &outputs[axis], window.kernel[axis]));
    let node = Node {
        macs: [products * y.height * y.width * window.kernel[0] * window.kernel[1], 0],
        products: if conv.is_of_one_channel() { 0 } else { wanted },
        window_products: if conv.is_of_one_channel() { wanted } else { 0 },
        operations: if conv.epilogue.is_some() { 0 } else { results },
        weights: conv.computed.is_none().then(|| touched(&conv.weights, axes, outputs, window)),
        border_bytes: 0,
    };
    let addition = conv.residual.is_some().then(|| elementwise(results));
    let table = conv.table.is_some().then(|| elementwise(results));
    let epilogue = conv.epilogue.as_deref().map(chain);
    [node].into_iter().chain(addition).chain(table).chain(epilogue).collect()
}

/// A chain of float instructions.
fn chain(rows: &Rows) -> Node<'static> {
    let stored = (0..rows.values.len()).filter(|&value| rows.is_stored(value));
    elementwise(stored.map(|value| rows.count() * rows.values[value].length).sum())
}

fn depthwise(conv: &Conv) -> Node<'_> {
    let (y, window, outputs) = (&conv.y, &conv.window, all(&conv.y));
    let axes = [0, 1].map(|index| Axis::of(window, &conv.x, index));
    let channels = y.batch * y.channels;
    let taps = [0, 1].map(|axis| taps(&axes[axis], &outputs[axis], window.kernel[axis]));
    Node {
        macs: [0, channels * y.height * y.width * window.kernel[0] * window.kernel[1]],
        window_products: channels * taps[0] * taps[1],
        operations: channels * y.height * y.width,
        weights: Some(touched(&conv.weights, axes, &outputs, window)),
        ..Node::default()
    }
}

/// A pool combines pairs until one number an output is left: one operation for each input that is not the result, and one for
/// each result that is written. Sums may be the matrix unit's, as products with ones.
fn pool(pool: &Pool) -> Node<'static> {
    let results = pool.y.batch * pool.y.height * pool.y.width * pool.y.channels;
    let read = window(&pool.x, &pool.y, &pool.window).bytes;
    let pairs = read.saturating_sub(results);
    match pool.mode {
        PoolMode::Max => elementwise(results.max(pairs)),
        PoolMode::Average { .. } => Node { window_products: pairs, ..elementwise(results) },
    }
}

/// A window of real numbers, which the vector unit alone computes: an operation for each element under it that exists, or each
/// result.
fn float_window(layer: &FloatWindow) -> Node<'static> {
    let unit = layer.types.a.bytes() as u64;
    let (y, outputs) = (&layer.y, all(&layer.y));
    let taps = [0, 1].map(|index| {
        taps(&Axis::of(&layer.window, &layer.x, index), &outputs[index], layer.window.kernel[index])
    });
    let channels = y.batch * y.channels / unit;
    let operations = channels * (taps[0] * taps[1]).max(y.height * y.width);
    let macs = if layer.weights.is_some() { channels * y.height * y.width } else { 0 };
    let [rows, columns] = layer.window.kernel;
    Node { macs: [0, macs * rows * columns], ..elementwise(operations) }
}

/// The weights of taps that lie on a pixel that exists for some output.
fn touched<'a>(
    weights: &'a Weights,
    axes: [Axis; 2],
    outputs: &[Vec<u64>; 2],
    window: &Window,
) -> Constant<'a> {
    let values = &weights.values;
    let used = |axis: usize| {
        (0..window.kernel[axis])
            .filter(|&tap| outputs[axis].iter().any(|&output| axes[axis].pixel(output, tap).is_some()))
            .count() as u64
    };
    let all = (window.kernel[0] * window.kernel[1]).max(1);
    Constant { values, touched: values.len() as u64 / all * used(0) * used(1) }
}

/// Every output of an image: rows, columns.
fn all(y: &Image) -> [Vec<u64>; 2] {
    [(0..y.height).collect(), (0..y.width).collect()]
}

/// How many taps of windows at `outputs` lie on pixels that exist, along one axis.
fn taps(axis: &Axis, outputs: &[u64], kernel: u64) -> u64 {
    let existing =
        |&output: &u64| (0..kernel).filter(|&tap| axis.pixel(output, tap).is_some()).count() as u64;
    outputs.iter().map(existing).sum()
}

/// How many taps of all windows of a pool lie on pixels that exist.
pub(crate) fn taps_on_pixels(pool: &Pool) -> u64 {
    let outputs = all(&pool.y);
    let along = |index: usize| {
        taps(&Axis::of(&pool.window, &pool.x, index), &outputs[index], pool.window.kernel[index])
    };
    along(0) * along(1)
}

/// Which pixels windows at `outputs` see, along one axis.
fn seen(axis: &Axis, outputs: &[u64], kernel: u64) -> Vec<u64> {
    let pixels =
        outputs.iter().flat_map(|&output| (0..kernel).filter_map(move |tap| axis.pixel(output, tap)));
    let mut pixels: Vec<u64> = pixels.collect::<HashSet<_>>().into_iter().collect();
    pixels.sort_unstable();
    pixels
}

/// How many pixels of an image a window reads to make `y`.
pub(crate) fn pixels_seen(x: &Image, y: &Image, window: &Window) -> u64 {
    let along =
        |index: usize| seen(&Axis::of(window, x, index), &all(y)[index], window.kernel[index]).len() as u64;
    along(0) * along(1)
}

/// A part of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// From its first byte to one past its last.
    span: Range<u64>,
    /// Bytes of it, at least.
    bytes: u64,
}

/// Parts of one tensor that are read, which do not meet, with the layer that reads each first: those of the most bytes
/// together. Parts that meet may share bytes, so that only one of them counts.
fn apart(reading: &[(usize, Part)]) -> Vec<(usize, u64)> {
    let mut ordered: Vec<&(usize, Part)> = reading.iter().collect();
    ordered.sort_by_key(|(layer, part)| (part.span.end, *layer));
    // By number of parts: the most bytes among the first of them, and whether the last is one that counts.
    let mut most = vec![(0, false)];
    let before = |part: &Part| ordered.partition_point(|(_, other)| other.span.end <= part.span.start);
    for (index, (_, part)) in ordered.iter().enumerate() {
        let with = most[before(part).min(index)].0 + part.bytes;
        let without = most[index].0;
        most.push((with.max(without), with > without));
    }
    let (mut chosen, mut count) = (Vec::new(), ordered.len());
    while count > 0 {
        let (_, part) = ordered[count - 1];
        if most[count].1 {
            // Whoever reads something of it first brings it.
            let meets = |other: &Part| other.span.start < part.span.end && part.span.start < other.span.end;
            let first = reading.iter().filter(|(_, other)| meets(other)).map(|(layer, _)| *layer).min();
            chosen.extend(first.map(|layer| (layer, part.bytes)));
            count = before(part).min(count - 1);
        } else {
            count -= 1;
        }
    }
    chosen
}

/// Where a layer reads activations, and how many bytes at least.
fn reads(kind: &Kind) -> Vec<Part> {
    match kind {
        Kind::Conv(conv) | Kind::Depthwise(conv) => convolution(conv),
        Kind::Pool(pool) => vec![window(&pool.x, &pool.y, &pool.window)],
        Kind::Block(block) => match (&block.expand, &block.middle) {
            (Some(conv), _) => convolution(conv),
            (None, Middle::Depthwise(conv)) => convolution(conv),
            (None, Middle::MaxPool(pool)) => vec![window(&pool.x, &pool.y, &pool.window)],
        },
        Kind::FloatWindow(layer) => vec![window(&layer.x, &layer.y, &layer.window)],
        Kind::Binary(binary) => vec![elements(&binary.a), elements(&binary.b)],
        Kind::Table(table) => vec![elements(&table.a)],
        Kind::Rows(rows) => tensors(rows, false),
        Kind::Copy(copy) => copy.parts.iter().map(|(from, _)| elements(from)).collect(),
    }
}

fn convolution(conv: &Conv) -> Vec<Part> {
    let mut reads = vec![window(&conv.x, &conv.y, &conv.window)];
    reads.extend(conv.computed.as_ref().map(elements));
    reads.extend(conv.residual.iter().map(|residual| pixels(&residual.image)));
    reads.extend(conv.epilogue.iter().flat_map(|rows| tensors(rows, false)));
    reads
}

/// Where a layer writes, and how many bytes.
fn writes(kind: &Kind) -> Vec<Part> {
    match kind {
        Kind::Conv(conv) | Kind::Depthwise(conv) => match &conv.epilogue {
            Some(rows) => tensors(rows, true),
            None => vec![pixels(&conv.y)],
        },
        Kind::Pool(pool) => vec![pixels(&pool.y)],
        Kind::Block(block) => {
            let (_, y, _) = block.middle.shape();
            vec![pixels(block.project.as_ref().map_or(&y, |conv| &conv.y))]
        }
        Kind::FloatWindow(layer) => vec![pixels(&layer.y)],
        Kind::Binary(binary) => vec![elements(&binary.d)],
        Kind::Table(table) => vec![elements(&table.d)],
        Kind::Rows(rows) => tensors(rows, true),
        Kind::Copy(copy) => {
            let filled = copy.fill.iter().flat_map(|(views, _)| views);
            copy.parts.iter().map(|(_, to)| to).chain(filled).map(elements).collect()
        }
    }
}

/// The tensors that a chain reads, or writes.
fn tensors(rows: &Rows, written: bool) -> Vec<Part> {
    let values = rows.values.iter().filter(|value| value.written == written);
    values.filter_map(|value| value.tensor.as_ref()).map(elements).collect()
}

/// The pixels under a window that exist. A convolution has every channel of them multiplied.
fn window(x: &Image, y: &Image, window: &Window) -> Part {
    Part { bytes: x.batch * pixels_seen(x, y, window) * x.channels, ..pixels(x) }
}

fn pixels(image: &Image) -> Part {
    let Image { batch, height, width, channels, .. } = *image;
    let end = image.address(batch - 1, height - 1, width - 1, channels - 1) + 1;
    Part { span: image.base..end, bytes: batch * height * width * channels }
}

fn elements(view: &View) -> Part {
    let extents = view.shape.iter().zip(&view.strides).filter(|&(_, &stride)| stride > 0);
    Part { span: view.span(), bytes: extents.map(|(&extent, _)| extent).product::<u64>() * view.element }
}

/// Whether a convolution only picks channels, each window beside the next: each output is one input, times one and nothing
/// added. The network has
/// a gather there, which moves data and multiplies nothing.
pub(crate) fn selects_channels(conv: &Conv) -> bool {
    let Weights { values, bias, .. } = &conv.weights;
    let row: usize = values.shape().iter().skip(1).product();
    let (Ok(values), Ok(bias)) = (values.as_slice::<i8>(), bias.as_slice::<i32>()) else { return false };
    let picks_one = |row: &[i8]| row.iter().filter(|&&weight| weight != 0).count() == 1 && row.contains(&1);
    let apart =
        Window { stride: conv.window.kernel, dilation: [1; 2], before: [0; 2], after: [0; 2], ..conv.window };
    conv.window == apart
        && conv.epilogue.is_none()
        && conv.w_zero == 0
        && row > 1
        && bias.iter().all(|&bias| bias == 0)
        && values.chunks_exact(row).all(picks_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(side: u64) -> Image {
        View::dense(0x40, &[1, side, side, 3]).image().unwrap()
    }

    #[test]
    fn a_stride_wider_than_its_window_skips_pixels() {
        let strided = Window { stride: [2; 2], ..Window::POINT };
        assert_eq!(window(&image(5), &image(3), &strided), Part { span: 0x40..0x40 + 75, bytes: 3 * 3 * 3 });
        let padded = Window { kernel: [3; 2], before: [1; 2], ..strided };
        assert_eq!(window(&image(5), &image(3), &padded), Part { span: 0x40..0x40 + 75, bytes: 5 * 5 * 3 });
    }

    #[test]
    fn taps_in_the_padding_are_no_work() {
        let padded = Window { kernel: [3; 2], before: [1; 2], ..Window::POINT };
        let axis = |side| Axis::of(&padded, &image(side), 0);
        // Two of three taps at either end.
        assert_eq!(taps(&axis(4), &[0, 1, 2, 3], 3), 2 + 3 + 3 + 2);
        // Of a single pixel only the middle tap sees anything.
        assert_eq!(taps(&axis(1), &[0], 3), 1);
        assert_eq!(seen(&axis(4), &[0, 3], 3), [0, 1, 2, 3]);
    }

    #[test]
    fn parts_that_do_not_meet_are_read_each() {
        let part = |layer: usize, start: u64, end: u64, bytes: u64| (layer, Part { span: start..end, bytes });
        // Four heads, one of them read again; and all of them by somebody who skips most of it.
        let heads = [0, 1, 2, 3].map(|head| part(head as usize + 1, 100 * head, 100 * head + 100, 100));
        let mut reading = heads.to_vec();
        reading.extend([part(9, 100, 200, 100), part(8, 0, 400, 40)]);
        let mut found = apart(&reading);
        found.sort();
        assert_eq!(found, [(1, 100), (2, 100), (3, 100), (4, 100)]);
        // The whole is more than two halves of it.
        assert_eq!(apart(&[part(5, 0, 50, 50), part(3, 0, 400, 400), part(4, 350, 400, 50)]), [(3, 400)]);
        assert_eq!(apart(&[]), []);
    }

    #[test]
    fn constants_of_equal_bytes_are_one() {
        let tensor = |last: i8| Tensor::from_vec(&[100], [[7; 99].as_slice(), &[last]].concat()).unwrap();
        let [one, same, other] = [tensor(1), tensor(1), tensor(2)];
        let mut constants = Constants::default();
        assert_eq!([&one, &same, &other].map(|tensor| constants.is_new(tensor)), [true, false, true]);
    }
}
