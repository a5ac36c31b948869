//! N-FLOAT of docs/numerics.md with the processor's own f32 and f64: what the float units must give.
//!
//! It shares nothing with the hardware, which computes in integers, nor with the simulator. Numbers are bits.

/// The bits of the NaN that is written.
const NAN: u32 = 0x7fc0_0000;

/// Types of operands, by their code in a configuration register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    I8,
    I32,
    F16,
    BF16,
    F32,
}

impl Type {
    /// The types that an element of NRAM may have.
    pub(crate) const NRAM: [Type; 4] = [Type::I8, Type::F16, Type::BF16, Type::F32];

    /// Bytes of an element.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Type::I8 => 1,
            Type::F16 | Type::BF16 => 2,
            Type::I32 | Type::F32 => 4,
        }
    }
}

/// An f32 as N-FLOAT reads and writes it: subnormals are zero, and there is one NaN.
pub(crate) fn number(bits: u32) -> u32 {
    let value = f32::from_bits(bits);
    if value.is_nan() {
        NAN
    } else if value.is_subnormal() {
        0f32.copysign(value).to_bits()
    } else {
        bits
    }
}

fn value(bits: u32) -> f32 {
    f32::from_bits(number(bits))
}

fn result(value: f32) -> u32 {
    number(value.to_bits())
}

pub(crate) fn add(a: u32, b: u32) -> u32 {
    result(value(a) + value(b))
}

pub(crate) fn subtract(a: u32, b: u32) -> u32 {
    result(value(a) - value(b))
}

pub(crate) fn multiply(a: u32, b: u32) -> u32 {
    result(value(a) * value(b))
}

/// The larger of two numbers, where -0 is below +0.
pub(crate) fn maximum(a: u32, b: u32) -> u32 {
    let (x, y) = (value(a), value(b));
    if x.is_nan() || y.is_nan() {
        NAN
    } else if x == y {
        // Only zeros are equal and have different bits.
        number(a) & number(b)
    } else {
        result(if x > y { x } else { y })
    }
}

/// The smaller of two numbers, where -0 is below +0.
pub(crate) fn minimum(a: u32, b: u32) -> u32 {
    let (x, y) = (value(a), value(b));
    if x.is_nan() || y.is_nan() {
        NAN
    } else if x == y {
        number(a) | number(b)
    } else {
        result(if x < y { x } else { y })
    }
}

/// Whether `a relation b`, by the relation's code.
pub(crate) fn holds(relation: u32, a: u32, b: u32) -> bool {
    let (x, y) = (value(a), value(b));
    match relation {
        0 => x == y,
        1 => x != y,
        2 => x < y,
        3 => x <= y,
        4 => x > y,
        _ => x >= y,
    }
}

/// The first step of N-FLOAT-READ. `bits` has the element in its lowest bits.
pub(crate) fn from(ty: Type, bits: u32, zero: i8) -> u32 {
    match ty {
        Type::I8 => ((i32::from(bits as i8) - i32::from(zero)) as f32).to_bits(),
        Type::I32 => (bits as i32 as f32).to_bits(),
        Type::F16 => from_half(bits as u16),
        Type::BF16 => number(bits << 16),
        Type::F32 => number(bits),
    }
}

fn from_half(bits: u16) -> u32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        31 if fraction != 0.0 => return NAN,
        31 => f32::INFINITY,
        0 => fraction * 2f32.powi(-24),
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { (-magnitude).to_bits() } else { magnitude.to_bits() }
}

/// The end of N-FLOAT-WRITE: an i8 has met the inverse scale.
pub(crate) fn to(ty: Type, bits: u32, zero: i8, low: i8, high: i8) -> u32 {
    let v = f64::from(f32::from_bits(bits));
    match ty {
        Type::I8 => {
            let nearest = if v.is_nan() { 0.0 } else { v.round_ties_even() };
            let placed = (nearest + f64::from(zero)).clamp(f64::from(low), f64::from(high));
            u32::from(placed as i8 as u8)
        }
        Type::F16 => {
            if v.is_nan() {
                return 0x7e00;
            }
            let sign = if v.is_sign_negative() { 0x8000 } else { 0 };
            if v.abs() >= 65520.0 {
                return sign | 0x7c00;
            }
            // Eleven bits, or the subnormals' grid.
            let unit = exponent(v).max(-14) - 10;
            let units = (v.abs() * 2f64.powi(-unit)).round_ties_even();
            // Numbers of one unit follow one another, and the first of the next unit follows the last.
            sign | ((unit + 24) * 1024 + units as i32) as u32
        }
        Type::BF16 => {
            if v.is_nan() {
                return 0x7fc0;
            }
            if v == 0.0 || v.is_infinite() {
                return bits >> 16;
            }
            let unit = exponent(v) - 7;
            let rounded = (v * 2f64.powi(-unit)).round_ties_even() * 2f64.powi(unit);
            (rounded as f32).to_bits() >> 16
        }
        Type::I32 | Type::F32 => bits,
    }
}

/// The exponent of a number that an f32 can hold, or one below all.
fn exponent(v: f64) -> i32 {
    if v == 0.0 { -1000 } else { (v.to_bits() >> 52 & 0x7ff) as i32 - 1023 }
}
