//! What names mean in the graph, in the branch of an If and in a function.
//!
//! A branch sees the graph around it; a function sees its operands alone.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use ediacara_graph::ValueId;

use crate::node::Attributes;
use crate::ops::masked::Role;
use crate::proto::{FunctionProto, TensorProto};

/// The names of one graph, branch or function.
#[derive(Default)]
pub(crate) struct Scope<'a> {
    /// Values of the graph under construction by their name in the file.
    pub(crate) values: HashMap<&'a str, ValueId>,
    /// Initialisers by name; they are decoded when a node first reads them.
    pub(crate) stored: HashMap<&'a str, &'a TensorProto>,
    /// Operands of a function that the call leaves out.
    pub(crate) absent: HashSet<&'a str>,
    /// Nodes that assign to what a mask selects, by their first output, and what becomes of each.
    pub(crate) roles: HashMap<&'a str, Role>,
    /// Whether names that are not found here are looked for in the scope around.
    pub(crate) sees_outer: bool,
    /// The function whose scope this is, and the attributes that it is called with.
    pub(crate) function: Option<(&'a FunctionProto, Rc<Attributes<'a>>)>,
    /// The prefix of the names of its nodes and values, so that two calls can be told apart.
    pub(crate) prefix: String,
}

impl<'a> Scope<'a> {
    /// A scope with these initialisers.
    pub(crate) fn with_stored(initialisers: &'a [TensorProto]) -> Scope<'a> {
        let named = initialisers.iter().map(|proto| (proto.name.as_deref().unwrap_or(""), proto));
        Scope { stored: named.collect(), ..Scope::default() }
    }
}

/// What a name stands for.
pub(crate) enum Meaning<'a> {
    /// A value of the graph under construction.
    Value(ValueId),
    /// An initialiser of the scope with this index that nobody has read yet.
    Stored(usize, &'a TensorProto),
    /// An operand that was left out.
    Absent,
}

/// What `name` means in the innermost of `scopes`, if anything.
pub(crate) fn meaning<'a>(scopes: &[Scope<'a>], name: &str) -> Option<Meaning<'a>> {
    for (index, scope) in scopes.iter().enumerate().rev() {
        if let Some(&id) = scope.values.get(name) {
            return Some(Meaning::Value(id));
        }
        if let Some(&proto) = scope.stored.get(name) {
            return Some(Meaning::Stored(index, proto));
        }
        if scope.absent.contains(name) {
            return Some(Meaning::Absent);
        }
        if !scope.sees_outer {
            return None;
        }
    }
    None
}
