//! The samples that int8 ranges are taken from: one tensor for each of the network's inputs.
//!
//! Start reading at [`samples`]. Samples that nobody gave are made up from seeds, and reported as such.

use std::path::PathBuf;

use ediacara_graph::{Graph, ValueId};
use ediacara_tensor::Tensor;

use crate::inputs::{self, Source};
use crate::{Error, Model};

/// How many seeded samples calibrate a network for which there are no photos.
const SYNTHETIC_SAMPLES: usize = 2;

/// Seeds of calibration samples start here, far from those of inputs.
const CALIBRATION_SEED: u64 = 1 << 32;

/// The source of int8 ranges.
#[derive(Debug, Clone)]
pub enum CalibrationSource {
    /// The bundled photos if the network takes photos and says how, otherwise seeded numbers.
    Default,
    /// These files.
    ///
    /// The k-th files of all inputs make the k-th sample; an input's only file is part of every sample.
    Files(Vec<SampleFile>),
    /// These samples; each has a tensor for each of the first inputs, in order.
    Tensors(Vec<Vec<Tensor>>),
    /// Nothing: ranges are assumed, see [`ediacara_optimiser::Calibration::assumed`].
    ///
    /// Such a network has cycles but no values worth looking at.
    Assumed,
}

/// A file with a sample of one input, or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// The input; without it, the first.
    ///
    /// Arrays of an `.npz` belong to the inputs of their names.
    pub input: Option<String>,
    /// An image, `.npy`, `.pb` or `.npz` file.
    pub path: PathBuf,
}

/// Samples and their origin.
pub(crate) struct Samples {
    /// Each sample: one tensor for each input of the graph, in order.
    pub(crate) tensors: Vec<Vec<Tensor>>,
    /// The origin in words, such as `8 bundled photos`.
    pub(crate) origin: String,
    /// The inputs whose numbers were made up.
    pub(crate) seeded: Vec<String>,
}

/// The samples of a source, for every input of `graph`.
///
/// Inputs that the source does not cover are seeded.
///
/// # Errors
/// The network has no input. A file cannot be read, names no input or does not fit one. Inputs have different
/// numbers of samples.
pub(crate) fn samples(model: &Model, graph: &Graph, source: &CalibrationSource) -> Result<Samples, Error> {
    let Some(&first) = graph.inputs().first() else {
        return Err(Error::Invalid(format!("{}: the network has no input", model.name)));
    };
    let (name, ty) = (&graph.value(first).name, graph.ty(first));
    let mut given: Vec<Vec<Tensor>> = vec![Vec::new(); graph.inputs().len()];
    let what = match (source, &model.preprocess) {
        (CalibrationSource::Files(files), _) => {
            for file in files {
                read(model, graph, file, &mut given)?;
            }
            "given samples"
        }
        (CalibrationSource::Tensors(samples), _) => {
            for sample in samples {
                given.iter_mut().zip(sample).for_each(|(given, tensor)| given.push(tensor.clone()));
            }
            "given samples"
        }
        (CalibrationSource::Default, Some(preprocess)) if inputs::is_picture(ty) => {
            given[0] = inputs::bundled_calibration(name, ty, preprocess)?;
            "bundled photos"
        }
        (CalibrationSource::Default | CalibrationSource::Assumed, _) => "seeded samples",
    };
    let count = given.iter().map(Vec::len).max().filter(|&count| count > 0).unwrap_or(SYNTHETIC_SAMPLES);
    let names = |value: &ValueId| graph.value(*value).name.clone();
    let seeded = graph.inputs().iter().zip(&given).filter(|(_, given)| given.is_empty());
    let seeded = seeded.map(|(value, _)| names(value)).collect();
    if let Some((input, found)) = graph.inputs().iter().zip(&given).find_map(|(value, given)| {
        (given.len() > 1 && given.len() < count).then_some((names(value), given.len()))
    }) {
        return Err(Error::Invalid(format!(
            "input {input} has {found} calibration samples and another input {count}: give each as many, or one that is \
             part of every sample"
        )));
    }
    let tensor = |sample: usize, index: usize, value: ValueId| match given[index].as_slice() {
        [] => inputs::seeded(graph, value, CALIBRATION_SEED + (sample + index) as u64),
        [one] => Ok(one.clone()),
        several => Ok(several[sample].clone()),
    };
    let sample = |sample: usize| {
        let inputs = graph.inputs().iter().enumerate();
        inputs.map(|(index, &value)| tensor(sample, index, value)).collect()
    };
    let tensors = (0..count).map(sample).collect::<Result<_, Error>>()?;
    Ok(Samples { tensors, origin: format!("{count} {what}"), seeded })
}

/// Adds the content of a file to the samples of its inputs.
fn read(model: &Model, graph: &Graph, file: &SampleFile, given: &mut [Vec<Tensor>]) -> Result<(), Error> {
    let source = Source::File(file.path.clone());
    let places = match &file.input {
        Some(name) => vec![inputs::position(graph, name)?],
        None if inputs::is_archive(&source) => (0..given.len()).collect(),
        None => vec![0],
    };
    let names: Vec<&str> =
        places.iter().map(|&index| graph.value(graph.inputs()[index]).name.as_str()).collect();
    let sources = inputs::assign(&names, &[source], 0)?;
    for (index, source) in places.into_iter().zip(sources) {
        if !matches!(source, Source::Synthetic(_)) {
            let value = graph.value(graph.inputs()[index]);
            given[index].push(inputs::one(&value.name, &value.ty, &source, model.preprocess.as_ref())?);
        }
    }
    Ok(())
}
