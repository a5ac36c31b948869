//! The account of each layer.
//!
//! Layers' cycles sum to the total (docs/microarchitecture.md, Accounting).

use ediacara_arch::Machine;
use ediacara_isa::LayerInfo;
use ediacara_sim::{LayerAccount, Outcome, Split};
use serde::{Serialize, Serializer};

use crate::remedy::{Needs, Remedy, remedy};

/// One layer of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerReport {
    /// The node's name.
    pub name: String,
    /// The operator.
    pub op: String,
    /// The output's shape as stored (NHWC).
    pub shape: Vec<usize>,
    /// Multiply-accumulates as the network defines them.
    pub macs: u64,
    /// Multiply-accumulates of the matrix engine. With a depthwise convolution in the layer, `macs` has
    /// others too.
    pub matrix_macs: u64,
    /// Bytes of the numbers that the matrix engine multiplies for it: 1 in int8, where its peak is highest.
    pub matrix_element_bytes: u64,
    /// The number of cycles by which this layer advanced the end of the program.
    pub cycles: u64,
    /// The cycles for which the layer occupies the machine.
    ///
    /// It is the longest of `cycles`, its beats on the matrix engine, its beats on the vector engine, and its
    /// DRAM bytes over the bandwidth. It is more than `cycles` where the layer was prepared under earlier
    /// ones. It does not sum to the total.
    pub occupied_cycles: u64,
    /// The engine that was busy longest for it: `matrix`, `vector`, or `none` for a layer that only the DMA
    /// moves.
    pub unit: &'static str,
    /// The share of its peak that this engine reached in `occupied_cycles`, 0 to 1.
    ///
    /// It is MACs of the matrix engine, else operations of the vector engine, over cycles times the engine's
    /// peak.
    pub utilisation: f64,
    /// DRAM traffic of its loads and stores, whole bursts.
    pub dram_bytes: u64,
    /// A yardstick: the sum over its nodes of max(MACs / peak of their unit, bytes that must cross DRAM there
    /// / bandwidth).
    pub roofline_cycles: f64,
    /// `roofline_cycles` under its former name, for one release.
    pub bound_cycles: f64,
    /// The resource that it waits for: `matrix`, `vector` or `dram`, or `latency` if none of these is busy
    /// half of `occupied_cycles`.
    pub limited_by: String,
    /// The change with which it would take fewer cycles.
    pub remedy: Remedy,
    /// Beats of the matrix engine for it.
    pub matrix_cycles: u64,
    /// Beats of the matrix engine on rows that a block computes once more, because the windows of two tiles
    /// see them.
    pub repeated_matrix_cycles: u64,
    /// Beats of the vector engine for it.
    pub vector_cycles: u64,
    /// What the machine did in `cycles`, by parts that sum to them.
    #[serde(serialize_with = "split_by_name")]
    pub split: Split,
}

/// A split as a JSON object by part.
fn split_by_name<S: Serializer>(split: &Split, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(split.parts().map(|(part, cycles)| (part.name(), cycles)))
}

/// What a compiler knows of a layer and an executable does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LayerYardstick {
    /// See [`LayerReport::roofline_cycles`].
    pub roofline_cycles: f64,
    /// See [`LayerReport::repeated_matrix_cycles`].
    pub repeated_matrix_cycles: u64,
    /// See [`LayerReport::matrix_element_bytes`]; 0 is taken for 1.
    pub matrix_element_bytes: u64,
}

/// The account of every layer of a run; `yardsticks` are those of the layers, in order.
pub fn layer_reports(
    machine: &Machine,
    layers: &[LayerInfo],
    yardsticks: &[LayerYardstick],
    outcome: &Outcome,
) -> Vec<LayerReport> {
    let yardsticks = yardsticks.iter().copied().chain(std::iter::repeat(LayerYardstick::default()));
    let runs = outcome.layers.iter().zip(yardsticks);
    layers.iter().zip(runs).map(|(layer, (run, yardstick))| report(machine, layer, run, yardstick)).collect()
}

fn report(
    machine: &Machine,
    layer: &LayerInfo,
    run: &LayerAccount,
    yardstick: LayerYardstick,
) -> LayerReport {
    let matrix_element_bytes = yardstick.matrix_element_bytes.max(1);
    let matrix_peak = machine.peak_macs_per_cycle() as f64 / matrix_element_bytes as f64;
    let peaks = [matrix_peak, f64::from(machine.vector.lanes)];
    let bandwidth = machine.dram.bytes_per_cycle.to_f64();
    let dram = run.dram_bytes as f64 / bandwidth;
    let occupied_cycles = run.cycles.max(run.matrix_busy).max(run.vector_busy).max(dram.ceil() as u64);
    let busy = [("matrix", run.matrix_busy as f64), ("vector", run.vector_busy as f64), ("dram", dram)];
    let limited_by = limited_by(occupied_cycles, busy);
    let of_peak = |work: u64, peak: f64| work as f64 / (peak * occupied_cycles.max(1) as f64);
    let (unit, utilisation) = match (run.matrix_busy, run.vector_busy) {
        (0, 0) => ("none", 0.0),
        (matrix, vector) if matrix >= vector => ("matrix", of_peak(layer.matrix_macs, peaks[0])),
        _ => ("vector", of_peak(layer.vector_operations, peaks[1])),
    };
    let needs = Needs {
        full_array: layer.matrix_macs as f64 / peaks[0],
        matrix: run.matrix_busy as f64,
        dram,
        weights: layer.weight_bytes as f64 / bandwidth,
        split: &run.split,
    };
    LayerReport {
        name: layer.name.clone(),
        op: layer.op.clone(),
        shape: layer.shape.clone(),
        macs: layer.macs,
        matrix_macs: layer.matrix_macs,
        matrix_element_bytes,
        cycles: run.cycles,
        occupied_cycles,
        unit,
        utilisation,
        dram_bytes: run.dram_bytes,
        roofline_cycles: yardstick.roofline_cycles,
        bound_cycles: yardstick.roofline_cycles,
        remedy: remedy(&limited_by, &needs),
        limited_by,
        matrix_cycles: run.matrix_busy,
        repeated_matrix_cycles: yardstick.repeated_matrix_cycles,
        vector_cycles: run.vector_busy,
        split: run.split,
    }
}

/// The busiest resource, or `latency` if even that is busy less than half of the layer's cycles.
fn limited_by(cycles: u64, busy: [(&str, f64); 3]) -> String {
    let mut most = ("latency", cycles as f64 / 2.0);
    for (name, busy) in busy {
        if busy >= most.1 {
            most = (name, busy);
        }
    }
    most.0.to_owned()
}

#[cfg(test)]
mod tests {
    use super::limited_by;

    #[test]
    fn the_busiest_resource_limits_if_it_is_busy_half_the_time() {
        assert_eq!(limited_by(100, [("matrix", 60.0), ("vector", 20.0), ("dram", 59.0)]), "matrix");
        assert_eq!(limited_by(100, [("matrix", 49.0), ("vector", 20.0), ("dram", 10.0)]), "latency");
        assert_eq!(limited_by(100, [("matrix", 49.0), ("vector", 20.0), ("dram", 99.0)]), "dram");
    }
}
