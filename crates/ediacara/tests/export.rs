//! A trained network gives the same numbers in onnxruntime once it is exported.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;
use std::process::Command;

use ediacara::data::onnxruntime_python;
use ediacara::host::{Executor, Options};
use ediacara::tensor::npz;
use ediacara::train::{Dataset, RecipeFile, Trainer};

const RECIPE: &str = r#"
    title = "layers of every kind"
    data = "digits"
    epochs = 1
    batch = 32
    loss = "cross_entropy"
    layers = ["conv 6 3 1", "batch_norm", "relu", "max_pool 2", "conv 8 3 1 2", "layer_norm", "gelu", "elu", "leaky_relu 0.1", "prelu", "average_pool 2", "tanh", "flatten", "dropout 0.2", "dense 12", "sigmoid", "dense 10"]
    [optimiser]
    kind = "adam"
    rate = 0.01
"#;

#[test]
fn a_trained_network_gives_the_same_numbers_in_onnxruntime() {
    let Some(python) = onnxruntime_python("export") else { return };
    let recipe = RecipeFile::parse(RECIPE, "recipe").unwrap().training("recipe").unwrap();
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    let mut trainer = Trainer::new(recipe, data, 2).unwrap();
    trainer.epoch(&mut |_, _| {}).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    ediacara::export::trained(&trainer, &path("digits.onnx")).unwrap();
    let batch = 50;
    let (x, _) = trainer.data().test.batch(&(0..batch).collect::<Vec<_>>()).unwrap();
    // This is the network as it was built, with its batch normalisation apart.
    let executor = Executor::new(&trainer.network(batch).unwrap(), &Options::default()).unwrap();
    let outputs = executor.run(std::slice::from_ref(&x)).unwrap();
    npz::write(&path("digits.inputs.npz"), &[("x".to_owned(), x)]).unwrap();
    npz::write(&path("digits.outputs.npz"), &[("0".to_owned(), outputs[0].clone())]).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/export.py");
    let run = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert_eq!(said.trim(), "1 compared, 0 without kernels", "{}", String::from_utf8_lossy(&run.stderr));
}
