//! The reverse pass over a graph.

use ediacara_graph::{Emit, GradientContext, Graph, GraphError, NodeId, OpError, Tensor, ValueId};

use crate::GraphEmitter;

/// The gradients of a loss with respect to values, as new values of the graph.
///
/// The loss may have any shape: the gradient is that of the sum of its elements. Values that the loss does
/// not depend on get zeros.
///
/// # Errors
/// As [`differentiate`]; the loss is not of a floating-point type.
pub fn gradients(graph: &mut Graph, loss: ValueId, wrt: &[ValueId]) -> Result<Vec<ValueId>, GraphError> {
    check(graph, &[loss])?;
    let name = graph.value(loss).name.clone();
    let seed = ones(graph, loss)?;
    let found = differentiate(graph, &[loss], &[seed], wrt)?;
    found
        .into_iter()
        .zip(wrt)
        .map(|(gradient, &value)| match gradient {
            Some(gradient) => Ok(gradient),
            None => {
                let ty = graph.ty(value).clone();
                let zeros = ty.zeros();
                let zeros = zeros.map_err(|source| GraphError::Tensor { value: name.clone(), source })?;
                Ok(graph.add_constant(format!("{}.gradient", graph.value(value).name), zeros))
            }
        })
        .collect()
}

/// Ones of a value's type: the seed of a sum.
pub(crate) fn ones(graph: &mut Graph, value: ValueId) -> Result<ValueId, GraphError> {
    let ty = graph.ty(value).clone();
    let name = format!("{}.seed", graph.value(value).name);
    let ones = Tensor::scalar(1.0_f64).cast(ty.dtype).broadcast_to(&ty.shape);
    let ones = ones.map_err(|source| GraphError::Tensor { value: name.clone(), source })?;
    Ok(graph.add_constant(name, ones))
}

/// The vector-Jacobian products of `outputs`.
///
/// Each value of `wrt` gets the gradient of the sum over outputs of output times seed. It gets nothing where
/// no output depends on it (or only where its gradient is zero).
///
/// The nodes of the backward pass are added to the graph, one pass in reverse topological order, and only
/// those that lead to `wrt`. Each is named after the node that it differentiates. The gradients of a value
/// that is used several times are added in a fixed order. The nodes can be differentiated again.
///
/// # Errors
/// Outputs, seeds and `wrt` that are not of this graph or not of floating-point types; a seed whose type is
/// not its output's; an operator on the way that has no gradient, with its node's name.
pub fn differentiate(
    graph: &mut Graph,
    outputs: &[ValueId],
    seeds: &[ValueId],
    wrt: &[ValueId],
) -> Result<Vec<Option<ValueId>>, GraphError> {
    check_request(graph, outputs, seeds, wrt)?;
    let pass = Pass::plan(graph, outputs, wrt);
    pass.run(&mut GraphEmitter::new(graph, "gradient"), outputs, seeds, wrt)
}

/// What the reverse pass writes to: an [`Emit`] over a graph that it can look at.
pub(crate) trait Target: Emit {
    /// The graph.
    fn graph(&self) -> &Graph;
    /// The pass comes to a node of the forward pass; `position` counts nodes from the first one.
    fn enter(&mut self, node: NodeId, position: usize);
}

impl Target for GraphEmitter<'_> {
    fn graph(&self) -> &Graph {
        GraphEmitter::graph(self)
    }

    fn enter(&mut self, node: NodeId, _position: usize) {
        let name = format!("{}.gradient", GraphEmitter::graph(self).node(node).name);
        self.set_name(name);
    }
}

/// Checks what is asked for.
pub(crate) fn check_request(
    graph: &Graph,
    outputs: &[ValueId],
    seeds: &[ValueId],
    wrt: &[ValueId],
) -> Result<(), GraphError> {
    check(graph, outputs)?;
    check(graph, seeds)?;
    check(graph, wrt)?;
    if outputs.len() != seeds.len() {
        let problem = format!("{} outputs need as many seeds, found {}", outputs.len(), seeds.len());
        return Err(GraphError::Other { problem });
    }
    for (&output, &seed) in outputs.iter().zip(seeds) {
        if graph.ty(output) != graph.ty(seed) {
            let (output, seed) = (graph.value(output), graph.value(seed));
            let problem = format!(
                "output `{}` is {} but its seed `{}` is {}; types must be equal",
                output.name, output.ty, seed.name, seed.ty
            );
            return Err(GraphError::Other { problem });
        }
    }
    Ok(())
}

fn check(graph: &Graph, values: &[ValueId]) -> Result<(), GraphError> {
    for &value in values {
        graph.check_value(value)?;
        if !graph.ty(value).dtype.is_float() {
            let (name, ty) = (&graph.value(value).name, graph.ty(value));
            let problem = format!("`{name}` is {ty}; only floating-point values can be differentiated");
            return Err(GraphError::Other { problem });
        }
    }
    Ok(())
}

/// What a reverse pass visits.
pub(crate) struct Pass {
    /// The nodes between `wrt` and the outputs, in topological order.
    pub(crate) nodes: Vec<NodeId>,
    /// By [`ValueId::index`]: whether a value depends on `wrt`, through floating-point values.
    active: Vec<bool>,
}

impl Pass {
    /// Finds what depends on `wrt` and leads to the outputs.
    pub(crate) fn plan(graph: &Graph, outputs: &[ValueId], wrt: &[ValueId]) -> Pass {
        let order = graph.order();
        let mut active = vec![false; graph.value_count()];
        wrt.iter().for_each(|value| active[value.index()] = true);
        for &id in &order {
            let node = graph.node(id);
            if node.inputs.iter().any(|input| active[input.index()]) {
                let floats = node.outputs.iter().filter(|&&output| graph.ty(output).dtype.is_float());
                floats.for_each(|output| active[output.index()] = true);
            }
        }
        let mut leads = vec![false; graph.value_count()];
        outputs.iter().for_each(|value| leads[value.index()] = true);
        let mut nodes = Vec::new();
        for &id in order.iter().rev() {
            let node = graph.node(id);
            let on_the_way = |output: &ValueId| leads[output.index()] && active[output.index()];
            if node.outputs.iter().any(on_the_way) && node.inputs.iter().any(|input| active[input.index()]) {
                node.inputs.iter().for_each(|input| leads[input.index()] = true);
                nodes.push(id);
            }
        }
        nodes.reverse();
        Pass { nodes, active }
    }

    /// Walks the nodes backwards.
    pub(crate) fn run(
        &self,
        target: &mut dyn Target,
        outputs: &[ValueId],
        seeds: &[ValueId],
        wrt: &[ValueId],
    ) -> Result<Vec<Option<ValueId>>, GraphError> {
        let mut gradients: Vec<Option<ValueId>> = vec![None; self.active.len()];
        for (&output, &seed) in outputs.iter().zip(seeds) {
            let name = target.graph().value(output).name.clone();
            accumulate(target, &mut gradients[output.index()], seed).map_err(at(&name))?;
        }
        for (position, &id) in self.nodes.iter().enumerate().rev() {
            let node = target.graph().node(id).clone();
            let of_outputs: Vec<Option<ValueId>> =
                node.outputs.iter().map(|output| gradients[output.index()]).collect();
            if of_outputs.iter().all(Option::is_none) {
                continue;
            }
            target.enter(id, position);
            let differentiable =
                |input: &ValueId| self.active[input.index()] && target.graph().ty(*input).dtype.is_float();
            let needed: Vec<bool> = node.inputs.iter().map(differentiable).collect();
            let found = {
                let mut context =
                    GradientContext::new(&mut *target, &node.inputs, &node.outputs, &of_outputs, &needed);
                node.op.gradient(&mut context).map_err(at(&node.name))?
            };
            for ((&input, gradient), needed) in node.inputs.iter().zip(found).zip(needed) {
                if let (Some(gradient), true) = (gradient, needed) {
                    check_gradient(target.graph(), input, gradient, node.op.name())
                        .map_err(at(&node.name))?;
                    accumulate(target, &mut gradients[input.index()], gradient).map_err(at(&node.name))?;
                }
            }
        }
        Ok(wrt.iter().map(|value| gradients[value.index()]).collect())
    }
}

/// Adds a gradient to what has been found before.
fn accumulate(target: &mut dyn Target, sum: &mut Option<ValueId>, gradient: ValueId) -> Result<(), OpError> {
    *sum = Some(match *sum {
        None => gradient,
        Some(before) => {
            let added = target.apply(std::sync::Arc::new(ediacara_graph::ops::Add), &[before, gradient])?;
            added.first().copied().unwrap_or(gradient)
        }
    });
    Ok(())
}

/// A rule outside this project may be wrong about a shape.
fn check_gradient(graph: &Graph, input: ValueId, gradient: ValueId, op: &'static str) -> Result<(), OpError> {
    let (expected, found) = (graph.ty(input), graph.ty(gradient));
    if expected == found {
        return Ok(());
    }
    let name = &graph.value(input).name;
    let problem = format!("its gradient rule gives {found} for operand `{name}` of type {expected}");
    Err(OpError::Other { op: op.to_owned(), problem })
}

/// Names the node of an operator's error.
fn at(node: &str) -> impl Fn(OpError) -> GraphError + '_ {
    move |source| GraphError::Op { node: node.to_owned(), source: Box::new(source) }
}
