//! Operands of a product, and how they are packed.

use super::super::Float;
use super::transpose::transpose;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use std::ops::Range;

/// Lines of terms.
pub(in super::super) trait Operand<T>: Sync {
    /// Puts the terms of at most `W` lines side by side: `to[term][lane]`.
    ///
    /// The content of lanes without a line does not matter. Implementations must be `#[inline(always)]`.
    fn pack<const W: usize>(&self, lines: Range<usize>, terms: Range<usize>, to: &mut [[T; W]]);
}

/// Packs one panel, with the widest instructions of this machine.
pub(super) fn pack<T: Float, const W: usize>(
    operand: &impl Operand<T>,
    lines: Range<usize>,
    terms: Range<usize>,
    to: &mut [T],
) {
    struct Pack<'a, T, O, const W: usize> {
        operand: &'a O,
        lines: Range<usize>,
        terms: Range<usize>,
        to: &'a mut [[T; W]],
    }
    impl<T: Float, O: Operand<T>, const W: usize> Vectorise for Pack<'_, T, O, W> {
        type Output = ();
        #[inline(always)]
        fn run<I: InstructionSet>(self) {
            self.operand.pack(self.lines, self.terms, self.to);
        }
    }
    vectorise(Pack { operand, lines, terms, to: to.as_chunks_mut::<W>().0 });
}

/// Packs one panel of the right operand, as wide as this machine has it.
pub(super) fn pack_wide<T: Float>(
    operand: &impl Operand<T>,
    lines: Range<usize>,
    terms: Range<usize>,
    to: &mut [T],
) {
    match super::panel_width::<T>() {
        32 => pack::<T, 32>(operand, lines, terms, to),
        16 => pack::<T, 16>(operand, lines, terms, to),
        8 => pack::<T, 8>(operand, lines, terms, to),
        _ => pack::<T, 4>(operand, lines, terms, to),
    }
}

/// Lines in a slice: term `t` of line `l` is `data[l * line_stride + t * term_stride]`.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Strided<'a, T> {
    pub(in super::super) data: &'a [T],
    pub(in super::super) line_stride: usize,
    pub(in super::super) term_stride: usize,
}

impl<T: Float> Operand<T> for Strided<'_, T> {
    #[inline(always)]
    fn pack<const W: usize>(&self, lines: Range<usize>, terms: Range<usize>, to: &mut [[T; W]]) {
        let count = lines.len().min(W);
        let start = lines.start * self.line_stride + terms.start * self.term_stride;
        if self.line_stride == 1 {
            for (term, to) in to.iter_mut().enumerate().take(terms.len()) {
                let from = &self.data[start + term * self.term_stride..];
                match from.first_chunk::<W>() {
                    Some(from) if count == W => *to = *from,
                    _ => to[..count].copy_from_slice(&from[..count]),
                }
            }
            return;
        }
        if self.term_stride == 1 {
            let mut from: [&[T]; W] = [&[]; W];
            for (lane, line) in from.iter_mut().enumerate().take(count) {
                *line = &self.data[start + lane * self.line_stride..][..terms.len()];
            }
            transpose(&from[..count], &mut to[..terms.len()]);
            return;
        }
        for (term, to) in to.iter_mut().enumerate().take(terms.len()) {
            let from = start + term * self.term_stride;
            for (lane, to) in to[..count].iter_mut().enumerate() {
                *to = self.data[from + lane * self.line_stride];
            }
        }
    }
}
