//! Trained networks as ONNX files.

use std::path::Path;

use ediacara_onnx::ExportOptions;
use ediacara_train::Trainer;

use crate::Error;

/// What the first dimension is called.
const BATCH: &str = "N";

/// What the network gives is called.
const OUTPUTS: &str = "outputs";

/// Writes a trained network as an ONNX file that takes any batch; what depends on no input is computed before.
///
/// # Errors
/// The file cannot be written.
pub fn trained(trainer: &Trainer, path: &Path) -> Result<(), Error> {
    // Any size that no other dimension has by chance.
    let graph = trainer.network(PLACEHOLDER)?;
    let mut graph = ediacara_optimiser::optimise(graph, &ediacara_optimiser::Options::default())?;
    // What computes the output may have become another node.
    if let &[output] = graph.outputs() {
        graph.rename_value(output, OUTPUTS);
    }
    Ok(ediacara_onnx::export(&graph, path, &ExportOptions { batch: Some(BATCH.to_owned()) })?)
}

/// The batch of the graph that is exported.
const PLACEHOLDER: usize = 3;
