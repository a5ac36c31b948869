//! What the tests of the hardware share: where builds are kept, and programs in files in lockstep.

use std::path::{Path, PathBuf};

use ediacara_arch::Machine;
use ediacara_isa::{Binding, Executable, Registers, assemble_file};
use ediacara_rtl::{BuildOptions, Core, Initial, LockstepOptions, Verdict, lockstep};
use ediacara_sim::{FaultKind, Options, Simulator};

/// Cycles after which both give up.
const LIMIT: u64 = 200_000;

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Builds are kept from one run of the tests to the next.
pub(crate) fn options() -> BuildOptions {
    let verilator = std::env::var_os("EDIACARA_VERILATOR").map(PathBuf::from);
    BuildOptions { verilator, ..BuildOptions::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("rtl")) }
}

fn programs(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| is_program(path)).collect();
    files.sort();
    files
}

fn is_program(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.ends_with(".dlpasm") && !name.ends_with("_weights.dlpasm")
}

/// Inputs of seeded bytes.
fn inputs(executable: &Executable) -> Initial {
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let named =
        executable.inputs.iter().map(|port| (port.name.as_str(), (0..port.len()).map(|_| byte()).collect()));
    Initial::inputs(executable, named).unwrap()
}

/// Whether the machine can run the program at all, and without a race.
fn is_comparable(machine: &Machine, executable: &Executable, initial: &Initial) -> bool {
    let options = Options { values: false, checked: true, trace: false, max_cycles: Some(LIMIT) };
    let Ok(mut simulator) = Simulator::new(machine, executable, options) else { return false };
    simulator.set_registers(&initial.registers);
    for (address, bytes) in &initial.dram {
        simulator.write_dram(*address, bytes).unwrap();
    }
    !simulator.run().fault.is_some_and(|fault| fault.kind == FaultKind::Race)
}

/// Compares all programs of a folder, and returns how many could be compared.
pub(crate) fn compare(machine: &Machine, folder: &str) -> usize {
    compare_with(&options(), machine, folder)
}

/// The registers of a program's bindings at the least and at the largest of their numbers; once without.
fn bound(executable: &Executable) -> Vec<Registers> {
    let with = |number: fn(&Binding) -> u64| {
        let mut registers = Registers::default();
        for binding in &executable.bindings {
            registers[usize::from(binding.register)] = number(binding);
        }
        registers
    };
    let mut all = vec![with(|binding| binding.low), with(|binding| binding.high)];
    all.dedup();
    all
}

/// [`compare`], with a core that is built otherwise.
pub(crate) fn compare_with(build: &BuildOptions, machine: &Machine, folder: &str) -> usize {
    let mut core = Core::build(machine, build).unwrap();
    let (mut compared, mut problems) = (0, Vec::new());
    for path in programs(folder) {
        let executable = assemble_file(&path).unwrap_or_else(|errors| panic!("{errors}"));
        let initial = inputs(&executable);
        let options = LockstepOptions { max_cycles: Some(LIMIT), ..LockstepOptions::default() };
        for registers in bound(&executable) {
            let initial = Initial { registers, ..initial.clone() };
            if !is_comparable(machine, &executable, &initial) {
                continue;
            }
            compared += 1;
            let verdict = lockstep(&mut core, machine, &executable, &initial, &options, &mut |_| ()).unwrap();
            if let Verdict::Diverged(divergence) = verdict {
                problems.push(format!("{} on {}: {divergence}", path.display(), machine.name));
            }
        }
    }
    assert!(problems.is_empty(), "{} of {compared}:\n{}", problems.len(), problems.join("\n"));
    compared
}
