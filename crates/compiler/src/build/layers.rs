//! Nodes with homes become layers.

use std::collections::HashMap;

use ediacara_graph::ops::{
    Concat, FConv, FWindow, Gather, Pad, PoolKind, QAdd, QConv, QMatMul, QMatMulReal, QMaximum, QMultiply,
    QPool, QTable, Reshape, Resize, Slice, TensorScatter, Transpose,
};
use ediacara_graph::{Graph, NodeId, Tensor, ValueId};
use ediacara_isa::{ElementType, LayerInfo, Memory};

use crate::CompileError;
use crate::bounds::{pixels_seen, selects_channels, taps_on_pixels};
use crate::build::homes::Placement;
use crate::build::movement::{maps, parts, picks, view_of};
use crate::build::rows::{epilogue, rows};
use crate::fuse::additions::is_depthwise;
use crate::fuse::blocks::{BlockNodes, unplaced};
use crate::fuse::epilogues::one_scale;
use crate::fuse::rows::Chain;
use crate::fuse::tables::LookedUp;
use crate::place::partition::{is_matrix_product, is_real_product, multiplies_real};
use crate::place::segments::DlpPart;
use crate::program::layer::{
    Binary, BinaryConstants, BinaryOp, Block, Conv, Copy, Kind, Layer, Lookup, Middle, Output, Pool,
    PoolMode, Residual, Scaling, Table, Weights,
};
use crate::program::rows::Rows;
use crate::program::shuffle::forms;
use crate::program::step::Moved;
use crate::program::view::{Image, View};
use crate::program::window::Window;
use crate::tile::choices::Choices;
use crate::tile::convolution::Problem;
use crate::tile::cost::Space;
use crate::tile::grouping::{self, best_join};

/// The DLP's part as layers.
#[derive(Debug, Default)]
pub(crate) struct Built {
    /// The layers, in order.
    pub layers: Vec<Layer>,
    /// The layer that completes a value: its own, or the last that writes a part of it. What no layer writes, such as a
    /// slice of an input, is missing.
    pub completed_by: HashMap<ValueId, u32>,
}

/// The layers of the DLP's part, in order.
///
/// # Errors
/// [`CompileError::Layer`] for constants that cannot be read.
pub(crate) fn build(
    graph: &Graph,
    part: &DlpPart,
    placement: &Placement,
    choices: &mut Choices,
) -> Result<Built, CompileError> {
    let (layers, shared, completed_by) = (Vec::new(), shared(graph, part), HashMap::new());
    let mut builder = Builder { graph, placement, choices, layers, shared, completed_by };
    for &id in &part.dlp {
        let before = builder.layers.len();
        builder.node(id)?;
        let node = graph.node(id);
        let completed = match builder.layers.len() {
            after if after > before => Some(after as u32 - 1),
            _ => node.inputs.iter().filter_map(|input| builder.completed_by.get(input)).max().copied(),
        };
        builder.completed_by.extend(completed.map(|layer| (node.outputs[0], layer)));
    }
    Ok(Built { layers: builder.layers, completed_by: builder.completed_by })
}

pub(super) struct Builder<'a> {
    pub(super) graph: &'a Graph,
    placement: &'a Placement,
    choices: &'a mut Choices,
    layers: Vec<Layer>,
    /// The constants that several products multiply by, numbered.
    shared: HashMap<&'a [ValueId], u32>,
    /// As of [`Built`], so far.
    completed_by: HashMap<ValueId, u32>,
}

/// Constants that several nodes read: the operands of products but the first, and tables.
fn shared<'a>(graph: &'a Graph, part: &DlpPart) -> HashMap<&'a [ValueId], u32> {
    let mut counts: HashMap<&[ValueId], (usize, u32)> = HashMap::new();
    for (number, &id) in (0..).zip(&part.dlp) {
        let node = graph.node(id);
        let multiplies = node.op_as::<QConv>().is_some() || is_matrix_product(graph, id);
        if (multiplies || node.op_as::<QTable>().is_some()) && graph.constant(node.inputs[1]).is_some() {
            counts.entry(&node.inputs[1..]).or_insert((0, number)).0 += 1;
        }
    }
    counts.into_iter().filter(|(_, (count, _))| *count > 1).map(|(key, (_, number))| (key, number)).collect()
}

impl<'a> Builder<'a> {
    pub(super) fn problem(&self, id: NodeId, problem: impl Into<String>) -> CompileError {
        CompileError::Layer { layer: self.graph.node(id).name.clone(), problem: problem.into() }
    }

    pub(super) fn home(&self, id: NodeId, value: ValueId) -> Result<&'a View, CompileError> {
        let missing = || self.problem(id, format!("`{}` has no home in DRAM", self.graph.value(value).name));
        self.placement.homes.get(&value).ok_or_else(missing)
    }

    /// The home as images. Homes keep their innermost axis contiguous, so this fails only for ranks that no
    /// operator takes.
    fn image(&self, id: NodeId, value: ValueId) -> Result<Image, CompileError> {
        let name = &self.graph.value(value).name;
        self.home(id, value)?.image().ok_or_else(|| self.problem(id, format!("`{name}` is no NHWC tensor")))
    }

    /// Where a product's results go, as images of its own extents: to the home of the result of `last`, which differs from it in
    /// axes of one index at most.
    fn result(&self, id: NodeId, last: NodeId) -> Result<Image, CompileError> {
        let [own, value] = [id, last].map(|id| self.graph.output_of(id));
        let extents: Vec<u64> = self.graph.ty(own).shape.iter().map(|&extent| extent as u64).collect();
        let image = self.home(last, value)?.reshape(&extents).and_then(|view| view.image());
        let name = &self.graph.value(value).name;
        image.ok_or_else(|| self.problem(last, format!("`{name}` is no NHWC tensor")))
    }

    pub(super) fn constant(&self, id: NodeId, index: usize) -> Result<Tensor, CompileError> {
        let value = self.graph.node(id).inputs[index];
        let name = &self.graph.value(value).name;
        self.graph
            .constant(value)
            .cloned()
            .ok_or_else(|| self.problem(id, format!("operand `{name}` is no constant")))
    }

    fn weights(&self, id: NodeId, computed: Option<&View>) -> Result<Weights, CompileError> {
        let constant = |index| self.constant(id, index).map(|tensor| tensor.to_contiguous());
        let wrong = |error: ediacara_graph::TensorError| self.problem(id, error.to_string());
        let nothing = || Tensor::full(&[0], 0_i8).map_err(wrong);
        let real = multiplies_real(self.graph, id);
        let values = match computed {
            Some(_) => nothing()?,
            None if real => self.constant_bytes(id, 1)?,
            None => constant(1)?,
        };
        Ok(Weights {
            values,
            bias: if real { self.constant_bits(id, 2)? } else { constant(2)? },
            scaling: match self.graph.node(id).op_as::<QMatMulReal>() {
                _ if real => Scaling::Real(constant(3)?),
                Some(_) => Scaling::Real(constant(3)?),
                None => Scaling::Integer { multiplier: constant(3)?, shift: constant(4)? },
            },
        })
    }

    fn node(&mut self, id: NodeId) -> Result<(), CompileError> {
        if let Some(&block) = self.placement.block_of(id) {
            return if block.last == id { self.block(&block) } else { Ok(()) };
        }
        match self.placement.chains.get(&id) {
            Some(Some(chain)) => return self.chain(chain),
            Some(None) => return Ok(()),
            None => {}
        }
        if self.placement.views.contains(&id) || self.placement.inner.contains(&id) {
            return Ok(());
        }
        let node = self.graph.node(id);
        let (y, op) = (node.outputs[0], &node.op);
        if node.op_as::<QConv>().is_some() || node.op_as::<QMatMul>().is_some() {
            return self.product(id, None, None);
        }
        if is_real_product(self.graph, id) {
            let rows = self.stored_product(id)?;
            let (layer, _) = self.real_product(id, rows)?;
            self.layers.push(layer);
            return Ok(());
        }
        if let Some(pool) = node.op_as::<QPool>() {
            let name = if pool.kind == PoolKind::Max { "max_pool" } else { "average_pool" };
            let (x, y) = (self.image(id, node.inputs[0])?, self.image(id, y)?);
            let kind = Kind::Pool(self.pool(pool, x, y));
            return self.layer(id, name, kind);
        }
        if let Some(window) = node.op_as::<FWindow>() {
            let kind = Kind::FloatWindow(Box::new(self.float_window(id, window)?));
            return self.layer(id, "window", kind);
        }
        if let Some(add) = node.op_as::<QAdd>() {
            return self.add(id, add);
        }
        if let Some(multiply) = node.op_as::<QMultiply>() {
            let kind = Kind::Binary(self.multiply(id, multiply)?);
            return self.layer(id, "multiply", kind);
        }
        if let Some(maximum) = node.op_as::<QMaximum>() {
            let kind = Kind::Binary(self.maximum(id, maximum)?);
            return self.layer(id, "maximum", kind);
        }
        if node.op_as::<QTable>().is_some() {
            return self.table(id);
        }
        let mut kind = self.movement(id)?;
        if let Kind::Copy(copy) = &mut kind {
            // Whatever the elements are, bytes are moved.
            copy.element = copy.parts.first().map_or(1, |(from, _)| from.element);
            copy.parts.iter_mut().for_each(|(from, to)| (*from, *to) = (from.of_bytes(), to.of_bytes()));
            let filled = copy.fill.iter_mut().flat_map(|(views, _)| views);
            filled.for_each(|view| *view = view.of_bytes());
        }
        if let Kind::Copy(copy) = &kind
            && copy.parts.is_empty()
            && copy.fill.is_none()
        {
            return Ok(());
        }
        self.layer(id, op.name(), kind)
    }

    fn convolution_kind(&mut self, id: NodeId, conv: Conv) -> (&'static str, Kind) {
        match self.graph.node(id).op_as::<QConv>() {
            Some(_) if conv.is_of_one_channel() && self.is_faster_as_product(&conv) => {
                ("conv", Kind::Conv(Box::new(conv)))
            }
            Some(op) if is_depthwise(self.graph, id, op) => ("depthwise", Kind::Depthwise(Box::new(conv))),
            Some(_) => ("conv", Kind::Conv(Box::new(conv))),
            None => ("matmul", Kind::Conv(Box::new(conv))),
        }
    }

    /// The convolution, or the same gather of channels in another form that is estimated to be faster.
    fn fastest_form(&mut self, conv: Conv) -> Conv {
        let forms = forms(&conv);
        if forms.is_empty() {
            return conv;
        }
        let rates = *self.choices.rates();
        // Both images of a gather mostly stay in NRAM where they have room there.
        let [x, y] = [conv.x, conv.y].map(|image| image.batch * image.height * image.width * image.channels);
        let room = rates.nram.saturating_sub(x + y);
        let (memory, nram) = if room > x + y { (Memory::Nram, room) } else { (Memory::Dram, rates.nram) };
        let space = Space { nram, ..rates.space() };
        let cycles = |conv: &Conv| {
            let (problem, _) = grouping::convolution(conv, &rates);
            let [x, y] = [problem.x, problem.y].map(|image| Image { memory, ..image });
            let choice = self.choices.product(&Problem { x, y, ..problem }, space);
            choice.map_or(f64::INFINITY, |choice| choice.estimate.cycles())
        };
        let timed: Vec<f64> = [&conv].into_iter().chain(&forms).map(cycles).collect();
        let all = timed.into_iter().zip([conv.clone()].into_iter().chain(forms));
        all.min_by(|(one, _), (other, _)| one.total_cmp(other)).map_or(conv, |(_, form)| form)
    }

    /// How many neighbouring pixels are joined for the array: more than one where that is estimated to be faster.
    fn fastest_join(&mut self, conv: &Conv) -> u64 {
        if conv.shared.is_some() || conv.epilogue.is_some() {
            return 1;
        }
        let rates = *self.choices.rates();
        let (alone, _) = grouping::convolution(conv, &rates);
        let Some((pixels, joined)) = best_join(&alone, &rates) else { return 1 };
        let cycles = |problem: &Problem| {
            let choice = self.choices.product(problem, rates.space());
            choice.map_or(f64::INFINITY, |choice| choice.estimate.cycles())
        };
        let [alone, joined] = [&alone, &joined].map(cycles);
        if joined < alone { pixels } else { 1 }
    }

    /// Whether the matrix unit is estimated to convolve one channel in less than half the time of the vector unit, whose one lane
    /// goes through a long window tap by tap.
    fn is_faster_as_product(&mut self, conv: &Conv) -> bool {
        let rates = *self.choices.rates();
        let window = grouping::depthwise(conv);
        let (product, _) = grouping::convolution(conv, &rates);
        let window = self.choices.window(&window, rates.space()).map(|choice| choice.estimate.cycles());
        let product = self.choices.product(&product, rates.space()).map(|choice| choice.estimate.cycles());
        match (window, product) {
            (Ok(window), Ok(product)) => 2.0 * product < window,
            (window, _) => window.is_err(),
        }
    }

    fn convolution(&self, id: NodeId, x: Image, y: Image) -> Result<Conv, CompileError> {
        let node = self.graph.node(id);
        let computed = match self.graph.constant(node.inputs[1]) {
            Some(_) => None,
            None => Some(self.home(id, node.inputs[1])?.clone()),
        };
        let [of_x, of_weights] = [0, 1].map(|index| self.completed_by.get(&node.inputs[index]));
        let computed_first = of_x > of_weights;
        let weights = self.weights(id, computed.as_ref())?;
        let is_real = multiplies_real(self.graph, id);
        let shared = self.shared.get(&node.inputs[1..]).copied();
        let element = if is_real { self.element(id, node.inputs[0])? } else { ElementType::I8 };
        let (window, groups) = self.window(id);
        let whole = Output { zero: 0, low: i8::MIN, high: i8::MAX };
        let (x_zero, w_zero, output) = if let Some(op) = node.op_as::<QConv>() {
            (op.x_zero, op.w_zero, Output { zero: op.y_zero, low: op.low, high: op.high })
        } else if let Some(op) = node.op_as::<QMatMul>() {
            (op.x_zero, op.w_zero, Output { zero: op.y_zero, low: op.low, high: op.high })
        } else if let Some(op) = node.op_as::<QMatMulReal>() {
            (op.x_zero, op.w_zero, whole)
        } else if is_real {
            (0, 0, whole)
        } else {
            return Err(self.problem(id, "is no convolution"));
        };
        Ok(Conv {
            element,
            x,
            y,
            window,
            groups,
            weights,
            computed,
            computed_first,
            x_zero,
            w_zero,
            output,
            epilogue: None,
            residual: None,
            table: None,
            order: None,
            joined: 1,
            shared,
            held: None,
        })
    }

    /// The window of a product, and its groups.
    fn window(&self, id: NodeId) -> (Window, u64) {
        let node = self.graph.node(id);
        let shape = &self.graph.ty(node.inputs[1]).shape;
        if let Some(op) = node.op_as::<QConv>() {
            return (Window::of(op, [shape[1], shape[2]]), op.groups as u64);
        }
        node.op_as::<FConv>().map_or((Window::POINT, 1), |op| {
            let window = Window::new([shape[1], shape[2]], op.stride, op.padding, op.dilation);
            (window, op.groups as u64)
        })
    }

    fn pool(&self, op: &QPool, x: Image, y: Image) -> Pool {
        let (ratio, x_zero, count_include_pad) = (op.ratio, op.x_zero, op.count_include_pad);
        let mode = match op.kind {
            PoolKind::Max => PoolMode::Max,
            PoolKind::Average => PoolMode::Average { x_zero, ratio, count_include_pad },
        };
        Pool {
            x,
            y,
            window: Window::new(op.kernel, op.stride, op.padding, [1, 1]),
            mode,
            output: Output { zero: op.y_zero, low: op.low, high: op.high },
        }
    }

    /// The constants of an addition.
    fn addition(op: &QAdd) -> BinaryConstants {
        BinaryConstants {
            zeros: [op.x_zero, op.y_zero],
            multipliers: [op.x_multiplier as u32, op.y_multiplier as u32],
            shift: op.shift,
            output: Output { zero: op.out_zero, low: op.low, high: op.high },
        }
    }

    /// The addition that a convolution does, whose result is operand `index` of it.
    fn residual(&self, add: NodeId, index: usize) -> Result<Residual, CompileError> {
        let node = self.graph.node(add);
        let op = node.op_as::<QAdd>().ok_or_else(|| self.problem(add, "is no addition"))?;
        let mut constants = Self::addition(op);
        if index == 1 {
            constants.zeros.reverse();
            constants.multipliers.reverse();
        }
        Ok(Residual { image: self.image(add, node.inputs[1 - index])?, constants })
    }

    fn add(&mut self, id: NodeId, op: &QAdd) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let Some(&(conv_id, index)) = self.placement.fused.get(&id) else {
            let [a, b] = [0, 1].map(|index| self.home(id, node.inputs[index]).cloned());
            let d = self.home(id, node.outputs[0])?.clone();
            let binary = Binary { op: BinaryOp::Add, a: a?, b: b?, d, constants: Self::addition(op) };
            return self.layer(id, "add", Kind::Binary(binary));
        };
        self.product(conv_id, Some((id, index)), None)
    }

    fn table(&mut self, id: NodeId) -> Result<(), CompileError> {
        if let Some(&LookedUp { before, .. }) = self.placement.tables.get(&id) {
            return match self.placement.fused.get(&before) {
                Some(&(product, index)) => self.product(product, Some((before, index)), Some(id)),
                None => self.product(before, None, Some(id)),
            };
        }
        let node = self.graph.node(id);
        let (a, d) = (self.home(id, node.inputs[0])?.clone(), self.home(id, node.outputs[0])?.clone());
        let lookup = self.lookup(id)?;
        self.layer(id, "table", Kind::Table(Table { a, d, lookup }))
    }

    fn lookup(&self, id: NodeId) -> Result<Lookup, CompileError> {
        let bytes = self.constant(id, 1)?.to_vec::<i8>();
        let bytes = bytes.map_err(|error| self.problem(id, error.to_string()))?;
        let bytes = bytes.into_iter().map(|value| value as u8).collect();
        Ok(Lookup { bytes, shared: self.shared.get(&self.graph.node(id).inputs[1..]).copied() })
    }

    /// A convolution or matrix product, or the gather that the convolution before it does, with what it does on the way: an
    /// addition, of which it is the operand with that index, and then a table.
    fn product(
        &mut self,
        id: NodeId,
        addition: Option<(NodeId, usize)>,
        table: Option<NodeId>,
    ) -> Result<(), CompileError> {
        let gather = self.placement.gathers.get(&id);
        let after = [
            gather.map(|_| (id, "gather")),
            addition.map(|(add, _)| (add, "add")),
            table.map(|table| (table, "table")),
        ];
        let id = gather.map_or(id, |gather| gather.conv);
        let last = after.iter().flatten().last().map_or(id, |&(node, _)| node);
        let x = self.image(id, self.graph.node(id).inputs[0])?;
        let mut conv = self.convolution(id, x, self.result(id, last)?)?;
        conv.residual = addition.map(|(add, index)| self.residual(add, index)).transpose()?;
        conv.table = table.map(|table| self.lookup(table)).transpose()?;
        conv.order = gather.map(|gather| gather.order.clone());
        let mut conv = self.fastest_form(conv);
        conv.joined = self.fastest_join(&conv);
        let (op, kind) = self.convolution_kind(id, conv);
        let mut layer = self.described(id, op, kind);
        for (node, op) in after.into_iter().flatten() {
            let info = self.plain_info(node, op, u64::from(op != "gather"));
            layer.info.name += &format!(" + {}", info.name);
            layer.info.op += &format!("+{op}");
            layer.info.vector_operations += info.vector_operations;
        }
        self.layers.push(layer);
        Ok(())
    }

    /// A block: of its convolutions only the first reads and only the last writes DRAM.
    fn block(&mut self, nodes: &BlockNodes) -> Result<(), CompileError> {
        let inside = |id: NodeId, value: ValueId| {
            unplaced(self.graph, value).ok_or_else(|| self.problem(id, "a block is made of images"))
        };
        let input = |id: NodeId| self.graph.node(id).inputs[0];
        let result = self.graph.node(nodes.last).outputs[0];
        let y = self.image(nodes.last, result)?;
        let expand = match nodes.expand {
            Some(id) => {
                let y = inside(id, input(nodes.window))?;
                Some(self.convolution(id, self.image(id, input(id))?, y)?)
            }
            None => None,
        };
        let id = nodes.window;
        let x = if expand.is_some() { inside(id, input(id))? } else { self.image(id, input(id))? };
        let between = match nodes.project {
            Some(project) => inside(id, input(project))?,
            None => y,
        };
        let middle = match self.graph.node(id).op_as::<QPool>() {
            Some(pool) => Middle::MaxPool(Box::new(self.pool(pool, x, between))),
            None => Middle::Depthwise(Box::new(self.convolution(id, x, between)?)),
        };
        let mut project = match nodes.project {
            Some(id) => Some(self.convolution(id, between, y)?),
            None => None,
        };
        let addition = self.placement.fused.get(&nodes.last);
        if let (Some(project), Some(&(_, operand))) = (&mut project, addition) {
            project.residual = Some(self.residual(nodes.last, operand)?);
        }
        let block = Block { expand, middle, project };
        let info = self.block_info(nodes, &block);
        self.layers.push(Layer { info, kind: Kind::Block(Box::new(block)) });
        Ok(())
    }

    /// What is known of a block: the sum of what is known of its parts.
    fn block_info(&self, nodes: &BlockNodes, block: &Block) -> LayerInfo {
        let mut parts = Vec::new();
        if let (Some(id), Some(conv)) = (nodes.expand, &block.expand) {
            let mut info = self.product_info(id, "conv", conv);
            // A window whose stride is wider than itself needs not all of what it stands on.
            let (x, y, window) = block.middle.shape();
            let (needed, all) = (pixels_seen(&x, &y, &window), x.height * x.width);
            info.matrix_macs = info.matrix_macs * needed / all;
            info.vector_operations = info.vector_operations * needed / all;
            parts.push(info);
        }
        parts.push(match &block.middle {
            Middle::Depthwise(conv) => self.depthwise_info(nodes.window, conv),
            Middle::MaxPool(pool) => self.pool_info(nodes.window, "max_pool", pool),
        });
        if let (Some(id), Some(conv)) = (nodes.project, &block.project) {
            parts.push(self.product_info(id, "conv", conv));
        }
        if self.placement.fused.contains_key(&nodes.last) {
            parts.push(self.plain_info(nodes.last, "add", 1));
        }
        let join = |text: fn(&LayerInfo) -> &str| parts.iter().map(text).collect::<Vec<_>>();
        let sum = |number: fn(&LayerInfo) -> u64| parts.iter().map(number).sum();
        LayerInfo {
            name: join(|part| &part.name).join(" + "),
            op: join(|part| &part.op).join("+"),
            shape: self.graph.ty(self.graph.node(nodes.last).outputs[0]).shape.clone(),
            macs: sum(|part| part.macs),
            matrix_macs: sum(|part| part.matrix_macs),
            vector_operations: sum(|part| part.vector_operations),
            weight_bytes: sum(|part| part.weight_bytes),
        }
    }

    fn multiply(&self, id: NodeId, op: &QMultiply) -> Result<Binary, CompileError> {
        let node = self.graph.node(id);
        let (a, mut b) = (self.home(id, node.inputs[0])?.clone(), self.home(id, node.inputs[1])?.clone());
        for axis in 0..a.shape.len() {
            if b.shape[axis] == 1 && a.shape[axis] > 1 {
                (b.shape[axis], b.strides[axis]) = (a.shape[axis], 0);
            }
        }
        let constants = BinaryConstants {
            zeros: [op.x_zero, op.y_zero],
            multipliers: [op.multiplier as u32, 0],
            shift: op.shift,
            output: Output { zero: op.out_zero, low: op.low, high: op.high },
        };
        Ok(Binary { op: BinaryOp::Multiply, a, b, d: self.home(id, node.outputs[0])?.clone(), constants })
    }

    fn maximum(&self, id: NodeId, op: &QMaximum) -> Result<Binary, CompileError> {
        let node = self.graph.node(id);
        let [a, b, d] = [node.inputs[0], node.inputs[1], node.outputs[0]].map(|value| self.home(id, value));
        let output = Output { zero: 0, low: op.low, high: op.high };
        let constants = BinaryConstants { zeros: [0; 2], multipliers: [0; 2], shift: 0, output };
        Ok(Binary { op: BinaryOp::Maximum, a: a?.clone(), b: b?.clone(), d: d?.clone(), constants })
    }

    fn movement(&mut self, id: NodeId) -> Result<Kind, CompileError> {
        let node = self.graph.node(id);
        let y = self.home(id, node.outputs[0])?;
        if let Some(concat) = node.op_as::<Concat>() {
            let mut start = 0;
            let mut parts = Vec::new();
            for &value in &node.inputs {
                let extent = self.graph.ty(value).shape[concat.axis] as u64;
                // An operand may stand more than once; only its first place is its home.
                let place = y.slice(concat.axis, start, extent, 1);
                if !self.home(id, value)?.same_place(&place) {
                    parts.push((self.home(id, value)?.clone(), place));
                }
                start += extent;
            }
            return Ok(Kind::Copy(Copy::of(parts)));
        }
        if let Some(scatter) = node.op_as::<TensorScatter>() {
            return self.append(id, scatter.axis);
        }
        let x = self.home(id, node.inputs[0])?;
        if node.op_as::<Gather>().is_some()
            && let Some(conv) = self.gather_as_product(id)?
        {
            return Ok(Kind::Conv(Box::new(self.fastest_form(conv))));
        }
        let movable = node.op_as::<Slice>().is_some()
            || node.op_as::<Pad>().is_some()
            || node.op_as::<Resize>().is_some()
            || node.op_as::<Gather>().is_some();
        if let Some(view) = view_of(self.graph, id, x) {
            return Ok(Kind::Copy(Copy { own_row: x.row_bytes(), ..Copy::of(vec![(view, y.clone())]) }));
        }
        if movable && let Some(maps) = maps(self.graph, id) {
            let mut y_axes = y.clone();
            if y.shape.len() < maps.axes.len() {
                // A gather by a scalar drops its axis.
                let axis = node.op_as::<Gather>().map_or(0, |gather| gather.axis);
                y_axes.shape.insert(axis, 1);
                y_axes.strides.insert(axis, 0);
            }
            let fill = maps.value.map(|value| (maps.frame(y), value));
            let own_row = x.row_bytes();
            return Ok(Kind::Copy(Copy { fill, own_row, ..Copy::of(parts(&maps, x, &y_axes)) }));
        }
        if node.op_as::<Reshape>().is_some() || node.op_as::<Transpose>().is_some() {
            // A reshape of a pitched tensor: element by element in order, which is the result's dense order.
            let from = x.clone();
            let to = y.reshape(&from.shape);
            return match to {
                Some(to) => Ok(Kind::Copy(Copy::of(vec![(from, to)]))),
                None => Err(self.problem(id, "a reshape cannot be written into part of another tensor")),
            };
        }
        Err(self.problem(id, format!("no lowering for {}", node.op.name())))
    }

    /// Rows that are written into a cache where it lies: at a position, or at the two digits of one where the cache is packed.
    fn append(&self, id: NodeId, axis: usize) -> Result<Kind, CompileError> {
        let node = self.graph.node(id);
        let (y, from) = (self.home(id, node.outputs[0])?, self.home(id, node.inputs[1])?);
        let nowhere = || self.problem(id, "nothing says where it writes");
        let registers = self.placement.bindings.registers(self.graph, id, y.packing).ok_or_else(nowhere)?;
        let (cache, rows) = (y.unpacked(), from.shape[axis]);
        let mut moved = Moved { terms: [(0, 0); 2], most: 0 };
        let mut to = cache.clone();
        for (index, register) in registers.into_iter().enumerate() {
            let (extent, stride) = (cache.shape[axis + index], cache.strides[axis + index]);
            moved.terms[index] = (register, stride);
            moved.most += (extent - rows) * stride;
            to = to.slice(axis + index, 0, rows, 1);
        }
        let from =
            from.reshape(&to.shape).ok_or_else(|| self.problem(id, "its rows are not evenly apart"))?;
        Ok(Kind::Copy(Copy { moved: Some(moved), ..Copy::of(vec![(from, to)]) }))
    }

    /// A gather along channels as a product with a matrix of zeros and ones, exact by construction: the sum
    /// is one difference from the zero point, and the multiplier is one.
    fn gather_as_product(&self, id: NodeId) -> Result<Option<Conv>, CompileError> {
        let node = self.graph.node(id);
        let shape = &self.graph.ty(node.inputs[0]).shape;
        let along_channels = node.op_as::<Gather>().is_some_and(|gather| gather.axis + 1 == shape.len());
        let (Some(picks), 1) = (picks(self.graph, id), self.graph.ty(node.inputs[1]).rank()) else {
            return Ok(None);
        };
        // The array multiplies ones and zeros exactly in int8; real numbers are copied.
        let in_int8 = self.graph.ty(node.inputs[0]).dtype == ediacara_graph::DType::I8;
        if !along_channels || shape.len() > 4 || !in_int8 {
            return Ok(None);
        }
        let (inputs, outputs) = (shape[shape.len() - 1], picks.len());
        let mut values = vec![0_i8; inputs * outputs];
        for (output, &pick) in picks.iter().enumerate() {
            values[output * inputs + pick as usize] = 1;
        }
        let wrong = |error: ediacara_graph::TensorError| self.problem(id, error.to_string());
        let weights = Weights {
            values: Tensor::from_vec(&[outputs, 1, 1, inputs], values).map_err(wrong)?,
            bias: Tensor::full(&[outputs], 0_i32).map_err(wrong)?,
            scaling: Scaling::Integer {
                multiplier: Tensor::full(&[outputs], 1_i32 << 30).map_err(wrong)?,
                shift: Tensor::full(&[outputs], 30_u8).map_err(wrong)?,
            },
        };
        Ok(Some(Conv {
            element: ElementType::I8,
            x: self.image(id, node.inputs[0])?,
            y: self.image(id, node.outputs[0])?,
            window: Window::POINT,
            groups: 1,
            weights,
            computed: None,
            computed_first: false,
            x_zero: 0,
            w_zero: 0,
            output: Output { zero: 0, low: i8::MIN, high: i8::MAX },
            epilogue: None,
            residual: None,
            table: None,
            order: None,
            joined: 1,
            shared: None,
            held: None,
        }))
    }

    /// Nodes of the float dialect as one layer, with the product that they go on with.
    fn chain(&mut self, chain: &Chain) -> Result<(), CompileError> {
        let rates = *self.choices.rates();
        let (first, last) = (chain.nodes[0], chain.nodes[chain.nodes.len() - 1]);
        let name = match first == last {
            true => self.graph.node(first).name.clone(),
            false => format!("{} .. {}", self.graph.node(first).name, self.graph.node(last).name),
        };
        let macs = chain.nodes.iter().map(|&id| self.graph.cost_of(id).macs).sum::<u64>();
        if let Some(of) = self.placement.epilogues.get(&first) {
            let nodes = of.nodes().map(|node| self.graph.output_of(node)).collect::<Vec<_>>();
            let scale = one_scale(self.graph, of.product);
            let rows = epilogue(self.graph, self.placement, chain, (&nodes, scale), &rates);
            let (mut layer, operations) =
                self.real_product(of.product, rows.map_err(|why| self.problem(first, why))?)?;
            layer.info.name += &format!(" + {name}");
            layer.info.op += "+float";
            layer.info.macs += macs;
            layer.info.vector_operations += operations;
            self.layers.push(layer);
            return Ok(());
        }
        let rows = rows(self.graph, self.placement, chain, &rates).map_err(|why| self.problem(first, why))?;
        let (vector_operations, shape) = (rows.operations(), chain.shape.clone());
        let info = LayerInfo {
            name,
            op: "float".to_owned(),
            shape,
            macs,
            vector_operations,
            ..LayerInfo::default()
        };
        self.layers.push(Layer { info, kind: Kind::Rows(Box::new(rows)) });
        Ok(())
    }

    /// A product whose sums a chain goes on with, and the operations of the chain.
    fn real_product(&mut self, id: NodeId, rows: Rows) -> Result<(Layer, u64), CompileError> {
        let node = self.graph.node(id);
        let extents: Vec<u64> =
            self.graph.ty(node.outputs[0]).shape.iter().map(|&extent| extent as u64).collect();
        let y = View::dense(0, &extents).image();
        let y = y.ok_or_else(|| self.problem(id, "its result is no matrix"))?;
        let mut conv = self.convolution(id, self.byte_image(id, node.inputs[0])?, y)?;
        let operations = rows.operations();
        conv.epilogue = Some(Box::new(rows));
        let op = if node.op_as::<FConv>().is_some() { "conv" } else { "matmul" };
        Ok((self.described(id, op, Kind::Conv(Box::new(conv))), operations))
    }

    fn layer(&mut self, id: NodeId, op: &str, kind: Kind) -> Result<(), CompileError> {
        let layer = self.described(id, op, kind);
        self.layers.push(layer);
        Ok(())
    }

    /// The layer with what is known of it. Work is counted as the network defines it, not as the machine
    /// happens to do it.
    fn described(&self, id: NodeId, op: &str, kind: Kind) -> Layer {
        let info = match &kind {
            Kind::Conv(conv) => self.product_info(id, op, conv),
            Kind::Depthwise(conv) => self.depthwise_info(id, conv),
            Kind::Pool(pool) => self.pool_info(id, op, pool),
            Kind::FloatWindow(layer) => self.float_window_info(id, op, layer),
            Kind::Binary(_) | Kind::Table(_) => self.plain_info(id, op, 1),
            Kind::Copy(_) | Kind::Block(_) | Kind::Rows(_) => self.plain_info(id, op, 0),
        };
        Layer { info, kind }
    }

    /// What is known of a layer that does `operations` an element on the vector unit.
    pub(super) fn plain_info(&self, id: NodeId, op: &str, operations: u64) -> LayerInfo {
        let node = self.graph.node(id);
        LayerInfo {
            name: node.name.clone(),
            op: op.to_owned(),
            shape: self.graph.ty(node.outputs[0]).shape.clone(),
            macs: self.graph.cost_of(id).macs,
            vector_operations: self.graph.ty(node.outputs[0]).elements() as u64 * operations,
            ..LayerInfo::default()
        }
    }

    fn product_info(&self, id: NodeId, op: &str, conv: &Conv) -> LayerInfo {
        if selects_channels(conv) {
            return LayerInfo { macs: 0, ..self.plain_info(id, "gather", 0) };
        }
        let info = self.plain_info(id, op, 1);
        LayerInfo { matrix_macs: info.macs, weight_bytes: conv.weights.values.len() as u64, ..info }
    }

    /// A pool does an operation for each tap that lies on a pixel.
    fn pool_info(&self, id: NodeId, op: &str, pool: &Pool) -> LayerInfo {
        let info = self.plain_info(id, op, 0);
        LayerInfo { vector_operations: pool.y.batch * pool.y.channels * taps_on_pixels(pool), ..info }
    }

    fn depthwise_info(&self, id: NodeId, conv: &Conv) -> LayerInfo {
        let info = self.plain_info(id, "depthwise", 0);
        LayerInfo { vector_operations: info.macs, weight_bytes: conv.weights.values.len() as u64, ..info }
    }
}
