//! The core ops as methods of the [`Context`], so that handlers read like the formulas they implement.
//!
//! A method leaves out an op that would change nothing (a reshape to the same shape, a cast to the same
//! type).

use std::sync::Arc;

use ediacara_graph::ops::{
    ArgMax, ArgMin, Broadcast, Cast, Clamp, Concat, Conv, ConvTranspose, Gather, GatherNd, Gemm, LogSoftmax,
    MatMul, Pool, Reduce, ReduceKind, Reshape, ScatterNd, Select, Slice, Softmax, TopK, Transpose,
};
use ediacara_graph::{Op as _, TensorType, ValueId};
use ediacara_tensor::DType;

use crate::context::{Context, failed};
use crate::error::{NodeError, NodeResult};

impl Context<'_> {
    pub(crate) fn reshape(&mut self, x: ValueId, shape: &[usize]) -> NodeResult<ValueId> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.emit(Reshape { shape: shape.to_vec() }, &[x])
    }

    pub(crate) fn transpose(&mut self, x: ValueId, permutation: &[usize]) -> NodeResult<ValueId> {
        if permutation.iter().copied().eq(0..permutation.len()) {
            return Ok(x);
        }
        self.emit(Transpose { permutation: permutation.to_vec() }, &[x])
    }

    pub(crate) fn broadcast(&mut self, x: ValueId, shape: &[usize]) -> NodeResult<ValueId> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.emit(Broadcast { shape: shape.to_vec() }, &[x])
    }

    pub(crate) fn cast(&mut self, x: ValueId, to: DType) -> NodeResult<ValueId> {
        if self.dtype(x) == to {
            return Ok(x);
        }
        self.emit(Cast { to }, &[x])
    }

    pub(crate) fn clamp(&mut self, x: ValueId, low: f64, high: f64) -> NodeResult<ValueId> {
        self.emit(Clamp { low, high }, &[x])
    }

    pub(crate) fn select(&mut self, condition: ValueId, yes: ValueId, no: ValueId) -> NodeResult<ValueId> {
        self.emit(Select, &[condition, yes, no])
    }

    /// Slices every axis by starts, ends and steps as the core takes them: inside, or -1 to reach index 0
    /// backwards.
    pub(crate) fn slice(
        &mut self,
        x: ValueId,
        starts: &[i64],
        ends: &[i64],
        steps: &[i64],
    ) -> NodeResult<ValueId> {
        let whole = self.shape(x).iter().map(|&size| size as i64).eq(ends.iter().copied());
        if whole && starts.iter().all(|&start| start == 0) && steps.iter().all(|&step| step == 1) {
            return Ok(x);
        }
        self.emit(Slice { starts: starts.to_vec(), ends: ends.to_vec(), steps: steps.to_vec() }, &[x])
    }

    /// The elements `start..end` of one axis.
    pub(crate) fn slice_axis(
        &mut self,
        x: ValueId,
        axis: usize,
        start: usize,
        end: usize,
    ) -> NodeResult<ValueId> {
        let slice = Slice::along(self.shape(x), axis, start, end);
        self.slice(x, &slice.starts, &slice.ends, &slice.steps)
    }

    /// Joins parts along an axis; parts without elements are left out, if the other axes fit.
    pub(crate) fn concat(&mut self, values: &[ValueId], axis: usize) -> NodeResult<ValueId> {
        let op = Concat { axis };
        let types: Vec<&TensorType> = values.iter().map(|&value| self.graph.ty(value)).collect();
        op.infer(&types).map_err(failed)?;
        let full: Vec<ValueId> =
            values.iter().copied().filter(|&value| self.graph.ty(value).elements() > 0).collect();
        match full.as_slice() {
            &[only] => Ok(only),
            [] => self.emit(op, values),
            several => self.emit(op, several),
        }
    }

    /// Picks slices along an axis; indices may be negative, to count from the end.
    pub(crate) fn gather(&mut self, x: ValueId, indices: ValueId, axis: usize) -> NodeResult<ValueId> {
        self.emit(Gather { axis }, &[x, indices])
    }

    pub(crate) fn gather_nd(
        &mut self,
        x: ValueId,
        indices: ValueId,
        batch_dims: usize,
    ) -> NodeResult<ValueId> {
        self.emit(GatherNd { batch_dims }, &[x, indices])
    }

    pub(crate) fn scatter_nd(
        &mut self,
        x: ValueId,
        indices: ValueId,
        updates: ValueId,
    ) -> NodeResult<ValueId> {
        self.emit(ScatterNd, &[x, indices, updates])
    }

    pub(crate) fn reduce(
        &mut self,
        x: ValueId,
        kind: ReduceKind,
        axes: &[usize],
        keep: bool,
    ) -> NodeResult<ValueId> {
        if axes.is_empty() {
            return Ok(x);
        }
        self.emit(Reduce { kind, axes: axes.to_vec(), keep_dims: keep }, &[x])
    }

    /// The index of the largest element, i64; the first, or the last, of several.
    pub(crate) fn arg_max(&mut self, x: ValueId, axis: usize, keep: bool, last: bool) -> NodeResult<ValueId> {
        self.emit(ArgMax { axis, keep_dims: keep, last }, &[x])
    }

    /// The index of the smallest element, i64; the first, or the last, of several.
    pub(crate) fn arg_min(&mut self, x: ValueId, axis: usize, keep: bool, last: bool) -> NodeResult<ValueId> {
        self.emit(ArgMin { axis, keep_dims: keep, last }, &[x])
    }

    /// The best elements along an axis and their indices, i64.
    pub(crate) fn top_k(
        &mut self,
        x: ValueId,
        axis: usize,
        k: usize,
        largest: bool,
    ) -> NodeResult<Vec<ValueId>> {
        self.emit_all(Arc::new(TopK { k, axis, largest }), &[x])
    }

    pub(crate) fn softmax(&mut self, x: ValueId, axis: usize) -> NodeResult<ValueId> {
        self.emit(Softmax { axis }, &[x])
    }

    pub(crate) fn log_softmax(&mut self, x: ValueId, axis: usize) -> NodeResult<ValueId> {
        self.emit(LogSoftmax { axis }, &[x])
    }

    pub(crate) fn matmul(&mut self, left: ValueId, right: ValueId) -> NodeResult<ValueId> {
        self.emit(MatMul, &[left, right])
    }

    /// x[M,K] * weight[N,K]^T + bias[N].
    pub(crate) fn gemm(&mut self, x: ValueId, weight: ValueId, bias: Option<ValueId>) -> NodeResult<ValueId> {
        let inputs: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
        self.emit(Gemm::default(), &inputs)
    }

    /// x[N,C,H,W], weight[O,C/groups,KH,KW], bias[O].
    pub(crate) fn conv(
        &mut self,
        conv: Conv,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
    ) -> NodeResult<ValueId> {
        let inputs: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
        self.emit(conv, &inputs)
    }

    /// x[N,C,H,W], weight[C,O/groups,KH,KW], bias[O].
    pub(crate) fn conv_transpose(
        &mut self,
        conv: ConvTranspose,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
    ) -> NodeResult<ValueId> {
        let inputs: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
        self.emit(conv, &inputs)
    }

    pub(crate) fn pool(&mut self, pool: Pool, x: ValueId) -> NodeResult<ValueId> {
        // The product of output and window is the work, which everybody counts in 64 bits.
        let mut sizes = pool.kernel.iter().chain(&pool.output).chain(self.shape(x).iter().take(2));
        if sizes
            .try_fold(1u64, |product, &size| product.checked_mul(size as u64))
            .is_none_or(|work| work > 1 << 62)
        {
            return Err(NodeError::new("pools over more elements than can be counted; the file is damaged"));
        }
        self.emit(pool, &[x])
    }

    /// A vector as a factor or offset of the channels (axis 1) of data with `rank` axes.
    pub(crate) fn along_channels(&mut self, vector: ValueId, rank: usize) -> NodeResult<ValueId> {
        let &[count] = self.shape(vector) else {
            return Err(NodeError::new(format!(
                "has parameters of shape {:?}; it needs one number a channel",
                self.shape(vector)
            )));
        };
        let mut shape = vec![1; rank.max(2) - 1];
        shape[0] = count;
        self.reshape(vector, &shape)
    }
}
