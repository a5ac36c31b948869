//! Decoding: one token after the other, with the keys and values of those before in caches.
//!
//! A decoder is a network that writes rows into caches where an input says (`tensor_scatter`): caches are its inputs and, with
//! the rows, its outputs. What it computes takes the time of its caches' length, so that short ones are used while there
//! are few tokens. A file that concatenates its rows to caches is rewritten so. Start reading at [`generate`].

mod growing;
mod ports;

use ediacara_arch::Machine;
use ediacara_data::Random;
use ediacara_graph::Graph;
use ediacara_host::Executor;
use ediacara_profile::RunReport;
use ediacara_tensor::Tensor;

use self::growing::Growing;
use self::ports::{Caches, Ports, ports};
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

/// Loads a network with axes of given sizes, each called `INPUT[AXIS]`, and others as they are by default.
pub type LoadSized<'a> = dyn Fn(&[(String, usize)]) -> Result<Model, Error> + 'a;

/// A decoder whose caches can have several lengths.
pub enum Family<'a> {
    /// Rows are written into caches of a fixed length.
    Placed {
        /// The network with caches for so many tokens.
        load: &'a dyn Fn(usize) -> Result<Model, Error>,
        /// The length that it has whatever is asked for, if it has only one.
        fixed: Option<usize>,
    },
    /// Rows are concatenated to caches, which grow.
    Growing {
        /// The network behind some number of tokens.
        load: &'a LoadSized<'a>,
    },
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
    /// The largest distance of the logits in f32 from those of the file itself, whose caches grow, as a part of its largest
    /// logit; nothing for a network whose caches have a fixed length.
    pub file_distance: Option<f32>,
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

/// The length of a decoder's caches; nothing if they grow with each token.
///
/// # Errors
/// The network is no decoder; the error says what it lacks and which ports it has.
pub fn length(model: &Model) -> Result<Option<usize>, Error> {
    match growing::is_growing(model) {
        true => Ok(None),
        false => Ok(Some(ports(model, Vec::new())?.length)),
    }
}

/// The networks of a family.
enum Networks<'a> {
    Placed(&'a dyn Fn(usize) -> Result<Model, Error>),
    Growing(Growing<'a>),
}

impl Networks<'_> {
    fn of<'a>(family: &Family<'a>) -> Result<Networks<'a>, Error> {
        Ok(match *family {
            Family::Placed { load, .. } => Networks::Placed(load),
            Family::Growing { load } => Networks::Growing(Growing::new(load)?),
        })
    }

    /// The network with caches for so many tokens, and its ports.
    fn network(&self, length: usize) -> Result<(Model, Ports), Error> {
        match self {
            Networks::Placed(load) => {
                let model = load(length)?;
                let ports = ports(&model, Vec::new())?;
                Ok((model, ports))
            }
            Networks::Growing(growing) => growing.placed(length),
        }
    }

    /// What a network is given for a token.
    fn inputs(
        &mut self,
        (graph, ports): (&Graph, &Ports),
        caches: &Caches,
        (position, token): (usize, i64),
    ) -> Result<Vec<Tensor>, Error> {
        let constants = match self {
            Networks::Placed(_) => Vec::new(),
            Networks::Growing(growing) => growing.constants(graph, ports, position)?,
        };
        caches.inputs(graph, ports, (position, token), &constants)
    }
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
    stage("load");
    let mut networks = Networks::of(family)?;
    let mut lengths = lengths(family, given);
    let longest = lengths.last().copied().unwrap_or(given);
    let (model, own) = match networks.network(longest) {
        // There may be no more positions than are needed.
        Err(error) if longest > given && matches!(networks, Networks::Growing(_)) => {
            lengths.last_mut().into_iter().for_each(|last| *last = given);
            networks.network(given).map_err(|_| error)?
        }
        found => found?,
    };
    let longest = own.length;
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
    let prepared = calibrated(&mut networks, &model, &own, options, stage)?;
    let mut decoder = match lengths.first() {
        Some(&first) if first < longest => {
            drop(model);
            Decoder::of_length(&networks, first, &prepared, options, stage)?
        }
        _ => Decoder::new(model, own, prepared, options, stage)?,
    };
    let mut generation =
        Generation { tokens: Vec::new(), steps: Vec::new(), method: decoder.prepared.method.clone() };
    for position in 0..given {
        let wanted = lengths.iter().copied().find(|&length| length > position).unwrap_or(longest);
        if wanted != decoder.ports.length {
            decoder = decoder.lengthened(&networks, wanted, options, stage)?;
        }
        let token = match options.prompt.get(position) {
            Some(&token) => token,
            None => generation.tokens[position - options.prompt.len()],
        };
        let step = decoder.step(&mut networks, (position, token), options, stage)?;
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
    if let Family::Placed { fixed: Some(fixed), .. } = *family {
        return vec![fixed];
    }
    let step = tokens.div_ceil(LENGTHS).max(LENGTHS);
    (1..=tokens.div_ceil(step)).map(|count| count * step).collect()
}

/// Makes the network ready, in int8 with ranges of a made-up sequence that the host decodes in f32.
fn calibrated(
    networks: &mut Networks<'_>,
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
        let inputs = networks.inputs((&model.graph, ports), &caches, (position, token))?;
        caches.take(ports, &executor.run(&inputs)?);
        samples.push(inputs);
    }
    let count = samples.len();
    let mut prepared = prepare_in(model, options.precision, &CalibrationSource::Tensors(samples), stage)?;
    prepared.method = format!("min-max over {count} made-up tokens, decoded in f32");
    Ok(prepared)
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
        networks: &Networks<'_>,
        length: usize,
        like: &Prepared,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Decoder, Error> {
        stage("load");
        let (model, ports) = networks.network(length)?;
        let prepared = prepare_as(&model, like)?;
        Decoder::new(model, ports, prepared, options, stage)
    }

    /// The same decoder with longer caches, in the same scales.
    fn lengthened(
        self,
        networks: &Networks<'_>,
        length: usize,
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Decoder, Error> {
        let Decoder { ports, prepared, caches, real_caches, .. } = self;
        let mut other = Decoder::of_length(networks, length, &prepared, options, stage)?;
        other.caches = caches.of_length(&ports, length)?;
        other.real_caches = real_caches.of_length(&ports, length)?;
        Ok(other)
    }

    /// Runs one token, on the DLP and in f32 on the host.
    fn step(
        &mut self,
        networks: &mut Networks<'_>,
        (position, token): (usize, i64),
        options: &DecodeOptions,
        stage: Stage<'_>,
    ) -> Result<Step, Error> {
        let graph = &self.prepared.real;
        let inputs = networks.inputs((graph, &self.ports), &self.caches, (position, token))?;
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
        let real_inputs = networks.inputs((graph, &self.ports), &self.real_caches, (position, token))?;
        let real = self.real.run(&real_inputs)?;
        let logits = |outputs: &[Tensor]| results::numbers(&outputs[self.ports.logits]).unwrap_or_default();
        let (found, expected) = (logits(&outputs), logits(&real));
        let file_distance = match networks {
            Networks::Placed(_) => None,
            Networks::Growing(growing) => {
                Some(growing.distance(&self.ports, &self.real_caches, (position, token), &expected)?)
            }
        };
        self.caches.take(&self.ports, &outputs);
        self.real_caches.take(&self.ports, &real);
        let chosen = |logits: &[f32]| results::largest(logits).unwrap_or(0) as i64;
        let report = run.report;
        Ok(Step {
            position,
            length: self.ports.length,
            token,
            next: chosen(&found),
            next_in_f32: chosen(&expected),
            sqnr_db: results::signal_to_noise(&found, &expected),
            file_distance,
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
