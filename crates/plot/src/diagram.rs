//! Boxes and arrows at places that the caller chooses.

use crate::svg::{Anchor, Canvas, FAINT, INK, colour};

/// A box with lines of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its middle, in pixels from the left and the top.
    pub at: (f64, f64),
    /// Its width and height.
    pub size: (f64, f64),
    /// The first line, in bold.
    pub title: String,
    /// Further lines.
    pub lines: Vec<String>,
    /// Nodes of the same colour number have the same colour.
    pub colour: usize,
}

/// A side of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left edge.
    Left,
    /// The right edge.
    Right,
    /// The upper edge.
    Top,
    /// The lower edge.
    Bottom,
}

/// An arrow from a node to a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrow {
    /// Index of the node it leaves, the side, and how far along the edge: -1 to 1, 0 in the middle.
    pub from: (usize, Side, f64),
    /// The same for the node that it reaches.
    pub to: (usize, Side, f64),
    /// The text beside the arrow's middle; empty for nothing.
    pub name: String,
    /// How far the name is moved from there, in pixels.
    pub shift: (f64, f64),
}

/// A diagram.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagram {
    /// The text above the picture.
    pub title: String,
    /// Width and height of the picture, in pixels.
    pub size: (f64, f64),
    /// The boxes.
    pub nodes: Vec<Node>,
    /// The arrows. Those whose nodes do not exist are left out.
    pub arrows: Vec<Arrow>,
}

impl Diagram {
    /// The diagram as an SVG document.
    pub fn to_svg(&self) -> String {
        let mut canvas = Canvas::new(self.size.0, self.size.1, &self.title);
        canvas.line(format_args!(
            "<marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" \
             markerHeight=\"8\" orient=\"auto-start-reverse\">\
             <path d=\"M0 0L10 5L0 10z\" fill=\"{FAINT}\"/></marker>"
        ));
        canvas.heading((16.0, 26.0), &self.title);
        for arrow in &self.arrows {
            self.draw_arrow(&mut canvas, arrow);
        }
        for node in &self.nodes {
            draw_node(&mut canvas, node);
        }
        canvas.finish()
    }

    fn draw_arrow(&self, canvas: &mut Canvas, arrow: &Arrow) {
        let (Some(from), Some(to)) = (self.nodes.get(arrow.from.0), self.nodes.get(arrow.to.0)) else {
            return;
        };
        let (start, start_pull) = port(from, arrow.from.1, arrow.from.2);
        let (end, end_pull) = port(to, arrow.to.1, arrow.to.2);
        let distance = ((end.0 - start.0).hypot(end.1 - start.1) * 0.4).clamp(12.0, 70.0);
        let pull = |at: (f64, f64), by: (f64, f64)| (at.0 + by.0 * distance, at.1 + by.1 * distance);
        let (one, two) = (pull(start, start_pull), pull(end, end_pull));
        canvas.line(format_args!(
            "<path d=\"M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}\" fill=\"none\" stroke=\"{FAINT}\" \
             stroke-width=\"1.5\" marker-end=\"url(#tip)\"/>",
            start.0, start.1, one.0, one.1, two.0, two.1, end.0, end.1
        ));
        let middle = |a: f64, b: f64, c: f64, d: f64| (a + 3.0 * b + 3.0 * c + d) / 8.0;
        let at = (
            middle(start.0, one.0, two.0, end.0) + arrow.shift.0,
            middle(start.1, one.1, two.1, end.1) + arrow.shift.1,
        );
        for (index, line) in arrow.name.lines().enumerate() {
            canvas.words((at.0, at.1 + 13.0 * index as f64), 11.0, Anchor::Middle, INK, line);
        }
    }
}

/// Where an arrow meets a node, and the direction away from it.
fn port(node: &Node, side: Side, along: f64) -> ((f64, f64), (f64, f64)) {
    let (x, y) = node.at;
    let (half_width, half_height) = (node.size.0 / 2.0, node.size.1 / 2.0);
    match side {
        Side::Left => ((x - half_width, y + along * half_height), (-1.0, 0.0)),
        Side::Right => ((x + half_width, y + along * half_height), (1.0, 0.0)),
        Side::Top => ((x + along * half_width, y - half_height), (0.0, -1.0)),
        Side::Bottom => ((x + along * half_width, y + half_height), (0.0, 1.0)),
    }
}

fn draw_node(canvas: &mut Canvas, node: &Node) {
    let (left, top) = (node.at.0 - node.size.0 / 2.0, node.at.1 - node.size.1 / 2.0);
    let ink = colour(node.colour);
    let style = format!("rx=\"7\" fill=\"white\" stroke=\"{ink}\" stroke-width=\"2\"");
    canvas.rectangle((left, top), node.size, &style);
    let first = node.at.1 - 7.5 * node.lines.len() as f64 + 4.0;
    canvas.line(format_args!(
        "<text x=\"{:.1}\" y=\"{first:.1}\" font-size=\"13\" font-weight=\"bold\" text-anchor=\"middle\" \
         fill=\"{ink}\">{}</text>",
        node.at.0,
        crate::svg::escape(&node.title)
    ));
    for (index, line) in node.lines.iter().enumerate() {
        let base = first + 15.0 * (index + 1) as f64;
        canvas.words((node.at.0, base), 11.0, Anchor::Middle, INK, line);
    }
}
