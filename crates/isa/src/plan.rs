//! A compiled network: segments that run one after the other, on the DLP or on the host, and what passes
//! between them.
//!
//! What a host segment computes is text that this crate does not read. Nothing here runs anything.

use std::sync::Arc;

use crate::binding::registers;
use crate::{
    Binding, BindingError, ElementType, Executable, HostRest, MachineKey, Port, Registers, SelfTest,
    UnknownNote,
};

/// A compiled network.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The machine that it is for.
    pub machine: MachineKey,
    /// The tensors that pass between segments, or between the network and its user.
    pub buffers: Vec<Buffer>,
    /// The network's inputs, in its order.
    pub inputs: Vec<BufferId>,
    /// The network's outputs, in its order.
    pub outputs: Vec<BufferId>,
    /// What runs, in order.
    pub segments: Vec<Segment>,
    /// Registers that are set before a DLP segment starts.
    pub bindings: Vec<Binding>,
    /// What is known beside: none of it changes what runs.
    pub notes: PlanNotes,
}

/// A buffer, by its index in [`Plan::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(pub u32);

impl BufferId {
    /// The index in [`Plan::buffers`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tensor, as its users see it: a port of the DLP may store it in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buffer {
    /// Its name in the network.
    pub name: String,
    /// The type of its elements.
    pub element: ElementType,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
}

impl Buffer {
    /// The caller's tensor at a port.
    pub fn at(port: &Port) -> Buffer {
        Buffer { name: port.name.clone(), element: port.caller_element(), shape: port.layout.shape.clone() }
    }
}

/// What runs without a pause in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// What it reads: for the DLP a buffer for each input port of its first core's program, for the host one
    /// for each input of its graph.
    pub inputs: Vec<BufferId>,
    /// What it writes, likewise.
    pub outputs: Vec<BufferId>,
    /// What it does.
    pub work: Work,
}

/// The work of a segment.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Programs of the DLP, one for each core, by ascending core. The machine is reset before.
    Dlp(Vec<CoreProgram>),
    /// A graph that the host runs.
    Host(HostProgram),
}

/// The program of a core.
#[derive(Debug, Clone, PartialEq)]
pub struct CoreProgram {
    /// Number of the core.
    pub core: u32,
    /// The program.
    pub executable: Arc<Executable>,
}

/// A graph of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostProgram {
    /// The graph as canonical text.
    pub graph: String,
    /// The constants that the text names, by name.
    pub constants: Vec<Constant>,
}

/// A constant of a host segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// Its name in the graph's text.
    pub name: String,
    /// The type of its elements.
    pub element: ElementType,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Its bytes, little endian.
    pub bytes: Vec<u8>,
}

/// The notes of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanNotes {
    /// What the network leaves for seeded inputs.
    pub self_test: Option<SelfTest>,
    /// How much of the network the DLP runs, and why not the rest.
    pub rest: Option<HostRest>,
    /// Notes that this version does not know, as they were read.
    pub unknown: Vec<UnknownNote>,
}

impl Plan {
    /// The buffer of an id; nothing for an id of another plan.
    pub fn buffer(&self, id: BufferId) -> Option<&Buffer> {
        self.buffers.get(id.index())
    }

    /// The registers that these numbers give the bindings, by name: each binding has one.
    ///
    /// # Errors
    /// An unknown name; a binding without a number, with two, or with one outside its range.
    pub fn registers(&self, given: &[(String, u64)]) -> Result<Registers, BindingError> {
        registers(&self.bindings, given)
    }

    /// The programs of the DLP, in the order in which they run, with the segment of each.
    pub fn programs(&self) -> impl Iterator<Item = (usize, &Executable)> {
        self.segments.iter().enumerate().flat_map(|(index, segment)| {
            let programs = match &segment.work {
                Work::Dlp(programs) => programs.as_slice(),
                Work::Host(_) => &[],
            };
            programs.iter().map(move |program| (index, &*program.executable))
        })
    }
}

impl From<Executable> for Plan {
    /// The plan of a program by itself: one segment, whose ports are the network's inputs and outputs.
    fn from(mut executable: Executable) -> Plan {
        let mut buffers: Vec<Buffer> = Vec::new();
        let mut add = |ports: &[Port]| -> Vec<BufferId> {
            let first = buffers.len() as u32;
            buffers.extend(ports.iter().map(Buffer::at));
            (first..buffers.len() as u32).map(BufferId).collect()
        };
        let (inputs, outputs) = (add(&executable.inputs), add(&executable.outputs));
        let bindings = std::mem::take(&mut executable.bindings);
        let notes = PlanNotes {
            self_test: executable.notes.self_test.take(),
            rest: executable.notes.rest.take(),
            unknown: std::mem::take(&mut executable.notes.unknown),
        };
        Plan {
            machine: executable.machine.clone(),
            buffers,
            inputs: inputs.clone(),
            outputs: outputs.clone(),
            segments: vec![Segment {
                inputs,
                outputs,
                work: Work::Dlp(vec![CoreProgram { core: 0, executable: Arc::new(executable) }]),
            }],
            bindings,
            notes,
        }
    }
}
