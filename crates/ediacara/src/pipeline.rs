//! From a model to a report: the whole path, one stage after the other.
//!
//! [`prepare`](crate::prepare()) makes the network int8. [`run`] compiles it, simulates it with values,
//! checks every value against the host, runs the remainder on the host, and accounts for the cycles. Start
//! reading at [`run`].

use ediacara_arch::Machine;
use ediacara_compiler::Compiled;
use ediacara_graph::Graph;
use ediacara_host::Executor;
use ediacara_profile::{
    Check, LayerReport, LayerYardstick, MatrixBeats, Quantisation, Remedy, RunReport, Tried, WhatIf,
    engine_reports, layer_reports, most_useful,
};
use ediacara_sim::{Outcome, Requester, Simulator};
use ediacara_tensor::{DType, Tensor};
use serde_json::{Map, Value, json};

use crate::check;
use crate::compile::{CompiledNetwork, HostOnly, compile};
use crate::inputs::{self, Source};
use crate::prepare::Prepared;
use crate::stage::{Clock, Stage};
use crate::{Error, Model, doubts, ports, results};

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The machine.
    pub machine: Machine,
    /// Whether values are computed and checked; the cycles are the same without.
    pub values: bool,
    /// Whether the simulator looks for races and reads of bytes never written.
    pub checked: bool,
    /// Passes of the compiler that are left out.
    pub disable: Vec<String>,
    /// How many classes are reported.
    pub top: usize,
    /// Whether changes of the machine are tried; each takes a compilation and a simulation.
    pub what_if: bool,
    /// Whether a network may run if the DLP does nothing of it.
    pub host_only: HostOnly,
}

impl RunOptions {
    /// Options with values, every pass, and five classes.
    pub fn on(machine: Machine) -> RunOptions {
        RunOptions {
            machine,
            values: true,
            checked: false,
            disable: Vec::new(),
            top: 5,
            what_if: false,
            host_only: HostOnly::Refused,
        }
    }
}

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The report.
    pub report: RunReport,
    /// The network's outputs by name; empty without values.
    pub outputs: Vec<(String, Tensor)>,
}

/// Compiles the network, simulates it, checks it, and reports.
///
/// # Errors
/// The network does not compile for the machine. The program stops with a fault (a bug of the compiler). The
/// host cannot run its part. Values are wanted of a network whose ranges are assumed.
pub fn run(
    model: &Model,
    prepared: &Prepared,
    tensors: &[Tensor],
    options: &RunOptions,
    stage: Stage<'_>,
) -> Result<Run, Error> {
    if prepared.assumed && options.values {
        return Err(Error::Invalid(format!(
            "{}: its ranges are assumed, so that it has cycles but no values: ask for timing only, or calibrate it",
            model.name
        )));
    }
    let mut clock = Clock::new(stage);
    clock.begin("compile");
    let passes = ediacara_compiler::Options {
        disable: options.disable.clone(),
        ..ediacara_compiler::Options::default()
    };
    let network = compile(prepared, &options.machine, &passes, options.host_only)?;
    let compiled = &network.compiled;

    clock.begin("simulate");
    let inputs = match options.values {
        true => network_inputs(compiled, &prepared.quantised, tensors)?,
        false => Vec::new(),
    };
    let (simulator, outcome) = simulate(&options.machine, compiled, &inputs, simulator_options(options))?;

    let mut report = account(model, prepared, &network, options, &outcome);
    let mut outputs = Vec::new();
    if options.values {
        clock.begin("check");
        let host_options = ediacara_host::Options { same_bits: true, ..Default::default() };
        let int8 = Executor::new(&prepared.quantised, &host_options)?;
        let checked = check::compare(&simulator, compiled, &prepared.quantised, &int8, tensors)?;
        report.check = checked.check;
        report.quantisation.fewest_distinct_values = checked.fewest_distinct;
        drop(int8);
        clock.begin("host");
        let host = Executor::new(&compiled.host, &host_options)?;
        outputs = host_part(&simulator, compiled, &host, &prepared.quantised, tensors)?;
        drop(simulator);
        clock.begin("reference");
        let real = Executor::new(&prepared.real, &ediacara_host::Options::default())?.run(tensors)?;
        results::fill(&mut report, &outputs, &real, model.labels.as_ref(), options.top);
    }
    if options.what_if {
        clock.begin("what if");
        let remedies = report.layers.iter().map(|layer| (layer.remedy, layer.cycles));
        report.what_if =
            Some(what_if(prepared, &options.machine, &options.disable, report.cycles, remedies)?);
    }
    report.wall_seconds = prepared.wall_seconds.clone();
    report.wall_seconds.extend(clock.finish());
    let total: f64 = report.wall_seconds.values().filter_map(Value::as_f64).sum();
    report.wall_seconds.insert("total".to_owned(), json!(total));
    Ok(Run { report, outputs })
}

/// Runs a program to its end; with values, everything is kept that [`check::compare`] needs of it.
pub(crate) fn simulate(
    machine: &Machine,
    compiled: &Compiled,
    inputs: &[(String, Vec<u8>)],
    options: ediacara_sim::Options,
) -> Result<(Simulator, Outcome), Error> {
    let mut simulator = Simulator::new(machine, &compiled.executable, options)?;
    if options.values {
        simulator.watch(&check::watches(compiled))?;
    }
    for (name, bytes) in inputs {
        simulator.write_input(name, bytes)?;
    }
    let outcome = simulator.run();
    match &outcome.fault {
        Some(fault) => Err(Error::Fault(fault.to_string())),
        None => Ok((simulator, outcome)),
    }
}

fn simulator_options(options: &RunOptions) -> ediacara_sim::Options {
    ediacara_sim::Options { values: options.values, checked: options.checked, trace: false, max_cycles: None }
}

/// The bytes of each input of a compiled network, by name.
pub(crate) fn network_inputs(
    compiled: &Compiled,
    graph: &Graph,
    tensors: &[Tensor],
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let encode = |(port, (input, _)): (&ediacara_isa::Port, &(ediacara_graph::ValueId, _))| {
        let index = graph.inputs().iter().position(|value| value == input);
        let tensor = index.and_then(|index| tensors.get(index));
        let tensor = tensor.ok_or_else(|| Error::Invalid(format!("input {} was not given", port.name)))?;
        // An input of another type becomes real by the cast that follows it.
        let tensor = if port.encoding.is_some() { &tensor.cast(DType::F32) } else { tensor };
        Ok((port.name.clone(), ports::encode(port, tensor)?))
    };
    compiled.executable.inputs.iter().zip(&compiled.dlp_inputs).map(encode).collect()
}

/// Runs on the host what the DLP left over, on what the DLP computed; `host` was made of that part.
pub(crate) fn host_part(
    simulator: &Simulator,
    compiled: &Compiled,
    host: &Executor,
    graph: &Graph,
    tensors: &[Tensor],
) -> Result<Vec<(String, Tensor)>, Error> {
    let mut fed = Vec::new();
    for (value, port) in &compiled.dlp_outputs {
        let shape = &compiled.host.ty(*value).shape;
        fed.push(Tensor::from_bytes(DType::I8, shape, simulator.read_output(port)?)?);
    }
    for input in &compiled.host_inputs {
        let index = graph.inputs().iter().position(|value| value == input);
        fed.extend(index.and_then(|index| tensors.get(index)).cloned());
    }
    let results = host.run(&fed)?;
    let names = compiled.host.outputs().iter().map(|&value| compiled.host.value(value).name.clone());
    Ok(names.zip(results).collect())
}

/// The report of what was compiled and simulated; the checks fill in the rest.
fn account(
    model: &Model,
    prepared: &Prepared,
    network: &CompiledNetwork,
    options: &RunOptions,
    outcome: &Outcome,
) -> RunReport {
    let compiled = &network.compiled;
    let (machine, executable) = (&options.machine, &compiled.executable);
    let layers = layer_reports(machine, &executable.layers, &yardsticks(compiled), outcome);
    let macs: u64 = layers.iter().map(|layer| layer.macs).sum();
    let roofline = compiled.bounds.layer_roofline_cycles();
    let over_roofline = outcome.cycles as f64 / roofline.max(1) as f64;
    let clock_hz = machine.chip.clock_hz;
    RunReport {
        model: model.name.clone(),
        machine: machine.name.clone(),
        on_dlp: network.share,
        precision: "int8".to_owned(),
        timing_basis: machine.timing_basis().to_owned(),
        cycles: outcome.cycles,
        clock_hz,
        seconds_simulated: outcome.cycles as f64 / clock_hz as f64,
        macs,
        mac_utilisation: mac_utilisation(machine, &layers, outcome.cycles),
        dram_read_bytes: outcome.dram_read_bytes,
        dram_write_bytes: outcome.dram_write_bytes,
        fetch_bytes: outcome.traffic[Requester::Fetch as usize].bursts * u64::from(machine.dram.burst_bytes),
        instructions: outcome.instructions,
        floor_cycles: compiled.bounds.floor_cycles,
        layer_roofline_cycles: roofline,
        cycles_over_roofline: over_roofline,
        cycles_over_bound: over_roofline,
        matrix_beats: MatrixBeats::of(machine, &layers),
        what_if: None,
        check: Check::none(),
        quantisation: Quantisation::by(prepared.method.clone(), prepared.seeded_inputs.clone()),
        outputs: results::described(&compiled.host),
        top: Vec::new(),
        made_up_inputs: Vec::new(),
        layers,
        engines: engine_reports(outcome),
        input_warnings: Vec::new(),
        partial: !network.host_ops.is_empty(),
        host_ops: network.host_ops.clone(),
        wall_seconds: Map::new(),
    }
}

/// The compiler's figures for each layer.
pub(crate) fn yardsticks(compiled: &Compiled) -> Vec<LayerYardstick> {
    let layers = compiled.bounds.roofline_cycles.iter().zip(&compiled.repeated_beats);
    let yardstick = |(&roofline_cycles, &repeated_matrix_cycles): (&f64, &u64)| LayerYardstick {
        roofline_cycles,
        repeated_matrix_cycles,
    };
    layers.map(yardstick).collect()
}

/// Multiply-accumulates of the matrix unit over what it could do in all cycles.
///
/// If the matrix unit has none, those of the vector unit count.
fn mac_utilisation(machine: &Machine, layers: &[LayerReport], cycles: u64) -> f64 {
    let sum = |field: fn(&LayerReport) -> u64| layers.iter().map(field).sum::<u64>() as f64;
    let (matrix, all) = (sum(|layer| layer.matrix_macs), sum(|layer| layer.macs));
    let (macs, peak) = match matrix > 0.0 {
        true => (matrix, machine.peak_macs_per_cycle() as f64),
        false => (all, f64::from(machine.vector.lanes)),
    };
    macs / (cycles.max(1) as f64 * peak)
}

/// How many changes of the machine are tried.
const TRIED_CHANGES: usize = 3;

/// Tries the changes of the machine that would help the layers of most cycles.
///
/// Each change is made by itself, compiled for and timed. A change that no field of the machine can make is
/// not tried.
///
/// # Errors
/// A program stops with a fault (a bug of the compiler).
pub fn what_if(
    prepared: &Prepared,
    machine: &Machine,
    disable: &[String],
    cycles: u64,
    remedies: impl Iterator<Item = (Remedy, u64)>,
) -> Result<Vec<WhatIf>, Error> {
    let passes = ediacara_compiler::Options { disable: disable.to_vec(), ..Default::default() };
    let mut tried: Vec<WhatIf> = Vec::new();
    for (change, _, _) in most_useful(remedies) {
        let Some((changed, set)) = change.machine(machine) else { continue };
        if tried.len() == TRIED_CHANGES || tried.iter().any(|other| other.set == set) {
            continue;
        }
        let result = match ediacara_compiler::compile(&prepared.quantised, &changed, &passes) {
            Ok(compiled) => {
                let options = ediacara_sim::Options { values: false, ..Default::default() };
                let (_, outcome) = simulate(&changed, &compiled, &[], options)?;
                let saved_cycles = cycles as i64 - outcome.cycles as i64;
                Tried::Timed { cycles: outcome.cycles, saved_cycles }
            }
            Err(error) => Tried::Refused { problem: error.to_string() },
        };
        tried.push(WhatIf { change, set, result });
    }
    Ok(tried)
}

/// The result of an executable that runs without a model.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Cycles, fault, engines.
    pub outcome: Outcome,
    /// The outputs by name, real where the executable says how; empty without values or after a fault.
    pub outputs: Vec<(String, Tensor)>,
    /// The doubts about the inputs ([`crate::doubts`]).
    pub input_warnings: Vec<String>,
}

/// Runs an executable on inputs from `sources` (seeded numbers if there are fewer than inputs).
///
/// # Errors
/// The machine does not fit the executable; a source does not fit its input.
pub fn execute(
    executable: &ediacara_isa::Executable,
    machine: &Machine,
    sources: &[Source],
    seed: u64,
    options: ediacara_sim::Options,
) -> Result<Execution, Error> {
    let mut simulator = Simulator::new(machine, executable, options)?;
    let ProgramInputs { bytes: inputs, doubts } = program_inputs(executable, sources, seed)?;
    if options.values {
        for (name, bytes) in &inputs {
            simulator.write_input(name, bytes)?;
        }
    }
    let outcome = simulator.run();
    let mut outputs = Vec::new();
    if options.values && outcome.fault.is_none() {
        for port in &executable.outputs {
            outputs.push((port.name.clone(), ports::decode(port, simulator.read_output(&port.name)?)?));
        }
    }
    Ok(Execution { outcome, outputs, input_warnings: doubts })
}

/// The inputs of an executable.
pub(crate) struct ProgramInputs {
    /// The bytes of each input, by name.
    pub bytes: Vec<(String, Vec<u8>)>,
    /// The doubts about them.
    pub doubts: Vec<String>,
}

/// The bytes of each input of an executable, by name, from `sources` or else seeded.
pub(crate) fn program_inputs(
    executable: &ediacara_isa::Executable,
    sources: &[Source],
    seed: u64,
) -> Result<ProgramInputs, Error> {
    let names: Vec<&str> = executable.inputs.iter().map(|port| port.name.as_str()).collect();
    let sources = inputs::assign(&names, sources, seed)?;
    let mut inputs = ProgramInputs { bytes: Vec::new(), doubts: Vec::new() };
    for (port, source) in executable.inputs.iter().zip(&sources) {
        let tensor = ports::tensor(port, source)?;
        inputs.doubts.extend(doubts::of_port(port, &tensor));
        inputs.bytes.push((port.name.clone(), ports::encode(port, &tensor)?));
    }
    Ok(inputs)
}

/// Makes an executable that names no machine an executable for `machine`.
pub fn adopt_machine(executable: &mut ediacara_isa::Executable, machine: &Machine) {
    if executable.machine.name.is_empty() {
        executable.machine = ediacara_compiler::machine_key(machine);
    }
}
