//! Runs a plan: its segments one after the other, each on the DLP's simulator or on the host.
//!
//! A segment of the DLP starts from reset. What it reads is brought into its DRAM, and what it leaves for others
//! is taken from there. Start at [`Runner::new`].

use ediacara_arch::Machine;
use ediacara_graph::{Graph, Registry};
use ediacara_host::Executor;
use ediacara_isa::{Binding, BufferId, Executable, Plan, Registers, Segment, Work};
use ediacara_sim::{Fault, Options, Outcome, Simulator, Watch};
use ediacara_tensor::Tensor;

use crate::{Error, following, plan, ports};

/// A plan that is ready to run on a machine, any number of times.
#[derive(Debug)]
pub struct Runner<'a> {
    plan: &'a Plan,
    machine: &'a Machine,
    steps: Vec<Step<'a>>,
    transfer_cycles: u64,
    /// Numbers of bindings, by name.
    given: Vec<(String, u64)>,
}

/// A segment that is ready to run.
#[derive(Debug)]
enum Step<'a> {
    Dlp(&'a Executable),
    Host { executor: Box<Executor>, cycles: u64 },
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    /// What each segment did, up to the one that stopped with a fault.
    pub segments: Vec<SegmentRan>,
    /// Cycles in which the network's inputs and outputs crossed its border.
    pub transfer_cycles: u64,
    /// The network's outputs by name; empty without values or after a fault.
    pub outputs: Vec<(String, Tensor)>,
}

/// The stored bytes of a program's input ports, by name.
pub(crate) type PortBytes = Vec<(String, Vec<u8>)>;

/// What a segment did.
#[derive(Debug)]
pub enum SegmentRan {
    /// A program ran on the DLP.
    Dlp {
        /// The machine after the run.
        simulator: Box<Simulator>,
        /// Cycles, fault, engines.
        outcome: Box<Outcome>,
    },
    /// The host ran a graph.
    Host {
        /// Its cycles, by the machine's `[host]`.
        cycles: u64,
    },
}

impl Ran {
    /// The programs' runs, in order.
    pub fn dlp(&self) -> impl Iterator<Item = (&Simulator, &Outcome)> {
        self.segments.iter().filter_map(|segment| match segment {
            SegmentRan::Dlp { simulator, outcome } => Some((&**simulator, &**outcome)),
            SegmentRan::Host { .. } => None,
        })
    }

    /// Cycles of the DLP.
    pub fn dlp_cycles(&self) -> u64 {
        self.dlp().map(|(_, outcome)| outcome.cycles).sum()
    }

    /// Cycles of the host.
    pub fn host_cycles(&self) -> u64 {
        let cycles = self.segments.iter().map(|segment| match segment {
            SegmentRan::Dlp { .. } => 0,
            SegmentRan::Host { cycles } => *cycles,
        });
        cycles.sum()
    }

    /// Cycles of everything.
    pub fn cycles(&self) -> u64 {
        self.dlp_cycles() + self.host_cycles() + self.transfer_cycles
    }

    /// The fault that ended the run, if one did.
    pub fn fault(&self) -> Option<&Fault> {
        self.dlp().find_map(|(_, outcome)| outcome.fault.as_ref())
    }
}

impl<'a> Runner<'a> {
    /// Makes a plan ready that holds all that it runs; `registry` knows the operators of its host segments.
    ///
    /// # Errors
    /// The graph of a host segment cannot be read or planned; a segment is for several cores.
    pub fn new(plan: &'a Plan, machine: &'a Machine, registry: &Registry) -> Result<Runner<'a>, Error> {
        Runner::with_graphs(plan, machine, |index| match &plan.segments[index].work {
            Work::Host(program) => plan::host_graph(program, registry),
            Work::Dlp(_) => Ok(Graph::default()),
        })
    }

    /// Makes a plan ready, with the graphs of host segments by their index.
    pub(crate) fn with_graphs(
        plan: &'a Plan,
        machine: &'a Machine,
        graph: impl Fn(usize) -> Result<Graph, Error>,
    ) -> Result<Runner<'a>, Error> {
        let options = ediacara_host::Options { same_bits: true, ..Default::default() };
        let mut steps = Vec::with_capacity(plan.segments.len());
        for (index, segment) in plan.segments.iter().enumerate() {
            steps.push(match &segment.work {
                Work::Dlp(programs) => match programs.as_slice() {
                    [program] => Step::Dlp(&program.executable),
                    programs => {
                        let count = programs.len();
                        let problem =
                            format!("segment {index} is for {count} cores, and the machine has one");
                        return Err(Error::Invalid(problem));
                    }
                },
                Work::Host(_) => {
                    let graph = graph(index)?;
                    let cycles = plan::host_cycles(&graph, &machine.host);
                    Step::Host { executor: Box::new(Executor::new(&graph, &options)?), cycles }
                }
            });
        }
        let transfer_cycles = plan::transfer_cycles(plan, &machine.host);
        Ok(Runner { plan, machine, steps, transfer_cycles, given: Vec::new() })
    }

    /// Sets the plan's bindings, by name, but for those that an input of their name says: one number of i64.
    ///
    /// # Errors
    /// Those of [`Plan::registers`]; a binding follows an input.
    pub fn bind(&mut self, bindings: &[(String, u64)]) -> Result<(), Error> {
        let follows = |binding: &&Binding| following::followed(self.plan, binding).is_some();
        let following: Vec<&Binding> = self.plan.bindings.iter().filter(follows).collect();
        let is_known = |(name, _): &&(String, u64)| following.iter().any(|binding| binding.name == *name);
        if let Some((name, number)) = bindings.iter().find(is_known) {
            return Err(Error::Invalid(format!(
                "binding `{name}` is what input `{name}` says: give {number} as that input, and not as a binding"
            )));
        }
        let lowest = following.iter().map(|binding| (binding.name.clone(), binding.low));
        self.plan.registers(&bindings.iter().cloned().chain(lowest).collect::<Vec<_>>())?;
        self.given = bindings.to_vec();
        Ok(())
    }

    /// What the DLP's scalar registers hold before each segment when the network has these inputs. What no input says is the
    /// lowest number if only time is asked for.
    ///
    /// # Errors
    /// The plan has bindings that were not set, or an input says a number outside a binding's range.
    pub(crate) fn registers(&self, inputs: &[Tensor], values: bool) -> Result<Registers, Error> {
        let mut numbers = self.given.clone();
        for binding in &self.plan.bindings {
            let Some(followed) = following::followed(self.plan, binding) else { continue };
            let number = match inputs.get(followed.input) {
                Some(tensor) => following::number(self.plan, followed, tensor)?,
                None if !values => binding.low,
                None => continue,
            };
            numbers.push((binding.name.clone(), number));
        }
        Ok(self.plan.registers(&numbers)?)
    }

    /// Runs every segment on the network's inputs, in their order; without values if `options` say so.
    ///
    /// `watches` says what the simulator of a segment keeps, by the number of the segment among the DLP's.
    ///
    /// # Errors
    /// The machine does not fit the plan; an input is missing or of another type or shape; the host cannot run a
    /// graph; the plan has bindings that were not set ([`Runner::bind`]).
    pub fn run(
        &self,
        inputs: &[Tensor],
        options: Options,
        watches: &dyn Fn(usize) -> Vec<Watch>,
    ) -> Result<Ran, Error> {
        let (mut ran, buffers) = self.run_first(self.steps.len(), inputs, options, watches)?;
        if options.values && ran.fault().is_none() {
            for &id in &self.plan.outputs {
                let tensor = self.given(&buffers, id)?.clone();
                ran.outputs.push((self.plan.buffers[id.index()].name.clone(), tensor));
            }
        }
        Ok(ran)
    }

    /// What the programs of the DLP are given when the network has these inputs: each with its segment.
    ///
    /// # Errors
    /// As [`Runner::run`]; a program before the last stops with a fault.
    pub(crate) fn program_inputs(&self, inputs: &[Tensor]) -> Result<Vec<(usize, PortBytes)>, Error> {
        let programs = || self.steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Dlp(_)));
        let last = programs().map(|(index, _)| index).max().unwrap_or(0);
        let (ran, buffers) = self.run_first(last, inputs, Options::default(), &|_| Vec::new())?;
        if let Some(fault) = ran.fault() {
            return Err(Error::Fault(fault.to_string()));
        }
        let given = programs().filter_map(|(index, step)| match step {
            Step::Dlp(executable) => {
                Some((index, self.port_bytes(executable, &self.plan.segments[index], &buffers)))
            }
            Step::Host { .. } => None,
        });
        given.map(|(index, bytes)| Ok((index, bytes?))).collect()
    }

    /// Runs the first `count` segments; the tensors that they leave.
    fn run_first(
        &self,
        count: usize,
        inputs: &[Tensor],
        options: Options,
        watches: &dyn Fn(usize) -> Vec<Watch>,
    ) -> Result<(Ran, Vec<Option<Tensor>>), Error> {
        let mut buffers: Vec<Option<Tensor>> = vec![None; self.plan.buffers.len()];
        for (id, tensor) in self.plan.inputs.iter().zip(inputs) {
            buffers[id.index()] = Some(tensor.clone());
        }
        let registers = self.registers(inputs, options.values)?;
        let mut ran =
            Ran { segments: Vec::new(), transfer_cycles: self.transfer_cycles, outputs: Vec::new() };
        for (segment, step) in self.plan.segments.iter().zip(&self.steps).take(count) {
            match step {
                Step::Dlp(executable) => {
                    let mut simulator = Simulator::new(self.machine, executable, options)?;
                    simulator.set_registers(&registers);
                    if options.values {
                        simulator.watch(&watches(ran.dlp().count()))?;
                        for (name, bytes) in self.port_bytes(executable, segment, &buffers)? {
                            simulator.write_input(&name, &bytes)?;
                        }
                    }
                    let outcome = Box::new(simulator.run());
                    let failed = outcome.fault.is_some();
                    if options.values && !failed {
                        for (port, id) in executable.outputs.iter().zip(&segment.outputs) {
                            let bytes = simulator.read_output(&port.name)?;
                            buffers[id.index()] = Some(ports::decode(port, bytes)?);
                        }
                    }
                    ran.segments.push(SegmentRan::Dlp { simulator: Box::new(simulator), outcome });
                    if failed {
                        break;
                    }
                }
                Step::Host { executor, cycles } => {
                    if options.values {
                        let inputs = segment.inputs.iter().map(|&id| self.given(&buffers, id).cloned());
                        let results = executor.run(&inputs.collect::<Result<Vec<_>, _>>()?)?;
                        for (id, tensor) in segment.outputs.iter().zip(results) {
                            buffers[id.index()] = Some(tensor);
                        }
                    }
                    ran.segments.push(SegmentRan::Host { cycles: *cycles });
                }
            }
        }
        Ok((ran, buffers))
    }

    /// What the input ports of a program hold.
    fn port_bytes(
        &self,
        executable: &Executable,
        segment: &Segment,
        buffers: &[Option<Tensor>],
    ) -> Result<PortBytes, Error> {
        let ports = executable.inputs.iter().zip(&segment.inputs);
        let encoded =
            ports.map(|(port, &id)| Ok((port.name.clone(), ports::encode(port, self.given(buffers, id)?)?)));
        encoded.collect()
    }

    fn given<'b>(&self, buffers: &'b [Option<Tensor>], id: BufferId) -> Result<&'b Tensor, Error> {
        let buffer = &self.plan.buffers[id.index()];
        buffers[id.index()]
            .as_ref()
            .ok_or_else(|| Error::Invalid(format!("input {} was not given", buffer.name)))
    }

    /// The graphs of the host's segments, with the segment of each.
    pub(crate) fn host_graphs(&self) -> impl Iterator<Item = (usize, &Graph)> {
        self.steps.iter().enumerate().filter_map(|(index, step)| match step {
            Step::Dlp(_) => None,
            Step::Host { executor, .. } => Some((index, executor.graph())),
        })
    }
}
