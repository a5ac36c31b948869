//! Pools.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Pool, PoolKind, Reduce, ReduceKind};

use crate::{NnError, Scope};

impl Scope {
    /// Windows of `kernel` x `kernel` that do not overlap, over `x[N, C, H, W]`; what is left at the right and below
    /// is dropped.
    ///
    /// # Errors
    /// The window does not fit, or `x` has not four dimensions.
    pub fn pool2d(&mut self, kind: PoolKind, x: ValueId, kernel: usize) -> Result<ValueId, NnError> {
        let size = |axis: usize| self.shape(x).get(axis).copied().unwrap_or(0) / kernel.max(1);
        let pool = Pool {
            kind,
            kernel: [kernel; 2],
            stride: [kernel; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output: [size(2), size(3)],
            count_include_pad: false,
        };
        self.apply(pool, &[x])
    }

    /// The mean over all places: `[N, C]`.
    ///
    /// # Errors
    /// `x` has not four dimensions.
    pub fn global_average_pool(&mut self, x: ValueId) -> Result<ValueId, NnError> {
        self.apply(Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keep_dims: false }, &[x])
    }
}
