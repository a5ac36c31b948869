//! `asm`, `disasm`, `compile`, `exec`: programs without a model.

use std::path::Path;

use serde_json::Value;

use crate::{ediacara, fail, json, number, root, succeed};
use ediacara::isa::Work;

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
        let [first, second] = [&first, &second].map(|path| std::fs::read(path).unwrap());
        assert!(first == second, "{}: the disassembly gives another file", source.display());
        // Assembly runs like the executable.
        let folder_program = folder.path().join("first.dlpx");
        let run = |program: &Path| {
            let mut arguments = vec!["exec", text(program), "--checked", "--json"];
            if source.ends_with("first_rows.dlpasm") {
                arguments.extend(["--set-binding", "rows=5"]);
            }
            let mut report = json(&arguments);
            report["wall_seconds"] = serde_json::Value::Null;
            report["program"] = serde_json::Value::Null;
            report
        };
        assert_eq!(run(&folder_program), run(&source), "{}", source.display());
    }
    assert!(count >= 5, "no examples found");
}

#[test]
fn bindings_are_set_on_the_command_line() {
    let program = "examples/first_rows.dlpasm";
    let cycles = |rows: &str| {
        let report = json(&["exec", program, "--set-binding", &format!("rows={rows}"), "--json"]);
        assert_eq!(report["bindings"]["rows"].to_string(), rows);
        number(&report["cycles"])
    };
    assert!(cycles("1") < cycles("2") && cycles("2") < cycles("16"));
    assert!(succeed(&["exec", program, "--set-binding", "rows=3"]).contains("dlp16 with rows=3: "));
    let says = |arguments: &[&str], expect: &str| {
        let errors = fail(&[&["exec", program], arguments].concat());
        assert!(errors.contains(expect), "{errors}");
    };
    says(&[], "binding `rows` is not set; give it a number of 1 to 16");
    says(&["--set-binding", "rows=17"], "binding `rows` cannot be 17; give it a number of 1 to 16");
    says(&["--set-binding", "row=1"], "did you mean `rows`?");
    says(&["--set-binding", "rows=-1"], "the number of rows is whole and at least 0");
    let errors = fail(&["exec", "examples/hello.dlpasm", "--set-binding", "rows=1"]);
    assert!(errors.contains("no binding called `rows`; it declares none"), "{errors}");

    let proof = json(&["prove", program, "--json"]);
    assert_eq!((&proof["proven"], &proof["bindings"]["all"]), (&true.into(), &true.into()));
    assert_eq!(number(&proof["bindings"]["combinations"]), 16);
    assert!(succeed(&["prove", program]).contains("bindings (rows 1 to 16): proven at all 16"));
    let one = json(&["prove", program, "--set-binding", "rows=4", "--json"]);
    assert_eq!((&one["bindings"]["all"], number(&one["bindings"]["combinations"])), (&false.into(), 1));
    let errors = fail(&["prove", "lenet5", "--set-binding", "rows=4"]);
    assert!(errors.contains("no binding called `rows`; it declares none"), "{errors}");
}

#[test]
fn a_compiled_network_runs_without_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("network.dlpx");
    succeed(&["compile", "lenet5", "-o", text(&program)]);
    let run = json(&["run", "lenet5", "--json"]);
    let exec = json(&["exec", text(&program), "--json"]);
    for field in ["cycles", "dlp_cycles", "host_cycles", "transfer_cycles"] {
        assert_eq!(exec[field], run[field], "{field}");
    }
    assert_eq!(exec["instructions"], run["instructions"]);
    assert_eq!(exec["engines"], run["engines"]);
    assert!(number(&exec["cycles"]) > 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left beside");
}

#[test]
fn an_executable_tests_itself() {
    let folder = tempfile::tempdir().unwrap();
    let [program, changed] =
        ["network", "changed"].map(|name| folder.path().join(name).with_extension("dlpx"));
    succeed(&["compile", "lenet5", "-o", text(&program)]);
    assert!(succeed(&["exec", text(&program), "--self-test"]).contains("self-test passed"));
    let report = json(&["exec", text(&program), "--self-test", "--json"]);
    assert_eq!(
        (&report["self_test"], &report["expected_checksum"]),
        (&true.into(), &report["found_checksum"])
    );
    // The last constants belong to the last layer; its outputs then differ.
    let mut plan = ediacara::isa::Plan::load(&program).unwrap();
    let Work::Dlp(programs) = &mut plan.segments[0].work else { panic!("{plan:?}") };
    let constants = std::sync::Arc::make_mut(&mut programs[0].executable).data.last_mut().unwrap();
    constants.bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
    plan.save(&changed).unwrap();
    let output = ediacara(&["exec", text(&changed), "--self-test"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("self-test FAILED"));
    let assembled = folder.path().join("assembled.dlpx");
    succeed(&["asm", "examples/matmul.dlpasm", "-o", text(&assembled)]);
    assert!(fail(&["exec", text(&assembled), "--self-test"]).contains("has no self-test"));
}

#[test]
fn choices_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("network.dlpx");
    let report = json(&["compile", "lenet5", "-o", text(&program), "--explain", "--json"]);
    let layers = report["explain"].as_array().unwrap();
    assert_eq!(layers.len() as u64, number(&report["layers"]));
    let exec = json(&["exec", text(&program), "--timing-only", "--json"]);
    let cycles: u64 = layers.iter().map(|layer| number(&layer["cycles"])).sum();
    assert_eq!(cycles, number(&exec["dlp_cycles"]), "layers' cycles sum to the total");
    let name = layers[0]["name"].as_str().unwrap();
    let one = succeed(&["compile", "lenet5", "-o", text(&program), "--explain", name]);
    assert!(one.contains("best of") && one.contains("runner-up"), "{one}");
    assert!(one.contains("would help"), "{one}");
    // Its result stays in NRAM, and both estimates are given.
    let activation = &layers[0]["activations"][0];
    let estimate = |name: &str| activation[name].as_f64().unwrap();
    assert_eq!(activation["kept"], true);
    assert!(estimate("estimated_cycles_kept") < estimate("estimated_cycles_in_dram"));
    assert!(one.contains("kept in NRAM") && one.contains("through DRAM"), "{one}");
    let none = fail(&["compile", "lenet5", "-o", text(&program), "--explain", "no such layer"]);
    assert!(none.contains(name) && none.contains("no such layer"), "{none}");
}

#[test]
fn fusion_can_be_left_out() {
    let run = |more: &[&str]| {
        let mut arguments = vec!["run", "mobilenet_v2", "--timing-only", "--json"];
        arguments.extend(more);
        json(&arguments)
    };
    let (fused, apart) = (run(&[]), run(&["--disable", "fuse-block"]));
    let layers = |report: &Value| report["layers"].as_array().unwrap().len();
    assert!(layers(&fused) < layers(&apart) && number(&fused["cycles"]) < number(&apart["cycles"]));
    assert_eq!((&fused["macs"], &fused["floor_cycles"]), (&apart["macs"], &apart["floor_cycles"]));
    assert!(number(&fused["floor_cycles"]) <= number(&fused["dlp_cycles"]));
    // The yardstick covers nodes before fusion; only the order of its sum differs.
    let roofline = |report: &Value| report["layer_roofline_cycles"].as_f64().unwrap();
    assert!((roofline(&fused) - roofline(&apart)).abs() <= 1.0);
}

#[test]
fn passes_can_be_listed_and_printed() {
    assert!(succeed(&["compile", "--print-after", "list"]).contains("synchronise"));
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("network.dlpx");
    let listing = succeed(&["compile", "mlp:33-512-10", "-o", text(&program), "--print-after", "lower"]);
    assert!(listing.contains("matrix"), "{listing}");
}

#[test]
fn a_program_is_no_network_and_says_which_command_takes_it() {
    for command in ["run", "compile", "summary"] {
        let errors = fail(&[command, "examples/hello.dlpasm"]);
        assert!(errors.contains("`ediacara exec examples/hello.dlpasm` runs it"), "{command}: {errors}");
    }
}

/// A network's program in assembly, cut where its tiles begin and named as its nodes are, is the same
/// program.
#[test]
fn the_disassembly_of_a_network_names_tiles_layers_and_values_and_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let [program, assembly, again] =
        ["network.dlpx", "network.dlpasm", "again.dlpx"].map(|name| folder.path().join(name));
    succeed(&["compile", "lenet5", "-o", text(&program)]);
    succeed(&["disasm", text(&program), "-o", text(&assembly)]);
    let listing = std::fs::read_to_string(&assembly).unwrap();
    for part in [".label \"tile 0\"", " // \"fc1\"", "source is \"weights of layer `fc1`\"", " // 0"] {
        assert!(listing.contains(part), "{part} is missing");
    }
    succeed(&["asm", text(&assembly), "-o", text(&again)]);
    assert!(std::fs::read(&program).unwrap() == std::fs::read(&again).unwrap());
}
