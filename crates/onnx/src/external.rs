//! Tensors whose bytes lie in another file beside the model.
//!
//! The file's name comes from the model, which may be hostile. It has to be relative, stay below the model's
//! folder (also after symbolic links are followed) and be a regular file. The length is checked before
//! anything is allocated.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::proto::tensor_proto::DataLocation;
use crate::proto::{GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};

/// Whether the bytes of a tensor lie in another file.
pub(crate) fn is_external(proto: &TensorProto) -> bool {
    proto.data_location == Some(DataLocation::External as i32)
}

/// Where external data may be read from.
#[derive(Debug, Clone)]
pub(crate) struct External {
    folder: Option<PathBuf>,
}

impl External {
    /// For models that come from memory, where external data are an error.
    pub(crate) fn none() -> External {
        External { folder: None }
    }

    /// For a model in a file, with external data beside it.
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
        let entry = |key: &str| value_of(entries, key);
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

fn value_of<'a>(entries: &'a [StringStringEntryProto], key: &str) -> Option<&'a str> {
    entries.iter().find(|entry| entry.key.as_deref() == Some(key)).and_then(|entry| entry.value.as_deref())
}

/// The files in which stored tensors of a model lie, each once.
///
/// They are those that [`External::read`] would open.
pub(crate) fn files(model: &ModelProto, external: &External) -> Vec<PathBuf> {
    let mut locations = BTreeSet::new();
    model.graph.iter().for_each(|graph| of_graph(graph, &mut locations));
    model.functions.iter().for_each(|function| of_nodes(&function.node, &mut locations));
    locations.into_iter().filter_map(|location| external.resolve(location).ok()).collect()
}

/// Adds the locations of a graph's tensors.
///
/// Files that nest deeper than the decoder allows do not come this far.
fn of_graph<'a>(graph: &'a GraphProto, locations: &mut BTreeSet<&'a str>) {
    graph.initializer.iter().for_each(|tensor| of_tensor(tensor, locations));
    of_nodes(&graph.node, locations);
}

fn of_nodes<'a>(nodes: &'a [NodeProto], locations: &mut BTreeSet<&'a str>) {
    for attribute in nodes.iter().flat_map(|node| &node.attribute) {
        attribute.t.iter().chain(&attribute.tensors).for_each(|tensor| of_tensor(tensor, locations));
        attribute.g.iter().chain(&attribute.graphs).for_each(|graph| of_graph(graph, locations));
    }
}

fn of_tensor<'a>(tensor: &'a TensorProto, locations: &mut BTreeSet<&'a str>) {
    if is_external(tensor) {
        locations.extend(value_of(&tensor.external_data, "location"));
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

    #[test]
    fn files_are_those_of_stored_tensors_wherever_they_stand() {
        use crate::proto::{AttributeProto, FunctionProto};

        let folder = tempfile::tempdir().unwrap();
        let names = ["a.bin", "b.bin", "c.bin", "d.bin", "unused.bin"];
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "1").unwrap());
        let tensor = |location: &str| TensorProto {
            data_location: Some(1),
            external_data: entries(&[("location", location)]),
            ..TensorProto::default()
        };
        let node =
            |attribute: AttributeProto| NodeProto { attribute: vec![attribute], ..NodeProto::default() };
        let constant =
            |location| node(AttributeProto { t: Some(tensor(location)), ..AttributeProto::default() });
        let branch = GraphProto { node: vec![constant("c.bin")], ..GraphProto::default() };
        let graph = GraphProto {
            initializer: ["a.bin", "a.bin", "none.bin", "../outside.bin"].map(tensor).to_vec(),
            node: vec![
                constant("b.bin"),
                node(AttributeProto { g: Some(branch), ..AttributeProto::default() }),
            ],
            ..GraphProto::default()
        };
        let function = FunctionProto { node: vec![constant("d.bin")], ..FunctionProto::default() };
        let model = ModelProto { graph: Some(graph), functions: vec![function], ..ModelProto::default() };
        let found = files(&model, &External::beside(&folder.path().join("model.onnx")));
        let found: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(found, names[..4]);
    }
}
