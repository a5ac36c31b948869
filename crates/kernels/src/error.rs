//! The one error type of the crate.

/// Why a kernel refused its operands.
///
/// A kernel that returns one of these has written nothing to the output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A slice does not hold as many elements as the shape says.
    #[error(
        "{kernel}: operand `{operand}` holds {found} elements where its shape needs {expected}; \
         pass a slice of exactly that length"
    )]
    Length {
        /// The kernel that was called.
        kernel: &'static str,
        /// The operand's name in that kernel's documentation.
        operand: &'static str,
        /// Elements that the shape needs.
        expected: usize,
        /// Elements that the slice holds.
        found: usize,
    },
    /// A size that must be positive is zero, or sizes contradict each other.
    #[error("{kernel}: {problem}")]
    Shape {
        /// The kernel that was called.
        kernel: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl KernelError {
    pub(crate) fn shape(kernel: &'static str, problem: impl Into<String>) -> Self {
        Self::Shape { kernel, problem: problem.into() }
    }
}

/// Compares a slice's length with what its shape needs.
pub(crate) fn check_length(
    kernel: &'static str,
    operand: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), KernelError> {
    if found == expected { Ok(()) } else { Err(KernelError::Length { kernel, operand, expected, found }) }
}

/// The product of `sizes`, or an error where it passes the address space.
pub(crate) fn elements(kernel: &'static str, sizes: &[usize]) -> Result<usize, KernelError> {
    sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).ok_or_else(|| {
        KernelError::shape(kernel, format!("the shape {sizes:?} has more elements than can be addressed"))
    })
}
