//! Mutations of docs/numerics.md, "Floating point", and of what docs/isa.md says of float instructions.

use super::{Mutation, mutation as m};

const VALUE: &str = "crates/kernels/src/ordered/value.rs";
const STORED: &str = "crates/kernels/src/ordered/stored.rs";
const ROWS: &str = "crates/kernels/src/ordered/rows.rs";
const OPERATION: &str = "crates/kernels/src/ordered/operation.rs";
const DOT: &str = "crates/kernels/src/ordered/dot.rs";
const ARRAY: &str = "crates/kernels/src/ordered/array.rs";
const FUNCTIONS: &str = "crates/kernels/src/ordered/functions.rs";
const FLOAT: &str = "crates/sim/src/values/float.rs";
const RESOLVE: &str = "crates/sim/src/resolve.rs";
const VECTOR_RULES: &str = "crates/isa/src/vector.rs";

pub(super) const MUTATIONS: &[Mutation] = &[
    m("N-FLOAT", VALUE, "if bits & EXPONENT == 0 { bits & SIGN } else { bits }", "bits", "subnormals stay"),
    m(
        "N-FLOAT",
        VALUE,
        "if bits & EXPONENT == 0 { bits & SIGN } else { bits }",
        "if bits & EXPONENT == 0 { 0 } else { bits }",
        "a subnormal loses its sign",
    ),
    m(
        "N-FLOAT",
        VALUE,
        "if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { flushed(value) }",
        "flushed(value)",
        "a NaN keeps its payload",
    ),
    m("N-FLOAT-PAIR", VALUE, "canonical(a - b)", "canonical(b - a)", "the second less the first"),
    m(
        "N-FLOAT-PAIR",
        VALUE,
        "let larger = if rank(a) < rank(b) { b } else { a };",
        "let larger = if a < b { b } else { a };",
        "zeros are not ordered in a maximum",
    ),
    m(
        "N-FLOAT-PAIR",
        OPERATION,
        "Comparison::LessEqual => pairs(a, b, out, |a, b| number(a <= b)),",
        "Comparison::LessEqual => pairs(a, b, out, |a, b| number(!(a > b))),",
        "a NaN is less or equal",
    ),
    m(
        "N-FLOAT-READ",
        STORED,
        "*out = multiply((i32::from(stored) - zero) as f32, scale);",
        "*out = multiply(i32::from(stored) as f32, scale);",
        "no zero point",
    ),
    m(
        "N-FLOAT-READ",
        STORED,
        "multiply(stored.wrapping_add(bias) as f32, canonical(scale))",
        "multiply((i64::from(stored) + i64::from(bias)) as f32, canonical(scale))",
        "the bias of an accumulator does not wrap",
    ),
    m(
        "N-FLOAT-READ",
        STORED,
        "bias.map_or(scaled, |bias| add(scaled, canonical(bias)))",
        "scaled",
        "a real accumulator has no bias",
    ),
    m(
        "N-FLOAT-WRITE",
        STORED,
        "((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16",
        "((bits + 0x8000) >> 16) as u16",
        "ties of bf16 away from zero",
    ),
    m(
        "N-FLOAT-WRITE",
        STORED,
        "if scaled.is_nan() { 0.0 } else { scaled }",
        "if scaled.is_nan() { 1e9 } else { scaled }",
        "a NaN is the largest byte",
    ),
    m(
        "N-FLOAT-WRITE",
        STORED,
        "(bounded + ROUNDER) - ROUNDER",
        "(bounded + 0.5).floor()",
        "ties of bytes towards plus infinity",
    ),
    m(
        "N-FLOAT-WRITE",
        FLOAT,
        "Quantiser { inverse_scale, zero: v.d_zero, low: v.low, high: v.high }",
        "Quantiser { inverse_scale, zero: v.d_zero, low: i8::MIN, high: i8::MAX }",
        "no clamp",
    ),
    m(
        "N-FLOAT-SCALE",
        OPERATION,
        "*out = add(multiply(a, scale), bias);",
        "*out = super::value::canonical(a.mul_add(scale, bias));",
        "product and sum are fused",
    ),
    m("N-FLOAT-ROW", ROWS, "const PARTIALS: usize = 16;", "const PARTIALS: usize = 8;", "eight partial sums"),
    m(
        "N-FLOAT-ROW",
        ROWS,
        "sums[k] = add(sums[2 * k], sums[2 * k + 1]);",
        "sums[k] = add(sums[k], sums[k + left]);",
        "the tree adds halves",
    ),
    m(
        "N-FLOAT-ROW",
        ROWS,
        "*partial = add(*partial, multiply(a, b));",
        "*partial = super::value::canonical(a.mul_add(b, *partial));",
        "products are fused with their sums",
    ),
    m(
        "N-FLOAT-WINDOW",
        FLOAT,
        "    if v.float.accumulate {\n",
        "    if false {\n",
        "a window sum begins at zero",
    ),
    m(
        "N-FLOAT-WINDOW",
        FLOAT,
        "let b_row = if v.rule.b_moves { v.b.row(i1, i2) } else { v.b.base };",
        "let b_row = v.b.base;",
        "b of a window never moves",
    ),
    m(
        "N-FLOAT-DOT",
        DOT,
        "let four = |at: usize| add(&two(at), &two(at + 2));",
        "let four = |at: usize| add(&add(&two(at), &product(x[at + 2], &w[at + 2])), &product(x[at + 3], &w[at + 3]));",
        "four products are added one after the other",
    ),
    m(
        "N-FLOAT-DOT",
        DOT,
        "let eight = |at: usize| add(&four(at), &four(at + 4));",
        "let eight = |at: usize| add(&add(&two(at), &two(at + 4)), &add(&two(at + 2), &two(at + 6)));",
        "the tree of eight adds quarters that are no neighbours",
    ),
    m("N-FLOAT-DOT", DOT, "flushed(x * w[column])", "x * w[column]", "subnormal products stay"),
    m(
        "N-FLOAT-DOT",
        ARRAY,
        "if accumulation == Accumulation::Accumulate {",
        "if false {",
        "a sum always starts at zero",
    ),
    m(
        "N-FLOAT-DOT",
        ARRAY,
        "*held = canonical(sum).to_bits() as i32",
        "*held = sum.to_bits() as i32",
        "a NaN is written in the form that it has",
    ),
    m(
        "N-FLOAT-DOT",
        ARRAY,
        "column[used..].fill(0.0)",
        "column[lanes..].fill(0.0)",
        "weights past the end of a stretch count",
    ),
    m(
        "N-FLOAT-DOT",
        ARRAY,
        "if !dot.accumulators_are_disjoint() && pixels * dot.blocks > 1 {",
        "if false {",
        "pixels do not take up what others left in their accumulators",
    ),
    m(
        "ISA",
        RESOLVE,
        "if !self.limits.matrix_types.get(code).is_some_and(|has| *has) {",
        "if false {",
        "float_dot takes any type",
    ),
    m(
        "ISA",
        RESOLVE,
        "if !stretch.is_multiple_of(bytes as u64) {",
        "if false {",
        "a stretch may end within an element",
    ),
    m(
        "N-FUNCTION",
        FUNCTIONS,
        "(i64::from(slope) * i64::from(t) + (1 << 19)) >> 20",
        "(i64::from(slope) * i64::from(t)) >> 20",
        "the quadratic is cut off",
    ),
    m("ISA", FLOAT, "if mask != 0.0 {", "if mask > 0.0 {", "a negative mask selects nothing"),
    m(
        "ISA",
        RESOLVE,
        "let clamps = rule.clamps() || rule.float && float.types.d == ElementType::I8;",
        "let clamps = rule.clamps() || rule.float;",
        "a clamp counts for every type",
    ),
    m(
        "ISA",
        RESOLVE,
        "if operands.scalar && operands.constant {",
        "if false {",
        "b may be scalar and constant",
    ),
    m(
        "T-VECTOR-WIDTH",
        RESOLVE,
        "limits.float_lanes.min(limits.lanes / widest)",
        "limits.float_lanes",
        "the width is the same for every type",
    ),
    m(
        "T-VECTOR-WIDTH",
        RESOLVE,
        "let b = v.units.b * usize::from(v.rule.b.is_some() && !v.rule.b_is_scalar);",
        "let b = v.units.b * usize::from(v.rule.b.is_some());",
        "one element a row counts",
    ),
    m(
        "T-VECTOR-ORDER",
        VECTOR_RULES,
        "self.reads_d || [self.a, self.b]",
        "[self.a, self.b]",
        "what stays of a destination does not count as read",
    ),
];
