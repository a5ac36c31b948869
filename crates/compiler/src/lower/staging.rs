//! The second operand of a product where a layer computed it: from DRAM or NRAM by way of a tile in NRAM to WRAM.
//!
//! It is a matrix `[O, K]` with one contiguous axis; WRAM wants `[block][step][column][row]`, rows being terms. Where terms
//! are contiguous they are loaded as they lie, or copied if they are in NRAM; otherwise the vector unit transposes them
//! there. Then `move` deals them out. What pads the last block and the last step is weighed with nothing, but has to be
//! there: it is painted once.

use ediacara_isa::{ElementBytes, Memory, VectorOperation};

use crate::lower::lowering::Lowering;
use crate::lower::slots::Pool;
use crate::program::step::Work;
use crate::program::transfer::BoxCopy;
use crate::program::transfer::sides;
use crate::program::vector::Vector;
use crate::program::view::View;
use crate::program::window::Range;
use crate::tile::grouping::has_contiguous_terms;

/// A matrix on its way.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    matrix: View,
    /// One slot for what goes to WRAM, and one more for what comes from DRAM if that is transposed.
    slots: Pool,
    zero: i8,
}

impl Staged {
    /// `slots` are as many as [`copies`] says, each of a WRAM tile's bytes; `zero` is the matrix's zero point.
    pub(crate) fn new(matrix: &View, slots: Pool, zero: i8) -> Staged {
        Staged { matrix: matrix.clone(), slots, zero }
    }

    /// Brings `terms` of `blocks` blocks of output columns to NRAM; [`deal`] then brings what is given back to WRAM address `wram`.
    pub(crate) fn load(
        &mut self,
        lowering: &mut Lowering,
        blocks: Range,
        terms: Range,
        wram: u64,
    ) -> BoxCopy {
        let rates = lowering.rates;
        let (rows, columns) = (rates.rows, rates.columns);
        let first = blocks.start * columns;
        let outputs = (blocks.count * columns).min(self.matrix.shape[0] - first);
        let steps = terms.count.div_ceil(rows);
        let pitch = steps * rows;
        let tile = self.slots.base(0);
        let padded = outputs < blocks.count * columns || terms.count < pitch;
        let geometry = [blocks.count as u32, outputs as u32, terms.count as u32, 0];
        if padded && self.slots.note(0) != Some(geometry) {
            lowering.fill(tile, blocks.count * columns * pitch, 1, 0, self.zero);
        }
        self.slots.set_note(0, Some(geometry));
        let [output_stride, term_stride] = [0, 1].map(|axis| self.matrix.strides[axis]);
        // Terms are counted in bytes.
        let unit = self.matrix.element;
        let source = self.matrix.base + first * output_stride + terms.start / unit * term_stride;
        let turn = |a: u64, stride: u64| Vector {
            a,
            counts: [terms.count / unit, 1],
            a_strides: [stride / unit, 0],
            d_strides: [pitch / unit, 0],
            element: match unit {
                2 => ElementBytes::Two,
                4 => ElementBytes::Four,
                _ => ElementBytes::One,
            },
            ..Vector::new(VectorOperation::Transpose, tile, outputs)
        };
        match (self.matrix.is_kept(), has_contiguous_terms(&self.matrix)) {
            (false, true) => {
                let sides = sides(&[(outputs, output_stride, pitch)]);
                lowering.load(Memory::Nram, &BoxCopy { dram: source, chip: tile, run: terms.count, sides });
            }
            (false, false) => {
                let chip = self.slots.base(1);
                let run = outputs * unit;
                let sides = sides(&[(terms.count / unit, term_stride, run)]);
                lowering.load(Memory::Nram, &BoxCopy { dram: source, chip, run, sides });
                lowering.vector(turn(chip, run));
            }
            (true, true) => lowering.vector(Vector {
                a: source,
                counts: [outputs, 1],
                a_strides: [output_stride, 0],
                d_strides: [pitch, 0],
                ..Vector::new(VectorOperation::Copy, tile, terms.count)
            }),
            (true, false) => lowering.vector(turn(source, term_stride)),
        }
        BoxCopy {
            dram: tile,
            chip: wram,
            run: rows,
            sides: sides(&[
                (columns, pitch, rows),
                (steps, rows, rates.row_bytes()),
                (blocks.count, columns * pitch, steps * rates.row_bytes()),
            ]),
        }
    }
}

/// Deals a tile out to WRAM. A move waits for all loads before it (T-MOVE), and holds up those behind it: loads that do not
/// depend on it are better written first.
pub(crate) fn deal(lowering: &mut Lowering, tile: &BoxCopy) {
    for transfer in tile.transfers(Memory::Wram) {
        lowering.push(Work::Move(transfer));
    }
}
