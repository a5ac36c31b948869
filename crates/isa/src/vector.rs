//! What the instructions of the vector engine have in common: their operands, and how each goes through them.
//!
//! The table says which instruction does what.

use crate::{Address, ConfigRegister, ElementBytes, ElementType, Kind, Memory, Relation, VectorOperation};

/// How an instruction of the vector engine goes through its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorShape {
    /// Row by row: element j of a row of `d` comes from the elements j of that row of `a` and of `b`.
    Rows,
    /// Row by row, with `a` read at each position of the window; `b` has a row for each position.
    Window,
    /// Row by row, and each row of `d` has one element.
    RowReduction,
    /// `d` has the columns of `a` as rows: `length` rows of `count_1` elements.
    Transpose,
    /// `a` is read as it lies, [`TABLE_BYTES`] long, and only the table is written.
    Table,
}

/// Bytes of the table of the vector engine.
pub const TABLE_BYTES: u32 = 256;

/// What an instruction of the vector engine reads, writes and promises.
///
/// [`VectorOperation::rule`] gives what the table says: every operand that the instruction may have.
/// [`VectorRule::of`] leaves those that it has with given operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorRule {
    /// How it goes through its operands.
    pub shape: VectorShape,
    /// Whether it computes in floating point, with operands of the types in `vector.a_type` and its like.
    pub float: bool,
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
    /// Whether `b` has one element a row.
    pub b_is_scalar: bool,
    /// Whether `b` of a window has rows of its own: otherwise they are the same for each row of `d`.
    pub b_moves: bool,
    /// Whether what `d` held counts: it is read, or some of it stays.
    pub reads_d: bool,
    /// The registers, beside strides and windows, that it may read. A program writes them in this order.
    pub constants: &'static [ConfigRegister],
    /// Whether it reads records only with the flag `records`.
    records_on_demand: bool,
}

impl VectorRule {
    /// From a row of the table.
    pub(crate) const fn new(
        fields: &[(&str, Kind)],
        shape: VectorShape,
        in_place: bool,
        keeps: bool,
        constants: &'static [ConfigRegister],
    ) -> VectorRule {
        let mut rule = VectorRule {
            shape,
            float: false,
            in_place,
            d: None,
            a: None,
            b: None,
            p: None,
            b_is_scalar: false,
            b_moves: false,
            reads_d: keeps,
            constants,
            records_on_demand: false,
        };
        let mut index = 0;
        while index < fields.len() {
            let (name, kind) = fields[index];
            if let Some(memory) = kind.memory() {
                match name.as_bytes() {
                    b"d" => rule.d = Some(memory),
                    b"a" => rule.a = Some(memory),
                    b"b" => rule.b = Some(memory),
                    b"p" => rule.p = Some(memory),
                    _ => panic!("an address of the vector engine is called d, a, b or p"),
                }
            }
            rule.records_on_demand |= matches!(name.as_bytes(), b"records");
            index += 1;
        }
        let mut index = 0;
        while index < constants.len() {
            rule.float |= matches!(constants[index], ConfigRegister::VectorDType);
            index += 1;
        }
        rule
    }

    /// What an instruction with these operands reads and writes.
    pub fn of(&self, operands: &VectorOperands) -> VectorRule {
        let mut rule = *self;
        if !rule.float {
            return rule;
        }
        rule.a = rule.a.map(|_| operands.memory);
        rule.b = rule.b.filter(|_| !operands.constant);
        rule.p = rule.p.filter(|_| operands.records || !rule.records_on_demand);
        rule.b_is_scalar = operands.scalar;
        rule.b_moves = operands.moves;
        rule.reads_d |= operands.accumulate;
        rule
    }

    /// Whether an integer result is clamped, so that `low` above `high` is a fault.
    ///
    /// A float instruction clamps where its destination is [`ElementType::I8`].
    pub fn clamps(&self) -> bool {
        !self.float && self.constants.contains(&ConfigRegister::VectorLow)
    }

    /// Whether it reads NRAM, and so waits for all before it (T-VECTOR-ORDER).
    pub fn reads_nram(&self) -> bool {
        self.reads_d || [self.a, self.b].contains(&Some(Memory::Nram))
    }

    /// The units of its memory that an element of each operand takes: bytes in NRAM, one accumulator in ARAM.
    pub fn element_units(&self, operands: &VectorOperands, types: OperandTypes) -> OperandUnits {
        if !self.float {
            let carried = match self.shape {
                VectorShape::Transpose => operands.element.bytes(),
                _ => 1,
            };
            return OperandUnits { a: carried, b: 1, d: carried };
        }
        let bytes = |element: ElementType| element.bytes() as u64;
        let a = if self.a == Some(Memory::Aram) { 1 } else { bytes(types.a) };
        OperandUnits { a, b: bytes(types.b), d: bytes(types.d) }
    }
}

/// The types of a float instruction's operands, as the registers `vector.a_type` and its like say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperandTypes {
    /// Of the first source.
    pub a: ElementType,
    /// Of the second source.
    pub b: ElementType,
    /// Of the destination.
    pub d: ElementType,
}

impl OperandTypes {
    /// From what a register holds.
    pub fn new(value: impl Fn(ConfigRegister) -> i64) -> OperandTypes {
        let of = |register: ConfigRegister| {
            // A register holds no value outside its range.
            ElementType::OPERANDS.get(value(register) as usize).copied().unwrap_or(ElementType::F32)
        };
        OperandTypes {
            a: of(ConfigRegister::VectorAType),
            b: of(ConfigRegister::VectorBType),
            d: of(ConfigRegister::VectorDType),
        }
    }
}

/// Units of a memory that an element of each operand takes ([`VectorRule::element_units`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperandUnits {
    /// Of the first source.
    pub a: u64,
    /// Of the second source.
    pub b: u64,
    /// Of the destination.
    pub d: u64,
}

impl VectorOperation {
    /// What the instruction reads and writes with these operands.
    pub fn rule_of(self, operands: &VectorOperands) -> VectorRule {
        self.rule().of(operands)
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
    /// The memory of its first source, where there is a choice.
    pub memory: Memory,
    /// Whether its second source has one element a row.
    pub scalar: bool,
    /// Whether its second source is the register `vector.constant`.
    pub constant: bool,
    /// Whether its first source is read with records.
    pub records: bool,
    /// Whether it begins with what its destination holds.
    pub accumulate: bool,
    /// Whether the second source of a window has rows of its own.
    pub moves: bool,
    /// What it asks of its sources.
    pub relation: Relation,
    /// Bytes of an element that it carries.
    pub element: ElementBytes,
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
            memory: Memory::Nram,
            scalar: false,
            constant: false,
            records: false,
            accumulate: false,
            moves: false,
            relation: Relation::default(),
            element: ElementBytes::default(),
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
            let integer = VectorOperation::ALL.iter().filter(|operation| !operation.rule().float);
            let all = integer.filter(|operation| holds(operation.rule()));
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
    fn rules_of_float_instructions_say_what_the_page_says() {
        let named = |holds: fn(&VectorRule) -> bool| -> Vec<&str> {
            let float = VectorOperation::ALL.iter().filter(|operation| operation.rule().float);
            float.filter(|operation| holds(operation.rule())).map(|operation| operation.name()).collect()
        };
        // docs/isa.md, "Float instructions".
        assert_eq!(named(|_| true).len(), 21);
        assert!(named(|_| true).iter().all(|name| name.starts_with("float_")));
        assert_eq!(
            named(|rule| rule.shape == VectorShape::Window),
            ["float_window_sum", "float_window_dot", "float_window_maximum"]
        );
        assert_eq!(
            named(|rule| rule.shape == VectorShape::RowReduction),
            ["float_row_sum", "float_row_dot", "float_row_maximum"]
        );
        assert_eq!(named(|rule| rule.a.is_none()), ["float_fill"]);
        assert_eq!(named(|rule| rule.reads_d), ["float_select"]);
        assert!(named(VectorRule::clamps).is_empty());
    }

    #[test]
    fn flags_decide_what_is_read() {
        let add = VectorOperation::FloatAdd;
        let plain = add.rule_of(&VectorOperands::default());
        assert_eq!((plain.a, plain.b, plain.p), (Some(Memory::Nram), Some(Memory::Nram), None));
        let from_accumulators =
            VectorOperands { memory: Memory::Aram, records: true, constant: true, ..Default::default() };
        let rule = add.rule_of(&from_accumulators);
        assert_eq!((rule.a, rule.b, rule.p), (Some(Memory::Aram), None, Some(Memory::Pram)));
        assert!(plain.reads_nram() && !rule.reads_nram());
        let sum = VectorOperation::FloatWindowSum;
        let accumulate = VectorOperands { accumulate: true, ..Default::default() };
        assert_eq!([false, true], [VectorOperands::default(), accumulate].map(|o| sum.rule_of(&o).reads_d));
        let scale = VectorOperation::FloatScale.rule_of(&VectorOperands::default());
        assert_eq!(scale.p, Some(Memory::Pram), "its records are no choice");
    }

    #[test]
    fn an_element_takes_the_bytes_of_its_type() {
        let types = OperandTypes { a: ElementType::F32, b: ElementType::I8, d: ElementType::BF16 };
        let units = |operation: VectorOperation, operands: VectorOperands| {
            let OperandUnits { a, b, d } = operation.rule_of(&operands).element_units(&operands, types);
            [a, b, d]
        };
        let operands = VectorOperands::default();
        assert_eq!(units(VectorOperation::FloatAdd, operands), [4, 1, 2]);
        let accumulators = VectorOperands { memory: Memory::Aram, ..operands };
        assert_eq!(units(VectorOperation::FloatAdd, accumulators), [1, 1, 2]);
        assert_eq!(units(VectorOperation::Add, operands), [1, 1, 1]);
        let four = VectorOperands { element: ElementBytes::Four, ..operands };
        assert_eq!(units(VectorOperation::Transpose, four), [4, 1, 4]);
    }

    #[test]
    fn operands_survive_being_part_of_an_instruction() {
        let at = Address::new;
        let operands = VectorOperands {
            d: at(1),
            a: at(2),
            b: at(3),
            p: at(4),
            memory: Memory::Aram,
            scalar: true,
            constant: true,
            records: true,
            accumulate: true,
            moves: true,
            relation: Relation::LessEqual,
            element: ElementBytes::Four,
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
