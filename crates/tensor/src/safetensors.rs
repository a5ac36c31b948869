//! safetensors: named tensors behind a JSON header (format of huggingface/safetensors 0.3 and later).

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::file::{in_file, write_atomically};
use crate::{DType, Result, Tensor, TensorError};

/// The entry of a file's metadata that holds the SHA-256 of each tensor: lines of digits, a space, and the
/// name.
const DIGESTS: &str = "sha256";
/// Digits of a SHA-256 that a message shows.
const SHOWN_DIGITS: usize = 16;

fn invalid(problem: impl Into<String>) -> TensorError {
    TensorError::Format { format: "safetensors", problem: problem.into() }
}

/// Reads every tensor of a file, by name.
///
/// # Errors
/// The file cannot be read, is no valid safetensors file, or holds an element type this project does not
/// know.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bytes = crate::file::read(path)?;
    read_bytes(&bytes).map_err(in_file(path))
}

/// Reads every tensor from memory, by name.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| invalid(where_it_ends(bytes, &error.to_string())))?;
    let mut tensors = Vec::new();
    for (name, view) in file.tensors() {
        let dtype = from_dtype(view.dtype())
            .ok_or_else(|| invalid(format!("tensor `{name}` has the unsupported type {:?}", view.dtype())))?;
        let tensor = Tensor::from_bytes(dtype, view.shape(), view.data().to_vec());
        let tensor = tensor.map_err(|error| invalid(format!("tensor `{name}`: {error}")))?;
        tensors.push((name, tensor));
    }
    tensors.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(tensors)
}

/// Reads every tensor of a file that [`write_with_digests`] wrote, by name, and verifies each.
///
/// # Errors
/// Those of [`read`]. Also, the file holds no digests, or a tensor is missing or damaged. A damaged one is
/// named with its bytes.
pub fn read_verified(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bytes = crate::file::read(path)?;
    let tensors = read_bytes(&bytes).map_err(in_file(path))?;
    verify(&bytes).map_err(in_file(path))?;
    Ok(tensors)
}

/// Compares every tensor of a valid file with its digest.
fn verify(bytes: &[u8]) -> Result<()> {
    let (header_bytes, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| invalid(error.to_string()))?;
    let Some(text) = metadata.metadata().as_ref().and_then(|entries| entries.get(DIGESTS)) else {
        return Err(invalid(format!(
            "its metadata hold no `{DIGESTS}`, with which its tensors are verified"
        )));
    };
    let mut digests: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once(' ')).map(|(digest, name)| (name, digest)).collect();
    let mut ranges: Vec<(String, (usize, usize))> =
        metadata.tensors().into_iter().map(|(name, tensor)| (name, tensor.data_offsets)).collect();
    ranges.sort_by_key(|(_, range)| *range);
    for (name, (start, end)) in ranges {
        // Data begin behind the header, and the header begins behind its length of eight bytes.
        let [start, end] = [start, end].map(|offset| 8 + header_bytes + offset);
        let Some(expected) = digests.remove(name.as_str()) else {
            return Err(invalid(format!("`{DIGESTS}` of its metadata lacks tensor `{name}`")));
        };
        let found = digest(bytes.get(start..end).unwrap_or_default());
        if found != expected {
            let [found, expected] =
                [&found, expected].map(|digits| digits.chars().take(SHOWN_DIGITS).collect::<String>());
            let problem = format!(
                "the SHA-256 of bytes {start} to {end} of the file begins with {found}, and that of \
                 what was written with {expected}; take a copy of the file, or begin again without it"
            );
            return Err(TensorError::Damaged { name, problem });
        }
    }
    match digests.keys().next() {
        Some(name) => Err(invalid(format!("tensor `{name}` is missing, and `{DIGESTS}` has it"))),
        None => Ok(()),
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a file, with the places where its parts end.
fn where_it_ends(bytes: &[u8], error: &str) -> String {
    let Some((length, _)) = bytes.split_first_chunk::<8>() else {
        return format!("{error}: it ends at byte {}, inside the length of its header", bytes.len());
    };
    let header = u64::from_le_bytes(*length).saturating_add(8);
    let end = bytes.len();
    if header > end as u64 {
        return format!("{error}: its header would end at byte {header}, and the file ends at byte {end}");
    }
    format!("{error}: its header ends at byte {header}, the file at byte {end}; it is truncated or damaged")
}

/// Writes named tensors.
///
/// # Errors
/// The file cannot be written, or a name is given twice.
pub fn write(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    write_atomically(path, |writer| write_to(writer, tensors))
}

/// Writes named tensors, and the SHA-256 of each into the file's metadata, for [`read_verified`].
///
/// # Errors
/// As [`write()`].
pub fn write_with_digests(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let mut lines = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        lines.push(format!("{} {name}", digest(tensor.to_contiguous().as_bytes()?)));
    }
    let metadata = HashMap::from([(DIGESTS.to_owned(), lines.join("\n"))]);
    write_atomically(path, |writer| write_all(writer, tensors, Some(metadata)))
}

/// Writes named tensors to a stream.
///
/// # Errors
/// As [`write()`].
pub fn write_to(writer: impl Write, tensors: &[(String, Tensor)]) -> Result<()> {
    write_all(writer, tensors, None)
}

fn write_all(
    mut writer: impl Write,
    tensors: &[(String, Tensor)],
    metadata: Option<HashMap<String, String>>,
) -> Result<()> {
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(invalid(format!("the name `{}` is given twice", pair[0])));
    }
    let dense: Vec<(&str, Tensor)> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.to_contiguous())).collect();
    let mut views = Vec::with_capacity(dense.len());
    for (name, tensor) in &dense {
        let view = TensorView::new(to_dtype(tensor.dtype()), tensor.shape().to_vec(), tensor.as_bytes()?);
        views.push((*name, view.map_err(|error| invalid(error.to_string()))?));
    }
    let bytes = ::safetensors::serialize(views, metadata).map_err(|error| invalid(error.to_string()))?;
    writer.write_all(&bytes)?;
    Ok(())
}

const DTYPES: [(DType, Dtype); 9] = [
    (DType::F32, Dtype::F32),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::F64, Dtype::F64),
    (DType::I8, Dtype::I8),
    (DType::U8, Dtype::U8),
    (DType::I32, Dtype::I32),
    (DType::I64, Dtype::I64),
    (DType::Bool, Dtype::BOOL),
];

fn from_dtype(dtype: Dtype) -> Option<DType> {
    DTYPES.iter().find(|(_, theirs)| *theirs == dtype).map(|(ours, _)| *ours)
}

fn to_dtype(dtype: DType) -> Dtype {
    DTYPES.iter().find(|(ours, _)| *ours == dtype).map_or(Dtype::U8, |(_, theirs)| *theirs)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_type_round_trips() {
        let tensors: Vec<(String, Tensor)> = DType::ALL
            .into_iter()
            .map(|dtype| {
                let values = Tensor::from_vec(&[2, 2], vec![0.0_f32, 1.0, 1.0, 0.0]).unwrap();
                (dtype.name().to_owned(), values.cast(dtype))
            })
            .collect();
        let mut file = Vec::new();
        write_to(&mut file, &tensors).unwrap();
        let mut sorted = tensors.clone();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(read_bytes(&file).unwrap(), sorted);
    }

    #[test]
    fn reads_a_file_written_by_hand() {
        let header = br#"{"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}  "#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend([7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        let expected = Tensor::from_vec(&[2], vec![7_i32, -1]).unwrap();
        assert_eq!(read_bytes(&file).unwrap(), [("a".to_owned(), expected)]);
    }

    #[test]
    fn every_damaged_byte_is_noticed_and_its_tensor_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tensors");
        let tensors = [("first", 3.5_f32), ("second", -1.0)]
            .map(|(name, value)| (name.to_owned(), Tensor::from_vec(&[2], vec![value; 2]).unwrap()));
        write_with_digests(&path, &tensors).unwrap();
        assert_eq!(read_verified(&path).unwrap(), tensors);
        let whole = fs::read(&path).unwrap();
        let data = whole.len() - 16;
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = read_verified(&path).unwrap_err().to_string();
            let (name, start) = if at < data + 8 { ("first", data) } else { ("second", data + 8) };
            let bytes = format!("bytes {start} to {} of the file", start + 8);
            let named =
                error.contains(&format!("tensors: tensor `{name}` is damaged")) && error.contains(&bytes);
            assert!(at < data || named, "byte {at}: {error}");
        }
        write(&path, &tensors).unwrap();
        let error = read_verified(&path).unwrap_err().to_string();
        assert!(error.contains("hold no `sha256`"), "{error}");
    }

    #[test]
    fn damage_is_an_error() {
        assert!(read_bytes(b"").is_err());
        assert!(read_bytes(&u64::MAX.to_le_bytes()).is_err());
        let header = br#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend([0; 8]);
        assert!(read_bytes(&file).is_err());
        let header = br#"{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.push(7);
        let error = read_bytes(&file).unwrap_err().to_string();
        assert!(error.contains("a bool is 0 or 1"), "{error}");
    }
}
