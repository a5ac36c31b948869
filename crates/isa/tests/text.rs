//! Text-in, text-out cases, one in each file of tests/asm.
//!
//! The first line is `// run: COMMAND`, then comes the program, then a line `// expected:` and the output.
//! Commands are `disassemble` (assemble, print the disassembly), `words` (print the words of the code) and
//! `errors` (print the assembler's errors). `UPDATE_EXPECT=1` rewrites the output.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where its premise fails")]

use std::{fs, path::Path};

use ediacara_isa::{assemble, disassemble};

const SEPARATOR: &str = "// expected:\n";

fn run(command: &str, input: &str, name: &str) -> String {
    let result = assemble(input, name);
    match (command, result) {
        ("errors", Err(errors)) => format!("{errors}\n"),
        ("errors", Ok(_)) => "no errors\n".to_owned(),
        (_, Err(errors)) => format!("unexpected errors\n{errors}\n"),
        ("disassemble", Ok(executable)) => disassemble(&executable),
        ("words", Ok(executable)) => {
            let hex = |word: &[u8; 32]| word.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            executable.code.iter().map(|word| hex(word) + "\n").collect()
        }
        _ => format!("there is no command {command}\n"),
    }
}

#[test]
fn cases() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asm");
    let mut paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10);
    let mut failures = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (input, expected) = text.split_once(SEPARATOR).unwrap_or((&text, ""));
        let command = input.lines().next().and_then(|line| line.strip_prefix("// run: ")).expect("a command");
        let found = run(command, input, &name);
        if found == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, format!("{input}{SEPARATOR}{found}")).unwrap();
        } else {
            failures.push(format!("{name}: expected\n{expected}\nfound\n{found}"));
        }
    }
    assert!(failures.is_empty(), "{}\n(UPDATE_EXPECT=1 rewrites)", failures.join("\n"));
}
