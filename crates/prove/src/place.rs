//! The memories, and the vector engine's table.

/// The memories, each with addresses of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Dram,
    Nram,
    Wram,
    Aram,
    Pram,
}

impl Place {
    /// Number of memories.
    pub(crate) const COUNT: usize = 5;

    /// A unit of its addresses, for people.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Place::Dram => "DRAM byte",
            Place::Nram => "NRAM byte",
            Place::Wram => "WRAM byte",
            Place::Aram => "accumulator",
            Place::Pram => "PRAM record",
        }
    }
}

/// What an instruction does with the vector engine's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableUse {
    Read,
    Fill,
}
