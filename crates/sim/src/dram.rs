//! When DRAM grants a burst, and when its data returns.
//!
//! This is time alone: [`crate::memory`] holds the bytes. A model is asked once in each cycle that matters.
//! In the cycles between, the same requests stay presented and none is granted. For those, the model says in
//! closed form when the next grant can be and why there was none before.

use std::collections::VecDeque;

use ediacara_arch::Dram;

/// Who of a core asks for bursts, in round-robin order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requester {
    /// The instruction prefetcher.
    Fetch,
    /// The load engine.
    Load,
    /// The store engine.
    Store,
}

impl Requester {
    /// Every requester, in round-robin order.
    pub const ALL: [Self; 3] = [Self::Fetch, Self::Load, Self::Store];

    /// The name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Load => "load",
            Self::Store => "store",
        }
    }
}

/// A burst that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The number of the requester.
    pub(crate) requester: usize,
    /// The cycle in which a read returns its data and a write is performed.
    pub(crate) completion: u64,
}

/// Why a presented burst was not granted over a stretch of cycles, by number of cycles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    /// For want of bandwidth.
    pub(crate) bandwidth: u64,
    /// Because as many bursts were in flight as may be.
    pub(crate) in_flight: u64,
}

/// A model of DRAM time.
pub(crate) trait DramModel {
    /// Decides cycle `cycle`, in which the requesters of the set bits present a burst.
    ///
    /// Cycles must come in ascending order.
    fn grant(&mut self, cycle: u64, presented: u32) -> Option<Grant>;

    /// A cycle, `from` or later, before which no burst that is presented from `from` on is granted.
    ///
    /// The grant need not come in that cycle, but the sooner it comes, the faster is the simulation.
    fn next_grant(&self, from: u64) -> u64;

    /// Why there was no grant in the cycles `from..to`, in which something was presented. None was granted since `from`.
    fn refusals(&self, from: u64, to: u64) -> Refusals;
}

/// The model of docs/microarchitecture.md: one pipe of exact mean bandwidth and constant latency.
pub(crate) struct FlatDram {
    /// N: what a cycle pays off.
    numerator: u64,
    /// burst * D: what a grant owes.
    burst_debt: u64,
    latency: u64,
    in_flight_limit: usize,
    /// Debt at the beginning of `debt_cycle`.
    debt: u64,
    debt_cycle: u64,
    /// Completion cycles of the bursts in flight, ascending; those before the present cycle are dropped
    /// lazily.
    in_flight: VecDeque<u64>,
    /// Number of the requester that comes first in the round.
    first: usize,
    /// How many requesters there are.
    requesters: usize,
}

impl FlatDram {
    pub(crate) fn new(dram: &Dram, requesters: usize) -> Self {
        Self {
            numerator: u64::from(dram.bytes_per_cycle.numerator),
            burst_debt: u64::from(dram.burst_bytes) * u64::from(dram.bytes_per_cycle.denominator),
            latency: u64::from(dram.latency_cycles),
            in_flight_limit: dram.bursts_in_flight as usize,
            debt: 0,
            debt_cycle: 0,
            in_flight: VecDeque::with_capacity(dram.bursts_in_flight as usize),
            first: 0,
            requesters,
        }
    }

    /// T-DRAM-BANDWIDTH without grants: the debt at the beginning of `cycle`.
    fn debt_at(&self, cycle: u64) -> u64 {
        self.debt.saturating_sub((cycle - self.debt_cycle).saturating_mul(self.numerator))
    }

    /// The first cycle, `from` or later, at whose beginning `debt < N`.
    fn affordable(&self, from: u64) -> u64 {
        let debt = self.debt_at(from);
        if debt < self.numerator { from } else { from + (debt - self.numerator) / self.numerator + 1 }
    }

    /// The first cycle, `from` or later, in which fewer bursts are in flight than may be (T-DRAM-LATENCY).
    fn below_limit(&self, from: u64) -> u64 {
        // Completions ascend, so the limit is respected once the burst `limit` places from the back has
        // returned.
        match self.in_flight.len().checked_sub(self.in_flight_limit) {
            Some(index) => from.max(self.in_flight[index] + 1),
            None => from,
        }
    }
}

/// The first of the set bits, in the round that starts with number `first`.
pub(crate) fn next_in_round(presented: u32, first: usize) -> Option<usize> {
    let later = presented & (u32::MAX << first);
    let round = if later == 0 { presented } else { later };
    (round != 0).then(|| round.trailing_zeros() as usize)
}

impl DramModel for FlatDram {
    fn grant(&mut self, cycle: u64, presented: u32) -> Option<Grant> {
        while self.in_flight.front().is_some_and(|&completion| completion < cycle) {
            self.in_flight.pop_front();
        }
        // T-DRAM-GRANT: one burst a cycle, while the debt is below N and a place in flight is free.
        let debt = self.debt_at(cycle);
        if debt >= self.numerator || self.in_flight.len() >= self.in_flight_limit {
            return None;
        }
        let winner = next_in_round(presented, self.first)?;
        self.first = if winner + 1 == self.requesters { 0 } else { winner + 1 };
        // T-DRAM-BANDWIDTH
        self.debt = (debt + self.burst_debt).saturating_sub(self.numerator);
        self.debt_cycle = cycle + 1;
        // T-DRAM-LATENCY
        let completion = cycle + self.latency;
        self.in_flight.push_back(completion);
        debug_assert!(self.in_flight.len() <= self.in_flight_limit, "more bursts in flight than may be");
        Some(Grant { requester: winner, completion })
    }

    fn next_grant(&self, from: u64) -> u64 {
        self.affordable(from).max(self.below_limit(from))
    }

    fn refusals(&self, from: u64, to: u64) -> Refusals {
        let bandwidth = self.affordable(from).min(to) - from;
        Refusals { bandwidth, in_flight: to - from - bandwidth }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ediacara_arch::Fraction;

    fn dram(numerator: u32, denominator: u32, latency: u32, in_flight: u32) -> Dram {
        Dram {
            bytes: 1 << 20,
            bytes_per_cycle: Fraction { numerator, denominator },
            burst_bytes: 64,
            latency_cycles: latency,
            bursts_in_flight: in_flight,
        }
    }

    /// Grant cycles of `count` bursts of a requester that always presents one.
    fn train(dram: &Dram, count: usize) -> Vec<u64> {
        let mut model = FlatDram::new(dram, 3);
        let mut cycles = Vec::new();
        let mut cycle = 0;
        while cycles.len() < count {
            cycle = model.next_grant(cycle);
            assert!(model.grant(cycle, 0b010).is_some(), "promised a grant in {cycle}");
            cycles.push(cycle);
            cycle += 1;
        }
        cycles
    }

    #[test]
    fn mean_rate_is_the_fraction() {
        assert_eq!(train(&dram(16, 1, 100, 64), 4), [0, 4, 8, 12]);
        // 64 bytes at 48/5 bytes a cycle: 6 2/3 cycles a burst.
        let cycles = train(&dram(48, 5, 1, 64), 301);
        assert_eq!(cycles[300], 2000);
    }

    #[test]
    fn places_in_flight_limit_the_rate() {
        // Granted in g, in flight up to and including g + 100.
        assert_eq!(train(&dram(64, 1, 100, 2), 5), [0, 1, 101, 102, 202]);
    }

    #[test]
    fn round_robin_starts_after_the_last_winner() {
        let mut model = FlatDram::new(&dram(64, 1, 5, 64), 6);
        let mut winners = |range: std::ops::Range<u64>, presented| -> Vec<_> {
            range.filter_map(|cycle| model.grant(cycle, presented)).map(|grant| grant.requester).collect()
        };
        assert_eq!(winners(0..7, 0b11_1111), [0, 1, 2, 3, 4, 5, 0]);
        assert_eq!(winners(7..10, 0b01_0101), [2, 4, 0]);
    }
}
