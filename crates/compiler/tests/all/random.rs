//! Random networks of all operators on random machines: host and simulator agree byte for byte, in checked
//! mode.
//!
//! A failure names its seed; `EDIACARA_SEED=N cargo test -p ediacara-compiler --test all random` runs that
//! one alone.

use crate::support::{ConvShape, Net, Random, check_on, machines};
use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Options, compile};
use ediacara_graph::Tensor;
use ediacara_graph::ValueId;
use ediacara_graph::ops::{PadMode, PoolKind};

/// A machine with sizes drawn at random, the smallest of them far too small for comfort.
fn random_machine(random: &mut Random) -> Machine {
    if random.chance(40) {
        let all = machines();
        return all[random.below(all.len())].clone();
    }
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = "random".to_owned();
    machine.matrix.rows = random.pick(&[2, 4, 8, 16]);
    machine.matrix.columns = random.pick(&[2, 4, 8, 16]);
    machine.vector.lanes = random.pick(&[4, 8, 32]);
    machine.dram.burst_bytes = random.pick(&[32, 64, 128]);
    machine.dram.latency_cycles = random.between(1, 150) as u32;
    let row = u64::from(machine.matrix.rows * machine.matrix.columns);
    machine.core.nram_bytes = 1024 * random.between(2, 20) as u64;
    machine.core.wram_bytes = row * random.between(8, 100) as u64;
    machine.core.aram_bytes = 4 * u64::from(machine.matrix.columns) * random.between(2, 60) as u64;
    machine.core.pram_bytes = 12 * random.between(machine.matrix.columns as usize * 2, 80) as u64;
    machine.core.queue_entries = random.pick(&[1, 2, 4, 16]);
    machine.core.fetch_entries = random.pick(&[4, 16]);
    machine.validate().unwrap();
    machine
}

fn image(net: &mut Net) -> [usize; 4] {
    let random = &mut net.random;
    [random.pick(&[1, 1, 1, 2]), random.between(1, 12), random.between(1, 12), random.between(1, 40)]
}

fn random_conv(net: &mut Net, x: ValueId) -> ValueId {
    let shape = net.shape(x);
    let random = &mut net.random;
    let mut conv = ConvShape::point(random.between(1, 45));
    let choice = random.below(10);
    if choice < 6 {
        for axis in 0..2 {
            let size = shape[1 + axis];
            conv.kernel[axis] = random.between(1, 5);
            conv.stride[axis] = random.between(1, 3);
            conv.dilation[axis] = random.pick(&[1, 1, 1, 2, 3]);
            conv.padding[axis] = random.below(4);
            conv.padding[axis + 2] = random.below(4);
            let extent = conv.dilation[axis] * (conv.kernel[axis] - 1) + 1;
            let padded = size + conv.padding[axis] + conv.padding[axis + 2];
            if extent > padded {
                (conv.kernel[axis], conv.dilation[axis]) = (1, 1);
            }
        }
    } else if choice < 8 {
        conv.stride = [random.between(1, 2), random.between(1, 2)];
    }
    if random.chance(35) {
        let divisors: Vec<usize> = (1..=shape[3]).filter(|groups| shape[3].is_multiple_of(*groups)).collect();
        conv.groups = random.pick(&divisors);
        conv.outputs = conv.groups * random.between(1, 3);
        if random.chance(60) {
            (conv.groups, conv.outputs) = (shape[3], shape[3]);
        }
    }
    net.conv(x, conv)
}

fn random_pool(net: &mut Net, x: ValueId) -> ValueId {
    let shape = net.shape(x);
    let random = &mut net.random;
    let mut window = [[1; 2]; 2];
    let mut padding = [0; 4];
    for axis in 0..2 {
        window[0][axis] = random.between(1, 4.min(shape[1 + axis]));
        window[1][axis] = random.between(1, 3);
        padding[axis] = random.below(window[0][axis]);
        padding[axis + 2] = random.below(window[0][axis]);
    }
    let kind = if random.chance(50) { PoolKind::Max } else { PoolKind::Average };
    let (ceil, include) = (random.chance(50), random.chance(50));
    net.pool(x, kind, window, padding, ceil, include)
}

fn step(net: &mut Net, pool: &[ValueId]) -> ValueId {
    let x = net.random.pick(pool);
    let shape = net.shape(x);
    let partner = pool.iter().copied().rev().find(|&y| y != x && net.shape(y) == shape);
    match net.random.below(20) {
        0..6 => random_conv(net, x),
        6..8 => random_pool(net, x),
        8..11 => match partner {
            Some(y) => net.add(x, y),
            None => {
                // A convolution that keeps the shape, and a residual around it.
                let y = net.conv(x, ConvShape { outputs: shape[3], ..ConvShape::square(shape[3], 3, 1, 1) });
                net.add(y, x)
            }
        },
        11 => {
            let y = net.global_average(x);
            net.multiply(x, y)
        }
        12 => net.table(x),
        13 | 14 => {
            let same = |net: &Net, y: ValueId| net.shape(y)[..3] == shape[..3];
            let mut list: Vec<ValueId> = pool.iter().copied().filter(|&y| same(net, y)).collect();
            list.truncate(net.random.between(1, 3));
            list.push(x);
            net.concat(&list, 3)
        }
        15 => {
            let start = net.random.below(shape[3]) as i64;
            let end = net.random.between(start as usize + 1, shape[3]) as i64;
            let row = net.random.below(shape[1]) as i64;
            let step = net.random.between(1, 2) as i64;
            let ends = [shape[0] as i64, shape[1] as i64, shape[2] as i64, end];
            net.slice(x, &[0, row, 0, start], &ends, &[1, step, 1, 1])
        }
        16 => {
            let indices: Vec<i64> =
                (0..net.random.between(1, 9)).map(|_| net.random.below(shape[3]) as i64).collect();
            net.gather(x, 3, Tensor::from_vec(&[indices.len()], indices).unwrap())
        }
        17 => {
            let (before, after) = (net.random.below(3), net.random.below(3));
            net.pad(
                x,
                &[0, before, after, 0],
                &[0, after, before, net.random.0 as usize % 3],
                PadMode::Constant,
            )
        }
        18 => net.transpose(x, &[0, 2, 1, 3]),
        _ => {
            let y = net.reshape(x, &[shape[0], shape[1] * shape[2], 1, shape[3]]);
            net.reshape(y, &[shape[0], shape[1], shape[2], shape[3]])
        }
    }
}

fn network(seed: u64) -> Net {
    let mut net = Net::new(seed);
    let shape = image(&mut net);
    let mut pool = vec![net.input(&shape)];
    let steps = net.random.between(1, 7);
    for _ in 0..steps {
        let y = step(&mut net, &pool);
        pool.push(y);
    }
    let last = pool[pool.len() - 1];
    let mut outputs = vec![last];
    if net.random.chance(40) {
        let shape = net.shape(last);
        let flat = net.reshape(last, &[shape[0], shape[1..].iter().product()]);
        let outputs_count = net.random.between(1, 30);
        outputs = vec![net.matmul(flat, outputs_count)];
    }
    if net.random.chance(30) {
        let other = net.random.pick(&pool[1..]);
        if other != outputs[0] {
            outputs.push(other);
        }
    }
    net.graph.set_outputs(outputs);
    net
}

/// Whether the case was useful: the machine was large enough.
fn case(seed: u64) -> bool {
    let net = network(seed);
    let machine = random_machine(&mut Random(seed ^ 0x5eed));
    match compile(&net.graph, &machine, &Options::default()) {
        Err(CompileError::DoesNotFit { needed, available, .. }) => {
            assert!(needed > available, "seed {seed}: an error about nothing");
            return false;
        }
        Err(error) => panic!("seed {seed}: {error}\n{}", net.graph.to_text()),
        Ok(_) => {}
    }
    let fuse = Options {
        disable: if seed.is_multiple_of(4) { vec!["fuse-add".to_owned()] } else { Vec::new() },
        ..Options::default()
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        check_on(&net.graph, &machine, &fuse, seed, true)
    }));
    if let Err(cause) = result {
        eprintln!("seed {seed} on {machine:?}");
        std::panic::resume_unwind(cause);
    }
    true
}

#[test]
fn random_networks() {
    if let Some(seed) = std::env::var("EDIACARA_SEED").ok().and_then(|seed| seed.parse().ok()) {
        case(seed);
        return;
    }
    let count = 400;
    let useful = (0..count).filter(|&seed| case(seed)).count();
    println!("{useful} of {count} random networks fitted their machine");
    assert!(useful * 10 >= count as usize * 9, "only {useful} of {count} cases were useful");
}
