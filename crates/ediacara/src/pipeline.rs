//! From a model to a report: the whole path, one stage after the other.
//!
//! [`prepare`](crate::prepare()) makes the network int8. [`run`] compiles it, simulates it with values,
//! checks every value against the host, runs the remainder on the host, and accounts for the cycles. Start
//! reading at [`run`].

use ediacara_arch::Machine;
use ediacara_compiler::DlpSegment;
use ediacara_graph::Registry;
use ediacara_host::Executor;
use ediacara_isa::{BufferId, Executable, Plan};
use ediacara_profile::{Remedy, RunReport, Tried, WhatIf, most_useful};
use ediacara_sim::{Outcome, Simulator};
use ediacara_tensor::Tensor;
use serde_json::{Value, json};

use crate::compile::{CompiledNetwork, HostOnly, compile};
use crate::inputs::{self, Source};
use crate::prepare::Prepared;
use crate::runner::{Ran, Runner};
use crate::stage::{Clock, Stage};
use crate::{Error, Model, check, doubts, following, ports, report, results};

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
    let mut run = run_compiled(model, prepared, &network, tensors, options, &mut clock)?;
    drop(network);
    let report = &mut run.report;
    if options.what_if {
        clock.begin("what if");
        let remedies = report.layers.iter().map(|layer| (layer.remedy, layer.cycles));
        report.what_if =
            Some(what_if(prepared, &options.machine, &options.disable, report.dlp_cycles, remedies)?);
    }
    report.wall_seconds = prepared.wall_seconds.clone();
    report.wall_seconds.extend(clock.finish());
    let total: f64 = report.wall_seconds.values().filter_map(Value::as_f64).sum();
    report.wall_seconds.insert("total".to_owned(), json!(total));
    Ok(run)
}

/// Simulates a compiled network, checks it, and reports; what is of the whole path is left open.
///
/// # Errors
/// As [`run`], but for those of the compiler.
pub(crate) fn run_compiled(
    model: &Model,
    prepared: &Prepared,
    network: &CompiledNetwork,
    tensors: &[Tensor],
    options: &RunOptions,
    clock: &mut Clock<'_>,
) -> Result<Run, Error> {
    let (graph, compiled) = (&network.graph, &network.compiled);
    clock.begin("simulate");
    let segments: Vec<_> = compiled.dlp().collect();
    let runner = network.runner(&options.machine)?;
    let mut ran =
        runner.run(tensors, simulator_options(options), &|index| check::watches(segments[index]))?;
    refuse_fault(&ran)?;
    drop(runner);

    let mut report = report::account(model, prepared, network, &options.machine, &ran);
    let outputs = std::mem::take(&mut ran.outputs);
    if options.values {
        clock.begin("check");
        let host_options = ediacara_host::Options { same_bits: true, ..Default::default() };
        let int8 = Executor::new(graph, &host_options)?;
        let simulators: Vec<_> = ran.dlp().map(|(simulator, _)| simulator).collect();
        let checked = check::compare(&simulators, compiled, (graph, prepared.precision), &int8, tensors)?;
        report.check = checked.check;
        report.quantisation.fewest_distinct_values = checked.fewest_distinct;
        drop(int8);
        drop(ran);
        clock.begin("reference");
        let real = Executor::new(&prepared.real, &ediacara_host::Options::default())?.run(tensors)?;
        results::fill(&mut report, &outputs, &real, model.labels.as_ref(), options.top);
    }
    Ok(Run { report, outputs })
}

/// Turns a fault of a program that the compiler made into an error.
pub(crate) fn refuse_fault(ran: &Ran) -> Result<(), Error> {
    ran.fault().map_or(Ok(()), |fault| Err(Error::Fault(fault.to_string())))
}

fn simulator_options(options: &RunOptions) -> ediacara_sim::Options {
    ediacara_sim::Options { values: options.values, checked: options.checked, trace: false, max_cycles: None }
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
        let (graph, _) = prepared.on(&changed)?;
        let result = match ediacara_compiler::compile(&graph, &changed, &passes) {
            Ok(compiled) => {
                let mut timed = 0;
                for segment in compiled.dlp() {
                    timed += time(&changed, segment)?.cycles;
                }
                Tried::Timed { cycles: timed, saved_cycles: cycles as i64 - timed as i64 }
            }
            Err(error) => Tried::Refused { problem: error.to_string() },
        };
        tried.push(WhatIf { change, set, result });
    }
    Ok(tried)
}

/// Runs the program of a segment without values.
///
/// # Errors
/// It stops with a fault, which is a bug of the compiler.
pub(crate) fn time(machine: &Machine, segment: &DlpSegment) -> Result<Outcome, Error> {
    let options = ediacara_sim::Options { values: false, ..Default::default() };
    let outcome = Simulator::new(machine, &segment.executable, options)?.run();
    match &outcome.fault {
        Some(fault) => Err(Error::Fault(fault.to_string())),
        None => Ok(outcome),
    }
}

/// The result of a plan that runs without a model.
#[derive(Debug)]
pub struct Execution {
    /// Its segments, and its outputs by name.
    pub ran: Ran,
    /// What is doubtful about the inputs ([`crate::doubts`]).
    pub input_warnings: Vec<String>,
}

/// Runs a plan on inputs from `sources`, and on seeded numbers where there are fewer than inputs.
///
/// `registry` knows the operators of its host segments, and `bindings` are numbers for the plan's, by name.
///
/// # Errors
/// The machine does not fit the plan; a source does not fit its input; the host cannot run a segment; a binding
/// is unknown, missing or outside its range.
pub fn execute(
    plan: &Plan,
    machine: &Machine,
    registry: &Registry,
    sources: &[Source],
    bindings: &[(String, u64)],
    seed: u64,
    options: ediacara_sim::Options,
) -> Result<Execution, Error> {
    let mut runner = Runner::new(plan, machine, registry)?;
    runner.bind(bindings)?;
    let PlanInputs { tensors, doubts } = plan_inputs(plan, &runner, sources, seed)?;
    let ran = runner.run(&tensors, options, &|_| Vec::new())?;
    Ok(Execution { ran, input_warnings: doubts })
}

/// What a plan is given.
pub(crate) struct PlanInputs {
    /// A tensor for each input.
    pub tensors: Vec<Tensor>,
    /// What is doubtful about them.
    pub doubts: Vec<String>,
}

/// The inputs of a plan, from `sources` or else seeded.
pub(crate) fn plan_inputs(
    plan: &Plan,
    runner: &Runner,
    sources: &[Source],
    seed: u64,
) -> Result<PlanInputs, Error> {
    let buffers: Vec<_> = plan.inputs.iter().filter_map(|&id| plan.buffer(id)).collect();
    let names: Vec<&str> = buffers.iter().map(|buffer| buffer.name.as_str()).collect();
    let sources = inputs::assign(&names, sources, seed)?;
    let mut given = PlanInputs { tensors: Vec::new(), doubts: Vec::new() };
    for ((buffer, &id), source) in buffers.into_iter().zip(&plan.inputs).zip(&sources) {
        let tensor = match source {
            Source::Synthetic(seed) => match following::drawn(plan, id, *seed) {
                Some(number) => Some(number?),
                None => seeded(plan, runner, id, *seed).transpose()?,
            },
            _ => None,
        };
        let tensor = tensor.map_or_else(|| ports::tensor(buffer, source), Ok)?;
        for (segment, executable) in plan.programs() {
            let port = plan.segments[segment].inputs.iter().zip(&executable.inputs);
            let port = port.into_iter().find(|(other, _)| **other == id);
            given.doubts.extend(port.and_then(|(_, port)| doubts::of_port(port, &tensor)));
        }
        given.tensors.push(tensor);
    }
    Ok(given)
}

/// Seeded numbers that the host's graph can take, if it reads the input: indices have a range.
fn seeded(plan: &Plan, runner: &Runner, id: BufferId, seed: u64) -> Option<Result<Tensor, Error>> {
    let (graph, place) = runner.host_graphs().find_map(|(index, graph)| {
        Some((graph, plan.segments[index].inputs.iter().position(|other| *other == id)?))
    })?;
    Some(inputs::seeded(graph, *graph.inputs().get(place)?, seed))
}

/// Makes an executable that names no machine one for `machine`.
pub fn adopt_machine(executable: &mut Executable, machine: &Machine) {
    if executable.machine.name.is_empty() {
        executable.machine = ediacara_compiler::machine_key(machine);
    }
}
