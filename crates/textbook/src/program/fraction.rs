//! Exact fractions of whole numbers.

use std::fmt;

/// A fraction of whole numbers that are not negative, reduced.
///
/// The engine's times are fractions of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub numerator: u128,
    /// Below the line, at least 1.
    pub denominator: u128,
}

impl Fraction {
    /// `numerator / denominator` in lowest terms.
    ///
    /// A denominator of 0 counts as 1, since no machine has one.
    pub fn new(numerator: u128, denominator: u128) -> Fraction {
        let denominator = denominator.max(1);
        let common = greatest_common_divisor(numerator, denominator);
        Fraction { numerator: numerator / common, denominator: denominator / common }
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        let whole = self.numerator / self.denominator;
        whole as f64 + (self.numerator % self.denominator) as f64 / self.denominator as f64
    }
}

impl fmt::Display for Fraction {
    /// `512`, `1/16`, `32 1/16`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.numerator / self.denominator, self.numerator % self.denominator);
        match (whole, rest) {
            (whole, 0) => write!(f, "{whole}"),
            (0, rest) => write!(f, "{rest}/{}", self.denominator),
            (whole, rest) => write!(f, "{whole} {rest}/{}", self.denominator),
        }
    }
}

/// Euclid's algorithm; at least 1.
pub(super) fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// The least common multiple; nothing if it is too large.
pub(super) fn least_common_multiple(a: u128, b: u128) -> Option<u128> {
    (a / greatest_common_divisor(a, b)).checked_mul(b)
}

#[cfg(test)]
mod tests {
    use super::{Fraction, least_common_multiple};

    #[test]
    fn fractions_are_reduced_and_mixed() {
        assert_eq!(Fraction::new(2052, 64), Fraction { numerator: 513, denominator: 16 });
        assert_eq!(Fraction::new(2052, 64).to_string(), "32 1/16");
        assert_eq!(Fraction::new(2052, 64).to_f64(), 32.0625);
        assert_eq!(Fraction::new(0, 7).to_string(), "0");
        assert_eq!(Fraction::new(3, 8).to_string(), "3/8");
    }

    #[test]
    fn the_least_common_multiple_does_not_overflow() {
        assert_eq!(least_common_multiple(64, 1000), Some(8000));
        assert_eq!(least_common_multiple(u128::MAX, u128::MAX - 1), None);
    }
}
