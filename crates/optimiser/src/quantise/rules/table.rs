//! Elementwise functions of one stored value -> q_table.

use std::collections::HashMap;

use ediacara_graph::{DType, Graph, Node, NodeId, Tensor, TensorType, ValueId};

use super::Rule;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::{Encoding, Range, Result};

pub(crate) const RULE: Rule = Rule {
    name: "table",
    documentation: "Any elementwise function of one stored value, however many nodes it takes (x * sigmoid(x), a leaky \
        relu of select and mul, a change by one number, an operator of one's own), becomes one q_table of its 256 values.",
    check,
};

/// The longest chain of nodes that is searched for its root; longer ones are lowered in parts.
const SEARCH_DEPTH: usize = 32;

/// The function from `root` to `value`, as the nodes of the real graph between them.
#[derive(Debug)]
struct Function {
    root: ValueId,
    value: ValueId,
    /// Whether a positive multiple of the operand makes the same multiple of the result.
    is_homogeneous: bool,
}

fn is_elementwise(node: &Node) -> bool {
    node.outputs.len() == 1 && node.op.is_elementwise()
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if !is_elementwise(node) {
        return Verdict::NotMine;
    }
    let value = node.outputs[0];
    let mut between = Vec::new();
    let Some(root) = root_of_node(plan, node, SEARCH_DEPTH, &mut between) else { return Verdict::NotMine };
    let (ty, root_type) = (plan.graph.ty(value), plan.graph.ty(root));
    if ty.dtype != DType::F32 || root_type.shape != ty.shape {
        return Verdict::NotMine;
    }
    let Some(layout) = plan.layout(root) else { return Verdict::NotMine };
    absorb_between(plan, id, between);
    plan.set_root(value, root);
    let mut function = Function { root, value, is_homogeneous: false };
    function.is_homogeneous = function.scales(plan.graph);
    plan.accept(id, vec![root], (layout, Scales::Free), function)
}

/// The stored value that alone decides `value`.
///
/// The nodes between the two are added to `between`.
fn root(plan: &Plan, value: ValueId, depth: usize, between: &mut Vec<NodeId>) -> Option<ValueId> {
    if plan.layout(value).is_some() && plan.root(value).is_none() {
        return Some(value);
    }
    let producer = plan.graph.producer(value)?;
    let node = plan.graph.node(producer);
    if depth == 0 || !is_elementwise(node) {
        return plan.layout(value).map(|_| value);
    }
    between.push(producer);
    root_of_node(plan, node, depth - 1, between)
}

fn root_of_node(plan: &Plan, node: &Node, depth: usize, between: &mut Vec<NodeId>) -> Option<ValueId> {
    let mut found = None;
    for &input in &node.inputs {
        if plan.is_constant(input) {
            // One number makes the same function everywhere; several do not.
            if plan.graph.ty(input).elements() != 1 || plan.graph.constant(input).is_none() {
                return None;
            }
            continue;
        }
        let root = root(plan, input, depth, between)?;
        if found.is_some_and(|other| other != root) {
            return None;
        }
        found = Some(root);
    }
    found
}

/// Absorbs the nodes between root and `id` that nobody outside reads.
fn absorb_between(plan: &mut Plan, id: NodeId, mut between: Vec<NodeId>) {
    between.sort_unstable();
    between.dedup();
    // A node goes only if its readers go; going on until nothing changes finds them all.
    let mut gone = vec![id];
    loop {
        let next = between.iter().copied().find(|&node| {
            let output = plan.graph.output_of(node);
            !gone.contains(&node)
                && !plan.graph.is_output(output)
                && plan.graph.consumers(output).iter().all(|reader| gone.contains(reader))
        });
        let Some(next) = next else { return };
        plan.absorb(next);
        gone.push(next);
    }
}

/// The values of `value` where `root` takes the values of `samples`.
fn evaluate(graph: &Graph, value: ValueId, known: &mut HashMap<ValueId, Tensor>) -> Result<Tensor> {
    if let Some(tensor) = known.get(&value) {
        return Ok(tensor.clone());
    }
    if let Some(tensor) = graph.constant(value) {
        return Ok(tensor.reshape(&[1])?);
    }
    let missing = || ediacara_graph::GraphError::Other {
        problem: format!("value `{}` is no function of the table's operand", graph.value(value).name),
    };
    let node = graph.node(graph.producer(value).ok_or_else(missing)?);
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        inputs.push(evaluate(graph, input, known)?);
    }
    let types: Vec<TensorType> = inputs.iter().map(TensorType::of).collect();
    let outputs = node.op.infer(&types.iter().collect::<Vec<_>>())?;
    let mut outputs = outputs.iter().map(TensorType::zeros).collect::<std::result::Result<Vec<_>, _>>()?;
    node.op.run(&inputs.iter().collect::<Vec<_>>(), &mut outputs)?;
    let output = outputs.swap_remove(0);
    known.insert(value, output.clone());
    Ok(output)
}

/// Whether numbers are a multiple of others, but for rounding.
fn is_multiple(numbers: &[f32], others: &[f32], multiple: f32) -> bool {
    let close = |(&number, &other): (&f32, &f32)| (number - other * multiple).abs() <= 1e-6 * number.abs();
    numbers.len() == others.len() && numbers.iter().zip(others).all(close)
}

impl Function {
    /// Whether it is a relu, a leaky one, a change of sign or their like: tried with multiples that are exact, from
    /// the smallest to the largest number that a network may hold.
    fn scales(&self, graph: &Graph) -> bool {
        let multiples = [-60, -20, -1, 1, 20, 60].map(|exponent| 2_f32.powi(exponent));
        let unit = Encoding { scale: 1.0, zero: 0 }.decode_all();
        let of = |multiple: f32| self.evaluate(graph, unit.iter().map(|number| number * multiple).collect());
        let Ok(once) = of(1.0) else { return false };
        let scaled = |multiple: f32| of(multiple).is_ok_and(|found| is_multiple(&found, &once, multiple));
        multiples.into_iter().all(scaled)
    }

    /// The function of every stored value.
    fn reals(&self, graph: &Graph, operand: Encoding) -> Result<Vec<f32>> {
        self.evaluate(graph, operand.decode_all())
    }

    fn evaluate(&self, graph: &Graph, samples: Vec<f32>) -> Result<Vec<f32>> {
        let samples = Tensor::from_vec(&[samples.len()], samples)?;
        let mut known = HashMap::from([(self.root, samples)]);
        Ok(evaluate(graph, self.value, &mut known)?.to_vec::<f32>()?)
    }
}

impl Emit for Function {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        self.is_homogeneous.then(|| vec![unmoved(channels[0])])
    }

    /// The operand's encoding if it holds every result, so that a relu is exact; else one that spans the
    /// function's own range.
    fn own_encoding(&self, graph: &Graph, operand: Encoding) -> Result<Option<Encoding>> {
        let reals = self.reals(graph, operand)?;
        if reals.iter().all(|&real| operand.decode(operand.encode(real)) == real) {
            return Ok(Some(operand));
        }
        let finite: Vec<f32> = reals.into_iter().filter(|real| real.is_finite()).collect();
        Ok(Some(Encoding::of_range(Range::of(&finite).unwrap_or(Range { low: 0.0, high: 0.0 }))))
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let (x, encoding) = (operands[0], emitter.encoding(lowering)?);
        let table = encoding.encode_all(&self.reals(emitter.source, x.encoding)?)?;
        let name = emitter.name(lowering);
        let value = emitter.table(name, x.value, table)?;
        Ok(Stored { value, encoding, layout: lowering.layout })
    }
}
