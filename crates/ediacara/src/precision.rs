//! What a network computes in on the DLP.

use std::fmt;
use std::str::FromStr;

use ediacara_arch::{ElementType, Machine};
use ediacara_tensor::DType;

use crate::Error;

/// What a network computes in on the DLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 8-bit integers: the network is quantised, or comes so.
    #[default]
    Int8,
    /// IEEE 754 binary32.
    F32,
    /// bfloat16: products of bfloat16, sums of f32.
    Bf16,
    /// IEEE 754 binary16: products of f16, sums of f32.
    F16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 4] = [Precision::Int8, Precision::F32, Precision::Bf16, Precision::F16];

    /// Its name: `int8`, `f32`, `bf16`, `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Int8 => "int8",
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
        }
    }

    /// The type that values are stored in; nothing for int8, whose networks are quantised.
    pub fn dtype(self) -> Option<DType> {
        match self {
            Precision::Int8 => None,
            Precision::F32 => Some(DType::F32),
            Precision::Bf16 => Some(DType::BF16),
            Precision::F16 => Some(DType::F16),
        }
    }

    /// Whether a machine's array multiplies such numbers, and its vector engine computes with them.
    pub fn is_on(self, machine: &Machine) -> bool {
        let multiplies = machine.matrix.types.iter().any(|ty| ty.name() == self.name());
        self == Precision::Int8 || multiplies && machine.vector.float_lanes > 0
    }

    /// The type that a machine's array multiplies in it.
    ///
    /// # Errors
    /// The machine does not compute in it; the error names those that do.
    pub fn on(self, machine: &Machine) -> Result<ElementType, Error> {
        self.lanes(machine)?;
        let own = machine.matrix.types.iter().find(|ty| ty.name() == self.name());
        Ok(own.copied().unwrap_or(ElementType::Int8))
    }

    /// Products that a machine's array adds in one beat.
    ///
    /// # Errors
    /// The machine does not compute in it; the error names those that do.
    pub(crate) fn lanes(self, machine: &Machine) -> Result<usize, Error> {
        if !self.is_on(machine) {
            let types: Vec<&str> = machine.matrix.types.iter().map(|ty| ty.name()).collect();
            let presets = Machine::presets()
                .iter()
                .copied()
                .filter(|name| Machine::preset(name).is_ok_and(|machine| self.is_on(&machine)));
            let presets: Vec<&str> = presets.collect();
            return Err(Error::Invalid(format!(
                "machine `{}` does not compute in {self}: its matrix.types are {} and its vector.float_lanes {}; presets that do: {} \
                 (`--machine {}`)",
                machine.name,
                types.join(", "),
                machine.vector.float_lanes,
                presets.join(", "),
                presets.first().unwrap_or(&"FILE")
            )));
        }
        let bytes = self.dtype().map_or(1, DType::size_bytes);
        Ok(machine.matrix.rows as usize / bytes)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Precision, String> {
        let found = Precision::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| {
            let names = Precision::ALL.map(Precision::name);
            format!("no precision is called `{text}`; {}", ediacara_hint::there_are(text, names))
        })
    }
}
