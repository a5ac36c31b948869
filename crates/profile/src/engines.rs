//! Each engine's cycles: busy, stalled by cause, and idle, which sum to the total.

use ediacara_sim::{EngineAccount, Outcome};
use serde::{Serialize, Serializer};

/// One engine's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineReport {
    /// `control`, `load`, `matrix`, `vector` or `store`.
    #[serde(skip)]
    pub name: String,
    /// Cycles in which it did work.
    pub busy_cycles: u64,
    /// Cycles it stood still, by cause, in the order of docs/microarchitecture.md.
    #[serde(serialize_with = "as_map")]
    pub stall_cycles: Vec<(String, u64)>,
    /// Cycles with nothing to do.
    pub idle_cycles: u64,
}

fn as_map<S: Serializer>(stalls: &[(String, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(stalls.iter().map(|(cause, cycles)| (cause, cycles)))
}

/// Engines as a JSON object by name.
///
/// # Errors
/// Those of the serializer.
pub fn by_name<S: Serializer>(engines: &[EngineReport], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(engines.iter().map(|engine| (&engine.name, engine)))
}

/// The account of every engine over the runs of several programs, one after the other.
pub fn engine_reports<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Vec<EngineReport> {
    let mut reports: Vec<EngineReport> = Vec::new();
    for outcome in outcomes {
        let of_run: Vec<EngineReport> = outcome.engines.iter().map(report).collect();
        if reports.is_empty() {
            reports = of_run;
            continue;
        }
        for (sum, one) in reports.iter_mut().zip(of_run) {
            sum.busy_cycles += one.busy_cycles;
            sum.idle_cycles += one.idle_cycles;
            sum.stall_cycles.iter_mut().zip(one.stall_cycles).for_each(|(sum, one)| sum.1 += one.1);
        }
    }
    reports
}

fn report(engine: &EngineAccount) -> EngineReport {
    let stalls = engine.stalls.iter();
    EngineReport {
        name: engine.engine.name().to_owned(),
        busy_cycles: engine.busy,
        stall_cycles: stalls.map(|(cause, cycles)| (cause.name().to_owned(), *cycles)).collect(),
        idle_cycles: engine.idle,
    }
}
