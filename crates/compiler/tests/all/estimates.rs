//! The cost model beside the simulator: layers and blocks, each a network of its own. No constant of the model was
//! chosen by the second half of each list.

use ediacara_arch::Machine;
use ediacara_compiler::{Options, compile};
use ediacara_fuzzgen::graph::{ConvShape, Net};
use ediacara_graph::ops::PoolKind;
use ediacara_sim::{Options as SimOptions, Simulator};

use crate::support::program;

/// The largest error, of the cycles simulated.
const TOLERANCE: f64 = 0.05;

/// Asserts that what was estimated for the only layer of a network is what the simulator counts.
fn check(name: &str, net: &Net) {
    let machine = Machine::preset("dlp16").unwrap();
    let compiled = compile(&net.graph, &machine, &Options::default()).unwrap();
    let options = SimOptions { values: false, ..SimOptions::default() };
    let outcome = Simulator::new(&machine, &program(&compiled).executable, options).unwrap().run();
    let estimate: f64 = program(&compiled).explanations.iter().map(|layer| layer.estimate.cycles()).sum();
    let error = estimate / outcome.cycles as f64 - 1.0;
    println!("{name:<36} {estimate:>9.0} {:>9} {:>6.1} %", outcome.cycles, 100.0 * error);
    assert_eq!(program(&compiled).explanations.len(), program(&compiled).executable.layers.len());
    assert!(error.abs() <= TOLERANCE, "{name}: estimated {estimate:.0}, simulated {}", outcome.cycles);
}

fn network(
    shape: [usize; 3],
    build: impl Fn(&mut Net, ediacara_graph::ValueId) -> ediacara_graph::ValueId,
) -> Net {
    let mut net = Net::new(1);
    let x = net.input(&[1, shape[0], shape[1], shape[2]]);
    let y = build(&mut net, x);
    net.graph.set_outputs(vec![y]);
    net
}

fn depthwise(channels: usize, kernel: usize, stride: usize) -> ConvShape {
    ConvShape { groups: channels, ..ConvShape::square(channels, kernel, stride, kernel / 2) }
}

#[test]
fn convolutions() {
    // Extent, input and output channels, kernel, stride.
    let shapes = [
        [56, 64, 256, 1, 1],
        [56, 64, 64, 3, 1],
        [28, 512, 128, 1, 1],
        [14, 256, 1024, 1, 1],
        [14, 256, 256, 3, 1],
        [7, 512, 2048, 1, 1],
        [7, 512, 512, 3, 1],
        [224, 3, 64, 7, 2],
        [112, 16, 96, 1, 1],
        [1, 2048, 1000, 1, 1],
        [55, 16, 64, 1, 1],
        [20, 48, 80, 3, 1],
        [40, 24, 56, 5, 2],
        [17, 100, 300, 1, 1],
        [64, 32, 32, 3, 1],
        [13, 384, 256, 3, 1],
        [90, 12, 40, 3, 2],
        [33, 130, 70, 1, 1],
    ];
    for [size, inputs, outputs, kernel, stride] in shapes {
        let shape = ConvShape::square(outputs, kernel, stride, kernel / 2);
        let net = network([size, size, inputs], |net, x| net.conv(x, shape));
        check(&format!("conv {size} {inputs} to {outputs}, {kernel}/{stride}"), &net);
    }
}

/// Convolutions that join pixels, by extent, input and output channels, kernel, stride.
#[test]
fn joined_pixels() {
    let shapes = [
        [224, 3, 8, 3, 2],
        [112, 8, 8, 1, 1],
        [56, 40, 4, 3, 1],
        [96, 3, 10, 5, 1],
        [64, 12, 8, 3, 1],
        [80, 3, 16, 3, 2],
    ];
    for [size, inputs, outputs, kernel, stride] in shapes {
        let shape = ConvShape::square(outputs, kernel, stride, kernel / 2);
        let net = network([size, size, inputs], |net, x| net.conv(x, shape));
        check(&format!("joined {size} {inputs} to {outputs}, {kernel}/{stride}"), &net);
    }
}

/// With a table behind: convolutions by extent, channels, kernel, stride, and the same depthwise.
#[test]
fn tables() {
    for [size, channels, kernel, stride] in
        [[56, 64, 1, 1], [28, 128, 3, 1], [40, 72, 3, 2], [14, 256, 1, 1], [33, 48, 3, 1], [60, 24, 5, 2]]
    {
        let shape = ConvShape::square(channels, kernel, stride, kernel / 2);
        for (name, shape) in [("conv", shape), ("depthwise", depthwise(channels, kernel, stride))] {
            let net = network([size, size, channels], |net, x| {
                let y = net.conv(x, shape);
                net.table(y)
            });
            check(&format!("{name} and table {size} of {channels}, {kernel}/{stride}"), &net);
        }
    }
}

/// Means of maps that NRAM does not hold, by height, width and channels.
#[test]
fn means() {
    for shape in [[80, 112, 96], [184, 368, 24], [112, 112, 64], [60, 60, 130], [75, 133, 33]] {
        let net = network(shape, |net, x| net.global_average(x));
        check(&format!("mean of {shape:?}"), &net);
    }
}

#[test]
fn windows() {
    // Extent, channels, kernel, stride.
    let shapes = [
        [112, 32, 3, 1],
        [112, 96, 3, 2],
        [56, 144, 5, 2],
        [28, 240, 5, 1],
        [14, 576, 3, 1],
        [7, 960, 3, 1],
        [38, 96, 3, 1],
        [19, 200, 5, 2],
        [48, 60, 3, 1],
        [25, 320, 5, 1],
    ];
    for [size, channels, kernel, stride] in shapes {
        let net = network([size, size, channels], |net, x| net.conv(x, depthwise(channels, kernel, stride)));
        check(&format!("depthwise {size} of {channels}, {kernel}/{stride}"), &net);
    }
    for [size, channels, kernel, stride] in
        [[112, 64, 3, 2], [55, 96, 3, 2], [27, 256, 3, 2], [224, 64, 2, 2], [60, 80, 2, 2], [35, 128, 3, 2]]
    {
        let net = network([size, size, channels], |net, x| {
            net.pool(x, PoolKind::Max, [[kernel; 2], [stride; 2]], [0; 4], false, false)
        });
        check(&format!("max pool {size} of {channels}, {kernel}/{stride}"), &net);
    }
}

#[test]
fn blocks() {
    // Extent; input, expanded and output channels; kernel, stride.
    let shapes = [
        [112, 16, 96, 24, 3, 2],
        [56, 24, 144, 24, 3, 1],
        [28, 40, 240, 40, 5, 1],
        [14, 64, 384, 64, 3, 1],
        [14, 112, 672, 112, 5, 1],
        [7, 160, 960, 160, 3, 1],
        [24, 48, 288, 48, 3, 1],
        [20, 40, 160, 64, 5, 2],
        [40, 24, 96, 24, 5, 1],
        [10, 96, 480, 120, 3, 1],
    ];
    for [size, inputs, channels, outputs, kernel, stride] in shapes {
        let net = network([size, size, inputs], |net, x| {
            let expanded = net.conv(x, ConvShape::point(channels));
            let convolved = net.conv(expanded, depthwise(channels, kernel, stride));
            net.conv(convolved, ConvShape::point(outputs))
        });
        check(&format!("block {size} {inputs} {channels} {outputs}, {kernel}/{stride}"), &net);
    }
    for [size, inputs, outputs, kernel, stride] in
        [[111, 3, 96, 7, 2], [56, 64, 128, 3, 1], [30, 40, 72, 3, 1], [44, 20, 100, 5, 1]]
    {
        let net = network([size, size, inputs], |net, x| {
            let y = net.conv(x, ConvShape::square(outputs, kernel, stride, kernel / 2));
            net.pool(y, PoolKind::Max, [[2; 2]; 2], [0; 4], false, false)
        });
        check(&format!("conv and pool {size} {inputs} to {outputs}, {kernel}/{stride}"), &net);
    }
}
