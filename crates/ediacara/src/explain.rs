//! Why the layers of a compiled network are cut as they are, and how well their cost was foreseen.

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, DlpSegment, Explanation, Keeping, Verdict};
use ediacara_profile::Remedy;
use ediacara_sim::Split;
use serde_json::{Map, Value, json};

use crate::Error;

/// One layer: what was chosen, what it was expected to cost, what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerExplanation {
    /// The layer's name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// How far it advances the end of the program, in cycles; its first loads run under the layer before.
    pub cycles: u64,
    /// What the machine did in them.
    pub split: Split,
    /// The cycles that it occupies: more than `cycles` if it was prepared under earlier layers.
    pub occupied_cycles: u64,
    /// The resource that it waits for.
    pub limited_by: String,
    /// The change that would make it take fewer cycles.
    pub remedy: Remedy,
    /// The compiler's choice; nothing for a layer without one.
    pub choice: Option<Explanation>,
    /// The activations between layers that it writes or reads, and whether they stay in NRAM.
    pub activations: Vec<Keeping>,
}

impl LayerExplanation {
    /// `estimated / simulated - 1`; nothing without an estimate.
    pub fn error(&self) -> Option<f64> {
        let choice = self.choice.as_ref()?;
        Some(choice.estimate.cycles() / self.cycles.max(1) as f64 - 1.0)
    }

    /// The layer for other tools.
    pub fn to_json(&self) -> Value {
        let choice = self.choice.as_ref();
        json!({
            "name": self.name,
            "op": self.op,
            "cycles": self.cycles,
            "occupied_cycles": self.occupied_cycles,
            "split": self.split.parts().map(|(part, cycles)| (part.name().to_owned(), json!(cycles))).collect::<Map<_, _>>(),
            "limited_by": self.limited_by,
            "remedy": self.remedy,
            "estimated_cycles": choice.map(|choice| choice.estimate.cycles()),
            "error": self.error(),
            "tiling": choice.map(|choice| choice.tiling.as_str()),
            "considered": choice.map(|choice| choice.considered),
            "busiest": choice.map(Explanation::busiest),
            "matrix_cycles": choice.map(|choice| choice.estimate.matrix),
            "vector_cycles": choice.map(|choice| choice.estimate.vector),
            "dram_cycles": choice.map(|choice| choice.estimate.dram),
            "runner_up": choice.and_then(|choice| choice.runner_up.as_ref()).map(|(tiling, estimate)| json!({
                "tiling": tiling,
                "estimated_cycles": estimate.cycles(),
            })),
            "activations": self.activations.iter().map(activation).collect::<Vec<_>>(),
        })
    }
}

/// The decision about an activation, for other tools.
///
/// Cycles are estimates, over all layers from the first that writes it to the last that reads it.
fn activation(keeping: &Keeping) -> Value {
    let (cycles, in_dram) = match keeping.verdict {
        Verdict::Kept { cycles, in_dram, .. } | Verdict::Slower { cycles, in_dram } => {
            (Some(cycles), Some(in_dram))
        }
        Verdict::NoRoom | Verdict::Unfit(_) => (None, None),
    };
    json!({
        "name": keeping.value,
        "nram_bytes": keeping.bytes,
        "kept": keeping.is_kept(),
        "estimated_cycles_kept": cycles,
        "estimated_cycles_in_dram": in_dram,
        "verdict": keeping.to_string(),
    })
}

/// Explains every layer of a compiled network.
///
/// The cycles are simulated, without values.
///
/// # Errors
/// The program stops with a fault, which is a bug of the compiler.
pub fn explain(compiled: &Compiled, machine: &Machine) -> Result<Vec<LayerExplanation>, Error> {
    let mut explained = Vec::new();
    for segment in compiled.dlp() {
        explained.extend(of_segment(segment, machine)?);
    }
    Ok(explained)
}

fn of_segment(segment: &DlpSegment, machine: &Machine) -> Result<Vec<LayerExplanation>, Error> {
    let outcome = crate::pipeline::time(machine, segment)?;
    let mut choices = segment.explanations.iter().peekable();
    let yardsticks = crate::report::yardsticks(segment);
    let reports = ediacara_profile::layer_reports(machine, &segment.executable.layers, &yardsticks, &outcome);
    let explain = |(index, report): (usize, ediacara_profile::LayerReport)| {
        let concerns = |keeping: &&Keeping| keeping.layers.contains(&(index as u32));
        LayerExplanation {
            name: report.name,
            op: report.op,
            cycles: report.cycles,
            split: report.split,
            occupied_cycles: report.occupied_cycles,
            limited_by: report.limited_by,
            remedy: report.remedy,
            choice: choices.next_if(|choice| choice.layer as usize == index).cloned(),
            activations: segment.keepings.iter().filter(concerns).cloned().collect(),
        }
    };
    Ok(reports.into_iter().enumerate().map(explain).collect())
}
