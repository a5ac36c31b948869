//! Networks that are evaluated on a whole data set: the report says where their int8 ranges come from.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara::arch::Machine;
use ediacara::dataset::{Options, Part, Report, evaluate};
use ediacara::graph::{Graph, Registry};
use ediacara::{HostOnly, Model};

/// The function "and" of bits that are -1 or 1, as the sign of a + b - 1.
const REAL: &str = r#"graph "and" {
  input %x: f32[1,2]
  constant %w: f32[1,2] = [1.0, 1.0]
  constant %b: f32[1] = [-1.0]
  %y: f32[1,1] = gemm(%x, %w, %b) {activation = none}
  output %y
}
"#;

/// The same function as a network that is quantised already.
///
/// Every number in it is an integer of its scale.
const QUANTISED: &str = r#"graph "and" {
  input %x: f32[1,2]
  constant %scale: f32[] = [0.015625]
  constant %bias_scale: f32[1] = [0.000244140625]
  constant %out_scale: f32[] = [0.03125]
  constant %zero: i8[] = [0]
  constant %bias_zero: i32[1] = [0]
  constant %w: i8[1,2] = [64, 64]
  constant %b: i32[1] = [-4096]
  %xq: i8[1,2] = quantize_linear(%x, %scale, %zero) {axis = 0}
  %xr: f32[1,2] = dequantize_linear(%xq, %scale, %zero) {axis = 0}
  %wr: f32[1,2] = dequantize_linear(%w, %scale, %zero) {axis = 0}
  %br: f32[1] = dequantize_linear(%b, %bias_scale, %bias_zero) {axis = 0}
  %y: f32[1,1] = gemm(%xr, %wr, %br) {activation = none}
  %yq: i8[1,1] = quantize_linear(%y, %out_scale, %zero) {axis = 0}
  %yr: f32[1,1] = dequantize_linear(%yq, %out_scale, %zero) {axis = 0}
  output %yr
}
"#;

fn ask(text: &str) -> Report {
    let model = Model {
        name: "and".to_owned(),
        graph: Graph::parse(text, &Registry::core(), &|_| None).unwrap(),
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    };
    let options = Options {
        machine: Machine::preset("dlp4").unwrap(),
        disable: Vec::new(),
        checked: true,
        calibration_samples: 4,
        limit: 4,
        host_only: HostOnly::Refused,
    };
    let report = evaluate(&model, &Part::load("and-test").unwrap(), &options, &mut |_| {}).unwrap();
    assert_eq!(report.bit_exact, Some(true));
    assert_eq!((report.on_dlp.dlp_macs, report.on_dlp.macs), (2, 2));
    assert_eq!((report.samples, report.int8_accuracy, report.f32_accuracy), (4, 1.0, 1.0));
    report
}

#[test]
fn ranges_come_from_training_samples_or_with_the_network() {
    let real = ask(REAL);
    assert_eq!((real.calibration_samples, real.calibration.as_str()), (4, "min-max over 4 training samples"));
    let quantised = ask(QUANTISED);
    assert_eq!((quantised.calibration_samples, quantised.calibration.as_str()), (0, "imported (QDQ)"));
}
