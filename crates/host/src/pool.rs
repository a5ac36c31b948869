//! The threads that operators use.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::HostError;

/// A pool of so many threads, or of one thread for each processor that the process may use.
///
/// A pool that has a thread for every processor keeps each thread on its own processor. The threads of a
/// network of many short steps sleep and wake all the time. A scheduler that wakes two of them on one
/// processor leaves them there for milliseconds. A smaller pool is left to the scheduler, which knows what
/// else runs.
pub(crate) fn of_threads(threads: Option<usize>) -> Result<ThreadPool, HostError> {
    let processors = core_affinity::get_core_ids().unwrap_or_default();
    let count = threads.unwrap_or_else(|| processors.len().max(1));
    let builder = ThreadPoolBuilder::new().num_threads(count);
    let built = if count == processors.len() {
        let keep = move |index: usize| {
            if let Some(&processor) = processors.get(index) {
                // A processor that cannot be had does not stop the run.
                core_affinity::set_for_current(processor);
            }
        };
        builder.start_handler(keep).build()
    } else {
        builder.build()
    };
    built.map_err(|error| HostError::Threads { threads: count, problem: error.to_string() })
}

/// The pool of all executors that ask for no number of threads.
pub(crate) fn common() -> Result<&'static ThreadPool, HostError> {
    static COMMON: OnceLock<ThreadPool> = OnceLock::new();
    match COMMON.get() {
        Some(pool) => Ok(pool),
        None => {
            let pool = of_threads(None)?;
            Ok(COMMON.get_or_init(|| pool))
        }
    }
}
