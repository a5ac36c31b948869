//! The instruction set of the deep learning processor, and the files that carry its programs.
//!
//! docs/isa.md says what an instruction does. One table, `src/table.rs`, holds its name, opcode, fields and
//! documentation. Everything else here follows from the table: typed structs, [`encode`] and [`decode`],
//! assembler, disassembler, the SystemVerilog package and the tables of docs/isa.md. The configuration
//! registers have a table of their own, `src/config.rs`.
//!
//! This crate knows how programs are written down, not what they compute. It has no arithmetic and no timing.

mod asm;
mod binding;
mod config;
#[macro_use]
mod define;
mod disasm;
mod dlpx;
mod documentation;
mod executable;
mod field;
mod fuzz;
mod instruction;
mod matrix;
mod notes;
mod plan;
mod spec;
mod system_verilog;
mod table;
mod value;
mod vector;
mod word;

pub use asm::{AssembleError, AssembleErrors, assemble, assemble_file, included_files};
pub use binding::{Binding, BindingError, REGISTERS, Registers};
pub use config::{ConfigForm, ConfigRegister, ConfigSpec, ConfigWrites};
pub use disasm::{disassemble, instruction_text};
pub use dlpx::ExecutableError;
pub use documentation::{config_table, documentation, instruction_table, rule_table};
pub use executable::{
    Data, ElementType, Encoding, Executable, LayerInfo, Layout, MachineKey, NO_LAYER, Port, SourceLocation,
};
pub use fuzz::{fuzz_assemble, fuzz_executable};
pub use instruction::{DecodeError, Instruction, OperandError, decode, encode, encode_unchecked};
pub use matrix::MatrixOperation;
pub use notes::{HostRest, Label, NamedBytes, Notes, Place, SelfTest, UnknownNote};
pub use plan::{Buffer, BufferId, Constant, CoreProgram, HostProgram, Plan, PlanNotes, Segment, Work};
pub use spec::{
    Address, Condition, ElementBytes, Engine, FieldSpec, InstructionSpec, Kind, Memory, Relation,
};
pub use system_verilog::system_verilog_package;
pub use table::*;
pub use value::{Extent, Party, Value};
pub use vector::{OperandTypes, OperandUnits, TABLE_BYTES, VectorOperands, VectorRule, VectorShape};
pub use word::{WORD_BYTES, Word};
