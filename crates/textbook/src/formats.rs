//! Number formats: what int8, f16 and bf16 leave of the weights and values of a network.
//!
//! Every tensor is stored in a format and read back. Its signal-to-quantisation-noise ratio (SQNR) is
//! 10 log10(sum of x^2 / sum of (x - stored x)^2) decibels. The error beside the magnitude shows why: a
//! floating-point format errs by a share of each number, an integer format by a share of the largest.

use std::collections::BTreeMap;

use ediacara_graph::ops::{Conv, Gemm, MatMul};
use ediacara_graph::{DType, Graph, GraphError, NodeId, Tensor};
use ediacara_plot::{Axis, Chart, Mark, Panels, Point, Series};
use serde_json::{Value, json};

/// A way to store a real number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 8-bit integers with one scale a tensor.
    Int8,
    /// 8-bit integers with one scale an output channel, for weights.
    Int8PerChannel,
    /// IEEE 754 binary16.
    F16,
    /// bfloat16.
    Bf16,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Int8, Format::Int8PerChannel, Format::F16, Format::Bf16];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Format::Int8 => "int8",
            Format::Int8PerChannel => "int8, a scale a channel",
            Format::F16 => "f16",
            Format::Bf16 => "bf16",
        }
    }
}

/// What numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Weights of convolutions and products: int8 is symmetric, with zero at 0.
    Weights,
    /// What layers are given and give: int8 spans least to largest, zero included.
    Values,
}

impl Kind {
    /// Both.
    pub const ALL: [Kind; 2] = [Kind::Weights, Kind::Values];

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Weights => "weights",
            Kind::Values => "values",
        }
    }

    /// The formats that are compared: values have no scale a channel, because sums run over channels.
    pub fn formats(self) -> impl Iterator<Item = Format> {
        Format::ALL
            .into_iter()
            .filter(move |format| self == Kind::Weights || *format != Format::Int8PerChannel)
    }
}

/// What a format leaves of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Sum of squares of the numbers.
    pub signal: f64,
    /// Sum of squares of the errors.
    pub noise: f64,
    /// Numbers other than 0 that become 0.
    pub lost: u64,
}

impl Errors {
    /// The signal-to-quantisation-noise ratio in decibels; infinite without noise.
    pub fn decibels(&self) -> f64 {
        10.0 * (self.signal / self.noise).log10()
    }
}

/// One tensor in one format.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The tensor.
    pub name: String,
    /// Its numbers.
    pub elements: u64,
    /// What the format leaves of them.
    pub errors: Errors,
}

/// The numbers of one power of two, 2^e <= |x| < 2^(e+1), in one format.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Octave {
    /// How many there are.
    pub count: u64,
    /// Sum of squares of error over number.
    pub squares: f64,
}

impl Octave {
    /// The root of the mean square of error over number.
    pub fn error(&self) -> f64 {
        (self.squares / self.count as f64).sqrt()
    }
}

/// The tensors of one kind in one format.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What the numbers are.
    pub kind: Kind,
    /// How they are stored.
    pub format: Format,
    /// Each tensor, in the order of the network.
    pub tensors: Vec<Stored>,
    /// By the exponent e, all tensors together.
    pub octaves: BTreeMap<i32, Octave>,
}

/// The weights and values of a network in every format.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// The network's name.
    pub network: String,
    /// Every kind in every format.
    pub entries: Vec<Entry>,
}

/// A line of the table: the tensors of one kind in one format, in decibels of SQNR.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the numbers are.
    pub kind: Kind,
    /// How they are stored.
    pub format: Format,
    /// Of the tensor in the middle, the lower of two.
    pub median: f64,
    /// Of the tensor with the lowest.
    pub lowest: f64,
    /// The name of that tensor.
    pub lowest_of: String,
    /// The share of numbers other than 0 that become 0.
    pub lost: f64,
}

impl Study {
    /// Of the weights of a network; values come by [`Study::add`].
    ///
    /// # Errors
    /// A weight has no elements of f32, which is a fault of the graph.
    pub fn of_weights(network: &str, graph: &Graph) -> Result<Study, GraphError> {
        let entry =
            |kind: Kind, format| Entry { kind, format, tensors: Vec::new(), octaves: BTreeMap::new() };
        let entries =
            Kind::ALL.into_iter().flat_map(|kind| kind.formats().map(move |format| entry(kind, format)));
        let mut study = Study { network: network.to_owned(), entries: entries.collect() };
        for id in graph.order() {
            if let Some((name, weights, channels)) = weights(graph, id) {
                study.add(Kind::Weights, name, weights, channels)?;
            }
        }
        Ok(study)
    }

    /// Adds a tensor, whose output channels are its axis `channels`; tensors that are not f32, or all 0, are left out.
    ///
    /// # Errors
    /// The tensor's elements cannot be read.
    pub fn add(
        &mut self,
        kind: Kind,
        name: &str,
        tensor: &Tensor,
        channels: usize,
    ) -> Result<(), GraphError> {
        if tensor.dtype() != DType::F32 {
            return Ok(());
        }
        let read = |tensor: &Tensor| {
            tensor.to_vec::<f32>().map_err(|source| GraphError::Tensor { value: name.to_owned(), source })
        };
        let numbers = read(tensor)?;
        if numbers.iter().all(|&number| number == 0.0) {
            return Ok(());
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.kind == kind) {
            let stored = match entry.format {
                Format::Int8 => int8(kind, &numbers),
                Format::Int8PerChannel => int8_per_channel(&numbers, tensor.shape(), channels),
                Format::F16 => read(&tensor.cast(DType::F16).cast(DType::F32))?,
                Format::Bf16 => read(&tensor.cast(DType::BF16).cast(DType::F32))?,
            };
            entry.add(name, &numbers, &stored);
        }
        Ok(())
    }

    /// The table: every kind in every format of which there are tensors.
    pub fn rows(&self) -> Vec<Row> {
        self.entries.iter().filter_map(Entry::row).collect()
    }
}

/// The weights of a convolution or product, with their name and the axis of their output channels.
fn weights(graph: &Graph, id: NodeId) -> Option<(&str, &Tensor, usize)> {
    let node = graph.node(id);
    let value = *node.inputs.get(1)?;
    let tensor = graph.constant(value)?;
    let last = tensor.rank().checked_sub(1)?;
    let channels = if node.op_as::<Conv>().is_some() || node.op_as::<Gemm>().is_some() {
        0
    } else {
        node.op_as::<MatMul>().map(|_| last)?
    };
    Some((&node.name, tensor, channels))
}

impl Entry {
    fn add(&mut self, name: &str, numbers: &[f32], stored: &[f32]) {
        let mut errors = Errors::default();
        for (&number, &stored) in numbers.iter().zip(stored) {
            let (exact, error) = (f64::from(number), f64::from(number) - f64::from(stored));
            errors.signal += exact * exact;
            errors.noise += error * error;
            if number != 0.0 {
                errors.lost += u64::from(stored == 0.0);
                let octave = self.octaves.entry(exact.abs().log2().floor() as i32).or_default();
                octave.count += 1;
                octave.squares += (error / exact) * (error / exact);
            }
        }
        self.tensors.push(Stored { name: name.to_owned(), elements: numbers.len() as u64, errors });
    }

    /// Numbers other than 0.
    fn count(&self) -> u64 {
        self.octaves.values().map(|octave| octave.count).sum()
    }

    fn row(&self) -> Option<Row> {
        let mut order: Vec<&Stored> = self.tensors.iter().collect();
        order.sort_by(|a, b| a.errors.decibels().total_cmp(&b.errors.decibels()));
        let lowest = order.first()?;
        let lost: u64 = self.tensors.iter().map(|tensor| tensor.errors.lost).sum();
        Some(Row {
            kind: self.kind,
            format: self.format,
            median: order[(order.len() - 1) / 2].errors.decibels(),
            lowest: lowest.errors.decibels(),
            lowest_of: lowest.name.clone(),
            lost: lost as f64 / self.count() as f64,
        })
    }
}

/// Numbers as 8-bit integers with one scale: symmetric to 127 for weights, from least to largest for values.
fn int8(kind: Kind, numbers: &[f32]) -> Vec<f32> {
    let low = numbers.iter().copied().fold(0.0, f32::min);
    let high = numbers.iter().copied().fold(0.0, f32::max);
    let (scale, zero, least) = match kind {
        Kind::Weights => (high.max(-low) / 127.0, 0.0, -127.0),
        Kind::Values => {
            let scale = (high - low) / 255.0;
            (scale, (-128.0 - low / scale).round_ties_even(), -128.0)
        }
    };
    if scale == 0.0 {
        return vec![0.0; numbers.len()];
    }
    let stored = |number: &f32| ((number / scale).round_ties_even() + zero).clamp(least, 127.0);
    numbers.iter().map(|number| (stored(number) - zero) * scale).collect()
}

/// Weights as 8-bit integers with one scale for each index of an axis.
fn int8_per_channel(numbers: &[f32], shape: &[usize], axis: usize) -> Vec<f32> {
    let inner: usize = shape[axis + 1..].iter().product();
    let channel = |index: usize| index / inner % shape[axis];
    let mut largest = vec![0_f32; shape[axis]];
    for (index, number) in numbers.iter().enumerate() {
        largest[channel(index)] = largest[channel(index)].max(number.abs());
    }
    let stored = |(index, number): (usize, &f32)| {
        let scale = largest[channel(index)] / 127.0;
        if scale == 0.0 { 0.0 } else { (number / scale).round_ties_even().clamp(-127.0, 127.0) * scale }
    };
    numbers.iter().enumerate().map(stored).collect()
}

/// The error beside the magnitude, and the SQNR of each tensor; weights above, values below.
pub fn panels(study: &Study) -> Panels {
    let charts = Kind::ALL.into_iter().flat_map(|kind| {
        let entries: Vec<&Entry> = study.entries.iter().filter(|entry| entry.kind == kind).collect();
        [by_magnitude(kind, &entries), by_tensor(kind, &entries)]
    });
    let title = format!("Number formats on {}", study.network);
    Panels { title, columns: 2, charts: charts.collect() }
}

/// A number to three digits, so that the picture does not depend on how a platform rounds sums.
fn drawn(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

fn colour(format: Format) -> usize {
    Format::ALL.iter().position(|other| *other == format).unwrap_or_default()
}

/// For each power of two, the root of the mean square of error over number; dashed, the share of numbers there.
fn by_magnitude(kind: Kind, entries: &[&Entry]) -> Chart {
    let middle = |exponent: i32| (f64::from(exponent) + 0.5).exp2();
    let line = |entry: &&Entry| Series {
        name: entry.format.name().to_owned(),
        mark: Mark::Line,
        colour: colour(entry.format),
        points: entry
            .octaves
            .iter()
            .map(|(&exponent, octave)| (middle(exponent), drawn(octave.error())).into())
            .collect(),
    };
    let mut series: Vec<Series> = entries.iter().map(line).collect();
    series.extend(entries.first().map(|entry| {
        let share = |octave: &Octave| octave.count as f64 / entry.count() as f64;
        let points = entry.octaves.iter().map(|(&exponent, octave)| (middle(exponent), drawn(share(octave))));
        Series {
            name: "share of the numbers".to_owned(),
            mark: Mark::Dashed,
            colour: Format::ALL.len(),
            points: points.map(Point::from).collect(),
        }
    }));
    Chart {
        title: format!("{}: relative error beside the magnitude", kind.name()),
        x: Axis::log2("").range(2_f64.powi(-20), 2_f64.powi(8)),
        y: Axis::log10("").range(1e-5, 2.0),
        series,
    }
}

/// The SQNR of each tensor, in the order of the network.
fn by_tensor(kind: Kind, entries: &[&Entry]) -> Chart {
    let line = |entry: &&Entry| {
        let points = (1_u32..).zip(&entry.tensors);
        let points =
            points.map(|(number, tensor)| (f64::from(number), drawn(tensor.errors.decibels())).into());
        let colour = colour(entry.format);
        Series { name: String::new(), mark: Mark::Line, colour, points: points.collect() }
    };
    Chart {
        title: format!("{}: SQNR of each tensor in dB", kind.name()),
        x: Axis::linear(""),
        y: Axis::linear("").range(0.0, 90.0),
        series: entries.iter().map(line).collect(),
    }
}

/// The table, each tensor's SQNR and each octave's error; an infinite SQNR is null.
pub fn to_json(study: &Study) -> Value {
    let one = |entry: &Entry| {
        let tensor = |tensor: &Stored| {
            json!([tensor.name, tensor.elements, tensor.errors.decibels(), tensor.errors.lost])
        };
        let octave = |(exponent, octave): (&i32, &Octave)| json!([exponent, octave.count, octave.error()]);
        let row = entry.row();
        json!({
            "numbers": entry.kind.name(),
            "format": entry.format.name(),
            "sqnr_median_db": row.as_ref().map(|row| row.median),
            "sqnr_lowest_db": row.as_ref().map(|row| row.lowest),
            "sqnr_lowest_of": row.as_ref().map(|row| &row.lowest_of),
            "lost_share": row.as_ref().map(|row| row.lost),
            "tensors": entry.tensors.iter().map(tensor).collect::<Vec<_>>(),
            "octaves": entry.octaves.iter().map(octave).collect::<Vec<_>>(),
        })
    };
    json!({
        "network": study.network,
        "columns": { "tensors": ["name", "elements", "sqnr_db", "lost"], "octaves": ["exponent", "count", "relative_error"] },
        "formats": study.entries.iter().map(one).collect::<Vec<_>>(),
    })
}
