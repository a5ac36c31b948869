//! Networks in f16 or bf16.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::ops::Cast;
use ediacara_graph::rewrite::{Context, Pass};
use ediacara_graph::{DType, Graph, GraphError, IntoOp, Op, ValueId};

/// See [`Pass::documentation`].
pub(super) struct HalfPrecision;

impl Pass for HalfPrecision {
    fn name(&self) -> &'static str {
        "half_precision"
    }

    fn documentation(&self) -> &'static str {
        "Computes in f32 what is f16 or bf16: constants are widened, inputs are cast once, outputs are cast back. \
         Nothing is lost, and what rounding to the narrow type would lose is kept."
    }

    fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError> {
        let narrow = |&value: &ValueId| is_half(graph.ty(value).dtype);
        let values = graph.nodes().flat_map(|node| graph.outputs_of(node).to_vec());
        let count = values.filter(narrow).count();
        if count == 0 || context.is_exhausted() {
            return Ok(0);
        }
        *graph = widened(graph)?;
        context.record(self.name(), graph.name.clone());
        Ok(count)
    }
}

fn is_half(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16)
}

/// The graph in f32 between its inputs and outputs.
fn widened(graph: &Graph) -> Result<Graph, GraphError> {
    let mut wide = Graph::new(graph.name.clone());
    // Values of the old graph in the new one, as they are and in f32.
    let mut given: HashMap<ValueId, ValueId> = HashMap::new();
    let mut real: HashMap<ValueId, ValueId> = HashMap::new();
    for &input in graph.inputs() {
        let value = graph.value(input);
        let id = wide.add_input(value.name.clone(), value.ty.clone());
        given.insert(input, id);
        let cast = is_half(value.ty.dtype);
        let name = format!("{}.f32", value.name);
        real.insert(input, if cast { wide.add(name, Cast { to: DType::F32 }, &[id])? } else { id });
    }
    for id in graph.order() {
        let node = graph.node(id);
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &input in &node.inputs {
            if let (false, Some(tensor)) = (real.contains_key(&input), graph.constant(input)) {
                let to = if is_half(tensor.dtype()) { DType::F32 } else { tensor.dtype() };
                real.insert(input, wide.add_constant(graph.value(input).name.clone(), tensor.cast(to)));
            }
            inputs.extend(real.get(&input));
        }
        let op: Arc<dyn Op> = match node.op_as::<Cast>() {
            Some(cast) if is_half(cast.to) => Cast { to: DType::F32 }.into_op(),
            _ => node.op.clone(),
        };
        let new = wide.add_node(node.name.clone(), op, &inputs)?;
        for (&old, value) in node.outputs.iter().zip(wide.outputs_of(new).to_vec()) {
            wide.rename_value(value, graph.value(old).name.clone());
            real.insert(old, value);
        }
    }
    let mut outputs = Vec::with_capacity(graph.outputs().len());
    for &output in graph.outputs() {
        let value = graph.value(output);
        if let Some(tensor) = graph.constant(output) {
            given.insert(output, wide.add_constant(value.name.clone(), tensor.clone()));
        } else if !given.contains_key(&output) && is_half(value.ty.dtype) {
            let source = real[&output];
            wide.rename_value(source, format!("{}.f32", value.name));
            given.insert(output, wide.add(value.name.clone(), Cast { to: value.ty.dtype }, &[source])?);
        }
        outputs.push(given.get(&output).copied().unwrap_or_else(|| real[&output]));
    }
    wide.set_outputs(outputs);
    Ok(wide)
}
