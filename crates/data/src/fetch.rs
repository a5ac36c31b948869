//! Fetches the public data sets from their mirrors, and is the only code of Ediacara that reaches the
//! network.
//!
//! The system's `curl` downloads a file beside its place, as `NAME.part`. The file gets its name only when
//! its size and SHA-256 are those of [`CATALOGUE`]. An interrupted download goes on where it stopped, within
//! a call and in the next one. Start reading at [`fetch`].

mod catalogue;
mod curl;
mod error;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use catalogue::{CATALOGUE, RemoteFile, Source};
pub use error::FetchError;

use curl::{Stop, Transfer};

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Options {
    /// The one mirror to use instead of the published ones: the address of a folder that holds the files.
    pub mirror: Option<String>,
    /// The program that downloads.
    pub curl: PathBuf,
    /// How long to wait before asking again a server that broke off without sending anything.
    pub pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { mirror: None, curl: "curl".into(), pause: Duration::from_secs(2) }
    }
}

/// How often a transfer that sends nothing new is tried.
///
/// A transfer that does send something is never given up.
/// up.
const IDLE_ATTEMPTS: usize = 3;

/// The file in a set's folder that is there while the set is fetched.
const LOCK: &str = ".lock";

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes on this machine.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// The outcome for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// The file was there, and is the published one.
    Present,
    /// The file was downloaded; `resumed` of its bytes had come in an earlier call.
    Downloaded {
        /// Bytes that were there before.
        resumed: u64,
    },
}

/// The entry of a set in a table such as [`CATALOGUE`].
pub fn source<'a>(table: &'a [Source], name: &str) -> Result<&'a Source, FetchError> {
    table.iter().find(|source| source.set.name() == name).ok_or_else(|| FetchError::UnknownSet {
        name: name.to_owned(),
        known: table.iter().map(|source| source.set.name()).collect::<Vec<_>>().join(", "),
    })
}

/// Brings every file of a set into the folder `to`/NAME, which is made if need be.
///
/// Returns the outcome for each file, in the order of the entry. A file that is there is verified, and never
/// changed. On an error, whole files stay, and a part of another waits beside its place for the next call.
pub fn fetch(
    source: &Source,
    to: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Fetched>, FetchError> {
    let mirrors = mirrors(source, options)?;
    let folder = to.join(source.set.name());
    // Sets that are whole are only read, so that they may lie in folders that nobody can write.
    if source.files.iter().all(|file| folder.join(file.name).exists()) {
        return source
            .files
            .iter()
            .map(|file| present(file, &folder.join(file.name)).map(|()| Fetched::Present))
            .collect();
    }
    std::fs::create_dir_all(&folder).map_err(|error| FetchError::file("create", &folder, error))?;
    let lock = lock(&folder)?;
    let fetched = source
        .files
        .iter()
        .map(|file| {
            let path = folder.join(file.name);
            if path.exists() {
                return present(file, &path).map(|()| Fetched::Present);
            }
            let mut tell = |done| progress(Progress { file: file.name, done, total: file.bytes });
            Download { file, path: &path, mirrors: &mirrors, options }.run(&mut tell)
        })
        .collect();
    clear(source, &folder);
    drop(lock);
    fetched
}

/// Removes what holds nothing: the lock, a part without a byte, a folder without a file.
///
/// So a fetch that brought nothing leaves nothing that looks like a set. What cannot be removed does no harm.
fn clear(source: &Source, folder: &Path) {
    let _ = std::fs::remove_file(folder.join(LOCK));
    for file in source.files {
        let part = part_of(&folder.join(file.name));
        if std::fs::metadata(&part).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
            let _ = std::fs::remove_file(&part);
        }
    }
    let _ = std::fs::remove_dir(folder);
}

/// The addresses of folders to try, each with a slash at its end.
fn mirrors(source: &Source, options: &Options) -> Result<Vec<String>, FetchError> {
    let Some(address) = &options.mirror else {
        return Ok(source.mirrors.iter().map(|&mirror| mirror.to_owned()).collect());
    };
    let known = ["http://", "https://", "file://"];
    if !known.iter().any(|scheme| address.len() > scheme.len() && address.starts_with(scheme)) {
        return Err(FetchError::Mirror { address: address.clone() });
    }
    Ok(vec![format!("{}/", address.trim_end_matches('/'))])
}

/// Holds the set's folder against another process that fetches.
///
/// The lock is freed when the file is dropped, or when the process ends.
fn lock(folder: &Path) -> Result<File, FetchError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(|error| FetchError::file("write", &path, error))?;
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Err(FetchError::Busy { folder: folder.to_path_buf() }),
        // A file system without locks is taken for one that nobody else uses.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => Ok(file),
    }
}

/// Asserts that a file is the published one.
fn present(file: &RemoteFile, path: &Path) -> Result<(), FetchError> {
    match difference(file, path)? {
        None => Ok(()),
        Some((expected, found)) => Err(FetchError::Different { path: path.to_path_buf(), expected, found }),
    }
}

/// What a file should be and what it is instead, if it is not the published one.
fn difference(file: &RemoteFile, path: &Path) -> Result<Option<(String, String)>, FetchError> {
    let read = |error| FetchError::file("read", path, error);
    let bytes = std::fs::metadata(path).map_err(read)?.len();
    if bytes != file.bytes {
        return Ok(Some((format!("{} bytes", file.bytes), format!("{bytes} bytes"))));
    }
    let mut digest = Sha256::new();
    let mut reader = File::open(path).map_err(read)?;
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        match std::io::Read::read(&mut reader, &mut buffer) {
            Ok(0) => break,
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read(error)),
        }
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((found != file.sha256).then(|| (format!("SHA-256 {}", file.sha256), format!("SHA-256 {found}"))))
}

/// One file that is not there yet.
struct Download<'a> {
    file: &'a RemoteFile,
    path: &'a Path,
    mirrors: &'a [String],
    options: &'a Options,
}

/// Why one mirror failed.
struct Failure {
    reason: String,
    unreachable: bool,
}

impl Download<'_> {
    fn run(&self, progress: &mut dyn FnMut(u64)) -> Result<Fetched, FetchError> {
        let part = part_of(self.path);
        let resumed = std::fs::metadata(&part).map_or(0, |metadata| metadata.len());
        let mut attempts = String::new();
        let mut unreachable = true;
        for mirror in self.mirrors {
            let address = format!("{mirror}{}", self.file.name);
            match self.from(&address, &part, progress)? {
                Ok(()) => {
                    std::fs::rename(&part, self.path)
                        .map_err(|error| FetchError::file("rename to", self.path, error))?;
                    return Ok(Fetched::Downloaded { resumed });
                }
                Err(failure) => {
                    unreachable &= failure.unreachable;
                    attempts += &format!("  {address}: {}\n", failure.reason);
                }
            }
        }
        let advice = if unreachable {
            "Is there a network? Behind a proxy, set https_proxy; on a machine without one, download elsewhere and give \
             the folder with --mirror file:///FOLDER"
        } else {
            "Try again later, or another server with --mirror URL; what came so far is kept"
        };
        Err(FetchError::Download { file: self.file.name.to_owned(), attempts, advice: advice.to_owned() })
    }

    /// Completes and verifies `part` from one mirror.
    ///
    /// An earlier call may have left a part of another file, or a damaged one. If the whole is not right, it
    /// is downloaded once more from the start.
    fn from(
        &self,
        address: &str,
        part: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Result<(), Failure>, FetchError> {
        let refused = |reason| Ok(Err(Failure { reason, unreachable: false }));
        let mut restarted = false;
        loop {
            let open = std::fs::OpenOptions::new().append(true).create(true).open(part);
            let mut output = open.map_err(|error| FetchError::file("write", part, error))?;
            let length = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
            let kept = length(&output);
            let outcome = if kept < self.file.bytes {
                self.complete(address, &mut output, progress)?
            } else {
                Transfer::Ended
            };
            match outcome {
                Transfer::Ended => {}
                Transfer::NoResume if !restarted => {
                    restarted = true;
                    restart(part)?;
                    continue;
                }
                Transfer::NoResume => {
                    return refused("it broke off and cannot go on in the middle".to_owned());
                }
                Transfer::TooMuch => {
                    restart(part)?;
                    if kept > 0 {
                        continue;
                    }
                    return refused(format!("it sends more than the expected {} bytes", self.file.bytes));
                }
                Transfer::Broken(reason) | Transfer::Refused(reason) => return refused(reason),
                Transfer::Unreachable(reason) => return Ok(Err(Failure { reason, unreachable: true })),
            }
            output.sync_all().map_err(|error| FetchError::file("write", part, error))?;
            drop(output);
            let Some((expected, found)) = difference(self.file, part)? else { return Ok(Ok(())) };
            restart(part)?;
            if kept == 0 {
                return refused(format!("not the published file: expected {expected}, found {found}"));
            }
        }
    }

    /// Appends until the server has nothing more to send, and starts again where it broke off.
    fn complete(
        &self,
        address: &str,
        output: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Transfer, FetchError> {
        let mut idle = 0;
        loop {
            let mut came = false;
            let mut done = 0;
            let mut tell = |bytes| {
                came = true;
                done = bytes;
                progress(bytes);
            };
            let transfer = curl::append(&self.options.curl, address, output, self.file.bytes, &mut tell)
                .map_err(|stop| self.stopped(stop, address, output))?;
            idle = if came { 0 } else { idle + 1 };
            match transfer {
                // All bytes are here, so that it does not matter that the server broke off afterwards.
                Transfer::Broken(_) if done == self.file.bytes => return Ok(Transfer::Ended),
                Transfer::Broken(_) if came => {}
                Transfer::Broken(_) if idle < IDLE_ATTEMPTS => std::thread::sleep(self.options.pause),
                other => return Ok(other),
            }
        }
    }

    fn stopped(&self, stop: Stop, address: &str, output: &File) -> FetchError {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_path_buf();
        let part = part_of(self.path);
        match stop {
            Stop::Start(source) => FetchError::NoCurl {
                program: self.options.curl.clone(),
                address: address.to_owned(),
                folder,
                source,
            },
            Stop::Write(error) if is_full(&error) => {
                let kept = output.metadata().map_or(0, |metadata| metadata.len());
                FetchError::DiskFull { path: part, missing: self.file.bytes.saturating_sub(kept) }
            }
            Stop::Write(error) => FetchError::file("write", &part, error),
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// The place of a file while it comes.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn restart(part: &Path) -> Result<(), FetchError> {
    std::fs::remove_file(part).map_err(|error| FetchError::file("delete", part, error))
}

/// How much of a set is in a folder, by names and sizes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Every file, each of the published size.
    Complete,
    /// Every file, but some of another size: a copy that was packed differently.
    Different,
    /// Some files.
    Partial,
    /// No file.
    Absent,
}

/// Looks for the files of a set in its folder.
pub fn presence(source: &Source, folder: &Path) -> Presence {
    let sizes: Vec<Option<u64>> = source
        .files
        .iter()
        .map(|file| std::fs::metadata(folder.join(file.name)).ok().map(|metadata| metadata.len()))
        .collect();
    if sizes.iter().all(Option::is_none) {
        Presence::Absent
    } else if sizes.iter().any(Option::is_none) {
        Presence::Partial
    } else if sizes.iter().zip(source.files).all(|(&bytes, file)| bytes == Some(file.bytes)) {
        Presence::Complete
    } else {
        Presence::Different
    }
}
