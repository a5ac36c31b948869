//! Activation functions: their values and derivatives, and what is known of their ranges.
//!
//! The operators themselves compute the curves, eagerly and in f64; their gradients give the derivatives. The
//! ranges come from analysis; tests hold the curves against them.

use std::fmt;

use ediacara_autodiff::Tape;
use ediacara_graph::ops::{Concat, Relu, Reshape, Sigmoid, Slice, Tanh};
use ediacara_graph::{Emit, GraphError, OpError, Tensor, ValueId};
use ediacara_nn::functional;
use ediacara_plot::{Axis, Chart, Mark, Panels, Point, Series};
use serde_json::{Value, json};

/// The slope of the negative side of PReLU before training.
const SLOPE: f64 = 0.25;

/// The kind of an end of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// A value that is taken.
    Reached(f64),
    /// A value that is approached.
    Approached(f64),
    /// There is none.
    Unbounded,
}

impl End {
    /// The number, if there is one.
    pub fn bound(self) -> Option<f64> {
        match self {
            End::Reached(bound) | End::Approached(bound) => Some(bound),
            End::Unbounded => None,
        }
    }
}

/// The numbers between two ends.
///
/// It displays as `(-1, 1]` or `[0, inf)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: End,
    /// The upper end.
    pub high: End,
}

impl fmt::Display for Interval {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |bound: f64| format!("{bound:.4}").trim_end_matches('0').trim_end_matches('.').to_owned();
        match self.low {
            End::Reached(bound) => write!(formatter, "[{}, ", number(bound))?,
            End::Approached(bound) => write!(formatter, "({}, ", number(bound))?,
            End::Unbounded => write!(formatter, "(-inf, ")?,
        }
        match self.high {
            End::Reached(bound) => write!(formatter, "{}]", number(bound)),
            End::Approached(bound) => write!(formatter, "{})", number(bound)),
            End::Unbounded => write!(formatter, "inf)"),
        }
    }
}

/// Whether positive and negative values balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// f(-x) = -f(x).
    Zero,
    /// Values have both signs, but do not balance.
    NearZero,
    /// No value is negative.
    Positive,
}

impl Centre {
    /// The answer to "is it zero-centred?".
    pub fn name(self) -> &'static str {
        match self {
            Centre::Zero => "yes",
            Centre::NearZero => "nearly",
            Centre::Positive => "no",
        }
    }
}

/// Where the derivative tends to 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saturation {
    /// For large and for small x.
    BothSides,
    /// For small x.
    LeftSide,
    /// Nowhere.
    Nowhere,
}

impl Saturation {
    /// The answer to "does it saturate?".
    pub fn name(self) -> &'static str {
        match self {
            Saturation::BothSides => "both sides",
            Saturation::LeftSide => "left side",
            Saturation::Nowhere => "no",
        }
    }
}

/// An activation function and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Activation {
    /// Its name.
    pub name: &'static str,
    /// What it computes.
    pub formula: &'static str,
    /// Its values.
    pub value: Interval,
    /// The values of its derivative.
    pub derivative: Interval,
    /// Whether it is zero-centred.
    pub centre: Centre,
    /// Whether its gradient vanishes.
    pub saturation: Saturation,
    apply: fn(&mut dyn Emit, ValueId) -> Result<ValueId, OpError>,
}

/// A point of an activation's curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Where.
    pub x: f64,
    /// The function's value there.
    pub value: f64,
    /// The derivative there; at a kink, that of the left side.
    pub derivative: f64,
}

const fn interval(low: End, high: End) -> Interval {
    Interval { low, high }
}

const SIGMOID: Activation = Activation {
    name: "sigmoid",
    formula: "1 / (1 + exp(-x))",
    value: interval(End::Approached(0.0), End::Approached(1.0)),
    derivative: interval(End::Approached(0.0), End::Reached(0.25)),
    centre: Centre::Positive,
    saturation: Saturation::BothSides,
    apply: |emit, x| emit.one(Sigmoid, &[x]),
};

/// The activations of the textbook.
///
/// GELU's lower bound is its value at -0.7518, where its derivative is 0. The bounds of its derivative are
/// those at -sqrt(2) and sqrt(2), where the second derivative is 0.
pub const ACTIVATIONS: &[Activation] = &[
    SIGMOID,
    Activation {
        name: "tanh",
        formula: "(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        value: interval(End::Approached(-1.0), End::Approached(1.0)),
        derivative: interval(End::Approached(0.0), End::Reached(1.0)),
        centre: Centre::Zero,
        saturation: Saturation::BothSides,
        apply: |emit, x| emit.one(Tanh, &[x]),
    },
    Activation {
        name: "ReLU",
        formula: "max(x, 0)",
        value: interval(End::Reached(0.0), End::Unbounded),
        derivative: interval(End::Reached(0.0), End::Reached(1.0)),
        centre: Centre::Positive,
        saturation: Saturation::LeftSide,
        apply: |emit, x| emit.one(Relu, &[x]),
    },
    Activation {
        name: "PReLU",
        formula: "x if x > 0, else a x; a = 0.25",
        value: interval(End::Unbounded, End::Unbounded),
        derivative: interval(End::Reached(SLOPE), End::Reached(1.0)),
        centre: Centre::NearZero,
        saturation: Saturation::Nowhere,
        apply: |emit, x| {
            let slope = emit.constant(Tensor::scalar(SLOPE));
            functional::prelu(emit, x, slope)
        },
    },
    Activation {
        name: "ELU",
        formula: "x if x > 0, else exp(x) - 1",
        value: interval(End::Approached(-1.0), End::Unbounded),
        derivative: interval(End::Approached(0.0), End::Reached(1.0)),
        centre: Centre::NearZero,
        saturation: Saturation::LeftSide,
        apply: |emit, x| functional::elu(emit, x, 1.0),
    },
    Activation {
        name: "GELU",
        formula: "x / 2 (1 + erf(x / sqrt(2)))",
        value: interval(End::Reached(-0.169_971_207_479_903_66), End::Unbounded),
        derivative: interval(End::Reached(-0.128_904_145_185_154_78), End::Reached(1.128_904_145_185_154_8)),
        centre: Centre::NearZero,
        saturation: Saturation::LeftSide,
        apply: functional::gelu,
    },
    Activation {
        name: "softmax",
        formula: "exp(x) / (exp(x) + exp(0))",
        apply: softmax_of_two,
        // Divided by exp(x), the formula becomes the sigmoid's.
        ..SIGMOID
    },
];

/// The first of the two results for inputs x and 0.
fn softmax_of_two(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let count = emit.ty(x).elements();
    let column = emit.one(Reshape { shape: vec![count, 1] }, &[x])?;
    let zeros = emit.ty(column).zeros().map_err(|source| OpError::Tensor { op: "softmax", source })?;
    let zeros = emit.constant(zeros);
    let pairs = emit.one(Concat { axis: 1 }, &[column, zeros])?;
    let shares = functional::softmax(emit, pairs, 1)?;
    let first = emit.one(Slice::along(&[count, 2], 1, 0, 1), &[shares])?;
    emit.one(Reshape { shape: vec![count] }, &[first])
}

impl Activation {
    /// Values and derivatives at `x`, by the operators and their gradients.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn samples(&self, x: &[f64]) -> Result<Vec<Sample>, GraphError> {
        let at = |source| GraphError::Op { node: self.name.to_owned(), source: Box::new(source) };
        let tensor_error = |source| GraphError::Tensor { value: self.name.to_owned(), source };
        let mut tape = Tape::new();
        let points = Tensor::from_vec(&[x.len()], x.to_vec()).map_err(tensor_error)?;
        let input = tape.value("x", points);
        let value = (self.apply)(&mut tape, input).map_err(at)?;
        let derivative = tape.gradients(value, &[input])?[0];
        let numbers = |value| tape.tensor(value).to_vec::<f64>().map_err(tensor_error);
        let (values, derivatives) = (numbers(value)?, numbers(derivative)?);
        let sample = |((&x, value), derivative)| Sample { x, value, derivative };
        Ok(x.iter().zip(values).zip(derivatives).map(sample).collect())
    }
}

/// The places that are drawn: -4 to 4 in steps of 1/20.
///
/// One more place lies just right of 0, so that a jump of the derivative is upright.
fn places() -> Vec<f64> {
    let mut places: Vec<f64> = (-80..=80).map(|step| f64::from(step) / 20.0).collect();
    places.insert(81, 1e-9);
    places
}

/// A panel for each activation, with its value and its derivative.
///
/// # Errors
/// As [`Activation::samples`].
pub fn panels() -> Result<Panels, GraphError> {
    let chart = |activation: &Activation| {
        let samples = activation.samples(&places())?;
        let line = |name: &str, mark: Mark, colour: usize, y: fn(&Sample) -> f64| Series {
            name: name.to_owned(),
            mark,
            colour,
            points: samples.iter().map(|sample| Point::from((sample.x, y(sample)))).collect(),
        };
        Ok(Chart {
            title: activation.name.to_owned(),
            x: Axis::linear("").range(-4.0, 4.0),
            y: Axis::linear("").range(-1.5, 2.5),
            series: vec![
                line("value", Mark::Line, 0, |sample| sample.value),
                line("derivative", Mark::Dashed, 1, |sample| sample.derivative),
            ],
        })
    };
    let charts = ACTIVATIONS.iter().map(chart).collect::<Result<Vec<Chart>, GraphError>>()?;
    let title = "Activation functions; softmax is over two inputs, x and 0".to_owned();
    Ok(Panels { title, columns: 3, charts })
}

/// What is known of each activation, and points of its curve, as `[x, value, derivative]`.
///
/// # Errors
/// As [`Activation::samples`].
pub fn to_json() -> Result<Value, GraphError> {
    let ends = |interval: &Interval| {
        let reached = |end: End| matches!(end, End::Reached(_));
        json!({
            "text": interval.to_string(),
            "low": interval.low.bound(),
            "low_reached": reached(interval.low),
            "high": interval.high.bound(),
            "high_reached": reached(interval.high),
        })
    };
    let one = |activation: &Activation| {
        let points: Vec<[f64; 3]> = activation
            .samples(&places())?
            .iter()
            .map(|sample| [sample.x, sample.value, sample.derivative])
            .collect();
        Ok(json!({
            "name": activation.name,
            "formula": activation.formula,
            "value": ends(&activation.value),
            "derivative": ends(&activation.derivative),
            "zero_centred": activation.centre.name(),
            "saturates": activation.saturation.name(),
            "points": points,
        }))
    };
    Ok(json!({ "activations": ACTIVATIONS.iter().map(one).collect::<Result<Vec<Value>, GraphError>>()? }))
}
