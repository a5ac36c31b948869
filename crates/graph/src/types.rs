//! The type of a value.

use std::fmt;
use std::str::FromStr;

use ediacara_tensor::{DType, Tensor, TensorError, element_count};

/// Element type and static shape of a value.
///
/// It displays as `f32[1,3,224,224]`; a scalar as `f32[]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The dimensions, outermost first.
    pub shape: Vec<usize>,
}

impl TensorType {
    /// A type of `dtype` and `shape`.
    pub fn new(dtype: DType, shape: &[usize]) -> TensorType {
        TensorType { dtype, shape: shape.to_vec() }
    }

    /// An f32 type of `shape`.
    pub fn f32(shape: &[usize]) -> TensorType {
        TensorType::new(DType::F32, shape)
    }

    /// An i8 type of `shape`.
    pub fn i8(shape: &[usize]) -> TensorType {
        TensorType::new(DType::I8, shape)
    }

    /// The type of a tensor.
    pub fn of(tensor: &Tensor) -> TensorType {
        TensorType::new(tensor.dtype(), tensor.shape())
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements; `usize::MAX` for a type that is larger than memory can be.
    pub fn elements(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().fold(1, |product, &dimension| product.saturating_mul(dimension))
    }

    /// The bytes of a dense tensor of this type; `usize::MAX` for one that is larger than memory can be.
    pub fn size_bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size_bytes())
    }

    /// A tensor of zeros of this type.
    ///
    /// # Errors
    /// It does not fit the address space.
    pub fn zeros(&self) -> Result<Tensor, TensorError> {
        Tensor::zeros(self.dtype, &self.shape)
    }

    /// The number of elements, with the proof that it and its bytes fit the address space.
    ///
    /// # Errors
    /// They do not.
    pub fn checked_elements(&self) -> Result<usize, TensorError> {
        element_count(self.dtype, &self.shape)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}[", self.dtype)?;
        for (axis, dimension) in self.shape.iter().enumerate() {
            if axis > 0 {
                formatter.write_str(",")?;
            }
            write!(formatter, "{dimension}")?;
        }
        formatter.write_str("]")
    }
}

impl FromStr for TensorType {
    type Err = String;

    fn from_str(text: &str) -> Result<TensorType, String> {
        let error = || format!("`{text}` is no tensor type; write one like `f32[1,3,224,224]`");
        let (dtype, rest) = text.split_once('[').ok_or_else(error)?;
        let dimensions = rest.strip_suffix(']').ok_or_else(error)?;
        let dtype: DType = dtype.trim().parse().map_err(|problem: TensorError| problem.to_string())?;
        let shape = if dimensions.trim().is_empty() {
            Vec::new()
        } else {
            let parsed: Result<Vec<usize>, _> =
                dimensions.split(',').map(|part| part.trim().parse()).collect();
            parsed.map_err(|_| error())?
        };
        Ok(TensorType { dtype, shape })
    }
}
