//! Rewriting: a rule looks at one node and proposes a patch; the driver applies, checks, names and counts it.
//!
//! A rule never changes the graph itself, so it cannot leave it half changed, and each change can be counted,
//! traced and bisected. Start reading at [`Rewrite`] and [`Patch`]; [`Pass`] and [`Pipeline`] string drivers
//! together.

mod driver;
mod pass;
mod patch;
mod unroll;

pub use driver::{Application, Context, Driver, Rewrite};
pub use pass::{Pass, PassReport, Pipeline, RewritePass};
pub use patch::{Patch, PatchValue};
pub use unroll::{Unrolled, unroll};
