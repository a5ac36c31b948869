//! Builds the new graph: int8 nodes where the plan lowers, copies of the real nodes elsewhere, and borders
//! between them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use ediacara_graph::ops::{DequantizeLinear, QTable, QuantizeLinear, Reshape, Transpose};
use ediacara_graph::{DType, Graph, IntoOp, NodeId, Tensor, TensorType, ValueId};

use ediacara_kernels::int8::{Multiplier, quantize_multiplier};

use super::layer::{Knowledge, Records};
use super::layout::{Layout, inverse};
use super::origins::origins;
use super::plan::{Lowering, Plan, Scales, Step};
use super::scales::Encodings;
use super::{LeftReal, Quantised, Silenced};
use crate::{Calibration, Encoding, OptimiserError, Range, Result, Statistics};

/// A value of the new graph that holds a value of the real graph in int8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    /// The value in the new graph.
    pub(crate) value: ValueId,
    /// What its numbers stand for.
    pub(crate) encoding: Encoding,
    /// How its elements lie.
    pub(crate) layout: Layout,
}

/// The new graph while it is built.
pub(crate) struct Emitter<'a> {
    /// The real graph.
    pub(crate) source: &'a Graph,
    plan: &'a Plan<'a>,
    encodings: &'a Encodings,
    calibration: Option<&'a Calibration>,
    /// The new graph.
    pub(crate) graph: Graph,
    stored: HashMap<ValueId, Stored>,
    real: HashMap<ValueId, ValueId>,
    /// Results of the nodes that were added since this was last emptied.
    added: Vec<ValueId>,
    /// The multipliers of every node that has some.
    multipliers: RefCell<BTreeMap<NodeId, Multipliers>>,
    /// The constants of products that are one product of a recurrence in different steps.
    tied: HashMap<Tied, Constants>,
    /// The tables of a network with recurrences, by what they hold.
    tables: HashMap<Vec<i8>, ValueId>,
}

/// A product of a recurrence in all steps: the class of its result, what it multiplies and adds, and how its operand
/// and result are stored: the bits of the scales, and the zero points.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Tied {
    class: String,
    constants: Vec<ValueId>,
    stored: [Option<(u32, i8)>; 2],
}

/// What a product is given beside its operand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constants {
    /// Weights, bias, multiplier and shift.
    pub(crate) values: [ValueId; 4],
    /// What a weight that stands for zero is.
    pub(crate) w_zero: i8,
}

/// How many multipliers a node asked for, and how many of them became zero.
#[derive(Debug, Clone, Copy, Default)]
struct Multipliers {
    all: usize,
    /// Those that became zero because their ratio is too large.
    silenced: usize,
    /// The largest ratio among those.
    ratio: f64,
}

/// Builds the graph of a plan.
pub(crate) fn emit(
    plan: &Plan,
    encodings: &Encodings,
    calibration: Option<&Calibration>,
) -> Result<Quantised> {
    let source = plan.graph;
    let graph = Graph::new(source.name.clone());
    let (stored, real) = (HashMap::new(), HashMap::new());
    let (added, multipliers) = (Vec::new(), RefCell::default());
    let (tied, tables) = (HashMap::new(), HashMap::new());
    let mut emitter = Emitter {
        source,
        plan,
        encodings,
        calibration,
        graph,
        stored,
        real,
        added,
        multipliers,
        tied,
        tables,
    };
    for &input in source.inputs() {
        let value = source.value(input);
        let new = emitter.graph.add_input(value.name.clone(), value.ty.clone());
        emitter.real.insert(input, new);
    }
    let mut left = Vec::new();
    let mut becomes = HashMap::new();
    for node in source.order() {
        match plan.step(node) {
            Some(Step::Lower(lowering)) => {
                emitter.lower(lowering)?;
                becomes.insert(node, std::mem::take(&mut emitter.added));
            }
            Some(Step::Left(reason)) => {
                let copy = emitter.copy(node)?;
                becomes.insert(node, emitter.graph.outputs_of(copy).to_vec());
                left.push((copy, node, reason));
            }
            Some(Step::Absorbed | Step::Constant) | None => {}
        }
    }
    let mut outputs = Vec::with_capacity(source.outputs().len());
    for &output in source.outputs() {
        outputs.push((source.value(output).name.clone(), emitter.real(output)?));
    }
    let silenced = emitter.silenced();
    let mut graph = emitter.graph;
    graph.set_named_outputs(&outputs)?;
    graph.unlink_dead();
    let left = left.into_iter().filter(|(copy, ..)| graph.is_live(*copy)).map(|(_, node, reason)| {
        let node = source.node(node);
        LeftReal { node: node.name.clone(), op: node.op.name().to_owned(), reason: reason.clone() }
    });
    let left = left.collect();
    let new = graph.compact();
    let origins = origins(plan, &becomes, |value| graph.producer(new[value.index()]?));
    Ok(Quantised { graph, left, silenced, origins })
}

impl Emitter<'_> {
    fn lower(&mut self, lowering: &Lowering) -> Result<()> {
        let wanted = self.encodings.get(lowering.result);
        let mut operands = Vec::with_capacity(lowering.operands.len());
        for &operand in &lowering.operands {
            let stored = self.stored(operand)?;
            operands.push(match (lowering.scales, wanted) {
                (Scales::Joins, Some(wanted)) => self.rescale(operand, stored, wanted)?,
                _ => stored,
            });
        }
        let before = self.graph.node_count();
        self.added.clear();
        let mut stored = lowering.emit.emit(self, lowering, &operands)?;
        // The node that gives the result has the user's name; nodes before it are named after its value.
        if let Some(node) = self.graph.producer(stored.value).filter(|node| node.index() >= before) {
            self.graph.rename_node(node, self.source.node(lowering.node).name.clone());
        }
        if let Some(wanted) = wanted {
            stored = self.rescale(lowering.result, stored, wanted)?;
        }
        self.stored.insert(lowering.result, stored);
        Ok(())
    }

    /// A lowering's error.
    pub(crate) fn error(&self, node: NodeId, problem: impl Into<String>) -> OptimiserError {
        let node = self.source.node(node);
        OptimiserError::Lowering {
            node: node.name.clone(),
            op: node.op.name().to_owned(),
            problem: problem.into(),
        }
    }

    /// The encoding that a lowering's result should have.
    ///
    /// # Errors
    /// It has none, although the plan should then have refused.
    pub(crate) fn encoding(&self, lowering: &Lowering) -> Result<Encoding> {
        self.encodings.get(lowering.result).ok_or_else(|| OptimiserError::NotCalibrated {
            value: self.source.value(lowering.result).name.clone(),
            graph: self.source.name.clone(),
        })
    }

    /// An image of so many axes with its channels last: itself, or its bytes in another order.
    ///
    /// # Errors
    /// The graph refuses the transposition.
    pub(crate) fn with_channels_last(
        &mut self,
        lowering: &Lowering,
        stored: Stored,
        rank: usize,
    ) -> Result<Stored> {
        if stored.layout == Layout::ChannelsLast {
            return Ok(stored);
        }
        let own = inverse(&stored.layout.permutation(rank));
        let permutation = Layout::ChannelsLast.permutation(rank).iter().map(|&axis| own[axis]).collect();
        let name = format!("{}.channels_last", self.name(lowering));
        let value = self.add(name, Transpose { permutation }, &[stored.value])?;
        Ok(Stored { value, layout: Layout::ChannelsLast, ..stored })
    }

    /// N-MULTIPLIER: the multiplier of a ratio of scales.
    ///
    /// A calibrated result may be so much narrower than what it is computed from (noise around zero) that the
    /// ratio has no multiplier. The whole range of the result is then less than 2^-22 of one step of what is
    /// accumulated. Zero is therefore the nearest number that int8 has for it; [`Quantised::silenced`]
    /// reports it.
    ///
    /// # Errors
    /// The ratio of prescribed scales has no multiplier.
    pub(crate) fn multiplier(&self, lowering: &Lowering, ratio: f64) -> Result<Multiplier> {
        let mut multipliers = self.multipliers.borrow_mut();
        let of_node = multipliers.entry(lowering.node).or_default();
        let is_prescribed = self.calibration.is_none() || self.plan.is_marked(lowering.result);
        of_node.all += 1;
        match quantize_multiplier(ratio) {
            Err(_) if !is_prescribed && ratio.is_finite() && ratio > 0.0 => {
                of_node.silenced += 1;
                of_node.ratio = of_node.ratio.max(ratio);
                Ok(Multiplier { value: 0, shift: 1 })
            }
            found => found.map_err(|error| self.error(lowering.node, error.to_string())),
        }
    }

    fn silenced(&self) -> Vec<Silenced> {
        let multipliers = self.multipliers.borrow();
        let silenced = multipliers.iter().filter(|(_, of_node)| of_node.silenced > 0);
        let silenced = silenced.map(|(&node, &Multipliers { all, silenced, ratio })| {
            let node = self.source.node(node);
            let (node, op) = (node.name.clone(), node.op.name().to_owned());
            Silenced { node, op, channels: silenced, of_channels: all, ratio }
        });
        silenced.collect()
    }

    /// What calibration knows of the layer of a lowering, whose real operand is `input`.
    pub(crate) fn knowledge(&self, lowering: &Lowering, input: ValueId) -> Knowledge<'_> {
        let name = |value: ValueId| self.source.value(value).name.as_str();
        let statistics = self.calibration.and_then(|calibration| calibration.statistics(name(input)));
        let layer = name(self.source.output_of(lowering.node));
        // Steps of other kinds pass on what is subtracted and divided.
        let factors = Some(&self.encodings.factors).filter(|_| lowering.emit.as_linear().is_some());
        let (operand, result) = (lowering.operands[0], lowering.result);
        Knowledge {
            means: statistics.map(Statistics::channel_means).unwrap_or_default(),
            moments: self.calibration.and_then(|calibration| calibration.moments(layer)),
            input_factors: factors.and_then(|factors| factors.get(operand)).map(<[f32]>::to_vec),
            output_factors: factors.and_then(|factors| factors.get(result)).map(<[f32]>::to_vec),
            input_offsets: factors.and_then(|factors| factors.offsets(operand)).map(<[f32]>::to_vec),
            output_offsets: factors.and_then(|factors| factors.offsets(result)).map(<[f32]>::to_vec),
        }
    }

    /// The name for a lowering's result: that of the real value.
    ///
    /// The graph's outputs keep their names for the real values.
    pub(crate) fn name(&self, lowering: &Lowering) -> String {
        let name = &self.source.value(lowering.result).name;
        if self.source.is_output(lowering.result) { format!("{name}.i8") } else { name.clone() }
    }

    /// Adds a constant to the new graph.
    pub(crate) fn constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.graph.add_constant(name, tensor)
    }

    /// The constants of a product of a convolution or matrix product: weights in their final order, their zero
    /// point, and records.
    ///
    /// Those of a product that is done in every step of a recurrence are made once.
    pub(crate) fn constants(
        &mut self,
        lowering: &Lowering,
        make: impl FnOnce(&Self) -> Result<(Tensor, i8, Records)>,
    ) -> Result<Constants> {
        let inputs = self.source.node(lowering.node).inputs.iter().copied();
        let name = &self.source.value(lowering.result).name;
        let class = self.calibration.and_then(|all| all.class(name));
        // Chains of elementwise nodes become products, too, and no operand of the first tells all of them.
        let class = class.filter(|_| self.source.cost_of(lowering.node).macs > 0);
        // Marks may prescribe another scale for the last step.
        let stored = [lowering.operands[0], lowering.result]
            .map(|value| self.encodings.get(value).map(|Encoding { scale, zero }| (scale.to_bits(), zero)));
        let constants = inputs.skip(1).collect();
        let tied = class.map(|class| Tied { class: class.to_owned(), constants, stored });
        if let Some(&made) = tied.as_ref().and_then(|tied| self.tied.get(tied)) {
            return Ok(made);
        }
        let (weights, w_zero, records) = make(self)?;
        let name = self.name(lowering);
        let values = [
            self.constant(format!("{name}.weight"), weights),
            self.constant(format!("{name}.bias"), records.bias),
            self.constant(format!("{name}.multiplier"), records.multiplier),
            self.constant(format!("{name}.shift"), records.shift),
        ];
        let made = Constants { values, w_zero };
        if let Some(tied) = tied {
            self.tied.insert(tied, made);
        }
        Ok(made)
    }

    /// A constant of the real graph as a stored value, in an encoding that spans it.
    pub(crate) fn stored_constant(&mut self, name: String, real: &Tensor, layout: Layout) -> Result<Stored> {
        let ordered = real.transpose(&layout.permutation(real.rank()))?.to_contiguous();
        let numbers = ordered.to_vec::<f32>()?;
        let encoding = Encoding::of_range(Range::of(&numbers).unwrap_or(Range { low: 0.0, high: 0.0 }));
        let stored = Tensor::from_vec(ordered.shape(), encoding.encode_all(&numbers)?)?;
        Ok(Stored { value: self.constant(name, stored), encoding, layout })
    }

    /// Adds a node with one output to the new graph.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<ValueId> {
        let result = self.graph.add(name, op, inputs)?;
        self.added.push(result);
        Ok(result)
    }

    /// `stored` in another encoding, by a table of the identity; itself if it has that encoding.
    fn rescale(&mut self, source: ValueId, stored: Stored, wanted: Encoding) -> Result<Stored> {
        if stored.encoding == wanted {
            return Ok(stored);
        }
        let table = wanted.encode_all(&stored.encoding.decode_all())?;
        let name = format!("{}.rescaled", self.source.value(source).name);
        let value = self.table(name, stored.value, table)?;
        Ok(Stored { value, encoding: wanted, layout: stored.layout })
    }

    /// N-TABLE.
    pub(crate) fn table(&mut self, name: String, value: ValueId, table: Vec<i8>) -> Result<ValueId> {
        let shared = self.calibration.is_some_and(Calibration::has_ties);
        let table = match self.tables.get(&table) {
            Some(&known) => known,
            None => {
                let tensor = Tensor::from_vec(&[table.len()], table.clone())?;
                let id = self.constant(format!("{name}.table"), tensor);
                if shared {
                    self.tables.insert(table, id);
                }
                id
            }
        };
        self.add(name, QTable, &[value, table])
    }

    /// The int8 form of a value of the real graph; an input of the graph is quantised here.
    pub(crate) fn stored(&mut self, value: ValueId) -> Result<Stored> {
        if let Some(&stored) = self.stored.get(&value) {
            return Ok(stored);
        }
        let name = self.source.value(value).name.clone();
        let graph = || self.source.name.clone();
        let missing = OptimiserError::NotCalibrated { value: name.clone(), graph: graph() };
        let (Some(encoding), Some(layout)) = (self.encodings.get(value), self.plan.layout(value)) else {
            return Err(missing);
        };
        let mut real = self.real.get(&value).copied().ok_or(missing)?;
        if layout.last_axis().is_some() {
            let permutation = layout.permutation(self.source.ty(value).rank());
            real = self.add(format!("{name}.channels_last"), Transpose { permutation }, &[real])?;
        }
        let (axis, [scale, zero]) = self.encoding_constants(&name, value, encoding, layout)?;
        let value_i8 = self.add(format!("{name}.i8"), QuantizeLinear { axis }, &[real, scale, zero])?;
        let stored = Stored { value: value_i8, encoding, layout };
        self.stored.insert(value, stored);
        Ok(stored)
    }

    /// The scale and zero point of what stands for a value of the real graph, and the stored axis along which they
    /// differ: one for each channel if the channels are divided, and one for all otherwise.
    fn encoding_constants(
        &mut self,
        name: &str,
        value: ValueId,
        encoding: Encoding,
        layout: Layout,
    ) -> Result<(usize, [ValueId; 2])> {
        let axis = self.plan.channel_axis(value);
        let axis = axis.and_then(|axis| layout.axis(self.source.ty(value).rank(), axis));
        let (axis, [scale, zero]) = match (axis, self.encodings.factors.get(value)) {
            (Some(axis), Some(factors)) => {
                let scales: Vec<f32> = factors.iter().map(|factor| encoding.scale * factor).collect();
                let zeros = Tensor::full(&[scales.len()], encoding.zero)?;
                (axis, [Tensor::from_vec(&[scales.len()], scales)?, zeros])
            }
            _ => (0, encoding.tensors()),
        };
        let scale = self.constant(format!("{name}.scale"), scale);
        Ok((axis, [scale, self.constant(format!("{name}.zero"), zero)]))
    }

    /// The real form of a value in the new graph: copied, or dequantised from its int8 form.
    pub(crate) fn real(&mut self, value: ValueId) -> Result<ValueId> {
        if let Some(&real) = self.real.get(&value) {
            return Ok(real);
        }
        let source = self.source;
        let real = if let Some(tensor) = source.constant(value) {
            self.graph.add_constant(source.value(value).name.clone(), tensor.clone())
        } else if let Some(&stored) = self.stored.get(&value) {
            self.dequantise(value, stored)?
        } else {
            // The rest is computed from constants alone; it is copied when something first reads it.
            let node = source.producer(value);
            let node = node.ok_or_else(|| OptimiserError::NotCalibrated {
                value: source.value(value).name.clone(),
                graph: source.name.clone(),
            })?;
            self.copy(node)?;
            return self.real(value);
        };
        self.real.insert(value, real);
        Ok(real)
    }

    fn dequantise(&mut self, value: ValueId, stored: Stored) -> Result<ValueId> {
        let (name, ty) = (self.source.value(value).name.clone(), self.source.ty(value).clone());
        let (axis, [scale, zero]) =
            self.encoding_constants(&format!("{name}.out"), value, stored.encoding, stored.layout)?;
        let step = |suffix: &str| format!("{name}.{suffix}");
        let mut x = stored.value;
        if let Layout::Flat { channels, pixels } = stored.layout {
            let shape = vec![ty.shape[0], pixels, channels];
            x = self.add(step("unflattened"), Reshape { shape }, &[x])?;
        }
        x = self.add(step("real"), DequantizeLinear { axis }, &[x, scale, zero])?;
        match stored.layout {
            Layout::Plain => {}
            Layout::ChannelsLast | Layout::AxisLast(_) => {
                let permutation = inverse(&stored.layout.permutation(ty.rank()));
                x = self.add(step("channels_first"), Transpose { permutation }, &[x])?;
            }
            Layout::Flat { .. } => {
                x = self.add(step("channels_first"), Transpose { permutation: vec![0, 2, 1] }, &[x])?;
                x = self.add(step("flat"), Reshape { shape: ty.shape.clone() }, &[x])?;
            }
        }
        self.as_original_type(&name, x, (&ty, stored.encoding))
    }

    /// A value that holds integers in the real graph, as those integers; itself if it is f32.
    fn as_original_type(
        &mut self,
        name: &str,
        real: ValueId,
        (ty, encoding): (&TensorType, Encoding),
    ) -> Result<ValueId> {
        let zero = match ty.dtype {
            DType::F32 => return Ok(real),
            DType::I8 => Tensor::scalar(encoding.zero),
            // N-STORE.
            DType::U8 => Tensor::scalar((encoding.zero as u8) ^ 0x80),
            _ => {
                let problem =
                    format!("value `{name}` of type {ty} is stored in int8 and cannot be handed out as such");
                return Err(OptimiserError::Graph(ediacara_graph::GraphError::Other { problem }));
            }
        };
        let scale = self.constant(format!("{name}.given.scale"), Tensor::scalar(encoding.scale));
        let zero = self.constant(format!("{name}.given.zero"), zero);
        self.add(format!("{name}.given"), QuantizeLinear { axis: 0 }, &[real, scale, zero])
    }

    /// Copies a real node; gives its id in the new graph.
    fn copy(&mut self, id: NodeId) -> Result<NodeId> {
        let node = self.source.node(id);
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &input in &node.inputs {
            inputs.push(self.real(input)?);
        }
        let copy = self.graph.add_node(node.name.clone(), node.op.clone(), &inputs)?;
        for (&old, new) in node.outputs.iter().zip(self.graph.outputs_of(copy).to_vec()) {
            self.graph.rename_value(new, self.source.value(old).name.clone());
            self.real.insert(old, new);
        }
        Ok(copy)
    }
}
