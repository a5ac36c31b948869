//! Embedding.

use ediacara_graph::ValueId;
use ediacara_graph::ops::Gather;

use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// Row `indices[i..]` of a table of `count` rows: `indices[..]` of i32 or i64 give `[.., features]`. The table is normally
    /// distributed with deviation 1, as PyTorch's.
    ///
    /// # Errors
    /// `indices` are not of an integer type. A run with an index of `count` or more fails.
    pub fn embedding(
        &mut self,
        name: &str,
        indices: ValueId,
        count: usize,
        features: usize,
    ) -> Result<ValueId, NnError> {
        let table = format!("{name}.weight");
        let initialiser = Initialiser::Normal { deviation: 1.0 };
        let table = self.parameter(&table, &[count, features], initialiser, Role::Weight)?;
        self.named(name, |scope| scope.apply(Gather { axis: 0 }, &[table, indices]))
    }
}
