//! Whether a program is fit for comparisons.

use ediacara_arch::Machine;
use ediacara_sim::{FaultKind, Options, Outcome, SimError, Simulator};

use crate::Program;

/// Cycles after which a program counts as endless.
pub const CYCLE_LIMIT: u64 = 30_000;

/// What checked mode says of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Its memories, cycles and fault are the same on everything that follows the rules.
    Accepted,
    /// Its memories depend on what no rule settles.
    Racy,
    /// It reads what was never written.
    Uninitialised,
    /// It does not end in [`CYCLE_LIMIT`] cycles.
    Endless,
}

/// Runs a program in checked mode, with a trace.
///
/// Returns the verdict, the outcome, and the simulator with the memories that it ends with.
///
/// # Errors
/// A program that is not for this machine.
pub fn judge(machine: &Machine, program: &Program) -> Result<(Verdict, Outcome, Simulator), SimError> {
    let options = Options { values: true, checked: true, trace: true, max_cycles: Some(CYCLE_LIMIT) };
    let mut simulator = Simulator::new(machine, &program.executable(), options)?;
    program.fill_memories(&mut simulator)?;
    let outcome = simulator.run();
    let verdict = match outcome.fault.as_ref().map(|fault| fault.kind) {
        Some(FaultKind::Race) => Verdict::Racy,
        Some(FaultKind::Uninitialised) => Verdict::Uninitialised,
        Some(FaultKind::CycleLimit) => Verdict::Endless,
        _ => Verdict::Accepted,
    };
    Ok((verdict, outcome, simulator))
}
