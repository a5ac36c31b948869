//! `.include`: files, their names in errors, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::{fs, path::Path};

use ediacara_isa::{assemble_file, included_files};
use expect_test::{Expect, expect};

/// Writes the files into a fresh directory and assembles the first.
///
/// It gives the code's length, lines and data, or the errors without the directory.
fn check(files: &[(&str, &str)], expected: Expect) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let found = match assemble_file(&directory.path().join(files[0].0)) {
        Ok(executable) => {
            let lines: Vec<u32> = executable.source_map.iter().map(|location| location.line).collect();
            format!("lines {lines:?}, data {:?}", executable.data)
        }
        Err(errors) => errors
            .to_string()
            .replace(&format!("{}{}", directory.path().display(), std::path::MAIN_SEPARATOR), ""),
    };
    expected.assert_eq(&found);
}

#[test]
fn lines_of_another_file() {
    check(
        &[
            ("main.dlpasm", "nop\n.include \"parts/data.dlpasm\"\n.code\nset rd=r1, value=there\nhalt"),
            ("parts/data.dlpasm", "nop\n.data 0x100\nthere: .byte 7\n.include \"more.dlpasm\""),
            ("parts/more.dlpasm", ".byte 8"),
        ],
        expect!["lines [1, 2, 4, 5], data [Data { address: 256, bytes: [7, 8] }]"],
    );
}

#[test]
fn errors_name_the_included_file() {
    check(
        &[("main.dlpasm", ".include \"data.dlpasm\"\nnoop"), ("data.dlpasm", "\n.bite 3")],
        expect![[r#"
        data.dlpasm:2:1: there is no directive `.bite`
         2 | .bite 3
           | ^^^^^
           = did you mean `.byte`?
        main.dlpasm:2:1: there is no instruction `noop`
         2 | noop
           | ^^^^
           = did you mean `nop`?"#]],
    );
}

#[test]
fn what_cannot_be_included() {
    check(
        &[("main.dlpasm", "nop\n.include \"missing/data.dlpasm\"")],
        expect![[r#"
        main.dlpasm:2:10: cannot read missing/data.dlpasm: No such file or directory (os error 2)
         2 | .include "missing/data.dlpasm"
           |          ^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        &[("a.dlpasm", ".include \"b.dlpasm\""), ("b.dlpasm", ".include \"b.dlpasm\"")],
        expect![[r#"
        b.dlpasm:1:10: b.dlpasm includes itself
         1 | .include "b.dlpasm"
           |          ^^^^^^^^^^"#]],
    );
    check(
        &[("a.dlpasm", ".include \"b.dlpasm\""), ("b.dlpasm", ".include \"a.dlpasm\"")],
        expect![[r#"
            b.dlpasm:1:10: a.dlpasm includes itself
             1 | .include "a.dlpasm"
               |          ^^^^^^^^^^"#]],
    );
}

#[test]
fn a_file_that_is_not_there() {
    let error = assemble_file(Path::new("no/such.dlpasm")).unwrap_err().to_string();
    assert!(error.starts_with("no/such.dlpasm: cannot read the file: "), "{error}");
}

#[test]
fn included_files_are_told_without_assembling() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("parts")).unwrap();
    fs::write(at("main.dlpasm"), "noop\n .include \"parts/data.dlpasm\"\n.include \"none.dlpasm\"").unwrap();
    fs::write(at("parts/data.dlpasm"), ".include \"more.dlpasm\" // twice\n.include \"more.dlpasm\"")
        .unwrap();
    fs::write(at("parts/more.dlpasm"), ".byte 8").unwrap();
    let found = included_files(&at("main.dlpasm"));
    assert_eq!(found, ["parts/data.dlpasm", "parts/more.dlpasm", "parts/more.dlpasm"].map(at));
    assert_eq!(included_files(&at("none.dlpasm")), Vec::<std::path::PathBuf>::new());
}
