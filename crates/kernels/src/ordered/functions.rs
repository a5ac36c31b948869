//! The function unit of the vector engine: N-FUNCTION of docs/numerics.md, to the bit.
//!
//! Each function takes one f32 to one f32 through a piecewise quadratic in integers, and rounds once. An
//! error is at most 0.70 ulp. A subnormal counts as zero of its sign, and a NaN result is `0x7fc00000`.
//! The functions of f64 play no part here; a host's own `exp2` gives other bits.
//!
//! Start reading at `quadratic`, which all functions share; [`tables`](super::tables) holds its rows.

use super::tables::{EXP2, LOG2, RECIPROCAL, RECIPROCAL_ROOT, Row};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

const FRACTION_BITS: i32 = 23;
const FRACTION: i32 = (1 << FRACTION_BITS) - 1;
const EXPONENT_BIAS: i32 = 127;
const NAN: f32 = f32::from_bits(0x7fc0_0000);

/// The quadratic of a segment at the 20-bit offset `t`, in units of the segment's table.
///
/// The products have at most 11 by 16 and 22 by 20 bits. The result lies in `2^27..2^28`.
#[inline(always)]
fn quadratic([c0, c1, c2]: Row, t: i32) -> i32 {
    let slope = c1 + ((c2 * (t >> 4) + (1 << 13)) >> 14);
    c0 + ((i64::from(slope) * i64::from(t) + (1 << 19)) >> 20) as i32
}

/// The bits of a normal number, taken apart.
#[derive(Clone, Copy)]
struct Parts {
    /// The unbiased exponent; -127 of a zero or a subnormal, 128 of an infinity or a NaN.
    exponent: i32,
    /// The 23 fraction bits.
    fraction: i32,
}

impl Parts {
    #[inline(always)]
    fn of(x: f32) -> Self {
        let bits = x.to_bits() as i32;
        let exponent = ((bits >> FRACTION_BITS) & 0xff) - EXPONENT_BIAS;
        Self { exponent, fraction: bits & FRACTION }
    }

    /// The 24-bit significand, in units of `2^-23`.
    #[inline(always)]
    fn significand(self) -> i32 {
        self.fraction | (1 << FRACTION_BITS)
    }

    /// Whether N-FLOAT reads the number as zero.
    #[inline(always)]
    fn is_zero(self) -> bool {
        self.exponent == -EXPONENT_BIAS
    }
}

/// `value * 2^exponent` of a positive normal `value`, where the result is normal too.
#[inline(always)]
fn scale(value: f32, exponent: i32) -> f32 {
    f32::from_bits((value.to_bits() as i32).wrapping_add(exponent << FRACTION_BITS) as u32)
}

/// Two to the power of `x`; rule N-FUNCTION.
///
/// The result is exact for an integer in `-126..=127`, infinite from 128 on, and zero below -126.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let parts = Parts::of(x);
    let significand = if x.is_sign_negative() { -parts.significand() } else { parts.significand() };
    // x in units of 2^-27, towards minus infinity. A zero becomes 0 or -1, and both give 1.
    let shift = (6 - parts.exponent).clamp(0, 63);
    let fixed = (i64::from(significand) << 10) >> shift;
    let row = EXP2[(fixed >> 20) as usize & 127];
    let power = quadratic(row, fixed as i32 & 0xf_ffff) as f32;
    let result = scale(power, (fixed >> 27) as i32 - 27);
    let result = if x >= 128.0 { f32::INFINITY } else { result };
    let result = if x < -126.0 { 0.0 } else { result };
    if x.is_nan() { NAN } else { result }
}

/// The logarithm of `x` to base two; rule N-FUNCTION.
///
/// The result is exact for a power of two, minus infinity for a zero, and NaN for a negative number.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let parts = Parts::of(x);
    let significand = parts.significand();
    // A significand of 1.5 or more is halved, so that the logarithm of what is left lies around zero.
    let is_high = parts.fraction >> 22;
    let exponent = i64::from(parts.exponent + is_high);
    let distance = (significand << (1 - is_high)) - (1 << 24);
    let row = LOG2[(parts.fraction >> 16) as usize & 127];
    let quotient = quadratic(row, (parts.fraction & 0xffff) << 4);
    // Units of 2^-51. The conversion to f32 is the one rounding, and the scale after it is exact.
    let fixed = (exponent << 51) + i64::from(distance) * i64::from(quotient);
    let result = fixed as f32 * f32::from_bits(((EXPONENT_BIAS - 51) as u32) << FRACTION_BITS);
    let result = if x == f32::INFINITY { f32::INFINITY } else { result };
    let result = if x < 0.0 || x.is_nan() { NAN } else { result };
    if parts.is_zero() { f32::NEG_INFINITY } else { result }
}

/// `1 / x`; rule N-FUNCTION.
///
/// The result is exact for a power of two, and zero of the sign of `x` above `2^126` in magnitude. A zero
/// gives an infinity of its sign.
#[inline(always)]
pub fn reciprocal(x: f32) -> f32 {
    let parts = Parts::of(x);
    let row = RECIPROCAL[(parts.fraction >> 15) as usize & 255];
    let value = quadratic(row, (parts.fraction & 0x7fff) << 5) as f32;
    let result = scale(value, -28 - parts.exponent);
    let magnitude = x.abs();
    let result = if magnitude > f32::from_bits(0x7e80_0000) { 0.0 } else { result };
    let result = if parts.is_zero() { f32::INFINITY } else { result };
    if x.is_nan() { NAN } else { result.copysign(x) }
}

/// The reciprocal root of the significand in units of `2^-28`, before it is rounded, for [`root`] too.
#[inline(always)]
fn reciprocal_root_of(parts: Parts) -> i32 {
    let is_odd = parts.exponent & 1;
    let row = RECIPROCAL_ROOT[((is_odd << 7) | (parts.fraction >> 16)) as usize & 255];
    quadratic(row, (parts.fraction & 0xffff) << 4)
}

/// `1 / sqrt(x)`; rule N-FUNCTION.
///
/// The result is exact for a power of four. A zero gives an infinity of its sign, a negative number NaN.
#[inline(always)]
pub fn reciprocal_root(x: f32) -> f32 {
    let parts = Parts::of(x);
    let value = reciprocal_root_of(parts) as f32;
    let result = scale(value, -28 - (parts.exponent >> 1));
    let result = if x == f32::INFINITY { 0.0 } else { result };
    let result = if x < 0.0 || x.is_nan() { NAN } else { result };
    if parts.is_zero() { f32::INFINITY.copysign(x) } else { result }
}

/// The square root of `x`; rule N-FUNCTION.
///
/// The result is exact for a power of four. A zero gives itself, a negative number NaN.
#[inline(always)]
pub fn root(x: f32) -> f32 {
    let parts = Parts::of(x);
    // Units of 2^-51. The conversion to f32 is the one rounding.
    let product = i64::from(parts.significand()) * i64::from(reciprocal_root_of(parts));
    let result = scale(product as f32, parts.exponent - (parts.exponent >> 1) - 51);
    let result = if x == f32::INFINITY { f32::INFINITY } else { result };
    let result = if x < 0.0 || x.is_nan() { NAN } else { result };
    if parts.is_zero() { 0f32.copysign(x) } else { result }
}

/// The loop of the functions of a row.
struct Apply<'a, F>(&'a mut [f32], F);

impl<F: Fn(f32) -> f32> Vectorise for Apply<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        for x in self.0 {
            *x = self.1(*x);
        }
    }
}

/// [`exp2`] of every element, in place.
pub fn exp2_row(x: &mut [f32]) {
    vectorise(Apply(x, exp2));
}

/// [`log2`] of every element, in place.
pub fn log2_row(x: &mut [f32]) {
    vectorise(Apply(x, log2));
}

/// [`reciprocal`] of every element, in place.
pub fn reciprocal_row(x: &mut [f32]) {
    vectorise(Apply(x, reciprocal));
}

/// [`reciprocal_root`] of every element, in place.
pub fn reciprocal_root_row(x: &mut [f32]) {
    vectorise(Apply(x, reciprocal_root));
}

/// [`root`] of every element, in place.
pub fn root_row(x: &mut [f32]) {
    vectorise(Apply(x, root));
}

#[cfg(test)]
mod tests;
