//! What any program for the layers must move across the network's borders: for a floor that none can beat.

use std::collections::HashSet;

use ediacara_isa::Port;

use crate::layer::{Conv, Kind, Layer, Middle, Window};
use crate::view::{Image, View};
use crate::window::{Axis, Range};

/// Bytes of inputs that some one layer reads, the most for each input, and of outputs that are no input's.
pub(crate) fn bytes(layers: &[Layer], inputs: &[Port], outputs: &[Port]) -> u64 {
    let range = |port: &Port| port.address..port.address + port.len() as u64;
    let read = |input: &Port| {
        let range = range(input);
        let of_layer = |layer: &Layer| {
            let reads = reads(&layer.kind).into_iter();
            reads.filter(|(base, _)| range.contains(base)).map(|(_, bytes)| bytes).max().unwrap_or(0)
        };
        layers.iter().map(of_layer).max().unwrap_or(0)
    };
    let written =
        outputs.iter().filter(|output| !inputs.iter().any(|input| range(input).contains(&output.address)));
    inputs.iter().map(read).sum::<u64>() + written.map(|output| output.len() as u64).sum::<u64>()
}

/// Where a layer reads activations, and how many bytes at least.
fn reads(kind: &Kind) -> Vec<(u64, u64)> {
    match kind {
        Kind::Conv(conv) | Kind::Depthwise(conv) => convolution(conv),
        Kind::Pool(pool) => vec![window(&pool.x, &pool.y, &pool.window)],
        Kind::Block(block) => match (&block.expand, &block.middle) {
            (Some(conv), _) => convolution(conv),
            (None, Middle::Depthwise(conv)) => convolution(conv),
            (None, Middle::MaxPool(pool)) => vec![window(&pool.x, &pool.y, &pool.window)],
        },
        Kind::Binary(binary) => vec![elements(&binary.a), elements(&binary.b)],
        Kind::Table(table) => vec![elements(&table.a)],
        Kind::Copy(copy) => copy.parts.iter().map(|(from, _)| elements(from)).collect(),
    }
}

fn convolution(conv: &Conv) -> Vec<(u64, u64)> {
    let mut reads = vec![window(&conv.x, &conv.y, &conv.window)];
    reads.extend(conv.computed.as_ref().map(elements));
    reads.extend(conv.residual.iter().map(|residual| {
        let image = &residual.image;
        (image.base, image.batch * image.height * image.width * image.channels)
    }));
    reads
}

/// The pixels under a window that exist. A convolution has every channel of them multiplied.
fn window(x: &Image, y: &Image, window: &Window) -> (u64, u64) {
    (x.base, x.batch * touched(x, y, window) * x.channels)
}

/// How many pixels of an image a window reads to make `y`.
pub(crate) fn touched(x: &Image, y: &Image, window: &Window) -> u64 {
    let along = |index: usize| {
        let axis = Axis::of(window, x, index);
        let mut positions = HashSet::new();
        for output in 0..[y.height, y.width][index] {
            for tap in 0..window.kernel[index] {
                let span = axis.span(Range::new(output, 1), Range::new(tap, 1));
                positions.extend((span.valid > 0).then_some(span.first));
            }
        }
        positions.len() as u64
    };
    along(0) * along(1)
}

fn elements(view: &View) -> (u64, u64) {
    let extents = view.shape.iter().zip(&view.strides).filter(|&(_, &stride)| stride > 0);
    (view.base, extents.map(|(&extent, _)| extent).product())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_wider_than_its_window_skips_pixels() {
        let image = |side| View::dense(0x40, &[1, side, side, 3]).image().unwrap();
        let strided = Window { stride: [2; 2], ..Window::POINT };
        assert_eq!(window(&image(5), &image(3), &strided), (0x40, 3 * 3 * 3));
        let padded = Window { kernel: [3; 2], before: [1; 2], ..strided };
        assert_eq!(window(&image(5), &image(3), &padded), (0x40, 5 * 5 * 3));
    }
}
