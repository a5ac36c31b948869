//! The registry: operators by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Attributes, Op, OpError, ops};

/// An operator as the registry knows it.
#[derive(Debug, Clone, Copy)]
pub struct OpDescription {
    /// The name in text, in snake case.
    pub name: &'static str,
    /// What it computes: operands with shapes, attributes with ranges, results.
    pub documentation: &'static str,
    /// Builds the operator from attributes.
    pub build: fn(&Attributes) -> Result<Arc<dyn Op>, OpError>,
}

/// Operators by name.
///
/// [`Registry::core`] has the closed core; a user's own are added with [`register`](Registry::register).
#[derive(Debug, Clone, Default)]
pub struct Registry {
    descriptions: BTreeMap<&'static str, OpDescription>,
}

impl Registry {
    /// A registry without any operator.
    pub fn empty() -> Registry {
        Registry::default()
    }

    /// The core operators.
    pub fn core() -> Registry {
        let mut registry = Registry::empty();
        for description in ops::descriptions() {
            registry.descriptions.insert(description.name, description);
        }
        registry
    }

    /// Adds an operator.
    ///
    /// # Errors
    /// The name is taken.
    pub fn register(&mut self, description: OpDescription) -> Result<(), OpError> {
        if self.descriptions.contains_key(description.name) {
            let problem = "an operator of this name is registered already; choose another name".to_owned();
            return Err(OpError::Other { op: description.name.to_owned(), problem });
        }
        self.descriptions.insert(description.name, description);
        Ok(())
    }

    /// The operator called `name`.
    pub fn get(&self, name: &str) -> Option<&OpDescription> {
        self.descriptions.get(name)
    }

    /// Every operator, by name.
    pub fn iter(&self) -> impl Iterator<Item = &OpDescription> {
        self.descriptions.values()
    }

    /// Builds the operator called `name`.
    ///
    /// # Errors
    /// There is none, or it refuses the attributes.
    pub fn build(&self, name: &str, attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
        match self.get(name) {
            Some(description) => (description.build)(attributes),
            None => Err(OpError::Unknown { name: name.to_owned(), hint: self.hint(name) }),
        }
    }

    fn hint(&self, name: &str) -> String {
        let question = ediacara_hint::did_you_mean(name, self.descriptions.keys().copied());
        question.map_or_else(String::new, |question| format!("; {question}"))
    }
}
