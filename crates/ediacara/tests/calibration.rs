//! Calibration of every input, and the report of numbers that were made up.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara::arch::Machine;
use ediacara::graph::{Graph, Registry};
use ediacara::tensor::{Tensor, npz};
use ediacara::{CalibrationSource, Model, Run, RunOptions, SampleFile, prepare, run};

/// The sum of two pictures, of which the second is a hundred times as wide, and the positive part of the
/// first.
const SUM: &str = r#"graph "sum" {
  input %a: f32[1,4,6,6]
  input %b: f32[1,4,6,6]
  %sum: f32[1,4,6,6] = add(%a, %b)
  %positive: f32[1,4,6,6] = relu(%a)
  output %sum
  output %positive
}
"#;

/// A row of a table of 50, which an input picks.
const LOOKUP: &str = r#"graph "lookup" {
  input %table: f32[50,8]
  input %token: i64[1,3]
  %long: i64[3] = reshape(%token) {shape = [3]}
  %rows: f32[3,8] = gather(%table, %long) {axis = 0}
  %y: f32[3,8] = relu(%rows)
  output %y
}
"#;

fn model(text: &str) -> Model {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let (name, unbound, notes) = (graph.name.clone(), Vec::new(), Vec::new());
    Model { name, graph, preprocess: None, labels: None, unbound, notes }
}

fn options(values: bool) -> RunOptions {
    let machine = Machine::preset("dlp16").unwrap();
    RunOptions { values, top: 0, ..RunOptions::on(machine) }
}

/// Numbers from -deviation to deviation, all different for a while.
fn picture(deviation: f32, seed: usize) -> Tensor {
    let number = |index: usize| deviation * (((index * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0);
    Tensor::from_vec(&[1, 4, 6, 6], (0..144).map(number).collect()).unwrap()
}

fn pictures(seed: usize) -> [Tensor; 2] {
    [picture(1.0, seed), picture(100.0, seed + 7)]
}

fn file(input: Option<&str>, path: &Path) -> SampleFile {
    SampleFile { input: input.map(str::to_owned), path: path.to_owned() }
}

/// The sum's report, calibrated by a source, on pictures that no sample holds.
fn sum(source: &CalibrationSource) -> Run {
    let model = model(SUM);
    let prepared = prepare(&model, source, &mut |_| {}).unwrap();
    run(&model, &prepared, &pictures(5), &options(true), &mut |_| {}).unwrap()
}

fn error(text: &str, source: &CalibrationSource) -> String {
    prepare(&model(text), source, &mut |_| {}).unwrap_err().to_string()
}

#[test]
fn archives_calibrate_every_input() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |seed: usize| {
        let path = folder.path().join(format!("{seed}.npz"));
        let [a, b] = pictures(seed);
        npz::write(&path, &[("b".to_owned(), b), ("a".to_owned(), a), ("other".to_owned(), picture(9.0, 1))])
            .unwrap();
        file(None, &path)
    };
    let found = sum(&CalibrationSource::Files(vec![archive(1), archive(2)])).report;
    assert_eq!(found.quantisation.method, "min-max over 2 given samples");
    assert!(found.quantisation.seeded_inputs.is_empty());
    // The sum's steps are 1.5 * 202 / 255 wide, those of its wide operand 200 / 255, which is noise of 0.17.
    // Numbers spread evenly over 200 have a mean square of 3,333, so that the ratio is 43 dB. The other
    // output is less rounded.
    let ratios: Vec<f64> = found.outputs.iter().map(|output| output.sqnr_db.unwrap()).collect();
    assert!(ratios.iter().all(|&ratio| ratio > 35.0), "{ratios:?}");
    assert_eq!(found.quantisation.sqnr_db, ratios.into_iter().reduce(f64::min));
}

#[test]
fn made_up_numbers_are_said_to_be() {
    let found = sum(&CalibrationSource::Default).report;
    assert_eq!(found.quantisation.method, "min-max over 2 seeded samples");
    assert_eq!(found.quantisation.seeded_inputs, ["a", "b"]);
    // The second input goes far beyond the numbers made up for it; the other output does not see it.
    let ratio = |name: &str| {
        let output = found.outputs.iter().find(|output| output.name.starts_with(name)).unwrap();
        output.sqnr_db.unwrap()
    };
    assert!(ratio("sum") < 3.0 && ratio("positive") > 20.0, "{} {}", ratio("sum"), ratio("positive"));
    assert_eq!(found.quantisation.sqnr_db, Some(ratio("sum")));
    let text = ediacara::profile::totals(&found);
    assert!(text.contains("made-up numbers for a, b: give samples with --calibrate a=PATH"), "{text}");
    let [first, second] = ["against f32: sum", "positive"].map(|part| text.find(part).unwrap());
    assert!(first < second, "the worst is not in front: {text}");
}

#[test]
fn one_sample_of_an_input_is_part_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, tensor: Tensor| {
        let path = folder.path().join(name);
        ediacara::tensor::npy::write(&path, &tensor).unwrap();
        path
    };
    let [first, second] = [1, 2].map(|seed| write(&format!("a{seed}.npy"), picture(1.0, seed)));
    let wide = write("b.npy", picture(100.0, 3));
    let mut files = vec![file(None, &first), file(Some("a"), &second), file(Some("b"), &wide)];
    let found = sum(&CalibrationSource::Files(files.clone())).report;
    assert_eq!(found.quantisation.method, "min-max over 2 given samples");
    assert!(found.quantisation.sqnr_db.unwrap() > 35.0);
    // Three samples for one input and two for the other do not fit together.
    files.extend([file(Some("b"), &wide), file(Some("a"), &first)]);
    let said = error(SUM, &CalibrationSource::Files(files));
    assert!(said.contains("input b has 2 calibration samples and another input 3"), "{said}");
}

#[test]
fn what_names_no_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.npz");
    npz::write(&path, &[("c".to_owned(), picture(1.0, 1)), ("d".to_owned(), picture(1.0, 1))]).unwrap();
    for (input, parts) in [
        (None, ["other.npz", "holds c, d", "inputs are a, b"]),
        (Some("b"), ["other.npz", "holds c, d", "inputs are b"]),
        (Some("e"), ["no input e", "a", "b"]),
    ] {
        let said = error(SUM, &CalibrationSource::Files(vec![file(input, &path)]));
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn indices_are_drawn_within_what_they_pick_from() {
    let model = model(LOOKUP);
    let drawn = |seed: u64| {
        let tensors = ediacara::inputs::load(&model.graph, &[], None, seed).unwrap();
        tensors[1].to_vec::<i64>().unwrap()
    };
    let all: Vec<i64> = (0..40).flat_map(drawn).collect();
    assert!(all.iter().all(|index| (0..50).contains(index)), "{all:?}");
    assert!(all.iter().any(|&index| index > 40), "{all:?}");
    let prepared = prepare(&model, &CalibrationSource::Default, &mut |_| {}).unwrap();
    assert_eq!(prepared.seeded_inputs, ["table", "token"]);
}

#[test]
fn assumed_ranges_have_cycles_but_no_values() {
    let model = model(SUM);
    let assumed = prepare(&model, &CalibrationSource::Assumed, &mut |_| {}).unwrap();
    let calibrated = prepare(&model, &CalibrationSource::Default, &mut |_| {}).unwrap();
    let cycles = |prepared| run(&model, prepared, &[], &options(false), &mut |_| {}).unwrap().report;
    let report = cycles(&assumed);
    assert_eq!(report.quantisation.method, "assumed");
    assert!(report.quantisation.seeded_inputs.is_empty());
    assert_eq!(report.cycles, cycles(&calibrated).cycles);
    let said = run(&model, &assumed, &pictures(5), &options(true), &mut |_| {}).unwrap_err().to_string();
    assert!(said.contains("assumed") && said.contains("timing"), "{said}");
}

/// A recurrence of eight steps, `h = tanh(w h + x)`, between marks; nothing in it has one.
fn marked_recurrence() -> String {
    let weights: Vec<String> =
        (0..32 * 32).map(|index| format!("{:?}", ((index * 37) % 101) as f32 / 500.0 - 0.1)).collect();
    let body = r#"graph \"step\" {\n  input %h: f32[1,32]\n  input %w: f32[32,32]\n  input %x: f32[1,32]\n  %p: f32[1,32] = gemm(%h, %w) {activation = none}\n  %s: f32[1,32] = add(%p, %x)\n  %n: f32[1,32] = tanh(%s)\n  output %n\n  output %n\n}\n"#;
    format!(
        r#"graph "marked" {{
  input %x: f32[8,1,32]
  constant %w: f32[32,32] = [{}]
  constant %first: f32[1,32] = [{}]
  constant %scale: f32[] = [0.0078125]
  constant %zero: i8[] = [0]
  %q: i8[8,1,32] = quantize_linear(%x, %scale, %zero) {{axis = 0}}
  %d: f32[8,1,32] = dequantize_linear(%q, %scale, %zero) {{axis = 0}}
  %last: f32[1,32], %h: f32[8,1,32] = recur(%first, %w, %d) {{carried = 1, tied = 1, reverse = false, body = "{body}"}}
  %r: i8[8,1,32] = quantize_linear(%h, %scale, %zero) {{axis = 0}}
  %y: f32[8,1,32] = dequantize_linear(%r, %scale, %zero) {{axis = 0}}
  output %y
}}
"#,
        weights.join(", "),
        ["0.0"; 32].join(", ")
    )
}

#[test]
fn samples_bring_a_recurrence_between_marks_to_the_dlp() {
    let model = model(&marked_recurrence());
    let x = Tensor::from_vec(
        &[8, 1, 32],
        (0..256).map(|index| ((index * 29) % 97) as f32 / 48.5 - 1.0).collect(),
    );
    let x = [x.unwrap()];
    let run = |source: &CalibrationSource| {
        let prepared = prepare(&model, source, &mut |_| {}).unwrap();
        run(&model, &prepared, &x, &options(true), &mut |_| {}).map(|run| run.report)
    };
    let without = run(&CalibrationSource::Default).unwrap_err().to_string();
    assert!(without.contains("no sample was given to calibrate by"), "{without}");
    let with = run(&CalibrationSource::Tensors(vec![x.to_vec()])).unwrap();
    assert_eq!((with.placement.nodes_host, with.segments.len()), (0, 1), "{:?}", with.placement);
    assert_eq!(with.check.bit_exact, Some(true));
    assert!(with.check.bytes > 8 * 32 * 3, "{:?}", with.check);
    // A state of eight bits, steps of 1/128 around numbers of up to one.
    let sqnr = with.quantisation.sqnr_db.unwrap();
    assert!(sqnr > 30.0, "{sqnr} dB");
    // All seven products multiply by the same 32 x 32 weights.
    let loading = with.layers.iter().filter(|layer| layer.macs > 0 && layer.dram_bytes > 32 * 32).count();
    assert_eq!(loading, 1, "{:#?}", with.layers);
}
