//! The harness around a stub that reads one burst, writes it elsewhere, and reports made-up events.

use ediacara_arch::Machine;
use ediacara_isa::{Data, Engine, Executable, Memory, assemble};
use ediacara_rtl::{Core, Initial, RtlError, RtlFault, RunOptions};
use ediacara_sim::{Event, EventKind, FaultKind, Requester};

use crate::stub;

fn machine(latency: u32, numerator: u32) -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.dram.latency_cycles = latency;
    machine.dram.bytes_per_cycle.numerator = numerator;
    machine
}

fn program() -> Executable {
    let mut executable = assemble(".code 0x40\nnop\nhalt", "test").unwrap();
    executable.data.push(Data { address: 0x1040, bytes: vec![0xee; 64] });
    executable
}

fn grants(events: &[Event]) -> Vec<(u64, Requester, u64)> {
    let grant = |event: &Event| match event.kind {
        EventKind::Grant { requester, address } => Some((event.cycle, requester, address)),
        _ => None,
    };
    events.iter().filter_map(grant).collect()
}

#[test]
fn bursts_return_after_the_latency_and_as_bandwidth_allows() {
    let mut core = Core::build(&machine(100, 4), &stub()).unwrap();
    let mut run = |latency, numerator| {
        let machine = machine(latency, numerator);
        let outcome = core.run(&machine, &program(), &Initial::default(), &RunOptions::default()).unwrap();
        (grants(&outcome.events), outcome.cycles)
    };
    let [read, write] = [(Requester::Fetch, 0x40), (Requester::Store, 0x1040)];
    let at = |cycle, (requester, address)| (cycle, requester, address);
    // Asked in 0, returned in 100, asked in 101, returned in 201; the stub ends in the next cycle.
    assert_eq!(run(100, 4), (vec![at(0, read), at(101, write)], 203));
    // T-DRAM-BANDWIDTH: 64 bytes at one a cycle keep the debt at 1 or above up to and including cycle 63.
    assert_eq!(run(1, 1), (vec![at(0, read), at(64, write)], 67));
    assert_eq!(run(1, 64), (vec![at(0, read), at(2, write)], 5));
}

#[test]
fn what_the_core_does_arrives() {
    let machine = machine(2, 64);
    let mut core = Core::build(&machine, &stub()).unwrap();
    let outcome = core.run(&machine, &program(), &Initial::default(), &RunOptions::default()).unwrap();
    let fault = RtlFault { kind: FaultKind::Deadlock, instruction: 0x100_0001, cycle: outcome.cycles - 1 };
    assert_eq!(outcome.fault, Some(fault));
    let expected = [
        EventKind::Grant { requester: Requester::Fetch, address: 0x40 },
        EventKind::Issue { engine: Engine::Matrix, instruction: 0xab_cdef },
        EventKind::Start { engine: Engine::Matrix, instruction: 0x11 },
        EventKind::Start { engine: Engine::Store, instruction: 0x33 },
        EventKind::Commit { engine: Engine::Load, instruction: 0xd0 },
        EventKind::Commit { engine: Engine::Vector, instruction: 0xd2 },
        EventKind::Grant { requester: Requester::Store, address: 0x1040 },
    ];
    assert_eq!(outcome.events.iter().map(|event| event.kind).collect::<Vec<_>>(), expected);

    // The stub enables every other byte of its write.
    let code = program().code;
    let written = outcome.memories.read_dram(0x1040, 64);
    for (index, byte) in written.iter().enumerate() {
        let expected = if index % 2 == 0 { code.as_flattened()[index] } else { 0xee };
        assert_eq!(*byte, expected, "byte {index}");
    }
}

#[test]
fn memories_go_in_and_come_out_again() {
    let machine = machine(2, 64);
    let mut core = Core::build(&machine, &stub()).unwrap();
    let bytes: Vec<u8> = (1..=100).collect();
    let chips = [(Memory::Nram, 3), (Memory::Wram, 5), (Memory::Aram, 4), (Memory::Pram, 12)];
    let on_chip = chips.map(|(memory, address)| (memory, address, bytes.clone())).to_vec();
    let initial = Initial { dram: vec![(0xffff, bytes.clone())], on_chip, ..Initial::default() };
    let outcome = core.run(&machine, &program(), &initial, &RunOptions::default()).unwrap();
    assert_eq!(outcome.memories.read_dram(0xffff, 100), bytes);
    assert_eq!(outcome.memories.dram_pages().count(), 2);
    let nram = outcome.memories.on_chip(Memory::Nram);
    assert_eq!(nram.len() as u64, machine.core.nram_bytes);
    // The stub sets row 1 to ones: with 8 lanes bytes 8 to 15.
    assert_eq!(nram[..8], [0, 0, 0, 1, 2, 3, 4, 5]);
    assert_eq!(nram[8..16], [255; 8]);
    assert_eq!(nram[16..103], bytes[13..]);
    assert_eq!(nram[103], 0);
    // Records come without the bits that nobody reads.
    let pram = outcome.memories.on_chip(Memory::Pram);
    assert_eq!(pram.len() as u64, machine.pram_records() * 12);
    assert_eq!(pram[12..24], [255, 255, 255, 255, 255, 255, 255, 255, 63, 0, 0, 0]);
    assert_eq!(pram[24..36], [13, 14, 15, 16, 17, 18, 19, 20, 21, 0, 0, 0]);

    // Nothing is left for the next program of the same process.
    let outcome = core.run(&machine, &program(), &Initial::default(), &RunOptions::default()).unwrap();
    assert_eq!(outcome.memories.on_chip(Memory::Nram)[16..], vec![0; machine.core.nram_bytes as usize - 16]);
    assert_eq!(outcome.memories.read_dram(0xffff, 100), [0; 100]);
}

#[test]
fn runs_end_at_the_limit() {
    let machine = machine(100, 64);
    let mut core = Core::build(&machine, &stub()).unwrap();
    let options = RunOptions { max_cycles: Some(50), ..RunOptions::default() };
    let outcome = core.run(&machine, &program(), &Initial::default(), &options).unwrap();
    let limit = RtlFault { kind: FaultKind::CycleLimit, instruction: 0, cycle: 50 };
    assert_eq!((outcome.cycles, outcome.fault), (50, Some(limit)));
}

#[test]
fn a_broken_conversation_is_told_and_the_next_run_starts_afresh() {
    let machine = machine(1, 64);
    let mut core = Core::build(&machine, &stub()).unwrap();
    let initial = Initial { on_chip: vec![(Memory::Nram, 1 << 30, vec![1])], ..Initial::default() };
    let error = core.run(&machine, &program(), &initial, &RunOptions::default()).unwrap_err();
    assert!(matches!(error, RtlError::Broken { .. }));
    assert!(error.to_string().contains("a region lies outside its memory"), "{error}");
    core.run(&machine, &program(), &Initial::default(), &RunOptions::default()).unwrap();
}

#[test]
fn waveforms_are_written() {
    let machine = machine(1, 64);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wave.vcd");
    let mut build = stub();
    build.wave = true;
    let mut core = Core::build(&machine, &build).unwrap();
    let options = RunOptions { wave: Some(path.clone()), ..RunOptions::default() };
    core.run(&machine, &program(), &Initial::default(), &options).unwrap();
    drop(core);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("request_valid") && text.contains("\n#45\n"), "{text}");
}
