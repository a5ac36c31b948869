//! What does not fit names the layer, the memory, and how many bytes are missing: each memory in turn is one step too
//! small for the smallest tile, whose size follows from the array's four rows and four columns.

use crate::support::{ConvShape, Net};
use ediacara_arch::{Core, Machine};
use ediacara_compiler::{CompileError, Options, compile};
use ediacara_graph::ops::PoolKind;

/// Asserts that a network, which fits `dlp4`, does not fit it with one memory changed.
fn check(net: &Net, change: fn(&mut Core), layer: &str, memory: &str, bytes: [u64; 2]) {
    let mut machine = Machine::preset("dlp4").unwrap();
    compile(&net.graph, &machine, &Options::default()).unwrap();
    change(&mut machine.core);
    let error = compile(&net.graph, &machine, &Options::default()).unwrap_err();
    let CompileError::DoesNotFit { layer: found, memory: short, needed, available, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((found.as_str(), short.title(), [*needed, *available]), (layer, memory, bytes), "{error}");
    let missing = format!("{} too few", bytes[0] - bytes[1]);
    assert!(error.to_string().contains(&missing), "{error}");
}

#[test]
fn a_convolution_names_the_memory_that_is_too_small() {
    let mut net = Net::new(1);
    let x = net.input(&[1, 5, 5, 8]);
    let y = net.conv(x, ConvShape::square(8, 3, 1, 0));
    net.graph.set_outputs(vec![y]);
    // One tap of four channels, and one pixel of four outputs.
    check(&net, |core| core.nram_bytes = 7, "conv1", "NRAM", [8, 7]);
    // One row of the array; a part of a row is none.
    check(&net, |core| core.wram_bytes = 15, "conv1", "WRAM", [16, 0]);
    // One pixel of four accumulators, each of four bytes.
    check(&net, |core| core.aram_bytes = 12, "conv1", "ARAM", [16, 12]);
    // Four records, each of twelve bytes.
    check(&net, |core| core.pram_bytes = 36, "conv1", "PRAM", [48, 36]);
}

#[test]
fn a_product_of_computed_matrices_counts_what_passes_through_nram() {
    let mut net = Net::new(2);
    let (x, y) = (net.input(&[3, 8]), net.input(&[5, 8]));
    let z = net.product(x, y);
    net.graph.set_outputs(vec![z]);
    // Four terms, four outputs, and the row of the array on its way.
    check(&net, |core| core.nram_bytes = 23, "product1", "NRAM", [24, 23]);
    let mut net = Net::new(2);
    let (x, y) = (net.input(&[3, 8]), net.input(&[8, 5]));
    let y = net.transpose(y, &[1, 0]);
    let z = net.product(x, y);
    net.graph.set_outputs(vec![z]);
    // The row twice: as it came, and transposed.
    check(&net, |core| core.nram_bytes = 39, "product2", "NRAM", [40, 39]);
}

#[test]
fn a_pool_needs_its_window() {
    let mut net = Net::new(3);
    let x = net.input(&[1, 8, 8, 4]);
    let y = net.pool(x, PoolKind::Max, [[4, 4], [4, 4]], [0; 4], false, false);
    net.graph.set_outputs(vec![y]);
    // The window and its result, of one channel.
    check(&net, |core| core.nram_bytes = 16, "pool1", "NRAM", [17, 16]);
}
