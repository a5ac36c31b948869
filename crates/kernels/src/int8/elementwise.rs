//! N-ADD, N-MULTIPLY, N-MAXIMUM and N-TABLE.

use super::requantise::{Multiplier, QOutput, round_shift};
use crate::KernelError;
use crate::error::{check_length, elements};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use rayon::prelude::*;

/// Elements of one task: the number is fixed, and small enough for the first-level cache.
const CHUNK: usize = 16 * 1024;

/// A tensor with its zero point.
#[derive(Debug, Clone, Copy)]
pub struct QOperand<'a> {
    /// The stored values.
    pub values: &'a [i8],
    /// Their zero point.
    pub zero: i8,
}

/// N-ADD of two tensors of one shape: `x_multiplier` and `y_multiplier` share `shift`.
///
/// # Errors
/// Slices of different lengths, a negative multiplier, a shift outside `1..=62`, an empty clamp.
pub fn q_add(
    x: QOperand,
    y: QOperand,
    [x_multiplier, y_multiplier]: [i32; 2],
    shift: u8,
    output: QOutput,
    out: &mut [i8],
) -> Result<(), KernelError> {
    const KERNEL: &str = "q_add";
    for value in [x_multiplier, y_multiplier] {
        Multiplier { value, shift }.check(KERNEL)?;
    }
    output.check(KERNEL)?;
    check_length(KERNEL, "y", y.values.len(), x.values.len())?;
    check_length(KERNEL, "out", out.len(), x.values.len())?;
    let zeros = [x.zero, y.zero];
    let multipliers = [x_multiplier, y_multiplier];
    let chunks = x.values.par_chunks(CHUNK).zip(y.values.par_chunks(CHUNK));
    out.par_chunks_mut(CHUNK)
        .zip(chunks)
        .for_each(|(out, (x, y))| vectorise(Add { x, y, zeros, multipliers, shift, output, out }));
    Ok(())
}

/// The loop of [`q_add`].
struct Add<'a> {
    x: &'a [i8],
    y: &'a [i8],
    zeros: [i8; 2],
    multipliers: [i32; 2],
    shift: u8,
    output: QOutput,
    out: &'a mut [i8],
}

impl Vectorise for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let [x_zero, y_zero] = self.zeros.map(i32::from);
        let [x_multiplier, y_multiplier] = self.multipliers.map(i64::from);
        for ((out, &x), &y) in self.out.iter_mut().zip(self.x).zip(self.y) {
            let (x, y) = (i32::from(x) - x_zero, i32::from(y) - y_zero);
            let sum = i64::from(x) * x_multiplier + i64::from(y) * y_multiplier;
            *out = self.output.place(round_shift(sum, self.shift));
        }
    }
}

/// N-MULTIPLY of two tensors of one shape.
///
/// # Errors
/// As [`q_add`].
pub fn q_multiply(
    x: QOperand,
    y: QOperand,
    multiplier: Multiplier,
    output: QOutput,
    out: &mut [i8],
) -> Result<(), KernelError> {
    const KERNEL: &str = "q_multiply";
    multiplier.check(KERNEL)?;
    output.check(KERNEL)?;
    check_length(KERNEL, "y", y.values.len(), x.values.len())?;
    check_length(KERNEL, "out", out.len(), x.values.len())?;
    let chunks = x.values.par_chunks(CHUNK).zip(y.values.par_chunks(CHUNK));
    out.par_chunks_mut(CHUNK).zip(chunks).for_each(|(out, (x_values, y_values))| {
        let (x, y) = (QOperand { values: x_values, ..x }, QOperand { values: y_values, ..y });
        multiply_row(x, y, multiplier, output, out);
    });
    Ok(())
}

/// N-MULTIPLY of `x[batch, pixels, channels]` by `y[batch, channels]`, which every pixel of its image shares.
///
/// # Errors
/// As [`q_add`].
pub fn q_multiply_channels(
    [batch, pixels, channels]: [usize; 3],
    x: QOperand,
    y: QOperand,
    multiplier: Multiplier,
    output: QOutput,
    out: &mut [i8],
) -> Result<(), KernelError> {
    const KERNEL: &str = "q_multiply_channels";
    multiplier.check(KERNEL)?;
    output.check(KERNEL)?;
    check_length(KERNEL, "x", x.values.len(), elements(KERNEL, &[batch, pixels, channels])?)?;
    check_length(KERNEL, "y", y.values.len(), elements(KERNEL, &[batch, channels])?)?;
    check_length(KERNEL, "out", out.len(), x.values.len())?;
    if out.is_empty() {
        return Ok(());
    }
    let rows =
        out.par_chunks_mut(channels).zip(x.values.par_chunks(channels)).with_min_len(CHUNK / channels + 1);
    rows.enumerate().for_each(|(pixel, (out, x_values))| {
        let y_values = &y.values[pixel / pixels * channels..][..channels];
        let (x, y) = (QOperand { values: x_values, ..x }, QOperand { values: y_values, ..y });
        multiply_row(x, y, multiplier, output, out);
    });
    Ok(())
}

fn multiply_row(x: QOperand, y: QOperand, multiplier: Multiplier, output: QOutput, out: &mut [i8]) {
    vectorise(Multiply { x, y, multiplier, output, out });
}

/// The loop of [`q_multiply`].
struct Multiply<'a> {
    x: QOperand<'a>,
    y: QOperand<'a>,
    multiplier: Multiplier,
    output: QOutput,
    out: &'a mut [i8],
}

impl Vectorise for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let (x_zero, y_zero) = (i32::from(self.x.zero), i32::from(self.y.zero));
        let factor = i64::from(self.multiplier.value);
        for ((out, &x), &y) in self.out.iter_mut().zip(self.x.values).zip(self.y.values) {
            let product = (i32::from(x) - x_zero) * (i32::from(y) - y_zero);
            *out = self.output.place(round_shift(i64::from(product) * factor, self.multiplier.shift));
        }
    }
}

/// N-MAXIMUM of two tensors of one scale and zero point.
///
/// `output.zero` plays no part.
///
/// # Errors
/// Slices of different lengths, an empty clamp.
pub fn q_maximum(x: &[i8], y: &[i8], output: QOutput, out: &mut [i8]) -> Result<(), KernelError> {
    const KERNEL: &str = "q_maximum";
    output.check(KERNEL)?;
    check_length(KERNEL, "y", y.len(), x.len())?;
    check_length(KERNEL, "out", out.len(), x.len())?;
    for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *out = x.max(y).max(output.low).min(output.high);
    }
    Ok(())
}

/// N-TABLE: `out = table[x + 128]`.
///
/// # Errors
/// A table that does not hold 256 entries, slices of different lengths.
pub fn q_table(x: &[i8], table: &[i8], out: &mut [i8]) -> Result<(), KernelError> {
    const KERNEL: &str = "q_table";
    check_length(KERNEL, "out", out.len(), x.len())?;
    let Ok(table) = <&[i8; 256]>::try_from(table) else {
        return Err(KernelError::Length {
            kernel: KERNEL,
            operand: "table",
            expected: 256,
            found: table.len(),
        });
    };
    out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = table[(x as u8 ^ 0x80) as usize];
        }
    });
    Ok(())
}
