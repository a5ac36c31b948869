//! Charts, timelines and diagrams as SVG text, from plain data.
//!
//! [`Chart`] draws series on linear or logarithmic axes, and [`Panels`] several charts in one picture.
//! [`Timeline`] draws who is busy when, and [`Diagram`] boxes and arrows. The same data gives the same bytes
//! on every platform, so that pictures can be committed and compared. Nothing here reads a file or knows what
//! it draws. Start reading at [`Chart`].

mod axis;
mod chart;
mod diagram;
mod labels;
mod panels;
mod svg;
mod timeline;

pub use axis::{Axis, Scale};
pub use chart::{Chart, Mark, Point, Series};
pub use diagram::{Arrow, Diagram, Node, Side};
pub use panels::Panels;
pub use timeline::{Row, Span, Timeline};
