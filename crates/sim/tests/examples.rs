//! The programs in examples/ run in checked mode, and compute what plain loops compute.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use ediacara_arch::Machine;
use ediacara_isa::{Engine, Executable, assemble_file, disassemble};
use ediacara_sim::{Options, Outcome, Simulator};

fn example(name: &str) -> Executable {
    let path = root().join("examples").join(name);
    assemble_file(&path).unwrap_or_else(|errors| panic!("{errors}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the program on dlp16 with these inputs, and gives the only output and the outcome.
fn run(executable: &Executable, inputs: &[(&str, &[i8])]) -> (Vec<i8>, Outcome) {
    let options = Options { values: true, checked: true, trace: false, max_cycles: Some(1_000_000) };
    let machine = Machine::preset("dlp16").unwrap();
    let mut simulator = Simulator::new(&machine, executable, options).unwrap();
    for (name, values) in inputs {
        let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
        simulator.write_input(name, &bytes).unwrap();
    }
    let outcome = simulator.run();
    if let Some(fault) = &outcome.fault {
        panic!("{fault}");
    }
    let output = simulator.read_output(&executable.outputs[0].name).unwrap();
    (output.into_iter().map(|byte| byte as i8).collect(), outcome)
}

/// Seeded bytes (splitmix64).
fn bytes(seed: u64, count: usize) -> Vec<i8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as i8
    };
    (0..count).map(next).collect()
}

fn round_shift(value: i64, shift: u32) -> i64 {
    (value + (1 << (shift - 1))) >> shift
}

fn clamp(value: i64) -> i8 {
    value.clamp(-128, 127) as i8
}

#[derive(Clone, Copy)]
struct Record {
    bias: i32,
    multiplier: i32,
    shift: u32,
}

/// Little-endian records at a DRAM address.
fn records(executable: &Executable, address: u64, count: usize) -> Vec<Record> {
    let block = executable.data.iter().find(|block| block.address == address).unwrap();
    let word = |at: usize| i32::from_le_bytes(block.bytes[at..at + 4].try_into().unwrap());
    let record = |i: usize| Record {
        bias: word(12 * i),
        multiplier: word(12 * i + 4),
        shift: word(12 * i + 8) as u32,
    };
    (0..count).map(record).collect()
}

fn requantise(sum: i32, record: Record, zero: i64) -> i8 {
    let product = i64::from(sum.wrapping_add(record.bias)) * i64::from(record.multiplier);
    clamp(zero + round_shift(product, record.shift))
}

/// An activation in rows, columns, channels.
struct Image {
    size: usize,
    channels: usize,
    values: Vec<i8>,
}

impl Image {
    fn at(&self, y: usize, x: usize, c: usize) -> i8 {
        self.values[(y * self.size + x) * self.channels + c]
    }
}

/// A square convolution with weights `[output][y][x][input]`; outside the image everything is the zero point,
/// -128.
fn convolution(
    image: &Image,
    kernel: usize,
    padding: usize,
    weights: &[i8],
    records: &[Record],
    zero: i64,
) -> Image {
    let size = image.size + 2 * padding - kernel + 1;
    let mut values = Vec::new();
    for y in 0..size {
        for x in 0..size {
            for (o, record) in records.iter().enumerate() {
                let mut sum = 0i32;
                for (tap, weight) in
                    weights.chunks(kernel * kernel * image.channels).nth(o).unwrap().iter().enumerate()
                {
                    let (c, position) = (tap % image.channels, tap / image.channels);
                    let (row, column) = (y + position / kernel, x + position % kernel);
                    let inside = |v: usize| v >= padding && v < padding + image.size;
                    if inside(row) && inside(column) {
                        let value = i32::from(image.at(row - padding, column - padding, c)) + 128;
                        sum += value * i32::from(*weight);
                    }
                }
                values.push(requantise(sum, *record, zero));
            }
        }
    }
    Image { size, channels: records.len(), values }
}

fn halve_by_maximum(image: &Image) -> Image {
    let size = image.size / 2;
    let mut values = Vec::new();
    for y in 0..size {
        for x in 0..size {
            for c in 0..image.channels {
                let window =
                    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| image.at(2 * y + dy, 2 * x + dx, c));
                values.push(window.into_iter().max().unwrap());
            }
        }
    }
    Image { size, channels: image.channels, values }
}

/// Weights as the network knows them, `[output][tap]`, from the rows of the array at a DRAM address.
fn weights(
    executable: &Executable,
    address: u64,
    stretches: usize,
    stretch: usize,
    outputs: usize,
) -> Vec<i8> {
    let block = executable.data.iter().find(|block| block.address == address).unwrap();
    let steps = stretch.div_ceil(16);
    let mut result = Vec::new();
    for o in 0..outputs {
        for s in 0..stretches {
            for i in 0..stretch {
                result.push(block.bytes[(s * steps + i / 16) * 256 + o * 16 + i % 16] as i8);
            }
        }
    }
    result
}

/// LeNet without the machine.
struct LeNet {
    weights: [Vec<i8>; 3],
    records: [Vec<Record>; 3],
    score_zero: i64,
}

impl LeNet {
    fn new(executable: &Executable) -> LeNet {
        let all = records(executable, 0x1800, 32);
        LeNet {
            weights: [
                weights(executable, 0x2000, 5, 5, 6),
                weights(executable, 0x3000, 5, 30, 16),
                weights(executable, 0x4000, 1, 400, 10),
            ],
            records: [all[..6].to_vec(), all[6..22].to_vec(), all[22..].to_vec()],
            score_zero: executable.outputs[0].encoding.unwrap().zero.into(),
        }
    }

    fn scores(&self, image: &[i8]) -> Vec<i8> {
        let image = Image { size: 28, channels: 1, values: image.to_vec() };
        let conv1 = convolution(&image, 5, 2, &self.weights[0], &self.records[0], -128);
        let conv2 = convolution(&halve_by_maximum(&conv1), 5, 0, &self.weights[1], &self.records[1], -128);
        let pooled = halve_by_maximum(&conv2);
        convolution(&pooled, 5, 0, &self.weights[2], &self.records[2], self.score_zero).values
    }
}

/// The bundled digits, enlarged as examples/lenet_train.py does it, with their classes.
fn digits() -> Vec<(Vec<i8>, usize)> {
    let file = std::fs::File::open(root().join("assets/digits/digits.csv.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let digit = |line: &str| {
        let numbers: Vec<i32> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let pixel = |at: usize| numbers[8 * (at / 28 * 8 / 28) + at % 28 * 8 / 28];
        let image = (0..28 * 28).map(|at| ((pixel(at) * 16).min(255) - 128) as i8).collect();
        (image, numbers[64] as usize)
    };
    text.lines().map(digit).collect()
}

fn best(scores: &[i8]) -> usize {
    let best = scores.iter().max().unwrap();
    scores.iter().position(|score| score == best).unwrap()
}

#[test]
fn lenet_computes_what_plain_loops_compute() {
    let executable = example("lenet.dlpasm");
    let lenet = LeNet::new(&executable);
    let mut images: Vec<Vec<i8>> = digits().into_iter().skip(1500).take(10).map(|(image, _)| image).collect();
    images.extend((0..5).map(|seed| bytes(seed, 784)));
    images.push(vec![127; 784]);
    for image in images {
        assert_eq!(run(&executable, &[("image", &image)]).0, lenet.scores(&image));
    }
}

#[test]
fn lenet_recognises_digits_and_its_layers_account_for_every_cycle() {
    let executable = example("lenet.dlpasm");
    let digits = digits();
    let test = &digits[1500..];
    let right =
        test.iter().filter(|(image, class)| best(&run(&executable, &[("image", image)]).0) == *class).count();
    // Floating point gets 96.3 % of these 297, whose writers are not those of the first 1,500.
    assert!(right * 100 >= test.len() * 95, "{right} of {} are right", test.len());

    // Without an input, the program looks at the first digit.
    let (scores, outcome) = run(&executable, &[]);
    assert_eq!(best(&scores), test[0].1);
    let cycles: Vec<u64> = outcome.layers.iter().map(|layer| layer.cycles).collect();
    assert_eq!(cycles.len(), 5);
    assert_eq!(cycles.iter().sum::<u64>(), outcome.cycles);
}

#[test]
fn hello() {
    assert_eq!(run(&example("hello.dlpasm"), &[]).0, [42; 16]);
}

#[test]
fn vector_add() {
    let (x, y) = (bytes(1, 4096), bytes(2, 4096));
    let sum = |(x, y): (&i8, &i8)| {
        let exact = f64::from(i32::from(*x) - 3) * 0.5 + f64::from(i32::from(*y) + 7) * 0.25;
        clamp(10 + (exact + 0.5).floor() as i64)
    };
    let expected: Vec<i8> = x.iter().zip(&y).map(sum).collect();
    assert_eq!(run(&example("vector_add.dlpasm"), &[("x", &x), ("y", &y)]).0, expected);
}

#[test]
fn matmul() {
    let executable = example("matmul.dlpasm");
    let (x, w) = (bytes(3, 32 * 48), bytes(4, 32 * 48));
    let records = records(&executable, 0x4_0000, 32);
    let mut expected = Vec::new();
    for row in x.chunks(48) {
        for (column, record) in w.chunks(48).zip(&records) {
            let sum = row.iter().zip(column).map(|(x, w)| i32::from(*x) * i32::from(*w)).sum();
            expected.push(requantise(sum, *record, 0));
        }
    }
    assert_eq!(run(&executable, &[("x", &x), ("w", &w)]).0, expected);
}

#[test]
fn softmax() {
    let x = bytes(9, 32 * 48);
    let (y, outcome) = run(&example("softmax.dlpasm"), &[("x", &x)]);
    for (x, y) in x.chunks(48).zip(y.chunks(48)) {
        let powers: Vec<f64> = x.iter().map(|&x| (f64::from(x) / 16.0).exp()).collect();
        let sum: f64 = powers.iter().sum();
        for (power, &y) in powers.iter().zip(y) {
            let exact = power / sum * 255.0 - 128.0;
            // f32 may turn a tie the other way, and nothing more.
            assert!((f64::from(y) - exact).abs() < 0.501, "{y} for {exact}");
        }
    }
    // T-VECTOR: each instruction waits for the one before, whose last result takes 8 cycles. A row has 6
    // beats of 8 numbers.
    let beats = [192, 192, 192, 4, 192];
    let vector: u64 = beats.iter().map(|beats| beats + 8).sum();
    let work: u64 = outcome
        .engines
        .iter()
        .filter(|engine| engine.engine == Engine::Vector)
        .map(|engine| engine.busy)
        .sum();
    assert_eq!(work, beats.iter().sum::<u64>());
    assert!(outcome.cycles > vector);
}

#[test]
fn double_buffering_hides_everything_but_the_dram() {
    let x = bytes(5, 65536);
    let expected: Vec<i8> = x.iter().map(|value| (*value).max(0)).collect();
    let (y, outcome) = run(&example("double_buffer.dlpasm"), &[("x", &x)]);
    assert_eq!(y, expected);
    // At 16 bytes a cycle, 64 KiB go in and 64 KiB out. Nothing can hide the start and the end.
    let bound = 2 * 65536 / 16;
    assert!((bound..bound + bound / 4).contains(&outcome.cycles), "{} cycles", outcome.cycles);
}

/// The last rows are added first, and each sum is clamped.
#[test]
fn first_rows() {
    let executable = example("first_rows.dlpasm");
    let x = bytes(11, 16 * 64);
    let mut cycles = Vec::new();
    for rows in 1..=16_usize {
        let options = Options { checked: true, max_cycles: Some(100_000), ..Options::default() };
        let mut simulator = Simulator::new(&Machine::preset("dlp16").unwrap(), &executable, options).unwrap();
        let mut registers = [0; 16];
        registers[1] = rows as u64;
        simulator.set_registers(&registers);
        simulator.write_input("x", &x.iter().map(|value| *value as u8).collect::<Vec<_>>()).unwrap();
        let outcome = simulator.run();
        assert_eq!(outcome.fault, None, "{rows}");
        let mut expected = vec![0_i8; 64];
        for row in x.chunks(64).take(rows).rev() {
            expected.iter_mut().zip(row).for_each(|(sum, x)| *sum = sum.saturating_add(*x));
        }
        let found: Vec<i8> =
            simulator.read_output("sum").unwrap().into_iter().map(|byte| byte as i8).collect();
        assert_eq!(found, expected, "{rows}");
        // 9 before the loop with it, 3 for each row, 3 behind it.
        assert_eq!(outcome.instructions, 9 + 3 * rows as u64 + 3);
        cycles.push(outcome.cycles);
    }
    assert!(cycles.is_sorted_by(|a, b| a < b), "{cycles:?}");
}

#[test]
fn disassembled_examples_are_the_same_programs() {
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".dlpasm") || name == "lenet_weights.dlpasm" {
            continue;
        }
        let executable = example(&name);
        let text = disassemble(&executable);
        let again = ediacara_isa::assemble(&text, &name).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(again.to_bytes(), executable.to_bytes(), "{name}");
    }
}
