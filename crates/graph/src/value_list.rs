//! The operands or results of a node.

use std::fmt;
use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use crate::ValueId;

/// The operands or results of a node: a slice of values.
///
/// Nearly every node has one or two, which lie in the node itself. Otherwise a large graph would be twice as
/// many small allocations as nodes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ValueList(SmallVec<[ValueId; 2]>);

impl ValueList {
    /// The values as a slice.
    pub fn as_slice(&self) -> &[ValueId] {
        &self.0
    }
}

impl Deref for ValueList {
    type Target = [ValueId];

    fn deref(&self) -> &[ValueId] {
        &self.0
    }
}

impl DerefMut for ValueList {
    fn deref_mut(&mut self) -> &mut [ValueId] {
        &mut self.0
    }
}

impl From<&[ValueId]> for ValueList {
    fn from(values: &[ValueId]) -> ValueList {
        ValueList(SmallVec::from_slice(values))
    }
}

impl FromIterator<ValueId> for ValueList {
    fn from_iter<I: IntoIterator<Item = ValueId>>(values: I) -> ValueList {
        ValueList(values.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a ValueList {
    type Item = &'a ValueId;
    type IntoIter = std::slice::Iter<'a, ValueId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a mut ValueList {
    type Item = &'a mut ValueId;
    type IntoIter = std::slice::IterMut<'a, ValueId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut()
    }
}

impl fmt::Debug for ValueList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
