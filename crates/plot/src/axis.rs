//! Axes: from data to pixels, and where the ticks are.

/// How an axis spreads its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal distances.
    Linear,
    /// Equal ratios are equal distances, with ticks at powers of ten.
    ///
    /// Only positive values are drawn.
    Log10,
    /// The same with ticks at powers of two.
    Log2,
}

/// One axis of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// How it spreads.
    pub scale: Scale,
    /// The lowest and highest value shown; without it, the axis is as wide as the points need.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// A linear axis as wide as the points need.
    pub fn linear(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Linear, range: None }
    }

    /// A logarithmic axis with ticks at powers of ten, as wide as the points need.
    pub fn log10(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Log10, range: None }
    }

    /// A logarithmic axis with ticks at powers of two, as wide as the points need.
    pub fn log2(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Log2, range: None }
    }

    /// The same axis from `low` to `high`.
    pub fn range(self, low: f64, high: f64) -> Axis {
        Axis { range: Some((low, high)), ..self }
    }

    /// Whether the axis has a place for `value`.
    pub(crate) fn shows(&self, value: f64) -> bool {
        value.is_finite() && (self.scale == Scale::Linear || value > 0.0)
    }
}

/// An axis with a range, laid over pixels.
pub(crate) struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
    pixels: (f64, f64),
}

impl Ruler {
    /// The axis over the pixels from the first to the second.
    ///
    /// It is wide enough for `values`, unless it has a range of its own.
    pub(crate) fn new(axis: &Axis, values: impl Iterator<Item = f64>, pixels: (f64, f64)) -> Ruler {
        let fits = |range: &(f64, f64)| axis.shows(range.0) && axis.shows(range.1) && range.0 < range.1;
        let (low, high) = axis.range.filter(fits).unwrap_or_else(|| around(axis, values));
        Ruler { scale: axis.scale, low, high, pixels }
    }

    /// The pixel of a value that the axis shows; a value outside of the range has one outside of the pixels.
    pub(crate) fn pixel(&self, value: f64) -> f64 {
        let at = |value: f64| if self.scale == Scale::Linear { value } else { value.ln() };
        let share = (at(value) - at(self.low)) / (at(self.high) - at(self.low));
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    pub(crate) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Values of the ticks.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log10 => self.powers(10.0),
            Scale::Log2 => self.powers(2.0),
        }
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let step = nice_step((self.high - self.low) / 6.0);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    /// Powers of the base, at most about ten of them.
    ///
    /// Where there are few decades, 2 and 5 times a power are ticks too.
    fn powers(&self, base: f64) -> Vec<f64> {
        let first = (self.low.log(base) - 1e-9).ceil() as i32;
        let last = (self.high.log(base) + 1e-9).floor() as i32;
        let stride = ((last - first) / 10 + 1).max(1);
        let whole =
            (first..=last).filter(|power| (power - first) % stride == 0).map(|power| base.powi(power));
        if base == 10.0 && last - first <= 2 {
            let between = (first - 1..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|m| m * base.powi(power)));
            let fits = |value: &f64| *value >= self.low * (1.0 - 1e-9) && *value <= self.high * (1.0 + 1e-9);
            return between.filter(fits).collect();
        }
        whole.collect()
    }
}

/// A range around the values with a little air, or a sensible one if there are none.
fn around(axis: &Axis, values: impl Iterator<Item = f64>) -> (f64, f64) {
    let shown = values.filter(|&value| axis.shows(value));
    let (low, high) = shown
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match axis.scale {
        _ if low > high => (1.0, 10.0),
        Scale::Linear => {
            let low = low.min(0.0);
            (low, if high > low { low + (high - low) * 1.05 } else { low + 1.0 })
        }
        Scale::Log10 | Scale::Log2 => (low / 1.6, high * 1.6),
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// A tick's value with a suffix of thousands, as short as possible.
pub(crate) fn tick_text(value: f64) -> String {
    let size = value.abs();
    let scaled = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")]
        .into_iter()
        .find(|(unit, _)| size >= *unit * (1.0 - 1e-9))
        .map(|(unit, suffix)| (value / if suffix == "k" { 1e3 } else { unit }, suffix));
    let (number, suffix) = scaled.unwrap_or((value, ""));
    let mut text = format!("{number:.4}");
    if number.abs() < 1e-3 && number != 0.0 {
        text = format!("{number:.0e}");
    } else {
        text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::{Axis, Ruler, tick_text};

    #[test]
    fn linear_ticks_are_round_and_cover_the_range() {
        let ruler = Ruler::new(&Axis::linear("").range(0.0, 100.0), std::iter::empty(), (0.0, 500.0));
        assert_eq!(ruler.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ruler.pixel(50.0), 250.0);
    }

    #[test]
    fn logarithmic_ticks_are_powers() {
        let ruler = Ruler::new(&Axis::log10("").range(0.1, 1e4), std::iter::empty(), (0.0, 500.0));
        assert_eq!(ruler.ticks().len(), 6);
        assert!((ruler.pixel(1.0) - 100.0).abs() < 1e-9);
        let ruler = Ruler::new(&Axis::log2("").range(1.0, 4096.0), std::iter::empty(), (0.0, 12.0));
        assert_eq!(ruler.ticks(), [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0]);
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(tick_text(0.5), "0.5");
        assert_eq!(tick_text(4096.0), "4096");
        assert_eq!(tick_text(20_000.0), "20k");
        assert_eq!(tick_text(3e12), "3T");
    }
}
