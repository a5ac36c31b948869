//! Progress on stderr, only on a terminal, and only after a second.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a command works without showing progress.
const UNSEEN: Duration = Duration::from_secs(1);
const STAGE: &str = "{spinner} {msg} ({elapsed})";
const COUNT: &str = "{spinner} {msg} [{wide_bar}] {pos} of {len} ({elapsed})";

/// A spinner with the name of the present stage, or a bar if it is known how much there is to do.
pub(crate) struct Progress {
    bar: ProgressBar,
    counts: Cell<bool>,
}

impl Progress {
    /// A progress that shows nothing if stderr is no terminal.
    pub(crate) fn new() -> Progress {
        let progress = Progress { bar: ProgressBar::hidden(), counts: Cell::new(true) };
        progress.show(false);
        if std::io::stderr().is_terminal() {
            let bar = progress.bar.clone();
            std::thread::spawn(move || {
                std::thread::sleep(UNSEEN);
                if !bar.is_finished() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
            });
        }
        progress
    }

    /// Chooses between the spinner and the bar.
    fn show(&self, counts: bool) {
        if self.counts.replace(counts) != counts
            && let Ok(style) = ProgressStyle::with_template(if counts { COUNT } else { STAGE })
        {
            self.bar.set_style(style);
        }
    }

    /// Names the present stage.
    pub(crate) fn stage(&self, name: &str) {
        self.show(false);
        self.bar.set_message(name.to_owned());
    }

    /// Names the present stage, and how much of it is done.
    pub(crate) fn count(&self, name: &str, done: u64, total: u64) {
        self.show(true);
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(name.to_owned());
    }

    /// Prints something while the spinner is away.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
