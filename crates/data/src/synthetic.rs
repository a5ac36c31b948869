//! Seeded tensors that stand in where there is no data, with the same values on every platform.

use ediacara_tensor::Tensor;

use crate::{DataError, Random};

/// How many elements a shape has, or an error where no tensor can have so many.
fn elements(shape: &[usize]) -> Result<usize, DataError> {
    let count = shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side));
    count.filter(|&count| count <= isize::MAX as usize / 8).ok_or_else(|| {
        DataError::Request(format!("a synthetic tensor of shape {shape:?} is larger than memory can be"))
    })
}

/// Nearly normal numbers of mean 0 and variance 1, f32, as in a normalised photo; see [`Random::bell`].
pub fn normal(shape: &[usize], seed: u64) -> Result<Tensor, DataError> {
    let mut random = Random::new(seed);
    let values: Vec<f32> = (0..elements(shape)?).map(|_| random.bell()).collect();
    Ok(Tensor::from_vec(shape, values)?)
}

/// Uniform numbers of [low, high), f32.
pub fn uniform(shape: &[usize], low: f32, high: f32, seed: u64) -> Result<Tensor, DataError> {
    let mut random = Random::new(seed);
    let span = high - low;
    let values: Vec<f32> = (0..elements(shape)?).map(|_| low + span * random.unit()).collect();
    Ok(Tensor::from_vec(shape, values)?)
}

/// Uniform signed bytes of the whole range -128..=127.
pub fn bytes(shape: &[usize], seed: u64) -> Result<Tensor, DataError> {
    let mut random = Random::new(seed);
    let values: Vec<i8> = (0..elements(shape)?).map(|_| (random.next_u64() >> 56) as i8).collect();
    Ok(Tensor::from_vec(shape, values)?)
}

/// Uniform whole numbers of `0..bound`, i64, like token numbers and classes; zeros when `bound` is 0.
pub fn indices(shape: &[usize], bound: u64, seed: u64) -> Result<Tensor, DataError> {
    let mut random = Random::new(seed);
    let values: Vec<i64> = (0..elements(shape)?).map(|_| random.below(bound) as i64).collect();
    Ok(Tensor::from_vec(shape, values)?)
}
