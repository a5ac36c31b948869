//! Layers: what adds nodes and declares parameters. One file each, methods of [`Scope`](crate::Scope).

mod batch_norm;
mod conv;
mod dense;
mod dropout;
mod pool;
