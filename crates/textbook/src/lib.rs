//! The textbook's machines and questions in their own terms: abstract programs, rooflines, utilisation, loop
//! nests, a catalogue of accelerators, speed-ups, activation functions, number
//! formats.
//!
//! The textbook is Chen Yunji et al., "Intelligent Computing Systems". Everything here is a model on paper.
//! It is exact about itself, and leaves out the latencies, queues and bursts that the simulator of the real
//! instruction set (`ediacara-sim`) accounts for. Each module answers one kind of question and returns data,
//! text and pictures. None prints, and none opens a file that it was not given. The questions and answers are
//! the pages of docs/textbook/. Start reading at [`program`].

pub mod activations;
pub mod catalogue;
pub mod decoder;
pub mod formats;
pub mod layers;
pub mod nest;
pub mod program;
pub mod roofline;
pub mod speedup;
pub mod utilisation;
