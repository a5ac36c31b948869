//! Decoding: one token after the other, with the keys and values of those before in caches.
//!
//! A decoder is a network that writes rows into caches where an input says (`tensor_scatter`): caches are its inputs and, with
//! the rows, its outputs. What it computes takes the time of its caches' length, so that short ones are used while there
//! are few tokens. Start reading at [`generate`].

use ediacara_arch::Machine;
use ediacara_data::Random;
use ediacara_graph::ops::{Reshape, TensorScatter};
use ediacara_graph::{DType, Graph, ValueId};
use ediacara_host::Executor;
use ediacara_profile::RunReport;
use ediacara_tensor::Tensor;

use crate::prepare::{prepare_as, prepare_in};
use crate::stage::Clock;
use crate::{
    CalibrationSource, CompiledNetwork, Error, HostOnly, Model, Precision, Prepared, RunOptions, Stage,
    compile, pipeline, plan, results,
};

/// Tokens of the made-up sequence that ranges are taken from, at most.
const CALIBRATION_TOKENS: usize = 32;

/// The seed of that sequence.
const CALIBRATION_SEED: u64 = 1 << 32;

/// How many lengths of caches there are, at most.
const LENGTHS: usize = 16;

/// A decoder whose caches can have several lengths.
pub struct Family<'a> {
    /// The network with caches for so many tokens.
    pub load: &'a dyn Fn(usize) -> Result<Model, Error>,
    /// The length that it has whatever is asked for, if it has only one.
    pub fixed: Option<usize>,
}

/// What to generate.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// How each token is run.
    pub run: RunOptions,
    /// What the network computes in.
    pub precision: Precision,
    /// The tokens that are given, at least one.
    pub prompt: Vec<i64>,
    /// How many tokens to generate, at least one.
    pub count: usize,
}

/// One token through the network.
#[derive(Debug, Clone)]
pub struct Step {
    /// How many tokens were before it.
    pub position: usize,
    /// The length of the caches.
    pub length: usize,
    /// The token.
    pub token: i64,
    /// The token with the largest logit, the first of several.
    pub next: i64,
    /// What the network in f32 answers to the same tokens.
    pub next_in_f32: i64,
    /// Its logits over their distance from f32's, in dB; nothing if they are equal.
    pub sqnr_db: Option<f64>,
    /// Cycles of it all: DLP, host, and border without the caches, which stay in the DLP's memory.
    pub cycles: u64,
    /// Cycles in which what is no cache crosses the border.
    pub border_cycles: u64,
    /// Everything else that a run reports.
    pub report: RunReport,
}

/// What was generated.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The tokens, without the prompt.
    pub tokens: Vec<i64>,
    /// Each token that was given to the network, the prompt's first.
    pub steps: Vec<Step>,
    /// How the network was quantised, in words.
    pub method: String,
}

/// The ports of a decoder, as indices of the graph's inputs and outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ports {
    token: usize,
    position: usize,
    /// Each cache: the input, the output, and the axis along which tokens lie.
    caches: Vec<(usize, usize, usize)>,
    logits: usize,
    /// Tokens for which the caches have room.
    length: usize,
    vocabulary: usize,
}

/// The length of a decoder's caches.
///
/// # Errors
/// The network is no decoder; the error says what it lacks and which ports it has.
pub fn length(model: &Model) -> Result<usize, Error> {
    Ok(ports(model)?.length)
}

/// Generates tokens, each the one with the largest logit.
///
/// `told` hears of each token as it is done.
///
/// # Errors
/// The network is no decoder; a token is not in its vocabulary; its caches are too short; and those of [`pipeline::run`].
pub fn generate(
    family: &Family,
    options: &DecodeOptions,
    stage: Stage<'_>,
    told: &mut dyn FnMut(&Step),
) -> Result<Generation, Error> {
    let given = options.prompt.len() + options.count.saturating_sub(1);
    if options.prompt.is_empty() || options.count == 0 {
        return Err(Error::Invalid(
            "generating needs a token to begin with, and a count of at least 1".to_owned(),
        ));
    }
    let lengths = lengths(family, given);
    let longest = lengths.last().copied().unwrap_or(given);
    stage("load");
    let model = (family.load)(longest)?;
    let own = ports(&model)?;
    if own.length < given {
        return Err(Error::Invalid(format!(
            "{}: its caches have room for {} tokens, and {} and {} to generate need {given}: ask for fewer",
            model.name,
            own.length,
            options.prompt.len(),
            options.count
        )));
    }
    if let Some(token) = options.prompt.iter().find(|&&token| !(0..own.vocabulary as i64).contains(&token)) {
        return Err(Error::Invalid(format!(
            "{}: token {token} is not in its vocabulary, 0 to {}",
            model.name,
            own.vocabulary - 1
        )));
    }
    let prepared = calibrated(&model, &own, options, stage)?;
    let mut decoder = match lengths.first() {
        Some(&first) if first < longest => {
            drop(model);
            Decoder::of_length(family, first, &prepared, options, stage)?
        }
        _ => Decoder::new(model, own, prepared, options, stage)?,
    };
    let mut generation =
        Generation { tokens: Vec::new(), steps: Vec::new(), method: decoder.prepared.method.clone() };
    for position in 0..given {
        let wanted = lengths.iter().copied().find(|&length| length > position).unwrap_or(longest);
        if wanted != decoder.ports.length {
            decoder = decoder.lengthened(family, wanted, options, stage)?;
        }
        let token = match options.prompt.get(position) {
            Some(&token) => token,
            None => generation.tokens[position - options.prompt.len()],
        };
        let step = decoder.step(position, token, options, stage)?;
        told(&step);
        if position + 1 >= options.prompt.len() {
            generation.tokens.push(step.next);
        }
        generation.steps.push(step);
    }
    Ok(generation)
}

/// The lengths of caches for so many tokens: multiples of one number.
fn lengths(family: &Family, tokens: usize) -> Vec<usize> {
    if let Some(fixed) = family.fixed {
        return vec![fixed];
    }
    let step = tokens.div_ceil(LENGTHS).max(LENGTHS);
    (1..=tokens.div_ceil(step)).map(|count| count * step).collect()
}

/// Finds the ports of a decoder.
fn ports(model: &Model) -> Result<Ports, Error> {
    let graph = &model.graph;
    let input = |value: ValueId| graph.inputs().iter().position(|&input| input == value);
    let output = |value: ValueId| graph.outputs().iter().position(|&output| output == value);
    let refused = |what: &str| {
        let names = |values: &[ValueId]| {
            let names: Vec<&str> = values.iter().map(|&value| graph.value(value).name.as_str()).collect();
            names.join(", ")
        };
        Error::Invalid(format!(
            "{}: it does not decode token by token: {what}. A decoder has an input for one token, inputs past_* that \
             TensorScatter writes into at an input's position, and outputs present_* and logits. Its inputs are {}; its \
             outputs are {}",
            model.name,
            names(graph.inputs()),
            names(graph.outputs())
        ))
    };
    let mut caches = Vec::new();
    let (mut position, mut length) = (None, None);
    for id in graph.order() {
        let node = graph.node(id);
        let Some(scatter) = node.op_as::<TensorScatter>() else { continue };
        let (Some(past), Some(present)) = (input(node.inputs[0]), output(node.outputs[0])) else { continue };
        caches.push((past, present, scatter.axis));
        length = length.or(Some(graph.ty(node.inputs[0]).shape[scatter.axis]));
        position = position.or_else(|| input(before_reshapes(graph, node.inputs[2])));
    }
    let (Some(position), Some(length)) = (position, length) else {
        return Err(refused("it has no cache that it appends to"));
    };
    let is_cache = |index: &usize| caches.iter().any(|(past, ..)| past == index);
    let others: Vec<usize> =
        (0..graph.inputs().len()).filter(|index| *index != position && !is_cache(index)).collect();
    let is_token = |&index: &usize| {
        let ty = graph.ty(graph.inputs()[index]);
        ty.dtype == DType::I64 && ty.elements() == 1
    };
    let [token] = others[..] else { return Err(refused("beside caches and position it has not one input")) };
    let is_present = |index: &usize| caches.iter().any(|(_, present, _)| present == index);
    let results: Vec<usize> = (0..graph.outputs().len()).filter(|index| !is_present(index)).collect();
    let [logits] = results[..] else { return Err(refused("beside caches it has not one output")) };
    let ty = graph.ty(graph.outputs()[logits]);
    let vocabulary = ty.shape.last().copied().unwrap_or(0);
    if !is_token(&token) || !ty.dtype.is_float() || ty.elements() != vocabulary || vocabulary == 0 {
        return Err(refused(
            "its token is not one number of i64, or its logits are not one row of real numbers",
        ));
    }
    Ok(Ports { token, position, caches, logits, length, vocabulary })
}

fn before_reshapes(graph: &Graph, mut value: ValueId) -> ValueId {
    while let Some(node) =
        graph.producer(value).map(|id| graph.node(id)).filter(|node| node.op_as::<Reshape>().is_some())
    {
        value = node.inputs[0];
    }
    value
}

/// Makes the network ready, in int8 with ranges of a made-up sequence that the host decodes in f32.
fn calibrated(
    model: &Model,
    ports: &Ports,
    options: &DecodeOptions,
    stage: Stage<'_>,
) -> Result<Prepared, Error> {
    if options.precision != Precision::Int8 {
        return prepare_in(model, options.precision, &CalibrationSource::Default, stage);
    }
    stage("decode samples");
    let executor = Executor::new(&model.graph, &ediacara_host::Options::default())?;
    let mut caches = Caches::empty(&model.graph, ports)?;
    let mut random = Random::named(CALIBRATION_SEED, "tokens");
    let mut samples = Vec::new();
    for position in 0..ports.length.min(CALIBRATION_TOKENS) {
        let token = random.below(ports.vocabulary as u64) as i64;
        let inputs = caches.inputs(&model.graph, ports, position, token)?;
        caches.take(ports, &executor.run(&inputs)?);
        samples.push(inputs);
    }
    let count = samples.len();
    let mut prepared = prepare_in(model, options.precision, &CalibrationSource::Tensors(samples), stage)?;
    prepared.method = format!("min-max over {count} made-up tokens, decoded in f32");
    Ok(prepared)
}

/// The tensors of all caches, in the order of [`Ports::caches`].
struct Caches(Vec<Tensor>);

impl Caches {
    fn empty(graph: &Graph, ports: &Ports) -> Result<Caches, Error> {
        let zeros = |&(past, ..): &(usize, usize, usize)| Ok(graph.ty(graph.inputs()[past]).zeros()?);
        Ok(Caches(ports.caches.iter().map(zeros).collect::<Result<_, Error>>()?))
    }

    /// What the network is given.
    fn inputs(
        &self,
        graph: &Graph,
        ports: &Ports,
        position: usize,
        token: i64,
    ) -> Result<Vec<Tensor>, Error> {
        let number = |index: usize, number: i64| {
            Tensor::from_vec(&graph.ty(graph.inputs()[index]).shape, vec![number])
        };
        let mut inputs = Vec::with_capacity(graph.inputs().len());
        for index in 0..graph.inputs().len() {
            let cache = ports.caches.iter().zip(&self.0).find(|((past, ..), _)| *past == index);
            inputs.push(match cache {
                Some((_, cache)) => cache.clone(),
                None if index == ports.position => number(index, position as i64)?,
                None => number(index, token)?,
            });
        }
        Ok(inputs)
    }

    /// Takes them from the network's outputs.
    fn take(&mut self, ports: &Ports, outputs: &[Tensor]) {
        for ((_, present, _), cache) in ports.caches.iter().zip(&mut self.0) {
            *cache = outputs[*present].clone();
        }
    }

    /// The same rows in caches of more, of which the rest is zeros.
    fn lengthened(self, ports: &Ports, length: usize) -> Result<Caches, Error> {
        let longer = |((_, _, axis), cache): (&(usize, usize, usize), Tensor)| {
            let (mut shape, rows) = (cache.shape().to_vec(), cache.cast(DType::F32).to_vec::<f32>()?);
            let inner: usize = shape[axis + 1..].iter().product();
            let old = shape[*axis] * inner;
            shape[*axis] = length;
            let mut all = vec![0.0; shape.iter().product()];
            for (to, from) in all.chunks_exact_mut(length * inner).zip(rows.chunks_exact(old)) {
                to[..old].copy_from_slice(from);
            }
            Ok(Tensor::from_vec(&shape, all)?)
        };
        Ok(Caches(ports.caches.iter().zip(self.0).map(longer).collect::<Result<_, Error>>()?))
    }
}

/// A decoder with caches of one length, and what they hold.
struct Decoder {
    model: Model,
    ports: Ports,
    prepared: Prepared,
    network: CompiledNetwork,
    border_cycles: u64,
    real: Box<Executor>,
    caches: Caches,
    real_caches: Caches,
}

impl Decoder {
    fn new(
        mut model: Model,
        ports: Ports,
        prepared: Prepared,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Decoder, Error> {
        stage("compile");
        let passes =
            ediacara_compiler::Options { disable: options.run.disable.clone(), ..Default::default() };
        let network = compile(&prepared, &options.run.machine, &passes, HostOnly::Refused)?;
        let border_cycles = border_cycles(&network, &ports, &options.run.machine);
        let real = Box::new(Executor::new(&prepared.real, &ediacara_host::Options::default())?);
        let [caches, real_caches] = [(); 2].map(|()| Caches::empty(&model.graph, &ports));
        let (caches, real_caches) = (caches?, real_caches?);
        // Its weights would stay in memory beside the optimised ones.
        model.graph = Graph::default();
        Ok(Decoder { model, ports, prepared, network, border_cycles, real, caches, real_caches })
    }

    /// The decoder with empty caches of a length, in the scales of another.
    fn of_length(
        family: &Family,
        length: usize,
        like: &Prepared,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Decoder, Error> {
        stage("load");
        let model = (family.load)(length)?;
        let ports = ports(&model)?;
        let prepared = prepare_as(&model, like)?;
        Decoder::new(model, ports, prepared, options, stage)
    }

    /// The same decoder with longer caches, in the same scales.
    fn lengthened(
        self,
        family: &Family,
        length: usize,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Decoder, Error> {
        let Decoder { ports, prepared, caches, real_caches, .. } = self;
        let mut other = Decoder::of_length(family, length, &prepared, options, stage)?;
        other.caches = caches.lengthened(&ports, length)?;
        other.real_caches = real_caches.lengthened(&ports, length)?;
        Ok(other)
    }

    /// Runs one token, on the DLP and in f32 on the host.
    fn step(
        &mut self,
        position: usize,
        token: i64,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Step, Error> {
        let graph = &self.prepared.real;
        let inputs = self.caches.inputs(graph, &self.ports, position, token)?;
        let mut clock = Clock::new(stage);
        let run = pipeline::run_compiled(
            &self.model,
            &self.prepared,
            &self.network,
            &inputs,
            &options.run,
            &mut clock,
        )?;
        let outputs: Vec<Tensor> = run.outputs.into_iter().map(|(_, tensor)| tensor).collect();
        let real_inputs = self.real_caches.inputs(graph, &self.ports, position, token)?;
        let real = self.real.run(&real_inputs)?;
        self.caches.take(&self.ports, &outputs);
        self.real_caches.take(&self.ports, &real);
        let logits = |outputs: &[Tensor]| results::numbers(&outputs[self.ports.logits]).unwrap_or_default();
        let (found, expected) = (logits(&outputs), logits(&real));
        let chosen = |logits: &[f32]| results::largest(logits).unwrap_or(0) as i64;
        let report = run.report;
        Ok(Step {
            position,
            length: self.ports.length,
            token,
            next: chosen(&found),
            next_in_f32: chosen(&expected),
            sqnr_db: results::signal_to_noise(&found, &expected),
            cycles: report.dlp_cycles + report.host_cycles + self.border_cycles,
            border_cycles: self.border_cycles,
            report,
        })
    }
}

/// Cycles in which everything but the caches crosses the network's border.
fn border_cycles(network: &CompiledNetwork, ports: &Ports, machine: &Machine) -> u64 {
    let mut plan = network.plan.clone();
    let inputs = ports.caches.iter().map(|(past, ..)| plan.inputs[*past]);
    let outputs = ports.caches.iter().map(|(_, present, _)| plan.outputs[*present]);
    let caches: Vec<_> = inputs.chain(outputs).collect();
    plan.inputs.retain(|id| !caches.contains(id));
    plan.outputs.retain(|id| !caches.contains(id));
    plan::transfer_cycles(&plan, &machine.host)
}
