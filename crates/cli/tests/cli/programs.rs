//! `asm`, `disasm`, `compile`, `exec`: programs without a model.

use std::path::Path;

use crate::{json, number, root, succeed};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn examples_assemble_run_and_survive_disassembly() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let source = entry.unwrap().path();
        let included = text(&source).ends_with("_weights.dlpasm");
        if included || source.extension().is_none_or(|extension| extension != "dlpasm") {
            continue;
        }
        count += 1;
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name).with_extension("dlpx"));
        let again = folder.path().join("again.dlpasm");
        succeed(&["asm", text(&source), "-o", text(&first)]);
        succeed(&["disasm", text(&first), "-o", text(&again)]);
        succeed(&["asm", text(&again), "-o", text(&second)]);
        // The second knows other source lines; what runs is the same.
        let run = |program: &Path| {
            let mut report = json(&["exec", text(program), "--checked", "--json"]);
            report["wall_seconds"] = serde_json::Value::Null;
            report["program"] = serde_json::Value::Null;
            report
        };
        assert_eq!(run(&first), run(&second), "{}", source.display());
    }
    assert!(count >= 5, "no examples found");
}

#[test]
fn a_compiled_network_runs_without_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("network.dlpx");
    succeed(&["compile", "lenet5", "-o", text(&program)]);
    let run = json(&["run", "lenet5", "--json"]);
    let exec = json(&["exec", text(&program), "--json"]);
    assert_eq!(exec["cycles"], run["cycles"]);
    assert_eq!(exec["instructions"], run["instructions"]);
    assert_eq!(exec["engines"], run["engines"]);
    assert!(number(&exec["cycles"]) > 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left beside");
}

#[test]
fn passes_can_be_listed_and_printed() {
    assert!(succeed(&["compile", "--print-after", "list"]).contains("synchronise"));
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("network.dlpx");
    let listing = succeed(&["compile", "mlp:33-512-10", "-o", text(&program), "--print-after", "lower"]);
    assert!(listing.contains("matrix"), "{listing}");
}
