//! One run: the state of a core, and what happens in a cycle.
//!
//! [`Run::step`] does one cycle as docs/microarchitecture.md tells it: everything is decided from the state
//! at the cycle's beginning. [`Run::next_cycle`] then says in which cycle anything can happen next.
//! [`crate::account`] charges the cycles between, in which nothing does. That is all there is to time. A
//! reference model in `tests/` that steps through every cycle must agree.

use ediacara_isa::{DecodeError, Engine, Executable, Instruction, NO_LAYER, Operation, Place};

use crate::account::Accounts;
use crate::bursts::Bursts;
use crate::checked::Checked;
use crate::control::{Next, Scalar};
use crate::dram::{DramModel, Requester, Requests};
use crate::fetch::Fetch;
use crate::lane::{Active, InFlight, Lane, NEVER};
use crate::memory::Memories;
use crate::outcome::{Event, EventKind, Fault, FaultKind, LayerAccount, Split, Traffic};
use crate::resolve::{Limits, Refusal, Resolver};
use crate::semaphores::Semaphores;
use crate::values::{self, Scratch};
use crate::watch::Watched;
use crate::work::{Entry, Work};

/// Index of a lane: load, matrix, vector, store.
pub(crate) const LOAD: usize = 0;
pub(crate) const MATRIX: usize = 1;
pub(crate) const VECTOR: usize = 2;
pub(crate) const STORE: usize = 3;
/// The lanes in the order in which waits are decided (T-SEMAPHORE).
pub(crate) const LANES: [Engine; 4] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

/// A program, decoded.
pub(crate) struct Program {
    pub(crate) code: Vec<Result<Instruction, DecodeError>>,
    pub(crate) base: u64,
    /// Layers, lines and labels: the executable without code and data.
    pub(crate) names: Executable,
}

impl Program {
    fn mnemonic(&self, instruction: u32) -> &'static str {
        match self.code.get(instruction as usize) {
            Some(Ok(instruction)) => instruction.operation.mnemonic(),
            _ => "",
        }
    }

    /// The layer of an instruction; one past the last where it has none.
    fn layer(&self, instruction: u32) -> usize {
        let none = self.names.layers.len();
        match self.names.source_map.get(instruction as usize) {
            Some(location) if location.layer != NO_LAYER => (location.layer as usize).min(none),
            _ => none,
        }
    }
}

/// Numbers of the machine that a run needs.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) limits: Limits,
    pub(crate) burst_shift: u32,
    pub(crate) queue_entries: usize,
    pub(crate) fetch_entries: u64,
    pub(crate) bursts_in_flight: usize,
    pub(crate) matrix_latency: u64,
    pub(crate) vector_latency: u64,
}

/// What control did in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Did {
    Executed,
    /// Executed `halt`.
    Halted,
    /// The FIFO was empty.
    Starved,
    /// The head's lane has a full queue.
    BlockedByQueue(usize),
    /// `sync` or `halt` waits.
    BlockedBySync,
    /// Found a fault, now or before.
    Stopped,
}

/// What was decided in a cycle and takes effect at its end.
struct Decided {
    did: Did,
    push: Option<(usize, Entry)>,
    redirect: Option<u64>,
}

/// What a cycle did, for its account.
pub(crate) struct Cycle {
    pub(crate) did: Did,
    pub(crate) granted: Option<Requester>,
    /// Lanes whose DMA presented a burst.
    pub(crate) presented: [bool; 4],
    /// Lanes that worked on something at the beginning, or started something.
    pub(crate) occupied: [bool; 4],
    /// Lanes whose head waited for a semaphore.
    pub(crate) waiting: [bool; 4],
}

/// The state of a run.
pub(crate) struct Run<'a, D> {
    pub(crate) shape: &'a Shape,
    pub(crate) program: &'a Program,
    pub(crate) memories: Option<&'a mut Memories>,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) checked: Option<&'a mut Checked>,
    /// The watches, which are told what every instruction writes.
    pub(crate) watched: &'a mut [Watched],
    pub(crate) limit: u64,
    pub(crate) dram: D,
    /// The cycle that is being or was last done.
    pub(crate) cycle: u64,
    scalar: Scalar,
    pub(crate) fetch: Fetch,
    pub(crate) semaphores: Semaphores,
    pub(crate) lanes: [Lane; 4],
    /// The instruction at the FIFO's head, if it was resolved already and waits for its queue.
    head: Option<(usize, Entry)>,
    pub(crate) fault: Option<Fault>,
    /// Posts of the cycle: masks and instructions, lanes first, then control.
    posters: [(u16, u32); 5],
    pub(crate) last_did: Did,
    pub(crate) accounts: Accounts,
    pub(crate) instructions: u64,
    pub(crate) traffic: [Traffic; 3],
    /// One account more than the program has layers, for instructions of no layer.
    pub(crate) layers: Vec<LayerAccount>,
    /// What the machine did so far.
    pub(crate) split: Split,
    /// The layers whose instructions committed in the cycle, by lane.
    pub(crate) committed: [Option<usize>; 4],
    pub(crate) trace: Option<Vec<Event>>,
    /// Told every event. The run ends after the cycle in which it returns `false`.
    pub(crate) observer: Option<&'a mut (dyn FnMut(Event) -> bool + 'a)>,
}

impl<'a, D: DramModel> Run<'a, D> {
    pub(crate) fn new(
        shape: &'a Shape,
        program: &'a Program,
        dram: D,
        scratch: &'a mut Scratch,
        limit: Option<u64>,
    ) -> Self {
        let per_burst = (1u64 << shape.burst_shift) / ediacara_isa::WORD_BYTES as u64;
        let lane = |in_flight| Lane::new(shape.queue_entries, in_flight);
        let lanes = [
            lane(shape.bursts_in_flight),
            lane(shape.matrix_latency as usize + 1),
            lane(shape.vector_latency as usize + 1),
            lane(shape.bursts_in_flight),
        ];
        Self {
            shape,
            program,
            memories: None,
            scratch,
            checked: None,
            watched: &mut [],
            limit: limit.unwrap_or(NEVER),
            dram,
            cycle: 0,
            scalar: Scalar::new(shape.limits.registers),
            fetch: Fetch::new(shape.fetch_entries, per_burst, program.code.len() as u64),
            semaphores: Semaphores::default(),
            lanes,
            head: None,
            fault: None,
            posters: [(0, 0); 5],
            last_did: Did::Starved,
            accounts: Accounts::default(),
            instructions: 0,
            traffic: [Traffic::default(); 3],
            layers: vec![LayerAccount::default(); program.names.layers.len() + 1],
            split: Split::default(),
            committed: [None; 4],
            trace: None,
            observer: None,
        }
    }

    /// Sets the scalar registers, before the first cycle.
    pub(crate) fn bind(&mut self, registers: &ediacara_isa::Registers) {
        self.scalar.bind(registers);
    }

    /// Runs to the end; returns the number of cycles.
    pub(crate) fn run(&mut self) -> u64 {
        if self.limit == 0 {
            self.reach_limit();
            return 0;
        }
        loop {
            let ended = self.step();
            if ended {
                return self.cycle + 1;
            }
            let next = self.next_cycle();
            debug_assert!(next > self.cycle, "time stands still");
            if next >= self.limit {
                self.account_idle_cycles(self.limit);
                self.reach_limit();
                return self.limit;
            }
            self.account_idle_cycles(next);
            self.cycle = next;
        }
    }

    fn reach_limit(&mut self) {
        let detail = format!("the run reached its limit of {} cycles", self.limit);
        self.raise_at(FaultKind::CycleLimit, self.scalar.pc, self.limit, detail);
    }

    /// Does one cycle; `true` if it is the program's last.
    fn step(&mut self) -> bool {
        let was_stopped = self.fault.is_some();
        let was_idle = self.lanes.iter().all(Lane::is_idle);
        let was_queued = self.lanes.iter().any(|lane| !lane.queue.is_empty());
        let mut occupied = [0, 1, 2, 3].map(|lane: usize| !self.lanes[lane].is_idle());
        let fetch = self.fetch.request().map(|burst| self.program.base + (burst << self.shape.burst_shift));
        let requests = [fetch, self.lanes[LOAD].request(self.cycle), self.lanes[STORE].request(self.cycle)];

        let decided = self.control(was_idle && !was_queued);
        let (started, waiting) = self.start_heads();
        let granted = self.grant(&requests);
        self.commit();
        self.fetch.arrive(self.cycle);
        if let Some(target) = decided.redirect {
            self.fetch.redirect(target);
        }
        self.end_semaphores();
        if let Some((lane, entry)) = decided.push {
            self.lanes[lane].queue.push_back(entry);
        }

        for (occupied, started) in occupied.iter_mut().zip(started) {
            *occupied |= started;
        }
        let presented = [requests[1].is_some(), false, false, requests[2].is_some()];
        self.account_cycle(&Cycle { did: decided.did, granted, presented, occupied, waiting });
        self.last_did = decided.did;
        if decided.did == Did::Halted || self.is_checked_fault() {
            return true;
        }
        // T-CONTROL-FAULT: this is the first cycle after the fault's at whose beginning nothing is left.
        if was_stopped && was_idle && !was_queued {
            return true;
        }
        let blocked = was_stopped || matches!(decided.did, Did::BlockedByQueue(_) | Did::BlockedBySync);
        if blocked && was_idle && was_queued && started == [false; 4] {
            self.deadlock();
            return true;
        }
        false
    }

    fn is_checked_fault(&self) -> bool {
        let kind = self.fault.as_ref().map(|fault| fault.kind);
        matches!(kind, Some(FaultKind::Race | FaultKind::Uninitialised))
    }

    /// T-CONTROL-RATE, T-CONTROL-QUEUE, T-CONTROL-SYNC. `drained`: all queues empty and all engines idle.
    fn control(&mut self, drained: bool) -> Decided {
        let nothing = |did| Decided { did, push: None, redirect: None };
        if self.fault.is_some() {
            return nothing(Did::Stopped);
        }
        let pc = self.scalar.pc;
        let program = self.program;
        let Some(code) = program.code.get(pc as usize) else {
            let detail =
                format!("instruction {pc} is outside the code segment, which has {}", program.code.len());
            self.raise(FaultKind::Fetch, pc, detail);
            return nothing(Did::Stopped);
        };
        if !self.fetch.has_instruction() {
            return nothing(Did::Starved);
        }
        let instruction = match code {
            Ok(instruction) => instruction,
            Err(error) => {
                let kind = match error {
                    DecodeError::Opcode(_) => FaultKind::Opcode,
                    DecodeError::Operand(_) => FaultKind::Operand,
                };
                self.raise(kind, pc, error.to_string());
                return nothing(Did::Stopped);
            }
        };
        let mut decided = nothing(Did::Executed);
        let mut target = None;
        match instruction.operation {
            Operation::Sync | Operation::Halt if !drained => return nothing(Did::BlockedBySync),
            Operation::Halt => decided.did = Did::Halted,
            Operation::Sync => {
                if let Some(checked) = &mut self.checked {
                    checked.sync();
                }
            }
            Operation::Signal => {
                self.posters[4] = (instruction.post, pc as u32);
                self.semaphores.post(instruction.post);
            }
            _ => match self.issue_or_execute(instruction, pc as u32) {
                Ok(Issue::Queued) => decided.push = self.head.take(),
                Ok(Issue::Blocked(lane)) => return nothing(Did::BlockedByQueue(lane)),
                Ok(Issue::Executed(branch)) => target = branch,
                Err(refusal) => {
                    self.raise(refusal.kind, pc, refusal.detail);
                    return nothing(Did::Stopped);
                }
            },
        }
        let engine = decided.push.map_or(Engine::Control, |(lane, _)| LANES[lane]);
        self.record(EventKind::Issue { engine, instruction: pc as u32 });
        self.instructions += 1;
        self.layers[program.layer(pc as u32)].instructions += 1;
        self.fetch.pop();
        if let Next::Redirect(target) = self.scalar.advance(target) {
            decided.redirect = Some(target);
        }
        decided
    }

    fn issue_or_execute(&mut self, instruction: &Instruction, pc: u32) -> Result<Issue, Refusal> {
        if self.head.is_none() {
            let operation = &instruction.operation;
            let state = &self.scalar.state;
            let resolver = Resolver { limits: &self.shape.limits, state, operation };
            match resolver.resolve()? {
                Some(work) => {
                    let clock =
                        self.checked.as_ref().map(|checked| checked.issue_clock()).unwrap_or_default();
                    let (wait, post) = (instruction.wait, instruction.post);
                    let entry = Entry { work, wait, post, instruction: pc, clock };
                    self.head = Some((lane_of(&work), entry));
                }
                None => return Ok(Issue::Executed(self.scalar.execute(operation)?)),
            }
        }
        let lane = self.head.as_ref().map_or(LOAD, |(lane, _)| *lane);
        let is_full = self.lanes[lane].queue.len() >= self.shape.queue_entries;
        Ok(if is_full { Issue::Blocked(lane) } else { Issue::Queued })
    }

    /// Does T-START for every lane, and returns which started and which have a head that waits for a
    /// semaphore.
    fn start_heads(&mut self) -> ([bool; 4], [bool; 4]) {
        let (mut started, mut waiting) = ([false; 4], [false; 4]);
        for lane in 0..4 {
            let Some(head) = self.lanes[lane].queue.front() else { continue };
            if !self.semaphores.satisfy(head.wait) {
                waiting[lane] = true;
            } else if self.is_ready(lane) {
                started[lane] = true;
                self.start(lane);
            }
        }
        (started, waiting)
    }

    /// Whether the lane's head may start in this cycle as far as the engine is concerned.
    fn is_ready(&self, index: usize) -> bool {
        let lane = &self.lanes[index];
        lane.ready <= self.cycle && (lane.is_idle() || !waits_for_commits(lane))
    }

    fn start(&mut self, index: usize) {
        let cycle = self.cycle;
        let Some(entry) = self.lanes[index].queue.pop_front() else { return };
        self.semaphores.take(entry.wait);
        let instruction = entry.instruction;
        self.record(EventKind::Start { engine: LANES[index], instruction });
        let mut clock = entry.clock;
        let ends_in_time = cycle.saturating_add(least_cycles(&entry.work)) <= self.limit;
        if let Some(checked) = &mut self.checked {
            match checked.start(LANES[index], &entry, ends_in_time) {
                Ok(known) => clock = known,
                Err(refusal) => {
                    let name = self.program.mnemonic(instruction);
                    // It ends the run although the hardware found a fault before, because what that fault
                    // leaves in the memories is no longer defined.
                    if !self.is_checked_fault() {
                        self.fault = None;
                    }
                    self.raise(refusal.kind, instruction.into(), format!("{name} {}", refusal.detail));
                }
            }
        }
        if let Some(memories) = self.memories.as_deref_mut()
            && ends_in_time
        {
            values::execute(&entry.work, memories, self.scratch);
            for watched in self.watched.iter_mut() {
                watched.take(instruction, &entry.work, &memories.nram);
            }
        }
        let layer = self.program.layer(instruction);
        let post = entry.post;
        let lane = &mut self.lanes[index];
        lane.instructions += 1;
        lane.beats_layer = layer;
        let mut pipeline = |beats: u64, latency: u64| {
            lane.ready = cycle.saturating_add(beats);
            lane.beats = (cycle, lane.ready);
            // T-COMMIT
            let commit = lane.ready.saturating_add(latency - 1);
            lane.in_flight.push_back(InFlight { commit, post, instruction, clock });
        };
        match &entry.work {
            // T-DOT
            Work::Dot(dot) => pipeline(dot.beats, self.shape.matrix_latency),
            // T-VECTOR
            Work::Vector(vector) => pipeline(vector.beats, self.shape.vector_latency),
            // T-MOVE
            Work::Move(_, beats) => {
                let commit = cycle.saturating_add(*beats).saturating_add(1);
                lane.ready = commit.saturating_add(1);
                lane.beats = (cycle + 1, cycle.saturating_add(1).saturating_add(*beats));
                lane.in_flight.push_back(InFlight { commit, post, instruction, clock });
            }
            // T-LOAD, T-STORE: a store reads NRAM for a cycle before its first request.
            Work::Load(_, rows) | Work::Store(rows) => {
                let is_load = index == LOAD;
                let (base, strides) = match is_load {
                    true => (rows.source, rows.source_strides),
                    false => (rows.destination, rows.destination_strides),
                };
                lane.ready = NEVER;
                lane.active = Some(Active {
                    bursts: Bursts::new(self.shape.burst_shift, base, rows.length, rows.counts, strides),
                    presents_from: cycle + if is_load { 1 } else { 2 },
                    moved_bytes: 0,
                    wanted_bytes: rows.count().saturating_mul(rows.length),
                    layer,
                    post,
                    instruction,
                    clock,
                });
            }
        }
    }

    /// T-DRAM-GRANT, and what a grant does to the requester.
    fn grant(&mut self, requests: &Requests) -> Option<Requester> {
        if *requests == [None; 3] {
            return None;
        }
        let grant = self.dram.grant(self.cycle, requests)?;
        let requester = grant.requester;
        let address = requests[requester as usize].unwrap_or_default();
        self.record(EventKind::Grant { requester, address });
        let traffic = &mut self.traffic[requester as usize];
        traffic.bursts += 1;
        let lane = match requester {
            Requester::Fetch => {
                traffic.payload_bytes += 1 << self.shape.burst_shift;
                self.fetch.granted(grant.completion);
                return Some(requester);
            }
            Requester::Load => &mut self.lanes[LOAD],
            Requester::Store => &mut self.lanes[STORE],
        };
        let active = lane.active.as_mut()?;
        let payload = active.bursts.payload();
        traffic.payload_bytes += payload;
        active.moved_bytes += payload;
        self.layers[active.layer].dram_bytes += 1 << self.shape.burst_shift;
        if !active.bursts.advance() {
            assert_eq!(active.moved_bytes, active.wanted_bytes, "bytes that went in did not come out");
            let (post, instruction, clock) = (active.post, active.instruction, active.clock);
            // T-LOAD, T-STORE: committed when the last burst has returned; ready while it has not.
            lane.in_flight.push_back(InFlight { commit: grant.completion, post, instruction, clock });
            lane.active = None;
            lane.ready = self.cycle + 1;
        }
        Some(requester)
    }

    /// T-COMMIT for every lane; at most one instruction of a lane commits in a cycle.
    fn commit(&mut self) {
        for (index, engine) in LANES.into_iter().enumerate() {
            let lane = &mut self.lanes[index];
            let Some(done) = lane.in_flight.pop_front_if(|front| front.commit == self.cycle) else {
                continue;
            };
            self.semaphores.post(done.post);
            self.posters[index] = (done.post, done.instruction);
            if let Some(checked) = &mut self.checked {
                checked.post(done.post, done.clock);
            }
            self.record(EventKind::Commit { engine, instruction: done.instruction });
            let layer = self.program.layer(done.instruction);
            self.layers[layer].last_commit = Some(self.cycle);
            self.committed[index] = Some(layer);
        }
    }

    /// T-SEMAPHORE: the cycle's posts, and their overflow.
    fn end_semaphores(&mut self) {
        if let (Some(checked), (post @ 1.., _)) = (&mut self.checked, self.posters[4]) {
            checked.signal(post);
        }
        if let Some(index) = self.semaphores.end_cycle() {
            let poster = self.posters.iter().find(|(mask, _)| mask >> index & 1 == 1);
            let instruction = poster.map_or(0, |(_, instruction)| *instruction);
            let detail = format!("a post raises semaphore {index} above 255");
            // A fault that control found in the same cycle belongs to a later instruction.
            self.fault.take_if(|fault| fault.cycle == self.cycle);
            self.raise(FaultKind::SemaphoreOverflow, instruction.into(), detail);
        }
        self.posters = [(0, 0); 5];
    }

    /// T-DEADLOCK
    fn deadlock(&mut self) {
        let waiting = |index: usize| {
            let head = self.lanes[index].queue.front()?;
            let missing: Vec<_> = crate::semaphores::bits(self.semaphores.missing(head.wait)).collect();
            let place = self.program.names.place(head.instruction as usize);
            let text = format!("{} waits at {place} for semaphores {missing:?}", LANES[index]);
            Some((head.instruction, text))
        };
        let heads: Vec<_> = (0..4).filter_map(waiting).collect();
        let instruction = heads.first().map_or(self.scalar.pc, |(instruction, _)| u64::from(*instruction));
        let texts: Vec<_> = heads.into_iter().map(|(_, text)| text).collect();
        let detail = format!("nothing is in flight and nothing can start: {}", texts.join("; "));
        self.raise(FaultKind::Deadlock, instruction, detail);
    }

    fn raise(&mut self, kind: FaultKind, instruction: u64, detail: String) {
        self.raise_at(kind, instruction, self.cycle, detail);
    }

    /// Keeps the first fault.
    fn raise_at(&mut self, kind: FaultKind, instruction: u64, cycle: u64, detail: String) {
        if self.fault.is_some() && kind != FaultKind::CycleLimit {
            return;
        }
        let place = self.program.names.place(instruction as usize);
        let other = match (kind, &self.checked) {
            (FaultKind::Race, Some(checked)) => checked.other().map(|other| other as usize),
            _ => None,
        };
        let other = other.map(|other| self.program.names.place(other));
        let line = (place.line != 0).then_some(place.line);
        let Place { label, layer, .. } = place;
        self.fault = Some(Fault { kind, instruction, line, label, layer, other, cycle, detail });
    }

    fn record(&mut self, kind: EventKind) {
        if let Some(trace) = &mut self.trace {
            trace.push(Event { cycle: self.cycle, kind });
        }
        if let Some(observer) = &mut self.observer
            && !observer(Event { cycle: self.cycle, kind })
        {
            self.limit = self.cycle + 1;
        }
    }

    /// The next cycle in which anything can happen.
    fn next_cycle(&self) -> u64 {
        let from = self.cycle + 1;
        let drained = self.lanes.iter().all(|lane| lane.is_idle() && lane.queue.is_empty());
        let is_blocked = match self.last_did {
            _ if self.fault.is_some() => !drained,
            _ if self.scalar.pc >= self.program.code.len() as u64 => false,
            _ if !self.fetch.has_instruction() => true,
            Did::BlockedByQueue(lane) => self.lanes[lane].queue.len() >= self.shape.queue_entries,
            Did::BlockedBySync => !drained,
            _ => false,
        };
        if !is_blocked {
            return from;
        }
        let mut next = NEVER;
        let mut can_start = false;
        for lane in &self.lanes {
            next = next.min(lane.next_commit());
            if let Some(head) = lane.queue.front()
                && self.semaphores.satisfy(head.wait)
            {
                can_start = true;
                // A head that waits for commits is looked at again after them.
                if lane.is_idle() || !waits_for_commits(lane) {
                    next = next.min(lane.ready.max(from));
                }
            }
        }
        // T-DEADLOCK is found at once. Control that starves is not blocked.
        let starved = self.fault.is_none() && !self.fetch.has_instruction();
        if !can_start && !starved && self.lanes.iter().all(Lane::is_idle) {
            return from;
        }
        if let Some(arrival) = self.fetch.next_arrival() {
            next = next.min(arrival);
        }
        next.min(self.next_grant(from))
    }

    fn next_grant(&self, from: u64) -> u64 {
        let fetch = self.fetch.would_present().then_some(from);
        let dma =
            [LOAD, STORE].map(|lane| self.lanes[lane].active.as_ref().map(|a| a.presents_from.max(from)));
        match fetch.into_iter().chain(dma.into_iter().flatten()).min() {
            Some(presented) => self.dram.next_grant(presented),
            None => NEVER,
        }
    }
}

/// What became of an instruction that control looked at.
enum Issue {
    /// The instruction in `Run::head` goes to its queue.
    Queued,
    /// The queue of this lane is full.
    Blocked(usize),
    /// Control executed it, and takes a branch to this index if there is one.
    Executed(Option<u64>),
}

fn lane_of(work: &Work) -> usize {
    match work {
        Work::Load(..) | Work::Move(..) => LOAD,
        Work::Dot(_) => 1,
        Work::Vector(_) => VECTOR,
        Work::Store(_) => STORE,
    }
}

/// T-MOVE, T-VECTOR-ORDER: whether the head starts only when all before it have committed.
fn waits_for_commits(lane: &Lane) -> bool {
    match lane.queue.front().map(|head| &head.work) {
        Some(Work::Move(..)) => true,
        Some(Work::Vector(vector)) => vector.rule.reads_nram(),
        _ => false,
    }
}

/// The fewest cycles that an instruction takes.
///
/// An instruction that cannot end before the limit is not worth computing.
fn least_cycles(work: &Work) -> u64 {
    match work {
        Work::Load(_, rows) | Work::Store(rows) => rows.count(),
        Work::Move(_, beats) => *beats,
        Work::Dot(dot) => dot.beats,
        Work::Vector(vector) => vector.beats,
    }
}
