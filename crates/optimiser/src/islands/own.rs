//! Operators of one's own, which say themselves what they are in the float dialect.

use std::sync::Arc;

use ediacara_graph::ops::Reading;
use ediacara_graph::{
    Emit, GraphError, Node, NodeId, Op, OpError, RowForm, RowOperand, RowValue, Tensor, TensorType, ValueId,
};

use super::rewriter::{Operand, Rewriter};
use crate::Result;

/// What an operator of one's own is in the dialect, if it has an exact form for operands and a result that are stored so.
///
/// # Errors
/// The operator builds what its own operands do not fit.
pub(super) fn form(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<Operand>> {
    let node = r.graph.node(id).clone();
    let Some(result) = stored_result(r, &node) else { return Ok(None) };
    let mut operands = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let constant = r.graph.constant(input).cloned();
        let found = match constant.is_some() {
            true => Some(Operand { value: input, reading: Reading::default() }),
            false => r.operand(input)?,
        };
        let Some(Operand { value, reading }) = found else { return Ok(None) };
        operands.push(RowOperand { row: RowValue { value, reading }, constant });
    }
    let mut emit = Named { rewriter: r, name: node.name.clone(), count: 0 };
    let mut form = RowForm::new(&mut emit, operands, result);
    let built = node.op.row_form(&mut form);
    let refusal = form.refusal().map(str::to_owned);
    let built =
        built.map_err(|source| GraphError::Op { node: node.name.clone(), source: Box::new(source) })?;
    if let Some(refusal) = refusal.filter(|_| built.is_none()) {
        r.refused.insert(id, refusal);
    }
    Ok(built.map(|RowValue { value, reading }| Operand { value, reading }))
}

/// How the result is stored, if all that reads it stores it in the same steps of i8.
fn stored_result(r: &Rewriter<'_>, node: &Node) -> Option<Reading> {
    let &[output] = node.outputs.as_slice() else { return None };
    let readers = r.graph.consumers(output);
    let first = r.encoding(*readers.first()?)?;
    let alike = |reader: &NodeId| r.stores(*reader) && r.encoding(*reader) == Some(first);
    (!r.graph.is_output(output) && readers.iter().all(alike)).then_some(first)
}

/// Nodes that are named after the operator, and numbered.
struct Named<'r, 'g> {
    rewriter: &'r mut Rewriter<'g>,
    name: String,
    count: usize,
}

impl Emit for Named<'_, '_> {
    fn ty(&self, value: ValueId) -> &TensorType {
        self.rewriter.graph.ty(value)
    }

    fn check_value(&self, value: ValueId) -> std::result::Result<(), GraphError> {
        self.rewriter.graph.check_value(value)
    }

    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> std::result::Result<Vec<ValueId>, OpError> {
        self.count += 1;
        let (name, kind) = (format!("{}.{}", self.name, self.count), op.name());
        match self.rewriter.add(name, op, inputs) {
            Ok(value) => Ok(vec![value]),
            Err(error) => Err(OpError::Other { op: kind.to_owned(), problem: error.to_string() }),
        }
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.count += 1;
        let name = format!("{}.constant.{}", self.name, self.count);
        self.rewriter.graph.add_constant(name, tensor)
    }
}
