//! Files made from the table are up to date. `UPDATE_EXPECT=1` rewrites them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::path::Path;

use ediacara_isa::{assemble, documentation, system_verilog_package};
use expect_test::expect_file;

#[test]
fn the_tables_of_the_instruction_set_page() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/isa.md");
    let page = std::fs::read_to_string(&path).unwrap();
    for piece in ["config", "control", "load", "matrix", "vector", "store"] {
        assert!(page.contains(&format!("<!-- generated: {piece} -->\n")), "the markers of {piece} are gone");
    }
    expect_file![path].assert_eq(&documentation(&page));
}

#[test]
fn the_system_verilog_package() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated/ediacara_isa_pkg.sv");
    expect_file![path].assert_eq(&system_verilog_package());
}

#[test]
fn the_program_on_the_instruction_set_page_assembles() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/isa.md");
    let page = std::fs::read_to_string(path).unwrap();
    let section = page.split("\n## Assembly\n").nth(1).expect("the section on assembly");
    let program: String = section
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    let executable = assemble(&program, "isa.md").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(executable.code.len(), 5);
}
