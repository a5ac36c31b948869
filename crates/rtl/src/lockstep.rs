//! Simulator and hardware side by side.
//!
//! Events are compared as they come, so that the memory of a comparison does not grow with the program. The
//! memories of both are compared at the end.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Memory};
use ediacara_sim::{Event, FaultKind, Options, Outcome, Simulator};

use crate::core::{Initial, RunOptions, Running};
use crate::protocol::{Chunk, End, ON_CHIP, PAGE_BYTES};
use crate::side::{Simulated, line, simulate};
use crate::{Core, Difference, Divergence, RtlError};

/// Events shown before a difference, and from it on.
const SHOWN: usize = 6;

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct LockstepOptions {
    /// Give up after this many cycles. What a program has done by then is compared, but not what it left.
    pub max_cycles: Option<u64>,
    /// Write the hardware's waveforms (VCD) there; the core must be built for it.
    pub wave: Option<PathBuf>,
    /// What registers hold if reset leaves them alone: zeros for 0, otherwise seeded noise. With noise, a
    /// program that reads its table before it loads one has no defined result.
    pub seed: u64,
}

/// What both agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// What the simulator says, and so the hardware.
    pub outcome: Outcome,
    /// Events compared.
    pub events: u64,
    /// Bytes of memory compared, on chip and of DRAM.
    pub bytes: u64,
    /// Wall time of the simulator alone.
    pub simulator_time: Duration,
    /// Wall time of the hardware's simulation.
    pub hardware_time: Duration,
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Same cycles, same fault, same events, same memories.
    Equal(Box<Agreement>),
    /// Where they first part.
    Diverged(Box<Divergence>),
}

/// Runs a program on both and compares cycles, fault, every event, and all memories.
///
/// `progress` is told a cycle now and then.
///
/// Equality is promised for programs without races only (docs/microarchitecture.md).
///
/// # Errors
/// What keeps either from running. A difference is no error.
pub fn lockstep(
    core: &mut Core,
    machine: &Machine,
    executable: &Executable,
    initial: &Initial,
    options: &LockstepOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Verdict, RtlError> {
    let mut simulator = simulator(machine, executable, initial, options)?;
    let run_options =
        RunOptions { max_cycles: options.max_cycles, wave: options.wave.clone(), seed: options.seed };
    let start = Instant::now();
    let mut running = core.start(machine, executable, initial, &run_options)?;
    let (sender, receiver) = line();
    let compared = std::thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender;
            simulate(&mut simulator, &sender);
        });
        // Dropping the simulator's events ends its thread.
        Events { executable, simulated: Simulated::new(receiver), before: VecDeque::new(), count: 0 }
            .compare(&mut running, progress)
    })?;
    let hardware_time = start.elapsed();
    let (outcome, simulator_time, events) = match compared {
        Ok(agreed) => agreed,
        Err(divergence) => return Ok(Verdict::Diverged(divergence)),
    };
    let bytes = match left_behind(&mut running, &simulator, machine, is_limit(&outcome))? {
        Ok(bytes) => bytes,
        Err(difference) => {
            let divergence = Divergence::new(executable, difference, Vec::new(), Vec::new(), Vec::new());
            return Ok(Verdict::Diverged(Box::new(divergence)));
        }
    };
    running.finish();
    Ok(Verdict::Equal(Box::new(Agreement { outcome, events, bytes, simulator_time, hardware_time })))
}

fn simulator(
    machine: &Machine,
    executable: &Executable,
    initial: &Initial,
    options: &LockstepOptions,
) -> Result<Simulator, RtlError> {
    let simulator_options =
        Options { values: true, checked: false, trace: false, max_cycles: options.max_cycles };
    let mut simulator = Simulator::new(machine, executable, simulator_options)?;
    simulator.set_registers(&initial.registers);
    for (address, bytes) in &initial.dram {
        simulator.write_dram(*address, bytes)?;
    }
    for (memory, address, bytes) in &initial.on_chip {
        simulator.write_memory(*memory, *address, bytes)?;
    }
    Ok(simulator)
}

fn is_limit(outcome: &Outcome) -> bool {
    outcome.fault.as_ref().is_some_and(|fault| fault.kind == FaultKind::CycleLimit)
}

/// The comparison of events, up to the end of both runs.
struct Events<'a> {
    executable: &'a Executable,
    simulated: Simulated,
    /// The last events that both have.
    before: VecDeque<Event>,
    count: u64,
}

type Agreed = (Outcome, Duration, u64);

impl Events<'_> {
    fn compare(
        mut self,
        running: &mut Running<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Result<Agreed, Box<Divergence>>, RtlError> {
        loop {
            match running.next()? {
                Chunk::Events(events) => {
                    for (index, event) in events.iter().enumerate() {
                        if self.simulated.peek() != Some(*event) {
                            return Ok(Err(self.part(&events[index..])));
                        }
                        self.agree(*event);
                    }
                }
                Chunk::Progress(cycle) => {
                    // Hardware that hangs sends nothing. The simulator's next event shows that it should.
                    let expected = self.simulated.peek();
                    if expected.is_some_and(|event| event.cycle < cycle) {
                        return Ok(Err(self.part(&[])));
                    }
                    if let Some((outcome, _)) = &self.simulated.end
                        && outcome.cycles < cycle
                    {
                        let difference = Difference::Cycles { simulator: outcome.cycles, hardware: cycle };
                        return Ok(Err(self.diverge(difference)));
                    }
                    progress(cycle);
                }
                Chunk::End(end) => return self.ends(&end),
                other => return Err(out_of_turn(&other)),
            }
        }
    }

    fn agree(&mut self, event: Event) {
        self.simulated.next();
        self.count += 1;
        if self.before.len() == SHOWN {
            self.before.pop_front();
        }
        self.before.push_back(event);
    }

    fn ends(mut self, end: &End) -> Result<Result<Agreed, Box<Divergence>>, RtlError> {
        if self.simulated.peek().is_some() {
            return Ok(Err(self.part(&[])));
        }
        let Some((outcome, time)) = self.simulated.end.take() else {
            return Err(RtlError::Broken {
                what: "the simulator's thread died".into(),
                messages: String::new(),
            });
        };
        // Where a run was given up there is no instruction at fault.
        let place = |kind, instruction| if kind == FaultKind::CycleLimit { 0 } else { instruction };
        let ours = outcome.fault.as_ref().map(|f| (f.kind, place(f.kind, f.instruction), f.cycle));
        if ours != end.fault {
            return Ok(Err(self.diverge(Difference::Fault { simulator: ours, hardware: end.fault })));
        }
        if outcome.cycles != end.cycles {
            let difference = Difference::Cycles { simulator: outcome.cycles, hardware: end.cycles };
            return Ok(Err(self.diverge(difference)));
        }
        Ok(Ok((*outcome, time, self.count)))
    }

    /// The divergence where the next events differ.
    fn part(mut self, hardware: &[Event]) -> Box<Divergence> {
        let simulator: Vec<_> = std::iter::from_fn(|| self.simulated.next()).take(SHOWN).collect();
        let hardware = hardware[..hardware.len().min(SHOWN)].to_vec();
        let difference =
            Difference::Event { simulator: simulator.first().copied(), hardware: hardware.first().copied() };
        let before = self.before.into();
        Box::new(Divergence::new(self.executable, difference, before, simulator, hardware))
    }

    fn diverge(self, difference: Difference) -> Box<Divergence> {
        let before = self.before.into();
        Box::new(Divergence::new(self.executable, difference, before, Vec::new(), Vec::new()))
    }
}

fn out_of_turn(chunk: &Chunk) -> RtlError {
    let what = match chunk {
        Chunk::Memory(..) | Chunk::Page(..) => "a memory before the end",
        _ => "an end without an end",
    };
    RtlError::Broken { what: what.to_owned(), messages: String::new() }
}

/// Compares what both left in their memories, and returns the number of bytes or the first difference.
///
/// It reads all of the reply in either case. It compares nothing where `is_limit`: the simulator performs an
/// instruction's writes at once, the hardware one by one.
fn left_behind(
    running: &mut Running<'_>,
    simulator: &Simulator,
    machine: &Machine,
    is_limit: bool,
) -> Result<Result<u64, Difference>, RtlError> {
    let mut bytes = 0;
    let mut first = None;
    let mut seen = BTreeSet::new();
    loop {
        let difference = match running.next()? {
            Chunk::Memory(memory, theirs) => {
                bytes += theirs.len() as u64;
                on_chip(memory, &simulator.read_on_chip(memory), &theirs)
            }
            Chunk::Page(address, mut theirs) => {
                seen.insert(address);
                theirs.truncate(machine.dram.bytes.saturating_sub(address).min(PAGE_BYTES as u64) as usize);
                bytes += theirs.len() as u64;
                compare_bytes("DRAM", address, &simulator.read_dram(address, theirs.len())?, &theirs)
            }
            Chunk::Done => break,
            other => return Err(out_of_turn(&other)),
        };
        // Memories come in their order. The pages of DRAM come in no order, and the lowest is the one to
        // show.
        first = match (first, difference) {
            (None, difference) => difference,
            (Some(old), Some(new)) if is_before(&new, &old) => Some(new),
            (old, _) => old,
        };
    }
    for (address, length) in simulator.resident_dram().filter(|(address, _)| !seen.contains(address)) {
        bytes += length as u64;
        let difference =
            compare_bytes("DRAM", address, &simulator.read_dram(address, length)?, &vec![0; length]);
        first = first.or(difference);
    }
    match first {
        _ if is_limit => Ok(Ok(0)),
        Some(difference) => Ok(Err(difference)),
        None => Ok(Ok(bytes)),
    }
}

fn is_before(new: &Difference, old: &Difference) -> bool {
    match (new, old) {
        (
            Difference::Memory { memory: "DRAM", address: new, .. },
            Difference::Memory { memory: "DRAM", address: old, .. },
        ) => new < old,
        _ => false,
    }
}

fn on_chip(memory: Memory, ours: &[u8], theirs: &[u8]) -> Option<Difference> {
    debug_assert!(ON_CHIP.contains(&memory));
    compare_bytes(memory.title(), 0, ours, theirs)
}

/// The first byte that differs; a missing byte counts as a zero.
fn compare_bytes(memory: &'static str, base: u64, ours: &[u8], theirs: &[u8]) -> Option<Difference> {
    if ours == theirs {
        return None;
    }
    let byte = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or_default();
    let length = ours.len().max(theirs.len());
    let mut differing = (0..length).filter(|at| byte(ours, *at) != byte(theirs, *at));
    let at = differing.next()?;
    Some(Difference::Memory {
        memory,
        address: base + at as u64,
        simulator: byte(ours, at),
        hardware: byte(theirs, at),
        count: 1 + differing.count() as u64,
        of: None,
    })
}
