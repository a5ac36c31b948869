//! Turns a photo into the tensor that a network was trained on.
//!
//! Networks differ in three things. The first is which part of the photo is taken and how it gets its size
//! ([`Framing`] and [`Filter`]). The others are the order of the channels, and the mean and deviation that
//! normalise them. The presets fix all of them, under the names that the frameworks gave to the habit.

use ediacara_tensor::Tensor;

use crate::{DataError, Filter, RgbImage};

/// Which part of the photo becomes the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The largest centred part of the input's aspect, reduced to 7/8 of its sides (rounded down), resized.
    CropThenResize,
    /// The photo resized until it covers the input with a margin, then its centre.
    ///
    /// The sides that must be covered are 256 for an input side of 200 to 256 pixels (the habit for 224 and
    /// 227). For any other they are 8/7 of it, rounded to nearest.
    ResizeThenCrop,
    /// The whole photo resized without regard to its aspect, as detectors do.
    Stretch,
}

impl Framing {
    /// All framings with their names in text form.
    pub const NAMES: [(&'static str, Framing); 3] = [
        ("crop-resize", Framing::CropThenResize),
        ("resize-crop", Framing::ResizeThenCrop),
        ("stretch", Framing::Stretch),
    ];

    /// The photo cut and resized to `width` x `height`.
    pub fn apply(
        self,
        photo: &RgbImage,
        width: usize,
        height: usize,
        filter: Filter,
    ) -> Result<RgbImage, DataError> {
        if width == 0 || height == 0 {
            let problem = format!("a network's input cannot be {width} x {height} pixels");
            return Err(DataError::Request(problem));
        }
        match self {
            Self::Stretch => photo.resize(width, height, filter),
            Self::CropThenResize => {
                let (crop_width, crop_height) = largest_of_aspect(photo, width, height);
                let seven_eighths = |side: usize| (side * 7 / 8).max(1);
                photo
                    .centre_crop(seven_eighths(crop_width), seven_eighths(crop_height))?
                    .resize(width, height, filter)
            }
            Self::ResizeThenCrop => {
                let (full_width, full_height) = covering_size(photo, with_margin(width), with_margin(height));
                photo.resize(full_width, full_height, filter)?.centre_crop(width, height)
            }
        }
    }
}

impl std::str::FromStr for Framing {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, framing)| *framing).ok_or_else(|| DataError::UnknownName {
            kind: "framing",
            name: name.to_string(),
            known: Self::NAMES.map(|(known, _)| known).join(", "),
        })
    }
}

/// The sides of the largest part of the photo that has the aspect of `width` : `height`.
fn largest_of_aspect(photo: &RgbImage, width: usize, height: usize) -> (usize, usize) {
    if photo.width() * height <= photo.height() * width {
        (photo.width(), (photo.width() * height / width).max(1))
    } else {
        ((photo.height() * width / height).max(1), photo.height())
    }
}

/// The side that a resize must cover before `side` pixels are cut out of its centre.
fn with_margin(side: usize) -> usize {
    if (200..=256).contains(&side) { 256 } else { (side * 8 + 3) / 7 }
}

/// The size, of the photo's aspect, that just covers `width` x `height`.
///
/// Halves round to even, as in Python.
fn covering_size(photo: &RgbImage, width: usize, height: usize) -> (usize, usize) {
    let scaled = |side: usize, numerator: usize, denominator: usize| {
        (numerator as f64 * side as f64 / denominator as f64).round_ties_even() as usize
    };
    if width * photo.height() >= height * photo.width() {
        (width, scaled(photo.height(), width, photo.width()).max(height))
    } else {
        (scaled(photo.width(), height, photo.height()).max(width), height)
    }
}

/// The order of the three channels in the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a photo becomes an input.
///
/// It needs framing, filter, channel order, and `(x - mean) / deviation` on pixel values 0..=255.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocess {
    /// Which part of the photo is taken.
    pub framing: Framing,
    /// The filter of the resize.
    pub filter: Filter,
    /// The order of the channels in the tensor.
    pub order: ChannelOrder,
    /// The number that is subtracted from each channel, in pixel steps (0..=255), in the tensor's channel
    /// order.
    pub mean: [f32; 3],
    /// The number by which each channel is divided afterwards, in pixel steps, in the tensor's channel order.
    ///
    /// It is neither 0 nor infinite.
    pub deviation: [f32; 3],
}

/// One preset: name, one line of documentation, values.
struct Preset {
    name: &'static str,
    documentation: &'static str,
    framing: Framing,
    filter: Filter,
    order: ChannelOrder,
    mean: [f32; 3],
    deviation: [f32; 3],
}

/// ImageNet's mean and deviation, RGB, in pixel steps: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 times 255.
const IMAGENET_MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const IMAGENET_DEVIATION: [f32; 3] = [58.395, 57.12, 57.375];

const PRESETS: [Preset; 6] = [
    Preset {
        name: "imagenet",
        documentation: "RGB/255 with ImageNet's mean and deviation; shorter side to 256, centre; bilinear",
        framing: Framing::ResizeThenCrop,
        filter: Filter::Bilinear,
        order: ChannelOrder::Rgb,
        mean: IMAGENET_MEAN,
        deviation: IMAGENET_DEVIATION,
    },
    Preset {
        name: "torch",
        documentation: "the same as imagenet",
        framing: Framing::ResizeThenCrop,
        filter: Filter::Bilinear,
        order: ChannelOrder::Rgb,
        mean: IMAGENET_MEAN,
        deviation: IMAGENET_DEVIATION,
    },
    Preset {
        name: "caffe",
        documentation: "BGR minus (104, 117, 123); shorter side to 256, centre; bilinear",
        framing: Framing::ResizeThenCrop,
        filter: Filter::Bilinear,
        order: ChannelOrder::Bgr,
        mean: [104.0, 117.0, 123.0],
        deviation: [1.0; 3],
    },
    Preset {
        name: "tf",
        documentation: "RGB x/127.5 - 1; central 7/8, resized; bilinear",
        framing: Framing::CropThenResize,
        filter: Filter::Bilinear,
        order: ChannelOrder::Rgb,
        mean: [127.5; 3],
        deviation: [127.5; 3],
    },
    Preset {
        name: "lite",
        documentation: "RGB (x - 127)/128; central 7/8, resized; bicubic (EfficientNet-Lite)",
        framing: Framing::CropThenResize,
        filter: Filter::Bicubic,
        order: ChannelOrder::Rgb,
        mean: [127.0; 3],
        deviation: [128.0; 3],
    },
    Preset {
        name: "none",
        documentation: "RGB 0..255 as it is; the whole photo stretched; bilinear",
        framing: Framing::Stretch,
        filter: Filter::Bilinear,
        order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        deviation: [1.0; 3],
    },
];

impl Preprocess {
    /// The presets' names, each with one line of documentation.
    pub fn presets() -> impl Iterator<Item = (&'static str, &'static str)> {
        PRESETS.iter().map(|preset| (preset.name, preset.documentation))
    }

    /// A preset by its name; an error lists the names.
    pub fn preset(name: &str) -> Result<Self, DataError> {
        let found = PRESETS.iter().find(|preset| preset.name == name);
        let preset = found.ok_or_else(|| DataError::UnknownName {
            kind: "preprocessing",
            name: name.to_string(),
            known: Self::presets().map(|(known, _)| known).collect::<Vec<_>>().join(", "),
        })?;
        Ok(Self {
            framing: preset.framing,
            filter: preset.filter,
            order: preset.order,
            mean: preset.mean,
            deviation: preset.deviation,
        })
    }

    /// The whole photo stretched, its pixels normalised by one mean and deviation of 0..=1.
    ///
    /// Small sets of grey pictures are trained with this.
    pub fn grey(mean: f32, deviation: f32) -> Self {
        let plain = Self {
            framing: Framing::Stretch,
            filter: Filter::Bilinear,
            order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            deviation: [1.0; 3],
        };
        plain.with_unit_scale([mean; 3], [deviation; 3])
    }

    /// The same with another mean and deviation that were written for pixels of 0..=1, as PyTorch's are.
    pub fn with_unit_scale(mut self, mean: [f32; 3], deviation: [f32; 3]) -> Self {
        self.mean = mean.map(|value| value * 255.0);
        self.deviation = deviation.map(|value| value * 255.0);
        self
    }

    /// The input made of one photo: f32 `[1, channels, height, width]`, with 3 channels or 1.
    ///
    /// With one channel, the photo's luminance is taken (Pillow's `L`, ITU-R 601) and normalised by the first
    /// mean and deviation.
    pub fn apply(
        &self,
        photo: &RgbImage,
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<Tensor, DataError> {
        let mut values = Vec::new();
        self.append(photo, [channels, height, width], &mut values)?;
        Ok(Tensor::from_vec(&[1, channels, height, width], values)?)
    }

    /// The input made of several photos: f32 `[photos, channels, height, width]`; at least one photo.
    pub fn apply_batch(
        &self,
        photos: &[RgbImage],
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<Tensor, DataError> {
        if photos.is_empty() {
            return Err(DataError::Request("a batch needs at least one photo".to_string()));
        }
        let mut values = Vec::new();
        for photo in photos {
            self.append(photo, [channels, height, width], &mut values)?;
        }
        Ok(Tensor::from_vec(&[photos.len(), channels, height, width], values)?)
    }

    fn append(
        &self,
        photo: &RgbImage,
        [channels, height, width]: [usize; 3],
        values: &mut Vec<f32>,
    ) -> Result<(), DataError> {
        if self.deviation.iter().any(|value| !value.is_normal()) {
            let problem = format!("deviations must be finite and not 0, but are {:?}", self.deviation);
            return Err(DataError::Request(problem));
        }
        if channels != 1 && channels != 3 {
            let problem = format!(
                "a photo gives 3 channels or 1, but the network's input has {channels}; give a .npy file"
            );
            return Err(DataError::Request(problem));
        }
        let framed = self.framing.apply(photo, width, height, self.filter)?;
        for channel in 0..channels {
            let (mean, deviation) = (self.mean[channel], self.deviation[channel]);
            let normalise = |value: u8| (f32::from(value) - mean) / deviation;
            let pixels = framed.pixels().chunks_exact(3);
            match (channels, self.order) {
                (1, _) => values.extend(pixels.map(|pixel| normalise(luminance(pixel)))),
                (_, ChannelOrder::Rgb) => values.extend(pixels.map(|pixel| normalise(pixel[channel]))),
                (_, ChannelOrder::Bgr) => values.extend(pixels.map(|pixel| normalise(pixel[2 - channel]))),
            }
        }
        Ok(())
    }
}

/// Luminance of an RGB pixel in Pillow's integers: (19595 R + 38470 G + 7471 B + 32768) / 65536.
fn luminance(pixel: &[u8]) -> u8 {
    let sum = u32::from(pixel[0]) * 19_595 + u32::from(pixel[1]) * 38_470 + u32::from(pixel[2]) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}
