//! Provenance on small programs whose layers and values are written by hand.
//!
//! One declaration is true, and each of the others is false in its own way.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Extent, Memory, Party, Value, assemble};
use ediacara_prove::{Finding, Options, Proof, Property, ReadBytes, prove_values};

/// Two layers: `first` brings the input to NRAM and leaves it there, `second` adds it to a constant and stores the sum.
const PROGRAM: &str = "
.input x, 0x1000, [64]
.output y, 0x2000, [64]
.code 0
        .layer first, op=copy, shape=[64]
        load source=0x1000, destination=nram[0], length=64 post(0)
        copy d=256, a=0, length=64 wait(0) post(1)
        .layer second, op=add, shape=[64]
        load source=constant, destination=nram[128], length=64 post(2)
        add d=192, a=256, b=128, length=64 wait(2) post(3)
        store source=192, destination=0x2000, length=64 wait(1, 3)
        halt
.data 0x3000
constant: .zero 64
";

const FIRST: Party = Party::Layer(0);
const SECOND: Party = Party::Layer(1);

fn value(name: &str, memory: Memory, start: u64, length: u64, writer: Party, readers: &[Party]) -> Value {
    let extent = Extent::run(start, length);
    Value { name: name.to_owned(), memory, extent, writers: vec![writer], readers: readers.to_vec() }
}

/// What is true of the program.
fn declared() -> Vec<Value> {
    vec![
        value("x", Memory::Dram, 0x1000, 64, Party::Host, &[FIRST]),
        value("constant", Memory::Dram, 0x3000, 64, Party::Executable, &[SECOND]),
        value("tiles of first", Memory::Nram, 0, 64, FIRST, &[FIRST]),
        value("kept", Memory::Nram, 256, 64, FIRST, &[SECOND]),
        value("tiles of second", Memory::Nram, 128, 128, SECOND, &[SECOND]),
        value("y", Memory::Dram, 0x2000, 64, SECOND, &[Party::Host]),
    ]
}

fn proof(executable: &Executable, values: &[Value]) -> Proof {
    prove_values(executable, &Machine::preset("dlp16").unwrap(), values, &Options::default())
}

/// The one finding, which is of a wrong declaration or of a wrong program.
fn finding(program: &str, values: &[Value]) -> Finding {
    let proof = proof(&assemble(program, "program").unwrap(), values);
    let strays = proof.findings.into_iter().filter(|finding| finding.property == Property::Provenance);
    let [finding] = &strays.collect::<Vec<_>>()[..] else { panic!("not one finding") };
    finding.clone()
}

fn says(finding: &Finding, parts: &[&str]) {
    let text = finding.to_string();
    parts.iter().for_each(|part| assert!(text.contains(part), "`{part}` is not in: {text}"));
}

#[test]
fn a_program_that_is_as_declared_is_proven_and_every_byte_counted() {
    let proof = proof(&assemble(PROGRAM, "program").unwrap(), &declared());
    assert!(proof.proven, "{:#?}", proof.findings);
    let provenance = proof.provenance.unwrap();
    // Input, constant and output; the copy's source, the addition's two and the store's.
    let bytes = ReadBytes { dram: 3 * 64, nram: 4 * 64, ..ReadBytes::default() };
    assert_eq!((provenance.values, provenance.bytes), (6, bytes));
}

#[test]
fn a_value_that_lies_on_another_is_found_though_each_is_as_declared_by_itself() {
    // `second` writes its constant over the last 16 bytes of what `first` left for it, and takes them for its
    // own.
    let program = PROGRAM.replace("nram[128]", "nram[304]").replace("b=128", "b=304");
    let mut values = declared();
    values.push(value("late", Memory::Nram, 304, 64, SECOND, &[SECOND]));
    let finding = finding(&program, &values);
    assert_eq!(finding.layer.as_deref(), Some("second"));
    says(
        &finding,
        &["layer 1 `second` reads kept at NRAM bytes 0x130 to 0x13f", "as layer 1 `second` left them"],
    );
    says(&finding, &["but layer 0 `first` alone writes it", "kept lies at NRAM bytes 0x100 to 0x13f"]);
}

#[test]
fn what_no_value_declares_is_not_to_be_read() {
    let mut values = declared();
    values.retain(|value| value.name != "kept");
    let finding = finding(PROGRAM, &values);
    says(
        &finding,
        &[
            "a: layer 1 `second` reads NRAM bytes 0x100 to 0x13f, which layer 0 `first` wrote in instruction 1",
            "and no value",
        ],
    );
}

#[test]
fn a_part_of_a_value_that_somebody_else_wrote_is_named() {
    let mut values = declared();
    values[3].extent = Extent::strided(256, &[(4, 16), (12, 1)]);
    values.push(Value {
        extent: Extent::strided(268, &[(4, 16), (4, 1)]),
        writers: vec![SECOND],
        ..value("other", Memory::Nram, 0, 0, SECOND, &[SECOND])
    });
    says(
        &finding(PROGRAM, &values),
        &["reads other at NRAM bytes 0x10c to 0x10f as layer 0 `first` left them"],
    );
}

#[test]
fn the_executable_and_the_host_are_parties_too() {
    let mut values = declared();
    values[1].writers = vec![Party::Host];
    says(
        &finding(PROGRAM, &values),
        &["reads constant at DRAM bytes", "as the executable left them, but the host"],
    );
    let mut values = declared();
    values[5].writers = vec![FIRST];
    says(
        &finding(PROGRAM, &values),
        &["the host reads y at DRAM bytes 0x2000 to 0x203f as layer 1 `second` left"],
    );
}

#[test]
fn a_comparison_of_nothing_is_no_proof() {
    let program = ".code 0\n        .layer only, op=fill, shape=[8]\n        fill d=0, value=1, length=8\n        halt\n";
    says(&finding(program, &[]), &["nothing that the program reads could be compared"]);
}
