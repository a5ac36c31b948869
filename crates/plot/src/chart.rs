//! A chart: series on two axes, with a legend.

use crate::axis::{Axis, Ruler, tick_text};
use crate::labels::Placer;
use crate::svg::{Anchor, Canvas, FAINT, GRID, INK, colour, text_width};

/// One point of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// Written beside the point; empty for nothing.
    pub name: String,
}

impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Point {
        Point { x, y, name: String::new() }
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A line through the points.
    Line,
    /// A dashed line.
    Dashed,
    /// A filled circle at each point.
    Circles,
    /// A hollow circle at each point.
    Rings,
    /// A small, faint circle at each point, for many.
    Dots,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// For the legend; empty for none.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Series of the same colour number have the same colour.
    pub colour: usize,
    /// The points, in the order in which a line joins them. Those that an axis cannot show are left out.
    pub points: Vec<Point>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Above the chart.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first undermost.
    pub series: Vec<Series>,
}

const WIDTH: f64 = 860.0;
const PLOT: (f64, f64, f64, f64) = (74.0, 44.0, WIDTH - 24.0, 494.0);
const LEGEND_LINE: f64 = 19.0;

impl Chart {
    /// The chart as an SVG document, 860 pixels wide.
    pub fn to_svg(&self) -> String {
        let legend = self.legend_rows();
        let height = PLOT.3 + 58.0 + legend.len() as f64 * LEGEND_LINE;
        let mut canvas = Canvas::new(WIDTH, height, &self.title);
        canvas.heading((PLOT.0, 26.0), &self.title);
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Ruler::new(&self.x, points().map(|point| point.x), (PLOT.0, PLOT.2));
        let y = Ruler::new(&self.y, points().map(|point| point.y), (PLOT.3, PLOT.1));
        self.axes(&mut canvas, &x, &y);
        canvas.line(format_args!(
            "<clipPath id=\"plot\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
            PLOT.0 - 5.0,
            PLOT.1 - 5.0,
            PLOT.2 - PLOT.0 + 10.0,
            PLOT.3 - PLOT.1 + 10.0
        ));
        canvas.line(format_args!("<g clip-path=\"url(#plot)\">"));
        for series in &self.series {
            self.draw(&mut canvas, series, &x, &y);
        }
        canvas.line(format_args!("</g>"));
        self.names(&mut canvas, &x, &y);
        for (row, entries) in legend.iter().enumerate() {
            let base = PLOT.3 + 62.0 + row as f64 * LEGEND_LINE;
            for &(left, series) in entries {
                sample(&mut canvas, series, (left, base - 4.0));
                canvas.words((left + 30.0, base), 12.0, Anchor::Start, INK, &series.name);
            }
        }
        canvas.finish()
    }

    fn axes(&self, canvas: &mut Canvas, x: &Ruler, y: &Ruler) {
        for value in x.ticks() {
            let at = x.pixel(value);
            canvas.stroke((at, PLOT.1), (at, PLOT.3), GRID, 1.0);
            canvas.words((at, PLOT.3 + 17.0), 12.0, Anchor::Middle, INK, &tick_text(value));
        }
        for value in y.ticks() {
            let at = y.pixel(value);
            canvas.stroke((PLOT.0, at), (PLOT.2, at), GRID, 1.0);
            canvas.words((PLOT.0 - 7.0, at + 4.0), 12.0, Anchor::End, INK, &tick_text(value));
        }
        canvas.stroke((PLOT.0, PLOT.3), (PLOT.2, PLOT.3), FAINT, 1.0);
        canvas.stroke((PLOT.0, PLOT.1), (PLOT.0, PLOT.3), FAINT, 1.0);
        let middle = ((PLOT.0 + PLOT.2) / 2.0, (PLOT.1 + PLOT.3) / 2.0);
        canvas.words((middle.0, PLOT.3 + 38.0), 13.0, Anchor::Middle, INK, &self.x.label);
        canvas.line(format_args!(
            "<text transform=\"translate(17 {:.1}) rotate(-90)\" font-size=\"13\" text-anchor=\"middle\" \
             fill=\"{INK}\">{}</text>",
            middle.1,
            crate::svg::escape(&self.y.label)
        ));
    }

    /// The points of a series that both axes can show, in pixels.
    fn pixels<'a>(
        &'a self,
        series: &'a Series,
        x: &'a Ruler,
        y: &'a Ruler,
    ) -> impl Iterator<Item = (f64, f64, &'a Point)> {
        let shown = series.points.iter().filter(|point| self.x.shows(point.x) && self.y.shows(point.y));
        shown.map(|point| (x.pixel(point.x), y.pixel(point.y), point))
    }

    fn draw(&self, canvas: &mut Canvas, series: &Series, x: &Ruler, y: &Ruler) {
        let ink = colour(series.colour);
        if matches!(series.mark, Mark::Line | Mark::Dashed) {
            let path: Vec<String> =
                self.pixels(series, x, y).map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
            let dashes = if series.mark == Mark::Dashed { " stroke-dasharray=\"6 4\"" } else { "" };
            canvas.line(format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"2\"{dashes}/>",
                path.join(" ")
            ));
            return;
        }
        for (x, y, _) in self.pixels(series, x, y) {
            circle(canvas, series.mark, ink, (x, y));
        }
    }

    /// Names of points, after everything else so that nothing lies on them.
    fn names(&self, canvas: &mut Canvas, x: &Ruler, y: &Ruler) {
        let mut placer = Placer::new((PLOT.0, PLOT.1, PLOT.2 + 20.0, PLOT.3));
        for series in self.series.iter().filter(|series| !matches!(series.mark, Mark::Line | Mark::Dashed)) {
            let radius = if series.mark == Mark::Dots { 2.0 } else { 5.0 };
            for (x, y, _) in self.pixels(series, x, y) {
                placer.avoid((x - radius, y - radius, x + radius, y + radius));
            }
        }
        for series in &self.series {
            // A line must not run through the name of one of its points, which is to the right of it: below
            // where the line rises.
            let is_line = matches!(series.mark, Mark::Line | Mark::Dashed);
            let heights = || self.pixels(series, x, y).map(|(_, top, _)| top);
            let rises =
                heights().next().zip(heights().last()).is_some_and(|(first, last)| first - last > 20.0);
            let aside = match (is_line, rises) {
                (false, _) => 0.0,
                (true, true) => 11.0,
                (true, false) => -11.0,
            };
            for (left, top, point) in self.pixels(series, x, y) {
                if point.name.is_empty() || !x.contains(point.x) || !y.contains(point.y) {
                    continue;
                }
                let (at, anchor) = placer.place((left, top + aside), &point.name, 11.0);
                canvas.words(at, 11.0, anchor, colour(series.colour), &point.name);
            }
        }
    }

    /// The named series in rows that fit the width, each with where it starts.
    fn legend_rows(&self) -> Vec<Vec<(f64, &Series)>> {
        let mut rows: Vec<Vec<(f64, &Series)>> = Vec::new();
        let mut left = f64::INFINITY;
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let width = 30.0 + text_width(&series.name, 12.0) + 22.0;
            if left + width > WIDTH {
                rows.push(Vec::new());
                left = PLOT.0;
            }
            if let Some(row) = rows.last_mut() {
                row.push((left, series));
            }
            left += width;
        }
        rows
    }
}

fn circle(canvas: &mut Canvas, mark: Mark, ink: &str, at: (f64, f64)) {
    let style = match mark {
        Mark::Rings => format!("r=\"4.5\" fill=\"white\" stroke=\"{ink}\" stroke-width=\"1.8\""),
        Mark::Dots => format!("r=\"2.6\" fill=\"{ink}\" fill-opacity=\"0.4\""),
        Mark::Circles | Mark::Line | Mark::Dashed => format!("r=\"4.5\" fill=\"{ink}\""),
    };
    canvas.line(format_args!("<circle cx=\"{:.1}\" cy=\"{:.1}\" {style}/>", at.0, at.1));
}

/// A series' mark in the legend.
fn sample(canvas: &mut Canvas, series: &Series, at: (f64, f64)) {
    let ink = colour(series.colour);
    match series.mark {
        Mark::Line => canvas.stroke(at, (at.0 + 24.0, at.1), ink, 2.0),
        Mark::Dashed => {
            for dash in 0..3 {
                let left = at.0 + 9.0 * f64::from(dash);
                canvas.stroke((left, at.1), (left + 6.0, at.1), ink, 2.0);
            }
        }
        mark => circle(canvas, mark, ink, (at.0 + 12.0, at.1)),
    }
}
