//! Networks, photos and measures that the accuracy tests share.

use std::path::{Path, PathBuf};

use ediacara_data::photos::LabelledPhoto;
use ediacara_data::{
    ChannelOrder, DataSet, Filter, Framing, Locations, Preprocess, RgbImage, cifar as cifar10, mnist::Split,
    photos,
};
use ediacara_graph::{Graph, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Options, optimise};

fn folder(set: DataSet) -> Option<PathBuf> {
    Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().find(set).ok()
}

/// Says that a test was skipped.
pub(crate) fn skip(what: &str) {
    ediacara_data::skip(what, "its data are not on this machine");
}

/// A network's file.
pub(crate) fn model(network: &str) -> Option<PathBuf> {
    Some(folder(DataSet::Models)?.join(network).join("model.onnx")).filter(|path| path.exists())
}

/// A network with its batch bound, optimised.
pub(crate) fn optimised(network: &str, batch: usize) -> Option<Graph> {
    let options = ediacara_onnx::ImportOptions { dims: bound(batch), ..Default::default() };
    let graph = ediacara_onnx::import(&model(network)?, &options).unwrap();
    Some(optimise(graph, &Options::default()).unwrap())
}

fn table(set: &str) -> Option<Vec<LabelledPhoto>> {
    let (set, table) = match set {
        "imagenet50" => (DataSet::ImageNet50, "labels_and_reference_top1.tsv"),
        _ => (DataSet::ImageNetStubs, "labels.tsv"),
    };
    Some(photos::read_table(&folder(set)?.join(table)).unwrap())
}

/// A further column of a labelled set's table: the class that a network gave each photo.
pub(crate) fn reference(set: &str, column: &str) -> Vec<usize> {
    let photos = table(set).unwrap_or_default();
    photos.iter().map(|photo| photo.number(column).unwrap()).collect()
}

/// Every photo of a labelled set as a network's input.
pub(crate) fn photos(set: &str, preset: &str, size: usize) -> Option<Vec<Tensor>> {
    let preset = Preprocess::preset(preset).unwrap();
    let photos = table(set)?;
    let input = |path: &Path| preset.apply(&RgbImage::open(path).unwrap(), 3, size, size).unwrap();
    Some(photos.iter().map(|photo| input(&photo.path)).collect())
}

/// The VOC photos as a detector's inputs: BGR/255.
pub(crate) fn voc(size: usize) -> Option<Vec<Tensor>> {
    let folder = folder(DataSet::Voc2012)?.join("images");
    let preprocess = Preprocess {
        framing: Framing::Stretch,
        filter: Filter::Bilinear,
        order: ChannelOrder::Bgr,
        mean: [0.0; 3],
        deviation: [255.0; 3],
    };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    Some(
        paths
            .iter()
            .map(|path| preprocess.apply(&RgbImage::open(path).unwrap(), 3, size, size).unwrap())
            .collect(),
    )
}

/// The first thousand pictures of CIFAR-10: a file of their own, or the head of the published archive.
fn first_thousand() -> Option<(Tensor, Vec<u8>)> {
    const COUNT: usize = 1000;
    let folder = folder(DataSet::Cifar10)?;
    let own = folder.join("data_batch_1_first1000.bin.gz");
    let set = if own.exists() {
        cifar10::read_batch(&own).unwrap()
    } else {
        // The folder may hold neither of them, or other forms of the set.
        cifar10::load(&folder, Split::Train).ok()?
    };
    let images = set.images.slice(0, 0, COUNT as isize, 1).unwrap();
    Some((images.to_contiguous(), set.labels[..COUNT].to_vec()))
}

/// The lossless thousand of CIFAR-10, normalised by ImageNet's mean and deviation.
///
/// Each picture is one tensor [3,32,32].
pub(crate) fn cifar() -> Option<(Vec<Vec<f32>>, Vec<u8>)> {
    let (images, labels) = first_thousand()?;
    let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let pixels = images.to_vec::<u8>().unwrap();
    let normalise = |(index, &pixel): (usize, &u8)| {
        let channel = index / (32 * 32);
        (f32::from(pixel) / 255.0 - mean[channel]) / deviation[channel]
    };
    let images =
        pixels.chunks(3 * 32 * 32).map(|picture| picture.iter().enumerate().map(normalise).collect());
    Some((images.collect(), labels))
}

/// Pictures [3,32,32] as one batch.
pub(crate) fn stack(pictures: &[Vec<f32>]) -> Tensor {
    Tensor::from_vec(&[pictures.len(), 3, 32, 32], pictures.concat()).unwrap()
}

/// A graph of one input and one output, ready to run.
pub(crate) struct Runner(Executor);

impl Runner {
    pub(crate) fn new(graph: &Graph) -> Runner {
        Runner(Executor::new(graph, &ediacara_host::Options::default()).unwrap())
    }

    pub(crate) fn run(&self, input: &Tensor) -> Vec<f32> {
        self.0.run(std::slice::from_ref(input)).unwrap()[0].to_vec().unwrap()
    }
}

/// The signal-to-quantisation-noise ratio over many outputs.
#[derive(Default)]
pub(crate) struct Signal {
    signal: f64,
    noise: f64,
}

impl Signal {
    pub(crate) fn add(&mut self, wanted: &[f32], found: &[f32]) {
        assert_eq!(wanted.len(), found.len());
        for (&wanted, &found) in wanted.iter().zip(found) {
            self.signal += f64::from(wanted).powi(2);
            self.noise += (f64::from(wanted) - f64::from(found)).powi(2);
        }
    }

    pub(crate) fn decibels(&self) -> f64 {
        10.0 * (self.signal / self.noise).log10()
    }
}

/// The index of the largest number, the first of equals.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let larger = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
    (0..values.len()).reduce(larger).unwrap_or(0)
}

/// A batch of one binds nothing, because free dimensions are 1 anyway and not every network has one.
fn bound(batch: usize) -> Vec<(String, usize)> {
    if batch == 1 { Vec::new() } else { vec![("N".to_owned(), batch)] }
}
