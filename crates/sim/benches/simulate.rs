//! Speed of the simulator, with and without values: instructions and simulated cycles a second of real time.
//!
//! The program is the inner part of a convolution as a compiler lays it out. Tiles of activations and weights
//! are loaded into alternating halves of the scratchpads, multiplied, requantised and stored. All engines
//! work at once.
//!
//! `float_multiply_adds` is `float_dot` alone, with values, for each type: multiply-adds a second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

use divan::Bencher;
use divan::counter::ItemsCount;
use ediacara_arch::Machine;
use ediacara_isa::{Executable, assemble};
use ediacara_sim::{Options, Outcome, Simulator};

fn main() {
    divan::main();
}

/// Pairs of tiles.
const PAIRS: u32 = 300;

/// 3x3 windows of 64 channels on 16x16 pixels, 64 output channels: 9.4 million MACs a tile.
fn program() -> Executable {
    let half = |x: &str, w: &str, acc: &str, y: &str, ready: u32, free: u32| {
        format!(
            "load source=0x100000, destination=nram[{x}], length=20736 wait({free})
             load source=0x200000, destination=wram[{w}], length=36864 post({ready})
             dot x={x}, w={w}, acc={acc}, pixels_x=16, pixels_y=16, blocks=1 wait({ready}) post({done})
             requantise d={y}, a={acc}, p=0, length=16, count_1=256 wait({done}) post({full})
             store source={y}, destination=0x300000, length=4096 wait({full}) post({free})\n",
            done = ready + 4,
            full = ready + 8
        )
    };
    let text = format!(
        "config matrix.stretch=192, matrix.window_count_x=1, matrix.window_count_y=3, matrix.window_stride_y=1152
         config matrix.x_stride_x=64, matrix.x_stride_y=1152, matrix.acc_stride_pixel=16
         config vector.a_stride_1=16, vector.d_stride_1=16
         load source=0x80000, destination=pram[0], length=192
         signal post(2)
         signal post(3)
         loop count={PAIRS}, until=end
         {}{}
         nop
         end: sync
         halt
         .data 0x80000
         .record 1, 0x40000000, 38
         .zero 180\n",
        half("0", "0", "0", "0x20000", 0, 2),
        half("0x8000", "0x10000", "0x1000", "0x22000", 1, 3)
    );
    assemble(&text, "bench").unwrap()
}

fn simulator(values: bool, trace: bool) -> Simulator {
    let machine = Machine::preset("dlp16").unwrap();
    let options = Options { values, trace, ..Options::default() };
    let mut simulator = Simulator::new(&machine, &program(), options).unwrap();
    let bytes: Vec<u8> = (0..1 << 17).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    simulator.write_dram(0x100000, &bytes).unwrap();
    simulator.write_dram(0x200000, &bytes).unwrap();
    simulator
}

fn measure(bencher: Bencher, values: bool, count: impl Fn(&Outcome) -> u64) {
    let mut simulator = simulator(values, false);
    let outcome = simulator.run();
    assert!(outcome.fault.is_none(), "{}", outcome.fault.unwrap());
    bencher.counter(ItemsCount::new(count(&outcome))).bench_local(|| simulator.run().cycles);
}

/// Items are simulated cycles.
#[divan::bench(args = [true, false])]
fn cycles(bencher: Bencher, values: bool) {
    measure(bencher, values, |outcome| outcome.cycles);
}

/// Items are instructions.
#[divan::bench(args = [true, false])]
fn instructions(bencher: Bencher, values: bool) {
    measure(bencher, values, |outcome| outcome.instructions);
}

/// Items are bursts granted.
#[divan::bench(args = [true, false])]
fn bursts(bencher: Bencher, values: bool) {
    measure(bencher, values, |outcome| outcome.traffic.iter().map(|traffic| traffic.bursts).sum());
}

/// 3x3 windows of 64 channels on 16x16 pixels, 64 output channels: 9.4 million multiply-adds an instruction.
const FLOAT_DOTS: u64 = 20;

/// `float_dot` alone, as an epilogue or a store may not count.
fn float_dots(machine: &Machine, ty: &str, bytes: u64) -> Executable {
    let text = format!(
        "config matrix.type={ty}, matrix.stretch={stretch}, matrix.window_count_x=1, matrix.window_count_y=3
         config matrix.window_stride_y={row}, matrix.x_stride_x={channels}, matrix.x_stride_y={row}
         config matrix.acc_stride_pixel=64, matrix.acc_stride_block=16, matrix.w_block_stride={blocks}
         load source=0x100000, destination=nram[0], length={x}
         load source=0x200000, destination=wram[0], length={w}
         sync
         loop count={FLOAT_DOTS}, until=end
         float_dot x=0, w=0, acc=0, pixels_x=16, pixels_y=16, blocks=4
         nop
         end: sync
         halt\n",
        channels = 64 * bytes,
        stretch = 3 * 64 * bytes,
        row = 18 * 64 * bytes,
        x = 18 * 18 * 64 * bytes,
        w = 64 * 9 * 64 * bytes,
        blocks = 9 * 64 * bytes / u64::from(machine.matrix.rows),
    );
    assemble(&text, "bench").unwrap()
}

/// Items are multiply-adds.
#[divan::bench(args = [("f32", 4), ("f16", 2), ("bf16", 2)])]
fn float_multiply_adds(bencher: Bencher, (ty, bytes): (&str, u64)) {
    let machine = Machine::preset("dlp16f").unwrap();
    let mut simulator =
        Simulator::new(&machine, &float_dots(&machine, ty, bytes), Options::default()).unwrap();
    // Numbers about 1 in every type.
    let numbers: Vec<u8> =
        (0..1 << 18).map(|at: u32| if at % 2 == 1 { 0x3c } else { (at >> 1) as u8 }).collect();
    for address in [0x100000, 0x200000] {
        simulator.write_dram(address, &numbers).unwrap();
    }
    let outcome = simulator.run();
    assert!(outcome.fault.is_none(), "{}", outcome.fault.unwrap());
    let multiply_adds = FLOAT_DOTS * 16 * 16 * 64 * 9 * 64;
    bencher.counter(ItemsCount::new(multiply_adds)).bench_local(|| simulator.run().cycles);
}
