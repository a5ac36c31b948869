//! How well predictions meet the truth: classes and boxes.
//!
//! Metrics are of plain numbers, labels and boxes; no graph is needed, so that they stand here, where labels and boxes are,
//! and every crate that has predictions can use them. [`Confusion`] and [`top_k_accuracy`] are of classes,
//! [`average_precisions`] and [`mean_average_precision`] of detected boxes; the overlap of two boxes is
//! [`Rectangle::overlap`](crate::boxes::Rectangle::overlap).

mod classification;
mod detection;

pub use classification::{Confusion, Scores, top_k_accuracy};
pub use detection::{Definition, DetectedPhoto, GroundTruth, average_precisions, mean_average_precision};
