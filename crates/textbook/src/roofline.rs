//! Rooflines: what a machine's peak and its memories allow, and where networks and layers are under it.
//!
//! Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for multicore
//! architectures", 2009. A multiply-add is two operations.

use ediacara_arch::{ElementType, Machine};
use ediacara_plot::{Axis, Chart, Mark, Point, Series};
use ediacara_profile::RunReport;
use serde_json::{Value, json};

use crate::layers::Layer;

/// A limit that does not depend on the intensity.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// Unit and type.
    pub name: String,
    /// Operations a second.
    pub operations_per_second: f64,
}

/// A limit that is proportional to the intensity.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// Which bytes it counts.
    pub name: String,
    /// Bytes a second.
    pub bytes_per_second: f64,
}

/// The roofs of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Roofs {
    /// Compute units: the matrix unit in the type that networks are computed in, then the others.
    pub peaks: Vec<Peak>,
    /// Memories, DRAM first.
    pub slopes: Vec<Slope>,
    /// Bytes of an element of that type.
    pub element_bytes: u64,
}

impl Roofs {
    /// The roofs of a machine for networks that are computed in a type.
    ///
    /// Peaks are the matrix unit in each of its types, and the vector unit with a multiply-add for each lane. Slopes
    /// are DRAM, and what the matrix unit takes from NRAM and WRAM.
    pub fn of(machine: &Machine, ty: ElementType) -> Roofs {
        let clock = machine.chip.clock_hz as f64;
        let peak = |name: String, macs_per_cycle: f64| Peak {
            name,
            operations_per_second: 2.0 * macs_per_cycle * clock,
        };
        let matrix = |ty: &ElementType| {
            // A row of WRAM has as many elements as fit into its bytes.
            peak(
                format!("matrix {}", ty.name()),
                machine.peak_macs_per_cycle() as f64 / f64::from(ty.bytes()),
            )
        };
        let (own, others): (Vec<&ElementType>, Vec<_>) =
            machine.matrix.types.iter().partition(|other| **other == ty);
        let mut vector = vec![peak("vector int8".to_owned(), f64::from(machine.vector.lanes))];
        if machine.vector.float_lanes > 0 {
            vector.push(peak("vector f32".to_owned(), f64::from(machine.vector.float_lanes)));
        }
        if ty != ElementType::Int8 {
            vector.reverse();
        }
        let slope = |name: &str, bytes_per_cycle: f64| Slope {
            name: name.to_owned(),
            bytes_per_second: bytes_per_cycle * clock,
        };
        Roofs {
            peaks: own.into_iter().map(matrix).chain(vector).chain(others.into_iter().map(matrix)).collect(),
            slopes: vec![
                slope("DRAM", machine.dram.bytes_per_cycle.to_f64()),
                slope("NRAM to matrix", f64::from(machine.matrix.rows)),
                slope("WRAM to matrix", machine.row_bytes() as f64),
            ],
            element_bytes: u64::from(ty.bytes()),
        }
    }

    /// min(peak, intensity x DRAM bandwidth), in operations a second.
    pub fn attainable(&self, intensity: f64) -> f64 {
        let peak = self.peaks.first().map_or(0.0, |peak| peak.operations_per_second);
        let dram = self.slopes.first().map_or(0.0, |slope| slope.bytes_per_second);
        peak.min(intensity * dram)
    }

    /// min(peak of `matrix` or `vector`, intensity x DRAM bandwidth), in operations a second.
    fn attainable_by(&self, unit: &str, intensity: f64) -> f64 {
        let peak = self.peaks.iter().find(|peak| peak.name.starts_with(unit));
        peak.map_or(f64::INFINITY, |peak| peak.operations_per_second).min(self.attainable(intensity))
    }

    /// The intensity from which on the peak decides and DRAM no longer does.
    pub fn ridge(&self) -> f64 {
        let dram = self.slopes.first().map_or(1.0, |slope| slope.bytes_per_second);
        self.peaks.first().map_or(0.0, |peak| peak.operations_per_second) / dram
    }
}

/// A network or layer in the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The layer's name; for the whole, the network's.
    pub name: String,
    /// Operations for each byte of DRAM.
    pub intensity: f64,
    /// Operations a second.
    pub operations_per_second: f64,
    /// The operations a second that the roofs allow, at this intensity, to the unit that does them.
    pub attainable: f64,
}

/// A network and its layers: on paper, and simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// On paper every weight, the network's input and its output pass DRAM once, each as an element of the type.
    ///
    /// The performance is what the roof allows.
    pub analytic: Load,
    /// The layers on paper; their weights, inputs and outputs pass DRAM once.
    pub analytic_layers: Vec<Load>,
    /// The simulated network; nothing if it was not simulated.
    pub simulated: Option<Load>,
    /// The simulated layers that multiply.
    ///
    /// They count the operations of the unit that was busy longest, over the cycles that the layer occupies.
    pub simulated_layers: Vec<Load>,
}

impl Network {
    /// The network on paper.
    ///
    /// `border` is the number of elements of its inputs and outputs.
    pub fn analytic(name: &str, layers: &[Layer], border: u64, roofs: &Roofs) -> Network {
        let load = |name: &str, macs: u64, elements: u64| {
            let intensity = 2.0 * macs as f64 / (elements * roofs.element_bytes).max(1) as f64;
            let attainable = roofs.attainable(intensity);
            Load { name: name.to_owned(), intensity, operations_per_second: attainable, attainable }
        };
        let one = |layer: &Layer| {
            let inputs = layer.batch * layer.groups * layer.inputs * layer.image[0] * layer.image[1];
            load(&layer.name, layer.macs(), layer.weights() + inputs + layer.results())
        };
        let weights: u64 = layers.iter().map(Layer::weights).sum();
        Network {
            name: name.to_owned(),
            analytic: load(name, layers.iter().map(Layer::macs).sum(), weights + border),
            analytic_layers: layers.iter().map(one).collect(),
            simulated: None,
            simulated_layers: Vec::new(),
        }
    }

    /// The same network with the figures of its run.
    ///
    /// The whole counts the matrix unit's operations, or the vector unit's if the matrix unit has none.
    pub fn with_run(self, report: &RunReport, roofs: &Roofs) -> Network {
        let load = |name: &str, unit: &str, macs: u64, cycles: u64, bytes: u64| {
            let intensity = 2.0 * macs as f64 / bytes.max(1) as f64;
            Load {
                name: name.to_owned(),
                intensity,
                operations_per_second: 2.0 * macs as f64 * report.clock_hz as f64 / cycles.max(1) as f64,
                attainable: roofs.attainable_by(unit, intensity),
            }
        };
        let of_unit = |unit: &str, macs: u64, matrix_macs: u64| match unit {
            "vector" => macs - matrix_macs.min(macs),
            _ => matrix_macs,
        };
        let layers = report.layers.iter().map(|layer| {
            let macs = of_unit(layer.unit, layer.macs, layer.matrix_macs);
            load(&layer.name, layer.unit, macs, layer.occupied_cycles, layer.dram_bytes)
        });
        let matrix_macs: u64 = report.layers.iter().map(|layer| layer.matrix_macs).sum();
        let unit = if matrix_macs > 0 { "matrix" } else { "vector" };
        let macs = of_unit(unit, report.macs, matrix_macs);
        let bytes = report.dram_read_bytes + report.dram_write_bytes;
        Network {
            simulated: Some(load(&self.name, unit, macs, report.dlp_cycles, bytes)),
            simulated_layers: layers.filter(|load| load.operations_per_second > 0.0).collect(),
            ..self
        }
    }
}

/// The plot.
///
/// Roofs are lines, networks are named circles (simulated) and rings (on paper), their layers are dots.
pub fn chart(machine: &str, roofs: &Roofs, networks: &[Network]) -> Chart {
    let loads = networks.iter().flat_map(|network| {
        let layers = network.analytic_layers.iter().chain(&network.simulated_layers);
        layers.chain([&network.analytic]).chain(&network.simulated)
    });
    let intensities = loads.map(|load| load.intensity).chain([roofs.ridge()]);
    let (low, high) =
        intensities.fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(one), high.max(one)));
    let (low, high) = (low / 2.5, high * 2.5);
    let top = roofs.peaks.first().map_or(1.0, |peak| peak.operations_per_second) / 1e9;
    let bottom =
        networks.iter().flat_map(|network| network.simulated_layers.iter().chain([&network.analytic]));
    let bottom = bottom.map(|load| load.operations_per_second / 1e9).fold(top / 20.0, f64::min) / 2.0;
    let mut series = lines(roofs, low, high);
    for (index, network) in networks.iter().enumerate() {
        let colour = index + 1;
        let point = |load: &Load, name: &str| Point {
            x: load.intensity,
            y: load.operations_per_second / 1e9,
            name: name.to_owned(),
        };
        let mut add = |name: String, mark: Mark, points: Vec<Point>| {
            if !points.is_empty() {
                series.push(Series { name, mark, colour, points });
            }
        };
        let layers = match network.simulated_layers.as_slice() {
            [] => &network.analytic_layers,
            layers => layers,
        };
        let dots = layers.iter().map(|load| point(load, "")).collect();
        add(String::new(), Mark::Dots, dots);
        let label = if network.simulated.is_none() { network.name.as_str() } else { "" };
        add(format!("{} on paper", network.name), Mark::Rings, vec![point(&network.analytic, label)]);
        let simulated = network.simulated.iter().map(|load| point(load, &network.name)).collect();
        add(format!("{} simulated", network.name), Mark::Circles, simulated);
    }
    Chart {
        title: format!("Roofline of {machine}: networks as circles, their layers as dots"),
        x: Axis::log10("operations for each byte of DRAM").range(low, high),
        y: Axis::log10("10^9 operations a second").range(bottom, top * 2.5),
        series,
    }
}

/// The roofs from `low` to `high`: the first peak under DRAM as one line, the others dashed.
fn lines(roofs: &Roofs, low: f64, high: f64) -> Vec<Series> {
    let ridge = roofs.ridge().clamp(low, high);
    let roof = [low, ridge, high].map(|x| Point::from((x, roofs.attainable(x) / 1e9)));
    let dram = roofs.slopes.first().map_or(0.0, |slope| slope.bytes_per_second);
    let (alike, others): (Vec<&Slope>, Vec<&Slope>) =
        roofs.slopes.iter().partition(|slope| slope.bytes_per_second == dram);
    let alike: Vec<&str> = alike.iter().map(|slope| slope.name.as_str()).collect();
    let peak = roofs.peaks.first().map_or("", |peak| &peak.name);
    let name = format!("{peak} under {}", alike.join(" and "));
    let mut series = vec![Series { name, mark: Mark::Line, colour: 0, points: roof.to_vec() }];
    let dashed = |name: &str, points: Vec<Point>| Series {
        name: name.to_owned(),
        mark: Mark::Dashed,
        colour: 0,
        points,
    };
    let named = |x: f64, y: f64, name: &str| Point { x, y, name: name.to_owned() };
    for peak in roofs.peaks.iter().skip(1) {
        let y = peak.operations_per_second / 1e9;
        series.push(dashed(
            "",
            vec![Point::from((low, y)), named(high / 2.0, y, &peak.name), Point::from((high, y))],
        ));
    }
    for slope in others {
        let at = |x: f64| x * slope.bytes_per_second / 1e9;
        let top = roofs.peaks.first().map_or(0.0, |peak| peak.operations_per_second) / 1e9;
        let end = (top / slope.bytes_per_second * 1e9).clamp(low, high);
        let middle = (low * end).sqrt();
        let points = vec![
            Point::from((low, at(low))),
            named(middle, at(middle), &slope.name),
            Point::from((end, at(end))),
        ];
        series.push(dashed("", points));
    }
    series
}

/// The roofs and the networks for other tools.
pub fn to_json(machine: &str, roofs: &Roofs, networks: &[Network]) -> Value {
    let load = |load: &Load| {
        json!({
            "name": load.name,
            "operations_per_byte": load.intensity,
            "operations_per_second": load.operations_per_second,
            "share_of_attainable": load.operations_per_second / load.attainable.max(f64::MIN_POSITIVE),
        })
    };
    let peak =
        |peak: &Peak| json!({ "name": peak.name, "operations_per_second": peak.operations_per_second });
    let slope = |slope: &Slope| json!({ "name": slope.name, "bytes_per_second": slope.bytes_per_second });
    json!({
        "machine": machine,
        "ridge_operations_per_byte": roofs.ridge(),
        "peaks": roofs.peaks.iter().map(peak).collect::<Vec<_>>(),
        "bandwidths": roofs.slopes.iter().map(slope).collect::<Vec<_>>(),
        "networks": networks.iter().map(|network| json!({
            "name": network.name,
            "analytic": load(&network.analytic),
            "simulated": network.simulated.as_ref().map(load),
            "analytic_layers": network.analytic_layers.iter().map(load).collect::<Vec<_>>(),
            "simulated_layers": network.simulated_layers.iter().map(load).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
