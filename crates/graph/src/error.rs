//! What can go wrong with an operator and with a graph.

use ediacara_kernels::KernelError;
use ediacara_tensor::{DType, TensorError};

use crate::TensorType;

/// An operator refused its operands, its attributes, or could not run.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// Another number of operands than the operator takes.
    #[error("{op} takes {expected} operands, found {found}")]
    OperandCount {
        /// The operator.
        op: &'static str,
        /// What it takes, in words: `2`, `2 or 3`, `at least 1`.
        expected: String,
        /// How many were given.
        found: usize,
    },
    /// An operand's type or shape is not what the operator takes.
    #[error("{op}: operand `{operand}` is {found}: {problem}")]
    Operand {
        /// The operator.
        op: &'static str,
        /// The operand's name in the operator's documentation.
        operand: String,
        /// The operand's type.
        found: TensorType,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// Two operands do not fit each other.
    #[error("{op}: operand `{left}` is {left_type} but operand `{right}` is {right_type}: {problem}")]
    Mismatch {
        /// The operator.
        op: &'static str,
        /// The first operand's name.
        left: String,
        /// Its type.
        left_type: Box<TensorType>,
        /// The second operand's name.
        right: String,
        /// Its type.
        right_type: Box<TensorType>,
        /// What must agree.
        problem: String,
    },
    /// An attribute is missing, of the wrong kind, or out of range.
    #[error("{op}: attribute `{attribute}`: {problem}")]
    Attribute {
        /// The operator.
        op: String,
        /// The attribute.
        attribute: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The values of an operand are not what the operator takes (an index out of range, say).
    #[error("{op}: a value of operand `{operand}`: {problem}")]
    Value {
        /// The operator.
        op: &'static str,
        /// The operand.
        operand: String,
        /// What is wrong.
        problem: String,
    },
    /// The operator has no gradient, or none for these attributes or operands.
    #[error("{op} cannot be differentiated: {problem}")]
    NotDifferentiable {
        /// The operator.
        op: &'static str,
        /// Why, and what to do.
        problem: String,
    },
    /// The registry has no operator of that name.
    #[error("no operator is called `{name}`{hint}")]
    Unknown {
        /// The name.
        name: String,
        /// Empty, or `; did you mean ...?`.
        hint: String,
    },
    /// The host has no kernel for that element type.
    #[error("{op}: the host cannot compute this in {dtype}; cast to {supported} first")]
    Unsupported {
        /// The operator.
        op: &'static str,
        /// The element type.
        dtype: DType,
        /// What the host computes.
        supported: &'static str,
    },
    /// A kernel refused what the shape rule let through.
    #[error("{op}: {source}")]
    Kernel {
        /// The operator.
        op: &'static str,
        /// The kernel's error.
        source: KernelError,
    },
    /// A tensor operation failed.
    #[error("{op}: {source}")]
    Tensor {
        /// The operator.
        op: &'static str,
        /// The tensor's error.
        source: TensorError,
    },
    /// An operator outside the core reports something of its own.
    #[error("{op}: {problem}")]
    Other {
        /// The operator.
        op: String,
        /// What is wrong.
        problem: String,
    },
}

/// A graph could not be built, read, verified or rewritten.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A node's operator refused.
    #[error("node `{node}`: {source}")]
    Op {
        /// The node's name.
        node: String,
        /// The operator's error.
        source: Box<OpError>,
    },
    /// A tensor did not fit.
    #[error("value `{value}`: {source}")]
    Tensor {
        /// The value's name.
        value: String,
        /// The tensor's error.
        source: TensorError,
    },
    /// A value of another graph.
    #[error(
        "{id} is no value of graph `{graph}`: it is of another graph or tape, or from before a `compact`"
    )]
    ForeignValue {
        /// The value, as `value7`.
        id: String,
        /// The graph that was given it.
        graph: String,
    },
    /// A replacement of another type.
    #[error("value `{old}` of type {old_type} cannot be replaced by `{new}` of type {new_type}")]
    Replacement {
        /// The value to be replaced.
        old: String,
        /// Its type.
        old_type: TensorType,
        /// The value to stand for it.
        new: String,
        /// Its type.
        new_type: TensorType,
    },
    /// The graph breaks one of its own rules; `verify` says which.
    #[error("graph `{graph}` is not valid: {problem}")]
    Invalid {
        /// The graph.
        graph: String,
        /// The rule and where it is broken.
        problem: String,
    },
    /// The text form could not be read.
    #[error("line {line}, column {column}: {problem}")]
    Parse {
        /// The line, from 1.
        line: usize,
        /// The column, in characters from 1.
        column: usize,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A rewrite did not come to rest.
    #[error(
        "rewrite `{rewrite}` was applied {count} times without coming to rest, last at node `{node}`; it \
            loops"
    )]
    Loop {
        /// The rewrite.
        rewrite: String,
        /// How often it was applied.
        count: usize,
        /// Where last.
        node: String,
    },
    /// A rewrite or pass failed, or broke the graph.
    #[error("pass `{pass}`: {source}")]
    Pass {
        /// The pass or rewrite.
        pass: String,
        /// Why.
        source: Box<GraphError>,
    },
    /// A pass reports something of its own.
    #[error("{problem}")]
    Other {
        /// What is wrong and what to do.
        problem: String,
    },
}
