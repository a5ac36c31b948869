//! Runs the system's `curl` and reads its output here.
//!
//! So nothing goes on when this process ends, and this process knows each byte that comes.

use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a transfer ended.
pub(super) enum Transfer {
    /// The server sent all that it had to send.
    Ended,
    /// More came than was expected.
    TooMuch,
    /// The server cannot start in the middle of a file.
    NoResume,
    /// The transfer broke off; the same server may do better at once or in a moment.
    Broken(String),
    /// This server will not give the file.
    Refused(String),
    /// No server can be reached from this machine.
    Unreachable(String),
}

/// What stops a transfer for good.
pub(super) enum Stop {
    /// `curl` could not be started.
    Start(std::io::Error),
    /// The file could not be written.
    Write(std::io::Error),
}

/// Appends to `file` the bytes at `address`, from where the file ends, up to `limit` bytes in all.
///
/// `progress` is told the length so far.
pub(super) fn append(
    curl: &Path,
    address: &str,
    file: &mut std::fs::File,
    limit: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Transfer, Stop> {
    let mut length = file.seek(std::io::SeekFrom::End(0)).map_err(Stop::Write)?;
    let child = command(curl, address, length).spawn().map_err(Stop::Start)?;
    // Whatever happens below, no curl stays behind.
    let mut child = Guard(child);
    let Some(mut output) = child.0.stdout.take() else {
        return Err(Stop::Start(std::io::Error::other("its output cannot be read")));
    };
    let mut buffer = vec![0_u8; 1 << 16];
    let broken = loop {
        let count = match output.read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => break Some(error.to_string()),
        };
        if length + count as u64 > limit {
            return Ok(Transfer::TooMuch);
        }
        file.write_all(&buffer[..count]).map_err(Stop::Write)?;
        length += count as u64;
        progress(length);
    };
    let mut message = String::new();
    if let Some(mut errors) = child.0.stderr.take() {
        // A message that cannot be read counts as a missing message, not as another error.
        let _ = errors.read_to_string(&mut message);
    }
    let status = child.0.wait().map_err(Stop::Start)?;
    Ok(match (broken, status.code()) {
        (Some(error), _) => Transfer::Broken(error),
        (None, Some(0)) => Transfer::Ended,
        (None, code) => classify(code, message.trim()),
    })
}

/// `curl` for `address` from byte `start`.
///
/// It does not read the user's settings file, whose options could change the output. It asks for nothing but
/// the file itself. It takes proxies from the environment.
fn command(curl: &Path, address: &str, start: u64) -> Command {
    let mut command = Command::new(curl);
    command
        .args(["--disable", "--silent", "--show-error", "--fail", "--location", "--globoff"])
        .args(["--proto", "=http,https,file", "--proto-redir", "=http,https", "--max-redirs", "10"])
        // A connection that brings nothing for a minute is dead.
        .args(["--connect-timeout", "30", "--speed-limit", "1", "--speed-time", "60"]);
    if start > 0 {
        command.arg("--continue-at").arg(start.to_string());
    }
    command.arg("--url").arg(address);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The meaning of curl's exit status, whose numbers are those of its manual's section EXIT CODES.
fn classify(code: Option<i32>, message: &str) -> Transfer {
    let text = if message.is_empty() {
        code.map_or("curl was ended by a signal".to_owned(), |code| format!("curl ended with status {code}"))
    } else {
        message.to_owned()
    };
    match code {
        Some(33 | 36) => Transfer::NoResume,
        // The start lies beyond the end: the file here is longer than the server's.
        Some(22) if message.contains(" 416") => Transfer::NoResume,
        // Too many requests, or a server in trouble.
        Some(22) if message.contains(" 429") || message.contains("error: 5") => Transfer::Broken(text),
        // A partial file, a time-out, an empty reply, a failure to send or receive, HTTP/2 streams cut off.
        Some(16 | 18 | 28 | 52 | 55 | 56 | 92 | 95) | None => Transfer::Broken(text),
        // Proxy or host not resolved, no connection.
        Some(5..=7) => Transfer::Unreachable(text),
        _ => Transfer::Refused(text),
    }
}

/// Ends the process when dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
