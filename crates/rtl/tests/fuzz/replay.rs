//! How to see a divergence again.

use std::fs;
use std::path::Path;

use ediacara_arch::Machine;
use ediacara_fuzzgen::Program;
use ediacara_isa::{Data, Executable, disassemble};
use ediacara_rtl::{Core, Initial, LockstepOptions, Verdict, lockstep};

/// Writes the program and its machine for `ediacara verify`, and says how to use them.
pub(crate) fn tell(core: &mut Core, machine: &Machine, program: &Program, seed: u64) -> String {
    let shape = &machine.name;
    let again = format!(
        "again: EDIACARA_FUZZ_SHAPE={shape} EDIACARA_FUZZ_SEED={seed} EDIACARA_FUZZ_PROGRAMS=1 \
         cargo test -p ediacara-rtl --test fuzz random -- --nocapture"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diverged");
    let (text, toml) =
        (folder.join(format!("{shape}-{seed}.dlpasm")), folder.join(format!("{shape}-{seed}.toml")));
    let executable = with_data(program);
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&text, disassemble(&executable)))
        .and_then(|()| fs::write(&toml, machine.to_toml()));
    if let Err(error) = written {
        return format!("{again}\n(no program was written: {error})");
    }
    // A file holds DRAM only, so what a program finds on chip is zero there.
    let verdict =
        lockstep(core, machine, &executable, &Initial::default(), &LockstepOptions::default(), &mut |_| ());
    let parts = match verdict {
        Ok(Verdict::Equal(_)) => "does not diverge with nothing on chip",
        _ => "diverges too",
    };
    format!("{again}\nor: ediacara verify {} --machine {} ({parts})", text.display(), toml.display())
}

/// The program with everything around it in DRAM.
fn with_data(program: &Program) -> Executable {
    let blocks = program.around_code().into_iter().filter(|(_, bytes)| !bytes.is_empty());
    Executable {
        data: blocks.map(|(address, bytes)| Data { address, bytes: bytes.to_vec() }).collect(),
        ..program.executable()
    }
}

#[test]
fn what_is_written_is_the_program() {
    let shape = &ediacara_fuzzgen::shapes()[0];
    for seed in 0..20 {
        let (_, program) = crate::campaign::draw(shape, seed);
        let executable = with_data(&program);
        let read = ediacara_isa::assemble(&disassemble(&executable), "replay").unwrap();
        assert_eq!((read.code_base, &read.code), (program.base, &program.code));
        assert_eq!(read.data, executable.data);
    }
}
