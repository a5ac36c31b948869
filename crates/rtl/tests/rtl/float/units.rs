//! Vectors for the float units of `rtl/float_*.sv`: directed ones, random ones, and what must come out.

use std::fmt::Write as _;

use ediacara_fuzzgen::Random;
use ediacara_kernels::ordered;

use super::model::{self, Type};

/// A vector's unit, by its code in `benches/float_units.sv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Add,
    Multiply,
    Maximum,
    Minimum,
    Compare,
    From,
    FromNarrow,
    To,
    Function,
}

impl Unit {
    pub(crate) const ALL: [Unit; 9] = [
        Unit::Add,
        Unit::Multiply,
        Unit::Maximum,
        Unit::Minimum,
        Unit::Compare,
        Unit::From,
        Unit::FromNarrow,
        Unit::To,
        Unit::Function,
    ];
}

/// Numbers that are met again and again: both signs of each are used.
#[rustfmt::skip]
const CORNERS: &[u32] = &[
    // Zero, subnormals, the least normal numbers.
    0x0000_0000, 0x0000_0001, 0x0040_0000, 0x007f_ffff, 0x0080_0000, 0x0080_0001, 0x00ff_ffff, 0x0100_0000,
    0x0100_0001, 0x017f_ffff, 0x0180_0000,
    // 2^-63, whose square is among the least.
    0x1fff_ffff, 0x2000_0000, 0x2000_0001,
    // f16: half of the least one, the least one, the least normal one.
    0x3300_0000, 0x3300_0001, 0x337f_ffff, 0x3380_0000, 0x33c0_0000, 0x387f_c000, 0x387f_e000, 0x387f_f000,
    0x387f_ffff, 0x3880_0000,
    // 1/2, 1, 3/2 and more halves, with neighbours.
    0x3eff_ffff, 0x3f00_0000, 0x3f00_0001, 0x3f7f_ffff, 0x3f80_0000, 0x3f80_0001, 0x3fc0_0000, 0x4020_0000,
    0x4060_0000,
    // Ties of bf16 to either side and their neighbours; the same of f16.
    0x3f80_7fff, 0x3f80_8000, 0x3f80_8001, 0x3f81_8000, 0x3f80_0fff, 0x3f80_1000, 0x3f80_1001, 0x3f80_3000,
    // 126 and 128, where exp2 ends.
    0x42fb_ffff, 0x42fc_0000, 0x42fc_0001, 0x42fe_0000, 0x42fe_8000, 0x42ff_ffff, 0x4300_0000, 0x4300_0001,
    0x4303_0000,
    // 512, where an i8's zero point ends; 2^23 and 2^24, where units of 1 end; 2^31, 2^63.
    0x43ff_ffff, 0x4400_0000, 0x4b00_0000, 0x4b7f_ffff, 0x4b80_0000, 0x4b80_0001, 0x4f00_0000, 0x5f00_0000,
    // 65504, the largest f16, and 65520, the tie above it.
    0x477f_e000, 0x477f_efff, 0x477f_f000, 0x477f_f001, 0x4780_0000,
    // 2^126, above which there is no reciprocal; the tie below bf16's infinity; infinity.
    0x7e7f_ffff, 0x7e80_0000, 0x7e80_0001, 0x7f00_0000, 0x7f7f_0000, 0x7f7f_7fff, 0x7f7f_8000, 0x7f7f_ffff,
    0x7f80_0000,
    // NaNs.
    0x7f80_0001, 0x7fbf_ffff, 0x7fc0_0000, 0x7fc0_0001, 0x7fff_ffff,
];

type Function = fn(f32) -> f32;

/// Opcodes of the functions.
const FUNCTIONS: [(u32, Function); 5] = [
    (0x5a, ordered::exp2),
    (0x5b, ordered::log2),
    (0x5c, ordered::reciprocal),
    (0x5d, ordered::reciprocal_root),
    (0x5e, ordered::root),
];

const TYPES: [Type; 5] = [Type::I8, Type::I32, Type::F16, Type::BF16, Type::F32];

/// The vectors as text, a line each, and how many there are of each unit.
pub(crate) struct Vectors {
    pub(crate) text: String,
    pub(crate) counts: [usize; Unit::ALL.len()],
}

impl Vectors {
    /// All directed vectors, and `count` random ones of each unit.
    pub(crate) fn new(seed: u64, count: usize) -> Vectors {
        let mut vectors = Vectors { text: String::new(), counts: [0; Unit::ALL.len()] };
        let corners = corners();
        for &a in &corners {
            for &b in &corners {
                vectors.pairs(a, b);
            }
            vectors.directed(a);
        }
        for half in 0..=0xffff {
            vectors.from(Type::F16, half | 0xabcd_0000, 0);
            vectors.from(Type::BF16, half | 0xabcd_0000, 0);
            vectors.from(Type::I8, half, (half >> 8) as i8);
        }
        let mut random = Random::new(seed);
        for _ in 0..count {
            vectors.random(&mut random);
        }
        vectors
    }

    fn push(&mut self, unit: Unit, code: u32, operands: [u32; 3], expected: u32) {
        let [a, b, more] = operands;
        self.counts[unit as usize] += 1;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:x} {code:x} {a:x} {b:x} {more:x} {expected:x}", unit as u32);
    }

    fn pairs(&mut self, a: u32, b: u32) {
        self.push(Unit::Add, 0, [a, b, 0], model::add(a, b));
        self.push(Unit::Multiply, 0, [a, b, 0], model::multiply(a, b));
        let (a, b) = (model::number(a), model::number(b));
        self.push(Unit::Maximum, 0, [a, b, 0], model::maximum(a, b));
        self.push(Unit::Minimum, 0, [a, b, 0], model::minimum(a, b));
        for relation in 0..6 {
            self.push(Unit::Compare, relation, [a, b, 0], model::holds(relation, a, b).into());
        }
    }

    fn directed(&mut self, x: u32) {
        self.from(Type::I32, x, 0);
        self.from(Type::F32, x, 0);
        for ty in TYPES {
            for [zero, low, high] in [[0, -128, 127], [-128, -128, 127], [127, -128, 127], [3, -5, 5]] {
                self.to(ty, x, zero, low, high);
            }
        }
        self.functions(x);
    }

    fn random(&mut self, random: &mut Random) {
        let (a, b) = (number(random), number(random));
        self.pairs(a, b);
        // Sums that cancel, and ties of sums.
        let near = a ^ 0x8000_0000 ^ (random.below(4) as u32) << random.below(26);
        self.push(Unit::Add, 0, [a, near, 0], model::add(a, near));
        // Products about the least normal number.
        let exponent = random.range(1, 124) as u32;
        let other = 127 - exponent + random.range(0, 3) as u32 - 1;
        let [tiny, other] = [(a, exponent), (b, other)].map(|(x, e)| x & 0x807f_ffff | e << 23);
        self.push(Unit::Multiply, 0, [tiny, other, 0], model::multiply(tiny, other));
        let zero = bits(random) as i8;
        let ty = random.pick(&TYPES);
        self.from(ty, bits(random), zero);
        self.from(Type::I32, bits(random) >> random.below(32), 0);
        let (low, high) = (bits(random) as i8, bits(random) as i8);
        let (low, high) = (low.min(high), low.max(high));
        for ty in [Type::I8, Type::F16, Type::BF16] {
            self.to(ty, number(random), zero, low, high);
        }
        // Halves, and numbers of the size of an i8.
        let small = (f32::from(bits(random) as i16) / 128.0).to_bits();
        self.to(Type::I8, small, zero, low, high);
        // Numbers of the size of an f16, normal and subnormal.
        let near_half = (0x3280_0000 + bits(random) % 0x1600_0000) | bits(random) & 0x8000_0000;
        self.to(Type::F16, near_half, 0, -1, 1);
        self.functions(a);
        self.functions((f32::from(bits(random) as i16) * 0.005).to_bits());
    }

    fn from(&mut self, ty: Type, x: u32, zero: i8) {
        let expected = model::from(ty, x, zero);
        self.push(Unit::From, ty as u32, [x, u32::from(zero as u8), 0], expected);
        if ty != Type::I32 {
            self.push(Unit::FromNarrow, ty as u32, [x, u32::from(zero as u8), 0], expected);
        }
    }

    fn to(&mut self, ty: Type, x: u32, zero: i8, low: i8, high: i8) {
        let x = model::number(x);
        let ends = u32::from(low as u8) | u32::from(high as u8) << 8;
        let expected = model::to(ty, x, zero, low, high);
        self.push(Unit::To, ty as u32, [x, u32::from(zero as u8), ends], expected);
    }

    fn functions(&mut self, x: u32) {
        let x = model::number(x);
        for (opcode, function) in FUNCTIONS {
            let expected = model::number(function(f32::from_bits(x)).to_bits());
            self.push(Unit::Function, opcode, [x, 0, 0], expected);
        }
    }
}

fn corners() -> Vec<u32> {
    CORNERS.iter().flat_map(|&magnitude| [magnitude, magnitude | 0x8000_0000]).collect()
}

fn bits(random: &mut Random) -> u32 {
    random.next() as u32
}

/// Any bits, or a number about 1, or one of few bits, or a corner.
pub(crate) fn number(random: &mut Random) -> u32 {
    let any = bits(random);
    match random.below(8) {
        0..=2 => any,
        3..=4 => any & 0x80ff_ffff | (0x3b80_0000 + (random.below(16) as u32) * 0x80_0000),
        5 => any & 0xfff0_0000,
        6 => any | 0x000f_ffff,
        _ => random.pick(CORNERS) | any & 0x8000_0000,
    }
}
