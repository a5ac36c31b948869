//! Layers that write or read a wrong place on purpose.
//!
//! The finding names the read, the write and what each touched. What follows from one wrong write is counted
//! with it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_arch::Machine;
use ediacara_isa::{Extent, Memory, Party, Value, assemble};
use ediacara_prove::{Finding, Options, Property, Stretch, prove_values};

/// `first` leaves 64 bytes at 256 and 64 at 320, and `second` has 64 of its own at 384.
///
/// `third` reads the first 64 a hundred times. `fourth` reads the second 64, and stores half of them.
const RIGHT: &str = "\
.input x, 0x1000, [64]
.output y, 0x2000, [32]
.code 0
        .layer first, op=copy, shape=[128]
        load source=0x1000, destination=nram[0], length=64 post(0)
keep:   copy d=256, a=0, length=64 wait(0)
        copy d=320, a=0, length=64
        .layer second, op=fill, shape=[64]
own:    fill d=384, value=1, length=64
        .layer third, op=copy, shape=[64]
        loop count=100, body=1
uses:   copy d=512, a=256, length=64
        .layer fourth, op=copy, shape=[64]
        copy d=576, a=320, length=64 post(1)
        store source=576, destination=0x2000, length=32 wait(1)
        halt
";

const FIRST: Party = Party::Layer(0);
const SECOND: Party = Party::Layer(1);
const THIRD: Party = Party::Layer(2);
const FOURTH: Party = Party::Layer(3);

fn value(name: &str, memory: Memory, start: u64, length: u64, writer: Party, reader: Party) -> Value {
    let extent = Extent::run(start, length);
    Value { name: name.to_owned(), memory, extent, writers: vec![writer], readers: vec![reader] }
}

fn declared() -> Vec<Value> {
    vec![
        value("x", Memory::Dram, 0x1000, 64, Party::Host, FIRST),
        value("tiles of first", Memory::Nram, 0, 64, FIRST, FIRST),
        value("early", Memory::Nram, 256, 64, FIRST, THIRD),
        value("late", Memory::Nram, 320, 64, FIRST, FOURTH),
        value("tiles of second", Memory::Nram, 384, 64, SECOND, SECOND),
        value("tiles of fourth", Memory::Nram, 576, 64, FOURTH, FOURTH),
        value("y", Memory::Dram, 0x2000, 32, FOURTH, Party::Host),
    ]
}

fn findings(text: &str, values: &[Value]) -> Vec<Finding> {
    let executable = assemble(text, "program.dlpasm").unwrap_or_else(|errors| panic!("{errors}"));
    prove_values(&executable, &Machine::preset("dlp16").unwrap(), values, &Options::default()).findings
}

/// The findings of the program after texts in it are replaced.
fn edited(edits: &[(&str, &str)]) -> Vec<Finding> {
    let mut text = RIGHT.to_owned();
    for (from, to) in edits {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    findings(&text, &declared())
}

/// The only finding, which is of provenance.
fn only(findings: Vec<Finding>) -> Finding {
    let [finding] = &findings[..] else { panic!("not one finding: {findings:#?}") };
    assert_eq!(finding.property, Property::Provenance, "{finding}");
    finding.clone()
}

fn nram(first: u64, last: u64) -> Option<Stretch> {
    Some(Stretch { unit: "NRAM byte", first, last })
}

fn dram(first: u64, last: u64) -> Option<Stretch> {
    Some(Stretch { unit: "DRAM byte", first, last })
}

#[test]
fn the_program_is_right() {
    assert_eq!(findings(RIGHT, &declared()), []);
}

#[test]
fn a_hundred_reads_of_one_wrong_write_are_one_finding() {
    // `second` was to write 384 to 447. It writes 312 to 375: the last eight bytes of one value and 56 of the
    // other.
    let found = only(edited(&[("own:    fill d=384", "own:    fill d=312")]));
    assert_eq!((found.instruction, found.line), (Some(5), Some(12)));
    assert_eq!((found.label.as_deref(), found.layer.as_deref()), (Some("uses"), Some("third")));
    assert_eq!(found.stretch, nram(256, 319));
    let other = found.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.line), (3, Some(9)));
    assert_eq!((other.label.as_deref(), other.layer.as_deref()), (Some("own"), Some("second")));
    assert_eq!(other.stretch, nram(312, 375));
    // 99 more runs of the loop, and the one read of `late`.
    assert_eq!(found.more, 100);
    assert_eq!(
        found.detail,
        "a: layer 2 `third` reads early at NRAM bytes 0x138 to 0x13f as layer 1 `second` left them in instruction 3 (line 9, `own`, \
         layer `second`), but layer 0 `first` alone writes it; early lies at NRAM bytes 0x100 to 0x13f"
    );
}

#[test]
fn two_wrong_writes_of_two_values_are_two_findings() {
    let two = "own:    fill d=316, value=1, length=4\n        fill d=320, value=1, length=4";
    let found = edited(&[("own:    fill d=384, value=1, length=64", two)]);
    let [early, late] = &found[..] else { panic!("not two findings: {found:#?}") };
    assert_eq!((early.instruction, early.stretch, early.more), (Some(6), nram(256, 319), 99));
    let other = early.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.line, other.stretch), (3, Some(9), nram(316, 319)));
    assert_eq!((late.instruction, late.stretch, late.more), (Some(7), nram(320, 383), 0));
    let other = late.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.line, other.stretch), (4, Some(10), nram(320, 323)));
}

#[test]
fn a_value_that_was_never_written_is_one_finding_however_many_wrote_there_before() {
    // What `first` keeps goes beyond what anybody reads. `second` has filled the first half of its place,
    // `third` the other.
    let found = only(edited(&[
        ("keep:   copy d=256", "keep:   copy d=1024"),
        ("own:    fill d=384, value=1, length=64", "own:    fill d=256, value=1, length=32"),
        ("loop count", "fill d=288, value=2, length=32\n        loop count"),
    ]));
    assert_eq!((found.instruction, found.stretch, found.more), (Some(6), nram(256, 319), 99));
    let other = found.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.stretch), (3, nram(256, 287)));
}

#[test]
fn of_what_is_read_in_rows_the_row_is_named() {
    // Rows of 16 bytes lie at 256, 288 and 320. The third is `late`'s and not for `third`.
    let rows = "loop count=100, body=2\n        config vector.a_stride_1=32, vector.d_stride_1=16";
    let found = only(edited(&[
        ("loop count=100, body=1", rows),
        ("copy d=512, a=256, length=64", "copy d=512, a=256, length=16, count_1=3"),
    ]));
    assert_eq!((found.instruction, found.stretch, found.more), (Some(6), nram(320, 335), 99));
    let other = found.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.stretch), (2, nram(320, 383)));
    let said = "reads NRAM bytes 0x140 to 0x14f, which layer 0 `first` wrote in instruction 2 (line 7, `keep + 1`, layer `first`), and no value";
    assert!(found.detail.contains(said), "{found}");
}

#[test]
fn what_nobody_wrote_in_the_program_has_no_other_instruction() {
    let mut values = declared();
    values[0].writers = vec![Party::Executable];
    let found = only(findings(RIGHT, &values));
    assert_eq!((found.instruction, found.stretch, found.other), (Some(0), dram(0x1000, 0x103f), None));
}

#[test]
fn what_the_host_reads_and_was_not_to_find_is_named_with_who_wrote_it() {
    let mut values = declared();
    values[6].writers = vec![THIRD];
    let found = only(findings(RIGHT, &values));
    assert_eq!((found.instruction, found.stretch, found.more), (None, dram(0x2000, 0x201f), 0));
    let other = found.other.as_ref().unwrap();
    assert_eq!((other.instruction, other.line, other.stretch), (7, Some(15), dram(0x2000, 0x201f)));
}
