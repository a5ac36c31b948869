//! Files that nobody should trust: damaged, truncated, or made to hurt.
//!
//! Each is an error that says what was found, and none panics, runs long, or takes much memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use std::time::{Duration, Instant};

use common::writer::{bytes, input, int, int64s, ints_attribute, model, node, output, tensor, varint};
use ediacara_onnx::{ImportError, ImportOptions, Limits, fuzz_import, import_bytes};

/// Imports a graph of opset 17 and expects an error with these words in it.
fn check(graph: &[Vec<u8>], expected: &[&str]) {
    check_bytes(&model(17, graph), expected);
}

fn check_bytes(data: &[u8], expected: &[&str]) {
    let error = import_bytes("bad.onnx", data, &ImportOptions::default()).unwrap_err().to_string();
    for words in expected.iter().chain(&["bad.onnx"]) {
        assert!(error.contains(words), "'{words}' is not in: {error}");
    }
}

#[test]
fn the_writer_makes_models() {
    let graph = [node("Relu", &["x"], &["y"], &[]), input("x", &[1, 2]), output("y")];
    let (graph, report) = import_bytes("good.onnx", &model(17, &graph), &ImportOptions::default()).unwrap();
    assert_eq!((graph.outputs().len(), report.opset), (1, 17));
}

#[test]
fn versions() {
    let graph = [node("Relu", &["x"], &["y"], &[]), input("x", &[1]), output("y")];
    check_bytes(&model(5, &graph), &["operator set version is 5", "supported are 6 to"]);
    check_bytes(&model(99, &graph), &["operator set version is 99"]);
    check_bytes(&bytes(7, graph.concat()), &["does not say which operator set"]);
    check_bytes(&[], &["holds no graph"]);
    check_bytes(b"GIF89a, not a model", &["is not a readable ONNX file"]);
}

#[test]
fn names() {
    let relu = |input: &str, output: &str| node("Relu", &[input], &[output], &[]);
    check(&[relu("x", "y"), relu("x", "y"), input("x", &[1]), output("y")], &["node_y", "'y' a second time"]);
    check(&[relu("x", "x"), input("x", &[1]), output("x")], &["'x' a second time"]);
    check(&[relu("z", "y"), output("y")], &["node_y", "'z', which nothing produces"]);
    check(&[relu("x", "y"), input("x", &[1]), output("z")], &["output 'z' is produced by no node"]);
    check(&[relu("x", "y"), input("x", &[1])], &["no outputs"]);
    check(&[relu("x", "y"), input("x", &[1]), input("x", &[1]), output("y")], &["two of its inputs", "'x'"]);
    let stored = || int64s("w", &[1]);
    check(&[relu("w", "y"), stored(), stored(), output("y")], &["two of its initialisers", "'w'"]);
    check(
        &[relu("b", "a"), relu("a", "b"), relu("a", "y"), input("x", &[1]), output("y")],
        &["form a cycle", "node_a, node_b, node_y"],
    );
}

#[test]
fn tensors() {
    let reads = |stored: Vec<u8>| [node("Relu", &["w"], &["y"], &[]), bytes(5, stored), output("y")];
    check(
        &reads(tensor("w", 1, &[2, 2], &[0; 15])),
        &["tensor 'w'", "needs 16 bytes, but raw_data holds 15"],
    );
    check(&reads(tensor("w", 1, &[i64::MAX, i64::MAX], &[])), &["tensor 'w'", "more elements than memory"]);
    check(&reads(tensor("w", 1, &[-3], &[])), &["tensor 'w'", "negative"]);
    check(&reads(tensor("w", 1, &[1; 40], &[0; 4])), &["40 dimensions"]);
    check(&reads(tensor("w", 8, &[1], &[])), &["STRING is not supported"]);
    let location = bytes(13, [bytes(1, "location"), bytes(2, "/etc/passwd")].concat());
    let outside = [tensor("w", 1, &[4], &[]), location, int(14, 1)].concat();
    check(&reads(outside), &["tensor 'w'", "given as bytes"]);
}

#[test]
fn inputs() {
    let reads = |input: Vec<u8>| [node("Relu", &["x"], &["y"], &[]), input, output("y")];
    check(&reads(input("x", &[1 << 40, 1 << 40])), &["tensor 'x'", "more elements than memory"]);
    check(&reads(bytes(11, bytes(1, "x"))), &["input 'x' is no dense tensor"]);
    let shapeless = bytes(11, [bytes(1, "x"), bytes(2, bytes(1, int(1, 1)))].concat());
    check(&reads(shapeless), &["input 'x' has no declared shape"]);
}

#[test]
fn nodes() {
    let on_x = |op: &str, attributes: &[Vec<u8>]| {
        [node(op, &["x"], &["y"], attributes), input("x", &[1, 2, 4, 4]), output("y")]
    };
    check(&on_x("Transpose", &[ints_attribute("perm", &[0, 1])]), &["node 'node_y' (Transpose)", "[0, 1]"]);
    check(&on_x("MaxPool", &[ints_attribute("kernel_shape", &[9, 9])]), &["(MaxPool)", "spans 9 elements"]);
    check(&on_x("MaxPool", &[ints_attribute("kernel_shape", &[0, 1])]), &["(MaxPool)", "zero"]);
    check(&on_x("MaxPool", &[]), &["no kernel_shape"]);
    check(&on_x("Add", &[]), &["node 'node_y' (Add)", "needs an operand 1"]);
    let wrong_type = [bytes(1, "kernel_shape"), int(3, 5), int(20, 2)].concat();
    check(&on_x("MaxPool", &[wrong_type]), &["'kernel_shape' has the type INT, it has to be INTS"]);
    let reshape = |shape: &[i64]| {
        [node("Reshape", &["x", "s"], &["y"], &[]), int64s("s", shape), input("x", &[2, 3]), output("y")]
    };
    check(&reshape(&[-1, -1]), &["(Reshape)", "[2, 3] to [-1, -1]"]);
    check(&reshape(&[i64::MAX, i64::MAX, -1]), &["(Reshape)", "overflow"]);
    check(&reshape(&[7]), &["node 'node_y' (Reshape)", "f32[2,3]"]);
}

#[test]
fn operands_that_have_to_be_constant() {
    let graph = [
        node("Cast", &["x"], &["s"], &[[bytes(1, "to"), int(3, 7), int(20, 2)].concat()]),
        node("Reshape", &["x", "s"], &["y"], &[]),
        input("x", &[2]),
        output("y"),
    ];
    check(&graph, &["node 'node_y' (Reshape)", "operand 's'", "known at import", "--value x=NUMBER"]);
}

#[test]
fn unsupported_operators_are_one_error() {
    let graph = [
        node("Unique", &["x"], &["a"], &[]),
        node("Frobnicate", &["a"], &["b"], &[]),
        node("Unique", &["b"], &["y"], &[]),
        input("x", &[1]),
        output("y"),
    ];
    check(&graph, &["3 of its nodes", "Unique (node_a, node_y)", "Frobnicate (node_b)"]);
}

#[test]
fn small_files_cannot_ask_for_much() {
    let limits =
        Limits { tensor_bytes: 1 << 20, total_bytes: 4 << 20, folding_work: 1 << 20, ..Limits::default() };
    let options = ImportOptions { limits, ..ImportOptions::default() };
    let fill = |dims: &[i64]| [node("ConstantOfShape", &["s"], &["y"], &[]), int64s("s", dims), output("y")];
    for dims in [[1 << 20, 1 << 20], [1 << 31, 1 << 31], [i64::MAX, 2]] {
        let error = import_bytes("big", &model(17, &fill(&dims)), &options).unwrap_err().to_string();
        assert!(error.contains("(ConstantOfShape)"), "{error}");
    }
    // The size doubles forty times: every step is small, the sum is not.
    let mut graph: Vec<Vec<u8>> = vec![int64s("c0", &[1]), output("c40")];
    for step in 0..40 {
        let (from, to) = (format!("c{step}"), format!("c{}", step + 1));
        graph.push(node(
            "Concat",
            &[&from, &from],
            &[&to],
            &[[bytes(1, "axis"), int(3, 0), int(20, 2)].concat()],
        ));
    }
    let error = import_bytes("doubling", &model(17, &graph), &options).unwrap_err().to_string();
    assert!(error.contains("more than the limit"), "{error}");
}

/// Everything in these networks is folded, so that the operators' kernels meet empty tensors.
///
/// They must not stumble over them.
#[test]
fn empty_tensors_are_folded() {
    let empty = || bytes(5, tensor("e", 1, &[2, 0, 3], &[]));
    let one_axis = || int64s("axis", &[1]);
    for op in [
        "Relu",
        "Abs",
        "Softmax",
        "Transpose",
        "Flatten",
        "ReduceSum",
        "ReduceMax",
        "ReduceProd",
        "Shape",
        "LRN",
    ] {
        let graph = [node(op, &["e"], &["y"], &[]), empty(), output("y")];
        // An error is right if the operator cannot take it; a panic never is.
        let _ = import_bytes("empty", &model(17, &graph), &ImportOptions::default());
    }
    for op in ["Add", "Max", "MatMul", "Concat", "Equal", "Mod", "Pow"] {
        let axis = [bytes(1, "axis"), int(3, 1), int(20, 2)].concat();
        let graph = [node(op, &["e", "e"], &["y"], &[axis]), empty(), output("y")];
        let _ = import_bytes("empty", &model(17, &graph), &ImportOptions::default());
    }
    for op in ["ReduceSum", "Unsqueeze", "Gather", "CumSum"] {
        let graph = [node(op, &["e", "axis"], &["y"], &[]), empty(), one_axis(), output("y")];
        let _ = import_bytes("empty", &model(17, &graph), &ImportOptions::default());
    }
    // A sum of no products is zero.
    let left = bytes(5, tensor("l", 1, &[2, 0], &[]));
    let right = bytes(5, tensor("r", 1, &[0, 2], &[]));
    let graph = [node("MatMul", &["l", "r"], &["y"], &[]), left, right, output("y")];
    let (graph, _) = import_bytes("empty", &model(17, &graph), &ImportOptions::default()).unwrap();
    assert_eq!(graph.constant(graph.outputs()[0]).unwrap().to_vec::<f32>().unwrap(), [0.0; 4]);
}

#[test]
fn deep_nesting_is_refused() {
    let mut graph = Vec::new();
    for _ in 0..200 {
        graph = bytes(1, bytes(5, [bytes(1, "body"), bytes(6, graph)].concat()));
    }
    check_bytes(&model(17, &[graph]), &["nest deeper"]);
}

/// xorshift64*: the same cases on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// One to four small damages.
fn mutate(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=random.below(4) {
        let position = random.below(data.len());
        match random.below(7) {
            0 => data[position] ^= 1 << random.below(8),
            1 => data[position] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            2 => data.truncate(position),
            3 => drop(data.drain(position..(position + random.below(16)).min(data.len()))),
            4 => {
                let piece = seed[random.below(seed.len())..].iter().copied().take(random.below(64));
                data.splice(position..position, piece.collect::<Vec<_>>());
            }
            5 => {
                let large = varint(
                    [u64::MAX, i64::MAX as u64, 1 << 31, 1 << 40, u64::from(u32::MAX)][random.below(5)],
                );
                let end = (position + random.below(3)).min(data.len());
                data.splice(position..end, large);
            }
            _ => {
                let other = random.below(data.len());
                data.swap(position, other);
            }
        }
        if data.is_empty() {
            break;
        }
    }
    data
}

/// A protobuf message taken apart, so that it can be damaged and put together with lengths that are right.
#[derive(Debug, Clone)]
enum Field {
    Int(u64, u64),
    Fixed(u64, Vec<u8>),
    Bytes(u64, Vec<u8>),
    Message(u64, Vec<Field>),
}

/// Takes a message apart as far as its bytes look like one; strings that happen to look so do no harm.
fn parse(data: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut rest = data;
    let number = |rest: &mut &[u8]| -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, tail) = rest.split_first()?;
            *rest = tail;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    };
    while !rest.is_empty() {
        let key = number(&mut rest)?;
        let field = key >> 3;
        match key & 7 {
            0 => fields.push(Field::Int(field, number(&mut rest)?)),
            5 => {
                fields.push(Field::Fixed(key, rest.get(..4)?.to_vec()));
                rest = &rest[4..];
            }
            2 => {
                let length = usize::try_from(number(&mut rest)?).ok()?;
                let body = rest.get(..length)?;
                rest = &rest[length..];
                let inner = if field == 0 || field > 30 || length < 2 { None } else { parse(body) };
                fields.push(match inner {
                    Some(inner) => Field::Message(field, inner),
                    None => Field::Bytes(field, body.to_vec()),
                });
            }
            _ => return None,
        }
    }
    Some(fields)
}

fn write(fields: &[Field]) -> Vec<u8> {
    let one = |field: &Field| match field {
        Field::Int(field, value) => [varint(field << 3), varint(*value)].concat(),
        Field::Fixed(key, body) => [varint(*key), body.clone()].concat(),
        Field::Bytes(field, body) => bytes(*field, body),
        Field::Message(field, inner) => bytes(*field, write(inner)),
    };
    fields.iter().map(one).collect::<Vec<_>>().concat()
}

/// Damages one field somewhere in the message.
fn mutate_fields(random: &mut Random, fields: &mut Vec<Field>) {
    const NUMBERS: [u64; 12] =
        [0, 1, 2, 3, 7, 17, 1 << 20, 1 << 31, 1 << 40, i64::MAX as u64, u64::MAX, u64::MAX - 1];
    if fields.is_empty() {
        return;
    }
    let position = random.below(fields.len());
    if let Field::Message(_, inner) = &mut fields[position]
        && random.below(8) != 0
    {
        return mutate_fields(random, inner);
    }
    match random.below(6) {
        0 => drop(fields.remove(position)),
        1 => fields.insert(position, fields[position].clone()),
        2 => {
            let other = random.below(fields.len());
            fields.swap(position, other);
        }
        _ => match &mut fields[position] {
            Field::Int(_, value) => *value = NUMBERS[random.below(NUMBERS.len())],
            Field::Fixed(_, body) => {
                let at = random.below(body.len());
                body[at] = random.next() as u8;
            }
            Field::Bytes(_, body) if body.is_empty() || random.below(3) == 0 => {
                body.push(random.next() as u8 & 0x7f)
            }
            Field::Bytes(_, body) => {
                let at = random.below(body.len());
                match random.below(3) {
                    0 => body.truncate(at),
                    1 => body[at] = random.next() as u8,
                    _ => body[at] ^= 1,
                }
            }
            Field::Message(field, _) => *field = random.below(16) as u64,
        },
    }
}

/// One to four damages that leave the message a message.
fn mutate_message(random: &mut Random, seed: &[u8]) -> Vec<u8> {
    let mut fields = parse(seed).expect("the seeds are well formed");
    for _ in 0..=random.below(4) {
        mutate_fields(random, &mut fields);
    }
    write(&fields)
}

/// The largest resident size of this process so far, in bytes; nothing if the system does not say.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
}

/// How far the cases got, to know whether they test anything.
#[derive(Debug, Default)]
struct Reached {
    decoder: usize,
    structure: usize,
    handlers: usize,
    graph: usize,
}

impl Reached {
    fn count(&mut self, data: &[u8]) {
        let limits = Limits {
            tensor_bytes: 4 << 20,
            total_bytes: 16 << 20,
            folding_work: 1 << 20,
            ..Limits::default()
        };
        match import_bytes("fuzz", data, &ImportOptions { limits, ..ImportOptions::default() }) {
            Ok(_) => self.graph += 1,
            Err(ImportError::Node { .. } | ImportError::NotConstant { .. }) => self.handlers += 1,
            Err(ImportError::Decode { .. }) => self.decoder += 1,
            Err(_) => self.structure += 1,
        }
    }
}

/// Runs one case; a panic names the case, whose number determines the bytes.
fn fuzz(case: u64, data: &[u8], reached: &mut Reached) {
    let start = Instant::now();
    if std::panic::catch_unwind(|| fuzz_import(data)).is_err() {
        panic!("case {case} panics: {data:02x?}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "case {case} took {:?}: {data:02x?}", start.elapsed());
    reached.count(data);
}

#[test]
fn damaged_models_neither_panic_nor_blow_up() {
    let mut seeds = vec![include_bytes!("data/small.onnx").to_vec()];
    if let Some(suite) = common::onnx_suite() {
        for case in [
            "node/test_resize_downsample_scales_linear",
            "node/test_convtranspose_pads",
            "node/test_slice",
            "node/test_lrn",
        ] {
            seeds.extend(std::fs::read(suite.join(case).join("model.onnx")).ok());
        }
        seeds.extend(std::fs::read(suite.join("light/light_bvlc_alexnet.onnx")).ok());
    }
    let before = peak_memory();
    let mut damaged = Reached::default();
    // `EDIACARA_FUZZ_ROUND=N` draws other cases than CI's.
    let round: u64 = std::env::var("EDIACARA_FUZZ_ROUND").map_or(0, |round| round.parse().unwrap());
    let first = 25_000 * round;
    for case in first..first + 20_000 {
        let mut random = Random(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let seed = &seeds[if random.below(2) == 0 { 0 } else { random.below(seeds.len()) }];
        let data = if case % 4 == 0 { mutate(&mut random, seed) } else { mutate_message(&mut random, seed) };
        fuzz(case, &data, &mut damaged);
    }
    let mut noise = Reached::default();
    for case in first + 20_000..first + 25_000 {
        let mut random = Random(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let length = random.below(512);
        fuzz(case, &(0..length).map(|_| random.next() as u8).collect::<Vec<_>>(), &mut noise);
    }
    println!("damaged models reached {damaged:?}, random bytes {noise:?}");
    // If the decoder always noticed the damage, this would test the decoder only.
    assert!(damaged.handlers + damaged.graph > 4_000, "{damaged:?}");
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 256 << 20, "memory grew from {before} to {after} bytes");
    }
}
