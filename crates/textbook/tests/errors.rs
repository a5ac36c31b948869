//! The messages for wrong programs: the line, the column, what is wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use ediacara_textbook::program::{AbstractMachine, Program};

/// Asserts that the program fails with these texts in its message.
fn fails(text: &str, parts: &[&str]) {
    let machine = AbstractMachine::load("book_core").unwrap();
    let result = Program::parse(text, "p.dlpa").and_then(|program| program.estimate(&machine));
    let message = match result {
        Ok(estimate) => panic!("took {} ns:\n{text}", estimate.time),
        Err(errors) => errors.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "no {part:?} in\n{message}");
    }
}

fn time(text: &str) -> String {
    let machine = AbstractMachine::load("book_core").unwrap();
    Program::parse(text, "p.dlpa").unwrap().estimate(&machine).unwrap().time.to_string()
}

#[test]
fn what_has_not_arrived_cannot_be_computed_on() {
    let early = "buffer x NRAM 64\nmove DRAM NRAM 64 writes x\ncompute MAC32 16 reads x\n";
    fails(early, &["p.dlpa:3:24", "x[0]", "sync"]);
    fails("buffer x NRAM 64\ncompute MAC32 16 reads x\n", &["p.dlpa:2:24", "nothing has arrived"]);
    // 64 bytes take 1 ns, 256 products another.
    assert_eq!(time("buffer x NRAM 64\nmove DRAM NRAM 64 writes x\nsync\ncompute MAC32 256 reads x\n"), "2");
}

#[test]
fn what_is_read_cannot_be_overwritten() {
    let text = "buffer x NRAM 64\nmove DRAM NRAM 64 writes x\nsync\ncompute MAC32 1 reads x\nmove DRAM NRAM 64 writes x\n";
    fails(text, &["p.dlpa:5:26", "may still be read"]);
}

#[test]
fn a_memory_that_overflows_names_the_line() {
    fails("buffer a NRAM 64KiB\nbuffer b NRAM 64KiB\nbuffer c NRAM 1\n", &["p.dlpa:3:1", "131073", "131072"]);
    assert_eq!(time("buffer a NRAM 128KiB\nfree a\nbuffer b NRAM 128KiB\n"), "0");
    fails("buffer s SharedRAM 1\n", &["p.dlpa:1:1", "SharedRAM overflows"]);
    fails("buffer x NRAM 64\nmove DRAM NRAM 64 writes x\nfree x\n", &["p.dlpa:3:1", "still in use"]);
}

#[test]
fn what_moves_fits_the_pieces() {
    fails("buffer x[4] NRAM 64\nmove DRAM NRAM 64 writes x[0:2]\n", &["p.dlpa:2:16", "64 bytes", "128"]);
    fails("buffer x[4] NRAM 64\nmove DRAM NRAM 64 writes x[4]\n", &["p.dlpa:2:26", "0 to 3"]);
    assert_eq!(time("buffer x[4] NRAM 64\nmove DRAM NRAM 64 writes x expands 4\n"), "1");
}

#[test]
fn errors_of_the_text_are_all_found() {
    let text = "loop 3 as i\nmov DRAM NRAM 4\nmove DRAM VRAM 4\ncompute FMA32 1\nmove NRAM WRAM 4\nmove DRAM NRAM j\n$\n";
    fails(
        text,
        &[
            "p.dlpa:1:1",
            "no endloop",
            "p.dlpa:2:1",
            "`mov`",
            "p.dlpa:3:11",
            "p.dlpa:4:9",
            "MAC16",
            "p.dlpa:5:6",
            "no way",
            "p.dlpa:6:16",
            "`j`",
            "p.dlpa:7:1",
        ],
    );
    fails("endloop\n", &["p.dlpa:1:1", "no loop"]);
}

#[test]
fn an_error_inside_loops_says_where_they_were() {
    let text = "buffer x[2] NRAM 4\nloop 2\nloop 3 as i\nmove DRAM NRAM 4 writes x[i]\nendloop\nendloop\n";
    fails(text, &["p.dlpa:4:25", "loops were at 0, 2"]);
}

#[test]
fn a_program_without_end_is_stopped() {
    fails("loop 1_000_000_000\nendloop\n", &["p.dlpa:2:1", "instructions"]);
    fails("move DRAM NRAM 1/0\n", &["divided by 0"]);
    fails("move DRAM NRAM 9_223_372_036_854_775_807 + 1\n", &["63 bits"]);
    fails("move DRAM NRAM 0-1\n", &["found -1"]);
    fails("move DRAM NRAM (0-9_223_372_036_854_775_807-1) / (0-1)\n", &["63 bits"]);
    let often = "buffer x[100000] NRAM 1\nmove DRAM NRAM 100000 writes x\nsync\n\
                 loop 1000000\ncompute MAC32 1 reads x\nendloop\n";
    fails(often, &["p.dlpa:5:23", "pieces"]);
}

/// Loops within loops cost what they execute.
///
/// Neither reading nor running a program takes more for each loop the deeper it lies.
#[test]
fn loops_nest_to_any_depth_in_linear_time() {
    let nested = |depth: usize, count: usize| {
        let inside = "move DRAM NRAM 64\n";
        let (open, close) = (format!("loop {count} as i\n"), "endloop\n");
        format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
    };
    // 64 bytes take 1 ns. If each line copied the counters around it, these would be 4e10 copies of a name.
    // If each loop went through what lies within it, it would go through 4e10 lines, and the limit of
    // instructions would stop it after 4e6.
    assert_eq!(time(&nested(200_000, 1)), "1");
    // A move is executed as often as the product of the counts.
    assert_eq!(time(&nested(16, 2)), (1 << 16).to_string());
    // Lines that are nested as deep, but never run, cost nothing.
    assert_eq!(time(&format!("loop 0\n{}endloop\n", nested(200_000, 1000))), "0");
}

#[test]
fn units_work_side_by_side_and_in_order() {
    // DRAM takes 2 x 1 ns and compute 3 ns at the same time; then compute takes 1 ns.
    assert_eq!(
        time("move DRAM NRAM 64\nmove NRAM DRAM 64\ncompute MAC32 768\nsync\ncompute ADD32 256\n"),
        "4"
    );
    // A byte takes exactly 1/64 ns, and three bytes take 3/64.
    assert_eq!(time("loop 3\nmove DRAM NRAM 1\nendloop\n"), "3/64");
}

#[test]
fn cores_share_dram_and_nothing_else() {
    let time = |text: &str| {
        let machine = AbstractMachine::load("book_cluster").unwrap();
        Program::parse(text, "p.dlpa")
            .and_then(|program| program.estimate(&machine))
            .map(|one| one.time.to_string())
    };
    // There are 128 bytes a nanosecond for all, and 256 products for each.
    assert_eq!(time("move DRAM WRAM 128").unwrap(), "4");
    assert_eq!(time("move DRAM WRAM 128 on 0:2").unwrap(), "2");
    assert_eq!(time("move DRAM SharedRAM 128").unwrap(), "1");
    assert_eq!(time("move SharedRAM NRAM 1000").unwrap(), "1");
    assert_eq!(time("compute MAC32 256\ncompute MAC32 512 on 3").unwrap(), "3");
    // Another core does not have what one core has loaded.
    let text = "buffer x NRAM 64\nmove DRAM NRAM 64 writes x on 0\nsync\ncompute MAC32 1 reads x on 1\n";
    assert!(time(text).unwrap_err().to_string().contains("p.dlpa:4:23"));
    assert!(time("compute MAC32 1 on 4").unwrap_err().to_string().contains("cores 0 to 3"));
    assert!(time("move DRAM SharedRAM 1 on 0").unwrap_err().to_string().contains("no core takes part"));
}
