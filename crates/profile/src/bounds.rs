//! The two bounds that are printed beside every result.

use ediacara_arch::Machine;
use ediacara_isa::LayerInfo;

/// What no program, and what no layer-by-layer program, can beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The largest compulsory work of any one engine or of the DRAM over the whole network, in cycles. No program can beat it.
    pub floor_cycles: u64,
    /// The sum over layers of max(MACs / peak, weight bytes / bandwidth), plus the network's input and output traffic, in cycles.
    pub layer_bound_cycles: u64,
}

impl Bounds {
    /// The bounds of a network of `layers` on `machine`, whose inputs and outputs together have `border_bytes` bytes, of which
    /// any program must move `compulsory_bytes`: a network may read a part of an input.
    pub fn of(machine: &Machine, layers: &[LayerInfo], border_bytes: u64, compulsory_bytes: u64) -> Bounds {
        let bandwidth = bandwidth(machine);
        let border = border_bytes as f64 / bandwidth;
        let layer_sum: f64 = layers.iter().map(|layer| layer_bound(machine, layer)).sum();
        let sum = |count: fn(&LayerInfo) -> u64| layers.iter().map(count).sum::<u64>() as f64;
        let matrix = sum(|layer| layer.matrix_macs) / machine.peak_macs_per_cycle() as f64;
        let vector = sum(|layer| layer.vector_operations) / f64::from(machine.vector.lanes);
        let dram = (sum(|layer| layer.weight_bytes) + compulsory_bytes as f64) / bandwidth;
        Bounds {
            floor_cycles: matrix.max(vector).max(dram).ceil() as u64,
            layer_bound_cycles: (layer_sum + border).ceil() as u64,
        }
    }
}

/// The bound of one layer: max(MACs / peak, weight bytes / bandwidth), in cycles.
pub(crate) fn layer_bound(machine: &Machine, layer: &LayerInfo) -> f64 {
    let compute = layer.macs as f64 / machine.peak_macs_per_cycle() as f64;
    let weights = layer.weight_bytes as f64 / bandwidth(machine);
    compute.max(weights)
}

/// DRAM bandwidth in bytes a cycle.
pub(crate) fn bandwidth(machine: &Machine) -> f64 {
    machine.dram.bytes_per_cycle.numerator as f64 / machine.dram.bytes_per_cycle.denominator as f64
}
