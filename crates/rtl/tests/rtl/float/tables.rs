//! The coefficients of the function unit as SystemVerilog, from those of `crates/kernels`.

use std::fmt::Write as _;
use std::path::Path;

use ediacara_kernels::ordered::tables::{EXP2, LOG2, RECIPROCAL, RECIPROCAL_ROOT, Row};
use ediacara_rtl::FILES;

const HEAD: &str = "\
// The coefficients of the function unit: generated from crates/kernels/src/ordered/tables.rs, not to be edited.
package ediacara_function_pkg;

  // A segment's quadratic (N-FUNCTION).
  typedef struct packed {
    logic [27:0] c0;
    logic signed [21:0] c1;
    logic [10:0] c2;
  } row_t;
";

fn package() -> String {
    let mut text = HEAD.to_owned();
    function(&mut text, "exp2_row", &EXP2);
    function(&mut text, "log2_row", &LOG2);
    function(&mut text, "reciprocal_row", &RECIPROCAL);
    function(&mut text, "reciprocal_root_row", &RECIPROCAL_ROOT);
    text.push_str("\nendpackage\n");
    text
}

fn function(text: &mut String, name: &str, rows: &[Row]) {
    let bits = rows.len().ilog2();
    writeln!(text, "\n  function automatic row_t {name}(input logic [{}:0] index);", bits - 1).unwrap();
    text.push_str("    case (index)\n");
    for (index, &[c0, c1, c2]) in rows.iter().enumerate() {
        assert!(c0 >> 27 == 1 && c1.abs() < 1 << 21 && (0..1 << 11).contains(&c2), "{name} {index}");
        let label = if index + 1 < rows.len() { format!("{bits}'d{index}") } else { "default".to_owned() };
        let row = (c0 as u64) << 33 | u64::from(c1 as u32 & 0x3f_ffff) << 11 | c2 as u64;
        writeln!(text, "      {label}: {name} = 61'h{row:016x};").unwrap();
    }
    text.push_str("    endcase\n  endfunction\n");
}

#[test]
fn the_committed_coefficients_are_those_of_the_kernels() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rtl/ediacara_function_pkg.sv");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, package()).unwrap();
        return;
    }
    let committed = FILES.iter().find(|(name, _)| *name == "ediacara_function_pkg.sv").unwrap().1;
    assert!(committed == package(), "run `UPDATE_EXPECT=1 cargo test -p ediacara-rtl --test rtl tables`");
}
