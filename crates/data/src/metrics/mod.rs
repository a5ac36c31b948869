//! How well predictions meet the truth: classes and boxes.
//!
//! Metrics take plain numbers, labels and boxes, and need no graph. So they stand here, where labels and
//! boxes are, and every crate that has predictions can use them. [`Confusion`] and [`top_k_accuracy`] are of
//! classes. [`average_precisions`] and [`mean_average_precision`] are of detected boxes.
//! [`Rectangle::overlap`](crate::boxes::Rectangle::overlap) is the overlap of two boxes.

mod classification;
mod detection;

pub use classification::{Confusion, Scores, top_k_accuracy};
pub use detection::{Definition, DetectedPhoto, GroundTruth, average_precisions, mean_average_precision};
