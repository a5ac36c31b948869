//! The text form of a graph.
//!
//! ```text
//! graph "lenet" {
//!   input %x: f32[1,1,28,28]
//!   constant %b: f32[2] = [0.5, -1.0]
//!   constant %w: f32[2,1,5,5] = @w checksum 0x52a83b5d0f9e1c77
//!   %y: f32[1,2,24,24] = conv(%x, %w, %b) {stride = [1, 1], ..., activation = relu} as "first layer"
//!   output %y
//! }
//! ```
//!
//! An input that keeps its tensor between runs, a parameter, is a `variable`. `#` starts a comment. Values
//! are `%name`, or `%"any name"`. A node's name follows `as` where it differs from its first output's.
//!
//! Constants of up to 16 elements stand inline. Larger ones are named; when the text is parsed, their tensor
//! is looked up and checked against type and checksum. Types are stated for the reader; the parser infers
//! them anew and refuses a difference. Print and parse round-trip (a NaN's payload excepted).

mod lexer;
mod parser;
mod printer;

pub use printer::{INLINE_ELEMENTS, checksum};

use ediacara_tensor::Tensor;

use crate::{Graph, GraphError, Registry};

impl Graph {
    /// The graph as text: inputs, the constants that something reads, live nodes in topological order,
    /// outputs.
    pub fn to_text(&self) -> String {
        printer::print(self)
    }

    /// Reads a graph from its text form.
    ///
    /// `constants` finds the tensor of a constant that is not inline by its name.
    ///
    /// # Errors
    /// [`GraphError::Parse`] with line and column: the text does not follow the form, a constant is not found
    /// or is not the one that was printed, an operator is unknown or refuses its operands, a stated type is
    /// not the inferred one.
    pub fn parse(
        text: &str,
        registry: &Registry,
        constants: &dyn Fn(&str) -> Option<Tensor>,
    ) -> Result<Graph, GraphError> {
        parser::parse(text, registry, constants)
    }

    /// The tensor of the constant called `name`: what [`parse`](Graph::parse) takes to read this graph's
    /// text.
    pub fn constant_by_name(&self, name: &str) -> Option<Tensor> {
        self.value_by_name(name).and_then(|id| self.constant(id)).cloned()
    }
}
