//! Nodes with homes become layers.

use ediacara_graph::ops::{
    Concat, Gather, Pad, PoolKind, QAdd, QConv, QMatMul, QMultiply, QPool, QTable, Reshape, Resize, Slice,
    Transpose,
};
use ediacara_graph::{Graph, NodeId, Tensor, ValueId};
use ediacara_isa::LayerInfo;

use crate::CompileError;
use crate::layer::{
    Binary, BinaryConstants, BinaryOp, Conv, Copy, Kind, Layer, Output, Pool, PoolMode, Residual, Table,
    Weights, Window,
};
use crate::movement::{maps, parts, picks, view_of};
use crate::partition::Partition;
use crate::place::{Placement, is_depthwise};
use crate::view::{Image, View};

/// The layers of the DLP's part, in order.
///
/// # Errors
/// [`CompileError::Layer`] for constants that cannot be read.
pub(crate) fn build(
    graph: &Graph,
    partition: &Partition,
    placement: &Placement,
) -> Result<Vec<Layer>, CompileError> {
    let mut builder = Builder { graph, placement, layers: Vec::new() };
    for &id in &partition.dlp {
        builder.node(id)?;
    }
    Ok(builder.layers)
}

struct Builder<'a> {
    graph: &'a Graph,
    placement: &'a Placement,
    layers: Vec<Layer>,
}

fn pair(list: [usize; 2]) -> [u64; 2] {
    list.map(|value| value as u64)
}

fn window(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 4], dilation: [usize; 2]) -> Window {
    let [top, left, bottom, right] = padding.map(|value| value as u64);
    Window {
        kernel: pair(kernel),
        stride: pair(stride),
        before: [top, left],
        after: [bottom, right],
        dilation: pair(dilation),
    }
}

impl<'a> Builder<'a> {
    fn problem(&self, id: NodeId, problem: impl Into<String>) -> CompileError {
        CompileError::Layer { layer: self.graph.node(id).name.clone(), problem: problem.into() }
    }

    fn home(&self, id: NodeId, value: ValueId) -> Result<&'a View, CompileError> {
        let missing = || self.problem(id, format!("`{}` has no home in DRAM", self.graph.value(value).name));
        self.placement.homes.get(&value).ok_or_else(missing)
    }

    /// The home as images. Homes keep their innermost axis contiguous, so this fails only for ranks that no
    /// operator takes.
    fn image(&self, id: NodeId, value: ValueId) -> Result<Image, CompileError> {
        let name = &self.graph.value(value).name;
        self.home(id, value)?.image().ok_or_else(|| self.problem(id, format!("`{name}` is no NHWC tensor")))
    }

    fn constant(&self, id: NodeId, index: usize) -> Result<Tensor, CompileError> {
        let value = self.graph.node(id).inputs[index];
        let name = &self.graph.value(value).name;
        self.graph
            .constant(value)
            .cloned()
            .ok_or_else(|| self.problem(id, format!("operand `{name}` is no constant")))
    }

    fn weights(&self, id: NodeId) -> Result<Weights, CompileError> {
        let constant = |index| self.constant(id, index).map(|tensor| tensor.to_contiguous());
        Ok(Weights {
            values: constant(1)?,
            bias: constant(2)?,
            multiplier: constant(3)?,
            shift: constant(4)?,
        })
    }

    fn node(&mut self, id: NodeId) -> Result<(), CompileError> {
        if self.placement.views.contains(&id) || self.placement.fused.values().any(|&(conv, _)| conv == id) {
            return Ok(());
        }
        let node = self.graph.node(id);
        let (y, op) = (node.outputs[0], &node.op);
        if node.op_as::<QConv>().is_some() || node.op_as::<QMatMul>().is_some() {
            let conv = self.convolution(id, self.image(id, y)?)?;
            let (name, kind) = self.convolution_kind(id, conv);
            return self.layer(id, name, kind);
        }
        if let Some(pool) = node.op_as::<QPool>() {
            let name = if pool.kind == PoolKind::Max { "max_pool" } else { "average_pool" };
            let kind = Kind::Pool(self.pool(id, pool)?);
            return self.layer(id, name, kind);
        }
        if let Some(add) = node.op_as::<QAdd>() {
            return self.add(id, add);
        }
        if let Some(multiply) = node.op_as::<QMultiply>() {
            let kind = Kind::Binary(self.multiply(id, multiply)?);
            return self.layer(id, "multiply", kind);
        }
        if node.op_as::<QTable>().is_some() {
            let table =
                self.constant(id, 1)?.to_vec::<i8>().map_err(|error| self.problem(id, error.to_string()))?;
            let table = table.into_iter().map(|value| value as u8).collect();
            let (a, d) = (self.home(id, node.inputs[0])?.clone(), self.home(id, y)?.clone());
            return self.layer(id, "table", Kind::Table(Table { a, d, table }));
        }
        let kind = self.movement(id)?;
        if let Kind::Copy(copy) = &kind
            && copy.parts.is_empty()
            && copy.fill.is_none()
        {
            return Ok(());
        }
        self.layer(id, op.name(), kind)
    }

    fn convolution_kind(&self, id: NodeId, conv: Conv) -> (&'static str, Kind) {
        match self.graph.node(id).op_as::<QConv>() {
            Some(op) if is_depthwise(self.graph, id, op) => ("depthwise", Kind::Depthwise(Box::new(conv))),
            Some(_) => ("conv", Kind::Conv(Box::new(conv))),
            None => ("matmul", Kind::Conv(Box::new(conv))),
        }
    }

    fn convolution(&self, id: NodeId, y: Image) -> Result<Conv, CompileError> {
        let node = self.graph.node(id);
        let x = self.image(id, node.inputs[0])?;
        let weights = self.weights(id)?;
        if let Some(op) = node.op_as::<QConv>() {
            let kernel = [weights.values.shape()[1], weights.values.shape()[2]];
            return Ok(Conv {
                x,
                y,
                window: window(kernel, op.stride, op.padding, op.dilation),
                groups: op.groups as u64,
                weights,
                x_zero: op.x_zero,
                w_zero: op.w_zero,
                output: Output { zero: op.y_zero, low: op.low, high: op.high },
                residual: None,
            });
        }
        let op = node.op_as::<QMatMul>().ok_or_else(|| self.problem(id, "is no convolution"))?;
        Ok(Conv {
            x,
            y,
            window: Window::POINT,
            groups: 1,
            weights,
            x_zero: op.x_zero,
            w_zero: op.w_zero,
            output: Output { zero: op.y_zero, low: op.low, high: op.high },
            residual: None,
        })
    }

    fn pool(&self, id: NodeId, op: &QPool) -> Result<Pool, CompileError> {
        let node = self.graph.node(id);
        let (ratio, x_zero, count_include_pad) = (op.ratio, op.x_zero, op.count_include_pad);
        let mode = match op.kind {
            PoolKind::Max => PoolMode::Max,
            PoolKind::Average => PoolMode::Average { x_zero, ratio, count_include_pad },
        };
        Ok(Pool {
            x: self.image(id, node.inputs[0])?,
            y: self.image(id, node.outputs[0])?,
            window: window(op.kernel, op.stride, op.padding, [1, 1]),
            mode,
            output: Output { zero: op.y_zero, low: op.low, high: op.high },
        })
    }

    fn add(&mut self, id: NodeId, op: &QAdd) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let mut constants = BinaryConstants {
            zeros: [op.x_zero, op.y_zero],
            multipliers: [op.x_multiplier as u32, op.y_multiplier as u32],
            shift: op.shift,
            output: Output { zero: op.out_zero, low: op.low, high: op.high },
        };
        let Some(&(conv_id, index)) = self.placement.fused.get(&id) else {
            let [a, b] = [0, 1].map(|index| self.home(id, node.inputs[index]).cloned());
            let binary = Binary {
                op: BinaryOp::Add,
                a: a?,
                b: b?,
                d: self.home(id, node.outputs[0])?.clone(),
                constants,
            };
            return self.layer(id, "add", Kind::Binary(binary));
        };
        if index == 1 {
            constants.zeros.reverse();
            constants.multipliers.reverse();
        }
        let mut conv = self.convolution(conv_id, self.image(id, node.outputs[0])?)?;
        conv.residual = Some(Residual { image: self.image(id, node.inputs[1 - index])?, constants });
        let (name, kind) = self.convolution_kind(conv_id, conv);
        let name = if name == "conv" { "conv+add" } else { "matmul+add" };
        let mut layer = self.described(conv_id, name, kind);
        layer.info.name = format!("{} + {}", self.graph.node(conv_id).name, node.name);
        layer.info.vector_operations *= 2;
        self.layers.push(layer);
        Ok(())
    }

    fn multiply(&self, id: NodeId, op: &QMultiply) -> Result<Binary, CompileError> {
        let node = self.graph.node(id);
        let (a, mut b) = (self.home(id, node.inputs[0])?.clone(), self.home(id, node.inputs[1])?.clone());
        for axis in 0..a.shape.len() {
            if b.shape[axis] == 1 && a.shape[axis] > 1 {
                (b.shape[axis], b.strides[axis]) = (a.shape[axis], 0);
            }
        }
        let constants = BinaryConstants {
            zeros: [op.x_zero, op.y_zero],
            multipliers: [op.multiplier as u32, 0],
            shift: op.shift,
            output: Output { zero: op.out_zero, low: op.low, high: op.high },
        };
        Ok(Binary { op: BinaryOp::Multiply, a, b, d: self.home(id, node.outputs[0])?.clone(), constants })
    }

    fn movement(&self, id: NodeId) -> Result<Kind, CompileError> {
        let node = self.graph.node(id);
        let y = self.home(id, node.outputs[0])?;
        if let Some(concat) = node.op_as::<Concat>() {
            let mut start = 0;
            let mut parts = Vec::new();
            for &value in &node.inputs {
                let extent = self.graph.ty(value).shape[concat.axis] as u64;
                // An operand may stand more than once; only its first place is its home.
                let place = y.slice(concat.axis, start, extent, 1);
                if self.home(id, value)? != &place {
                    parts.push((self.home(id, value)?.clone(), place));
                }
                start += extent;
            }
            return Ok(Kind::Copy(Copy { fill: None, parts }));
        }
        let x = self.home(id, node.inputs[0])?;
        if node.op_as::<Gather>().is_some()
            && let Some(conv) = self.gather_as_product(id)?
        {
            return Ok(Kind::Conv(Box::new(conv)));
        }
        let movable = node.op_as::<Slice>().is_some()
            || node.op_as::<Pad>().is_some()
            || node.op_as::<Resize>().is_some()
            || node.op_as::<Gather>().is_some();
        if let Some(view) = view_of(self.graph, id, x) {
            return Ok(Kind::Copy(Copy { fill: None, parts: vec![(view, y.clone())] }));
        }
        if movable && let Some(maps) = maps(self.graph, id) {
            let mut y_axes = y.clone();
            if y.shape.len() < maps.axes.len() {
                // A gather by a scalar drops its axis.
                let axis = node.op_as::<Gather>().map_or(0, |gather| gather.axis);
                y_axes.shape.insert(axis, 1);
                y_axes.strides.insert(axis, 0);
            }
            let fill = maps.value.map(|value| (y.clone(), value));
            return Ok(Kind::Copy(Copy { fill, parts: parts(&maps, x, &y_axes) }));
        }
        if node.op_as::<Reshape>().is_some() || node.op_as::<Transpose>().is_some() {
            // A reshape of a pitched tensor: element by element in order, which is the result's dense order.
            let from = x.clone();
            let to = y.reshape(&from.shape);
            return match to {
                Some(to) => Ok(Kind::Copy(Copy { fill: None, parts: vec![(from, to)] })),
                None => Err(self.problem(id, "a reshape cannot be written into part of another tensor")),
            };
        }
        Err(self.problem(id, format!("no lowering for {}", node.op.name())))
    }

    /// A gather along channels as a product with a matrix of zeros and ones, exact by construction: the sum
    /// is one difference from the zero point, and the multiplier is one.
    fn gather_as_product(&self, id: NodeId) -> Result<Option<Conv>, CompileError> {
        let node = self.graph.node(id);
        let shape = &self.graph.ty(node.inputs[0]).shape;
        let along_channels = node.op_as::<Gather>().is_some_and(|gather| gather.axis + 1 == shape.len());
        let (Some(picks), 1) = (picks(self.graph, id), self.graph.ty(node.inputs[1]).rank()) else {
            return Ok(None);
        };
        if !along_channels || shape.len() > 4 {
            return Ok(None);
        }
        let (inputs, outputs) = (shape[shape.len() - 1], picks.len());
        let mut values = vec![0_i8; inputs * outputs];
        for (output, &pick) in picks.iter().enumerate() {
            values[output * inputs + pick as usize] = 1;
        }
        let wrong = |error: ediacara_graph::TensorError| self.problem(id, error.to_string());
        let weights = Weights {
            values: Tensor::from_vec(&[outputs, 1, 1, inputs], values).map_err(wrong)?,
            bias: Tensor::full(&[outputs], 0_i32).map_err(wrong)?,
            multiplier: Tensor::full(&[outputs], 1_i32 << 30).map_err(wrong)?,
            shift: Tensor::full(&[outputs], 30_u8).map_err(wrong)?,
        };
        Ok(Some(Conv {
            x: self.image(id, node.inputs[0])?,
            y: self.image(id, node.outputs[0])?,
            window: Window::POINT,
            groups: 1,
            weights,
            x_zero: 0,
            w_zero: 0,
            output: Output { zero: 0, low: i8::MIN, high: i8::MAX },
            residual: None,
        }))
    }

    fn layer(&mut self, id: NodeId, op: &str, kind: Kind) -> Result<(), CompileError> {
        let layer = self.described(id, op, kind);
        self.layers.push(layer);
        Ok(())
    }

    /// The layer with what is known of it. Work is counted as the network defines it, not as the machine
    /// happens to do it.
    fn described(&self, id: NodeId, op: &str, kind: Kind) -> Layer {
        let node = self.graph.node(id);
        let selects = matches!(&kind, Kind::Conv(conv) if selects_channels(conv));
        let (op, macs) = if selects { ("gather", 0) } else { (op, self.graph.cost_of(id).macs) };
        let elements = self.graph.ty(node.outputs[0]).elements() as u64;
        let (matrix_macs, vector_operations, weight_bytes) = match &kind {
            _ if selects => (0, 0, 0),
            Kind::Conv(conv) => (macs, elements, conv.weights.values.len() as u64),
            Kind::Depthwise(conv) => (0, macs, conv.weights.values.len() as u64),
            Kind::Pool(pool) => (0, elements * pool.window.kernel[0] * pool.window.kernel[1], 0),
            Kind::Binary(_) | Kind::Table(_) => (0, elements, 0),
            Kind::Copy(_) => (0, 0, 0),
        };
        let info = LayerInfo {
            name: node.name.clone(),
            op: op.to_owned(),
            shape: self.graph.ty(node.outputs[0]).shape.clone(),
            macs,
            matrix_macs,
            vector_operations,
            weight_bytes,
        };
        Layer { info, kind }
    }
}

/// Whether a convolution only picks channels: each output is one input, times one and nothing added. The network has
/// a gather there, which moves data and multiplies nothing.
fn selects_channels(conv: &Conv) -> bool {
    let Weights { values, bias, .. } = &conv.weights;
    let inputs = values.shape().last().copied().unwrap_or(0);
    let (Ok(values), Ok(bias)) = (values.as_slice::<i8>(), bias.as_slice::<i32>()) else { return false };
    let picks_one = |row: &[i8]| row.iter().filter(|&&weight| weight != 0).count() == 1 && row.contains(&1);
    conv.window == Window::POINT
        && conv.groups == 1
        && conv.w_zero == 0
        && inputs > 1
        && bias.iter().all(|&bias| bias == 0)
        && values.chunks_exact(inputs).all(picks_one)
}
