//! Host and simulator side by side on a quantised network: every value that a program writes and every output. What differs
//! is said, not asserted. The tests of `crates/rtl` use this file too.

use std::collections::{BTreeMap, HashMap};

use ediacara_arch::Machine;
use ediacara_compiler::program::view::View;
use ediacara_compiler::{Compiled, DlpSegment, Home, KeptBuffer, Segment};
use ediacara_fuzzgen::Random;
use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_host::{Executor, Options as HostOptions};
use ediacara_isa::Port;
use ediacara_optimiser::{Calibration, optimise, quantise};
use ediacara_sim::{Options as SimOptions, Outcome, Simulator, Watch};

/// A network, what it is fed, and what the host computes of it.
pub(crate) struct Subject {
    pub(crate) graph: Graph,
    pub(crate) inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    /// The bytes of every value that the DLP may store.
    values: HashMap<ValueId, Vec<i8>>,
}

/// How much of a program was compared.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Compared {
    /// Values that the program writes, without the outputs that the host makes of them.
    pub(crate) values: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
}

/// One tensor for each input of a network: any byte, or real numbers within -2 and 2.
pub(crate) fn sample(graph: &Graph, seed: u64) -> Vec<Tensor> {
    let mut random = Random::new(seed);
    let mut tensor = |&input: &ValueId| {
        let ty = graph.ty(input);
        let bytes: Vec<i8> = (0..ty.elements()).map(|_| random.byte()).collect();
        if ty.dtype == DType::I8 {
            return Tensor::from_vec(&ty.shape, bytes).unwrap();
        }
        assert_eq!(ty.dtype, DType::F32);
        let values: Vec<f32> = bytes.into_iter().map(|byte| f32::from(byte) / 64.0).collect();
        Tensor::from_vec(&ty.shape, values).unwrap()
    };
    graph.inputs().iter().map(&mut tensor).collect()
}

/// A real network optimised, calibrated with two samples, and quantised.
///
/// # Panics
/// Where something of it stays with the host.
pub(crate) fn quantised(graph: Graph, seed: u64) -> Graph {
    let graph = optimise(graph, &Default::default()).unwrap();
    let samples = [1, 2].map(|number| sample(&graph, seed ^ (number << 32)));
    let calibration = Calibration::collect(&graph, samples).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "seed {seed}: {:?}", quantised.left);
    quantised.graph
}

impl Subject {
    /// Runs a quantised network on the host.
    pub(crate) fn new(graph: Graph, inputs: Vec<Tensor>) -> Subject {
        let mut values = HashMap::new();
        let observe = |value, tensor: &Tensor| {
            if matches!(tensor.dtype(), DType::I8 | DType::F16 | DType::BF16 | DType::F32) {
                values.insert(value, stored_bytes(tensor));
            }
        };
        let executor = Executor::new(&graph, &HostOptions::with_threads(1)).unwrap();
        let outputs = executor.run_with_observer(&inputs, observe).unwrap();
        drop(executor);
        Subject { graph, inputs, outputs, values }
    }

    /// What the host computes of the inputs.
    pub(crate) fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// Runs a program of the network in checked mode, and compares all that it leaves behind.
    ///
    /// # Errors
    /// A fault, a floor that is beaten, the first value that differs, or nothing that could be compared.
    pub(crate) fn compare(&self, machine: &Machine, compiled: &Compiled) -> Result<Compared, String> {
        let ran = run(&self.graph, machine, compiled, &self.inputs, true)?;
        let mut compared = Compared::default();
        let mut homes = 0;
        for (segment, SegmentRun { simulator, outcome, inputs }) in compiled.dlp().zip(&ran.programs) {
            assert_eq!(inputs.len(), segment.executable.inputs.len());
            let floor = segment.bounds.floor_cycles;
            if outcome.cycles < floor {
                return Err(format!("{} cycles, fewer than the floor of {floor}", outcome.cycles));
            }
            let written = Written::new(simulator, segment);
            // They stand in the order in which they are complete, so that the first that differs is where to
            // look.
            for Home { value, view, .. } in &segment.homes {
                let Some(expected) = self.values.get(value) else { continue };
                let found = written.bytes(view);
                compare(&self.graph.value(*value).name, expected, &found)?;
                compared.values += 1;
                compared.bytes += found.len();
            }
            homes += segment.homes.len();
        }
        // A network may be nothing but an input that is handed out.
        if compared.bytes == 0 && homes > 0 {
            return Err(format!("none of its {homes} values could be compared"));
        }
        assert_eq!(ran.outputs.len(), self.outputs.len());
        for (index, (expected, found)) in self.outputs.iter().zip(&ran.outputs).enumerate() {
            if !expected.same_bits(found) {
                let name = &self.graph.value(self.graph.outputs()[index]).name;
                return Err(format!("output `{name}` differs, though no value before it does"));
            }
        }
        Ok(compared)
    }
}

/// What the input ports of a program hold, by name.
pub(crate) type PortBytes = Vec<(String, Vec<u8>)>;

/// A network that ran, segment after segment.
pub(crate) struct NetworkRun {
    /// The programs of the DLP, in order.
    pub(crate) programs: Vec<SegmentRun>,
    /// The network's outputs.
    pub(crate) outputs: Vec<Tensor>,
}

/// A program that ran.
pub(crate) struct SegmentRun {
    pub(crate) simulator: Simulator,
    pub(crate) outcome: Outcome,
    pub(crate) inputs: PortBytes,
}

/// Runs every segment of a network: what one leaves, the others are given.
///
/// # Errors
/// A fault.
pub(crate) fn run(
    graph: &Graph,
    machine: &Machine,
    compiled: &Compiled,
    inputs: &[Tensor],
    checked: bool,
) -> Result<NetworkRun, String> {
    let options = SimOptions { checked, max_cycles: Some(2_000_000_000), ..SimOptions::default() };
    let mut known: HashMap<ValueId, Tensor> =
        graph.inputs().iter().copied().zip(inputs.iter().map(Tensor::copy)).collect();
    let mut programs = Vec::new();
    for segment in &compiled.segments {
        match segment {
            Segment::Host(segment) => {
                let given: Vec<Tensor> = segment.inputs.iter().map(|value| known[value].copy()).collect();
                let executor = Executor::new(&segment.graph, &HostOptions::with_threads(1)).unwrap();
                known.extend(segment.outputs.iter().copied().zip(executor.run(&given).unwrap()));
            }
            Segment::Dlp(segment) => {
                let executable = &segment.executable;
                let mut simulator = Simulator::new(machine, executable, options).unwrap();
                let ports = executable.inputs.iter().zip(&segment.inputs);
                let inputs: PortBytes =
                    ports.map(|(port, value)| (port.name.clone(), stored(port, &known[value]))).collect();
                inputs.iter().for_each(|(name, bytes)| simulator.write_input(name, bytes).unwrap());
                watch(&mut simulator, segment);
                let outcome = simulator.run();
                if let Some(fault) = &outcome.fault {
                    return Err(fault.to_string());
                }
                for (port, value) in executable.outputs.iter().zip(&segment.outputs) {
                    known.insert(*value, loaded(port, simulator.read_output(&port.name).unwrap()));
                }
                programs.push(SegmentRun { simulator, outcome, inputs });
            }
        }
    }
    let outputs = graph.outputs().iter().map(|output| known[output].copy()).collect();
    Ok(NetworkRun { programs, outputs })
}

/// The elements of a tensor as they lie in memory.
pub(crate) fn stored_bytes(tensor: &Tensor) -> Vec<i8> {
    tensor.to_contiguous().as_bytes().unwrap().iter().map(|byte| byte.cast_signed()).collect()
}

/// The bytes of a port for a tensor, as its description says.
fn stored(port: &Port, x: &Tensor) -> Vec<u8> {
    let x = x.to_contiguous().reshape(&port.unpermuted_shape()).unwrap();
    let x = x.transpose(&port.layout.permutation).unwrap();
    let Some(real) = port.encoding else { return x.to_contiguous().as_bytes().unwrap().to_vec() };
    let encode = |value: f32| {
        let quotient = (value / real.scale).round_ties_even() + real.zero as f32;
        quotient.clamp(-128.0, 127.0) as i8 as u8
    };
    x.to_vec::<f32>().unwrap().into_iter().map(encode).collect()
}

/// The tensor of a port for its bytes, as its description says.
fn loaded(port: &Port, bytes: Vec<u8>) -> Tensor {
    let tensor = match port.encoding {
        None => {
            let dtype = port.element.name().parse::<DType>().unwrap();
            Tensor::from_bytes(dtype, &port.shape, bytes).unwrap()
        }
        Some(real) => {
            let decode = |byte: u8| (i32::from(byte.cast_signed()) - real.zero) as f32 * real.scale;
            Tensor::from_vec(&port.shape, bytes.into_iter().map(decode).collect::<Vec<f32>>()).unwrap()
        }
    };
    let axes = 0..port.layout.permutation.len();
    let inverse: Vec<usize> =
        axes.map(|axis| port.layout.permutation.iter().position(|&from| from == axis).unwrap()).collect();
    tensor.transpose(&inverse).unwrap().to_contiguous().reshape(&port.layout.shape).unwrap()
}

fn compare(name: &str, expected: &[i8], found: &[Option<i8>]) -> Result<(), String> {
    assert_eq!(expected.len(), found.len(), "`{name}`");
    let mut wrong = (0..expected.len()).filter(|&at| Some(expected[at]) != found[at]);
    let Some(at) = wrong.next() else { return Ok(()) };
    let (host, dlp, count, of) = (expected[at], found[at], 1 + wrong.count(), expected.len());
    Err(format!("`{name}` differs at element {at}: host {host}, simulator {dlp:?}; {count} of {of} differ"))
}

/// Has the simulator keep what is written to activations in NRAM.
pub(crate) fn watch(simulator: &mut Simulator, segment: &DlpSegment) {
    let watch =
        |kept: &KeptBuffer| Watch { bytes: kept.place.span(), instructions: kept.instructions.clone() };
    simulator.watch(&segment.kept.iter().map(watch).collect::<Vec<_>>()).unwrap();
}

/// The activations of a program that ran.
pub(crate) struct Written<'a> {
    simulator: &'a Simulator,
    /// Stretches of DRAM in whose place NRAM was written, by their start, and what was written, byte by byte.
    kept: BTreeMap<u64, Vec<Option<u8>>>,
}

impl Written<'_> {
    /// Those of a program of which everything was watched.
    pub(crate) fn new<'a>(simulator: &'a Simulator, segment: &DlpSegment) -> Written<'a> {
        let mut kept = BTreeMap::new();
        for (index, buffer) in segment.kept.iter().enumerate() {
            let (start, written) = (buffer.place.span().start, simulator.watched(index));
            let found = addresses(&buffer.place).map(|address| written[(address - start) as usize]);
            let bytes: Vec<_> = found.collect();
            assert_eq!(bytes.len() as u64, buffer.home.end - buffer.home.start);
            kept.insert(buffer.home.start, bytes);
        }
        Written { simulator, kept }
    }

    /// Whether a view lies in NRAM.
    pub(crate) fn is_kept(&self, view: &View) -> bool {
        self.kept_from(view.base).is_some()
    }

    /// What was written in place of the bytes of DRAM from an address on, where they are kept.
    fn kept_from(&self, address: u64) -> Option<&[Option<u8>]> {
        let (start, bytes) = self.kept.range(..=address).next_back()?;
        bytes.get((address - start) as usize..).filter(|rest| !rest.is_empty())
    }

    /// The bytes of a view in the order of its axes; nothing for one that was never written.
    pub(crate) fn bytes(&self, view: &View) -> Vec<Option<i8>> {
        let mut bytes = Vec::with_capacity(view.len() as usize);
        for (address, length) in view.stretches() {
            let length = length as usize;
            match self.kept_from(address) {
                Some(kept) => bytes.extend(kept[..length].iter().map(|byte| byte.map(u8::cast_signed))),
                None => {
                    let stored = self.simulator.read_dram(address, length).unwrap();
                    bytes.extend(stored.into_iter().map(|byte| Some(byte.cast_signed())));
                }
            }
        }
        bytes
    }
}

fn addresses(view: &View) -> impl Iterator<Item = u64> {
    view.stretches().flat_map(|(address, length)| address..address + length)
}
