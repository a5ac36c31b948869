//! What the matrix engine's instructions are given, whatever their arithmetic.

/// What happens to the accumulators' old content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accumulation {
    /// It is replaced.
    Overwrite,
    /// The sums are added to it, wrapping.
    Accumulate,
}

/// A `dot` with its operands resolved.
///
/// Pairs are `[x, y]`, as in docs/isa.md. NRAM is counted in bytes, WRAM in rows of `rows * columns` bytes,
/// and ARAM in accumulators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayDot {
    /// Rows of the array: the depth of one step.
    pub rows: usize,
    /// Columns of the array: the outputs of one block.
    pub columns: usize,
    /// NRAM address of the first pixel's window.
    pub x: usize,
    /// First row of WRAM.
    pub w_row: usize,
    /// First accumulator.
    pub acc: usize,
    /// Output pixels.
    pub pixels: [usize; 2],
    /// Blocks of output columns.
    pub blocks: usize,
    /// From one pixel's window to the next.
    pub x_strides: [usize; 2],
    /// Contiguous bytes of one stretch of the reduction.
    pub stretch: usize,
    /// Stretches of a window.
    pub window_counts: [usize; 2],
    /// From one stretch to the next.
    pub window_strides: [usize; 2],
    /// From one block's weights to the next.
    pub w_block_stride: usize,
    /// From one pixel's accumulators to the next.
    pub acc_stride_pixel: usize,
    /// From one block's accumulators to the next.
    pub acc_stride_block: usize,
    /// Zero point of the activations.
    pub x_zero: i8,
    /// Zero point of the weights.
    pub w_zero: i8,
}
