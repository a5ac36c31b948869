//! Compiles one loop several times, for the instruction sets that a machine may have, and picks at run time.
//!
//! The loop is ordinary Rust: the compiler vectorises it with what the chosen function may use. Nothing here
//! changes a result: Rust neither reorders nor contracts floating-point operations.

#![allow(
    unsafe_code,
    reason = "calling a function with target features needs the run-time check that is made here"
)]

/// A loop to be compiled for several instruction sets. `run` must be `#[inline(always)]`, or it stays as it
/// is.
pub(crate) trait Vectorise {
    /// What the loop gives back.
    type Output;
    /// The loop.
    fn run(self) -> Self::Output;
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
    body.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<V: Vectorise>(body: V) -> V::Output {
    body.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<V: Vectorise>(body: V) -> V::Output {
    body.run()
}

/// Runs the loop.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn vectorise<V: Vectorise>(body: V) -> V::Output {
    body.run()
}
