//! What the instructions of the vector engine have in common: their operands, and how each goes through them.
//!
//! The table says which instruction does what.

use crate::{Address, ConfigRegister, Kind, Memory};

/// How an instruction of the vector engine goes through its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorShape {
    /// Row by row: element j of a row of `d` comes from the elements j of that row of `a` and of `b`.
    Rows,
    /// Row by row, with `a` read at each position of the window; `b` has a row for each position.
    Window,
    /// `d` has the columns of `a` as rows: `length` rows of `count_1` elements.
    Transpose,
    /// `a` is read as it lies, [`TABLE_BYTES`] long, and only the table is written.
    Table,
}

/// Bytes of the table of the vector engine.
pub const TABLE_BYTES: u32 = 256;

/// What an instruction of the vector engine reads, writes and promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorRule {
    /// How it goes through its operands.
    pub shape: VectorShape,
    /// Whether `d` may be `a` or `b`, row for row.
    pub in_place: bool,
    /// The memory that it writes, if it writes one.
    pub d: Option<Memory>,
    /// The memory of its first source.
    pub a: Option<Memory>,
    /// The memory of its second source.
    pub b: Option<Memory>,
    /// The memory of its records: [`VectorOperands::length`] of them, one for each element of a row.
    pub p: Option<Memory>,
    /// The registers, beside strides and windows, that it reads. A program writes them in this order.
    pub constants: &'static [ConfigRegister],
}

impl VectorRule {
    /// From a row of the table.
    pub(crate) const fn new(
        fields: &[(&str, Kind)],
        shape: VectorShape,
        in_place: bool,
        constants: &'static [ConfigRegister],
    ) -> VectorRule {
        let mut rule = VectorRule { shape, in_place, d: None, a: None, b: None, p: None, constants };
        let mut index = 0;
        while index < fields.len() {
            let (name, kind) = fields[index];
            if let Kind::Address(memory) = kind {
                match name.as_bytes() {
                    b"d" => rule.d = Some(memory),
                    b"a" => rule.a = Some(memory),
                    b"b" => rule.b = Some(memory),
                    b"p" => rule.p = Some(memory),
                    _ => panic!("an address of the vector engine is called d, a, b or p"),
                }
            }
            index += 1;
        }
        rule
    }

    /// Whether the result is clamped, so that `low` above `high` is a fault.
    pub fn clamps(&self) -> bool {
        self.constants.contains(&ConfigRegister::VectorLow)
    }

    /// Whether it reads NRAM, and so waits for all before it (T-VECTOR-ORDER).
    pub fn reads_nram(&self) -> bool {
        [self.a, self.b].contains(&Some(Memory::Nram))
    }
}

/// The operands of any instruction of the vector engine.
///
/// An operand that an instruction does not have is as in [`VectorOperands::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VectorOperands {
    /// Where it writes.
    pub d: Address,
    /// Its first source.
    pub a: Address,
    /// Its second source.
    pub b: Address,
    /// Its first record.
    pub p: Address,
    /// A byte that it writes.
    pub value: i8,
    /// Elements of a row.
    pub length: u32,
    /// Rows in dimension 1, the inner.
    pub count_1: u16,
    /// Rows in dimension 2, the outer.
    pub count_2: u16,
}

impl Default for VectorOperands {
    /// Addresses of zero, and one row as long as a table.
    fn default() -> VectorOperands {
        let none = Address::default();
        VectorOperands {
            d: none,
            a: none,
            b: none,
            p: none,
            value: 0,
            length: TABLE_BYTES,
            count_1: 1,
            count_2: 1,
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;
    use crate::{Operation, VectorOperation};

    #[test]
    fn rules_say_what_the_page_says() {
        let named = |holds: fn(&VectorRule) -> bool| -> Vec<&str> {
            let all = VectorOperation::ALL.iter().filter(|operation| holds(operation.rule()));
            all.map(|operation| operation.name()).collect()
        };
        // docs/isa.md, "Vector engine".
        assert_eq!(
            named(|rule| rule.shape == VectorShape::Window),
            ["depthwise", "max_pool", "average_pool"]
        );
        assert_eq!(named(|rule| rule.in_place), ["copy", "add", "multiply", "maximum", "table"]);
        assert_eq!(named(|rule| rule.p.is_some()), ["requantise", "depthwise"]);
        assert_eq!(named(|rule| rule.b.is_some()), ["depthwise", "add", "multiply", "maximum"]);
        assert_eq!(named(|rule| rule.d.is_none()), ["load_table"]);
        assert_eq!(named(|rule| !rule.reads_nram()), ["fill", "requantise"]);
        assert_eq!(named(|rule| !rule.clamps()), ["fill", "copy", "load_table", "table", "transpose"]);
    }

    #[test]
    fn operands_survive_being_part_of_an_instruction() {
        let at = Address::new;
        let operands = VectorOperands {
            d: at(1),
            a: at(2),
            b: at(3),
            p: at(4),
            value: -5,
            length: 6,
            count_1: 7,
            count_2: 8,
        };
        for &operation in VectorOperation::ALL {
            let built = operation.with(&operands);
            assert_eq!(built.mnemonic(), operation.name());
            let (again, found) = built.vector().expect("the table has it");
            assert_eq!((again, again.with(&found)), (operation, built));
            assert_eq!(found.d, if operation.rule().d.is_some() { at(1) } else { at(0) });
        }
        assert_eq!(Operation::Halt.vector(), None);
    }
}
