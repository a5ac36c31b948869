//! Operations on rows of real numbers: every value as the host computes it, on every machine with float lanes.

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, Options};
use ediacara_graph::{Graph, Registry};
use ediacara_sim::Outcome;

use crate::support::{check_on, tiny};

/// Machines with float lanes, the smallest first.
fn machines() -> Vec<Machine> {
    let mut small = tiny();
    small.vector.float_lanes = 2;
    small.validate().unwrap();
    let presets = ["dlp8", "dlp16", "dlp32"].map(|name| Machine::preset(name).unwrap());
    [small].into_iter().chain(presets).collect()
}

fn graph(text: &str) -> Graph {
    Graph::parse(text, &Registry::core(), &|_| None).unwrap()
}

/// Checks the network on every machine, with its nodes together and alone, kept in NRAM between them or not.
fn check(text: &str) -> Vec<(Compiled, Outcome)> {
    let graph = graph(text);
    let mut found = Vec::new();
    for machine in machines() {
        let without = |passes: &[&str]| Options {
            disable: passes.iter().map(|&pass| pass.to_owned()).collect(),
            ..Options::default()
        };
        let run = |options: &Options| {
            let (compiled, outcome) = check_on(&graph, &machine, options, 3, true);
            assert!(compiled.host_ops.is_empty(), "{:?}", compiled.host_ops);
            (compiled, outcome)
        };
        // In NRAM, what passes between operations alone costs nothing either.
        let [apart, joined] = [&["fuse-row", "keep"][..], &["keep"]].map(|passes| run(&without(passes)).1);
        assert!(joined.cycles <= apart.cycles, "{}: {} and {}", machine.name, joined.cycles, apart.cycles);
        run(&without(&["fuse-row"]));
        let (together, joined) = run(&Options::default());
        found.push((together, joined));
    }
    found
}

const TYPES: &str = "type = f32, inverse_scale = 1.0, zero = 0, low = -128, high = 127";
const I8: &str = "type = i8, inverse_scale = 255.0, zero = -128, low = -128, high = 127";
const A: &str = "a_scale = 0.05, a_zero = 3";
const REAL: &str = "a_scale = 1.0, a_zero = 0";
const B: &str = "b_scale = 0.05, b_zero = 3";
const B_REAL: &str = "b_scale = 1.0, b_zero = 0";

/// Softmax along the last axis, unit by unit.
fn softmax(shape: &str, rows: &str) -> String {
    format!(
        r#"graph "softmax" {{
  input %x: i8[{shape}]
  %m: f32[{rows}] = f_row(%x) {{operation = row_maximum, constant = 0.0, {A}, {B}, {TYPES}}}
  %e: f32[{shape}] = f_row(%x, %m) {{operation = exp2, constant = 0.0, {A}, {B_REAL}, {TYPES}}}
  %s: f32[{rows}] = f_row(%e) {{operation = row_sum, constant = 0.0, {REAL}, {B}, {TYPES}}}
  %r: f32[{rows}] = f_row(%s) {{operation = reciprocal, constant = 0.0, {REAL}, {B}, {TYPES}}}
  %y: i8[{shape}] = f_row(%e, %r) {{operation = multiply, constant = 0.0, {REAL}, {B_REAL}, {I8}}}
  output %y
}}
"#
    )
}

#[test]
fn softmax_is_one_layer() {
    for (shape, rows) in [("2,5,37", "2,5,1"), ("3,1,64", "3,1,1"), ("200,12", "200,1"), ("1,300", "1,1")] {
        for (compiled, _) in check(&softmax(shape, rows)) {
            assert_eq!(compiled.only_dlp().unwrap().executable.layers.len(), 1);
        }
    }
}

#[test]
fn a_norm_has_records_and_stores_what_others_read() {
    let text = format!(
        r#"graph "norm" {{
  input %x: i8[3,7,20]
  constant %bias: f32[20] = [{numbers}]
  constant %scale: f32[20] = [{numbers}]
  %s: f32[3,7,1] = f_row(%x) {{operation = row_sum, constant = 0.0, {A}, {B}, {TYPES}}}
  %m: f32[3,7,1] = f_row(%s) {{operation = multiply, constant = 0.05, {REAL}, {B}, {TYPES}}}
  %c: f32[3,7,20] = f_row(%x, %m) {{operation = subtract, constant = 0.0, {A}, {B_REAL}, {TYPES}}}
  %q: f32[3,7,1] = f_row(%c, %c) {{operation = row_dot, constant = 0.0, {REAL}, {B_REAL}, {TYPES}}}
  %v: f32[3,7,1] = f_row(%q) {{operation = add, constant = 0.001, {REAL}, {B}, {TYPES}}}
  %i: f32[3,7,1] = f_row(%v) {{operation = reciprocal_root, constant = 0.0, {REAL}, {B}, {TYPES}}}
  %n: f32[3,7,20] = f_row(%c, %i) {{operation = multiply, constant = 0.0, {REAL}, {B_REAL}, {TYPES}}}
  %y: f32[3,7,20] = f_scale(%n, %bias, %scale) {{{REAL}, {TYPES}}}
  %z: i8[3,7,20] = f_row(%y) {{operation = copy, constant = 0.0, {REAL}, {B}, {I8}}}
  output %y
  output %z
}}
"#,
        numbers = (0..20).map(|index| format!("{}.5", index - 7)).collect::<Vec<_>>().join(", "),
    );
    // Twenty records are more than the smallest machine has.
    let graph = graph(&text);
    for machine in &machines()[1..] {
        check_on(&graph, machine, &Options::default(), 5, true);
    }
}

#[test]
fn operands_are_repeated_along_axes_and_moved() {
    let text = format!(
        r#"graph "repeated" {{
  input %x: i8[2,3,4,10]
  input %mask: i8[4,10]
  input %rows: i8[2,1,4,1]
  constant %table: f32[3,1,10] = [{numbers}]
  %a: f32[2,3,4,10] = f_row(%x, %mask) {{operation = add, constant = 0.0, {A}, {B}, {TYPES}}}
  %b: f32[2,3,4,10] = f_row(%a, %rows) {{operation = multiply, constant = 0.0, {REAL}, {B}, {TYPES}}}
  %c: f32[2,3,4,10] = f_row(%b, %table) {{operation = maximum, constant = 0.0, {REAL}, {B_REAL}, {TYPES}}}
  %t: f32[2,4,3,10] = transpose(%c) {{permutation = [0, 2, 1, 3]}}
  %u: f32[2,4,30] = reshape(%t) {{shape = [2, 4, 30]}}
  %y: i8[2,4,30] = f_row(%u) {{operation = less, constant = 0.5, {REAL}, {B}, {I8}}}
  output %y
}}
"#,
        numbers = (0..30).map(|index| format!("{}.25", index % 7)).collect::<Vec<_>>().join(", "),
    );
    check(&text);
}
