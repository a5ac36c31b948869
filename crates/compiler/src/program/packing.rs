//! Matrices that lie in DRAM as WRAM wants the second operand of a product.

/// The order of the last two axes of a tensor in which a product loads them straight to WRAM:
/// `[block][step][column][row]`, `columns` outputs of a block and `rows` terms of a step (docs/isa.md, "Matrix engine").
///
/// One of the axes is the outputs of the product, the other its terms. Both are whole blocks, or steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// Whether the last axis is the outputs, and not the one before it.
    pub outputs_last: bool,
    /// Terms of a step.
    pub rows: u64,
    /// Outputs of a block.
    pub columns: u64,
}

impl Packing {
    /// Indices of the last axis but one, and of the last, that lie together.
    pub fn parts(self) -> [u64; 2] {
        if self.outputs_last { [self.rows, self.columns] } else { [self.columns, self.rows] }
    }

    /// Whether these extents are whole blocks and steps.
    pub fn fits(self, shape: &[usize]) -> bool {
        let [.., before, last] = *shape else { return false };
        let [of_before, of_last] = self.parts();
        (before as u64).is_multiple_of(of_before) && (last as u64).is_multiple_of(of_last)
    }

    /// Axis `k` of the result is axis `permutation[k]` of a tensor of this packing; nothing if the last two are others then.
    pub fn transpose(self, permutation: &[usize]) -> Option<Packing> {
        let rank = permutation.len();
        let [.., before, last] = *permutation else { return None };
        match (rank - before, rank - last) {
            (2, 1) => Some(self),
            (1, 2) => Some(Packing { outputs_last: !self.outputs_last, ..self }),
            _ => None,
        }
    }

    /// The last two axes as four: parts of the one before the last, and what is in a part, and the same of the last. Extents,
    /// and elements from one index to the next.
    pub(super) fn axes(self, [before, last]: [u64; 2]) -> [(u64, u64); 4] {
        let [of_before, of_last] = self.parts();
        let Packing { rows, columns, outputs_last } = self;
        let terms = if outputs_last { before } else { last };
        let (outputs, terms) = ([terms * columns, rows], [rows * columns, 1]);
        let [first, second] = if outputs_last { [terms, outputs] } else { [outputs, terms] };
        [
            (before / of_before, first[0]),
            (of_before, first[1]),
            (last / of_last, second[0]),
            (of_last, second[1]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_steps_columns_and_rows_follow_one_another() {
        // Six outputs of eight terms on an array of four rows and three columns.
        let packing = Packing { outputs_last: false, rows: 4, columns: 3 };
        assert_eq!(packing.axes([6, 8]), [(2, 24), (3, 4), (2, 12), (4, 1)]);
        let turned = Packing { outputs_last: true, ..packing };
        assert_eq!(turned.axes([8, 6]), [(2, 12), (4, 1), (2, 24), (3, 4)]);
        assert_eq!(packing.transpose(&[0, 2, 1]), Some(turned));
    }

    #[test]
    fn the_last_two_axes_stay_the_last() {
        let packing = Packing { outputs_last: false, rows: 4, columns: 3 };
        assert_eq!(packing.transpose(&[1, 0, 2, 3]), Some(packing));
        assert_eq!(packing.transpose(&[0, 2, 1, 3]), None);
        assert!(packing.fits(&[5, 6, 8]) && !packing.fits(&[5, 8, 6]) && !packing.fits(&[8]));
    }
}
