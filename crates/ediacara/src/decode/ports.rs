//! What a decoder's inputs and outputs are, and what is in its caches.

use ediacara_graph::ops::{Barrier, Reshape, TensorScatter};
use ediacara_graph::{DType, Graph, ValueId};
use ediacara_tensor::Tensor;

use crate::{Error, Model};

/// The ports of a decoder, as indices of the graph's inputs and outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ports {
    pub token: usize,
    pub position: usize,
    /// Each cache: the input, the output, and the axis along which tokens lie.
    pub caches: Vec<(usize, usize, usize)>,
    /// Other inputs, each with what it is given.
    pub extras: Vec<(usize, Extra)>,
    pub logits: usize,
    /// Tokens for which the caches have room.
    pub length: usize,
    pub vocabulary: usize,
}

/// What an input that is neither token nor cache is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extra {
    /// The position of the token.
    Position,
    /// 1 for each token so far, and 0 behind them.
    Seen,
    /// What the file has as a constant behind so many tokens: the operand, by its index, of the node with a result of that name.
    Constant(String, usize),
}

/// Finds the ports of a decoder whose other inputs are `extras`.
pub(super) fn ports(model: &Model, extras: Vec<(usize, Extra)>) -> Result<Ports, Error> {
    let graph = &model.graph;
    let input = |value: ValueId| graph.inputs().iter().position(|&input| input == value);
    let output = |value: ValueId| {
        graph.outputs().iter().position(|&output| output == value || before_barriers(graph, output) == value)
    };
    let mut caches = Vec::new();
    let (mut position, mut length) = (None, None);
    for id in graph.order() {
        let node = graph.node(id);
        let Some(scatter) = node.op_as::<TensorScatter>() else { continue };
        let (Some(past), Some(present)) = (input(node.inputs[0]), output(node.outputs[0])) else { continue };
        caches.push((past, present, scatter.axis));
        length = length.or(Some(graph.ty(node.inputs[0]).shape[scatter.axis]));
        position = position.or_else(|| input(before_reshapes(graph, node.inputs[2])));
    }
    let (Some(position), Some(length)) = (position, length) else {
        return Err(refused(model, "it has no cache that it appends to"));
    };
    let is_known = |index: &usize| {
        *index == position
            || caches.iter().any(|(past, ..)| past == index)
            || extras.iter().any(|(extra, _)| extra == index)
    };
    let others: Vec<usize> = (0..graph.inputs().len()).filter(|index| !is_known(index)).collect();
    let is_token = |&index: &usize| {
        let ty = graph.ty(graph.inputs()[index]);
        ty.dtype == DType::I64 && ty.elements() == 1
    };
    let [token] = others[..] else {
        return Err(refused(model, "beside caches and position it has not one input"));
    };
    let is_present = |index: &usize| caches.iter().any(|(_, present, _)| present == index);
    let results: Vec<usize> = (0..graph.outputs().len()).filter(|index| !is_present(index)).collect();
    let [logits] = results[..] else {
        return Err(refused(model, "beside caches it has not one output"));
    };
    let ty = graph.ty(graph.outputs()[logits]);
    let vocabulary = ty.shape.last().copied().unwrap_or(0);
    if !is_token(&token) || !ty.dtype.is_float() || ty.elements() != vocabulary || vocabulary == 0 {
        return Err(refused(
            model,
            "its token is not one number of i64, or its logits are not one row of real numbers",
        ));
    }
    Ok(Ports { token, position, caches, extras, logits, length, vocabulary })
}

/// That a network is no decoder, with the ports that it has.
pub(super) fn refused(model: &Model, what: &str) -> Error {
    let graph = &model.graph;
    let names = |values: &[ValueId]| {
        let names: Vec<&str> = values.iter().map(|&value| graph.value(value).name.as_str()).collect();
        names.join(", ")
    };
    Error::Invalid(format!(
        "{}: it does not decode token by token: {what}. A decoder has an input for one token, inputs past_* and outputs \
         present_* with the token's rows, which it concatenates along a symbolic axis or writes with TensorScatter at an \
         input's position, and logits. Its inputs are {}; its outputs are {}",
        model.name,
        names(graph.inputs()),
        names(graph.outputs())
    ))
}

fn before_reshapes(graph: &Graph, mut value: ValueId) -> ValueId {
    while let Some(node) =
        graph.producer(value).map(|id| graph.node(id)).filter(|node| node.op_as::<Reshape>().is_some())
    {
        value = node.inputs[0];
    }
    value
}

/// The value that an output hands out.
pub(super) fn before_barriers(graph: &Graph, mut value: ValueId) -> ValueId {
    while let Some(node) =
        graph.producer(value).map(|id| graph.node(id)).filter(|node| node.op_as::<Barrier>().is_some())
    {
        value = node.inputs[0];
    }
    value
}

/// The tensors of all caches, in the order of [`Ports::caches`].
pub(super) struct Caches(pub Vec<Tensor>);

impl Caches {
    pub(super) fn empty(graph: &Graph, ports: &Ports) -> Result<Caches, Error> {
        let zeros = |&(past, ..): &(usize, usize, usize)| Ok(graph.ty(graph.inputs()[past]).zeros()?);
        Ok(Caches(ports.caches.iter().map(zeros).collect::<Result<_, Error>>()?))
    }

    /// What the network is given; `constants` are for the extras that are constants of a file, in their order.
    pub(super) fn inputs(
        &self,
        graph: &Graph,
        ports: &Ports,
        (position, token): (usize, i64),
        constants: &[Tensor],
    ) -> Result<Vec<Tensor>, Error> {
        let ty = |index: usize| graph.ty(graph.inputs()[index]);
        let mut constants = constants.iter();
        let mut inputs = Vec::with_capacity(graph.inputs().len());
        for index in 0..graph.inputs().len() {
            let cache = ports.caches.iter().zip(&self.0).find(|((past, ..), _)| *past == index);
            let extra = ports.extras.iter().find(|(extra, _)| *extra == index);
            inputs.push(match (cache, extra.map(|(_, extra)| extra)) {
                (Some((_, cache)), _) => cache.clone(),
                (None, Some(Extra::Constant(..))) => constants.next().cloned().unwrap_or(ty(index).zeros()?),
                (None, Some(Extra::Seen)) => {
                    let seen = (0..ty(index).elements()).map(|at| f32::from(u8::from(at <= position)));
                    Tensor::from_vec(&ty(index).shape, seen.collect())?.cast(ty(index).dtype)
                }
                (None, None) if index != ports.position => Tensor::from_vec(&ty(index).shape, vec![token])?,
                (None, Some(Extra::Position) | None) => {
                    Tensor::from_vec(&ty(index).shape, vec![position as i64])?
                }
            });
        }
        Ok(inputs)
    }

    /// Takes them from the network's outputs.
    pub(super) fn take(&mut self, ports: &Ports, outputs: &[Tensor]) {
        for ((_, present, _), cache) in ports.caches.iter().zip(&mut self.0) {
            *cache = outputs[*present].clone();
        }
    }

    /// The rows of the first tokens in caches of another length; those behind them are zeros.
    pub(super) fn of_length(&self, ports: &Ports, length: usize) -> Result<Caches, Error> {
        let other = |((_, _, axis), cache): (&(usize, usize, usize), &Tensor)| {
            let mut shape = cache.shape().to_vec();
            shape[*axis] = length;
            resized(cache, &shape)
        };
        Ok(Caches(ports.caches.iter().zip(&self.0).map(other).collect::<Result<_, Error>>()?))
    }
}

/// The elements of a tensor at the same indices of another shape of as many axes: what is outside is left away, and what there
/// is not is zero.
pub(super) fn resized(tensor: &Tensor, shape: &[usize]) -> Result<Tensor, Error> {
    let (dtype, tensor) = (tensor.dtype(), tensor.to_contiguous());
    let (from, old, size) = (tensor.as_bytes()?, tensor.shape(), dtype.size_bytes());
    let mut bytes = Tensor::zeros(dtype, shape)?.as_bytes()?.to_vec();
    let both: Vec<usize> = old.iter().zip(shape).map(|(&old, &new)| old.min(new)).collect();
    let (run, outer) = both.split_last().map_or((1, &[][..]), |(&last, outer)| (last, outer));
    for row in 0..outer.iter().product() {
        let (mut rest, mut at, mut steps) =
            (row, [0, 0], [old, shape].map(|shape| shape.last().map_or(1, |&n| n)));
        for (axis, &extent) in outer.iter().enumerate().rev() {
            let index = rest % extent;
            rest /= extent;
            for (k, whole) in [old, shape].into_iter().enumerate() {
                at[k] += index * steps[k];
                steps[k] *= whole[axis];
            }
        }
        let [source, target] = at.map(|at| at * size);
        bytes[target..target + run * size].copy_from_slice(&from[source..source + run * size]);
    }
    Ok(Tensor::from_bytes(dtype, shape, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_indices_when_a_shape_changes() {
        let tensor = Tensor::from_vec(&[2, 2, 2], (1..9_i64).collect()).unwrap();
        let longer = resized(&tensor, &[2, 3, 2]).unwrap();
        assert_eq!(longer.to_vec::<i64>().unwrap(), [1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0]);
        assert_eq!(
            resized(&longer, &[2, 2, 2]).unwrap().to_vec::<i64>().unwrap(),
            (1..9).collect::<Vec<i64>>()
        );
        assert_eq!(resized(&tensor, &[1, 2, 3]).unwrap().to_vec::<i64>().unwrap(), [1, 2, 0, 3, 4, 0]);
        assert!(resized(&tensor, &[2, 0, 2]).unwrap().is_empty());
        let number = Tensor::scalar(7_i64);
        assert_eq!(resized(&number, &[]).unwrap().to_vec::<i64>().unwrap(), [7]);
    }
}
