//! Rounding, requantisation and the border between real and integer.
//!
//! The rules are N-ROUND, N-REQUANTISE, N-MULTIPLIER, N-QUANTIZE, N-DEQUANTIZE of docs/numerics.md.

use crate::KernelError;
use crate::error::check_length;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

/// Largest shift that N-ROUND admits.
pub const SHIFT_MAX: u8 = 62;

/// The real number `value / 2^shift`, `0 <= value`, `1 <= shift <= 62`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier {
    /// The 31-bit factor.
    pub value: i32,
    /// The right shift.
    pub shift: u8,
}

impl Multiplier {
    /// Refuses a negative factor and a shift outside `1..=62`.
    pub(crate) fn check(self, kernel: &'static str) -> Result<(), KernelError> {
        if self.value < 0 || self.shift == 0 || self.shift > SHIFT_MAX {
            let problem = format!(
                "multiplier {} with shift {} is outside 0..=2147483647 and 1..={SHIFT_MAX}",
                self.value, self.shift
            );
            return Err(KernelError::shape(kernel, problem));
        }
        Ok(())
    }
}

/// The zero point that is added to a result of i8, and the clamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QOutput {
    /// Zero point of the result.
    pub zero: i8,
    /// Lower bound of the clamp.
    pub low: i8,
    /// Upper bound of the clamp, at least `low`.
    pub high: i8,
}

impl QOutput {
    /// The whole range of i8 around a zero point.
    pub const fn full(zero: i8) -> Self {
        Self { zero, low: i8::MIN, high: i8::MAX }
    }

    pub(crate) fn check(self, kernel: &'static str) -> Result<(), KernelError> {
        if self.low > self.high {
            let problem =
                format!("the clamp's lower bound {} lies above its upper bound {}", self.low, self.high);
            return Err(KernelError::shape(kernel, problem));
        }
        Ok(())
    }

    /// `clamp(zero + value, low, high)` in 64 bits.
    #[inline(always)]
    pub fn place(self, value: i64) -> i8 {
        (value + i64::from(self.zero)).max(i64::from(self.low)).min(i64::from(self.high)) as i8
    }
}

/// N-ROUND: `(value + 2^(shift - 1)) >> shift`, halves towards plus infinity, for `1 <= shift <= 62`.
#[inline(always)]
pub fn round_shift(value: i64, shift: u8) -> i64 {
    (value.wrapping_add(1i64.wrapping_shl(u32::from(shift).wrapping_sub(1)))).wrapping_shr(u32::from(shift))
}

/// N-REQUANTISE of one accumulator.
#[inline(always)]
pub fn requantise(accumulator: i32, bias: i32, multiplier: Multiplier, output: QOutput) -> i8 {
    let sum = i64::from(accumulator.wrapping_add(bias));
    output.place(round_shift(sum.wrapping_mul(i64::from(multiplier.value)), multiplier.shift))
}

/// N-MULTIPLIER: the pair that stands for `ratio`.
///
/// # Errors
/// A ratio that is not a positive finite number below `2^30`.
pub fn quantize_multiplier(ratio: f64) -> Result<Multiplier, KernelError> {
    if !(ratio.is_finite() && ratio > 0.0) {
        let problem =
            format!("the ratio {ratio} is not a positive finite number; check the scales it was made of");
        return Err(KernelError::shape("quantize_multiplier", problem));
    }
    let (fraction, mut exponent) = split(ratio);
    // f64::round rounds halves away from zero, and fraction * 2^31 is exact.
    let mut value = (fraction * 2f64.powi(31)).round() as i64;
    if value == 1 << 31 {
        value >>= 1;
        exponent += 1;
    }
    let mut shift = 31 - exponent;
    if shift < 1 {
        let problem = format!("the ratio {ratio} is 2^30 or more; check the scales it was made of");
        return Err(KernelError::shape("quantize_multiplier", problem));
    }
    if shift > i32::from(SHIFT_MAX) {
        let excess = shift - i32::from(SHIFT_MAX);
        value = if excess > i32::from(SHIFT_MAX) { 0 } else { round_shift(value, excess as u8) };
        shift = i32::from(SHIFT_MAX);
    }
    Ok(Multiplier { value: value as i32, shift: shift as u8 })
}

/// `frexp`: writes a positive finite `value` exactly as `fraction * 2^exponent` with `0.5 <= fraction < 1`.
fn split(value: f64) -> (f64, i32) {
    const MANTISSA_BITS: i32 = 52;
    const BIAS: i32 = 1022;
    let bits = value.to_bits();
    let field = (bits >> MANTISSA_BITS) as i32;
    if field == 0 {
        // A subnormal number: scaling by a power of two makes it normal without rounding.
        let (fraction, exponent) = split(value * 2f64.powi(64));
        return (fraction, exponent - 64);
    }
    let fraction = f64::from_bits((bits & ((1 << MANTISSA_BITS) - 1)) | ((BIAS as u64) << MANTISSA_BITS));
    (fraction, field - BIAS)
}

/// N-QUANTIZE of every value, with one scale and zero point.
///
/// # Errors
/// Slices of different lengths.
pub fn quantize(x: &[f32], scale: f32, zero: i8, y: &mut [i8]) -> Result<(), KernelError> {
    check_length("quantize", "y", y.len(), x.len())?;
    vectorise(Quantize { x, scale, zero, y });
    Ok(())
}

/// The loop of [`quantize`].
struct Quantize<'a> {
    x: &'a [f32],
    scale: f32,
    zero: i8,
    y: &'a mut [i8],
}

impl Vectorise for Quantize<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let offset = f32::from(self.zero);
        for (y, x) in self.y.iter_mut().zip(self.x) {
            let value = (x / self.scale).round_ties_even() + offset;
            *y = if value.is_nan() { self.zero } else { value.clamp(-128.0, 127.0) as i8 };
        }
    }
}

/// N-DEQUANTIZE of every value, with one scale and zero point.
///
/// # Errors
/// Slices of different lengths.
pub fn dequantize(x: &[i8], scale: f32, zero: i8, y: &mut [f32]) -> Result<(), KernelError> {
    check_length("dequantize", "y", y.len(), x.len())?;
    let zero = i16::from(zero);
    for (y, x) in y.iter_mut().zip(x) {
        *y = f32::from(i16::from(*x) - zero) * scale;
    }
    Ok(())
}
