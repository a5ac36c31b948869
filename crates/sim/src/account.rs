//! Where cycles go (docs/microarchitecture.md, "Accounting"): every cycle of every engine is charged once.

use ediacara_isa::Engine;

use crate::chip::Chip;
use crate::core::{Core, Cycle, Did, LANES, LOAD, MATRIX, STORE, Standing, VECTOR};
use crate::dram::{DramModel, Requester};
use crate::outcome::{Activity, EngineAccount, Part};
use crate::port::Waits;

/// Cycles by engine and activity.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    cycles: [[u64; Activity::COUNT]; 5],
}

impl Accounts {
    #[inline]
    fn charge(&mut self, engine: Engine, activity: Activity, cycles: u64) {
        self.cycles[engine as usize][activity as usize] += cycles;
    }

    /// The account of one engine over `total` cycles.
    ///
    /// # Panics
    /// If the cycles do not sum to the total: a mistake of this crate.
    pub(crate) fn engine(&self, engine: Engine, instructions: u64, total: u64) -> EngineAccount {
        let cycles = &self.cycles[engine as usize];
        assert_eq!(cycles.iter().sum::<u64>(), total, "{engine}: busy + stalls + idle is not the total");
        let stalls: Vec<_> =
            Activity::stalls(engine).iter().map(|&cause| (cause, cycles[cause as usize])).collect();
        let (busy, idle) = (cycles[Activity::Busy as usize], cycles[Activity::Idle as usize]);
        let known = busy + idle + stalls.iter().map(|(_, cycles)| cycles).sum::<u64>();
        assert_eq!(known, total, "{engine} stalled for a cause that it does not know");
        EngineAccount { engine, instructions, busy, stalls, idle }
    }
}

/// Number of cycles that two half-open ranges have in common.
fn common((from, to): (u64, u64), (start, end): (u64, u64)) -> u64 {
    to.min(end).saturating_sub(from.max(start))
}

impl Core<'_> {
    /// Charges the cycle just done.
    ///
    /// The beats of a lane that started in it are known, but its queue is no longer what it was.
    pub(crate) fn account_cycle(&mut self, cycle: &Cycle, now: u64) {
        let control = match cycle.did {
            Did::Executed | Did::Halted => Activity::Busy,
            Did::Starved => Activity::Fetch,
            Did::BlockedByQueue(_) => Activity::Queue,
            Did::BlockedBySync => Activity::Sync,
            Did::Stopped => Activity::Idle,
        };
        self.accounts.charge(Engine::Control, control, 1);
        let mut activities = [Activity::Idle; LANES.len()];
        for (lane, engine) in LANES.into_iter().enumerate() {
            let activity = match engine {
                Engine::Load => self.dma_activity(cycle, now, lane, Requester::Load),
                Engine::Store => self.dma_activity(cycle, now, lane, Requester::Store),
                _ => self.pipeline_activity(cycle, now, lane),
            };
            if activity == Activity::Busy {
                self.charge_layer(lane, 1);
            }
            self.accounts.charge(engine, activity, 1);
            activities[lane] = activity;
        }
        self.split_cycle(control, activities);
        for layer in std::mem::take(&mut self.committed).into_iter().flatten() {
            self.layers[layer].reached = self.split;
        }
        self.charged = now + 1;
    }

    /// Charges the cycle to what the whole machine did in it.
    fn split_cycle(&mut self, control: Activity, lanes: [Activity; LANES.len()]) {
        let transfers = [lanes[LOAD], lanes[STORE]];
        let moves = [Activity::Busy, Activity::DramContention, Activity::DramBandwidth];
        let beats = [lanes[MATRIX], lanes[VECTOR]].map(|did| did == Activity::Busy);
        let part = if beats == [true, true] {
            Part::MatrixAndVector
        } else if beats[0] {
            Part::Matrix
        } else if beats[1] {
            Part::Vector
        } else if transfers.iter().any(|did| moves.contains(did)) {
            Part::DramBandwidth
        } else if transfers.contains(&Activity::DramLatency) {
            Part::DramLatency
        } else if control == Activity::Fetch {
            Part::Fetch
        } else {
            Part::Handover
        };
        self.split.charge(part, 1);
    }

    fn dma_activity(&self, cycle: &Cycle, now: u64, lane: usize, requester: Requester) -> Activity {
        if cycle.granted == Some(requester) || self.is_beat(lane, now) {
            Activity::Busy
        } else if cycle.presented[lane] && cycle.any_granted {
            Activity::DramContention
        } else if cycle.presented[lane] && cycle.refused {
            Activity::DramBandwidth
        } else if cycle.occupied[lane] {
            Activity::DramLatency
        } else if cycle.waiting[lane] {
            Activity::Semaphore
        } else {
            Activity::Idle
        }
    }

    fn pipeline_activity(&self, cycle: &Cycle, now: u64, lane: usize) -> Activity {
        if self.is_beat(lane, now) {
            Activity::Busy
        } else if cycle.waiting[lane] {
            Activity::Semaphore
        } else if cycle.occupied[lane] {
            Activity::Latency
        } else {
            Activity::Idle
        }
    }

    fn is_beat(&self, lane: usize, now: u64) -> bool {
        let (from, to) = self.lanes[lane].beats;
        (from..to).contains(&now)
    }

    /// Charges the cycles from the one charged last to `to`, in which nothing happens to the core.
    ///
    /// `waits` are those before `to`.
    pub(crate) fn account_idle_cycles<D: DramModel>(&mut self, chip: &Chip<'_, D>, to: u64, waits: Waits) {
        let from = self.charged;
        if from >= to {
            return;
        }
        let control = if self.standing == Standing::Halted || chip.is_stopped(from) {
            Activity::Idle
        } else if !self.fetch.has_instruction() {
            Activity::Fetch
        } else if self.last_did == Did::BlockedBySync {
            Activity::Sync
        } else {
            Activity::Queue
        };
        self.accounts.charge(Engine::Control, control, to - from);
        let waits = Waits {
            contention: waits.contention - self.waits.contention,
            bandwidth: waits.bandwidth - self.waits.bandwidth,
        };
        self.split_idle_cycles(control, (from, to), waits);
        for (lane, engine) in LANES.into_iter().enumerate() {
            let beats = common((from, to), self.lanes[lane].beats);
            self.accounts.charge(engine, Activity::Busy, beats);
            self.charge_layer(lane, beats);
            let rest = to - from - beats;
            if rest == 0 {
                continue;
            }
            match lane {
                LOAD | STORE => self.account_idle_dma(engine, lane, (from, to), rest, waits),
                _ => {
                    let activity = self.idle_pipeline(lane);
                    self.accounts.charge(engine, activity, rest);
                }
            }
        }
        self.charged = to;
    }

    /// Charges cycles in which nothing happens to what the whole core did in them.
    ///
    /// Beats that last into them come first, as they began before. While a burst is presented, beats last to
    /// their end or are over.
    fn split_idle_cycles(&mut self, control: Activity, (from, to): (u64, u64), waits: Waits) {
        let [load, matrix, vector, store] =
            [LOAD, MATRIX, VECTOR, STORE].map(|lane| common((from, to), self.lanes[lane].beats));
        let computed = matrix.max(vector);
        let rest = to - from - computed;
        let moved = load.max(store).saturating_sub(computed);
        let presents = [LOAD, STORE].iter().any(|&lane| self.lanes[lane].presents(from));
        let bandwidth =
            if presents && rest > 0 { moved.max(waits.contention + waits.bandwidth) } else { moved };
        let occupied = [LOAD, STORE].iter().any(|&lane| !self.lanes[lane].is_idle());
        let otherwise = match control {
            _ if occupied => Part::DramLatency,
            Activity::Fetch => Part::Fetch,
            _ => Part::Handover,
        };
        let both = matrix.min(vector);
        self.split.charge(Part::MatrixAndVector, both);
        self.split.charge(Part::Matrix, matrix - both);
        self.split.charge(Part::Vector, vector - both);
        self.split.charge(Part::DramBandwidth, bandwidth);
        self.split.charge(otherwise, rest - bandwidth);
    }

    fn account_idle_dma(
        &mut self,
        engine: Engine,
        index: usize,
        (from, to): (u64, u64),
        rest: u64,
        waits: Waits,
    ) {
        let lane = &self.lanes[index];
        if lane.presents(from) {
            let latency = to - from - waits.contention - waits.bandwidth;
            self.accounts.charge(engine, Activity::DramContention, waits.contention);
            self.accounts.charge(engine, Activity::DramBandwidth, waits.bandwidth);
            self.accounts.charge(engine, Activity::DramLatency, latency);
            return;
        }
        let activity = match (lane.is_idle(), lane.queue.is_empty()) {
            (false, _) => Activity::DramLatency,
            (true, false) => Activity::Semaphore,
            (true, true) => Activity::Idle,
        };
        self.accounts.charge(engine, activity, rest);
    }

    /// The activity of a pipeline without a beat.
    fn idle_pipeline(&self, index: usize) -> Activity {
        let lane = &self.lanes[index];
        match lane.queue.front() {
            Some(head) if !self.semaphores.satisfy(head.wait) => Activity::Semaphore,
            _ if lane.in_flight.is_empty() => Activity::Idle,
            _ => Activity::Latency,
        }
    }

    /// Charges beats to the layer of the instruction that started last.
    fn charge_layer(&mut self, lane: usize, cycles: u64) {
        let layer = &mut self.layers[self.lanes[lane].beats_layer];
        match LANES[lane] {
            Engine::Matrix => layer.matrix_busy += cycles,
            Engine::Vector => layer.vector_busy += cycles,
            _ => {}
        }
    }
}
