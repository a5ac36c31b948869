//! Turns stored tensors (`TensorProto`) into [`Tensor`]s, from every encoding of ONNX for the types that
//! Ediacara holds.
//!
//! Sizes are checked before anything is allocated: the product of the dimensions, the limit of the options,
//! and the length of what is stored against what the shape asks for.

use ediacara_tensor::{DType, Tensor, bf16, f16};

use crate::external::{External, is_external};
use crate::proto::TensorProto;
use crate::proto::tensor_proto::DataType;

/// The most dimensions that a tensor may have: twice what any network needs.
const MAX_RANK: usize = 16;

/// What is known about a stored tensor before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// How many elements it has.
    pub(crate) count: usize,
    pub(crate) size_bytes: usize,
}

/// The type behind an ONNX `DataType` number.
pub(crate) fn dtype(number: i32) -> Result<DType, String> {
    Ok(match DataType::try_from(number) {
        Ok(DataType::Float) => DType::F32,
        Ok(DataType::Float16) => DType::F16,
        Ok(DataType::Bfloat16) => DType::BF16,
        Ok(DataType::Double) => DType::F64,
        Ok(DataType::Int8) => DType::I8,
        Ok(DataType::Uint8) => DType::U8,
        Ok(DataType::Int32) => DType::I32,
        Ok(DataType::Int64) => DType::I64,
        Ok(DataType::Bool) => DType::Bool,
        Ok(DataType::Undefined) => {
            return Err("its element type is not given; export the model again".to_owned());
        }
        Ok(other) => {
            return Err(format!(
                "its element type {} is not supported; supported are float, float16, bfloat16, double, int8, uint8, \
                 int32, int64 and bool: convert the tensor to one of them",
                other.as_str_name()
            ));
        }
        Err(_) => {
            return Err(format!("its element type has the number {number}, which ONNX does not define"));
        }
    })
}

/// Checks type, shape and stored length without decoding.
///
/// `limit` is in bytes.
pub(crate) fn header(proto: &TensorProto, limit: usize) -> Result<Header, String> {
    let dtype = dtype(proto.data_type.unwrap_or(0))?;
    let mut shape = Vec::new();
    for &dim in &proto.dims {
        let dim = usize::try_from(dim).map_err(|_| {
            format!("its shape {:?} has a dimension that is negative; the file is damaged", proto.dims)
        })?;
        shape.push(dim);
    }
    let size_bytes = checked_size_bytes(dtype, &shape, limit)?;
    let header = Header { dtype, count: size_bytes / dtype.size_bytes(), shape, size_bytes };
    if proto.segment.is_some() {
        return Err("it is stored in segments, which ONNX does not use; export the model again".to_owned());
    }
    if !is_external(proto) {
        check_length(proto, &header)?;
    }
    Ok(header)
}

/// The size of a tensor, or what is wrong with it.
///
/// `limit` is in bytes.
pub(crate) fn checked_size_bytes(dtype: DType, shape: &[usize], limit: usize) -> Result<usize, String> {
    if shape.len() > MAX_RANK {
        return Err(format!("it has {} dimensions; at most {MAX_RANK} are supported", shape.len()));
    }
    // Strides are computed over all dimensions, so that even a shape with a zero in it must not overflow.
    let whole = shape.iter().try_fold(dtype.size_bytes(), |size, &dim| size.checked_mul(dim.max(1)));
    let whole = whole.filter(|&size| size <= isize::MAX as usize);
    let whole =
        whole.ok_or_else(|| format!("its shape {shape:?} has more elements than memory can address"))?;
    let size = if shape.contains(&0) { 0 } else { whole };
    if size > limit {
        return Err(format!(
            "its shape {shape:?} of {dtype} needs {size} bytes, more than the limit of {limit}; raise \
             ImportOptions::limits if that is right",
            dtype = dtype.name()
        ));
    }
    Ok(size)
}

/// The raw bytes, if the tensor is stored that way.
///
/// Some writers leave an empty `raw_data` beside typed fields.
fn raw(proto: &TensorProto, typed: usize) -> Option<&[u8]> {
    proto.raw_data.as_deref().filter(|raw| !raw.is_empty() || typed == 0)
}

/// The typed field that ONNX prescribes for the element type: name and elements stored.
fn typed_field(proto: &TensorProto, dtype: DType) -> (&'static str, usize) {
    match dtype {
        DType::F32 => ("float_data", proto.float_data.len()),
        DType::F64 => ("double_data", proto.double_data.len()),
        DType::I64 => ("int64_data", proto.int64_data.len()),
        _ => ("int32_data", proto.int32_data.len()),
    }
}

fn check_length(proto: &TensorProto, header: &Header) -> Result<(), String> {
    let (field, typed) = typed_field(proto, header.dtype);
    let shape = &header.shape;
    let name = header.dtype.name();
    match raw(proto, typed) {
        Some(raw) if raw.len() != header.size_bytes => Err(format!(
            "its shape {shape:?} of {name} needs {} bytes, but raw_data holds {}; the file is damaged",
            header.size_bytes,
            raw.len()
        )),
        None if typed != header.count => Err(format!(
            "its shape {shape:?} of {name} needs {} elements, but {field} holds {typed}; the file is damaged",
            header.count
        )),
        _ => Ok(()),
    }
}

/// Decodes a stored tensor.
///
/// `limit` is in bytes.
///
/// # Errors
/// Says what is wrong with type, shape, length or values, or with the file in which an external tensor lies.
pub(crate) fn decode(proto: &TensorProto, external: &External, limit: usize) -> Result<Tensor, String> {
    let header = header(proto, limit)?;
    let (field, typed) = typed_field(proto, header.dtype);
    if is_external(proto) {
        let bytes = external.read(&proto.external_data, header.size_bytes)?;
        return from_little_endian(&header, bytes);
    }
    if let Some(raw) = raw(proto, typed) {
        return from_little_endian(&header, raw.to_vec());
    }
    let shape = &header.shape;
    let words = &proto.int32_data;
    let tensor = match header.dtype {
        DType::F32 => Tensor::from_vec(shape, proto.float_data.clone()),
        DType::F64 => Tensor::from_vec(shape, proto.double_data.clone()),
        DType::I64 => Tensor::from_vec(shape, proto.int64_data.clone()),
        DType::I32 => Tensor::from_vec(shape, words.clone()),
        DType::I8 => Tensor::from_vec(shape, narrow::<i8>(words, field)?),
        DType::U8 => Tensor::from_vec(shape, narrow::<u8>(words, field)?),
        DType::Bool => Tensor::from_vec(shape, words.iter().map(|&word| word != 0).collect::<Vec<bool>>()),
        DType::F16 => Tensor::from_vec(shape, halves(words, field)?.map(f16::from_bits).collect::<Vec<_>>()),
        DType::BF16 => {
            Tensor::from_vec(shape, halves(words, field)?.map(bf16::from_bits).collect::<Vec<_>>())
        }
    };
    tensor.map_err(|error| error.to_string())
}

fn narrow<T: TryFrom<i32>>(words: &[i32], field: &str) -> Result<Vec<T>, String> {
    words
        .iter()
        .map(|&word| {
            T::try_from(word).map_err(|_| format!("{field} holds {word}, which its element type cannot hold"))
        })
        .collect()
}

/// The bit patterns of 16-bit floats, which ONNX stores one in each `int32_data`.
fn halves(words: &[i32], field: &str) -> Result<impl Iterator<Item = u16>, String> {
    Ok(narrow::<u16>(words, field)?.into_iter())
}

/// Turns bytes as ONNX stores them (little endian) into a tensor.
fn from_little_endian(header: &Header, mut bytes: Vec<u8>) -> Result<Tensor, String> {
    if header.dtype == DType::Bool {
        for byte in &mut bytes {
            *byte = u8::from(*byte != 0);
        }
    }
    Tensor::from_bytes(header.dtype, &header.shape, bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proto: TensorProto, expect: Result<Tensor, &str>) {
        match (decode(&proto, &External::none(), 1 << 20), expect) {
            (Ok(found), Ok(expect)) => {
                assert_eq!(found.dtype(), expect.dtype());
                assert_eq!(found.shape(), expect.shape());
                assert_eq!(found.as_bytes().unwrap(), expect.as_bytes().unwrap());
            }
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            (found, expect) => panic!("found {found:?}, expected {expect:?}"),
        }
    }

    fn proto(data_type: DataType, dims: &[i64]) -> TensorProto {
        TensorProto { data_type: Some(data_type as i32), dims: dims.to_vec(), ..TensorProto::default() }
    }

    #[test]
    fn typed_fields() {
        let float = TensorProto { float_data: vec![1.0, -2.5], ..proto(DataType::Float, &[2]) };
        check(float, Ok(Tensor::from_vec(&[2], vec![1.0f32, -2.5]).unwrap()));
        let half = TensorProto { int32_data: vec![0x3c00], ..proto(DataType::Float16, &[1]) };
        check(half, Ok(Tensor::from_vec(&[1], vec![f16::ONE]).unwrap()));
        let brain = TensorProto { int32_data: vec![0x3f80], ..proto(DataType::Bfloat16, &[]) };
        check(brain, Ok(Tensor::scalar(bf16::ONE)));
        let bytes = TensorProto { int32_data: vec![-128, 127], ..proto(DataType::Int8, &[2, 1]) };
        check(bytes, Ok(Tensor::from_vec(&[2, 1], vec![-128i8, 127]).unwrap()));
        let double = TensorProto { double_data: vec![0.5], ..proto(DataType::Double, &[1]) };
        check(double, Ok(Tensor::from_vec(&[1], vec![0.5f64]).unwrap()));
        let truth = TensorProto { int32_data: vec![0, 7], ..proto(DataType::Bool, &[2]) };
        check(truth, Ok(Tensor::from_vec(&[2], vec![false, true]).unwrap()));
    }

    #[test]
    fn raw_bytes() {
        let raw = |data_type, dims: &[i64], bytes: &[u8]| TensorProto {
            raw_data: Some(bytes.to_vec().into()),
            ..proto(data_type, dims)
        };
        check(raw(DataType::Int32, &[1], &[1, 2, 0, 0]), Ok(Tensor::from_vec(&[1], vec![513i32]).unwrap()));
        check(raw(DataType::Bool, &[2], &[0, 9]), Ok(Tensor::from_vec(&[2], vec![false, true]).unwrap()));
        check(raw(DataType::Int32, &[2], &[1, 2, 0, 0]), Err("needs 8 bytes, but raw_data holds 4"));
        check(raw(DataType::Float, &[0, 3], &[]), Ok(Tensor::zeros(DType::F32, &[0, 3]).unwrap()));
    }

    #[test]
    fn hostile_shapes() {
        check(proto(DataType::Float, &[1 << 40, 1 << 40]), Err("more elements than memory can address"));
        check(proto(DataType::Float, &[0, 1 << 40, 1 << 40]), Err("more elements than memory can address"));
        check(proto(DataType::Float, &[1 << 30]), Err("more than the limit"));
        check(proto(DataType::Float, &[-1]), Err("negative"));
        check(proto(DataType::Float, &[3]), Err("float_data holds 0"));
        check(proto(DataType::String, &[3]), Err("STRING is not supported"));
        check(TensorProto { data_type: Some(99), ..TensorProto::default() }, Err("number 99"));
        let wide = TensorProto { int32_data: vec![300], ..proto(DataType::Uint8, &[1]) };
        check(wide, Err("holds 300"));
    }
}
