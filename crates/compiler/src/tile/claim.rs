//! What a tiling asks of a memory.

/// Bytes of NRAM of a table on its way to the vector unit.
pub(crate) const TABLE_BYTES: u64 = ediacara_isa::TABLE_BYTES as u64;

/// A request for `count` slots of `size` units at multiples of `alignment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Units of a slot.
    pub size: u64,
    /// Slots.
    pub count: u64,
    /// Alignment in units, at least 1.
    pub alignment: u64,
}

impl Claim {
    /// `count` slots of `size` units, aligned to `alignment`.
    pub fn new(size: u64, count: u64, alignment: u64) -> Claim {
        Claim { size, count, alignment }
    }

    /// Units that the claim takes, alignment included.
    pub fn units(&self) -> u64 {
        self.size.next_multiple_of(self.alignment) * self.count
    }
}
