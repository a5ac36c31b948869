//! What would have to change for a layer to take fewer cycles, and which change of the machine can be tried.

use ediacara_arch::Machine;
use ediacara_sim::{Part, Split};
use serde::{Serialize, Serializer};

/// A change of the machine or the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Channels and kernels that fill the array's lanes, or an array of another shape.
    FullArray,
    /// A matrix unit of twice the columns.
    TwiceTheMatrixUnit,
    /// A vector unit of twice the lanes.
    TwiceTheVectorLanes,
    /// A DRAM of twice the bytes a cycle.
    TwiceTheBandwidth,
    /// The same bandwidth, or weights that serve more samples.
    LargerBatch,
    /// Data that arrives a cycle after it was asked for.
    NoLatency,
    /// Instructions that are always there.
    NoFetch,
    /// Engines that never wait for one another: deeper buffers, finer tiles, or more of the neighbouring layers' work
    /// beside this layer's.
    NoHandover,
}

impl Change {
    /// The text for people, and in JSON.
    pub fn text(self) -> &'static str {
        match self {
            Change::FullArray => "channels that fill the array",
            Change::TwiceTheMatrixUnit => "a matrix unit of twice the columns",
            Change::TwiceTheVectorLanes => "twice the vector lanes",
            Change::TwiceTheBandwidth => "twice the DRAM bandwidth",
            Change::LargerBatch => "a larger batch, or twice the DRAM bandwidth",
            Change::NoLatency => "no DRAM latency",
            Change::NoFetch => "no waiting for instructions",
            Change::NoHandover => "engines that need not wait for one another",
        }
    }

    /// The machine with the change, and the field that was set.
    ///
    /// It is nothing where no field makes the change, or where the machine would not be valid.
    pub fn machine(self, machine: &Machine) -> Option<(Machine, String)> {
        let mut changed = machine.clone();
        let field = match self {
            Change::TwiceTheMatrixUnit => {
                changed.matrix.columns = changed.matrix.columns.checked_mul(2)?;
                format!("matrix.columns = {}", changed.matrix.columns)
            }
            Change::TwiceTheVectorLanes => {
                changed.vector.lanes = changed.vector.lanes.checked_mul(2)?;
                format!("vector.lanes = {}", changed.vector.lanes)
            }
            Change::TwiceTheBandwidth | Change::LargerBatch => {
                let rate = &mut changed.dram.bytes_per_cycle;
                rate.numerator = rate.numerator.checked_mul(2)?;
                format!("dram.bytes_per_cycle = {}", rate.to_f64())
            }
            Change::NoLatency => {
                changed.dram.latency_cycles = 1;
                "dram.latency_cycles = 1".to_owned()
            }
            Change::FullArray | Change::NoFetch | Change::NoHandover => return None,
        };
        changed.validate().ok().map(|()| (changed, field))
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// What would help one layer.
///
/// Only a measurement on the whole network tells what it would save: [`WhatIf`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What would have to change.
    pub change: Change,
}

/// A change that was made: the network compiled for the changed machine, and timed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhatIf {
    /// What was changed.
    pub change: Change,
    /// The machine's field and its new value.
    pub set: String,
    /// The outcome.
    #[serde(flatten)]
    pub result: Tried,
}

/// The outcome of a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Tried {
    /// It was timed.
    Timed {
        /// Cycles on the changed machine.
        cycles: u64,
        /// How many fewer that is; negative where it is more.
        saved_cycles: i64,
    },
    /// The network does not compile for the changed machine.
    Refused {
        /// Why.
        problem: String,
    },
}

/// What one layer needs of the machine, in cycles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs<'a> {
    /// Cycles of a full array.
    pub(crate) full_array: f64,
    pub(crate) matrix: f64,
    pub(crate) dram: f64,
    /// Cycles of the DRAM for the weights alone.
    pub(crate) weights: f64,
    pub(crate) split: &'a Split,
}

/// The share of lanes in use below which the array's shape is the limit, not its speed.
const FULL_ENOUGH: f64 = 0.75;

/// The change that addresses what limits a layer.
pub(crate) fn remedy(limited_by: &str, needs: &Needs<'_>) -> Remedy {
    let change = match limited_by {
        "matrix" if needs.full_array < FULL_ENOUGH * needs.matrix => Change::FullArray,
        "matrix" => Change::TwiceTheMatrixUnit,
        "vector" => Change::TwiceTheVectorLanes,
        "dram" if needs.weights > needs.dram / 2.0 => Change::LargerBatch,
        "dram" => Change::TwiceTheBandwidth,
        _ => waiting(needs.split),
    };
    Remedy { change }
}

/// The change where nothing is busy: it addresses the part of the cycles with the most waiting.
fn waiting(split: &Split) -> Change {
    let candidates = [
        (Change::NoLatency, split.of(Part::DramLatency)),
        (Change::NoFetch, split.of(Part::Fetch)),
        (Change::NoHandover, split.of(Part::Handover)),
    ];
    candidates.into_iter().max_by_key(|(_, cycles)| *cycles).map_or(Change::NoHandover, |(change, _)| change)
}

/// The changes that would help most layers, as `(change, cycles that those layers take now, layers)`, most
/// cycles first.
pub fn most_useful(remedies: impl Iterator<Item = (Remedy, u64)>) -> Vec<(Change, u64, usize)> {
    let mut sums: std::collections::BTreeMap<Change, (u64, usize)> = Default::default();
    for (Remedy { change }, own) in remedies {
        let (cycles, layers) = sums.entry(change).or_default();
        *cycles += own;
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
        Needs { full_array: 900.0, matrix: 900.0, dram: 100.0, weights: 80.0, split }
    }

    #[test]
    fn an_array_of_idle_lanes_wants_channels_and_a_full_one_more_columns() {
        let split = Split::default();
        assert_eq!(remedy("matrix", &needs(&split)).change, Change::TwiceTheMatrixUnit);
        let half = Needs { full_array: 450.0, ..needs(&split) };
        assert_eq!(remedy("matrix", &half).change, Change::FullArray);
    }

    #[test]
    fn weights_that_fill_the_dram_want_a_larger_batch() {
        let split = Split::default();
        let bound = Needs { matrix: 10.0, dram: 1000.0, weights: 990.0, ..needs(&split) };
        assert_eq!(remedy("dram", &bound).change, Change::LargerBatch);
        let activations = Needs { weights: 0.0, ..bound };
        assert_eq!(remedy("dram", &activations).change, Change::TwiceTheBandwidth);
    }

    #[test]
    fn changes_are_summed_and_sorted() {
        let [one, two] = [Change::NoLatency, Change::FullArray].map(|change| Remedy { change });
        let sums = most_useful([(one, 5), (two, 8), (one, 2)].into_iter());
        assert_eq!(sums, [(Change::FullArray, 8, 1), (Change::NoLatency, 7, 2)]);
    }

    #[test]
    fn a_change_sets_one_field() {
        let machine = Machine::preset("dlp16").unwrap();
        let (changed, field) = Change::TwiceTheBandwidth.machine(&machine).unwrap();
        assert_eq!(field, "dram.bytes_per_cycle = 32");
        assert_eq!(changed.dram.bytes_per_cycle.to_f64(), 2.0 * machine.dram.bytes_per_cycle.to_f64());
        assert_eq!(Change::NoFetch.machine(&machine), None);
    }
}
