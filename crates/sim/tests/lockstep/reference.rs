//! The timing rules of docs/microarchitecture.md once more, as plainly as possible.
//!
//! It steps through every cycle, and decides what happens in it from a copy of the state at its beginning. It
//! is slow on purpose, and shares nothing with the simulator but the decoder.

use ediacara_arch::Machine;
use ediacara_isa::{Condition, ConfigRegister as C, DecodeError, Engine, Operation, Word, decode};
use ediacara_sim::{Activity, Event, EventKind, FaultKind, Part, Requester, Split};

use crate::cost::{Cost, MODULUS, Situation};

/// Load, matrix, vector, store.
const LANES: [Engine; 4] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

/// What the reference and the simulator must agree on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) cycles: u64,
    /// Kind, instruction, cycle.
    pub(crate) fault: Option<(FaultKind, u64, u64)>,
    /// Cycles of control, load, matrix, vector, store, by activity.
    pub(crate) accounts: Vec<Vec<(Activity, u64)>>,
    /// Cycles by what the machine as a whole did.
    pub(crate) split: Split,
    pub(crate) instructions: u64,
    pub(crate) bursts: [u64; 3],
    pub(crate) trace: Vec<Event>,
}

/// Every activity, in the order of accounts.
pub(crate) const ACTIVITIES: [Activity; 10] = [
    Activity::Busy,
    Activity::Idle,
    Activity::Fetch,
    Activity::Queue,
    Activity::Sync,
    Activity::DramBandwidth,
    Activity::DramContention,
    Activity::DramLatency,
    Activity::Semaphore,
    Activity::Latency,
];

#[derive(Debug)]
struct Issued {
    instruction: u32,
    wait: u16,
    post: u16,
    cost: Cost,
}

#[derive(Debug, Clone)]
struct Started {
    id: usize,
    /// Unknown while bursts are still to be granted.
    commit: Option<u64>,
    /// First and last cycle with a beat.
    beats: Option<(u64, u64)>,
}

#[derive(Debug, Clone)]
struct Transfer {
    id: usize,
    next: usize,
    presents_from: u64,
}

#[derive(Debug, Clone)]
struct State {
    debt: u64,
    /// Grant cycles.
    flying: Vec<u64>,
    /// The requester that comes first in the next round.
    turn: usize,
    fifo: Vec<u64>,
    /// Grant cycle, burst, first wanted instruction.
    live: Vec<(u64, u64, u64)>,
    presenting: bool,
    next_burst: u64,
    wanted: u64,
    pc: u64,
    registers: [u128; 16],
    config: Vec<i64>,
    /// First instruction, last instruction, runs left.
    loops: Vec<(u64, u64, u128)>,
    queues: [Vec<usize>; 4],
    started: [Vec<Started>; 4],
    /// Of matrix, vector and `move`.
    ready: [u64; 4],
    transfers: [Option<Transfer>; 4],
    semaphores: [u32; 16],
    fault: Option<(FaultKind, u64, u64)>,
}

impl State {
    fn drained(&self) -> bool {
        (0..4).all(|lane| self.queues[lane].is_empty() && self.started[lane].is_empty())
    }
}

pub(crate) struct Reference<'a> {
    machine: &'a Machine,
    base: u64,
    code: &'a [Word],
    issued: Vec<Issued>,
    state: State,
    accounts: [[u64; 10]; 5],
    split: Split,
    instructions: u64,
    bursts: [u64; 3],
    trace: Vec<Event>,
}

/// What control did.
#[derive(PartialEq)]
enum Control {
    Executed,
    Halted,
    Starved,
    Queue,
    Sync,
    Fault,
    Stopped,
}

pub(crate) fn run(machine: &Machine, base: u64, code: &[Word], limit: u64) -> Verdict {
    let mut config = vec![0; C::COUNT];
    for register in [
        C::MatrixWindowCountX,
        C::MatrixWindowCountY,
        C::VectorWindowCount1,
        C::VectorWindowCount2,
        C::VectorShift,
    ] {
        config[register.index()] = 1;
    }
    config[C::VectorLow.index()] = -128;
    config[C::VectorHigh.index()] = 127;
    for register in [C::MatrixType, C::VectorAType, C::VectorBType, C::VectorDType] {
        // An f32.
        config[register.index()] = 4;
    }
    for register in [C::VectorAScale, C::VectorBScale, C::VectorDInverseScale] {
        // The bits of one.
        config[register.index()] = 0x3f80_0000;
    }
    let state = State {
        debt: 0,
        flying: Vec::new(),
        turn: 0,
        fifo: Vec::new(),
        live: Vec::new(),
        presenting: false,
        next_burst: 0,
        wanted: 0,
        pc: 0,
        registers: [0; 16],
        config,
        loops: Vec::new(),
        queues: Default::default(),
        started: Default::default(),
        ready: [0; 4],
        transfers: Default::default(),
        semaphores: [0; 16],
        fault: None,
    };
    let mut reference = Reference {
        machine,
        base,
        code,
        issued: Vec::new(),
        state,
        accounts: Default::default(),
        split: Split::default(),
        instructions: 0,
        bursts: [0; 3],
        trace: Vec::new(),
    };
    let mut t = 0;
    while t < limit {
        if reference.tick(t) {
            return reference.verdict(t + 1);
        }
        t += 1;
    }
    reference.state.fault = Some((FaultKind::CycleLimit, reference.state.pc, limit));
    reference.verdict(limit)
}

impl Reference<'_> {
    fn verdict(self, cycles: u64) -> Verdict {
        let account = |cycles: &[u64; 10]| ACTIVITIES.into_iter().zip(cycles.iter().copied()).collect();
        Verdict {
            cycles,
            fault: self.state.fault,
            accounts: self.accounts.iter().map(account).collect(),
            split: self.split,
            instructions: self.instructions,
            bursts: self.bursts,
            trace: self.trace,
        }
    }

    fn record(&mut self, cycle: u64, kind: EventKind) {
        self.trace.push(Event { cycle, core: 0, kind });
    }

    /// Does cycle t, and returns whether it is the last.
    fn tick(&mut self, t: u64) -> bool {
        let old = self.state.clone();
        let requests = self.requests(&old, t);
        let (control, redirect, signal) = self.control(&old, t);

        // T-START, waits in order.
        let mut available = old.semaphores;
        let mut taken = [0u32; 16];
        let mut unsatisfied = [false; 4];
        let mut start = [None; 4];
        for lane in 0..4 {
            let Some(&id) = old.queues[lane].first() else { continue };
            let wait = self.issued[id].wait;
            let satisfied = (0..16).all(|s| wait >> s & 1 == 0 || available[s] > 0);
            unsatisfied[lane] = !satisfied;
            let ordered = matches!(self.issued[id].cost, Cost::Move(_) | Cost::OrderedBeats(_));
            let ready = old.transfers[lane].is_none()
                && old.ready[lane] <= t
                && (!ordered || old.started[lane].is_empty());
            if satisfied && ready {
                for s in (0..16).filter(|s| wait >> s & 1 == 1) {
                    available[s] -= 1;
                    taken[s] += 1;
                }
                start[lane] = Some(id);
                self.start(lane, id, t);
            }
        }

        let winner = self.grant(&old, t, &requests);
        let mut posters = self.commit(&old, t);
        if let Some((mask, instruction)) = signal {
            posters.push((mask, instruction));
        }

        self.arrive(&old, t, redirect);
        self.post(&old, t, &taken, &posters);
        self.account(&old, t, &control, winner, &requests, &start, &unsatisfied);

        // Whether the run ends.
        let blocked = matches!(control, Control::Queue | Control::Sync | Control::Stopped);
        let idle = old.started.iter().all(Vec::is_empty);
        let queued = old.queues.iter().any(|queue| !queue.is_empty());
        if control == Control::Halted || (control == Control::Stopped && old.drained()) {
            return true;
        }
        if blocked && idle && queued && start == [None; 4] {
            let head =
                old.queues.iter().find_map(|queue| queue.first()).map(|&id| self.issued[id].instruction);
            if self.state.fault.is_none() {
                self.state.fault = Some((FaultKind::Deadlock, u64::from(head.unwrap_or(0)), t));
            }
            return true;
        }
        false
    }

    /// T-FETCH-FIFO, T-LOAD, T-STORE: what is presented in t.
    fn requests(&mut self, old: &State, t: u64) -> [Option<u64>; 3] {
        let per_burst = u64::from(self.machine.dram.burst_bytes) / 32;
        let reserved = old.live.len() as u64 * per_burst;
        let fits = old.fifo.len() as u64 + reserved + per_burst <= u64::from(self.machine.core.fetch_entries);
        if fits && old.next_burst * per_burst < self.code.len() as u64 {
            self.state.presenting = true;
        }
        let mut requests = [None; 3];
        if self.state.presenting {
            requests[0] = Some(self.base + old.next_burst * per_burst * 32);
        }
        for (requester, lane) in [(1, 0), (2, 3)] {
            if let Some(transfer) = &old.transfers[lane]
                && transfer.presents_from <= t
                && let Cost::Bursts(bursts) = &self.issued[transfer.id].cost
            {
                requests[requester] = Some(bursts[transfer.next]);
            }
        }
        requests
    }

    /// T-DRAM-GRANT, T-DRAM-BANDWIDTH
    fn grant(&mut self, old: &State, t: u64, requests: &[Option<u64>; 3]) -> Option<usize> {
        let latency = u64::from(self.machine.dram.latency_cycles);
        let rate = self.machine.dram.bytes_per_cycle;
        let in_flight = old.flying.iter().filter(|&&g| g < t && t <= g + latency).count();
        let mut winner = None;
        if old.debt < u64::from(rate.numerator) && in_flight < self.machine.dram.bursts_in_flight as usize {
            winner = (0..3).map(|k| (old.turn + k) % 3).find(|&r| requests[r].is_some());
        }
        let owed = if winner.is_some() {
            u64::from(self.machine.dram.burst_bytes) * u64::from(rate.denominator)
        } else {
            0
        };
        self.state.debt = (old.debt + owed).saturating_sub(u64::from(rate.numerator));
        self.state.flying.retain(|&g| t < g + latency);
        if let Some(winner) = winner {
            self.state.turn = (winner + 1) % 3;
            self.state.flying.push(t);
            self.granted(winner, t, requests[winner].unwrap_or(0));
        }
        winner
    }

    /// T-COMMIT: posts of the engines, and whose they are.
    fn commit(&mut self, old: &State, t: u64) -> Vec<(u16, u32)> {
        let mut posters = Vec::new();
        for (lane, engine) in LANES.into_iter().enumerate() {
            let Some(done) = old.started[lane].iter().find(|started| started.commit == Some(t)) else {
                continue;
            };
            let issued = &self.issued[done.id];
            let (post, instruction) = (issued.post, issued.instruction);
            posters.push((post, instruction));
            self.state.started[lane].retain(|started| started.commit != Some(t));
            self.record(t, EventKind::Commit { engine, instruction });
        }
        posters
    }

    /// T-FETCH-DATA, T-FETCH-REDIRECT
    fn arrive(&mut self, old: &State, t: u64, redirect: Option<u64>) {
        let latency = u64::from(self.machine.dram.latency_cycles);
        let per_burst = u64::from(self.machine.dram.burst_bytes) / 32;
        let arriving: Vec<_> = old.live.iter().filter(|(g, _, _)| g + latency == t).copied().collect();
        for (g, burst, wanted) in arriving {
            let end = ((burst + 1) * per_burst).min(self.code.len() as u64);
            self.state.fifo.extend((burst * per_burst).max(wanted)..end);
            self.state.live.retain(|live| live.0 != g);
        }
        if let Some(target) = redirect {
            self.state.fifo.clear();
            self.state.live.clear();
            self.state.presenting = false;
            self.state.next_burst = target / per_burst;
            self.state.wanted = target;
        }
    }

    /// T-SEMAPHORE
    fn post(&mut self, old: &State, t: u64, taken: &[u32; 16], posters: &[(u16, u32)]) {
        let mut posts = [0u32; 16];
        for (mask, _) in posters {
            (0..16).filter(|s| mask >> s & 1 == 1).for_each(|s| posts[s] += 1);
        }
        let mut overflow = None;
        for s in 0..16 {
            let sum = old.semaphores[s] - taken[s] + posts[s];
            if sum > 255 && overflow.is_none() {
                overflow = posters.iter().find(|(mask, _)| mask >> s & 1 == 1).map(|(_, i)| u64::from(*i));
            }
            self.state.semaphores[s] = sum.min(255);
        }
        if let (Some(instruction), None) = (overflow, old.fault) {
            self.state.fault = Some((FaultKind::SemaphoreOverflow, instruction, t));
        }
    }

    fn start(&mut self, lane: usize, id: usize, t: u64) {
        self.state.queues[lane].remove(0);
        let (matrix, vector) =
            (u64::from(self.machine.matrix.latency_cycles), u64::from(self.machine.vector.latency_cycles));
        let mut started = Started { id, commit: None, beats: None };
        match self.issued[id].cost {
            Cost::Bursts(_) => {
                let delay = if lane == 0 { 1 } else { 2 };
                self.state.transfers[lane] = Some(Transfer { id, next: 0, presents_from: t + delay });
            }
            Cost::Move(beats) => {
                started.commit = Some(t + beats + 1);
                started.beats = Some((t + 1, t + beats));
                self.state.ready[lane] = t + beats + 2;
            }
            Cost::Beats(beats) | Cost::OrderedBeats(beats) => {
                let latency = if lane == 1 { matrix } else { vector };
                started.commit = Some(t + beats - 1 + latency);
                started.beats = Some((t, t + beats - 1));
                self.state.ready[lane] = t + beats;
            }
        }
        self.state.started[lane].push(started);
        self.record(t, EventKind::Start { engine: LANES[lane], instruction: self.issued[id].instruction });
    }

    fn granted(&mut self, winner: usize, t: u64, address: u64) {
        let latency = u64::from(self.machine.dram.latency_cycles);
        self.record(t, EventKind::Grant { requester: Requester::ALL[winner], address });
        self.bursts[winner] += 1;
        if winner == 0 {
            let per_burst = u64::from(self.machine.dram.burst_bytes) / 32;
            self.state.live.push((t, self.state.next_burst, self.state.wanted));
            self.state.presenting = false;
            self.state.next_burst += 1;
            self.state.wanted = self.state.next_burst * per_burst;
            return;
        }
        let lane = if winner == 1 { 0 } else { 3 };
        let Some(transfer) = &mut self.state.transfers[lane] else { panic!("granted to nobody") };
        transfer.next += 1;
        let Cost::Bursts(bursts) = &self.issued[transfer.id].cost else { panic!("no bursts") };
        if transfer.next == bursts.len() {
            let id = transfer.id;
            self.state.transfers[lane] = None;
            for started in self.state.started[lane].iter_mut().filter(|started| started.id == id) {
                started.commit = Some(t + latency);
            }
        }
    }

    /// What control does, the target of a taken branch, a signal.
    fn control(&mut self, old: &State, t: u64) -> (Control, Option<u64>, Option<(u16, u32)>) {
        if old.fault.is_some() {
            return (Control::Stopped, None, None);
        }
        let pc = old.pc;
        if pc >= self.code.len() as u64 {
            self.state.fault = Some((FaultKind::Fetch, pc, t));
            return (Control::Fault, None, None);
        }
        let Some(&head) = old.fifo.first() else { return (Control::Starved, None, None) };
        assert_eq!(head, pc, "the FIFO holds another instruction than the one wanted");
        let mut fault = |kind| {
            self.state.fault = Some((kind, pc, t));
            (Control::Fault, None, None)
        };
        let has_no_float = self.machine.vector.float_lanes == 0;
        let has_no_float_dot = self.machine.matrix.types.len() == 1;
        let instruction = match decode(&self.code[pc as usize]) {
            Ok(instruction) => instruction,
            Err(DecodeError::Opcode(_)) => return fault(FaultKind::Opcode),
            // A machine without floating point has no float instructions, whatever their operands are.
            Err(_) if has_no_float && (0x50..=0x66).contains(&self.code[pc as usize][0]) => {
                return fault(FaultKind::Opcode);
            }
            Err(_) if has_no_float_dot && self.code[pc as usize][0] == 0x21 => {
                return fault(FaultKind::Opcode);
            }
            Err(DecodeError::Operand(_)) => return fault(FaultKind::Operand),
        };
        let mut branch = None;
        let mut signal = None;
        let mut engine = Engine::Control;
        match instruction.operation {
            Operation::Sync | Operation::Halt if !old.drained() => return (Control::Sync, None, None),
            Operation::Sync | Operation::Halt | Operation::Nop => {}
            Operation::Signal => signal = Some((instruction.post, pc as u32)),
            Operation::Set(o) => self.write(o.rd, o.value.into()),
            Operation::AddScalar(o) => {
                let sum =
                    old.registers[usize::from(o.ra)] + old.registers[usize::from(o.rb)] + u128::from(o.value);
                self.write(o.rd, sum);
            }
            Operation::Config(o) => {
                let is_float = |register: C| register as usize >= C::VectorAType as usize;
                let lacks = |register: C| match register {
                    C::MatrixType => has_no_float_dot,
                    register => has_no_float && is_float(register),
                };
                if o.writes.iter().any(|(register, _)| lacks(register)) {
                    return fault(FaultKind::Operand);
                }
                for (register, value) in o.writes.iter() {
                    self.state.config[register.index()] = value;
                }
            }
            Operation::Loop(o) => {
                let runs = (u128::from(o.count) + old.registers[usize::from(o.register)]) % MODULUS;
                let last = pc + u64::from(o.body);
                let crosses = old.loops.last().is_some_and(|outer| last >= outer.1);
                if runs == 0 || runs >= 1 << 24 || old.loops.len() == 4 || crosses {
                    return fault(FaultKind::Operand);
                }
                self.state.loops.push((pc + 1, last, runs));
            }
            Operation::Jump(o) => branch = Some(u64::from(o.target)),
            Operation::Branch(o) => {
                let (a, b) = (old.registers[usize::from(o.ra)], old.registers[usize::from(o.rb)]);
                let taken = match o.condition {
                    Condition::Equal => a == b,
                    Condition::NotEqual => a != b,
                    Condition::Less => a < b,
                    Condition::GreaterEqual => a >= b,
                };
                branch = taken.then_some(u64::from(o.target));
            }
            _ => {
                engine = instruction.operation.engine();
                let end = self.base + 32 * self.code.len() as u64;
                let situation = Situation {
                    machine: self.machine,
                    code: (self.base, end),
                    registers: &old.registers,
                    config: &old.config,
                };
                let cost = match situation.cost(&instruction) {
                    Ok(cost) => cost,
                    Err(kind) => {
                        self.state.fault = Some((kind, pc, t));
                        return (Control::Fault, None, None);
                    }
                };
                let lane = engine as usize - 1;
                if old.queues[lane].len() >= self.machine.core.queue_entries as usize {
                    return (Control::Queue, None, None);
                }
                let (wait, post) = (instruction.wait, instruction.post);
                self.issued.push(Issued { instruction: pc as u32, wait, post, cost });
                self.state.queues[lane].push(self.issued.len() - 1);
            }
        }
        self.record(t, EventKind::Issue { engine, instruction: pc as u32 });
        self.instructions += 1;
        self.state.fifo.remove(0);
        self.state.pc = branch.unwrap_or(pc + 1);
        // The end of a loop's body.
        if branch.is_none()
            && let Some(&(first, last, runs)) = old.loops.last()
            && last == pc
        {
            self.state.loops.pop();
            if runs > 1 {
                self.state.loops.push((first, last, runs - 1));
                self.state.pc = first;
                branch = Some(first);
            }
        }
        let halted = instruction.operation == Operation::Halt;
        (if halted { Control::Halted } else { Control::Executed }, branch, signal)
    }

    fn write(&mut self, register: u8, value: u128) {
        if register != 0 {
            self.state.registers[usize::from(register)] = value % MODULUS;
        }
    }

    #[allow(clippy::too_many_arguments, reason = "everything that happened in a cycle")]
    fn account(
        &mut self,
        old: &State,
        t: u64,
        control: &Control,
        winner: Option<usize>,
        requests: &[Option<u64>; 3],
        start: &[Option<usize>; 4],
        unsatisfied: &[bool; 4],
    ) {
        let mut did = [Activity::Idle; 5];
        let mut charge = |engine: usize, activity: Activity| {
            did[engine] = activity;
            let index = ACTIVITIES.iter().position(|a| *a == activity).unwrap_or(0);
            self.accounts[engine][index] += 1;
        };
        charge(
            0,
            match control {
                Control::Executed | Control::Halted => Activity::Busy,
                Control::Starved => Activity::Fetch,
                Control::Queue => Activity::Queue,
                Control::Sync => Activity::Sync,
                Control::Fault | Control::Stopped => Activity::Idle,
            },
        );
        for lane in 0..4 {
            // After the starts of t, before its commits.
            let working = !old.started[lane].is_empty() || start[lane].is_some();
            let beat = |started: &Started| started.beats.is_some_and(|(from, to)| from <= t && t <= to);
            let beats = old.started[lane].iter().chain(&self.state.started[lane]).any(beat);
            let queued = !old.queues[lane].is_empty();
            let requester = [1, 9, 9, 2][lane];
            let activity = if lane == 0 || lane == 3 {
                let presents = requests[requester].is_some();
                let poor = old.debt >= u64::from(self.machine.dram.bytes_per_cycle.numerator);
                match () {
                    () if winner == Some(requester) || beats => Activity::Busy,
                    () if presents && winner.is_some() => Activity::DramContention,
                    () if presents && poor => Activity::DramBandwidth,
                    () if working => Activity::DramLatency,
                    () if queued => Activity::Semaphore,
                    () => Activity::Idle,
                }
            } else {
                match () {
                    () if beats => Activity::Busy,
                    () if queued && unsatisfied[lane] => Activity::Semaphore,
                    () if working => Activity::Latency,
                    () => Activity::Idle,
                }
            };
            charge(lane + 1, activity);
        }
        let [control, load, matrix, vector, store] = did;
        let moves = |did| matches!(did, Activity::Busy | Activity::DramContention | Activity::DramBandwidth);
        let part = match () {
            () if matrix == Activity::Busy && vector == Activity::Busy => Part::MatrixAndVector,
            () if matrix == Activity::Busy => Part::Matrix,
            () if vector == Activity::Busy => Part::Vector,
            () if moves(load) || moves(store) => Part::DramBandwidth,
            () if load == Activity::DramLatency || store == Activity::DramLatency => Part::DramLatency,
            () if control == Activity::Fetch => Part::Fetch,
            () => Part::Handover,
        };
        self.split.charge(part, 1);
    }
}
