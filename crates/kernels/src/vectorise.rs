//! Compiles one loop several times, for the instruction sets that a machine may have, and picks at run time.
//!
//! The loop is ordinary Rust, which the compiler vectorises with what the chosen function may use. That alone
//! changes no result, since Rust neither reorders nor contracts floating-point operations. A loop that asks
//! for [`InstructionSet::FUSED`] rounds once where a processor can, and twice where it cannot.

#![allow(
    unsafe_code,
    reason = "calling a function with target features needs the run-time check that is made here"
)]

/// The instructions that a loop is compiled for.
pub trait InstructionSet {
    /// Bytes of a vector register.
    const VECTOR_BYTES: usize;
    /// Whether a product and a sum are one instruction with one rounding.
    const FUSED: bool;
}

/// The instructions that every processor of the target has.
pub(crate) struct Baseline;
impl InstructionSet for Baseline {
    const VECTOR_BYTES: usize = 16;
    const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
}

/// AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx2;
#[cfg(target_arch = "x86_64")]
impl InstructionSet for Avx2 {
    const VECTOR_BYTES: usize = 32;
    const FUSED: bool = true;
}

/// AVX-512 F, BW, DQ and VL.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx512;
#[cfg(target_arch = "x86_64")]
impl InstructionSet for Avx512 {
    const VECTOR_BYTES: usize = 64;
    const FUSED: bool = true;
}

/// The instruction sets by name, each with all instructions of those before it.
#[cfg(any(target_arch = "x86_64", test))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Instructions {
    /// [`Baseline`].
    Baseline,
    /// [`Avx2`].
    Avx2,
    /// [`Avx512`].
    Avx512,
}

#[cfg(any(target_arch = "x86_64", test))]
impl Instructions {
    /// All instruction sets, the widest last.
    #[cfg(test)]
    const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// Whether this machine has them.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn is_available(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// Whether this machine has them.
    #[cfg(all(not(target_arch = "x86_64"), test))]
    fn is_available(self) -> bool {
        self == Self::Baseline
    }

    /// The widest that this machine has and that may be chosen, which [`vectorise`] chooses.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn chosen() -> Self {
        let widest = Self::widest();
        if widest >= Self::Avx512 && Self::Avx512.is_available() {
            Self::Avx512
        } else if widest >= Self::Avx2 && Self::Avx2.is_available() {
            Self::Avx2
        } else {
            Self::Baseline
        }
    }

    /// The widest that may be chosen.
    #[cfg(all(target_arch = "x86_64", not(test)))]
    fn widest() -> Self {
        Self::Avx512
    }

    /// The widest that may be chosen; tests go through all of them.
    #[cfg(all(target_arch = "x86_64", test))]
    fn widest() -> Self {
        tests::WIDEST.get()
    }
}

/// A loop to be compiled for several instruction sets.
///
/// `run` must be `#[inline(always)]`, or it is compiled for the baseline alone.
pub(crate) trait Vectorise {
    /// The result of the loop.
    type Output;
    /// The loop.
    fn run<I: InstructionSet>(self) -> Self::Output;
}

/// Bytes of the vectors that [`vectorise`] chooses on this machine.
pub(crate) fn vector_bytes() -> usize {
    struct Bytes;
    impl Vectorise for Bytes {
        type Output = usize;
        #[inline(always)]
        fn run<I: InstructionSet>(self) -> usize {
            I::VECTOR_BYTES
        }
    }
    vectorise(Bytes)
}

/// Runs the loop with the widest instructions of this machine.
#[cfg(target_arch = "x86_64")]
pub(crate) fn vectorise<V: Vectorise>(body: V) -> V::Output {
    match Instructions::chosen() {
        // SAFETY: `chosen` gives only instructions that this machine has.
        Instructions::Avx512 => unsafe { with_avx512(body) },
        // SAFETY: `chosen` gives only instructions that this machine has.
        Instructions::Avx2 => unsafe { with_avx2(body) },
        Instructions::Baseline => body.run::<Baseline>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn with_avx512<V: Vectorise>(body: V) -> V::Output {
    body.run::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<V: Vectorise>(body: V) -> V::Output {
    body.run::<Avx2>()
}

/// Runs the loop.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn vectorise<V: Vectorise>(body: V) -> V::Output {
    body.run::<Baseline>()
}

#[cfg(test)]
pub(crate) mod tests;
