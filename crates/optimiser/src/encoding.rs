//! How a real number is stored in 8 bits, and the range of reals that decides it.

use ediacara_graph::Tensor;
use ediacara_kernels::int8;

use crate::Result;

/// The narrowest range that counts as different from zero: 255 steps of it are still normal numbers of f32.
const DEAD_WIDTH: f64 = 1e-35;

/// A closed range of finite real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The smallest number.
    pub low: f32,
    /// The largest number, at least `low`.
    pub high: f32,
}

impl Range {
    /// The range of some numbers; nothing if there is none, or one is infinite or not a number.
    pub fn of(numbers: &[f32]) -> Option<Range> {
        let first = *numbers.first()?;
        // A sum with a single infinity or NaN is not finite either; testing the sum keeps the loop free of
        // branches.
        let mut poison = 0.0_f32;
        let (mut low, mut high) = (first, first);
        for &number in numbers {
            low = low.min(number);
            high = high.max(number);
            poison += number * 0.0;
        }
        (poison == 0.0).then_some(Range { low, high })
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The smallest range that holds this one and zero.
    ///
    /// int8 storage spans it, so that zero is stored exactly.
    #[must_use]
    pub fn with_zero(self) -> Range {
        Range { low: self.low.min(0.0), high: self.high.max(0.0) }
    }

    /// The distance between the ends.
    pub fn width(self) -> f64 {
        f64::from(self.high) - f64::from(self.low)
    }
}

/// N-STORE: a stored `q` stands for `(q - zero) * scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    /// The distance between neighbouring stored values; positive and finite.
    pub scale: f32,
    /// The stored value of the real zero.
    pub zero: i8,
}

impl Encoding {
    /// The encoding whose 256 values span `range` and zero.
    pub fn of_range(range: Range) -> Encoding {
        let range = range.with_zero();
        let width = range.width();
        if width < DEAD_WIDTH {
            return Encoding { scale: 1.0, zero: 0 };
        }
        let scale = (width / 255.0) as f32;
        let zero = (-128.0 - f64::from(range.low) / f64::from(scale)).round();
        Encoding { scale, zero: zero.clamp(-128.0, 127.0) as i8 }
    }

    /// N-QUANTIZE of one number.
    pub fn encode(self, real: f32) -> i8 {
        let value = (real / self.scale).round_ties_even() + f32::from(self.zero);
        if value.is_nan() { self.zero } else { value.clamp(-128.0, 127.0) as i8 }
    }

    /// N-DEQUANTIZE of one number.
    pub fn decode(self, stored: i8) -> f32 {
        f32::from(i16::from(stored) - i16::from(self.zero)) * self.scale
    }

    /// The reals of all 256 stored values, beginning with that of -128.
    pub fn decode_all(self) -> Vec<f32> {
        (i8::MIN..=i8::MAX).map(|stored| self.decode(stored)).collect()
    }

    /// N-QUANTIZE of many numbers.
    pub(crate) fn encode_all(self, reals: &[f32]) -> Result<Vec<i8>> {
        let mut stored = vec![0; reals.len()];
        int8::quantize(reals, self.scale, self.zero, &mut stored)?;
        Ok(stored)
    }

    /// Scale and zero point as the constants that `quantize_linear` and `dequantize_linear` take.
    pub(crate) fn tensors(self) -> [Tensor; 2] {
        [Tensor::scalar(self.scale), Tensor::scalar(self.zero)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_ends_are_close() {
        for (low, high) in [(-1.0, 3.0), (0.0, 6.0), (0.5, 2.0), (-7.0, -1.0), (-1e-3, 1e4)] {
            let range = Range { low, high };
            let encoding = Encoding::of_range(range);
            assert_eq!(encoding.decode(encoding.encode(0.0)), 0.0);
            for end in [range.with_zero().low, range.with_zero().high] {
                let error = (encoding.decode(encoding.encode(end)) - end).abs();
                assert!(error <= encoding.scale * 0.501, "{range:?} {end} {error}");
            }
        }
    }

    #[test]
    fn a_dead_range_has_a_harmless_encoding() {
        assert_eq!(Encoding::of_range(Range { low: 0.0, high: 0.0 }), Encoding { scale: 1.0, zero: 0 });
    }

    #[test]
    fn ranges_refuse_what_is_not_finite() {
        assert_eq!(Range::of(&[1.0, -2.0]), Some(Range { low: -2.0, high: 1.0 }));
        assert_eq!(Range::of(&[]), None);
        assert_eq!(Range::of(&[1.0, f32::NAN]), None);
        assert_eq!(Range::of(&[f32::INFINITY, 1.0]), None);
    }
}
