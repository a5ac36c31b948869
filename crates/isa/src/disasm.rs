//! The disassembler: executables to assembly that gives the same executable again.

use std::{collections::HashSet, fmt::Write};

use crate::{
    Address, ConfigWrites, ElementType, Executable, FieldSpec, Instruction, Kind, Label, LayerInfo, Layout,
    NO_LAYER, Notes, Operation, Port, SourceLocation, Word,
    asm::notes::is_label,
    asm::text::{quote, to_hex},
    decode, encode_unchecked,
    field::Field,
    spec::Memory,
    word::bits,
};

/// Bytes of data on a line.
const HEX_BYTES: usize = 32;

/// The text of a whole program.
///
/// Assembling it gives an equal executable. If the text is edited first, the instructions get the lines of
/// the text instead of those of the program's own source.
///
/// # Panics
/// Never: words that do not decode are written as bytes, with the reason in a comment.
pub fn disassemble(executable: &Executable) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail, here and below.
    let _ = write_program(&mut out, executable);
    format!(
        ".disassembly {:#010x} // of the lines below: once they are edited, .line is ignored\n{out}",
        crc32c::crc32c(out.as_bytes())
    )
}

/// One instruction, as a line of assembly without label or line end.
///
/// Jump targets are numbers.
pub fn instruction_text(instruction: &Instruction) -> String {
    let mut out = String::new();
    let _ = write_instruction(&mut out, &encode_unchecked(instruction), instruction, None);
    out
}

fn write_program(out: &mut String, executable: &Executable) -> std::fmt::Result {
    write_machine(out, executable)?;
    for binding in &executable.bindings {
        let (register, low, high) = (binding.register, binding.low, binding.high);
        writeln!(out, ".binding {}, r{register}, {low}, {high}", quote(&binding.name))?;
    }
    executable.inputs.iter().try_for_each(|port| write_port(out, ".input", port))?;
    executable.outputs.iter().try_for_each(|port| write_port(out, ".output", port))?;
    for layer in &executable.layers {
        write_layer(out, layer)?;
    }
    write_notes(out, &executable.notes)?;
    write_code(out, executable)?;
    for block in &executable.data {
        writeln!(out, ".data {:#x}", block.address)?;
        write_bytes(out, &block.bytes)?;
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
    if port.element != ElementType::I8 {
        write!(out, ", type={}", port.element.name())?;
    }
    if let Some(encoding) = &port.encoding {
        write!(out, ", scale={}, zero={}", encoding.scale, encoding.zero)?;
    }
    let Layout { permutation, shape } = &port.layout;
    if !permutation.is_sorted() {
        write!(out, ", permutation={permutation:?}")?;
    }
    if *shape != port.unpermuted_shape() {
        write!(out, ", tensor={shape:?}")?;
    }
    writeln!(out)
}

/// The notes without the labels, which stand in the code.
fn write_notes(out: &mut String, notes: &Notes) -> std::fmt::Result {
    for value in &notes.values {
        writeln!(out, ".value {}, {:#x}, {}", quote(&value.name), value.address, value.bytes)?;
    }
    if let Some(test) = &notes.self_test {
        writeln!(out, ".self_test {:#x}, {:#010x}", test.seed, test.checksum)?;
    }
    if let Some(rest) = &notes.rest {
        let [dlp_macs, macs, dlp_nodes, nodes] = [rest.dlp_macs, rest.macs, rest.dlp_nodes, rest.nodes];
        writeln!(out, ".rest dlp_macs={dlp_macs}, macs={macs}, dlp_nodes={dlp_nodes}, nodes={nodes}")?;
        for (directive, texts) in [(".rest_output", &rest.outputs), (".rest_reason", &rest.reasons)] {
            texts.iter().try_for_each(|text| writeln!(out, "{directive} {}", quote(text)))?;
        }
    }
    notes
        .unknown
        .iter()
        .try_for_each(|note| writeln!(out, ".note {:#x}, \"{}\"", note.kind, to_hex(&note.bytes)))
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
    let labels = Labels::of(executable);
    // The location that the assembler would give the next instruction.
    let mut next = SourceLocation { layer: executable.layers.len().wrapping_sub(1) as u32, line: u32::MAX };
    if executable.layers.is_empty() {
        next.layer = NO_LAYER;
    }
    let mut line_given = false;
    for (index, word) in executable.code.iter().enumerate() {
        let location =
            executable.source_map.get(index).copied().unwrap_or(SourceLocation { layer: NO_LAYER, line: 0 });
        if location.layer != next.layer {
            write_within(out, executable, location.layer)?;
        }
        if !line_given || location.line != next.line {
            writeln!(out, ".line {}", location.line)?;
            line_given = true;
        }
        let line = if location.line == 0 { 0 } else { location.line.saturating_add(1) };
        next = SourceLocation { layer: location.layer, line };
        labels.write(out, index)?;
        out.push_str("    ");
        write_word(out, executable, index, word, &labels)?;
        out.push('\n');
    }
    labels.write(out, executable.code.len())
}

fn write_within(out: &mut String, executable: &Executable, layer: u32) -> std::fmt::Result {
    match executable.layers.get(layer as usize) {
        Some(info) => writeln!(out, ".within {layer} // {}", quote(&info.name)),
        None => writeln!(out, ".within none"),
    }
}

/// The labels of the code: the program's own, and made-up ones where a jump's target has none.
struct Labels<'a> {
    own: &'a [Label],
    /// Which of `own` can be written as `name:`.
    plain: Vec<bool>,
    /// Where jumps go, in order.
    targets: Vec<usize>,
}

impl<'a> Labels<'a> {
    fn of(executable: &'a Executable) -> Labels<'a> {
        let own = executable.notes.labels.as_slice();
        let mut seen = HashSet::new();
        let plain = own.iter().map(|label| is_label(&label.name) && seen.insert(&label.name)).collect();
        Labels { own, plain, targets: targets(executable) }
    }

    /// The program's own labels of an instruction, and whether each can be written as `name:`.
    fn at(&self, index: usize) -> impl Iterator<Item = (&'a Label, bool)> {
        let start = self.own.partition_point(|label| (label.instruction as usize) < index);
        let labels = self.own[start..].iter().zip(self.plain[start..].iter().copied());
        labels.take_while(move |(label, _)| label.instruction as usize == index)
    }

    /// The name that a jump to an instruction uses; nothing if the instruction is outside the code.
    fn target(&self, index: usize) -> Option<String> {
        self.targets.binary_search(&index).ok()?;
        let named = self.at(index).find(|(_, plain)| *plain).map(|(label, _)| label.name.clone());
        Some(named.unwrap_or_else(|| format!("L{index}")))
    }

    fn write(&self, out: &mut String, index: usize) -> std::fmt::Result {
        for (label, plain) in self.at(index) {
            match plain {
                true => writeln!(out, "{}:", label.name)?,
                false => writeln!(out, ".label {}", quote(&label.name))?,
            }
        }
        if self.target(index).is_some_and(|target| target == format!("L{index}")) {
            writeln!(out, "L{index}:")?;
        }
        Ok(())
    }
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

/// An instruction, and behind it, as a comment, its index and the names of the DRAM that it touches.
fn write_word(
    out: &mut String,
    executable: &Executable,
    index: usize,
    word: &Word,
    labels: &Labels<'_>,
) -> std::fmt::Result {
    match decode(word) {
        Ok(instruction) => {
            let target = match instruction.operation {
                Operation::Jump(jump) => Some(jump.target),
                Operation::Branch(branch) => Some(branch.target),
                _ => None,
            };
            let target = target.and_then(|target| labels.target(target as usize));
            write_instruction(out, word, &instruction, target.as_deref())?;
            write!(out, " // {index}")?;
            write_dram_names(out, executable, word, &instruction)
        }
        Err(error) => write!(out, ".instruction \"{}\" // {index}: {error}", to_hex(word)),
    }
}

/// Names the DRAM bytes that an instruction moves, where its address tells by itself.
fn write_dram_names(
    out: &mut String,
    executable: &Executable,
    word: &Word,
    instruction: &Instruction,
) -> std::fmt::Result {
    for field in instruction.operation.spec().fields {
        let Kind::Address(Memory::Dram) = field.kind else { continue };
        let address = Address::extract(word, field).unwrap_or_default();
        let named = executable.named_byte(address.offset).filter(|_| address.register == 0);
        match named {
            Some((name, 0)) => write!(out, ", {} is {}", field.name, quote(name))?,
            Some((name, behind)) => write!(out, ", {} is {} + {behind:#x}", field.name, quote(name))?,
            None => {}
        }
    }
    Ok(())
}

/// An instruction with its operands, without those that assembly fills in by itself.
fn write_instruction(
    out: &mut String,
    word: &Word,
    instruction: &Instruction,
    target: Option<&str>,
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
                write!(out, "{separator}{}={}", register.name(), register.text(value))?;
                separator = ", ";
            }
            continue;
        }
        out.push_str(separator);
        write_operand(out, word, field, raw, memory, target)?;
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
    target: Option<&str>,
) -> std::fmt::Result {
    let name = field.name;
    match field.kind {
        Kind::Address(_) | Kind::Selected => {
            let address = Address::extract(word, field).unwrap_or_default();
            match memory.filter(|_| field.kind == Kind::Selected) {
                Some(memory) => {
                    write!(out, "{name}={memory}[")?;
                    write_address(out, address)?;
                    out.write_str("]")
                }
                None => {
                    write!(out, "{name}=")?;
                    write_address(out, address)
                }
            }
        }
        Kind::Register => write!(out, "{name}=r{raw}"),
        Kind::Signed => write!(out, "{name}={}", raw as u8 as i8),
        Kind::Word(words) => write!(out, "{name}={}", words.get(raw as usize).unwrap_or(&"")),
        Kind::Flag => out.write_str(name),
        Kind::Unsigned if field.width == 40 => write!(out, "{name}={raw:#x}"),
        Kind::Target => match target {
            Some(label) => write!(out, "{name}={label}"),
            None => write!(out, "{name}={raw}"),
        },
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
