//! The textbook's question 7.8 on the machine of its terms: a fully connected layer of f32, 32 x 256 times 256 x 128.
#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use std::fmt::Write as _;

use ediacara_arch::Machine;
use ediacara_isa::{Engine, assemble};
use ediacara_sim::{Options, Simulator};

const PIXELS: usize = 32;
const INPUTS: usize = 256;
const OUTPUTS: usize = 128;
/// Columns of the array, and f32s of one column in a row of WRAM.
const COLUMNS: usize = 16;
const LANES: usize = 16;
const BLOCKS: usize = OUTPUTS / COLUMNS;

const X: u64 = 0x1_0000;
const W: u64 = 0x2_0000;
const Y: u64 = 0x8_0000;

/// A block of weights at a time, and its outputs while the next block is multiplied.
fn program() -> String {
    let block_bytes = 4 * INPUTS * COLUMNS;
    let (row_in, row_out, results) = (4 * INPUTS, 4 * OUTPUTS, 4 * PIXELS * INPUTS);
    let mut text = format!(
        ".code 0\n\
         load source={X}, destination=nram[0], length={} post(0)\n\
         config matrix.type=f32, matrix.stretch={row_in}, matrix.x_stride_x={row_in}\n\
         config matrix.acc_stride_pixel={COLUMNS}\n\
         config vector.a_type=f32, vector.d_type=f32, vector.a_stride_1={COLUMNS}, vector.d_stride_1={OUTPUTS}\n\
         config store.source_stride_1={row_out}, store.destination_stride_1={row_out}\n",
        PIXELS * row_in,
    );
    for block in 0..BLOCKS {
        let first = if block == 0 { "0, 1" } else { "1" };
        let acc = block * PIXELS * COLUMNS;
        let (weights, out) = (block * block_bytes, 4 * COLUMNS * block);
        let _ = writeln!(
            text,
            "load source={}, destination=wram[{weights}], length={block_bytes} post(1)\n\
             float_dot x=0, w={weights}, acc={acc}, pixels_x={PIXELS} wait({first}) post(2)\n\
             float_copy d={}, a=aram[{acc}], length={COLUMNS}, count_1={PIXELS} wait(2) post(3)\n\
             store source={}, destination={}, length={}, count_1={PIXELS} wait(3)",
            W as usize + weights,
            results + out,
            results + out,
            Y as usize + out,
            4 * COLUMNS,
        );
    }
    text + "halt\n"
}

fn little_endian(numbers: impl Iterator<Item = i32>) -> Vec<u8> {
    numbers.flat_map(|number| (number as f32).to_le_bytes()).collect()
}

#[test]
fn a_fully_connected_layer_is_bound_by_the_matrix_unit() {
    // Small integers, whose sums are exact in any order.
    let x = |pixel: usize, input: usize| (pixel * 7 + input * 5) as i32 % 17 - 8;
    let w = |input: usize, output: usize| (input * 3 + output * 11) as i32 % 13 - 6;
    let executable = assemble(&program(), "question 7.8").unwrap();
    let options = Options { values: true, checked: true, trace: false, max_cycles: Some(100_000) };
    let machine = Machine::preset("textbook1").unwrap();
    let mut simulator = Simulator::new(&machine, &executable, options).unwrap();
    let inputs = (0..PIXELS * INPUTS).map(|at| x(at / INPUTS, at % INPUTS));
    simulator.write_dram(X, &little_endian(inputs)).unwrap();
    // As WRAM has them: [block][step][column][lane].
    let weights = (0..INPUTS * OUTPUTS).map(|at| {
        let (block, step) = (at / (INPUTS * COLUMNS), at / (LANES * COLUMNS) % (INPUTS / LANES));
        w(step * LANES + at % LANES, block * COLUMNS + at / LANES % COLUMNS)
    });
    simulator.write_dram(W, &little_endian(weights)).unwrap();
    let outcome = simulator.run();
    assert!(outcome.fault.is_none(), "{:?}", outcome.fault);

    let sum = |at: usize| (0..INPUTS).map(|k| x(at / OUTPUTS, k) * w(k, at % OUTPUTS)).sum();
    let expected = little_endian((0..PIXELS * OUTPUTS).map(sum));
    assert!(simulator.read_dram(Y, expected.len()).unwrap() == expected);

    // The book: 1,048,576 multiply-adds of 256 a cycle.
    let matrix = outcome.engines.iter().find(|engine| engine.engine == Engine::Matrix).unwrap();
    assert_eq!(matrix.busy, 4096);
    // Before them come all inputs and a block of weights, 768 bursts, and behind them a block of outputs; each waits for DRAM.
    assert!((4096 + 768..4096 + 768 + 400).contains(&outcome.cycles), "{} cycles", outcome.cycles);
}
