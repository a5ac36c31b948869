//! The files that are built into the binary: a network, a photo, calibration photos, labels and digits.
//!
//! `assets/README.md` and `models/efficientnet_lite0/README.md` give origins and licences.

use std::io::Read;
use std::path::Path;

use crate::{DataError, ImageSet, Labels, Preprocess, RgbImage, digits};

/// A network that is built in.
#[derive(Debug, Clone, Copy)]
pub struct BundledModel {
    /// The name under which it is used in place of a model file.
    pub name: &'static str,
    /// The ONNX file.
    pub onnx: &'static [u8],
    /// The preset with which its photos are preprocessed.
    pub preprocess: &'static str,
}

impl BundledModel {
    /// The preprocessing of its photos.
    pub fn preprocessing(&self) -> Result<Preprocess, DataError> {
        Preprocess::preset(self.preprocess)
    }
}

/// The networks that are built in; the first is the default.
pub const MODELS: [BundledModel; 1] = [BundledModel {
    name: "efficientnet_lite0",
    onnx: include_bytes!("../../../models/efficientnet_lite0/model.onnx"),
    preprocess: "lite",
}];

/// A photo that is built in.
#[derive(Debug, Clone, Copy)]
pub struct BundledPhoto {
    /// Its name.
    pub name: &'static str,
    /// The PNG or JPEG file.
    pub file: &'static [u8],
}

impl BundledPhoto {
    /// Decodes it.
    pub fn decode(&self) -> Result<RgbImage, DataError> {
        RgbImage::decode(self.file, Path::new(self.name))
    }
}

/// The photo of the first run: a tabby cat.
pub const PHOTO: BundledPhoto =
    BundledPhoto { name: "chelsea.png", file: include_bytes!("../../../assets/chelsea.png") };

macro_rules! calibration_photo {
    ($name:literal) => {
        BundledPhoto { name: $name, file: include_bytes!(concat!("../../../assets/calibration/", $name)) }
    };
}

/// The photos that calibrate the bundled network; [`PHOTO`] is not among them.
pub const CALIBRATION: [BundledPhoto; 8] = [
    calibration_photo!("astronaut.jpg"),
    calibration_photo!("brick.jpg"),
    calibration_photo!("camera.jpg"),
    calibration_photo!("china.jpg"),
    calibration_photo!("coffee.jpg"),
    calibration_photo!("flower.jpg"),
    calibration_photo!("grass.jpg"),
    calibration_photo!("rocket.jpg"),
];

/// The names of the 1,000 ImageNet classes.
pub fn imagenet_labels() -> Result<Labels, DataError> {
    Labels::parse(include_str!("../../../assets/imagenet_labels.txt"), Path::new("imagenet_labels.txt"))
}

/// The 1,797 digits of 8 x 8 pixels.
pub fn digits() -> Result<ImageSet, DataError> {
    let name = Path::new("digits.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(include_bytes!("../../../assets/digits/digits.csv.gz").as_slice())
        .read_to_string(&mut text)
        .map_err(|source| DataError::read(name, source))?;
    digits::parse(&text, name)
}
