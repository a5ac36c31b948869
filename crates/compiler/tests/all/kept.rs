//! Activations that stay in NRAM between layers: what is kept, that nothing of it passes through DRAM, and that it holds what
//! the host computes (`support::check_on` watches it being written).

use ediacara_arch::Machine;
use ediacara_compiler::{Keeping, Options, Verdict, compile};
use ediacara_graph::ValueId;
use ediacara_graph::ops::{PadMode, PoolKind};
use ediacara_sim::{Options as SimOptions, Simulator};

use crate::support::{ConvShape, Net, check_on, machines, program};

fn options(disable: &[&str]) -> Options {
    Options { disable: disable.iter().map(|&pass| pass.to_owned()).collect(), ..Options::default() }
}

/// A network whose every activation fits `dlp16`: only its last layer stores. What a layer did not store a later one could
/// not load, as the simulator looks for reads of bytes never written. On all machines host and simulator agree, with and
/// without the passes that fuse.
fn stays(build: impl Fn(&mut Net, ValueId) -> ValueId) {
    let mut net = Net::new(5);
    let x = net.input(&[1, 12, 10, 16]);
    let y = build(&mut net, x);
    net.graph.set_outputs(vec![y]);
    for disable in [vec![], vec!["fuse-add", "fuse-block"]] {
        let options = Options { print_after: vec!["lower".to_owned()], ..options(&disable) };
        for machine in machines() {
            let (compiled, _) = check_on(&net.graph, &machine, &options, 11, true);
            if machine.name == "dlp16" {
                assert!(!program(&compiled).keepings.is_empty(), "nothing between layers");
                assert!(
                    program(&compiled).keepings.iter().all(Keeping::is_kept),
                    "{:?}",
                    program(&compiled).keepings
                );
                let stores = compiled.listings[0].text.lines().filter(|line| line.starts_with("store"));
                let last = format!("layer {} ", program(&compiled).executable.layers.len() - 1);
                assert!(stores.clone().count() > 0 && stores.clone().all(|line| line.contains(&last)));
            }
        }
    }
}

#[test]
fn chains_of_convolutions() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape::square(16, 3, 1, 1));
        let y = net.conv(y, ConvShape::square(32, 5, 2, 2));
        let y = net.conv(y, ConvShape::point(64));
        net.conv(y, ConvShape::point(64))
    });
}

#[test]
fn paddings_of_every_side() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape::point(20));
        let shape = ConvShape { padding: [2, 0, 1, 3], kernel: [3, 4], ..ConvShape::point(24) };
        let y = net.conv(y, shape);
        let shape = ConvShape { dilation: [2, 3], padding: [1, 3, 2, 0], ..ConvShape::square(16, 2, 1, 0) };
        let y = net.conv(y, shape);
        net.conv(y, ConvShape::point(64))
    });
}

#[test]
fn residuals() {
    stays(|net, x| {
        let stem = net.conv(x, ConvShape::square(32, 3, 1, 1));
        let y = net.conv(stem, ConvShape::point(48));
        let y = net.conv(y, ConvShape::point(32));
        let y = net.add(y, stem);
        let z = net.conv(y, ConvShape::square(32, 3, 1, 1));
        let z = net.add(y, z);
        net.conv(z, ConvShape::point(64))
    });
}

#[test]
fn groups_and_depthwise_convolutions() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape { groups: 4, ..ConvShape::square(48, 3, 1, 1) });
        let y = net.conv(y, ConvShape { groups: 48, ..ConvShape::square(48, 3, 1, 1) });
        let y = net.conv(y, ConvShape { groups: 3, ..ConvShape::square(96, 3, 2, 1) });
        let y = net.conv(y, ConvShape { groups: 96, ..ConvShape::square(96, 5, 1, 2) });
        net.conv(y, ConvShape::point(64))
    });
}

#[test]
fn pools() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape::square(40, 3, 1, 1));
        let y = net.pool(y, PoolKind::Max, [[3; 2], [1; 2]], [1; 4], false, false);
        let y = net.pool(y, PoolKind::Average, [[3; 2], [2; 2]], [1; 4], false, true);
        let y = net.conv(y, ConvShape::point(64));
        net.global_average(y)
    });
}

#[test]
fn blocks() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape::square(32, 3, 1, 1));
        let expanded = net.conv(y, ConvShape::point(96));
        let window = net.conv(expanded, ConvShape { groups: 96, ..ConvShape::square(96, 3, 1, 1) });
        let projected = net.conv(window, ConvShape::point(32));
        let y = net.add(projected, y);
        let window = net.conv(y, ConvShape { groups: 32, ..ConvShape::square(32, 3, 2, 1) });
        net.conv(window, ConvShape::point(64))
    });
}

#[test]
fn concatenations_and_slices() {
    stays(|net, x| {
        let left = net.conv(x, ConvShape::point(16));
        let right = net.conv(x, ConvShape::square(24, 3, 1, 1));
        let y = net.concat(&[left, right], 3);
        let y = net.conv(y, ConvShape::square(32, 3, 1, 1));
        let part = net.slice(y, &[0, 0, 0, 8], &[1, 12, 10, 24], &[1; 4]);
        let lower = net.slice(y, &[0, 1, 0, 0], &[1, 12, 10, 16], &[1, 2, 1, 1]);
        let part = net.conv(part, ConvShape { stride: [2, 1], ..ConvShape::square(16, 2, 1, 0) });
        let lower = net.conv(lower, ConvShape { padding: [0, 0, 0, 0], ..ConvShape::square(16, 1, 1, 0) });
        let part = net.slice(part, &[0, 0, 0, 0], &[1, 6, 9, 16], &[1; 4]);
        let lower = net.slice(lower, &[0, 0, 1, 0], &[1, 6, 10, 16], &[1; 4]);
        let y = net.add(part, lower);
        net.conv(y, ConvShape::point(64))
    });
}

#[test]
fn movement_and_elements() {
    stays(|net, x| {
        let y = net.conv(x, ConvShape::square(16, 3, 1, 1));
        // The shortcut of a CIFAR ResNet: every second pixel, and channels of zeros.
        let half = net.slice(y, &[0; 4], &[1, 12, 10, 16], &[1, 2, 2, 1]);
        let wider = net.pad(half, &[0, 0, 0, 8], &[0, 0, 0, 8], PadMode::Constant);
        let z = net.conv(y, ConvShape::square(32, 3, 2, 1));
        let sum = net.add(wider, z);
        let looked_up = net.table(sum);
        let product = net.multiply(looked_up, z);
        net.conv(product, ConvShape::point(64))
    });
}

#[test]
fn several_images() {
    let mut net = Net::new(6);
    let x = net.input(&[3, 6, 5, 8]);
    let y = net.conv(x, ConvShape::square(16, 3, 1, 1));
    let y = net.conv(y, ConvShape::square(16, 3, 1, 1));
    let y = net.conv(y, ConvShape::point(9));
    net.graph.set_outputs(vec![y]);
    for machine in machines() {
        let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 3, true);
        if machine.name != "tiny" {
            assert_eq!(program(&compiled).keepings.len(), 2, "{}", machine.name);
            assert!(program(&compiled).keepings.iter().all(Keeping::is_kept), "{}", machine.name);
        }
    }
}

/// Every window lies wholly in the padding, farther from the image than the image is wide.
#[test]
fn windows_that_meet_nothing() {
    let mut net = Net::new(9);
    let x = net.input(&[1, 2, 2, 16]);
    let y = net.conv(x, ConvShape::point(16));
    let y = net.conv(y, ConvShape::square(16, 1, 7, 3));
    let y = net.conv(y, ConvShape::point(16));
    net.graph.set_outputs(vec![y]);
    for machine in machines() {
        check_on(&net.graph, &machine, &Options::default(), 3, true);
    }
}

/// Two activations of short lives lie one above the other, the upper one longer than the lower; a third one meets both, and
/// fits beside neither, but for the gap above the lower one that the upper one covers.
#[test]
fn five_convolutions_of_one_pixel_with_a_residual() {
    let mut net = Net::new(12);
    let x = net.input(&[1, 8, 8, 8]);
    let y = net.conv(x, ConvShape::point(4));
    let y = net.conv(y, ConvShape::point(8));
    let narrow = net.conv(y, ConvShape::point(4));
    let wide = net.conv(narrow, ConvShape::point(64));
    let y = net.conv(wide, ConvShape::point(4));
    let y = net.add(y, narrow);
    net.graph.set_outputs(vec![y]);
    for machine in machines() {
        check_on(&net.graph, &machine, &Options::default(), 12, true);
    }
}

fn verdicts(net: &Net) -> Vec<Verdict> {
    let machine = Machine::preset("dlp16").unwrap();
    let compiled = compile(&net.graph, &machine, &Options::default()).unwrap();
    program(&compiled).keepings.iter().map(|keeping| keeping.verdict).collect()
}

#[test]
fn what_the_host_reads_and_what_does_not_fit_is_stored() {
    let mut net = Net::new(7);
    let x = net.input(&[1, 8, 8, 16]);
    let y = net.conv(x, ConvShape::point(32));
    let z = net.conv(y, ConvShape::point(32));
    net.graph.set_outputs(vec![y, z]);
    assert!(matches!(verdicts(&net)[..], [Verdict::Unfit("the host reads it")]));

    let mut net = Net::new(8);
    let x = net.input(&[1, 64, 64, 16]);
    // 4096 pixels of 64 channels are all of NRAM.
    let y = net.conv(x, ConvShape::point(64));
    let z = net.conv(y, ConvShape::point(16));
    net.graph.set_outputs(vec![z]);
    assert_eq!(verdicts(&net), [Verdict::NoRoom]);
}

/// A window of 189 by 189 is more than the 32 KiB of NRAM: the average is taken by the matrix unit, which nobody weighs.
#[test]
fn what_is_not_estimated_is_not_said_to_lack_room() {
    let mut net = Net::new(11);
    let x = net.input(&[1, 190, 190, 4]);
    let y = net.pool(x, PoolKind::Average, [[189, 189], [1, 1]], [0; 4], false, false);
    let z = net.conv(y, ConvShape::point(8));
    net.graph.set_outputs(vec![z]);
    let machine = Machine::preset("dlp4").unwrap();
    let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 5, true);
    let [keeping] = &program(&compiled).keepings[..] else { panic!("{:?}", program(&compiled).keepings) };
    assert!(
        keeping.to_string().ends_with("in DRAM; it is not estimated what one of its layers takes"),
        "{keeping}"
    );
}

#[test]
fn readers_that_want_different_padding_read_dram() {
    let mut net = Net::new(9);
    let x = net.input(&[1, 8, 8, 16]);
    let y = net.conv(x, ConvShape::point(16));
    // Around what a maximum is taken of stands the smallest number; the zero points of the convolutions here are others.
    let pooled = net.pool(y, PoolKind::Max, [[3; 2], [1; 2]], [1; 4], false, false);
    let convolved = net.conv(y, ConvShape::square(16, 3, 1, 1));
    let sum = net.add(pooled, convolved);
    net.graph.set_outputs(vec![sum]);
    let machine = Machine::preset("dlp16").unwrap();
    let (compiled, _) = check_on(&net.graph, &machine, &options(&["fuse-block"]), 4, true);
    let apart = |keeping: &Keeping| keeping.to_string().contains("different padding");
    assert_eq!(program(&compiled).keepings.iter().filter(|keeping| apart(keeping)).count(), 1);
}

#[test]
fn a_chain_takes_what_its_layers_were_estimated_to_take() {
    let mut net = Net::new(10);
    let mut y = net.input(&[1, 28, 28, 32]);
    for channels in [64, 64, 32, 96, 64] {
        y = net.conv(y, ConvShape::square(channels, 3, 1, 1));
    }
    net.graph.set_outputs(vec![y]);
    let machine = Machine::preset("dlp16").unwrap();
    let run = |options: &Options| {
        let compiled = compile(&net.graph, &machine, options).unwrap();
        let timing = SimOptions { values: false, ..SimOptions::default() };
        let outcome = Simulator::new(&machine, &program(&compiled).executable, timing).unwrap().run();
        let estimate: f64 = program(&compiled).explanations.iter().map(|layer| layer.estimate.cycles()).sum();
        (compiled, outcome, estimate)
    };
    let (compiled, kept, estimate) = run(&Options::default());
    let (_, stored, _) = run(&options(&["keep"]));
    assert!(program(&compiled).keepings.iter().all(Keeping::is_kept));
    // Multiply-adds at the peak of 256 a cycle: no chain is faster.
    let products = 784 * 9 * (32 * 64 + 64 * 64 + 64 * 32 + 32 * 96 + 96 * 64) / 256;
    assert!(kept.cycles >= products && kept.cycles < stored.cycles, "{} and {}", kept.cycles, stored.cycles);
    let error = estimate / kept.cycles as f64 - 1.0;
    assert!(error.abs() <= 0.05, "estimated {estimate:.0}, simulated {}", kept.cycles);
    // What is not kept is stored and loaded: twice the bytes of the four activations between the five layers.
    let bytes = |outcome: &ediacara_sim::Outcome| outcome.dram_read_bytes + outcome.dram_write_bytes;
    let between = 784 * (64 + 64 + 32 + 96);
    assert!(bytes(&stored) - bytes(&kept) >= 2 * between, "{} and {}", bytes(&stored), bytes(&kept));
}

/// Attention without what the host does of it: queries, keys and values of one product, heads of slices. Keys become weights
/// as they lie, values transposed.
#[test]
fn matrices_that_become_weights() {
    for (rows, width, heads) in [(12, 32, 2), (17, 48, 3), (5, 24, 1)] {
        let mut net = Net::new(rows as u64);
        let x = net.input(&[rows, 40]);
        let [queries, keys, values] = [(); 3].map(|()| net.matmul(x, width));
        let mut parts = Vec::new();
        for head in 0..heads {
            let size = (width / heads) as i64;
            let part = |net: &mut Net, of: ValueId| {
                let (start, end) = (head as i64 * size, (head as i64 + 1) * size);
                net.slice(of, &[0, start], &[rows as i64, end], &[1; 2])
            };
            let (query, key, value) = (part(&mut net, queries), part(&mut net, keys), part(&mut net, values));
            let scores = net.product(query, key);
            let turned = net.transpose(value, &[1, 0]);
            parts.push(net.product(scores, turned));
        }
        let joined = net.concat(&parts, 1);
        let y = net.matmul(joined, 16);
        net.graph.set_outputs(vec![y]);
        for machine in machines() {
            let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 3, true);
            let keepings = &program(&compiled).keepings;
            if machine.name == "dlp16" {
                assert!(keepings.len() >= 4 && keepings.iter().all(Keeping::is_kept), "{keepings:?}");
            }
        }
    }
}

/// Keys that the host reads too: a layer of their own stores them from NRAM, and no layer loads them again.
#[test]
fn what_others_read_too_is_stored_from_nram() {
    let mut net = Net::new(8);
    let x = net.input(&[48, 64]);
    let all = net.matmul(x, 96);
    let mut outputs = vec![all];
    for head in 0..3 {
        let part = |net: &mut Net, first: i64| {
            net.slice(all, &[0, first + head * 16], &[48, first + head * 16 + 16], &[1; 2])
        };
        let (query, key) = (part(&mut net, 0), part(&mut net, 48));
        outputs.push(net.product(query, key));
    }
    net.graph.set_outputs(outputs);
    let dlp16 = Machine::preset("dlp16").unwrap();
    let [kept, apart] = [options(&[]), options(&["keep"])].map(|options| {
        let (compiled, outcome) = check_on(&net.graph, &dlp16, &options, 3, true);
        let program = program(&compiled);
        let names: Vec<String> = program.executable.layers.iter().map(|layer| layer.name.clone()).collect();
        (names, program.kept.len(), outcome.cycles)
    });
    assert!(kept.0[1].ends_with("(stored)"), "{:?}", kept.0);
    assert_eq!((kept.0.len(), kept.1), (apart.0.len() + 1, 1));
    assert!(kept.2 < apart.2, "{} cycles, {} through DRAM", kept.2, apart.2);
    for machine in machines() {
        check_on(&net.graph, &machine, &options(&[]), 4, true);
    }
}
