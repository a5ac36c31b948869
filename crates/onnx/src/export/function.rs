//! Operators that ONNX does not know, as functions of the file: their compositions of operators that it
//! knows.

use std::sync::Arc;

use ediacara_graph::{Emit, Graph, GraphError, Node, Op, OpError, TensorType, ValueId};
use ediacara_tensor::Tensor;

use super::nodes::Writer;
use super::{ExportError, OPSET, stored};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, FunctionProto, NodeProto, OperatorSetIdProto};

/// The domain of the functions.
const DOMAIN: &str = "ediacara";
/// The most compositions within compositions; an operator may be composed of itself by mistake.
const DEPTH: usize = 16;

/// The functions of a file.
#[derive(Default)]
pub(super) struct Functions {
    functions: Vec<FunctionProto>,
    depth: usize,
}

impl Functions {
    /// The functions, and the operator set that their nodes need.
    pub(super) fn finish(self) -> (Vec<FunctionProto>, Option<OperatorSetIdProto>) {
        let set = (!self.functions.is_empty()).then(own_set);
        (self.functions, set)
    }

    /// The name and domain of the function that computes what a node does.
    ///
    /// It is none if the operator has no composition, or one that ONNX has no counterpart for. `batch` is the
    /// size that stands for any.
    pub(super) fn of_node(
        &mut self,
        graph: &Graph,
        node: &Node,
        batch: Option<usize>,
    ) -> Result<Option<(String, &'static str)>, ExportError> {
        let failed = |problem: String| ExportError::Composition {
            node: node.name.clone(),
            op: node.op.name().to_owned(),
            problem,
        };
        let types: Vec<TensorType> = node.inputs.iter().map(|&input| graph.ty(input).clone()).collect();
        let Some(body) = body(node.op.as_ref(), &types).map_err(|error| failed(error.to_string()))? else {
            return Ok(None);
        };
        let found: Vec<&TensorType> = body.outputs().iter().map(|&output| body.ty(output)).collect();
        let wanted: Vec<&TensorType> = node.outputs.iter().map(|&output| graph.ty(output)).collect();
        if found != wanted {
            let list =
                |types: &[&TensorType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(failed(format!("gives {} for results of {}", list(&found), list(&wanted))));
        }
        if self.depth == DEPTH {
            return Err(failed(format!("goes through more than {DEPTH} others; is it composed of itself?")));
        }
        self.depth += 1;
        let function = self.write(&body, batch)?;
        self.depth -= 1;
        Ok(function.map(|function| (self.named(node.op.name(), function), DOMAIN)))
    }

    /// The function without its name.
    fn write(&mut self, body: &Graph, batch: Option<usize>) -> Result<Option<FunctionProto>, ExportError> {
        let mut writer = Writer::new(body, batch, std::mem::take(self));
        let mut known = true;
        for id in body.order() {
            known = known && writer.write(id)?.is_some();
        }
        let output = writer.outputs();
        let (nodes, mut constants, functions) = writer.finish();
        *self = functions;
        if !known {
            return Ok(None);
        }
        for id in body.values() {
            if let Some(tensor) = body.constant(id) {
                constants.push(stored(&body.value(id).name, tensor));
            }
        }
        let mut node: Vec<NodeProto> = constants.into_iter().map(constant).collect();
        node.extend(nodes);
        let default = OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) };
        let calls = node.iter().any(|node| node.domain.as_deref() == Some(DOMAIN));
        Ok(Some(FunctionProto {
            domain: Some(DOMAIN.to_owned()),
            input: body.inputs().iter().map(|&input| body.value(input).name.clone()).collect(),
            output,
            node,
            opset_import: std::iter::once(default).chain(calls.then(own_set)).collect(),
            ..FunctionProto::default()
        }))
    }

    /// The name of a function: that of its operator.
    ///
    /// A number is added where the operator computes different things in different places.
    fn named(&mut self, op: &str, function: FunctionProto) -> String {
        for count in 1.. {
            let name = if count == 1 { op.to_owned() } else { format!("{op}_{count}") };
            let function = FunctionProto { name: Some(name.clone()), ..function.clone() };
            match self.functions.iter().find(|known| known.name == function.name) {
                Some(known) if *known == function => return name,
                Some(_) => {}
                None => {
                    self.functions.push(function);
                    return name;
                }
            }
        }
        unreachable!("some number is free")
    }
}

fn own_set() -> OperatorSetIdProto {
    OperatorSetIdProto { domain: Some(DOMAIN.to_owned()), version: Some(1) }
}

fn constant(tensor: crate::proto::TensorProto) -> NodeProto {
    NodeProto {
        output: tensor.name.iter().cloned().collect(),
        op_type: Some("Constant".to_owned()),
        attribute: vec![AttributeProto {
            name: Some("value".to_owned()),
            r#type: Some(AttributeType::Tensor as i32),
            t: Some(tensor),
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    }
}

/// The composition of an operator over operands of these types, if it has one.
fn body(op: &dyn Op, types: &[TensorType]) -> Result<Option<Graph>, OpError> {
    let mut body = Body { graph: Graph::new(op.name()) };
    let inputs: Vec<ValueId> = types.iter().map(|ty| body.graph.add_input("operand", ty.clone())).collect();
    let Some(results) = op.composition(&mut body, &inputs)? else { return Ok(None) };
    for &result in &results {
        (&body as &dyn Emit).type_of(op.name(), result)?;
    }
    body.graph.set_outputs(results);
    body.graph.unlink_dead();
    Ok(Some(body.graph))
}

/// The graph that a composition goes to.
struct Body {
    graph: Graph,
}

impl Emit for Body {
    fn ty(&self, value: ValueId) -> &TensorType {
        self.graph.ty(value)
    }

    fn check_value(&self, value: ValueId) -> Result<(), GraphError> {
        self.graph.check_value(value)
    }

    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, OpError> {
        let name = op.name();
        match self.graph.add_node(name, op, inputs) {
            Ok(node) => Ok(self.graph.outputs_of(node).to_vec()),
            Err(GraphError::Op { source, .. }) => Err(*source),
            Err(error) => Err(OpError::Other { op: name.to_owned(), problem: error.to_string() }),
        }
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.graph.add_constant("constant", tensor)
    }
}
