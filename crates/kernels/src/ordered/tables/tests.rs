//! The tables are made again from the rule of N-FUNCTION. `UPDATE_EXPECT=1` writes them.

use super::{EXP2, LOG2, RECIPROCAL, RECIPROCAL_ROOT, Row};
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ordered/tables.rs");
const START: &str = "// Generated from here on: tables/tests.rs.\n";

/// Rows of one line of the file.
const COLUMNS: usize = 3;

/// Distance from a tie that an f64 decides with certainty: its error is below `2^-20` of a unit.
const DECIDED: f64 = 1e-5;

/// Rounds to the nearest integer, and refuses a value near a tie.
fn nearest(value: f64) -> f64 {
    let distance = (value - value.floor() - 0.5).abs();
    assert!(distance > DECIDED, "{value} lies too near a tie for f64");
    value.round()
}

/// The row of the segment from `start` on, `width` wide, of `f` in units of `2^-unit`.
fn row(f: impl Fn(f64) -> f64, start: f64, width: f64, unit: i32) -> Row {
    let node = |offset: f64| f(start + width * (0.5 + offset)) * 2f64.powi(unit);
    let offset = 3f64.sqrt() / 4.0;
    let [low, middle, high] = [node(-offset), node(0.0), node(offset)];
    let square = (high - 2.0 * middle + low) * 8.0 / 3.0;
    let slope = (high - low) * 2.0 / 3f64.sqrt();
    let [p0, p1, p2] = [middle - slope / 2.0 + square / 4.0, slope - square, square];
    let c2 = nearest(p2 / 4.0);
    let d2 = p2 - 4.0 * c2;
    let c1 = nearest(p1 + d2);
    let d1 = p1 + d2 - c1;
    let c0 = nearest(p0 + d1 / 2.0 - d2 / 8.0).min(2f64.powi(28) - 1.0);
    [c0 as i32, c1 as i32, c2 as i32]
}

/// `log2(m) / (m - 1)`.
fn quotient(m: f64) -> f64 {
    (m - 1.0).ln_1p() / (m - 1.0) / 2f64.ln()
}

fn exp2_row(index: usize) -> Row {
    row(f64::exp2, index as f64 / 128.0, 1.0 / 128.0, 27)
}

fn log2_row(index: usize) -> Row {
    let octave = if index < 64 { 1.0 } else { 0.5 };
    row(quotient, octave * (1.0 + index as f64 / 128.0), octave / 128.0, 27)
}

fn reciprocal_row(index: usize) -> Row {
    row(f64::recip, 1.0 + index as f64 / 256.0, 1.0 / 256.0, 28)
}

fn reciprocal_root_row(index: usize) -> Row {
    let octave = if index < 128 { 1.0 } else { 2.0 };
    row(|m| m.sqrt().recip(), octave * (1.0 + (index % 128) as f64 / 128.0), octave / 128.0, 28)
}

/// A table in Rust.
fn text(name: &str, doc: &str, rows: &[Row]) -> String {
    let mut text = format!("\n/// {doc}\n#[rustfmt::skip]\npub static {name}: [Row; {}] = [\n", rows.len());
    for line in rows.chunks(COLUMNS) {
        let cells: Vec<_> = line.iter().map(|row| format!("{row:?},")).collect();
        let _ = writeln!(text, "    {}", cells.join(" "));
    }
    text + "];\n"
}

#[test]
fn tables_follow_their_rule() {
    let rows = |count, row: fn(usize) -> Row| (0..count).map(row).collect::<Vec<_>>();
    let generated = [
        text("EXP2", "`2^x` on `[0, 1)`, in units of `2^-27`.", &rows(128, exp2_row)),
        text(
            "LOG2",
            "`log2(m) / (m - 1)` on `[1, 1.5)` and `[0.75, 1)`, in units of `2^-27`.",
            &rows(128, log2_row),
        ),
        text("RECIPROCAL", "`1 / m` on `[1, 2)`, in units of `2^-28`.", &rows(256, reciprocal_row)),
        text(
            "RECIPROCAL_ROOT",
            "`1 / sqrt(m)` on `[1, 2)` and `[2, 4)`, in units of `2^-28`.",
            &rows(256, reciprocal_root_row),
        ),
    ];
    let generated = generated.concat();
    let committed = std::fs::read_to_string(FILE).unwrap();
    let (head, tables) = committed.split_once(START).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(FILE, format!("{head}{START}{generated}")).unwrap();
    } else {
        assert!(tables == generated, "{FILE} differs: UPDATE_EXPECT=1 writes it");
    }
}

/// The ROMs of the RTL have these widths.
#[test]
fn coefficients_keep_their_widths() {
    let tables: [(&[Row], bool); 4] =
        [(&EXP2, true), (&LOG2, false), (&RECIPROCAL, false), (&RECIPROCAL_ROOT, false)];
    for (rows, rises) in tables {
        for &[c0, c1, c2] in rows {
            assert!((1 << 27..1 << 28).contains(&c0), "{c0}");
            assert!(c1.abs() < 1 << 21 && (c1 > 0) == rises, "{c1}");
            assert!((1..1 << 11).contains(&c2), "{c2}");
        }
    }
}
