//! Files that a robust tool refuses or survives, and places where nothing may be written.

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[path = "../../../onnx/tests/common/writer.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests of the importer use the rest")]
mod writer;

use crate::{ediacara, fail, json, root, succeed};
use writer::{bytes, input, int, model, node, output, tensor};

/// The memory that a command may reserve, in KiB.
///
/// It is enough for every network here, and too little for what these files ask for.
const MEMORY_KIB: u32 = 6_000_000;

/// The folder of hostile files.
///
/// If it is not at hand, there is none, and the test counts as skipped.
fn hostile(test: &str) -> Option<PathBuf> {
    let data = std::env::var_os("EDIACARA_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let folder = data.join("models2/hostile");
    if folder.is_dir() {
        return Some(folder);
    }
    ediacara::data::skip(test, "models2/hostile");
    None
}

/// A command with little memory, so that a request for much fails instead of burdening the machine.
fn with_little_memory(arguments: &[&str]) -> Output {
    let script = format!("ulimit -v {MEMORY_KIB} && exec \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_ediacara")]).args(arguments);
    command.current_dir(root()).output().unwrap()
}

/// The message of a command that must fail; it holds all of `parts`.
fn refused(arguments: &[&str], parts: &[&str]) {
    let output = with_little_memory(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "{arguments:?}: no {part:?} in\n{message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn sizes_that_a_file_asks_for_are_refused_before_memory_is_reserved() {
    let Some(folder) = hostile("sizes_that_a_file_asks_for_are_refused_before_memory_is_reserved") else {
        return;
    };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    refused(&["run", "--input", &path("20000.png")], &["20000.png", "20000 x 20000 pixels", "limit"]);
    refused(&["exec", &path("big.dlpx")], &["big.dlpx", "elements"]);
    for command in ["summary", "run", "compile"] {
        refused(&[command, &path("tile_const.onnx")], &["tile_const.onnx", "8589934592 bytes"]);
        refused(&[command, &path("cos_1e9.onnx")], &["cos_1e9.onnx", "4000000000 bytes"]);
        refused(&[command, &path("in_big100M.onnx")], &["in_big100M.onnx", "400000000 bytes"]);
    }
}

#[test]
fn what_cannot_be_computed_is_refused_at_import() {
    let Some(folder) = hostile("what_cannot_be_computed_is_refused_at_import") else { return };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    refused(&["summary", &path("intdiv0.onnx")], &["intdiv0.onnx", "divides"]);
    refused(&["summary", &path("gather_oob.onnx")], &["gather_oob.onnx", "index 9223372036854775807"]);
}

#[test]
fn names_do_not_command_the_terminal() {
    let Some(folder) = hostile("names_do_not_command_the_terminal") else { return };
    let path = folder.join("esc.onnx").to_str().unwrap().to_owned();
    for arguments in [vec!["summary", &path], vec!["run", &path], vec!["summary", "--json", &path]] {
        let output = ediacara(&arguments);
        let all = [output.stdout, output.stderr].concat();
        let commands = |byte: &&u8| **byte < 0x20 && **byte != b'\n' && **byte != b'\t';
        assert_eq!(
            all.iter().find(commands),
            None,
            "{arguments:?}: {}",
            String::from_utf8_lossy(&all).escape_debug()
        );
    }
    assert!(succeed(&["summary", &path]).contains("n\\u001b]0;pwn\\u0007"));
}

#[test]
fn truncated_photos_are_refused_as_inputs_and_samples() {
    let Some(folder) = hostile("truncated_photos_are_refused_as_inputs_and_samples") else { return };
    let path = folder.join("tench_10percent.jpg").to_str().unwrap().to_owned();
    for option in ["--input", "--calibrate"] {
        refused(&["run", option, &path], &["tench_10percent.jpg", "truncated"]);
    }
}

#[test]
fn doubtful_numbers_are_told_and_refused_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.npy");
    let mut numbers = vec![0.5_f32; 33];
    numbers[7] = f32::NAN;
    numbers[8] = f32::INFINITY;
    numbers[9] = 1e9;
    let x = ediacara::tensor::Tensor::from_vec(&[1, 33], numbers).unwrap();
    ediacara::tensor::npy::write(&path, &x).unwrap();
    let arguments = ["run", "mlp:33-512-10", "--input", path.to_str().unwrap()];
    let report = json(&[&arguments[..], &["--json"]].concat());
    let warning = report["input_warnings"][0].as_str().unwrap();
    for part in ["1 of its 33 elements are no numbers (NaN)", "are infinite", "far outside"] {
        assert!(warning.contains(part), "{warning}");
    }
    assert_eq!(report["check"]["bit_exact"], true);
    refused(&[&arguments[..], &["--strict"]].concat(), &["NaN", "--strict"]);
}

#[test]
fn code_that_is_read_as_data_is_no_fault() {
    let Some(folder) = hostile("code_that_is_read_as_data_is_no_fault") else { return };
    let path = folder.join("u11_code_as_data.dlpasm").to_str().unwrap().to_owned();
    assert!(succeed(&["prove", &path]).contains("proven"));
    let target = tempfile::tempdir().unwrap();
    let executable = target.path().join("x.dlpx").to_str().unwrap().to_owned();
    succeed(&["asm", &path, "-o", &executable]);
    succeed(&["exec", "--checked", &executable]);
}

#[test]
fn nothing_is_written_over_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let source = "    halt\n";
    std::fs::write(at("x.dlpasm"), source).unwrap();
    std::fs::hard_link(at("x.dlpasm"), at("hard")).unwrap();
    symlink("x.dlpasm", at("soft")).unwrap();
    for other in ["x.dlpasm", "hard", "soft"] {
        refused(&["asm", &at("x.dlpasm"), "-o", &at(other)], &["--output", "that is read"]);
        assert_eq!(std::fs::read_to_string(at("x.dlpasm")).unwrap(), source);
    }
    succeed(&["asm", &at("x.dlpasm"), "-o", &at("x.dlpx")]);
    refused(&["disasm", &at("x.dlpx"), "-o", &at("x.dlpx")], &["that is read"]);
    let model = root().join("models/efficientnet_lite0/model.onnx");
    std::fs::copy(model, at("m.onnx")).unwrap();
    std::fs::create_dir(at("photos")).unwrap();
    symlink(at("m.onnx"), at("photos/m.npy")).unwrap();
    refused(&["compile", &at("m.onnx"), "-o", &at("m.onnx")], &["that is read"]);
    refused(&["run", &at("m.onnx"), "--save-outputs", &at("m.onnx")], &["--save-outputs", "that is read"]);
    let calibrate = ["run", "lenet5", "--calibrate", &at("photos"), "--save-outputs", &at("m.onnx")];
    refused(&calibrate, &["that is read"]);
    refused(&["estimate", &at("x.dlpasm"), "--svg", &at("hard")], &["--svg", "that is read"]);
    std::fs::write(at("r.toml"), "").unwrap();
    refused(&["train", &at("r.toml"), "--plot", &at("r.toml")], &["--plot", "that is read"]);
    let both = ["machines", "--catalogue", "--svg", &at("p.svg"), "--efficiency-svg", &at("p.svg")];
    refused(&both, &["--svg and --efficiency-svg are both"]);
}

#[test]
fn nothing_is_written_over_what_assembly_includes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("parts")).unwrap();
    std::fs::write(at("x.dlpasm"), "    halt\n.include \"parts/y.dlpasm\"\n").unwrap();
    std::fs::write(at("parts/y.dlpasm"), ".include \"z.dlpasm\"\n").unwrap();
    std::fs::write(at("parts/z.dlpasm"), "    halt\n").unwrap();
    std::fs::hard_link(at("parts/z.dlpasm"), at("hard")).unwrap();
    symlink("parts/z.dlpasm", at("soft")).unwrap();
    for other in ["parts/y.dlpasm", "parts/z.dlpasm", "hard", "soft"] {
        let parts = ["--output", other, "x.dlpasm reads; write to another one"];
        refused(&["asm", &at("x.dlpasm"), "-o", &at(other)], &parts);
    }
    let said = ["--wave", "parts/z.dlpasm", "x.dlpasm reads"];
    refused(&["verify", &at("x.dlpasm"), "--wave", &at("parts/z.dlpasm")], &said);
    assert_eq!(std::fs::read_to_string(at("parts/z.dlpasm")).unwrap(), "    halt\n");
    succeed(&["asm", &at("x.dlpasm"), "-o", &at("x.dlpx")]);
    succeed(&["asm", &at("x.dlpasm"), "-o", &at("x.dlpx")]);
}

#[test]
fn nothing_is_written_over_what_a_model_keeps_beside_itself() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let numbers: Vec<u8> = [0.5_f32, -0.5, 1.0, 2.0].into_iter().flat_map(f32::to_le_bytes).collect();
    std::fs::write(at("w.bin"), &numbers).unwrap();
    symlink("w.bin", at("soft")).unwrap();
    let location = bytes(13, [bytes(1, "location"), bytes(2, "w.bin")].concat());
    let stored = [tensor("w", 1, &[2, 2], &[]), location, int(14, 1)].concat();
    let product = node("MatMul", &["x", "w"], &["y"], &[]);
    let graph = [product, bytes(5, stored), input("x", &[1, 2]), output("y")];
    std::fs::write(at("m.onnx"), model(17, &graph)).unwrap();
    for other in ["w.bin", "soft"] {
        let said = [other, "w.bin that", "m.onnx reads; write to another one"];
        refused(&["run", &at("m.onnx"), "--save-outputs", &at(other)], &said);
        refused(&["compile", &at("m.onnx"), "-o", &at(other)], &said);
        assert_eq!(std::fs::read(at("w.bin")).unwrap(), numbers);
    }
    succeed(&["run", &at("m.onnx"), "--save-outputs", &at("y.npz")]);
}

#[test]
fn a_read_only_file_stays_and_a_mode_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("x.dlpasm"), "    halt\n").unwrap();
    std::fs::write(at("x.dlpx"), "mine").unwrap();
    let mode = |mode| std::fs::set_permissions(at("x.dlpx"), PermissionsExt::from_mode(mode)).unwrap();
    mode(0o400);
    refused(&["asm", &at("x.dlpasm")], &["x.dlpx", "read-only"]);
    assert_eq!(std::fs::read(at("x.dlpx")).unwrap(), b"mine");
    mode(0o600);
    succeed(&["asm", &at("x.dlpasm")]);
    assert_eq!(std::fs::metadata(at("x.dlpx")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn pipes_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.npy");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    let pipe = pipe.to_str().unwrap();
    for arguments in [
        vec!["run", pipe],
        vec!["run", "lenet5", "--input", pipe],
        vec!["run", "lenet5", "--calibrate", pipe],
        vec!["run", "lenet5", "--machine", pipe],
        vec!["exec", pipe],
        vec!["asm", pipe, "-o", "target/none.dlpx"],
        vec!["estimate", pipe],
        vec!["train", pipe],
    ] {
        refused(&arguments, &["pipe.npy", "no regular file"]);
    }
}

#[test]
fn an_error_is_bounded() {
    let name = format!("{}.onnx", "x".repeat(4000));
    let message = fail(&["run", &name]);
    assert!(message.chars().count() < 1500, "{} characters", message.chars().count());
    assert!(message.lines().count() <= 20);
}

#[test]
fn help_that_cannot_be_written_fails() {
    for arguments in [vec!["--help"], vec!["run", "--help"], vec!["machines"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ediacara"));
        let status = command.args(&arguments).stdout(full).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn every_signal_that_ends_a_command_leaves_no_half_written_file() {
    let knows = Command::new("env").args(["--default-signal=INT", "true"]).status();
    if !knows.is_ok_and(|status| status.success()) {
        return ediacara::data::skip(
            "every_signal_that_ends_a_command_leaves_no_half_written_file",
            "env of GNU",
        );
    }
    for signal in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let plot = folder.path().join("x.svg");
        let arguments = ["train", "lenet5", "--data", "digits", "--epochs", "100000", "--plot"];
        // The runner of the tests may ignore signals, as a shell does for its background jobs; they would
        // then stay ignored.
        let mut child = Command::new("env");
        child
            .args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_ediacara")])
            .args(arguments)
            .arg(&plot);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let start = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(30) => panic!("{signal}: still there"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert!(!status.success());
        assert!(status.code().is_some(), "{signal} ended it without its cleaning up");
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| Path::new(name).extension().is_some_and(|e| e == "svg")), "{left:?}");
    }
}

#[test]
fn archives_give_the_inputs_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let x = ediacara::tensor::Tensor::from_vec(&[1, 33], vec![0.5_f32; 33]).unwrap();
    ediacara::tensor::npz::write(Path::new(&at("one.npz")), &[("anything".to_owned(), x.clone())]).unwrap();
    ediacara::tensor::npy::write(Path::new(&at("one.npy")), &x).unwrap();
    let outputs = |input: &str| {
        let saved = at("out.npz");
        succeed(&["run", "mlp:33-512-10", "--input", input, "--save-outputs", &saved]);
        ediacara::tensor::npz::read(Path::new(&saved)).unwrap()[0].1.to_vec::<f32>().unwrap()
    };
    assert_eq!(outputs(&at("one.npz")), outputs(&at("one.npy")));
    let two = [("a".to_owned(), x.clone()), ("b".to_owned(), x)];
    ediacara::tensor::npz::write(Path::new(&at("two.npz")), &two).unwrap();
    refused(&["run", "mlp:33-512-10", "--input", &at("two.npz")], &["two.npz", "a, b", "inputs are"]);
}
