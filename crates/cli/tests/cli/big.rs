//! A network of very many nodes, for each of which little may be kept in memory.

use std::path::Path;
use std::process::{Command, Output};

use crate::root;

/// Nodes of the network: just below what tables and arrays of 2^17 entries hold, so that little of them is
/// empty.
const NODES: usize = 114_000;

/// Bytes of address space that a node may take beyond those of the file.
///
/// It takes some 500, in an array that grows more for a moment. With every node decoded at once, or all of
/// the text in memory, it would take far more than a thousand.
const BYTES_PER_NODE: usize = 800;

/// A field of protobuf that has a length.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = body.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(body);
    bytes
}

/// An ONNX model of `nodes` nodes in a chain, alternately Relu and Add of a constant, on numbers of shape
/// [1,8].
fn chain(nodes: usize) -> Vec<u8> {
    let axis = |size: u8| field(1, &[0x08, size]);
    let shape = [axis(1), axis(8)].concat();
    let of_type = field(2, &field(1, &[vec![0x08, 1], field(2, &shape)].concat()));
    let port = |name: &str| [field(1, name.as_bytes()), of_type.clone()].concat();
    let mut graph = Vec::new();
    for index in 0..nodes {
        let before = if index == 0 { "x".to_owned() } else { format!("n{}", index - 1) };
        let name = format!("n{index}");
        let mut node = field(1, before.as_bytes());
        if index % 2 == 1 {
            node.extend(field(1, b"b"));
        }
        node.extend(field(2, name.as_bytes()));
        node.extend(field(3, name.as_bytes()));
        node.extend(field(4, if index % 2 == 1 { b"Add" } else { b"Relu" }));
        graph.extend(field(1, &node));
    }
    graph.extend(field(2, b"chain"));
    let constant = [vec![0x08, 1, 0x08, 8, 0x10, 1], field(8, b"b"), field(9, &[0; 32])].concat();
    graph.extend(field(5, &constant));
    graph.extend(field(11, &port("x")));
    graph.extend(field(12, &port(&format!("n{}", nodes - 1))));
    [vec![0x08, 8], field(8, &[0x10, 17]), field(7, &graph)].concat()
}

/// `ediacara summary` of a file in so much address space.
fn summary(file: &Path, json: bool, kib: usize) -> Output {
    let mut command = Command::new("bash");
    let script = format!("ulimit -c 0 && ulimit -v {kib} && exec \"$@\"");
    command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_ediacara"), "summary"]).arg(file);
    // Otherwise glibc reserves 64 MiB of addresses for every thread that allocates, if it gets them.
    command.env("MALLOC_ARENA_MAX", "1");
    command.args(json.then_some("--json")).current_dir(root()).output().unwrap()
}

/// The least address space, in KiB and exact to a MiB, in which a file is summarised.
fn least_kib(file: &Path, json: bool) -> usize {
    let (mut too_little, mut enough) = (1, 6_000);
    while enough - too_little > 1 {
        let mib = usize::midpoint(too_little, enough);
        let fits = summary(file, json, mib << 10).status.success();
        *(if fits { &mut enough } else { &mut too_little }) = mib;
    }
    enough << 10
}

#[test]
fn a_summary_takes_little_memory_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (folder.path().join("small.onnx"), folder.path().join("large.onnx"));
    std::fs::write(&small, chain(10)).unwrap();
    let bytes = chain(NODES);
    std::fs::write(&large, &bytes).unwrap();
    for json in [false, true] {
        let kib = least_kib(&small, json) + (bytes.len() + NODES * BYTES_PER_NODE) / 1024;
        let output = summary(&large, json, kib);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "json: {json}, {kib} KiB: {}: {error}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        // Every second node adds 8 numbers; the constant is 8 parameters, counted once.
        let expected = if json {
            [format!("\"additions\": {},", 8 * NODES / 2), "\"parameters\": 8,".to_owned()]
        } else {
            ["layers            114000".to_owned(), "additions         456,000".to_owned()]
        };
        for part in expected {
            assert!(text.contains(&part), "{part} in {}", &text[text.len() - 1000..]);
        }
        assert!(text.contains(&format!("n{}", NODES - 1)));
        let layers = text.matches(if json { "\"kind\": \"add\"," } else { " add " }).count();
        assert_eq!(layers, NODES / 2, "json: {json}");
    }
}
