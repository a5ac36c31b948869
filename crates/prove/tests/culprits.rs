//! Programs that were broken on purpose: the finding points at the edit.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_arch::Machine;
use ediacara_isa::assemble;
use ediacara_prove::{Finding, Options, Property, prove};

/// Three rows of 64 bytes come in, are copied, and go out, each with a semaphore of its own.
const RIGHT: &str = "\
.input x, 0x1000, [3, 64]
.output y, 0x2000, [3, 64]
.layer rows
start:  load source=0x1000, destination=nram[0], length=64 post(0)
        load source=0x1040, destination=nram[0x40], length=64 post(0)
        load source=0x1080, destination=nram[0x80], length=64 post(0)
copies: copy d=0x100, a=0, length=64 wait(0) post(1)
        copy d=0x140, a=0x40, length=64 wait(0) post(1)
        copy d=0x180, a=0x80, length=64 wait(0) post(1)
stores: store source=0x100, destination=0x2000, length=64 wait(1)
        store source=0x140, destination=0x2040, length=64 wait(1)
        store source=0x180, destination=0x2080, length=64 wait(1)
        halt
";

fn findings(text: &str) -> Vec<Finding> {
    let executable = assemble(text, "program.dlpasm").unwrap_or_else(|errors| panic!("{errors}"));
    prove(&executable, &Machine::preset("dlp16").unwrap(), &Options::default()).findings
}

/// The findings of the program after one text in it is replaced.
fn edited(from: &str, to: &str) -> Vec<Finding> {
    assert_eq!(RIGHT.matches(from).count(), 1, "{from}");
    findings(&RIGHT.replace(from, to))
}

fn of(findings: &[Finding], property: Property) -> &Finding {
    let found = findings.iter().find(|finding| finding.property == property);
    found.unwrap_or_else(|| panic!("no {property:?} among {findings:#?}"))
}

#[test]
fn the_program_is_right() {
    assert_eq!(findings(RIGHT), []);
}

#[test]
fn a_removed_wait_is_found_at_its_instruction_and_what_follows_is_not_listed() {
    let found = edited("a=0, length=64 wait(0) post(1)", "a=0, length=64 post(1)");
    let race = of(&found, Property::Race);
    assert_eq!((race.instruction, race.line), (Some(3), Some(7)));
    assert_eq!(race.label.as_deref(), Some("copies"));
    assert_eq!(race.layer.as_deref(), Some("rows"));
    let here = race.stretch.unwrap();
    assert_eq!((here.first, here.last), (0, 0x3f));
    let other = race.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.line, other.label.as_deref()), (0, Some(4), Some("start")));
    let there = other.stretch.unwrap();
    assert_eq!((there.first, there.last), (0, 0x3f));
    assert_eq!(found.iter().filter(|finding| finding.property == Property::Race).count(), 1, "{found:#?}");
    // There is one post more than takes.
    let left = of(&found, Property::SemaphoreBalance);
    assert_eq!(left.instruction, Some(2));
    assert!(
        left.detail.starts_with("semaphore 0 is posted 3 times and taken 2 times; at the end these posts are left: instruction 2 (line 6"),
        "{}",
        left.detail
    );
}

#[test]
fn of_two_writers_of_one_byte_both_are_named() {
    // The second store goes where the first one went.
    let found = edited("destination=0x2040", "destination=0x2000");
    let twice = of(&found, Property::Output);
    assert_eq!(twice.instruction, Some(7));
    assert_eq!(twice.other.as_ref().unwrap().instruction, 6);
    assert!(twice.detail.contains("written twice by instruction 6 (line 10, `stores`, layer `rows`)"));
    // The first store goes where the second one will, which is named as well.
    let found = edited("destination=0x2000, length", "destination=0x2040, length");
    let twice = of(&found, Property::Output);
    assert_eq!(twice.instruction, Some(7));
    let other = twice.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.stretch.unwrap().first), (6, 0x2040));
    assert!(found.iter().any(|finding| finding.detail == "byte 0 of output `y` is never written"));
}

#[test]
fn a_writer_without_an_order_is_found_and_not_its_readers() {
    // The third load overwrites the source of the first copy, and waits for nobody.
    let found = edited("destination=nram[0x80]", "destination=nram[0]");
    let race = of(&found, Property::Race);
    let culprits = [race.instruction, race.other.as_ref().map(|other| other.instruction)];
    assert!(culprits.contains(&Some(2)), "{race}");
    let unwritten = of(&found, Property::Uninitialised);
    assert_eq!(unwritten.instruction, Some(5));
}

#[test]
fn a_forgotten_load_is_one_finding_for_all_that_reads_it() {
    let found = edited(
        "start:  load source=0x1000, destination=nram[0], length=64 post(0)",
        "start:  signal post(0)",
    );
    let unwritten = of(&found, Property::Uninitialised);
    assert_eq!((unwritten.instruction, unwritten.line), (Some(3), Some(7)));
}
