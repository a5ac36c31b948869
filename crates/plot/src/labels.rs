//! Names beside points that do not lie on one another.

use crate::svg::{Anchor, text_width};

/// A rectangle of pixels: left, top, right, bottom.
pub(crate) type Area = (f64, f64, f64, f64);

fn overlap(a: Area, b: Area) -> f64 {
    let width = a.2.min(b.2) - a.0.max(b.0);
    let height = a.3.min(b.3) - a.1.max(b.1);
    if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
}

/// Places names one after the other, each where it covers the least of what is there already.
pub(crate) struct Placer {
    taken: Vec<Area>,
    within: Area,
}

impl Placer {
    pub(crate) fn new(within: Area) -> Placer {
        Placer { taken: Vec::new(), within }
    }

    /// Keeps names off this area.
    pub(crate) fn avoid(&mut self, area: Area) {
        self.taken.push(area);
    }

    /// Places the name of the point at `at`, and returns its base line and where it is held.
    pub(crate) fn place(&mut self, at: (f64, f64), name: &str, size: f64) -> ((f64, f64), Anchor) {
        let width = text_width(name, size);
        let gap = 8.0;
        let rows = [0.0, -0.9, 0.9, -1.8, 1.8, -2.7, 2.7, -3.6, 3.6].map(|row| row * size);
        let mut best = (f64::INFINITY, (at.0 + gap, at.1), Anchor::Start, (0.0, 0.0, 0.0, 0.0));
        for (rank, row) in rows.into_iter().enumerate() {
            let sides = [
                (at.0 + gap, Anchor::Start, at.0 + gap),
                (at.0 - gap, Anchor::End, at.0 - gap - width),
                (at.0, Anchor::Middle, at.0 - width / 2.0),
            ];
            for (x, anchor, left) in sides {
                // A centred name must be above or below its point.
                if anchor == Anchor::Middle && row.abs() < 1.5 * size && row != -0.9 * size {
                    continue;
                }
                let base = at.1 + row + size * 0.35;
                let area = (left, base - size * 0.85, left + width, base + size * 0.25);
                let inside = overlap(area, self.within);
                let outside = (area.2 - area.0) * (area.3 - area.1) - inside;
                let covered: f64 = self.taken.iter().map(|&other| overlap(area, other)).sum();
                // Covering anything is worse than any distance.
                let cost = 100.0 * (covered + 4.0 * outside) + rank as f64;
                if cost < best.0 {
                    best = (cost, (x, base), anchor, area);
                }
            }
        }
        self.taken.push(best.3);
        (best.1, best.2)
    }
}
