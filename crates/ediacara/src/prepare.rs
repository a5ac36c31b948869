//! A model in int8 or in floating point, ready to be compiled for any machine.

use std::collections::{BTreeMap, HashMap};

use ediacara_arch::Machine;
use ediacara_graph::rewrite::{Unrolled, unroll};
use ediacara_graph::{Graph, ValueId};
use ediacara_optimiser::{Calibration, Origin, Quantised};
use serde_json::{Map, Value};

use crate::calibration::{self, CalibrationSource, Samples};
use crate::stage::{Clock, Stage};
use crate::{Error, Model, Precision};

/// A network in int8, and the real one that it came from; or, in floating point, the real one alone.
///
/// It does not depend on the machine. Prepared once, a network can be compiled for many machines, and with
/// different passes left out.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The model's file or built-in name.
    pub name: String,
    /// The optimised real network, the reference for accuracy.
    pub real: Graph,
    /// What it computes in.
    pub precision: Precision,
    /// Nodes that compute in another precision, by name, each in floating point: in int8 networks alone.
    pub layers: BTreeMap<String, Precision>,
    /// The int8 network; in floating point the real one. [`Prepared::on`] gives the form that a machine runs.
    pub quantised: Graph,
    /// What became of the network's nodes.
    pub origins: Vec<Origin>,
    /// How it was quantised, in words.
    pub method: String,
    /// The inputs whose calibration samples were made up.
    pub seeded_inputs: Vec<String>,
    /// Whether its ranges are assumed, so that its values mean nothing.
    pub assumed: bool,
    /// Wall time of each stage, in seconds.
    pub wall_seconds: Map<String, Value>,
    ranges: Ranges,
}

impl Prepared {
    /// The network as a machine runs it, and what became of its nodes: with float lanes, real nodes between int8 ones
    /// are float instructions.
    ///
    /// # Errors
    /// The machine does not compute in the network's precision. A real node cannot be rewritten, which is a fault of a rule.
    pub fn on(&self, machine: &Machine) -> Result<(Graph, Vec<Origin>), Error> {
        if let Some(dtype) = self.precision.dtype() {
            let lanes = self.precision.lanes(machine)?;
            let Quantised { graph, origins, .. } =
                ediacara_optimiser::in_floating_point(&self.real, dtype, lanes)?;
            return Ok((graph, origins));
        }
        if !self.layers.is_empty() {
            return self.mixed(machine);
        }
        let nothing_is_real = self.origins.iter().all(|origin| origin.left.is_none());
        if machine.vector.float_lanes == 0 || nothing_is_real {
            return Ok((self.quantised.clone(), self.origins.clone()));
        }
        let Quantised { graph, origins, .. } = match &self.ranges {
            Ranges::Calibrated(ranges) => ediacara_optimiser::quantise_with_floats(&self.real, ranges)?,
            Ranges::Imported(ranges) => {
                ediacara_optimiser::import_qdq_with_floats(&self.real, ranges.as_ref())?
            }
        };
        Ok((graph, origins))
    }
}

impl Prepared {
    /// What it computes in, in words: `int8`, or `int8, and 3 layers in bf16`.
    pub fn computes_in(&self) -> String {
        let count = |precision: Precision| self.layers.values().filter(|&&other| other == precision).count();
        let counted = Precision::ALL.map(|precision| (precision, count(precision)));
        let others = counted.iter().filter(|(_, count)| *count > 0).map(|(precision, count)| {
            let layers = if *count == 1 { "layer" } else { "layers" };
            format!("{count} {layers} in {precision}")
        });
        let others: Vec<String> = others.collect();
        if others.is_empty() {
            self.precision.to_string()
        } else {
            format!("{}, and {}", self.precision, others.join(" and "))
        }
    }

    /// The network with these layers in floating point, by name, and all others in int8.
    pub fn with_layers(self, layers: BTreeMap<String, Precision>) -> Prepared {
        Prepared { layers, ..self }
    }

    /// The ranges of its values.
    ///
    /// # Errors
    /// It comes quantised, with scales of its own.
    pub(crate) fn ranges(&self) -> Result<&Calibration, Error> {
        match &self.ranges {
            Ranges::Calibrated(ranges) => Ok(ranges),
            Ranges::Imported(_) => Err(Error::Invalid(format!(
                "{}: it comes quantised, so that all its layers compute in int8: take the float original",
                self.name
            ))),
        }
    }

    /// The int8 network with some layers in floating point.
    fn mixed(&self, machine: &Machine) -> Result<(Graph, Vec<Origin>), Error> {
        let mut chosen = HashMap::new();
        for (name, precision) in &self.layers {
            precision.lanes(machine)?;
            chosen.extend(precision.dtype().map(|dtype| (name.clone(), dtype)));
        }
        let row_bytes = machine.matrix.rows as usize;
        let quantised = ediacara_optimiser::quantise_mixed(&self.real, self.ranges()?, &chosen, row_bytes)?;
        Ok((quantised.graph, quantised.origins))
    }
}

/// What a network's scales come from.
#[derive(Debug, Clone)]
enum Ranges {
    /// The ranges of its values.
    Calibrated(Calibration),
    /// Its own marks, and ranges of values that have none.
    Imported(Option<Calibration>),
}

/// Makes the model ready to compute in a precision: int8 as [`prepare`] does; floating point needs no calibration, and takes the network
/// as it is.
///
/// # Errors
/// As [`prepare`]. The network is quantised already, and floating point is wanted.
pub fn prepare_in(
    model: &Model,
    precision: Precision,
    calibration: &CalibrationSource,
    stage: Stage<'_>,
) -> Result<Prepared, Error> {
    if precision == Precision::Int8 {
        return prepare(model, calibration, stage);
    }
    check_frozen(&model.graph)?;
    let mut clock = Clock::new(stage);
    clock.begin("optimise");
    let real = ediacara_optimiser::optimise(model.graph.clone(), &ediacara_optimiser::Options::default())?;
    let unrolled = unroll(&real).map_err(ediacara_optimiser::OptimiserError::from)?;
    let real = unrolled.map_or(real, |unrolled| unrolled.graph);
    if ediacara_optimiser::is_qdq(&real) {
        return Err(Error::Invalid(format!(
            "{}: it comes quantised, so that it computes in int8: leave --precision {precision} out, or give the float original",
            model.name
        )));
    }
    Ok(Prepared {
        name: model.name.clone(),
        quantised: real.clone(),
        real,
        precision,
        layers: BTreeMap::new(),
        origins: Vec::new(),
        method: format!("none, computed in {precision}"),
        seeded_inputs: Vec::new(),
        assumed: false,
        wall_seconds: clock.finish(),
        ranges: Ranges::Imported(None),
    })
}

/// Makes the model int8: imports its own quantisation (QDQ), or calibrates and quantises.
///
/// # Errors
/// A parameter is an input; the graph cannot be optimised or quantised; a calibration sample cannot be read.
pub fn prepare(model: &Model, calibration: &CalibrationSource, stage: Stage<'_>) -> Result<Prepared, Error> {
    check_frozen(&model.graph)?;
    let mut clock = Clock::new(stage);
    clock.begin("optimise");
    let real = ediacara_optimiser::optimise(model.graph.clone(), &ediacara_optimiser::Options::default())?;
    let (real, classes) = match unroll(&real).map_err(ediacara_optimiser::OptimiserError::from)? {
        Some(Unrolled { graph, classes }) => (graph, classes),
        None => (real, Vec::new()),
    };
    if ediacara_optimiser::is_qdq(&real) {
        return prepare_quantised(model, (real, &classes), calibration, clock);
    }
    let assumed = matches!(calibration, CalibrationSource::Assumed);
    let (ranges, method, seeded_inputs) = if assumed {
        (Calibration::assumed_tied(&real, &classes), "assumed".to_owned(), Vec::new())
    } else {
        clock.begin("calibrate");
        let Samples { tensors, origin, seeded } = calibration::samples(model, &real, calibration)?;
        let ranges = Calibration::collect_tied(&real, tensors, &classes)?;
        let ranges = if seeded.is_empty() { ranges } else { ranges.of_made_up_samples() };
        (ranges, format!("min-max over {origin}"), seeded)
    };
    clock.begin("quantise");
    let Quantised { graph: quantised, origins, .. } = ediacara_optimiser::quantise(&real, &ranges)?;
    let name = model.name.clone();
    let wall_seconds = clock.finish();
    let ranges = Ranges::Calibrated(ranges);
    let precision = Precision::Int8;
    Ok(Prepared {
        name,
        real,
        precision,
        layers: BTreeMap::new(),
        quantised,
        origins,
        method,
        seeded_inputs,
        assumed,
        wall_seconds,
        ranges,
    })
}

/// Makes a network ready as another one was whose values have the same names, in the same scales: a decoder with caches of
/// another length.
///
/// # Errors
/// As [`prepare`]; the network has values that the other had not, or comes quantised.
pub(crate) fn prepare_as(model: &Model, other: &Prepared) -> Result<Prepared, Error> {
    let Ranges::Calibrated(ranges) = &other.ranges else {
        return prepare_in(model, other.precision, &CalibrationSource::Default, &mut |_| {});
    };
    let real = ediacara_optimiser::optimise(model.graph.clone(), &ediacara_optimiser::Options::default())?;
    let Quantised { graph: quantised, origins, .. } = ediacara_optimiser::quantise(&real, ranges)?;
    Ok(Prepared { real, quantised, origins, ranges: other.ranges.clone(), ..other.clone() })
}

/// Takes the network's own quantisation.
///
/// Where products and recurrences have no marks, samples that were given for calibration give their scales. Values of a
/// class are one value of a recurrence at different times.
fn prepare_quantised(
    model: &Model,
    (real, classes): (Graph, &[Vec<ValueId>]),
    source: &CalibrationSource,
    mut clock: Clock<'_>,
) -> Result<Prepared, Error> {
    clock.begin("quantise");
    let mut quantised = ediacara_optimiser::import_qdq(&real, None)?;
    let mut prepared = Prepared {
        name: model.name.clone(),
        real,
        precision: Precision::Int8,
        layers: BTreeMap::new(),
        quantised: Graph::default(),
        origins: Vec::new(),
        method: "imported (QDQ)".to_owned(),
        seeded_inputs: Vec::new(),
        assumed: false,
        wall_seconds: Map::new(),
        ranges: Ranges::Imported(None),
    };
    let given = matches!(source, CalibrationSource::Files(_) | CalibrationSource::Tensors(_));
    let recurs = !classes.is_empty();
    let is_missed = |origin: &Origin| origin.left.is_some() && (origin.macs > 0 || recurs);
    if given && quantised.origins.iter().any(is_missed) {
        clock.begin("calibrate");
        let Samples { tensors, origin, seeded } = calibration::samples(model, &prepared.real, source)?;
        let ranges = Calibration::collect_tied(&prepared.real, tensors, classes)?;
        clock.begin("quantise the rest");
        quantised = ediacara_optimiser::import_qdq(&prepared.real, Some(&ranges))?;
        prepared.method = format!("imported (QDQ), and min-max over {origin} where it has no marks");
        prepared.seeded_inputs = seeded;
        prepared.ranges = Ranges::Imported(Some(ranges));
    }
    Ok(Prepared {
        quantised: quantised.graph,
        origins: quantised.origins,
        wall_seconds: clock.finish(),
        ..prepared
    })
}

/// Refuses a graph whose weights are inputs, because weights are part of a program.
fn check_frozen(graph: &Graph) -> Result<(), Error> {
    let variables = graph.inputs().iter().filter(|&&input| graph.is_variable(input));
    let names: Vec<String> = variables.map(|&input| format!("`{}`", graph.value(input).name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.join(", ");
    Err(Error::Invalid(format!(
        "graph `{}` cannot be made int8: its parameters {names} are inputs; make them constants with `freeze` first",
        graph.name
    )))
}
