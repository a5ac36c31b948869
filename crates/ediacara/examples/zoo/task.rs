//! What a network of the zoo is for: how it is bound and fed, and how its answer reads.

use std::error::Error;
use std::path::{Path, PathBuf};

use ediacara::data::{DataSet, Locations, RgbImage};
use ediacara::model::Binding;
use ediacara::tensor::Tensor;

pub(crate) type Failure = Box<dyn Error>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A network that can be run: its inputs in order, its outputs in order.
pub(crate) type Net<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>;

/// How a network is fed and what its outputs mean.
pub(crate) trait Task: Sync {
    /// The sizes and values that the file leaves open.
    fn binding(&self) -> Binding {
        Binding::default()
    }

    /// What it is judged on, and what its int8 ranges are taken from, in words.
    fn given(&self) -> Given;

    /// The samples for calibration; `real` is the network in f32, for those that carry a state.
    fn samples(&self, places: &Places, real: Net) -> Result<Vec<Vec<Tensor>>>;

    /// The inputs on which cycles, exactness and SQNR are measured.
    fn judged(&self, places: &Places, real: Net) -> Result<Vec<Tensor>>;

    /// What the network says, in words that people can judge.
    fn answer(&self, places: &Places, net: Net) -> Result<Answer>;
}

/// The cosine of an embedding in int8 and the same in f32, at least.
const LEAST_COSINE: f32 = 0.99;

/// What a network says.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// Whether it is right, where what is right is known.
    pub(crate) right: Option<bool>,
    /// Vectors that stand for what was asked, of which int8 may not turn any.
    pub(crate) embeddings: Vec<Vec<f32>>,
}

impl Answer {
    /// An answer to a question whose answer is known.
    pub(crate) fn to(text: String, right: bool) -> Answer {
        Answer { text, right: Some(right), embeddings: Vec::new() }
    }

    /// The answer, and the vectors it comes from.
    pub(crate) fn from(self, embeddings: Vec<Vec<f32>>) -> Answer {
        Answer { embeddings, ..self }
    }

    /// Says how near an answer's embeddings are to those of the network in f32, and whether that is near enough.
    pub(crate) fn beside(self, real: &Answer) -> Answer {
        let pairs = self.embeddings.iter().zip(&real.embeddings);
        let Some(least) = pairs.map(|(own, real)| cosine(own, real)).reduce(f32::min) else { return self };
        let text = format!("{}; a sentence is like itself in f32 by {least:.4} or more", self.text);
        Answer { text, right: self.right.map(|right| right && least >= LEAST_COSINE), ..self }
    }

    /// An answer that nobody can call right or wrong.
    pub(crate) fn open(text: String) -> Answer {
        Answer { text, right: None, embeddings: Vec::new() }
    }
}

/// What a network is given, in words.
pub(crate) struct Given {
    /// What it is asked about.
    pub(crate) judged: &'static str,
    /// What its int8 ranges are taken from.
    pub(crate) calibrated: &'static str,
}

/// Where files are.
pub(crate) struct Places {
    packages: PathBuf,
    data: Locations,
}

impl Places {
    pub(crate) fn new(packages: PathBuf) -> Result<Places> {
        Ok(Places { packages, data: Locations::of_machine(Path::new("."))? })
    }

    /// A file of a package.
    pub(crate) fn packaged(&self, package: &str, file: &str) -> PathBuf {
        self.packages.join(package).join(file)
    }

    /// A file of a data set.
    pub(crate) fn data(&self, set: DataSet, file: &str) -> Result<PathBuf> {
        Ok(self.data.find(set)?.join(file))
    }

    /// A picture that scikit-image ships.
    pub(crate) fn picture(&self, name: &str) -> Result<RgbImage> {
        Ok(RgbImage::open(&self.packaged("scikit-image", &format!("skimage/data/{name}")))?)
    }

    /// The first photos of a data set, by name.
    pub(crate) fn photos(&self, set: DataSet, count: usize) -> Result<Vec<RgbImage>> {
        let mut files = Vec::new();
        collect(&self.data.find(set)?, &mut files)?;
        files.sort();
        files.iter().take(count).map(|path| Ok(RgbImage::open(path)?)).collect()
    }

    /// A folder for pictures that a network made.
    pub(crate) fn drawn(&self, name: &str) -> Result<PathBuf> {
        let folder = self.packages.join("drawn");
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "jpg" || extension == "JPEG") {
            found.push(path);
        }
    }
    Ok(())
}

/// The cosine of the angle between two vectors.
pub(crate) fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let dot =
        |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt().max(f32::MIN_POSITIVE)
}

/// The numbers of an output.
pub(crate) fn numbers(outputs: &[Tensor], index: usize) -> Result<Vec<f32>> {
    let output = outputs.get(index).ok_or_else(|| format!("the network has no output {index}"))?;
    Ok(output.cast(ediacara::tensor::DType::F32).to_vec()?)
}

/// The first number of an output.
pub(crate) fn number(outputs: &[Tensor], index: usize) -> Result<f32> {
    Ok(*numbers(outputs, index)?.first().ok_or("the output is empty")?)
}

/// The place of the largest number; the first of equal ones.
pub(crate) fn largest(numbers: &[f32]) -> usize {
    let mut best = 0;
    for (index, number) in numbers.iter().enumerate() {
        if *number > numbers[best] {
            best = index;
        }
    }
    best
}
