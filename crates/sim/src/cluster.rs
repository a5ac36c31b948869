//! One run: the cores of a cluster, and what they share.
//!
//! A core steps only in cycles in which something happens to it ([`Core::next`], or a grant). In the cycles
//! between, nothing does, and [`crate::account`] charges them when the core steps again. So the cost of a run
//! grows with what happens, not with cores times cycles.

use ediacara_isa::Engine;

use crate::chip::{Chip, REQUESTERS};
use crate::core::{Core, LANES, Standing};
use crate::dram::DramModel;
use crate::lane::NEVER;
use crate::outcome::{CoreOutcome, FaultKind, LayerAccount, Outcome, Split};

/// The state of a run.
pub(crate) struct Cluster<'a, D> {
    pub(crate) chip: Chip<'a, D>,
    pub(crate) cores: Vec<Core<'a>>,
}

impl<D: DramModel> Cluster<'_, D> {
    /// Runs to the end; returns the number of cycles.
    pub(crate) fn run(&mut self) -> u64 {
        if self.chip.limit == 0 {
            self.reach_limit();
            return 0;
        }
        self.cores.iter_mut().for_each(|core| core.present(&mut self.chip, 0));
        loop {
            if self.step() {
                return self.end(self.chip.cycle + 1);
            }
            let from = self.chip.cycle + 1;
            let next = self.cores.iter().map(|core| core.next).min().unwrap_or(NEVER);
            let next = next.min(self.chip.dram.next_grant(from));
            debug_assert!(next > self.chip.cycle, "time stands still");
            if next >= self.chip.limit {
                let cycles = self.end(self.chip.limit);
                self.reach_limit();
                return cycles;
            }
            self.chip.cycle = next;
        }
    }

    /// Charges what was not yet charged of a run of so many cycles.
    fn end(&mut self, cycles: u64) -> u64 {
        let waits = self.chip.dram.waits_until(cycles);
        self.cores.iter_mut().for_each(|core| core.account_idle_cycles(&self.chip, cycles, waits));
        cycles
    }

    fn reach_limit(&mut self) {
        let limit = self.chip.limit;
        let detail = format!("the run reached its limit of {limit} cycles");
        let instruction = self.cores.first().map_or(0, Core::instruction);
        self.chip.set_fault(0, FaultKind::CycleLimit, instruction, limit, detail);
    }

    /// Does one cycle; `true` if it is the program's last.
    fn step(&mut self) -> bool {
        let Self { chip, cores } = self;
        let cycle = chip.cycle;
        let had_fault = chip.fault.is_some();
        let grant = chip.dram.decide(cycle);
        let owner = grant.map(|grant| grant.requester / REQUESTERS);
        for core in cores.iter_mut() {
            if core.next <= cycle || owner == Some(core.index) {
                let own = grant.filter(|_| owner == Some(core.index));
                core.step(chip, own, grant.is_some());
            }
        }
        if !had_fault && chip.fault.is_some() {
            // T-CONTROL-FAULT: every core stops in the next cycle.
            cores.iter_mut().for_each(|core| core.next = core.next.min(cycle + 1));
        }
        chip.is_checked_fault() || cores.iter().all(|core| core.standing != Standing::Going)
    }

    /// The result of a run that took so many cycles.
    pub(crate) fn outcome(self, cycles: u64) -> Outcome {
        let Self { chip, cores } = self;
        let burst = 1u64 << chip.shape.burst_shift;
        let cores: Vec<CoreOutcome> = cores.into_iter().map(|core| core_outcome(core, cycles)).collect();
        let mut engines = cores[0].engines.clone();
        let (mut traffic, mut split) = (cores[0].traffic, cores[0].split);
        let mut layers = cores[0].layers.clone();
        for core in &cores[1..] {
            engines.iter_mut().zip(&core.engines).for_each(|(engine, other)| engine.add(other));
            traffic.iter_mut().zip(&core.traffic).for_each(|(traffic, other)| traffic.add(other));
            split.add(&core.split);
            layers.resize_with(layers.len().max(core.layers.len()), LayerAccount::default);
            layers.iter_mut().zip(&core.layers).for_each(|(layer, other)| layer.add(other));
        }
        if cores.len() > 1 {
            advance(&mut layers, cycles);
        }
        let [fetch, load, store] = traffic;
        Outcome {
            cycles,
            fault: chip.fault,
            engines,
            instructions: cores.iter().map(|core| core.instructions).sum(),
            dram_read_bytes: (fetch.bursts + load.bursts) * burst,
            dram_write_bytes: store.bursts * burst,
            traffic,
            layers,
            split,
            cores,
            trace: chip.trace,
        }
    }
}

fn core_outcome(mut core: Core<'_>, cycles: u64) -> CoreOutcome {
    assert!(core.semaphores.is_balanced(), "semaphores were made or lost");
    let engines = Engine::ALL.map(|engine| {
        let lane = LANES.iter().position(|lane| *lane == engine);
        let instructions = lane.map_or(core.instructions, |lane| core.lanes[lane].instructions);
        core.accounts.engine(engine, instructions, cycles)
    });
    core.layers.pop();
    advance(&mut core.layers, cycles);
    split_layers(&mut core.layers, core.split);
    let Core { instructions, traffic, layers, split, .. } = core;
    CoreOutcome { engines, instructions, traffic, layers, split }
}

/// Gives each layer the advance of the last commit.
///
/// So the layers' cycles sum to the total.
fn advance(layers: &mut [LayerAccount], cycles: u64) {
    let (mut frontier, count) = (0, layers.len());
    for (index, layer) in layers.iter_mut().enumerate() {
        let own = match layer.last_commit {
            _ if index + 1 == count => cycles,
            Some(commit) => commit + 1,
            None => 0,
        };
        layer.cycles = own.saturating_sub(frontier);
        frontier = frontier.max(own);
    }
}

/// Gives each layer what the core did in its cycles.
fn split_layers(layers: &mut [LayerAccount], done: Split) {
    let (mut reached, count) = (Split::default(), layers.len());
    for (index, layer) in layers.iter_mut().enumerate().filter(|(_, layer)| layer.cycles > 0) {
        let split = if index + 1 == count { done } else { layer.reached };
        layer.split = split.since(&reached);
        reached = split;
    }
}
