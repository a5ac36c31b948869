//! Whole networks in floating point: host and simulator agree on every bit, `prove` proves each program, and results are near those of the
//! plain f32 network.
//!
//! A seed is a network of published motifs, its type and its machine. `EDIACARA_SEED=N cargo test -p ediacara-compiler --test all floats`
//! runs that one alone, `EDIACARA_MOTIFS=A..B` runs other seeds than CI's.

use ediacara_arch::Machine;
use ediacara_compiler::{Options, compile};
use ediacara_fuzzgen::graph::motif;
use ediacara_graph::{DType, Graph, Tensor};
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
    for disable in [&[][..], &["keep"], &["fuse-epilogue", "fuse-row"]] {
        let disable: Vec<String> = disable.iter().map(|&pass| pass.to_owned()).collect();
        let problem = |what: &str| format!("without {disable:?}: {what}");
        let options = Options { disable: disable.clone(), ..Options::default() };
        let compiled =
            compile(&subject.graph, machine, &options).map_err(|error| problem(&error.to_string()))?;
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
    Ok(rewritten.left.is_empty())
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
