//! Memory that a thread uses again from call to call, so that a kernel neither asks the system for it nor
//! clears it each time.

use std::cell::RefCell;

/// A cache line, where vectors are best loaded from.
const ALIGNMENT: usize = 64;

/// Scratch memory of one element type, one stack of buffers a thread. Buffers are as many as the deepest nesting of
/// [`with_scratch`] was and as large as the largest; they stay until the thread ends.
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

/// Calls `body` with so many elements on a cache line's boundary. Their content is what was there before.
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
