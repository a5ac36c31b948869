//! Resizing with antialiasing, equal to Pillow to the bit.
//!
//! The method is that of Pillow's `Resample.c`. It makes two passes, horizontal then vertical. Each output
//! pixel is a weighted mean of the input pixels under a filter whose width grows with the reduction. Weights
//! are computed in f64, normalised, and rounded to 22 fractional bits. Sums are 32-bit integers, rounded
//! once, and clamped to 0..=255 after each pass. From version 13 on, Pillow does the vertical pass first
//! where the height shrinks much more than the width (its pull request 9549). There a pixel may differ from
//! Pillow's by one step.

use std::str::FromStr;

use crate::DataError;

/// Fractional bits of a weight: 32 minus 8 of the pixel minus 2 for overshoot, as in Pillow.
const WEIGHT_BITS: u32 = 22;
const CHANNELS: usize = 3;

/// The filter of a resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle of radius 1.
    Bilinear,
    /// The cubic of Keys with a = -0.5, radius 2.
    Bicubic,
}

impl Filter {
    /// The names that [`Filter::from_str`] reads.
    pub const NAMES: [&'static str; 2] = ["bilinear", "bicubic"];

    /// The name, as it is parsed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
        }
    }

    fn radius(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn weight(self, position: f64) -> f64 {
        let x = position.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic if x < 1.0 => ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
            _ => 0.0,
        }
    }
}

impl FromStr for Filter {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        match name {
            "bilinear" => Ok(Self::Bilinear),
            "bicubic" => Ok(Self::Bicubic),
            _ => Err(DataError::UnknownName {
                kind: "resize filter",
                name: name.to_string(),
                known: Self::NAMES.join(", "),
            }),
        }
    }
}

/// The input pixels of one output pixel along one axis, with their weights.
struct Window {
    start: usize,
    weights: Vec<i32>,
}

/// The windows of all output pixels along an axis of `input` pixels.
fn windows(input: usize, output: usize, filter: Filter) -> Vec<Window> {
    let scale = input as f64 / output as f64;
    let filter_scale = scale.max(1.0);
    let support = filter.radius() * filter_scale;
    let inverse = 1.0 / filter_scale;
    let fixed = f64::from(1_u32 << WEIGHT_BITS);
    let window = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(input);
        let weights: Vec<f64> =
            (start..end).map(|x| filter.weight((x as f64 - centre + 0.5) * inverse)).collect();
        let sum: f64 = weights.iter().sum();
        let round = |weight: f64| {
            let scaled = weight / sum * fixed;
            (scaled + 0.5_f64.copysign(scaled)) as i32
        };
        Window { start, weights: weights.into_iter().map(round).collect() }
    };
    (0..output).map(window).collect()
}

/// The pixel of a sum of weighted pixels.
fn to_pixel(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

/// Resizes RGB pixels of `(width, height)`.
pub(crate) fn resize(pixels: &[u8], from: (usize, usize), to: (usize, usize), filter: Filter) -> Vec<u8> {
    let mut current = pixels.to_vec();
    if from.0 != to.0 {
        current = resize_rows(&current, from.0, &windows(from.0, to.0, filter));
    }
    if from.1 != to.1 {
        current = resize_columns(&current, to.0 * CHANNELS, &windows(from.1, to.1, filter));
    }
    current
}

fn resize_rows(pixels: &[u8], width: usize, windows: &[Window]) -> Vec<u8> {
    let mut output = Vec::with_capacity(pixels.len() / width * windows.len());
    for row in pixels.chunks_exact(width * CHANNELS) {
        for window in windows {
            let mut sums = [1_i32 << (WEIGHT_BITS - 1); CHANNELS];
            let under = row[window.start * CHANNELS..].chunks_exact(CHANNELS);
            for (pixel, &weight) in under.zip(&window.weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            output.extend(sums.map(to_pixel));
        }
    }
    output
}

fn resize_columns(pixels: &[u8], row_bytes: usize, windows: &[Window]) -> Vec<u8> {
    let mut output = Vec::with_capacity(row_bytes * windows.len());
    let mut sums = vec![0_i32; row_bytes];
    for window in windows {
        sums.fill(1 << (WEIGHT_BITS - 1));
        let under = pixels[window.start * row_bytes..].chunks_exact(row_bytes);
        for (row, &weight) in under.zip(&window.weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        output.extend(sums.iter().map(|&sum| to_pixel(sum)));
    }
    output
}
