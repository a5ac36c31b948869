//! Writes that leave either the old file or the whole new one.
//!
//! A file is written beside its place, as `.NAME.PID-NUMBER.tmp`, and renamed when it is whole. It is locked
//! while it is written. A temporary file that nobody locks was left by a killed process. The next write to
//! the same place removes it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

type Result<T, E = Error> = std::result::Result<T, E>;

/// The most symbolic links that are followed in a row: a longer chain is taken for a circle.
const LINK_LIMIT: usize = 40;
/// How often a temporary file is made again after another process took it for abandoned.
const ATTEMPTS: usize = 100;
/// The end of a temporary file's name.
const TEMPORARY: &str = ".tmp";

/// The temporary files that this process is writing.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
/// How many temporary files this process has made: the number in their names.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Lets `write` fill a temporary file beside `path`, which takes the place of `path` when all is written.
///
/// A symbolic link stays, and the file that it leads to is replaced. The new file has the old one's
/// permissions.
///
/// # Errors
/// Those of `write`. Also, the file cannot be written, is read-only, or is not a regular file. What was at
/// `path` before is then still there.
pub fn write_atomically<E: From<Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let target = target_of(path)?;
    clear_abandoned(&target);
    let (temporary, file) = Temporary::beside(&target)?;
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.flush()?;
    if let Ok(old) = fs::metadata(&target) {
        writer.get_ref().set_permissions(old.permissions())?;
    }
    writer.get_ref().sync_all()?;
    Ok(temporary.replace(&target)?)
}

/// The file that [`write_atomically`] would replace or make, if it could begin to, with symbolic links
/// followed.
///
/// # Errors
/// The path is not a regular file, the file is read-only, or no file can be made beside it.
pub fn check_writable(path: &Path) -> Result<PathBuf> {
    let target = target_of(path)?;
    Temporary::beside(&target)?;
    let folder = fs::canonicalize(folder_of(&target))?;
    Ok(folder.join(target.file_name().unwrap_or_default()))
}

/// Removes the files that this process has not finished writing, and lets it begin no more.
///
/// It is for a process that was interrupted and is about to end.
pub fn abandon_writes() {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // Nobody is left to hear of a file that could not be removed. The next write to its place tries
        // again.
        let _ = fs::remove_file(path);
    }
    // The lock stays held, so that whoever begins or finishes a write waits until the process ends.
    std::mem::forget(unfinished);
}

/// Where a path leads when all symbolic links are followed: to a regular file, or to nothing yet.
fn target_of(path: &Path) -> Result<PathBuf> {
    let refused = |problem: &str| Error::new(ErrorKind::InvalidInput, problem.to_owned());
    // Only the system can follow links that are not the file system's own, such as those of /dev/stdout.
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(refused("is a directory; name a file in it"));
        }
        Ok(metadata) if !metadata.is_file() => {
            return Err(refused("is no regular file, and is not replaced by one; name another place"));
        }
        Ok(metadata) if metadata.permissions().readonly() => {
            let problem = "is read-only, and is not replaced; make it writable or name another place";
            return Err(Error::new(ErrorKind::PermissionDenied, problem));
        }
        _ => {}
    }
    let mut target = path.to_owned();
    for _ in 0..LINK_LIMIT {
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&target)?;
                target = target.parent().unwrap_or(Path::new("")).join(link);
            }
            Ok(_) => return Ok(target),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(target),
            Err(error) => return Err(error),
        }
    }
    Err(refused("is a symbolic link that leads in a circle; remove it"))
}

/// A file that is being written, which is removed on drop unless it has been renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// A new file beside `target`, locked.
    fn beside(target: &Path) -> Result<(Temporary, File)> {
        for _ in 0..ATTEMPTS {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut name = prefix(target);
            name.push(format!("{}-{number}{TEMPORARY}", std::process::id()));
            let path = target.with_file_name(name);
            let mut unfinished = unfinished();
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                outcome => outcome?,
            };
            unfinished.insert(path.clone());
            drop(unfinished);
            let temporary = Temporary { path, renamed: false };
            // Where the file system has no locks, nothing is ever taken for abandoned.
            let _ = file.lock();
            // Another process may have taken it for abandoned after it was made and before it was locked.
            if temporary.path.exists() {
                return Ok((temporary, file));
            }
        }
        Err(Error::other("its temporary file is removed again and again by another process"))
    }

    /// Takes the place of `target`.
    fn replace(mut self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        // The rename lasts once the folder is on the disk. Some systems cannot open or synchronise a folder,
        // but the file is there all the same.
        if let Ok(folder) = File::open(folder_of(target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        unfinished().remove(&self.path);
        if !self.renamed {
            // The error that is reported is the one that came first.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The beginning of the names of all temporary files of a target.
fn prefix(target: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// Removes the temporary files of `target` that nobody is writing any more.
///
/// A file that cannot be removed does no harm.
fn clear_abandoned(target: &Path) {
    let prefix = prefix(target);
    let Ok(entries) = fs::read_dir(folder_of(target)) else { return };
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name(), &prefix)) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let Some(file) = is_file.then(|| File::open(entry.path()).ok()).flatten() else { continue };
        if file.try_lock().is_ok() {
            // The file is removed while it is locked, so that a writer that has only just made it notices.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a name is the prefix, then a process's number, alone or with a count, then the end of a temporary
/// file.
fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
    let middle = middle.and_then(|rest| rest.strip_suffix(TEMPORARY.as_bytes()));
    let number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    middle.is_some_and(|middle| {
        let mut parts = middle.split(|&byte| byte == b'-');
        parts.next().is_some_and(number) && parts.next().is_none_or(number) && parts.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> Result<()> {
        write_atomically(path, |file| file.write_all(text.as_bytes()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let kept = [".x.12-3-4.tmp", ".x.1x.tmp", ".x.tmp", ".xy.12-3.tmp", ".y.12-3.tmp", "x.12-3.tmp"];
        for name in [".x.12.tmp", ".x.4000000000-7.tmp"].into_iter().chain(kept) {
            fs::write(folder.path().join(name), "half").unwrap();
        }
        let held = folder.path().join(".x.99-1.tmp");
        let other = File::create(&held).unwrap();
        other.lock().unwrap();
        write(&path, "whole").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        let mut expected = [&kept[..], &[".x.99-1.tmp", "x"]].concat();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
        drop(other);
        write(&path, "again").unwrap();
        assert!(!held.exists());
    }

    #[test]
    fn many_writers_of_one_file_leave_it_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::thread::scope(|scope| {
            for letter in ["a", "b", "c", "d"] {
                let path = &path;
                scope.spawn(move || (0..20).for_each(|_| write(path, &letter.repeat(10_000)).unwrap()));
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() == 10_000 && text.bytes().all(|byte| byte == text.as_bytes()[0]));
        assert_eq!(names(folder.path()), ["x"]);
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), "text").unwrap_err().to_string();
        assert_eq!(error, "is a directory; name a file in it");
        assert!(check_writable(folder.path()).is_err());
        assert!(check_writable(&folder.path().join("none/x")).is_err());
        let path = check_writable(&folder.path().join("x")).unwrap();
        assert_eq!(path, fs::canonicalize(folder.path()).unwrap().join("x"));
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_read_only_one_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        write(&path, "old").unwrap();
        mode(0o640);
        write(&path, "new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        mode(0o440);
        for error in [write(&path, "third").unwrap_err(), check_writable(&path).map(drop).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["x"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_sockets_are_not_replaced() {
        use std::os::unix::fs::{FileTypeExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("inner/x"), "old").unwrap();
        symlink("inner/x", at("link")).unwrap();
        symlink("link", at("second")).unwrap();
        symlink("inner/none", at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        write(&at("second"), "new").unwrap();
        write(&at("dangling"), "made").unwrap();
        assert_eq!(fs::read_to_string(at("inner/x")).unwrap(), "new");
        assert_eq!(fs::read_to_string(at("inner/none")).unwrap(), "made");
        for link in ["link", "second", "dangling"] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        }
        assert_eq!(check_writable(&at("link")).unwrap(), fs::canonicalize(at("inner/x")).unwrap());
        let error = write(&at("circle"), "text").unwrap_err().to_string();
        assert!(error.contains("in a circle"), "{error}");
        let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        symlink("socket", at("to_socket")).unwrap();
        for name in ["socket", "to_socket"] {
            let error = write(&at(name), "text").unwrap_err().to_string();
            assert!(error.contains("is no regular file"), "{name}: {error}");
        }
        assert!(fs::symlink_metadata(at("socket")).unwrap().file_type().is_socket());
    }
}
