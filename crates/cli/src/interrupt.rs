//! What is still done when an interrupt ends the command: what would be lost is written.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is to be done, if anything is.
static LAST: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

fn last() -> MutexGuard<'static, Option<Box<dyn Fn() + Send>>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets an interrupt call `action` before it ends the command, as long as the guard lives.
#[must_use]
pub(crate) fn before_the_end(action: impl Fn() + Send + 'static) -> Guard {
    *last() = Some(Box::new(action));
    Guard
}

/// Takes the action back when it is dropped.
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        *last() = None;
    }
}

/// Does what is to be done; the handler of interrupts calls it.
pub(crate) fn finish() {
    if let Some(action) = &*last() {
        action();
    }
}
