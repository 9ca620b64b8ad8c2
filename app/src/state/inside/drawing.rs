//! Drawings as data: the page shows them in its own colours, and writes them as an SVG file.

use std::fmt::Write;

/// What something is drawn in. The style sheet has a class for each, a file has its light colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Words that one reads.
    Plain,
    /// Words beside.
    Soft,
    /// Lines to measure by.
    Grid,
    Accent,
    Second,
    Good,
    Bad,
}

impl Ink {
    /// The style sheet's name for it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "ink-plain",
            Self::Soft => "ink-soft",
            Self::Grid => "ink-grid",
            Self::Accent => "ink-accent",
            Self::Second => "ink-second",
            Self::Good => "ink-good",
            Self::Bad => "ink-bad",
        }
    }

    /// As the page's light colours have it.
    fn colour(self) -> &'static str {
        match self {
            Self::Plain => "#1e1a29",
            Self::Soft => "#5c5669",
            Self::Grid => "#e2ddd5",
            Self::Accent => "#5638d6",
            Self::Second => "#0d6e7d",
            Self::Good => "#17744a",
            Self::Bad => "#b3261e",
        }
    }
}

/// Where a word's x is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One thing that is drawn; lengths in CSS pixels, y downwards.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled box; `weight` is its opacity.
    Box {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        ink: Ink,
        weight: f64,
    },
    /// A line along a path as SVG writes it.
    Path {
        d: String,
        ink: Ink,
        weight: f64,
        width: f64,
    },
    /// What a path goes around, filled; `weight` is its opacity.
    Area {
        d: String,
        ink: Ink,
        weight: f64,
    },
    Dot {
        x: f64,
        y: f64,
        ink: Ink,
    },
    /// A text on its base line.
    Word {
        x: f64,
        y: f64,
        text: String,
        ink: Ink,
        anchor: Anchor,
        /// Its font's size.
        size: f64,
        bold: bool,
    },
}

impl Shape {
    /// The same further down; paths stay where they are.
    pub fn lowered(mut self, by: f64) -> Self {
        match &mut self {
            Self::Box { y, .. } | Self::Dot { y, .. } | Self::Word { y, .. } => *y += by,
            Self::Path { .. } | Self::Area { .. } => {}
        }
        self
    }
}

/// A drawing of this size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub shapes: Vec<Shape>,
}

impl Drawing {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            shapes: Vec::new(),
        }
    }

    /// Draws a filled box at `[x, y]` of a size `[width, height]`, its opacity from 0 to 1.
    pub fn fill(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], ink: Ink, weight: f64) {
        self.shapes.push(Shape::Box {
            x,
            y,
            width,
            height,
            ink,
            weight: weight.clamp(0.0, 1.0),
        });
    }

    /// Draws a straight line.
    pub fn line(&mut self, [x, y]: [f64; 2], [to_x, to_y]: [f64; 2], ink: Ink, width: f64) {
        let d = format!("M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}");
        self.path(d, ink, 1.0, width);
    }

    /// Draws along a path.
    pub fn path(&mut self, d: String, ink: Ink, weight: f64, width: f64) {
        self.shapes.push(Shape::Path {
            d,
            ink,
            weight: weight.clamp(0.0, 1.0),
            width,
        });
    }

    /// Fills what a path goes around.
    pub fn area(&mut self, d: String, ink: Ink, weight: f64) {
        self.shapes.push(Shape::Area {
            d,
            ink,
            weight: weight.clamp(0.0, 1.0),
        });
    }

    pub fn dot(&mut self, [x, y]: [f64; 2], ink: Ink) {
        self.shapes.push(Shape::Dot { x, y, ink });
    }

    /// Writes a plain text.
    pub fn word(&mut self, at: [f64; 2], text: &str, ink: Ink, anchor: Anchor) {
        self.text(at, text, ink, anchor, 13.0, false);
    }

    pub fn text(
        &mut self,
        [x, y]: [f64; 2],
        text: &str,
        ink: Ink,
        anchor: Anchor,
        size: f64,
        bold: bool,
    ) {
        self.shapes.push(Shape::Word {
            x,
            y,
            text: text.to_owned(),
            ink,
            anchor,
            size,
            bold,
        });
    }

    /// The drawing as a file of its own, on white.
    pub fn to_svg(&self, title: &str) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"system-ui, sans-serif\">\
             <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escape(title)
        );
        for shape in &self.shapes {
            // Writing to a String cannot fail.
            let _ = match shape {
                Shape::Box {
                    x,
                    y,
                    width,
                    height,
                    ink,
                    weight,
                } => writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
                     rx=\"4\" fill=\"{}\" fill-opacity=\"{weight:.3}\"/>",
                    ink.colour()
                ),
                Shape::Path {
                    d,
                    ink,
                    weight,
                    width,
                } => writeln!(
                    svg,
                    "<path d=\"{d}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"{weight:.3}\" \
                     stroke-width=\"{width:.1}\"/>",
                    ink.colour()
                ),
                Shape::Area { d, ink, weight } => writeln!(
                    svg,
                    "<path d=\"{d}\" fill=\"{}\" fill-opacity=\"{weight:.3}\"/>",
                    ink.colour()
                ),
                Shape::Dot { x, y, ink } => writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{}\"/>",
                    ink.colour()
                ),
                Shape::Word {
                    x,
                    y,
                    text,
                    ink,
                    anchor,
                    size,
                    bold,
                } => writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.0}\" font-weight=\"{}\" \
                     text-anchor=\"{}\" fill=\"{}\">{}</text>",
                    if *bold { 650 } else { 450 },
                    anchor.name(),
                    ink.colour(),
                    escape(text)
                ),
            };
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A text inside of XML, without what no XML may hold.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// A word that fits into so many pixels at a font's size, about; the rest is cut.
pub fn fit(text: &str, pixels: f64, size: f64) -> String {
    let room = (pixels / (size * 0.58)).floor().max(1.0) as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// How wide a word is, about.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.58
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_texts_as_texts() {
        let mut drawing = Drawing::new(100.0, 50.0);
        drawing.word([1.0, 2.0], "<b> & \"q\"\u{7}\n", Ink::Plain, Anchor::Start);
        drawing.fill([0.0, 0.0], [9.0, 9.0], Ink::Accent, 7.0);
        let svg = drawing.to_svg("a < b");
        assert!(
            svg.contains("&lt;b&gt; &amp; &quot;q&quot;\u{fffd} </text>"),
            "{svg}"
        );
        assert!(svg.contains("<title>a &lt; b</title>"), "{svg}");
        assert!(svg.contains("fill-opacity=\"1.000\""), "{svg}");
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(fit("tea", 100.0, 13.0), "tea");
        assert_eq!(fit("incomprehensible", 40.0, 13.0), "inco…");
        assert_eq!(fit("ab", 1.0, 13.0), "…");
    }
}
