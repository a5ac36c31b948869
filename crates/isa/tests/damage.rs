//! Damaged files are refused, and neither they nor damaged sources make anything panic. All damage is seeded.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use ediacara_isa::{
    Binding, Buffer, BufferId, Constant, ElementType, Encoding, Executable, HostProgram, HostRest, Layout,
    Notes, Plan, Segment, SelfTest, UnknownNote, Work, assemble, assemble_file, fuzz_assemble,
    fuzz_executable,
};

/// A small generator of 64-bit numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The inputs of the text cases.
fn sources() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asm");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let input = |path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split("// expected:").next().unwrap_or_default().to_owned()
    };
    paths.iter().map(input).collect()
}

/// A network: examples/lenet.dlpasm.
fn lenet() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/lenet.dlpasm");
    assemble_file(&path).unwrap().to_bytes()
}

/// A small file with a bit of everything: code, data, ports, layers.
fn sample() -> Vec<u8> {
    let text = include_str!("asm/program.dlpasm");
    assemble(text.split("// expected:").next().unwrap(), "program.dlpasm").unwrap().to_bytes()
}

#[test]
fn two_hundred_bit_flips_and_field_changes_are_refused() {
    let file = lenet();
    assert!(Executable::from_bytes(&file).is_ok());
    let mut random = Random(1);
    for case in 0..200 {
        let mut damaged = file.clone();
        if case % 2 == 0 {
            let bit = random.below(8 * file.len());
            damaged[bit / 8] ^= 1 << (bit % 8);
        } else {
            // Every number of the format lies at an even address, so that this hits fields, whole and in
            // part.
            let at = 2 * random.below((file.len() - 4) / 2);
            let value = [0, 1, u32::MAX, i32::MAX as u32, random.next() as u32][random.below(5)];
            damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        if damaged != file {
            assert!(Executable::from_bytes(&damaged).is_err(), "case {case} was not noticed");
        }
    }
}

#[test]
fn cut_and_extended_files_are_refused() {
    let file = sample();
    for length in 0..file.len() {
        assert!(Executable::from_bytes(&file[..length]).is_err(), "{length} bytes");
    }
    let mut longer = file;
    longer.push(0);
    assert!(Executable::from_bytes(&longer).is_err());
}

#[test]
fn a_saved_file_loads_and_errors_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sample.dlpx");
    let plan = Plan::from_bytes(&sample()).unwrap();
    plan.save(&path).unwrap();
    assert_eq!(Plan::load(&path).unwrap(), plan);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = Plan::load(&path).unwrap_err().to_string();
    assert!(error.contains("sample.dlpx: the constants of the executable is damaged"), "{error}");
}

/// A file that version 1 of the format wrote: the program of `sample`, by the assembler of its time.
#[test]
fn a_file_of_version_1_is_read() {
    let bytes = include_bytes!("version_1/program.dlpx");
    assert_eq!(bytes[4..8], 1u32.to_le_bytes());
    let read = Executable::from_bytes(bytes).unwrap();
    // Version 1 had no notes. All else equals what the same text gives today.
    let today = Executable { notes: Notes::default(), ..Executable::from_bytes(&sample()).unwrap() };
    assert_eq!(read, today);
    let image = &read.inputs[0];
    assert_eq!(image.encoding, Some(Encoding { scale: 0.0078125, zero: -1 }));
    assert_eq!(image.layout, Layout { permutation: vec![0, 2, 3, 1], shape: vec![1, 1, 28, 28] });
    assert_eq!(read.to_bytes()[4..8], 2u32.to_le_bytes());
    assert_eq!(Plan::from_bytes(bytes).unwrap(), Plan::from(read));
    let mut random = Random(4);
    for _ in 0..2000 {
        let mut damaged = bytes.to_vec();
        damage(&mut random, &mut damaged, &[&[0xff; 4], &[1, 0, 0, 0]]);
        fuzz_executable(&damaged);
    }
}

/// The file of a program with one more section; the kind of that section is replaced in the table.
fn with_section(kind: u32) -> Vec<u8> {
    let mut executable = assemble("halt", "x").unwrap();
    executable.notes.unknown.push(UnknownNote { kind: 1 << 31 | 99, bytes: vec![1, 2, 3] });
    let mut file = executable.to_bytes();
    file[16 + 6 * 24..][..4].copy_from_slice(&kind.to_le_bytes());
    let table = 16..16 + 7 * 24;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&file[..12]), &file[table]);
    file[12..16].copy_from_slice(&checksum.to_le_bytes());
    file
}

#[test]
fn unknown_sections_are_skipped_if_they_are_optional_and_refused_otherwise() {
    let optional = Executable::from_bytes(&with_section(1 << 31 | 77)).unwrap();
    assert_eq!(optional.notes.unknown, [UnknownNote { kind: 1 << 31 | 77, bytes: vec![1, 2, 3] }]);
    assert_eq!(optional.to_bytes(), with_section(1 << 31 | 77), "what is skipped is not lost");
    let error = Executable::from_bytes(&with_section(77)).unwrap_err().to_string();
    assert!(error.starts_with("the executable has a section of kind 77, which this program does not know"));
    let twice = Executable::from_bytes(&with_section(6)).unwrap_err().to_string();
    assert!(twice.contains("the layers of kind 0x6 is not where it belongs"), "{twice}");
    let mut first = with_section(1 << 31 | 77);
    first[4] = 3;
    let error = Executable::from_bytes(&first).unwrap_err().to_string();
    assert_eq!(error, "this is the plan of a network, and no program by itself");
    first[4] = 4;
    let error = Plan::from_bytes(&first).unwrap_err().to_string();
    assert!(error.starts_with("the executable has format version 4; this program reads versions 1 to 3"));
}

/// A network of a program, a graph of the host that reads what it leaves, and the program again.
fn network() -> Plan {
    let mut plan = Plan::from_bytes(&sample()).unwrap();
    let program = plan.segments[0].clone();
    let buffers = plan.buffers.clone();
    let next = |plan: &mut Plan, buffer: &Buffer| {
        plan.buffers.push(buffer.clone());
        BufferId(plan.buffers.len() as u32 - 1)
    };
    let of = |ids: &[BufferId]| ids.iter().map(|id| buffers[id.index()].clone()).collect::<Vec<_>>();
    let (inputs, outputs) = (of(&plan.inputs), of(&plan.outputs));
    let again: Vec<BufferId> = inputs.iter().map(|buffer| next(&mut plan, buffer)).collect();
    let constant =
        Constant { name: "w".to_owned(), element: ElementType::F32, shape: vec![2, 3], bytes: vec![7; 24] };
    let host = HostProgram { graph: "graph \"on the host\" {\n}\n".to_owned(), constants: vec![constant] };
    plan.segments.push(Segment {
        inputs: plan.outputs.clone(),
        outputs: again.clone(),
        work: Work::Host(host),
    });
    let last: Vec<BufferId> = outputs.iter().map(|buffer| next(&mut plan, buffer)).collect();
    plan.segments.push(Segment { inputs: again, outputs: last.clone(), work: program.work });
    plan.outputs = last;
    plan.bindings = vec![Binding { name: "position".to_owned(), register: 5, low: 0, high: 511 }];
    plan.notes.self_test = Some(SelfTest { seed: 1, checksum: 2 });
    plan.notes.rest = Some(HostRest { dlp_macs: 3, macs: 4, dlp_nodes: 1, nodes: 2, ..HostRest::default() });
    plan
}

#[test]
fn a_plan_is_written_and_read_back() {
    let plan = network();
    plan.check().unwrap();
    let bytes = plan.to_bytes();
    assert_eq!(bytes[4..8], 3u32.to_le_bytes());
    assert_eq!(Plan::from_bytes(&bytes).unwrap(), plan);
    for length in 0..bytes.len() {
        assert!(Plan::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    let mut random = Random(5);
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        damage(&mut random, &mut damaged, &[&[0xff; 4], &[1, 0, 0, 0], &[2, 0, 0, 0]]);
        fuzz_executable(&damaged);
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let refusal = |change: fn(&mut Plan)| {
        let mut plan = network();
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    };
    let early = refusal(|plan| plan.segments.swap(0, 1));
    assert!(
        early.contains("segment 0 reads buffer") && early.contains("nothing before it writes"),
        "{early}"
    );
    let twice = refusal(|plan| plan.segments[2].outputs = plan.segments[0].outputs.clone());
    assert!(twice.contains("segment 2 writes buffer") && twice.contains("again"), "{twice}");
    let unwritten = refusal(|plan| drop(plan.segments.pop()));
    assert!(unwritten.contains("the caller reads buffer"), "{unwritten}");
    let shape = refusal(|plan| plan.buffers[0].shape.push(2));
    assert!(shape.contains("segment 0: buffer"), "{shape}");
    let machine = refusal(|plan| plan.machine.rows += 1);
    assert!(machine.contains("for another machine than its plan"), "{machine}");
    let binding = refusal(|plan| plan.bindings[0].register = 32);
    assert!(binding.contains("binding `position` sets register 32 to 0 to 511"), "{binding}");
    let zero = refusal(|plan| plan.bindings[0].register = 0);
    assert!(zero.contains("sets register 0 to 0 to 511"), "{zero}");
    let large = refusal(|plan| plan.bindings[0].high = 1 << 40);
    assert!(large.contains("sets register 5 to 0 to 1099511627776"), "{large}");
    let twice = refusal(|plan| plan.bindings.push(plan.bindings[0].clone()));
    assert!(twice.contains("bindings `position` and `position` both set register 5"), "{twice}");
}

/// Deletes, repeats, overwrites and inserts at random places.
fn damage(random: &mut Random, bytes: &mut Vec<u8>, words: &[&[u8]]) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            2 | 3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 if at < bytes.len() => bytes[at] = random.next() as u8,
            _ => {
                let word = words[random.below(words.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
}

/// Runs cases until there were `count` or the time is over.
///
/// `EDIACARA_FUZZ_ROUND=N` draws other cases than CI's.
fn cases(seed: u64, count: usize, mut case: impl FnMut(&mut Random)) {
    let start = Instant::now();
    let round: u64 = std::env::var("EDIACARA_FUZZ_ROUND").map_or(0, |round| round.parse().unwrap());
    let mut random = Random(seed + 1000 * round);
    let done = (0..count)
        .take_while(|_| start.elapsed() < Duration::from_secs(20))
        .map(|_| case(&mut random))
        .count();
    assert!(done >= count / 20, "only {done} cases in twenty seconds");
}

#[test]
fn damaged_sources() {
    let sources = sources();
    let words: Vec<&[u8]> = [
        "(",
        ")",
        "[",
        "]",
        ",",
        "=",
        "+",
        "-",
        "~",
        "<<",
        ">>",
        "|",
        "\"",
        "\\u{",
        "r1",
        "r16",
        ".zero",
        ".align 3",
        ".data 0",
        ".code",
        ".equ",
        ".hex \"0",
        ".record",
        ".within",
        ".line 0",
        "here",
        "wait(",
        "post(16)",
        "0x",
        "18446744073709551616",
        "config",
        "\n",
        "\r\n",
        "\t",
        "é",
        "until=",
        "nram[",
        "// run",
        "label:",
        ".include \"x\"",
    ]
    .map(str::as_bytes)
    .to_vec();
    // Three of four cases begin with a valid program, because most damage turns a program into errors. The
    // sources that are errors already reach other places.
    let programs: Vec<&String> = sources.iter().filter(|source| assemble(source, "whole").is_ok()).collect();
    let mut accepted = 0;
    cases(2, 4000, |random| {
        let source = match random.below(4) {
            0 => &sources[random.below(sources.len())],
            _ => programs[random.below(programs.len())],
        };
        let mut bytes = source.clone().into_bytes();
        damage(random, &mut bytes, &words);
        fuzz_assemble(&bytes);
        accepted += usize::from(assemble(&String::from_utf8_lossy(&bytes), "damaged").is_ok());
    });
    // Damage in comments, names and numbers leaves programs, and those go through the round trips.
    assert!(accepted > 100, "only {accepted} damaged sources were programs");
}

#[test]
fn damaged_files() {
    let file = sample();
    let words: [&[u8]; 6] = [&[0; 4], &[0xff; 4], &[0xff; 8], &[1, 0, 0, 0], b"DLPX", &[0x7f, 0xff]];
    cases(3, 6000, |random| {
        let mut bytes = file.clone();
        damage(random, &mut bytes, &words);
        fuzz_executable(&bytes);
    });
}

#[test]
fn deep_and_long_expressions() {
    for text in ["(".repeat(100_000), "-".repeat(100_000), format!(".equ A, {}1", "1 + ".repeat(50_000))] {
        fuzz_assemble(text.as_bytes());
        fuzz_assemble(format!(".equ A, {text}").as_bytes());
    }
}
