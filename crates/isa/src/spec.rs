//! The vocabulary of the instruction table: engines, memories, kinds of operand.

use std::fmt;

use ediacara_arch::RECORD_BYTES;

/// The five in-order engines of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// Fetches, executes scalar instructions, issues the others.
    Control,
    /// DRAM to NRAM, WRAM, PRAM; NRAM to WRAM.
    Load,
    /// NRAM x WRAM to ARAM.
    Matrix,
    /// ARAM or NRAM to NRAM.
    Vector,
    /// NRAM to DRAM.
    Store,
}

impl Engine {
    /// All engines, in the order of the table.
    pub const ALL: [Engine; 5] =
        [Engine::Control, Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Control => "control",
            Engine::Load => "load",
            Engine::Matrix => "matrix",
            Engine::Vector => "vector",
            Engine::Store => "store",
        }
    }
}

/// The memories that instructions read and write.
///
/// Each has a unit of its own, in which its addresses count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Memory {
    /// Everything that is not on chip; bytes.
    Dram,
    /// Neurons; bytes.
    Nram,
    /// Weights of the matrix unit; bytes.
    Wram,
    /// Accumulators; accumulators.
    Aram,
    /// Requantise records; records.
    Pram,
}

impl Memory {
    /// All memories.
    pub const ALL: [Memory; 5] = [Memory::Dram, Memory::Nram, Memory::Wram, Memory::Aram, Memory::Pram];

    /// Lower-case name, as in assembly.
    pub fn name(self) -> &'static str {
        match self {
            Memory::Dram => "dram",
            Memory::Nram => "nram",
            Memory::Wram => "wram",
            Memory::Aram => "aram",
            Memory::Pram => "pram",
        }
    }

    /// The name in prose and messages.
    pub fn title(self) -> &'static str {
        match self {
            Memory::Dram => "DRAM",
            Memory::Nram => "NRAM",
            Memory::Wram => "WRAM",
            Memory::Aram => "ARAM",
            Memory::Pram => "PRAM",
        }
    }

    /// What an address counts.
    pub fn units(self) -> &'static str {
        match self {
            Memory::Dram | Memory::Nram | Memory::Wram => "bytes",
            Memory::Aram => "accumulators",
            Memory::Pram => "records",
        }
    }

    /// Bytes of a unit.
    pub fn unit_bytes(self) -> u64 {
        match self {
            Memory::Dram | Memory::Nram | Memory::Wram => 1,
            Memory::Aram => 4,
            Memory::Pram => RECORD_BYTES,
        }
    }

    /// The code in an instruction's `memory` field; nothing for DRAM, which no such field names.
    pub fn code(self) -> Option<u64> {
        match self {
            Memory::Nram => Some(0),
            Memory::Wram => Some(1),
            Memory::Pram => Some(2),
            Memory::Aram => Some(3),
            Memory::Dram => None,
        }
    }

    pub(crate) fn from_code(code: u64) -> Option<Memory> {
        Memory::ALL.into_iter().find(|memory| memory.code() == Some(code))
    }
}

macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $Name:ident { $( $(#[$meta:meta])+ $Variant:ident $word:literal, )+ } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $Name {
            $( $(#[$meta])+ $Variant, )+
        }

        impl $Name {
            /// In the order of their codes.
            pub const ALL: &'static [$Name] = &[ $( $Name::$Variant, )+ ];
            /// The words of assembly, by code.
            pub const WORDS: &'static [&'static str] = &[ $( $word, )+ ];

            /// The word in assembly.
            pub fn name(self) -> &'static str {
                $Name::WORDS[self as usize]
            }
        }
    )+ };
}

words! {
    /// Condition of a branch, over unsigned 40-bit registers.
    Condition {
        /// `R[ra] == R[rb]`
        #[default]
        Equal "equal",
        /// `R[ra] != R[rb]`
        NotEqual "not_equal",
        /// `R[ra] < R[rb]`
        Less "less",
        /// `R[ra] >= R[rb]`
        GreaterEqual "greater_equal",
    }
    /// What `float_compare` asks of two real numbers; a NaN is only unequal.
    Relation {
        /// `a == b`
        #[default]
        Equal "equal",
        /// `a != b`
        NotEqual "not_equal",
        /// `a < b`
        Less "less",
        /// `a <= b`
        LessEqual "less_equal",
        /// `a > b`
        Greater "greater",
        /// `a >= b`
        GreaterEqual "greater_equal",
    }
    /// Bytes of an element that is only carried.
    ElementBytes {
        /// One.
        #[default]
        One "1",
        /// Two.
        Two "2",
        /// Four.
        Four "4",
    }
}

impl ElementBytes {
    /// The number.
    pub fn bytes(self) -> u64 {
        1 << self as u64
    }
}

/// An address: an immediate plus a scalar register, modulo 2^40, in the unit of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// The immediate: 40 bits for DRAM, 24 on chip, 16 for PRAM in the vector engine.
    pub offset: u64,
    /// The register, 0 to 15. `R0` reads as zero.
    pub register: u8,
}

impl Address {
    /// An address without a register.
    pub const fn new(offset: u64) -> Address {
        Address { offset, register: 0 }
    }

    /// An address relative to a register.
    pub const fn relative(register: u8, offset: u64) -> Address {
        Address { offset, register }
    }
}

impl From<u64> for Address {
    fn from(offset: u64) -> Address {
        Address::new(offset)
    }
}

/// What an operand is, which decides how its bits are split, how they are checked and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Offset, register, and for DRAM the space code.
    Address(Memory),
    /// An address in the memory that the instruction's `memory` field names.
    Selected,
    /// A scalar register.
    Register,
    /// An unsigned number; zero is fine.
    Unsigned,
    /// An unsigned number; zero is an operand fault.
    Count,
    /// The number of instructions of a loop's body; zero is an operand fault.
    Body,
    /// An instruction index.
    Target,
    /// A signed number.
    Signed,
    /// One bit, written as a word of its own.
    Flag,
    /// One of these memories, written around the address that it is for.
    Memory(&'static [Memory]),
    /// One of these words, by its place among them.
    Word(&'static [&'static str]),
    /// Up to five configuration register writes.
    ConfigWrites,
}

impl Kind {
    /// The memory of an address; NRAM where the instruction names another, as `a` of a float instruction.
    pub(crate) const fn memory(self) -> Option<Memory> {
        match self {
            Kind::Address(memory) => Some(memory),
            Kind::Selected => Some(Memory::Nram),
            _ => None,
        }
    }

    /// Whether it is an address: an offset and a register.
    pub fn is_address(self) -> bool {
        matches!(self, Kind::Address(_) | Kind::Selected)
    }
}

/// One operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// The name in assembly and in the struct.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its lowest bit in the word.
    pub lsb: u32,
    /// Its bits.
    pub width: u32,
    /// The value that assembly takes if the operand is left out; `None` if it must be written.
    pub default: Option<u64>,
    /// What it means.
    pub doc: &'static str,
}

impl FieldSpec {
    /// Bits of an address's immediate.
    pub(crate) fn offset_width(&self) -> u32 {
        match self.kind {
            Kind::Address(Memory::Dram) => self.width - 8,
            kind if kind.is_address() => self.width - 4,
            _ => self.width,
        }
    }
}

/// One instruction of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionSpec {
    /// Bits 7:0.
    pub opcode: u8,
    /// The name in assembly.
    pub mnemonic: &'static str,
    /// Who executes it.
    pub engine: Engine,
    /// Whether it may carry a wait mask.
    pub may_wait: bool,
    /// Whether it may carry a post mask.
    pub may_post: bool,
    /// Operands, in the order of the word, or in an order that reads better.
    pub fields: &'static [FieldSpec],
    /// What it does, for people.
    pub doc: &'static str,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
