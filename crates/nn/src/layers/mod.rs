//! Layers: methods of [`Scope`](crate::Scope) that add nodes and declare parameters, one file each.

mod attention;
mod batch_norm;
mod conv;
mod conv_transpose;
mod dense;
mod dropout;
mod embedding;
mod gru;
mod layer_norm;
mod lstm;
mod pool;
mod prelu;
mod recurrent;
mod rnn;

pub use recurrent::Sequence;
