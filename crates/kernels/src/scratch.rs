//! Memory that a thread uses again from call to call.
//!
//! So a kernel neither asks the system for it nor clears it each time.

use std::cell::RefCell;

/// A cache line, from whose start vectors are best loaded.
const ALIGNMENT: usize = 64;

/// Scratch memory of one element type, one stack of buffers for each thread.
///
/// There are as many buffers as calls of [`with_scratch`] were ever nested, each as large as it ever had to
/// be. They stay until the thread ends.
pub(crate) type Buffers<T> = RefCell<Vec<Vec<T>>>;

/// An element type that has scratch memory.
pub trait Scratch: Copy + Default + 'static {
    /// The calling thread's buffers.
    fn buffers<R>(body: impl FnOnce(&Buffers<Self>) -> R) -> R;
}

macro_rules! scratch {
    ($($type:ty),*) => { $(
        impl Scratch for $type {
            fn buffers<R>(body: impl FnOnce(&Buffers<Self>) -> R) -> R {
                thread_local! { static BUFFERS: Buffers<$type> = const { RefCell::new(Vec::new()) } }
                BUFFERS.with(body)
            }
        }
    )* };
}
scratch!(f32, f64);

/// Calls `body` with so many elements on a cache line's boundary.
///
/// Their old content is still there.
pub(crate) fn with_scratch<T: Scratch, R>(elements: usize, body: impl FnOnce(&mut [T]) -> R) -> R {
    let mut buffer = T::buffers(|buffers| buffers.borrow_mut().pop()).unwrap_or_default();
    let needed = elements + ALIGNMENT / size_of::<T>();
    if buffer.len() < needed {
        buffer = vec![T::default(); needed];
    }
    let start = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT / size_of::<T>());
    let result = body(&mut buffer[start..][..elements]);
    T::buffers(|buffers| buffers.borrow_mut().push(buffer));
    result
}
