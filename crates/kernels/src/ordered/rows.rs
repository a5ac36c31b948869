//! Reductions of a row, in the one order that every machine follows (N-FLOAT-ROW).

use super::value::{add, maximum, multiply};

/// Partial sums of a row.
const PARTIALS: usize = 16;

/// The sum of a row: element j joins partial sum `j mod 16`, and a balanced tree adds those.
pub fn row_sum(row: &[f32]) -> f32 {
    let mut partials = [0.0; PARTIALS];
    for chunk in row.chunks(PARTIALS) {
        for (partial, &value) in partials.iter_mut().zip(chunk) {
            *partial = add(*partial, value);
        }
    }
    tree(partials)
}

/// The sum of the products `a[j] * b[j]`, in the order of [`row_sum`].
///
/// The shorter of the two ends it.
pub fn row_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut partials = [0.0; PARTIALS];
    for (a, b) in a.chunks(PARTIALS).zip(b.chunks(PARTIALS)) {
        for ((partial, &a), &b) in partials.iter_mut().zip(a).zip(b) {
            *partial = add(*partial, multiply(a, b));
        }
    }
    tree(partials)
}

/// The largest of a row, NaN if one is; -infinity of no element.
pub fn row_maximum(row: &[f32]) -> f32 {
    let mut partials = [f32::NEG_INFINITY; PARTIALS];
    for chunk in row.chunks(PARTIALS) {
        for (partial, &value) in partials.iter_mut().zip(chunk) {
            *partial = maximum(*partial, value);
        }
    }
    partials.into_iter().fold(f32::NEG_INFINITY, maximum)
}

/// Adds neighbours, and of their sums again neighbours.
fn tree(mut sums: [f32; PARTIALS]) -> f32 {
    let mut left = PARTIALS;
    while left > 1 {
        left /= 2;
        for k in 0..left {
            sums[k] = add(sums[2 * k], sums[2 * k + 1]);
        }
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_added_in_sixteen_partial_sums() {
        // 2^24 and 1 meet only in the tree's first level, where 1 is lost; two ones that meet first are not.
        let mut row = [0.0f32; 32];
        row[0] = 16_777_216.0;
        row[1] = 1.0;
        row[17] = 1.0;
        assert_eq!(row_sum(&row), 16_777_218.0);
        row[17] = 0.0;
        row[16] = 1.0;
        assert_eq!(row_sum(&row), 16_777_216.0);
    }

    #[test]
    fn neighbours_are_added_first() {
        // (2^24 + 1) loses the one; (1 + 1) first would not.
        let row = [16_777_216.0, 1.0, 1.0];
        assert_eq!(row_sum(&row), 16_777_216.0);
        let row = [16_777_216.0, 0.0, 1.0, 1.0];
        assert_eq!(row_sum(&row), 16_777_218.0);
    }

    #[test]
    fn products_round_before_they_are_added() {
        // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 rounds to 1 + 2^-11: a fused sum would keep the last bit.
        let x = 1.0 + 2f32.powi(-12);
        let y = 1.0 + 2f32.powi(-11);
        let mut a = [0.0; 17];
        let mut b = [0.0; 17];
        (a[0], b[0], a[16], b[16]) = (x, x, -1.0, y);
        assert_eq!(row_dot(&a, &b), 0.0);
    }

    #[test]
    fn the_largest_of_a_row() {
        assert_eq!(row_maximum(&[-3.0, -1.0, -2.0]), -1.0);
        assert_eq!(row_maximum(&[f32::NEG_INFINITY; 3]), f32::NEG_INFINITY);
        assert!(row_maximum(&[1.0, f32::NAN, 2.0]).is_nan());
        assert_eq!(row_maximum(&[-0.0, 0.0, -0.0]).to_bits(), 0);
    }
}
