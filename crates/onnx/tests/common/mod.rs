//! What the tests of this crate share: where the ONNX suite and the networks are, running a graph, and
//! comparing.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this module")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

pub mod writer;

use std::path::{Path, PathBuf};

use ediacara_data::skip;
use ediacara_graph::{DType, Graph, Tensor};
use ediacara_host::{Executor, Options};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The ONNX conformance suite: `EDIACARA_ONNX_SUITE`, else where `cargo xtask` puts it.
///
/// Reports when it is nowhere.
pub fn onnx_suite() -> Option<PathBuf> {
    let folder = match std::env::var_os("EDIACARA_ONNX_SUITE") {
        Some(folder) => PathBuf::from(folder),
        None => workspace().join("target/onnx-suite"),
    };
    if folder.join("node").is_dir() {
        return Some(folder);
    }
    skip(
        "the ONNX conformance suite",
        &format!("it is not at {}; `cargo xtask test` fetches it", folder.display()),
    );
    None
}

/// The folder of a network of `models/` with its stored inputs and outputs.
///
/// Reports when it is nowhere.
pub fn network(name: &str) -> Option<PathBuf> {
    let explicit = std::env::var_os("EDIACARA_DATA").map(PathBuf::from);
    let beside = workspace().parent().map(|parent| parent.join("shared/data"));
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .map(|cache| cache.join("ediacara/data"));
    let candidates = explicit.into_iter().chain(beside).chain(cache);
    let found = candidates.map(|folder| folder.join("models").join(name)).find(|folder| folder.is_dir());
    if found.is_none() {
        skip(name, &format!("it is nowhere; set EDIACARA_DATA to the folder that holds models/{name}"));
    }
    found
}

/// The tensors `KIND_0.pb`, `KIND_1.pb`, ... of a folder of test data.
pub fn stored_tensors(folder: &Path, kind: &str) -> Result<Vec<Tensor>, String> {
    let paths = (0..).map(|index| folder.join(format!("{kind}_{index}.pb"))).take_while(|path| path.exists());
    paths
        .map(|path| {
            ediacara_onnx::read_tensor(path).map(|(_, tensor)| tensor).map_err(|error| error.to_string())
        })
        .collect()
}

/// Runs a graph on the host.
pub fn run(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let executor = Executor::new(graph, &Options::default()).map_err(|error| error.to_string())?;
    executor.run(inputs).map_err(|error| error.to_string())
}

/// Compares as `numpy.testing.assert_allclose`: |found - expected| <= absolute + relative * |expected|, NaN
/// equal to NaN.
pub fn compare(found: &Tensor, expected: &Tensor, relative: f64, absolute: f64) -> Result<(), String> {
    if found.dtype() != expected.dtype() || found.shape() != expected.shape() {
        return Err(format!(
            "found {}{:?}, expected {}{:?}",
            found.dtype(),
            found.shape(),
            expected.dtype(),
            expected.shape()
        ));
    }
    let numbers =
        |tensor: &Tensor| tensor.cast(DType::F64).to_vec::<f64>().map_err(|error| error.to_string());
    for (index, (found, expected)) in numbers(found)?.into_iter().zip(numbers(expected)?).enumerate() {
        let close = found == expected
            || (found.is_nan() && expected.is_nan())
            || (found - expected).abs() <= absolute + relative * expected.abs();
        if !close {
            return Err(format!("element {index}: found {found}, expected {expected}"));
        }
    }
    Ok(())
}
