//! Changes of the element type.

use super::{Table, one};
use crate::error::NodeError;
use crate::tensor;

pub(super) const TABLE: Table = &[
    ("Cast", |context, node| {
        let to =
            node.int("to")?.ok_or_else(|| NodeError::new("has no attribute 'to'; the file is damaged"))?;
        let to =
            i32::try_from(to).map_err(|_| NodeError::new(format!("casts to the undefined type {to}")))?;
        let to = tensor::dtype(to).map_err(NodeError::new)?;
        one(context.cast(node.input(0)?, to)?)
    }),
    ("CastLike", |context, node| {
        let to = context.dtype(node.input(1)?);
        one(context.cast(node.input(0)?, to)?)
    }),
];
