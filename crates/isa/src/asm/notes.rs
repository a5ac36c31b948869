//! Directives for what is known beside the program.

use super::{
    arguments::{Arguments, in_range, key, text_of},
    directive::{ADDRESS, U32, U64},
    error::Problem,
    program::{Program, Section},
    text::from_hex,
};
use crate::{Label, NamedBytes, SelfTest, UnknownNote, dlpx::may_be_unknown};

impl Program<'_> {
    /// Keeps a label of the code for readers of the program, unless the disassembler made it up.
    pub(super) fn keep_label(&mut self, name: &str) {
        if !is_anonymous(name) {
            let instruction = self.executable.code.len() as u32;
            self.executable.notes.labels.push(Label { instruction, name: name.to_owned() });
        }
    }

    /// Keeps a label of the data, which names the bytes up to the next one.
    pub(super) fn keep_data_label(&mut self, name: &str) {
        self.data_labels.push((self.executable.notes.values.len(), self.block_lines.len() - 1));
        let address = self.here() as u64;
        self.executable.notes.values.push(NamedBytes { name: name.to_owned(), address, bytes: 0 });
    }

    /// Measures how many bytes each label of the data names, and drops labels that name none.
    ///
    /// This is known only at the end.
    pub(super) fn measure_data_labels(&mut self) {
        let values = &mut self.executable.notes.values;
        // The labels of a block stand in the order of their addresses, so that each ends where the next
        // begins.
        let mut next: Option<(usize, u64, u64)> = None;
        for &(value, block) in self.data_labels.iter().rev() {
            let (data, start) = (&self.executable.data[block], values[value].address);
            let end = match next {
                Some((same, address, _)) if same == block && address > start => address,
                Some((same, _, end)) if same == block => end,
                _ => data.address + data.bytes.len() as u64,
            };
            values[value].bytes = end - start;
            next = Some((block, start, end));
        }
        values.retain(|value| value.bytes > 0);
    }

    pub(super) fn label(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let argument = arguments.take("the label's name")?;
        if self.section == Section::Data {
            return Err(argument
                .problem("a label of the code stands among data")
                .help("name data with `.value NAME, ADDRESS, BYTES`"));
        }
        let name = text_of(arguments.line, &argument, "the label's name")?;
        let instruction = self.executable.code.len() as u32;
        self.executable.notes.labels.push(Label { instruction, name });
        arguments.finish()
    }

    pub(super) fn named_bytes(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let name = arguments.name("the value's name")?;
        let address = arguments.ranged("the value's address", ADDRESS, &self.symbols, self.here())? as u64;
        let most = (1, (1 << 40) - i128::from(address));
        let bytes = arguments.ranged("the number of bytes", most, &self.symbols, self.here())? as u64;
        self.executable.notes.values.push(NamedBytes { name, address, bytes });
        arguments.finish()
    }

    pub(super) fn self_test(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let seed = arguments.ranged("the seed", U64, &self.symbols, self.here())? as u64;
        let checksum = arguments.ranged("the outputs' CRC-32C", U32, &self.symbols, self.here())? as u32;
        self.executable.notes.self_test = Some(SelfTest { seed, checksum });
        arguments.finish()
    }

    pub(super) fn rest(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let line = arguments.line;
        let mut rest = self.executable.notes.rest.take().unwrap_or_default();
        while let Some(argument) = arguments.take_optional() {
            let name = key(line, &argument, &["dlp_macs", "macs", "dlp_nodes", "nodes"])?;
            let value = in_range(self.evaluate(line, &argument)?, U64, &argument, name)? as u64;
            match name {
                "dlp_macs" => rest.dlp_macs = value,
                "macs" => rest.macs = value,
                "dlp_nodes" => rest.dlp_nodes = value,
                _ => rest.nodes = value,
            }
        }
        self.executable.notes.rest = Some(rest);
        Ok(())
    }

    pub(super) fn rest_text(&mut self, mut arguments: Arguments<'_>, directive: &str) -> Result<(), Problem> {
        let text = arguments.name("a text")?;
        let rest = self.executable.notes.rest.get_or_insert_default();
        match directive {
            ".rest_output" => rest.outputs.push(text),
            _ => rest.reasons.push(text),
        }
        arguments.finish()
    }

    pub(super) fn unknown_note(&mut self, mut arguments: Arguments<'_>) -> Result<(), Problem> {
        let (kind, argument) = arguments.value("the note's kind", &self.symbols, self.here())?;
        let kind = in_range(kind, U32, &argument, "the note's kind")? as u32;
        let after = self.executable.notes.unknown.last().is_none_or(|note| note.kind < kind);
        if !may_be_unknown(kind) || !after {
            return Err(argument
                .problem(format!("a note cannot have kind {kind:#x} here"))
                .help("kinds that are not known have their highest bit set, and stand in order"));
        }
        let argument = arguments.take("the note's bytes")?;
        let text = text_of(arguments.line, &argument, "hexadecimal data")?;
        let bytes = from_hex(&text).map_err(|message| argument.problem(message))?;
        self.executable.notes.unknown.push(UnknownNote { kind, bytes });
        arguments.finish()
    }

    /// Checks the disassembler's checksum of the lines below: `.line` holds as long as nobody changed them.
    pub(super) fn disassembly(&mut self, mut arguments: Arguments<'_>, number: usize) -> Result<(), Problem> {
        let (checksum, argument) = arguments.value("the CRC-32C of the lines below", &self.symbols, 0)?;
        let reference = self.lines[number].reference;
        if reference.number != 1 {
            return Err(argument.problem("`.disassembly` is not the first line of its file"));
        }
        let text = &self.sources.files[reference.file].text;
        let below = text.split_once('\n').map_or("", |(_, below)| below);
        if checksum != i128::from(crc32c::crc32c(below.as_bytes())) {
            self.edited.push(reference.file);
        }
        arguments.finish()
    }
}

/// Whether a label is one that the disassembler makes up: `L` and a number.
fn is_anonymous(name: &str) -> bool {
    name.strip_prefix('L')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a label can be written as `name:` and read back as the same.
pub(crate) fn is_label(name: &str) -> bool {
    const WORDS: [&str; 8] = ["here", "none", "wait", "post", "nram", "wram", "pram", "dram"];
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    let register = name.strip_prefix('r').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    starts
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !register
        && !is_anonymous(name)
        && !WORDS.contains(&name)
}
