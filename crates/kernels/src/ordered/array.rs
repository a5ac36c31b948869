//! The matrix engine's `float_dot` instruction of docs/isa.md over whole memories.
//!
//! The simulator computes its values with it. Timing is none of its business.

use super::dot::{OrderedWeights, dot};
use super::stored::{read_bf16, read_f16, read_f32};
use super::value::canonical;
use crate::KernelError;
use crate::array::{Accumulation, ArrayDot};
use crate::error::elements;

const KERNEL: &str = "ordered_array_dot";

/// Numbers of gathered windows that are worked on at a time.
const BLOCK: usize = 32 * 1024;

/// How memories hold elements that are numbers of floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// IEEE 754 binary16.
    F16,
    /// bfloat16.
    Bf16,
    /// IEEE 754 binary32.
    F32,
}

impl Stored {
    /// All types.
    pub const ALL: [Stored; 3] = [Stored::F16, Stored::Bf16, Stored::F32];

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Stored::F16 | Stored::Bf16 => 2,
            Stored::F32 => 4,
        }
    }

    /// The numbers that elements stand for (N-FLOAT-READ).
    pub fn read(self, stored: &[i8], out: &mut [f32]) {
        match self {
            Stored::F16 => read_f16(stored, out),
            Stored::Bf16 => read_bf16(stored, out),
            Stored::F32 => read_f32(stored, out),
        }
    }
}

/// Buffers that live from one instruction to the next.
#[derive(Debug, Default)]
pub struct OrderedScratch {
    packed: OrderedWeights,
    windows: Vec<f32>,
    sums: Vec<f32>,
}

/// Executes one instruction: N-FLOAT-DOT for every pixel and every column of every block, with
/// `dot.rows / stored.bytes()` lanes a beat.
///
/// Everything in `dot` counts as for int8, rows and stretches in bytes; its zero points are not looked at.
/// Accumulators are the bits of f32s.
///
/// # Errors
/// Rows that are no power of two of elements, a stretch that is no multiple of an element, and what
/// [`crate::int8::array_dot`] refuses.
pub fn array_dot(
    dot: &ArrayDot,
    stored: Stored,
    accumulation: Accumulation,
    nram: &[i8],
    wram: &[i8],
    aram: &mut [i32],
    scratch: &mut OrderedScratch,
) -> Result<(), KernelError> {
    let pixels = elements(KERNEL, &dot.pixels)?;
    if pixels == 0 || dot.blocks == 0 || elements(KERNEL, &dot.window_counts)? == 0 {
        return Ok(());
    }
    if !dot.stretch.is_multiple_of(stored.bytes()) || !dot.rows.is_multiple_of(stored.bytes()) {
        let problem = format!("rows and stretch must be multiples of {} bytes, an element", stored.bytes());
        return Err(KernelError::shape(KERNEL, problem));
    }
    dot.check([nram.len(), wram.len(), aram.len()])?;
    if !dot.accumulators_are_disjoint() && pixels * dot.blocks > 1 {
        // Accumulators that overlap get docs/isa.md's order of blocks and pixels, at its price.
        for (block, pixel) in (0..dot.blocks).flat_map(|block| (0..pixels).map(move |pixel| (block, pixel))) {
            array_dot(&dot.single(block, pixel), stored, accumulation, nram, wram, aram, scratch)?;
        }
        return Ok(());
    }
    let window = dot.stretches() * dot.steps() * (dot.rows / stored.bytes());
    let step = (BLOCK / window).max(1);
    let OrderedScratch { packed, windows, sums } = scratch;
    for block in 0..dot.blocks {
        pack(dot, stored, block, wram, packed)?;
        for first in (0..pixels).step_by(step) {
            let count = step.min(pixels - first);
            // One block of pixels serves all blocks of columns.
            if block == 0 || pixels > step {
                windows.resize(count * window, 0.0);
                for (pixel, window) in (first..).zip(windows.chunks_exact_mut(window)) {
                    gather(dot, stored, pixel, nram, window);
                }
            }
            let base = dot.acc + block * dot.acc_stride_block + first * dot.acc_stride_pixel;
            run(dot, accumulation, packed, windows, sums, &mut aram[base..])?;
        }
    }
    Ok(())
}

/// Computes one block's columns for a run of pixels; `aram` begins at the first pixel's accumulator.
fn run(
    array: &ArrayDot,
    accumulation: Accumulation,
    packed: &OrderedWeights,
    windows: &[f32],
    sums: &mut Vec<f32>,
    aram: &mut [i32],
) -> Result<(), KernelError> {
    let columns = array.columns;
    let count = windows.len() / (array.stretches() * array.steps() * packed.lanes());
    sums.clear();
    sums.resize(count * columns, 0.0);
    if accumulation == Accumulation::Accumulate {
        for (pixel, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let held = &aram[pixel * array.acc_stride_pixel..];
            sums.iter_mut().zip(held).for_each(|(sum, &held)| *sum = canonical(f32::from_bits(held as u32)));
        }
    }
    dot(packed, windows, sums)?;
    for (pixel, sums) in sums.chunks_exact(columns).enumerate() {
        let held = &mut aram[pixel * array.acc_stride_pixel..];
        held.iter_mut().zip(sums).for_each(|(held, &sum)| *held = canonical(sum).to_bits() as i32);
    }
    Ok(())
}

/// Takes one block's weights from `[stretch][step][column][row]`.
fn pack(
    array: &ArrayDot,
    stored: Stored,
    block: usize,
    wram: &[i8],
    packed: &mut OrderedWeights,
) -> Result<(), KernelError> {
    let lanes = array.rows / stored.bytes();
    let row_bytes = array.rows * array.columns;
    let wram = &wram[(array.w_row + block * array.w_block_stride) * row_bytes..];
    packed.pack([lanes, array.columns, array.stretches() * array.steps()], |beat, numbers| {
        stored.read(&wram[beat * row_bytes..][..row_bytes], numbers);
        let used = (array.stretch - beat % array.steps() * array.rows) / stored.bytes();
        if used < lanes {
            numbers.chunks_exact_mut(lanes).for_each(|column| column[used..].fill(0.0));
        }
    })
}

/// Reads one pixel's window, and fills up each stretch with +0 to whole beats.
fn gather(array: &ArrayDot, stored: Stored, pixel: usize, nram: &[i8], to: &mut [f32]) {
    let (px, py) = (pixel % array.pixels[0], pixel / array.pixels[0]);
    let base = array.x + py * array.x_strides[1] + px * array.x_strides[0];
    let elements = array.stretch / stored.bytes();
    let whole = array.steps() * (array.rows / stored.bytes());
    for (index, to) in to.chunks_exact_mut(whole).enumerate() {
        let (wx, wy) = (index % array.window_counts[0], index / array.window_counts[0]);
        let from = base + wy * array.window_strides[1] + wx * array.window_strides[0];
        stored.read(&nram[from..from + array.stretch], &mut to[..elements]);
        to[elements..].fill(0.0);
    }
}

#[cfg(test)]
mod tests;
