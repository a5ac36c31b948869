//! What the operators of optimisers share: operands, types, and one pass over all of them.

use ediacara_graph::{Cost, OpError, TensorType};
use ediacara_tensor::{Tensor, TensorError};
use rayon::prelude::*;

/// Elements that one task takes, however many threads there are: a few tens of kilobytes of each operand.
const CHUNK: usize = 1 << 14;

/// The rule for one element of an update: its old value, gradient and states give the new value.
///
/// States are changed in place.
pub(super) trait Rule<const STATES: usize>: Sync {
    fn next(&self, weight: f32, gradient: f32, states: &mut [f32; STATES]) -> f32;
}

/// The types of a step's results: those of the parameter and the states.
///
/// `scalars` scalars stand between gradient and states.
pub(super) fn infer(
    op: &'static str,
    inputs: &[&TensorType],
    scalars: usize,
    states: usize,
) -> Result<Vec<TensorType>, OpError> {
    let problem = |problem: String| OpError::Other { op: op.to_owned(), problem };
    let expected = 2 + scalars + states;
    if inputs.len() != expected {
        return Err(problem(format!("takes {expected} operands, not {}", inputs.len())));
    }
    let parameter = inputs[0];
    for (index, other) in inputs.iter().enumerate().filter(|(index, _)| !(2..2 + scalars).contains(index)) {
        if *other != parameter || other.dtype != ediacara_tensor::DType::F32 {
            return Err(problem(format!(
                "operand {index} has type {other}; parameter, gradient and states have one type of f32, here {parameter}"
            )));
        }
    }
    if let Some(scalar) = inputs[2..2 + scalars].iter().find(|ty| ty.elements() != 1) {
        return Err(problem(format!("the rate and the number of the step are scalars, not {scalar}")));
    }
    Ok(vec![parameter.clone(); 1 + states])
}

/// The value of a scalar operand.
pub(super) fn scalar(op: &'static str, tensor: &Tensor) -> Result<f32, OpError> {
    let values = tensor.to_vec::<f32>().map_err(|source| OpError::Tensor { op, source })?;
    Ok(values.first().copied().unwrap_or_default())
}

/// One pass: `inputs` are parameter, gradient, scalars and states, `outputs` the next parameter and states.
pub(super) fn run<const STATES: usize>(
    op: &'static str,
    inputs: &[&Tensor],
    outputs: &mut [Tensor],
    rule: &impl Rule<STATES>,
) -> Result<(), OpError> {
    let problem = |source: TensorError| OpError::Tensor { op, source };
    let scalars = inputs.len() - 2 - STATES;
    // The executor's operands are contiguous; a view is copied.
    let dense: Vec<Tensor> = [0, 1]
        .into_iter()
        .chain(2 + scalars..inputs.len())
        .map(|index| inputs[index].to_contiguous())
        .collect();
    let mut old = Vec::with_capacity(dense.len());
    for tensor in &dense {
        old.push(tensor.as_slice::<f32>().map_err(problem)?);
    }
    let mut new = Vec::with_capacity(outputs.len());
    for tensor in outputs.iter_mut() {
        new.push(tensor.as_mut_slice::<f32>().map_err(problem)?);
    }
    let count = old[0].len();
    let mut chunks: Vec<Vec<&mut [f32]>> = (0..count.div_ceil(CHUNK)).map(|_| Vec::new()).collect();
    for slice in new {
        chunks.iter_mut().zip(slice.chunks_mut(CHUNK)).for_each(|(chunk, slice)| chunk.push(slice));
    }
    chunks.into_par_iter().enumerate().for_each(|(index, chunk)| {
        step_chunk(&old, chunk, index * CHUNK, rule);
    });
    Ok(())
}

/// The elements of a chunk.
///
/// All slices are cut to one length first, so that the loop needs no checks.
fn step_chunk<const STATES: usize>(
    old: &[&[f32]],
    new: Vec<&mut [f32]>,
    first: usize,
    rule: &impl Rule<STATES>,
) {
    let length = new.first().map_or(0, |slice| slice.len());
    let mut new = new.into_iter();
    let Some(next) = new.next() else { return };
    let mut new_states: [&mut [f32]; STATES] =
        std::array::from_fn(|_| &mut new.next().unwrap_or_default()[..length]);
    let cut = |index: usize| &old[index][first..][..length];
    let (weights, gradients) = (cut(0), cut(1));
    let old_states: [&[f32]; STATES] = std::array::from_fn(|state| cut(2 + state));
    for at in 0..length {
        let mut states: [f32; STATES] = std::array::from_fn(|state| old_states[state][at]);
        next[at] = rule.next(weights[at], gradients[at], &mut states);
        for (slice, value) in new_states.iter_mut().zip(states) {
            slice[at] = value;
        }
    }
}

/// `operations` for each element, none of them a multiply-accumulate of the network.
pub(super) fn cost(outputs: &[&TensorType], operations: u64) -> Cost {
    Cost::others(outputs.first().map_or(0, |ty| ty.elements() as u64).saturating_mul(operations))
}
