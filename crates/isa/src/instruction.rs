//! Instructions and their words.

use ediacara_arch::RECORD_BYTES;

use crate::{Memory, Operation, WORD_BYTES, Word, word};

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// What to do.
    pub operation: Operation,
    /// Semaphores to take one from before it starts, one bit each.
    pub wait: u16,
    /// Semaphores to add one to when it commits, one bit each.
    pub post: u16,
}

/// Why a word is no instruction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The opcode is not in the table: an `opcode` fault.
    #[error("there is no opcode {0:#04x}")]
    Opcode(u8),
    /// An operand is not allowed: an `operand` fault.
    #[error(transparent)]
    Operand(#[from] OperandError),
}

/// An operand that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mnemonic} {field}: {message}")]
pub struct OperandError {
    /// The instruction.
    pub mnemonic: &'static str,
    /// The operand.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl Instruction {
    /// An instruction without semaphores.
    pub fn new(operation: impl Into<Operation>) -> Instruction {
        Instruction { operation: operation.into(), wait: 0, post: 0 }
    }

    /// The same, waiting for these semaphores.
    #[must_use]
    pub fn waiting(self, mask: u16) -> Instruction {
        Instruction { wait: self.wait | mask, ..self }
    }

    /// The same, posting these semaphores.
    #[must_use]
    pub fn posting(self, mask: u16) -> Instruction {
        Instruction { post: self.post | mask, ..self }
    }
}

/// The word of an instruction, which [`decode`] takes back to an equal instruction.
///
/// # Errors
/// If a value does not fit its field or is one that [`decode`] refuses.
pub fn encode(instruction: &Instruction) -> Result<Word, OperandError> {
    let mut word = masks_and_opcode(instruction);
    instruction.operation.insert(&mut word)?;
    check(instruction)?;
    // The decoder knows the other rules, such as those against zero counts.
    match decode(&word) {
        Ok(_) => Ok(word),
        Err(DecodeError::Operand(error)) => Err(error),
        Err(DecodeError::Opcode(_)) => Ok(word),
    }
}

/// The word of an instruction, unchecked, for making faulty programs.
///
/// Values are cut to their fields, and values that the machine would refuse are written as they are.
pub fn encode_unchecked(instruction: &Instruction) -> Word {
    let mut word = masks_and_opcode(instruction);
    // Every field was written, and the caller accepts that a value may be cut.
    let _ = instruction.operation.insert(&mut word);
    word
}

/// The instruction of a word.
///
/// Everything that depends on the word alone is checked: opcode, reserved bits, zero counts, ranges of
/// configuration values, masks where none may be, PRAM lengths. Whoever executes the instruction checks what
/// depends on registers, configuration or the machine.
///
/// # Errors
/// [`DecodeError`], which says what fault the machine would raise.
pub fn decode(word: &Word) -> Result<Instruction, DecodeError> {
    let operation = Operation::extract(word)?;
    let spec = operation.spec();
    let used = spec.fields.iter().map(|field| (field.lsb, field.width));
    if !word::zero_outside(word, used.chain([(0, 8), (16, 32)])) {
        let message = "a reserved bit is set".to_owned();
        return Err(OperandError { mnemonic: spec.mnemonic, field: "word", message }.into());
    }
    let wait = word::bits(word, 16, 16) as u16;
    let post = word::bits(word, 32, 16) as u16;
    let instruction = Instruction { operation, wait, post };
    check(&instruction)?;
    Ok(instruction)
}

fn masks_and_opcode(instruction: &Instruction) -> Word {
    let mut word = [0; WORD_BYTES];
    word[0] = instruction.operation.opcode();
    word::set_bits(&mut word, 16, 16, instruction.wait.into());
    word::set_bits(&mut word, 32, 16, instruction.post.into());
    word
}

/// Rules that involve more than one field.
fn check(instruction: &Instruction) -> Result<(), OperandError> {
    let spec = instruction.operation.spec();
    let refuse = |field, message: &str| {
        Err(OperandError { mnemonic: spec.mnemonic, field, message: message.to_owned() })
    };
    if instruction.wait != 0 && !spec.may_wait {
        return refuse("wait", "the instruction may have no wait mask");
    }
    if instruction.post != 0 && !spec.may_post {
        return refuse("post", "the instruction may have no post mask");
    }
    match instruction.operation {
        Operation::Load(load)
            if load.memory == Memory::Pram && !u64::from(load.length).is_multiple_of(RECORD_BYTES) =>
        {
            refuse("length", &format!("must be a multiple of {RECORD_BYTES} to PRAM"))
        }
        _ => Ok(()),
    }
}
