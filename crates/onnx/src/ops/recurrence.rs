//! Recurrent layers: RNN, GRU and LSTM become `recur`.
//!
//! The products of all inputs are one product in front of the recurrence. Its body adds the product of what is carried,
//! applies the activations, and carries on.

use std::sync::Arc;

use ediacara_graph::ops::Recur;
use ediacara_graph::{TensorType, ValueId};
use ediacara_tensor::{DType, Tensor};

use super::quantise::dequantised;
use super::{Table, find};
use crate::context::{Context, failed};
use crate::error::{NodeError, NodeResult};
use crate::node::Node;
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, NodeProto};

pub(super) const TABLE: Table = &[
    ("RNN", |context, node| layer(context, node, &RNN, Direction::read)),
    ("GRU", |context, node| layer(context, node, &GRU, Direction::read)),
    ("LSTM", |context, node| layer(context, node, &LSTM, Direction::read)),
];

pub(super) const MICROSOFT: Table =
    &[("DynamicQuantizeLSTM", |context, node| layer(context, node, &LSTM, Direction::read_quantised))];

/// A kind of layer.
struct Kind {
    name: &'static str,
    /// How many gates W and R have.
    gates: usize,
    /// The activations of one direction.
    activations: &'static [&'static str],
    /// Whether a cell state is carried beside the result.
    has_cell: bool,
    step: fn(&mut Context<'_>, &Cell<'_>, &Step) -> NodeResult<Carried>,
}

const RNN: Kind = Kind { name: "RNN", gates: 1, activations: &["Tanh"], has_cell: false, step: rnn };
const GRU: Kind =
    Kind { name: "GRU", gates: 3, activations: &["Sigmoid", "Tanh"], has_cell: false, step: gru };
const LSTM: Kind =
    Kind { name: "LSTM", gates: 4, activations: &["Sigmoid", "Tanh", "Tanh"], has_cell: true, step: lstm };

/// What a step computes with.
struct Cell<'a> {
    kind: &'a Kind,
    hidden: usize,
    activations: Vec<Activation>,
    /// The bound of what activations are given.
    clip: Option<f64>,
    /// Of a GRU: whether the reset gate scales the product rather than what is multiplied.
    linear_before_reset: bool,
    /// Of an LSTM: whether the input gate is 1 less the forget gate.
    input_forget: bool,
}

/// An activation with its parameters.
struct Activation {
    name: String,
    alpha: Option<f32>,
    beta: Option<f32>,
}

/// The values of one step, in the body.
struct Step {
    /// What the layer gave last, [N, H].
    h: ValueId,
    /// The cell state, [N, H]; `h` where there is none.
    c: ValueId,
    /// The recurrent weights [gates * H, H], of a GRU without those of the last gate.
    r: ValueId,
    /// Of a GRU, the recurrent weights of the last gate.
    last: Option<ValueId>,
    /// Of a GRU, the bias of the product with `last`.
    last_bias: Option<ValueId>,
    /// Of an LSTM, the weights [3 * H] from the cell state to the input, output and forget gates.
    peepholes: Option<ValueId>,
    /// The product of the input, [N, gates * H].
    p: ValueId,
}

/// What a step carries on.
struct Carried {
    h: ValueId,
    c: Option<ValueId>,
}

/// Sizes of a layer.
#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    batch: usize,
    inputs: usize,
    hidden: usize,
    directions: usize,
}

/// The operands of one direction.
struct Direction {
    /// [gates * H, I].
    w: ValueId,
    /// [gates * H, H].
    r: ValueId,
    /// Biases of both products, [gates * H] each.
    biases: Option<[ValueId; 2]>,
    peepholes: Option<ValueId>,
}

impl Direction {
    /// As RNN, GRU and LSTM have them: weights with their outputs in front.
    fn read(
        context: &mut Context<'_>,
        node: &Node<'_>,
        sizes: &Sizes,
        direction: usize,
    ) -> NodeResult<Direction> {
        let w = of_direction(context, node.input(1)?, direction)?;
        let r = of_direction(context, node.input(2)?, direction)?;
        Direction::with(context, node, sizes, [w, r], direction)
    }

    /// As DynamicQuantizeLSTM has them: 8 bits, with their inputs in front.
    fn read_quantised(
        context: &mut Context<'_>,
        node: &Node<'_>,
        sizes: &Sizes,
        direction: usize,
    ) -> NodeResult<Direction> {
        let mut weights = [node.input(1)?, node.input(2)?];
        for (weight, place) in weights.iter_mut().zip([8, 10]) {
            let stored = of_direction(context, *weight, direction)?;
            let scale = of_direction(context, node.input(place)?, direction)?;
            let zero =
                node.optional(place + 1).map(|zero| of_direction(context, zero, direction)).transpose()?;
            let real = dequantised(context, stored, scale, zero, 1)?;
            *weight = context.transpose(real, &[1, 0])?;
        }
        Direction::with(context, node, sizes, weights, direction)
    }

    fn with(
        context: &mut Context<'_>,
        node: &Node<'_>,
        sizes: &Sizes,
        [w, r]: [ValueId; 2],
        direction: usize,
    ) -> NodeResult<Direction> {
        let rows = context.shape(r)[0];
        let biases = match node.optional(3) {
            Some(both) => {
                let both = of_direction(context, both, direction)?;
                Some([context.slice_axis(both, 0, 0, rows)?, context.slice_axis(both, 0, rows, 2 * rows)?])
            }
            None => None,
        };
        let of = |context: &mut Context<'_>, value| of_direction(context, value, direction);
        let peepholes = node.optional(7).map(|peepholes| of(context, peepholes)).transpose()?;
        for (value, wanted) in [(w, [rows, sizes.inputs]), (r, [rows, sizes.hidden])] {
            if context.shape(value) != wanted {
                let found = context.shape(value);
                return Err(NodeError::new(format!(
                    "has weights of shape {found:?}, where {wanted:?} is needed"
                )));
            }
        }
        Ok(Direction { w, r, biases, peepholes })
    }
}

/// The part of an operand that belongs to a direction, without that axis, which is the first.
fn of_direction(context: &mut Context<'_>, value: ValueId, direction: usize) -> NodeResult<ValueId> {
    let shape = context.shape(value).to_vec();
    if shape.first().is_none_or(|&directions| directions <= direction) {
        return Err(NodeError::new(format!(
            "has an operand of shape {shape:?} without direction {direction}"
        )));
    }
    let part = context.slice_axis(value, 0, direction, direction + 1)?;
    context.reshape(part, &shape[1..])
}

type Read = fn(&mut Context<'_>, &Node<'_>, &Sizes, usize) -> NodeResult<Direction>;

/// All directions of a layer.
fn layer(context: &mut Context<'_>, node: &Node<'_>, kind: &Kind, read: Read) -> NodeResult<Vec<ValueId>> {
    let batch_first = node.int_or("layout", 0)? != 0;
    let mut x = node.input(0)?;
    if batch_first {
        x = context.transpose(x, &[1, 0, 2])?;
    }
    let reverse: &[bool] = match node.string_or("direction", "forward")? {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => {
            return Err(NodeError::new(format!(
                "has the direction '{other}'; there are forward, reverse, bidirectional"
            )));
        }
    };
    let &[steps, batch, inputs] = context.shape(x) else {
        let shape = context.shape(x);
        return Err(NodeError::new(format!("has data of shape {shape:?}; it needs steps, batch and inputs")));
    };
    let declared = node.int("hidden_size")?.and_then(|size| usize::try_from(size).ok());
    let hidden = declared.or(context.shape(node.input(2)?).get(2).copied()).unwrap_or(0);
    let sizes = Sizes { steps, batch, inputs, hidden, directions: reverse.len() };
    let lengths = lengths(context, node, &sizes)?;
    let mut results: Vec<[ValueId; 3]> = Vec::new();
    for (direction, &reverse) in reverse.iter().enumerate() {
        let cell = cell(node, kind, &sizes, direction)?;
        let operands = read(context, node, &sizes, direction)?;
        let mut first = [None; 2];
        for (first, place) in first.iter_mut().zip([5, 6]).take(1 + usize::from(kind.has_cell)) {
            let mut given = node.optional(place);
            if let (Some(given), true) = (&mut given, batch_first) {
                *given = context.transpose(*given, &[1, 0, 2])?;
            }
            *first = Some(match given {
                Some(given) => of_direction(context, given, direction)?,
                None => context.full(DType::F32, &[batch, hidden], 0.0)?,
            });
        }
        let name = match sizes.directions {
            1 => node.name.clone(),
            _ => format!("{}.{}", node.name, if reverse { "reverse" } else { "forward" }),
        };
        context.begin(&format!("{name}.input"));
        results.push(one_direction(
            context,
            &cell,
            &sizes,
            &Run { name, x, operands, first, reverse, lengths: &lengths },
        )?);
    }
    let mut outputs = Vec::with_capacity(3);
    for (index, axis) in [(0, 1), (1, 0), (2, 0)].into_iter().take(if kind.has_cell { 3 } else { 2 }) {
        let mut parts = Vec::with_capacity(results.len());
        for result in &results {
            let mut shape = context.shape(result[index]).to_vec();
            shape.insert(axis, 1);
            parts.push(context.reshape(result[index], &shape)?);
        }
        let all = context.concat(&parts, axis)?;
        let order: &[usize] = if index == 0 { &[2, 0, 1, 3] } else { &[1, 0, 2] };
        outputs.push(if batch_first { context.transpose(all, order)? } else { all });
    }
    Ok(outputs)
}

/// What one direction runs over.
struct Run<'a> {
    /// What the recurrence is called.
    name: String,
    /// [T, N, I].
    x: ValueId,
    operands: Direction,
    /// What is carried into the first step: the result and, of an LSTM, the cell state.
    first: [Option<ValueId>; 2],
    reverse: bool,
    lengths: &'a Lengths,
}

/// How many steps count.
enum Lengths {
    /// So many of every sequence.
    Same(usize),
    /// So many of each of the batch.
    Each(Vec<usize>),
}

/// The lengths of the sequences, which have to be known: shapes are static.
fn lengths(context: &mut Context<'_>, node: &Node<'_>, sizes: &Sizes) -> NodeResult<Lengths> {
    let Some(given) = context.constant_ints(node, 4)? else { return Ok(Lengths::Same(sizes.steps)) };
    let fits = |&length: &i64| usize::try_from(length).ok().filter(|&length| length <= sizes.steps);
    match given.iter().map(fits).collect::<Option<Vec<usize>>>() {
        Some(lengths) if lengths.len() == sizes.batch => {
            Ok(match lengths.iter().all(|&one| one == lengths[0]) {
                true => Lengths::Same(lengths.first().copied().unwrap_or(sizes.steps)),
                false => Lengths::Each(lengths),
            })
        }
        _ => Err(NodeError::new(format!(
            "has the sequence lengths {given:?} for a batch of {} and {} steps",
            sizes.batch, sizes.steps
        ))),
    }
}

/// The attributes that a step depends on.
fn cell<'a>(node: &Node<'_>, kind: &'a Kind, sizes: &Sizes, direction: usize) -> NodeResult<Cell<'a>> {
    let count = kind.activations.len();
    let names: Vec<String> = match node.strings("activations")? {
        Some(names) if names.len() == count * sizes.directions => names,
        Some(names) => {
            return Err(NodeError::new(format!(
                "has the activations {names:?}; it needs {count} a direction"
            )));
        }
        None => kind
            .activations
            .iter()
            .cycle()
            .take(count * sizes.directions)
            .map(|&name| name.to_owned())
            .collect(),
    };
    // Parameters are given to the activations that have some, in order.
    let mut given = [node.floats("activation_alpha")?, node.floats("activation_beta")?]
        .map(|values| values.unwrap_or_default().iter().copied());
    let mut activations = Vec::new();
    for name in names {
        let parameters = parameters(&name);
        let mut next = |index: usize| if parameters > index { given[index].next() } else { None };
        let (alpha, beta) = (next(0), next(1));
        activations.push(Activation { name, alpha, beta });
    }
    let activations = activations.drain(direction * count..(direction + 1) * count).collect();
    Ok(Cell {
        kind,
        hidden: sizes.hidden,
        activations,
        clip: node.float("clip")?.map(f64::from),
        linear_before_reset: node.flag("linear_before_reset", false)?,
        input_forget: node.flag("input_forget", false)?,
    })
}

/// All steps [T, N, H], the last one's result and its cell state [N, H].
fn one_direction(
    context: &mut Context<'_>,
    cell: &Cell<'_>,
    sizes: &Sizes,
    run: &Run<'_>,
) -> NodeResult<[ValueId; 3]> {
    let &Sizes { steps, batch, inputs, hidden, .. } = sizes;
    let rows = cell.kind.gates * hidden;
    let counted = if let Lengths::Same(length) = run.lengths { *length } else { steps };
    let last_begins = rows - hidden;
    let is_gru = cell.kind.gates == 3;
    // The bias of the product that a GRU resets stays with it.
    let (mut bias, mut last_bias) = (None, None);
    if let Some([input, recurrent]) = run.operands.biases {
        let mut added = recurrent;
        if is_gru && cell.linear_before_reset {
            let gates = context.slice_axis(recurrent, 0, 0, last_begins)?;
            last_bias = Some(context.slice_axis(recurrent, 0, last_begins, rows)?);
            let none = context.full(DType::F32, &[hidden], 0.0)?;
            added = context.concat(&[gates, none], 0)?;
        }
        bias = Some(context.binary("add", input, added)?);
    }
    let x = context.slice_axis(run.x, 0, 0, counted)?;
    let flat = context.reshape(x, &[counted * batch, inputs])?;
    let products = context.gemm(flat, run.operands.w, bias)?;
    let products = context.reshape(products, &[counted, batch, rows])?;
    let mut tied = vec![run.operands.r];
    if is_gru {
        tied = vec![
            context.slice_axis(run.operands.r, 0, 0, last_begins)?,
            context.slice_axis(run.operands.r, 0, last_begins, rows)?,
        ];
        tied.extend(last_bias);
    }
    tied.extend(run.operands.peepholes);
    let mut sequences = vec![products];
    if let Lengths::Each(lengths) = run.lengths {
        let counts = (0..steps).flat_map(|step| lengths.iter().map(move |&length| step < length)).collect();
        sequences
            .push(context.constant(Tensor::from_vec::<bool>(&[steps, batch, 1], counts).map_err(failed)?)?);
    }
    let carried: Vec<ValueId> = run.first.iter().copied().flatten().collect();
    let operands: Vec<ValueId> = carried.iter().chain(&tied).chain(&sequences).copied().collect();
    let body = body(context, cell, run, [&carried, &tied, &sequences])?;
    let recur = Recur::new(body, [carried.len(), tied.len()], run.reverse).map_err(failed)?;
    context.begin(&run.name);
    let results = context.emit_all(Arc::new(recur), &operands)?;
    let (last, mut all) = (results[0], results[carried.len()]);
    if counted < steps {
        let rest = context.full(DType::F32, &[steps - counted, batch, hidden], 0.0)?;
        all = context.concat(&[all, rest], 0)?;
    }
    Ok([all, last, results[carried.len() - 1]])
}

/// The graph of one step; its operands are those of the recurrence.
fn body(
    context: &mut Context<'_>,
    cell: &Cell<'_>,
    run: &Run<'_>,
    [carried, tied, sequences]: [&[ValueId]; 3],
) -> NodeResult<ediacara_graph::Graph> {
    let whole = |value: &ValueId, context: &Context<'_>| context.graph.ty(*value).clone();
    let types: Vec<TensorType> = carried.iter().chain(tied).map(|value| whole(value, context)).collect();
    let parts: Vec<TensorType> = sequences
        .iter()
        .map(|value| {
            let ty = context.graph.ty(*value);
            TensorType { shape: ty.shape[1..].to_vec(), dtype: ty.dtype }
        })
        .collect();
    let (is_gru, has_last_bias) = (cell.kind.gates == 3, tied.len() > 2);
    context.body(cell.kind.name, |context| {
        let mut names = vec!["h"];
        names.extend(cell.kind.has_cell.then_some("c"));
        names.push("r");
        names.extend(is_gru.then_some("r_last"));
        names.extend((is_gru && has_last_bias).then_some("bias_last"));
        names.extend(run.operands.peepholes.is_some().then_some("peepholes"));
        names.extend(["p", "counts"]);
        let mut inputs = Vec::new();
        for (name, ty) in names.into_iter().zip(types.into_iter().chain(parts)) {
            inputs.push((name, context.graph.add_input(name, ty)));
        }
        let find = |name: &str| inputs.iter().find(|(other, _)| *other == name).map(|&(_, value)| value);
        let needed = |name: &str| find(name).ok_or_else(|| NodeError::new("has an operand too few"));
        let h = needed("h")?;
        let step = Step {
            h,
            c: find("c").unwrap_or(h),
            r: needed("r")?,
            last: find("r_last"),
            last_bias: find("bias_last"),
            peepholes: find("peepholes"),
            p: needed("p")?,
        };
        let Carried { h: mut next, c: mut cell_state } = (cell.kind.step)(context, cell, &step)?;
        let mut given = next;
        if let Some(counts) = find("counts") {
            context.begin("held");
            let none = context.scalar(DType::F32, 0.0)?;
            given = context.select(counts, next, none)?;
            next = context.select(counts, next, step.h)?;
            cell_state = cell_state.map(|state| context.select(counts, state, step.c)).transpose()?;
        }
        let outputs: Vec<ValueId> = [next].into_iter().chain(cell_state).chain([given]).collect();
        context.graph.set_outputs(outputs);
        Ok(())
    })
}

/// Activation `index` of what is bounded first.
fn activated(context: &mut Context<'_>, cell: &Cell<'_>, index: usize, x: ValueId) -> NodeResult<ValueId> {
    let x = match cell.clip {
        Some(clip) => context.clamp(x, -clip, clip)?,
        None => x,
    };
    let Activation { name, alpha, beta } = &cell.activations[index];
    apply(context, name, x, [*alpha, *beta])
}

/// How many parameters an activation has.
fn parameters(name: &str) -> usize {
    match name {
        "LeakyRelu" | "ThresholdedRelu" | "Elu" => 1,
        "HardSigmoid" | "Affine" | "ScaledTanh" => 2,
        _ => 0,
    }
}

/// The activation of that name; most are operators.
fn apply(
    context: &mut Context<'_>,
    name: &str,
    x: ValueId,
    parameters: [Option<f32>; 2],
) -> NodeResult<ValueId> {
    let [alpha, beta] = parameters.map(|parameter| parameter.map_or(1.0, f64::from));
    match name {
        "Affine" => {
            let scaled = context.binary_scalar("mul", x, alpha)?;
            return context.binary_scalar("add", scaled, beta);
        }
        "ScaledTanh" => {
            let scaled = context.binary_scalar("mul", x, beta)?;
            let bent = context.unary("tanh", scaled)?;
            return context.binary_scalar("mul", bent, alpha);
        }
        _ => {}
    }
    let known = [
        "Relu",
        "Tanh",
        "Sigmoid",
        "LeakyRelu",
        "ThresholdedRelu",
        "HardSigmoid",
        "Elu",
        "Softsign",
        "Softplus",
    ];
    let Some(handler) = known.contains(&name).then(|| find("", name)).flatten() else {
        return Err(NodeError::new(format!(
            "has the activation '{name}'; there are {}, Affine, ScaledTanh",
            known.join(", ")
        )));
    };
    let named = ["alpha", "beta"]
        .into_iter()
        .zip(parameters)
        .filter_map(|(name, parameter)| Some((name, parameter?)));
    let attribute = named.map(|(name, value)| AttributeProto {
        name: Some(name.to_owned()),
        f: Some(value),
        r#type: Some(AttributeType::Float.into()),
        ..AttributeProto::default()
    });
    let proto = NodeProto { attribute: attribute.collect(), ..NodeProto::default() };
    let node = Node { proto: &proto, name: name.to_owned(), inputs: vec![Some(x)], arguments: None };
    let results = handler(context, &node)?;
    results
        .first()
        .copied()
        .ok_or_else(|| NodeError::new(format!("has the activation '{name}', which gives nothing")))
}

/// The product of what is carried and the weights, added to a part of the input's.
fn sum(context: &mut Context<'_>, name: &str, [h, r, p]: [ValueId; 3]) -> NodeResult<ValueId> {
    context.begin(&format!("{name}.product"));
    let product = context.gemm(h, r, None)?;
    context.begin(name);
    context.binary("add", product, p)
}

/// f(p + R h).
fn rnn(context: &mut Context<'_>, cell: &Cell<'_>, step: &Step) -> NodeResult<Carried> {
    let sum = sum(context, "sum", [step.h, step.r, step.p])?;
    context.begin("next");
    Ok(Carried { h: activated(context, cell, 0, sum)?, c: None })
}

/// Columns `from` to `to`, in sizes of the hidden state.
fn gates(
    context: &mut Context<'_>,
    cell: &Cell<'_>,
    x: ValueId,
    [from, to]: [usize; 2],
) -> NodeResult<ValueId> {
    context.slice_axis(x, 1, from * cell.hidden, to * cell.hidden)
}

/// Gates z and r, then n = g(p + r * (R h + b)) or g(p + R (r * h)); the result is (1 - z) * n + z * h.
fn gru(context: &mut Context<'_>, cell: &Cell<'_>, step: &Step) -> NodeResult<Carried> {
    let last = step.last.ok_or_else(|| NodeError::new("has weights of too few gates"))?;
    context.begin("p");
    let (p, p_last) = (gates(context, cell, step.p, [0, 2])?, gates(context, cell, step.p, [2, 3])?);
    let sums = sum(context, "gates", [step.h, step.r, p])?;
    context.begin("gates.open");
    let open = activated(context, cell, 0, sums)?;
    let (z, r) = (gates(context, cell, open, [0, 1])?, gates(context, cell, open, [1, 2])?);
    let candidate = if cell.linear_before_reset {
        context.begin("candidate.product");
        let product = context.gemm(step.h, last, step.last_bias)?;
        let reset = context.binary("mul", r, product)?;
        context.begin("candidate.sum");
        context.binary("add", reset, p_last)?
    } else {
        context.begin("reset");
        let reset = context.binary("mul", r, step.h)?;
        sum(context, "candidate.sum", [reset, last, p_last])?
    };
    context.begin("candidate");
    let candidate = activated(context, cell, 1, candidate)?;
    context.begin("next");
    let one = context.scalar(DType::F32, 1.0)?;
    let closed = context.binary("sub", one, z)?;
    let (new, old) = (context.binary("mul", closed, candidate)?, context.binary("mul", z, step.h)?);
    Ok(Carried { h: context.binary("add", new, old)?, c: None })
}

/// Gates i, o, f and the candidate g: c' = f * c + i * g, and the result is o * h(c').
fn lstm(context: &mut Context<'_>, cell: &Cell<'_>, step: &Step) -> NodeResult<Carried> {
    let sums = sum(context, "gates", [step.h, step.r, step.p])?;
    context.begin("gates.open");
    let candidate = gates(context, cell, sums, [3, 4])?;
    let candidate = activated(context, cell, 1, candidate)?;
    let (input, output, forget) = match step.peepholes {
        None => {
            let all = gates(context, cell, sums, [0, 3])?;
            let open = activated(context, cell, 0, all)?;
            let mut parts = [open; 3];
            for (index, part) in parts.iter_mut().enumerate() {
                *part = gates(context, cell, open, [index, index + 1])?;
            }
            (parts[0], Output::Open(parts[1]), parts[2])
        }
        Some(peepholes) => {
            let mut parts = [sums; 3];
            for (index, part) in parts.iter_mut().enumerate() {
                *part = gates(context, cell, sums, [index, index + 1])?;
            }
            let seen = |context: &mut Context<'_>, index: usize| {
                let weights =
                    context.slice_axis(peepholes, 0, index * cell.hidden, (index + 1) * cell.hidden)?;
                let seen = context.binary("mul", step.c, weights)?;
                let sum = context.binary("add", parts[index], seen)?;
                activated(context, cell, 0, sum)
            };
            let (input, forget) = (seen(context, 0)?, seen(context, 2)?);
            let weights = context.slice_axis(peepholes, 0, cell.hidden, 2 * cell.hidden)?;
            (input, Output::Sees { sum: parts[1], weights }, forget)
        }
    };
    context.begin("cell");
    let input = match cell.input_forget {
        true => {
            let one = context.scalar(DType::F32, 1.0)?;
            context.binary("sub", one, forget)?
        }
        false => input,
    };
    let (old, new) = (context.binary("mul", forget, step.c)?, context.binary("mul", input, candidate)?);
    let c = context.binary("add", old, new)?;
    context.begin("next");
    let output = match output {
        Output::Open(output) => output,
        Output::Sees { sum, weights } => {
            let seen = context.binary("mul", c, weights)?;
            let sum = context.binary("add", sum, seen)?;
            activated(context, cell, 0, sum)?
        }
    };
    let shown = activated(context, cell, 2, c)?;
    Ok(Carried { h: context.binary("mul", output, shown)?, c: Some(c) })
}

/// The output gate of an LSTM.
enum Output {
    /// As it is.
    Open(ValueId),
    /// It sees the new cell state.
    Sees { sum: ValueId, weights: ValueId },
}
