//! Programs ready to be compared on simulator and hardware.
//!
//! [`program`] and [`network`] make an executable and its inputs' bytes; [`race`] says whether equality can
//! be expected; `rtl::lockstep` compares.

use ediacara_arch::Machine;
use ediacara_isa::Executable;
use ediacara_rtl::Initial;
use ediacara_sim::{Fault, FaultKind, Options, Simulator};
use ediacara_tensor::Tensor;

use crate::inputs::Source;
use crate::{Error, HostOnly, Prepared, compile, pipeline};

/// An executable with the initial content of its memories.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What runs.
    pub executable: Executable,
    /// Its inputs.
    pub initial: Initial,
}

/// An executable with inputs from `sources`, or seeded numbers if there are fewer than inputs.
///
/// # Errors
/// More sources than inputs; a source that does not fit.
pub fn program(executable: Executable, sources: &[Source], seed: u64) -> Result<Ready, Error> {
    let inputs = pipeline::program_inputs(&executable, sources, seed)?.bytes;
    let named = inputs.iter().map(|(name, bytes)| (name.as_str(), bytes.clone()));
    let initial = Initial::inputs(&executable, named)?;
    Ok(Ready { executable, initial })
}

/// A network compiled for a machine, with its inputs.
///
/// # Errors
/// The network does not compile, or nothing of it runs on the DLP, which `host_only` may allow; an input is
/// missing.
pub fn network(
    prepared: &Prepared,
    machine: &Machine,
    tensors: &[Tensor],
    host_only: HostOnly,
) -> Result<Ready, Error> {
    let compiled = compile(prepared, machine, &Default::default(), host_only)?.compiled;
    let inputs = pipeline::network_inputs(&compiled, &prepared.quantised, tensors)?;
    let named = inputs.iter().map(|(name, bytes)| (name.as_str(), bytes.clone()));
    let initial = Initial::inputs(&compiled.executable, named)?;
    Ok(Ready { executable: compiled.executable, initial })
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
    for (address, bytes) in &ready.initial.dram {
        simulator.write_dram(*address, bytes)?;
    }
    Ok(simulator.run().fault.filter(|fault| fault.kind == FaultKind::Race))
}

/// Reads a program by its name: an executable (`.dlpx`) or assembly (`.dlpasm`); `None` if it is neither.
///
/// # Errors
/// The file cannot be read, is damaged, or does not assemble.
pub fn load_program(name: &str) -> Result<Option<Executable>, Error> {
    let path = std::path::Path::new(name);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("dlpx") => Ok(Some(Executable::load(path)?)),
        Some("dlpasm") => {
            let assembled = ediacara_isa::assemble_file(path);
            Ok(Some(assembled.map_err(|errors| Error::Invalid(errors.to_string()))?))
        }
        _ => Ok(None),
    }
}
