//! Trained networks as ONNX files.

use std::path::Path;

use ediacara_onnx::ExportOptions;
use ediacara_train::{Normalisation, Trainer};

use crate::Error;

/// The name of the first dimension.
const BATCH: &str = "N";

/// The name of the network's output.
const OUTPUTS: &str = "outputs";

/// The metadata that say how pictures become inputs.
///
/// They become `(brightness - mean) / deviation`, with brightness from 0 to 1.
const MEAN: &str = "ediacara.pixel_mean";
const DEVIATION: &str = "ediacara.pixel_deviation";

/// What an exported file says of the pixels that it was trained on, if it was trained on pictures.
pub(crate) fn normalisation(metadata: &[(String, String)]) -> Result<Option<Normalisation>, Error> {
    let find = |key: &str| metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let (Some(mean), Some(deviation)) = (find(MEAN), find(DEVIATION)) else { return Ok(None) };
    let number = |text: &str| text.parse::<f32>().ok().filter(|number| number.is_finite());
    match (number(mean), number(deviation)) {
        (Some(mean), Some(deviation)) if deviation > 0.0 => Ok(Some(Normalisation { mean, deviation })),
        _ => Err(Error::Invalid(format!(
            "its metadata say that pixels are normalised by {MEAN} = {mean} and {DEVIATION} = {deviation}: a number and one \
             above 0 are expected"
        ))),
    }
}

/// Writes a trained network as an ONNX file that takes any batch.
///
/// Values that depend on no input are computed before. The file of a network of pictures says how their
/// pixels were normalised, and `run` then normalises them so.
///
/// # Errors
/// The file cannot be written.
pub fn trained(trainer: &Trainer, path: &Path) -> Result<(), Error> {
    // This is a size that no other dimension has by chance.
    let graph = trainer.network(PLACEHOLDER)?;
    let mut graph = ediacara_optimiser::optimise(graph, &ediacara_optimiser::Options::same_precision())?;
    // Another node may compute the output now.
    if let &[output] = graph.outputs() {
        graph.rename_value(output, OUTPUTS);
    }
    let metadata = trainer.data().train.normalisation().map_or_else(Vec::new, |by| {
        vec![(MEAN.to_owned(), by.mean.to_string()), (DEVIATION.to_owned(), by.deviation.to_string())]
    });
    Ok(ediacara_onnx::export(&graph, path, &ExportOptions { batch: Some(BATCH.to_owned()), metadata })?)
}

/// The batch of the graph that is exported.
const PLACEHOLDER: usize = 3;
