//! What the cycles of a run say, as data, as JSON and as tables for people.
//!
//! Start at [`RunReport`], which is the object that `ediacara run --json` prints. [`layer_reports`] gives the
//! account of each layer. Nothing here prints.

mod engines;
mod layers;
mod matrix_beats;
mod number;
mod remedy;
mod report;
mod share;
mod steps;
mod table;

pub use engines::{EngineReport, by_name, engine_reports};
pub use layers::{LayerReport, LayerYardstick, layer_reports};
pub use matrix_beats::MatrixBeats;
pub use number::thousands;
pub use remedy::{Change, Remedy, Tried, WhatIf, most_useful};
pub use report::{
    Check, Difference, NodeReport, OutputReport, Quantisation, RunReport, SegmentReport, TopClass,
};
pub use share::{HostOpReport, Placement, Share, host_lines};
pub use table::{
    engine_table, layer_table, long_table, plain_table, report_engine_table, shorten, split_line,
    timing_words, totals, what_if_text,
};
