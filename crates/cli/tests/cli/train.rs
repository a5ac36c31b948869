//! `train`: what a user sees. That training is right is tested in crates/train.

use serde_json::Value;

use crate::{fail, succeed};

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
    // A constant rate, so that the number of epochs does not change the first one.
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
    let errors = fail(&["train", "perceptron-and", "--threads", "999999"]);
    assert!(errors.contains("999999") && errors.contains("1024"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--batch", "5"]);
    assert!(errors.contains("batch of 5"), "{errors}");
    let errors = fail(&["train", "perceptron-and", "--data", "full-adder"]);
    assert!(errors.contains("dense 5"), "{errors}");
}
