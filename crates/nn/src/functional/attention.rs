//! Attention: Vaswani et al., "Attention is all you need", 2017.

use ediacara_graph::ops::{Add, MatMul, Softmax, Transpose};
use ediacara_graph::{Emit, OpError, Tensor, ValueId};

use super::scale;

/// `softmax(query * transpose(key) / sqrt(E)) * value`.
///
/// `query[.., L, E]`, `key[.., S, E]` and `value[.., S, V]` give `[.., L, V]`; leading dimensions are
/// broadcast. If the attention is causal, place l of the query sees no place of the key after l.
///
/// # Errors
/// The shapes do not fit, or the types differ.
pub fn scaled_dot_product_attention(
    emit: &mut dyn Emit,
    query: ValueId,
    key: ValueId,
    value: ValueId,
    causal: bool,
) -> Result<ValueId, OpError> {
    emit.type_of("attention", query)?;
    let mut permutation: Vec<usize> = (0..emit.type_of("attention", key)?.rank()).collect();
    let (&[.., places, features], [.., second_last, last]) =
        (&emit.ty(query).shape[..], &mut permutation[..])
    else {
        let problem = format!(
            "query is {} and key {}: query[.., L, E] and key[.., S, E] have at least two dimensions",
            emit.ty(query),
            emit.ty(key)
        );
        return Err(OpError::Other { op: "attention".to_owned(), problem });
    };
    std::mem::swap(second_last, last);
    let transposed = emit.one(Transpose { permutation }, &[key])?;
    let query = scale(emit, query, 1.0 / (features as f64).sqrt())?;
    let mut scores = emit.one(MatMul, &[query, transposed])?;
    let axis = emit.ty(scores).rank() - 1;
    if causal {
        let mask = causal_mask(places, emit.ty(scores).shape[axis])?;
        let mask = mask.cast(emit.ty(scores).dtype);
        let mask = emit.constant(mask);
        scores = emit.one(Add, &[scores, mask])?;
    }
    let weights = emit.one(Softmax { axis }, &[scores])?;
    emit.one(MatMul, &[weights, value])
}

/// `[rows, columns]`: 0 up to the diagonal, negative infinity after it.
fn causal_mask(rows: usize, columns: usize) -> Result<Tensor, OpError> {
    let error = |source| OpError::Tensor { op: "attention", source };
    let mut mask = Tensor::full(&[rows, columns], 0.0_f32).map_err(error)?;
    let values = mask.as_mut_slice::<f32>().map_err(error)?;
    for (row, values) in values.chunks_exact_mut(columns.max(1)).enumerate() {
        values.iter_mut().skip(row + 1).for_each(|value| *value = f32::NEG_INFINITY);
    }
    Ok(mask)
}
