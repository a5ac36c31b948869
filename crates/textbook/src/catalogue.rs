//! Accelerators that can or could be bought or rented, with a source for every figure: `accelerators.toml`.

use std::collections::BTreeMap;

use ediacara_plot::{Axis, Chart, Mark, Point, Series};
use serde::{Deserialize, Serialize};

const TEXT: &str = include_str!("../accelerators.toml");

/// An accelerator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    /// The product.
    pub name: String,
    /// The maker.
    pub maker: String,
    /// The year in which it was announced or deployed.
    pub year: u32,
    /// Process in nanometres, as its maker names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_nm: Option<u32>,
    /// Watts, as the source states them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_watts: Option<f64>,
    /// Bandwidth of the memory beside the chip, 10^9 bytes a second.
    pub bandwidth_gbytes_per_second: f64,
    /// Peak by type for dense operands, 10^12 operations a second.
    pub peak: BTreeMap<String, f64>,
    /// Where the figures come from.
    pub source: String,
}

/// The types, from the widest on, for tables.
pub const TYPES: [&str; 8] = ["fp32", "tf32", "bf16", "fp16", "int16", "fp8", "int8", "int4"];

impl Accelerator {
    /// The type that is quoted for inference, and its peak.
    ///
    /// It is int8 if there is one, else the faster of fp16 and bf16.
    pub fn inference_peak(&self) -> Option<(&'static str, f64)> {
        let peak = |ty: &'static str| Some((ty, *self.peak.get(ty)?));
        let floating = [peak("fp16"), peak("bf16")].into_iter().flatten();
        peak("int8").or_else(|| floating.max_by(|one, other| one.1.total_cmp(&other.1)))
    }

    /// 10^12 operations a second and watt.
    pub fn efficiency(&self) -> Option<f64> {
        Some(self.inference_peak()?.1 / self.power_watts?)
    }
}

/// All of them, in the order of the file.
///
/// # Errors
/// The file that is built in is damaged, which a test excludes.
pub fn accelerators() -> Result<Vec<Accelerator>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        accelerator: Vec<Accelerator>,
    }
    let file: File = toml::from_str(TEXT).map_err(|error| format!("accelerators.toml: {error}"))?;
    Ok(file.accelerator)
}

/// Peak against bandwidth, with one colour for each type.
pub fn bandwidth_chart(accelerators: &[Accelerator]) -> Chart {
    let series = ["int8", "bf16", "fp16"].into_iter().enumerate().map(|(colour, ty)| {
        let own = accelerators
            .iter()
            .filter_map(|one| one.inference_peak().filter(|peak| peak.0 == ty).map(|peak| (one, peak.1)));
        let point = |(one, peak): (&Accelerator, f64)| Point {
            x: one.bandwidth_gbytes_per_second,
            y: peak,
            name: one.name.clone(),
        };
        let points: Vec<Point> = own.map(point).collect();
        Series { name: format!("{ty} peak"), mark: Mark::Circles, colour, points }
    });
    let mut series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    for (ratio, label) in [(100.0, "100 operations a byte"), (1000.0, "1,000 operations a byte")] {
        let at = |x: f64| Point::from((x, x * ratio / 1000.0));
        series.insert(
            0,
            Series {
                name: label.to_owned(),
                mark: Mark::Dashed,
                colour: 4 + usize::from(ratio > 500.0),
                points: vec![at(20.0), at(10_000.0)],
            },
        );
    }
    Chart {
        title: "Accelerators: peak against memory bandwidth".to_owned(),
        x: Axis::log10("memory bandwidth, 10^9 bytes a second").range(20.0, 10_000.0),
        y: Axis::log10("peak, 10^12 operations a second").range(20.0, 5_000.0),
        series,
    }
}

/// Operations a joule against the year.
pub fn efficiency_chart(accelerators: &[Accelerator]) -> Chart {
    let series = ["int8", "bf16", "fp16"].into_iter().enumerate().map(|(colour, ty)| {
        let own = accelerators.iter().filter(|one| one.inference_peak().is_some_and(|peak| peak.0 == ty));
        let point = |one: &Accelerator| {
            Some(Point { x: f64::from(one.year), y: one.efficiency()?, name: one.name.clone() })
        };
        Series {
            name: format!("{ty} peak"),
            mark: Mark::Circles,
            colour,
            points: own.filter_map(point).collect(),
        }
    });
    Chart {
        title: "Accelerators: peak efficiency by year".to_owned(),
        x: Axis::linear("year").range(2014.0, 2026.0),
        y: Axis::log10("10^12 operations a second and watt").range(0.1, 8.0),
        series: series.filter(|series| !series.points.is_empty()).collect(),
    }
}
