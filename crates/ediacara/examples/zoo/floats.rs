//! A network of the zoo in floating point: on `dlp16f`, beside the network in plain f32.

use ediacara::arch::Machine;
use ediacara::model::Model;
use ediacara::profile::{HostOpReport, Share};
use ediacara::tensor::{DType, Tensor};
use ediacara::{CalibrationSource, Precision, Run, RunOptions};
use serde::Serialize;

use crate::task::{Result, numbers};

/// The machine whose array multiplies real numbers.
const MACHINE: &str = "dlp16f";

/// What was found of a network in one type.
#[derive(Serialize)]
pub(crate) struct InType {
    precision: &'static str,
    dlp_cycles: u64,
    /// Whether every compared byte is the host's; null when none was.
    bit_exact: Option<bool>,
    compared_bytes: u64,
    on_dlp: Share,
    /// Nodes that have a form in floating point and run on the host all the same, with the reason.
    left: Vec<String>,
    /// The largest difference of an output from plain f32, as a share of that output's largest number.
    error: f32,
}

/// Runs a network in f32 and bf16, beside its outputs in plain f32.
pub(crate) fn measure(model: &Model, judged: &[Tensor], plain: &[Tensor]) -> Result<Vec<InType>> {
    [Precision::F32, Precision::Bf16]
        .into_iter()
        .map(|precision| in_type(model, judged, plain, precision))
        .collect()
}

fn in_type(model: &Model, judged: &[Tensor], plain: &[Tensor], precision: Precision) -> Result<InType> {
    let prepared = ediacara::prepare_in(model, precision, &CalibrationSource::Default, &mut |_| {})?;
    let options = RunOptions { top: 0, ..RunOptions::on(Machine::preset(MACHINE)?) };
    let Run { report, outputs } = ediacara::run(model, &prepared, judged, &options, &mut |_| {})?;
    let outputs: Vec<Tensor> = outputs.into_iter().map(|(_, tensor)| tensor).collect();
    let mut error = 0.0_f32;
    for (index, _) in plain.iter().enumerate().filter(|(_, plain)| plain.dtype() == DType::F32) {
        let (wanted, found) = (numbers(plain, index)?, numbers(&outputs, index)?);
        let largest = wanted.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let furthest = wanted.iter().zip(&found).map(|(wanted, found)| (wanted - found).abs());
        error = error.max(furthest.fold(0.0, f32::max) / largest.max(f32::MIN_POSITIVE));
    }
    Ok(InType {
        precision: precision.name(),
        dlp_cycles: report.dlp_cycles,
        bit_exact: report.check.bit_exact,
        compared_bytes: report.check.bytes,
        on_dlp: report.on_dlp,
        left: report.host_ops.iter().filter(|op| op.op.starts_with("f_")).map(left).collect(),
        error,
    })
}

fn left(op: &HostOpReport) -> String {
    format!("{} `{}`: {}", op.op, op.name, op.reason)
}
