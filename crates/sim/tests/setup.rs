//! What the simulator's own interface refuses, and what it promises from one run to the next.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

use ediacara_arch::Machine;
use ediacara_isa::{Executable, Memory, assemble};
use ediacara_sim::{Options, SimError, Simulator, Watch};

const PROGRAM: &str = "
.machine dlp16, rows=16, columns=16, nram_bytes=1024
.layer first
load source=0x10000, destination=nram[0], length=100 post(0)
.layer second
add d=0x80, a=0, b=0, length=100 wait(0) post(1)
.layer third
store source=0x80, destination=0x20000, length=100 wait(1)
halt
.input x, 0x10000, [10, 10]
.output y, 0x20000, [10, 10]
";

fn executable() -> Executable {
    assemble(PROGRAM, "setup").unwrap()
}

fn dlp16() -> Machine {
    Machine::preset("dlp16").unwrap()
}

fn refusal(machine: &Machine, executable: &Executable) -> String {
    Simulator::new(machine, executable, Options::default()).err().unwrap().to_string()
}

#[test]
fn a_program_for_another_machine_is_refused() {
    let other = Machine::preset("dlp8").unwrap();
    let expected = "the program was made for another machine than `dlp8`: matrix.rows is 8, the program needs 16; \
                    compile it for this machine, or choose the one it was made for";
    assert_eq!(refusal(&other, &executable()), expected);
    let mut small = dlp16();
    small.core.nram_bytes = 512;
    assert!(
        refusal(&small, &executable()).contains("core.nram_bytes is 512, the program needs at least 1024")
    );
}

#[test]
fn what_lies_outside_dram_is_refused() {
    let mut machine = dlp16();
    machine.dram.bytes = 0x20000;
    let expected = "port `y`: 100 bytes at 0x20000 lie outside DRAM, which has 0x20000 bytes";
    assert_eq!(refusal(&machine, &executable()), expected);
    let mut misplaced = executable();
    misplaced.code_base = 32;
    let expected = "the code's base 0x20 is not a multiple of the burst of 64 bytes";
    assert_eq!(refusal(&dlp16(), &misplaced), expected);
    machine.dram.burst_bytes = 48;
    assert!(refusal(&machine, &executable()).contains("dram.burst_bytes is 48"));
}

#[test]
fn writes_from_outside_are_checked() {
    let mut simulator = Simulator::new(&dlp16(), &executable(), Options::default()).unwrap();
    let text = |result: Result<(), SimError>| result.err().unwrap().to_string();
    let expected = "input `x` has 100 bytes ([10, 10]), but 99 were given";
    assert_eq!(text(simulator.write_input("x", &[0; 99])), expected);
    assert_eq!(text(simulator.write_input("z", &[0; 99])), "there is no input `z`; the program has `x`");
    let expected = "1 bytes at 0x7f meet the code, 0x0 to 0x80, which cannot be overwritten";
    assert_eq!(text(simulator.write_dram(0x7f, &[0])), expected);
    let expected = "2 bytes at 0xffffffff lie outside DRAM, which has 0x100000000 bytes";
    assert!(text(simulator.write_dram(u64::from(u32::MAX), &[0; 2])).ends_with(expected));
    let expected =
        "5 bytes at 0x0 are not whole elements inside ARAM, which has 0x10000 bytes in elements of 4";
    assert_eq!(text(simulator.write_memory(Memory::Aram, 0, &[0; 5])), expected);
    assert!(simulator.write_memory(Memory::Nram, u64::MAX, &[0]).is_err());
}

#[test]
fn runs_are_alike_and_layers_share_the_cycles() {
    let options = Options { checked: true, trace: true, ..Options::default() };
    let mut simulator = Simulator::new(&dlp16(), &executable(), options).unwrap();
    simulator.write_input("x", &[7; 100]).unwrap();
    let first = simulator.run();
    assert_eq!(first.fault, None);
    assert_eq!(simulator.run(), first, "a second run is the same to the event");
    assert_eq!(first.layers.iter().map(|layer| layer.cycles).sum::<u64>(), first.cycles);
    // 100 bytes are two bursts, loaded and stored; the vector engine takes four beats of 32.
    let dram_bytes: Vec<_> = first.layers.iter().map(|layer| layer.dram_bytes).collect();
    assert_eq!(dram_bytes, [128, 0, 128]);
    assert_eq!(first.layers[1].vector_busy, 4);
    assert_eq!(first.traffic.map(|traffic| traffic.payload_bytes), [128, 100, 100]);
    assert_eq!((first.dram_read_bytes, first.dram_write_bytes), (256, 128));
    let timed = Options { values: false, checked: false, ..options };
    let mut timed = Simulator::new(&dlp16(), &executable(), timed).unwrap();
    assert_eq!(timed.run(), first, "values do not matter to time");
    assert_eq!(timed.read_output("y").unwrap(), [0; 100]);
}

/// T-DOT-SYSTOLIC-WS against T-DOT, with two tiles of weights and three pixels.
///
/// Each tile occupies the array for its 16 rows rather than for three pixels, and the first takes 16 to
/// enter. That makes 16 + 2 * 16 beats instead of 2 * 3.
#[test]
fn a_systolic_array_keeps_each_tile_while_the_pixels_pass() {
    let text = "
.machine dlp16
config matrix.stretch=32, matrix.x_stride_x=32, matrix.acc_stride_pixel=16
dot x=0, w=0, acc=0, pixels_x=3
halt
";
    let executable = assemble(text, "systolic").unwrap();
    let cycles =
        |machine: &Machine| Simulator::new(machine, &executable, Options::default()).unwrap().run().cycles;
    let mut machine = dlp16();
    let dot = cycles(&machine);
    machine.matrix.kind = ediacara_arch::MatrixKind::SystolicWs;
    assert_eq!(cycles(&machine), dot + 16 + 2 * 16 - 2 * 3);
    // With more pixels than rows the array never waits for weights.
    let text = text.replace("pixels_x=3", "pixels_x=100");
    let executable = assemble(&text, "systolic").unwrap();
    let cycles =
        |machine: &Machine| Simulator::new(machine, &executable, Options::default()).unwrap().run().cycles;
    let systolic = cycles(&machine);
    assert_eq!(systolic, cycles(&dlp16()) + 16);
}

/// The program loads bytes, copies them, paints over a part, and overwrites all; then it does so with a 2 by
/// 3 transposition.
#[test]
fn a_watch_keeps_what_its_instructions_wrote_and_costs_no_cycle() {
    let text = "
.machine dlp16
load source=0x10000, destination=nram[0], length=8 post(0)
copy d=0x80, a=0, length=6 wait(0)
fill d=0x84, value=9, length=2
fill d=0x80, value=1, length=16
config vector.d_stride_1=4, vector.a_stride_1=3
transpose d=0x80, a=0, length=3, count_1=2
fill d=0x80, value=2, length=16
halt
.input x, 0x10000, [8]
";
    let executable = assemble(text, "watch").unwrap();
    let mut simulator = Simulator::new(&dlp16(), &executable, Options::default()).unwrap();
    simulator.write_input("x", &[10, 11, 12, 13, 14, 15, 16, 17]).unwrap();
    let plain = simulator.run();
    let watch = |bytes, instructions| Watch { bytes, instructions };
    let watches =
        [watch(0x81..0x88, 0..3), watch(0x80..0x8b, 5..6), watch(0..0x100, 3..3), watch(6..9, 0..1)];
    simulator.watch(&watches).unwrap();
    assert_eq!(simulator.run(), plain);
    let none = [None; 4];
    let seen = |index| simulator.watched(index);
    assert_eq!(seen(0), [[11, 12, 13, 9].map(Some).as_slice(), &[Some(9)], &none[..2]].concat());
    // Row j of the transposition holds elements j and 3 + j, and a gap of two bytes follows.
    let pairs = [[10, 13], [11, 14], [12, 15]].map(|pair| pair.map(Some));
    let rows = [&pairs[0][..], &none[..2], &pairs[1], &none[..2], &pairs[2], &none[..1]];
    assert_eq!(seen(1), rows.concat());
    assert_eq!(seen(2), vec![None; 0x100]);
    assert_eq!(seen(3), [Some(16), Some(17), None]);
    assert!(seen(4).is_empty());
    let outside = watch(0x3ffff..0x40001, 0..1);
    let expected =
        "2 bytes at 0x3ffff are not whole elements inside NRAM, which has 0x40000 bytes in elements of 1";
    assert_eq!(simulator.watch(&[outside]).unwrap_err().to_string(), expected);
}
