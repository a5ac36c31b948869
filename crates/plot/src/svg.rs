//! The few SVG elements that the pictures are made of.

use std::fmt::Write;

/// Colours that people with the common colour deficiencies tell apart, in the order of use.
///
/// They are from Okabe and Ito, "Color Universal Design", 2008. Black is left to text and axes.
pub(crate) const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6f00"];

/// Grey of grid lines.
pub(crate) const GRID: &str = "#e2e2e2";
/// Grey of axes and of secondary text.
pub(crate) const FAINT: &str = "#666666";
/// Black of text.
pub(crate) const INK: &str = "#222222";

/// Colour `index`, counted from 0 and used again after the last.
pub(crate) fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// Width that `text` takes at `size` pixels.
///
/// Readers have different fonts, so that this is on the wide side.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | ' ' => 0.38,
        'm' | 'w' | 'M' | 'W' | '%' => 0.95,
        c if c.is_uppercase() => 0.70,
        _ => 0.61,
    };
    size * text.chars().map(em).sum::<f64>()
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// An SVG document that is being written.
pub(crate) struct Canvas {
    text: String,
}

impl Canvas {
    /// An empty white page with a title for readers who do not see it.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Canvas {
        let mut canvas = Canvas { text: String::new() };
        canvas.line(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\" role=\"img\">"
        ));
        canvas.line(format_args!("<title>{}</title>", escape(title)));
        canvas.line(format_args!("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"));
        canvas
    }

    /// The document.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    pub(crate) fn line(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{element}");
    }

    pub(crate) fn stroke(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        self.line(format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
             stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(crate) fn rectangle(&mut self, corner: (f64, f64), size: (f64, f64), style: &str) {
        self.line(format_args!(
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" {style}/>",
            corner.0, corner.1, size.0, size.1
        ));
    }

    pub(crate) fn words(&mut self, at: (f64, f64), size: f64, anchor: Anchor, colour: &str, words: &str) {
        self.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{}\" \
             fill=\"{colour}\">{}</text>",
            at.0,
            at.1,
            anchor.name(),
            escape(words)
        ));
    }

    /// The picture's heading.
    pub(crate) fn heading(&mut self, at: (f64, f64), words: &str) {
        self.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"15\" font-weight=\"bold\" fill=\"{INK}\">{}</text>",
            at.0,
            at.1,
            escape(words)
        ));
    }
}

/// Text as XML character data or attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            // XML 1.0 has no other control characters, not even escaped ones.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => result.push('\u{fffd}'),
            c => result.push(c),
        }
    }
    result
}
