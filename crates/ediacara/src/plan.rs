//! A compiled network as the plan that its file holds, and the time of what no program of the DLP does.

use std::collections::HashMap;

use ediacara_arch::{Host, Machine};
use ediacara_compiler::{Compiled, Segment};
use ediacara_graph::ops::{Barrier, Reshape};
use ediacara_graph::text::INLINE_ELEMENTS;
use ediacara_graph::{Graph, NodeId, Registry, TensorType, ValueId};
use ediacara_isa::{
    Buffer, BufferId, Constant, CoreProgram, HostProgram, Plan, PlanNotes, Port, Segment as PlanSegment, Work,
};
use ediacara_tensor::Tensor;

use crate::{Error, ports};

/// The plan of a network, but for what its host segments compute ([`with_host_programs`]).
pub(crate) fn frame(graph: &Graph, compiled: &Compiled, machine: &Machine) -> Plan {
    let mut buffers = Buffers { graph, list: Vec::new(), known: HashMap::new() };
    let inputs = buffers.of(graph.inputs());
    let segment = |segment: &Segment| match segment {
        Segment::Dlp(dlp) => PlanSegment {
            inputs: buffers.of(&dlp.inputs),
            outputs: buffers.of(&dlp.outputs),
            work: Work::Dlp(vec![CoreProgram { core: 0, executable: dlp.executable.clone() }]),
        },
        Segment::Host(host) => PlanSegment {
            inputs: buffers.of(&host.inputs),
            outputs: buffers.of(&host.outputs),
            work: Work::Host(HostProgram::default()),
        },
    };
    let segments = compiled.segments.iter().map(segment).collect();
    Plan {
        machine: ediacara_compiler::machine_key(machine),
        inputs,
        outputs: buffers.of(graph.outputs()),
        buffers: buffers.list,
        segments,
        bindings: compiled.bindings.clone(),
        notes: PlanNotes::default(),
    }
}

/// The buffers of a plan, each made when it is first asked for.
struct Buffers<'a> {
    graph: &'a Graph,
    list: Vec<Buffer>,
    known: HashMap<ValueId, BufferId>,
}

impl Buffers<'_> {
    fn of(&mut self, values: &[ValueId]) -> Vec<BufferId> {
        values.iter().map(|&value| self.one(value)).collect()
    }

    fn one(&mut self, value: ValueId) -> BufferId {
        *self.known.entry(value).or_insert_with(|| {
            let TensorType { dtype, shape } = self.graph.ty(value).clone();
            let name = self.graph.value(value).name.clone();
            self.list.push(Buffer { name, element: ports::element(dtype), shape });
            BufferId(self.list.len() as u32 - 1)
        })
    }
}

/// The plan with the graphs of its host segments, as its file holds it.
///
/// # Errors
/// A constant cannot be read.
pub(crate) fn with_host_programs(mut plan: Plan, compiled: &Compiled) -> Result<Plan, Error> {
    for (segment, compiled) in plan.segments.iter_mut().zip(&compiled.segments) {
        if let (Work::Host(program), Segment::Host(host)) = (&mut segment.work, compiled) {
            *program = host_program(&host.graph)?;
        }
    }
    Ok(plan)
}

fn host_program(graph: &Graph) -> Result<HostProgram, Error> {
    let mut constants = Vec::new();
    for value in graph.values() {
        // Smaller ones stand in the text.
        let large = |tensor: &&Tensor| tensor.len() > INLINE_ELEMENTS;
        let Some(tensor) = graph.constant(value).filter(large) else { continue };
        let name = graph.value(value).name.clone();
        let (element, shape) = (ports::element(tensor.dtype()), tensor.shape().to_vec());
        constants.push(Constant { name, element, shape, bytes: tensor.to_contiguous().as_bytes()?.to_vec() });
    }
    Ok(HostProgram { graph: graph.to_text(), constants })
}

/// The graph of a host segment, whose operators are those of a registry.
///
/// # Errors
/// The text does not follow the form, or names an operator or a constant that is not known.
pub(crate) fn host_graph(program: &HostProgram, registry: &Registry) -> Result<Graph, Error> {
    let mut constants = HashMap::new();
    for Constant { name, element, shape, bytes } in &program.constants {
        constants.insert(name.as_str(), Tensor::from_bytes(ports::dtype(*element), shape, bytes.clone())?);
    }
    Ok(Graph::parse(&program.graph, registry, &|name| constants.get(name).cloned())?)
}

/// Cycles of a host segment: what the host takes to begin, and each node's.
pub(crate) fn host_cycles(graph: &Graph, host: &Host) -> u64 {
    let nodes = graph.order().into_iter().map(|node| node_cycles(graph, node, host));
    u64::from(host.call_cycles) + nodes.sum::<u64>()
}

/// Cycles of a node on the host: the longer of moving its operands and results and of its operations. A reshape
/// takes none, and a look-up moves the elements that it takes, not the whole table.
pub(crate) fn node_cycles(graph: &Graph, id: NodeId, host: &Host) -> u64 {
    let node = graph.node(id);
    if node.op_as::<Reshape>().is_some() || node.op_as::<Barrier>().is_some() {
        return 0;
    }
    let bytes = |value: &ValueId| {
        let ty = graph.ty(*value);
        (ty.elements() * ty.dtype.size_bytes()) as u64
    };
    let looks_up = matches!(node.op.name(), "gather" | "gather_nd" | "gather_elements");
    let operands = match looks_up {
        true => node.inputs[1..].iter().chain(&node.outputs),
        false => node.inputs.iter().chain(&[]),
    };
    let cost = graph.cost_of(id);
    let operations = cost.multiplications + cost.additions + cost.others;
    host.cycles(operands.chain(&node.outputs).map(bytes).sum(), operations)
}

/// Cycles in which the network's inputs are brought into DRAM and its outputs taken from there: for each port at
/// the network's border the longer of moving both forms of the tensor and of converting its elements.
pub(crate) fn transfer_cycles(plan: &Plan, host: &Host) -> u64 {
    let cycles = |port: &Port, id: BufferId| {
        let caller = plan.buffer(id).map_or(0, |buffer| buffer.element.bytes());
        let elements = port.shape.iter().product::<usize>() as u64;
        let converted = if port.is_plain() { 0 } else { elements };
        host.cycles(elements * (caller + port.element.bytes()) as u64, converted)
    };
    let mut sum = 0;
    for segment in &plan.segments {
        let Work::Dlp(programs) = &segment.work else { continue };
        let Some(executable) = programs.first().map(|program| &program.executable) else { continue };
        let sides = [
            (&executable.inputs, &segment.inputs, &plan.inputs),
            (&executable.outputs, &segment.outputs, &plan.outputs),
        ];
        for (ports, ids, border) in sides {
            let at_border = ports.iter().zip(ids).filter(|(_, id)| border.contains(id));
            sum += at_border.map(|(port, &id)| cycles(port, id)).sum::<u64>();
        }
    }
    sum
}
