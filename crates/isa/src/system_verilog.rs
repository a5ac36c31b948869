//! The SystemVerilog package of the instruction set.

use std::fmt::Write;

use crate::{ConfigRegister, FieldSpec, INSTRUCTIONS, InstructionSpec, Kind, Space, WORD_BYTES, Word};

/// The text of package `ediacara_isa_pkg`: opcodes, positions of every field, numbers and resets of the
/// configuration registers.
///
/// Plain `localparam`s only, which every tool reads. `X_LSB` and `X_WIDTH` are meant for `word[X_LSB +:
/// X_WIDTH]`.
pub fn system_verilog_package() -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_package(&mut out);
    out
}

fn write_package(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "// The instruction set: generated from crates/isa/src/table.rs and config.rs, not to be edited."
    )?;
    writeln!(out, "package ediacara_isa_pkg;\n")?;
    for (name, lsb, width) in [("OPCODE", 0, 8), ("RESERVED", 8, 8), ("WAIT", 16, 16), ("POST", 32, 16)] {
        writeln!(out, "  localparam int WORD_{name}_LSB = {lsb};")?;
        writeln!(out, "  localparam int WORD_{name}_WIDTH = {width};")?;
    }
    for spec in INSTRUCTIONS {
        let name = spec.mnemonic.to_uppercase();
        writeln!(out, "\n  // {}: {}", spec.mnemonic, spec.doc.trim())?;
        writeln!(out, "  localparam logic [7:0] OPCODE_{name} = 8'h{:02x};", spec.opcode)?;
        for field in spec.fields {
            write_field(out, &name, field)?;
        }
        writeln!(out, "  localparam logic [255:0] USED_{name} = 256'h{};", used(spec))?;
    }
    writeln!(out, "\n  localparam int CONFIG_COUNT = {};", ConfigRegister::COUNT)?;
    for register in ConfigRegister::ALL {
        let name = register.name().replace('.', "_").to_uppercase();
        let reset = register.reset() as u32;
        writeln!(out, "  localparam logic [7:0] CONFIG_{name} = 8'h{:02x};", register.id())?;
        writeln!(out, "  localparam logic [31:0] CONFIG_{name}_RESET = 32'h{reset:08x};")?;
    }
    writeln!(out, "\nendpackage")
}

fn write_field(out: &mut String, instruction: &str, field: &FieldSpec) -> std::fmt::Result {
    let name = format!("{instruction}_{}", field.name.to_uppercase());
    let mut part = |name: &str, lsb: u32, width: u32| {
        writeln!(out, "  localparam int {name}_LSB = {lsb};")?;
        writeln!(out, "  localparam int {name}_WIDTH = {width};")
    };
    let Kind::Address(space) = field.kind else {
        return part(&name, field.lsb, field.width);
    };
    let offset = field.offset_width();
    part(&format!("{name}_OFFSET"), field.lsb, offset)?;
    part(&format!("{name}_REGISTER"), field.lsb + offset, 4)?;
    if space == Space::Dram {
        part(&format!("{name}_SPACE"), field.lsb + offset + 4, 4)?;
    }
    Ok(())
}

/// The bits of the word that may be set, as hexadecimal digits.
fn used(spec: &InstructionSpec) -> String {
    let masks = [(16, 16 * u32::from(spec.may_wait)), (32, 16 * u32::from(spec.may_post))];
    let fields = spec.fields.iter().map(|field| (field.lsb, field.width));
    let mut word: Word = [0; WORD_BYTES];
    for (lsb, width) in fields.chain(masks).chain([(0, 8)]) {
        for bit in lsb..lsb + width {
            word[(bit / 8) as usize] |= 1 << (bit % 8);
        }
    }
    word.iter().rev().map(|byte| format!("{byte:02x}")).collect()
}
