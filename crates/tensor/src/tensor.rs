//! The tensor itself: shared storage and a view onto it.

use std::fmt;
use std::sync::Arc;

use crate::element::with_buffer;
use crate::layout::{copy_view, dense_strides, element_count, is_dense};
use crate::{Buffer, DType, Element, Result, TensorError, with_element};

/// A dense tensor, cheap to clone.
///
/// Clones and views share the storage, and a write copies it first if it is shared.
///
/// The view is `shape`, `strides` and `offset`, all in elements. Strides may be 0 (broadcast) or negative
/// (reversed). A rank-0 tensor is a scalar with one element.
#[derive(Clone)]
pub struct Tensor {
    storage: Arc<Buffer>,
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
}

impl Tensor {
    /// The first element of [`into_aligned`](Tensor::into_aligned) lies at a multiple of this.
    pub const ALIGNMENT_BYTES: usize = 64;

    /// A tensor of `shape` over `values` in row-major order, without a copy.
    ///
    /// # Errors
    /// The number of values is not the shape's.
    pub fn from_vec<T: Element>(shape: &[usize], values: Vec<T>) -> Result<Tensor> {
        Tensor::from_buffer(shape, T::into_buffer(values))
    }

    /// A tensor of `shape` over a buffer in row-major order, without a copy.
    ///
    /// # Errors
    /// The number of values is not the shape's.
    pub fn from_buffer(shape: &[usize], buffer: Buffer) -> Result<Tensor> {
        let needed = element_count(buffer.dtype(), shape)?;
        if needed != buffer.len() {
            let found = buffer.len();
            return Err(TensorError::Length { shape: shape.to_vec(), needed, found, unit: "elements" });
        }
        Ok(Tensor::dense(shape, buffer))
    }

    fn dense(shape: &[usize], buffer: Buffer) -> Tensor {
        Tensor { storage: Arc::new(buffer), shape: shape.to_vec(), strides: dense_strides(shape), offset: 0 }
    }

    /// A rank-0 tensor.
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor::dense(&[], T::into_buffer(vec![value]))
    }

    /// A tensor of zeros (`false` for bool).
    ///
    /// # Errors
    /// The shape does not fit the address space, or memory does not suffice.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Tensor> {
        let count = element_count(dtype, shape)?;
        let buffer = Buffer::zeros(dtype, count).ok_or_else(|| no_memory(dtype, shape))?;
        Ok(Tensor::dense(shape, buffer))
    }

    /// A tensor whose elements all are `value`.
    ///
    /// # Errors
    /// The shape does not fit the address space, or memory does not suffice.
    pub fn full<T: Element>(shape: &[usize], value: T) -> Result<Tensor> {
        let mut values = Vec::new();
        let count = element_count(T::DTYPE, shape)?;
        values.try_reserve_exact(count).map_err(|_| no_memory(T::DTYPE, shape))?;
        values.resize(count, value);
        Ok(Tensor::dense(shape, T::into_buffer(values)))
    }

    /// A tensor from bytes in little-endian order, row-major.
    ///
    /// # Errors
    /// The number of bytes is not the shape's; a bool byte is neither 0 nor 1.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Result<Tensor> {
        let count = element_count(dtype, shape)?;
        let needed = count * dtype.size_bytes();
        if bytes.len() != needed {
            let found = bytes.len();
            return Err(TensorError::Length { shape: shape.to_vec(), needed, found, unit: "bytes" });
        }
        Ok(Tensor::dense(shape, buffer_from_le_bytes(dtype, bytes)?))
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The distance between neighbours along each axis, in elements.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The position of the first element in the storage, in elements.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The bytes that the elements need when dense.
    pub fn size_bytes(&self) -> usize {
        self.len() * self.dtype().size_bytes()
    }

    /// Whether the elements lie side by side in row-major order.
    pub fn is_contiguous(&self) -> bool {
        is_dense(&self.shape, &self.strides)
    }

    /// Whether the two tensors read the same storage.
    pub fn shares_storage_with(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    fn wrong_type<T: Element>(&self) -> TensorError {
        TensorError::WrongType { found: self.dtype(), wanted: T::DTYPE }
    }

    /// The elements in row-major order, without a copy.
    ///
    /// # Errors
    /// Another type, or a view that is not contiguous.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        let values = T::slice(&self.storage).ok_or_else(|| self.wrong_type::<T>())?;
        if !self.is_contiguous() {
            return Err(TensorError::NotContiguous { shape: self.shape.clone() });
        }
        Ok(if self.is_empty() { &[] } else { &values[self.offset..self.offset + self.len()] })
    }

    /// The whole storage and the offset into it, for code that walks strides itself.
    ///
    /// # Errors
    /// Another type.
    pub fn as_storage<T: Element>(&self) -> Result<(&[T], usize)> {
        Ok((T::slice(&self.storage).ok_or_else(|| self.wrong_type::<T>())?, self.offset))
    }

    /// The elements in row-major order for writing.
    ///
    /// They are copied first if the storage is shared or the view is not contiguous. The tensor is contiguous
    /// afterwards.
    ///
    /// # Errors
    /// Another type.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        if self.dtype() != T::DTYPE {
            return Err(self.wrong_type::<T>());
        }
        if Arc::get_mut(&mut self.storage).is_none() || !self.is_contiguous() {
            *self = self.copy();
        }
        let (offset, length, dtype) = (self.offset, self.len(), self.dtype());
        // `make_mut` does not copy here: the storage is ours alone by now.
        let values = T::slice_mut(Arc::make_mut(&mut self.storage));
        let values = values.ok_or(TensorError::WrongType { found: dtype, wanted: T::DTYPE })?;
        Ok(if length == 0 { &mut [] } else { &mut values[offset..offset + length] })
    }

    /// A dense copy with storage of its own.
    pub fn copy(&self) -> Tensor {
        let length = self.len();
        let buffer = with_buffer!(&*self.storage, values => {
            Element::into_buffer(self.gather_view(values, length))
        });
        Tensor::dense(&self.shape, buffer)
    }

    fn gather_view<T: Element>(&self, values: &[T], length: usize) -> Vec<T> {
        if length == 0 {
            return Vec::new();
        }
        if self.is_contiguous() {
            return values[self.offset..self.offset + length].to_vec();
        }
        let mut target = vec![T::default(); length];
        copy_view(values, self.offset, &self.shape, &self.strides, &mut target);
        target
    }

    /// The same tensor with its elements side by side, in the same storage if they already are.
    pub fn to_contiguous(&self) -> Tensor {
        if self.is_contiguous() { self.clone() } else { self.copy() }
    }

    /// Writes the elements into `target` in row-major order.
    ///
    /// # Errors
    /// Another type or another length.
    pub fn copy_to_slice<T: Element>(&self, target: &mut [T]) -> Result<()> {
        let values = T::slice(&self.storage).ok_or_else(|| self.wrong_type::<T>())?;
        if target.len() != self.len() {
            return Err(TensorError::Length {
                shape: self.shape.clone(),
                needed: self.len(),
                found: target.len(),
                unit: "elements",
            });
        }
        copy_view(values, self.offset, &self.shape, &self.strides, target);
        Ok(())
    }

    /// A copy of the elements in row-major order.
    ///
    /// # Errors
    /// Another type.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let values = T::slice(&self.storage).ok_or_else(|| self.wrong_type::<T>())?;
        Ok(self.gather_view(values, self.len()))
    }

    /// The elements in row-major order.
    ///
    /// It takes the storage without a copy if the storage is not shared and holds nothing else.
    ///
    /// # Errors
    /// Another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>> {
        if self.dtype() != T::DTYPE
            || self.offset != 0
            || !self.is_contiguous()
            || self.len() != self.storage.len()
        {
            return self.to_vec();
        }
        let wrong = |buffer: Buffer| TensorError::WrongType { found: buffer.dtype(), wanted: T::DTYPE };
        T::into_vec(Arc::unwrap_or_clone(self.storage)).map_err(wrong)
    }

    /// The start of the storage as a dense tensor of `shape`, whatever part of it this tensor showed.
    ///
    /// An arena uses memory again in this way. The elements are whatever the storage holds.
    ///
    /// # Errors
    /// The storage holds fewer elements than `shape` has.
    pub fn into_dense(self, shape: &[usize]) -> Result<Tensor> {
        let needed = element_count(self.dtype(), shape)?;
        if self.storage.len() < needed {
            let found = self.storage.len();
            return Err(TensorError::Length { shape: shape.to_vec(), needed, found, unit: "elements" });
        }
        Ok(Tensor { storage: self.storage, shape: shape.to_vec(), strides: dense_strides(shape), offset: 0 })
    }

    /// As [`into_dense`](Tensor::into_dense), but from the first boundary of a cache line on, where the
    /// storage has room for that.
    ///
    /// Vectors are loaded from there at twice the rate. A storage with
    /// [`ALIGNMENT_BYTES`](Tensor::ALIGNMENT_BYTES) more than it needs has the room.
    ///
    /// # Errors
    /// The storage holds fewer elements than `shape` has.
    pub fn into_aligned(self, shape: &[usize]) -> Result<Tensor> {
        let offset =
            with_buffer!(&*self.storage, values => values.as_ptr().align_offset(Self::ALIGNMENT_BYTES));
        let dense = self.into_dense(shape)?;
        let room = dense.storage.len() - dense.len();
        Ok(Tensor { offset: if offset <= room { offset } else { 0 }, ..dense })
    }

    /// The same elements, in row-major order, under another shape.
    ///
    /// It shares the storage if this tensor is contiguous.
    ///
    /// # Errors
    /// Another number of elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<Tensor> {
        let to_elements = element_count(self.dtype(), shape)?;
        if to_elements != self.len() {
            return Err(TensorError::Reshape {
                from: self.shape.clone(),
                from_elements: self.len(),
                to: shape.to_vec(),
                to_elements,
            });
        }
        let dense = self.to_contiguous();
        let offset = dense.offset;
        Ok(Tensor { storage: dense.storage, shape: shape.to_vec(), strides: dense_strides(shape), offset })
    }

    /// A view whose axis `i` is this tensor's axis `permutation[i]`.
    ///
    /// # Errors
    /// Not a permutation of the axes.
    pub fn transpose(&self, permutation: &[usize]) -> Result<Tensor> {
        let rank = self.rank();
        let mut seen = vec![false; rank];
        let valid = permutation.len() == rank
            && permutation.iter().all(|&axis| axis < rank && !std::mem::replace(&mut seen[axis], true));
        if !valid {
            let permutation = permutation.to_vec();
            return Err(TensorError::Permutation { permutation, rank, shape: self.shape.clone() });
        }
        Ok(Tensor {
            storage: Arc::clone(&self.storage),
            shape: permutation.iter().map(|&axis| self.shape[axis]).collect(),
            strides: permutation.iter().map(|&axis| self.strides[axis]).collect(),
            offset: self.offset,
        })
    }

    /// A view of the elements `start`, `start + step`, ... before `end` along `axis`.
    ///
    /// Indices are literal: with a negative step, `end` is -1 to reach index 0.
    ///
    /// # Errors
    /// No such axis, step 0, or an index outside the axis.
    pub fn slice(&self, axis: usize, start: isize, end: isize, step: isize) -> Result<Tensor> {
        let error = || TensorError::Slice { axis, start, end, step, shape: self.shape.clone() };
        let dimension = *self.shape.get(axis).ok_or_else(error)? as isize;
        let count = match step {
            0 => return Err(error()),
            1.. if start >= end => 0,
            1.. => (end - start - 1) / step + 1,
            _ if start <= end => 0,
            _ => (start - end - 1) / step.checked_neg().ok_or_else(error)? + 1,
        };
        if count > 0 {
            let last = start + (count - 1) * step;
            if start.min(last) < 0 || start.max(last) >= dimension || start.max(end) > dimension {
                return Err(error());
            }
        }
        let mut view = self.clone();
        view.shape[axis] = count as usize;
        if count > 0 && !self.is_empty() {
            view.offset = (self.offset as isize + start * self.strides[axis]) as usize;
        }
        view.strides[axis] = self.strides[axis].saturating_mul(step);
        Ok(view)
    }

    /// A view of `shape` by NumPy's rule: axes are aligned at the right, and a dimension of 1 repeats.
    ///
    /// # Errors
    /// A dimension neither equal nor 1, or a shape of smaller rank.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Tensor> {
        let error = || TensorError::Broadcast { from: self.shape.clone(), to: shape.to_vec() };
        element_count(self.dtype(), shape)?;
        let added = shape.len().checked_sub(self.rank()).ok_or_else(error)?;
        let mut strides = vec![0; shape.len()];
        for axis in 0..self.rank() {
            let (from, to) = (self.shape[axis], shape[added + axis]);
            strides[added + axis] = match from {
                _ if from == to => self.strides[axis],
                1 => 0,
                _ => return Err(error()),
            };
        }
        Ok(Tensor { storage: Arc::clone(&self.storage), shape: shape.to_vec(), strides, offset: self.offset })
    }

    /// The tensor converted to another element type, in the same storage if it has that type already.
    ///
    /// Floats to integers truncate and saturate (NaN gives 0), integers wrap, everything but zero is `true`.
    pub fn cast(&self, dtype: DType) -> Tensor {
        if dtype == self.dtype() {
            return self.clone();
        }
        let dense =
            if self.is_contiguous() && self.len() == self.storage.len() { self.clone() } else { self.copy() };
        with_element!(dtype, T => Tensor::dense(&self.shape, T::into_buffer(T::convert_from(&dense.storage))))
    }

    /// Writes the elements, converted as by [`cast`](Tensor::cast), into `target` in row-major order.
    ///
    /// # Errors
    /// Another length.
    pub fn convert_to_slice<T: Element>(&self, target: &mut [T]) -> Result<()> {
        if target.len() != self.len() {
            return Err(TensorError::Length {
                shape: self.shape.clone(),
                needed: self.len(),
                found: target.len(),
                unit: "elements",
            });
        }
        if !target.is_empty() {
            let dense = self.to_contiguous();
            T::convert_into(&dense.storage, dense.offset, target);
        }
        Ok(())
    }

    /// The elements as bytes in row-major order, in the machine's byte order (little-endian on every
    /// supported one).
    ///
    /// # Errors
    /// A view that is not contiguous.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        if !self.is_contiguous() {
            return Err(TensorError::NotContiguous { shape: self.shape.clone() });
        }
        if self.is_empty() {
            return Ok(&[]);
        }
        let size = self.dtype().size_bytes();
        Ok(&self.storage.as_bytes()[self.offset * size..(self.offset + self.len()) * size])
    }
}

fn no_memory(dtype: DType, shape: &[usize]) -> TensorError {
    TensorError::NoMemory { shape: shape.to_vec(), dtype }
}

fn buffer_from_le_bytes(dtype: DType, bytes: Vec<u8>) -> Result<Buffer> {
    fn collect<T: Element + bytemuck::AnyBitPattern>(bytes: &[u8]) -> Buffer {
        T::into_buffer(bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect())
    }
    Ok(match dtype {
        DType::U8 => Buffer::U8(bytes),
        DType::Bool => {
            if let Some(position) = bytes.iter().position(|&byte| byte > 1) {
                return Err(TensorError::NotBool { position, found: bytes[position] });
            }
            Buffer::Bool(bytes.into_iter().map(|byte| byte == 1).collect())
        }
        DType::F32 => collect::<f32>(&bytes),
        DType::F16 => collect::<half::f16>(&bytes),
        DType::BF16 => collect::<half::bf16>(&bytes),
        DType::F64 => collect::<f64>(&bytes),
        DType::I8 => collect::<i8>(&bytes),
        DType::I32 => collect::<i32>(&bytes),
        DType::I64 => collect::<i64>(&bytes),
    })
}

impl Tensor {
    /// Whether the two have the same type, shape and elements to the last bit: NaN equals itself, 0 differs
    /// from -0.
    pub fn same_bits(&self, other: &Tensor) -> bool {
        let (left, right) = (self.to_contiguous(), other.to_contiguous());
        self.dtype() == other.dtype()
            && self.shape == other.shape
            && matches!((left.as_bytes(), right.as_bytes()), (Ok(left), Ok(right)) if left == right)
    }
}

impl PartialEq for Tensor {
    /// Same type, shape and elements; as with floats themselves, NaN equals nothing and 0 equals -0.
    fn eq(&self, other: &Tensor) -> bool {
        if self.dtype() != other.dtype() || self.shape != other.shape {
            return false;
        }
        with_element!(self.dtype(), T => match (self.to_vec::<T>(), other.to_vec::<T>()) {
            (Ok(left), Ok(right)) => left == right,
            _ => false,
        })
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        write!(formatter, "Tensor {}{:?} ", self.dtype(), self.shape)?;
        let flat = if self.len() <= SHOWN { self.copy() } else { Tensor::first_elements(self, SHOWN) };
        with_buffer!(&*flat.storage, values => write!(formatter, "{values:?}"))?;
        if self.len() > SHOWN { write!(formatter, " ... {} in all", self.len()) } else { Ok(()) }
    }
}

impl Tensor {
    /// The first `count` elements in row-major order, as a vector; `count` is at most the number of elements.
    fn first_elements(&self, count: usize) -> Tensor {
        let mut index = vec![0_usize; self.rank()];
        let buffer = with_buffer!(&*self.storage, values => {
            let mut first = Vec::with_capacity(count);
            for _ in 0..count {
                let steps = index.iter().zip(&self.strides).map(|(&i, &stride)| i as isize * stride);
                first.push(values[(self.offset as isize + steps.sum::<isize>()) as usize]);
                for axis in (0..index.len()).rev() {
                    index[axis] += 1;
                    if index[axis] < self.shape[axis] {
                        break;
                    }
                    index[axis] = 0;
                }
            }
            Element::into_buffer(first)
        });
        Tensor::dense(&[count], buffer)
    }
}
