//! Other frameworks, `peers.py` and `rust-peers`, each in its own process that answers a line with a line.
//!
//! They print `ready` when they are ready.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A pause in which the threads of the previous framework go to sleep.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// Starts a framework by its name, on a network or a network's file, with a number of threads; nothing if it
/// is not installed.
pub(crate) type Start = fn(&'static str, &str, usize) -> Option<Peer>;

/// A framework that is running and waits to be asked.
pub(crate) struct Peer {
    /// Its name in tables.
    pub(crate) name: &'static str,
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a framework of `peers.py`.
    pub(crate) fn python(name: &'static str, what: &str, threads: usize) -> Option<Peer> {
        let python = root().join("target/bench-venv/bin/python");
        let script = root().join("benches/peers.py");
        Peer::start(name, Command::new(python).arg(script).args([name, what, &threads.to_string()]))
    }

    /// Starts a framework of `rust-peers`.
    pub(crate) fn rust(name: &'static str, what: &str, threads: usize) -> Option<Peer> {
        let program = root().join("target/bench-peers/release/rust-peers");
        let threads = threads.to_string();
        let mut command = Command::new(program);
        // candle reads the number of threads there.
        command.args([name, what, &threads]).env("RAYON_NUM_THREADS", &threads);
        Peer::start(name, &mut command)
    }

    fn start(name: &'static str, command: &mut Command) -> Option<Peer> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let ask = child.stdin.take()?;
        let answers = BufReader::new(child.stdout.take()?);
        let mut peer = Peer { name, child, ask, answers };
        (peer.line()? == "ready").then_some(peer)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).ok()?;
        Some(line.trim().to_owned())
    }

    /// The answer to a question, `measure` or `outputs`; nothing if the framework has stopped.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        self.ask.write_all(format!("{question}\n").as_bytes()).ok()?;
        self.line().filter(|line| !line.is_empty())
    }

    /// One measurement; nothing if the framework has stopped.
    pub(crate) fn measure(&mut self) -> Option<f64> {
        self.ask("measure")?.parse().ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The median of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
