//! Depthwise convolutions and pools with their neighbours, as one layer: every part of a block, any window, any machine.

use ediacara_compiler::{CompileError, Options, compile};
use ediacara_fuzzgen::Random;
use ediacara_graph::ValueId;
use ediacara_graph::ops::PoolKind;

use crate::random::random_machine;
use crate::support::{ConvShape, Net, check_on, machines, program};

/// What a block consists of.
#[derive(Debug, Clone, Copy)]
struct Parts {
    expand: bool,
    project: bool,
    residual: bool,
}

fn depthwise(net: &mut Net, x: ValueId, same: bool) -> ValueId {
    let channels = net.shape(x)[3];
    let extents = net.shape(x);
    let random = &mut net.random;
    let mut shape = ConvShape { groups: channels, ..ConvShape::square(channels, 3, 1, 1) };
    if same {
        let half = random.between(0, 2);
        (shape.kernel, shape.padding) = ([2 * half + 1; 2], [half; 4]);
    } else {
        for axis in 0..2 {
            shape.kernel[axis] = random.between(1, 5);
            shape.stride[axis] = random.pick(&[1, 1, 2, 3]);
            shape.dilation[axis] = random.pick(&[1, 1, 1, 2]);
            shape.padding[axis] = random.below(3);
            shape.padding[axis + 2] = random.below(3);
            let padded = extents[1 + axis] + shape.padding[axis] + shape.padding[axis + 2];
            if shape.dilation[axis] * (shape.kernel[axis] - 1) + 1 > padded {
                (shape.kernel[axis], shape.dilation[axis]) = (1, 1);
            }
        }
    }
    net.conv(x, shape)
}

fn max_pool(net: &mut Net, x: ValueId) -> ValueId {
    let extents = net.shape(x);
    let random = &mut net.random;
    let mut window = [[1; 2]; 2];
    let mut padding = [0; 4];
    for axis in 0..2 {
        window[0][axis] = random.between(1, 4.min(extents[1 + axis]));
        window[1][axis] = random.between(1, 3);
        padding[axis] = random.below(window[0][axis]);
        padding[axis + 2] = random.below(window[0][axis]);
    }
    let ceil = random.chance(50);
    net.pool(x, PoolKind::Max, window, padding, ceil, false)
}

fn network(seed: u64) -> (Net, Parts) {
    let mut net = Net::new(seed);
    let random = &mut net.random;
    let mut parts =
        Parts { expand: random.chance(75), project: random.chance(75), residual: random.chance(40) };
    parts.expand |= !parts.project;
    parts.residual &= parts.expand && parts.project;
    let extents =
        [random.pick(&[1, 1, 2]), random.between(1, 14), random.between(1, 14), random.between(1, 40)];
    let (channels, wide) = (random.between(1, 70), random.chance(30));
    let x = net.input(&extents);
    let mut y = x;
    if parts.expand {
        let point = ConvShape::point(channels);
        let fits = !parts.residual && wide && extents[1] > 2 && extents[2] > 2;
        let stride = net.random.between(1, 2);
        y = net.conv(y, if fits { ConvShape::square(channels, 3, stride, 1) } else { point });
    }
    y = match net.random.chance(25) && !parts.residual {
        true => max_pool(&mut net, y),
        false => depthwise(&mut net, y, parts.residual),
    };
    if parts.project {
        let outputs = if parts.residual { extents[3] } else { net.random.between(1, 40) };
        y = net.conv(y, ConvShape::point(outputs));
    }
    if parts.residual {
        y = if net.random.chance(50) { net.add(x, y) } else { net.add(y, x) };
    }
    net.graph.set_outputs(vec![y]);
    (net, parts)
}

/// Whether a block was found, and how many layers it is.
fn case(seed: u64, machine: &ediacara_arch::Machine) -> Option<usize> {
    let (net, parts) = network(seed);
    let options = Options { print_after: vec!["fuse-block".to_owned()], ..Options::default() };
    if let Err(CompileError::DoesNotFit { .. }) = compile(&net.graph, machine, &options) {
        return None;
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        check_on(&net.graph, machine, &options, seed, true)
    }));
    match result {
        Ok((compiled, _)) => {
            (!compiled.listings[0].text.is_empty()).then_some(program(&compiled).executable.layers.len())
        }
        Err(cause) => {
            eprintln!("seed {seed}, {parts:?}, on {machine:?}\n{}", net.graph.to_text());
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn blocks_compute_what_their_layers_do() {
    let (mut fused, mut whole) = (0, 0);
    for seed in 0..300 {
        if let Some(layers) = case(seed, &random_machine(&mut Random::new(seed ^ 0xb10c))) {
            fused += 1;
            whole += usize::from(layers == 1);
        }
    }
    println!("{fused} of 300 random chains became blocks, {whole} of them whole");
    assert!(fused >= 150 && whole >= 100, "{fused} blocks, {whole} whole");
}

#[test]
fn blocks_on_every_preset() {
    for machine in machines() {
        let fused = (1000..1030).filter(|&seed| case(seed, &machine).is_some()).count();
        assert!(fused > 0 || machine.name == "tiny", "no block on {}", machine.name);
    }
}

#[test]
fn a_block_has_the_work_of_its_layers_and_takes_less_time() {
    let mut net = Net::new(7);
    let x = net.input(&[1, 14, 14, 32]);
    let expanded = net.conv(x, ConvShape::point(192));
    let window = ConvShape { groups: 192, ..ConvShape::square(192, 3, 1, 1) };
    let convolved = net.conv(expanded, window);
    let projected = net.conv(convolved, ConvShape::point(32));
    let y = net.add(projected, x);
    net.graph.set_outputs(vec![y]);
    let machine = ediacara_arch::Machine::preset("dlp16").unwrap();
    let apart = Options { disable: ["fuse-block", "keep"].map(str::to_owned).to_vec(), ..Options::default() };
    let (alone, slow) = check_on(&net.graph, &machine, &apart, 3, true);
    let (block, fast) = check_on(&net.graph, &machine, &Options::default(), 3, true);
    assert_eq!((program(&alone).executable.layers.len(), program(&block).executable.layers.len()), (3, 1));
    let layer = &program(&block).executable.layers[0];
    let sum = |number: fn(&ediacara_isa::LayerInfo) -> u64| {
        program(&alone).executable.layers.iter().map(number).sum()
    };
    assert_eq!(layer.macs, 196 * (32 * 192 + 9 * 192 + 192 * 32));
    assert_eq!((layer.macs, layer.weight_bytes), (sum(|l| l.macs), sum(|l| l.weight_bytes)));
    assert_eq!(layer.matrix_macs, sum(|l| l.matrix_macs));
    assert_eq!(layer.vector_operations, sum(|l| l.vector_operations));
    assert_eq!(layer.op, "conv+depthwise+conv+add");
    // The matrix unit works 196 * (2 * 12 + 12 * 2) = 9,408 cycles, the vector unit 196 * (6 + 54 + 2) = 12,152, of which 196 * 54
    // for the window; layer after layer, windows and products cannot take less than their sum.
    assert!(slow.cycles > 9_408 + 10_584 && fast.cycles < 15_000, "{} and {}", slow.cycles, fast.cycles);
}
