//! Small files that are easy to get wrong, each with inputs and with onnxruntime's answers.
//!
//! A case is `NAME.onnx` beside `NAME.npz`. The archive's arrays are the inputs (by name), samples to
//! calibrate with (`cal.NAME`) and the outputs (`out.NAME`). [`CASES`] says what is right for each;
//! README.tsv beside the files says why.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ediacara::arch::Machine;
use ediacara::data::skip;
use ediacara::tensor::{DType, Tensor, npz};
use ediacara::{CalibrationSource, HostOnly, RunOptions};

/// The right result of a case.
#[derive(Clone, Copy)]
enum Right {
    /// Every output is exactly that of onnxruntime.
    Exact,
    /// Every number is onnxruntime's, except at most this share, which differs by one step of the output's
    /// quantisation.
    Ties(f64),
    /// The outputs have at least this signal-to-noise ratio, in dB, which int8 leaves of a network of real
    /// numbers.
    Near(f64),
}

use Right::{Exact, Near, Ties};

/// Every case: its name, what is right, and multiply-adds that run on the DLP.
const CASES: &[(&str, Right, u64)] = &[
    ("K01_keep_overlap_five_1x1", Near(30.0), 38_912),
    ("K02_ort_qdq_bias_scale1_zp_scalar", Ties(0.02), 3_888),
    ("K03_uint8_input", Near(35.0), 3_888),
    ("K04a_output_name_conv", Near(35.0), 3_888),
    ("K04b_output_name_reshape", Near(35.0), 3_888),
    ("K04c_output_name_gemm", Near(35.0), 4_176),
    ("K04d_output_and_folded_batchnorm", Near(35.0), 4_032),
    ("K04e_output_is_input", Exact, 0),
    ("K04f_two_outputs_one_value_of_input", Exact, 0),
    ("K04g_two_outputs_one_value", Near(35.0), 3_888),
    ("K05a_mask_minus_1e9", Near(35.0), 128),
    ("K05b_mask_minus_infinity", Near(35.0), 128),
    ("K06a_circular_pad_by_0_then_conv", Near(35.0), 4_320),
    ("K06b_uneven_split", Near(35.0), 0),
    ("K06c_split_with_empty_part", Exact, 0),
    ("K06d_concat_empty_constant_then_conv", Near(35.0), 4_320),
    ("K07a_weight_only_int8", Near(35.0), 3_888),
    ("K07b_pad_value_behind_dequantize", Exact, 0),
    ("K08a_second_input_wide", Near(35.0), 0),
    ("K08b_second_input_index", Near(35.0), 0),
    ("K09_mid_softmax", Near(30.0), 42_336),
    ("K09_pre_resize_linear", Near(35.0), 645_984),
    ("K09_q_conv1d", Ties(0.05), 324),
    ("K09_q_conv3d", Ties(0.05), 32_400),
    ("K09_q_conv_bn", Ties(0.05), 1_728),
    ("K09_q_ct_axis1", Ties(0.05), 5_292),
    ("K09_q_int8_in_out", Exact, 1_728),
    ("K09_q_matmul_axis1", Ties(0.05), 360),
    ("K09_q_matmul_pt_bias", Ties(0.05), 360),
    ("K09_qdq_excluded_first", Near(30.0), 125_280),
    ("K10a_reducelogsumexp_of_minus_inf", Exact, 0),
    ("K10b_reducelogsumexp_with_inf", Exact, 0),
    ("K10c_cumsum_beside_inf", Exact, 0),
    ("K11a_dead_nonzero", Near(35.0), 0),
    ("K11b_model_local_function", Near(35.0), 0),
    ("K11c_if_of_constant", Near(35.0), 0),
    ("K12a_qdq_relu_then_gather", Exact, 0),
    ("K12b_qdq_sigmoid_then_gather", Near(40.0), 0),
    ("K13a_pad_minus_inf_maxpool", Near(35.0), 0),
    ("K13b_pad_minus_flt_max_maxpool", Near(35.0), 0),
    ("K13c_weights_1e-15", Near(35.0), 576),
    ("keep_cls_28layers", Near(10.0), 0),
    ("keep_squeezenet1_1_tail", Near(25.0), 0),
    ("resnet20_fp16", Near(25.0), 40_551_040),
    ("resnet20_ort_qdq_perchannel", Ties(0.0), 40_551_040),
    ("resnet20_ort_qdq_pertensor", Ties(0.0), 40_551_040),
    ("resnet20_ort_qoperator", Ties(0.0), 40_551_040),
];

/// The folder of the cases.
///
/// Reports when it is nowhere.
fn folder() -> Option<PathBuf> {
    let explicit = std::env::var_os("EDIACARA_DATA").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let beside = workspace.parent().map(|parent| parent.join("shared/data"));
    let mut folders = explicit.into_iter().chain(beside).map(|folder| folder.join("models2/cases"));
    let found = folders.find(|folder| folder.is_dir());
    if found.is_none() {
        skip("the cases", "they are nowhere; set EDIACARA_DATA to the folder that holds models2/cases");
    }
    found
}

/// The quantisation step of each case's output that has one, by README.tsv.
fn steps(folder: &Path) -> BTreeMap<String, Option<f64>> {
    let text = std::fs::read_to_string(folder.join("README.tsv")).unwrap();
    let row = |line: &str| {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap().trim_end_matches(".onnx").to_owned();
        (name, columns.next_back().and_then(|step| step.parse().ok()))
    };
    text.lines().skip(1).map(row).collect()
}

/// Runs a case, and says what is wrong with it.
fn check(folder: &Path, name: &str, right: Right, macs: u64, step: Option<f64>) -> Result<(), String> {
    let (run, expected) = run(folder, name)?;
    if run.report.check.bit_exact == Some(false) {
        return Err("the DLP and the host differ".to_owned());
    }
    if run.report.macs < macs {
        return Err(format!("{} multiply-adds run on the DLP, not {macs}", run.report.macs));
    }
    if run.outputs.len() != expected.len() {
        return Err(format!("it has {} outputs, not {}", run.outputs.len(), expected.len()));
    }
    for ((found_name, found), (expected_name, expected)) in run.outputs.iter().zip(&expected) {
        // The other cases are not about names.
        if name.starts_with("K04") && found_name != expected_name {
            return Err(format!("its output {expected_name} is called {found_name}"));
        }
        compare(found, expected, right, step).map_err(|problem| format!("{expected_name}: {problem}"))?;
    }
    Ok(())
}

type Named = Vec<(String, Tensor)>;

fn run(folder: &Path, name: &str) -> Result<(ediacara::Run, Named), String> {
    let words = |error: ediacara::Error| error.to_string();
    let model =
        ediacara::model::load(folder.join(format!("{name}.onnx")).to_str().unwrap(), &[]).map_err(words)?;
    let arrays: Named = npz::read(&folder.join(format!("{name}.npz"))).unwrap();
    let array = |name: &str| arrays.iter().find(|(key, _)| key == name).map(|(_, tensor)| tensor.clone());
    let names: Vec<_> =
        model.graph.inputs().iter().map(|&input| model.graph.value(input).name.clone()).collect();
    let inputs: Vec<Tensor> = names.iter().map(|name| array(&format!("in.{name}")).unwrap()).collect();
    let sampled =
        |(name, input): (&String, &Tensor)| array(&format!("cal.{name}")).unwrap_or_else(|| input.clone());
    let sample = names.iter().zip(&inputs).map(sampled).collect();
    let calibration = CalibrationSource::Tensors(vec![sample]);
    let prepared = ediacara::prepare(&model, &calibration, &mut |_| {}).map_err(words)?;
    let machine = Machine::preset("dlp16").unwrap();
    // Some cases are one node, which the host runs; the table also says how many multiply-adds the DLP runs.
    let options =
        RunOptions { checked: true, top: 0, host_only: HostOnly::Allowed, ..RunOptions::on(machine) };
    let run = ediacara::run(&model, &prepared, &inputs, &options, &mut |_| {}).map_err(words)?;
    let output = |(key, tensor): (String, Tensor)| Some((key.strip_prefix("out.")?.to_owned(), tensor));
    Ok((run, arrays.into_iter().filter_map(output).collect()))
}

fn compare(found: &Tensor, expected: &Tensor, right: Right, step: Option<f64>) -> Result<(), String> {
    if (found.dtype(), found.shape()) != (expected.dtype(), expected.shape()) {
        let described = |tensor: &Tensor| format!("{}{:?}", tensor.dtype(), tensor.shape());
        return Err(format!("found {}, expected {}", described(found), described(expected)));
    }
    let numbers = |tensor: &Tensor| tensor.cast(DType::F64).to_vec::<f64>().unwrap();
    let pairs: Vec<(f64, f64)> = numbers(found).into_iter().zip(numbers(expected)).collect();
    let different = pairs.iter().filter(|(found, expected)| found != expected);
    match right {
        Exact => different
            .map(|(found, expected)| format!("found {found}, expected {expected}"))
            .next()
            .map_or(Ok(()), Err),
        Ties(share) => {
            let step = step.ok_or("README.tsv gives no quantisation step")?;
            let apart: Vec<f64> =
                different.map(|(found, expected)| (found - expected).abs() / step).collect();
            // The outputs are f32, and onnxruntime may have multiplied in another order.
            let ties: Vec<&f64> = apart.iter().filter(|&&steps| steps > 1e-3).collect();
            let wide = ties.iter().any(|&&steps| steps > 1.001);
            if wide || ties.len() as f64 > share * pairs.len() as f64 {
                return Err(format!(
                    "{} of {} numbers differ, by up to {ties:?} steps",
                    ties.len(),
                    pairs.len()
                ));
            }
            Ok(())
        }
        Near(decibels) => {
            let signal: f64 = pairs.iter().map(|(_, expected)| expected * expected).sum();
            let noise: f64 = pairs.iter().map(|(found, expected)| (found - expected).powi(2)).sum();
            let ratio = 10.0 * (signal / noise).log10();
            // A ratio that is not a number is not near either.
            if noise == 0.0 || ratio >= decibels { Ok(()) } else { Err(format!("it has {ratio:.1} dB")) }
        }
    }
}

#[test]
fn every_case_gives_what_its_line_says() {
    let Some(folder) = folder() else { return };
    let steps = steps(&folder);
    let listed: BTreeSet<&str> = CASES.iter().map(|(name, ..)| *name).collect();
    let described: BTreeSet<&str> = steps.keys().map(String::as_str).collect();
    assert_eq!(listed, described, "the table and README.tsv name different cases");
    let mut problems = Vec::new();
    for &(name, right, macs) in CASES {
        if let Err(problem) = check(&folder, name, right, macs, steps[name]) {
            problems.push(format!("{name}: {problem}"));
        }
    }
    assert!(problems.is_empty(), "{} cases are wrong:\n{}", problems.len(), problems.join("\n"));
}
