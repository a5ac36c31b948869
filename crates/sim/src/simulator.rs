//! The simulator as others see it: a machine with a program in its memory.

use ediacara_arch::Machine;
use ediacara_isa::{CoreProgram, Executable, MachineKey, Memory, Port, REGISTERS, Registers, WORD_BYTES};

use crate::checked::Checked;
use crate::chip::{Chip, REQUESTERS, Shape};
use crate::cluster::Cluster;
use crate::core::Core;
use crate::dram::FlatDram;
use crate::error::SimError;
use crate::memory::{ClusterMemories, Memories};
use crate::outcome::{Event, Outcome};
use crate::program::Program;
use crate::resolve::Limits;
use crate::values::Scratch;
use crate::watch::{Watch, Watched};

/// How to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Compute values. Without them time is the same, and memory keeps what it held.
    pub values: bool,
    /// Look for reads of what was never written and for accesses without an order.
    pub checked: bool,
    /// Record every event.
    pub trace: bool,
    /// Give up after this many cycles. Without a limit, a program that never ends runs for ever.
    pub max_cycles: Option<u64>,
}

impl Default for Options {
    /// Values, and nothing else.
    fn default() -> Self {
        Self { values: true, checked: false, trace: false, max_cycles: None }
    }
}

/// A machine with a program.
pub struct Simulator {
    shape: Shape,
    dram: ediacara_arch::Dram,
    options: Options,
    /// One a core.
    programs: Vec<Program>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// What cores share.
    cluster: ClusterMemories,
    /// What each core has.
    memories: Vec<Memories>,
    checked: Option<Checked>,
    scratch: Scratch,
    watched: Vec<Watched>,
    /// What scalar registers hold before cycle 0.
    registers: Registers,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What the memories hold would tell nobody anything.
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

impl Simulator {
    /// Puts a program for core 0, its code and its data, into the DRAM of a machine. Other cores take no part.
    ///
    /// # Errors
    /// A machine that is not valid, a program made for another machine, a code base that is no multiple of
    /// the burst, a block or port outside DRAM.
    pub fn new(machine: &Machine, executable: &Executable, options: Options) -> Result<Self, SimError> {
        Self::of(machine, &[(0, executable)], options)
    }

    /// Puts the programs of several cores into the DRAM of a machine. A core without one takes no part.
    ///
    /// The ports are those of the first program.
    ///
    /// # Errors
    /// As [`Simulator::new`], for each program; a core that the machine does not have, or one with two
    /// programs; code that meets other code.
    pub fn cluster(machine: &Machine, programs: &[CoreProgram], options: Options) -> Result<Self, SimError> {
        let programs = programs.iter().map(|program| (program.core as usize, program.executable.as_ref()));
        Self::of(machine, &programs.collect::<Vec<_>>(), options)
    }

    fn of(
        machine: &Machine,
        executables: &[(usize, &Executable)],
        options: Options,
    ) -> Result<Self, SimError> {
        machine.validate().map_err(|error| SimError::Machine(error.to_string()))?;
        let programs = programs(machine, executables)?;
        let ports = executables.first().map(|(_, executable)| executable);
        let codes = programs.iter().filter(|program| program.takes_part).map(Program::bytes).collect();
        let mut simulator = Self {
            shape: shape(machine, codes),
            dram: machine.dram.clone(),
            options,
            inputs: ports.map(|executable| executable.inputs.clone()).unwrap_or_default(),
            outputs: ports.map(|executable| executable.outputs.clone()).unwrap_or_default(),
            cluster: ClusterMemories::new(machine),
            memories: programs.iter().map(|_| Memories::new(machine)).collect(),
            programs,
            checked: options.checked.then(|| Checked::new(machine)),
            scratch: Scratch::default(),
            watched: Vec::new(),
            registers: [0; REGISTERS],
        };
        for (_, executable) in executables {
            simulator.put(executable.code_base, executable.code.as_flattened());
            for (index, block) in executable.data.iter().enumerate() {
                let (length, size) = (block.bytes.len() as u64, machine.dram.bytes);
                check_dram(|| format!("data block {index}"), block.address, length, size)?;
                simulator.write_dram(block.address, &block.bytes)?;
            }
        }
        Ok(simulator)
    }

    /// Writes DRAM from outside.
    ///
    /// # Errors
    /// A range outside DRAM, or one that meets code.
    pub fn write_dram(&mut self, address: u64, bytes: &[u8]) -> Result<(), SimError> {
        check_dram(|| "a write".into(), address, bytes.len() as u64, self.dram.bytes)?;
        let length = bytes.len() as u64;
        let mut codes = self.programs.iter().map(Program::bytes);
        if let Some(code) = codes.find(|code| address < code.end && address + length > code.start) {
            return Err(SimError::Code { address, length, start: code.start, end: code.end });
        }
        self.put(address, bytes);
        Ok(())
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        self.cluster.dram.write(address, &signed(bytes));
        if let Some(checked) = &mut self.checked {
            checked.write_memory(0, Memory::Dram, address, bytes.len());
        }
    }

    /// Reads DRAM from outside.
    ///
    /// # Errors
    /// A range outside DRAM.
    pub fn read_dram(&self, address: u64, length: usize) -> Result<Vec<u8>, SimError> {
        check_dram(|| "a read".into(), address, length as u64, self.dram.bytes)?;
        let mut bytes = vec![0; length];
        self.cluster.dram.read(address, &mut bytes);
        Ok(bytes.into_iter().map(|byte| byte as u8).collect())
    }

    /// Address and length of every stretch of DRAM that may hold something other than zeros.
    pub fn resident_dram(&self) -> impl Iterator<Item = (u64, usize)> {
        let size = self.dram.bytes;
        self.cluster
            .dram
            .resident()
            .map(move |(address, length)| (address, size.saturating_sub(address).min(length as u64) as usize))
    }

    /// Writes the input called `name`.
    ///
    /// # Errors
    /// No such input, or another number of bytes than it has.
    pub fn write_input(&mut self, name: &str, bytes: &[u8]) -> Result<(), SimError> {
        let port = find("input", &self.inputs, name)?;
        if port.len() != bytes.len() {
            return Err(SimError::PortLength {
                name: name.to_owned(),
                expected: port.len() as u64,
                shape: port.shape.clone(),
                found: bytes.len() as u64,
            });
        }
        let address = port.address;
        self.write_dram(address, bytes)
    }

    /// Reads the output called `name`.
    ///
    /// # Errors
    /// No such output.
    pub fn read_output(&self, name: &str) -> Result<Vec<u8>, SimError> {
        let port = find("output", &self.outputs, name)?;
        self.read_dram(port.address, port.len())
    }

    /// Writes a memory, of core 0 if it is a core's, from outside, for tests and debuggers.
    ///
    /// `address` and the length are in bytes, and cover whole accumulators and records.
    ///
    /// # Errors
    /// A range that does not exist or cuts an element.
    pub fn write_memory(&mut self, memory: Memory, address: u64, bytes: &[u8]) -> Result<(), SimError> {
        self.write_core(0, memory, address, bytes)
    }

    /// Writes a memory, of this core if it is a core's, as [`Simulator::write_memory`] does.
    ///
    /// # Errors
    /// A range that does not exist or cuts an element, a core that does not exist.
    pub fn write_core(
        &mut self,
        core: usize,
        memory: Memory,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), SimError> {
        if memory == Memory::Dram {
            return self.write_dram(address, bytes);
        }
        let cores = self.shape.cores;
        let memories = self.memories.get_mut(core).ok_or(SimError::Core { core, cores })?;
        let (size, element) = (memories.on_chip_bytes(memory), memory.unit_bytes());
        let length = bytes.len() as u64;
        let is_inside = address.checked_add(length).is_some_and(|end| end <= size);
        if !is_inside || !address.is_multiple_of(element) || !length.is_multiple_of(element) {
            return Err(SimError::OnChip { memory: memory.title(), address, length, size, element });
        }
        memories.write(memory, address, &signed(bytes));
        if let Some(checked) = &mut self.checked {
            checked.write_memory(core, memory, address, bytes.len());
        }
        Ok(())
    }

    /// Everything that a memory on chip, of core 0 if it is a core's, holds; nothing for DRAM, of which
    /// [`Simulator::read_dram`] reads a part.
    pub fn read_on_chip(&self, memory: Memory) -> Vec<u8> {
        self.read_core(0, memory)
    }

    /// Everything that a memory on chip, of this core if it is a core's, holds; nothing for DRAM, or where
    /// there is no such core.
    pub fn read_core(&self, core: usize, memory: Memory) -> Vec<u8> {
        self.memories.get(core).map(|memories| memories.read_on_chip(memory)).unwrap_or_default()
    }

    /// Makes the following runs keep what core 0 writes under each of `watches`, which replace those before.
    ///
    /// Cycles and values are the same with and without.
    ///
    /// # Errors
    /// Bytes that NRAM does not have.
    pub fn watch(&mut self, watches: &[Watch]) -> Result<(), SimError> {
        let size = self.memories.first().map_or(0, |memories| memories.on_chip_bytes(Memory::Nram));
        for Watch { bytes, .. } in watches {
            if bytes.start > bytes.end || bytes.end > size {
                let length = bytes.end.saturating_sub(bytes.start);
                let memory = Memory::Nram.title();
                return Err(SimError::OnChip { memory, address: bytes.start, length, size, element: 1 });
            }
        }
        self.watched = watches.iter().cloned().map(Watched::new).collect();
        Ok(())
    }

    /// For each byte of watch `index`, what the watched instructions of the last run wrote there last.
    ///
    /// A byte that they did not write is `None`. There are no bytes where there is no such watch.
    pub fn watched(&self, index: usize) -> &[Option<u8>] {
        self.watched.get(index).map_or(&[], Watched::written)
    }

    /// Makes the following runs start with these numbers in the scalar registers, modulo 2^40; register 0 stays 0.
    ///
    /// A program's bindings say which registers want a number, and of which range
    /// ([`Plan::registers`](ediacara_isa::Plan::registers)).
    pub fn set_registers(&mut self, registers: &Registers) {
        self.registers = *registers;
    }

    /// Runs the program from reset to its end.
    ///
    /// Registers (but for those that were set), configuration and semaphores start afresh. Memories keep what they hold.
    pub fn run(&mut self) -> Outcome {
        self.run_with(None)
    }

    /// Runs as [`Simulator::run`] does, and tells every event to `observer` as it happens, so that none need
    /// be kept.
    ///
    /// The run is given up, as at a limit of cycles, where `observer` returns `false`.
    pub fn run_observed(&mut self, observer: &mut dyn FnMut(Event) -> bool) -> Outcome {
        self.run_with(Some(observer))
    }

    fn run_with<'a>(&'a mut self, observer: Option<&'a mut (dyn FnMut(Event) -> bool + 'a)>) -> Outcome {
        let dram = FlatDram::new(&self.dram, REQUESTERS * self.shape.cores);
        let limit = self.options.max_cycles;
        let mut chip = Chip::new(&self.shape, &self.programs, dram, &mut self.scratch, limit);
        if let Some(checked) = &mut self.checked {
            checked.reset();
            chip.checked = Some(checked);
        }
        chip.memories = self.options.values.then_some(&mut self.cluster);
        chip.trace = self.options.trace.then(Vec::new);
        chip.observer = observer;
        let programs = self.programs.iter().zip(&mut self.memories).enumerate();
        let mut cores: Vec<Core<'_>> = programs
            .map(|(index, (program, memories))| {
                let mut core = Core::new(index, &self.shape, program);
                core.bind(&self.registers);
                core.memories = self.options.values.then_some(memories);
                core
            })
            .collect();
        self.watched.iter_mut().for_each(Watched::reset);
        if let Some(core) = cores.first_mut() {
            core.watched = &mut self.watched;
        }
        let mut cluster = Cluster { chip, cores };
        let cycles = cluster.run();
        cluster.outcome(cycles)
    }
}

/// The programs of all cores.
fn programs(machine: &Machine, executables: &[(usize, &Executable)]) -> Result<Vec<Program>, SimError> {
    let (cores, burst) = (machine.chip.cores_per_cluster as usize, u64::from(machine.dram.burst_bytes));
    let mut programs: Vec<Program> = (0..cores).map(|_| Program::default()).collect();
    for (core, executable) in executables {
        check_key(machine, &executable.machine)?;
        let base = executable.code_base;
        if !base.is_multiple_of(burst) {
            return Err(SimError::CodeBase { base, burst });
        }
        let size = machine.dram.bytes;
        check_dram(|| "the code".into(), base, (executable.code.len() * WORD_BYTES) as u64, size)?;
        for port in executable.inputs.iter().chain(&executable.outputs) {
            check_dram(|| format!("port `{}`", port.name), port.address, port.len() as u64, size)?;
        }
        let program = Program::new(machine, executable);
        let code = program.bytes();
        let meets = |other: &Program| {
            let other = other.bytes();
            code.start < other.end && other.start < code.end
        };
        if let Some(other) = programs.iter().position(meets) {
            return Err(SimError::Codes { cores: [other, *core] });
        }
        match programs.get_mut(*core).filter(|place| !place.takes_part) {
            Some(place) => *place = program,
            None => return Err(SimError::Core { core: *core, cores }),
        }
    }
    Ok(programs)
}

fn signed(bytes: &[u8]) -> Vec<i8> {
    bytes.iter().map(|&byte| byte as i8).collect()
}

fn find<'a>(direction: &'static str, ports: &'a [Port], name: &str) -> Result<&'a Port, SimError> {
    ports.iter().find(|port| port.name == name).ok_or_else(|| {
        let names: Vec<_> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        SimError::Port { direction, name: name.to_owned(), known }
    })
}

fn check_dram(what: impl FnOnce() -> String, address: u64, length: u64, size: u64) -> Result<(), SimError> {
    match address.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(SimError::Dram { what: what(), address, length, size }),
    }
}

/// Checks that the machine can run a program that was made for `key`.
///
/// A parameter of zero does not matter. Array sizes must be equal, and memories large enough.
fn check_key(machine: &Machine, key: &MachineKey) -> Result<(), SimError> {
    let mismatch = |difference| Err(SimError::Mismatch { machine: machine.name.clone(), difference });
    let equal = [
        ("matrix.rows", key.rows, machine.matrix.rows),
        ("matrix.columns", key.columns, machine.matrix.columns),
    ];
    for (field, needed, found) in equal {
        if needed != 0 && needed != found {
            return mismatch(format!("{field} is {found}, the program needs {needed}"));
        }
    }
    let least = [
        ("core.nram_bytes", key.nram_bytes, machine.core.nram_bytes),
        ("core.wram_bytes", key.wram_bytes, machine.core.wram_bytes),
        ("core.aram_bytes", key.aram_bytes, machine.core.aram_bytes),
        ("core.pram_bytes", key.pram_bytes, machine.core.pram_bytes),
        ("dram.bytes", key.dram_bytes, machine.dram.bytes),
    ];
    for (field, needed, found) in least {
        if needed > found {
            return mismatch(format!("{field} is {found}, the program needs at least {needed}"));
        }
    }
    Ok(())
}

fn shape(machine: &Machine, codes: Vec<std::ops::Range<u64>>) -> Shape {
    Shape {
        cores: machine.chip.cores_per_cluster as usize,
        limits: Limits::new(machine, codes),
        burst_shift: machine.dram.burst_bytes.trailing_zeros(),
        queue_entries: machine.core.queue_entries as usize,
        fetch_entries: machine.core.fetch_entries.into(),
        bursts_in_flight: machine.dram.bursts_in_flight as usize,
        matrix_latency: machine.matrix.latency_cycles.into(),
        vector_latency: machine.vector.latency_cycles.into(),
    }
}
