//! What the rules build with: operands as they are stored, instructions on rows, and what is read and written in int8.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{DequantizeLinear, FRow, QuantizeLinear, Reading, Reshape, Writing};
use ediacara_graph::{DType, Graph, IntoOp, NodeId, Tensor, TensorType, ValueId};
use ediacara_kernels::ordered::RowOperation;

use crate::Result;

/// A real value as an instruction reads it: an f32, or an i8 and what it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    pub(crate) value: ValueId,
    pub(crate) reading: Reading,
}

/// The second operand of an instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Second {
    Value(Operand),
    Number(f32),
}

/// Rewrites the nodes of islands.
pub(crate) struct Rewriter<'a> {
    pub(crate) graph: &'a mut Graph,
    /// The nodes of the islands, in the graph as it was.
    inside: HashSet<NodeId>,
    /// What stands for real values of the graph as it was.
    known: HashMap<ValueId, Operand>,
    /// What stands for results of quantize_linear nodes.
    stored: HashMap<ValueId, ValueId>,
    /// What each node of an island became.
    made: HashMap<NodeId, Vec<NodeId>>,
    /// Nodes added for the node in hand.
    added: Vec<NodeId>,
    /// Why operators of one's own have no form.
    pub(crate) refused: HashMap<NodeId, String>,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(graph: &'a mut Graph, inside: HashSet<NodeId>) -> Rewriter<'a> {
        let (known, stored, refused) = (HashMap::new(), HashMap::new(), HashMap::new());
        Rewriter { graph, inside, known, stored, made: HashMap::new(), added: Vec::new(), refused }
    }

    /// Whether a node is to be rewritten.
    pub(crate) fn is_inside(&self, id: NodeId) -> bool {
        self.inside.contains(&id)
    }

    /// Leaves a node as it is, because it has no form, or what reads it has none.
    pub(crate) fn leave(&mut self, id: NodeId) {
        self.inside.remove(&id);
        self.added.clear();
    }

    /// Begins a node; what is built from here on is its own.
    pub(crate) fn begin(&mut self) {
        self.added.clear();
    }

    /// Ends a node of the island, whose result is `result`; whether all that reads it can.
    ///
    /// # Errors
    /// The graph refuses what stores it.
    pub(crate) fn end(&mut self, id: NodeId, result: Operand) -> Result<bool> {
        let output = self.graph.output_of(id);
        let mut stored = Vec::new();
        for reader in self.graph.consumers(output) {
            if !self.stores(reader) {
                continue;
            }
            let Some(new) = self.quantise(reader, result)? else { return Ok(false) };
            stored.push((self.graph.output_of(reader), new));
        }
        self.stored.extend(stored);
        self.known.insert(output, result);
        self.made.insert(id, std::mem::take(&mut self.added));
        Ok(true)
    }

    /// Ends a node of the network; what was built since it began is its own.
    pub(crate) fn done(&mut self, id: NodeId) {
        self.made.insert(id, std::mem::take(&mut self.added));
    }

    /// Whether it is known what stands for a value.
    pub(crate) fn knows(&self, value: ValueId) -> bool {
        self.known.contains_key(&value)
    }

    /// Notes what stands for a value.
    pub(crate) fn know(&mut self, value: ValueId, operand: Operand) {
        self.known.insert(value, operand);
    }

    /// Whether a node was built for the node in hand.
    pub(crate) fn has_added(&self, node: NodeId) -> bool {
        self.added.contains(&node)
    }

    /// Puts what was built in place of the islands, and gives what each of their nodes became.
    ///
    /// # Errors
    /// The graph refuses it.
    pub(crate) fn finish(mut self) -> Result<HashMap<NodeId, Vec<NodeId>>> {
        let stored: Vec<_> = self.stored.drain().collect();
        for (old, new) in stored {
            self.graph.replace_uses(old, new)?;
        }
        // The host may read results of an island, too.
        let mut results: Vec<ValueId> = self.inside.iter().map(|&id| self.graph.output_of(id)).collect();
        results.sort_unstable_by_key(|value| value.index());
        for old in results {
            let outside = |reader: &NodeId| !self.inside.contains(reader) && !self.stores(*reader);
            let wanted = self.graph.is_output(old) || self.graph.consumers(old).iter().any(outside);
            if let (true, Some(&operand)) = (wanted, self.known.get(&old)) {
                let name = format!("{}.real", self.graph.value(old).name);
                let real = self.real(name, operand)?;
                self.graph.replace_uses(old, real)?;
            }
        }
        Ok(self.made)
    }

    /// Whether a node stores a real value in int8.
    pub(crate) fn stores(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        node.op_as::<QuantizeLinear>().is_some() && self.graph.ty(node.outputs[0]).dtype == DType::I8
    }

    /// The scale and zero point of a quantize_linear or dequantize_linear node of one scale.
    pub(crate) fn encoding(&self, id: NodeId) -> Option<Reading> {
        let [_, scale, zero] = self.graph.node(id).inputs[..] else { return None };
        let scale = self.graph.constant(scale)?.to_vec::<f32>().ok()?;
        let zero = self.graph.constant(zero)?.to_vec::<i8>().ok()?;
        let ([scale], [zero]) = (scale.as_slice(), zero.as_slice()) else { return None };
        Some(Reading { scale: *scale, zero: *zero })
    }

    /// Stores a result as a quantize_linear node does, which has one scale, or one for each index of an axis; nothing for others.
    fn quantise(&mut self, id: NodeId, result: Operand) -> Result<Option<ValueId>> {
        if self.is_stored(id, result) {
            return Ok(Some(result.value));
        }
        let name = self.graph.node(id).name.clone();
        if let Some(stored) = self.quantise_before_move(id, result)? {
            return Ok(Some(stored));
        }
        let Some(Reading { scale, zero }) = self.encoding(id) else {
            return self.quantise_channels(id, result);
        };
        let writing = Writing::quantised(scale, zero);
        let stored = match self.last(id, result) {
            Some((op, inputs)) => {
                self.add(format!("{name}.stored"), FRow { result: writing, ..op }, &inputs)?
            }
            None => {
                let op = FRow { a: result.reading, result: writing, ..FRow::new(RowOperation::Copy) };
                self.add(format!("{name}.stored"), op, &[result.value])?
            }
        };
        Ok(Some(stored))
    }

    /// Whether an instruction of the node in hand has stored its result already, in the steps of a quantize_linear node.
    fn is_stored(&self, id: NodeId, result: Operand) -> bool {
        let is_i8 = self.graph.ty(result.value).dtype == DType::I8;
        let own = self.graph.producer(result.value).filter(|node| self.added.contains(node));
        let is_row = own.is_some_and(|node| self.graph.node(node).op_as::<FRow>().is_some());
        is_i8 && is_row && self.encoding(id) == Some(result.reading)
    }

    /// Stores what a transpose or reshape moves, with one scale, and moves the bytes instead of real numbers; nothing if the
    /// result is of another node.
    fn quantise_before_move(&mut self, id: NodeId, result: Operand) -> Result<Option<ValueId>> {
        let moves = |node: &NodeId| matches!(self.graph.node(*node).op.name(), "transpose" | "reshape");
        let is_real = self.graph.ty(result.value).dtype == DType::F32;
        let (Some(mover), Some(Reading { scale, zero })) =
            (self.graph.producer(result.value).filter(moves), self.encoding(id))
        else {
            return Ok(None);
        };
        if !is_real {
            return Ok(None);
        }
        let (op, value) = (self.graph.node(mover).op.clone(), self.graph.node(mover).inputs[0]);
        let name = self.graph.node(id).name.clone();
        let moved = Operand { value, reading: Reading::default() };
        let copy = FRow { result: Writing::quantised(scale, zero), ..FRow::new(RowOperation::Copy) };
        let stored = match self.quantise_before_move(id, moved)? {
            Some(stored) => stored,
            None => self.add(format!("{name}.stored"), copy, &[value])?,
        };
        self.add(format!("{name}.moved"), op, &[stored]).map(Some)
    }

    /// Stores a result with a scale for each index of an axis.
    fn quantise_channels(&mut self, id: NodeId, result: Operand) -> Result<Option<ValueId>> {
        let Some((scales, zero)) = self.channels(id, |scale| 1.0 / scale)? else { return Ok(None) };
        let name = self.graph.node(id).name.clone();
        let op = FRow {
            a: result.reading,
            result: Writing::quantised(1.0, zero),
            ..FRow::new(RowOperation::Multiply)
        };
        self.add(format!("{name}.stored"), op, &[result.value, scales]).map(Some)
    }

    /// A constant of what `number` makes of the scales of a quantize_linear or dequantize_linear node, one for each index of
    /// its axis, and the zero point; nothing if there are several of those.
    fn channels(&mut self, id: NodeId, number: impl Fn(f32) -> f32) -> Result<Option<(ValueId, i8)>> {
        let node = self.graph.node(id);
        let axis = match (node.op_as::<QuantizeLinear>(), node.op_as::<DequantizeLinear>()) {
            (Some(op), _) => op.axis,
            (_, Some(op)) => op.axis,
            _ => return Ok(None),
        };
        let [x, scale, zero] = node.inputs[..] else { return Ok(None) };
        let (name, rank) = (node.name.clone(), self.graph.ty(x).rank());
        let (Some(scale), Some(zero)) = (self.graph.constant(scale), self.graph.constant(zero)) else {
            return Ok(None);
        };
        let (scales, zeros) = (scale.to_vec::<f32>()?, zero.to_vec::<i8>()?);
        let first = zeros.first().copied().filter(|first| zeros.iter().all(|zero| zero == first));
        let Some(zero) = first.filter(|_| axis < rank) else { return Ok(None) };
        let mut shape = vec![1; rank];
        shape[axis] = scales.len();
        let tensor = Tensor::from_vec(&shape, scales.into_iter().map(number).collect())?;
        Ok(Some((self.graph.add_constant(format!("{name}.factors"), tensor), zero)))
    }

    /// The instruction that gave a result which the quantize_linear node alone reads, and its operands: it may store it.
    fn last(&self, reader: NodeId, result: Operand) -> Option<(FRow, Vec<ValueId>)> {
        let real = self.graph.node(reader).inputs[0];
        let alone = self.graph.only_consumer(real) == Some(reader) && !self.graph.is_output(real);
        let producer = self.graph.producer(result.value).filter(|node| alone && self.added.contains(node))?;
        let node = self.graph.node(producer);
        Some((*node.op_as::<FRow>()?, node.inputs.to_vec()))
    }

    /// An operand of a node of the island.
    ///
    /// # Errors
    /// The graph refuses what reads it.
    pub(crate) fn operand(&mut self, value: ValueId) -> Result<Option<Operand>> {
        if let Some(&known) = self.known.get(&value) {
            return Ok(Some(known));
        }
        let as_it_is = Operand { value, reading: Reading::default() };
        let is_real = self.graph.ty(value).dtype == DType::F32;
        let Some(producer) = self.graph.producer(value) else { return Ok(is_real.then_some(as_it_is)) };
        if self.graph.node(producer).op_as::<DequantizeLinear>().is_none() {
            return Ok((is_real && !self.inside.contains(&producer)).then_some(as_it_is));
        }
        let stored = self.graph.node(producer).inputs[0];
        if self.graph.ty(stored).dtype != DType::I8 {
            let rounded = self.rounded(value, stored)?;
            // Otherwise the host makes real numbers of it.
            return Ok(rounded.or(is_real.then_some(as_it_is)));
        }
        if let Some(reading) = self.encoding(producer) {
            return Ok(Some(Operand { value: stored, reading }));
        }
        let Some((scales, zero)) = self.channels(producer, |scale| scale)? else { return Ok(None) };
        let a = Operand { value: stored, reading: Reading { scale: 1.0, zero } };
        let b = Second::Value(Operand { value: scales, reading: Reading::default() });
        let name = format!("{}.rows", self.graph.node(producer).name);
        let real = self.pair(name, RowOperation::Multiply, a, b)?;
        self.known.insert(value, real);
        Ok(Some(real))
    }

    /// What a pair of markers makes of a real value by way of u8: the value in i8 of the same steps. Nothing if `stored` is of
    /// another origin.
    fn rounded(&mut self, value: ValueId, stored: ValueId) -> Result<Option<Operand>> {
        let marker = self.graph.producer(stored).map(|node| self.graph.node(node).clone());
        let Some(marker) = marker.filter(|node| node.op_as::<QuantizeLinear>().is_some()) else {
            return Ok(None);
        };
        let [x, scale, zero] = marker.inputs[..] else { return Ok(None) };
        let number = |value: ValueId| self.graph.constant(value).filter(|tensor| tensor.len() == 1);
        let (Some(scale), Some(zero)) = (number(scale), number(zero)) else { return Ok(None) };
        if zero.dtype() != DType::U8 {
            return Ok(None);
        }
        let (scale, zero) = (scale.to_vec::<f32>()?, zero.to_vec::<u8>()?);
        // N-STORE: unsigned numbers are 128 less.
        let reading = Reading { scale: scale[0], zero: zero[0].wrapping_sub(128) as i8 };
        let Some(real) = self.operand(x)? else { return Ok(None) };
        let result = Writing::quantised(reading.scale, reading.zero);
        let copy = FRow { a: real.reading, result, ..FRow::new(RowOperation::Copy) };
        let value_in_i8 = self.add(format!("{}.rounded", marker.name), copy, &[real.value])?;
        let rounded = Operand { value: value_in_i8, reading };
        self.known.insert(value, rounded);
        Ok(Some(rounded))
    }

    pub(crate) fn shape(&self, operand: Operand) -> Vec<usize> {
        self.graph.ty(operand.value).shape.clone()
    }

    /// Adds a node.
    pub(crate) fn add(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId> {
        let id = self.graph.add_node(name, op, inputs)?;
        self.added.push(id);
        Ok(self.graph.output_of(id))
    }

    /// Adds a node that moves elements; what it makes of constants is a constant.
    ///
    /// # Errors
    /// The graph refuses the node.
    pub(crate) fn moved(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId> {
        let op = op.into_op();
        let tensors: Option<Vec<&Tensor>> = inputs.iter().map(|&input| self.graph.constant(input)).collect();
        let Some(tensors) = tensors else { return self.add(name, op, inputs) };
        let types: Vec<&TensorType> = inputs.iter().map(|&input| self.graph.ty(input)).collect();
        let mut outputs = Vec::new();
        for ty in op.infer(&types)? {
            outputs.push(ty.zeros()?);
        }
        op.run(&tensors, &mut outputs)?;
        match outputs.pop() {
            Some(tensor) if outputs.is_empty() => Ok(self.graph.add_constant(name, tensor)),
            _ => self.add(name, op, inputs),
        }
    }

    /// An operation of one operand, to f32.
    pub(crate) fn unary(&mut self, name: String, operation: RowOperation, a: Operand) -> Result<Operand> {
        let op = FRow { a: a.reading, ..FRow::new(operation) };
        let value = self.add(name, op, &[a.value])?;
        Ok(Operand { value, reading: Reading::default() })
    }

    /// An operation of two operands, to f32; the first has the shape of the result.
    pub(crate) fn pair(
        &mut self,
        name: String,
        operation: RowOperation,
        a: Operand,
        b: Second,
    ) -> Result<Operand> {
        let op = FRow { a: a.reading, ..FRow::new(operation) };
        let value = match b {
            Second::Number(constant) => self.add(name, FRow { constant, ..op }, &[a.value])?,
            Second::Value(b) => self.add(name, FRow { b: b.reading, ..op }, &[a.value, b.value])?,
        };
        Ok(Operand { value, reading: Reading::default() })
    }

    /// An operand as f32.
    pub(crate) fn real(&mut self, name: String, a: Operand) -> Result<ValueId> {
        if self.graph.ty(a.value).dtype == DType::F32 {
            return Ok(a.value);
        }
        Ok(self.unary(name, RowOperation::Copy, a)?.value)
    }

    /// The same elements under another shape.
    pub(crate) fn reshape(&mut self, name: String, a: Operand, shape: Vec<usize>) -> Result<Operand> {
        if self.shape(a) == shape {
            return Ok(a);
        }
        let value = self.moved(name, Reshape { shape }, &[a.value])?;
        Ok(Operand { value, ..a })
    }

    /// The constant that an operand is.
    pub(crate) fn constant(&self, a: Operand) -> Option<&Tensor> {
        self.graph.constant(a.value).filter(|tensor| tensor.dtype() == DType::F32)
    }

    /// The number that an operand is, if it is a constant of one element.
    pub(crate) fn number(&self, a: Operand) -> Option<f32> {
        let tensor = self.constant(a).filter(|tensor| tensor.len() == 1)?;
        tensor.to_vec::<f32>().ok()?.first().copied()
    }
}
