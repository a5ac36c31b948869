//! The matrix engine's instructions.

use ediacara_isa::{ConfigRegister as C, Dot, FloatDot, MatrixOperation, Memory, Operation};

use super::Builder;
use super::operands::Proposal;
use crate::vector_footprint::element;

impl Builder<'_> {
    /// The types that `float_dot` takes.
    pub(super) fn matrix_types(&self) -> Vec<i64> {
        element::of_matrix(self.machine)
    }

    /// An instruction of the matrix engine.
    pub(super) fn dot(&mut self) -> Option<Proposal> {
        let types = self.matrix_types();
        if types.is_empty() || self.random.chance(40) {
            return self.dot_of(MatrixOperation::Dot, 1);
        }
        let kind = self.random.pick(&types);
        let mut proposal = self.dot_of(MatrixOperation::FloatDot, element::bytes(kind))?;
        proposal.writes.push((C::MatrixType, kind));
        Some(proposal)
    }

    /// Registers and operands of a `float_dot` that is a fault, with whatever addresses.
    pub(super) fn float_dot_fault(&mut self) -> (Vec<(C, i64)>, Operation) {
        let zero = ediacara_isa::Address::new(0);
        let operands =
            FloatDot { x: zero, w: zero, acc: zero, pixels_x: 1, pixels_y: 1, blocks: 1, accumulate: false };
        let types = self.matrix_types();
        let others: Vec<i64> = (0..=element::F32).filter(|kind| !types.contains(kind)).collect();
        let (kind, stretch) = match types.is_empty() || self.random.chance(50) {
            true => (self.random.pick(&others), 4),
            // Half an element too much.
            false => {
                let kind = self.random.pick(&types);
                (kind, element::bytes(kind) * self.random.range(1, 3) + element::bytes(kind) / 2)
            }
        };
        let writes = vec![(C::MatrixStretch, stretch as i64), (C::MatrixType, kind)];
        (writes, operands.into())
    }

    /// The instruction, of elements of so many bytes.
    fn dot_of(&mut self, operation: MatrixOperation, element: u64) -> Option<Proposal> {
        let stretch = self.c(C::MatrixStretch);
        let reuses = stretch > 0 && stretch.is_multiple_of(element) && self.random.chance(30);
        let pixels = [self.random.small(1, 5), self.random.small(1, 4)];
        let blocks = self.random.small(1, 4);
        let rows = u64::from(self.machine.matrix.rows);
        let columns = u64::from(self.machine.matrix.columns);
        let mut writes = Vec::new();
        let (x_span, w_rows, acc_span);
        if reuses {
            let stretch = self.c(C::MatrixStretch);
            let windows = [self.c(C::MatrixWindowCountX), self.c(C::MatrixWindowCountY)];
            x_span = (pixels[0] - 1) * self.c(C::MatrixXStrideX)
                + (pixels[1] - 1) * self.c(C::MatrixXStrideY)
                + (windows[0] - 1) * self.c(C::MatrixWindowStrideX)
                + (windows[1] - 1) * self.c(C::MatrixWindowStrideY)
                + stretch;
            w_rows = (blocks - 1) * self.c(C::MatrixWBlockStride)
                + windows[0] * windows[1] * stretch.div_ceil(rows);
            acc_span = (pixels[0] * pixels[1] - 1) * self.c(C::MatrixAccStridePixel)
                + (blocks - 1) * self.c(C::MatrixAccStrideBlock)
                + columns;
        } else {
            let stretch = element * self.stretch(rows / element);
            let windows = [self.random.small(1, 3), self.random.small(1, 3)];
            let x = self.layout(
                [windows[0], windows[1], pixels[0], pixels[1]],
                stretch,
                self.size(Memory::Nram),
            )?;
            let each = windows[0] * windows[1] * stretch.div_ceil(rows);
            let w = self.layout([blocks], each, self.machine.wram_rows())?;
            let acc = self.accumulators(pixels[0] * pixels[1], blocks, columns)?;
            (x_span, w_rows, acc_span) = (x.span, w.span, acc.1);
            let [window_x, window_y, pixel_x, pixel_y] = x.strides;
            let values = [
                (C::MatrixStretch, stretch),
                (C::MatrixWindowCountX, windows[0]),
                (C::MatrixWindowCountY, windows[1]),
                (C::MatrixWindowStrideX, window_x),
                (C::MatrixWindowStrideY, window_y),
                (C::MatrixXStrideX, pixel_x),
                (C::MatrixXStrideY, pixel_y),
                (C::MatrixWBlockStride, w.strides[0]),
                (C::MatrixAccStridePixel, acc.0[0]),
                (C::MatrixAccStrideBlock, acc.0[1]),
            ];
            writes.extend(values.map(|(register, value)| (register, value as i64)));
        }
        if operation == MatrixOperation::Dot && self.random.chance(40) {
            writes.push((C::MatrixXZero, self.zero()));
            writes.push((C::MatrixWZero, self.zero()));
        }
        let row_bytes = self.machine.row_bytes();
        let w = self.random.range(0, self.machine.wram_rows().checked_sub(w_rows)?) * row_bytes;
        let operands = Dot {
            x: self.place(Memory::Nram, x_span)?,
            w: self.address(Memory::Wram, w),
            acc: self.place(Memory::Aram, acc_span)?,
            pixels_x: pixels[0] as u16,
            pixels_y: pixels[1] as u16,
            blocks: blocks as u16,
            accumulate: self.random.chance(50),
        };
        Some(Proposal { writes, operation: operation.with(operands) })
    }

    /// A stretch below, at or above whole array steps, in elements of which `rows` make a step.
    fn stretch(&mut self, rows: u64) -> u64 {
        match self.random.range(0, 9) {
            0..=1 => rows,
            2 => 1,
            3..=4 => rows * self.random.range(1, 3),
            5..=6 => rows * self.random.range(1, 3) + 1,
            _ => self.random.small(1, 3 * rows),
        }
    }

    /// Strides of pixels and blocks, and the span: apart, one inside the other, overlapping, all the same.
    fn accumulators(&mut self, pixels: u64, blocks: u64, columns: u64) -> Option<([u64; 2], u64)> {
        let size = self.size(Memory::Aram);
        for _ in 0..6 {
            let pixel = match self.random.range(0, 9) {
                0 => 0,
                1..=2 => self.random.range(1, columns),
                3..=4 => columns * blocks,
                _ => columns,
            };
            let block = match self.random.range(0, 9) {
                0 => 0,
                1 => self.random.range(1, columns),
                2..=5 => columns,
                _ => columns * pixels,
            };
            let span = (pixels - 1) * pixel + (blocks - 1) * block + columns;
            if span <= size {
                return Some(([pixel, block], span));
            }
        }
        None
    }
}
