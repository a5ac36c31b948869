//! N-DOT with N-REQUANTISE: convolution and the fully connected layer.

use super::conv_shape::{QConvShape, QWeights, RealWeights};
use super::depthwise::depthwise;
use super::dot::{QUAD, Variant};
use super::gather::Gather;
use super::product::{Factors, Product, Requantised, Scaled};
use super::requantise::QOutput;
use crate::KernelError;
use crate::error::{check_length, elements};

/// `y[N,OH,OW,O] = requantise(sum (x - x_zero)(w - w_zero))` over `x[N,H,W,C]`, `w[O,KH,KW,C/groups]`.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; a window larger than the
/// padded input; a multiplier, shift or clamp out of range.
pub fn q_conv(
    shape: &QConvShape,
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    q_conv_by(Variant::best(), shape, x, x_zero, weights, output, y)
}

/// [`q_conv`] by a chosen variant, for tests and benchmarks.
///
/// A variant that the machine lacks gives way to the portable one.
///
/// # Errors
/// As [`q_conv`].
pub fn q_conv_by(
    variant: Variant,
    shape: &QConvShape,
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    const KERNEL: &str = "q_conv";
    let size = shape.output()?;
    output.check(KERNEL)?;
    let groups = shape.groups;
    if shape.in_channels == 0 {
        return Err(KernelError::shape(KERNEL, "the input has no channels; at least one is needed"));
    }
    if groups == 0 || !shape.in_channels.is_multiple_of(groups) || !shape.out_channels.is_multiple_of(groups)
    {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let problem = format!("{groups} groups must divide {inputs} input and {outputs} output channels");
        return Err(KernelError::shape(KERNEL, problem));
    }
    let depth =
        elements(KERNEL, &[shape.window.kernel[0], shape.window.kernel[1], shape.in_channels / groups])?;
    let x_elements = elements(KERNEL, &[shape.batch, shape.input[0], shape.input[1], shape.in_channels])?;
    let pixels = elements(KERNEL, &[shape.batch, size[0], size[1]])?;
    check_length(KERNEL, "x", x.len(), x_elements)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[pixels, shape.out_channels])?)?;
    weights.check(KERNEL, elements(KERNEL, &[shape.out_channels, depth])?, shape.out_channels)?;
    if y.is_empty() {
        return Ok(());
    }
    if groups == shape.in_channels && groups == shape.out_channels {
        let records = weights.records(|channel| weights.bias[channel]);
        let zeros = [x_zero, weights.zero];
        depthwise(variant, shape, zeros, [x, weights.values], &records, output, y);
        return Ok(());
    }
    let gather = Gather { shape, output: size, x, x_zero, row_bytes: depth.next_multiple_of(QUAD) };
    let factors = Factors { values: weights.values, zero: weights.zero, depth };
    let results = |bias: &dyn Fn(usize) -> i32| Requantised { records: weights.records(bias), output };
    Product::new(variant, gather, factors, |channel| weights.bias[channel], results).run(pixels, y);
    Ok(())
}

/// `y[M,O] = requantise(sum over k of (x - x_zero)(w - w_zero))` over `x[M,K]`, `w[O,K]`.
///
/// `sizes` is `[M, O, K]`.
///
/// # Errors
/// As [`q_conv`].
pub fn q_matmul(
    sizes: [usize; 3],
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    q_matmul_by(Variant::best(), sizes, x, x_zero, weights, output, y)
}

/// `y[M,O] = float(bias + sum over k of (x - x_zero)(w - w_zero)) * scale` over `x[M,K]`, `w[O,K]`: N-DOT, and
/// N-FLOAT-READ of its accumulators with records.
///
/// `sizes` is `[M, O, K]`.
///
/// # Errors
/// Slices whose length is not the shape's; no terms.
pub fn q_matmul_real(
    [m, o, k]: [usize; 3],
    x: &[i8],
    x_zero: i8,
    weights: &RealWeights,
    y: &mut [f32],
) -> Result<(), KernelError> {
    const KERNEL: &str = "q_matmul_real";
    if k == 0 {
        return Err(KernelError::shape(KERNEL, "a sum has no terms; at least one is needed"));
    }
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[m, k])?)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[m, o])?)?;
    check_length(KERNEL, "w", weights.values.len(), elements(KERNEL, &[o, k])?)?;
    check_length(KERNEL, "bias", weights.bias.len(), o)?;
    check_length(KERNEL, "scale", weights.scale.len(), o)?;
    if y.is_empty() {
        return Ok(());
    }
    let shape = QConvShape::of_product([m, o, k]);
    let gather = Gather { shape: &shape, output: [m, 1], x, x_zero, row_bytes: k.next_multiple_of(QUAD) };
    let factors = Factors { values: weights.values, zero: weights.zero, depth: k };
    let results =
        |bias: &dyn Fn(usize) -> i32| Scaled { bias: (0..o).map(bias).collect(), scale: weights.scale };
    let bias = |channel: usize| weights.bias[channel];
    Product::new(Variant::best(), gather, factors, bias, results).run(m, y);
    Ok(())
}

/// [`q_matmul`] by a chosen variant, as [`q_conv_by`].
///
/// # Errors
/// As [`q_conv`].
pub fn q_matmul_by(
    variant: Variant,
    [m, o, k]: [usize; 3],
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    let shape = QConvShape::of_product([m, o, k]);
    if m == 0 && x.is_empty() && y.is_empty() {
        return weights.check("q_matmul", elements("q_matmul", &[o, k])?, o);
    }
    q_conv_by(variant, &shape, x, x_zero, weights, output, y)
}
