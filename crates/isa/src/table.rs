//! The instruction table: the one place that knows opcodes, operands and their bits, and what the instructions of the
//! vector engine do with their operands.
//!
//! A row has documentation, opcode, mnemonic, struct, engine and masks, and then the operands. Each operand
//! has its type, kind, bits `lsb .. end` and, if assembly may leave it out, a default. A test checks that
//! fields do not overlap or leave the word. Instead of engine and masks, a row of the vector engine has its
//! [`VectorShape`], `in_place` if the destination may be a source, or `keeps` if some of it may stay, and the
//! constants that it reads ([`VectorRule`]). A row of `float` has instead of operands the name of the set of operands that it has.
//! The macros that read the table are in `define.rs`.

use crate::{
    Address, Condition, ConfigRegister, ConfigWrites, DecodeError, ElementBytes, Engine, FieldSpec,
    InstructionSpec, Kind, Memory, OperandError, Relation, VectorOperands, VectorRule, VectorShape, Word,
    field::Field,
};

/// Sorts the rows by opcode, since the source lists them by engine.
const fn by_opcode<const N: usize>(mut rows: [InstructionSpec; N]) -> [InstructionSpec; N] {
    let mut sorted = 1;
    while sorted < N {
        let mut at = sorted;
        while at > 0 && rows[at - 1].opcode > rows[at].opcode {
            rows.swap(at - 1, at);
            at -= 1;
        }
        sorted += 1;
    }
    rows
}

/// Whether an engine's instructions wait in a queue, where semaphores apply.
///
/// Control executes its instructions itself.
const fn is_queued(engine: Engine) -> bool {
    !matches!(engine, Engine::Control)
}

const ANY_MEMORY: Kind = Kind::Memory(&[Memory::Nram, Memory::Wram, Memory::Pram]);
const WRAM_ONLY: Kind = Kind::Memory(&[Memory::Wram]);
const DRAM: Kind = Kind::Address(Memory::Dram);
const NRAM: Kind = Kind::Address(Memory::Nram);
const WRAM: Kind = Kind::Address(Memory::Wram);
const ARAM: Kind = Kind::Address(Memory::Aram);
const PRAM: Kind = Kind::Address(Memory::Pram);
const NRAM_OR_ARAM: Kind = Kind::Memory(&[Memory::Nram, Memory::Aram]);

with_floats! {
    plain {
        /// nothing, one cycle
        0x01 "nop" Nop, Control, post false;
        /// waits until every engine is idle, then ends the program
        0x02 "halt" Halt, Control, post false;
        /// waits until every engine is idle
        0x03 "sync" Sync, Control, post false;
        /// posts its mask at once
        0x04 "signal" Signal, Control, post true;
    }
    operands {
        /// `R[rd] = value`
        0x05 "set" Set, Control {
            /// the register written
            rd: u8 = Kind::Register, 48..52;
            /// 40 bits
            value: u64 = Kind::Unsigned, 64..104;
        }
        /// `R[rd] = R[ra] + R[rb] + value mod 2^40`
        0x06 "add_scalar" AddScalar, Control {
            /// the register written
            rd: u8 = Kind::Register, 48..52;
            /// first term
            ra: u8 = Kind::Register, 52..56, default 0;
            /// second term
            rb: u8 = Kind::Register, 56..60, default 0;
            /// third term, 40 bits
            value: u64 = Kind::Unsigned, 64..104, default 0;
        }
        /// runs the next `body` instructions `count + R[register]` times
        0x07 "loop" Loop, Control {
            /// runs, 24 bits
            count: u32 = Kind::Unsigned, 64..88, default 0;
            /// more runs
            register: u8 = Kind::Register, 48..52, default 0;
            /// instructions of the body
            body: u16 = Kind::Body, 96..112;
        }
        /// goes on at instruction index `target`
        0x08 "jump" Jump, Control {
            /// instruction index, 24 bits
            target: u32 = Kind::Target, 64..88;
        }
        /// goes to `target` if `R[ra] condition R[rb]` (unsigned)
        0x09 "branch" Branch, Control {
            /// `equal`, `not_equal`, `less`, `greater_equal`
            condition: Condition = Kind::Word(Condition::WORDS), 48..50;
            /// left side
            ra: u8 = Kind::Register, 52..56, default 0;
            /// right side
            rb: u8 = Kind::Register, 56..60, default 0;
            /// instruction index, 24 bits
            target: u32 = Kind::Target, 64..88;
        }
        /// writes configuration registers: five places of a register's number (8 bits, 0xff = unused) and a value
        /// (32 bits); used places come first, unused ones have value zero
        0x0a "config" Config, Control {
            /// the writes
            writes: ConfigWrites = Kind::ConfigWrites, 48..248;
        }
        /// strided copy from DRAM; to PRAM the length is a multiple of 12
        0x10 "load" Load, Load {
            /// 0 NRAM, 1 WRAM, 2 PRAM; written around the destination
            memory: Memory = ANY_MEMORY, 124..126;
            /// where the first row is read
            source: Address = DRAM, 48..96;
            /// where it is written, in the memory's unit
            destination: Address = Kind::Selected, 96..124;
            /// bytes of a row
            length: u32 = Kind::Count, 128..152;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 160..176, default 1;
            /// steps of dimension 2
            count_2: u16 = Kind::Count, 176..192, default 1;
            /// steps of dimension 3, the outer
            count_3: u16 = Kind::Count, 192..208, default 1;
        }
        /// strided copy from NRAM to WRAM
        0x11 "move" Move, Load {
            /// 1 WRAM; written around the destination
            memory: Memory = WRAM_ONLY, 124..126;
            /// where the first row is read
            source: Address = NRAM, 48..76;
            /// where it is written
            destination: Address = Kind::Selected, 96..124;
            /// bytes of a row
            length: u32 = Kind::Count, 128..152;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 160..176, default 1;
            /// steps of dimension 2
            count_2: u16 = Kind::Count, 176..192, default 1;
            /// steps of dimension 3, the outer
            count_3: u16 = Kind::Count, 192..208, default 1;
        }
        /// inner products of NRAM windows with WRAM rows into ARAM (below)
        0x20 "dot" Dot, Matrix {
            /// window of the first output pixel
            x: Address = NRAM, 48..76;
            /// first row of weights, a multiple of a row
            w: Address = WRAM, 80..108;
            /// first accumulator
            acc: Address = ARAM, 112..140;
            /// output pixels side by side
            pixels_x: u16 = Kind::Count, 144..160, default 1;
            /// output pixels below one another
            pixels_y: u16 = Kind::Count, 160..176, default 1;
            /// blocks of output columns
            blocks: u16 = Kind::Count, 176..188, default 1;
            /// adds to what ARAM holds instead of overwriting it
            accumulate: bool = Kind::Flag, 192..193, default 0;
        }
        /// N-FLOAT-DOT of the same windows and rows, whose elements are of `matrix.type`, into ARAM
        0x21 "float_dot" FloatDot, Matrix {
            /// window of the first output pixel
            x: Address = NRAM, 48..76;
            /// first row of weights, a multiple of a row
            w: Address = WRAM, 80..108;
            /// first accumulator
            acc: Address = ARAM, 112..140;
            /// output pixels side by side
            pixels_x: u16 = Kind::Count, 144..160, default 1;
            /// output pixels below one another
            pixels_y: u16 = Kind::Count, 160..176, default 1;
            /// blocks of output columns
            blocks: u16 = Kind::Count, 176..188, default 1;
            /// adds to what ARAM holds instead of overwriting it
            accumulate: bool = Kind::Flag, 192..193, default 0;
        }
        /// strided copy from NRAM to DRAM
        0x40 "store" Store, Store {
            /// where the first row is read
            source: Address = NRAM, 48..76;
            /// where it is written
            destination: Address = DRAM, 80..128;
            /// bytes of a row
            length: u32 = Kind::Count, 128..152;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 160..176, default 1;
            /// steps of dimension 2
            count_2: u16 = Kind::Count, 176..192, default 1;
            /// steps of dimension 3, the outer
            count_3: u16 = Kind::Count, 192..208, default 1;
        }
    }
    vector {
        /// `d[j] = value`
        0x30 "fill" Fill, Rows [] {
            /// destination
            d: Address = NRAM, 48..76;
            /// the byte written
            value: i8 = Kind::Signed, 168..176;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// `d[j] = a[j]`
        0x31 "copy" Copy, Rows in_place [] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-REQUANTISE of `a[j]`, an accumulator, with record `p + j`
        0x32 "requantise" Requantise, Rows [VectorLow, VectorHigh, VectorDZero] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = ARAM, 80..108;
            /// first record
            p: Address = PRAM, 144..164;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-DOT over the window of a with `b[window position][j]`, then N-REQUANTISE with record `p + j`
        0x33 "depthwise" Depthwise, Window
        [VectorBZero, VectorLow, VectorHigh, VectorDZero, VectorAZero] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// weights
            b: Address = NRAM, 112..140;
            /// first record
            p: Address = PRAM, 144..164;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-MAXPOOL over the window of a
        0x34 "max_pool" MaxPool, Window [VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-AVERAGE over the window of a, with `a_multiplier`, `shift`
        0x35 "average_pool" AveragePool, Window
        [VectorLow, VectorHigh, VectorDZero, VectorAZero, VectorAMultiplier, VectorShift] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-ADD of `a[j]` and `b[j]`, with `a_multiplier`, `b_multiplier`, `shift`
        0x36 "add" Add, Rows in_place
        [VectorLow, VectorHigh, VectorDZero, VectorAZero, VectorAMultiplier, VectorShift, VectorBZero, VectorBMultiplier] {
            /// destination
            d: Address = NRAM, 48..76;
            /// first source
            a: Address = NRAM, 80..108;
            /// second source
            b: Address = NRAM, 112..140;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-MULTIPLY of `a[j]` and `b[j]`, with `a_multiplier`, `shift`
        0x37 "multiply" Multiply, Rows in_place
        [VectorLow, VectorHigh, VectorDZero, VectorAZero, VectorAMultiplier, VectorShift, VectorBZero] {
            /// destination
            d: Address = NRAM, 48..76;
            /// first source
            a: Address = NRAM, 80..108;
            /// second source
            b: Address = NRAM, 112..140;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// N-MAXIMUM of `a[j]` and `b[j]`
        0x38 "maximum" Maximum, Rows in_place [VectorLow, VectorHigh] {
            /// destination
            d: Address = NRAM, 48..76;
            /// first source
            a: Address = NRAM, 80..108;
            /// second source
            b: Address = NRAM, 112..140;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// fills the 256-byte table from NRAM
        0x39 "load_table" LoadTable, Table [] {
            /// the table's first byte, for index -128
            a: Address = NRAM, 80..108;
        }
        /// N-TABLE of `a[j]`
        0x3a "table" Table, Rows in_place [] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// elements of a row
            length: u32 = Kind::Count, 176..200;
            /// rows in dimension 1, the inner
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// rows in dimension 2, the outer
            count_2: u16 = Kind::Count, 224..240, default 1;
        }
        /// `length` x `count_1` from `count_1` x `length`: `d[j*d_stride_1 + i1] = a[i1*a_stride_1 + j]`, for each `i2`
        0x3b "transpose" Transpose, Transpose [] {
            /// destination
            d: Address = NRAM, 48..76;
            /// source
            a: Address = NRAM, 80..108;
            /// columns of the source, rows of the destination
            length: u32 = Kind::Count, 176..200;
            /// rows of the source, columns of the destination
            count_1: u16 = Kind::Count, 208..224, default 1;
            /// matrices
            count_2: u16 = Kind::Count, 224..240, default 1;
            /// bytes of an element: 1, 2 or 4
            element: ElementBytes = Kind::Word(ElementBytes::WORDS), 240..242, default 0;
        }
    }
    float {
        /// `d[j] = constant`
        0x50 "float_fill" FloatFill, Rows, fill;
        /// `d[j] = a[j]`
        0x51 "float_copy" FloatCopy, Rows in_place, unary;
        /// `d[j] = a[j] + b[j]`
        0x52 "float_add" FloatAdd, Rows in_place, pair;
        /// `d[j] = a[j] - b[j]`
        0x53 "float_subtract" FloatSubtract, Rows in_place, pair;
        /// `d[j] = a[j] * b[j]`
        0x54 "float_multiply" FloatMultiply, Rows in_place, pair;
        /// N-FLOAT-SCALE of `a[j]` with record `p + j`
        0x55 "float_scale" FloatScale, Rows in_place, scale;
        /// the larger of `a[j]` and `b[j]`
        0x56 "float_maximum" FloatMaximum, Rows in_place, pair;
        /// the smaller of `a[j]` and `b[j]`
        0x57 "float_minimum" FloatMinimum, Rows in_place, pair;
        /// `d[j] = 1` if `a[j] relation b[j]`, else 0
        0x58 "float_compare" FloatCompare, Rows in_place, compare;
        /// `d[j] = b[j]` where `a[j]` is not zero; elsewhere `d[j]` stays
        0x59 "float_select" FloatSelect, Rows keeps, pair;
        /// 2 to the power of `a[j] - b[j]` (N-FUNCTION)
        0x5a "float_exp2" FloatExp2, Rows in_place, pair;
        /// the logarithm of `a[j]` to base 2 (N-FUNCTION)
        0x5b "float_log2" FloatLog2, Rows in_place, unary;
        /// `1 / a[j]` (N-FUNCTION)
        0x5c "float_reciprocal" FloatReciprocal, Rows in_place, unary;
        /// `1 / root(a[j])` (N-FUNCTION)
        0x5d "float_reciprocal_root" FloatReciprocalRoot, Rows in_place, unary;
        /// `root(a[j])` (N-FUNCTION)
        0x5e "float_root" FloatRoot, Rows in_place, unary;
        /// N-FLOAT-ROW sum of a row of a
        0x60 "float_row_sum" FloatRowSum, RowReduction, unary;
        /// N-FLOAT-ROW product of a row of a and of b
        0x61 "float_row_dot" FloatRowDot, RowReduction, pair;
        /// N-FLOAT-ROW maximum of a row of a
        0x62 "float_row_maximum" FloatRowMaximum, RowReduction, unary;
        /// N-FLOAT-WINDOW sum over the window of a
        0x64 "float_window_sum" FloatWindowSum, Window, window_sum;
        /// N-FLOAT-WINDOW multiply-add over the window of a with `b[window position][j]`
        0x65 "float_window_dot" FloatWindowDot, Window, window_dot;
        /// N-FLOAT-WINDOW maximum over the window of a
        0x66 "float_window_maximum" FloatWindowMaximum, Window, window;
    }
}

impl Operation {
    /// The row of the table.
    pub fn spec(&self) -> &'static InstructionSpec {
        // Every variant has its row: both come from the same lines.
        let opcode = self.opcode();
        INSTRUCTIONS.iter().find(|spec| spec.opcode == opcode).unwrap_or(&INSTRUCTIONS[0])
    }

    /// Who executes it.
    pub fn engine(&self) -> Engine {
        self.spec().engine
    }

    /// The name in assembly.
    pub fn mnemonic(&self) -> &'static str {
        self.spec().mnemonic
    }
}

impl InstructionSpec {
    /// The row with this opcode.
    pub fn by_opcode(opcode: u8) -> Option<&'static InstructionSpec> {
        INSTRUCTIONS.iter().find(|spec| spec.opcode == opcode)
    }

    /// The row with this mnemonic.
    pub fn by_mnemonic(mnemonic: &str) -> Option<&'static InstructionSpec> {
        INSTRUCTIONS.iter().find(|spec| spec.mnemonic == mnemonic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_rise_and_fields_are_disjoint_and_inside_the_word() {
        assert!(INSTRUCTIONS.is_sorted_by(|a, b| a.opcode < b.opcode));
        for spec in INSTRUCTIONS {
            let mut taken = [false; 256];
            taken[..48].fill(true);
            for field in spec.fields {
                for bit in field.lsb..field.lsb + field.width {
                    assert!(!taken[bit as usize], "{}.{} overlaps at bit {bit}", spec.mnemonic, field.name);
                    taken[bit as usize] = true;
                }
            }
        }
    }
}
