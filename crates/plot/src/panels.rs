//! Small charts in rows, for comparing shapes.

use crate::chart::{Chart, Frame, LEGEND_LINE, WIDTH, draw_legend, legend_rows};
use crate::svg::Canvas;

/// Charts side by side, in rows, under one title and with one legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Panels {
    /// The text above them.
    pub title: String,
    /// How many stand in a row, at least 1.
    pub columns: usize,
    /// The charts, row by row, with empty or short labels of their axes. The legend is the first one's.
    pub charts: Vec<Chart>,
}

const TOP: f64 = 40.0;
/// The height of one row: heading, axes and ticks.
const ROW: f64 = 236.0;
const LEFT: f64 = 44.0;

impl Panels {
    /// The panels as an SVG document, 860 pixels wide.
    pub fn to_svg(&self) -> String {
        let columns = self.columns.max(1);
        let rows = self.charts.len().div_ceil(columns);
        let legend = self.charts.first().map_or(Vec::new(), |chart| legend_rows(&chart.series, LEFT));
        let bottom = TOP + rows as f64 * ROW;
        let height = bottom + 14.0 + legend.len() as f64 * LEGEND_LINE;
        let mut canvas = Canvas::new(WIDTH, height, &self.title);
        canvas.heading((LEFT, 26.0), &self.title);
        let width = WIDTH / columns as f64;
        for (number, chart) in self.charts.iter().enumerate() {
            let left = (number % columns) as f64 * width;
            let top = TOP + (number / columns) as f64 * ROW;
            let frame = Frame {
                left: left + LEFT,
                top: top + 34.0,
                right: left + width - 14.0,
                bottom: top + ROW - 26.0,
                number,
            };
            chart.draw_in(&mut canvas, &frame);
        }
        draw_legend(&mut canvas, &legend, bottom + 18.0);
        canvas.finish()
    }
}
