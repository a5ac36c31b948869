//! Each engine's cycles: busy, stalled by cause, idle. They sum to the total.

use ediacara_sim::Outcome;
use serde_json::{Map, Value, json};

/// One engine's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineReport {
    /// `control`, `load`, `matrix`, `vector` or `store`.
    pub name: String,
    /// Cycles in which it did work.
    pub busy_cycles: u64,
    /// Cycles it stood still, by cause, in the order of docs/microarchitecture.md.
    pub stall_cycles: Vec<(String, u64)>,
    /// Cycles with nothing to do.
    pub idle_cycles: u64,
}

impl EngineReport {
    /// The JSON object: `busy_cycles`, `stall_cycles` by cause, `idle_cycles`.
    pub fn to_json(&self) -> Value {
        let stalls: Map<String, Value> =
            self.stall_cycles.iter().map(|(cause, cycles)| (cause.clone(), json!(cycles))).collect();
        json!({ "busy_cycles": self.busy_cycles, "stall_cycles": stalls, "idle_cycles": self.idle_cycles })
    }
}

/// The account of every engine.
pub fn engine_reports(outcome: &Outcome) -> Vec<EngineReport> {
    outcome
        .engines
        .iter()
        .map(|engine| EngineReport {
            name: engine.engine.name().to_owned(),
            busy_cycles: engine.busy,
            stall_cycles: engine.stalls.iter().map(|(cause, cycles)| (cause.name().to_owned(), *cycles)).collect(),
            idle_cycles: engine.idle,
        })
        .collect()
}
