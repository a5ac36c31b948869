//! Steps that several subcommands take from their arguments in the same way.

use std::path::{Path, PathBuf};

use ediacara::arch::Machine;
use ediacara::data::{ChannelOrder, Preprocess};
use ediacara::inputs::Source;
use ediacara::mixed::{self, Choice};
use ediacara::model::Binding;
use ediacara::profile::RunReport;
use ediacara::tensor::Tensor;
use ediacara::{CalibrationSource, Error, HostOnly, Model, Precision, Prepared, RunOptions, SampleFile};

use crate::arguments::{
    CalibrationArguments, ModelArguments, PrecisionArguments, PreprocessArguments, Ranges,
};
use crate::operators;

/// The sizes that the command line states; `fed` are the tensors of the first inputs, where they are known.
pub(super) fn binding(arguments: &ModelArguments, fed: Vec<Option<Tensor>>) -> Binding {
    let ModelArguments { dims, shapes, constants, .. } = arguments;
    let (dims, shapes, constants) = (dims.clone(), shapes.clone(), constants.clone());
    Binding { dims, shapes, constants, fed, operators: operators::imported() }
}

/// The numbers of bindings as an object; null without any.
pub(super) fn bindings_json(bindings: &[(String, u64)]) -> serde_json::Value {
    if bindings.is_empty() {
        return serde_json::Value::Null;
    }
    bindings.iter().map(|(name, number)| (name.clone(), serde_json::Value::from(*number))).collect()
}

/// Refuses numbers for bindings where a network is compiled, whose bindings are what its inputs say.
pub(super) fn refuse_bindings(name: &str, bindings: &[(String, u64)]) -> Result<(), Error> {
    match bindings {
        [] => Ok(()),
        [(binding, _), ..] => Err(Error::Invalid(format!(
            "{name} is a network, whose bindings are what inputs say: leave out --set-binding {binding}, and give such an input \
             with --input"
        ))),
    }
}

/// ` with NAME=NUMBER, ..`; nothing without bindings.
pub(super) fn with_bindings(bindings: &[(String, u64)]) -> String {
    let numbers: Vec<String> = bindings.iter().map(|(name, number)| format!("{name}={number}")).collect();
    if numbers.is_empty() { String::new() } else { format!(" with {}", numbers.join(", ")) }
}

/// Loads the model of that name, whose free dimensions are 1.
pub(super) fn load(name: &str) -> Result<Model, Error> {
    let binding = Binding { operators: operators::imported(), ..Binding::default() };
    ediacara::model::load_bound(name, &binding)
}

/// Loads the model.
///
/// The command line's preprocessing overrides the model's own.
pub(super) fn model(arguments: &ModelArguments, preprocess: &PreprocessArguments) -> Result<Model, Error> {
    bound(arguments, preprocess, Vec::new())
}

/// As [`model`], with what a sample decides if nothing else does: sizes, and shapes that depend on data.
///
/// The sample is what the inputs are fed, else the first for calibration.
pub(super) fn sampled(
    arguments: &ModelArguments,
    preprocess: &PreprocessArguments,
    inputs: &[SampleFile],
    calibrate: &CalibrationArguments,
) -> Result<Model, Error> {
    let fed = match inputs {
        [] => first_sample(arguments, &calibration(calibrate).map_err(Error::Invalid)?),
        inputs => fed(arguments, inputs),
    };
    bound(arguments, preprocess, fed)
}

/// The inputs that are given, as far as they are stored as tensors, in the order of the network's.
fn fed(arguments: &ModelArguments, inputs: &[SampleFile]) -> Vec<Option<Tensor>> {
    let names = free_inputs(arguments);
    let is_given = |name: &&String| inputs.iter().any(|file| file.input.as_ref() == Some(name));
    let mut unnamed = inputs.iter().filter(|file| file.input.is_none());
    if names.iter().all(|name| !is_given(&name)) {
        return unnamed.map(|file| ediacara::inputs::stored(&file.path)).collect();
    }
    let own = |name: &String| inputs.iter().find(|file| file.input.as_ref() == Some(name));
    let file = |name| own(name).or_else(|| unnamed.next());
    let files: Vec<Option<&SampleFile>> = names.iter().map(file).collect();
    files.into_iter().map(|file| ediacara::inputs::stored(&file?.path)).collect()
}

/// As [`sampled`], for what needs no calibration.
pub(super) fn fed_model(
    arguments: &ModelArguments,
    preprocess: &PreprocessArguments,
    inputs: &[SampleFile],
) -> Result<Model, Error> {
    bound(arguments, preprocess, fed(arguments, inputs))
}

/// The names of the inputs of an ONNX file that the command line does not fix; of other networks nothing.
fn free_inputs(arguments: &ModelArguments) -> Vec<String> {
    let names = ediacara::onnx::input_names(&arguments.model).unwrap_or_default();
    let is_fixed = |name: &String| arguments.constants.iter().any(|(fixed, _)| fixed == name);
    names.into_iter().filter(|name| !is_fixed(name)).collect()
}

fn bound(
    arguments: &ModelArguments,
    preprocess: &PreprocessArguments,
    fed: Vec<Option<Tensor>>,
) -> Result<Model, Error> {
    let mut model = ediacara::model::load_bound(&arguments.model, &binding(arguments, fed))?;
    if let Some(chosen) = preprocessing(preprocess, model.preprocess.as_ref())? {
        model.preprocess = Some(chosen);
    }
    for note in &model.notes {
        tracing::info!("{note}");
    }
    Ok(model)
}

/// What the network is calibrated with when `inputs` are at hand.
///
/// Where shapes are those of a sample, made-up samples would be refused; the inputs take their place.
pub(super) fn calibration_beside(
    arguments: &CalibrationArguments,
    model: &Model,
    inputs: &[Tensor],
) -> Result<CalibrationSource, String> {
    let source = calibration(arguments)?;
    if !matches!(source, CalibrationSource::Default) || !model.has_shapes_of_a_sample() {
        return Ok(source);
    }
    tracing::info!("calibrated with the input, whose data decide shapes; --calibrate takes more like it");
    Ok(CalibrationSource::Tensors(vec![inputs.to_vec()]))
}

/// The first calibration sample, as far as it is stored as tensors: one for each input, in order.
fn first_sample(arguments: &ModelArguments, calibration: &CalibrationSource) -> Vec<Option<Tensor>> {
    let CalibrationSource::Files(files) = calibration else { return Vec::new() };
    let names = free_inputs(arguments);
    let first = |(index, name): (usize, &String)| {
        let mut own =
            files.iter().filter(|file| file.input.as_ref().map_or(index == 0, |input| input == name));
        ediacara::inputs::stored(&own.next()?.path)
    };
    names.iter().enumerate().map(first).collect()
}

fn preprocessing(
    arguments: &PreprocessArguments,
    own: Option<&Preprocess>,
) -> Result<Option<Preprocess>, Error> {
    let mut chosen = match (&arguments.preprocess, own) {
        (Some(name), _) => Preprocess::preset(name)?,
        (None, Some(own)) => own.clone(),
        (None, None) if arguments.bgr || arguments.mean.is_some() => Preprocess::preset("imagenet")?,
        (None, None) => return Ok(None),
    };
    if let (Some(mean), Some(deviation)) = (arguments.mean, arguments.std) {
        chosen = chosen.with_unit_scale(mean, deviation);
    }
    if arguments.bgr && chosen.order == ChannelOrder::Rgb {
        chosen.order = ChannelOrder::Bgr;
        // Presets give their figures in the order of the tensor's channels; figures that are given are in
        // that order already.
        if arguments.mean.is_none() {
            chosen.mean.reverse();
            chosen.deviation.reverse();
        }
    }
    Ok(Some(chosen))
}

/// The calibration samples: the given files, with folders opened and sorted by name.
pub(super) fn calibration(arguments: &CalibrationArguments) -> Result<CalibrationSource, String> {
    if arguments.calibrate.is_empty() {
        return Ok(CalibrationSource::Default);
    }
    let mut files = Vec::new();
    for given in &arguments.calibrate {
        if given.path.is_dir() {
            let found = folder(&given.path)?;
            if found.is_empty() {
                let folder = given.path.display();
                return Err(format!(
                    "{folder}: no calibration sample (.png, .jpg, .npy, .npz, .pb) in this folder"
                ));
            }
            files.extend(found.into_iter().map(|path| SampleFile { input: given.input.clone(), path }));
        } else {
            files.push(given.clone());
        }
    }
    Ok(CalibrationSource::Files(files))
}

/// The samples of a folder.
///
/// Hidden files, which systems and editors leave behind, are none.
fn folder(path: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let entries = entries.filter_map(Result::ok);
    let seen = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let mut files: Vec<PathBuf> = seen.map(|entry| entry.path()).filter(|path| is_sample(path)).collect();
    files.sort();
    Ok(files)
}

fn is_sample(path: &Path) -> bool {
    let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg" | "npy" | "npz" | "pb"))
}

/// The source of the ranges of a network that is only timed.
pub(super) fn ranges(ranges: Ranges) -> CalibrationSource {
    match ranges {
        Ranges::Calibrated => CalibrationSource::Default,
        Ranges::Assumed => CalibrationSource::Assumed,
    }
}

/// Warns of doubtful inputs, or refuses them if the user wants that.
pub(super) fn weigh(doubts: &[String], strict: bool) -> Result<(), Error> {
    if strict && !doubts.is_empty() {
        return Err(Error::Doubtful(doubts.to_vec()));
    }
    for doubt in doubts {
        tracing::warn!("{doubt}");
    }
    Ok(())
}

/// Files as input sources.
pub(super) fn sources(files: &[SampleFile]) -> Vec<Source> {
    let source = |SampleFile { input, path: file }| match input {
        Some(input) => Source::Named { input, file },
        None => Source::File(file),
    };
    files.iter().cloned().map(source).collect()
}

/// The given files; if there are none, a network with its own preprocessing gets the bundled photo.
pub(super) fn sources_or_photo(files: &[SampleFile], model: &Model) -> Vec<Source> {
    let given = sources(files);
    let takes_photo = model.labels.is_some() && model.preprocess.is_some();
    if given.is_empty() && takes_photo { vec![Source::BundledPhoto] } else { given }
}

/// Makes a model ready in the precisions that were asked for, and says which were chosen if that was left open: by their noise on
/// samples for calibration, and on inputs.
pub(super) fn prepared(
    model: &Model,
    machine: &Machine,
    (precision, calibrate): (&PrecisionArguments, &CalibrationArguments),
    samples: (&CalibrationSource, &[Vec<Tensor>]),
    stage: &mut dyn FnMut(&str),
) -> Result<(Prepared, Option<Choice>), Error> {
    if let Some(whole) = precision.of_all().filter(|&whole| whole != Precision::Int8)
        && !calibrate.calibrate.is_empty()
    {
        return Err(Error::Invalid(format!(
            "--precision {whole} needs no calibration: leave --calibrate out"
        )));
    }
    mixed::prepare_mixed(model, &precision.wanted()?, machine, samples, stage)
}

/// Compiles and simulates a model for its cycles alone, without the passes of `disable`.
pub(super) fn timing(
    model: &Model,
    machine: &Machine,
    precision: Precision,
    (from, disable): (Ranges, &[&str]),
    stage: &mut dyn FnMut(&str),
) -> Result<RunReport, Error> {
    let prepared = ediacara::prepare_in(model, precision, &ranges(from), stage)?;
    let options = RunOptions {
        machine: machine.clone(),
        values: false,
        checked: false,
        disable: disable.iter().map(|&pass| pass.to_owned()).collect(),
        top: 0,
        what_if: false,
        host_only: HostOnly::Refused,
    };
    Ok(ediacara::run(model, &prepared, &[], &options, stage)?.report)
}
