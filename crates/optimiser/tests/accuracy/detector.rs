//! FastestDet's decoding.
//!
//! The output [85, 22, 22] is objectness, box (tanh and sigmoid offsets) and 80 classes; the score is
//! objectness^0.6 * class^0.4. Lesser neighbours are suppressed within a class, as in the original's
//! evaluation. Its demo does so across classes, which leaves 436 boxes of 473. Source: dog-qiuqiu/FastestDet,
//! example/onnx-runtime/runtime.py, and handle_preds of utils/tool.py.

const GRID: usize = 22;
/// The overlap from which on, of two boxes of one class, the one with the smaller score goes.
const SUPPRESSION: f32 = 0.45;

/// A detection in a picture of size 1 by 1.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    class: usize,
    score: f32,
    /// Left, top, right, bottom.
    edges: [f32; 4],
}

impl Found {
    /// Whether the other detection is the same thing: same class, IoU at least 0.5.
    pub(crate) fn matches(&self, other: &Found) -> bool {
        self.class == other.class && self.overlap(other) >= 0.5
    }

    fn overlap(&self, other: &Found) -> f32 {
        let area = |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
        let (a, b) = (self.edges, other.edges);
        let common = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
        common / (area(a) + area(b) - common)
    }
}

/// The detections of at least `threshold` in an output, after suppression of lesser neighbours, best first.
pub(crate) fn boxes(output: &[f32], threshold: f32) -> Vec<Found> {
    let cells = GRID * GRID;
    let at = |channel: usize, cell: usize| output[channel * cells + cell];
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let mut candidates: Vec<Found> = (0..cells)
        .map(|cell| {
            let classes: Vec<f32> = (5..85).map(|channel| at(channel, cell)).collect();
            let class = super::networks::argmax(&classes);
            let score = at(0, cell).powf(0.6) * classes[class].powf(0.4);
            let (row, column) = ((cell / GRID) as f32, (cell % GRID) as f32);
            let x = (column + at(1, cell).tanh()) / GRID as f32;
            let y = (row + at(2, cell).tanh()) / GRID as f32;
            let (width, height) = (sigmoid(at(3, cell)), sigmoid(at(4, cell)));
            let edges = [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0];
            Found { class, score, edges }
        })
        .filter(|found| found.score >= threshold)
        .collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Found> = Vec::new();
    for candidate in candidates {
        let hidden = |best: &Found| best.class == candidate.class && best.overlap(&candidate) > SUPPRESSION;
        if !kept.iter().any(hidden) {
            kept.push(candidate);
        }
    }
    kept
}
