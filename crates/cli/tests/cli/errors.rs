//! Bad input: the message, and that nothing is written.

use crate::{fail, root};

/// Asserts that the message of a failing command holds every part.
fn says(arguments: &[&str], parts: &[&str]) {
    let message = fail(arguments);
    for part in parts {
        assert!(message.contains(part), "no {part:?} in\n{message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    says(&["run", "no/such/model.onnx"], &["no/such/model.onnx", "resnet50"]);
    says(&["run", "nonsense"], &["nonsense", "resnet50"]);
    says(&["exec", "no.dlpx"], &["no.dlpx"]);
    says(&["asm", "no.dlpasm"], &["no.dlpasm"]);
}

#[test]
fn a_damaged_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    let bytes = std::fs::read(root().join("models/efficientnet_lite0/model.onnx")).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    says(&["run", path.to_str().unwrap()], &["damaged.onnx"]);
}

#[test]
fn a_damaged_executable_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.dlpx");
    std::fs::write(&path, b"DLPX but nothing else").unwrap();
    says(&["exec", path.to_str().unwrap()], &["damaged.dlpx"]);
    says(&["disasm", path.to_str().unwrap()], &["damaged.dlpx"]);
}

#[test]
fn a_bad_machine_names_field_value_and_range() {
    says(&["run", "--machine", "dlp99"], &["dlp99", "dlp16"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    let text = crate::succeed(&["machines", "dlp16"]).replace("queue_entries = 16", "queue_entries = 0");
    std::fs::write(&path, text).unwrap();
    says(&["run", "lenet5", "--machine", path.to_str().unwrap()], &["bad.toml", "queue_entries", "0"]);
}

#[test]
fn an_assembly_error_points_at_the_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.dlpasm");
    std::fs::write(&path, "    fill d=0, value=1, length=8\n    fil d=0\n    halt\n").unwrap();
    let output = folder.path().join("bad.dlpx");
    says(&["asm", path.to_str().unwrap(), "-o", output.to_str().unwrap()], &["bad.dlpasm:2:5", "fil"]);
    assert!(!output.exists());
}

#[test]
fn an_input_that_does_not_fit_says_both_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let tensor = ediacara::tensor::Tensor::from_vec(&[2, 2], vec![0.0_f32; 4]).unwrap();
    ediacara::tensor::npy::write(&path, &tensor).unwrap();
    says(&["run", "lenet5", "--input", path.to_str().unwrap()], &["x.npy", "[2, 2]", "28"]);
    let tensor = ediacara::tensor::Tensor::from_vec(&[1, 2], vec![0.5_f64, 0.1]).unwrap();
    ediacara::tensor::npy::write(&path, &tensor).unwrap();
    says(&["run", "mlp:2-4", "--input", path.to_str().unwrap()], &["x.npy", "f64", "0.1", "astype"]);
    says(&["run", "lenet5", "--input", "assets/chelsea.png"], &["--preprocess"]);
}

#[test]
fn a_bad_option_is_refused_with_the_form_it_has() {
    says(&["run", "--dim", "N"], &["NAME=SIZE"]);
    says(&["run", "--dim", "N=0"], &["at least 1"]);
    says(&["run", "--shape", "x=1xa"], &["expected NAME=1x3x48x192"]);
    says(&["run", "--shape", "x=1x3"], &["no input named 'x'", "it has"]);
    says(&["summary", "resnet50", "--shape", "x=1x3"], &["built in", "--dim N=SIZE"]);
    says(&["run", "--value", "sr"], &["NAME=NUMBER"]);
    says(&["run", "--preprocess", "sepia"], &["sepia", "imagenet"]);
    says(&["compile", "lenet5", "--print-after", "nothing"], &["nothing", "synchronise"]);
}

#[test]
fn a_mistyped_name_is_asked_back() {
    says(&["train", "mlp"], &["did you mean `mnist-mlp` or `mlp-xor`?", "full-adder"]);
    says(&["train", "mnist-mlp", "--data", "digit"], &["no data set `digit`", "did you mean `digits`?"]);
    says(&["run", "lente5"], &["did you mean `lenet5`?", "alexnet"]);
    says(&["run", "resnet"], &["did you mean `resnet50` or `resnet152`?"]);
    says(&["run", "efficientnet"], &["did you mean `efficientnet_lite0`?"]);
    says(&["run", "lenet5", "--machine", "dpl16"], &["did you mean `dlp16`?"]);
    says(&["run", "lenet5", "--dataset", "mnsit-test"], &["did you mean `mnist`?"]);
    says(&["run", "lenet5", "--dataset", "mnist"], &["as in mnist-test or mnist-train"]);
    says(&["run", "lenet5", "--disable", "fuse-ad"], &["did you mean `fuse-add`?"]);
    says(&["run", "--preprocess", "imagnet"], &["did you mean `imagenet`?"]);
    says(&["data", "fetch", "mnsit"], &["did you mean `mnist`?"]);
    says(&["estimate", "no-such.dlpa"], &["no-such.dlpa"]);
}

/// A program takes numbers as they are; `exec` advises only what it can do.
#[test]
fn a_picture_is_no_input_of_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("lenet.dlpx").display().to_string();
    crate::succeed(&["compile", "lenet5", "-o", &program]);
    let message = fail(&["exec", &program, "--input", "assets/chelsea.png"]);
    let expected = "error: assets/chelsea.png: a program takes numbers, not pictures; give input input a .npy or .pb file, or \
                    the network itself to `ediacara run`, which prepares pictures\n";
    assert_eq!(message, expected);
}

/// A recipe whose layers do not fit says so in the layers' words.
#[test]
fn a_forgotten_flatten_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    let recipe = |layers: &str| {
        format!(
            "title = \"t\"\ndata = \"digits\"\nepochs = 1\nbatch = 32\nloss = \"cross_entropy\"\nlayers = [{layers}]\n\
             [optimiser]\nkind = \"sgd\"\nrate = 0.1\n"
        )
    };
    for (layers, expected) in [
        (
            r#""conv 4 3", "relu", "dense 10""#,
            "layer `dense3` is given `relu`, which is f32[32,4,6,6]; expected [N, features]: add a `flatten` before it",
        ),
        (
            r#""conv 4 3", "max_pool 2", "max_pool 4", "flatten", "dense 10""#,
            "layer `max_pool3`: its window of 4 x 4 does not fit 3 x 3 pixels; make it smaller, or pool less before it",
        ),
        (
            r#""flatten", "conv 4 3""#,
            "layer `conv2` is given `reshape`, which is f32[32,64]; expected [N, C, H, W]",
        ),
        (r#""flaten", "dense 10""#, "prelu; did you mean `flatten`?"),
    ] {
        std::fs::write(&path, recipe(layers)).unwrap();
        says(&["train", path.to_str().unwrap()], &[expected]);
    }
}
