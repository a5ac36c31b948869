//! Tensors whose bytes lie in another file beside the model.
//!
//! The file's name comes from the model, which may be hostile: it has to be relative, stay below the model's folder
//! (also after symbolic links are followed) and be a regular file. The length is checked before anything is allocated.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::proto::StringStringEntryProto;

/// Where external data may be read from.
#[derive(Debug, Clone)]
pub(crate) struct External {
    folder: Option<PathBuf>,
}

impl External {
    /// For models that come from memory: external data are an error.
    pub(crate) fn none() -> External {
        External { folder: None }
    }

    /// For a model in a file: external data lie beside it.
    pub(crate) fn beside(model: &Path) -> External {
        let folder = match model.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        External { folder: Some(folder) }
    }

    /// The `size_bytes` bytes that the entries (`location`, `offset`, `length`) point at.
    pub(crate) fn read(
        &self,
        entries: &[StringStringEntryProto],
        size_bytes: usize,
    ) -> Result<Vec<u8>, String> {
        let entry = |key: &str| {
            entries
                .iter()
                .find(|entry| entry.key.as_deref() == Some(key))
                .and_then(|entry| entry.value.as_deref())
        };
        let location = entry("location")
            .ok_or("its data lie outside of the file, but no location is given; export it again")?;
        let path = self.resolve(location)?;
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text
                .parse::<u64>()
                .map(Some)
                .map_err(|_| format!("the {key} of its external data is '{text}', which is not a number")),
        };
        let offset = number("offset")?.unwrap_or(0);
        if let Some(length) = number("length")?
            && length != size_bytes as u64
        {
            return Err(format!("its shape needs {size_bytes} bytes, but its external data have {length}"));
        }
        let broken =
            |error: std::io::Error| format!("its external data {} cannot be read: {error}", path.display());
        let mut file = ediacara_files::open(&path).map_err(broken)?;
        let metadata = file.metadata().map_err(broken)?;
        if offset.checked_add(size_bytes as u64).is_none_or(|end| end > metadata.len()) {
            return Err(format!(
                "its external data need {size_bytes} bytes from byte {offset} of {}, which has only {}; \
                 fetch that file again",
                path.display(),
                metadata.len()
            ));
        }
        file.seek(SeekFrom::Start(offset)).map_err(broken)?;
        let mut bytes = vec![0; size_bytes];
        file.read_exact(&mut bytes).map_err(broken)?;
        Ok(bytes)
    }

    fn resolve(&self, location: &str) -> Result<PathBuf, String> {
        let Some(folder) = &self.folder else {
            return Err(format!(
                "its data lie in the file '{location}', but the model was given as bytes; import it from its path"
            ));
        };
        let relative = Path::new(location);
        let inside =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        // Backslashes are separators on other systems only, and no exporter writes them.
        if location.is_empty() || !inside || location.contains(['\\', '\0']) {
            return Err(outside(location));
        }
        let path = folder.join(relative);
        let found =
            |error: std::io::Error| format!("its external data {} cannot be read: {error}", path.display());
        let real = path.canonicalize().map_err(found)?;
        let real_folder = folder.canonicalize().map_err(found)?;
        if !real.starts_with(real_folder) {
            return Err(outside(location));
        }
        Ok(real)
    }
}

fn outside(location: &str) -> String {
    format!(
        "its data lie in '{location}', which is not inside the model's folder; such paths are refused, \
         move the data beside the model"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        pairs
            .iter()
            .map(|(key, value)| StringStringEntryProto {
                key: Some((*key).to_owned()),
                value: Some((*value).to_owned()),
            })
            .collect()
    }

    fn check(pairs: &[(&str, &str)], size_bytes: usize, expect: Result<&[u8], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        std::fs::create_dir(&model).unwrap();
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        std::fs::write(model.join("weights.bin"), b"0123456789").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", model.join("link")).unwrap();
        let external = External::beside(&model.join("model.onnx"));
        match (external.read(&entries(pairs), size_bytes), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            (found, expect) => panic!("found {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn reads_the_named_bytes() {
        check(&[("location", "weights.bin")], 3, Ok(b"012"));
        check(&[("location", "./weights.bin"), ("offset", "8"), ("length", "2")], 2, Ok(b"89"));
    }

    #[test]
    fn refuses_paths_that_leave_the_folder() {
        for location in ["../secret", "/etc/passwd", "a/../../secret", "", "..\\secret"] {
            check(&[("location", location)], 3, Err("not inside the model's folder"));
        }
        #[cfg(unix)]
        check(&[("location", "link")], 3, Err("not inside the model's folder"));
    }

    #[test]
    fn refuses_wrong_lengths() {
        check(&[("location", "weights.bin"), ("offset", "8")], 3, Err("has only 10"));
        check(&[("location", "weights.bin"), ("offset", "18446744073709551615")], 3, Err("has only 10"));
        check(&[("location", "weights.bin"), ("length", "4")], 3, Err("have 4"));
        check(&[("location", "weights.bin"), ("offset", "x")], 3, Err("not a number"));
        check(&[("location", ".")], 3, Err("is a directory"));
        check(&[("location", "missing")], 3, Err("cannot be read"));
        check(&[], 3, Err("no location"));
    }
}
