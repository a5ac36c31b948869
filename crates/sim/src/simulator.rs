//! The simulator as others see it: a machine with a program in its memory.

use ediacara_arch::Machine;
use ediacara_isa::{
    DecodeError, Engine, Executable, INSTRUCTIONS, Instruction, MachineKey, Memory, Notes, Port, REGISTERS,
    Registers, WORD_BYTES, Word, decode,
};

use crate::checked::Checked;
use crate::dram::FlatDram;
use crate::error::SimError;
use crate::memory::Memories;
use crate::outcome::{Event, LayerAccount, Outcome, Split};
use crate::resolve::Limits;
use crate::run::{LANES, Program, Run, Shape};
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
    program: Program,
    code_bytes: u64,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    memories: Memories,
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
    /// Puts the program's code and data into the DRAM of a machine.
    ///
    /// # Errors
    /// A machine that is not valid, a program made for another machine, a code base that is no multiple of
    /// the burst, a block or port outside DRAM.
    pub fn new(machine: &Machine, executable: &Executable, options: Options) -> Result<Self, SimError> {
        machine.validate().map_err(|error| SimError::Machine(error.to_string()))?;
        check_key(machine, &executable.machine)?;
        let burst = u64::from(machine.dram.burst_bytes);
        let base = executable.code_base;
        if !base.is_multiple_of(burst) {
            return Err(SimError::CodeBase { base, burst });
        }
        let code_bytes = (executable.code.len() * WORD_BYTES) as u64;
        let size = machine.dram.bytes;
        check_dram(|| "the code".into(), base, code_bytes, size)?;
        for port in executable.inputs.iter().chain(&executable.outputs) {
            check_dram(|| format!("port `{}`", port.name), port.address, port.len() as u64, size)?;
        }
        let program = Program {
            code: executable.code.iter().map(|word| decoded(word, machine)).collect(),
            base,
            names: Executable {
                source_map: executable.source_map.clone(),
                layers: executable.layers.clone(),
                notes: Notes { labels: executable.notes.labels.clone(), ..Notes::default() },
                ..Executable::default()
            },
        };
        let mut simulator = Self {
            shape: shape(machine, base..base + code_bytes),
            dram: machine.dram.clone(),
            options,
            program,
            code_bytes,
            inputs: executable.inputs.clone(),
            outputs: executable.outputs.clone(),
            memories: Memories::new(machine),
            checked: options.checked.then(|| Checked::new(machine)),
            scratch: Scratch::default(),
            watched: Vec::new(),
            registers: [0; REGISTERS],
        };
        simulator.put(base, executable.code.as_flattened());
        for (index, block) in executable.data.iter().enumerate() {
            let length = block.bytes.len() as u64;
            check_dram(|| format!("data block {index}"), block.address, length, size)?;
            simulator.write_dram(block.address, &block.bytes)?;
        }
        Ok(simulator)
    }

    /// Writes DRAM from outside.
    ///
    /// # Errors
    /// A range outside DRAM, or one that meets the code.
    pub fn write_dram(&mut self, address: u64, bytes: &[u8]) -> Result<(), SimError> {
        check_dram(|| "a write".into(), address, bytes.len() as u64, self.dram.bytes)?;
        let code = self.program.base..self.program.base + self.code_bytes;
        if address < code.end && address + bytes.len() as u64 > code.start {
            return Err(SimError::Code {
                address,
                length: bytes.len() as u64,
                start: code.start,
                end: code.end,
            });
        }
        self.put(address, bytes);
        Ok(())
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        self.memories.dram.write(address, &signed(bytes));
        if let Some(checked) = &mut self.checked {
            checked.write_memory(Memory::Dram, address, bytes.len());
        }
    }

    /// Reads DRAM from outside.
    ///
    /// # Errors
    /// A range outside DRAM.
    pub fn read_dram(&self, address: u64, length: usize) -> Result<Vec<u8>, SimError> {
        check_dram(|| "a read".into(), address, length as u64, self.dram.bytes)?;
        let mut bytes = vec![0; length];
        self.memories.dram.read(address, &mut bytes);
        Ok(bytes.into_iter().map(|byte| byte as u8).collect())
    }

    /// Address and length of every stretch of DRAM that may hold something other than zeros.
    pub fn resident_dram(&self) -> impl Iterator<Item = (u64, usize)> {
        let size = self.dram.bytes;
        self.memories
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

    /// Writes a memory from outside, for tests and debuggers.
    ///
    /// `address` and the length are in bytes, and cover whole accumulators and records.
    ///
    /// # Errors
    /// A range that does not exist or cuts an element.
    pub fn write_memory(&mut self, memory: Memory, address: u64, bytes: &[u8]) -> Result<(), SimError> {
        if memory == Memory::Dram {
            return self.write_dram(address, bytes);
        }
        let (size, element) = (self.memories.on_chip_bytes(memory), memory.unit_bytes());
        let length = bytes.len() as u64;
        let is_inside = address.checked_add(length).is_some_and(|end| end <= size);
        if !is_inside || !address.is_multiple_of(element) || !length.is_multiple_of(element) {
            return Err(SimError::OnChip { memory: memory.title(), address, length, size, element });
        }
        self.memories.write(memory, address, &signed(bytes));
        if let Some(checked) = &mut self.checked {
            checked.write_memory(memory, address, bytes.len());
        }
        Ok(())
    }

    /// Everything that a memory on chip holds; nothing for DRAM, of which [`Simulator::read_dram`] reads a
    /// part.
    pub fn read_on_chip(&self, memory: Memory) -> Vec<u8> {
        self.memories.read_on_chip(memory)
    }

    /// Makes the following runs keep what is written under each of `watches`, which replace those before.
    ///
    /// Cycles and values are the same with and without.
    ///
    /// # Errors
    /// Bytes that NRAM does not have.
    pub fn watch(&mut self, watches: &[Watch]) -> Result<(), SimError> {
        let size = self.memories.on_chip_bytes(Memory::Nram);
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
        let dram = FlatDram::new(&self.dram);
        let mut run = Run::new(&self.shape, &self.program, dram, &mut self.scratch, self.options.max_cycles);
        run.bind(&self.registers);
        run.memories = self.options.values.then_some(&mut self.memories);
        self.watched.iter_mut().for_each(Watched::reset);
        run.watched = &mut self.watched;
        if let Some(checked) = &mut self.checked {
            checked.reset();
            run.checked = Some(checked);
        }
        run.trace = self.options.trace.then(Vec::new);
        run.observer = observer;
        let cycles = run.run();
        outcome(run, cycles)
    }
}

fn outcome(mut run: Run<'_, FlatDram>, cycles: u64) -> Outcome {
    assert!(run.semaphores.is_balanced(), "semaphores were made or lost");
    let burst = 1u64 << run.shape.burst_shift;
    let engines = Engine::ALL.map(|engine| {
        let lane = LANES.iter().position(|lane| *lane == engine);
        let instructions = lane.map_or(run.instructions, |lane| run.lanes[lane].instructions);
        run.accounts.engine(engine, instructions, cycles)
    });
    run.layers.pop();
    advance(&mut run.layers, cycles, run.split);
    let [fetch, load, store] = run.traffic;
    Outcome {
        cycles,
        fault: run.fault,
        engines,
        instructions: run.instructions,
        dram_read_bytes: (fetch.bursts + load.bursts) * burst,
        dram_write_bytes: store.bursts * burst,
        traffic: run.traffic,
        layers: run.layers,
        split: run.split,
        trace: run.trace,
    }
}

/// Gives each layer the advance of the last commit, and what the machine did meanwhile.
///
/// So the layers' cycles sum to the total.
fn advance(layers: &mut [LayerAccount], cycles: u64, done: Split) {
    let (mut frontier, mut reached) = (0, Split::default());
    let count = layers.len();
    for (index, layer) in layers.iter_mut().enumerate() {
        let (own, split) = match layer.last_commit {
            _ if index + 1 == count => (cycles, done),
            Some(commit) => (commit + 1, layer.reached),
            None => (0, Split::default()),
        };
        if own <= frontier {
            continue;
        }
        layer.cycles = own - frontier;
        layer.split = split.since(&reached);
        (frontier, reached) = (own, split);
    }
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

/// An instruction of the machine: one without floating point has no float instructions, whatever their operands are.
fn decoded(word: &Word, machine: &Machine) -> Result<Instruction, DecodeError> {
    let spec = INSTRUCTIONS.iter().find(|spec| spec.opcode == word[0]);
    match spec {
        Some(spec) if !spec.is_on(machine) => decode(word).map_err(|_| DecodeError::Opcode(word[0])),
        _ => decode(word),
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

fn shape(machine: &Machine, code: std::ops::Range<u64>) -> Shape {
    Shape {
        limits: Limits::new(machine, code),
        burst_shift: machine.dram.burst_bytes.trailing_zeros(),
        queue_entries: machine.core.queue_entries as usize,
        fetch_entries: machine.core.fetch_entries.into(),
        bursts_in_flight: machine.dram.bursts_in_flight as usize,
        matrix_latency: machine.matrix.latency_cycles.into(),
        vector_latency: machine.vector.latency_cycles.into(),
    }
}
