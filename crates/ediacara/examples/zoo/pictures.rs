//! Pictures as inputs and as outputs.

use std::fs;

use ediacara::data::{Filter, RgbImage};
use ediacara::tensor::Tensor;

use crate::task::{Places, Result};

/// The order of an image's axes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Axes {
    /// Channels, rows, columns.
    Nchw,
    /// Rows, columns, channels.
    Nhwc,
}

/// The picture as a tensor: `value` of each pixel's channel, 0 red to 2 blue, in the network's order.
pub(crate) fn tensor(
    picture: &RgbImage,
    axes: Axes,
    channels: [usize; 3],
    value: impl Fn(f32, usize) -> f32,
) -> Result<Tensor> {
    let (width, height) = (picture.width(), picture.height());
    let pixel = |place: usize, channel: usize| {
        value(f32::from(picture.pixels()[place * 3 + channels[channel]]), channels[channel])
    };
    let area = width * height;
    Ok(match axes {
        Axes::Nchw => {
            let values = (0..3).flat_map(|channel| (0..area).map(move |place| (place, channel)));
            let values = values.map(|(place, channel)| pixel(place, channel)).collect();
            Tensor::from_vec(&[1, 3, height, width], values)?
        }
        Axes::Nhwc => {
            let values = (0..area * 3).map(|index| pixel(index / 3, index % 3)).collect();
            Tensor::from_vec(&[1, height, width, 3], values)?
        }
    })
}

pub(crate) const RGB: [usize; 3] = [0, 1, 2];
pub(crate) const BGR: [usize; 3] = [2, 1, 0];

/// The largest square in the middle, resized.
pub(crate) fn square(picture: &RgbImage, side: usize) -> Result<RgbImage> {
    let least = picture.width().min(picture.height());
    Ok(picture.centre_crop(least, least)?.resize(side, side, Filter::Bicubic)?)
}

/// Writes the pixels of an output, 0 to 1, as a PPM file, and says where.
pub(crate) fn draw(places: &Places, name: &str, output: &Tensor, axes: Axes) -> Result<Vec<u8>> {
    let values = output.to_vec::<f32>()?;
    let (height, width) = match (axes, output.shape()) {
        (Axes::Nchw, &[1, 3, height, width]) | (Axes::Nhwc, &[1, height, width, 3]) => (height, width),
        (_, shape) => return Err(format!("{shape:?} is no picture").into()),
    };
    let area = height * width;
    let place = |index: usize| match axes {
        Axes::Nchw => index % 3 * area + index / 3,
        Axes::Nhwc => index,
    };
    let byte = |index: usize| (values[place(index)].clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    let pixels: Vec<u8> = (0..area * 3).map(byte).collect();
    let mut file = format!("P6\n{width} {height}\n255\n").into_bytes();
    file.extend(&pixels);
    fs::write(places.drawn(&format!("{name}.ppm"))?, file)?;
    Ok(pixels)
}
