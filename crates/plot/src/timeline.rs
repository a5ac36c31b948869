//! A timeline: rows of spans, one colour a kind.

use crate::axis::{Axis, Ruler, tick_text};
use crate::svg::{Anchor, Canvas, FAINT, GRID, INK, colour, escape, text_width};

/// Something that takes from `start` to `end`.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// When it begins, in the timeline's unit.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// Index into [`Timeline::kinds`].
    pub kind: usize,
    /// The text in the span where it fits; empty for nothing.
    pub name: String,
}

/// One row of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The text left of the row.
    pub name: String,
    /// What happens in it, in order of time.
    pub spans: Vec<Span>,
}

/// Who does what when.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The text above the picture.
    pub title: String,
    /// What the horizontal axis shows, with its unit.
    pub axis: String,
    /// Names of the kinds of spans, for the legend.
    pub kinds: Vec<String>,
    /// The rows, from the top.
    pub rows: Vec<Row>,
}

const WIDTH: f64 = 860.0;
const TOP: f64 = 44.0;
const ROW: f64 = 30.0;
/// Width of the bins in which narrow spans are gathered.
const BIN: f64 = 5.0;
/// Height of a busy span.
const HEIGHT: f64 = 24.0;

impl Timeline {
    /// The timeline as an SVG document, 860 pixels wide.
    ///
    /// Spans too narrow to see are drawn together, where the height of each kind is its share of the time. So
    /// the picture's size is bounded however many spans there are.
    pub fn to_svg(&self) -> String {
        let names = self.rows.iter().map(|row| text_width(&row.name, 12.0)).fold(40.0, f64::max);
        let (left, right) = (names + 24.0, WIDTH - 28.0);
        let bottom = TOP + ROW * self.rows.len() as f64;
        let mut canvas = Canvas::new(WIDTH, bottom + 76.0, &self.title);
        canvas.heading((16.0, 26.0), &self.title);
        let end = self.rows.iter().flat_map(|row| &row.spans).map(|span| span.end).fold(0.0, f64::max);
        let axis = Axis::linear("").range(0.0, if end > 0.0 { end } else { 1.0 });
        let ruler = Ruler::new(&axis, std::iter::empty(), (left, right));
        for value in ruler.ticks() {
            let at = ruler.pixel(value);
            canvas.stroke((at, TOP - 4.0), (at, bottom), GRID, 1.0);
            canvas.words((at, bottom + 16.0), 12.0, Anchor::Middle, INK, &tick_text(value));
        }
        canvas.stroke((left, bottom), (right, bottom), FAINT, 1.0);
        canvas.words(((left + right) / 2.0, bottom + 36.0), 13.0, Anchor::Middle, INK, &self.axis);
        for (index, row) in self.rows.iter().enumerate() {
            let top = TOP + ROW * index as f64;
            canvas.words((left - 10.0, top + 18.0), 12.0, Anchor::End, INK, &row.name);
            draw_row(&mut canvas, &row.spans, self.kinds.len(), &ruler, (left, top));
        }
        let mut at = left;
        for (kind, name) in self.kinds.iter().enumerate() {
            let style = format!("fill=\"{}\"", colour(kind));
            canvas.rectangle((at, bottom + 50.0), (12.0, 12.0), &style);
            canvas.words((at + 18.0, bottom + 61.0), 12.0, Anchor::Start, INK, name);
            at += 42.0 + text_width(name, 12.0);
        }
        canvas.finish()
    }
}

/// Draws a row.
///
/// Spans that are narrow and close to one another would hide the gaps between them. So each kind has the
/// height of its share of the time there, in bins of some pixels.
fn draw_row(canvas: &mut Canvas, spans: &[Span], kinds: usize, ruler: &Ruler, (left, top): (f64, f64)) {
    let bins = (WIDTH / BIN) as usize;
    let mut shares = vec![0.0; bins * kinds];
    let crowded = |index: usize| is_crowded(spans, index, ruler);
    for (_, span) in spans.iter().enumerate().filter(|&(index, span)| span.kind < kinds && crowded(index)) {
        let at = |time: f64| (ruler.pixel(time) - left) / BIN;
        let (start, end) = (at(span.start), at(span.end));
        for bin in start.max(0.0) as usize..(end.ceil() as usize).min(bins) {
            let part = end.min(bin as f64 + 1.0) - start.max(bin as f64);
            shares[bin * kinds + span.kind] += part.max(0.0);
        }
    }
    let mut bin = 0;
    while bin < bins {
        let heights = |bin: usize| -> Vec<i64> {
            let shares = shares[bin * kinds..(bin + 1) * kinds].iter();
            // Work that is too small to see still gets a pixel.
            shares.map(|&share| (share * HEIGHT).round().max(f64::ceil(share)) as i64).collect()
        };
        let now = heights(bin);
        let end = (bin + 1..bins).find(|&next| heights(next) != now).unwrap_or(bins);
        let mut base = top + 3.0 + HEIGHT;
        for (kind, height) in now.into_iter().enumerate().filter(|(_, height)| *height > 0) {
            base -= height as f64;
            let style = format!("fill=\"{}\"", colour(kind));
            let size = ((end - bin) as f64 * BIN, height as f64);
            canvas.rectangle((left + bin as f64 * BIN, base), size, &style);
        }
        bin = end;
    }
    for (_, span) in spans.iter().enumerate().filter(|&(index, _)| !crowded(index)) {
        draw_span(canvas, span, (ruler.pixel(span.start), ruler.pixel(span.end)), top);
    }
}

/// Whether a span and one beside it are too narrow and too close to be told apart.
fn is_crowded(spans: &[Span], index: usize, ruler: &Ruler) -> bool {
    let is_narrow = |span: &Span| ruler.pixel(span.end) - ruler.pixel(span.start) < 2.0;
    let Some(span) = spans.get(index).filter(|span| is_narrow(span)) else { return false };
    let beside = [index.checked_sub(1), Some(index + 1)].into_iter().flatten();
    let is_close = |other: &Span| (ruler.pixel(other.start) - ruler.pixel(span.start)).abs() < 4.0;
    beside.filter_map(|other| spans.get(other)).any(|other| is_narrow(other) && is_close(other))
}

fn draw_span(canvas: &mut Canvas, span: &Span, (start, end): (f64, f64), top: f64) {
    let edge = if end - start < 4.0 { "" } else { " stroke=\"white\" stroke-width=\"0.3\"" };
    let style = format!("fill=\"{}\"{edge}", colour(span.kind));
    canvas.rectangle((start, top + 3.0), ((end - start).max(0.8), HEIGHT), &style);
    if !span.name.is_empty() && text_width(&span.name, 10.0) + 2.0 < end - start {
        canvas.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"white\">{}</text>",
            (start + end) / 2.0,
            top + ROW / 2.0 + 3.5,
            escape(&span.name)
        ));
    }
}
