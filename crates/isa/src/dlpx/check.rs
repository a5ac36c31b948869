//! Whether the parts of an executable fit together.

use super::{ExecutableError, may_be_unknown};
use crate::{ElementType, Executable, Layout, NO_LAYER, NamedBytes, Port, WORD_BYTES};

/// End of the DRAM address space.
const DRAM_END: u64 = 1 << 40;
/// Instruction indices have 24 bits.
const CODE_LIMIT: usize = 1 << 24;
/// The most elements of a port, since the host reserves memory for as many as a file says.
const PORT_LIMIT: u64 = 1 << 28;
/// The most axes of a tensor.
const RANK_LIMIT: usize = 8;

impl Executable {
    /// Checks everything that does not need a machine: sizes, addresses, overlaps, the source map, ports.
    ///
    /// It does not check whether the words decode: a bad instruction is a fault when it is reached.
    ///
    /// # Errors
    /// [`ExecutableError::Inconsistent`] with the first contradiction.
    pub fn check(&self) -> Result<(), ExecutableError> {
        self.contradiction().map_or(Ok(()), |message| Err(ExecutableError::Inconsistent(message)))
    }

    fn contradiction(&self) -> Option<String> {
        if !self.code_base.is_multiple_of(WORD_BYTES as u64) {
            return Some(format!("the code's address {:#x} is no multiple of 32", self.code_base));
        }
        if self.code.len() > CODE_LIMIT {
            return Some(format!("{} instructions are more than 2^24", self.code.len()));
        }
        if self.source_map.len() != self.code.len() {
            let (map, code) = (self.source_map.len(), self.code.len());
            return Some(format!("the source map has {map} entries for {code} instructions"));
        }
        for (index, location) in self.source_map.iter().enumerate() {
            if location.layer != NO_LAYER && location.layer as usize >= self.layers.len() {
                let layers = self.layers.len();
                return Some(format!("instruction {index} belongs to layer {} of {layers}", location.layer));
            }
        }
        self.overlap().map(|(_, message)| message).or_else(|| self.bad_port()).or_else(|| self.bad_note())
    }

    fn bad_note(&self) -> Option<String> {
        let notes = &self.notes;
        if let Some(label) = notes.labels.iter().find(|label| label.instruction as usize > self.code.len()) {
            let (at, code) = (label.instruction, self.code.len());
            return Some(format!("label `{}` is at instruction {at} of {code}", label.name));
        }
        if !notes.labels.is_sorted_by_key(|label| label.instruction) {
            return Some("the labels are not in the order of the code".to_owned());
        }
        let outside = |value: &&NamedBytes| {
            value.bytes == 0 || value.address.checked_add(value.bytes).is_none_or(|end| end > DRAM_END)
        };
        if let Some(NamedBytes { name, address, bytes }) = notes.values.iter().find(outside) {
            let message = "has none, or leaves the 40-bit DRAM address space";
            return Some(format!("value `{name}` of {bytes} bytes at {address:#x} {message}"));
        }
        if !notes.unknown.is_sorted_by(|one, next| one.kind < next.kind) {
            return Some("unknown notes are not in the order of their kinds, or one comes twice".to_owned());
        }
        let kind = notes.unknown.iter().map(|note| note.kind).find(|&kind| !may_be_unknown(kind))?;
        Some(format!("a note of kind {kind:#x} is not unknown, or no note"))
    }

    /// Finds two pieces of memory that claim the same bytes, or one outside DRAM.
    ///
    /// The index is that of the block to move, if one is involved.
    pub(crate) fn overlap(&self) -> Option<(Option<usize>, String)> {
        let code_bytes = (WORD_BYTES * self.code.len()) as u64;
        let mut pieces = vec![(self.code_base, code_bytes, None)];
        for (index, block) in self.data.iter().enumerate() {
            if block.bytes.is_empty() {
                return Some((Some(index), format!("data block {index} is empty")));
            }
            pieces.push((block.address, block.bytes.len() as u64, Some(index)));
        }
        let name = |piece: Option<usize>| match piece {
            None => "the code".to_owned(),
            Some(index) => format!("data block {index}"),
        };
        for (start, bytes, piece) in &pieces {
            if start.checked_add(*bytes).is_none_or(|end| end > DRAM_END) {
                let what = format!("{} ({bytes} bytes from {start:#x})", name(*piece));
                return Some((*piece, format!("{what} leaves the 40-bit DRAM address space")));
            }
        }
        pieces.retain(|(_, bytes, _)| *bytes > 0);
        pieces.sort_by_key(|(start, ..)| *start);
        for pair in pieces.windows(2) {
            let [(start, bytes, piece), (next, next_bytes, next_piece)] = pair else { continue };
            if start + bytes > *next {
                let message = format!(
                    "{} ({start:#x} to {:#x}) and {} ({next:#x} to {:#x}) overlap: move one of them",
                    name(*piece),
                    start + bytes - 1,
                    name(*next_piece),
                    next + next_bytes - 1,
                );
                return Some((next_piece.or(*piece), message));
            }
        }
        None
    }

    fn bad_port(&self) -> Option<String> {
        let code = (self.code_base, self.code_base + (WORD_BYTES * self.code.len()) as u64);
        for (ports, what) in [(&self.inputs, "input"), (&self.outputs, "output")] {
            for (index, port) in ports.iter().enumerate() {
                if let Err(message) = port.check() {
                    return Some(format!("{what} `{}`: {message}", port.name));
                }
                if port.address < code.1 && port.address + port.len() as u64 > code.0 {
                    return Some(format!("{what} `{}` overlaps the code", port.name));
                }
                if ports[..index].iter().any(|other| other.name == port.name) {
                    return Some(format!("there are two {what}s called `{}`", port.name));
                }
            }
        }
        None
    }
}

impl Port {
    /// What is wrong with the port by itself.
    pub(crate) fn check(&self) -> Result<(), String> {
        let rank = self.shape.len();
        if rank == 0 || rank > RANK_LIMIT {
            return Err(format!("a shape of {rank} axes is not between 1 and {RANK_LIMIT}"));
        }
        let elements = self.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
        if elements.is_some_and(|count| count > PORT_LIMIT) {
            return Err(format!("a tensor of shape {:?} has more than {PORT_LIMIT} elements", self.shape));
        }
        let bytes = elements.and_then(|count| count.checked_mul(self.element.bytes() as u64));
        let end = bytes.filter(|count| *count > 0).and_then(|count| self.address.checked_add(count));
        if end.is_none_or(|end| end > DRAM_END) {
            let message = "has no elements, or leaves the 40-bit DRAM address space";
            return Err(format!("a tensor of shape {:?} at {:#x} {message}", self.shape, self.address));
        }
        if let Some(encoding) = &self.encoding {
            if self.element != ElementType::I8 {
                return Err(format!(
                    "only i8 stands for other numbers, and it holds {}",
                    self.element.name()
                ));
            }
            let scale = encoding.scale;
            if !(scale.is_finite() && scale > 0.0) {
                return Err(format!("its scale is {scale}; it must be positive and finite"));
            }
            if !(-128..=127).contains(&encoding.zero) {
                return Err(format!("its zero point is {}, outside -128..=127", encoding.zero));
            }
        }
        let Layout { permutation, shape } = &self.layout;
        let mut axes = permutation.clone();
        axes.sort_unstable();
        if axes != (0..rank).collect::<Vec<_>>() {
            return Err(format!("{permutation:?} is no permutation of its {rank} axes"));
        }
        let callers = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size as u64));
        if shape.len() > RANK_LIMIT || callers != elements {
            let stored = &self.shape;
            return Err(format!("the caller's shape {shape:?} does not have the elements of {stored:?}"));
        }
        Ok(())
    }
}
