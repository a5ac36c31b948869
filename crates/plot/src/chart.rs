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
    /// The text beside the point; empty for nothing.
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
    /// A small, faint circle at each point, for many points.
    Dots,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name in the legend; empty for none.
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
    /// The text above the chart.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first at the bottom.
    pub series: Vec<Series>,
}

pub(crate) const WIDTH: f64 = 860.0;
const PLOT: Frame = Frame { left: 74.0, top: 44.0, right: WIDTH - 24.0, bottom: 494.0, number: 0 };
pub(crate) const LEGEND_LINE: f64 = 19.0;

/// Where a chart's axes are, in pixels.
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    /// The chart's number among those of the document.
    pub(crate) number: usize,
}

impl Chart {
    /// The chart as an SVG document, 860 pixels wide.
    pub fn to_svg(&self) -> String {
        let legend = legend_rows(&self.series, PLOT.left);
        let height = PLOT.bottom + 58.0 + legend.len() as f64 * LEGEND_LINE;
        let mut canvas = Canvas::new(WIDTH, height, &self.title);
        self.draw_in(&mut canvas, &PLOT);
        draw_legend(&mut canvas, &legend, PLOT.bottom + 62.0);
        canvas.finish()
    }

    /// Heading, axes and series.
    pub(crate) fn draw_in(&self, canvas: &mut Canvas, frame: &Frame) {
        canvas.heading((frame.left, frame.top - 18.0), &self.title);
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Ruler::new(&self.x, points().map(|point| point.x), (frame.left, frame.right));
        let y = Ruler::new(&self.y, points().map(|point| point.y), (frame.bottom, frame.top));
        self.axes(canvas, frame, &x, &y);
        let clip = if frame.number == 0 { "plot".to_owned() } else { format!("plot{}", frame.number) };
        canvas.line(format_args!(
            "<clipPath id=\"{clip}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
            frame.left - 5.0,
            frame.top - 5.0,
            frame.right - frame.left + 10.0,
            frame.bottom - frame.top + 10.0
        ));
        canvas.line(format_args!("<g clip-path=\"url(#{clip})\">"));
        for series in &self.series {
            self.draw(canvas, series, &x, &y);
        }
        canvas.line(format_args!("</g>"));
        self.names(canvas, frame, &x, &y);
    }

    fn axes(&self, canvas: &mut Canvas, frame: &Frame, x: &Ruler, y: &Ruler) {
        let Frame { left, top, right, bottom, .. } = *frame;
        for value in x.ticks() {
            let at = x.pixel(value);
            canvas.stroke((at, top), (at, bottom), GRID, 1.0);
            canvas.words((at, bottom + 17.0), 12.0, Anchor::Middle, INK, &tick_text(value));
        }
        for value in y.ticks() {
            let at = y.pixel(value);
            canvas.stroke((left, at), (right, at), GRID, 1.0);
            canvas.words((left - 7.0, at + 4.0), 12.0, Anchor::End, INK, &tick_text(value));
        }
        canvas.stroke((left, bottom), (right, bottom), FAINT, 1.0);
        canvas.stroke((left, top), (left, bottom), FAINT, 1.0);
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        if !self.x.label.is_empty() {
            canvas.words((middle.0, bottom + 38.0), 13.0, Anchor::Middle, INK, &self.x.label);
        }
        if !self.y.label.is_empty() {
            canvas.line(format_args!(
                "<text transform=\"translate({} {:.1}) rotate(-90)\" font-size=\"13\" text-anchor=\"middle\" \
                 fill=\"{INK}\">{}</text>",
                left - 57.0,
                middle.1,
                crate::svg::escape(&self.y.label)
            ));
        }
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

    /// Writes the names of points, after everything else so that nothing lies on them.
    fn names(&self, canvas: &mut Canvas, frame: &Frame, x: &Ruler, y: &Ruler) {
        let mut placer = Placer::new((frame.left, frame.top, frame.right + 20.0, frame.bottom));
        for series in self.series.iter().filter(|series| !matches!(series.mark, Mark::Line | Mark::Dashed)) {
            let radius = if series.mark == Mark::Dots { 2.0 } else { 5.0 };
            for (x, y, _) in self.pixels(series, x, y) {
                placer.avoid((x - radius, y - radius, x + radius, y + radius));
            }
        }
        for series in &self.series {
            // A line must not run through the name of one of its points, which is to the right of it. So the
            // name goes below a line that rises, and above any other.
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
}

/// The named series in rows that fit the width, each series with the place where it starts.
pub(crate) fn legend_rows(series: &[Series], start: f64) -> Vec<Vec<(f64, &Series)>> {
    let mut rows: Vec<Vec<(f64, &Series)>> = Vec::new();
    let mut left = f64::INFINITY;
    for series in series.iter().filter(|series| !series.name.is_empty()) {
        let width = 30.0 + text_width(&series.name, 12.0) + 22.0;
        if left + width > WIDTH {
            rows.push(Vec::new());
            left = start;
        }
        if let Some(row) = rows.last_mut() {
            row.push((left, series));
        }
        left += width;
    }
    rows
}

/// Draws the legend, whose first row's text stands on `base`.
pub(crate) fn draw_legend(canvas: &mut Canvas, rows: &[Vec<(f64, &Series)>], base: f64) {
    for (row, entries) in rows.iter().enumerate() {
        let base = base + row as f64 * LEGEND_LINE;
        for &(left, series) in entries {
            sample(canvas, series, (left, base - 4.0));
            canvas.words((left + 30.0, base), 12.0, Anchor::Start, INK, &series.name);
        }
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
