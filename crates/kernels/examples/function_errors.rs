//! Measures the function unit (N-FUNCTION) over all 2^32 inputs, against f64.
//!
//! Its command line is `function_errors [FUNCTION...]`, without which it measures all. A line a function says
//! the largest error in units of the last place and its input, wrong special cases, and breaks of
//! monotonicity. A second line says the speed of one thread. Give it minutes, and `--release`.

#![allow(clippy::print_stdout, reason = "a tool that talks to people")]

use ediacara_kernels::ordered;
use rayon::prelude::*;
use std::time::Instant;

/// Inputs of one task: consecutive bit patterns of one sign.
const CHUNK: u32 = 1 << 16;
const LEAST_NORMAL: f64 = f32::MIN_POSITIVE as f64;

/// A function, its row form, its reference, and whether it rises.
struct Function {
    name: &'static str,
    of_row: fn(&mut [f32]),
    exact: fn(f64) -> f64,
    rises: bool,
}

const FUNCTIONS: [Function; 5] = [
    Function { name: "exp2", of_row: ordered::exp2_row, exact: f64::exp2, rises: true },
    Function { name: "log2", of_row: ordered::log2_row, exact: log2, rises: true },
    Function { name: "reciprocal", of_row: ordered::reciprocal_row, exact: f64::recip, rises: false },
    Function {
        name: "reciprocal_root",
        of_row: ordered::reciprocal_root_row,
        exact: |x| x.sqrt().recip(),
        rises: false,
    },
    Function { name: "root", of_row: ordered::root_row, exact: f64::sqrt, rises: true },
];

/// f64's logarithm, through `ln_1p` around one, where it keeps its relative precision.
fn log2(x: f64) -> f64 {
    if (x - 1.0).abs() < 0.25 { (x - 1.0).ln_1p() / std::f64::consts::LN_2 } else { x.log2() }
}

/// What a set of inputs showed.
#[derive(Clone, Copy, Default)]
struct Finding {
    /// The largest error in units of the last place, and its input's bits.
    worst: (f64, u32),
    /// Inputs whose result is none of what N-FLOAT allows, and the first.
    wrong: (u64, u32),
    /// Steps to the next input that go the wrong way, and the first.
    breaks: (u64, u32),
    /// Results that are not the nearest f32.
    inexact: u64,
}

fn merge(a: Finding, b: Finding) -> Finding {
    let first = |a: (u64, u32), b: (u64, u32)| (a.0 + b.0, if a.0 > 0 { a.1 } else { b.1 });
    Finding {
        worst: if b.worst.0 > a.worst.0 { b.worst } else { a.worst },
        wrong: first(a.wrong, b.wrong),
        breaks: first(a.breaks, b.breaks),
        inexact: a.inexact + b.inexact,
    }
}

/// The error of `result` in units of the last place of `exact`; infinite where a special case is wrong.
fn error_ulp(result: f32, exact: f64) -> f64 {
    let holds = |condition| if condition { 0.0 } else { f64::INFINITY };
    if exact.is_nan() {
        return holds(result.to_bits() == 0x7fc0_0000);
    }
    if exact.abs() < LEAST_NORMAL || exact.abs() >= 2f64.powi(128) {
        // N-FLOAT: rounded to f32, and then a subnormal is zero of its sign.
        let rounded = exact as f32;
        let flushed = if rounded.is_subnormal() { 0f32.copysign(rounded) } else { rounded };
        return holds(result.to_bits() == flushed.to_bits());
    }
    let exponent = (exact.to_bits() >> 52) as i32 & 0x7ff;
    let unit = f64::from_bits(((exponent - 23) as u64) << 52);
    (f64::from(result) - exact).abs() / unit
}

/// The f32 that N-FLOAT reads.
fn read(bits: u32) -> f64 {
    let x = f32::from_bits(bits);
    f64::from(if x.is_subnormal() { 0f32.copysign(x) } else { x })
}

/// Measures `CHUNK` inputs from `start` on, and the step to the one after them.
fn measure(function: &Function, start: u32) -> Finding {
    let end = start.saturating_add(CHUNK);
    let mut results: Vec<f32> = (start..=end).map(f32::from_bits).collect();
    (function.of_row)(&mut results);
    let mut finding = Finding::default();
    let rises = function.rises == (start >> 31 == 0);
    for (bits, pair) in (start..).zip(results.windows(2)) {
        let exact = (function.exact)(read(bits));
        let error = error_ulp(pair[0], exact);
        let wrong = if error < 1.0 { (0, 0) } else { (1, bits) };
        let ordered = bits & 0x7fff_ffff < 0x7f80_0000 && !pair[0].is_nan();
        let broken = ordered && if rises { pair[1] < pair[0] } else { pair[1] > pair[0] };
        let inexact = u64::from(pair[0] != exact as f32 && exact.abs() >= LEAST_NORMAL);
        let breaks = if broken { (1, bits) } else { (0, 0) };
        finding = merge(finding, Finding { worst: (error, bits), wrong, breaks, inexact });
    }
    finding
}

fn report(function: &Function) {
    let chunks = (0..1u32 << 16).into_par_iter();
    let parts: Vec<_> = chunks.map(|chunk| measure(function, chunk * CHUNK)).collect();
    let finding = parts.into_iter().fold(Finding::default(), merge);
    let ((error, bits), (wrong, first_wrong), (breaks, first_break)) =
        (finding.worst, finding.wrong, finding.breaks);
    let x = f32::from_bits(bits);
    println!(
        "{}: {error:.4} ulp at {x:e} ({bits:#010x}); {:.2} % not the nearest; wrong {wrong} \
         ({first_wrong:#010x}); breaks of monotonicity {breaks} ({first_break:#010x})",
        function.name,
        finding.inexact as f64 / 2f64.powi(32) * 100.0
    );
}

/// The speed of one thread in rows that stay in the first-level cache.
fn time(function: &Function) {
    const ROUNDS: usize = 20_000;
    let start: Vec<f32> = (0..1024).map(|i| 1.0 + i as f32 / 1000.0).collect();
    let mut row = start.clone();
    let clock = Instant::now();
    for _ in 0..ROUNDS {
        row.copy_from_slice(&start);
        (function.of_row)(std::hint::black_box(&mut row));
    }
    let rate = (ROUNDS * row.len()) as f64 / clock.elapsed().as_secs_f64();
    println!("{}: {:.0} million a second on one thread", function.name, rate / 1e6);
}

fn main() {
    let names: Vec<_> = std::env::args().skip(1).collect();
    let is_wanted = |function: &&Function| names.is_empty() || names.iter().any(|name| name == function.name);
    for function in FUNCTIONS.iter().filter(is_wanted) {
        time(function);
        report(function);
    }
}
