//! Positions at which a program writes, given before it starts: the bindings of a network.
//!
//! A `tensor_scatter` whose cache the host brings in, and whose index is an input of the network with one number, writes its
//! rows into the cache where it lies. The number decides one address and nothing else, so that it is a binding of the program
//! (docs/isa.md, "Bindings"), called after the input. Where the cache is packed ([`Packing`]), the address follows from the
//! block or step that the number is in, and from its place there: two bindings, which are its quotient and its remainder.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Barrier, Reshape, TensorScatter};
use ediacara_graph::{DType, Definition, Graph, NodeId, ValueId};
use ediacara_isa::Binding;

use crate::program::packing::Packing;

/// Registers from here on hold what is computed from bindings.
pub(crate) const FIRST_FREE_REGISTER: u8 = 8;

/// The operands of a node that a segment of the DLP holds: all but the index of a scatter.
pub(crate) fn operands(graph: &Graph, id: NodeId) -> &[ValueId] {
    let node = graph.node(id);
    match node.op_as::<TensorScatter>() {
        Some(_) => &node.inputs[..2],
        None => &node.inputs,
    }
}

/// The input of the network whose one number says where a scatter writes.
fn position(graph: &Graph, id: NodeId) -> Option<ValueId> {
    let node = graph.node(id);
    node.op_as::<TensorScatter>()?;
    let mut value = node.inputs[2];
    while let Some(producer) = graph.producer(value) {
        let node = graph.node(producer);
        if node.op_as::<Reshape>().is_none() && node.op_as::<Barrier>().is_none() {
            return None;
        }
        value = node.inputs[0];
    }
    let ty = graph.ty(value);
    let is_number = ty.dtype == DType::I64 && ty.elements() == 1;
    let is_input = matches!(graph.value(value).definition, Definition::Input);
    (is_number && is_input).then_some(value)
}

/// The positions of a network, each once, in the order of its nodes.
pub(crate) fn positions(graph: &Graph) -> Vec<ValueId> {
    let mut seen = HashSet::new();
    let all = graph.order().into_iter().filter_map(|id| position(graph, id));
    all.filter(|&value| seen.insert(value)).collect()
}

/// Whether an input of the network says where a scatter writes, and a scalar register is left for it.
pub(crate) fn has_register(graph: &Graph, id: NodeId) -> bool {
    let Some(value) = position(graph, id) else { return false };
    let before = positions(graph).into_iter().position(|other| other == value);
    before.is_some_and(|before| before + 1 < usize::from(FIRST_FREE_REGISTER))
}

/// What of a position a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digit {
    /// All of it.
    Whole,
    /// Its quotient by a number.
    Quotient(u64),
    /// The remainder of that.
    Remainder(u64),
}

impl Digit {
    /// The digits of a position by which rows are appended to a cache of this packing.
    pub(crate) fn of(packing: Option<Packing>) -> Vec<Digit> {
        packing.map_or_else(
            || vec![Digit::Whole],
            |packing| {
                let [part, _] = packing.parts();
                vec![Digit::Quotient(part), Digit::Remainder(part)]
            },
        )
    }

    /// The name of the binding of an input's digit (docs/isa.md, "Bindings").
    fn name(self, input: &str) -> String {
        match self {
            Digit::Whole => input.to_owned(),
            Digit::Quotient(by) => format!("{input} / {by}"),
            Digit::Remainder(by) => format!("{input} % {by}"),
        }
    }

    /// The largest digit of numbers from 0 to this one.
    fn largest(self, number: u64) -> u64 {
        match self {
            Digit::Whole => number,
            Digit::Quotient(by) => number / by,
            Digit::Remainder(by) => number.min(by - 1),
        }
    }
}

/// The bindings of a network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    /// The digits that registers hold, from register 1 on, each with the largest position.
    digits: Vec<(ValueId, Digit, u64)>,
}

impl Bindings {
    /// Those of the scatters that the DLP runs, into caches of which some are packed.
    pub(crate) fn new(
        graph: &Graph,
        dlp: impl IntoIterator<Item = NodeId>,
        packings: &HashMap<ValueId, Packing>,
    ) -> Bindings {
        let mut found = Bindings::default();
        for id in dlp {
            let node = graph.node(id);
            let Some((scatter, input)) = node.op_as::<TensorScatter>().zip(position(graph, id)) else {
                continue;
            };
            let extent = |index: usize| graph.ty(node.inputs[index]).shape[scatter.axis];
            // All scatters stay in their caches.
            let high = (extent(0) - extent(1)) as u64;
            for digit in Digit::of(packings.get(&node.inputs[0]).copied()) {
                if found.register(input, digit).is_none() {
                    found.digits.push((input, digit, high));
                }
            }
            for (_, _, other) in found.digits.iter_mut().filter(|(other, ..)| *other == input) {
                *other = high.min(*other);
            }
        }
        found
    }

    /// The scalar register that holds a digit of an input.
    fn register(&self, input: ValueId, digit: Digit) -> Option<u8> {
        let index = self.digits.iter().position(|(value, other, _)| (*value, *other) == (input, digit))?;
        u8::try_from(index + 1).ok().filter(|&register| register < FIRST_FREE_REGISTER)
    }

    /// The scalar registers that say where a scatter into a cache of this packing writes: of its position, or of its digits.
    pub(crate) fn registers(&self, graph: &Graph, id: NodeId, packing: Option<Packing>) -> Option<Vec<u8>> {
        let input = position(graph, id)?;
        Digit::of(packing).into_iter().map(|digit| self.register(input, digit)).collect()
    }

    /// What programs declare.
    pub(crate) fn declared(&self, graph: &Graph) -> Vec<Binding> {
        let binding = |(register, &(input, digit, high)): (u8, &(ValueId, Digit, u64))| Binding {
            name: digit.name(&graph.value(input).name),
            register,
            low: 0,
            high: digit.largest(high),
        };
        (1..).zip(&self.digits).map(binding).collect()
    }
}
