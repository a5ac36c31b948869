//! Samples to learn from and to be tested on.

use std::path::Path;

use ediacara_data::{DataSet, Filter, ImageSet, Locations, Random, RgbImage, bundled, mnist};
use ediacara_tensor::Tensor;
use sha2::{Digest, Sha256};

use crate::TrainError;

/// What samples hold.
#[derive(Debug, Clone)]
enum Inputs {
    /// Bytes; the network sees `(byte - offset) * scale`, and `white` is the brightest byte that there can
    /// be.
    Bytes { values: Vec<u8>, offset: f32, scale: f32, white: f32 },
    /// Numbers.
    Numbers(Vec<f32>),
}

/// What is to be learnt.
#[derive(Debug, Clone)]
enum Targets {
    /// One class for each sample.
    Classes(Vec<u8>),
    /// So many bits for each sample, as -1 and 1.
    Bits(Vec<f32>),
    /// So many numbers for each sample; an output within the tolerance is right.
    Numbers { values: Vec<f32>, tolerance: f32 },
}

/// How pixels become a network's numbers: `(brightness - mean) / deviation`, brightness from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    /// What is subtracted.
    pub mean: f32,
    /// What it is divided by; not 0.
    pub deviation: f32,
}

impl Normalisation {
    /// Whether both are the same up to rounding.
    fn is_near(&self, other: &Normalisation) -> bool {
        let near = |a: f32, b: f32| (a - b).abs() <= 4.0 * f32::EPSILON * a.abs().max(b.abs());
        near(self.mean, other.mean) && near(self.deviation, other.deviation)
    }
}

impl std::fmt::Display for Normalisation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "(brightness - {:.4}) / {:.4}, brightness from 0 to 1", self.mean, self.deviation)
    }
}

/// Samples with what is to be learnt of each.
#[derive(Debug, Clone)]
pub struct Samples {
    /// The dimensions of one sample.
    pub shape: Vec<usize>,
    /// Outputs of a network that learns them: classes, or bits.
    pub outputs: usize,
    count: usize,
    inputs: Inputs,
    targets: Targets,
}

/// A data set in two parts.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The samples to learn from.
    pub train: Samples,
    /// The samples to be tested on.
    pub test: Samples,
}

/// The names of data sets.
const NAMES: [&str; 8] = ["mnist", "fashion-mnist", "digits", "plane", "and", "or", "xor", "full-adder"];
/// The data set `plane`: its samples, how many of them are learnt from, and the deviation of the noise on the
/// heights.
const PLANE: (usize, usize, f32) = (400, 300, 0.1);
/// How many of scikit-learn's digits are not learnt from: the last fifth.
const TEST_DIGITS: usize = 360;
/// How many of the 512 rows of the full adder's table are learnt from.
const ADDER_TRAIN_ROWS: usize = 358;
/// The brightest pixel of most pictures.
const WHITE: f32 = 255.0;
/// Mean and deviation of the pixels of MNIST's training pictures.
const MNIST_MOMENTS: [f32; 2] = [33.318_42, 78.567_49];
/// Mean and deviation of the pixels of Fashion-MNIST's training pictures.
const FASHION_MNIST_MOMENTS: [f32; 2] = [72.940_35, 90.021_18];
/// The brightest pixel of the digits, which go from 0 to 16 and are learnt as 0 to 1.
const DIGITS_WHITE: f32 = 16.0;

impl Dataset {
    /// The names of the data sets.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// The data set of this name; relative places are looked up in `folder`.
    ///
    /// # Errors
    /// There is no such set, or it is not on this machine; the error says what to do.
    pub fn load(name: &str, folder: &Path) -> Result<Dataset, TrainError> {
        let on_disk = |set: DataSet, moments: [f32; 2]| -> Result<Dataset, TrainError> {
            let folder = Locations::of_machine(folder)?.find(set)?;
            let part = |split| -> Result<Samples, TrainError> {
                Ok(Samples::pictures(mnist::load(&folder, split)?, moments, WHITE)?)
            };
            Ok(Dataset { train: part(mnist::Split::Train)?, test: part(mnist::Split::Test)? })
        };
        match name {
            "mnist" => on_disk(DataSet::Mnist, MNIST_MOMENTS),
            "fashion-mnist" => on_disk(DataSet::FashionMnist, FASHION_MNIST_MOMENTS),
            "digits" => {
                let all = Samples::pictures(bundled::digits()?, [0.0, DIGITS_WHITE], DIGITS_WHITE)?;
                let count = all.count - TEST_DIGITS;
                Ok(Dataset { train: all.part(0..count), test: all.part(count..all.count) })
            }
            "and" => Ok(Dataset::table(|a, b| a & b)),
            "or" => Ok(Dataset::table(|a, b| a | b)),
            "xor" => Ok(Dataset::table(|a, b| a ^ b)),
            "full-adder" => Ok(Dataset::full_adder()),
            "plane" => Ok(Dataset::plane()),
            _ => {
                let known = ediacara_hint::there_are(name, NAMES);
                Err(TrainError::Session(format!("there is no data set `{name}`; {known}")))
            }
        }
    }

    /// Refuses parts of different shapes, and a part without samples; `name` is the set's.
    pub(crate) fn check(&self, name: &str) -> Result<(), TrainError> {
        let Dataset { train, test } = self;
        let problem = if train.is_empty() || test.is_empty() {
            let part = if train.is_empty() { "learn from" } else { "be tested on" };
            format!("{name} has no sample to {part}")
        } else if (&train.shape, train.outputs) != (&test.shape, test.outputs) {
            format!(
                "samples of {name} to learn from are {:?} with {} outputs, those to be tested on {:?} with {}",
                train.shape, train.outputs, test.shape, test.outputs
            )
        } else {
            return Ok(());
        };
        Err(TrainError::Session(problem))
    }

    /// The same data set with pictures of so many pixels a side.
    ///
    /// # Errors
    /// The samples are no pictures.
    pub(crate) fn resized(&self, side: usize) -> Result<Dataset, TrainError> {
        Ok(Dataset { train: self.train.resized(side)?, test: self.test.resized(side)? })
    }

    /// A function of two bits, learnt from all four rows and tested on them.
    fn table(function: fn(bool, bool) -> bool) -> Dataset {
        let rows = [(false, false), (false, true), (true, false), (true, true)];
        let bit = |bit: bool| if bit { 1.0 } else { -1.0 };
        let samples = Samples {
            shape: vec![2],
            outputs: 1,
            count: rows.len(),
            inputs: Inputs::Numbers(rows.iter().flat_map(|&(a, b)| [bit(a), bit(b)]).collect()),
            targets: Targets::Bits(rows.iter().map(|&(a, b)| bit(function(a, b))).collect()),
        };
        Dataset { train: samples.clone(), test: samples }
    }

    /// Heights `3 x - 2 y + 1` over points of the square from -1 to 1, with normal noise.
    ///
    /// A height is right within three deviations of the noise.
    fn plane() -> Dataset {
        let (count, learnt, deviation) = PLANE;
        let mut random = Random::named(0, "plane");
        let (mut points, mut heights) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let [x, y] = std::array::from_fn(|_| 2.0 * random.unit() - 1.0);
            points.extend([x, y]);
            heights.push(3.0 * x - 2.0 * y + 1.0 + deviation * random.bell());
        }
        let samples = Samples {
            shape: vec![2],
            outputs: 1,
            count,
            inputs: Inputs::Numbers(points),
            targets: Targets::Numbers { values: heights, tolerance: 3.0 * deviation },
        };
        Dataset { train: samples.part(0..learnt), test: samples.part(learnt..count) }
    }

    /// Two numbers of four bits and a carry, and the five bits of their sum.
    ///
    /// One draw decides for good which rows are learnt from.
    fn full_adder() -> Dataset {
        let mut rows: Vec<u16> = (0..512).collect();
        shuffle(&mut rows, &mut Random::named(0, "full-adder"));
        let bit = |number: u16, place: u16| if number >> place & 1 == 1 { 1.0 } else { -1.0 };
        let sum = |row: u16| (row & 15) + (row >> 4 & 15) + (row >> 8);
        let samples = Samples {
            shape: vec![9],
            outputs: 5,
            count: rows.len(),
            inputs: Inputs::Numbers(rows.iter().flat_map(|&row| (0..9).map(move |i| bit(row, i))).collect()),
            targets: Targets::Bits(
                rows.iter().flat_map(|&row| (0..5).map(move |i| bit(sum(row), i))).collect(),
            ),
        };
        let train = samples.part(0..ADDER_TRAIN_ROWS);
        Dataset { train, test: samples.part(ADDER_TRAIN_ROWS..512) }
    }
}

/// Fisher and Yates's shuffle.
pub(crate) fn shuffle<T>(values: &mut [T], random: &mut Random) {
    for index in (1..values.len()).rev() {
        values.swap(index, random.below(index as u64 + 1) as usize);
    }
}

impl Samples {
    fn pictures(
        set: ImageSet,
        [offset, deviation]: [f32; 2],
        white: f32,
    ) -> Result<Samples, ediacara_tensor::TensorError> {
        Ok(Samples {
            shape: set.images.shape()[1..].to_vec(),
            outputs: 10,
            count: set.labels.len(),
            inputs: Inputs::Bytes {
                values: set.images.to_vec::<u8>()?,
                offset,
                scale: 1.0 / deviation,
                white,
            },
            targets: Targets::Classes(set.labels),
        })
    }

    /// Some of the samples.
    ///
    /// # Panics
    /// There are fewer.
    pub fn part(&self, range: std::ops::Range<usize>) -> Samples {
        let of = |size: usize| range.start * size..range.end * size;
        let inputs = match &self.inputs {
            Inputs::Bytes { values, offset, scale, white } => Inputs::Bytes {
                values: values[of(self.sample_len())].to_vec(),
                offset: *offset,
                scale: *scale,
                white: *white,
            },
            Inputs::Numbers(values) => Inputs::Numbers(values[of(self.sample_len())].to_vec()),
        };
        let targets = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(classes[range.clone()].to_vec()),
            Targets::Bits(bits) => Targets::Bits(bits[of(self.outputs)].to_vec()),
            Targets::Numbers { values, tolerance } => {
                Targets::Numbers { values: values[of(self.outputs)].to_vec(), tolerance: *tolerance }
            }
        };
        Samples { shape: self.shape.clone(), outputs: self.outputs, count: range.len(), inputs, targets }
    }

    /// The same samples with grey pictures of so many pixels a side, resized bilinearly.
    ///
    /// Bytes that use only a part of their range, as digits of 0 to 16 do, are multiplied first, so that
    /// values between two of them are not rounded away.
    ///
    /// # Errors
    /// The samples are no grey pictures.
    pub fn resized(&self, side: usize) -> Result<Samples, TrainError> {
        let (&[1, height, width], Inputs::Bytes { values, offset, scale, white }) =
            (&self.shape[..], &self.inputs)
        else {
            return Err(TrainError::Session(format!(
                "samples of shape {:?} are no grey pictures that could have {side} pixels a side",
                self.shape
            )));
        };
        if (height, width) == (side, side) {
            return Ok(self.clone());
        }
        let factor = values.iter().max().map_or(1, |&largest| u8::MAX / largest.max(1));
        let mut resized = Vec::with_capacity(self.count * side * side);
        for picture in values.chunks_exact(self.sample_len()) {
            let grey = picture.iter().flat_map(|&value| [value * factor; 3]).collect();
            let picture = RgbImage::from_pixels(width, height, grey)?.resize(side, side, Filter::Bilinear)?;
            resized.extend(picture.pixels().iter().step_by(3));
        }
        let factor = f32::from(factor);
        Ok(Samples {
            shape: vec![1, side, side],
            inputs: Inputs::Bytes {
                values: resized,
                offset: offset * factor,
                scale: scale / factor,
                white: white * factor,
            },
            targets: self.targets.clone(),
            ..*self
        })
    }

    /// How the pixels of pictures become numbers; none if the samples are no pictures.
    pub fn normalisation(&self) -> Option<Normalisation> {
        let Inputs::Bytes { offset, scale, white, .. } = self.inputs else { return None };
        Some(Normalisation { mean: offset / white, deviation: 1.0 / (scale * white) })
    }

    /// The same pictures, normalised for a network that was trained on others.
    ///
    /// They stay as they are if the network was trained on such, or if the samples are no pictures.
    #[must_use]
    pub fn normalised(mut self, by: Normalisation) -> Samples {
        if self.normalisation().is_some_and(|own| !own.is_near(&by))
            && let Inputs::Bytes { offset, scale, white, .. } = &mut self.inputs
        {
            (*offset, *scale) = (by.mean * *white, 1.0 / (by.deviation * *white));
        }
        self
    }

    /// How many numbers a sample has.
    pub fn sample_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Inputs `[rows, ...shape]` and targets `[rows, outputs]` of these samples: one-hot for classes.
    ///
    /// # Errors
    /// There is no such sample, or no memory for them.
    pub fn batch(&self, rows: &[usize]) -> Result<(Tensor, Tensor), TrainError> {
        if let Some(row) = rows.iter().find(|&&row| row >= self.count) {
            return Err(TrainError::Session(format!(
                "there is no sample {row}; there are {}, from 0",
                self.count
            )));
        }
        let size = self.sample_len();
        let mut x = vec![0.0_f32; rows.len() * size];
        for (target, &row) in x.chunks_exact_mut(size).zip(rows) {
            match &self.inputs {
                Inputs::Bytes { values, offset, scale, .. } => {
                    let source = &values[row * size..][..size];
                    target.iter_mut().zip(source).for_each(|(x, &v)| *x = (f32::from(v) - offset) * scale);
                }
                Inputs::Numbers(values) => target.copy_from_slice(&values[row * size..][..size]),
            }
        }
        let mut y = vec![0.0_f32; rows.len() * self.outputs];
        for (target, &row) in y.chunks_exact_mut(self.outputs).zip(rows) {
            match &self.targets {
                Targets::Classes(classes) => target[usize::from(classes[row])] = 1.0,
                Targets::Bits(values) | Targets::Numbers { values, .. } => {
                    target.copy_from_slice(&values[row * self.outputs..][..self.outputs]);
                }
            }
        }
        let shape = [&[rows.len()], &self.shape[..]].concat();
        Ok((Tensor::from_vec(&shape, x)?, Tensor::from_vec(&[rows.len(), self.outputs], y)?))
    }

    /// Adds to a digest everything that decides what is learnt from the samples.
    pub(crate) fn digest(&self, digest: &mut Sha256) {
        let mut numbers = |values: &[f32]| values.iter().for_each(|value| digest.update(value.to_le_bytes()));
        match &self.inputs {
            Inputs::Bytes { offset, scale, .. } => numbers(&[*offset, *scale]),
            Inputs::Numbers(values) => numbers(values),
        }
        match &self.targets {
            Targets::Classes(_) => {}
            Targets::Bits(values) | Targets::Numbers { values, .. } => numbers(values),
        }
        if let Inputs::Bytes { values, .. } = &self.inputs {
            digest.update(values);
        }
        if let Targets::Classes(classes) = &self.targets {
            digest.update(classes);
        }
    }

    /// Whether the targets are real numbers, neither classes nor bits.
    pub(crate) fn are_numbers(&self) -> bool {
        matches!(self.targets, Targets::Numbers { .. })
    }

    /// The class of each sample; none if they have no classes.
    pub fn classes(&self) -> Option<&[u8]> {
        match &self.targets {
            Targets::Classes(classes) => Some(classes),
            _ => None,
        }
    }

    /// Whether a network's outputs for a sample are right.
    ///
    /// They are if the largest is the class's, every sign is the bit's, or every number is near its target.
    pub fn is_right(&self, row: usize, outputs: &[f32]) -> bool {
        match &self.targets {
            Targets::Classes(classes) => {
                let best = outputs
                    .iter()
                    .enumerate()
                    .fold(0, |best, (at, &v)| if v > outputs[best] { at } else { best });
                best == usize::from(classes[row])
            }
            Targets::Bits(bits) => {
                let bits = &bits[row * self.outputs..][..self.outputs];
                outputs.iter().zip(bits).all(|(output, bit)| output * bit > 0.0)
            }
            Targets::Numbers { values, tolerance } => {
                let values = &values[row * self.outputs..][..self.outputs];
                outputs.iter().zip(values).all(|(output, value)| (output - value).abs() <= *tolerance)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adder_adds() {
        let set = Dataset::full_adder();
        assert_eq!((set.train.len(), set.test.len()), (358, 154));
        for samples in [&set.train, &set.test] {
            let rows: Vec<usize> = (0..samples.len()).collect();
            let (x, y) = samples.batch(&rows).unwrap();
            let (x, y) = (x.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
            let number = |bits: &[f32]| bits.iter().rev().fold(0, |n, &bit| 2 * n + u32::from(bit > 0.0));
            for (x, y) in x.chunks(9).zip(y.chunks(5)) {
                assert_eq!(number(&x[..4]) + number(&x[4..8]) + number(&x[8..]), number(y));
            }
        }
    }

    #[test]
    fn digits_are_one_hot_and_bright() {
        let set = Dataset::load("digits", Path::new(".")).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (1437, 360));
        let (x, y) = set.train.batch(&[0, 5]).unwrap();
        assert_eq!((x.shape(), y.shape()), (&[2, 1, 8, 8][..], &[2, 10][..]));
        // The first sample of the set is a 0, the sixth a 5.
        let y = y.to_vec::<f32>().unwrap();
        assert_eq!((y[0], y[15], y.iter().sum::<f32>()), (1.0, 1.0, 2.0));
        assert!(x.to_vec::<f32>().unwrap().iter().all(|value| (0.0..=1.0).contains(value)));
    }

    /// At twice the size a bilinear pixel is 3/4 and 1/4 of its neighbours, and at the border the border's
    /// pixel.
    #[test]
    fn enlarged_pictures_keep_what_lies_between_their_pixels() {
        let samples = Samples {
            shape: vec![1, 2, 2],
            outputs: 10,
            count: 1,
            inputs: Inputs::Bytes { values: vec![0, 16, 0, 16], offset: 0.0, scale: 1.0 / 16.0, white: 16.0 },
            targets: Targets::Classes(vec![3]),
        };
        let large = samples.resized(4).unwrap();
        assert_eq!((&large.shape[..], large.classes()), (&[1, 4, 4][..], Some(&[3][..])));
        let (x, _) = large.batch(&[0]).unwrap();
        let x = x.to_vec::<f32>().unwrap();
        for row in x.chunks(4) {
            let near = row.iter().zip([0.0, 0.25, 0.75, 1.0]).all(|(x, wanted)| (x - wanted).abs() < 1e-6);
            assert!(near, "{row:?}");
        }
        let error = Dataset::load("xor", Path::new(".")).unwrap().resized(28).unwrap_err().to_string();
        assert!(error.contains("[2] are no grey pictures"), "{error}");
    }
}
