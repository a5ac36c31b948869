//! The table of configuration registers.

use ediacara_arch::Machine;

use crate::{ElementType, Engine, FieldSpec, OperandError, Word, field::Field, word};

/// One register of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigSpec {
    /// The register.
    pub register: ConfigRegister,
    /// Its number in a `config` instruction.
    pub id: u8,
    /// `engine.name`, as in assembly.
    pub name: &'static str,
    /// Whose instructions read it.
    pub engine: Engine,
    /// Smallest value that may be written. Negative: the 32 bits are signed.
    pub low: i64,
    /// Largest value that may be written.
    pub high: i64,
    /// Value at reset.
    pub reset: i64,
    /// How assembly writes a value.
    pub form: ConfigForm,
    /// What it means.
    pub doc: &'static str,
}

/// How assembly writes a configuration register's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigForm {
    /// As an integer.
    Number,
    /// As one of [`ElementType::OPERANDS`], by its name; the value is its place among them.
    Type,
    /// As a real number; the value is the bits of its f32.
    Real,
}

macro_rules! form {
    () => {
        ConfigForm::Number
    };
    ($form:ident) => {
        ConfigForm::$form
    };
}

macro_rules! config_registers {
    ($(
        $(#[doc = $doc:literal])+
        $id:literal $name:literal $register:ident ($low:expr) ..= ($high:expr), reset $reset:literal $(as $form:ident)?;
    )*) => {
        /// A configuration register (docs/isa.md, "Configuration registers").
        ///
        /// Its discriminant is its place in [`ConfigRegister::ALL`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ConfigRegister { $( $(#[doc = $doc])+ $register, )* }

        /// The table.
        static SPECS: &[ConfigSpec] = &[ $( ConfigSpec {
            register: ConfigRegister::$register,
            id: $id,
            name: $name,
            engine: engine_of($id),
            low: $low,
            high: $high,
            reset: $reset,
            form: form!($($form)?),
            doc: concat!($($doc),+),
        }, )* ];

        impl ConfigRegister {
            /// Every register, by number.
            pub const ALL: &'static [ConfigRegister] = &[ $( ConfigRegister::$register, )* ];
        }
    };
}

/// The upper half of the number is the engine.
const fn engine_of(id: u8) -> Engine {
    match id >> 4 {
        0 => Engine::Load,
        1 => Engine::Store,
        2 => Engine::Matrix,
        _ => Engine::Vector,
    }
}

const STRIDE: i64 = u32::MAX as i64;
const WINDOW: i64 = u16::MAX as i64;
const STRETCH: i64 = (1 << 24) - 1;
const MULTIPLIER: i64 = i32::MAX as i64;
const TYPE: i64 = ElementType::OPERANDS.len() as i64 - 1;

config_registers! {
    /// bytes between steps of dimension 1 (inner) at the source
    0x00 "load.source_stride_1" LoadSourceStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2
    0x01 "load.source_stride_2" LoadSourceStride2 (0)..=(STRIDE), reset 0;
    /// the same of dimension 3 (outer)
    0x02 "load.source_stride_3" LoadSourceStride3 (0)..=(STRIDE), reset 0;
    /// bytes (records for PRAM) between steps of dimension 1 (inner) at the destination
    0x03 "load.destination_stride_1" LoadDestinationStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2
    0x04 "load.destination_stride_2" LoadDestinationStride2 (0)..=(STRIDE), reset 0;
    /// the same of dimension 3 (outer)
    0x05 "load.destination_stride_3" LoadDestinationStride3 (0)..=(STRIDE), reset 0;
    /// bytes between steps of dimension 1 (inner) at the source
    0x10 "store.source_stride_1" StoreSourceStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2
    0x11 "store.source_stride_2" StoreSourceStride2 (0)..=(STRIDE), reset 0;
    /// the same of dimension 3 (outer)
    0x12 "store.source_stride_3" StoreSourceStride3 (0)..=(STRIDE), reset 0;
    /// bytes between steps of dimension 1 (inner) at the destination
    0x13 "store.destination_stride_1" StoreDestinationStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2
    0x14 "store.destination_stride_2" StoreDestinationStride2 (0)..=(STRIDE), reset 0;
    /// the same of dimension 3 (outer)
    0x15 "store.destination_stride_3" StoreDestinationStride3 (0)..=(STRIDE), reset 0;
    /// NRAM bytes from the window of one output pixel to that of its right neighbour
    0x20 "matrix.x_stride_x" MatrixXStrideX (0)..=(STRIDE), reset 0;
    /// NRAM bytes from the window of one output pixel to that of its lower neighbour
    0x21 "matrix.x_stride_y" MatrixXStrideY (0)..=(STRIDE), reset 0;
    /// contiguous bytes of one stretch of the reduction, for `float_dot` whole elements; must be written before the first `dot`
    0x22 "matrix.stretch" MatrixStretch (1)..=(STRETCH), reset 0;
    /// stretches side by side in a window
    0x23 "matrix.window_count_x" MatrixWindowCountX (1)..=(WINDOW), reset 1;
    /// NRAM bytes between them
    0x24 "matrix.window_stride_x" MatrixWindowStrideX (0)..=(STRIDE), reset 0;
    /// stretches below one another in a window
    0x25 "matrix.window_count_y" MatrixWindowCountY (1)..=(WINDOW), reset 1;
    /// NRAM bytes between them
    0x26 "matrix.window_stride_y" MatrixWindowStrideY (0)..=(STRIDE), reset 0;
    /// WRAM rows from one block of output columns to the next
    0x27 "matrix.w_block_stride" MatrixWBlockStride (0)..=(STRIDE), reset 0;
    /// accumulators from one pixel to the next
    0x28 "matrix.acc_stride_pixel" MatrixAccStridePixel (0)..=(STRIDE), reset 0;
    /// accumulators from one block to the next
    0x29 "matrix.acc_stride_block" MatrixAccStrideBlock (0)..=(STRIDE), reset 0;
    /// zero point of x
    0x2a "matrix.x_zero" MatrixXZero (-128)..=(127), reset 0;
    /// zero point of w
    0x2b "matrix.w_zero" MatrixWZero (-128)..=(127), reset 0;
    /// `float_dot`: type of x and w; `f16`, `bf16`, `f32` are 2 to 4
    0x2c "matrix.type" MatrixType (0)..=(TYPE), reset 4 as Type;
    /// elements between steps of dimension 1 (inner) of operand a
    0x30 "vector.a_stride_1" VectorAStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2 (outer)
    0x31 "vector.a_stride_2" VectorAStride2 (0)..=(STRIDE), reset 0;
    /// elements between steps of dimension 1 (inner) of operand b
    0x32 "vector.b_stride_1" VectorBStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2 (outer)
    0x33 "vector.b_stride_2" VectorBStride2 (0)..=(STRIDE), reset 0;
    /// elements between steps of dimension 1 (inner) of the destination
    0x34 "vector.d_stride_1" VectorDStride1 (0)..=(STRIDE), reset 0;
    /// the same of dimension 2 (outer)
    0x35 "vector.d_stride_2" VectorDStride2 (0)..=(STRIDE), reset 0;
    /// steps of the window of `depthwise`, `max_pool`, `average_pool` in dimension 1 (inner)
    0x36 "vector.window_count_1" VectorWindowCount1 (1)..=(WINDOW), reset 1;
    /// elements of a between them
    0x37 "vector.window_stride_1" VectorWindowStride1 (0)..=(STRIDE), reset 0;
    /// steps of the window in dimension 2 (outer)
    0x38 "vector.window_count_2" VectorWindowCount2 (1)..=(WINDOW), reset 1;
    /// elements of a between them
    0x39 "vector.window_stride_2" VectorWindowStride2 (0)..=(STRIDE), reset 0;
    /// `depthwise`: elements of b from one window position to the next (window position `w2 * window_count_1 + w1`)
    0x3a "vector.b_window_stride" VectorBWindowStride (0)..=(STRIDE), reset 0;
    /// zero point of a
    0x3b "vector.a_zero" VectorAZero (-128)..=(127), reset 0;
    /// zero point of b
    0x3c "vector.b_zero" VectorBZero (-128)..=(127), reset 0;
    /// zero point of the destination
    0x3d "vector.d_zero" VectorDZero (-128)..=(127), reset 0;
    /// lower end of the clamp, at most `high` when an instruction uses it
    0x3e "vector.low" VectorLow (-128)..=(127), reset -128;
    /// upper end of the clamp
    0x3f "vector.high" VectorHigh (-128)..=(127), reset 127;
    /// multiplier of a
    0x40 "vector.a_multiplier" VectorAMultiplier (0)..=(MULTIPLIER), reset 0;
    /// multiplier of b
    0x41 "vector.b_multiplier" VectorBMultiplier (0)..=(MULTIPLIER), reset 0;
    /// shift of `average_pool`, `add`, `multiply`
    0x42 "vector.shift" VectorShift (1)..=(62), reset 1;
    /// float instructions: type of a; `i8`, `i32`, `f16`, `bf16`, `f32` are 0 to 4
    0x43 "vector.a_type" VectorAType (0)..=(TYPE), reset 4 as Type;
    /// the same of b
    0x44 "vector.b_type" VectorBType (0)..=(TYPE), reset 4 as Type;
    /// the same of the destination
    0x45 "vector.d_type" VectorDType (0)..=(TYPE), reset 4 as Type;
    /// float instructions: scale of a
    0x46 "vector.a_scale" VectorAScale (0)..=(STRIDE), reset 0x3f80_0000 as Real;
    /// the same of b
    0x47 "vector.b_scale" VectorBScale (0)..=(STRIDE), reset 0x3f80_0000 as Real;
    /// float instructions: what a result is multiplied by on its way to `i8`
    0x48 "vector.d_inverse_scale" VectorDInverseScale (0)..=(STRIDE), reset 0x3f80_0000 as Real;
    /// float instructions: what `float_fill` writes, and b where it is `constant`
    0x49 "vector.constant" VectorConstant (0)..=(STRIDE), reset 0 as Real;
}

impl ConfigRegister {
    /// How many registers there are.
    pub const COUNT: usize = ConfigRegister::ALL.len();

    /// Its row of the table.
    pub fn spec(self) -> &'static ConfigSpec {
        &SPECS[self as usize]
    }

    /// The register's place in [`ConfigRegister::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The number in a `config` instruction.
    pub fn id(self) -> u8 {
        self.spec().id
    }

    /// The register with this number.
    pub fn from_id(id: u8) -> Option<ConfigRegister> {
        SPECS.iter().find(|spec| spec.id == id).map(|spec| spec.register)
    }

    /// `engine.name`, as in assembly.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The register with this name.
    pub fn from_name(name: &str) -> Option<ConfigRegister> {
        SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.register)
    }

    /// Whose instructions read it.
    pub fn engine(self) -> Engine {
        self.spec().engine
    }

    /// Whether float instructions alone read it: it holds a type or a real number.
    pub fn is_float(self) -> bool {
        self.spec().form != ConfigForm::Number
    }

    /// Whether a machine has it: one that lacks an engine's float instructions lacks their registers.
    pub fn is_on(self, machine: &Machine) -> bool {
        match self.engine() {
            _ if !self.is_float() => true,
            Engine::Matrix => machine.matrix.has_float(),
            _ => machine.vector.float_lanes > 0,
        }
    }

    /// Value at reset.
    pub fn reset(self) -> i64 {
        self.spec().reset
    }

    /// The number that 32 bits written to this register stand for.
    pub fn value(self, bits: u32) -> i64 {
        if self.spec().low < 0 { i64::from(bits as i32) } else { i64::from(bits) }
    }

    /// The value in assembly.
    pub(crate) fn text(self, value: i64) -> String {
        let number = || value.to_string();
        match self.spec().form {
            ConfigForm::Number => number(),
            ConfigForm::Type => {
                ElementType::OPERANDS.get(value as usize).map_or_else(number, |element| element.name().into())
            }
            ConfigForm::Real => match f32::from_bits(value as u32) {
                // A real number is told from an integer by its point or exponent.
                real if real.is_finite() => {
                    let text = format!("{real:?}");
                    if text.contains('.') { text } else { text.replace('e', ".0e") }
                }
                _ => format!("{value:#x}"),
            },
        }
    }

    /// The 32 bits to write for a value.
    ///
    /// # Errors
    /// If the value is outside the register's range.
    pub fn bits(self, value: i64) -> Result<u32, OperandError> {
        let spec = self.spec();
        if (spec.low..=spec.high).contains(&value) {
            // In range, so the low 32 bits are the two's complement.
            return Ok(value as u32);
        }
        let message = format!("{value} is outside {}..={}", spec.low, spec.high);
        Err(OperandError { mnemonic: "config", field: spec.name, message })
    }
}

/// The writes of one `config` instruction, at most five.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConfigWrites {
    writes: [(ConfigRegister, u32); ConfigWrites::MAX],
    count: u8,
}

impl ConfigWrites {
    /// Writes that fit one instruction.
    pub const MAX: usize = 5;
    /// The register number that marks an unused place.
    pub const UNUSED: u8 = 0xff;

    /// Writes of these registers and bits, in order.
    ///
    /// # Errors
    /// If there are more than five or one is out of its register's range.
    pub fn new(writes: &[(ConfigRegister, u32)]) -> Result<ConfigWrites, OperandError> {
        let mut result = ConfigWrites::default();
        for (register, bits) in writes {
            result.push(*register, register.value(*bits))?;
        }
        Ok(result)
    }

    /// Adds a write of a value.
    ///
    /// # Errors
    /// If five are there already or the value is out of the register's range.
    pub fn push(&mut self, register: ConfigRegister, value: i64) -> Result<(), OperandError> {
        let bits = register.bits(value)?;
        let Some(place) = self.writes.get_mut(usize::from(self.count)) else {
            let message = "a `config` instruction has room for five writes".to_owned();
            return Err(OperandError { mnemonic: "config", field: register.name(), message });
        };
        *place = (register, bits);
        self.count += 1;
        Ok(())
    }

    /// The writes in order.
    pub fn as_slice(&self) -> &[(ConfigRegister, u32)] {
        &self.writes[..usize::from(self.count)]
    }

    /// The writes in order, as values.
    pub fn iter(&self) -> impl Iterator<Item = (ConfigRegister, i64)> + '_ {
        self.as_slice().iter().map(|(register, bits)| (*register, register.value(*bits)))
    }
}

impl Default for ConfigWrites {
    fn default() -> ConfigWrites {
        // Places past `count` hold one fixed value, so that derived equality is right.
        ConfigWrites { writes: [(ConfigRegister::LoadSourceStride1, 0); ConfigWrites::MAX], count: 0 }
    }
}

impl std::fmt::Debug for ConfigWrites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Field for ConfigWrites {
    fn insert(&self, word: &mut Word, field: &FieldSpec) -> Result<(), OperandError> {
        for place in 0..ConfigWrites::MAX {
            let lsb = field.lsb + 40 * place as u32;
            match self.as_slice().get(place) {
                Some((register, bits)) => {
                    word::set_bits(word, lsb, 8, register.id().into());
                    word::set_bits(word, lsb + 8, 32, (*bits).into());
                }
                None => word::set_bits(word, lsb, 8, ConfigWrites::UNUSED.into()),
            }
        }
        Ok(())
    }

    fn extract(word: &Word, field: &FieldSpec) -> Result<ConfigWrites, String> {
        let mut writes = ConfigWrites::default();
        let mut ended = false;
        for place in 0..ConfigWrites::MAX {
            let lsb = field.lsb + 40 * place as u32;
            let id = word::bits(word, lsb, 8) as u8;
            let bits = word::bits(word, lsb + 8, 32) as u32;
            if id == ConfigWrites::UNUSED {
                ended = true;
                if bits != 0 {
                    return Err("an unused place has a value".to_owned());
                }
                continue;
            }
            if ended {
                return Err("a write follows an unused place".to_owned());
            }
            let Some(register) = ConfigRegister::from_id(id) else {
                return Err(format!("there is no configuration register {id:#04x}"));
            };
            let value = register.value(bits);
            writes
                .push(register, value)
                .map_err(|error| format!("{}: {}", register.name(), error.message))?;
        }
        Ok(writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_distinct_and_resets_fit_32_bits() {
        for (index, register) in ConfigRegister::ALL.iter().enumerate() {
            assert_eq!(register.index(), index);
            assert_eq!(ConfigRegister::from_id(register.id()), Some(*register));
            assert_eq!(ConfigRegister::from_name(register.name()), Some(*register));
            assert!(register.name().starts_with(register.engine().name()), "{}", register.name());
            assert_eq!(register.value(register.reset() as u32), register.reset());
        }
    }
}
