//! The running harness.

use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use crate::RtlError;
use crate::protocol::{Chunk, Request};

/// How many bytes of the harness's standard error are kept.
const MESSAGE_BYTES: usize = 4_000;

/// A harness that waits for requests, and that ends when this value is dropped.
pub(crate) struct Process {
    program: PathBuf,
    child: Child,
    requests: BufWriter<ChildStdin>,
    replies: BufReader<ChildStdout>,
    messages: Option<JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(program: &Path, wave: Option<&Path>) -> Result<Process, RtlError> {
        let failed = |source| RtlError::Program { program: program.to_owned(), source };
        let mut child = Command::new(program)
            .args(wave)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()));
        };
        // Standard error is read all along, so that the harness never waits for somebody to listen.
        let messages = std::thread::spawn(move || {
            let (mut kept, mut piece) = (Vec::new(), [0; 1024]);
            while let Ok(length @ 1..) = stderr.read(&mut piece) {
                kept.extend(&piece[..length]);
                kept.drain(..kept.len().saturating_sub(MESSAGE_BYTES));
            }
            String::from_utf8_lossy(&kept).into_owned()
        });
        Ok(Process {
            program: program.to_owned(),
            child,
            requests: BufWriter::new(stdin),
            replies: BufReader::with_capacity(1 << 17, stdout),
            messages: Some(messages),
        })
    }

    pub(crate) fn send(&mut self, request: &Request<'_>) -> Result<(), RtlError> {
        request.write(&mut self.requests).map_err(|error| self.broken(&error))
    }

    pub(crate) fn receive(&mut self) -> Result<Chunk, RtlError> {
        Chunk::read(&mut self.replies).map_err(|error| self.broken(&error))
    }

    fn broken(&mut self, error: &std::io::Error) -> RtlError {
        let _ = self.child.kill();
        let messages = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        RtlError::Broken { what: format!("{} said {error}", self.program.display()), messages }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be in the middle of a run that nobody wants any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
