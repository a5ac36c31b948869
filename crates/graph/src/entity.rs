//! Typed indices into a graph's arenas.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// A node of one graph.
///
/// Ids of different graphs, or from before a `compact`, must not be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub(crate) fn new(index: usize) -> Self {
        NodeId(arena_index(index))
    }

    /// The position in the arena; dense from 0 after [`Graph::compact`](crate::Graph::compact).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "node{}", self.0)
    }
}

/// A value of one graph, and of the clones made of the graph while it had the value.
///
/// The value knows its graph. Another graph refuses it, and so does the same graph after a `compact`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId {
    index: u32,
    origin: Origin,
}

impl ValueId {
    pub(crate) fn new(index: usize, origin: Origin) -> Self {
        ValueId { index: arena_index(index), origin }
    }

    /// The position in the arena; dense from 0 after [`Graph::compact`](crate::Graph::compact).
    pub fn index(self) -> usize {
        self.index as usize
    }

    pub(crate) fn origin(self) -> Origin {
        self.origin
    }
}

impl fmt::Debug for ValueId {
    /// Leaves out the origin, which depends on what else the process has built.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ValueId({})", self.index)
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "value{}", self.index)
    }
}

fn arena_index(index: usize) -> u32 {
    debug_assert!(index <= u32::MAX as usize);
    index as u32
}

/// The graph that made a value, as a number that no other graph of the process has (until 2^32 have been
/// made).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin(u32);

/// Marks what a graph makes with the graph's own origin.
///
/// A clone of the graph has another origin, because the two make different things from then on.
#[derive(Debug)]
pub(crate) struct Maker(Origin);

impl Maker {
    pub(crate) fn origin(&self) -> Origin {
        self.0
    }
}

impl Default for Maker {
    fn default() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Maker(Origin(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Clone for Maker {
    fn clone(&self) -> Self {
        Maker::default()
    }
}
