//! The disassembler: executables to assembly that gives the same executable again.

use std::fmt::Write;

use crate::{
    Address, ConfigWrites, Executable, FieldSpec, Instruction, Kind, LayerInfo, NO_LAYER, Operation, Port,
    SourceLocation, Space, Word,
    asm::text::{quote, to_hex},
    decode, encode_unchecked,
    field::Field,
    spec::Memory,
    word::bits,
};

/// Bytes of data on a line.
const HEX_BYTES: usize = 32;

/// The text of a whole program. Assembling it gives an equal executable.
///
/// # Panics
/// Never: words that do not decode are written as bytes, with the reason in a comment.
pub fn disassemble(executable: &Executable) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail, here and below.
    let _ = write_program(&mut out, executable);
    out
}

/// One instruction, as a line of assembly without label or line end. Jump targets are numbers.
pub fn instruction_text(instruction: &Instruction) -> String {
    let mut out = String::new();
    let _ = write_instruction(&mut out, &encode_unchecked(instruction), instruction, false);
    out
}

fn write_program(out: &mut String, executable: &Executable) -> std::fmt::Result {
    write_machine(out, executable)?;
    executable.inputs.iter().try_for_each(|port| write_port(out, ".input", port))?;
    executable.outputs.iter().try_for_each(|port| write_port(out, ".output", port))?;
    for layer in &executable.layers {
        write_layer(out, layer)?;
    }
    write_code(out, executable)?;
    for segment in &executable.segments {
        writeln!(out, ".data {:#x}", segment.address)?;
        write_bytes(out, &segment.bytes)?;
    }
    Ok(())
}

fn write_machine(out: &mut String, executable: &Executable) -> std::fmt::Result {
    let machine = &executable.machine;
    write!(out, ".machine {}", quote(&machine.name))?;
    let parameters = [
        ("rows", machine.rows.into()),
        ("columns", machine.columns.into()),
        ("nram_bytes", machine.nram_bytes),
        ("wram_bytes", machine.wram_bytes),
        ("aram_bytes", machine.aram_bytes),
        ("pram_bytes", machine.pram_bytes),
        ("dram_bytes", machine.dram_bytes),
    ];
    for (name, value) in parameters {
        if value != 0 {
            write!(out, ", {name}={value}")?;
        }
    }
    writeln!(out)
}

fn write_port(out: &mut String, directive: &str, port: &Port) -> std::fmt::Result {
    write!(out, "{directive} {}, {:#x}, {:?}", quote(&port.name), port.address, port.shape)?;
    if let Some(real) = &port.real {
        write!(out, ", scale={}, zero={}, permutation={:?}", real.scale, real.zero, real.permutation)?;
    }
    writeln!(out)
}

fn write_layer(out: &mut String, layer: &LayerInfo) -> std::fmt::Result {
    write!(out, ".layer {}, op={}, shape={:?}", quote(&layer.name), quote(&layer.op), layer.shape)?;
    let counts = [
        ("macs", layer.macs),
        ("matrix_macs", layer.matrix_macs),
        ("vector_operations", layer.vector_operations),
        ("weight_bytes", layer.weight_bytes),
    ];
    for (name, value) in counts {
        if value != 0 {
            write!(out, ", {name}={value}")?;
        }
    }
    writeln!(out)
}

fn write_code(out: &mut String, executable: &Executable) -> std::fmt::Result {
    writeln!(out, ".code {:#x}", executable.code_base)?;
    let targets = targets(executable);
    // What the assembler would give the next instruction.
    let mut next = SourceLocation { layer: executable.layers.len().wrapping_sub(1) as u32, line: u32::MAX };
    if executable.layers.is_empty() {
        next.layer = NO_LAYER;
    }
    let mut line_given = false;
    for (index, word) in executable.code.iter().enumerate() {
        let location =
            executable.source_map.get(index).copied().unwrap_or(SourceLocation { layer: NO_LAYER, line: 0 });
        if location.layer != next.layer {
            match location.layer {
                NO_LAYER => writeln!(out, ".within none")?,
                layer => writeln!(out, ".within {layer}")?,
            }
        }
        if !line_given || location.line != next.line {
            writeln!(out, ".line {}", location.line)?;
            line_given = true;
        }
        let line = if location.line == 0 { 0 } else { location.line.saturating_add(1) };
        next = SourceLocation { layer: location.layer, line };
        if targets.binary_search(&index).is_ok() {
            writeln!(out, "L{index}:")?;
        }
        out.push_str("    ");
        write_word(out, word, &targets)?;
        out.push('\n');
    }
    if targets.binary_search(&executable.code.len()).is_ok() {
        writeln!(out, "L{}:", executable.code.len())?;
    }
    Ok(())
}

/// Instruction indices within the code (or at its end) that some branch names, in order.
fn targets(executable: &Executable) -> Vec<usize> {
    let mut targets: Vec<usize> = executable
        .code
        .iter()
        .filter_map(|word| match decode(word).ok()?.operation {
            Operation::Jump(jump) => Some(jump.target as usize),
            Operation::Branch(branch) => Some(branch.target as usize),
            _ => None,
        })
        .filter(|target| *target <= executable.code.len())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

fn write_word(out: &mut String, word: &Word, targets: &[usize]) -> std::fmt::Result {
    match decode(word) {
        Ok(instruction) => {
            let target = match instruction.operation {
                Operation::Jump(jump) => Some(jump.target),
                Operation::Branch(branch) => Some(branch.target),
                _ => None,
            };
            let labelled = target.is_some_and(|target| targets.binary_search(&(target as usize)).is_ok());
            write_instruction(out, word, &instruction, labelled)
        }
        Err(error) => write!(out, ".instruction \"{}\" // {error}", to_hex(word)),
    }
}

/// An instruction with its operands; those that assembly fills in by itself are left out.
fn write_instruction(
    out: &mut String,
    word: &Word,
    instruction: &Instruction,
    labelled: bool,
) -> std::fmt::Result {
    let spec = instruction.operation.spec();
    out.push_str(spec.mnemonic);
    let memory = spec.fields.iter().find(|field| matches!(field.kind, Kind::Memory(_)));
    let memory = memory.and_then(|field| Memory::extract(word, field).ok());
    let mut separator = " ";
    for field in spec.fields {
        let raw = if field.width <= 64 { bits(word, field.lsb, field.width) } else { 0 };
        if matches!(field.kind, Kind::Memory(_)) || field.default == Some(raw) {
            continue;
        }
        if field.kind == Kind::ConfigWrites {
            let writes = ConfigWrites::extract(word, field).unwrap_or_default();
            for (register, value) in writes.iter() {
                write!(out, "{separator}{}={value}", register.name())?;
                separator = ", ";
            }
            continue;
        }
        out.push_str(separator);
        write_operand(out, word, field, raw, memory, labelled)?;
        separator = ", ";
    }
    write_mask(out, "wait", instruction.wait)?;
    write_mask(out, "post", instruction.post)
}

fn write_operand(
    out: &mut String,
    word: &Word,
    field: &FieldSpec,
    raw: u64,
    memory: Option<Memory>,
    labelled: bool,
) -> std::fmt::Result {
    let name = field.name;
    match field.kind {
        Kind::Address(space) => {
            let address = Address::extract(word, field).unwrap_or_default();
            match (space, memory) {
                (Space::Selected, Some(memory)) => {
                    write!(out, "{name}={memory}[")?;
                    write_address(out, address)?;
                    out.write_str("]")
                }
                _ => {
                    write!(out, "{name}=")?;
                    write_address(out, address)
                }
            }
        }
        Kind::Register => write!(out, "{name}=r{raw}"),
        Kind::Signed => write!(out, "{name}={}", raw as u8 as i8),
        Kind::Condition => {
            let condition = crate::Condition::ALL[(raw & 3) as usize];
            write!(out, "{name}={}", condition.name())
        }
        Kind::Flag => out.write_str(name),
        Kind::Target if labelled => write!(out, "{name}=L{raw}"),
        Kind::Unsigned if field.width == 40 => write!(out, "{name}={raw:#x}"),
        _ => write!(out, "{name}={raw}"),
    }
}

fn write_address(out: &mut String, address: Address) -> std::fmt::Result {
    write!(out, "{:#x}", address.offset)?;
    match address.register {
        0 => Ok(()),
        register => write!(out, " + r{register}"),
    }
}

fn write_mask(out: &mut String, name: &str, mask: u16) -> std::fmt::Result {
    if mask == 0 {
        return Ok(());
    }
    let semaphores: Vec<String> =
        (0..16).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit.to_string()).collect();
    write!(out, " {name}({})", semaphores.join(", "))
}

/// Data, with long runs of zeros told apart.
fn write_bytes(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    let mut rest = bytes;
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        if zeros >= HEX_BYTES {
            writeln!(out, "    .zero {zeros}")?;
            rest = &rest[zeros..];
            continue;
        }
        let (line, after) = rest.split_at(rest.len().min(HEX_BYTES));
        writeln!(out, "    .hex \"{}\"", to_hex(line))?;
        rest = after;
    }
    Ok(())
}
