//! The state of a core, and what happens to it in a cycle.
//!
//! [`Core::step`] does one cycle as docs/microarchitecture.md tells it: everything is decided from the state
//! at the cycle's beginning. [`Core::next`] then says in which cycle anything can happen next, but for a
//! grant. [`crate::account`] charges the cycles between, in which nothing does. That is all there is to time. A
//! reference model in `tests/` that steps through every cycle must agree.

use ediacara_isa::{DecodeError, Engine, Instruction, Operation};

use crate::account::Accounts;
use crate::bursts::Bursts;
use crate::chip::{Chip, REQUESTERS, Shape};
use crate::control::{Next, Scalar};
use crate::dram::{DramModel, Grant, Requester};
use crate::fetch::Fetch;
use crate::lane::{Active, InFlight, Lane, NEVER};
use crate::memory::Memories;
use crate::outcome::{EventKind, FaultKind, LayerAccount, Split, Traffic};
use crate::port::Waits;
use crate::program::Program;
use crate::resolve::{Refusal, Resolver};
use crate::semaphores::Semaphores;
use crate::values;
use crate::watch::Watched;
use crate::work::{Clock, Entry, Work};

/// Index of a lane: load, matrix, vector, store.
pub(crate) const LOAD: usize = 0;
pub(crate) const MATRIX: usize = 1;
pub(crate) const VECTOR: usize = 2;
pub(crate) const STORE: usize = 3;
/// The lanes in the order in which waits are decided (T-SEMAPHORE).
pub(crate) const LANES: [Engine; 4] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

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
    /// Which requester of the core was granted a burst of DRAM.
    pub(crate) granted: Option<Requester>,
    /// Whether a requester of any core was.
    pub(crate) any_granted: bool,
    /// Whether none was, for want of bandwidth.
    pub(crate) refused: bool,
    /// Lanes whose DMA presented a burst.
    pub(crate) presented: [bool; 4],
    /// Lanes that worked on something at the beginning, or started something.
    pub(crate) occupied: [bool; 4],
    /// Lanes whose head waited for a semaphore.
    pub(crate) waiting: [bool; 4],
}

/// How a core stands to the end of the program (T-END).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Something happens yet.
    Going,
    /// It executed `halt`, or takes no part.
    Halted,
    /// It is stuck, or drained after a fault.
    Over,
}

/// The state of a core.
pub(crate) struct Core<'a> {
    pub(crate) index: usize,
    pub(crate) shape: &'a Shape,
    pub(crate) program: &'a Program,
    pub(crate) memories: Option<&'a mut Memories>,
    /// The watches, which are told what every instruction writes.
    pub(crate) watched: &'a mut [Watched],
    /// The next cycle in which anything happens to it, but for a grant.
    pub(crate) next: u64,
    pub(crate) standing: Standing,
    scalar: Scalar,
    pub(crate) fetch: Fetch,
    pub(crate) semaphores: Semaphores,
    pub(crate) lanes: [Lane; 4],
    /// The instruction at the FIFO's head, if it was resolved already and waits for its queue.
    head: Option<(usize, Entry)>,
    /// Posts of the cycle: masks and instructions, lanes first, then control.
    posters: [(u16, u32); 5],
    pub(crate) last_did: Did,
    pub(crate) accounts: Accounts,
    /// The cycles before this one are charged.
    pub(crate) charged: u64,
    /// Waits at DRAM before that cycle.
    pub(crate) waits: Waits,
    pub(crate) instructions: u64,
    pub(crate) traffic: [Traffic; REQUESTERS],
    /// One account more than the program has layers, for instructions of no layer.
    pub(crate) layers: Vec<LayerAccount>,
    /// What the core did so far.
    pub(crate) split: Split,
    /// The layers whose instructions committed in the cycle, by lane.
    pub(crate) committed: [Option<usize>; 4],
}

impl<'a> Core<'a> {
    pub(crate) fn new(index: usize, shape: &'a Shape, program: &'a Program) -> Self {
        let per_burst = (1u64 << shape.burst_shift) / ediacara_isa::WORD_BYTES as u64;
        let lane = |in_flight| Lane::new(shape.queue_entries, in_flight);
        let lanes = [
            lane(shape.bursts_in_flight),
            lane(shape.matrix_latency as usize + 1),
            lane(shape.vector_latency as usize + 1),
            lane(shape.bursts_in_flight),
        ];
        let is_idle = !program.takes_part;
        Self {
            index,
            shape,
            program,
            memories: None,
            watched: &mut [],
            next: if is_idle { NEVER } else { 0 },
            standing: if is_idle { Standing::Halted } else { Standing::Going },
            scalar: Scalar::new(shape.limits.registers),
            fetch: Fetch::new(shape.fetch_entries, per_burst, program.code.len() as u64),
            semaphores: Semaphores::default(),
            lanes,
            head: None,
            posters: [(0, 0); 5],
            last_did: if is_idle { Did::Stopped } else { Did::Starved },
            accounts: Accounts::default(),
            charged: 0,
            waits: Waits::default(),
            instructions: 0,
            traffic: [Traffic::default(); REQUESTERS],
            layers: vec![LayerAccount::default(); program.names.layers.len() + 1],
            split: Split::default(),
            committed: [None; 4],
        }
    }

    /// Sets the scalar registers, before the first cycle.
    pub(crate) fn bind(&mut self, registers: &ediacara_isa::Registers) {
        self.scalar.bind(registers);
    }

    /// Index of the instruction that control looks at.
    pub(crate) fn instruction(&self) -> u64 {
        self.scalar.pc
    }

    /// Presents bursts from cycle `from` on, as the state at its beginning is.
    pub(crate) fn present<D: DramModel>(&mut self, chip: &mut Chip<'_, D>, from: u64) {
        let first = REQUESTERS * self.index;
        let (base, shift) = (self.program.base, self.shape.burst_shift);
        let fetch = self.fetch.request().map(|burst| (from, base + (burst << shift)));
        chip.dram.present(first + Requester::Fetch as usize, fetch);
        for (requester, lane) in [(Requester::Load, LOAD), (Requester::Store, STORE)] {
            let active = self.lanes[lane].active.as_ref();
            let request = active.map(|active| (active.presents_from.max(from), active.bursts.address()));
            chip.dram.present(first + requester as usize, request);
        }
    }

    /// Does one cycle, in which a burst of DRAM was granted to it, or to any core, or to none.
    pub(crate) fn step<D: DramModel>(
        &mut self,
        chip: &mut Chip<'_, D>,
        grant: Option<Grant>,
        any_granted: bool,
    ) {
        let cycle = chip.cycle;
        let waits = chip.dram.waits_before();
        self.account_idle_cycles(chip, cycle, waits);
        let was_stopped = chip.is_stopped(cycle);
        let was_idle = self.lanes.iter().all(Lane::is_idle);
        let was_queued = self.lanes.iter().any(|lane| !lane.queue.is_empty());
        let mut occupied = [0, 1, 2, 3].map(|lane: usize| !self.lanes[lane].is_idle());
        let presented = [0, 1, 2, 3].map(|lane: usize| self.lanes[lane].presents(cycle));

        let decided = self.control(chip, was_idle && !was_queued);
        let (started, waiting) = self.start_heads(chip);
        let granted = grant.and_then(|grant| self.grant(chip, grant));
        self.commit(chip);
        self.fetch.arrive(cycle);
        if let Some(target) = decided.redirect {
            self.fetch.redirect(target);
        }
        self.end_semaphores(chip);
        if let Some((lane, entry)) = decided.push {
            self.lanes[lane].queue.push_back(entry);
        }

        for (occupied, started) in occupied.iter_mut().zip(started) {
            *occupied |= started;
        }
        let refused = chip.dram.waits().bandwidth > waits.bandwidth;
        let did = decided.did;
        self.account_cycle(
            &Cycle { did, granted, any_granted, refused, presented, occupied, waiting },
            cycle,
        );
        self.waits = chip.dram.waits();
        self.last_did = did;
        let blocked = was_stopped || matches!(did, Did::BlockedByQueue(_) | Did::BlockedBySync);
        let is_stuck = blocked && was_idle && was_queued && started == [false; 4];
        if is_stuck {
            self.deadlock(chip);
        }
        self.standing = match did {
            _ if self.standing == Standing::Halted => Standing::Halted,
            Did::Halted => Standing::Halted,
            // T-CONTROL-FAULT: this is the first cycle after the fault's at whose beginning nothing is left.
            _ if is_stuck || was_stopped && was_idle && !was_queued => Standing::Over,
            _ => Standing::Going,
        };
        self.present(chip, cycle + 1);
        self.next = self.next_cycle(chip);
    }

    /// T-CONTROL-RATE, T-CONTROL-QUEUE, T-CONTROL-SYNC. `drained`: all queues empty and all engines idle.
    fn control<D: DramModel>(&mut self, chip: &mut Chip<'_, D>, drained: bool) -> Decided {
        let nothing = |did| Decided { did, push: None, redirect: None };
        if self.standing == Standing::Halted || chip.is_stopped(chip.cycle) {
            return nothing(Did::Stopped);
        }
        let pc = self.scalar.pc;
        let program = self.program;
        let Some(code) = program.code.get(pc as usize) else {
            let detail =
                format!("instruction {pc} is outside the code segment, which has {}", program.code.len());
            chip.raise(self.index, FaultKind::Fetch, pc, detail);
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
                chip.raise(self.index, kind, pc, error.to_string());
                return nothing(Did::Stopped);
            }
        };
        let mut decided = nothing(Did::Executed);
        let mut target = None;
        match instruction.operation {
            Operation::Sync | Operation::Halt if !drained => return nothing(Did::BlockedBySync),
            Operation::Halt => decided.did = Did::Halted,
            Operation::Sync => {
                if let Some(checked) = &mut chip.checked {
                    checked.sync(self.index);
                }
            }
            Operation::Signal => {
                self.posters[4] = (instruction.post, pc as u32);
                self.semaphores.post(instruction.post);
            }
            _ => match self.issue_or_execute(chip, instruction, pc as u32) {
                Ok(Issue::Queued) => decided.push = self.head.take(),
                Ok(Issue::Blocked(lane)) => return nothing(Did::BlockedByQueue(lane)),
                Ok(Issue::Executed(branch)) => target = branch,
                Err(refusal) => {
                    chip.raise(self.index, refusal.kind, pc, refusal.detail);
                    return nothing(Did::Stopped);
                }
            },
        }
        let engine = decided.push.as_ref().map_or(Engine::Control, |(lane, _)| LANES[*lane]);
        chip.record(self.index, EventKind::Issue { engine, instruction: pc as u32 });
        self.instructions += 1;
        self.layers[program.layer(pc as u32)].instructions += 1;
        self.fetch.pop();
        if let Next::Redirect(target) = self.scalar.advance(target) {
            decided.redirect = Some(target);
        }
        decided
    }

    fn issue_or_execute<D: DramModel>(
        &mut self,
        chip: &Chip<'_, D>,
        instruction: &Instruction,
        pc: u32,
    ) -> Result<Issue, Refusal> {
        if self.head.is_none() {
            let operation = &instruction.operation;
            let state = &self.scalar.state;
            let resolver = Resolver { limits: &self.shape.limits, state, operation };
            match resolver.resolve()? {
                Some(work) => {
                    let checked = chip.checked.as_ref();
                    let clock = checked.map(|checked| checked.issue_clock(self.index)).unwrap_or_default();
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
    fn start_heads<D: DramModel>(&mut self, chip: &mut Chip<'_, D>) -> ([bool; 4], [bool; 4]) {
        let (mut started, mut waiting) = ([false; 4], [false; 4]);
        for lane in 0..4 {
            let Some(head) = self.lanes[lane].queue.front() else { continue };
            if !self.semaphores.satisfy(head.wait) {
                waiting[lane] = true;
            } else if self.is_ready(lane, chip.cycle) {
                started[lane] = true;
                self.start(chip, lane);
            }
        }
        (started, waiting)
    }

    /// Whether the lane's head may start in this cycle as far as the engine is concerned.
    fn is_ready(&self, index: usize, cycle: u64) -> bool {
        let lane = &self.lanes[index];
        lane.ready <= cycle && (lane.is_idle() || !waits_for_commits(lane))
    }

    fn start<D: DramModel>(&mut self, chip: &mut Chip<'_, D>, index: usize) {
        let cycle = chip.cycle;
        let Some(entry) = self.lanes[index].queue.pop_front() else { return };
        self.semaphores.take(entry.wait);
        let instruction = entry.instruction;
        chip.record(self.index, EventKind::Start { engine: LANES[index], instruction });
        let ends_in_time = cycle.saturating_add(least_cycles(&entry.work)) <= chip.limit;
        let clock = self.check(chip, index, &entry, ends_in_time);
        if let (Some(memories), Some(cluster)) = (self.memories.as_deref_mut(), chip.memories.as_deref_mut())
            && ends_in_time
        {
            values::execute(&entry.work, memories, cluster, chip.scratch);
            for watched in self.watched.iter_mut() {
                watched.take(instruction, &entry.work, &memories.nram);
            }
        }
        let layer = self.program.layer(instruction);
        let post = entry.post;
        let lane = &mut self.lanes[index];
        lane.instructions += 1;
        lane.beats_layer = layer;
        let pipeline = |lane: &mut Lane, beats: u64, latency: u64, clock: Clock| {
            lane.ready = cycle.saturating_add(beats);
            lane.beats = (cycle, lane.ready);
            // T-COMMIT
            let commit = lane.ready.saturating_add(latency - 1);
            lane.in_flight.push_back(InFlight { commit, post, instruction, clock });
        };
        match &entry.work {
            // T-DOT
            Work::Dot(dot) => pipeline(lane, dot.beats, self.shape.matrix_latency, clock),
            // T-VECTOR
            Work::Vector(vector) => pipeline(lane, vector.beats, self.shape.vector_latency, clock),
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

    /// Lets checked mode look at an instruction that starts; returns what its posts will tell.
    fn check<D: DramModel>(
        &mut self,
        chip: &mut Chip<'_, D>,
        index: usize,
        entry: &Entry,
        worth_it: bool,
    ) -> Clock {
        let Some(checked) = &mut chip.checked else { return Clock::new() };
        match checked.start(self.index, LANES[index], entry, worth_it) {
            Ok(known) => known,
            Err(refusal) => {
                let name = self.program.mnemonic(entry.instruction);
                // It ends the run although the hardware found a fault before, because what that fault
                // leaves in the memories is no longer defined.
                if !chip.is_checked_fault() {
                    chip.fault = None;
                }
                let detail = format!("{name} {}", refusal.detail);
                chip.raise(self.index, refusal.kind, entry.instruction.into(), detail);
                entry.clock.clone()
            }
        }
    }

    /// What a grant of DRAM does to the requester.
    fn grant<D: DramModel>(&mut self, chip: &mut Chip<'_, D>, grant: Grant) -> Option<Requester> {
        let requester = Requester::ALL[grant.requester % REQUESTERS];
        let address = chip.dram.address(grant.requester);
        chip.record(self.index, EventKind::Grant { requester, address });
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
        let mut active = lane.active.take()?;
        let payload = active.bursts.payload();
        traffic.payload_bytes += payload;
        active.moved_bytes += payload;
        self.layers[active.layer].dram_bytes += 1 << self.shape.burst_shift;
        if active.bursts.advance() {
            lane.active = Some(active);
        } else {
            assert_eq!(active.moved_bytes, active.wanted_bytes, "bytes that went in did not come out");
            let Active { post, instruction, clock, .. } = active;
            // T-LOAD, T-STORE: committed when the last burst has returned; ready while it has not.
            lane.in_flight.push_back(InFlight { commit: grant.completion, post, instruction, clock });
            lane.ready = chip.cycle + 1;
        }
        Some(requester)
    }

    /// T-COMMIT for every lane; at most one instruction of a lane commits in a cycle.
    fn commit<D: DramModel>(&mut self, chip: &mut Chip<'_, D>) {
        for (index, engine) in LANES.into_iter().enumerate() {
            let lane = &mut self.lanes[index];
            let Some(done) = lane.in_flight.pop_front_if(|front| front.commit == chip.cycle) else {
                continue;
            };
            self.semaphores.post(done.post);
            self.posters[index] = (done.post, done.instruction);
            if let Some(checked) = &mut chip.checked {
                checked.post(self.index, done.post, &done.clock);
            }
            chip.record(self.index, EventKind::Commit { engine, instruction: done.instruction });
            let layer = self.program.layer(done.instruction);
            self.layers[layer].last_commit = Some(chip.cycle);
            self.committed[index] = Some(layer);
        }
    }

    /// T-SEMAPHORE: the cycle's posts, and their overflow.
    fn end_semaphores<D: DramModel>(&mut self, chip: &mut Chip<'_, D>) {
        if let (Some(checked), (post @ 1.., _)) = (&mut chip.checked, self.posters[4]) {
            checked.signal(self.index, post);
        }
        if let Some(index) = self.semaphores.end_cycle() {
            let poster = self.posters.iter().find(|(mask, _)| mask >> index & 1 == 1);
            let instruction = poster.map_or(0, |(_, instruction)| *instruction);
            let detail = format!("a post raises semaphore {index} above 255");
            // A fault that control found in the same cycle belongs to a later instruction.
            chip.withdraw(self.index);
            chip.raise(self.index, FaultKind::SemaphoreOverflow, instruction.into(), detail);
        }
        self.posters = [(0, 0); 5];
    }

    /// T-DEADLOCK
    fn deadlock<D: DramModel>(&mut self, chip: &mut Chip<'_, D>) {
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
        chip.raise(self.index, FaultKind::Deadlock, instruction, detail);
    }

    /// The next cycle in which anything can happen, but for a grant.
    fn next_cycle<D: DramModel>(&self, chip: &Chip<'_, D>) -> u64 {
        let from = chip.cycle + 1;
        let is_going = self.standing == Standing::Going;
        let is_stopped = chip.fault.is_some();
        let drained = self.lanes.iter().all(|lane| lane.is_idle() && lane.queue.is_empty());
        let is_blocked = match self.last_did {
            _ if !is_going => true,
            _ if is_stopped => !drained,
            _ if self.scalar.pc >= self.program.code.len() as u64 => false,
            _ if !self.fetch.has_instruction() => true,
            Did::BlockedByQueue(lane) => self.lanes[lane].queue.len() >= self.shape.queue_entries,
            Did::BlockedBySync => !drained,
            _ => false,
        };
        if !is_blocked {
            return from;
        }
        let mut next = self.next_account(from);
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
        let starved = !is_stopped && !self.fetch.has_instruction();
        if is_going && !can_start && !starved && self.lanes.iter().all(Lane::is_idle) {
            return from;
        }
        next.min(self.fetch.next_arrival().unwrap_or(NEVER))
    }

    /// The next cycle in which what a transfer's waiting is charged to may change: it presents its first burst, or, while one is
    /// presented, beats end.
    fn next_account(&self, from: u64) -> u64 {
        let (mut next, mut presents) = (NEVER, false);
        for active in [LOAD, STORE].iter().filter_map(|&lane| self.lanes[lane].active.as_ref()) {
            match active.presents_from > from {
                true => next = next.min(active.presents_from),
                false => presents = true,
            }
        }
        if presents {
            let ends = self.lanes.iter().map(|lane| lane.beats.1).filter(|end| *end > from);
            next = next.min(ends.min().unwrap_or(NEVER));
        }
        next
    }
}

/// What became of an instruction that control looked at.
enum Issue {
    /// The instruction in `Core::head` goes to its queue.
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
