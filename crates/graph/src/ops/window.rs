//! The attributes of a sliding window, shared by convolutions and pools.

use ediacara_kernels::Window;

use crate::{AttributeReader, OpError};

/// Reads `stride` and `dilation`: two entries each, at least 1.
pub(crate) fn read_positive(reader: &mut AttributeReader, name: &'static str) -> Result<[usize; 2], OpError> {
    let sizes = reader.sizes_of::<2>(name)?;
    if sizes.contains(&0) {
        return Err(reader.error(name, format!("{sizes:?} [height, width] must be at least 1")));
    }
    Ok(sizes)
}

/// The output `[height, width]` of a window over an input, with overflow and emptiness as errors.
pub(crate) fn output_size(
    op: &'static str,
    window: &Window,
    input: [usize; 2],
) -> Result<[usize; 2], OpError> {
    window.output(input).map_err(|source| OpError::Kernel { op, source })
}
