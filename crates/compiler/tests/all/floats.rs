//! Whole networks in floating point: host and simulator agree on every bit, `prove` proves each program, and results are near those of the
//! plain f32 network.
//!
//! A seed is a network of published motifs, its type and its machine. `EDIACARA_SEED=N cargo test -p ediacara-compiler --test all floats`
//! runs that one alone, `EDIACARA_MOTIFS=A..B` runs other seeds than CI's.

use ediacara_arch::Machine;
use ediacara_compiler::{Options, compile};
use ediacara_fuzzgen::graph::motif;
use ediacara_graph::ops::{
    Activation, Broadcast, Conv, ConvTranspose, Coordinates, Gather, MatMul, Pad, PadMode, Pool, PoolKind,
    Resize, ResizeMode, Rounding, Slice,
};
use ediacara_graph::{DType, Graph, IntoOp, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_optimiser::{in_floating_point, optimise};
use ediacara_prove::prove_values;

use crate::differential::{Subject, sample};
use crate::motifs::seeds_of;

/// Seeds of a run of CI.
const NETWORKS: u64 = 60;

/// A machine with little memory, so that everything is cut.
fn small() -> Machine {
    let mut machine = Machine::preset("dlp16f").unwrap();
    machine.name = "small_float".to_owned();
    machine.core.nram_bytes = 16 * 1024;
    machine.core.wram_bytes = 8 * 1024;
    machine.core.aram_bytes = 2 * 1024;
    machine.core.pram_bytes = 12 * 64;
    machine.core.queue_entries = 4;
    machine.validate().unwrap();
    machine
}

/// The machine and the type of a seed.
fn subject(seed: u64) -> (Machine, DType) {
    let preset = |name| Machine::preset(name).unwrap();
    let machine = match seed % 4 {
        0 | 1 => preset("dlp16f"),
        2 => preset("textbook1"),
        _ => small(),
    };
    let dtype = match seed / 4 % 4 {
        0 | 1 => DType::F32,
        2 => DType::F16,
        _ if machine.name == "textbook1" => DType::F16,
        _ => DType::BF16,
    };
    (machine, dtype)
}

/// Compares every program of a network; whether all of it ran on the DLP.
///
/// # Errors
/// What differs.
fn check(graph: Graph, machine: &Machine, dtype: DType, seed: u64) -> Result<bool, String> {
    let real = optimise(graph, &Default::default()).unwrap();
    let lanes = machine.matrix.rows as usize / dtype.size_bytes();
    let rewritten = in_floating_point(&real, dtype, lanes).map_err(|error| error.to_string())?;
    let inputs = sample(&real, seed);
    let plain = Executor::new(&real, &HostOptions::with_threads(1)).unwrap().run(&inputs).unwrap();
    let subject = Subject::new(rewritten.graph, inputs);
    let mut whole = rewritten.left.is_empty();
    for disable in [&[][..], &["keep"], &["fuse-epilogue", "fuse-row"]] {
        let disable: Vec<String> = disable.iter().map(|&pass| pass.to_owned()).collect();
        let problem = |what: &str| format!("without {disable:?}: {what}");
        let options = Options { disable: disable.clone(), ..Options::default() };
        let compiled =
            compile(&subject.graph, machine, &options).map_err(|error| problem(&error.to_string()))?;
        // What has a form may have none on the machine.
        whole &= compiled.host_ops.iter().all(|op| !op.op.starts_with("f_"));
        for segment in compiled.dlp() {
            let proof = prove_values(&segment.executable, machine, &segment.values, &Default::default());
            if let Some(finding) = proof.findings.first() {
                return Err(problem(&format!("not proven: {finding:?}")));
            }
        }
        subject.compare(machine, &compiled).map_err(|what| problem(&what))?;
    }
    for (found, plain) in subject.outputs().iter().zip(&plain) {
        near(found, plain, dtype)?;
    }
    Ok(whole)
}

/// Whether a result is near the plain one: of f32 within 1e-4 of the largest.
fn near(found: &Tensor, plain: &Tensor, dtype: DType) -> Result<(), String> {
    if plain.dtype() != DType::F32 {
        return Ok(());
    }
    let [found, plain] = [found, plain].map(|tensor| tensor.to_vec::<f32>().unwrap());
    let largest = plain.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let error = found.iter().zip(&plain).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
    match dtype == DType::F32 && error > 1e-4 * largest {
        true => Err(format!("an output is {error} from the plain one, whose largest is {largest}")),
        false => Ok(()),
    }
}

#[test]
fn networks_of_motifs_have_the_hosts_bits() {
    let (mut whole, mut all, mut failures) = (0, 0, Vec::new());
    for seed in seeds_of(NETWORKS) {
        let (machine, dtype) = subject(seed);
        let drawn = motif::draw(seed);
        let motifs = drawn.motifs.join(", ");
        all += 1;
        match check(drawn.graph, &machine, dtype, seed) {
            Ok(complete) => whole += usize::from(complete),
            Err(problem) => {
                failures.push(format!("seed {seed} in {dtype} on {} ({motifs}): {problem}", machine.name));
                if failures.len() == 5 {
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {all} networks fail:\n{}", failures.len(), failures.join("\n"));
    assert!(2 * whole > all, "{whole} of {all} networks are wholly on the DLP");
}

/// Numbers that repeat late and lie evenly between -1 and 1.
fn numbers(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let number = |at: usize| ((at * 37 + 11) % 101) as f32 / 50.5 - 1.0;
    Tensor::from_vec(shape, (0..count).map(number).collect()).unwrap()
}

/// A convolution, whose result the DLP makes, and an operator behind it: host, simulator and the plain network agree, and nothing
/// stays on the host.
fn wholly(channels: usize, op: impl IntoOp, more: &[Tensor]) {
    let mut graph = Graph::new("one");
    let x = graph.add_input("x", TensorType::new(DType::F32, &[1, 3, 7, 6]));
    let w = graph.add_constant("w", numbers(&[channels, 3, 1, 1]));
    let y = graph.add("conv", Conv::default(), &[x, w]).unwrap();
    let mut inputs = vec![y];
    let constants = more.iter().enumerate();
    inputs.extend(constants.map(|(at, tensor)| graph.add_constant(format!("c{at}"), tensor.clone())));
    let z: ValueId = graph.add("op", op, &inputs).unwrap();
    graph.set_outputs(vec![z]);
    for dtype in [DType::F32, DType::BF16] {
        let on_dlp = check(graph.clone(), &Machine::preset("dlp16f").unwrap(), dtype, 3).unwrap();
        assert!(on_dlp, "a node stays on the host");
    }
}

#[test]
fn transposed_convolutions_are_convolutions() {
    let bias = |channels: usize| numbers(&[channels]);
    // A phase of one tap, of two, and of none; groups; a result that ends within a phase.
    let plain = ConvTranspose { stride: [2; 2], ..ConvTranspose::default() };
    wholly(8, plain.clone(), &[numbers(&[8, 5, 2, 2]), bias(5)]);
    let cut = ConvTranspose { stride: [2; 2], padding: [1; 4], output_padding: [1; 2], ..plain.clone() };
    wholly(8, ConvTranspose { groups: 2, ..cut.clone() }, &[numbers(&[8, 3, 3, 3]), bias(6)]);
    wholly(4, ConvTranspose { activation: Activation::Relu, ..cut }, &[numbers(&[4, 24, 3, 3]), bias(24)]);
    let sparse = ConvTranspose { stride: [3, 2], dilation: [1, 2], ..plain };
    wholly(4, sparse, &[numbers(&[4, 6, 2, 2]), bias(6)]);
}

#[test]
fn images_are_interpolated() {
    for coordinates in [Coordinates::HalfPixel, Coordinates::AlignCorners, Coordinates::Asymmetric] {
        let resize = |shape: [usize; 4]| {
            Resize::to(ResizeMode::Linear, coordinates, Rounding::Floor, &[1, 5, 7, 6], &shape)
        };
        wholly(5, resize([1, 5, 14, 12]), &[]);
        wholly(5, resize([1, 5, 7, 4]), &[]);
    }
}

#[test]
fn constant_indices_pick_elements() {
    let indices = |indices: &[i64]| Tensor::from_vec(&[indices.len()], indices.to_vec()).unwrap();
    // Every other channel, a shuffle, and rows that repeat.
    wholly(8, Gather { axis: 1 }, &[indices(&[1, 3, 5, 7])]);
    wholly(8, Gather { axis: 1 }, &[indices(&[0, 4, 1, 5, 2, 6, 3, 7])]);
    wholly(8, Gather { axis: 2 }, &[indices(&[-1, 0, 0, 5])]);
    wholly(8, Gather { axis: 3 }, &[Tensor::scalar(2_i64)]);
}

#[test]
fn elements_are_picked_out_of_rows() {
    let indices = |indices: &[i64]| Tensor::from_vec(&[indices.len()], indices.to_vec()).unwrap();
    // The shuffle of three groups, and the second half before every third of the first.
    let shuffle: Vec<i64> = (0..24).map(|at| at % 3 * 8 + at / 3).collect();
    let mixed: Vec<i64> = (12..24).chain((0..12).step_by(3)).collect();
    for indices in [indices(&shuffle), indices(&mixed)] {
        wholly(24, Gather { axis: 1 }, &[indices]);
    }
    let odd = Slice { starts: vec![0, 1, 0, 0], ends: vec![1, 24, 7, 6], steps: vec![1, 2, 1, 1] };
    wholly(24, odd, &[]);
}

#[test]
fn images_are_padded_with_their_own_elements() {
    for mode in [PadMode::Reflect, PadMode::Edge] {
        wholly(5, Pad { before: vec![0, 0, 2, 1], after: vec![0, 0, 1, 3], mode, value: 0.0 }, &[]);
    }
}

/// A pool over all of an image of positive numbers, in every type: the sum of them is more than f16 holds.
fn pooled(kind: PoolKind, size: [usize; 2]) {
    let mut graph = Graph::new("pool");
    let x = graph.add_input("x", TensorType::new(DType::F32, &[1, 3, size[0], size[1]]));
    let w = graph.add_constant("w", numbers(&[20, 3, 1, 1]));
    let bias = graph.add_constant("b", Tensor::full(&[20], 30.0_f32).unwrap());
    let y = graph.add("conv", Conv::default(), &[x, w, bias]).unwrap();
    let pool = Pool {
        kind,
        kernel: size,
        stride: [1; 2],
        padding: [0; 4],
        dilation: [1; 2],
        output: [1; 2],
        count_include_pad: false,
    };
    let z = graph.add("pool", pool, &[y]).unwrap();
    graph.set_outputs(vec![z]);
    let plain = Executor::new(&graph, &HostOptions::with_threads(1)).unwrap();
    let plain = plain.run(&sample(&graph, 3)).unwrap().remove(0).to_vec::<f32>().unwrap();
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F16, 1e-3), (DType::BF16, 8e-3)] {
        let machine = Machine::preset("dlp16f").unwrap();
        assert!(check(graph.clone(), &machine, dtype, 3).unwrap(), "a node stays on the host");
        let lanes = machine.matrix.rows as usize / dtype.size_bytes();
        let rewritten = in_floating_point(&graph, dtype, lanes).unwrap();
        let subject = Subject::new(rewritten.graph, sample(&graph, 3));
        let found = subject.outputs()[0].to_vec::<f32>().unwrap();
        for (plain, found) in plain.iter().zip(found) {
            assert!((plain - found).abs() <= tolerance * plain.abs(), "{dtype}: {found} for {plain}");
        }
    }
}

#[test]
fn large_images_are_pooled_side_by_side() {
    pooled(PoolKind::Average, [46, 92]);
    pooled(PoolKind::Max, [70, 40]);
}

#[test]
fn long_sides_are_pooled_in_parts() {
    pooled(PoolKind::Average, [1, 5000]);
    pooled(PoolKind::Max, [2500, 1]);
}

#[test]
fn weights_of_one_number_are_constants() {
    let mut graph = Graph::new("light");
    let x = graph.add_input("x", TensorType::new(DType::F32, &[3, 700]));
    let number = graph.add_constant("number", Tensor::full(&[1, 1], 0.02_f32).unwrap());
    // More than a megabyte, which is not folded for every network.
    let w = graph.add("w", Broadcast { shape: vec![700, 520] }, &[number]).unwrap();
    let y = graph.add("product", MatMul, &[x, w]).unwrap();
    graph.set_outputs(vec![y]);
    for dtype in [DType::F32, DType::BF16] {
        let on_dlp = check(graph.clone(), &Machine::preset("dlp16f").unwrap(), dtype, 3).unwrap();
        assert!(on_dlp, "a node stays on the host");
    }
}
