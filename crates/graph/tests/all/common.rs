//! What the tests of operators share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses some; a failed unwrap is a failed test"
)]

use ediacara_graph::{Op, OpError, Registry, Tensor, TensorType};
use ediacara_tensor::Element;

/// A tensor from its elements.
pub(crate) fn tensor<T: Element>(shape: &[usize], values: &[T]) -> Tensor {
    Tensor::from_vec(shape, values.to_vec()).unwrap()
}

/// The f32 tensor 0, 1, 2, ...
pub(crate) fn iota(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    Tensor::from_vec(shape, (0..count).map(|value| value as f32).collect()).unwrap()
}

/// Infers, allocates and runs, as an executor does; also checks that the registry rebuilds the operator, that
/// views agree with copies, and that strided operands give the same result.
pub(crate) fn try_run(op: &dyn Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
    let types: Vec<TensorType> = inputs.iter().map(|input| TensorType::of(input)).collect();
    let types: Vec<&TensorType> = types.iter().collect();
    let inferred = op.infer(&types)?;
    let rebuilt = Registry::core().build(op.name(), &op.attributes()).unwrap();
    assert!(rebuilt.same_as(op), "{} does not survive the registry", op.name());
    let inferred_references: Vec<&TensorType> = inferred.iter().collect();
    let _ = op.cost(&types, &inferred_references);
    let run = |inputs: &[&Tensor]| -> Result<Vec<Tensor>, OpError> {
        let mut outputs: Vec<Tensor> = inferred.iter().map(|ty| ty.zeros().unwrap()).collect();
        op.run(inputs, &mut outputs)?;
        Ok(outputs)
    };
    let outputs = run(inputs)?;
    for (output, ty) in outputs.iter().zip(&inferred) {
        assert_eq!(&TensorType::of(output), ty);
        assert!(output.is_contiguous());
    }
    let strided: Vec<Tensor> = inputs.iter().map(|input| strided(input)).collect();
    let again = run(&strided.iter().collect::<Vec<_>>())?;
    for (output, again) in outputs.iter().zip(&again) {
        assert!(output.same_bits(again), "{} differs for strided operands", op.name());
    }
    if let [input] = inputs
        && let Some(view) = op.view(input)
    {
        assert!(view.same_bits(&outputs[0]), "the view of {} differs from its copy", op.name());
    }
    Ok(outputs)
}

/// The same tensor in a layout that is not dense: reversed axes in memory.
fn strided(tensor: &Tensor) -> Tensor {
    let axes: Vec<usize> = (0..tensor.rank()).rev().collect();
    tensor.transpose(&axes).unwrap().copy().transpose(&axes).unwrap()
}

/// The only result of an operator.
pub(crate) fn run(op: &dyn Op, inputs: &[&Tensor]) -> Tensor {
    let outputs = try_run(op, inputs).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outputs.len(), 1);
    outputs.into_iter().next().unwrap()
}

/// The error's text.
pub(crate) fn error(op: &dyn Op, inputs: &[&Tensor]) -> String {
    try_run(op, inputs).unwrap_err().to_string()
}

/// Compares type, shape and values exactly.
pub(crate) fn check<T: Element>(found: &Tensor, shape: &[usize], expected: &[T]) {
    assert_eq!(found.shape(), shape);
    assert_eq!(found.to_vec::<T>().unwrap(), expected);
}

/// Compares f32 values within a relative and absolute tolerance of 1e-6.
pub(crate) fn check_near(found: &Tensor, shape: &[usize], expected: &[f32]) {
    assert_eq!(found.shape(), shape);
    let found = found.to_vec::<f32>().unwrap();
    assert_eq!(found.len(), expected.len());
    for (position, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= 1e-6 * expected.abs().max(1.0) || found == expected;
        assert!(close || (found.is_nan() && expected.is_nan()), "{position}: {found}, expected {expected}");
    }
}
