//! In which orders and types values of the network are there, and which node becomes what.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{FConv, FMatMul, FRow, FScale, FWindow, Reshape, Transpose, Writing};
use ediacara_graph::{DType, Graph, Node, NodeId, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation;

use crate::Result;
use crate::islands::rewrite_node;
use crate::islands::rewriter::{Operand, Rewriter};
use crate::islands::rules;

/// Axis `k` of an image with channels last is axis `CHANNELS_LAST[k]` of the image.
pub(super) const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// What a node became.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// A value with the axes of the network's.
    Given(Operand),
    /// An image with channels last.
    Last(ValueId),
}

/// Why a node has no form, or its form.
pub(super) type Lowered = std::result::Result<Form, String>;

/// What becomes of a node that a rule knows; nothing for others.
pub(super) type Rule = fn(&mut Forms<'_>, &Node) -> Result<Option<Lowered>>;

/// The values of the network in the new graph.
pub(super) struct Forms<'a> {
    /// What builds nodes; it knows the values that have the network's axes.
    pub(super) r: Rewriter<'a>,
    /// Images with channels last, by the network's value.
    last: HashMap<ValueId, ValueId>,
    /// Values from outside in the types of products.
    typed: HashMap<(ValueId, DType), ValueId>,
    inside: HashSet<NodeId>,
    /// The type that values are stored in.
    pub(super) dtype: DType,
    /// Products of a beat.
    pub(super) lanes: usize,
}

impl<'a> Forms<'a> {
    pub(super) fn new(
        graph: &'a mut Graph,
        inside: HashSet<NodeId>,
        dtype: DType,
        lanes: usize,
    ) -> Forms<'a> {
        let (last, typed) = (HashMap::new(), HashMap::new());
        Forms { r: Rewriter::new(graph, inside.clone()), last, typed, inside, dtype, lanes }
    }

    /// Rewrites a node by the first of the rules that knows it, else as islands are rewritten; or says why it stays as it is.
    ///
    /// # Errors
    /// The graph refuses what was built.
    pub(super) fn lower(&mut self, id: NodeId, rules: &[Rule]) -> Result<std::result::Result<(), String>> {
        self.r.begin();
        let lowered = match self.inside.contains(&id) {
            true => self.form(id, rules)?,
            false => Err("its result is no real number of 32 bits".to_owned()),
        };
        let output = self.r.graph.output_of(id);
        match lowered {
            Ok(Form::Given(operand)) => {
                let operand = Operand { value: self.stored(operand.value)?, ..operand };
                self.r.know(output, operand);
                self.r.done(id);
                Ok(Ok(()))
            }
            Ok(Form::Last(value)) => {
                let value = self.stored(value)?;
                self.last.insert(output, value);
                self.r.done(id);
                Ok(Ok(()))
            }
            Err(reason) => {
                self.inside.remove(&id);
                self.r.leave(id);
                Ok(Err(reason))
            }
        }
    }

    /// Rewrites a node beside int8 ones, as [`Forms::lower`] does, and what stores its result in int8; or says why both stay as
    /// they are.
    ///
    /// # Errors
    /// The graph refuses what was built.
    pub(super) fn lower_beside(
        &mut self,
        id: NodeId,
        rules: &[Rule],
    ) -> Result<std::result::Result<(), String>> {
        self.r.begin();
        let output = self.r.graph.output_of(id);
        let operand = match self.form(id, rules)? {
            Ok(Form::Given(operand)) => Operand { value: self.stored(operand.value)?, ..operand },
            Ok(Form::Last(value)) => {
                let value = self.stored(value)?;
                self.last.insert(output, value);
                let stores = |reader: &NodeId| self.r.stores(*reader);
                if !self.r.graph.consumers(output).iter().any(stores) {
                    self.r.done(id);
                    return Ok(Ok(()));
                }
                match self.given(output)? {
                    Some(operand) => operand,
                    None => return Ok(Err("its result is no real number of 32 bits".to_owned())),
                }
            }
            Err(reason) => {
                self.give_up(id);
                return Ok(Err(reason));
            }
        };
        if !self.r.end(id, operand)? {
            self.give_up(id);
            return Ok(Err("what reads its result stores it in no scale that an instruction has".to_owned()));
        }
        Ok(Ok(()))
    }

    /// Rewrites a node of an island as islands are rewritten.
    ///
    /// # Errors
    /// The graph refuses what was built.
    pub(super) fn as_island(&mut self, id: NodeId) -> Result<()> {
        let inputs = self.r.graph.node(id).inputs.clone();
        for &input in &inputs {
            if self.is_last(input) {
                self.given(input)?;
            }
        }
        rewrite_node(&mut self.r, id)?;
        if !self.r.is_inside(id) {
            self.inside.remove(&id);
        }
        Ok(())
    }

    fn give_up(&mut self, id: NodeId) {
        let output = self.r.graph.output_of(id);
        self.last.remove(&output);
        self.inside.remove(&id);
        self.r.leave(id);
    }

    fn form(&mut self, id: NodeId, rules: &[Rule]) -> Result<Lowered> {
        let node = self.r.graph.node(id).clone();
        let is_empty = |&value: &ValueId| self.r.graph.ty(value).shape.contains(&0);
        if node.outputs.len() != 1 || node.inputs.is_empty() {
            return Ok(Err(format!("{} has several results, or no operand", node.op.name())));
        }
        if node.inputs.iter().chain(&node.outputs).any(is_empty) {
            return Ok(Err("it has no elements".to_owned()));
        }
        for rule in rules {
            if let Some(lowered) = rule(self, &node)? {
                return Ok(lowered);
            }
        }
        for &input in &node.inputs {
            self.given(input)?;
        }
        let lowered = rules::lower(&mut self.r, id)?;
        Ok(lowered
            .map(Form::Given)
            .ok_or_else(|| format!("{} has no form in floating point", node.op.name())))
    }

    /// The shape of a value of the network.
    pub(super) fn shape(&self, value: ValueId) -> Vec<usize> {
        self.r.graph.ty(value).shape.clone()
    }

    /// Whether a value is there with channels last alone.
    pub(super) fn is_last(&self, value: ValueId) -> bool {
        self.last.contains_key(&value) && !self.r.knows(value)
    }

    /// A value with the network's axes; nothing if it is not real.
    ///
    /// # Errors
    /// The graph refuses what moves it.
    pub(super) fn given(&mut self, value: ValueId) -> Result<Option<Operand>> {
        if let (false, Some(&last)) = (self.r.knows(value), self.last.get(&value)) {
            let name = format!("{}.given", self.r.graph.value(value).name);
            let back = [0, 3, 1, 2].to_vec();
            let given = self.moved(name, last, self.shape(value), back)?;
            self.r.know(value, Operand { value: given, reading: Default::default() });
        }
        self.r.operand(value)
    }

    /// An image with channels last, in the type of products; nothing if it is not real or no image.
    ///
    /// # Errors
    /// The graph refuses what moves it.
    pub(super) fn image(&mut self, value: ValueId) -> Result<Option<ValueId>> {
        if let Some(&last) = self.last.get(&value) {
            return self.typed(last).map(Some);
        }
        let shape = self.shape(value);
        let Some(given) = self.given(value)?.filter(|_| shape.len() == 4) else { return Ok(None) };
        let name = format!("{}.image", self.r.graph.value(value).name);
        let shape = CHANNELS_LAST.map(|axis| shape[axis]).to_vec();
        let moved = self.moved(name, given.value, shape, CHANNELS_LAST.to_vec())?;
        let image = self.typed_operand(Operand { value: moved, ..given })?;
        self.last.insert(value, image);
        Ok(Some(image))
    }

    /// A value with other axes: a reshape where no element moves.
    fn moved(
        &mut self,
        name: String,
        value: ValueId,
        shape: Vec<usize>,
        permutation: Vec<usize>,
    ) -> Result<ValueId> {
        let extents = self.shape(value);
        // Axes of one element have no say in the order.
        let wide = permutation.iter().filter(|&&axis| extents[axis] > 1);
        if wide.is_sorted() {
            // A reshape of a reshape is one.
            let before = self.r.graph.producer(value).map(|id| self.r.graph.node(id));
            let before = before.filter(|node| node.op_as::<Reshape>().is_some());
            let source = before.map_or(value, |node| node.inputs[0]);
            return self.r.moved(name, Reshape { shape }, &[source]);
        }
        self.r.moved(name, Transpose { permutation }, &[value])
    }

    /// A real value in the type of products.
    pub(super) fn typed(&mut self, value: ValueId) -> Result<ValueId> {
        self.typed_operand(Operand { value, reading: Default::default() })
    }

    /// What an operand stands for, in the type of products.
    pub(super) fn typed_operand(&mut self, Operand { value, reading }: Operand) -> Result<ValueId> {
        let dtype = self.r.graph.ty(value).dtype;
        if dtype == self.dtype {
            return Ok(value);
        }
        if let Some(&typed) = self.typed.get(&(value, self.dtype)) {
            return Ok(typed);
        }
        let name = format!("{}.{}", self.r.graph.value(value).name, self.dtype);
        let typed = match self.r.graph.constant(value) {
            Some(tensor) => {
                let tensor = tensor.cast(self.dtype);
                self.r.graph.add_constant(name, tensor)
            }
            None => {
                let op = FRow { a: reading, result: self.writing(), ..FRow::new(RowOperation::Copy) };
                self.r.add(name, op, &[value])?
            }
        };
        self.typed.insert((value, self.dtype), typed);
        Ok(typed)
    }

    /// How results are stored.
    pub(super) fn writing(&self) -> Writing {
        Writing { dtype: self.dtype, ..Writing::default() }
    }

    /// What a node gives, stored in the type that was chosen: by the last instruction of the node where it can.
    fn stored(&mut self, value: ValueId) -> Result<ValueId> {
        let graph = &self.r.graph;
        if graph.ty(value).dtype != DType::F32 || self.dtype == DType::F32 || graph.constant(value).is_some()
        {
            return Ok(value);
        }
        let Some(producer) = graph.producer(value).filter(|node| self.r.has_added(*node)) else {
            return Ok(value);
        };
        let node = graph.node(producer).clone();
        let (result, name) = (self.writing(), format!("{}.{}", node.name, self.dtype));
        if let Some(&op) = node.op_as::<FRow>() {
            return self.r.add(name, FRow { result, ..op }, &node.inputs);
        }
        if let Some(&op) = node.op_as::<FScale>() {
            return self.r.add(name, FScale { result, ..op }, &node.inputs);
        }
        if let Some(&op) = node.op_as::<FConv>() {
            return self.r.add(name, FConv { result, ..op }, &node.inputs);
        }
        if let Some(&op) = node.op_as::<FMatMul>() {
            return self.r.add(name, FMatMul { result, ..op }, &node.inputs);
        }
        if let Some(&op) = node.op_as::<FWindow>() {
            return self.r.add(name, FWindow { result, ..op }, &node.inputs);
        }
        Ok(value)
    }

    /// A constant of the new graph.
    pub(super) fn constant(&mut self, name: String, tensor: Tensor) -> ValueId {
        self.r.graph.add_constant(name, tensor)
    }

    /// Puts what was built in place of the network's nodes, and gives what each of them became.
    ///
    /// # Errors
    /// The graph refuses it.
    pub(super) fn finish(mut self) -> Result<HashMap<NodeId, Vec<NodeId>>> {
        self.r.begin();
        let results: Vec<ValueId> = self.inside.iter().map(|&id| self.r.graph.output_of(id)).collect();
        let mut results: Vec<ValueId> = results.into_iter().filter(|value| self.is_last(*value)).collect();
        results.sort_unstable_by_key(|value| value.index());
        for value in results {
            let outside = |reader: &NodeId| !self.inside.contains(reader);
            let read = self.r.graph.consumers(value).iter().any(outside);
            if read || self.r.graph.is_output(value) {
                self.given(value)?;
            }
        }
        self.r.finish()
    }
}
