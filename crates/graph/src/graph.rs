//! The graph: two arenas, the inputs and the outputs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ediacara_tensor::Tensor;
use smallvec::SmallVec;

use crate::entity::{Maker, Origin};
use crate::names::Names;
use crate::ops::Barrier;
use crate::value::{Definition, Value};
use crate::{Cost, GraphError, IntoOp, NodeId, Op, TensorType, ValueId, ValueList};

/// A node: an operator applied to values.
#[derive(Debug, Clone)]
pub struct Node {
    /// The name, for people; not unique.
    pub name: String,
    /// What it does.
    pub op: Arc<dyn Op>,
    /// Its operands.
    pub inputs: ValueList,
    /// What it defines.
    pub outputs: ValueList,
}

impl Node {
    /// The operator as the concrete type `T`, if it is one.
    pub fn op_as<T: Op>(&self) -> Option<&T> {
        self.op.downcast_ref()
    }
}

/// The readers of a value; up to four lie in place, which takes no more space than a vector's own fields.
type Uses = SmallVec<[NodeId; 4]>;

/// A graph of operators over values of static type.
///
/// Nodes are added, uses are redirected, and what is no longer needed is unlinked; ids stay valid until
/// [`compact`](Graph::compact) drops the unlinked and renumbers.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The name, for people.
    pub name: String,
    nodes: Vec<Node>,
    /// Which nodes are linked.
    live: Vec<bool>,
    values: Vec<Value>,
    /// The graph that made each value: this one, or the one that it was cloned from.
    origins: Vec<Origin>,
    maker: Maker,
    inputs: Vec<ValueId>,
    /// The inputs that keep their tensors from one run to the next.
    variables: HashSet<ValueId>,
    outputs: Vec<ValueId>,
    /// The live nodes that read each value, one entry per reading operand.
    uses: Vec<Uses>,
    names: Names,
    /// The last suffix given to each name, so that a thousand nodes of one name are not a million look-ups.
    suffixes: HashMap<String, usize>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Graph {
        Graph { name: name.into(), ..Graph::default() }
    }

    fn add_value(&mut self, name: String, ty: TensorType, definition: Definition) -> ValueId {
        let id = ValueId::new(self.values.len(), self.maker.origin());
        let name = self.unique_name(name);
        self.values.push(Value { name, ty, definition });
        self.names.insert(id.index(), &self.values);
        self.origins.push(id.origin());
        self.uses.push(Uses::new());
        id
    }

    /// `name`, or `name` with the next suffix `_1`, `_2`, ... that makes it unique.
    ///
    /// An empty name becomes `value`.
    fn unique_name(&mut self, name: String) -> String {
        let name = if name.is_empty() { "value".to_owned() } else { name };
        let taken = |name: &str| self.names.find(name, &self.values).is_some();
        if !taken(&name) {
            return name;
        }
        let suffix = self.suffixes.entry(name.clone()).or_insert(0);
        loop {
            *suffix += 1;
            let candidate = format!("{name}_{suffix}");
            if !taken(&candidate) {
                return candidate;
            }
        }
    }

    /// Adds an input, whose name gets a suffix if it is taken.
    pub fn add_input(&mut self, name: impl Into<String>, ty: TensorType) -> ValueId {
        let id = self.add_value(name.into(), ty, Definition::Input);
        self.inputs.push(id);
        id
    }

    /// Adds an input that keeps its tensor from one run to the next: a parameter, or what an optimiser
    /// remembers of one.
    ///
    /// Where a network is only used, such an input has to become a constant first.
    pub fn add_variable(&mut self, name: impl Into<String>, ty: TensorType) -> ValueId {
        let id = self.add_input(name, ty);
        self.variables.insert(id);
        id
    }

    /// Adds a constant, whose name gets a suffix if it is taken.
    pub fn add_constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        let ty = TensorType::of(&tensor);
        self.add_value(name.into(), ty, Definition::Constant(Box::new(tensor.to_contiguous())))
    }

    /// Adds a node; the types of its outputs are inferred and checked here.
    ///
    /// The outputs are named after the node: `name` for one, `name.0`, `name.1`, ... for several.
    ///
    /// # Errors
    /// An input is not of this graph; the operator refuses the inputs; an output would not fit the address
    /// space.
    pub fn add_node(
        &mut self,
        name: impl Into<String>,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<NodeId, GraphError> {
        let (name, op) = (name.into(), op.into_op());
        for &input in inputs {
            self.check_value(input)?;
        }
        let input_types: Vec<&TensorType> = inputs.iter().map(|&input| &self.value(input).ty).collect();
        let inferred = op.infer(&input_types).and_then(|types| {
            for ty in &types {
                ty.checked_elements().map_err(|source| crate::OpError::Tensor { op: op.name(), source })?;
            }
            Ok(types)
        });
        let types =
            inferred.map_err(|source| GraphError::Op { node: name.clone(), source: Box::new(source) })?;
        let id = NodeId::new(self.nodes.len());
        let single = types.len() == 1;
        let outputs = types.into_iter().enumerate().map(|(index, ty)| {
            let value_name = if single { name.clone() } else { format!("{name}.{index}") };
            self.add_value(value_name, ty, Definition::Node { node: id, index })
        });
        let outputs = outputs.collect();
        for &input in inputs {
            self.uses[input.index()].push(id);
        }
        self.nodes.push(Node { name, op, inputs: inputs.into(), outputs });
        self.live.push(true);
        Ok(id)
    }

    /// Adds a node with exactly one output and returns that output.
    ///
    /// # Errors
    /// As [`add_node`](Graph::add_node).
    pub fn add(
        &mut self,
        name: impl Into<String>,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<ValueId, GraphError> {
        let node = self.add_node(name, op, inputs)?;
        Ok(self.output_of(node))
    }

    /// Checks that a value is of this graph.
    ///
    /// # Errors
    /// It is of another graph or tape, or from before a [`compact`](Graph::compact).
    pub fn check_value(&self, value: ValueId) -> Result<(), GraphError> {
        match self.origins.get(value.index()) {
            Some(&origin) if origin == value.origin() => Ok(()),
            _ => Err(GraphError::ForeignValue { id: value.to_string(), graph: self.name.clone() }),
        }
    }

    /// The position of a value in the arenas.
    ///
    /// # Panics
    /// It is not of this graph.
    fn position(&self, value: ValueId) -> usize {
        if let Err(error) = self.check_value(value) {
            panic!("{error}");
        }
        value.index()
    }

    /// Sets the outputs, in order.
    ///
    /// # Panics
    /// One of them is not of this graph.
    pub fn set_outputs(&mut self, outputs: Vec<ValueId>) {
        for &output in &outputs {
            self.position(output);
        }
        self.outputs = outputs;
    }

    /// Sets the outputs, in order, and calls each value by the output's name.
    ///
    /// Whatever else has that name gets a suffix, unless it is an input. A value has only one name. A value
    /// that is an output already, or an input or a constant of another name, is therefore handed out through
    /// a `barrier`.
    ///
    /// # Errors
    /// A value is not of this graph.
    pub fn set_named_outputs(&mut self, outputs: &[(String, ValueId)]) -> Result<(), GraphError> {
        let mut values = Vec::with_capacity(outputs.len());
        let mut seen = HashSet::new();
        for (name, value) in outputs {
            self.check_value(*value)?;
            let given = self.producer(*value).is_none() && self.value(*value).name != *name;
            let output = if given || seen.contains(value) {
                self.add(name.as_str(), Barrier, &[*value])?
            } else {
                *value
            };
            // If two outputs share a name, the first keeps it.
            if self.value_by_name(name).is_none_or(|holder| !seen.contains(&holder)) {
                self.claim_name(output, name);
            }
            seen.insert(output);
            values.push(output);
        }
        self.outputs = values;
        Ok(())
    }

    /// Gives a value a name that something else may have, which then gets a suffix unless it is an input.
    fn claim_name(&mut self, id: ValueId, name: &str) {
        let holder = self.value_by_name(name).filter(|&holder| holder != id);
        if let Some(holder) =
            holder.filter(|&holder| !matches!(self.value(holder).definition, Definition::Input))
        {
            let other = self.unique_name(name.to_owned());
            self.rename_value(holder, other);
        }
        self.rename_value(id, name);
    }

    /// Gives a node another name.
    ///
    /// # Panics
    /// It is not of this graph.
    pub fn rename_node(&mut self, id: NodeId, name: impl Into<String>) {
        self.nodes[id.index()].name = name.into();
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// Whether a value is an input that keeps its tensor from one run to the next.
    pub fn is_variable(&self, id: ValueId) -> bool {
        self.variables.contains(&id)
    }

    /// The outputs, in order; the same value may stand more than once.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// The node `id`, unlinked or not.
    ///
    /// # Panics
    /// It is not of this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The value `id`.
    ///
    /// # Panics
    /// It is not of this graph.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[self.position(id)]
    }

    /// The type of the value `id`.
    pub fn ty(&self, id: ValueId) -> &TensorType {
        &self.value(id).ty
    }

    /// The tensor of a constant; nothing if the value is fed or computed.
    pub fn constant(&self, id: ValueId) -> Option<&Tensor> {
        match &self.value(id).definition {
            Definition::Constant(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The node that computes a value; nothing if it is fed or known.
    pub fn producer(&self, id: ValueId) -> Option<NodeId> {
        match self.value(id).definition {
            Definition::Node { node, .. } => Some(node),
            _ => None,
        }
    }

    /// The value called `name`.
    pub fn value_by_name(&self, name: &str) -> Option<ValueId> {
        let position = self.names.find(name, &self.values)?;
        Some(ValueId::new(position, self.origins[position]))
    }

    /// Gives a value another name, made unique by a suffix if it is taken.
    pub fn rename_value(&mut self, id: ValueId, name: impl Into<String>) {
        let (name, position) = (name.into(), self.position(id));
        if self.values[position].name == name {
            return;
        }
        self.names.remove(position, &self.values);
        self.values[position].name = self.unique_name(name);
        self.names.insert(position, &self.values);
    }

    /// Gives a value a name that is taken by one that is out of use.
    ///
    /// Nobody reads that one, and its node, if it has one, is unlinked. It takes the value's name in
    /// exchange.
    pub(crate) fn take_name_out_of_use(&mut self, id: ValueId, name: &str) {
        let Some(holder) = self.value_by_name(name).filter(|&holder| holder != id) else { return };
        let is_live = match self.value(holder).definition {
            Definition::Input => true,
            Definition::Constant(_) => false,
            Definition::Node { node, .. } => self.is_live(node),
        };
        if !is_live && !self.is_output(holder) && self.uses_of(holder).is_empty() {
            self.swap_names(id, holder);
        }
    }

    /// The values that a node defines.
    pub fn outputs_of(&self, id: NodeId) -> &[ValueId] {
        &self.node(id).outputs
    }

    /// The only value that a node defines; the first if there are several.
    ///
    /// # Panics
    /// The node defines none.
    pub fn output_of(&self, id: NodeId) -> ValueId {
        self.node(id).outputs[0]
    }

    /// The types of a node's operands.
    pub fn input_types(&self, id: NodeId) -> Vec<&TensorType> {
        self.node(id).inputs.iter().map(|&value| self.ty(value)).collect()
    }

    /// The types of a node's outputs.
    pub fn output_types(&self, id: NodeId) -> Vec<&TensorType> {
        self.node(id).outputs.iter().map(|&value| self.ty(value)).collect()
    }

    /// The arithmetic of one node.
    pub fn cost_of(&self, id: NodeId) -> Cost {
        self.node(id).op.cost(&self.input_types(id), &self.output_types(id))
    }

    /// The live nodes that read a value, each once, by id.
    pub fn consumers(&self, id: ValueId) -> Vec<NodeId> {
        let mut consumers = self.uses_of(id).to_vec();
        consumers.sort_unstable();
        consumers.dedup();
        consumers
    }

    /// The live nodes that read a value, one entry for each operand.
    pub(crate) fn uses_of(&self, id: ValueId) -> &[NodeId] {
        &self.uses[self.position(id)]
    }

    /// Whether a value is an output of the graph.
    pub fn is_output(&self, id: ValueId) -> bool {
        self.outputs.contains(&id)
    }

    /// The only live node that reads a value, if there is exactly one and the value is no output of the
    /// graph.
    pub fn only_consumer(&self, id: ValueId) -> Option<NodeId> {
        match self.consumers(id).as_slice() {
            [consumer] if !self.is_output(id) => Some(*consumer),
            _ => None,
        }
    }

    /// Whether a node is linked; unlinked ones are dropped by [`compact`](Graph::compact).
    pub fn is_live(&self, id: NodeId) -> bool {
        self.live[id.index()]
    }

    /// Every live node, by id.
    ///
    /// This is the order of insertion, which need not be topological after a rewrite.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.nodes.len()).map(NodeId::new).filter(|&id| self.is_live(id))
    }

    /// Every value, by id; those of unlinked nodes too.
    pub fn values(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.origins.iter().enumerate().map(|(index, &origin)| ValueId::new(index, origin))
    }

    /// One more than the largest index of a value, for tables over [`ValueId::index`].
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// One more than the largest index of a node, for tables over [`NodeId::index`].
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The live nodes in the topological order that is closest to the order of insertion.
    ///
    /// Each node comes after those that it reads from. In a graph with a cycle (which `verify` refuses) the
    /// nodes of the cycle come in some order.
    pub fn order(&self) -> Vec<NodeId> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut state = vec![State::New; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut stack = Vec::new();
        for root in self.nodes() {
            stack.push(root);
            while let Some(&top) = stack.last() {
                match state[top.index()] {
                    State::New => {
                        state[top.index()] = State::Open;
                        let producers =
                            self.node(top).inputs.iter().rev().filter_map(|&value| self.producer(value));
                        let new = |node: &NodeId| state[node.index()] == State::New;
                        stack.extend(producers.filter(new).collect::<Vec<_>>());
                    }
                    State::Open => {
                        state[top.index()] = State::Done;
                        order.push(top);
                        stack.pop();
                    }
                    State::Done => {
                        stack.pop();
                    }
                }
            }
        }
        order
    }

    /// Lets every reader of `old`, and the graph's outputs, read `new` instead.
    ///
    /// If `old` is an output of the graph, `new` takes its name, so that the graph's interface stays (unless
    /// `new` is an input, a constant or an output).
    ///
    /// # Errors
    /// The types differ, or an id is not of this graph.
    pub fn replace_uses(&mut self, old: ValueId, new: ValueId) -> Result<(), GraphError> {
        self.replace_uses_except(old, new, &[])
    }

    /// As [`replace_uses`](Graph::replace_uses), but the nodes of `except` go on reading `old`.
    ///
    /// # Errors
    /// As [`replace_uses`](Graph::replace_uses).
    pub fn replace_uses_except(
        &mut self,
        old: ValueId,
        new: ValueId,
        except: &[NodeId],
    ) -> Result<(), GraphError> {
        self.check_value(old)?;
        self.check_value(new)?;
        if self.ty(old) != self.ty(new) {
            return Err(GraphError::Replacement {
                old: self.value(old).name.clone(),
                old_type: self.ty(old).clone(),
                new: self.value(new).name.clone(),
                new_type: self.ty(new).clone(),
            });
        }
        if old == new {
            return Ok(());
        }
        let readers = std::mem::take(&mut self.uses[old.index()]);
        let (kept, readers): (Uses, Uses) = readers.into_iter().partition(|reader| except.contains(reader));
        self.uses[old.index()] = kept;
        for &reader in &readers {
            for input in &mut self.nodes[reader.index()].inputs {
                if *input == old {
                    *input = new;
                }
            }
        }
        self.uses[new.index()].extend(readers);
        if self.is_output(old) {
            let takes_name = self.producer(new).is_some() && !self.is_output(new);
            self.outputs.iter_mut().filter(|output| **output == old).for_each(|output| *output = new);
            if takes_name {
                self.swap_names(old, new);
            }
        }
        Ok(())
    }

    fn swap_names(&mut self, left: ValueId, right: ValueId) {
        let positions = [left.index(), right.index()];
        positions.iter().for_each(|&position| self.names.remove(position, &self.values));
        let name = std::mem::take(&mut self.values[left.index()].name);
        let name = std::mem::replace(&mut self.values[right.index()].name, name);
        self.values[left.index()].name = name;
        positions.iter().for_each(|&position| self.names.insert(position, &self.values));
    }

    /// Replaces the operator of a node by one of the same signature for these inputs (a fused activation,
    /// say).
    ///
    /// # Errors
    /// The operator refuses the inputs, or infers other types than the outputs have.
    pub fn replace_op(&mut self, id: NodeId, op: impl IntoOp) -> Result<(), GraphError> {
        let op = op.into_op();
        let name = self.node(id).name.clone();
        let inferred = op
            .infer(&self.input_types(id))
            .map_err(|source| GraphError::Op { node: name.clone(), source: Box::new(source) })?;
        if inferred.iter().ne(self.output_types(id)) {
            let problem =
                format!("{} cannot stand at node `{name}`: it infers other output types", op.name());
            return Err(GraphError::Invalid { graph: self.name.clone(), problem });
        }
        self.nodes[id.index()].op = op;
        Ok(())
    }

    /// Unlinks every node whose outputs are neither read nor outputs of the graph; returns how many.
    pub fn unlink_dead(&mut self) -> usize {
        let candidates: Vec<NodeId> = self.nodes().collect();
        self.unlink_dead_among(candidates)
    }

    /// Unlinks those of `candidates` that are dead, and what dies with them.
    pub(crate) fn unlink_dead_among(&mut self, mut candidates: Vec<NodeId>) -> usize {
        let mut count = 0;
        while let Some(id) = candidates.pop() {
            let needed = |&value: &ValueId| !self.uses[value.index()].is_empty() || self.is_output(value);
            if !self.is_live(id) || self.node(id).outputs.iter().any(needed) {
                continue;
            }
            self.live[id.index()] = false;
            count += 1;
            for &input in &self.node(id).inputs.clone() {
                self.uses[input.index()].retain(|reader| *reader != id);
                candidates.extend(self.producer(input));
            }
        }
        count
    }

    /// Drops unlinked and dead nodes and constants that nobody reads, and renumbers nodes topologically.
    ///
    /// Inputs stay. Returns, for each old value index, the new id if the value is still there.
    pub fn compact(&mut self) -> Vec<Option<ValueId>> {
        self.unlink_dead();
        let order = self.order();
        self.maker = Maker::default();
        let map = self.arrange_values(&order);
        self.arrange_nodes(&order, &map);
        let renamed = |id: &ValueId| map[id.index()];
        self.inputs = self.inputs.iter().filter_map(renamed).collect();
        self.variables = self.variables.iter().filter_map(renamed).collect();
        self.outputs = self.outputs.iter().filter_map(renamed).collect();
        map
    }

    /// Moves the values to their places after a compaction: inputs, constants that are read, the results of
    /// the nodes in `order`.
    ///
    /// Returns the new id for each old index.
    fn arrange_values(&mut self, order: &[NodeId]) -> Vec<Option<ValueId>> {
        let mut map: Vec<Option<ValueId>> = vec![None; self.values.len()];
        let mut kept = Vec::with_capacity(self.values.len());
        let needed = |id: &ValueId| !self.uses[id.index()].is_empty() || self.is_output(*id);
        let constants = self.values().filter(|&id| self.constant(id).is_some()).filter(needed);
        let results = order.iter().flat_map(|&id| self.outputs_of(id)).copied();
        for id in self.inputs.iter().copied().chain(constants).chain(results) {
            map[id.index()] = Some(ValueId::new(kept.len(), self.maker.origin()));
            kept.push(id.index());
        }
        self.values = picked(std::mem::take(&mut self.values), kept.into_iter());
        // The names stay unique when some are dropped.
        self.suffixes.clear();
        self.names = Names::default();
        (0..self.values.len()).for_each(|position| self.names.insert(position, &self.values));
        self.origins = vec![self.maker.origin(); self.values.len()];
        map
    }

    /// Moves the nodes into `order`, drops the others, and links them with the values at their new places.
    fn arrange_nodes(&mut self, order: &[NodeId], map: &[Option<ValueId>]) {
        self.nodes = picked(std::mem::take(&mut self.nodes), order.iter().map(|id| id.index()));
        self.live = vec![true; self.nodes.len()];
        self.uses.clear();
        self.uses.resize(self.values.len(), Uses::new());
        for (position, node) in self.nodes.iter_mut().enumerate() {
            let id = NodeId::new(position);
            for value in node.inputs.iter_mut().chain(node.outputs.iter_mut()) {
                debug_assert!(map[value.index()].is_some(), "a value of a live node was dropped");
                *value = map[value.index()].unwrap_or(*value);
            }
            node.inputs.iter().for_each(|input| self.uses[input.index()].push(id));
            for (index, output) in node.outputs.iter().enumerate() {
                self.values[output.index()].definition = Definition::Node { node: id, index };
            }
        }
    }
}

/// The items at these positions, in that order; each position occurs once.
///
/// The items are moved, because a graph is too large to be there twice.
fn picked<T>(items: Vec<T>, positions: impl ExactSizeIterator<Item = usize>) -> Vec<T> {
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let mut result = Vec::with_capacity(positions.len());
    result.extend(positions.filter_map(|position| items[position].take()));
    result
}
