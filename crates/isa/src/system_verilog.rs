//! The SystemVerilog package of the instruction set.

use std::fmt::Write;

use ediacara_arch::RECORD_BYTES;

use crate::{
    ConfigRegister, Engine, FieldSpec, INSTRUCTIONS, InstructionSpec, Kind, Memory, VectorOperation,
    VectorRule, VectorShape, WORD_BYTES, Word,
};

/// The text of package `ediacara_isa_pkg`.
///
/// It holds opcodes, positions of every field, numbers and resets of the configuration registers, and the
/// rules by which a word is a fault whatever the registers hold.
///
/// It has only `localparam`s and functions of constants, which every tool reads. `X_LSB` and `X_WIDTH` are
/// meant for `word[X_LSB +: X_WIDTH]`.
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
    writeln!(out, "  // The table is whole; the core has no use for some of its numbers.")?;
    writeln!(out, "  /* verilator lint_off UNUSEDPARAM */")?;
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
        let name = config_name(*register);
        let reset = register.reset() as u32;
        writeln!(out, "  localparam logic [7:0] CONFIG_{name} = 8'h{:02x};", register.id())?;
        writeln!(out, "  localparam int CONFIG_{name}_INDEX = {};", register.index())?;
        writeln!(out, "  localparam logic [31:0] CONFIG_{name}_RESET = 32'h{reset:08x};")?;
    }
    write_agreements(out)?;
    write_word_functions(out)?;
    write_vector_functions(out)?;
    write_config_functions(out)?;
    writeln!(out, "\n  /* verilator lint_on UNUSEDPARAM */\nendpackage")
}

fn config_name(register: ConfigRegister) -> String {
    register.name().replace('.', "_").to_uppercase()
}

/// For each engine, whether its instructions have the fields of one name and width at one place.
fn write_agreements(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n  // Whether the instructions of an engine have their fields of one name and width at one place: hardware reads\n  \
         // such a field without a look at the opcode."
    )?;
    for engine in Engine::ALL {
        let mut agreements = Vec::new();
        let mut known: Vec<(&FieldSpec, String)> = Vec::new();
        for spec in INSTRUCTIONS.iter().filter(|spec| spec.engine == engine) {
            for field in spec.fields {
                let part = if field.kind.is_address() { "_OFFSET" } else { "" };
                let (mnemonic, name) = (spec.mnemonic.to_uppercase(), field.name.to_uppercase());
                let position = format!("{mnemonic}_{name}{part}_LSB");
                let same = |(other, _): &&(&FieldSpec, String)| {
                    (other.name, other.width) == (field.name, field.width)
                };
                match known.iter().find(same) {
                    Some((_, first)) => agreements.push(format!("{position} == {first}")),
                    None => known.push((field, position)),
                }
            }
        }
        let all = if agreements.is_empty() { "1'b1".to_owned() } else { agreements.join("\n      && ") };
        writeln!(out, "  localparam bit {}_FIELDS_AGREE = {all};", engine.name().to_uppercase())?;
    }
    Ok(())
}

/// What the rules of the vector engine's instructions say.
fn write_vector_functions(out: &mut String) -> std::fmt::Result {
    type Holds = fn(&VectorRule) -> bool;
    let functions: [(&str, &str, Holds); 8] = [
        ("vector_is_float", "computes in floating point", |rule| rule.float),
        ("vector_reduces", "writes one element a row", |rule| rule.shape == VectorShape::RowReduction),
        ("vector_keeps", "may leave some of its destination as it was", |rule| rule.reads_d),
        ("vector_clamps", "clamps an integer result", VectorRule::clamps),
        ("vector_windowed", "reads a at every position of the window", |rule| {
            rule.shape == VectorShape::Window
        }),
        ("vector_reads_b", "reads b", |rule| rule.b.is_some()),
        ("vector_reads_records", "reads records (a float instruction: may read)", |rule| rule.p.is_some()),
        ("vector_reads_nram", "reads NRAM", VectorRule::reads_nram),
    ];
    for (name, what, holds) in functions {
        let opcodes = VectorOperation::ALL.iter().filter(|operation| holds(operation.rule()));
        let opcodes = opcodes.map(|operation| format!("OPCODE_{}", operation.name().to_uppercase()));
        let opcodes = opcodes.collect::<Vec<_>>().join(", ");
        writeln!(out, "\n  // Whether an instruction of the vector engine {what}.")?;
        writeln!(out, "  function automatic logic {name}(input logic [7:0] opcode);")?;
        writeln!(out, "    case (opcode)\n      {opcodes}: {name} = 1'b1;")?;
        writeln!(out, "      default: {name} = 1'b0;\n    endcase\n  endfunction")?;
    }
    Ok(())
}

/// The functions that depend on a word alone.
fn write_word_functions(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n  // The engine of an opcode: 0 control, 1 load, 2 matrix, 3 vector, 4 store; 7: no such opcode."
    )?;
    writeln!(out, "  function automatic logic [2:0] engine_of(input logic [7:0] opcode);")?;
    writeln!(out, "    case (opcode)")?;
    for spec in INSTRUCTIONS {
        let (name, engine) = (spec.mnemonic.to_uppercase(), spec.engine as u8);
        writeln!(out, "      OPCODE_{name}: engine_of = 3'd{engine};")?;
    }
    writeln!(out, "      default: engine_of = 3'd7;\n    endcase\n  endfunction")?;

    writeln!(
        out,
        "\n  // Whether a word with an opcode of the table is an operand fault whatever the registers hold."
    )?;
    writeln!(out, "  function automatic logic word_refused(input logic [255:0] word);")?;
    writeln!(out, "    case (word[7:0])")?;
    for spec in INSTRUCTIONS {
        let name = spec.mnemonic.to_uppercase();
        write!(out, "      OPCODE_{name}: word_refused = (word & ~USED_{name}) != 256'd0")?;
        for field in spec.fields {
            if let Some(refused) = refused(&name, field) {
                write!(out, "\n          || {refused}")?;
            }
        }
        writeln!(out, ";")?;
    }
    writeln!(out, "      default: word_refused = 1'b1;\n    endcase\n  endfunction")
}

/// When a field's value alone is a fault.
fn refused(instruction: &str, field: &FieldSpec) -> Option<String> {
    let bits = |lsb: u32, width: u32| format!("word[{lsb} +: {width}]");
    let own = bits(field.lsb, field.width);
    match field.kind {
        Kind::Count | Kind::Body => Some(format!("{own} == {}'d0", field.width)),
        Kind::Address(Memory::Dram) => {
            Some(format!("{} != 4'd0", bits(field.lsb + field.offset_width() + 4, 4)))
        }
        Kind::Memory(allowed) => {
            let codes = allowed.iter().filter_map(|memory| memory.code());
            let wrong = codes.map(|code| format!("{own} != {}'d{code}", field.width));
            let mut text = wrong.collect::<Vec<_>>().join(" && ");
            if let Some(code) = Memory::Pram.code().filter(|_| allowed.contains(&Memory::Pram)) {
                // A row of records is a whole number of records.
                let length = format!("word[{instruction}_LENGTH_LSB +: {instruction}_LENGTH_WIDTH]");
                text = format!(
                    "{text}\n          || {own} == 2'd{code} && {length} % 24'd{RECORD_BYTES} != 24'd0"
                );
            }
            Some(text)
        }
        Kind::Word(words) if words.len() < 1 << field.width => {
            Some(format!("{own} >= {}'d{}", field.width, words.len()))
        }
        Kind::ConfigWrites => {
            Some("config_writes_refused(word[CONFIG_WRITES_LSB +: CONFIG_WRITES_WIDTH])".into())
        }
        _ => None,
    }
}

fn write_config_functions(out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n  // What every configuration register holds at reset.")?;
    writeln!(out, "  function automatic logic [CONFIG_COUNT-1:0][31:0] config_reset();")?;
    writeln!(out, "    config_reset = '0;")?;
    for register in ConfigRegister::ALL.iter().filter(|register| register.reset() != 0) {
        let name = config_name(*register);
        writeln!(out, "    config_reset[CONFIG_{name}_INDEX] = CONFIG_{name}_RESET;")?;
    }
    writeln!(out, "  endfunction")?;
    writeln!(
        out,
        "\n  // The place of a configuration register among all; CONFIG_COUNT where there is none."
    )?;
    writeln!(out, "  function automatic logic [7:0] config_index(input logic [7:0] id);")?;
    writeln!(out, "    case (id)")?;
    for register in ConfigRegister::ALL {
        let name = config_name(*register);
        writeln!(out, "      CONFIG_{name}: config_index = 8'd{};", register.index())?;
    }
    writeln!(out, "      default: config_index = 8'd{};\n    endcase\n  endfunction", ConfigRegister::COUNT)?;

    writeln!(out, "\n  // Whether a register may not hold a value, or does not exist.")?;
    writeln!(
        out,
        "  function automatic logic config_refused(input logic [7:0] id, input logic [31:0] value);"
    )?;
    writeln!(out, "    case (id)")?;
    for register in ConfigRegister::ALL {
        let (spec, name) = (register.spec(), config_name(*register));
        let full = i64::from(u32::MAX);
        let text = match (spec.low, spec.high) {
            (0, high) if high == full => "1'b0".to_owned(),
            (0, high) => format!("value > 32'd{high}"),
            (low, high) if low < 0 => {
                format!("$signed(value) < -32'sd{} || $signed(value) > 32'sd{high}", -low)
            }
            (low, high) => format!("value < 32'd{low} || value > 32'd{high}"),
        };
        writeln!(out, "      CONFIG_{name}: config_refused = {text};")?;
    }
    writeln!(out, "      default: config_refused = 1'b1;\n    endcase\n  endfunction")?;

    out.write_str(
        "
  // Whether the five places of a `config` are a fault: a refused write, a write behind an unused place (8'hff),
  // an unused place with a value.
  function automatic logic config_writes_refused(input logic [199:0] writes);
    logic ended;
    config_writes_refused = 1'b0;
    ended = 1'b0;
    for (int place = 0; place < 5; place++) begin
      if (writes[40 * place +: 8] == 8'hff) begin
        ended = 1'b1;
        if (writes[40 * place + 8 +: 32] != 32'd0) config_writes_refused = 1'b1;
      end else if (ended || config_refused(writes[40 * place +: 8], writes[40 * place + 8 +: 32])) begin
        config_writes_refused = 1'b1;
      end
    end
  endfunction
",
    )
}

fn write_field(out: &mut String, instruction: &str, field: &FieldSpec) -> std::fmt::Result {
    let name = format!("{instruction}_{}", field.name.to_uppercase());
    let mut part = |name: &str, lsb: u32, width: u32| {
        writeln!(out, "  localparam int {name}_LSB = {lsb};")?;
        writeln!(out, "  localparam int {name}_WIDTH = {width};")
    };
    if !field.kind.is_address() {
        return part(&name, field.lsb, field.width);
    }
    let offset = field.offset_width();
    part(&format!("{name}_OFFSET"), field.lsb, offset)?;
    part(&format!("{name}_REGISTER"), field.lsb + offset, 4)?;
    if field.kind == Kind::Address(Memory::Dram) {
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
