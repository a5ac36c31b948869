//! Chains of the float dialect become layers.

use std::collections::HashMap;

use ediacara_graph::ops::{FRow, FScale, Reading, Writing};
use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_isa::{ElementType, VectorOperation};

use crate::build::homes::Placement;
use crate::build::row_pairs::join_pairs;
use crate::fuse::rows::Chain;
use crate::place::partition::multiplies_real;
use crate::program::rows::{RowOperand, RowStep, RowValue, Rows, Sums, merged};
use crate::program::view::View;
use crate::tile::cost::Rates;
use crate::tile::rows::instruction;

/// The layer of a chain on a machine of these sizes.
///
/// # Errors
/// What is wrong, as a sentence without its end.
pub(crate) fn rows(
    graph: &Graph,
    placement: &Placement,
    chain: &Chain,
    rates: &Rates,
) -> Result<Rows, String> {
    let mut rows = steps(graph, placement, chain, (&[], None), rates.pram)?;
    let mut views: Vec<&mut View> =
        rows.values.iter_mut().filter_map(|value| value.tensor.as_mut()).collect();
    rows.axes = merged(&rows.axes, &mut views);
    rows.refold(rates.nram);
    Ok(rows)
}

/// A chain that goes on with the sums of a product of `[rows, channels]`. They are `values`, under several shapes, and all are
/// multiplied by `scale`, or each channel has a record.
///
/// # Errors
/// As [`rows()`].
pub(crate) fn epilogue(
    graph: &Graph,
    placement: &Placement,
    chain: &Chain,
    (values, scale): (&[ValueId], Option<f32>),
    rates: &Rates,
) -> Result<Rows, String> {
    let extents: Vec<u64> = graph.ty(values[0]).shape.iter().map(|&extent| extent as u64).collect();
    let (&channels, axes) = extents.split_last().ok_or("its sums have no axis")?;
    let own = if scale.is_some() { 0 } else { channels };
    let rows = steps(graph, placement, chain, (values, scale), rates.pram.saturating_sub(own))?;
    rows.over(&pixels(axes)).ok_or_else(|| "its rows are not those of its product".to_owned())
}

/// The axes of the pixels of a product, as images have them.
fn pixels(axes: &[u64]) -> [u64; 3] {
    match *axes {
        [batch, height, width] => [batch, height, width],
        _ => [1, 1, axes.iter().product()],
    }
}

/// The sums of a product of `[.., channels]` as real numbers, which are stored as `writing` says.
///
/// # Errors
/// As [`rows()`].
pub(crate) fn stored_sums(
    view: &View,
    of: ElementType,
    writing: Writing,
    scale: Option<f32>,
) -> Result<Rows, String> {
    let (&length, axes) = view.shape.split_last().ok_or("its result has no axis")?;
    let to = element(writing.dtype).ok_or_else(|| format!("{} is no type of results", writing.dtype))?;
    let value = |element, tensor: Option<View>, written| RowValue { element, length, tensor, written };
    let values = vec![value(of, None, false), value(to, Some(view.clone()), true)];
    let step = RowStep { writing, ..copied(0, 1) };
    let sums = Some(Sums { value: 0, scale });
    let rows = Rows { axes: axes.to_vec(), length, values, steps: vec![step], sums };
    rows.over(&pixels(axes)).ok_or_else(|| "its rows are not evenly apart".to_owned())
}

/// A step that writes a value as an f32.
fn copied(a: usize, d: usize) -> RowStep {
    RowStep {
        operation: VectorOperation::FloatCopy,
        relation: Default::default(),
        a,
        b: RowOperand::None,
        d,
        readings: [Reading::default(); 2],
        writing: Writing::default(),
        records: None,
    }
}

/// The steps of a chain over the axes of its rows; they may have so many records.
fn steps(
    graph: &Graph,
    placement: &Placement,
    chain: &Chain,
    (sums, scale): (&[ValueId], Option<f32>),
    records: u64,
) -> Result<Rows, String> {
    let extents: Vec<u64> = chain.shape.iter().map(|&extent| extent as u64).collect();
    let (&length, axes) = extents.split_last().ok_or("its rows have no axis")?;
    let mut builder = ChainBuilder {
        graph,
        placement,
        axes,
        length,
        records,
        values: Vec::new(),
        steps: Vec::new(),
        numbers: HashMap::new(),
        sums: None,
    };
    if !sums.is_empty() {
        let product = sums.first().and_then(|&sums| graph.producer(sums));
        let real = product.is_some_and(|product| multiplies_real(graph, product));
        let element = if real { ElementType::F32 } else { ElementType::I32 };
        builder.values.push(RowValue { element, length, tensor: None, written: false });
        builder.numbers.extend(sums.iter().map(|&value| (value, 0)));
        builder.sums = Some(Sums { value: 0, scale });
    }
    for &id in &chain.nodes {
        builder.node(id)?;
    }
    let vectors = builder.vectors()?;
    let ChainBuilder { values, steps, sums, .. } = builder;
    let mut rows = Rows { axes: axes.to_vec(), length, values, steps, sums };
    join_pairs(&mut rows, &vectors, records);
    Ok(rows)
}

struct ChainBuilder<'a> {
    graph: &'a Graph,
    placement: &'a Placement,
    axes: &'a [u64],
    length: u64,
    records: u64,
    values: Vec<RowValue>,
    steps: Vec<RowStep>,
    /// The values of the graph among `values`.
    numbers: HashMap<ValueId, usize>,
    /// The sums of a product.
    sums: Option<Sums>,
}

impl ChainBuilder<'_> {
    fn node(&mut self, id: ediacara_graph::NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        let mut a = self.value(node.inputs[0])?;
        if let Some(op) = node.op_as::<FRow>() {
            let mut b = match node.inputs.get(1) {
                None if op.operation.is_pair() => RowOperand::Constant(op.constant),
                None => RowOperand::None,
                Some(&value) => match self.number(value, op.b)? {
                    Some(number) => RowOperand::Constant(number),
                    None => RowOperand::Value(self.value(value)?),
                },
            };
            let d = self.result(node.outputs[0])?;
            let (operation, relation) = instruction(op.operation);
            let (mut readings, writing) = ([op.a, op.b], op.result);
            // Sums are a first operand only.
            if let Some(value) = self.sums.map(|sums| sums.value).filter(|&sums| b == RowOperand::Value(sums))
            {
                if op.operation.is_symmetric() && a != value {
                    (a, b) = (value, RowOperand::Value(a));
                    readings.reverse();
                } else {
                    b = RowOperand::Value(self.sums_in_nram(value));
                }
            }
            self.steps.push(RowStep { operation, relation, a, b, d, readings, writing, records: None });
            return Ok(());
        }
        let op = node.op_as::<FScale>().ok_or("it is no node of rows")?;
        let [bias, scale] = [1, 2].map(|index| self.reals(node.inputs[index]));
        let (bias, scale) = (bias?, scale?);
        if self.sums.is_some_and(|sums| sums.value == a) {
            // An instruction reads one record an element.
            a = self.sums_in_nram(a);
        }
        let d = self.result(node.outputs[0])?;
        let step = RowStep {
            operation: VectorOperation::FloatScale,
            relation: Default::default(),
            a,
            b: RowOperand::None,
            d,
            readings: [op.a, Reading::default()],
            writing: op.result,
            records: Some(bias.into_iter().zip(scale).map(|(bias, scale)| [bias, scale]).collect()),
        };
        if self.length > self.records {
            return Err(format!("its {} records are more than the {} of PRAM", self.length, self.records));
        }
        self.steps.push(step);
        Ok(())
    }

    /// The sums as real numbers in NRAM.
    fn sums_in_nram(&mut self, sums: usize) -> usize {
        let (element, length) = (ElementType::F32, self.length);
        self.values.push(RowValue { element, length, tensor: None, written: true });
        let number = self.values.len() - 1;
        self.steps.push(copied(sums, number));
        number
    }

    /// The number that an operand is, if it is a constant of one element.
    fn number(&self, value: ValueId, reading: Reading) -> Result<Option<f32>, String> {
        let Some(tensor) = self.graph.constant(value).filter(|tensor| tensor.len() == 1) else {
            return Ok(None);
        };
        if tensor.dtype() != DType::F32 || reading != Reading::default() {
            return Ok(None);
        }
        Ok(self.reals(value)?.first().copied())
    }

    fn reals(&self, value: ValueId) -> Result<Vec<f32>, String> {
        let name = || self.graph.value(value).name.clone();
        let tensor: &Tensor =
            self.graph.constant(value).ok_or_else(|| format!("operand `{}` is no constant", name()))?;
        tensor.to_vec::<f32>().map_err(|error| error.to_string())
    }

    /// What constants of a row's length hold, by the number of the value.
    fn vectors(&self) -> Result<HashMap<usize, Vec<f32>>, String> {
        let is_vector = |&(&value, _): &(&ValueId, &usize)| {
            let tensor = self.graph.constant(value);
            tensor.is_some_and(|tensor| {
                let length = tensor.shape().last().copied().unwrap_or_default();
                tensor.dtype() == DType::F32 && length as u64 == self.length && tensor.len() == length
            })
        };
        let known = self.numbers.iter().filter(is_vector);
        known.map(|(&value, &number)| Ok((number, self.reals(value)?))).collect()
    }

    /// The number of a value that a step reads: one that a step before made, or a tensor.
    fn value(&mut self, value: ValueId) -> Result<usize, String> {
        if let Some(&number) = self.numbers.get(&value) {
            return Ok(number);
        }
        let view = self.home(value)?;
        self.add(value, Some(view), false)
    }

    /// A value that a step makes.
    fn result(&mut self, value: ValueId) -> Result<usize, String> {
        let producer = self.graph.producer(value);
        let inner = producer.is_some_and(|node| self.placement.inner.contains(&node));
        let view = if inner { None } else { Some(self.home(value)?) };
        self.add(value, view, true)
    }

    fn add(&mut self, value: ValueId, tensor: Option<View>, written: bool) -> Result<usize, String> {
        let ty = self.graph.ty(value);
        let element = element(ty.dtype).ok_or_else(|| format!("{ty} is no type of float instructions"))?;
        let length = ty.shape.last().map_or(1, |&extent| extent as u64);
        self.values.push(RowValue { element, length, tensor, written });
        self.numbers.insert(value, self.values.len() - 1);
        Ok(self.values.len() - 1)
    }

    /// The home of a value under the axes of the rows: where it is repeated, its stride is 0.
    fn home(&self, value: ValueId) -> Result<View, String> {
        let name = &self.graph.value(value).name;
        let home = self.placement.homes.get(&value).ok_or_else(|| format!("`{name}` has no home"))?;
        if !home.is_readable() {
            return Err(format!("the rows of `{name}` are not contiguous"));
        }
        let missing = self.axes.len() + 1 - home.shape.len();
        let mut view = home.clone();
        view.shape.splice(0..0, std::iter::repeat_n(1, missing));
        view.strides.splice(0..0, std::iter::repeat_n(0, missing));
        for (axis, &extent) in self.axes.iter().enumerate() {
            if view.shape[axis] == 1 && extent > 1 {
                (view.shape[axis], view.strides[axis]) = (extent, 0);
            }
        }
        Ok(view)
    }
}

/// The type of a float instruction's operand.
pub(crate) fn element(dtype: DType) -> Option<ElementType> {
    match dtype {
        DType::I8 => Some(ElementType::I8),
        DType::F16 => Some(ElementType::F16),
        DType::BF16 => Some(ElementType::BF16),
        DType::F32 => Some(ElementType::F32),
        _ => None,
    }
}
