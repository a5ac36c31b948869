//! Every loop by each instruction set of this processor, not by the widest alone.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::OnceLock;

use super::{InstructionSet, Instructions, Vectorise, vector_bytes, vectorise};
use crate::float::Float;

thread_local! {
    /// The widest instructions that [`vectorise`] may choose on this thread.
    pub(super) static WIDEST: Cell<Instructions> = const { Cell::new(Instructions::Avx512) };
    /// The lines that this thread, which runs one test, has printed.
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Those of `all` that this processor has, which include the first.
///
/// It prints once a test which they are and which are skipped.
pub(crate) fn available<S: Copy + Debug + PartialEq>(all: &[S], is_available: impl Fn(S) -> bool) -> Vec<S> {
    let (found, skipped): (Vec<S>, Vec<S>) = all.iter().partition(|&&one| is_available(one));
    assert_eq!(found.first(), all.first(), "the baseline runs on every processor");
    let said = format!("runs {found:?}, skips {skipped:?}: not on this processor");
    SAID.with_borrow_mut(|before| {
        if !before.contains(&said) {
            println!("{said}");
            before.push(said);
        }
    });
    found
}

/// Runs `test` by each instruction set that this processor has, on threads that use no wider one.
pub(crate) fn by_each(test: impl Fn() + Sync) {
    static POOLS: [OnceLock<rayon::ThreadPool>; Instructions::ALL.len()] =
        [const { OnceLock::new() }; Instructions::ALL.len()];
    for instructions in available(&Instructions::ALL, Instructions::is_available) {
        let pool = POOLS[instructions as usize].get_or_init(|| {
            let threads = rayon::ThreadPoolBuilder::new().num_threads(2);
            threads.start_handler(move |_| WIDEST.set(instructions)).build().unwrap()
        });
        // The test names what it computed, and this names the instructions.
        let outcome = pool.install(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(&test)));
        assert!(outcome.is_ok(), "by {instructions:?}");
    }
}

/// The instructions for which a loop was compiled, and `x * x + y` as it computes that.
struct Seen<T> {
    x: T,
    y: T,
}

impl<T: Float> Vectorise for Seen<T> {
    type Output = (usize, bool, T);
    #[inline(always)]
    fn run<I: InstructionSet>(self) -> Self::Output {
        (I::VECTOR_BYTES, I::FUSED, self.x.multiply_add::<I>(self.x, self.y))
    }
}

#[test]
fn each_instruction_set_is_chosen_and_rounds_as_it_says() {
    by_each(|| {
        let widest = WIDEST.get();
        let bytes = match widest {
            Instructions::Baseline => 16,
            Instructions::Avx2 => 32,
            Instructions::Avx512 => 64,
        };
        assert_eq!(vector_bytes(), bytes);
        // (1 + 2^-12)^2 is 1 + 2^-11 + 2^-24. A product of its own rounds the last term away.
        let (x, y) = (1.0 + 2f32.powi(-12), -1.0 - 2f32.powi(-11));
        let (seen, fused, sum) = vectorise(Seen { x, y });
        assert_eq!(seen, bytes);
        assert_eq!(sum, if fused { 2f32.powi(-24) } else { 0.0 });
        assert!(fused || widest == Instructions::Baseline);
    });
}

/// `y[i] = y[i] * 5 + i`, wrapping, over a length that fills no vector.
struct Steps<'a>(&'a mut [i32]);

impl Vectorise for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        for (index, y) in self.0.iter_mut().enumerate() {
            *y = y.wrapping_mul(5).wrapping_add(index as i32);
        }
    }
}

#[test]
fn each_instruction_set_runs_the_loop() {
    let before: Vec<i32> = (0..131).map(|index| i32::MAX - 1000 * index).collect();
    let expected: Vec<i32> =
        before.iter().zip(0_i64..).map(|(&y, index)| (i64::from(y) * 5 + index) as i32).collect();
    by_each(|| {
        let mut y = before.clone();
        vectorise(Steps(&mut y));
        assert_eq!(y, expected);
    });
}
