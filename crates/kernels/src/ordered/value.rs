//! Operations on single numbers (N-FLOAT, N-FLOAT-PAIR).

const SIGN: u32 = 0x8000_0000;
const EXPONENT: u32 = 0x7f80_0000;

/// A subnormal as zero of its sign, and a NaN as the one NaN; any other number as it is (N-FLOAT).
#[inline(always)]
pub fn canonical(value: f32) -> f32 {
    if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { flushed(value) }
}

/// A subnormal as zero of its sign; any other number as it is, a NaN in the form that it has.
///
/// A NaN gives a NaN in every operation, so that only what is written must be [`canonical`].
#[inline(always)]
pub(super) fn flushed(value: f32) -> f32 {
    let bits = value.to_bits();
    f32::from_bits(if bits & EXPONENT == 0 { bits & SIGN } else { bits })
}

/// `a + b`
#[inline(always)]
pub fn add(a: f32, b: f32) -> f32 {
    canonical(a + b)
}

/// `a - b`
#[inline(always)]
pub fn subtract(a: f32, b: f32) -> f32 {
    canonical(a - b)
}

/// `a * b`
#[inline(always)]
pub fn multiply(a: f32, b: f32) -> f32 {
    canonical(a * b)
}

/// The larger: NaN if either is, and +0 above -0.
#[inline(always)]
pub fn maximum(a: f32, b: f32) -> f32 {
    let larger = if rank(a) < rank(b) { b } else { a };
    if a.is_nan() || b.is_nan() { f32::from_bits(0x7fc0_0000) } else { larger }
}

/// The smaller: NaN if either is, and -0 below +0.
#[inline(always)]
pub fn minimum(a: f32, b: f32) -> f32 {
    let smaller = if rank(b) < rank(a) { b } else { a };
    if a.is_nan() || b.is_nan() { f32::from_bits(0x7fc0_0000) } else { smaller }
}

/// An integer that orders numbers as they are ordered, -0 below +0.
#[inline(always)]
fn rank(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^-126, the smallest normal number.
    const NORMAL: f32 = f32::MIN_POSITIVE;

    fn same(left: f32, right: f32) {
        assert_eq!(left.to_bits(), right.to_bits(), "{left:?} and {right:?}");
    }

    #[test]
    fn subnormals_are_zeros_of_their_sign() {
        same(canonical(f32::from_bits(1)), 0.0);
        same(canonical(f32::from_bits(SIGN | 0x7f_ffff)), -0.0);
        same(canonical(NORMAL), NORMAL);
        // docs/numerics.md: a product below 2^-126 survives only from 2^-126 - 2^-150 on.
        let largest_subnormal = 1.0 - f32::EPSILON / 2.0;
        same(multiply(NORMAL, largest_subnormal), NORMAL);
        same(multiply(NORMAL, 1.0 - f32::EPSILON), 0.0);
        same(multiply(-NORMAL, 0.5), -0.0);
        same(subtract(1.5 * NORMAL, NORMAL), 0.0);
    }

    #[test]
    fn a_nan_has_one_form_whatever_it_came_from() {
        for value in [
            canonical(f32::from_bits(0xffff_ffff)),
            canonical(f32::from_bits(0x7f80_0001)),
            subtract(f32::INFINITY, f32::INFINITY),
            multiply(0.0, f32::NEG_INFINITY),
            maximum(f32::from_bits(0xffc0_0001), 1.0),
            minimum(1.0, f32::NAN),
        ] {
            assert_eq!(value.to_bits(), 0x7fc0_0000);
        }
    }

    #[test]
    fn zeros_are_ordered_in_maximum_and_minimum() {
        same(maximum(-0.0, 0.0), 0.0);
        same(maximum(0.0, -0.0), 0.0);
        same(minimum(0.0, -0.0), -0.0);
        same(minimum(-0.0, 0.0), -0.0);
        same(maximum(-2.0, -3.0), -2.0);
        same(minimum(-2.0, f32::NEG_INFINITY), f32::NEG_INFINITY);
        same(maximum(f32::INFINITY, 3.0), f32::INFINITY);
    }

    #[test]
    fn zeros_of_sums_follow_ieee_754() {
        same(subtract(3.0, 3.0), 0.0);
        same(add(-0.0, -0.0), -0.0);
        same(add(-0.0, 0.0), 0.0);
    }
}
