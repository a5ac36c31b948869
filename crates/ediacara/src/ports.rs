//! What the host does at the border of an executable: real tensors in and out of stored integers.

use ediacara_graph::TensorType;
use ediacara_isa::Port;
use ediacara_kernels::int8::{dequantize, quantize};
use ediacara_tensor::{DType, Tensor};

use crate::Error;
use crate::inputs::{self, Source};

/// The bytes that the program expects at `port`: a real tensor is laid out and quantised (N-QUANTIZE), an i8 tensor of the stored shape is taken as it is.
///
/// # Errors
/// The tensor is neither the port's real shape in f32 nor its stored shape in i8.
pub fn encode(port: &Port, tensor: &Tensor) -> Result<Vec<u8>, Error> {
    if tensor.dtype() == DType::I8 && tensor.shape() == port.shape {
        return Ok(tensor.to_contiguous().as_bytes()?.to_vec());
    }
    let Some(real) = &port.real else {
        return Err(mismatch(port, tensor, &port.shape, "i8"));
    };
    let expected = real_shape(port);
    if tensor.dtype() != DType::F32 || tensor.shape() != expected {
        return Err(mismatch(port, tensor, &expected, "f32"));
    }
    let stored = tensor.transpose(&real.permutation)?.to_contiguous();
    let mut quantised = vec![0_i8; stored.len()];
    quantize(stored.as_slice::<f32>()?, real.scale, zero(real.zero), &mut quantised)
        .map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(quantised.into_iter().map(i8::cast_unsigned).collect())
}

/// The tensor behind the bytes that the program left at `port`: real (N-DEQUANTIZE) in the caller's axis order where the port says how, i8 as stored otherwise.
///
/// # Errors
/// The executable's port is inconsistent.
pub fn decode(port: &Port, bytes: Vec<u8>) -> Result<Tensor, Error> {
    let stored = stored(port, bytes)?;
    let Some(real) = &port.real else { return Ok(stored) };
    let mut numbers = vec![0.0_f32; stored.len()];
    dequantize(stored.as_slice::<i8>()?, real.scale, zero(real.zero), &mut numbers)
        .map_err(|error| Error::Invalid(error.to_string()))?;
    let mut inverse = vec![0; real.permutation.len()];
    for (axis, &from) in real.permutation.iter().enumerate() {
        inverse[from] = axis;
    }
    Ok(Tensor::from_vec(&port.shape, numbers)?.transpose(&inverse)?.to_contiguous())
}

/// The bytes of `port` as the i8 tensor that they are.
///
/// # Errors
/// Another number of bytes than the port has.
pub fn stored(port: &Port, bytes: Vec<u8>) -> Result<Tensor, Error> {
    Ok(Tensor::from_bytes(DType::I8, &port.shape, bytes)?)
}

/// The caller's tensor for `port`, from `source` or else seeded: real where the port says how, i8 otherwise.
///
/// # Errors
/// A file that cannot be read or does not fit.
pub fn tensor(port: &Port, source: Option<&Source>, seed: u64) -> Result<Tensor, Error> {
    let dtype = if port.real.is_some() { DType::F32 } else { DType::I8 };
    let ty = TensorType { dtype, shape: real_shape(port) };
    match source {
        Some(source) => inputs::one(&port.name, &ty, source, None),
        None => inputs::one(&port.name, &ty, &Source::Synthetic(seed), None),
    }
}

/// The shape of the caller's tensor at `port`.
pub fn real_shape(port: &Port) -> Vec<usize> {
    let Some(real) = &port.real else { return port.shape.clone() };
    let mut shape = port.shape.clone();
    for (axis, &from) in real.permutation.iter().enumerate() {
        shape[from] = port.shape[axis];
    }
    shape
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
    use ediacara_isa::{Port, Real};
    use ediacara_tensor::Tensor;

    use super::{decode, encode};

    fn port() -> Port {
        // Stored NHWC 1x1x2x3, the caller's tensor is NCHW 1x3x1x2.
        let real = Real { scale: 0.5, zero: 1, permutation: vec![0, 2, 3, 1] };
        Port { name: "x".into(), address: 0, shape: vec![1, 1, 2, 3], dtype: "i8".into(), real: Some(real) }
    }

    #[test]
    fn a_real_tensor_is_laid_out_and_quantised() {
        let tensor = Tensor::from_vec(&[1, 3, 1, 2], vec![0.0_f32, 0.5, 1.0, 1.5, 2.0, 1000.0]).unwrap();
        // Channels of pixel 0: 0, 1, 2; of pixel 1: 0.5, 1.5, 1000. q = v / 0.5 + 1.
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
    fn a_tensor_of_another_shape_is_refused_with_both_shapes() {
        let tensor = Tensor::from_vec(&[1, 2], vec![0.0_f32, 0.5]).unwrap();
        let message = encode(&port(), &tensor).unwrap_err().to_string();
        assert_eq!(message, "input x is f32 [1, 3, 1, 2], but the given tensor holds f32 [1, 2]");
    }
}
