//! Functions that the number types lack or name differently, for the formulas of elementwise operators.

/// Absolute value, sign and power of integers of either signedness.
pub(crate) trait Magnitude: Sized {
    /// The absolute value; the smallest signed number stays itself.
    fn magnitude(self) -> Self;
    /// -1, 0 or 1.
    fn sign(self) -> Self;
    /// The larger of the number and 0.
    fn positive_part(self) -> Self;
    /// `self` to the power `exponent`, wrapping; a negative exponent truncates the true quotient to an
    /// integer.
    fn power(self, exponent: Self) -> Self;
    /// The quotient truncated towards zero; 0 where the divisor is 0, wrapping where it overflows.
    fn quotient(self, divisor: Self) -> Self;
    /// The remainder with the sign of the divisor (as Python's `%`); 0 where the divisor is 0.
    fn remainder_floor(self, divisor: Self) -> Self;
    /// The remainder with the sign of the dividend (as C's `%`); 0 where the divisor is 0.
    fn remainder_truncated(self, divisor: Self) -> Self;
}

/// From the remainder with the dividend's sign to the one with the divisor's.
macro_rules! floor_remainder {
    () => {
        |remainder, divisor| {
            if remainder != 0 && (remainder < 0) != (divisor < 0) { remainder + divisor } else { remainder }
        }
    };
}

macro_rules! magnitude {
    ($($type:ty: $magnitude:expr, $sign:expr, $positive:expr, $floor:expr);* $(;)?) => { $(
        impl Magnitude for $type {
            fn magnitude(self) -> Self { $magnitude(self) }
            fn sign(self) -> Self { $sign(self) }
            fn positive_part(self) -> Self {
                $positive(self)
            }
            fn power(self, exponent: Self) -> Self {
                match u32::try_from(exponent) {
                    Ok(exponent) => self.wrapping_pow(exponent),
                    // Only 1 and -1 have a power beyond 2^32 or below 0 that is neither 0 nor wrapped away.
                    Err(_) if self == 1 => 1,
                    Err(_) if self.wrapping_add(1) == 0 && exponent % 2 == 0 => 1,
                    Err(_) if self.wrapping_add(1) == 0 => self,
                    Err(_) => 0,
                }
            }
            fn quotient(self, divisor: Self) -> Self {
                if divisor == 0 { 0 } else { self.wrapping_div(divisor) }
            }
            fn remainder_floor(self, divisor: Self) -> Self {
                if divisor == 0 { 0 } else { $floor(self.wrapping_rem(divisor), divisor) }
            }
            fn remainder_truncated(self, divisor: Self) -> Self {
                if divisor == 0 { 0 } else { self.wrapping_rem(divisor) }
            }
        }
    )* };
}
magnitude!(
    i8: i8::wrapping_abs, i8::signum, |x: i8| x.max(0), floor_remainder!();
    i32: i32::wrapping_abs, i32::signum, |x: i32| x.max(0), floor_remainder!();
    i64: i64::wrapping_abs, i64::signum, |x: i64| x.max(0), floor_remainder!();
    u8: |x: u8| x, |x: u8| x.min(1), |x: u8| x, |r: u8, _| r;
);

/// The error function; the standard library has none.
pub(crate) trait ErrorFunction {
    /// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `self`.
    fn erf(self) -> Self;
}

impl ErrorFunction for f32 {
    fn erf(self) -> f32 {
        libm::erff(self)
    }
}

impl ErrorFunction for f64 {
    fn erf(self) -> f64 {
        libm::erf(self)
    }
}
