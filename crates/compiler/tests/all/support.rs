//! What the tests share: small machines, and the check that host and simulator agree on a network of
//! `ediacara_fuzzgen::graph`.

#![allow(dead_code, missing_docs, unreachable_pub)]

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, DlpSegment, Home, Options, compile};
use ediacara_fuzzgen::Random;
pub use ediacara_fuzzgen::graph::{ConvShape, Net};
use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_sim::{Outcome, Simulator};

use crate::differential::{Written, run, stored_bytes};

/// A machine with almost no memory, so that everything is cut.
pub fn tiny() -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = "tiny".to_owned();
    machine.core.nram_bytes = 2048;
    machine.core.wram_bytes = 1024;
    machine.core.aram_bytes = 512;
    machine.core.pram_bytes = 12 * 16;
    machine.core.queue_entries = 4;
    machine.validate().unwrap();
    machine
}

/// Every machine that small cases run on.
pub fn machines() -> Vec<Machine> {
    let mut all: Vec<Machine> = ["dlp4", "dlp8", "dlp16", "dlp32", "gemmini16"]
        .iter()
        .map(|name| Machine::preset(name).unwrap())
        .collect();
    all.push(tiny());
    all
}

/// Compiles, runs host and simulator on random bytes, and compares every output of the network and every activation that the
/// program wrote, to DRAM or to NRAM.
///
/// What the only program of the network ran as is given back.
pub fn check_on(
    graph: &Graph,
    machine: &Machine,
    options: &Options,
    seed: u64,
    checked: bool,
) -> (Compiled, Outcome) {
    let compiled =
        compile(graph, machine, options).unwrap_or_else(|error| panic!("{}: {error}", machine.name));
    let mut random = Random::new(seed);
    let inputs: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|&input| {
            let ty = graph.ty(input);
            assert_eq!(ty.dtype, DType::I8);
            let values = (0..ty.elements()).map(|_| random.byte()).collect::<Vec<i8>>();
            Tensor::from_vec(&ty.shape, values).unwrap()
        })
        .collect();
    let mut values: HashMap<ValueId, Tensor> = HashMap::new();
    let executor = Executor::new(graph, &HostOptions::default()).unwrap();
    let observe = |value, tensor: &Tensor| drop(values.insert(value, tensor.copy()));
    let expected = executor.run_with_observer(&inputs, observe).unwrap();
    let mut ran = run(graph, machine, &compiled, &inputs, checked).unwrap_or_else(|fault| {
        let listing = ["place", "build", "keep", "synchronise"].map(str::to_owned).to_vec();
        let listing = Options { print_after: listing, ..options.clone() };
        let all = compile(graph, machine, &listing).unwrap().listings;
        let text: String = all.into_iter().map(|listing| listing.text).collect();
        panic!("{}: {fault}\n{}", machine.name, text.lines().take(200).collect::<Vec<_>>().join("\n"));
    });
    compare_outputs(graph, machine, &expected, &ran.outputs);
    let mut compared = 0;
    for (segment, program) in compiled.dlp().zip(&ran.programs) {
        compared += compare_homes(graph, machine, segment, &program.simulator, &values);
    }
    // A network may be nothing but an input that is handed out.
    let nothing = compiled.dlp().all(|segment| segment.homes.is_empty());
    assert!(compared > 0 || nothing, "{}: nothing was compared\n{}", machine.name, graph.to_text());
    let outcome = match ran.programs.pop() {
        Some(program) if ran.programs.is_empty() => program.outcome,
        _ => panic!("{}: the network does not have one program\n{}", machine.name, graph.to_text()),
    };
    (compiled, outcome)
}

/// The program of a network that has one.
pub fn program(compiled: &Compiled) -> &DlpSegment {
    compiled.only_dlp().unwrap()
}

/// Compares every activation that a program wrote with what the host computed; how many bytes there were.
fn compare_homes(
    graph: &Graph,
    machine: &Machine,
    segment: &DlpSegment,
    simulator: &Simulator,
    values: &HashMap<ValueId, Tensor>,
) -> usize {
    let written = Written::new(simulator, segment);
    let mut compared = 0;
    for Home { value, view, .. } in &segment.homes {
        let Some(tensor) = values.get(value) else { continue };
        let expected = stored_bytes(tensor);
        let found = written.bytes(view);
        let wrong =
            found.iter().zip(&expected).filter(|&(&found, &expected)| found != Some(expected)).count();
        compared += found.len();
        let name = &graph.value(*value).name;
        assert_eq!(wrong, 0, "{}: `{name}` differs in {wrong} bytes\n{}", machine.name, graph.to_text());
    }
    let is_kept = |home: &&Home| written.is_kept(&home.view);
    assert!(segment.homes.iter().filter(is_kept).count() >= segment.kept.len());
    assert_eq!(segment.kept.len(), segment.keepings.iter().filter(|keeping| keeping.is_kept()).count());
    compared
}

fn compare_outputs(graph: &Graph, machine: &Machine, expected: &[Tensor], found: &[Tensor]) {
    assert_eq!(expected.len(), found.len());
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        let (want, got) = (stored_bytes(expected), stored_bytes(found));
        if let Some(at) = (0..want.len()).find(|&at| want[at] != got[at]) {
            let wrong = (0..want.len()).filter(|&at| want[at] != got[at]).count();
            panic!(
                "{}: output {index} of shape {:?} differs at byte {at}: host {}, simulator {}; {wrong} of {} differ\n{}",
                machine.name,
                expected.shape(),
                want[at],
                got[at],
                want.len(),
                graph.to_text()
            );
        }
    }
}

/// [`check_on`] every machine, in checked mode; the network's outputs are `outputs`.
pub fn check(net: &mut Net, outputs: &[ValueId]) {
    net.graph.set_outputs(outputs.to_vec());
    for machine in machines() {
        let (compiled, _) = check_on(&net.graph, &machine, &Options::default(), 7, true);
        assert!(compiled.host_ops.is_empty(), "{:?}", compiled.host_ops);
    }
}
