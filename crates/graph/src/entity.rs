//! Typed indices into a graph's arenas.

use std::fmt;

macro_rules! entity {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            pub(crate) fn new(index: usize) -> Self {
                debug_assert!(index <= u32::MAX as usize);
                $name(index as u32)
            }

            /// The position in the arena; dense from 0 after [`Graph::compact`](crate::Graph::compact).
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

entity!(
    NodeId,
    "node",
    "A node of one graph. Ids of different graphs, or from before a `compact`, must not be mixed."
);
entity!(
    ValueId,
    "value",
    "A value of one graph. Ids of different graphs, or from before a `compact`, must not be mixed."
);
