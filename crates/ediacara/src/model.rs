//! A model by name: a file, a built-in network, or the bundled one.

use std::path::PathBuf;

use ediacara_data::{Labels, Preprocess, bundled};
use ediacara_graph::Graph;
use ediacara_nn::NnError;
use ediacara_onnx::{ImportOptions, ImportReport};

use crate::Error;

/// Seed of the built-in networks' weights.
pub const WEIGHT_SEED: u64 = 1;

/// A network and what is known about using it.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file, or the built-in name.
    pub name: String,
    /// The network as imported or built: f32 (or QDQ), NCHW.
    pub graph: Graph,
    /// How its photos are preprocessed, where that is known.
    pub preprocess: Option<Preprocess>,
    /// The names of its classes, where they are known.
    pub labels: Option<Labels>,
    /// Symbolic dimensions that were not bound, and are 1.
    pub unbound: Vec<String>,
    /// What importing decided that the user should know, one line each.
    pub notes: Vec<String>,
}

/// Loads `name`: a bundled network, a built-in one (`resnet50`, `mlp:33-512-10`, ...), or an ONNX file.
/// `dims` binds symbolic dimensions; a built-in network takes its batch size from one named `N`.
///
/// # Errors
/// No such file or network (the built-in names are listed), or the file cannot be imported.
pub fn load(name: &str, dims: &[(String, usize)]) -> Result<Model, Error> {
    if let Some(model) = bundled::MODELS.iter().find(|model| model.name == name) {
        let mut loaded = imported(name, ediacara_onnx::import_bytes(name, model.onnx, &options(dims))?)?;
        loaded.preprocess = Some(model.preprocessing()?);
        loaded.labels = Some(bundled::imagenet_labels()?);
        return Ok(loaded);
    }
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension == "dlpx" || extension == "dlpasm") {
        return Err(Error::Invalid(format!(
            "{name} is a program, and a network is wanted here: `ediacara exec {name}` runs it, `prove` and `verify` check it"
        )));
    }
    if path.exists() {
        return imported(name, ediacara_onnx::import_reported(&path, &options(dims))?);
    }
    let missing = || Error::NoSuchModel { name: name.to_owned(), known: known_names() };
    if path.extension().is_some() {
        return Err(missing());
    }
    let batch = dims.iter().find(|(dimension, _)| dimension == "N").map_or(1, |(_, size)| *size);
    let graph = ediacara_nn::build(name, batch, WEIGHT_SEED).map_err(|error| match error {
        NnError::Unknown { .. } => missing(),
        error => error.into(),
    })?;
    Ok(Model {
        name: name.to_owned(),
        graph,
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    })
}

/// Every name that is no file: bundled and built-in.
pub fn known_names() -> Vec<String> {
    let bundled = bundled::MODELS.iter().map(|model| model.name.to_owned());
    bundled.chain(ediacara_nn::names().iter().map(|name| (*name).to_owned())).collect()
}

fn options(dims: &[(String, usize)]) -> ImportOptions {
    ImportOptions { dims: dims.to_vec(), ..ImportOptions::default() }
}

fn imported(name: &str, (graph, report): (Graph, ImportReport)) -> Result<Model, Error> {
    let pixels = crate::export::normalisation(&report.metadata)
        .map_err(|error| Error::Invalid(format!("{name}: {error}")))?;
    let free = || report.dims.iter().filter(|dimension| !dimension.given);
    let note = |dimension: &ediacara_onnx::BoundDim| {
        format!("dimension {0} is {1} (bind it with --dim {0}=SIZE)", dimension.name, dimension.size)
    };
    let mut notes: Vec<String> = free().map(note).collect();
    notes.extend(pixels.map(|by| format!("pixels are {by}, as the file says")));
    Ok(Model {
        name: name.to_owned(),
        graph,
        preprocess: pixels.map(|by| Preprocess::grey(by.mean, by.deviation)),
        labels: None,
        unbound: free().map(|dimension| dimension.name.clone()).collect(),
        notes,
    })
}
