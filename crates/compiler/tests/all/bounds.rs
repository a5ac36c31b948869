//! The floor and the yardstick of networks that are small enough to count by hand, on `dlp16`: 256 MAC, 32 lanes and 16 bytes
//! a cycle.

use ediacara_arch::Machine;
use ediacara_compiler::{Bounds, Options, compile};
use ediacara_graph::Tensor;
use ediacara_graph::ops::QConv;

use crate::support::{ConvShape, Net, program};

fn bounds(net: &Net) -> Bounds {
    let machine = Machine::preset("dlp16").unwrap();
    program(&compile(&net.graph, &machine, &Options::default()).unwrap()).bounds.clone()
}

/// A fully connected layer waits for its weights: 512 x 1,024 of them, 512 inputs, 1,024 outputs.
#[test]
fn weights_input_and_output_cross_dram_once() {
    let mut net = Net::new(1);
    let x = net.input(&[1, 512]);
    let y = net.matmul(x, 1024);
    net.graph.set_outputs(vec![y]);
    let expected = (512 * 1024 + 512 + 1024) / 16;
    let found = bounds(&net);
    assert_eq!((found.floor_cycles, found.layer_roofline_cycles()), (expected, expected));
}

/// Two convolutions of 4 x 4 pixels by the same 256 x 256 weights: 4,096 cycles of products each, the same bytes of weights.
#[test]
fn tied_weights_cross_dram_once() {
    let mut net = Net::new(2);
    let x = net.input(&[1, 4, 4, 256]);
    let first = net.conv(x, ConvShape::point(256));
    let node = net.graph.node(net.graph.producer(first).unwrap()).clone();
    let mut operands = node.inputs.clone();
    operands[0] = first;
    let second = net.graph.add("tied", *node.op_as::<QConv>().unwrap(), &operands).unwrap();
    net.graph.set_outputs(vec![second]);
    let found = bounds(&net);
    // With the weights twice it would be (2 * 65,536 + 2 * 4,096) / 16 = 8,704.
    assert_eq!(found.floor_cycles, 2 * 4096);
    // WRAM holds them for the second layer; input and output come on top of one each.
    let loaded = (65_536 + 4096) / 16;
    assert_eq!(found.roofline_cycles, [f64::from(loaded), 4096.0]);
}

/// A constant of 16,384 bytes is added twice to an image as large.
#[test]
fn constants_cross_dram_once() {
    let mut net = Net::new(3);
    let x = net.input(&[1, 16, 16, 64]);
    let constant = Tensor::full(&[1, 16, 16, 64], 3_i8).unwrap();
    let constant = net.graph.add_constant("constant", constant);
    let once = net.add(x, constant);
    let twice = net.add(once, constant);
    net.graph.set_outputs(vec![twice]);
    let found = bounds(&net);
    assert_eq!(found.floor_cycles, 3 * 16_384 / 16);
    assert_eq!(found.roofline_cycles, [2.0 * 1024.0, 1024.0]);
}

/// A depthwise convolution counts at the vector unit's peak, as a node of its own in a block.
#[test]
fn the_yardstick_is_of_nodes_before_fusion() {
    let mut net = Net::new(4);
    let x = net.input(&[1, 14, 14, 32]);
    let expanded = net.conv(x, ConvShape::point(192));
    let convolved = net.conv(expanded, ConvShape { groups: 192, ..ConvShape::square(192, 3, 1, 1) });
    let projected = net.conv(convolved, ConvShape::point(32));
    net.graph.set_outputs(vec![projected]);
    let found = bounds(&net);
    let product = f64::from(196 * 32 * 192) / 256.0;
    assert_eq!(found.roofline_cycles, [product + f64::from(196 * 9 * 192) / 32.0 + product]);
    // Of 14 windows of three taps two lose one to the padding: 40 x 40 taps on pixels. Either unit may do them.
    let products = 2 * 196 * 32 * 192 + 40 * 40 * 192;
    assert_eq!(found.floor_cycles, f64::from(products).div_euclid(288.0) as u64 + 1);
}
