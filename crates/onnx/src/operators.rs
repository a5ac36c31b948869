//! A user's own operators: which handler imports which operator of a file.
//!
//! A handler reads its [`Node`], checks it, and adds operators of `ediacara-graph` through the [`Context`]: core
//! ones, or a user's own [`Op`](ediacara_graph::Op). `crates/deeploy` is a crate of such handlers.

use std::collections::BTreeMap;

use ediacara_graph::ValueId;

use crate::context::Context;
use crate::error::NodeError;
use crate::head::Head as _;
use crate::node::Node;
use crate::ops::{self, Handler};

/// Handlers by the domain and the type of the operators that they import.
///
/// ```
/// use ediacara_graph::ops::Mul;
/// use ediacara_onnx::{ImportOptions, Operators};
///
/// let mut operators = Operators::new();
/// operators.add("com.example", "Square", |context, node| {
///     let x = node.input(0)?;
///     Ok(vec![context.emit(Mul, &[x, x])?])
/// });
/// let options = ImportOptions { operators, ..ImportOptions::default() };
/// ```
///
/// They come before Ediacara's own, and may pass a node on to those with [`Context::standard`]. Where a file
/// defines a function of that name, the handler is taken all the same.
#[derive(Debug, Clone, Default)]
pub struct Operators {
    by_domain: BTreeMap<String, BTreeMap<String, Handler>>,
}

impl Operators {
    /// No operator beside those that Ediacara imports itself.
    pub fn new() -> Operators {
        Operators::default()
    }

    /// Adds the operator `op` of a domain, which is empty (or `ai.onnx`) for that of ONNX itself.
    ///
    /// An entry of the same operator is replaced.
    pub fn add(&mut self, domain: &str, op: &str, handler: Handler) -> &mut Operators {
        let domain = if ops::is_default_domain(domain) { "" } else { domain };
        self.by_domain.entry(domain.to_owned()).or_default().insert(op.to_owned(), handler);
        self
    }

    /// Adds every operator of `others`, which replace those of the same name.
    pub fn extend(&mut self, others: &Operators) -> &mut Operators {
        for (domain, handlers) in &others.by_domain {
            self.by_domain.entry(domain.clone()).or_default().extend(handlers.clone());
        }
        self
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.by_domain.is_empty()
    }

    /// The entries, by domain and type.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_domain
            .iter()
            .flat_map(|(domain, handlers)| handlers.keys().map(|op| (domain.as_str(), op.as_str())))
    }

    /// The handler of an operator: the user's, or Ediacara's own.
    pub(crate) fn find(&self, domain: &str, op: &str) -> Option<Handler> {
        let named = if ops::is_default_domain(domain) { "" } else { domain };
        let own = self.by_domain.get(named).and_then(|handlers| handlers.get(op));
        own.copied().or_else(|| ops::find(domain, op))
    }

    /// Whether an operator can be imported.
    pub(crate) fn supports(&self, domain: &str, op: &str) -> bool {
        ops::with_graphs(domain, op).is_some() || self.find(domain, op).is_some()
    }
}

impl Context<'_> {
    /// What Ediacara itself makes of the node.
    ///
    /// # Errors
    /// Ediacara does not import the operator, or not such a node.
    pub fn standard(&mut self, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
        let [domain, op, _] = node.proto.operator();
        match ops::find(domain, op) {
            Some(handler) => handler(self, node),
            None => Err(NodeError::new("is not supported in this form")),
        }
    }
}
