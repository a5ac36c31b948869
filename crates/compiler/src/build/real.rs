//! Products and windows of real numbers: what of their nodes goes into layers.

use ediacara_graph::ops::{FConv, FMatMul, FWindow, Writing};
use ediacara_graph::{NodeId, Tensor, TensorError, ValueId};
use ediacara_isa::{ElementType, LayerInfo, OperandTypes};

use crate::CompileError;
use crate::build::layers::Builder;
use crate::build::rows::{element, stored_sums};
use crate::fuse::epilogues::one_scale;
use crate::place::partition::multiplies_real;
use crate::program::layer::FloatWindow;
use crate::program::rows::Rows;
use crate::program::view::Image;
use crate::program::window::Window;

impl Builder<'_> {
    /// The sums of a product that gives real numbers, stored as they are.
    pub(super) fn stored_product(&self, id: NodeId) -> Result<Rows, CompileError> {
        let node = self.graph.node(id);
        let real = multiplies_real(self.graph, id);
        let of = if real { ElementType::F32 } else { ElementType::I32 };
        let writing = match (node.op_as::<FConv>(), node.op_as::<FMatMul>()) {
            (Some(op), _) => op.result,
            (_, Some(op)) => op.result,
            (None, None) => Writing::default(),
        };
        let rows = stored_sums(self.home(id, node.outputs[0])?, of, writing, one_scale(self.graph, id));
        rows.map_err(|why| self.problem(id, why))
    }

    /// A constant with the bytes of its elements along its last axis.
    pub(super) fn constant_bytes(&self, id: NodeId, index: usize) -> Result<Tensor, CompileError> {
        let tensor = self.constant(id, index)?.to_contiguous();
        let mut shape = tensor.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last *= tensor.dtype().size_bytes();
        }
        let bytes = || -> Result<Tensor, TensorError> {
            Tensor::from_vec(&shape, tensor.as_bytes()?.iter().map(|&byte| byte as i8).collect())
        };
        bytes().map_err(|error| self.problem(id, error.to_string()))
    }

    /// A constant of f32s as their bits.
    pub(super) fn constant_bits(&self, id: NodeId, index: usize) -> Result<Tensor, CompileError> {
        let tensor = self.constant(id, index)?;
        let bits = || -> Result<Tensor, TensorError> {
            let bits = tensor.to_vec::<f32>()?.into_iter().map(|number| number.to_bits() as i32).collect();
            Tensor::from_vec(tensor.shape(), bits)
        };
        bits().map_err(|error| self.problem(id, error.to_string()))
    }

    /// The home as images whose channels are bytes.
    pub(super) fn byte_image(&self, id: NodeId, value: ValueId) -> Result<Image, CompileError> {
        let name = &self.graph.value(value).name;
        self.home(id, value)?
            .byte_image()
            .ok_or_else(|| self.problem(id, format!("`{name}` is no NHWC tensor")))
    }

    /// The type of a value that instructions read or write.
    pub(super) fn element(&self, id: NodeId, value: ValueId) -> Result<ElementType, CompileError> {
        let ty = self.graph.ty(value);
        element(ty.dtype).ok_or_else(|| self.problem(id, format!("{ty} is no type of float instructions")))
    }

    /// A window of real numbers.
    pub(super) fn float_window(&self, id: NodeId, op: &FWindow) -> Result<FloatWindow, CompileError> {
        let node = self.graph.node(id);
        let weights = match node.inputs.get(1) {
            Some(_) => {
                let tensor = self.constant(id, 1)?.to_contiguous();
                let bytes = tensor.as_bytes().map_err(|error| self.problem(id, error.to_string()))?;
                Some(bytes.to_vec())
            }
            None => None,
        };
        let (a, d) = (self.element(id, node.inputs[0])?, self.element(id, node.outputs[0])?);
        let b = node.inputs.get(1).map_or(Ok(a), |&weights| self.element(id, weights))?;
        Ok(FloatWindow {
            x: self.byte_image(id, node.inputs[0])?,
            y: self.byte_image(id, node.outputs[0])?,
            window: Window::new(op.kernel, op.stride, op.padding, op.dilation),
            operation: op.operation,
            types: OperandTypes { a, b, d },
            weights,
        })
    }

    /// A window of real numbers does an operation for each tap.
    pub(super) fn float_window_info(&self, id: NodeId, op: &str, layer: &FloatWindow) -> LayerInfo {
        let [rows, columns] = layer.window.kernel;
        let info = self.plain_info(id, op, rows * columns);
        LayerInfo { weight_bytes: layer.weights.as_ref().map_or(0, |bytes| bytes.len() as u64), ..info }
    }
}
