//! What an executable must leave for seeded inputs, as the host computes it.
//!
//! The executable's file keeps it, and `exec --self-test` compares.

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_graph::{TensorType, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_isa::{Buffer, Plan, SelfTest};
use ediacara_sim::Simulator;
use ediacara_tensor::Tensor;

use crate::inputs::Source;
use crate::{CompiledNetwork, Error, ports};

/// The seed of a self-test's inputs.
const SEED: u64 = 1;

/// What a self-test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestResult {
    /// The executable's own account.
    pub expected: SelfTest,
    /// The checksum of what the program left.
    pub found: u32,
    /// Cycles that it took.
    pub cycles: u64,
}

impl SelfTestResult {
    /// Whether the program left what it should.
    pub fn passed(&self) -> bool {
        self.found == self.expected.checksum
    }
}

/// What the program of a network must leave for seeded inputs, as the host computes it from the int8 graph.
///
/// Nothing for a network whose programs are none or several; for one that is given what the host makes; for one
/// without outputs, or that hands out what it was given, or takes an input twice or converted.
///
/// # Errors
/// The host cannot run the graph.
pub fn expected(network: &CompiledNetwork) -> Result<Option<SelfTest>, Error> {
    let graph = &network.graph;
    let Some(segment) = network.compiled.only_dlp() else { return Ok(None) };
    let executable = &segment.executable;
    let computed = |port: &ediacara_isa::Port| {
        let here = |home: &&ediacara_compiler::Home| {
            home.view.base == port.address && home.view.is_dense() && home.view.bytes() == port.len() as u64
        };
        segment.homes.iter().find(here).map(|home| home.value)
    };
    let Some(outputs) = executable.outputs.iter().map(computed).collect::<Option<Vec<ValueId>>>() else {
        return Ok(None);
    };
    let mut given: HashMap<ValueId, Tensor> = HashMap::new();
    for (index, (port, input)) in executable.inputs.iter().zip(&segment.inputs).enumerate() {
        let tensor = ports::tensor(&Buffer::at(port), &Source::Synthetic(SEED.wrapping_add(index as u64)))?;
        let is_input = graph.inputs().contains(input);
        if !is_input || TensorType::of(&tensor) != *graph.ty(*input) || given.insert(*input, tensor).is_some()
        {
            return Ok(None);
        }
    }
    if outputs.is_empty() {
        return Ok(None);
    }
    let mut inputs = Vec::with_capacity(graph.inputs().len());
    for &input in graph.inputs() {
        // What the program does not take is of no consequence for what it gives.
        inputs.push(match given.remove(&input) {
            Some(tensor) => tensor,
            None => graph.ty(input).zeros()?,
        });
    }
    let mut part = graph.clone();
    part.set_outputs(outputs);
    part.compact();
    let host_options = HostOptions { same_bits: true, ..Default::default() };
    let tensors = Executor::new(&part, &host_options)?.run(&inputs)?;
    let bytes = tensors.iter().map(|tensor| Ok(tensor.to_contiguous().as_bytes()?.to_vec()));
    let bytes = bytes.collect::<Result<Vec<_>, Error>>()?;
    Ok(Some(SelfTest { seed: SEED, checksum: SelfTest::checksum_of(bytes.iter().map(Vec::as_slice)) }))
}

/// Runs the program of a plan on the seeded inputs of its self-test.
///
/// # Errors
/// It has none; the machine does not fit it; it stops with a fault.
pub fn self_test(plan: &Plan, machine: &Machine) -> Result<SelfTestResult, Error> {
    let (Some(expected), Some((_, executable))) = (plan.notes.self_test, plan.programs().next()) else {
        return Err(Error::Invalid("the executable has no self-test: compile its network anew".to_owned()));
    };
    let mut simulator = Simulator::new(machine, executable, ediacara_sim::Options::default())?;
    let lowest = plan.bindings.iter().map(|binding| (binding.name.clone(), binding.low));
    simulator.set_registers(&plan.registers(&lowest.collect::<Vec<_>>())?);
    for (index, port) in executable.inputs.iter().enumerate() {
        let source = Source::Synthetic(expected.seed.wrapping_add(index as u64));
        simulator
            .write_input(&port.name, &ports::encode(port, &ports::tensor(&Buffer::at(port), &source)?)?)?;
    }
    let outcome = simulator.run();
    if let Some(fault) = &outcome.fault {
        return Err(Error::Fault(fault.to_string()));
    }
    let mut outputs = Vec::with_capacity(executable.outputs.len());
    for port in &executable.outputs {
        outputs.push(simulator.read_output(&port.name)?);
    }
    let found = SelfTest::checksum_of(outputs.iter().map(Vec::as_slice));
    Ok(SelfTestResult { expected, found, cycles: outcome.cycles })
}
