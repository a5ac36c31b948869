//! The host's work at the border of an executable: real tensors in and out of stored integers.

use ediacara_graph::TensorType;
use ediacara_isa::{Buffer, ElementType, Port};
use ediacara_kernels::int8::{dequantize, quantize};
use ediacara_tensor::{DType, Tensor};

use crate::Error;
use crate::inputs::{self, Source};

/// The bytes that the program expects at `port`.
///
/// A tensor of the caller's shape is laid out, and quantised if the port says how (N-QUANTIZE). An i8 tensor
/// of the stored shape is taken as it is.
///
/// # Errors
/// The tensor has neither the caller's type and shape nor the stored ones.
pub fn encode(port: &Port, tensor: &Tensor) -> Result<Vec<u8>, Error> {
    if tensor.dtype() == DType::I8 && tensor.shape() == port.shape {
        return Ok(tensor.to_contiguous().as_bytes()?.to_vec());
    }
    let dtype = dtype(port.caller_element());
    // An input of another type is real after the cast that follows it.
    let converted = (port.encoding.is_some() && tensor.dtype() != dtype).then(|| tensor.cast(dtype));
    let tensor = converted.as_ref().unwrap_or(tensor);
    if tensor.dtype() != dtype || tensor.shape() != port.layout.shape {
        return Err(mismatch(port, tensor, &port.layout.shape, dtype.name()));
    }
    let stored = tensor.to_contiguous().reshape(&port.unpermuted_shape())?;
    let stored = stored.transpose(&port.layout.permutation)?.to_contiguous();
    let Some(encoding) = &port.encoding else { return Ok(stored.as_bytes()?.to_vec()) };
    let mut quantised = vec![0_i8; stored.len()];
    quantize(stored.as_slice::<f32>()?, encoding.scale, zero(encoding.zero), &mut quantised)
        .map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(quantised.into_iter().map(i8::cast_unsigned).collect())
}

/// The caller's tensor behind the bytes that the program left at `port`.
///
/// It is laid out as the port says, and real if the port says how (N-DEQUANTIZE).
///
/// # Errors
/// The executable's port is inconsistent.
pub fn decode(port: &Port, bytes: Vec<u8>) -> Result<Tensor, Error> {
    let mut tensor = stored(port, bytes)?;
    if let Some(encoding) = &port.encoding {
        let mut numbers = vec![0.0_f32; tensor.len()];
        dequantize(tensor.as_slice::<i8>()?, encoding.scale, zero(encoding.zero), &mut numbers)
            .map_err(|error| Error::Invalid(error.to_string()))?;
        tensor = Tensor::from_vec(&port.shape, numbers)?;
    }
    let mut inverse = vec![0; port.layout.permutation.len()];
    for (axis, &from) in port.layout.permutation.iter().enumerate() {
        inverse[from] = axis;
    }
    Ok(tensor.transpose(&inverse)?.to_contiguous().reshape(&port.layout.shape)?)
}

/// The bytes of `port` as the tensor that is stored.
///
/// # Errors
/// The number of bytes is not the port's.
pub fn stored(port: &Port, bytes: Vec<u8>) -> Result<Tensor, Error> {
    Ok(Tensor::from_bytes(dtype(port.element), &port.shape, bytes)?)
}

/// A tensor for a plan's buffer, from `source`.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn tensor(buffer: &Buffer, source: &Source) -> Result<Tensor, Error> {
    let ty = TensorType { dtype: dtype(buffer.element), shape: buffer.shape.clone() };
    match source {
        Source::File(path) if inputs::is_photo(path) => {
            Err(Error::PictureForProgram { input: buffer.name.clone(), path: path.clone() })
        }
        source => inputs::one(&buffer.name, &ty, source, None),
    }
}

/// The type of a tensor's elements, as a plan names it.
pub fn element(dtype: DType) -> ElementType {
    match dtype {
        DType::F32 => ElementType::F32,
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::BF16,
        DType::F64 => ElementType::F64,
        DType::I8 => ElementType::I8,
        DType::U8 => ElementType::U8,
        DType::I32 => ElementType::I32,
        DType::I64 => ElementType::I64,
        DType::Bool => ElementType::Bool,
    }
}

/// The type of a tensor's elements, from a plan's name of it.
pub fn dtype(element: ElementType) -> DType {
    match element {
        ElementType::F32 => DType::F32,
        ElementType::F16 => DType::F16,
        ElementType::BF16 => DType::BF16,
        ElementType::F64 => DType::F64,
        ElementType::I8 => DType::I8,
        ElementType::U8 => DType::U8,
        ElementType::I32 => DType::I32,
        ElementType::I64 => DType::I64,
        ElementType::Bool => DType::Bool,
    }
}

fn zero(zero: i32) -> i8 {
    zero.clamp(-128, 127) as i8
}

fn mismatch(port: &Port, tensor: &Tensor, expected: &[usize], dtype: &str) -> Error {
    Error::InputMismatch {
        input: port.name.clone(),
        source_text: "the given tensor".to_owned(),
        found: format!("{} {:?}", tensor.dtype().name(), tensor.shape()),
        expected: format!("{dtype} {expected:?}"),
    }
}

#[cfg(test)]
mod tests {
    use ediacara_isa::{Encoding, Layout, Port};
    use ediacara_tensor::Tensor;

    use super::{decode, encode};

    fn port() -> Port {
        // NHWC 1x1x2x3 is stored; the caller's tensor is NCHW 1x3x1x2.
        let mut port = Port::plain("x", 0, vec![1, 1, 2, 3]);
        port.encoding = Some(Encoding { scale: 0.5, zero: 1 });
        port.layout = Layout::permuted(&port.shape, vec![0, 2, 3, 1]);
        port
    }

    #[test]
    fn a_real_tensor_is_laid_out_and_quantised() {
        let tensor = Tensor::from_vec(&[1, 3, 1, 2], vec![0.0_f32, 0.5, 1.0, 1.5, 2.0, 1000.0]).unwrap();
        // The channels of pixel 0 are 0, 1, 2, those of pixel 1 are 0.5, 1.5, 1000. q = v / 0.5 + 1.
        assert_eq!(encode(&port(), &tensor).unwrap(), [1, 3, 5, 2, 4, 127]);
    }

    #[test]
    fn decoding_undoes_encoding_where_nothing_is_clamped() {
        let tensor = Tensor::from_vec(&[1, 3, 1, 2], vec![0.0_f32, 0.5, 1.0, 1.5, 2.0, -3.0]).unwrap();
        let back = decode(&port(), encode(&port(), &tensor).unwrap()).unwrap();
        assert_eq!(back.shape(), [1, 3, 1, 2]);
        assert_eq!(back.to_vec::<f32>().unwrap(), tensor.to_vec::<f32>().unwrap());
    }

    #[test]
    fn a_tensor_may_have_another_shape_than_its_permuted_axes() {
        let mut port = port();
        port.layout.shape = vec![1, 6];
        // Channel by channel: 0 and 0.5, 1 and 1.5, 2 and -3.
        let tensor = Tensor::from_vec(&[1, 6], vec![0.0_f32, 0.5, 1.0, 1.5, 2.0, -3.0]).unwrap();
        assert_eq!(encode(&port, &tensor).unwrap(), [1, 3, 5, 2, 4, (-5_i8).cast_unsigned()]);
        let back = decode(&port, encode(&port, &tensor).unwrap()).unwrap();
        assert_eq!(back.shape(), [1, 6]);
        assert_eq!(back.to_vec::<f32>().unwrap(), tensor.to_vec::<f32>().unwrap());
    }

    #[test]
    fn integers_without_a_scale_are_laid_out_too() {
        let port = Port { encoding: None, ..port() };
        let tensor = Tensor::from_vec(&[1, 3, 1, 2], vec![1_i8, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(encode(&port, &tensor).unwrap(), [1, 3, 5, 2, 4, 6]);
        assert_eq!(
            decode(&port, vec![1, 3, 5, 2, 4, 6]).unwrap().to_vec::<i8>().unwrap(),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn a_tensor_of_another_shape_is_refused_with_both_shapes() {
        let tensor = Tensor::from_vec(&[1, 2], vec![0.0_f32, 0.5]).unwrap();
        let message = encode(&port(), &tensor).unwrap_err().to_string();
        assert_eq!(message, "input x is f32 [1, 3, 1, 2], but the given tensor holds f32 [1, 2]");
    }
}
