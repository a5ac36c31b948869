//! What the instructions of the matrix engine have in common: they have the same operands.
//!
//! Which machine has which instructions is here too.

use ediacara_arch::{ElementType as MatrixType, Machine, MatrixUnit};

use crate::{Dot, ElementType, Engine, FloatDot, InstructionSpec, Operation, VectorOperation};

/// An instruction of the matrix engine, without its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatrixOperation {
    /// `dot`
    Dot,
    /// `float_dot`
    FloatDot,
}

impl MatrixOperation {
    /// The mnemonic.
    pub fn name(self) -> &'static str {
        match self {
            MatrixOperation::Dot => "dot",
            MatrixOperation::FloatDot => "float_dot",
        }
    }

    /// The instruction with these operands.
    pub fn with(self, operands: Dot) -> Operation {
        let Dot { x, w, acc, pixels_x, pixels_y, blocks, accumulate } = operands;
        match self {
            MatrixOperation::Dot => operands.into(),
            MatrixOperation::FloatDot => {
                FloatDot { x, w, acc, pixels_x, pixels_y, blocks, accumulate }.into()
            }
        }
    }
}

impl From<FloatDot> for Dot {
    fn from(operands: FloatDot) -> Dot {
        let FloatDot { x, w, acc, pixels_x, pixels_y, blocks, accumulate } = operands;
        Dot { x, w, acc, pixels_x, pixels_y, blocks, accumulate }
    }
}

impl Operation {
    /// Which instruction of the matrix engine it is, with its operands; nothing for those of other engines.
    pub fn matrix(&self) -> Option<(MatrixOperation, Dot)> {
        match *self {
            Operation::Dot(operands) => Some((MatrixOperation::Dot, operands)),
            Operation::FloatDot(FloatDot { x, w, acc, pixels_x, pixels_y, blocks, accumulate }) => {
                Some((MatrixOperation::FloatDot, Dot { x, w, acc, pixels_x, pixels_y, blocks, accumulate }))
            }
            _ => None,
        }
    }
}

impl ElementType {
    /// Whether `float_dot` of a matrix unit takes elements of this type.
    pub fn is_on(self, unit: &MatrixUnit) -> bool {
        let named = match self {
            ElementType::F16 => MatrixType::F16,
            ElementType::BF16 => MatrixType::Bf16,
            ElementType::F32 => MatrixType::F32,
            _ => return false,
        };
        unit.types.contains(&named)
    }
}

impl InstructionSpec {
    /// Whether a machine has it, or lacks the floating point that it computes in.
    pub fn is_on(&self, machine: &Machine) -> bool {
        match self.engine {
            Engine::Matrix => machine.matrix.has_float() || self.mnemonic != MatrixOperation::FloatDot.name(),
            Engine::Vector => {
                let operation = VectorOperation::by_opcode(self.opcode);
                machine.vector.float_lanes > 0 || operation.is_some_and(|operation| !operation.rule().float)
            }
            Engine::Control | Engine::Load | Engine::Store => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    #[test]
    fn operands_survive_being_part_of_an_instruction() {
        let operands = Dot {
            x: Address::new(1),
            w: Address::new(2),
            acc: Address::relative(3, 4),
            pixels_x: 5,
            pixels_y: 6,
            blocks: 7,
            accumulate: true,
        };
        for operation in [MatrixOperation::Dot, MatrixOperation::FloatDot] {
            let built = operation.with(operands);
            assert_eq!((built.mnemonic(), built.matrix()), (operation.name(), Some((operation, operands))));
        }
        assert_eq!(Operation::Halt.matrix(), None);
    }

    #[test]
    fn a_machine_lacks_what_computes_in_types_that_it_lacks() {
        let lacks = |name: &str| -> Vec<u8> {
            let Ok(machine) = Machine::preset(name) else { return Vec::new() };
            crate::INSTRUCTIONS.iter().filter(|spec| !spec.is_on(&machine)).map(|spec| spec.opcode).collect()
        };
        // docs/isa.md, "Matrix engine" and "Float instructions".
        assert_eq!(lacks("dlp16"), [0x21]);
        assert!(lacks("dlp16f").is_empty());
        assert_eq!((lacks("dlp4").len(), lacks("dlp4")[0]), (22, 0x21));
    }
}
