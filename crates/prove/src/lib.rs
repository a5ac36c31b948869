//! Proves of a program, for every timing, what a run can only show for one.
//!
//! The program is free of races and deadlocks, reads nothing that was not written, and stays inside the
//! memories. It leaves every semaphore at zero, and writes every byte of its outputs once. Given the values
//! that a program's maker declares, it also proves that every reader of a value finds what its writer left
//! ([`prove_values`]).
//!
//! It reads an executable and a machine, as docs/isa.md describes them. It knows neither how the program was
//! made nor how long anything takes, and of the machine only sizes matter. Nothing in a program depends on
//! data, so that it has one path, which `walk` follows. What each instruction touches is a region (`access`,
//! `region`). Semaphores, `sync` and the depth of the queues settle the order (`order`). Every byte remembers
//! its last writer and readers (`memory`), and `provenance` compares their layers with the declaration.
//! Values are not computed.
//!
//! Start at [`prove`].

mod access;
mod bindings;
mod finding;
mod memory;
mod operands;
mod order;
mod place;
mod provenance;
mod region;
mod walk;

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Party, Port, REGISTERS, Registers, Value, WORD_BYTES};
use serde::Serialize;

pub use bindings::{Settings, settings};
pub use finding::{Finding, Other, Property, Stretch};
pub use provenance::{Provenance, ReadBytes};

use access::{Access, Accesses, Sizes};
use memory::{Conflict, Cover, Memory, Visitor};
use order::{Clock, ENGINES, Left, Number, Order, QUEUED, SemaphoreProblem, engine_index};
use place::{Place, TableUse};
use provenance::{Declaration, Reading, Stray};
use walk::{Floats, Step, Walk};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most instructions that are executed. A program that goes on is not proven.
    pub instructions: u64,
    /// Findings after which to stop.
    pub findings: usize,
    /// Whether somebody fills every memory, but not the table, before the program begins, as a test of the
    /// hardware does.
    ///
    /// Then everything may be read and overwritten.
    pub filled: bool,
    /// What scalar registers hold before cycle 0: the numbers of the program's bindings.
    pub registers: Registers,
}

impl Default for Options {
    /// A thousand million instructions, twenty findings, empty memories.
    fn default() -> Self {
        Options { instructions: 1_000_000_000, findings: 20, filled: false, registers: [0; REGISTERS] }
    }
}

/// What was proven, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Whether every [`Property`] holds.
    pub proven: bool,
    /// What does not hold, in the order of the program; at most as many as were asked for.
    pub findings: Vec<Finding>,
    /// Instructions executed, control's included.
    pub instructions: u64,
    /// Semaphores taken.
    pub waits: u64,
    /// Runs of consecutive addresses whose history was looked at.
    pub accesses: u64,
    /// What was compared with the declaration of values; nothing where none was given.
    pub provenance: Option<Provenance>,
}

/// Proves a program for a machine.
///
/// Time and memory grow with the instructions executed and the runs of addresses that they touch.
pub fn prove(executable: &Executable, machine: &Machine, options: &Options) -> Proof {
    proof(Prover::new(executable, machine, *options))
}

/// Proves a program, and the provenance of the values that its maker declares ([`Property::Provenance`]).
///
/// In every memory, whoever is declared to read a value finds what a declared writer left there, and reads
/// nothing else.
pub fn prove_values(
    executable: &Executable,
    machine: &Machine,
    values: &[Value],
    options: &Options,
) -> Proof {
    let declaration = Some(Declaration::new(executable, values));
    proof(Prover { declaration, ..Prover::new(executable, machine, *options) })
}

fn proof(mut prover: Prover<'_>) -> Proof {
    if prover.place() && prover.run() {
        prover.at_end();
    }
    let Prover { findings, walk, waits, accesses, declaration, .. } = prover;
    let (proven, provenance) = (findings.is_empty(), declaration.map(|declaration| declaration.compared()));
    Proof { proven, findings, instructions: walk.executed, waits, accesses, provenance }
}

/// The bytes of outputs: first byte, the one past the last, and the port.
type OutputBytes<'a> = (u64, u64, &'a Port);

/// The bytes of all outputs, each once: several outputs may be the same bytes.
fn output_bytes(ports: &[Port]) -> Vec<OutputBytes<'_>> {
    let end = |port: &Port| port.address.saturating_add(port.len() as u64);
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| port.address);
    let mut parts: Vec<OutputBytes<'_>> = Vec::with_capacity(ports.len());
    for port in sorted {
        let first = parts.last().map_or(port.address, |&(_, past, _)| port.address.max(past));
        if first < end(port) {
            parts.push((first, end(port), port));
        }
    }
    parts
}

/// The bytes of inputs that are outputs, too: a tensor in which the program writes rows where it lies.
fn rewritten(executable: &Executable) -> Vec<OutputBytes<'_>> {
    let is_output = |input: &&Port| {
        let same = |output: &Port| (output.address, output.len()) == (input.address, input.len());
        !input.is_empty() && executable.outputs.iter().any(same)
    };
    let range = |port: &'_ Port| (port.address, port.address.saturating_add(port.len() as u64));
    let inputs = executable.inputs.iter().filter(is_output);
    inputs.map(|port| (range(port).0, range(port).1, port)).collect()
}

/// Covers the part of `start .. end` that belongs to outputs, and returns the first byte that was covered
/// before.
fn cover_outputs<'a>(
    cover: &mut Cover,
    outputs: &[OutputBytes<'a>],
    start: u64,
    end: u64,
) -> Option<(u64, &'a Port)> {
    let mut twice = None;
    for &(first, past, port) in outputs {
        let (first, past) = (start.max(first), end.min(past));
        if first < past {
            let again = cover.cover(first, past);
            twice = twice.or_else(|| again.map(|at| (at, port)));
        }
    }
    twice
}

/// The kind of a finding: a second one of the same kind probably follows from what the first is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Cause {
    /// One engine meets another that wrote, or one that read, without an order.
    Race { engine: usize, other: usize, wrote: bool },
    /// A layer reads addresses of one memory that were never written.
    Uninitialised { memory: &'static str, layer: Option<u32> },
    /// Data are overwritten.
    Data,
    /// An output, by its address, is written twice.
    Output(u64),
    /// A value, by its index, holds something that its writers did not leave.
    Value(usize),
    /// A party reads addresses of one memory that it is not declared to read.
    Undeclared { memory: &'static str, reader: Party },
    /// Somebody reads what an instruction, by its index, wrote, and was to find something else.
    Stray(u64),
}

/// A reader: a party and, unless it is the host, the instruction and which of its operands.
#[derive(Debug, Clone, Copy)]
struct Reader {
    party: Party,
    instruction: Option<(u64, &'static str)>,
}

struct Prover<'a> {
    executable: &'a Executable,
    machine: &'a Machine,
    options: Options,
    sizes: Sizes,
    walk: Walk<'a>,
    order: Order,
    memories: [Memory; Place::COUNT],
    outputs: Cover,
    output_bytes: Vec<OutputBytes<'a>>,
    /// What was written of inputs that are outputs, too, and where those lie.
    rewritten: Cover,
    rewritten_bytes: Vec<OutputBytes<'a>>,
    declaration: Option<Declaration<'a>>,
    /// By engine, the index of each of its instructions; number n is at n - 1.
    history: [Vec<u64>; ENGINES],
    has_table: bool,
    findings: Vec<Finding>,
    /// By kind, the place among `findings` of the first finding of it.
    causes: HashMap<Cause, usize>,
    waits: u64,
    accesses: u64,
}

impl<'a> Prover<'a> {
    fn new(executable: &'a Executable, machine: &'a Machine, options: Options) -> Self {
        Prover {
            executable,
            machine,
            options,
            sizes: Sizes::new(machine, Walk::code(executable)),
            walk: Walk::new(executable, Floats::of(machine), &options.registers),
            order: Order::new(machine.core.queue_entries as usize),
            memories: Default::default(),
            outputs: Cover::default(),
            output_bytes: output_bytes(&executable.outputs),
            rewritten: Cover::default(),
            rewritten_bytes: rewritten(executable),
            declaration: None,
            history: Default::default(),
            has_table: false,
            findings: Vec::new(),
            causes: HashMap::new(),
            waits: 0,
            accesses: 0,
        }
    }

    /// Places what the executable and the host put in DRAM, and returns whether it fits the machine.
    fn place(&mut self) -> bool {
        let (key, machine) = (&self.executable.machine, self.machine);
        let exact =
            [("rows", key.rows, machine.matrix.rows), ("columns", key.columns, machine.matrix.columns)];
        let core = &machine.core;
        let at_least = [
            ("nram_bytes", key.nram_bytes, core.nram_bytes),
            ("wram_bytes", key.wram_bytes, core.wram_bytes),
            ("aram_bytes", key.aram_bytes, core.aram_bytes),
            ("pram_bytes", key.pram_bytes, core.pram_bytes),
            ("dram_bytes", key.dram_bytes, machine.dram.bytes),
        ];
        let mut problems = Vec::new();
        for (name, wanted, found) in exact {
            if wanted != 0 && wanted != found {
                problems.push(format!("{name}: the program was made for {wanted}, the machine has {found}"));
            }
        }
        for (name, wanted, found) in at_least {
            if wanted > found {
                problems.push(format!("{name}: the program needs {wanted}, the machine has {found}"));
            }
        }
        if self.options.filled {
            for (place, memory) in self.memories.iter_mut().enumerate() {
                memory.place(0, self.sizes.memory(place), Party::Host);
            }
        }
        let executable = self.executable;
        let code_bytes = executable.code.len() * WORD_BYTES;
        let code = [(Party::Executable, "code", executable.code_base, code_bytes)];
        let block = |s: &'a ediacara_isa::Data| (Party::Executable, "data", s.address, s.bytes.len());
        let input = |port: &'a Port| (Party::Host, "input", port.address, port.len());
        let blocks = executable.data.iter().map(block);
        let inputs = executable.inputs.iter().map(input);
        for (party, what, address, length) in code.into_iter().chain(blocks).chain(inputs) {
            let end = address.saturating_add(length as u64);
            if end > machine.dram.bytes {
                problems.push(format!("the {what} at {address:#x} ends beyond DRAM, at {end:#x}"));
            } else if length > 0 {
                self.memories[Place::Dram as usize].place(address, end, party);
                // An output may be an input under another name.
                cover_outputs(&mut self.outputs, &self.output_bytes, address, end);
            }
        }
        let fits = problems.is_empty();
        self.findings.extend(problems.into_iter().map(|text| Finding::general(Property::Machine, text)));
        fits
    }

    /// Runs the program, and returns whether it came to its end.
    fn run(&mut self) -> bool {
        loop {
            if self.findings.len() >= self.options.findings {
                return false;
            }
            let step = match self.walk.next(self.options.instructions) {
                Ok(step) => step,
                Err(refused) => {
                    self.find(refused.property, self.walk.index(), refused.detail);
                    return false;
                }
            };
            let index = self.walk.index();
            match step {
                Step::Issue(engine, instruction) => {
                    let resolved = access::accesses(&instruction.operation, &self.walk.state, &self.sizes);
                    let accesses = match resolved {
                        Ok(accesses) => accesses,
                        Err(refused) => {
                            self.find(refused.property, index, refused.detail);
                            return false;
                        }
                    };
                    let Some(engine) = engine_index(engine) else { return false };
                    if !self.order.has_room(engine) {
                        return self.deadlock();
                    }
                    self.order.issue(engine, index, (instruction.wait, instruction.post), accesses);
                }
                Step::Signal(mask) => {
                    let problem = self.order.signal(mask, index);
                    self.semaphore_problem(problem, index);
                }
                Step::Sync | Step::Halt => {
                    if !self.order.is_idle() {
                        return self.deadlock();
                    }
                    self.order.sync();
                }
            }
            let ended = matches!(step, Step::Halt);
            self.start_all();
            self.walk.pass();
            if ended {
                return true;
            }
        }
    }

    /// Starts and commits every instruction that can.
    fn start_all(&mut self) {
        while let Some((engine, queued, mut clock, problem)) = self.order.start() {
            self.semaphore_problem(problem, queued.index);
            self.history[engine].push(queued.index);
            self.waits += u64::from(queued.wait.count_ones());
            self.check(engine, queued.index, &queued.accesses, &mut clock);
            let problem = self.order.commit(engine, &queued, &clock);
            self.semaphore_problem(problem, queued.index);
        }
    }

    /// Checks and remembers all that an instruction touches.
    ///
    /// If an order is missing, it is added to what the instruction knows, so that what follows from it is not
    /// reported again.
    fn check(&mut self, engine: usize, index: u64, accesses: &Accesses, clock: &mut Clock) {
        if let Some(overlap) = &accesses.overlap {
            self.find(Property::Race, index, overlap.clone());
        }
        match accesses.table {
            Some(TableUse::Fill) => self.has_table = true,
            Some(TableUse::Read) if !self.has_table => {
                self.find(Property::Uninitialised, index, "a: the table was never filled".to_owned());
            }
            _ => {}
        }
        let party = Declaration::party(self.executable, index);
        for access in &accesses.reads {
            self.check_read(access, index, (engine, party), clock);
        }
        for access in &accesses.writes {
            if access.place == Place::Dram {
                self.check_store(access, index);
            }
            let memory = &mut self.memories[access.place as usize];
            let (mut conflict, mut runs) = (None, 0);
            let visitor = Visitor { engine, clock: &*clock, party };
            access.region.runs(|start, end| {
                runs += 1;
                let found = memory.write(start, end, visitor);
                conflict = conflict.or(found.map(|found| (found, (start, end))));
            });
            self.accesses += runs;
            self.conflict(conflict, access, engine, index, clock);
        }
    }

    fn check_read(
        &mut self,
        access: &Access,
        index: u64,
        (engine, party): (usize, Party),
        clock: &mut Clock,
    ) {
        let memory = &mut self.memories[access.place as usize];
        let declaration = self.declaration.as_mut();
        let mut reading = declaration.map(|known| known.reading(party, access.place, access.region.span()));
        let (mut conflict, mut runs) = (None, 0);
        let visitor = Visitor { engine, clock: &*clock, party };
        access.region.runs(|start, end| {
            runs += 1;
            let found = memory.read(start, end, visitor, |from, to, writer| {
                if let Some(reading) = &mut reading {
                    reading.found((start, end), (from, to), writer);
                }
            });
            conflict = conflict.or(found.map(|found| (found, (start, end))));
        });
        let strays = reading.map_or_else(Vec::new, Reading::strays);
        self.accesses += runs;
        self.conflict(conflict, access, engine, index, clock);
        self.strays(Reader { party, instruction: Some((index, access.operand)) }, access.place, strays);
    }

    /// Takes down what a read found that was not meant.
    ///
    /// A stray in the same value, or written by the same instruction, is counted where that was first found,
    /// once for each read.
    fn strays(&mut self, reader: Reader, place: Place, strays: Vec<Stray>) {
        let mut counted = Vec::new();
        for stray in strays {
            let unit = place.unit();
            let cause = match stray.value {
                Some(value) => Cause::Value(value),
                None => Cause::Undeclared { memory: unit, reader: reader.party },
            };
            let mut causes = vec![cause];
            let mut first = self.causes.get(&cause).copied();
            let mut other = None;
            if first.is_none() {
                let wrote = self.memories[place as usize].writer(stray.addresses.0);
                other = wrote.map(|(engine, number, there)| self.other(engine, number, stretch(unit, there)));
                causes.extend(other.as_ref().map(|other| Cause::Stray(other.instruction)));
                first = causes.last().and_then(|cause| self.causes.get(cause)).copied();
            }
            if let Some(first) = first {
                // Whatever else is wrong in the value is of the same kind from now on.
                if let Cause::Value(_) = cause {
                    self.causes.insert(cause, first);
                }
                if !counted.contains(&first) {
                    counted.push(first);
                    self.findings[first].more += 1;
                }
            } else if self.findings.len() < self.options.findings {
                counted.push(self.findings.len());
                let finding = self.stray(reader, place, &stray, other);
                self.causes.extend(causes.into_iter().map(|cause| (cause, self.findings.len())));
                self.findings.push(finding);
            }
        }
    }

    fn stray(&self, reader: Reader, place: Place, stray: &Stray, other: Option<Other>) -> Finding {
        let declaration = self.declaration.as_ref();
        let detail = declaration.map(|known| known.tell(reader.party, place, stray, other.as_ref()));
        let detail = detail.unwrap_or_default();
        let touched = Some(stretch(place.unit(), stray.run));
        let finding = match reader.instruction {
            Some((index, operand)) => {
                self.finding(Property::Provenance, index, format!("{operand}: {detail}"), touched)
            }
            None => Finding { stretch: touched, ..Finding::general(Property::Provenance, detail) },
        };
        Finding { other, ..finding }
    }

    /// Checks what a store may overwrite, and that it writes outputs once.
    fn check_store(&mut self, access: &Access, index: u64) {
        let dram = &self.memories[Place::Dram as usize];
        let bytes = &self.output_bytes;
        let (mut data, mut twice) = (None, None);
        let outputs = &mut self.outputs;
        access.region.runs(|start, end| {
            let is_inside = |&&(first, past, _): &&OutputBytes<'_>| first <= start && end <= past;
            if self.rewritten_bytes.iter().any(|bytes| is_inside(&bytes)) {
                let again = cover_outputs(&mut self.rewritten, &self.rewritten_bytes, start, end);
                twice = twice.or(again.map(|found| (found, (start, end))));
                return;
            }
            if !self.options.filled {
                data = data.or_else(|| dram.placed(start, end).map(|at| (at, (start, end))));
            }
            twice = twice.or(cover_outputs(outputs, bytes, start, end).map(|found| (found, (start, end))));
        });
        let unit = Place::Dram.unit();
        if let Some((at, run)) = data {
            let holder = self.executable.named_byte(at).map(|(name, _)| format!(", `{name}`"));
            let holder = holder.unwrap_or_default();
            let detail =
                format!("destination: DRAM byte {at:#x} holds data of the executable or an input{holder}");
            let finding = self.finding(Property::Data, index, detail, Some(stretch(unit, run)));
            self.report(Cause::Data, finding);
        }
        if let Some(((at, port), run)) = twice {
            let first = self.memories[Place::Dram as usize].writer(at);
            let first = first.map(|(engine, number, there)| self.other(engine, number, stretch(unit, there)));
            let by = first.as_ref().map_or_else(String::new, |first| format!(" by {first}, and again here"));
            let offset = at - port.address;
            let detail = format!("destination: byte {offset} of output `{}` is written twice{by}", port.name);
            let mut finding = self.finding(Property::Output, index, detail, Some(stretch(unit, run)));
            finding.other = first;
            self.report(Cause::Output(port.address), finding);
        }
    }

    fn conflict(
        &mut self,
        conflict: Option<(Conflict, (u64, u64))>,
        access: &Access,
        engine: usize,
        index: u64,
        clock: &mut Clock,
    ) {
        let (operand, unit) = (access.operand, access.place.unit());
        match conflict {
            None => {}
            Some((Conflict::Unwritten(at), run)) => {
                let named = (access.place == Place::Dram).then(|| self.executable.named_byte(at)).flatten();
                let named = named.map_or_else(String::new, |(name, _)| format!(" (`{name}`)"));
                let detail = format!("{operand}: {unit} {at:#x}{named} was never written");
                let finding = self.finding(Property::Uninitialised, index, detail, Some(stretch(unit, run)));
                let layer = self.executable.place(index as usize).layer.map(|(number, _)| number);
                self.report(Cause::Uninitialised { memory: unit, layer }, finding);
            }
            Some((Conflict::Race { at, engine: other, number, wrote, there }, run)) => {
                let party = self.other(other, number, stretch(unit, there));
                let detail = format!(
                    "{operand}: {unit} {at:#x} is also {} by {party} of the {} engine, without an order between the two",
                    if wrote { "written" } else { "read" },
                    QUEUED[other]
                );
                let mut finding = self.finding(Property::Race, index, detail, Some(stretch(unit, run)));
                finding.other = Some(party);
                self.report(Cause::Race { engine, other, wrote }, finding);
                self.order.assume(engine, other, number);
                clock[other] = clock[other].max(number);
            }
        }
    }

    /// Another engine's instruction of some number.
    fn other(&self, engine: usize, number: Number, stretch: Stretch) -> Other {
        let index = self.history[engine].get(number as usize - 1).copied().unwrap_or_default();
        Other::at(&self.executable.place(index as usize), Some(stretch))
    }

    fn semaphore_problem(&mut self, problem: Option<SemaphoreProblem>, index: u64) {
        match problem {
            None => {}
            Some(SemaphoreProblem::Overflow(detail)) => self.find(Property::SemaphoreOverflow, index, detail),
            Some(SemaphoreProblem::Pairing(detail)) => self.find(Property::SemaphorePairing, index, detail),
        }
    }

    fn deadlock(&mut self) -> bool {
        let waiting = self.order.waiting();
        if let Some(first) = waiting.iter().map(|(_, index, _)| *index).min() {
            let control = self.executable.place(self.walk.index() as usize);
            let head = |(engine, index, missing): &(_, u64, Vec<usize>)| {
                let missing: Vec<String> = missing.iter().map(usize::to_string).collect();
                let place = self.executable.place(*index as usize);
                format!("the {engine} engine at {place} for semaphore {}", missing.join(", "))
            };
            let waiting: Vec<String> = waiting.iter().map(head).collect();
            let detail = format!("control waits at {control}, and nothing can start: {}", waiting.join("; "));
            self.find(Property::Deadlock, first, detail);
        }
        false
    }

    /// Checks what must hold when a program has ended.
    fn at_end(&mut self) {
        let left: Vec<Left> = self.order.left().collect();
        for Left { semaphore, posts, takes, posters } in left {
            const SHOWN: usize = 5;
            let named = posters.iter().take(SHOWN);
            let mut named: Vec<String> =
                named.map(|&index| self.executable.place(index as usize).to_string()).collect();
            if posters.len() > SHOWN {
                named.push(format!("{} more", posters.len() - SHOWN));
            }
            let detail = format!(
                "semaphore {semaphore} is posted {posts} times and taken {takes} times; at the end these posts are left: {}",
                named.join(", ")
            );
            let place = self.executable.place(posters.first().copied().unwrap_or_default() as usize);
            self.findings.push(Finding::at(&place, Property::SemaphoreBalance, detail));
        }
        for port in self.executable.outputs.iter().filter(|port| !port.is_empty()) {
            if let Some(at) = self.outputs.gap(port.address, port.address.saturating_add(port.len() as u64)) {
                let offset = at - port.address;
                let detail = format!("byte {offset} of output `{}` is never written", port.name);
                self.findings.push(Finding::general(Property::Output, detail));
            }
        }
        self.check_host_reads();
    }

    /// Checks the host's reads of the outputs when the program has ended.
    fn check_host_reads(&mut self) {
        let reader = Reader { party: Party::Host, instruction: None };
        for port in &self.executable.outputs {
            let Some(declaration) = &mut self.declaration else { return };
            let run = (port.address, port.address.saturating_add(port.len() as u64));
            let mut reading = declaration.reading(reader.party, Place::Dram, run);
            self.memories[Place::Dram as usize].writers(run.0, run.1, |from, to, writer| {
                reading.found(run, (from, to), writer);
            });
            let strays = reading.strays();
            self.strays(reader, Place::Dram, strays);
        }
        let compared = self.declaration.as_ref().map(Declaration::compared);
        let issued = self.history.iter().any(|engine| !engine.is_empty());
        if issued && compared.is_some_and(|compared| compared.reads == 0) {
            let detail = "nothing that the program reads could be compared with the declared values";
            self.findings.push(Finding::general(Property::Provenance, detail.to_owned()));
        }
    }

    fn finding(&self, property: Property, index: u64, detail: String, stretch: Option<Stretch>) -> Finding {
        Finding { stretch, ..Finding::at(&self.executable.place(index as usize), property, detail) }
    }

    fn find(&mut self, property: Property, index: u64, detail: String) {
        if self.findings.len() < self.options.findings {
            self.findings.push(self.finding(property, index, detail, None));
        }
    }

    /// Takes down a finding, or counts it where there is one of its kind.
    fn report(&mut self, cause: Cause, finding: Finding) {
        if let Some(first) = self.causes.get(&cause).and_then(|&first| self.findings.get_mut(first)) {
            first.more += 1;
        } else if self.findings.len() < self.options.findings {
            self.causes.insert(cause, self.findings.len());
            self.findings.push(finding);
        }
    }
}

/// A run of addresses, given as the first and the one past the last.
fn stretch(unit: &'static str, (start, end): (u64, u64)) -> Stretch {
    Stretch { unit, first: start, last: end.saturating_sub(1) }
}
