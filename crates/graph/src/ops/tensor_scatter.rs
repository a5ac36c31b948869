//! `tensor_scatter`: a cache with rows written where indices say.

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::support::{
    integer_attributes, mismatch, operand_error, operands, read_indices, require_axis, require_rank,
    require_same_dtype, resolve_index, single_output, tensor_error, tensors,
};
use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "tensor_scatter";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "A cache in which the update of each batch lies from its index on along an axis, as in ONNX's TensorScatter \
        of mode linear.\n\
        Operands: cache of any type, with at least two axes; update of its type and shape, but for the extent along the axis, \
        which is at most the cache's; indices[B] (i64), one for each along axis 0, from 0 to the difference of the two \
        extents. Result: y like the cache.\n\
        Attributes: axis, from 1.",
    build,
};

/// A cache in which the update of each batch lies from its index on:
/// `y[b, .., indices[b] + k, ..] = update[b, .., k, ..]`, and the cache elsewhere.
///
/// A decoder appends the keys and values of a token so to those of the tokens before it (ONNX opset 24,
/// TensorScatter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorScatter {
    /// The axis, from 1.
    pub axis: usize,
}

integer_attributes!(NAME, TensorScatter { axis });

impl TensorScatter {
    fn write<T: Element>(&self, inputs: [&Tensor; 3], output: &mut Tensor) -> Result<(), OpError> {
        let [cache, update, indices] = inputs;
        let (shape, rows) = (cache.shape(), update.shape()[self.axis]);
        let inner: usize = shape[self.axis + 1..].iter().product();
        let (row, piece) = (shape[self.axis] * inner, rows * inner);
        let (cache, update) = (cache.to_contiguous(), update.to_contiguous());
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        target.copy_from_slice(cache.as_slice::<T>().map_err(tensor_error(NAME))?);
        if piece == 0 {
            return Ok(());
        }
        let source = update.as_slice::<T>().map_err(tensor_error(NAME))?;
        let of_a_batch: usize = shape[1..self.axis].iter().product();
        let starts = read_indices(NAME, indices)?
            .into_iter()
            .map(|index| {
                // Where the last row would lie decides; an index from the end has no meaning here.
                let free = shape[self.axis] - rows + 1;
                let index = if index < 0 { i64::MAX } else { index };
                resolve_index(NAME, "indices", index, free)
            })
            .collect::<Result<Vec<usize>, OpError>>()?;
        for (at, (to, from)) in target.chunks_exact_mut(row).zip(source.chunks_exact(piece)).enumerate() {
            let start = starts[at / of_a_batch] * inner;
            to[start..start + piece].copy_from_slice(from);
        }
        Ok(())
    }
}

impl Op for TensorScatter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [cache, update, indices] = operands(NAME, inputs)?;
        require_axis(NAME, "cache", cache, self.axis)?;
        if self.axis == 0 {
            let problem = "axis 0 is the batch; rows are written along another";
            return Err(operand_error(NAME, "cache", cache, problem));
        }
        require_same_dtype(NAME, ("cache", cache), ("update", update))?;
        let fits = update.rank() == cache.rank()
            && (0..cache.rank()).all(|axis| axis == self.axis || update.shape[axis] == cache.shape[axis])
            && update.shape[self.axis] <= cache.shape[self.axis];
        if !fits {
            let problem = format!(
                "dimensions must be equal, except along axis {}, where no more may be written than there are",
                self.axis
            );
            return Err(mismatch(NAME, ("cache", cache), ("update", update), problem));
        }
        require_rank(NAME, "indices", indices, 1, "[B]")?;
        if indices.dtype != DType::I64 || indices.shape[0] != cache.shape[0] {
            let problem = "there must be one index of i64 for each along axis 0".to_owned();
            return Err(mismatch(NAME, ("cache", cache), ("indices", indices), problem));
        }
        Ok(vec![cache.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let inputs = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(output.dtype(), T => self.write::<T>(inputs, output))
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

    use super::*;

    fn run(axis: usize, cache: &Tensor, update: &Tensor, indices: &[i64]) -> Result<Tensor, OpError> {
        let op = TensorScatter { axis };
        let indices = Tensor::from_vec(&[indices.len()], indices.to_vec()).unwrap();
        let inputs = [cache, update, &indices];
        let types = inputs.map(|tensor| TensorType::new(tensor.dtype(), tensor.shape()));
        let result = op.infer(&types.iter().collect::<Vec<_>>())?.remove(0);
        let mut outputs = [Tensor::zeros(result.dtype, &result.shape).unwrap()];
        op.run(&inputs, &mut outputs)?;
        let [output] = outputs;
        Ok(output)
    }

    /// The example of ONNX's document, `tensorscatter`: two batches at different places.
    #[test]
    fn each_batch_is_written_at_its_index() {
        let cache: Vec<f32> = vec![
            1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 4.0, 3.0, 2.0, 1.0,
            0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 4.0, 3.0, 2.0,
            1.0, 0.0,
        ];
        let update: Vec<f32> = vec![5.0, 5.0, 5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let mut expected = cache.clone();
        expected[5..10].fill(5.0);
        expected[30..35].fill(1.0);
        let cache = Tensor::from_vec(&[2, 1, 4, 5], cache).unwrap();
        let update = Tensor::from_vec(&[2, 1, 1, 5], update).unwrap();
        let found = run(2, &cache, &update, &[1, 2]).unwrap();
        assert_eq!(found.to_vec::<f32>().unwrap(), expected);
    }

    #[test]
    fn several_rows_of_several_heads_are_written_along_the_axis() {
        let cache = Tensor::from_vec(&[1, 2, 3, 2], (0..12_i8).collect()).unwrap();
        let update = Tensor::from_vec(&[1, 2, 2, 2], (100..108_i8).collect()).unwrap();
        let found = run(2, &cache, &update, &[1]).unwrap().to_vec::<i8>().unwrap();
        assert_eq!(found, [0, 1, 100, 101, 102, 103, 6, 7, 104, 105, 106, 107]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cache = Tensor::from_vec(&[1, 3, 2], vec![0_i8; 6]).unwrap();
        let row = Tensor::from_vec(&[1, 1, 2], vec![0_i8; 2]).unwrap();
        for (index, fits) in [(0, true), (2, true), (3, false), (-1, false)] {
            assert_eq!(run(1, &cache, &row, &[index]).is_ok(), fits, "{index}");
        }
        assert!(run(0, &cache, &row, &[0]).unwrap_err().to_string().contains("batch"));
        assert!(run(1, &cache, &row, &[0, 1]).unwrap_err().to_string().contains("one index"));
        let wide = Tensor::from_vec(&[1, 1, 3], vec![0_i8; 3]).unwrap();
        assert!(run(1, &cache, &wide, &[0]).unwrap_err().to_string().contains("equal"));
    }
}
