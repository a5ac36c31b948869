//! Embedding.

use ediacara_graph::ops::Gather;
use ediacara_graph::{DType, ValueId};

use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// Row `indices[i..]` of a table of `count` rows: `indices[..]` of i32 or i64 give `[.., features]`.
    ///
    /// The table is normally distributed with deviation 1, as PyTorch's.
    ///
    /// # Errors
    /// `indices` are not of i32 or i64. A run with an index of `count` or more fails.
    pub fn embedding(
        &mut self,
        name: &str,
        indices: ValueId,
        count: usize,
        features: usize,
    ) -> Result<ValueId, NnError> {
        self.graph().check_value(indices)?;
        if !matches!(self.dtype(indices), DType::I32 | DType::I64) {
            return Err(self.misfit(name, indices, "indices of i32 or i64".to_owned()));
        }
        self.positive(name, &[("rows", count), ("features", features)])?;
        let table = format!("{name}.weight");
        let initialiser = Initialiser::Normal { deviation: 1.0 };
        let table = self.parameter(&table, &[count, features], initialiser, Role::Weight)?;
        self.named(name, |scope| scope.apply(Gather { axis: 0 }, &[table, indices]))
    }
}
