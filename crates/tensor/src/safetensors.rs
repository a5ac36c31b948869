//! safetensors: named tensors behind a JSON header (format of huggingface/safetensors 0.3 and later).

use std::fs;
use std::io::Write;
use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};

use crate::file::{in_file, io_error, write_atomically};
use crate::{DType, Result, Tensor, TensorError};

fn invalid(problem: impl Into<String>) -> TensorError {
    TensorError::Format { format: "safetensors", problem: problem.into() }
}

/// Reads every tensor of a file, by name.
///
/// # Errors
/// The file cannot be read, is no valid safetensors file, or holds an element type this project does not
/// know.
pub fn read(path: &Path) -> Result<Vec<(String, Tensor)>> {
    let bytes = fs::read(path).map_err(io_error(path))?;
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

/// Writes named tensors to a stream.
///
/// # Errors
/// As [`write()`].
pub fn write_to(mut writer: impl Write, tensors: &[(String, Tensor)]) -> Result<()> {
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
    let bytes = ::safetensors::serialize(views, None).map_err(|error| invalid(error.to_string()))?;
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
