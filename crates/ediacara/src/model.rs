//! A model by name: a file, a built-in network, or the bundled one.

use std::path::{Path, PathBuf};

use ediacara_data::{Labels, Preprocess, bundled};
use ediacara_graph::Graph;
use ediacara_nn::NnError;
use ediacara_onnx::{ImportOptions, ImportReport, Operators};
use ediacara_tensor::Tensor;

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
    /// Decisions of the import that the user should know, one line each.
    pub notes: Vec<String>,
}

/// What decides how a network is loaded: the sizes of its free dimensions, fixed inputs, a user's own operators.
///
/// A size that nothing gives is 1.
#[derive(Debug, Clone, Default)]
pub struct Binding {
    /// Sizes of symbolic dimensions, by name.
    ///
    /// A built-in network takes its batch size from the one named `N`, or, if it decodes tokens, how many
    /// came before from `T`.
    pub dims: Vec<(String, usize)>,
    /// Whole shapes of inputs, by name; for ONNX files only.
    pub shapes: Vec<(String, Vec<usize>)>,
    /// Inputs that are fixed to a value, by name, and are no inputs any more; for ONNX files only.
    pub constants: Vec<(String, Tensor)>,
    /// Tensors that will be fed, in the order of the inputs, as far as they are known.
    ///
    /// Their shapes decide where nothing else does, and their values where a shape depends on data.
    pub fed: Vec<Option<Tensor>>,
    /// Operators beside those that Ediacara imports itself; for ONNX files only.
    pub operators: Operators,
}

impl Model {
    /// Whether shapes are those of a sample, so that other inputs may be refused.
    pub fn has_shapes_of_a_sample(&self) -> bool {
        let order = self.graph.order();
        order.into_iter().any(|id| matches!(self.graph.node(id).op.name(), "guard" | "non_zero"))
    }

    /// Adds to an error that an input's shape may cause which dimensions nobody gave a size.
    pub fn blame_free_dimensions(&self, error: Error) -> Error {
        let shape = matches!(error, Error::InputMismatch { .. } | Error::NotAPicture { .. });
        if !shape || self.unbound.is_empty() {
            return error;
        }
        Error::Unbound { error: Box::new(error), dims: self.unbound.clone() }
    }
}

/// Loads `name` with the sizes `dims` of its symbolic dimensions; see [`load_bound`].
///
/// # Errors
/// As [`load_bound`].
pub fn load(name: &str, dims: &[(String, usize)]) -> Result<Model, Error> {
    load_bound(name, &Binding { dims: dims.to_vec(), ..Binding::default() })
}

/// Loads `name`: a bundled network, a built-in one (`resnet50`, `mlp:33-512-10`, ...), or an ONNX file.
///
/// # Errors
/// There is no such file or network (the built-in names are listed). The file cannot be imported, or has no
/// input or dimension of a name that is given.
pub fn load_bound(name: &str, binding: &Binding) -> Result<Model, Error> {
    let Binding { dims, shapes, constants, fed, operators } = binding.clone();
    let options = ImportOptions { dims, shapes, constants, fed, operators, ..ImportOptions::default() };
    if let Some(model) = bundled::MODELS.iter().find(|model| model.name == name) {
        let mut loaded = imported(name, ediacara_onnx::import_bytes(name, model.onnx, &options)?)?;
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
        return imported(name, ediacara_onnx::import_reported(&path, &options)?);
    }
    let missing = || Error::NoSuchModel { name: name.to_owned(), known: known_names() };
    if path.extension().is_some() {
        return Err(missing());
    }
    let shaped = binding.shapes.iter().map(|(input, _)| input);
    if let Some(input) = shaped.chain(binding.constants.iter().map(|(input, _)| input)).next() {
        return Err(Error::Invalid(format!(
            "{name} is built in: only one size can be given, with --dim {}=SIZE, nothing for an input {input}",
            ediacara_nn::free_dimension(name).name
        )));
    }
    Ok(Model {
        name: name.to_owned(),
        graph: built_in(name, binding).map_err(|error| match error {
            NnError::Unknown { .. } => missing(),
            error => error.into(),
        })?,
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    })
}

/// The files that loading a model or program reads beside the one of its name.
///
/// They are those that assembly includes, and those in which an ONNX file's tensors lie. Files that cannot be
/// found are left to the loader.
pub fn files_beside(name: &Path) -> Vec<PathBuf> {
    match name.extension().and_then(|extension| extension.to_str()) {
        Some("dlpx") => Vec::new(),
        Some("dlpasm") => ediacara_isa::included_files(name),
        _ if name.is_file() => ediacara_onnx::external_files(name).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// A built-in network.
///
/// The size of its free dimension is the one given, else that of the tensor that will be fed.
fn built_in(name: &str, binding: &Binding) -> Result<Graph, NnError> {
    let free = ediacara_nn::free_dimension(name);
    let given = binding.dims.iter().find(|(dimension, _)| dimension == free.name).map(|(_, size)| *size);
    let graph = ediacara_nn::build_sized(name, given.unwrap_or(1), WEIGHT_SEED)?;
    if let Some((dimension, _)) = binding.dims.iter().find(|(dimension, _)| dimension != free.name) {
        let (name, dimension) = (name.to_owned(), dimension.clone());
        return Err(NnError::Dimension { name, dimension, known: free.name });
    }
    let own = graph.inputs().get(free.input).map(|&input| graph.ty(input).shape.clone());
    let fed = binding.fed.get(free.input).and_then(Option::as_ref).map(Tensor::shape);
    let (None, Some(mut own), Some(fed)) = (given, own, fed) else { return Ok(graph) };
    let Some(&size) = fed.get(free.axis).filter(|size| **size > 1) else { return Ok(graph) };
    own.get_mut(free.axis).into_iter().for_each(|own| *own = size);
    if own == fed { ediacara_nn::build_sized(name, size, WEIGHT_SEED) } else { Ok(graph) }
}

/// Every name that is no file: bundled and built-in.
pub fn known_names() -> Vec<String> {
    let bundled = bundled::MODELS.iter().map(|model| model.name.to_owned());
    bundled.chain(ediacara_nn::names().iter().map(|name| (*name).to_owned())).collect()
}

fn imported(name: &str, (graph, report): (Graph, ImportReport)) -> Result<Model, Error> {
    let pixels = crate::export::normalisation(&report.metadata)
        .map_err(|error| Error::Invalid(format!("{name}: {error}")))?;
    let free = || report.dims.iter().filter(|dimension| !dimension.given);
    let note = |dimension: &ediacara_onnx::BoundDim| {
        format!("dimension {0} is {1} (bind it with --dim {0}=SIZE)", dimension.name, dimension.size)
    };
    let mut notes: Vec<String> = free().map(note).collect();
    if report.dynamic > 0 {
        notes.push(format!(
            "{} activations are quantised by what they are (dynamic int8): here their scales are fixed by calibration, and \
             the weights stay as given",
            report.dynamic
        ));
    }
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
