//! Which nodes the DLP runs, which the host, and why.
//!
//! The DLP takes a node of the quantised dialect, or one that moves i8 data, wherever its operands come from. With
//! `vector.float_lanes` it takes nodes of the float dialect, too, and what moves their results.
//! A real input of the network is quantised and laid out at the border: the chain that says so (cast,
//! transpose, reshape, quantize_linear) becomes part of the input's port. Everything else is the host's. In
//! which order the two take turns is the business of [`segments`](crate::place::segments).

use std::collections::{HashMap, HashSet};

use ediacara_arch::Machine;
use ediacara_graph::ops::{
    Cast, Concat, FConv, FMatMul, FRow, FScale, FWindow, Gather, Pad, PadMode, QAdd, QConv, QMatMul,
    QMatMulReal, QMaximum, QMultiply, QPool, QTable, QuantizeLinear, Reshape, Resize, ResizeMode, Slice,
    TensorScatter, Transpose,
};
use ediacara_graph::{DType, Definition, Graph, NodeId, TensorType, ValueId};

use crate::place::bindings;

/// A node that the host runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOp {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Why the DLP does not run it.
    pub reason: String,
}

/// A value that somebody else brings into DRAM for a segment of the DLP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fed {
    /// What it is made of: the network's input, or the value itself.
    pub source: ValueId,
    /// Scale and zero point, if the source is real.
    pub scale: Option<(f32, i8)>,
    /// Stored axis `k` is axis `permutation[k]` of the source.
    pub permutation: Vec<usize>,
}

impl Fed {
    /// The value as it is.
    pub(crate) fn plain(graph: &Graph, value: ValueId) -> Fed {
        Fed { source: value, scale: None, permutation: (0..graph.ty(value).rank()).collect() }
    }
}

impl Fed {
    /// Whether it is the bytes of its source, under whatever shape.
    pub(crate) fn is_as_given(&self) -> bool {
        self.scale.is_none() && self.permutation.is_sorted()
    }
}

/// Who runs each node.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The DLP's nodes.
    pub dlp: HashSet<NodeId>,
    /// Why the DLP does not run the others.
    pub reasons: HashMap<NodeId, String>,
    /// Values that the network's inputs become at the border.
    pub fed: HashMap<ValueId, Fed>,
}

/// Whether a node is of the float dialect.
pub(crate) fn goes_by_rows(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op_as::<FRow>().is_some() || node.op_as::<FScale>().is_some()
}

/// Whether a node multiplies two matrices, the second of which a layer may compute.
pub(crate) fn is_matrix_product(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op_as::<QMatMul>().is_some() || is_real_product(graph, id) && node.op_as::<FConv>().is_none()
}

/// Whether a node is a product that gives real numbers.
pub(crate) fn is_real_product(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op_as::<QMatMulReal>().is_some() || multiplies_real(graph, id)
}

/// Whether a node is a product of real numbers.
pub(crate) fn multiplies_real(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op_as::<FConv>().is_some() || node.op_as::<FMatMul>().is_some()
}

/// What the DLP can read, while nodes are classified.
struct Known<'a> {
    graph: &'a Graph,
    machine: &'a Machine,
    dlp: HashSet<NodeId>,
    fed: HashMap<ValueId, Fed>,
    /// Whether the network multiplies real numbers, whose inputs and outputs are real on the DLP, too.
    real: bool,
}

/// Says who runs each node.
pub(crate) fn places(graph: &Graph, machine: &Machine) -> Places {
    let order = graph.order();
    let real = order.iter().any(|&id| multiplies_real(graph, id));
    let mut known = Known { graph, machine, dlp: HashSet::new(), fed: HashMap::new(), real };
    let mut reasons = HashMap::new();
    for &node in &order {
        match known.classify(node) {
            Ok(()) => {
                known.dlp.insert(node);
            }
            Err(reason) => {
                reasons.insert(node, reason);
            }
        }
    }
    known.give_borders_to_the_host(&order, &mut reasons);
    Places { dlp: known.dlp, reasons, fed: known.fed }
}

impl Known<'_> {
    /// Whether the DLP runs the node; if not, why.
    fn classify(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        if node.op_as::<QuantizeLinear>().is_some() && self.feed(node.outputs[0]).is_some() {
            return Err("the host quantises and lays out the network's inputs".to_owned());
        }
        let lays_out = node.op_as::<Transpose>().is_some() || self.real && node.op_as::<Reshape>().is_some();
        if lays_out && self.feed(node.outputs[0]).is_some() {
            return Err("the host lays out the network's inputs".to_owned());
        }
        if node.op.name() == "dequantize_linear" {
            return Err("the host turns results into real numbers".to_owned());
        }
        let outputs = node.outputs.iter().map(|&value| self.graph.ty(value));
        if outputs.clone().any(|ty| ty.elements() == 0) {
            return Err("it has no elements".to_owned());
        }
        if goes_by_rows(self.graph, id) {
            return self.check_rows(id);
        }
        if node.op_as::<TensorScatter>().is_some() {
            return self.check_scatter(id);
        }
        if let Some(window) = node.op_as::<FWindow>() {
            return self.check_window(id, window);
        }
        let is_real = |ty: &&&TensorType| ty.dtype != DType::I8;
        if is_real_product(self.graph, id) {
            self.check_floating_point()?;
            self.check_matrix_type(id)?;
            node.inputs.iter().for_each(|&value| drop(self.feed(value)));
            return self.check_operator(id);
        }
        if let Some(ty) = outputs.clone().find(|ty| is_real(&ty)).filter(|_| !self.moves_real_rows(id)) {
            return Err(match self.real {
                true => "it only moves what the host gives".to_owned(),
                false => format!("the DLP computes in i8, and this gives {ty}"),
            });
        }
        self.check_operator(id)?;
        // What the network's inputs become at the border is found here, as their readers are.
        node.inputs.iter().for_each(|&value| drop(self.feed(value)));
        Ok(())
    }

    /// Whether the machine runs a node of the float dialect.
    fn check_rows(&self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        self.check_floating_point()?;
        if node.op_as::<FScale>().is_none() {
            return Ok(());
        }
        let (records, of_pram) =
            (self.graph.ty(node.inputs[1]).elements() as u64, self.machine.pram_records());
        if node.inputs[1..].iter().any(|&value| self.graph.constant(value).is_none()) {
            return Err("its factors are no constants".to_owned());
        }
        if records > of_pram {
            return Err(format!("its {records} records are more than the {of_pram} of PRAM"));
        }
        Ok(())
    }

    /// Whether rows can be written into a cache where it lies: it is the network's input, nobody reads it as it was before, and
    /// a binding says where.
    fn check_scatter(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        let (cache, update) = (node.inputs[0], node.inputs[1]);
        let dtype = self.graph.ty(cache).dtype;
        if dtype != DType::I8 && !(self.real && dtype == DType::F32) || dtype != self.graph.ty(update).dtype {
            let (cache, update) = (self.graph.ty(cache), self.graph.ty(update));
            return Err(format!(
                "the DLP writes rows of i8 into caches of i8, and f32 into f32 in networks of floating point, and this is {update} \
                 into {cache}"
            ));
        }
        if !bindings::has_register(self.graph, id) {
            return Err("no input of the network with one number of i64 says where it writes".to_owned());
        }
        if self.graph.consumers(cache).len() > 1 || self.graph.is_output(cache) {
            return Err("its cache is read as it was before, too".to_owned());
        }
        let is_input = matches!(self.graph.value(cache).definition, Definition::Input);
        if self.feed(cache).is_none() && !is_input {
            return Err("its cache is not an input of the network".to_owned());
        }
        drop(self.feed(update));
        Ok(())
    }

    /// Whether the machine runs a window of real numbers.
    fn check_window(&self, id: NodeId, window: &FWindow) -> Result<(), String> {
        let node = self.graph.node(id);
        self.check_floating_point()?;
        if node.inputs[1..].iter().any(|&value| self.graph.constant(value).is_none()) {
            return Err("its weights are no constants".to_owned());
        }
        let bytes = |value: ValueId| self.graph.ty(value).dtype.size_bytes();
        let stored = window.result.dtype.size_bytes();
        if node.inputs.iter().any(|&value| bytes(value) != stored) {
            return Err("its operands and its result differ in the bytes of an element".to_owned());
        }
        Ok(())
    }

    /// Whether the array multiplies the real numbers of a product, and as many of them in a beat.
    fn check_matrix_type(&self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        let lanes = match (node.op_as::<FConv>(), node.op_as::<FMatMul>()) {
            (Some(op), _) => op.lanes,
            (_, Some(op)) => op.lanes,
            (None, None) => return Ok(()),
        };
        let (dtype, matrix) = (self.graph.ty(node.inputs[0]).dtype, &self.machine.matrix);
        if !matrix.types.iter().any(|ty| ty.name() == dtype.name()) {
            return Err(format!("the machine's array does not multiply {dtype} (matrix.types)"));
        }
        let own = matrix.rows as usize / dtype.size_bytes();
        if lanes != own {
            return Err(format!("its sums are those of {lanes} lanes, and the machine's array has {own}"));
        }
        Ok(())
    }

    fn check_floating_point(&self) -> Result<(), String> {
        match self.machine.vector.float_lanes {
            0 => Err("the machine has no floating point (vector.float_lanes is 0)".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether a node moves what nodes of the float dialect on the DLP made, and constants.
    fn moves_real_rows(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let moves = node.op_as::<Reshape>().is_some()
            || node.op_as::<Transpose>().is_some()
            || node.op_as::<Slice>().is_some()
            || node.op_as::<Concat>().is_some()
            || node.op_as::<Gather>().is_some_and(|_| self.graph.ty(node.inputs[1]).rank() <= 1)
            || node.op_as::<Pad>().is_some_and(|pad| pad.mode != PadMode::Constant || pad.value == 0.0)
            || node.op_as::<Resize>().is_some_and(|resize| resize.mode == ResizeMode::Nearest);
        let made_here =
            |&value: &ValueId| self.graph.producer(value).is_some_and(|node| self.dlp.contains(&node));
        let known = |value: &ValueId| self.graph.constant(*value).is_some() || made_here(value);
        moves && node.inputs.iter().all(known) && node.inputs.iter().any(made_here)
    }

    /// The value as something the host brings in.
    fn feed(&mut self, value: ValueId) -> Option<Fed> {
        if let Some(fed) = self.fed.get(&value) {
            return Some(fed.clone());
        }
        let fed = match self.graph.value(value).definition {
            Definition::Input if self.graph.ty(value).dtype == DType::I8 => {
                let permutation = (0..self.graph.ty(value).rank()).collect();
                Some(Fed { source: value, scale: None, permutation })
            }
            Definition::Node { node, .. } => self
                .quantised_input(node)
                .or_else(|| self.transposed_input(node))
                .or_else(|| self.real_input(node)),
            _ => None,
        }?;
        self.fed.insert(value, fed.clone());
        Some(fed)
    }

    /// The chain input, cast to f32, transpose ..., reshape ..., quantize_linear, with one scale. A reshape says nothing
    /// about bytes, so that it is left out of the port.
    fn quantised_input(&self, node: NodeId) -> Option<Fed> {
        let node = self.graph.node(node);
        node.op_as::<QuantizeLinear>()?;
        let [x, scale, zero] = node.inputs[..] else { return None };
        let scale = self.graph.constant(scale)?.to_vec::<f32>().ok()?;
        let zero = self.graph.constant(zero)?.to_vec::<i8>().ok()?;
        let ([scale], [zero]) = (scale.as_slice(), zero.as_slice()) else { return None };
        let mut value = x;
        while let Some((node, _)) = self.real_step(value).filter(|(_, permutation)| permutation.is_none()) {
            value = self.graph.node(node).inputs[0];
        }
        let mut permutation: Vec<usize> = (0..self.graph.ty(value).rank()).collect();
        while let Some((node, Some(step))) = self.real_step(value) {
            permutation = permutation.iter().map(|&axis| step[axis]).collect();
            value = self.graph.node(node).inputs[0];
        }
        // The host also converts an input of another type.
        let cast = self.graph.producer(value).map(|node| self.graph.node(node));
        if let Some(cast) = cast.filter(|node| node.op_as::<Cast>().is_some()) {
            value = cast.inputs[0];
        }
        let is_input = matches!(self.graph.value(value).definition, Definition::Input);
        let fits = is_input
            && (cast.is_some() || self.graph.ty(value).dtype == DType::F32)
            && self.graph.ty(value).elements() > 0;
        fits.then_some(Fed { source: value, scale: Some((*scale, *zero)), permutation })
    }

    /// A transposition of such a value.
    fn transposed_input(&mut self, node: NodeId) -> Option<Fed> {
        let node = self.graph.node(node);
        let step = &node.op_as::<Transpose>()?.permutation;
        let fed = self.feed(node.inputs[0]).filter(|fed| fed.scale.is_some())?;
        // A reshape in between would have another rank or other extents than the permutation speaks of.
        let extents = |value: ValueId| &self.graph.ty(value).shape;
        let stored = fed.permutation.iter().map(|&axis| extents(fed.source)[axis]);
        if !stored.eq(extents(node.inputs[0]).iter().copied()) {
            return None;
        }
        Some(Fed { permutation: step.iter().map(|&axis| fed.permutation[axis]).collect(), ..fed })
    }

    /// A transposition or a reshape of a real input, in a network of real numbers.
    fn real_input(&self, node: NodeId) -> Option<Fed> {
        let node = self.graph.node(node);
        let source = *node.inputs.first()?;
        let ty = self.graph.ty(source);
        let is_input = matches!(self.graph.value(source).definition, Definition::Input);
        if !self.real || !is_input || ty.dtype != DType::F32 || ty.rank() == 0 || ty.elements() == 0 {
            return None;
        }
        let permutation = match node.op_as::<Transpose>() {
            Some(transpose) => transpose.permutation.clone(),
            None => node.op_as::<Reshape>().map(|_| (0..ty.rank()).collect())?,
        };
        Some(Fed { source, scale: None, permutation })
    }

    /// A transpose (with its permutation) or a reshape (without) that defines the value.
    fn real_step(&self, value: ValueId) -> Option<(NodeId, Option<&Vec<usize>>)> {
        let id = self.graph.producer(value)?;
        let node = self.graph.node(id);
        if let Some(transpose) = node.op_as::<Transpose>() {
            return Some((id, Some(&transpose.permutation)));
        }
        node.op_as::<Reshape>().map(|_| (id, None))
    }

    /// Whether the machine has a way to run the operator, whatever it reads.
    fn check_operator(&self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        let constants = |from: usize| {
            let variable = node.inputs.iter().skip(from).find(|&&value| self.graph.constant(value).is_none());
            variable.map_or(Ok(()), |&value| {
                Err(format!("operand `{}` is no constant", self.graph.value(value).name))
            })
        };
        let is_conv = node.op_as::<QConv>().is_some() || node.op_as::<FConv>().is_some();
        if is_conv || node.op_as::<QTable>().is_some() {
            return constants(1);
        }
        if is_matrix_product(self.graph, id) {
            return constants(2);
        }
        if let Some(gather) = node.op_as::<Gather>() {
            return match self.graph.ty(node.inputs[1]).rank() {
                0 | 1 => constants(1),
                rank => Err(format!("gather along axis {} by indices of rank {rank}", gather.axis)),
            };
        }
        if let Some(resize) = node.op_as::<Resize>() {
            return match resize.mode {
                ResizeMode::Nearest => Ok(()),
                mode => Err(format!("resize by {mode} interpolation has no integer form")),
            };
        }
        let simple = node.op_as::<QPool>().is_some()
            || node.op_as::<QAdd>().is_some()
            || node.op_as::<QMultiply>().is_some()
            || node.op_as::<QMaximum>().is_some()
            || node.op_as::<Concat>().is_some()
            || node.op_as::<Slice>().is_some()
            || node.op_as::<Pad>().is_some()
            || node.op_as::<Reshape>().is_some()
            || node.op_as::<Transpose>().is_some();
        if simple { Ok(()) } else { Err(format!("the DLP has no {}", node.op.name())) }
    }

    /// A reshape or transposition that only the host reads is the host's: it lays out its own results.
    fn give_borders_to_the_host(&mut self, order: &[NodeId], reasons: &mut HashMap<NodeId, String>) {
        for &id in order.iter().rev() {
            let node = self.graph.node(id);
            let border = node.op_as::<Transpose>().is_some() || node.op_as::<Reshape>().is_some();
            let output = node.outputs[0];
            let consumers = self.graph.consumers(output);
            let host_only =
                !consumers.is_empty() && consumers.iter().all(|reader| !self.dlp.contains(reader));
            // An output of real numbers is laid out by its port.
            let given_out = self.real && consumers.is_empty() && self.graph.is_output(output);
            let host_only = host_only && !self.graph.is_output(output) || given_out;
            if border && self.dlp.contains(&id) && host_only {
                self.dlp.remove(&id);
                reasons.insert(id, "the host lays out its own results".to_owned());
            }
        }
    }
}
