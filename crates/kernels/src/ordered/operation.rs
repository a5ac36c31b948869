//! What a float instruction does to a row, whatever its operands are stored as.

use super::functions::{exp2_row, log2_row, reciprocal_root_row, reciprocal_row, root_row};
use super::rows::{row_dot, row_maximum, row_sum};
use super::value::{add, maximum, minimum, multiply, subtract};

/// What a comparison asks of two numbers; a NaN is only unequal (N-FLOAT-PAIR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
}

/// An operation on rows of f32, of which each element of the result depends on those at its place, or which
/// makes one number of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowOperation {
    /// `a`
    Copy,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
    /// 1 or 0.
    Compare(Comparison),
    /// `2^(a - b)`
    Exp2,
    /// The logarithm of a to base 2.
    Log2,
    /// `1 / a`
    Reciprocal,
    /// `1 / root(a)`
    ReciprocalRoot,
    /// `root(a)`
    Root,
    /// The sum of a row (N-FLOAT-ROW).
    RowSum,
    /// The sum of the products of two rows (N-FLOAT-ROW).
    RowDot,
    /// The largest of a row.
    RowMaximum,
}

/// Every operation with its name.
const NAMES: [(RowOperation, &str); 20] = [
    (RowOperation::Copy, "copy"),
    (RowOperation::Add, "add"),
    (RowOperation::Subtract, "subtract"),
    (RowOperation::Multiply, "multiply"),
    (RowOperation::Maximum, "maximum"),
    (RowOperation::Minimum, "minimum"),
    (RowOperation::Compare(Comparison::Equal), "equal"),
    (RowOperation::Compare(Comparison::NotEqual), "not_equal"),
    (RowOperation::Compare(Comparison::Less), "less"),
    (RowOperation::Compare(Comparison::LessEqual), "less_equal"),
    (RowOperation::Compare(Comparison::Greater), "greater"),
    (RowOperation::Compare(Comparison::GreaterEqual), "greater_equal"),
    (RowOperation::Exp2, "exp2"),
    (RowOperation::Log2, "log2"),
    (RowOperation::Reciprocal, "reciprocal"),
    (RowOperation::ReciprocalRoot, "reciprocal_root"),
    (RowOperation::Root, "root"),
    (RowOperation::RowSum, "row_sum"),
    (RowOperation::RowDot, "row_dot"),
    (RowOperation::RowMaximum, "row_maximum"),
];

impl RowOperation {
    /// Its name, such as `row_sum`; a comparison's is its relation.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(operation, _)| *operation == self).map_or("", |(_, name)| name)
    }

    /// The operation of a name.
    pub fn from_name(name: &str) -> Option<RowOperation> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(operation, _)| *operation)
    }

    /// Whether it has a second operand.
    pub fn is_pair(self) -> bool {
        use RowOperation as R;
        matches!(
            self,
            R::Add
                | R::Subtract
                | R::Multiply
                | R::Maximum
                | R::Minimum
                | R::Compare(_)
                | R::Exp2
                | R::RowDot
        )
    }

    /// Whether its operands may change places without a change of the result.
    pub fn is_symmetric(self) -> bool {
        use RowOperation as R;
        matches!(self, R::Add | R::Multiply | R::Maximum | R::Minimum | R::RowDot)
    }

    /// Whether its result is one number a row.
    pub fn reduces(self) -> bool {
        matches!(self, RowOperation::RowSum | RowOperation::RowDot | RowOperation::RowMaximum)
    }

    /// The result of a row in `out`: as long as the operands, or one number.
    ///
    /// `b` plays no part where there is no second operand.
    pub fn compute(self, a: &[f32], b: &[f32], out: &mut [f32]) {
        use RowOperation as R;
        match self {
            R::Copy => out.copy_from_slice(a),
            R::Add => pairs(a, b, out, add),
            R::Subtract => pairs(a, b, out, subtract),
            R::Multiply => pairs(a, b, out, multiply),
            R::Maximum => pairs(a, b, out, maximum),
            R::Minimum => pairs(a, b, out, minimum),
            R::Compare(comparison) => compare(comparison, a, b, out),
            R::Exp2 => {
                pairs(a, b, out, subtract);
                exp2_row(out);
            }
            R::Log2 => each(a, out, log2_row),
            R::Reciprocal => each(a, out, reciprocal_row),
            R::ReciprocalRoot => each(a, out, reciprocal_root_row),
            R::Root => each(a, out, root_row),
            R::RowSum => out.fill(row_sum(a)),
            R::RowDot => out.fill(row_dot(a, b)),
            R::RowMaximum => out.fill(row_maximum(a)),
        }
    }
}

/// `a * scale + bias` of each element, which round one after the other (N-FLOAT-SCALE).
pub fn scale_row(a: &[f32], records: impl Iterator<Item = (f32, f32)>, out: &mut [f32]) {
    for ((out, &a), (bias, scale)) in out.iter_mut().zip(a).zip(records) {
        *out = add(multiply(a, scale), bias);
    }
}

fn each(a: &[f32], out: &mut [f32], function: impl Fn(&mut [f32])) {
    out.copy_from_slice(a);
    function(out);
}

fn pairs(a: &[f32], b: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    out.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b));
}

fn compare(comparison: Comparison, a: &[f32], b: &[f32], out: &mut [f32]) {
    let number = |holds: bool| f32::from(u8::from(holds));
    match comparison {
        Comparison::Equal => pairs(a, b, out, |a, b| number(a == b)),
        Comparison::NotEqual => pairs(a, b, out, |a, b| number(a != b)),
        Comparison::Less => pairs(a, b, out, |a, b| number(a < b)),
        Comparison::LessEqual => pairs(a, b, out, |a, b| number(a <= b)),
        Comparison::Greater => pairs(a, b, out, |a, b| number(a > b)),
        Comparison::GreaterEqual => pairs(a, b, out, |a, b| number(a >= b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result<const N: usize>(operation: RowOperation, a: [f32; N], b: [f32; N]) -> [f32; N] {
        let mut out = [0.0; N];
        operation.compute(&a, &b, &mut out);
        out
    }

    #[test]
    fn a_comparison_with_a_nan_is_only_unequal() {
        let (a, b) = ([1.0, -0.0, f32::NAN, 2.0], [1.0, 0.0, f32::NAN, 3.0]);
        let of = |comparison| result(RowOperation::Compare(comparison), a, b);
        assert_eq!(of(Comparison::Equal), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(of(Comparison::NotEqual), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(of(Comparison::Less), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(of(Comparison::LessEqual), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(of(Comparison::Greater), [0.0; 4]);
        assert_eq!(of(Comparison::GreaterEqual), [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn names_are_distinct_and_found_again() {
        for (operation, name) in NAMES {
            assert_eq!((operation.name(), RowOperation::from_name(name)), (name, Some(operation)));
        }
    }

    #[test]
    fn rows_are_computed_as_their_names_say() {
        let (a, b) = ([4.0, 0.25, 16.0], [1.0, 2.0, 4.0]);
        assert_eq!(result(RowOperation::Subtract, a, b), [3.0, -1.75, 12.0]);
        assert_eq!(result(RowOperation::Exp2, [4.0, 0.0, 6.0], b), [8.0, 0.25, 4.0]);
        assert_eq!(result(RowOperation::Log2, a, b), [2.0, -2.0, 4.0]);
        assert_eq!(result(RowOperation::Reciprocal, a, b), [0.25, 4.0, 0.0625]);
        assert_eq!(result(RowOperation::ReciprocalRoot, a, b), [0.5, 2.0, 0.25]);
        assert_eq!(result(RowOperation::Root, a, b), [2.0, 0.5, 4.0]);
        let mut one = [0.0];
        RowOperation::RowDot.compute(&a, &b, &mut one);
        assert_eq!(one, [68.5]);
        RowOperation::RowMaximum.compute(&a, &[], &mut one);
        assert_eq!(one, [16.0]);
        let mut scaled = [0.0; 3];
        scale_row(&a, [(1.0, 2.0), (0.0, 4.0), (-1.0, 0.5)].into_iter(), &mut scaled);
        assert_eq!(scaled, [9.0, 1.0, 7.0]);
    }
}
