//! The intermediate representation: a graph of operators over tensors of static shape.
//!
//! Values and nodes live in arenas behind [`ValueId`] and [`NodeId`]. A node's operator is an [`Op`]: it
//! knows its attributes, its shape and type rule, its host kernel, its gradient and its cost. The closed core
//! of operators is in [`ops`], one file each. A [`Registry`] finds operators by name, and takes a user's own.
//! Shapes are checked when a node is added.
//!
//! This crate does not schedule, plan memory or lower: it is what the importer writes, the optimiser
//! rewrites, and the host and the compiler read. Start reading at [`Graph`], then [`Op`], then any file in
//! `ops/`.

mod attribute;
mod entity;
mod error;
mod gradient;
mod graph;
mod names;
mod op;
pub mod ops;
mod registry;
pub mod rewrite;
mod row_form;
pub mod text;
mod types;
mod value;
mod value_list;
mod verify;

pub use attribute::{Attribute, AttributeReader, Attributes};
pub use ediacara_tensor::{DType, Tensor, TensorError};
pub use entity::{NodeId, ValueId};
pub use error::{GraphError, OpError};
pub use gradient::{Emit, GradientContext, OperandGradients};
pub use graph::{Graph, Node};
pub use op::{Cost, Follower, IntoOp, Op, Operand, Place, Prepared, Ready, Rescaling};
pub use registry::{OpDescription, Registry};
pub use row_form::{RowForm, RowOperand, RowSecond, RowValue};
pub use types::TensorType;
pub use value::{Definition, Value};
pub use value_list::ValueList;
