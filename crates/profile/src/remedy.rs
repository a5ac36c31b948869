//! What would have to change for a layer to take fewer cycles, and how many fewer at most.

use ediacara_sim::{Part, Split};
use serde::{Serialize, Serializer};

/// A change of the machine or the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Channels and kernels that fill the array's lanes, or an array of another shape.
    FullArray,
    /// A matrix unit that does twice as much a cycle.
    TwiceTheMatrixUnit,
    /// Twice the lanes.
    TwiceTheVectorLanes,
    /// Twice the bytes a cycle.
    TwiceTheBandwidth,
    /// The same, or weights that serve more samples.
    LargerBatch,
    /// Data that arrives at once.
    NoLatency,
    /// Instructions that are always there.
    NoFetch,
    /// Engines that never wait for one another: deeper buffers, finer tiles, or more of the neighbouring layers' work
    /// beside this layer's.
    NoHandover,
}

impl Change {
    /// For people, and in JSON.
    pub fn text(self) -> &'static str {
        match self {
            Change::FullArray => "channels that fill the array",
            Change::TwiceTheMatrixUnit => "a matrix unit twice as fast",
            Change::TwiceTheVectorLanes => "twice the vector lanes",
            Change::TwiceTheBandwidth => "twice the DRAM bandwidth",
            Change::LargerBatch => "a larger batch, or twice the DRAM bandwidth",
            Change::NoLatency => "no DRAM latency",
            Change::NoFetch => "no waiting for instructions",
            Change::NoHandover => "engines that need not wait for one another",
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// A change, with what it would save at most: whatever else the layer needs stays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Remedy {
    /// What would have to change.
    pub change: Change,
    /// Cycles that the layer would lose at most.
    pub saves_at_most: u64,
}

/// What one layer needs of the machine, in cycles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs<'a> {
    pub(crate) cycles: u64,
    /// Of an array that is full.
    pub(crate) full_array: f64,
    pub(crate) matrix: f64,
    pub(crate) vector: f64,
    pub(crate) dram: f64,
    /// Of the DRAM for the weights alone.
    pub(crate) weights: f64,
    pub(crate) split: &'a Split,
}

/// Lanes in use below which the array's shape is the matter, not its speed.
const FULL_ENOUGH: f64 = 0.75;

/// The change that would save a layer most, by the resource that limits it.
pub(crate) fn remedy(limited_by: &str, needs: &Needs<'_>) -> Remedy {
    let Needs { matrix, vector, dram, .. } = *needs;
    // Not below what the other resources need, and not more than the change takes off its own.
    let within = |saved: f64, others: f64| saved.min(needs.cycles as f64 - others).max(0.0) as u64;
    let (change, saves_at_most) = match limited_by {
        "matrix" if needs.full_array < FULL_ENOUGH * matrix => {
            (Change::FullArray, within(matrix - needs.full_array, vector.max(dram)))
        }
        "matrix" => (Change::TwiceTheMatrixUnit, within(matrix / 2.0, vector.max(dram))),
        "vector" => (Change::TwiceTheVectorLanes, within(vector / 2.0, matrix.max(dram))),
        "dram" if needs.weights > dram / 2.0 => (Change::LargerBatch, within(dram / 2.0, matrix.max(vector))),
        "dram" => (Change::TwiceTheBandwidth, within(dram / 2.0, matrix.max(vector))),
        _ => waiting(needs.split),
    };
    Remedy { change, saves_at_most }
}

/// Where nothing is busy: the part of the cycles in which most is waited.
fn waiting(split: &Split) -> (Change, u64) {
    let candidates = [
        (Change::NoLatency, split.of(Part::DramLatency)),
        (Change::NoFetch, split.of(Part::Fetch)),
        (Change::NoHandover, split.of(Part::Handover)),
    ];
    candidates.into_iter().max_by_key(|(_, cycles)| *cycles).unwrap_or((Change::NoHandover, 0))
}

/// What would save most over all layers, one a line of `(change, cycles at most, layers)`, most first.
pub fn most_useful<'a>(remedies: impl Iterator<Item = &'a Remedy>) -> Vec<(Change, u64, usize)> {
    let mut sums: std::collections::BTreeMap<Change, (u64, usize)> = Default::default();
    for remedy in remedies {
        let (cycles, layers) = sums.entry(remedy.change).or_default();
        *cycles += remedy.saves_at_most;
        *layers += 1;
    }
    let mut sums: Vec<_> =
        sums.into_iter().map(|(change, (cycles, layers))| (change, cycles, layers)).collect();
    sums.sort_by_key(|&(_, cycles, _)| std::cmp::Reverse(cycles));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(split: &Split) -> Needs<'_> {
        Needs {
            cycles: 1000,
            full_array: 900.0,
            matrix: 900.0,
            vector: 600.0,
            dram: 100.0,
            weights: 80.0,
            split,
        }
    }

    #[test]
    fn a_change_saves_no_more_than_the_next_resource_allows() {
        let split = Split::default();
        let full = needs(&split);
        let expected = Remedy { change: Change::TwiceTheMatrixUnit, saves_at_most: 400 };
        assert_eq!(remedy("matrix", &full), expected);
        let half = Needs { full_array: 450.0, ..full };
        assert_eq!(remedy("matrix", &half), Remedy { change: Change::FullArray, saves_at_most: 400 });
        let free = Needs { vector: 0.0, dram: 0.0, ..full };
        let expected = Remedy { change: Change::TwiceTheMatrixUnit, saves_at_most: 450 };
        assert_eq!(remedy("matrix", &free), expected);
    }

    #[test]
    fn weights_that_fill_the_dram_want_a_larger_batch() {
        let split = Split::default();
        let bound = Needs { matrix: 10.0, vector: 0.0, dram: 1000.0, weights: 990.0, ..needs(&split) };
        assert_eq!(remedy("dram", &bound), Remedy { change: Change::LargerBatch, saves_at_most: 500 });
        let activations = Needs { weights: 0.0, ..bound };
        assert_eq!(remedy("dram", &activations).change, Change::TwiceTheBandwidth);
    }

    #[test]
    fn changes_are_summed_and_sorted() {
        let one = Remedy { change: Change::NoLatency, saves_at_most: 5 };
        let two = Remedy { change: Change::FullArray, saves_at_most: 8 };
        let sums = most_useful([one, two, one].iter());
        assert_eq!(sums, [(Change::NoLatency, 10, 2), (Change::FullArray, 8, 1)]);
    }
}
