//! Programs with bindings: at which numbers they are proven, and what is found there.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Registers, assemble, assemble_file};
use ediacara_prove::{Options, Property, Settings, prove, settings};

fn machine() -> Machine {
    Machine::preset("dlp16").unwrap()
}

fn settings_of(executable: &Executable) -> Result<Settings, String> {
    settings(executable, &machine(), &executable.bindings, 1_000_000)
}

fn registers(of: &Settings, register: usize) -> Vec<u64> {
    of.registers.iter().map(|registers| registers[register]).collect()
}

fn proof_at(executable: &Executable, registers: Registers) -> ediacara_prove::Proof {
    prove(executable, &machine(), &Options { registers, ..Options::default() })
}

#[test]
fn the_example_is_proven_at_every_number() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/first_rows.dlpasm");
    let executable = assemble_file(&path).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = settings_of(&executable).unwrap();
    assert!(settings.all);
    assert_eq!(registers(&settings, 1), (1..=16).collect::<Vec<_>>());
    for registers in settings.registers {
        let proof = proof_at(&executable, registers);
        assert!(proof.proven, "{registers:?}: {:#?}", proof.findings);
        // 9 before the loop with it, 3 for each row, 3 behind it.
        assert_eq!(proof.instructions, 12 + 3 * registers[1]);
    }
    // Without a number the loop has no run, and with 17 it reads behind its input.
    assert_eq!(proof_at(&executable, [0; 16]).findings[0].property, Property::Operand);
    let mut behind = [0; 16];
    behind[1] = 17;
    assert_eq!(proof_at(&executable, behind).findings[0].property, Property::Uninitialised);
}

/// A large range is proven at its ends and on both sides of the number at which a branch is taken.
#[test]
fn large_ranges_are_proven_where_the_path_changes() {
    let text = ".binding position, r1, 0, 100000\nset rd=r2, value=1234\n\
                branch condition=less, ra=r1, rb=r2, target=end\nsync\nend: halt\n";
    let found = settings_of(&assemble(text, "x.dlpasm").unwrap()).unwrap();
    assert!(!found.all);
    assert_eq!(registers(&found, 1), [0, 1233, 1234, 100_000]);
}

#[test]
fn trip_counts_that_change_everywhere_are_refused() {
    let text = ".binding rows, r1, 1, 100000\nloop register=r1, until=end\nnop\nend: halt\n";
    let error = settings_of(&assemble(text, "x.dlpasm").unwrap()).unwrap_err();
    assert!(
        error.starts_with("binding `rows` of 1 to 100000 would have to be proven at more than"),
        "{error}"
    );
}

#[test]
fn several_bindings_are_combined_and_none_is_one_setting() {
    let two = ".binding a, r1, 1, 2\n.binding b, r3, 7, 9\nhalt\n";
    let found = settings_of(&assemble(two, "x.dlpasm").unwrap()).unwrap();
    assert_eq!(
        (registers(&found, 1), registers(&found, 3)),
        (vec![1, 1, 1, 2, 2, 2], vec![7, 8, 9, 7, 8, 9])
    );
    let none = settings_of(&assemble("halt\n", "x.dlpasm").unwrap()).unwrap();
    assert_eq!((none.registers, none.all), (vec![[0; 16]], true));
}

/// A cache that is input and output: a row of it may be written, once.
#[test]
fn rows_of_an_input_that_is_an_output_are_written_once() {
    let text = |stores: usize| {
        let store = "store source=0, destination=0x1_0000 + r2, length=64\nsync\n".repeat(stores);
        format!(
            ".binding position, r1, 0, 3\n.input past, 0x1_0000, [4, 64]\n.output present, 0x1_0000, [4, 64]\n.code 0\n\
             fill d=0, value=1, length=64\nadd_scalar rd=r2, ra=r1, rb=r1\n{}sync\n{store}halt\n",
            "add_scalar rd=r2, ra=r2, rb=r2\n".repeat(5)
        )
    };
    for (stores, property) in [(1, None), (2, Some(Property::Output))] {
        let executable = assemble(&text(stores), "x.dlpasm").unwrap();
        let found = settings_of(&executable).unwrap();
        assert_eq!(registers(&found, 1), [0, 1, 2, 3]);
        for registers in found.registers {
            let proof = proof_at(&executable, registers);
            assert_eq!(
                proof.findings.first().map(|finding| finding.property),
                property,
                "{:#?}",
                proof.findings
            );
        }
    }
    // Beyond the cache is somebody else's, or nobody's.
    let outside = text(1).replace("0x1_0000 + r2", "0xfff0 + r2");
    let proof = proof_at(&assemble(&outside, "x.dlpasm").unwrap(), [0; 16]);
    assert_eq!(proof.findings[0].property, Property::Data, "{:#?}", proof.findings);
}
