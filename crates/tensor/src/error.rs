//! What can go wrong with a tensor or a tensor file.

use std::path::PathBuf;

use crate::DType;

/// The error type of this crate.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// A name that is no element type.
    #[error("unknown element type `{name}`; known are f32 f16 bf16 f64 i8 u8 i32 i64 bool")]
    UnknownDType {
        /// The name found.
        name: String,
    },
    /// The tensor holds another type than the one asked for.
    #[error("the tensor holds {found} but {wanted} was asked for; cast it first")]
    WrongType {
        /// What the tensor holds.
        found: DType,
        /// What was asked for.
        wanted: DType,
    },
    /// The caller wants a slice of a view whose elements do not lie side by side.
    #[error("the view of shape {shape:?} is not contiguous; call `to_contiguous` first")]
    NotContiguous {
        /// The view's shape.
        shape: Vec<usize>,
    },
    /// The data have another length than the shape says.
    #[error("shape {shape:?} needs {needed} {unit} but {found} were given")]
    Length {
        /// The shape.
        shape: Vec<usize>,
        /// How many the shape needs.
        needed: usize,
        /// How many there are.
        found: usize,
        /// `elements` or `bytes`.
        unit: &'static str,
    },
    /// The shape's number of bytes does not fit the address space.
    #[error("shape {shape:?} of {dtype} is larger than memory can be")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
        /// The element type.
        dtype: DType,
    },
    /// Memory does not suffice.
    #[error("memory does not suffice for shape {shape:?} of {dtype}")]
    NoMemory {
        /// The shape.
        shape: Vec<usize>,
        /// The element type.
        dtype: DType,
    },
    /// A reshape to a shape with another number of elements.
    #[error("cannot reshape {from:?} ({from_elements} elements) to {to:?} ({to_elements} elements)")]
    Reshape {
        /// The tensor's shape.
        from: Vec<usize>,
        /// Its elements.
        from_elements: usize,
        /// The wanted shape.
        to: Vec<usize>,
        /// The wanted shape's elements.
        to_elements: usize,
    },
    /// A broadcast that NumPy's rule does not allow.
    #[error("cannot broadcast {from:?} to {to:?}: a dimension must be equal or 1")]
    Broadcast {
        /// The tensor's shape.
        from: Vec<usize>,
        /// The wanted shape.
        to: Vec<usize>,
    },
    /// Not a permutation of the axes.
    #[error("{permutation:?} is not a permutation of the {rank} axes of shape {shape:?}")]
    Permutation {
        /// What was given.
        permutation: Vec<usize>,
        /// The tensor's rank.
        rank: usize,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
    /// A slice outside the tensor, or with step 0.
    #[error("cannot slice axis {axis} of {shape:?} from {start} to {end} by {step}")]
    Slice {
        /// The axis.
        axis: usize,
        /// First index.
        start: isize,
        /// End index, exclusive.
        end: isize,
        /// Step.
        step: isize,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
    /// A byte that is no value of the element type.
    #[error("byte {position} is {found}, but a bool is 0 or 1")]
    NotBool {
        /// Where.
        position: usize,
        /// What was found.
        found: u8,
    },
    /// A file that could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A stream that could not be read or written.
    #[error("{0}")]
    Stream(#[from] std::io::Error),
    /// A file that does not follow its format.
    #[error("not a valid {format} file: {problem}")]
    Format {
        /// `npy`, `npz` or `safetensors`.
        format: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A tensor that differs from the one that was written, by its SHA-256.
    #[error("tensor `{name}` is damaged: {problem}")]
    Damaged {
        /// The tensor.
        name: String,
        /// Its bytes in the file, both digests, and what to do.
        problem: String,
    },
    /// An error with the file it came from.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// The error.
        source: Box<TensorError>,
    },
}
