//! `q_table`: any function of one i8, by table.

use std::sync::Arc;

use ediacara_kernels::int8::q_table;
use ediacara_tensor::{DType, Tensor};

use super::{i8_values, with_dense};
use crate::ops::support::{operands, require_dtype, require_shape, single_output, tensors};
use crate::{AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_table";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y = table[x + 128] (rule N-TABLE of docs/numerics.md): any elementwise function, or a \
        change of scale.\n\
        Operands: x i8, table i8[256]. Result: y i8 of x's shape.\n\
        No attributes.",
    build,
};

/// Any elementwise function of i8: `table[x + 128]`, table `i8[256]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QTable;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(QTable))
}

impl Op for QTable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, table] = operands(NAME, inputs)?;
        require_dtype(NAME, "x", x, DType::I8)?;
        require_dtype(NAME, "table", table, DType::I8)?;
        require_shape(NAME, "table", table, &[256], "one entry for each value of i8")?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, table] = tensors(NAME, inputs)?;
        let table = table.to_contiguous();
        let table = i8_values(NAME, &table)?;
        with_dense(NAME, x, single_output(NAME, outputs)?, |x, y| q_table(x, table, y))
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}
