//! The types that the floating-point kernels compute in.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul};

use crate::scratch::Scratch;
use crate::vectorise::InstructionSet;

mod sealed {
    use super::{InstructionSet, Scratch};

    pub trait Sealed: Scratch {
        /// `self * factor + sum`, rounded once where the instruction set can.
        #[must_use]
        fn multiply_add<I: InstructionSet>(self, factor: Self, sum: Self) -> Self;
    }
}

/// f32, or f64 where rounding must stay out of sight, as in a gradient that is held against differences.
pub trait Float:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Mul<Output = Self>
    + Div<Output = Self>
    + Sum
    + Send
    + Sync
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Negative infinity, which is below every number.
    const NEG_INFINITY: Self;
    /// The same number, exactly.
    fn from_f32(value: f32) -> Self;
    /// The nearest number.
    fn from_usize(value: usize) -> Self;
    /// The number to a power.
    #[must_use]
    fn powf(self, exponent: Self) -> Self;
}

macro_rules! float {
    ($($type:ty),*) => { $(
        impl sealed::Sealed for $type {
            #[inline(always)]
            fn multiply_add<I: InstructionSet>(self, factor: Self, sum: Self) -> Self {
                if I::FUSED { self.mul_add(factor, sum) } else { self * factor + sum }
            }
        }

        impl Float for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = <$type>::NEG_INFINITY;
            #[inline(always)]
            fn from_f32(value: f32) -> Self {
                value.into()
            }
            fn from_usize(value: usize) -> Self {
                value as $type
            }
            fn powf(self, exponent: Self) -> Self {
                <$type>::powf(self, exponent)
            }
        }
    )* };
}
float!(f32, f64);
