//! Graph to graph: clean-up and fusion passes, calibration and quantisation to int8, import of QDQ graphs.
//!
//! [`optimise`] runs the passes of [`passes`], one visible list, over a real graph and preserves its values.
//! Two ways lead on to the int8 dialect that the compiler takes: [`Calibration::collect`] and [`quantise`]
//! for a real network, [`import_qdq`] for a network that is quantised already. For a DLP with float lanes
//! [`quantise_with_floats`] and [`import_qdq_with_floats`] give it the real nodes between them, too. All arithmetic follows
//! docs/numerics.md.
//!
//! This crate lowers nothing to a machine and opens no file. Start reading at [`optimise`].

mod assumed;
mod calibration;
mod channels;
mod encoding;
mod error;
mod forest;
mod interpolation;
mod islands;
mod known;
mod moments;
pub mod passes;
mod phases;
mod pipeline;
mod precision;
mod qdq;
mod quantise;

pub use calibration::{Calibration, Statistics};
pub use encoding::{Encoding, Range};
pub use error::{OptimiserError, Result};
pub use islands::{import_qdq_with_floats, quantise_with_floats};
pub use pipeline::{Options, Report, optimise, optimise_with};
pub use precision::{in_floating_point, quantise_mixed};
pub use qdq::{import_qdq, is_qdq};
pub use quantise::{Left, LeftReal, Origin, Quantised, Silenced, quantisation_rules, quantise};
