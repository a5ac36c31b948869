//! Random machines, and the shapes for which hardware is built.

use ediacara_arch::{Core, ElementType, Fraction, Machine};

use crate::Random;

/// DRAM of every machine made here: small enough to compare as a whole.
const DRAM_BYTES: u64 = 1 << 15;

/// Bandwidths: whole and fractional, above and far below a burst a cycle.
const BANDWIDTHS: [(u32, u32); 8] = [(16, 1), (64, 1), (7, 3), (48, 5), (1, 2), (3, 7), (200, 1), (33, 8)];
/// Latencies of DRAM, from the least that is allowed.
const LATENCIES: [u32; 6] = [1, 2, 3, 7, 20, 100];

/// A machine of any shape and pace, with small memories.
///
/// # Panics
/// Never: every choice is a valid machine.
pub fn machine(random: &mut Random) -> Machine {
    let mut machine = base("random");
    let r = random;
    machine.dram.burst_bytes = r.pick(&[32, 64, 64, 128]);
    machine.dram.bursts_in_flight = r.pick(&[1, 2, 3, 5, 8, 64]);
    machine.matrix.rows = r.pick(&[4, 8, 16]);
    machine.matrix.columns = r.pick(&[4, 8, 16]);
    machine.matrix.latency_cycles = r.pick(&[3, 4, 8, 13]);
    if r.chance(40) {
        use ElementType::{Bf16, F16, F32};
        let floats: [&[ElementType]; 6] =
            [&[F16, Bf16, F32], &[F16, Bf16, F32], &[F32], &[Bf16], &[F32, F16], &[Bf16, F32]];
        machine.matrix.types.extend(r.pick(&floats));
        machine.matrix.latency_cycles = r.pick(&[5, 6, 8, 13]);
    }
    machine.vector.lanes = r.pick(&[2, 4, 8, 16, 32]);
    machine.vector.latency_cycles = r.pick(&[3, 5, 8, 12]);
    if machine.vector.lanes >= 4 && r.chance(60) {
        let most = machine.vector.lanes.min(16).ilog2();
        machine.vector.float_lanes = 1 << r.range(0, most.into());
        machine.vector.latency_cycles = r.pick(&[8, 9, 12]);
    }
    machine.load.move_bytes_per_cycle = r.pick(&[1, 2, 16]);
    machine.core.nram_bytes = r.pick(&[1024, 4096, 128 * 37]);
    machine.core.wram_bytes = r.pick(&[4, 8, 33]) * 256;
    machine.core.aram_bytes = r.pick(&[4, 7, 32]) * 64;
    machine.core.pram_bytes = r.pick(&[12, 240, 1000]);
    machine.core.queue_entries = r.pick(&[1, 2, 4, 16]);
    machine.core.fetch_entries = machine.instructions_per_burst() * r.pick(&[1, 2, 4]);
    set_pace(&mut machine, r);
    checked(machine)
}

/// The same shape with another DRAM latency and bandwidth.
///
/// Hardware takes these as inputs, so that one build serves many programs.
pub fn pace(random: &mut Random, shape: &Machine) -> Machine {
    let mut machine = shape.clone();
    set_pace(&mut machine, random);
    machine
}

fn set_pace(machine: &mut Machine, random: &mut Random) {
    machine.dram.latency_cycles = random.pick(&LATENCIES);
    let (numerator, denominator) = random.pick(&BANDWIDTHS);
    machine.dram.bytes_per_cycle = Fraction { numerator, denominator };
}

/// The shapes for which hardware is built: three of integers, two with float lanes and `float_dot`.
///
/// Each costs a build.
///
/// # Panics
/// Never: they are valid.
pub fn shapes() -> Vec<Machine> {
    vec![small(), square(), reference(), odd(), narrow()]
}

/// 4 x 4: queues of one entry, one burst in flight, every latency the least.
fn small() -> Machine {
    let mut machine = base("fuzz-4x4");
    machine.dram.burst_bytes = 32;
    machine.dram.bursts_in_flight = 1;
    machine.matrix.rows = 4;
    machine.matrix.columns = 4;
    machine.matrix.latency_cycles = 3;
    machine.vector.lanes = 4;
    machine.vector.latency_cycles = 3;
    machine.load.move_bytes_per_cycle = 1;
    machine.core = Core {
        nram_bytes: 1024,
        wram_bytes: 512,
        aram_bytes: 256,
        pram_bytes: 20 * 12,
        queue_entries: 1,
        fetch_entries: 1,
    };
    checked(machine)
}

/// 8 x 8, as its preset except for the memories.
fn square() -> Machine {
    let mut machine = base("fuzz-8x8");
    machine.dram.bursts_in_flight = 3;
    machine.matrix.rows = 8;
    machine.matrix.columns = 8;
    // Two types of three, and one stage more than their tree needs.
    machine.matrix.types.extend([ElementType::F32, ElementType::Bf16]);
    machine.matrix.latency_cycles = 5;
    machine.vector.lanes = 16;
    // More than the lanes have bytes for f32s: the width then follows the type.
    machine.vector.float_lanes = 8;
    machine.vector.latency_cycles = 8;
    machine.load.move_bytes_per_cycle = 8;
    machine.core = Core {
        nram_bytes: 4096,
        wram_bytes: 2048,
        aram_bytes: 1024,
        pram_bytes: 40 * 12,
        queue_entries: 4,
        fetch_entries: 4,
    };
    checked(machine)
}

/// 16 x 16: the reference machine, with all types in its array, and small memories.
fn reference() -> Machine {
    let mut machine = base("fuzz-16x16");
    machine.vector.float_lanes = preset().vector.float_lanes;
    machine.matrix.types.extend([ElementType::F16, ElementType::Bf16, ElementType::F32]);
    machine.core.nram_bytes = 4096;
    machine.core.wram_bytes = 33 * 256;
    machine.core.aram_bytes = 2048;
    machine.core.pram_bytes = 64 * 12;
    checked(machine)
}

/// 16 x 8 with lanes below the array's rows and memories of no round size.
fn odd() -> Machine {
    let mut machine = base("fuzz-16x8");
    machine.dram.burst_bytes = 128;
    machine.dram.bursts_in_flight = 5;
    machine.matrix.rows = 16;
    machine.matrix.columns = 8;
    machine.matrix.latency_cycles = 4;
    machine.vector.lanes = 8;
    machine.vector.latency_cycles = 5;
    machine.load.move_bytes_per_cycle = 2;
    machine.core = Core {
        nram_bytes: 128 * 37,
        wram_bytes: 128 * 19,
        aram_bytes: 32 * 13,
        // The last record is cut short.
        pram_bytes: 1000,
        queue_entries: 2,
        fetch_entries: 8,
    };
    checked(machine)
}

/// 4 x 16 with more lanes than an array has columns, and long pipelines.
fn narrow() -> Machine {
    let mut machine = base("fuzz-4x16");
    machine.dram.burst_bytes = 64;
    machine.dram.bursts_in_flight = 2;
    machine.matrix.rows = 4;
    machine.matrix.columns = 16;
    machine.matrix.latency_cycles = 13;
    machine.vector.lanes = 32;
    machine.vector.latency_cycles = 12;
    machine.load.move_bytes_per_cycle = 16;
    machine.core = Core {
        nram_bytes: 64 * 33,
        wram_bytes: 64 * 21,
        aram_bytes: 64 * 5,
        pram_bytes: 12,
        queue_entries: 8,
        fetch_entries: 2,
    };
    checked(machine)
}

fn base(name: &str) -> Machine {
    let mut machine = preset();
    machine.name = name.to_owned();
    machine.dram.bytes = DRAM_BYTES;
    machine.vector.float_lanes = 0;
    machine
}

#[allow(clippy::expect_used, reason = "the preset is built in")]
fn preset() -> Machine {
    Machine::preset("dlp16").expect("a preset of the tools")
}

#[allow(clippy::expect_used, reason = "a generator that makes invalid machines is of no use to anybody")]
fn checked(machine: Machine) -> Machine {
    machine.validate().expect("a machine made here is valid");
    machine
}
