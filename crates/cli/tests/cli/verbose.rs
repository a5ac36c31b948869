//! The decisions that `-v` and `EDIACARA_LOG` print.

use std::process::Command;

use crate::{ediacara, root};

fn messages(arguments: &[&str]) -> String {
    let output = ediacara(arguments);
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_compilation_tells_its_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("net.dlpx");
    let compile = ["compile", "mlp:8-8-4", "-o", target.to_str().unwrap()];
    assert_eq!(messages(&compile), "");
    let told = messages(&[&compile[..], &["-v"]].concat());
    for words in ["(quantize_linear) runs on the host: ", "nodes on the DLP: 2, on the host: 2"] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("place: "), "{told}");
    let more = messages(&[&compile[..], &["-vv"]].concat());
    for words in ["(q_matmul) runs on the DLP", "lies in DRAM at 0x"] {
        assert!(more.contains(words), "{more}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ediacara"))
        .args(compile)
        .arg("-vv")
        .env("EDIACARA_LOG", "ediacara_compiler=info")
        .current_dir(root())
        .output()
        .unwrap();
    let chosen = String::from_utf8(output.stderr).unwrap();
    assert!(chosen.contains("partition: ") && !chosen.contains("place: "), "{chosen}");
}

#[test]
fn a_session_tells_what_it_prunes() {
    let told = messages(&["train", "perceptron-and", "-v"]);
    assert!(told.contains("session: fetches (1) and updates (2) need "), "{told}");
}
