//! Average precision of detected boxes, by the definitions of PASCAL VOC and COCO.
//!
//! All definitions order the detections of a class by score, call each a true or a false positive, and
//! average the precision over recall. The precision at a recall is the highest that is reached there or
//! beyond. The definitions differ in which box a detection may have, in what is ignored, and in where recall
//! is sampled.

use std::collections::BTreeMap;

use crate::boxes::{Detection, Rectangle};

/// A thing that is on a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundTruth {
    /// Class number.
    pub class: usize,
    /// Where it is.
    pub rectangle: Rectangle,
    /// The thing need not be found, and finding it is no error: VOC's `difficult`, COCO's `iscrowd`.
    pub ignored: bool,
}

/// The things on a photo and the detections there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetectedPhoto {
    /// The things that are there.
    pub truths: Vec<GroundTruth>,
    /// The things that were found, in any order.
    pub detections: Vec<Detection>,
}

/// A definition of average precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// PASCAL VOC up to 2009: precision at the eleven recalls 0, 0.1, ..., 1.
    ///
    /// Source: Everingham et al., "The PASCAL visual object classes (VOC) challenge", 2010, section 4.2.
    Voc2007,
    /// PASCAL VOC from 2010: the area under the curve at all recalls.
    ///
    /// Source: Everingham et al., "The PASCAL visual object classes challenge: a retrospective", 2015.
    Voc2010,
    /// COCO: precision at 101 recalls, for ten overlaps from 0.5 to 0.95.
    ///
    /// Source: Lin et al., "Microsoft COCO", 2014, and the evaluation of its API.
    Coco,
}

/// The most detections of a class on a photo that COCO looks at, which are those of the highest scores.
const COCO_DETECTIONS: usize = 100;

impl Definition {
    /// The least overlaps over which the definition averages.
    pub fn overlaps(self) -> Vec<f64> {
        match self {
            Definition::Voc2007 | Definition::Voc2010 => vec![0.5],
            Definition::Coco => (0..10).map(|step| f64::from(50 + 5 * step) / 100.0).collect(),
        }
    }

    /// The recalls at which precision is sampled; none where the whole curve counts.
    fn recalls(self) -> Vec<f64> {
        match self {
            // Correctly rounded quotients of the same number are equal, so that comparing them is exact.
            Definition::Voc2007 => (0..=10).map(|step| f64::from(step) / 10.0).collect(),
            Definition::Voc2010 => Vec::new(),
            // The products are those of COCO's API. Ten of them, 0.7 among them, are rounded up, so that a
            // recall of exactly that value does not reach them.
            Definition::Coco => (0..=100).map(|step| f64::from(step) * 0.01).collect(),
        }
    }

    /// The overlap of a detection with a truth.
    ///
    /// VOC counts pixels, the last one included. COCO has edges. If a detection finds a crowd, COCO counts
    /// the part of it that is in the crowd.
    fn overlap(self, found: &Rectangle, truth: &GroundTruth) -> f64 {
        let last = if self == Definition::Coco { 0.0 } else { 1.0 };
        let area = |left: f32, top: f32, right: f32, bottom: f32| {
            let side = |low: f32, high: f32| (f64::from(high) - f64::from(low) + last).max(0.0);
            side(left, right) * side(top, bottom)
        };
        let whole = |r: &Rectangle| area(r.left, r.top, r.right, r.bottom);
        let there = &truth.rectangle;
        let common = area(
            found.left.max(there.left),
            found.top.max(there.top),
            found.right.min(there.right),
            found.bottom.min(there.bottom),
        );
        let base = if self == Definition::Coco && truth.ignored {
            whole(found)
        } else {
            whole(found) + whole(there) - common
        };
        if base > 0.0 { common / base } else { 0.0 }
    }
}

/// The truths and detections of one class on one photo.
#[derive(Default)]
struct PhotoOfClass {
    /// For COCO, ignored truths come last.
    truths: Vec<GroundTruth>,
    /// The detections by falling score.
    detections: Vec<Detection>,
    /// A row for each detection.
    overlaps: Vec<f64>,
}

impl PhotoOfClass {
    fn prepare(&mut self, definition: Definition) {
        self.detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        if definition == Definition::Coco {
            self.truths.sort_by_key(|truth| truth.ignored);
            self.detections.truncate(COCO_DETECTIONS);
        }
        let row = |found: &Detection| {
            let rectangle = found.rectangle;
            self.truths.iter().map(move |truth| definition.overlap(&rectangle, truth))
        };
        self.overlaps = self.detections.iter().flat_map(row).collect();
    }

    /// The truth that a detection finds, where `taken` says which truths are found already.
    fn truth_of(
        &self,
        definition: Definition,
        detection: usize,
        taken: &[bool],
        least: f64,
    ) -> Option<usize> {
        let count = self.truths.len();
        let overlaps = &self.overlaps[detection * count..][..count];
        let mut best = None;
        let mut best_overlap = least;
        for (truth, &overlap) in overlaps.iter().enumerate() {
            if definition == Definition::Coco {
                let ignored = self.truths[truth].ignored;
                if taken[truth] && !ignored {
                    continue;
                }
                // A truth that counts goes before all ignored ones.
                if ignored && best.is_some_and(|best: usize| !self.truths[best].ignored) {
                    break;
                }
            }
            let better = if best.is_some() && definition != Definition::Coco {
                overlap > best_overlap
            } else {
                overlap >= best_overlap
            };
            if better {
                (best, best_overlap) = (Some(truth), overlap);
            }
        }
        best
    }

    /// Score and truth of every detection that is a true or a false positive.
    fn judge(&self, definition: Definition, least: f64, judged: &mut Vec<(f32, bool)>) {
        let mut taken = vec![false; self.truths.len()];
        for (index, detection) in self.detections.iter().enumerate() {
            let right = match self.truth_of(definition, index, &taken, least) {
                None => false,
                Some(truth) if self.truths[truth].ignored => continue,
                // VOC takes the nearest truth, even if another detection has it.
                Some(truth) => !std::mem::replace(&mut taken[truth], true),
            };
            judged.push((detection.score, right));
        }
    }
}

/// Recall and precision after each detection; precision is the highest there or beyond.
fn curve(mut judged: Vec<(f32, bool)>, positives: usize) -> Vec<[f64; 2]> {
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0_usize;
    let mut curve: Vec<[f64; 2]> = judged
        .iter()
        .enumerate()
        .map(|(before, &(_, is_right))| {
            right += usize::from(is_right);
            [right as f64 / positives as f64, right as f64 / (before + 1) as f64]
        })
        .collect();
    let mut highest = 0.0_f64;
    for point in curve.iter_mut().rev() {
        highest = highest.max(point[1]);
        point[1] = highest;
    }
    curve
}

/// The mean precision at recalls.
fn sampled(curve: &[[f64; 2]], recalls: &[f64]) -> f64 {
    let precision = |recall: &f64| {
        let reached = curve.partition_point(|point| point[0] < *recall);
        curve.get(reached).map_or(0.0, |point| point[1])
    };
    recalls.iter().map(precision).sum::<f64>() / recalls.len() as f64
}

/// The area under the curve.
fn area(curve: &[[f64; 2]]) -> f64 {
    let mut before = 0.0;
    curve
        .iter()
        .map(|&[recall, precision]| (recall - std::mem::replace(&mut before, recall)) * precision)
        .sum()
}

/// The average precision, 0..=1, of each class of which something must be found, as the mean over `overlaps`.
///
/// Those are the least intersections over union, 0..=1, with which a box counts as found.
pub fn average_precisions(
    photos: &[DetectedPhoto],
    definition: Definition,
    overlaps: &[f64],
) -> BTreeMap<usize, f64> {
    let mut classes: BTreeMap<usize, BTreeMap<usize, PhotoOfClass>> = BTreeMap::new();
    for (index, photo) in photos.iter().enumerate() {
        for truth in &photo.truths {
            classes.entry(truth.class).or_default().entry(index).or_default().truths.push(*truth);
        }
        for found in &photo.detections {
            classes.entry(found.class).or_default().entry(index).or_default().detections.push(*found);
        }
    }
    let recalls = definition.recalls();
    let mut precisions = BTreeMap::new();
    for (class, mut photos) in classes {
        photos.values_mut().for_each(|photo| photo.prepare(definition));
        let positives =
            photos.values().flat_map(|photo| &photo.truths).filter(|truth| !truth.ignored).count();
        if positives == 0 || overlaps.is_empty() {
            continue;
        }
        let average = |&least: &f64| {
            let mut judged = Vec::new();
            photos.values().for_each(|photo| photo.judge(definition, least, &mut judged));
            let curve = curve(judged, positives);
            match definition {
                Definition::Voc2010 => area(&curve),
                Definition::Voc2007 | Definition::Coco => sampled(&curve, &recalls),
            }
        };
        precisions.insert(class, overlaps.iter().map(average).sum::<f64>() / overlaps.len() as f64);
    }
    precisions
}

/// The mean of [`average_precisions`] over the classes, at the definition's own overlaps: mAP, 0..=1.
///
/// It is nothing where nothing must be found.
pub fn mean_average_precision(photos: &[DetectedPhoto], definition: Definition) -> Option<f64> {
    let precisions = average_precisions(photos, definition, &definition.overlaps());
    (!precisions.is_empty()).then(|| precisions.values().sum::<f64>() / precisions.len() as f64)
}
