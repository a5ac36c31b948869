//! `train`: what a user sees.
//!
//! The tests of crates/train show that training is right.

use serde_json::Value;

use crate::{fail, json, succeed};

/// The last line that a training prints with `--json`.
fn last(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn a_function_is_learnt_and_the_last_line_says_so() {
    let text = succeed(&["train", "perceptron-and", "--json"]);
    assert_eq!(text.lines().count(), 201);
    let report = last(&text);
    assert_eq!(report["test_accuracy"], 1.0);
    assert_eq!(report["epochs"], 200);
    for field in ["samples_per_second", "seconds", "loss"] {
        assert!(report[field].is_f64(), "{field}: {report}");
    }
}

#[test]
fn a_training_goes_on_from_its_checkpoint_and_leaves_weights_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (checkpoint, whole, parts, plot) =
        (path("checkpoint"), path("whole"), path("parts"), path("loss.svg"));
    let common = ["train", "mnist-mlp", "--data", "digits", "--batch", "64"];
    // The rate is constant, so that the number of epochs does not change the first one.
    let text = std::fs::read_to_string(crate::root().join("recipes/mnist-mlp.toml")).unwrap();
    let recipe = path("constant.toml");
    std::fs::write(&recipe, text.replace("kind = \"cosine\"", "kind = \"constant\"")).unwrap();
    let run = |rest: &[&str]| {
        let mut arguments = common.to_vec();
        arguments[1] = &recipe;
        arguments.extend(rest);
        succeed(&arguments)
    };
    run(&["--epochs", "3", "--save", &whole, "--plot", &plot]);
    run(&["--epochs", "1", "--checkpoint", &checkpoint]);
    let text = run(&["--epochs", "3", "--checkpoint", &checkpoint, "--save", &parts]);
    assert!(text.contains("going on from") && text.contains("epoch    2"), "{text}");
    assert!(std::fs::read(&whole).unwrap() == std::fs::read(&parts).unwrap(), "other weights");
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
}

/// From a training to the DLP: a network is trained, exported and imported again.
///
/// The host gives the same answers with it, and the DLP in int8 gives nearly the same.
#[test]
fn a_trained_network_runs_on_the_dlp_over_a_whole_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sparse.onnx").display().to_string();
    let common = ["train", "mnist-sparse", "--data", "digits", "--batch", "32", "--epochs", "12"];
    let trained = last(&succeed(&[&common[..], &["--export", &file, "--json"]].concat()));
    let asked = json(&["run", &file, "--dataset", "digits-test", "--json"]);
    assert_eq!(asked["f32_accuracy"], trained["test_accuracy"]);
    assert_eq!(
        (&asked["samples"], &asked["batch"], &asked["bit_exact"]),
        (&360.into(), &100.into(), &true.into())
    );
    let accuracy = |report: &Value, field: &str| report[field].as_f64().unwrap();
    let (int8, real) = (accuracy(&asked, "int8_accuracy"), accuracy(&asked, "f32_accuracy"));
    assert!(real > 0.9 && (int8 - real).abs() < 0.02, "{int8} of {real}");

    // Half of the weights became 0; the bias of a neuron that never fired is still 0.
    let summary = json(&["summary", &file, "--json"]);
    for layer in summary["layers"].as_array().unwrap().iter().filter(|layer| layer["kind"] == "gemm") {
        let outputs = layer["output_shape"][1].as_u64().unwrap();
        let weights = crate::number(&layer["parameters"]) - outputs;
        let zeros = crate::number(&layer["zeros"]);
        assert!((weights / 2..=weights / 2 + outputs).contains(&zeros), "{layer}");
    }
    let one = json(&["run", &file, "--dataset", "digits-train", "--samples", "7", "--dim", "N=2", "--json"]);
    assert_eq!((&one["samples"], &one["batch"]), (&7.into(), &2.into()));
    let errors = fail(&["run", &file, "--dataset", "digits"]);
    assert!(errors.contains("digits-test") || errors.contains("mnist-test"), "{errors}");
    let errors = fail(&["run", "mlp:33-512-10", "--dataset", "digits-test"]);
    assert!(errors.contains("1, 8, 8"), "{errors}");
}

/// A recipe for 28 x 28 pixels runs on the digits too, and so does the network that it leaves.
#[test]
fn every_recipe_for_mnist_runs_on_the_digits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lenet5.onnx").display().to_string();
    for name in ["mnist-mlp", "lenet5", "mnist-sparse", "mnist-mixed", "knn"] {
        let mut arguments = vec!["train", name, "--data", "digits", "--json"];
        if name != "knn" {
            arguments.extend(["--epochs", "2"]);
        }
        if name == "lenet5" {
            arguments.extend(["--export", &file]);
        }
        let report = last(&succeed(&arguments));
        let accuracy = report["test_accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.5, "{name}: {report}");
        if name == "lenet5" {
            let asked = json(&["run", &file, "--dataset", "digits-test", "--json"]);
            assert_eq!(
                (&asked["f32_accuracy"], &asked["resized_to"]),
                (&report["test_accuracy"], &28.into())
            );
            let graph = ediacara::model::load(&file, &[("N".to_owned(), 1)]).unwrap().graph;
            assert_eq!(graph.value(graph.outputs()[0]).name, "outputs");
        }
    }
    let errors = fail(&["train", "lenet5", "--data", "xor"]);
    assert!(errors.contains("[2] are no grey pictures"), "{errors}");
}

#[test]
fn a_missing_data_set_is_named_with_what_can_be_trained_on_instead() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mnist-mlp", "knn"] {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_ediacara"))
            .args(["train", name])
            .current_dir(folder.path())
            .env("EDIACARA_DATA", folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8(run.stderr).unwrap();
        assert!(errors.contains("data fetch mnist") && errors.contains("`--data digits`"), "{errors}");
    }
}

#[test]
fn several_recipes_are_one_command() {
    let report = last(&succeed(&["train", "perceptron-logic", "--json"]));
    let accuracies: Vec<f64> = report["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["test_accuracy"].as_f64().unwrap())
        .collect();
    assert_eq!(accuracies.len(), 4);
    assert_eq!((accuracies[0], accuracies[1], accuracies[3]), (1.0, 1.0, 1.0));
    assert!(accuracies[2] <= 0.75);
    assert_eq!(report["test_accuracy"], 1.0);
    let report = last(&succeed(&["train", "knn", "--data", "digits", "--json"]));
    assert!(report["test_accuracy"].as_f64().unwrap() > 0.95, "{report}");
    let errors = fail(&["train", "knn", "--data", "digits", "--save", "weights.safetensors"]);
    assert!(errors.contains("nothing is learnt"), "{errors}");
}

#[test]
fn each_of_several_recipes_writes_files_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (checkpoint, save) = (path("logic"), path("logic.safetensors"));
    let run = || {
        let common = ["train", "perceptron-logic", "--json", "--checkpoint", &checkpoint, "--save", &save];
        last(&succeed(&common))
    };
    let first = run();
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let parts = ["mlp-xor", "perceptron-and", "perceptron-or", "perceptron-xor"];
    let expected = parts.map(|part| [format!("logic-{part}"), format!("logic-{part}.safetensors")]).concat();
    assert_eq!(names, expected);
    assert_eq!(run(), first);
}

/// A finished training is reported again in full, with time and curve.
#[test]
fn a_resumed_training_reports_all_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (checkpoint, plot) = (path("checkpoint"), path("loss.svg"));
    let run = |rest: &[&str]| {
        let common = ["train", "full-adder", "--json", "--checkpoint", &checkpoint, "--plot", &plot];
        last(&succeed(&[&common[..], rest].concat()))
    };
    let finished = run(&["--epochs", "20"]);
    let curve = std::fs::read_to_string(&plot).unwrap();
    assert_eq!(run(&["--epochs", "20"]), finished);
    assert_eq!(std::fs::read_to_string(&plot).unwrap(), curve);
    let longer = run(&["--epochs", "30"]);
    assert!(longer["seconds"].as_f64().unwrap() > finished["seconds"].as_f64().unwrap());
    assert_eq!(longer["steps"], 60);
    let errors = fail(&["train", "full-adder", "--checkpoint", &checkpoint, "--seed", "9"]);
    assert!(errors.contains("`seed` is 1 in it, and 9 here"), "{errors}");
}

/// The training is killed in a way that nothing can catch, at arbitrary moments, and started again until it
/// is done.
#[test]
fn a_training_that_is_killed_ends_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (checkpoint, whole, killed) = (path("checkpoint"), path("whole"), path("killed"));
    let common =
        ["train", "mnist-mlp", "--data", "digits", "--batch", "8", "--epochs", "40", "--threads", "1"];
    succeed(&[&common[..], &["--save", &whole]].concat());
    let mut moments =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut kills = 0;
    loop {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_ediacara"))
            .args(common)
            .args(["--checkpoint", &checkpoint, "--save", &killed])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // After ten kills the training may end undisturbed.
        moments = moments.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if kills < 10 {
            std::thread::sleep(std::time::Duration::from_millis(u64::from(30 + (moments >> 16) % 600)));
            run.kill().unwrap();
            kills += 1;
        }
        if run.wait().unwrap().success() {
            break;
        }
    }
    assert!(
        std::fs::read(&whole).unwrap() == std::fs::read(&killed).unwrap(),
        "other weights after {kills} kills"
    );
}

/// Interrupted as by Ctrl-C, at arbitrary moments, it leaves the checkpoint and nothing beside it.
#[cfg(unix)]
#[test]
fn an_interrupted_training_leaves_no_half_written_file() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("checkpoint").display().to_string();
    for interrupt in 0..12 {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_ediacara"))
            .args([
                "train",
                "mnist-mlp",
                "--data",
                "digits",
                "--batch",
                "700",
                "--epochs",
                "100000",
                "--threads",
                "1",
            ])
            .args(["--checkpoint", &checkpoint])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(150 + 13 * interrupt));
        let kill = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while run.try_wait().unwrap().is_none() {
            if std::time::Instant::now() > deadline {
                run.kill().unwrap();
                println!("skipped: interrupts are ignored here, as in a shell's background job");
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(run.wait().unwrap().code(), Some(130));
        let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name != "checkpoint").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// On a terminal, which `script` makes, there is a bar with loss and throughput past one second, not before.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_sees_a_bar_past_one_second() {
    use std::io::Read;

    let command = format!(
        "{} train mnist-mlp --data digits --batch 8 --epochs 1000000",
        env!("CARGO_BIN_EXE_ediacara")
    );
    let start = std::time::Instant::now();
    let run = std::process::Command::new("script")
        .args(["-qefc", &command, "/dev/null"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut run) = run else {
        println!("skipped: there is no `script`, which makes a terminal");
        return;
    };
    let mut output = run.stdout.take().unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(" of 179 (") && start.elapsed().as_secs() < 60 {
        let count = output.read(&mut buffer).unwrap();
        assert!(count > 0, "it ended with {text:?}");
        let chunk = String::from_utf8_lossy(&buffer[..count]);
        // The output names the training data at once.
        if chunk.contains("epoch ") && !text.contains("epoch ") {
            let seconds = start.elapsed().as_secs_f64();
            assert!(seconds >= 1.0, "seen after {seconds} s: {chunk:?}");
        }
        text += &chunk;
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let parts = ["epoch ", " of 1000000, loss ", " samples/s [", "] ", " of 179 ("];
    parts.into_iter().for_each(|part| assert!(text.contains(part), "no {part:?} in {text:?}"));
}

#[test]
fn errors_say_what_there_is() {
    let errors = fail(&["train", "mnist-mpl"]);
    assert!(errors.contains("mnist-mpl") && errors.contains("full-adder"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--data", "nand"]);
    assert!(errors.contains("nand") && errors.contains("full-adder"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--batch", "0"]);
    assert!(errors.contains("batch: 0"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--epochs", "0"]);
    assert!(errors.contains("epochs: 0"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--save", "nowhere/weights.safetensors", "--json"]);
    assert!(errors.contains("no folder nowhere"), "{errors}");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let errors = fail(&["train", "perceptron-and", "--json", "--export", &path("")]);
    assert!(errors.contains("--export") && errors.contains("is a directory"), "{errors}");
    let again = path("./x");
    let errors = fail(&["train", "perceptron-and", "--checkpoint", &path("x"), "--save", &again]);
    assert!(errors.contains("--checkpoint and --save are both"), "{errors}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let errors = fail(&["train", "perceptron-and", "--threads", "999999"]);
    assert!(errors.contains("999999") && errors.contains("1024"), "{errors}");
    for option in ["--seed", "--threads", "--epochs", "--batch"] {
        let errors = fail(&["train", "perceptron-and", option, "-1"]);
        assert!(errors.contains("'-1'") && errors.contains("whole number from 0 to"), "{errors}");
    }
    for option in ["--seed", "--epochs", "--batch"] {
        let errors = fail(&["train", "knn", "--data", "digits", option, "3"]);
        assert!(errors.contains(&format!("{option} changes nothing")), "{errors}");
    }
    let errors = fail(&["train", "recipes"]);
    assert!(errors.contains("recipes: is a folder"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--batch", "5"]);
    assert!(errors.contains("batch of 5"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--data", "full-adder"]);
    assert!(errors.contains("dense 5"), "{errors}");
}

/// The normalisation of a training goes with the network: pictures are normalised as the exported file says.
#[test]
fn an_exported_network_says_how_its_pixels_are_normalised() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = path("digits.onnx");
    let common = ["train", "mnist-mlp", "--data", "digits", "--epochs", "2", "--batch", "64"];
    let text = succeed(&[&common[..], &["--export", &file]].concat());
    let pixels = "pixels are (brightness - 0.0000) / 1.0000, brightness from 0 to 1";
    assert!(text.contains(&format!("digits: {pixels}\n")), "{text}");
    let trained = last(&succeed(&[&common[..], &["--json"]].concat()));
    assert_eq!(trained["normalisation"], serde_json::json!({ "mean": 0.0, "deviation": 1.0 }));
    // A picture needs no --preprocess, and is listed.
    let text = succeed(&["run", &file, "--input", "assets/chelsea.png"]);
    assert!(text.contains(&format!("{pixels}, as the file says")) && text.contains("class "), "{text}");
    let asked = json(&["run", &file, "--dataset", "digits-test", "--json"]);
    let by_network = serde_json::json!({ "mean": 0.0, "deviation": 1.0, "by_network": true });
    assert_eq!(asked["normalisation"], by_network);
    assert_eq!(asked["f32_accuracy"], trained["test_accuracy"]);
    // The command line overrides the file: dark pictures are read worse.
    let dark = ["--mean", "0.9,0.9,0.9", "--std", "1,1,1"];
    let asked = json(&[&["run", &file, "--dataset", "digits-test", "--json"][..], &dark].concat());
    assert!(asked["f32_accuracy"].as_f64() < trained["test_accuracy"].as_f64(), "{asked}");
}

/// Starts a training without an end, waits for the end of its first epoch, and gives it with its output.
///
/// The shell that starts it runs `before` first.
#[cfg(unix)]
fn endless_training(before: &str, plot: &std::path::Path) -> (std::process::Child, impl Sized) {
    let training = "train mnist-mlp --data digits --epochs 100000 --threads 1 --json --plot";
    let mut run = std::process::Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" {training} \"$1\"")])
        .args([env!("CARGO_BIN_EXE_ediacara").as_ref(), plot.as_os_str()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // After the first epoch there is something to draw.
    let mut said = std::io::BufReader::new(run.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.starts_with("{\"epoch\":1,") && !plot.exists(), "{line}");
    (run, said)
}

#[cfg(unix)]
fn send(signal: &str, run: &std::process::Child) {
    let kill = std::process::Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// A training that a signal stops in the middle of an epoch leaves the losses so far, and the status says how
/// it was stopped.
///
/// Ctrl-C, the end of a job and the end of the terminal send such signals.
#[cfg(unix)]
#[test]
fn a_stopped_training_keeps_its_plot() {
    for (signal, status) in [("-HUP", 129), ("-INT", 130), ("-TERM", 143)] {
        stop(signal, status);
    }
}

#[cfg(unix)]
fn stop(signal: &str, status: i32) {
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("loss.svg");
    let (mut run, _said) = endless_training("", &plot);
    send(signal, &run);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while run.try_wait().unwrap().is_none() {
        if std::time::Instant::now() > deadline {
            run.kill().unwrap();
            println!("skipped: {signal} is ignored here, as in a shell's background job");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{signal}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("stopped after ") && said.contains("loss.svg"), "{said}");
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
}

/// A command that nohup starts survives its terminal, and SIGTERM still ends it with its plot.
#[cfg(unix)]
#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("loss.svg");
    let (mut run, _said) = endless_training("trap '' HUP;", &plot);
    send("-HUP", &run);
    // The sleep gives time for another epoch.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(run.try_wait().unwrap().is_none() && !plot.exists());
    send("-TERM", &run);
    assert_eq!(run.wait().unwrap().code(), Some(143));
    assert!(plot.exists());
}

/// A training whose loss is no longer a number ends with an error, and with the curve that led there.
#[test]
fn a_training_that_diverges_keeps_its_plot() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (recipe, plot) = (path("recipe.toml"), path("loss.svg"));
    let text = std::fs::read_to_string(crate::root().join("recipes/linear.toml")).unwrap();
    let rate = text.lines().find(|line| line.starts_with("rate")).unwrap();
    std::fs::write(&recipe, text.replace(rate, "rate = 100.0")).unwrap();
    assert!(fail(&["train", &recipe, "--plot", &plot]).contains("a smaller learning rate"));
    assert!(std::fs::read_to_string(&plot).unwrap().starts_with("<svg"));
}
