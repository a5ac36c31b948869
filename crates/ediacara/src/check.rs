//! The comparison of a simulated program's results with the host's, for the same int8 graph.
//!
//! Every activation that an instruction wrote is compared: in DRAM after the run, and in NRAM as it was
//! written there ([`watches`]). An input's bytes do not count, whoever put them into DRAM.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ediacara_compiler::program::view::View;
use ediacara_compiler::{Compiled, DlpSegment, Home};
use ediacara_graph::{DType, Graph, ValueId};
use ediacara_host::Executor;
use ediacara_profile::{Check, Difference};
use ediacara_sim::{Simulator, Watch};
use ediacara_tensor::Tensor;

use crate::{Error, Precision};

/// The result of a comparison.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The comparison.
    pub(crate) check: Check,
    /// The smallest number of distinct values in the output of any layer that does arithmetic on more than
    /// 256 elements.
    pub(crate) fewest_distinct: Option<usize>,
}

/// The writes that the simulator must keep for [`compare`].
///
/// They are those to each activation that stays in NRAM, by any instruction of the layers for which it is
/// there.
pub(crate) fn watches(segment: &DlpSegment) -> Vec<Watch> {
    let watch = |kept: &ediacara_compiler::KeptBuffer| Watch {
        bytes: kept.place.span(),
        instructions: kept.instructions.clone(),
    };
    segment.kept.iter().map(watch).collect()
}

/// Runs `host`, the whole graph that was compiled, on the inputs, and compares every activation byte for byte with what
/// the simulated program left of it: those of int8, and in floating point the real ones, too.
///
/// # Errors
/// The host cannot run the graph; an activation has another size on the host.
pub(crate) fn compare(
    simulators: &[&Simulator],
    compiled: &Compiled,
    (graph, precision): (&Graph, Precision),
    host: &Executor,
    inputs: &[Tensor],
) -> Result<Checked, Error> {
    let mut comparison = Comparison::new(simulators, compiled, (graph, precision));
    let mut result = Ok(());
    host.run_with_observer(inputs, |value, tensor| {
        if result.is_ok() {
            result = comparison.see(value, tensor);
        }
    })?;
    result.map(|()| comparison.finish())
}

/// A comparison while the host computes one value after the other, so that none of them need be kept.
struct Comparison<'a> {
    segments: Vec<Ran<'a>>,
    graph: &'a Graph,
    /// Where each value lies: the number of its segment among `segments`, and its place there.
    homes: HashMap<ValueId, Vec<(usize, &'a Home)>>,
    /// Results of arithmetic.
    computed: HashSet<ValueId>,
    check: Check,
    first: Option<((usize, u32, ValueId), Difference)>,
    /// Whether real values are compared, too: where the network computes in floating point.
    real: bool,
    fewest_distinct: Option<usize>,
}

/// A segment of the DLP that has run.
struct Ran<'a> {
    segment: &'a DlpSegment,
    simulator: &'a Simulator,
    kept: Vec<Kept>,
}

/// A buffer in NRAM: the DRAM addresses that it would take, and what was written there.
struct Kept {
    home: Range<u64>,
    bytes: Vec<Option<u8>>,
}

impl<'a> Comparison<'a> {
    fn new(
        simulators: &[&'a Simulator],
        compiled: &'a Compiled,
        (graph, precision): (&'a Graph, Precision),
    ) -> Comparison<'a> {
        let layers = graph.order().into_iter().filter(|&node| graph.node(node).op.name().starts_with("q_"));
        let ran = |(segment, &simulator): (&'a DlpSegment, &&'a Simulator)| Ran {
            segment,
            simulator,
            kept: kept(simulator, segment),
        };
        let mut homes: HashMap<ValueId, Vec<(usize, &Home)>> = HashMap::new();
        for (index, segment) in compiled.dlp().enumerate() {
            for home in &segment.homes {
                homes.entry(home.value).or_default().push((index, home));
            }
        }
        Comparison {
            segments: compiled.dlp().zip(simulators).map(ran).collect(),
            graph,
            homes,
            computed: layers.flat_map(|node| graph.outputs_of(node).to_vec()).collect(),
            check: Check { reference: format!("host {precision}"), ..Check::none() },
            first: None,
            real: precision != Precision::Int8 || multiplies_real(graph),
            fewest_distinct: None,
        }
    }

    fn see(&mut self, value: ValueId, tensor: &Tensor) -> Result<(), Error> {
        let homes = self.homes.get(&value).cloned().unwrap_or_default();
        let counts = self.computed.contains(&value) && tensor.len() > 256;
        let is_real = matches!(tensor.dtype(), DType::F16 | DType::BF16 | DType::F32);
        if self.real && is_real {
            // Real numbers are compared as the bytes of their elements, one more axis.
            let contiguous = tensor.to_contiguous();
            let bytes: Vec<i8> = contiguous.as_bytes()?.iter().map(|byte| byte.cast_signed()).collect();
            let shape = [tensor.shape(), &[tensor.dtype().size_bytes()]].concat();
            return homes.into_iter().try_for_each(|home| self.compare(home, &shape, &bytes));
        }
        if tensor.dtype() != DType::I8 || homes.is_empty() && !counts {
            return Ok(());
        }
        let contiguous = tensor.to_contiguous();
        let expected = contiguous.as_slice::<i8>()?;
        if counts {
            let distinct = distinct(expected);
            self.fewest_distinct = Some(self.fewest_distinct.map_or(distinct, |least| least.min(distinct)));
        }
        homes.into_iter().try_for_each(|home| self.compare(home, tensor.shape(), expected))
    }

    fn compare(
        &mut self,
        (index, home): (usize, &'a Home),
        shape: &[usize],
        expected: &[i8],
    ) -> Result<(), Error> {
        let Some(ran) = self.segments.get(index) else { return Ok(()) };
        let (found, in_nram) = ran.found(&home.view)?;
        let name = || self.graph.value(home.value).name.clone();
        if found.len() != expected.len() {
            let (name, found, expected) = (name(), found.len(), expected.len());
            return Err(Error::Invalid(format!(
                "`{name}` has {found} bytes on the DLP and {expected} on the host: a bug"
            )));
        }
        self.check.tensors += 1;
        self.check.tensors_in_nram += usize::from(in_nram);
        self.check.bytes += found.len() as u64;
        let pairs = || found.iter().zip(expected);
        let error = |(found, &expected): (&Option<i8>, &i8)| match found {
            Some(found) => u32::from(found.abs_diff(expected)),
            // What was not written differs from anything.
            None => u32::from(u8::MAX),
        };
        let largest = f64::from(pairs().map(error).max().unwrap_or(0));
        self.check.max_abs_error = Some(self.check.max_abs_error.unwrap_or(0.0).max(largest));
        let Some(at) = pairs().position(|(&found, &expected)| found != Some(expected)) else { return Ok(()) };
        let place = (index, home.layer, home.value);
        if self.first.as_ref().is_none_or(|(earlier, _)| place < *earlier) {
            let layer = ran.segment.executable.layers.get(home.layer as usize);
            let difference = Difference {
                tensor: name(),
                layer: layer.map_or_else(String::new, |layer| layer.name.clone()),
                shape: shape.to_vec(),
                index: multi_index(at, shape),
                found: found[at],
                expected: expected[at],
                elements: pairs().filter(|&(&found, &expected)| found != Some(expected)).count(),
            };
            self.first = Some((place, difference));
        }
        Ok(())
    }

    fn finish(mut self) -> Checked {
        self.check.bit_exact = (self.check.tensors > 0).then_some(self.first.is_none());
        self.check.first_difference = self.first.map(|(_, difference)| difference);
        Checked { check: self.check, fewest_distinct: self.fewest_distinct }
    }
}

impl Ran<'_> {
    /// What the program left of a view, row-major, and whether that is in NRAM.
    fn found(&self, view: &View) -> Result<(Vec<Option<i8>>, bool), Error> {
        let mut bytes = Vec::with_capacity(view.len() as usize);
        let kept = self.kept.iter().find(|kept| kept.home.contains(&view.base));
        for (address, length) in view.stretches() {
            match kept {
                Some(kept) => {
                    let start = (address - kept.home.start) as usize;
                    let stretch = kept.bytes.get(start..start + length as usize).unwrap_or_default();
                    bytes.extend(stretch.iter().map(|byte| byte.map(u8::cast_signed)));
                }
                None => {
                    let stretch = self.simulator.read_dram(address, length as usize)?;
                    bytes.extend(stretch.into_iter().map(|byte| Some(byte.cast_signed())));
                }
            }
        }
        Ok((bytes, kept.is_some()))
    }
}

/// What the simulator saw of [`watches`], in the order of the buffers' DRAM addresses.
fn kept(simulator: &Simulator, segment: &DlpSegment) -> Vec<Kept> {
    let gather = |(index, kept): (usize, &ediacara_compiler::KeptBuffer)| {
        let (start, written) = (kept.place.span().start, simulator.watched(index));
        let mut bytes = Vec::with_capacity(kept.place.len() as usize);
        for (address, length) in kept.place.stretches() {
            let first = (address - start) as usize;
            bytes.extend_from_slice(written.get(first..first + length as usize).unwrap_or_default());
        }
        Kept { home: kept.home.clone(), bytes }
    };
    segment.kept.iter().enumerate().map(gather).collect()
}

/// The index along each axis of element `at`, row-major.
fn multi_index(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (index, &extent) in index.iter_mut().zip(shape).rev() {
        *index = at % extent.max(1);
        at /= extent.max(1);
    }
    index
}

fn distinct(values: &[i8]) -> usize {
    let mut seen = [false; 256];
    for &value in values {
        seen[usize::from(value.cast_unsigned())] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Whether a network multiplies real numbers, in some layers at least.
fn multiplies_real(graph: &Graph) -> bool {
    let real = |op: &str| matches!(op, "f_conv" | "f_matmul" | "f_window");
    graph.nodes().any(|id| real(graph.node(id).op.name()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

    use ediacara_arch::Machine;
    use ediacara_host::Options as HostOptions;
    use ediacara_sim::Options;

    use super::*;
    use ediacara_compiler::Segment;

    use crate::{CalibrationSource, CompiledNetwork, HostOnly, compile, inputs, model, prepare};

    /// LeNet-5 for `dlp16`, with an input.
    fn lenet() -> (CompiledNetwork, Vec<Tensor>) {
        let model = model::load("lenet5", &[]).unwrap();
        let prepared = prepare(&model, &CalibrationSource::Default, &mut |_| {}).unwrap();
        let machine = Machine::preset("dlp16").unwrap();
        let network = compile(&prepared, &machine, &Default::default(), HostOnly::Refused).unwrap();
        (network, inputs::load(&model.graph, &[], None, 1).unwrap())
    }

    fn program(compiled: &Compiled) -> &DlpSegment {
        compiled.dlp().next().unwrap()
    }

    fn program_mut(compiled: &mut Compiled) -> &mut ediacara_isa::Executable {
        let programs = compiled.segments.iter_mut().filter_map(|segment| match segment {
            Segment::Dlp(segment) => Some(std::sync::Arc::make_mut(&mut segment.executable)),
            Segment::Host(_) => None,
        });
        programs.into_iter().next().unwrap()
    }

    /// Compares the run of a program that `change` has changed with the host's run.
    fn checked(change: impl FnOnce(&mut Compiled)) -> (Check, Compiled) {
        let (mut network, tensors) = lenet();
        let compiled = network.compiled.clone();
        change(&mut network.compiled);
        let machine = Machine::preset("dlp16").unwrap();
        network.plan = crate::plan::frame(&network.graph, &network.compiled, &machine);
        let runner = network.runner(&machine).unwrap();
        let watched = |_: usize| watches(program(&network.compiled));
        let ran = runner.run(&tensors, Options::default(), &watched).unwrap();
        let simulators: Vec<&Simulator> = ran.dlp().map(|(simulator, _)| simulator).collect();
        let host = Executor::new(&network.graph, &HostOptions::default()).unwrap();
        let checked =
            compare(&simulators, &compiled, (&network.graph, Precision::Int8), &host, &tensors).unwrap();
        (checked.check, compiled)
    }

    #[test]
    fn every_layer_of_the_program_that_ran_is_compared() {
        let (check, compiled) = checked(|_| {});
        assert_eq!((check.bit_exact, check.max_abs_error), (Some(true), Some(0.0)));
        assert_eq!(check.first_difference, None);
        // Every layer's result except the last stays in NRAM, and one of the results is also reshaped.
        let layers = program(&compiled).executable.layers.len();
        assert_eq!(program(&compiled).kept.len(), layers - 1);
        assert!(check.tensors > layers && check.tensors_in_nram >= layers - 1, "{check:?}");
    }

    /// Only the first convolution's instructions and `halt` are there, so that the results of the others are
    /// missing.
    #[test]
    fn what_was_not_written_differs_and_the_first_such_tensor_is_named() {
        let stop = |compiled: &mut Compiled| {
            let executable = program_mut(compiled);
            let second = executable.source_map.partition_point(|location| location.layer == 0);
            let halt = executable.code.len() - 1;
            executable.code[second] = executable.code[halt];
        };
        let (check, compiled) = checked(stop);
        assert_eq!(check.bit_exact, Some(false));
        let first = check.first_difference.unwrap();
        assert_eq!(first.layer, program(&compiled).executable.layers[1].name);
        assert_eq!((first.found, first.index.iter().sum::<usize>()), (None, 0));
        assert_eq!(first.elements, first.shape.iter().product::<usize>());
    }

    /// Constants lie in the order of the layers that read them.
    ///
    /// The first are the first layer's weights, whose result stays in NRAM. The last belong to the last
    /// layer, whose result goes to DRAM.
    #[test]
    fn a_wrong_value_is_found_where_it_arises() {
        let spoil = |block: &mut ediacara_isa::Data| {
            block.bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        };
        let first = |compiled: &mut Compiled| program_mut(compiled).data.first_mut().map(spoil).unwrap();
        let last = |compiled: &mut Compiled| program_mut(compiled).data.last_mut().map(spoil).unwrap();
        for (in_first, (check, compiled)) in [(true, checked(first)), (false, checked(last))] {
            let layers = &program(&compiled).executable.layers;
            let layer = if in_first { layers.first() } else { layers.last() }.unwrap();
            let difference = check.first_difference.unwrap();
            assert_eq!(difference.layer, layer.name);
            assert!(difference.found.is_some_and(|found| found != difference.expected), "{difference:?}");
            let text = difference.to_string();
            assert!(text.contains(&difference.tensor) && text.contains(&layer.name), "{text}");
        }
    }

    #[test]
    fn an_index_counts_the_last_axis_first() {
        assert_eq!(multi_index(23, &[2, 3, 4]), [1, 2, 3]);
        assert_eq!(multi_index(5, &[2, 3, 4]), [0, 1, 1]);
        assert!(multi_index(0, &[]).is_empty());
    }
}
