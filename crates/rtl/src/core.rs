//! A core built for a machine, and its runs.

use std::path::{Path, PathBuf};

use ediacara_arch::{Machine, MatrixKind};
use ediacara_isa::{Executable, Memory, Port, Registers};
use ediacara_sim::{Event, FaultKind, SimError};

use crate::memories::{Memories, normalise};
use crate::process::Process;
use crate::protocol::{Chunk, End, Request};
use crate::{RtlError, Verilator, cache, machine_package, sources};

/// How to build.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The Verilator command. Without it, Verilator is looked for in the usual places.
    pub verilator: Option<PathBuf>,
    /// Where builds are kept.
    pub cache: PathBuf,
    /// A folder of SystemVerilog that replaces the one built in.
    pub sources: Option<PathBuf>,
    /// Build the (slower) variant that can write waveforms.
    pub wave: bool,
}

impl BuildOptions {
    /// The built-in hardware, without waveforms, kept in `cache`.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self { verilator: None, cache: cache.into(), sources: None, wave: false }
    }
}

/// What memories hold when a program starts, beside its own code and data.
///
/// Everything else is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Initial {
    /// Addresses and bytes.
    pub dram: Vec<(u64, Vec<u8>)>,
    /// Memories, addresses in bytes and bytes.
    pub on_chip: Vec<(Memory, u64, Vec<u8>)>,
    /// Scalar registers, which a program's bindings set.
    pub registers: Registers,
}

impl Initial {
    /// Inputs by name, as `Simulator::write_input` takes them.
    ///
    /// # Errors
    /// No such input, or another number of bytes than it has.
    pub fn inputs<'a>(
        executable: &Executable,
        inputs: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
    ) -> Result<Self, RtlError> {
        let mut initial = Self::default();
        for (name, bytes) in inputs {
            let port = port(executable, name)?;
            if port.len() != bytes.len() {
                return Err(RtlError::Simulator(SimError::PortLength {
                    name: name.to_owned(),
                    expected: port.len() as u64,
                    shape: port.shape.clone(),
                    found: bytes.len() as u64,
                }));
            }
            initial.dram.push((port.address, bytes));
        }
        Ok(initial)
    }
}

fn port<'a>(executable: &'a Executable, name: &str) -> Result<&'a Port, RtlError> {
    executable.inputs.iter().find(|port| port.name == name).ok_or_else(|| {
        let names: Vec<_> = executable.inputs.iter().map(|port| format!("`{}`", port.name)).collect();
        RtlError::Simulator(SimError::Port {
            direction: "input",
            name: name.to_owned(),
            known: names.join(", "),
        })
    })
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Give up after this many cycles.
    pub max_cycles: Option<u64>,
    /// Write waveforms (VCD) there; the core must be built for it.
    pub wave: Option<PathBuf>,
    /// What registers hold if reset leaves them alone: zeros for 0, otherwise seeded noise.
    pub seed: u64,
}

/// A fault as the hardware reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtlFault {
    /// What kind; `CycleLimit` where the run was given up.
    pub kind: FaultKind,
    /// Index of the instruction at fault; 0 at the limit.
    pub instruction: u64,
    /// When it was found.
    pub cycle: u64,
}

/// What a run of the hardware ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtlOutcome {
    /// Cycles from the start to the end, both included.
    pub cycles: u64,
    /// Why the program did not reach its `halt`, if it did not.
    pub fault: Option<RtlFault>,
    /// All events, in the simulator's order.
    pub events: Vec<Event>,
    /// What the memories hold.
    pub memories: Memories,
}

/// The hardware of a core, ready to run.
pub struct Core {
    harness: PathBuf,
    package: String,
    process: Option<Process>,
}

impl Core {
    /// Builds the core for a machine, or takes it from the cache.
    ///
    /// Machines that differ only in clock, name and pace of the DRAM have the same core.
    ///
    /// # Errors
    /// The machine is not valid, there is no Verilator, the hardware does not compile, the cache cannot be
    /// written.
    pub fn build(machine: &Machine, options: &BuildOptions) -> Result<Core, RtlError> {
        Self::build_observed(machine, options, &mut || ())
    }

    /// [`Core::build`], which calls `building` first if the core is not in the cache.
    ///
    /// # Errors
    /// As [`Core::build`].
    pub fn build_observed(
        machine: &Machine,
        options: &BuildOptions,
        building: &mut dyn FnMut(),
    ) -> Result<Core, RtlError> {
        machine.validate().map_err(|error| RtlError::Machine(error.to_string()))?;
        if machine.matrix.kind != MatrixKind::Dot {
            let (machine, kind) = (machine.name.clone(), machine.matrix.kind.name());
            return Err(RtlError::NoHardware { machine, kind });
        }
        let verilator = Verilator::find(options.verilator.as_deref())?;
        let package = machine_package(machine);
        let sources = sources::sources(package.clone(), options.sources.as_deref())?;
        let harness = cache::harness(&verilator, &sources, options.wave, &options.cache, building)?;
        Ok(Core { harness, package, process: None })
    }

    /// Runs an executable to its end and collects everything.
    ///
    /// For long programs [`crate::lockstep()`] needs less memory.
    ///
    /// # Errors
    /// The machine has another shape than the core was built for; the harness broke off.
    pub fn run(
        &mut self,
        machine: &Machine,
        executable: &Executable,
        initial: &Initial,
        options: &RunOptions,
    ) -> Result<RtlOutcome, RtlError> {
        let mut running = self.start(machine, executable, initial, options)?;
        let mut outcome =
            RtlOutcome { cycles: 0, fault: None, events: Vec::new(), memories: Memories::default() };
        loop {
            match running.next()? {
                Chunk::Events(mut events) => outcome.events.append(&mut events),
                Chunk::Progress(_) => {}
                Chunk::End(End { cycles, fault }) => {
                    outcome.cycles = cycles;
                    outcome.fault =
                        fault.map(|(kind, instruction, cycle)| RtlFault { kind, instruction, cycle });
                }
                Chunk::Memory(memory, bytes) => outcome.memories.put_on_chip(memory, bytes),
                Chunk::Page(address, bytes) => outcome.memories.put_page(address, bytes),
                Chunk::Done => break,
            }
        }
        running.finish();
        Ok(outcome)
    }

    /// Sends the program to the harness, and returns what reads the reply.
    pub(crate) fn start<'a>(
        &'a mut self,
        machine: &'a Machine,
        executable: &Executable,
        initial: &Initial,
        options: &RunOptions,
    ) -> Result<Running<'a>, RtlError> {
        if machine_package(machine) != self.package {
            return Err(RtlError::OtherShape { machine: machine.name.clone() });
        }
        // A waveform file belongs to one run, and so does a process that writes one.
        let process = match (self.process.take(), &options.wave) {
            (Some(process), None) => process,
            _ => Process::start(&self.harness, options.wave.as_deref())?,
        };
        let mut running = Running { home: &mut self.process, process, machine, keep: options.wave.is_none() };
        running.process.send(&request(machine, executable, initial, options))?;
        Ok(running)
    }

    /// The simulated hardware, a program that speaks the protocol of `rtl/sim/harness.cpp`.
    pub fn harness(&self) -> &Path {
        &self.harness
    }
}

fn request<'a>(
    machine: &Machine,
    executable: &'a Executable,
    initial: &'a Initial,
    options: &RunOptions,
) -> Request<'a> {
    let mut regions = vec![(Memory::Dram, executable.code_base, executable.code.as_flattened())];
    regions.extend(executable.data.iter().map(|block| (Memory::Dram, block.address, &block.bytes[..])));
    regions.extend(initial.dram.iter().map(|(address, bytes)| (Memory::Dram, *address, &bytes[..])));
    regions.extend(initial.on_chip.iter().map(|(memory, address, bytes)| (*memory, *address, &bytes[..])));
    Request {
        latency: machine.dram.latency_cycles.into(),
        numerator: machine.dram.bytes_per_cycle.numerator.into(),
        denominator: machine.dram.bytes_per_cycle.denominator.into(),
        limit: options.max_cycles.unwrap_or(u64::MAX),
        code_base: executable.code_base,
        code_length: executable.code.len() as u64,
        events: true,
        memories: true,
        seed: options.seed,
        registers: initial.registers,
        regions,
    }
}

/// A run of the hardware under way.
///
/// Its process goes back to the core if the reply was read to its end, and is ended otherwise.
pub(crate) struct Running<'a> {
    home: &'a mut Option<Process>,
    process: Process,
    machine: &'a Machine,
    keep: bool,
}

impl Running<'_> {
    /// The next part of the reply.
    ///
    /// Nothing must be asked for after [`Chunk::Done`].
    pub(crate) fn next(&mut self) -> Result<Chunk, RtlError> {
        let mut chunk = self.process.receive()?;
        if let Chunk::Memory(memory, bytes) = &mut chunk {
            normalise(self.machine, *memory, bytes);
        }
        Ok(chunk)
    }

    /// Gives the process back, after [`Chunk::Done`].
    pub(crate) fn finish(self) {
        if self.keep {
            *self.home = Some(self.process);
        }
    }
}
