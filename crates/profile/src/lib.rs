//! What the cycles of a run say, as data, as JSON and as tables for people.
//!
//! Start at [`RunReport`], which is the object that `ediacara run --json` prints. [`Bounds`] are the two that stand
//! beside every result, [`layer_reports`] the account of each layer. Nothing here prints.

mod bounds;
mod engines;
mod layers;
mod remedy;
mod report;
mod table;

pub use bounds::Bounds;
pub use engines::{EngineReport, by_name, engine_reports};
pub use layers::{LayerReport, layer_reports};
pub use remedy::{Change, Remedy, most_useful};
pub use report::{Check, HostOpReport, OutputReport, Quantisation, RunReport, TopClass};
pub use table::{
    engine_table, layer_table, plain_table, report_engine_table, shorten, split_line, thousands, totals,
};
