//! Reading whole files, gzipped or not, without trusting their size.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::DataError;

/// The largest text file (labels, annotations) that is read.
///
/// The largest known, 1,000 labels with synonyms, has 36 KiB.
const TEXT_LIMIT_BYTES: u64 = 16 << 20;

/// Opens a file for reading.
///
/// A gzipped file, recognised by its first two bytes, is unpacked on the way.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = ediacara_files::open(path).map_err(|source| DataError::read(path, source))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let start = reader.fill_buf().map_err(|source| DataError::read(path, source))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(flate2::bufread::MultiGzDecoder::new(reader)))
    } else {
        Ok(Box::new(reader))
    }
}

/// Reads exactly `count` bytes and then the end of the file, `offset` bytes of which have been read.
///
/// Memory grows with what is really there, not with `count`.
pub(crate) fn read_exactly(
    reader: &mut dyn Read,
    path: &Path,
    offset: usize,
    count: usize,
) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let limit = (count as u64).saturating_add(1);
    if let Err(source) = reader.take(limit).read_to_end(&mut bytes) {
        let at = offset + bytes.len();
        return Err(DataError::format(
            path,
            format!("damaged at byte {at} of what it holds, unpacked: {source}"),
        ));
    }
    if bytes.len() > count {
        return Err(DataError::format(
            path,
            format!("more than the {count} bytes that its header announces"),
        ));
    }
    if bytes.len() < count {
        let (found, at) = (bytes.len(), offset + bytes.len());
        let problem = format!(
            "truncated: {found} of the {count} bytes that its header announces; it ends at byte {at}"
        );
        return Err(DataError::format(path, problem));
    }
    Ok(bytes)
}

/// Reads a text file, gzipped or not, of at most 16 MiB.
pub(crate) fn read_text(path: &Path) -> Result<String, DataError> {
    let mut bytes = Vec::new();
    open(path)?
        .take(TEXT_LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| DataError::read(path, source))?;
    if bytes.len() as u64 > TEXT_LIMIT_BYTES {
        return Err(DataError::format(path, "larger than 16 MiB, so not a list of labels or boxes"));
    }
    String::from_utf8(bytes).map_err(|_| DataError::format(path, "not UTF-8 text"))
}

/// The files of a folder whose extension is `extension`, sorted by name, so that the order is the same on
/// every machine.
pub(crate) fn sorted_files(folder: &Path, extension: &str) -> Result<Vec<std::path::PathBuf>, DataError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|source| DataError::read(folder, source))? {
        let path = entry.map_err(|source| DataError::read(folder, source))?.path();
        if path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
