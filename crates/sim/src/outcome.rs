//! What a run ends with.

use std::fmt;

use ediacara_isa::{Engine, Place};

use crate::dram::Requester;

/// Kinds of fault (docs/isa.md, "Faults").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The opcode is not in the table.
    Opcode,
    /// An operand has a value it may not have.
    Operand,
    /// The instruction would touch what lies outside a memory.
    Address,
    /// Control reached an index outside the code segment.
    Fetch,
    /// A post raised a counter above 255.
    SemaphoreOverflow,
    /// Nothing can go on.
    Deadlock,
    /// Checked mode: something is read that was never written.
    Uninitialised,
    /// Checked mode: an access without an order.
    Race,
    /// Not of the machine: the run reached [`crate::Options::max_cycles`].
    CycleLimit,
}

impl FaultKind {
    /// The name in docs/isa.md.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opcode => "opcode",
            Self::Operand => "operand",
            Self::Address => "address",
            Self::Fetch => "fetch",
            Self::SemaphoreOverflow => "semaphore_overflow",
            Self::Deadlock => "deadlock",
            Self::Uninitialised => "uninitialised",
            Self::Race => "race",
            Self::CycleLimit => "cycle_limit",
        }
    }
}

/// Why a program ended before its `halt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The core of the instruction, on a machine that has several.
    pub core: Option<usize>,
    /// Index of the instruction at fault. For `fetch`, the index that was reached.
    pub instruction: u64,
    /// The instruction's source line, counted from 1, where the executable knows it.
    pub line: Option<u32>,
    /// The last label before the instruction, and how many instructions it is behind that label.
    pub label: Option<(String, usize)>,
    /// Index and name of the instruction's layer, where the executable knows it.
    pub layer: Option<(u32, String)>,
    /// The other instruction of a race.
    pub other: Option<Place>,
    /// The cycle in which the fault was found.
    pub cycle: u64,
    /// Operand, value found, and range, as a sentence without its end.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, label) = (self.line.unwrap_or(0), self.label.clone());
        let place = Place { instruction: self.instruction as usize, line, label, layer: self.layer.clone() };
        write!(f, "{} fault", self.kind.name())?;
        if let Some(core) = self.core {
            write!(f, " on core {core}")?;
        }
        write!(f, " at {place}, cycle {}: {}", self.cycle, self.detail)?;
        match &self.other {
            Some(other) if other.is_known() => write!(f, "; the other is {other}"),
            _ => Ok(()),
        }
    }
}

/// What an engine did in a cycle (docs/microarchitecture.md, "Accounting").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// It worked.
    Busy,
    /// Nothing to do.
    Idle,
    /// Control: the FIFO was empty.
    Fetch,
    /// Control: the head's engine had a full queue.
    Queue,
    /// Control: `sync` or `halt` waited.
    Sync,
    /// Load, store: a burst was presented, but DRAM had no bandwidth left.
    DramBandwidth,
    /// Load, store: a burst was presented, but another requester won.
    DramContention,
    /// Load, store: nothing to present while data is outstanding, or no place in flight.
    DramLatency,
    /// The head waited for a semaphore.
    Semaphore,
    /// Matrix, vector: the pipeline drained with nothing to start.
    Latency,
}

impl Activity {
    /// How many there are.
    pub(crate) const COUNT: usize = 10;

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Fetch => "fetch",
            Self::Queue => "queue",
            Self::Sync => "sync",
            Self::DramBandwidth => "dram_bandwidth",
            Self::DramContention => "dram_contention",
            Self::DramLatency => "dram_latency",
            Self::Semaphore => "semaphore",
            Self::Latency => "latency",
        }
    }

    /// The causes for which `engine` stalls, in the order of reports.
    pub fn stalls(engine: Engine) -> &'static [Self] {
        match engine {
            Engine::Control => &[Self::Fetch, Self::Queue, Self::Sync],
            Engine::Load | Engine::Store => {
                &[Self::DramBandwidth, Self::DramContention, Self::DramLatency, Self::Semaphore]
            }
            Engine::Matrix | Engine::Vector => &[Self::Semaphore, Self::Latency],
        }
    }
}

/// Where one engine's cycles went: `busy + stalls + idle` is the run's total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAccount {
    /// Whose.
    pub engine: Engine,
    /// Instructions that it executed (control: all that were executed or issued).
    pub instructions: u64,
    /// Cycles of work.
    pub busy: u64,
    /// Cycles lost, by cause; every cause of [`Activity::stalls`], in its order.
    pub stalls: Vec<(Activity, u64)>,
    /// Cycles with nothing to do.
    pub idle: u64,
}

impl EngineAccount {
    /// Adds the same engine of another core.
    pub(crate) fn add(&mut self, other: &Self) {
        self.instructions += other.instructions;
        self.busy += other.busy;
        self.idle += other.idle;
        self.stalls.iter_mut().zip(&other.stalls).for_each(|((_, cycles), (_, more))| *cycles += more);
    }

    /// Cycles lost to `cause`, zero where the engine does not know it.
    pub fn stall(&self, cause: Activity) -> u64 {
        self.stalls.iter().find(|(found, _)| *found == cause).map_or(0, |(_, cycles)| *cycles)
    }

    /// Cycles lost to all causes.
    pub fn stall_total(&self) -> u64 {
        self.stalls.iter().map(|(_, cycles)| cycles).sum()
    }
}

/// What one layer cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerAccount {
    /// Instructions of the layer that an engine or control executed.
    pub instructions: u64,
    /// The cycle of the last commit of an engine's instruction of the layer.
    pub last_commit: Option<u64>,
    /// How far the layer's last commit lies behind those of all layers before; sums to the run's cycles.
    pub cycles: u64,
    /// Bytes of the bursts that the layer's loads and stores were granted.
    pub dram_bytes: u64,
    /// Beats of the matrix engine.
    pub matrix_busy: u64,
    /// Beats of the vector engine.
    pub vector_busy: u64,
    /// What the machine did in the layer's share of the run's cycles; sums to `cycles`.
    pub split: Split,
    /// What the core had done up to the layer's last commit.
    pub(crate) reached: Split,
}

impl LayerAccount {
    /// Adds what another core did for the layer, but for `cycles`, which are no sum.
    pub(crate) fn add(&mut self, other: &Self) {
        self.instructions += other.instructions;
        self.last_commit = self.last_commit.max(other.last_commit);
        self.dram_bytes += other.dram_bytes;
        self.matrix_busy += other.matrix_busy;
        self.vector_busy += other.vector_busy;
        self.split.add(&other.split);
    }
}

/// What a core as a whole did in a cycle: the first part that holds (docs/microarchitecture.md,
/// "Accounting").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Matrix and vector engine both had a beat.
    MatrixAndVector,
    /// The matrix engine had one, the vector engine none.
    Matrix,
    /// The vector engine had one, the matrix engine none.
    Vector,
    /// Load or store moved a burst, or could not move one yet.
    DramBandwidth,
    /// Load or store waited for data on its way.
    DramLatency,
    /// Control had no instruction.
    Fetch,
    /// None of these: a pipeline drained, or an engine heard of a semaphore.
    Handover,
}

impl Part {
    /// All parts, in the order in which they are tried.
    pub const ALL: [Part; 7] = [
        Part::MatrixAndVector,
        Part::Matrix,
        Part::Vector,
        Part::DramBandwidth,
        Part::DramLatency,
        Part::Fetch,
        Part::Handover,
    ];

    /// The name that reports use.
    pub fn name(self) -> &'static str {
        ["matrix_and_vector", "matrix", "vector", "dram_bandwidth", "dram_latency", "fetch", "handover"]
            [self as usize]
    }
}

/// Cycles by what a core as a whole did in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split([u64; Part::ALL.len()]);

impl Split {
    /// Every part with its cycles.
    pub fn parts(&self) -> impl Iterator<Item = (Part, u64)> {
        Part::ALL.into_iter().zip(self.0)
    }

    /// The cycles of a part.
    pub fn of(&self, part: Part) -> u64 {
        self.0[part as usize]
    }

    /// All cycles.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Charges cycles to a part.
    pub fn charge(&mut self, part: Part, cycles: u64) {
        self.0[part as usize] += cycles;
    }

    /// Adds what another core did.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(cycles, more)| *cycles += more);
    }

    /// What was done since an earlier moment of the same run.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] - earlier.0[index]))
    }
}

/// An event of a run, for comparison with hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub cycle: u64,
    /// On which core.
    pub core: usize,
    /// What.
    pub kind: EventKind,
}

/// Kinds of [`Event`].
///
/// `instruction` is an index into the code segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Control executed an instruction, or put it into the queue of `engine`.
    Issue {
        /// Whose instruction it is.
        engine: Engine,
        /// Which.
        instruction: u32,
    },
    /// The instruction left its queue and started.
    Start {
        /// Where.
        engine: Engine,
        /// Which.
        instruction: u32,
    },
    /// The instruction performed its last write.
    Commit {
        /// Where.
        engine: Engine,
        /// Which.
        instruction: u32,
    },
    /// A burst was granted.
    Grant {
        /// To whom.
        requester: Requester,
        /// Aligned DRAM address.
        address: u64,
    },
}

/// DRAM traffic of one requester.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bursts granted.
    pub bursts: u64,
    /// Bytes that were wanted; a burst may carry others. For fetch, whole bursts.
    pub payload_bytes: u64,
}

impl Traffic {
    /// Adds the traffic of another core.
    pub(crate) fn add(&mut self, other: &Self) {
        self.bursts += other.bursts;
        self.payload_bytes += other.payload_bytes;
    }
}

/// What one core did in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreOutcome {
    /// Control, load, matrix, vector, store.
    pub engines: [EngineAccount; 5],
    /// Instructions that control executed or issued.
    pub instructions: u64,
    /// Traffic at DRAM of fetch, load and store.
    pub traffic: [Traffic; 3],
    /// One for every layer of the core's program.
    pub layers: Vec<LayerAccount>,
    /// What the core did in the run's cycles.
    pub split: Split,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Cycles from the start to the end, both included.
    pub cycles: u64,
    /// Why the program did not reach its `halt`, if it did not.
    pub fault: Option<Fault>,
    /// Control, load, matrix, vector, store; the sums over all cores.
    pub engines: [EngineAccount; 5],
    /// Instructions that control of all cores executed or issued.
    pub instructions: u64,
    /// Bytes of all bursts of DRAM that were read: by load and by fetch.
    pub dram_read_bytes: u64,
    /// Bytes of all bursts of DRAM that were written.
    pub dram_write_bytes: u64,
    /// Traffic at DRAM of fetch, load and store, of all cores.
    pub traffic: [Traffic; 3],
    /// One for every layer of the executable. The last commit is that on any core; everything else is a sum.
    pub layers: Vec<LayerAccount>,
    /// What the cores did in `cycles`; sums to the cycles of all cores.
    pub split: Split,
    /// What each core did.
    pub cores: Vec<CoreOutcome>,
    /// Events in order of cycle, then core, if they were asked for.
    pub trace: Option<Vec<Event>>,
}

impl Outcome {
    /// The account of one engine, summed over all cores.
    pub fn engine(&self, engine: Engine) -> &EngineAccount {
        &self.engines[engine as usize]
    }
}
