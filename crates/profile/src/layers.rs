//! The account of each layer. Layers' cycles sum to the total (docs/microarchitecture.md, Accounting).

use ediacara_arch::Machine;
use ediacara_isa::LayerInfo;
use ediacara_sim::{LayerAccount, Outcome, Split};
use serde::{Serialize, Serializer};

use crate::bounds;
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
    /// Multiply-accumulates.
    pub macs: u64,
    /// By how much this layer advanced the end of the program.
    pub cycles: u64,
    /// `macs / (cycles * peak)`, 0 to 1; may pass 1 for a layer that ran mostly under its predecessor.
    pub utilisation: f64,
    /// DRAM traffic of its loads and stores, whole bursts.
    pub dram_bytes: u64,
    /// max(MACs / peak, weight bytes / bandwidth).
    pub bound_cycles: f64,
    /// What it waits for: `matrix`, `vector`, `dram`, or `latency` when none of these is busy half the time.
    pub limited_by: String,
    /// What would have to change for it to take fewer cycles.
    pub remedy: Remedy,
    /// Cycles the matrix engine worked for it.
    pub matrix_cycles: u64,
    /// Cycles the vector engine worked for it.
    pub vector_cycles: u64,
    /// What the machine did in `cycles`; the parts sum to them.
    #[serde(serialize_with = "split_by_name")]
    pub split: Split,
}

/// A split as a JSON object by part.
fn split_by_name<S: Serializer>(split: &Split, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(split.parts().map(|(part, cycles)| (part.name(), cycles)))
}

/// The account of every layer of a run.
pub fn layer_reports(machine: &Machine, layers: &[LayerInfo], outcome: &Outcome) -> Vec<LayerReport> {
    layers.iter().zip(&outcome.layers).map(|(layer, run)| layer_report(machine, layer, run)).collect()
}

fn layer_report(machine: &Machine, layer: &LayerInfo, run: &LayerAccount) -> LayerReport {
    let peak = machine.peak_macs_per_cycle() as f64;
    let bandwidth = bounds::bandwidth(machine);
    let (matrix, vector) = (run.matrix_busy as f64, run.vector_busy as f64);
    let dram = run.dram_bytes as f64 / bandwidth;
    let limited_by = limited_by(run.cycles, [("matrix", matrix), ("vector", vector), ("dram", dram)]);
    let needs = Needs {
        cycles: run.cycles,
        full_array: layer.matrix_macs as f64 / peak,
        matrix,
        vector,
        dram,
        weights: layer.weight_bytes as f64 / bandwidth,
        split: &run.split,
    };
    LayerReport {
        name: layer.name.clone(),
        op: layer.op.clone(),
        shape: layer.shape.clone(),
        macs: layer.macs,
        cycles: run.cycles,
        utilisation: layer.macs as f64 / (run.cycles.max(1) as f64 * peak),
        dram_bytes: run.dram_bytes,
        bound_cycles: bounds::layer_bound(machine, layer),
        remedy: remedy(&limited_by, &needs),
        limited_by,
        matrix_cycles: run.matrix_busy,
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
