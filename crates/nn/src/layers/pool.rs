//! Pools.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Pool, PoolKind, Reduce, ReduceKind};

use crate::{NnError, Scope};

impl Scope {
    /// Windows of `kernel` x `kernel` that do not overlap, over `x[N, C, H, W]`.
    ///
    /// Elements that are left at the right and below are dropped.
    ///
    /// # Errors
    /// The window does not fit; `x` does not have four dimensions, or has another type than layers compute
    /// in.
    pub fn pool2d(&mut self, kind: PoolKind, x: ValueId, kernel: usize) -> Result<ValueId, NnError> {
        let layer = self.layer_name("pool2d");
        let [_, _, height, width] = self.images(&layer, x)?;
        self.positive(&layer, &[("pixels of window", kernel)])?;
        if kernel > height || kernel > width {
            let problem = format!(
                "its window of {kernel} x {kernel} does not fit {height} x {width} pixels; make it smaller, or pool less \
                 before it"
            );
            return Err(NnError::Layer { layer, problem });
        }
        let pool = Pool {
            kind,
            kernel: [kernel; 2],
            stride: [kernel; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output: [height / kernel, width / kernel],
            count_include_pad: false,
        };
        self.apply(pool, &[x])
    }

    /// The mean over all places: `[N, C]`.
    ///
    /// On the DLP it is a pool.
    ///
    /// # Errors
    /// `x` does not have four dimensions, or has another type than layers compute in.
    pub fn global_average_pool(&mut self, x: ValueId) -> Result<ValueId, NnError> {
        self.images(&self.layer_name("global_average_pool"), x)?;
        self.apply(Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keep_dims: false }, &[x])
    }
}
