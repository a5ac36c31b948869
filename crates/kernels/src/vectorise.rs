//! Compiles one loop several times, for the instruction sets that a machine may have, and picks at run time.
//!
//! The loop is ordinary Rust: the compiler vectorises it with what the chosen function may use. That alone
//! changes no result, since Rust neither reorders nor contracts floating-point operations; a loop that asks for
//! [`InstructionSet::FUSED`] rounds once where a processor can and twice where it cannot.

#![allow(
    unsafe_code,
    reason = "calling a function with target features needs the run-time check that is made here"
)]

/// What a loop is compiled for.
pub trait InstructionSet {
    /// Bytes of a vector register.
    const VECTOR_BYTES: usize;
    /// Whether a product and a sum are one instruction with one rounding.
    const FUSED: bool;
}

/// What every processor of the target has.
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

/// A loop to be compiled for several instruction sets. `run` must be `#[inline(always)]`, or it stays as it
/// is.
pub(crate) trait Vectorise {
    /// What the loop gives back.
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
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        // SAFETY: the features were checked in the line above.
        return unsafe { with_avx512(body) };
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the features were checked in the line above.
        return unsafe { with_avx2(body) };
    }
    body.run::<Baseline>()
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
