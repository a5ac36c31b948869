//! Recurrences as the nodes of all their steps.

use std::collections::{HashMap, HashSet};

use crate::ops::{Concat, Recur, Reshape, Slice};
use crate::{Graph, GraphError, IntoOp, NodeId, TensorType, ValueId};
use ediacara_tensor::{DType, Tensor};

/// A graph without `recur`.
#[derive(Debug, Clone, Default)]
pub struct Unrolled {
    /// The graph.
    pub graph: Graph,
    /// The values that are one value of a body in different steps; with them what is carried first and last, and all
    /// of a result together.
    ///
    /// A value stands in one class at most, and constants in none.
    pub classes: Vec<Vec<ValueId>>,
}

/// Replaces every recurrence by the nodes of its steps; nothing if there is none.
///
/// A step's values have the name of the recurrence, the step and their name in the body: `lstm@3/gates`.
/// Products with first values that are constant zeros are left out.
///
/// # Errors
/// A name or type does not fit, which is a bug.
pub fn unroll(graph: &Graph) -> Result<Option<Unrolled>, GraphError> {
    if !graph.nodes().any(|id| graph.node(id).op_as::<Recur>().is_some()) {
        return Ok(None);
    }
    let mut unroller = Unroller {
        source: graph,
        new: Graph::new(graph.name.clone()),
        map: HashMap::new(),
        classes: Vec::new(),
    };
    for &input in graph.inputs() {
        let value = graph.value(input);
        let id = match graph.is_variable(input) {
            true => unroller.new.add_variable(value.name.clone(), value.ty.clone()),
            false => unroller.new.add_input(value.name.clone(), value.ty.clone()),
        };
        unroller.map.insert(input, id);
    }
    for id in graph.order() {
        match graph.node(id).op_as::<Recur>() {
            Some(recur) => unroller.recur(id, recur)?,
            None => unroller.copy(id)?,
        }
    }
    let mut outputs = Vec::with_capacity(graph.outputs().len());
    for &output in graph.outputs() {
        outputs.push((graph.value(output).name.clone(), unroller.value(output)));
    }
    unroller.new.set_named_outputs(&outputs)?;
    unroller.new.unlink_dead();
    let Unroller { new: graph, classes, .. } = unroller;
    Ok(Some(Unrolled { graph, classes: merged(classes) }))
}

struct Unroller<'a> {
    source: &'a Graph,
    new: Graph,
    /// Values of the source in the new graph.
    map: HashMap<ValueId, ValueId>,
    classes: Vec<Vec<ValueId>>,
}

/// The values of a body in one step, and which of them are known to be zeros.
struct Step<'a> {
    body: &'a Graph,
    prefix: String,
    values: HashMap<ValueId, ValueId>,
    zeros: HashSet<ValueId>,
}

impl Unroller<'_> {
    /// The value of the new graph for one of the source's, a constant if it is one.
    fn value(&mut self, value: ValueId) -> ValueId {
        if let Some(&known) = self.map.get(&value) {
            return known;
        }
        let name = self.source.value(value).name.clone();
        let id = match self.source.constant(value) {
            Some(tensor) => self.new.add_constant(name, tensor.clone()),
            // The order brings every computed value before its readers.
            None => unreachable!("`{name}` is read before it is computed"),
        };
        self.map.insert(value, id);
        id
    }

    fn copy(&mut self, id: NodeId) -> Result<(), GraphError> {
        let node = self.source.node(id);
        let inputs: Vec<ValueId> = node.inputs.iter().map(|&input| self.value(input)).collect();
        let new = self.new.add_node(node.name.clone(), node.op.clone(), &inputs)?;
        for (&old, value) in node.outputs.iter().zip(self.new.outputs_of(new).to_vec()) {
            self.new.rename_value(value, self.source.value(old).name.clone());
            self.map.insert(old, value);
        }
        Ok(())
    }

    fn recur(&mut self, id: NodeId, recur: &Recur) -> Result<(), GraphError> {
        let (source, body, carried) = (self.source, recur.body(), recur.carried());
        let node = source.node(id);
        let whole = carried + recur.tied();
        let mut operands: Vec<ValueId> = node.inputs.iter().map(|&input| self.value(input)).collect();
        let steps = self.new.ty(operands[whole]).shape[0];
        let mut classes: Vec<Vec<ValueId>> = vec![Vec::new(); body.value_count()];
        let mut results: Vec<Vec<Option<ValueId>>> = vec![vec![None; steps]; body.outputs().len() - carried];
        let once = self.once(&node.name, recur, &operands)?;
        for position in recur.positions(steps) {
            let prefix = format!("{}@{position}", node.name);
            let mut step = Step { body, prefix, values: once.clone(), zeros: HashSet::new() };
            for (index, (&input, &operand)) in body.inputs().iter().zip(&operands).enumerate() {
                let value = match index < whole {
                    true => operand,
                    false => self.part(&step, operand, position, input)?,
                };
                if self.new.constant(value).is_some_and(is_zero) {
                    step.zeros.insert(value);
                } else if index < carried && self.new.constant(value).is_none() {
                    classes[input.index()].push(value);
                }
                step.values.insert(input, value);
            }
            self.step(&mut step, &mut classes)?;
            for (index, &output) in body.outputs().iter().enumerate() {
                let value = step.values[&output];
                match index.checked_sub(carried) {
                    None => operands[index] = value,
                    Some(index) => results[index][position] = Some(value),
                }
            }
        }
        for (index, &result) in node.outputs.iter().enumerate() {
            let value = match index.checked_sub(carried) {
                None => {
                    classes[body.inputs()[index].index()].push(operands[index]);
                    operands[index]
                }
                Some(at) => {
                    let of_body = body.outputs()[index];
                    self.stacked(&source.value(result).name, &results[at], &mut classes[of_body.index()])?
                }
            };
            self.map.insert(result, value);
        }
        self.classes.extend(classes);
        Ok(())
    }

    /// What is the same in every step: constants, tied operands, and what is computed of nothing else.
    fn once(
        &mut self,
        name: &str,
        recur: &Recur,
        operands: &[ValueId],
    ) -> Result<HashMap<ValueId, ValueId>, GraphError> {
        let (body, carried) = (recur.body(), recur.carried());
        let mut once: HashMap<ValueId, ValueId> = HashMap::new();
        let inputs = body.inputs().iter().zip(operands).skip(carried).take(recur.tied());
        once.extend(inputs.map(|(&input, &operand)| (input, operand)));
        for value in body.values() {
            if let Some(tensor) = body.constant(value) {
                let name = format!("{name}/{}", body.value(value).name);
                once.insert(value, self.new.add_constant(name, tensor.clone()));
            }
        }
        for id in body.order() {
            let node = body.node(id);
            let inputs: Option<Vec<ValueId>> =
                node.inputs.iter().map(|input| once.get(input).copied()).collect();
            let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else { continue };
            let new = self.new.add_node(format!("{name}/{}", node.name), node.op.clone(), &inputs)?;
            once.extend(node.outputs.iter().copied().zip(self.new.outputs_of(new).to_vec()));
        }
        Ok(once)
    }

    /// The nodes of one step.
    fn step(&mut self, step: &mut Step<'_>, classes: &mut [Vec<ValueId>]) -> Result<(), GraphError> {
        for id in step.body.order() {
            let node = step.body.node(id);
            if node.outputs.iter().all(|output| step.values.contains_key(output)) {
                continue;
            }
            let inputs: Vec<ValueId> = node.inputs.iter().map(|input| step.values[input]).collect();
            if let Some(known) = self.of_zeros(step, id, &inputs)? {
                step.values.insert(node.outputs[0], known);
                continue;
            }
            let name = format!("{}/{}", step.prefix, node.name);
            let new = self.new.add_node(name, node.op.clone(), &inputs)?;
            for (&old, value) in node.outputs.iter().zip(self.new.outputs_of(new).to_vec()) {
                self.new.rename_value(value, format!("{}/{}", step.prefix, step.body.value(old).name));
                step.values.insert(old, value);
                classes[old.index()].push(value);
            }
        }
        Ok(())
    }

    /// What a node gives of zeros: zeros, or its other operand.
    fn of_zeros(
        &mut self,
        step: &mut Step<'_>,
        id: NodeId,
        inputs: &[ValueId],
    ) -> Result<Option<ValueId>, GraphError> {
        let node = step.body.node(id);
        let is_zero = |value: &ValueId| step.zeros.contains(value);
        let ty = step.body.ty(node.outputs[0]).clone();
        let none = match (node.op.name(), inputs) {
            ("mul" | "matmul", inputs) => inputs.iter().any(is_zero),
            ("gemm", [x, _]) => is_zero(x),
            ("reshape" | "transpose" | "slice" | "neg" | "tanh", [x]) => is_zero(x),
            ("add", [x, y]) if is_zero(x) && *self.new.ty(*y) == ty => return Ok(Some(*y)),
            ("add", [x, y]) if is_zero(y) && *self.new.ty(*x) == ty => return Ok(Some(*x)),
            _ => false,
        };
        if !none || ty.dtype != DType::F32 {
            return Ok(None);
        }
        let zeros = ty.zeros().map_err(|source| GraphError::Tensor { value: step.prefix.clone(), source })?;
        let name = format!("{}/{}", step.prefix, step.body.value(node.outputs[0]).name);
        let value = self.new.add_constant(name, zeros);
        step.zeros.insert(value);
        Ok(Some(value))
    }

    /// A step of a sequence.
    fn part(
        &mut self,
        step: &Step<'_>,
        sequence: ValueId,
        position: usize,
        input: ValueId,
    ) -> Result<ValueId, GraphError> {
        let (name, ty) = (&step.body.value(input).name, step.body.ty(input));
        let slice = Slice::along(&self.new.ty(sequence).shape, 0, position, position + 1);
        let reshape = Reshape { shape: ty.shape.clone() };
        if let Some(tensor) = self.new.constant(sequence) {
            let at = position as isize;
            let part =
                tensor.slice(0, at, at + 1, 1).and_then(|part| part.to_contiguous().reshape(&ty.shape));
            let part = part.map_err(|source| GraphError::Tensor { value: name.clone(), source })?;
            return Ok(self.new.add_constant(format!("{}/{name}", step.prefix), part));
        }
        let part = self.new.add(format!("{}/{name}.part", step.prefix), slice.into_op(), &[sequence])?;
        self.new.add(format!("{}/{name}", step.prefix), reshape.into_op(), &[part])
    }

    /// A result of all steps, which is of one class with those of each.
    fn stacked(
        &mut self,
        name: &str,
        parts: &[Option<ValueId>],
        class: &mut Vec<ValueId>,
    ) -> Result<ValueId, GraphError> {
        let mut rows = Vec::with_capacity(parts.len());
        for (position, part) in parts.iter().copied().flatten().enumerate() {
            let TensorType { shape, .. } = self.new.ty(part);
            let reshape = Reshape { shape: [&[1], shape.as_slice()].concat() };
            rows.push(self.new.add(format!("{name}@{position}/row"), reshape.into_op(), &[part])?);
        }
        let all = self.new.add(name, Concat { axis: 0 }.into_op(), &rows)?;
        class.extend(rows);
        class.push(all);
        Ok(all)
    }
}

fn is_zero(tensor: &Tensor) -> bool {
    tensor.dtype() == DType::F32
        && tensor.to_vec::<f32>().is_ok_and(|values| values.iter().all(|&value| value == 0.0))
}

/// The classes of more than one value, those that share a value joined.
fn merged(classes: Vec<Vec<ValueId>>) -> Vec<Vec<ValueId>> {
    let mut class_of: HashMap<ValueId, usize> = HashMap::new();
    let mut merged: Vec<Vec<ValueId>> = Vec::new();
    for class in classes.into_iter().filter(|class| !class.is_empty()) {
        let mut known: Vec<usize> = class.iter().filter_map(|value| class_of.get(value).copied()).collect();
        known.sort_unstable();
        known.dedup();
        let home = known.first().copied().unwrap_or(merged.len());
        if home == merged.len() {
            merged.push(Vec::new());
        }
        let moved: Vec<ValueId> =
            known.iter().skip(1).flat_map(|&other| std::mem::take(&mut merged[other])).collect();
        for value in class.into_iter().chain(moved) {
            if class_of.insert(value, home) != Some(home) {
                merged[home].push(value);
            }
        }
    }
    merged.retain(|class| class.len() > 1);
    merged
}

#[cfg(test)]
mod tests {
    use crate::Registry;

    use super::*;

    #[test]
    fn steps_become_nodes_and_what_is_one_value_a_class() {
        let text = r#"graph "g" {
  input %x: f32[2,1,3]
  constant %h: f32[1,3] = [0.0, 0.0, 0.0]
  constant %w: f32[3,3] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
  %last: f32[1,3], %y: f32[2,1,3] = recur(%h, %w, %x) {carried = 1, tied = 1, reverse = false, body = "graph \"body\" {\n  input %h: f32[1,3]\n  input %w: f32[3,3]\n  input %x: f32[1,3]\n  %p: f32[1,3] = gemm(%h, %w) {activation = none}\n  %s: f32[1,3] = add(%p, %x)\n  %n: f32[1,3] = tanh(%s)\n  output %n\n  output %n\n}\n"} as "r"
  output %last
  output %y
}
"#;
        let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
        let Unrolled { graph, classes } = unroll(&graph).unwrap().unwrap();
        graph.verify().unwrap();
        let names = |values: &[ValueId]| {
            values.iter().map(|&value| graph.value(value).name.clone()).collect::<Vec<_>>()
        };
        let ops: Vec<String> = graph
            .order()
            .into_iter()
            .map(|id| format!("{} {}", graph.node(id).name, graph.node(id).op.name()))
            .collect();
        assert!(ops.contains(&"r@0/n tanh".to_owned()) && ops.contains(&"r@1/p gemm".to_owned()), "{ops:?}");
        // The first step multiplies nothing: its state is zero.
        assert!(!ops.iter().any(|op| op.starts_with("r@0/p") || op.starts_with("r@0/s")), "{ops:?}");
        assert_eq!(graph.outputs().len(), 2);
        assert_eq!(
            classes.iter().map(|class| names(class)).collect::<Vec<_>>(),
            [["r@0/n", "last", "y@0/row", "y@1/row", "y"]]
        );
    }
}
