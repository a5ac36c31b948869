//! `float_dot` on whole cores, between `dot`s, against the page's loops and in lockstep with the simulator.
//!
//! The accumulators must be those of the model, and every instruction must take the cycles of T-DOT.

use std::collections::BTreeMap;

use ediacara_arch::{ElementType, Machine};
use ediacara_fuzzgen::Random;
use ediacara_isa::{
    Address, Config, ConfigRegister as C, ConfigWrites, Dot, Executable, Instruction, MatrixOperation,
    Memory, Operation,
};
use ediacara_rtl::{Core, Initial, LockstepOptions, RunOptions, Verdict, lockstep};
use ediacara_sim::EventKind;

use super::model::{self, Type};
use super::seeds;
use super::units::number;
use crate::options;

/// Instructions of a program.
const LENGTH: usize = 20;

/// A small machine whose matrix engine has some types of floating point, and as many stages as `latency_cycles` says.
pub(crate) fn matrix_machine([rows, columns, latency_cycles]: [u32; 3], types: &[ElementType]) -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = format!("matrix-{rows}x{columns}-{}", types.len());
    machine.core.nram_bytes = 4096;
    machine.core.wram_bytes = u64::from(rows * columns) * 24;
    machine.core.aram_bytes = 1024;
    machine.matrix.rows = rows;
    machine.matrix.columns = columns;
    machine.matrix.types.extend(types);
    machine.matrix.latency_cycles = latency_cycles;
    machine.validate().unwrap();
    machine
}

/// An instruction, and the registers that it is issued with.
#[derive(Debug, Clone)]
struct Case {
    operation: MatrixOperation,
    operands: Dot,
    ty: Type,
    config: BTreeMap<C, i64>,
}

struct Memories {
    nram: Vec<u8>,
    wram: Vec<u8>,
    aram: Vec<u32>,
}

/// Numbers of a type, mostly around one; little endian.
fn numbers(random: &mut Random, ty: Type, bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while out.len() < bytes {
        let bits = number(random);
        let around_one = (bits >> 31 | 0xfe) << 23 & 0x807f_ffff | 0x3f00_0000 | bits & 0x80ff_ffff;
        let any = random.chance(12);
        let bits = match ty {
            Type::F32 => {
                if any {
                    bits
                } else {
                    around_one
                }
            }
            Type::BF16 => {
                if any {
                    bits >> 16
                } else {
                    around_one >> 16
                }
            }
            // A half's exponent of one is 15.
            _ => {
                if any {
                    bits >> 16
                } else {
                    around_one >> 16 & 0x8000 | 0x3800 | bits & 0x0bff
                }
            }
        };
        out.extend(&bits.to_le_bytes()[..ty.bytes()]);
    }
    out.truncate(bytes);
    out
}

fn case(random: &mut Random, machine: &Machine, types: &[Type]) -> Case {
    let (rows, columns) = (u64::from(machine.matrix.rows), u64::from(machine.matrix.columns));
    let operation = if random.chance(70) { MatrixOperation::FloatDot } else { MatrixOperation::Dot };
    let ty = random.pick(types);
    let bytes = if operation == MatrixOperation::Dot { 1 } else { ty.bytes() as u64 };
    let stretch = bytes * random.range(1, 2 * rows / bytes + 1);
    let [wx, wy] = [random.range(1, 2), random.range(1, 2)];
    let pixels = [random.range(1, 4), random.range(1, 3)];
    let each = wx * wy * stretch.div_ceil(rows);
    let blocks = random.range(1, 2.min(24 / each));
    // Accumulators of pixels lie apart, overlap or are the same.
    let pixel = random.pick(&[columns, columns, columns + 1, 1, 0]);
    let strides = [0; 4].map(|_| random.range(0, 40));
    let span = 3 * strides[0] + 2 * strides[1] + strides[2] + strides[3] + stretch;
    let config = [
        (C::MatrixStretch, stretch),
        (C::MatrixWindowCountX, wx),
        (C::MatrixWindowCountY, wy),
        (C::MatrixXStrideX, strides[0]),
        (C::MatrixXStrideY, strides[1]),
        (C::MatrixWindowStrideX, strides[2]),
        (C::MatrixWindowStrideY, strides[3]),
        (C::MatrixWBlockStride, each),
        (C::MatrixAccStridePixel, pixel),
        (C::MatrixAccStrideBlock, random.pick(&[columns, 12 * columns, 2])),
        (C::MatrixXZero, random.range(0, 127)),
        (C::MatrixType, ty as u64),
    ];
    let row = random.range(0, 24 - blocks * each);
    let operands = Dot {
        x: Address::new(random.range(0, 4096 - span)),
        w: Address::new(row * rows * columns),
        acc: Address::new(random.range(0, 256 - 25 * columns.min(10) - 12)),
        pixels_x: pixels[0] as u16,
        pixels_y: pixels[1] as u16,
        blocks: blocks as u16,
        accumulate: random.chance(60),
    };
    Case { operation, operands, ty, config: config.map(|(register, value)| (register, value as i64)).into() }
}

impl Case {
    fn c(&self, register: C) -> usize {
        self.config[&register] as usize
    }

    fn steps(&self, rows: usize) -> usize {
        self.c(C::MatrixStretch).div_ceil(rows)
    }

    /// T-DOT
    fn beats(&self, rows: usize) -> usize {
        let o = &self.operands;
        let pixels = usize::from(o.pixels_x) * usize::from(o.pixels_y);
        let windows = self.c(C::MatrixWindowCountX) * self.c(C::MatrixWindowCountY);
        usize::from(o.blocks) * pixels * windows * self.steps(rows)
    }

    /// docs/isa.md, "Matrix engine".
    fn execute(&self, [rows, columns]: [usize; 2], memories: &mut Memories) {
        let o = &self.operands;
        let [px, py, blocks] = [o.pixels_x, o.pixels_y, o.blocks].map(usize::from);
        let (wx, wy) = (self.c(C::MatrixWindowCountX), self.c(C::MatrixWindowCountY));
        for at in 0..blocks * px * py * columns {
            let (block, pixel, column) = (at / (px * py * columns), at / columns % (px * py), at % columns);
            let window = o.x.offset as usize
                + pixel / px * self.c(C::MatrixXStrideY)
                + pixel % px * self.c(C::MatrixXStrideX);
            let a = o.acc.offset as usize
                + pixel * self.c(C::MatrixAccStridePixel)
                + block * self.c(C::MatrixAccStrideBlock)
                + column;
            let mut sum = if o.accumulate { memories.aram[a] } else { 0 };
            for beat in 0..wx * wy * self.steps(rows) {
                let (stretch, step) = (beat / self.steps(rows), beat % self.steps(rows));
                let x = window
                    + stretch / wx * self.c(C::MatrixWindowStrideY)
                    + stretch % wx * self.c(C::MatrixWindowStrideX)
                    + step * rows;
                let row =
                    o.w.offset as usize / (rows * columns) + block * self.c(C::MatrixWBlockStride) + beat;
                let w = (row * columns + column) * rows;
                let left = (self.c(C::MatrixStretch) - step * rows).min(rows);
                let (x, w) = (&memories.nram[x..x + left], &memories.wram[w..w + left]);
                sum = match self.operation {
                    MatrixOperation::Dot => sum.wrapping_add(self.integers(x, w)),
                    MatrixOperation::FloatDot => model::add(sum, self.tree(x, w, rows)),
                };
            }
            memories.aram[a] = sum;
        }
    }

    fn integers(&self, x: &[u8], w: &[u8]) -> u32 {
        let zero = self.c(C::MatrixXZero) as i32;
        x.iter().zip(w).map(|(&x, &w)| (i32::from(x as i8) - zero) * i32::from(w as i8)).sum::<i32>() as u32
    }

    /// Of the products of a beat.
    fn tree(&self, x: &[u8], w: &[u8], rows: usize) -> u32 {
        let bytes = self.ty.bytes();
        let read = |element: &[u8]| {
            let bits = element.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte));
            model::from(self.ty, bits, 0)
        };
        let pairs = x.chunks(bytes).zip(w.chunks(bytes));
        let mut level: Vec<u32> = pairs.map(|(x, w)| model::multiply(read(x), read(w))).collect();
        level.resize(rows / bytes, 0);
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| model::add(pair[0], pair[1])).collect();
        }
        level[0]
    }
}

fn program(cases: &[Case]) -> Executable {
    let mut code = Vec::new();
    for case in cases {
        for chunk in case.config.iter().collect::<Vec<_>>().chunks(ConfigWrites::MAX) {
            let mut writes = ConfigWrites::default();
            chunk.iter().for_each(|(register, value)| writes.push(**register, **value).unwrap());
            code.push(Instruction::new(Config { writes }));
        }
        code.push(Instruction::new(case.operation.with(case.operands)));
    }
    code.push(Instruction::new(Operation::Halt));
    Executable::from_instructions(0, &code).unwrap()
}

/// Programs of a seed each; says how many instructions there were of each type, by its code.
fn compare(machine: &Machine, types: &[Type], seeds: std::ops::Range<u64>) -> [usize; 5] {
    let mut core = Core::build(machine, &options()).unwrap();
    let array = [machine.matrix.rows as usize, machine.matrix.columns as usize];
    let mut met = [0; 5];
    let mut sums = 0;
    for seed in seeds.clone() {
        let mut random = Random::new(seed);
        let own = [random.pick(types)];
        // Bytes of one type are noise to another.
        let types = if random.chance(75) { &own } else { types };
        let mut memories = Memories {
            nram: numbers(&mut random, own[0], machine.core.nram_bytes as usize),
            wram: numbers(&mut random, own[0], machine.core.wram_bytes as usize),
            aram: (0..machine.aram_accumulators()).map(|_| number(&mut random)).collect(),
        };
        let cases: Vec<_> = (0..LENGTH).map(|_| case(&mut random, machine, types)).collect();
        let aram = memories.aram.iter().flat_map(|acc| acc.to_le_bytes()).collect();
        let on_chip = vec![
            (Memory::Nram, 0, memories.nram.clone()),
            (Memory::Wram, 0, memories.wram.clone()),
            (Memory::Aram, 0, aram),
        ];
        let initial = Initial { on_chip, ..Initial::default() };
        let executable = program(&cases);
        let run = RunOptions { seed: 1, ..RunOptions::default() };
        let outcome = core.run(machine, &executable, &initial, &run).unwrap();
        assert_eq!(outcome.fault, None, "seed {seed} on {}", machine.name);
        let mut took = Vec::new();
        let mut started = BTreeMap::new();
        for event in &outcome.events {
            match event.kind {
                EventKind::Start { instruction, .. } => drop(started.insert(instruction, event.cycle)),
                EventKind::Commit { instruction, .. } => took.push(event.cycle - started[&instruction]),
                _ => {}
            }
        }
        for (case, took) in cases.iter().zip(&took) {
            let latency = u64::from(machine.matrix.latency_cycles);
            assert_eq!(*took, case.beats(array[0]) as u64 - 1 + latency, "{case:?}");
            case.execute(array, &mut memories);
            if case.operation == MatrixOperation::FloatDot {
                met[case.ty as usize] += 1;
                sums += case.beats(array[0]) * array[0] * array[1];
            }
        }
        assert_eq!(took.len(), LENGTH);
        let found = outcome.memories.on_chip(Memory::Aram);
        let expected: Vec<u8> = memories.aram.iter().flat_map(|acc| acc.to_le_bytes()).collect();
        let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!(differs, None, "seed {seed} on {}: the first byte of ARAM that differs", machine.name);
        let lockstep_options = LockstepOptions::default();
        let verdict = lockstep(&mut core, machine, &executable, &initial, &lockstep_options, &mut |_| ());
        if let Verdict::Diverged(divergence) = verdict.unwrap() {
            panic!("seed {seed} on {}: {divergence}", machine.name);
        }
    }
    println!(
        "{}, seeds {seeds:?}: {} float_dots, {sums} multiply-adds",
        machine.name,
        met.iter().sum::<usize>()
    );
    met
}

/// Machines with the least latency for their trees: no level, one or two types, all of them, many lanes.
#[test]
fn inner_products_are_those_of_the_page() {
    use ElementType::{Bf16, F16, F32};
    let machines = [
        (matrix_machine([4, 4, 3], &[F32]), vec![Type::F32]),
        (matrix_machine([8, 4, 4], &[Bf16, F32]), vec![Type::BF16, Type::F32]),
        (matrix_machine([16, 8, 5], &[F16, Bf16, F32]), vec![Type::F16, Type::BF16, Type::F32]),
        (matrix_machine([64, 2, 9], &[F16]), vec![Type::F16]),
    ];
    for (machine, types) in machines {
        let met = compare(&machine, &types, seeds(0..40));
        for ty in types {
            assert!(met[ty as usize] >= 100, "{}: {met:?}", machine.name);
        }
    }
}
