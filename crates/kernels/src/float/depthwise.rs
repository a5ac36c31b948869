//! Depthwise convolution over NCHW: a plane at a time, a tap at a time along rows, so that the inner loop
//! runs over contiguous output pixels.

use super::conv::ConvShape;
use super::{Activation, Float};
use crate::vectorise::{Vectorise, vectorise};
use rayon::prelude::*;

/// The convolution where every group has one input channel (and any number of output channels).
pub(super) fn depthwise<T: Float>(
    shape: &ConvShape,
    output: [usize; 2],
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    y: &mut [T],
) {
    let taps = shape.window.taps();
    let input_plane = shape.input[0] * shape.input[1];
    let multiplier = shape.out_channels / shape.in_channels;
    y.par_chunks_mut(output[0] * output[1]).enumerate().for_each(|(plane, y)| {
        let (image, channel) = (plane / shape.out_channels, plane % shape.out_channels);
        let input = image * shape.in_channels + channel / multiplier;
        vectorise(Plane {
            shape,
            columns: output[1],
            x: &x[input * input_plane..][..input_plane],
            w: &w[channel * taps..][..taps],
            bias: bias.map_or(T::ZERO, |bias| bias[channel]),
            activation,
            y,
        });
    });
}

/// One output plane.
struct Plane<'a, T> {
    shape: &'a ConvShape,
    columns: usize,
    x: &'a [T],
    w: &'a [T],
    bias: T,
    activation: Activation,
    y: &'a mut [T],
}

impl<T: Float> Vectorise for Plane<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let window = &self.shape.window;
        let [height, width] = self.shape.input;
        for (row, y) in self.y.chunks_exact_mut(self.columns).enumerate() {
            y.fill(self.bias);
            let (taps, top) = window.inside(0, row, height);
            for tap_row in taps {
                let line = (top + (tap_row * window.dilation[0]) as isize) as usize;
                let x = &self.x[line * width..][..width];
                for tap_column in 0..window.kernel[1] {
                    let w = self.w[tap_row * window.kernel[1] + tap_column];
                    let (columns, first) = window.columns_of_tap(tap_column, width, y.len());
                    let Some(x) = x.get(first..) else { continue };
                    add_scaled(&mut y[columns], w, x, window.stride[1]);
                }
            }
            self.activation.apply(y);
        }
    }
}

/// `y[i] += w * x[i * stride]`. The common strides are constants to the compiler, which then shuffles
/// vectors.
#[inline(always)]
fn add_scaled<T: Float>(y: &mut [T], w: T, x: &[T], stride: usize) {
    match stride {
        1 => y.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x),
        2 => y.iter_mut().zip(x.iter().step_by(2)).for_each(|(y, &x)| *y += w * x),
        _ => y.iter_mut().zip(x.iter().step_by(stride)).for_each(|(y, &x)| *y += w * x),
    }
}
