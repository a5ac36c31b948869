//! Transposes lines of terms so that the lines lie side by side, which is what packing does.

use super::super::Float;

/// Lines and terms of a block.
const SIZE: usize = 8;
type Block<T> = [[T; SIZE]; SIZE];

/// `to[term][lane] = lines[lane][term]`, as many terms as `to` has.
///
/// There are at most `W` lines, and each has those terms.
#[inline(always)]
pub(in super::super) fn transpose<T: Float, const W: usize>(lines: &[&[T]], to: &mut [[T; W]]) {
    let mut transposed = 0;
    for (index, lines) in lines.as_chunks::<SIZE>().0.iter().enumerate() {
        let first = index * SIZE;
        let blocks = to.as_chunks_mut::<SIZE>().0.iter_mut().enumerate();
        for (block, to) in blocks {
            let block = transpose_block(std::array::from_fn(|lane| {
                lines[lane][block * SIZE..].first_chunk().copied().unwrap_or([T::ZERO; SIZE])
            }));
            for (to, terms) in to.iter_mut().zip(block) {
                to[first..][..SIZE].copy_from_slice(&terms);
            }
        }
        transposed = first + SIZE;
    }
    // The terms beyond the whole blocks go line by line, in order.
    let rest = to.len() / SIZE * SIZE;
    for (lane, line) in lines.iter().enumerate() {
        let first = if lane < transposed { rest } else { 0 };
        to[first..].iter_mut().zip(&line[first..]).for_each(|(to, &term)| to[lane] = term);
    }
}

/// Transposes in three rounds of exchanges between pairs of rows, written as the shuffles that vectors have.
#[inline(always)]
fn transpose_block<T: Float>(r: Block<T>) -> Block<T> {
    let s = [
        low_1(r[0], r[1]),
        high_1(r[0], r[1]),
        low_1(r[2], r[3]),
        high_1(r[2], r[3]),
        low_1(r[4], r[5]),
        high_1(r[4], r[5]),
        low_1(r[6], r[7]),
        high_1(r[6], r[7]),
    ];
    let t = [
        low_2(s[0], s[2]),
        high_2(s[0], s[2]),
        low_2(s[1], s[3]),
        high_2(s[1], s[3]),
        low_2(s[4], s[6]),
        high_2(s[4], s[6]),
        low_2(s[5], s[7]),
        high_2(s[5], s[7]),
    ];
    [
        low_4(t[0], t[4]),
        low_4(t[1], t[5]),
        low_4(t[2], t[6]),
        low_4(t[3], t[7]),
        high_4(t[0], t[4]),
        high_4(t[1], t[5]),
        high_4(t[2], t[6]),
        high_4(t[3], t[7]),
    ]
}

/// Shuffles of two rows `a` (elements 0 to 7) and `b` (8 to 15).
macro_rules! shuffle {
    ($name:ident, $($element:literal)*) => {
        #[inline(always)]
        fn $name<T: Float>(a: [T; SIZE], b: [T; SIZE]) -> [T; SIZE] {
            [$(if $element < SIZE { a[$element % SIZE] } else { b[$element % SIZE] }),*]
        }
    };
}
shuffle!(low_1, 0 8 1 9 4 12 5 13);
shuffle!(high_1, 2 10 3 11 6 14 7 15);
shuffle!(low_2, 0 1 8 9 4 5 12 13);
shuffle!(high_2, 2 3 10 11 6 7 14 15);
shuffle!(low_4, 0 1 2 3 8 9 10 11);
shuffle!(high_4, 4 5 6 7 12 13 14 15);
