//! Programs ready to be compared on simulator and hardware.
//!
//! [`programs`] and [`network`] make executables and their inputs' bytes; [`race`] says whether equality can
//! be expected; `rtl::lockstep` compares.

use std::sync::Arc;

use ediacara_arch::Machine;
use ediacara_data::Random;
use ediacara_graph::Registry;
use ediacara_isa::{Binding, CoreProgram, Executable, Plan, Work};
use ediacara_rtl::Initial;
use ediacara_sim::{Fault, FaultKind, Options, Simulator};
use ediacara_tensor::Tensor;

use crate::inputs::Source;
use crate::runner::Runner;
use crate::{Error, HostOnly, Prepared, compile, following, pipeline};

/// An executable with what its memories hold at first.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its segment in the plan, by index.
    pub segment: usize,
    /// What runs.
    pub executable: Arc<Executable>,
    /// Its inputs, and the registers of its bindings.
    pub initial: Initial,
}

/// The programs of a plan with inputs from `sources`, seeded numbers where there are fewer than inputs.
///
/// `registry` knows the operators of its host segments, and `bindings` are numbers for the plan's, by name; see
/// [`drawn`].
///
/// # Errors
/// More sources than inputs; a binding is unknown, missing or outside its range; a source that does not fit; the host cannot run what comes before a program.
pub fn programs(
    plan: &Plan,
    machine: &Machine,
    registry: &Registry,
    sources: &[Source],
    bindings: &[(String, u64)],
    seed: u64,
) -> Result<Vec<Ready>, Error> {
    let mut runner = Runner::new(plan, machine, registry)?;
    runner.bind(bindings)?;
    let tensors = pipeline::plan_inputs(plan, &runner, sources, seed)?.tensors;
    ready(plan, &runner, &tensors)
}

/// The bindings of a plan with the numbers that are given, and numbers of their ranges drawn by seed for others.
pub fn drawn(plan: &Plan, given: &[(String, u64)], seed: u64) -> Vec<(String, u64)> {
    let is_given = |name: &str| given.iter().any(|(given, _)| given == name);
    let is_free =
        |binding: &&Binding| !is_given(&binding.name) && following::followed(plan, binding).is_none();
    let others = plan.bindings.iter().filter(is_free);
    let draw = |binding: &Binding| {
        let count = binding.high.saturating_sub(binding.low) + 1;
        let number = binding.low + Random::named(seed, &binding.name).below(count);
        (binding.name.clone(), number)
    };
    given.iter().cloned().chain(others.map(draw)).collect()
}

/// The programs of a network compiled for a machine, with their inputs.
///
/// # Errors
/// The network does not compile, or nothing of it runs on the DLP, which `host_only` may allow; an input is missing.
pub fn network(
    prepared: &Prepared,
    machine: &Machine,
    tensors: &[Tensor],
    host_only: HostOnly,
) -> Result<Vec<Ready>, Error> {
    let network = compile(prepared, machine, &Default::default(), host_only)?;
    ready(&network.plan, &network.runner(machine)?, tensors)
}

/// What each program is given when the plan runs on the simulator.
fn ready(plan: &Plan, runner: &Runner, tensors: &[Tensor]) -> Result<Vec<Ready>, Error> {
    let mut found = Vec::new();
    for (segment, inputs) in runner.program_inputs(tensors)? {
        let Work::Dlp(programs) = &plan.segments[segment].work else { continue };
        for CoreProgram { executable, .. } in programs {
            let named = inputs.iter().map(|(name, bytes)| (name.as_str(), bytes.clone()));
            let initial = Initial {
                registers: runner.registers(tensors, true)?,
                ..Initial::inputs(executable, named)?
            };
            found.push(Ready { segment, executable: executable.clone(), initial });
        }
    }
    Ok(found)
}

/// Runs the program in the simulator's checked mode; gives the race that it finds, if it finds one.
///
/// The simulator cannot look behind a read of a byte that was never written; there it says nothing.
///
/// # Errors
/// The machine does not fit the program.
pub fn race(machine: &Machine, ready: &Ready, max_cycles: Option<u64>) -> Result<Option<Fault>, Error> {
    let options = Options { values: false, checked: true, trace: false, max_cycles };
    let mut simulator = Simulator::new(machine, &ready.executable, options)?;
    simulator.set_registers(&ready.initial.registers);
    for (address, bytes) in &ready.initial.dram {
        simulator.write_dram(*address, bytes)?;
    }
    Ok(simulator.run().fault.filter(|fault| fault.kind == FaultKind::Race))
}

/// Reads a plan by its name: a file of one (`.dlpx`), or assembly (`.dlpasm`); `None` if it is neither.
///
/// # Errors
/// The file cannot be read, is damaged, or does not assemble.
pub fn load_plan(name: &str) -> Result<Option<Plan>, Error> {
    let path = std::path::Path::new(name);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("dlpx") => Ok(Some(Plan::load(path)?)),
        Some("dlpasm") => {
            let assembled = ediacara_isa::assemble_file(path);
            let executable = assembled.map_err(|errors| Error::Invalid(errors.to_string()))?;
            Ok(Some(Plan::from(executable)))
        }
        _ => Ok(None),
    }
}
