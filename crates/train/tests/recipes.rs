//! The recipes that need no data from outside, and exact resumption.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara_tensor::Tensor;
use ediacara_train::{Dataset, Recipe, Trainer};

fn recipe(name: &str) -> Recipe {
    Recipe::load(name).unwrap()
}

fn trainer(recipe: Recipe, threads: usize) -> Trainer {
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    Trainer::new(recipe, data, threads).unwrap()
}

/// The accuracy after all epochs.
fn accuracy(recipe: Recipe) -> f64 {
    let mut trainer = trainer(recipe, 0);
    while !trainer.is_done() {
        trainer.epoch(&mut |_, _| {}).unwrap();
    }
    trainer.test().unwrap().accuracy()
}

/// A perceptron is one straight line: it parts the rows of and and of or, and of xor at most three of four (Minsky and
/// Papert, "Perceptrons", 1969).
#[test]
fn a_perceptron_learns_and_and_or_but_not_xor() {
    assert_eq!(accuracy(recipe("perceptron-and")), 1.0);
    assert_eq!(accuracy(recipe("perceptron-or")), 1.0);
    assert!(accuracy(recipe("perceptron-xor")) <= 0.75);
    assert_eq!(accuracy(recipe("mlp-xor")), 1.0);
}

#[test]
fn the_full_adder_adds_rows_that_it_never_saw() {
    assert_eq!(accuracy(recipe("full-adder")), 1.0);
}

/// The MNIST recipes on the digits that are built in. A nearest-neighbour classifier gets 96 to 97 % of the last 360
/// digits, which other people wrote.
#[test]
fn digits_are_read() {
    let digits = |name: &str, epochs| Recipe { data: "digits".to_owned(), epochs, batch: 32, ..recipe(name) };
    let mlp = accuracy(digits("mnist-mlp", 15));
    assert!(mlp > 0.9, "mlp: {mlp}");
}

fn bits(tensors: &[(String, Tensor)]) -> Vec<(String, Vec<u32>)> {
    let values = |tensor: &Tensor| tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect();
    tensors.iter().map(|(name, tensor)| (name.clone(), values(tensor))).collect()
}

/// Dropout, batch normalisation, Adam's states and a schedule: all that could remember something.
fn eventful() -> Recipe {
    let text = r#"
        title = "everything that has a state"
        data = "digits"
        seed = 3
        epochs = 2
        batch = 100
        loss = "cross_entropy"
        clip_norm = 1.0
        layers = ["conv 4 3 1", "batch_norm", "relu", "max_pool 2", "flatten", "dropout 0.3", "dense 10"]
        [optimiser]
        kind = "adam_w"
        rate = 0.01
        l2 = 0.01
        [schedule]
        kind = "cosine"
        warm_up_epochs = 0.5
    "#;
    Recipe::parse(text, "eventful").unwrap()
}

#[test]
fn a_training_that_was_stopped_anywhere_ends_with_the_same_bits() {
    let mut whole = trainer(eventful(), 1);
    while !whole.is_done() {
        whole.step().unwrap();
    }
    let expected = bits(&whole.network_tensors());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    for stop in [1, 13, 14, 20] {
        let mut first = trainer(eventful(), 2);
        for _ in 0..stop {
            first.step().unwrap();
        }
        first.save(&path).unwrap();
        // What is done after the checkpoint is lost.
        first.step().unwrap();
        drop(first);
        let mut second = trainer(eventful(), 1);
        second.resume(&path).unwrap();
        assert_eq!(second.steps(), stop);
        while !second.is_done() {
            second.step().unwrap();
        }
        assert_eq!(bits(&second.network_tensors()), expected, "stopped after {stop} steps");
    }
}

#[test]
fn every_recipe_in_the_folder_is_built_in_and_makes_sense() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let recipes = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut found: Vec<String> =
        recipes.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    found.sort();
    let mut names: Vec<&str> = Recipe::names().collect();
    names.sort_unstable();
    assert_eq!(found, names);
    names.into_iter().for_each(|name| drop(recipe(name)));
}

#[test]
fn a_network_that_no_memory_holds_is_refused_before_any_is_reserved() {
    let layers = ["dense 65536", "dense 65536", "dense 5"].map(str::to_owned).to_vec();
    let recipe = Recipe { layers, ..recipe("full-adder") };
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    let error = Trainer::new(recipe, data, 1).unwrap_err().to_string();
    assert!(error.contains("dense2.weight") && error.contains("[65536, 65536]"), "{error}");
}

#[test]
fn a_checkpoint_of_something_else_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut adder = trainer(recipe("full-adder"), 1);
    adder.step().unwrap();
    adder.save(&path).unwrap();
    let mut other = trainer(recipe("mlp-xor"), 1);
    let before = bits(&other.network_tensors());
    let error = other.resume(&path).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("dense1.weight"), "{error}");
    assert_eq!(bits(&other.network_tensors()), before);

    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = adder.resume(&path).unwrap_err().to_string();
        assert!(error.contains("checkpoint.safetensors"), "{error}");
    }
    assert_eq!(adder.steps(), 1);
}
