//! Simulator and host kernels against the independent Python reference of tests/numerics, over random and
//! extreme operands.
//!
//! It needs `python3` on the path, and nothing more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use ediacara_arch::{ElementType, Machine};
use ediacara_isa::{Memory, assemble};
use ediacara_kernels::int8::{
    Multiplier, QOperand, QOutput, QWeights, q_add, q_matmul, q_maximum, q_multiply, q_table,
    quantize_multiplier,
};
use ediacara_sim::{Options, Simulator};
use serde_json::Value;

/// Programs of integer instructions, kernel rows and multipliers, each; of float instructions there are more.
const CASES: &str = "900";
/// Programs of float instructions at least, and instructions: those of integers, and those called `float_…`.
const FLOAT_PROGRAMS: u32 = 1200;
const INSTRUCTIONS: [usize; 2] = [15, 22];
const SEED: &str = "1";
/// Where the code lies: past what the cases use of DRAM.
const CODE: u64 = 4096;

/// What the reference says, which is asked once.
fn vectors() -> &'static [Value] {
    static VECTORS: OnceLock<Vec<Value>> = OnceLock::new();
    VECTORS.get_or_init(ask_reference)
}

fn ask_reference() -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/numerics/vectors.py");
    let output = Command::new("python3").arg(script).args([SEED, CASES]).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let text = hex.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const MEMORIES: [(&str, Memory); 4] =
    [("nram", Memory::Nram), ("wram", Memory::Wram), ("aram", Memory::Aram), ("pram", Memory::Pram)];

fn machine(case: &Value) -> Machine {
    let mut machine = Machine::preset("dlp16").unwrap();
    let length = |name: &str| case["before"][name].as_str().unwrap().len() as u64 / 2;
    machine.matrix.rows = case["rows"].as_u64().unwrap() as u32;
    machine.matrix.columns = case["columns"].as_u64().unwrap() as u32;
    machine.vector.float_lanes = 8;
    machine.matrix.types = vec![ElementType::Int8, ElementType::F16, ElementType::Bf16, ElementType::F32];
    machine.dram.bytes = 2 * CODE;
    machine.core.nram_bytes = length("nram");
    machine.core.wram_bytes = length("wram");
    machine.core.aram_bytes = length("aram");
    machine.core.pram_bytes = length("pram");
    machine
}

fn run_program(case: &Value) {
    let program = format!(".code {CODE}\n{}", case["program"].as_str().unwrap());
    let name = case["name"].as_str().unwrap();
    let executable = assemble(&program, name).unwrap_or_else(|errors| panic!("{errors}\n{program}"));
    let options = Options { checked: true, ..Options::default() };
    let mut simulator = Simulator::new(&machine(case), &executable, options).unwrap();
    let (before, after) = (&case["before"], &case["after"]);
    simulator.write_dram(0, &bytes(&before["dram"])).unwrap();
    for (key, memory) in MEMORIES {
        simulator.write_memory(memory, 0, &bytes(&before[key])).unwrap();
    }
    let outcome = simulator.run();
    assert!(outcome.fault.is_none(), "{}\n{program}", outcome.fault.unwrap());
    // A memory that the reference left alone must not have changed.
    let expected = |key: &str| bytes(after.get(key).unwrap_or(&before[key]));
    let compare = |key: &str, found: Vec<u8>, expected: Vec<u8>| {
        if let Some(at) = found.iter().zip(&expected).position(|(a, b)| a != b) {
            panic!(
                "{key}[{at:#x}] is {:#x}, the reference says {:#x}, after\n{program}",
                found[at], expected[at]
            );
        }
    };
    compare("dram", simulator.read_dram(0, CODE as usize).unwrap(), expected("dram"));
    for (key, memory) in MEMORIES {
        compare(key, simulator.read_on_chip(memory), expected(key));
    }
}

#[test]
fn simulator_agrees_with_the_reference() {
    let mut names = std::collections::BTreeMap::<&str, u32>::new();
    for case in vectors().iter().filter(|case| case.get("program").is_some()) {
        run_program(case);
        *names.entry(case["name"].as_str().unwrap()).or_default() += 1;
    }
    let floats: Vec<u32> =
        names.iter().filter(|(name, _)| name.starts_with("float_")).map(|(_, n)| *n).collect();
    assert_eq!([names.len() - floats.len(), floats.len()], INSTRUCTIONS, "{names:?}");
    assert!(names.values().all(|count| *count >= 50), "{names:?}");
    assert!(floats.iter().sum::<u32>() >= FLOAT_PROGRAMS, "{names:?}");
}

fn numbers<T: TryFrom<i64>>(value: &Value) -> Vec<T>
where
    T::Error: std::fmt::Debug,
{
    value.as_array().unwrap().iter().map(|v| T::try_from(v.as_i64().unwrap()).unwrap()).collect()
}

fn run_kernel(case: &Value) {
    let number = |name: &str| case[name].as_i64().unwrap();
    let (x, y): (Vec<i8>, Vec<i8>) = (numbers(&case["x"]), numbers(&case["y"]));
    let expected: Vec<i8> = numbers(&case["out"]);
    let output = QOutput { zero: number("zero") as i8, low: number("low") as i8, high: number("high") as i8 };
    let (x_zero, y_zero) = (number("x_zero") as i8, number("y_zero") as i8);
    let (m, n, shift) = (number("m") as i32, number("n") as i32, number("shift") as u8);
    let (x_operand, y_operand) =
        (QOperand { values: &x, zero: x_zero }, QOperand { values: &y, zero: y_zero });
    let mut out = vec![0; expected.len()];
    match case["kernel"].as_str().unwrap() {
        "q_add" => q_add(x_operand, y_operand, [m, n], shift, output, &mut out),
        "q_multiply" => q_multiply(x_operand, y_operand, Multiplier { value: m, shift }, output, &mut out),
        "q_maximum" => q_maximum(&x, &y, output, &mut out),
        "q_table" => q_table(&x, &numbers::<i8>(&case["table"]), &mut out),
        _ => {
            let sizes: Vec<usize> = numbers(&case["sizes"]);
            let weights = QWeights {
                values: &y,
                zero: y_zero,
                bias: &numbers::<i32>(&case["bias"]),
                multiplier: &numbers::<i32>(&case["multipliers"]),
                shift: &numbers::<u8>(&case["shifts"]),
            };
            q_matmul([sizes[0], sizes[1], sizes[2]], &x, x_zero, &weights, output, &mut out)
        }
    }
    .unwrap();
    assert_eq!(out, expected, "{case}");
}

#[test]
fn kernels_agree_with_the_reference() {
    for case in vectors() {
        if case.get("kernel").is_some() {
            run_kernel(case);
        } else if let Some(bits) = case.get("ratio_bits") {
            let ratio = f64::from_bits(bits.as_u64().unwrap());
            let found = quantize_multiplier(ratio).ok().map(|m| (i64::from(m.value), i64::from(m.shift)));
            let expected = case["multiplier"].as_i64().zip(case["shift"].as_i64());
            assert_eq!(found, expected, "quantize_multiplier({ratio:e})");
        }
    }
}
