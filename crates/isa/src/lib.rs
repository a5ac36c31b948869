//! The instruction set of the deep learning processor, and the files that carry its programs.
//!
//! What an instruction does is told in docs/isa.md; its name, opcode, fields and documentation stand in one table,
//! `src/table.rs`, from which everything else here follows: typed structs, [`encode`] and [`decode`], assembler,
//! disassembler, the SystemVerilog package and the tables of docs/isa.md. The configuration registers have a table of their own, `src/config.rs`.
//!
//! This crate knows how programs are written down, not what they compute: no arithmetic and no timing is here.

mod config;
mod executable;
mod field;
mod instruction;
mod spec;
mod table;
mod word;

pub use config::{ConfigRegister, ConfigSpec, ConfigWrites};
pub use executable::{Executable, LayerInfo, MachineKey, NO_LAYER, Port, Real, Segment, SourceLocation};
pub use instruction::{DecodeError, Instruction, OperandError, decode, encode, encode_unchecked};
pub use spec::{Address, Condition, Engine, FieldSpec, InstructionSpec, Kind, Memory, Space};
pub use table::{
    Add, AddScalar, AveragePool, Branch, Config, Copy, Depthwise, Dot, Fill, INSTRUCTIONS, Jump, Load,
    LoadTable, Loop, MaxPool, Maximum, Move, Multiply, Operation, Requantise, Set, Store, Table, Transpose,
};
pub use word::{WORD_BYTES, Word};
