//! Transposed convolutions: convolutions of stride 1, whose results are joined.

use ediacara_graph::ops::{Activation, ConvTranspose, FConv};
use ediacara_graph::{IntoOp, Node, Tensor, ValueId};

use super::forms::{Forms, Lowered};
use super::products::{activated, before, real_constant, records};
use crate::Result;
use crate::phases::{Axis, Phase, Phases, Transposed, sub_kernel};

/// What a transposed convolution becomes; nothing for other nodes.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let Some(conv) = node.op_as::<ConvTranspose>() else { return Ok(None) };
    let Some(w) = real_constant(forms, node.inputs[1]).filter(|w| w.rank() == 4) else {
        return Ok(Some(Err("its weights are computed".to_owned())));
    };
    let w = outputs_first(&w, conv.groups)?;
    let Some(x) = forms.image(node.inputs[0])? else {
        return Ok(Some(Err("its operand is no real image".to_owned())));
    };
    let name = format!("{}.transposed", node.name);
    let Some(records) = records(forms, &name, node.inputs.get(2).copied(), w.shape()[0])? else {
        return Ok(Some(Err("its bias is computed".to_owned())));
    };
    let [input, output] = [node.inputs[0], node.outputs[0]].map(|value| forms.shape(value));
    let shape = Transposed {
        axes: Axis::both(conv, w.shape(), &input, &output),
        outputs: w.shape()[0],
        groups: conv.groups,
        element_bytes: forms.dtype.size_bytes(),
    };
    let (weights, activation) = (w.to_vec::<f32>()?, conv.activation);
    let mut builder =
        Builder { forms, groups: conv.groups, activation, shape: w.shape().to_vec(), weights, records };
    let value = shape.build(&mut builder, &name, x)?;
    activated(forms, &node.name, value, activation).map(Some)
}

/// Weights `[C, O / groups, KH, KW]` as `[O, C / groups, KH, KW]`.
fn outputs_first(w: &Tensor, groups: usize) -> Result<Tensor> {
    let &[channels, outputs, height, width] = w.shape() else { return Ok(w.clone()) };
    let (each, whole) = (channels / groups, [groups * outputs, channels / groups, height, width]);
    let by_group = w.to_contiguous().reshape(&[groups, each, outputs, height, width])?;
    Ok(by_group.transpose(&[0, 2, 1, 3, 4])?.to_contiguous().reshape(&whole)?)
}

/// What builds the phases of one node.
struct Builder<'a, 'b> {
    forms: &'a mut Forms<'b>,
    groups: usize,
    activation: Activation,
    /// `[O, C / groups, KH, KW]`.
    shape: Vec<usize>,
    weights: Vec<f32>,
    /// Bias and scale by output channel.
    records: [ValueId; 2],
}

impl Builder<'_, '_> {
    /// A record for each channel of phases that are computed together.
    fn repeated(&mut self, name: String, record: ValueId, count: usize) -> Result<ValueId> {
        let Some(tensor) = real_constant(self.forms, record).filter(|_| count > 1) else { return Ok(record) };
        let numbers = tensor.to_vec::<f32>()?.repeat(count);
        Ok(self.forms.constant(name, Tensor::from_vec(&[numbers.len()], numbers)?))
    }
}

impl Phases for Builder<'_, '_> {
    fn shape(&self, value: ValueId) -> Vec<usize> {
        self.forms.shape(value)
    }

    fn moved(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId> {
        self.forms.r.moved(name, op, inputs)
    }

    fn convolution(
        &mut self,
        name: &str,
        x: ValueId,
        padding: [usize; 4],
        (down, across): (&Phase, &[&Phase]),
    ) -> Result<ValueId> {
        let (shape, weights) = sub_kernel(&self.shape, &self.weights, down, across);
        let weights = Tensor::from_vec(&shape, weights)?.cast(self.forms.dtype);
        let weights = self.forms.constant(format!("{name}.weights"), weights);
        let [bias, scale] = self.records;
        let bias = self.repeated(format!("{name}.bias"), bias, across.len())?;
        let scale = self.repeated(format!("{name}.scale"), scale, across.len())?;
        let op = FConv {
            stride: [1, 1],
            padding,
            dilation: [down.dilation, across[0].dilation],
            groups: self.groups,
            lanes: self.forms.lanes,
            result: before(self.forms, self.activation),
        };
        self.forms.r.add(name.to_owned(), op, &[x, weights, bias, scale])
    }

    fn constant(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let bias = match real_constant(self.forms, self.records[0]) {
            Some(bias) => bias.to_vec::<f32>()?,
            None => Vec::new(),
        };
        let pixels = shape.iter().product::<usize>() / bias.len().max(1);
        let dtype = before(self.forms, self.activation).dtype;
        let tensor = Tensor::from_vec(shape, bias.repeat(pixels))?.cast(dtype);
        Ok(self.forms.constant(name.to_owned(), tensor))
    }
}
