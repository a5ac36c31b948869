//! Signals that end the command, and the work that is still done then.
//!
//! What would be lost is written, and half-written files are removed.

use std::ffi::c_int;
use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGINT, SIGTERM};

/// The base of a shell's status for a command that a signal ended; the signal's number is added.
const BY_SIGNAL: c_int = 128;

#[cfg(unix)]
const SIGNALS: [c_int; 3] = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: [c_int; 2] = [SIGINT, SIGTERM];

/// The action to take, if there is one.
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

/// Lets SIGINT, SIGTERM and SIGHUP end the command as they always do, but cleans up first.
///
/// The status is the one that a shell gives for each signal. A training keeps what it has drawn, and no
/// half-written file stays beside the one that it was to replace.
///
/// A signal that is ignored stays ignored: a shell's background job ignores SIGINT, and a command under nohup
/// ignores SIGHUP.
pub(crate) fn clean_up_when_interrupted() {
    let signals: Vec<c_int> = SIGNALS.into_iter().filter(|&signal| !is_ignored(signal)).collect();
    // The thread catches signals itself. Without it they end the command as if nobody waited for them, and
    // the next write to the same place removes what they leave.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = first_of(&signals) {
            if let Some(action) = &*last() {
                action();
            }
            ediacara::files::abandon_writes();
            std::process::exit(BY_SIGNAL + signal);
        }
    });
}

/// Waits for the first of some signals; none if they cannot be caught.
#[cfg(unix)]
fn first_of(signals: &[c_int]) -> Option<c_int> {
    signal_hook::iterator::Signals::new(signals).ok()?.forever().next()
}

/// Waits for the first of some signals; none if they cannot be caught.
#[cfg(not(unix))]
fn first_of(signals: &[c_int]) -> Option<c_int> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let found = Arc::new(AtomicUsize::new(0));
    for &signal in signals {
        signal_hook::flag::register_usize(signal, Arc::clone(&found), signal as usize).ok()?;
    }
    loop {
        match found.load(Ordering::SeqCst) {
            0 => std::thread::sleep(std::time::Duration::from_millis(20)),
            signal => return Some(signal as c_int),
        }
    }
}

/// Whether the starter of the command made it ignore a signal.
#[cfg(unix)]
fn is_ignored(signal: c_int) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // Outside Linux nothing tells this without `unsafe`. A handler for SIGHUP would then undo nohup.
    ignored(&status).map_or(signal == signal_hook::consts::SIGHUP, |ignored| ignored >> (signal - 1) & 1 == 1)
}

/// Whether the starter of the command made it ignore a signal.
#[cfg(not(unix))]
fn is_ignored(_: c_int) -> bool {
    false
}

/// The set of ignored signals in `/proc/PID/status`: bit 0 is signal 1.
#[cfg(unix)]
fn ignored(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::ignored;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        // From a process under nohup, started by Rust, which ignores SIGPIPE (13): bits 0 and 12.
        let status =
            "Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert_eq!(ignored(status), Some(1 | 1 << 12));
        assert_eq!(ignored("Name:\tx\n"), None);
    }
}
