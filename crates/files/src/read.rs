//! Opening and reading.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The largest text that is read, in bytes: a network of a million instructions disassembles to 100 MB.
const TEXT_LIMIT_BYTES: u64 = 1 << 30;

/// Opens a regular file for reading.
///
/// # Errors
/// There is no such file, or the path is something else: a folder, a pipe, a device. The path is checked
/// before it is opened, because opening a pipe waits for its writer.
pub fn open(path: &Path) -> Result<File> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "is a directory; name a file in it"));
    }
    if !metadata.is_file() {
        let problem = "is no regular file but a pipe, a socket or a device; copy what it gives into a file";
        return Err(Error::new(ErrorKind::InvalidInput, problem));
    }
    File::open(path)
}

/// Reads a regular file of at most `limit_bytes`.
///
/// # Errors
/// Those of [`open`]. Also, the file is larger, or memory does not suffice for it.
pub fn read(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let too_large = |length| {
        Err(Error::new(ErrorKind::FileTooLarge, format!("has {length}, the limit is {limit_bytes}")))
    };
    if length > limit_bytes {
        return too_large(format!("{length} bytes"));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|_| {
        Error::new(ErrorKind::OutOfMemory, format!("has {length} bytes, for which memory does not suffice"))
    })?;
    // The file may grow while it is read.
    file.take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return too_large("more bytes than that while it is read".to_owned());
    }
    Ok(bytes)
}

/// Reads a regular file of text in UTF-8, of at most 1 GiB.
///
/// # Errors
/// Those of [`read()`]. Also, the file is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, TEXT_LIMIT_BYTES)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidData, format!("is no text in UTF-8: byte {at} begins no character"))
    })
}

/// Whether two paths lead to one existing file, whatever links are on the way.
pub fn same_file(left: &Path, right: &Path) -> bool {
    match (fs::metadata(left), fs::metadata(right)) {
        (Ok(left_data), Ok(right_data)) => same(left, right, &left_data, &right_data),
        _ => false,
    }
}

#[cfg(unix)]
fn same(_: &Path, _: &Path, left: &fs::Metadata, right: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    // Hard links have paths of their own, but one inode.
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

#[cfg(not(unix))]
fn same(left: &Path, right: &Path, _: &fs::Metadata, _: &fs::Metadata) -> bool {
    fs::canonicalize(left).ok().zip(fs::canonicalize(right).ok()).is_some_and(|(left, right)| left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused_with_both_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "123456").unwrap();
        assert_eq!(read(&path, 6).unwrap(), b"123456");
        assert_eq!(read(&path, 5).unwrap_err().to_string(), "has 6 bytes, the limit is 5");
        assert_eq!(open(folder.path()).unwrap_err().to_string(), "is a directory; name a file in it");
        assert_eq!(open(&folder.path().join("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_text_is_named_by_its_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, b"ab\xff").unwrap();
        let error = read_text(&path).unwrap_err().to_string();
        assert_eq!(error, "is no text in UTF-8: byte 2 begins no character");
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_refused_before_they_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Opening it would wait for a writer that never comes.
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let error = read(path, 100).unwrap_err().to_string();
            assert!(error.starts_with("is no regular file but a pipe"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_of_both_kinds_lead_to_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("x"), "1").unwrap();
        fs::write(at("y"), "1").unwrap();
        fs::hard_link(at("x"), at("hard")).unwrap();
        std::os::unix::fs::symlink("x", at("soft")).unwrap();
        for other in ["x", "hard", "soft", "./x"] {
            assert!(same_file(&at("x"), &at(other)), "{other}");
        }
        assert!(!same_file(&at("x"), &at("y")) && !same_file(&at("none"), &at("none")));
    }
}
