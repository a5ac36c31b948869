//! Every operator, alone, on every machine: host and simulator agree byte for byte, in checked mode.

use crate::support::{ConvShape, Net, check, check_on, machines, program};
use ediacara_arch::Machine;
use ediacara_compiler::{Options, compile};
use ediacara_graph::Tensor;
use ediacara_graph::ops::{Coordinates, PadMode, PoolKind, Resize, ResizeMode, Rounding};
use ediacara_sim::Requester;

fn conv(input: [usize; 4], shape: ConvShape) {
    let mut net = Net::new(input.iter().sum::<usize>() as u64);
    let x = net.input(&input);
    let y = net.conv(x, shape);
    check(&mut net, &[y]);
}

#[test]
fn point_convolution() {
    conv([1, 5, 7, 16], ConvShape::point(16));
    conv([1, 6, 5, 37], ConvShape::point(41));
    conv([2, 3, 3, 20], ConvShape::point(70));
}

#[test]
fn point_convolution_with_stride() {
    conv([1, 9, 8, 24], ConvShape::square(17, 1, 2, 0));
}

#[test]
fn three_by_three() {
    conv([1, 8, 8, 16], ConvShape::square(16, 3, 1, 1));
    conv([1, 9, 7, 3], ConvShape::square(20, 3, 2, 1));
    conv([2, 6, 6, 33], ConvShape::square(9, 3, 1, 1));
}

#[test]
fn large_kernels_and_odd_padding() {
    conv([1, 14, 13, 3], ConvShape::square(8, 7, 2, 3));
    let shape = ConvShape { padding: [0, 2, 1, 0], kernel: [2, 3], ..ConvShape::point(5) };
    conv([1, 7, 6, 10], shape);
    let shape = ConvShape { padding: [4, 5, 6, 3], kernel: [3, 2], stride: [3, 2], ..ConvShape::point(7) };
    conv([1, 3, 4, 6], shape);
}

#[test]
fn dilation() {
    let shape = ConvShape { dilation: [2, 3], padding: [2, 3, 2, 3], kernel: [3, 3], ..ConvShape::point(12) };
    conv([1, 9, 10, 18], shape);
}

#[test]
fn groups() {
    conv([1, 5, 6, 24], ConvShape { groups: 3, ..ConvShape::square(18, 3, 1, 1) });
    conv([1, 5, 6, 32], ConvShape { groups: 8, ..ConvShape::square(32, 3, 2, 1) });
    conv([1, 4, 4, 12], ConvShape { groups: 12, ..ConvShape::square(24, 3, 1, 1) });
    conv([1, 4, 4, 40], ConvShape { groups: 2, ..ConvShape::point(44) });
}

#[test]
fn weights_that_exceed_wram_are_loaded_once_for_all_images() {
    let mut machine = Machine::preset("dlp16").unwrap();
    // A block of output channels alone takes 9 * 64 * 16 bytes.
    machine.core.wram_bytes = 8 << 10;
    machine.validate().unwrap();
    let loaded = |batch: usize| {
        let mut net = Net::new(5);
        let x = net.input(&[batch, 7, 7, 64]);
        let y = net.conv(x, ConvShape::square(64, 3, 1, 1));
        net.graph.set_outputs(vec![y]);
        let (_, outcome) = check_on(&net.graph, &machine, &Options::default(), 7, true);
        outcome.traffic[Requester::Load as usize].bursts * u64::from(machine.dram.burst_bytes)
    };
    let weights = 64 * 64 * 9;
    let (one, four) = (loaded(1), loaded(4));
    // Read for each image, the weights alone would be four times as many.
    assert!(one >= weights && four < 4 * weights, "{one} bytes for one image, {four} for four");
}

#[test]
fn one_channel_goes_to_the_unit_that_is_faster() {
    let filter = ConvShape { kernel: [1, 256], stride: [1, 2], ..ConvShape::point(1) };
    let square = ConvShape::square(1, 3, 1, 1);
    // Rows of 23 pixels are no joined ones, which would fill the array.
    let cases = [
        ([1, 1, 2048, 1], filter, "conv"),
        ([1, 24, 24, 1], square, "conv"),
        ([1, 23, 23, 1], square, "depthwise"),
    ];
    for (input, shape, op) in cases {
        let mut net = Net::new(3);
        let x = net.input(&input);
        let y = net.conv(x, shape);
        check(&mut net, &[y]);
        let machine = Machine::preset("dlp16").unwrap();
        let (compiled, outcome) = check_on(&net.graph, &machine, &Options::default(), 7, true);
        let [layer] = program(&compiled).executable.layers.as_slice() else {
            panic!("{:?}", program(&compiled).executable.layers)
        };
        assert_eq!(layer.op, op);
        // One lane would take a cycle a product, sixteen rows of the array a sixteenth; pixels side by side fill lanes.
        assert!(
            outcome.cycles < layer.macs / 3,
            "{op}: {} cycles for {} products",
            outcome.cycles,
            layer.macs
        );
    }
}

#[test]
fn depthwise() {
    conv([1, 8, 8, 16], ConvShape { groups: 16, ..ConvShape::square(16, 3, 1, 1) });
    conv([1, 9, 7, 37], ConvShape { groups: 37, ..ConvShape::square(37, 3, 2, 1) });
    conv([2, 6, 9, 12], ConvShape { groups: 12, ..ConvShape::square(12, 5, 1, 2) });
    conv([1, 5, 11, 24], ConvShape { groups: 24, dilation: [2, 2], ..ConvShape::square(24, 3, 1, 2) });
}

#[test]
fn wide_and_deep() {
    conv([1, 1, 1, 700], ConvShape::point(90));
    conv([1, 3, 3, 150], ConvShape::square(50, 3, 1, 1));
    conv([1, 2, 40, 4], ConvShape::square(4, 3, 1, 1));
    conv([1, 11, 11, 8], ConvShape::square(10, 11, 1, 5));
}

#[test]
fn matrix_products() {
    for (rows, terms, outputs) in [(1, 64, 10), (1, 1000, 33), (5, 48, 48), (3, 333, 7)] {
        let mut net = Net::new(rows as u64);
        let x = net.input(&[rows, terms]);
        let y = net.matmul(x, outputs);
        check(&mut net, &[y]);
    }
}

fn pool(
    input: [usize; 4],
    kind: PoolKind,
    window: [[usize; 2]; 2],
    padding: [usize; 4],
    ceil: bool,
    include: bool,
) {
    let mut net = Net::new(3);
    let x = net.input(&input);
    let y = net.pool(x, kind, window, padding, ceil, include);
    check(&mut net, &[y]);
}

#[test]
fn max_pools() {
    pool([1, 8, 8, 16], PoolKind::Max, [[2, 2], [2, 2]], [0; 4], false, false);
    pool([1, 9, 7, 21], PoolKind::Max, [[3, 3], [2, 2]], [1; 4], false, false);
    pool([2, 8, 7, 5], PoolKind::Max, [[3, 3], [2, 2]], [0; 4], true, false);
    pool([1, 6, 6, 12], PoolKind::Max, [[3, 3], [1, 1]], [1; 4], false, false);
}

#[test]
fn average_pools() {
    pool([1, 8, 8, 16], PoolKind::Average, [[2, 2], [2, 2]], [0; 4], false, false);
    pool([1, 9, 7, 21], PoolKind::Average, [[3, 3], [2, 2]], [1; 4], false, false);
    pool([1, 9, 7, 21], PoolKind::Average, [[3, 3], [1, 1]], [1; 4], false, true);
    pool([1, 8, 7, 6], PoolKind::Average, [[3, 3], [2, 2]], [1, 0, 1, 0], true, true);
    pool([2, 10, 11, 4], PoolKind::Average, [[4, 4], [3, 3]], [2, 2, 2, 2], true, false);
}

#[test]
fn global_averages() {
    for shape in [[1, 7, 7, 50], [2, 3, 5, 9], [1, 60, 61, 3], [2, 40, 41, 70], [1, 9, 11, 700]] {
        let mut net = Net::new(4);
        let x = net.input(&shape);
        let y = net.global_average(x);
        check(&mut net, &[y]);
    }
}

#[test]
fn the_mean_of_a_map_that_nram_does_not_hold_reads_it_once() {
    let machine = Machine::preset("dlp16").unwrap();
    let mut net = Net::new(6);
    let shape = [1, 80, 112, 96];
    let x = net.input(&shape);
    let y = net.global_average(x);
    net.graph.set_outputs(vec![y]);
    let (_, outcome) = check_on(&net.graph, &machine, &Options::default(), 7, true);
    let bytes = shape.iter().product::<usize>() as f64;
    let loaded = outcome.traffic[Requester::Load as usize].bursts * u64::from(machine.dram.burst_bytes);
    assert!(loaded as f64 <= 1.01 * bytes, "{loaded} bytes loaded of {bytes}");
    let cycles = bytes / machine.dram.bytes_per_cycle.to_f64();
    assert!((outcome.cycles as f64) < 1.05 * cycles, "{} cycles; DRAM takes {cycles}", outcome.cycles);
}

#[test]
fn additions() {
    for shape in [[1, 5, 6, 16], [2, 7, 7, 33], [1, 20, 20, 24]] {
        let mut net = Net::new(5);
        let (x, y) = (net.input(&shape), net.input(&shape));
        let z = net.add(x, y);
        let w = net.add(z, z);
        check(&mut net, &[z, w]);
    }
}

#[test]
fn products() {
    for (left, right) in
        [([1, 5, 6, 16], [1, 5, 6, 16]), ([2, 7, 3, 33], [2, 1, 1, 33]), ([1, 20, 20, 40], [1, 1, 1, 40])]
    {
        let mut net = Net::new(6);
        let (x, y) = (net.input(&left), net.input(&right));
        let z = net.multiply(x, y);
        check(&mut net, &[z]);
    }
}

#[test]
fn maxima() {
    for shape in [vec![1, 5, 6, 16], vec![2, 7, 7, 33], vec![3, 70]] {
        let mut net = Net::new(8);
        let (x, y) = (net.input(&shape), net.input(&shape));
        let z = net.maximum(x, y);
        let w = net.maximum(z, x);
        check(&mut net, &[z, w]);
    }
}

#[test]
fn tables() {
    for shape in [vec![1, 5, 6, 16], vec![3, 70], vec![1, 30, 30, 17]] {
        let mut net = Net::new(7);
        let x = net.input(&shape);
        let y = net.table(x);
        check(&mut net, &[y]);
    }
}

/// The layers of a network on `dlp16`, as the `build` pass lists them.
fn layers(net: &Net, options: &Options) -> String {
    let machine = Machine::preset("dlp16").unwrap();
    let options = Options { print_after: vec!["build".to_owned()], ..options.clone() };
    let listings = compile(&net.graph, &machine, &options).unwrap().listings;
    listings.into_iter().map(|listing| listing.text).collect()
}

#[test]
fn tables_are_looked_up_by_the_layer_before_them() {
    let mut net = Net::new(27);
    let x = net.input(&[1, 9, 8, 24]);
    let a = net.conv(x, ConvShape::square(40, 3, 1, 1));
    let a = net.table(a);
    let b = net.conv(a, ConvShape { groups: 40, ..ConvShape::square(40, 3, 2, 1) });
    let b = net.table(b);
    let c = net.conv(b, ConvShape::point(40));
    let c = net.add(c, b);
    let c = net.table(c);
    let d = net.reshape(c, &[20, 40]);
    let d = net.matmul(d, 17);
    let d = net.table(d);
    // What others read, too, is stored before it is looked up.
    let e = net.matmul(d, 9);
    let f = net.table(e);
    let g = net.add(e, f);
    check(&mut net, &[g]);
    let ops = |options: &Options| -> Vec<String> {
        let first = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        layers(&net, options).lines().map(first).collect()
    };
    let fused = ["conv+table", "depthwise+table", "conv+add+table", "matmul+table", "matmul", "table", "add"];
    assert_eq!(ops(&Options::default()), fused);
    let disable = vec!["fuse-table".to_owned()];
    let apart = ops(&Options { disable, ..Options::default() });
    assert_eq!(apart.iter().filter(|op| *op == "table").count(), 5, "{apart:?}");
}

#[test]
fn a_shuffle_is_the_order_of_channels_of_the_convolution_before_it() {
    let shuffle = |channels: usize, groups: usize| -> Vec<usize> {
        (0..channels).map(|at| at % groups * (channels / groups) + at / groups).collect()
    };
    let mut net = Net::new(31);
    let x = net.input(&[1, 28, 28, 24]);
    let a = net.conv(x, ConvShape { groups: 4, ..ConvShape::point(112) });
    let a = net.reorder(a, &shuffle(112, 4));
    let a = net.table(a);
    let b = net.conv(a, ConvShape { groups: 2, ..ConvShape::square(6, 3, 1, 1) });
    let b = net.reorder(b, &[5, 0, 3, 1, 4, 2]);
    // Groups of 68 channels are too many to be multiplied by all others.
    let c = net.conv(x, ConvShape::point(272));
    let c = net.conv(c, ConvShape { groups: 4, ..ConvShape::point(272) });
    let c = net.reorder(c, &shuffle(272, 4));
    check(&mut net, &[b, c]);
    let lines = layers(&net, &Options::default());
    let ops: Vec<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ops, ["conv+gather+table", "conv+gather", "conv", "conv", "gather"]);
}

/// A convolution to few channels, compiled with and without neighbours joined: how many pixels `dlp16` joins.
fn joined(input: [usize; 4], shape: ConvShape) -> u64 {
    let mut net = Net::new(input.iter().sum::<usize>() as u64);
    let x = net.input(&input);
    let y = net.conv(x, shape);
    let z = net.conv(y, ConvShape::square(shape.outputs, 3, 1, 1));
    let z = net.add(z, y);
    check(&mut net, &[z]);
    let text = layers(&net, &Options::default());
    let first = text.lines().next().unwrap();
    first.split_once(" joined ").map_or(1, |(_, pixels)| pixels.parse().unwrap())
}

#[test]
fn pixels_are_joined_where_one_leaves_columns_or_rows_of_the_array_idle() {
    // 24 outputs fill one block of columns and half of one, those of two pixels three; their window is a tenth wider.
    assert_eq!(joined([1, 40, 40, 64], ConvShape::square(24, 9, 1, 4)), 2);
    // A window of 27 terms and eight outputs: rows and columns are idle.
    assert!(joined([1, 64, 64, 3], ConvShape::square(8, 3, 2, 1)) > 1);
    assert!(joined([2, 33, 48, 8], ConvShape::point(8)) > 1);
    // No row is made up of pairs; all columns are full; the window would be twice as wide.
    assert_eq!(joined([1, 41, 41, 64], ConvShape::square(24, 9, 1, 4)), 1);
    assert_eq!(joined([1, 20, 20, 64], ConvShape::square(48, 9, 1, 4)), 1);
    assert_eq!(joined([1, 20, 20, 64], ConvShape::point(24)), 1);
    // Padding that the input ends in, a stride, and a row that is one window.
    let odd = ConvShape { padding: [1, 4, 0, 3], kernel: [2, 5], stride: [2, 3], ..ConvShape::point(4) };
    assert!(joined([1, 30, 38, 7], odd) > 1);
}

#[test]
fn residual_additions_are_fused() {
    let mut net = Net::new(8);
    let x = net.input(&[1, 7, 6, 24]);
    let a = net.conv(x, ConvShape::square(24, 3, 1, 1));
    let b = net.add(a, x);
    let c = net.conv(b, ConvShape::square(40, 1, 2, 0));
    let d = net.conv(b, ConvShape::square(40, 3, 2, 1));
    let e = net.add(c, d);
    check(&mut net, &[e]);
}

#[test]
fn concatenations() {
    let mut net = Net::new(9);
    let x = net.input(&[1, 5, 6, 16]);
    let a = net.conv(x, ConvShape::point(24));
    let b = net.conv(x, ConvShape::square(40, 3, 1, 1));
    let c = net.concat(&[a, b, x, a], 3);
    let d = net.conv(c, ConvShape::square(8, 3, 1, 1));
    let e = net.pool(b, PoolKind::Max, [[2, 2], [1, 1]], [0; 4], false, false);
    let f = net.concat(&[c, c], 1);
    check(&mut net, &[d, e, f]);
}

#[test]
fn slices_and_shuffles() {
    let mut net = Net::new(10);
    let x = net.input(&[1, 6, 8, 24]);
    let a = net.conv(x, ConvShape::point(32));
    let left = net.slice(a, &[0, 0, 0, 0], &[1, 6, 8, 16], &[1, 1, 1, 1]);
    let right = net.slice(a, &[0, 0, 0, 16], &[1, 6, 8, 32], &[1, 1, 1, 1]);
    let b = net.conv(left, ConvShape::square(16, 3, 1, 1));
    let c = net.concat(&[b, right], 3);
    let d = net.reshape(c, &[1, 6, 8, 2, 16]);
    let e = net.transpose(d, &[0, 1, 2, 4, 3]);
    let f = net.reshape(e, &[1, 6, 8, 32]);
    let g = net.conv(f, ConvShape::point(5));
    let h = net.slice(a, &[0, 1, 7, 3], &[1, 6, 0, 30], &[1, 2, -3, 5]);
    check(&mut net, &[g, h]);
}

#[test]
fn gathers() {
    let mut net = Net::new(11);
    let x = net.input(&[1, 6, 5, 24]);
    let picks = |list: &[i64]| Tensor::from_vec(&[list.len()], list.to_vec()).unwrap();
    let a = net.gather(x, 3, picks(&[5, 3, 23, 0, 0, -1, 7]));
    let b = net.gather(x, 1, picks(&[4, 2, 2, 0]));
    let c = net.gather(x, 3, picks(&[1, 3, 5, 7]));
    let d = net.gather(x, 2, Tensor::scalar(3_i64));
    check(&mut net, &[a, b, c, d]);
}

#[test]
fn pads() {
    let mut net = Net::new(12);
    let x = net.input(&[1, 5, 6, 10]);
    let a = net.pad(x, &[0, 1, 2, 3], &[0, 2, 1, 4], PadMode::Constant);
    let b = net.pad(x, &[0, 2, 2, 0], &[0, 1, 3, 0], PadMode::Edge);
    let c = net.pad(x, &[0, 2, 2, 0], &[0, 1, 3, 0], PadMode::Reflect);
    let d = net.conv(a, ConvShape::square(8, 3, 1, 0));
    check(&mut net, &[a, b, c, d]);
}

#[test]
fn resizes() {
    for (shape, size) in
        [([1, 5, 6, 10], [1, 10, 12, 10]), ([1, 5, 6, 10], [1, 7, 3, 10]), ([2, 3, 3, 4], [2, 9, 12, 4])]
    {
        let mut net = Net::new(13);
        let x = net.input(&shape);
        let op = Resize {
            mode: ResizeMode::Nearest,
            coordinates: Coordinates::Asymmetric,
            rounding: Rounding::Floor,
            shape: size.to_vec(),
            scales: (0..4).map(|axis| size[axis] as f64 / shape[axis] as f64).collect(),
            cubic_coefficient: -0.75,
            exclude_outside: false,
        };
        let y = net.graph.add("resize", op, &[x]).unwrap();
        check(&mut net, &[y]);
    }
}

#[test]
fn transpositions() {
    for permutation in [[0, 3, 1, 2], [0, 2, 1, 3], [3, 2, 1, 0], [1, 0, 3, 2], [0, 1, 3, 2]] {
        let mut net = Net::new(14);
        let x = net.input(&[2, 5, 6, 35]);
        let y = net.transpose(x, &permutation);
        let z = net.table(y);
        check(&mut net, &[y, z]);
    }
}

#[test]
fn flatten_and_classify() {
    let mut net = Net::new(15);
    let x = net.input(&[2, 9, 9, 3]);
    let a = net.conv(x, ConvShape::square(16, 3, 2, 1));
    let b = net.transpose(a, &[0, 3, 1, 2]);
    let c = net.reshape(b, &[2, 400]);
    let d = net.matmul(c, 30);
    check(&mut net, &[d]);
}

#[test]
fn transposed_convolutions() {
    for (input, outputs, stride) in
        [([1, 5, 6, 12], 7, [2, 2]), ([2, 3, 4, 5], 16, [1, 2]), ([1, 4, 3, 9], 70, [3, 2])]
    {
        let mut net = Net::new(16);
        let x = net.input(&input);
        let y = net.conv_transpose(x, outputs, stride);
        let z = net.conv(y, ConvShape::square(6, 3, 1, 1));
        check(&mut net, &[z]);
    }
}

/// Interleaving is a matter of where convolutions write, also inside the concatenation of a U-Net.
#[test]
fn phases_are_interleaved_without_copies() {
    let mut net = Net::new(17);
    let x = net.input(&[1, 5, 6, 12]);
    let up = net.conv_transpose(x, 8, [2, 2]);
    let skip = net.input(&[1, 10, 12, 4]);
    let skip = net.table(skip);
    let both = net.concat(&[up, skip], 3);
    let y = net.conv(both, ConvShape::square(6, 3, 1, 1));
    net.graph.set_outputs(vec![y]);
    let machine = Machine::preset("dlp16").unwrap();
    let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 7, true);
    let ops: Vec<&str> = program(&compiled).executable.layers.iter().map(|layer| layer.op.as_str()).collect();
    assert_eq!(ops, ["conv", "conv", "conv", "conv", "table", "conv"]);
}

#[test]
fn products_of_computed_matrices() {
    for (rows, terms, outputs) in [(1, 64, 10), (7, 100, 33), (5, 48, 48), (3, 333, 7), (20, 5, 70)] {
        let mut net = Net::new(rows as u64);
        let (x, y) = (net.input(&[rows, terms]), net.input(&[outputs, terms]));
        let z = net.product(x, y);
        let turned = net.input(&[terms, outputs]);
        let turned = net.transpose(turned, &[1, 0]);
        let w = net.product(x, turned);
        check(&mut net, &[z, w]);
    }
}

/// Softmax apart, what attention does: scores of queries and keys, then their products with values, head by head.
#[test]
fn attention() {
    let mut net = Net::new(18);
    let x = net.input(&[1, 1, 9, 24]);
    let [queries, keys, values] = [(); 3].map(|()| net.conv(x, ConvShape::point(24)));
    let mut heads = Vec::new();
    for head in 0..3 {
        let part = |net: &mut Net, x| {
            let part = net.slice(x, &[0, 0, 0, 8 * head], &[1, 1, 9, 8 * head + 8], &[1; 4]);
            net.reshape(part, &[9, 8])
        };
        let (queries, keys) = (part(&mut net, queries), part(&mut net, keys));
        let values = part(&mut net, values);
        let scores = net.product(queries, keys);
        let values = net.transpose(values, &[1, 0]);
        let head = net.product(scores, values);
        heads.push(net.reshape(head, &[1, 1, 9, 8]));
    }
    let y = net.concat(&heads, 3);
    net.graph.set_outputs(vec![y]);
    for machine in machines() {
        let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 7, true);
        let ops: Vec<&str> =
            program(&compiled).executable.layers.iter().map(|layer| layer.op.as_str()).collect();
        assert_eq!(ops, [["conv"; 3].as_slice(), ["matmul"; 6].as_slice()].concat());
    }
}
