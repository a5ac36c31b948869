//! What norms of integers have in common, in the float dialect.

use ediacara_graph::ops::{Comparison, RowOperation as R, Writing};
use ediacara_graph::{DType, OpError, RowForm, RowValue, Tensor};

use super::quotient::{Factors, Quotient};
use crate::support::Wide;

/// The longest row of which a form is made: a few fit the memory of every machine.
pub(super) const LONGEST_ROW: usize = 4096;

/// f32 holds every integer up to here.
pub(super) const EXACT: i64 = 1 << 24;

/// How integers of 8 bits from -128 on are stored.
pub(super) fn signed() -> Writing {
    Writing { dtype: DType::I8, ..Writing::default() }
}

/// How integers of 0 to 255 are stored.
pub(super) fn unsigned() -> Writing {
    Writing { zero: i8::MIN, ..signed() }
}

/// The numbers of a constant of integers.
pub(super) fn numbers(tensor: &Tensor) -> Option<Vec<Wide>> {
    let reals = tensor.to_vec::<f32>().ok()?;
    Some(reals.into_iter().map(|real| Wide::from(real.round_ties_even() as i32)).collect())
}

/// Whether a sum of `count` squares of numbers up to `largest` gives a deviation that [`deviation`] computes exactly.
pub(super) fn is_exact(count: usize, largest: i32) -> bool {
    let (count, largest) = (count as i64, i64::from(largest));
    // What is compared is at most the sum of squares, and 2 * largest + 2 times the count.
    let compared = if count.count_ones() == 1 { 0 } else { count * (2 * largest + 2) };
    count > 0 && largest <= 255 && count * largest * largest + compared <= EXACT
}

/// `sum tdiv count` of every row, stored in steps of `zero` on; of a count of at most 1,024.
pub(super) fn mean(
    form: &mut RowForm<'_>,
    sum: RowValue,
    count: usize,
    zero: i8,
) -> Result<RowValue, OpError> {
    // Half a step to zero, less half of what a quotient can leave: what is nearest then is the quotient, rounded to zero.
    let above = form.pair(R::Maximum, sum, -1.0)?;
    let sign = form.pair(R::Minimum, above, 1.0)?;
    let to_zero = form.pair(R::Multiply, sign, 0.5 - 0.5 / count as f32)?;
    let quotient = form.pair(R::Multiply, sum, 1.0 / count as f32)?;
    form.store_pair(R::Subtract, quotient, to_zero, Writing { zero, ..signed() })
}

/// `floor(sqrt(squares tdiv count + 1))` of every row, of a count and squares that [`is_exact`] allows.
pub(super) fn deviation(
    form: &mut RowForm<'_>,
    squares: RowValue,
    count: usize,
) -> Result<RowValue, OpError> {
    let mean = form.pair(R::Multiply, squares, 1.0 / count as f32)?;
    let shifted = form.pair(R::Add, mean, 1.0)?;
    // The nearest integer is the root rounded down, or one more: then (near^2 - 1) * count is above the squares.
    let near = form.store_unary(R::Root, shifted, unsigned())?;
    let square = form.pair(R::Multiply, near, near)?;
    let less = form.pair(R::Subtract, square, 1.0)?;
    let least = form.pair(R::Multiply, less, count as f32)?;
    let over = form.pair(R::Compare(Comparison::Less), squares, least)?;
    form.pair(R::Subtract, near, over)
}

/// `((x * weight) tdiv deviation + bias) // divisor`, stored as integers of 8 bits; nothing if no factors make it exact.
pub(super) fn normalised(
    form: &mut RowForm<'_>,
    x: RowValue,
    deviation: RowValue,
    quotient: &Quotient<'_>,
) -> Result<Option<RowValue>, OpError> {
    let Some((scale, factors)) = quotient.factors()? else {
        return form.refuse("no factors of f32 round its quotients right for every number and deviation");
    };
    let all = |number: fn(&Factors) -> f32| factors.iter().map(number).collect::<Vec<f32>>();
    let factor = form.row(all(|factors| factors.factor))?;
    let offset = form.row(all(|factors| factors.offset))?;
    let mut share = form.unary(R::Reciprocal, deviation)?;
    if scale != 1.0 {
        share = form.pair(R::Multiply, share, scale)?;
    }
    let shared = form.pair(R::Multiply, x, share)?;
    let scaled = form.pair(R::Multiply, shared, factor)?;
    let moved = form.pair(R::Add, scaled, offset)?;
    let mut correction = form.store_pair(R::Compare(Comparison::Less), x, 0.0, signed())?;
    let first = factors.first().map_or(0.0, |factors| factors.correction);
    if factors.iter().all(|factors| factors.correction == first) {
        correction.reading.scale = first;
    } else {
        let of_channels = form.row(all(|factors| factors.correction))?;
        correction = form.pair(R::Multiply, correction, of_channels)?;
    }
    form.store_pair(R::Add, moved, correction, signed()).map(Some)
}
