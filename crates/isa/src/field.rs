//! How each operand type lies in the bits of its field.

use crate::{
    Address, Condition, ElementBytes, FieldSpec, Kind, Memory, OperandError, Relation, Word,
    word::{bits, set_bits},
};

/// An operand type of the instruction structs.
pub(crate) trait Field: Sized {
    /// Puts the value into its bits (which are clear), or says that it does not fit.
    ///
    /// The bits are set in either case.
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError>;
    /// Reads the value and checks what can be checked without registers.
    fn extract(word: &Word, field: &FieldSpec) -> Result<Self, String>;
}

/// Inserts an unsigned number of at most `width` bits at `lsb`.
fn insert_number(
    word: &mut Word,
    field: &FieldSpec,
    lsb: u32,
    width: u32,
    value: u64,
) -> Result<(), OperandError> {
    set_bits(word, lsb, width, value);
    if value >> width == 0 {
        return Ok(());
    }
    let message = format!("{value} does not fit in {width} bits");
    Err(OperandError { mnemonic: "", field: field.name, message })
}

macro_rules! unsigned_fields {
    ($($ty:ty),*) => { $(
        impl Field for $ty {
            fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
                insert_number(word, field, field.lsb, field.width, u64::from(*self))
            }

            fn extract(word: &Word, field: &FieldSpec) -> Result<$ty, String> {
                let value = bits(word, field.lsb, field.width);
                if value == 0 && matches!(field.kind, Kind::Count | Kind::Body) {
                    return Err("must not be zero".to_owned());
                }
                // The table gives each field a type at least as wide.
                Ok(value as $ty)
            }
        }
    )* };
}

unsigned_fields!(u8, u16, u32, u64);

impl Field for i8 {
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
        set_bits(word, field.lsb, field.width, u64::from(*self as u8));
        Ok(())
    }

    fn extract(word: &Word, field: &FieldSpec) -> Result<i8, String> {
        Ok(bits(word, field.lsb, field.width) as u8 as i8)
    }
}

impl Field for bool {
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
        set_bits(word, field.lsb, field.width, u64::from(*self));
        Ok(())
    }

    fn extract(word: &Word, field: &FieldSpec) -> Result<bool, String> {
        Ok(bits(word, field.lsb, field.width) != 0)
    }
}

impl Field for Address {
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
        let width = field.offset_width();
        let offset = insert_number(word, field, field.lsb, width, self.offset);
        let register = insert_number(word, field, field.lsb + width, 4, self.register.into());
        offset.and(register)
    }

    fn extract(word: &Word, field: &FieldSpec) -> Result<Address, String> {
        let width = field.offset_width();
        if matches!(field.kind, Kind::Address(Memory::Dram)) {
            let space = bits(word, field.lsb + width + 4, 4);
            if space != 0 {
                return Err(format!("address space {space} is reserved"));
            }
        }
        let register = bits(word, field.lsb + width, 4) as u8;
        Ok(Address { offset: bits(word, field.lsb, width), register })
    }
}

impl Field for Memory {
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
        set_bits(word, field.lsb, field.width, self.code().unwrap_or_default());
        match field.kind {
            Kind::Memory(allowed) if allowed.contains(self) => Ok(()),
            _ => {
                let message = format!("{self} is not allowed here");
                Err(OperandError { mnemonic: "", field: field.name, message })
            }
        }
    }

    fn extract(word: &Word, field: &FieldSpec) -> Result<Memory, String> {
        let code = bits(word, field.lsb, field.width);
        let Kind::Memory(allowed) = field.kind else {
            return Err("is no memory".to_owned());
        };
        match Memory::from_code(code).filter(|memory| allowed.contains(memory)) {
            Some(memory) => Ok(memory),
            None => Err(format!("memory code {code} is not allowed here")),
        }
    }
}

macro_rules! word_fields {
    ($($ty:ty),*) => { $(
        impl Field for $ty {
            fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
                set_bits(word, field.lsb, field.width, *self as u64);
                Ok(())
            }

            fn extract(word: &Word, field: &FieldSpec) -> Result<$ty, String> {
                let code = bits(word, field.lsb, field.width);
                let known = <$ty>::ALL.get(code as usize).copied();
                known.ok_or_else(|| format!("code {code} stands for none of {}", <$ty>::WORDS.join(", ")))
            }
        }
    )* };
}

word_fields!(Condition, Relation, ElementBytes);
