//! Rust types as elements, the buffer that holds them, and the conversions between them.

use std::fmt::Debug;

use half::{bf16, f16};

use crate::DType;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that a tensor can hold.
///
/// Exactly the types of [`DType`] implement it.
pub trait Element:
    sealed::Sealed + Copy + Default + PartialEq + PartialOrd + Debug + Send + Sync + bytemuck::NoUninit + 'static
{
    /// The element type's tag.
    const DTYPE: DType;
    /// Puts a vector into a buffer, without a copy.
    fn into_buffer(values: Vec<Self>) -> Buffer;
    /// The buffer's elements, if it holds this type.
    fn slice(buffer: &Buffer) -> Option<&[Self]>;
    /// The buffer's elements for writing, if it holds this type.
    fn slice_mut(buffer: &mut Buffer) -> Option<&mut [Self]>;
    /// The buffer's vector, without a copy, or the buffer itself if it holds another type.
    fn into_vec(buffer: Buffer) -> Result<Vec<Self>, Buffer>;
    /// Converts every element of `buffer`.
    ///
    /// Integers wrap. Floats saturate on the way to an integer, and NaN becomes 0. Everything but zero is
    /// `true`.
    fn convert_from(buffer: &Buffer) -> Vec<Self>;
    /// Converts the elements of `buffer` from `start` on into `target`, as
    /// [`convert_from`](Element::convert_from).
    ///
    /// # Panics
    /// The buffer holds fewer than `start + target.len()` elements.
    fn convert_into(buffer: &Buffer, start: usize, target: &mut [Self]);
    /// The value as `f64` (`i64` beyond 2^53 is rounded; `false` is 0, `true` is 1).
    fn to_f64(self) -> f64;
    /// The nearest value of this type.
    ///
    /// Floats round to even. Integers truncate and saturate, and NaN becomes 0.
    fn from_f64(value: f64) -> Self;
}

/// Typed storage: one vector of one of the element types.
#[derive(Debug, Clone)]
pub enum Buffer {
    /// `f32` elements.
    F32(Vec<f32>),
    /// `f16` elements.
    F16(Vec<f16>),
    /// `bf16` elements.
    BF16(Vec<bf16>),
    /// `f64` elements.
    F64(Vec<f64>),
    /// `i8` elements.
    I8(Vec<i8>),
    /// `u8` elements.
    U8(Vec<u8>),
    /// `i32` elements.
    I32(Vec<i32>),
    /// `i64` elements.
    I64(Vec<i64>),
    /// `bool` elements.
    Bool(Vec<bool>),
}

/// Runs an expression with `$values` bound to the buffer's vector, whatever its type.
macro_rules! with_buffer {
    ($buffer:expr, $values:ident => $body:expr) => {
        match $buffer {
            $crate::Buffer::F32($values) => $body,
            $crate::Buffer::F16($values) => $body,
            $crate::Buffer::BF16($values) => $body,
            $crate::Buffer::F64($values) => $body,
            $crate::Buffer::I8($values) => $body,
            $crate::Buffer::U8($values) => $body,
            $crate::Buffer::I32($values) => $body,
            $crate::Buffer::I64($values) => $body,
            $crate::Buffer::Bool($values) => $body,
        }
    };
}
pub(crate) use with_buffer;

/// Runs a block with the type name `$element` standing for the Rust type of a [`DType`] value.
///
/// ```
/// use ediacara_tensor::{with_element, DType, Element};
/// let size = with_element!(DType::F16, T => std::mem::size_of::<T>());
/// assert_eq!(size, 2);
/// ```
#[macro_export]
macro_rules! with_element {
    ($dtype:expr, $element:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $element = f32;
                $body
            }
            $crate::DType::F16 => {
                type $element = $crate::f16;
                $body
            }
            $crate::DType::BF16 => {
                type $element = $crate::bf16;
                $body
            }
            $crate::DType::F64 => {
                type $element = f64;
                $body
            }
            $crate::DType::I8 => {
                type $element = i8;
                $body
            }
            $crate::DType::U8 => {
                type $element = u8;
                $body
            }
            $crate::DType::I32 => {
                type $element = i32;
                $body
            }
            $crate::DType::I64 => {
                type $element = i64;
                $body
            }
            $crate::DType::Bool => {
                type $element = bool;
                $body
            }
        }
    };
}

impl Buffer {
    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Buffer::F32(_) => DType::F32,
            Buffer::F16(_) => DType::F16,
            Buffer::BF16(_) => DType::BF16,
            Buffer::F64(_) => DType::F64,
            Buffer::I8(_) => DType::I8,
            Buffer::U8(_) => DType::U8,
            Buffer::I32(_) => DType::I32,
            Buffer::I64(_) => DType::I64,
            Buffer::Bool(_) => DType::Bool,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        with_buffer!(self, values => values.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `count` zeros (`false` for bool), or nothing if memory does not suffice.
    pub fn zeros(dtype: DType, count: usize) -> Option<Buffer> {
        with_element!(dtype, T => bytemuck::allocation::try_zeroed_vec::<T>(count).ok().map(T::into_buffer))
    }

    /// All elements as bytes, in the machine's byte order.
    pub fn as_bytes(&self) -> &[u8] {
        with_buffer!(self, values => bytemuck::cast_slice(values))
    }
}

/// A conversion between two element types, one value at a time.
trait Convert<To> {
    fn convert(self) -> To;
}

macro_rules! convert_by_as {
    ($from:ty => $($to:ty),*) => { $(
        impl Convert<$to> for $from {
            #[inline]
            fn convert(self) -> $to { self as $to }
        }
    )* };
}
convert_by_as!(f32 => f32, f64, i8, u8, i32, i64);
convert_by_as!(f64 => f32, f64, i8, u8, i32, i64);
convert_by_as!(i8 => f32, f64, i8, u8, i32, i64);
convert_by_as!(u8 => f32, f64, i8, u8, i32, i64);
convert_by_as!(i32 => f32, f64, i8, u8, i32, i64);
convert_by_as!(i64 => f32, f64, i8, u8, i32, i64);

macro_rules! convert_half {
    ($half:ty) => {
        convert_half!(@from $half => f32, f64, i8, u8, i32, i64);
        convert_half!(@to $half => f64, i8, u8, i32, i64);
        impl Convert<$half> for f32 {
            #[inline]
            fn convert(self) -> $half { <$half>::from_f32(self) }
        }
        impl Convert<$half> for bool {
            #[inline]
            fn convert(self) -> $half { if self { <$half>::ONE } else { <$half>::ZERO } }
        }
        impl Convert<bool> for $half {
            #[inline]
            fn convert(self) -> bool { self.to_f32() != 0.0 }
        }
    };
    (@from $half:ty => $($to:ty),*) => { $(
        impl Convert<$to> for $half {
            #[inline]
            fn convert(self) -> $to { self.to_f32() as $to }
        }
    )* };
    (@to $half:ty => $($from:ty),*) => { $(
        impl Convert<$half> for $from {
            #[inline]
            fn convert(self) -> $half { <$half>::from_f64(self as f64) }
        }
    )* };
}
convert_half!(f16);
convert_half!(bf16);

impl Convert<f16> for f16 {
    #[inline]
    fn convert(self) -> f16 {
        self
    }
}
impl Convert<bf16> for bf16 {
    #[inline]
    fn convert(self) -> bf16 {
        self
    }
}
impl Convert<bf16> for f16 {
    #[inline]
    fn convert(self) -> bf16 {
        bf16::from_f32(self.to_f32())
    }
}
impl Convert<f16> for bf16 {
    #[inline]
    fn convert(self) -> f16 {
        f16::from_f32(self.to_f32())
    }
}
impl Convert<bool> for bool {
    #[inline]
    fn convert(self) -> bool {
        self
    }
}

macro_rules! convert_bool {
    ($($number:ty),*) => { $(
        impl Convert<bool> for $number {
            #[inline]
            fn convert(self) -> bool { self != (0 as $number) }
        }
        impl Convert<$number> for bool {
            #[inline]
            fn convert(self) -> $number { u8::from(self) as $number }
        }
    )* };
}
convert_bool!(f32, f64, i8, u8, i32, i64);

macro_rules! elements {
    ($($type:ty => $variant:ident),*) => { $(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: DType = DType::$variant;
            fn into_buffer(values: Vec<Self>) -> Buffer {
                Buffer::$variant(values)
            }
            fn slice(buffer: &Buffer) -> Option<&[Self]> {
                match buffer {
                    Buffer::$variant(values) => Some(values),
                    _ => None,
                }
            }
            fn slice_mut(buffer: &mut Buffer) -> Option<&mut [Self]> {
                match buffer {
                    Buffer::$variant(values) => Some(values),
                    _ => None,
                }
            }
            fn into_vec(buffer: Buffer) -> Result<Vec<Self>, Buffer> {
                match buffer {
                    Buffer::$variant(values) => Ok(values),
                    other => Err(other),
                }
            }
            fn convert_from(buffer: &Buffer) -> Vec<Self> {
                with_buffer!(buffer, values => values.iter().map(|&value| value.convert()).collect())
            }
            fn convert_into(buffer: &Buffer, start: usize, target: &mut [Self]) {
                with_buffer!(buffer, values => {
                    let values = &values[start..start + target.len()];
                    target.iter_mut().zip(values).for_each(|(target, &value)| *target = value.convert());
                })
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self.convert()
            }
            #[inline]
            fn from_f64(value: f64) -> Self {
                value.convert()
            }
        }
    )* };
}
elements!(
    f32 => F32, f16 => F16, bf16 => BF16, f64 => F64, i8 => I8, u8 => U8, i32 => I32, i64 => I64, bool => Bool
);
