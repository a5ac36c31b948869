//! ONNX files to graphs.
//!
//! [`import`] reads a model of operator set 6 or newer and decomposes every node into the closed core of
//! `ediacara-graph`. It binds symbolic dimensions, decodes initialisers, and computes at once everything that
//! does not depend on an input. Anything that cannot be imported is an error that names file, node, finding
//! and remedy. Operators that are missing are listed all at once. Files are not trusted: sizes are checked
//! before anything is allocated.
//!
//! [`export()`] writes a graph of core ops as a file that other programs run.
//!
//! Files with other operators are imported by handlers of one's own: see [`Operators`].
//!
//! Start reading at [`import`], then `ops/mod.rs`, the table from operator types to handlers; for the way
//! back, at `export/nodes.rs`. This crate runs no network and changes no graph: folding, fusing and
//! quantising are the optimiser's.

mod context;
mod emit;
mod error;
mod export;
mod external;
mod head;
mod import;
mod inputs;
mod limits;
mod model;
mod node;
mod operators;
mod ops;
mod options;
mod order;
mod proto;
mod sample;
mod scan;
mod scope;
mod tensor;
mod wire;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ediacara_graph::Graph;
use ediacara_tensor::Tensor;
use prost::Message as _;
use prost::bytes::Bytes;

pub use context::Context;
pub use error::{ImportError, NodeError, UnsupportedOp};
pub use export::{ExportError, ExportOptions, export, to_model};
pub use limits::Limits;
pub use node::Node;
pub use operators::Operators;
pub use ops::{Handler, supported_operators};
pub use options::{BoundDim, ImportOptions, ImportReport};

use external::External;

/// Imports the model in the file `path`.
///
/// External data are looked for beside it.
///
/// # Errors
/// See [`ImportError`].
pub fn import(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Graph, ImportError> {
    import_reported(path, options).map(|(graph, _)| graph)
}

/// As [`import`]; also reports what the file says about itself and how its symbolic dimensions were bound.
///
/// # Errors
/// See [`ImportError`].
pub fn import_reported(
    path: impl AsRef<Path>,
    options: &ImportOptions,
) -> Result<(Graph, ImportReport), ImportError> {
    let path = path.as_ref();
    let bytes = read(path, options.limits.file_bytes)?;
    import::import(&path.display().to_string(), bytes, &External::beside(path), options)
}

/// Imports a model from its bytes; `file` stands for it in messages.
///
/// External data are an error.
///
/// # Errors
/// See [`ImportError`].
pub fn import_bytes(
    file: &str,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<(Graph, ImportReport), ImportError> {
    import::import(file, Bytes::copy_from_slice(bytes), &External::none(), options)
}

/// The names of the inputs that have to be fed (those without an initialiser), in the order of the file.
///
/// [`import`] may still refuse anything else about the file.
///
/// # Errors
/// The file cannot be read or is no ONNX model.
pub fn input_names(path: impl AsRef<Path>) -> Result<Vec<String>, ImportError> {
    let path = path.as_ref();
    let bytes = read(path, Limits::default().file_bytes)?;
    let file = path.display().to_string();
    let parts = scan::parts(&bytes);
    let graph = parts.and_then(|parts| parts.model(&bytes).and_then(|_| parts.graph(&bytes)));
    let graph = graph.map_err(|found| ImportError::Decode { file, found })?.unwrap_or_default();
    let stored: HashSet<&str> =
        graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()).collect();
    let inputs = graph.input.iter().filter_map(|input| input.name.clone());
    Ok(inputs.filter(|name| !stored.contains(name.as_str())).collect())
}

/// The files beside a model in which tensors of it are stored, each once, without those that are not there.
///
/// # Errors
/// The file cannot be read or is no ONNX model.
pub fn external_files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, ImportError> {
    let path = path.as_ref();
    let bytes = read(path, Limits::default().file_bytes)?;
    let broken = |found| ImportError::Decode { file: path.display().to_string(), found };
    scan::parts(&bytes).map_err(broken)?;
    let model = proto::ModelProto::decode(bytes).map_err(|error| broken(error.to_string()))?;
    Ok(external::files(&model, &External::beside(path)))
}

/// Reads one tensor (`TensorProto`) from a `.pb` file, as test data are stored: its name and value.
///
/// # Errors
/// The file cannot be read, is no tensor, or one of a type that Ediacara does not hold.
pub fn read_tensor(path: impl AsRef<Path>) -> Result<(String, Tensor), ImportError> {
    let path = path.as_ref();
    let limits = Limits::default();
    let bytes = read(path, limits.file_bytes)?;
    let file = path.display().to_string();
    let proto = proto::TensorProto::decode(bytes)
        .map_err(|error| ImportError::Decode { file: file.clone(), found: error.to_string() })?;
    let name = proto.name.clone().unwrap_or_default();
    match tensor::decode(&proto, &External::beside(path), limits.tensor_bytes) {
        Ok(tensor) => Ok((name, tensor)),
        Err(found) => Err(ImportError::Tensor { file, tensor: name, found }),
    }
}

/// The entry for fuzzers: imports `data` with tight limits and drops the result.
///
/// Whatever the bytes are, it returns, soon and with little memory; a panic or an abort is a bug.
pub fn fuzz_import(data: &[u8]) {
    let limits = Limits {
        file_bytes: 16 << 20,
        tensor_bytes: 4 << 20,
        input_bytes: 4 << 20,
        result_bytes: 4 << 20,
        total_bytes: 16 << 20,
        folded_bytes: 16 << 20,
        folding_work: 1 << 20,
        nodes: 10_000,
    };
    let options = ImportOptions { limits, ..ImportOptions::default() };
    // Most inputs are refused, which is the point.
    let _ = import_bytes("fuzz", data, &options);
}

fn read(path: &Path, limit: u64) -> Result<Bytes, ImportError> {
    let bytes = ediacara_files::read(path, limit);
    bytes.map(Bytes::from).map_err(|source| ImportError::Read { path: path.to_owned(), source })
}
