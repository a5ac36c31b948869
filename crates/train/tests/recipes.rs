//! The recipes that need no data from outside, and exact resumption.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara_autodiff::Tape;
use ediacara_nn::losses;
use ediacara_tensor::Tensor;
use ediacara_train::{
    Dataset, EarlyStopTable, Half, Loss, NearestNeighbours, PrecisionTable, Recipe, RecipeFile, Trainer,
    nearest_neighbours,
};

fn recipe(name: &str) -> Recipe {
    RecipeFile::load(name).unwrap().training(name).unwrap()
}

fn parsed(text: &str) -> Recipe {
    RecipeFile::parse(text, "test").unwrap().training("test").unwrap()
}

fn trainer(recipe: Recipe, threads: usize) -> Trainer {
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    Trainer::new(recipe, data, threads).unwrap()
}

/// A recipe on the digits that are built in.
fn digits(name: &str, epochs: u64) -> Recipe {
    Recipe { data: "digits".to_owned(), epochs, batch: 32, ..recipe(name) }
}

/// The accuracy after all epochs.
fn accuracy(recipe: Recipe) -> f64 {
    let mut trainer = trainer(recipe, 0);
    while !trainer.is_done() {
        trainer.epoch(&mut |_, _| {}).unwrap();
    }
    trainer.test().unwrap().accuracy()
}

/// A perceptron is one straight line, which parts the rows of and, and those of or.
///
/// Of xor it parts at most three of four rows (Minsky and Papert, "Perceptrons", 1969).
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

/// The MNIST recipes on the digits that are built in.
///
/// A nearest-neighbour classifier gets 96 to 97 % of the last 360 digits, which other people wrote.
#[test]
fn digits_are_read() {
    let mlp = accuracy(digits("mnist-mlp", 15));
    assert!(mlp > 0.9, "mlp: {mlp}");
}

fn bits(tensors: &[(String, Tensor)]) -> Vec<(String, Vec<u32>)> {
    let values = |tensor: &Tensor| tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect();
    tensors.iter().map(|(name, tensor)| (name.clone(), values(tensor))).collect()
}

/// Dropout, batch normalisation, Adam's states, a schedule, masks and a loss scale: everything that could
/// remember something.
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
        [pruning]
        sparsity = 0.4
        to_epoch = 1.5
        every_steps = 3
        [precision]
        compute = "bf16"
    "#;
    parsed(text)
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
        // Steps after the checkpoint are lost.
        first.step().unwrap();
        drop(first);
        let mut second = trainer(eventful(), 1);
        second.resume(&path).unwrap();
        assert_eq!(second.steps(), stop);
        while !second.is_done() {
            second.step().unwrap();
        }
        assert_eq!(bits(&second.network_tensors()), expected, "stopped after {stop} steps");
        assert_eq!(second.losses(), whole.losses());
        assert_eq!(second.last_loss(), whole.last_loss());
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
    let mut names: Vec<&str> = RecipeFile::names().collect();
    names.sort_unstable();
    assert_eq!(found, names);
    names.into_iter().for_each(|name| drop(RecipeFile::load(name).unwrap()));
}

#[test]
fn a_network_that_no_memory_holds_is_refused_before_any_is_reserved() {
    let layers = ["dense 65536", "dense 65536", "dense 5"].map(str::to_owned).to_vec();
    let recipe = Recipe { layers, ..recipe("full-adder") };
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    let error = Trainer::new(recipe, data, 1).unwrap_err().to_string();
    assert!(error.contains("dense2.weight") && error.contains("[65536, 65536]"), "{error}");
}

/// The loss against its closed form; targets of 0 and 1 count as -1 and 1.
#[test]
fn a_hinge_takes_zeros_and_ones_as_it_takes_bits() {
    let (predictions, bits, one_hot) =
        ([0.5_f32, -0.25, 2.0, -3.0], [1.0_f32, -1.0, 1.0, 1.0], [1.0_f32, 0.0, 1.0, 1.0]);
    let of = |targets: [f32; 4]| {
        let mut tape = Tape::new();
        let [predictions, targets] = [("p", predictions), ("t", targets)]
            .map(|(name, values)| tape.value(name, Tensor::from_vec(&[2, 2], values.to_vec()).unwrap()));
        let loss = losses::hinge(&mut tape, predictions, targets).unwrap();
        tape.tensor(loss).to_vec::<f32>().unwrap()
    };
    // max(0, 1 - 0.5), max(0, 1 - 0.25), max(0, 1 - 2), max(0, 1 + 3)
    assert_eq!((of(bits), of(one_hot)), (vec![5.25 / 4.0], vec![5.25 / 4.0]));
}

#[test]
fn a_hinge_learns_digits() {
    let right = accuracy(Recipe { loss: Loss::Hinge, ..digits("mnist-mlp", 15) });
    assert!(right > 0.9, "{right}");
}

#[test]
fn a_hinge_on_real_numbers_is_refused() {
    let recipe = Recipe { loss: Loss::Hinge, ..recipe("linear") };
    let data = Dataset::load(&recipe.data, Path::new(".")).unwrap();
    let error = Trainer::new(recipe, data, 1).unwrap_err().to_string();
    assert!(error.contains("plane") && error.contains("mean_squared_error"), "{error}");
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
    assert!(error.contains("checkpoint.safetensors") && error.contains("`data` is"), "{error}");
    assert_eq!(bits(&other.network_tensors()), before);
    ediacara_tensor::safetensors::write(&path, &adder.network_tensors()).unwrap();
    let error = other.resume(&path).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("sha256"), "{error}");
    adder.save(&path).unwrap();

    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = adder.resume(&path).unwrap_err().to_string();
        assert!(error.contains("checkpoint.safetensors"), "{error}");
        assert!(error.contains(&format!("at byte {length}")), "{error}");
    }
    assert_eq!(adder.steps(), 1);
}

/// The same layers on other data, from another seed, in other batches.
///
/// Nothing but the checkpoint itself tells them apart.
#[test]
fn a_checkpoint_goes_on_in_its_own_training_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut first = trainer(recipe("perceptron-and"), 1);
    first.epoch(&mut |_, _| {}).unwrap();
    first.save(&path).unwrap();
    let and = || recipe("perceptron-and");
    let mut pruned = and();
    pruned.clip_norm = Some(2.0);
    pruned.optimiser.momentum = 0.9;
    let others: [(Recipe, &[&str]); 4] = [
        (recipe("perceptron-or"), &["`data` is \"and\" in it, and \"or\" here", "SHA-256 of the samples"]),
        (Recipe { seed: 7, ..and() }, &["`seed` is 1 in it, and 7 here"]),
        (Recipe { batch: 2, ..and() }, &["`batch` is 4 in it, and 2 here"]),
        (
            pruned,
            &["`clip_norm` is left out in it, and 2.0 here", "`optimiser.momentum` is 0.0 in it, and 0.9"],
        ),
    ];
    for (other, expected) in others {
        let error = trainer(other, 1).resume(&path).unwrap_err().to_string();
        assert!(error.contains("another training"), "{error}");
        expected.iter().for_each(|part| assert!(error.contains(part), "{error}"));
    }
    let mut longer = trainer(Recipe { epochs: 300, title: "more of it".to_owned(), ..and() }, 2);
    assert_eq!((longer.resume(&path).unwrap(), longer.steps()), (200, 1));
    assert_eq!((longer.losses(), longer.time()), (first.losses(), first.time()));
}

#[test]
fn a_damaged_checkpoint_is_refused_wherever_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut first = trainer(recipe("perceptron-and"), 1);
    first.step().unwrap();
    first.save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, damaged).unwrap();
        assert!(first.resume(&path).is_err(), "byte {at}");
    }
    assert_eq!(first.steps(), 1);
    // A damaged disk does not do this: other numbers with their own digests.
    std::fs::write(&path, &whole).unwrap();
    let mut tensors = ediacara_tensor::safetensors::read_verified(&path).unwrap();
    let position = tensors.iter_mut().find(|(name, _)| name == "training.position").unwrap();
    position.1 = Tensor::from_vec(&[3], vec![1_000_000_i64, 200, 5]).unwrap();
    ediacara_tensor::safetensors::write_with_digests(&path, &tensors).unwrap();
    let error = first.resume(&path).unwrap_err().to_string();
    assert!(error.contains("1000000 steps, and its 200 epochs end after 200"), "{error}");
}

/// The line of least squares over the samples that are learnt from, by the normal equations in f64.
#[test]
fn the_linear_recipe_finds_the_plane_of_least_squares() {
    let recipe = recipe("linear");
    let mut trainer = trainer(recipe, 0);
    while !trainer.is_done() {
        trainer.epoch(&mut |_, _| {}).unwrap();
    }
    let train = &trainer.data().train;
    let (x, y) = train.batch(&(0..train.len()).collect::<Vec<_>>()).unwrap();
    let (x, y) = (x.to_vec::<f32>().unwrap(), y.to_vec::<f32>().unwrap());
    let mut sums = [[0.0_f64; 4]; 3];
    for (point, height) in x.chunks_exact(2).zip(&y) {
        let row = [point[0], point[1], 1.0].map(f64::from);
        for (sums, factor) in sums.iter_mut().zip(row) {
            for (sum, other) in sums.iter_mut().zip([row[0], row[1], row[2], f64::from(*height)]) {
                *sum += factor * other;
            }
        }
    }
    for pivot in 0..3 {
        let scale = sums[pivot][pivot];
        sums[pivot].iter_mut().for_each(|sum| *sum /= scale);
        let row = sums[pivot];
        for other in (0..3).filter(|&other| other != pivot) {
            let factor = sums[other][pivot];
            sums[other].iter_mut().zip(row).for_each(|(sum, value)| *sum -= factor * value);
        }
    }
    let tensors = trainer.network_tensors();
    let found: Vec<f32> = tensors.iter().flat_map(|(_, tensor)| tensor.to_vec::<f32>().unwrap()).collect();
    for (found, expected) in found.iter().zip(sums.map(|row| row[3])) {
        assert!((f64::from(*found) - expected).abs() < 1e-4, "{found}, not {expected}");
    }
    assert_eq!(found.len(), 3);
    // The plane that the samples were made from is near; its noise has deviation 0.1 over 300 samples.
    for (found, made) in found.iter().zip([3.0, -2.0, 1.0]) {
        assert!((found - made).abs() < 0.05, "{found}, not {made}");
    }
    assert!(trainer.test().unwrap().accuracy() > 0.97);
}

/// scikit-learn's digits, of which the last 360 are tested: NumPy finds 346 by three neighbours, with
/// distances in f64.
#[test]
fn neighbours_read_digits() {
    let RecipeFile::NearestNeighbours(recipe) = RecipeFile::load("knn").unwrap() else { panic!("knn") };
    let data = Dataset::load("digits", Path::new(".")).unwrap();
    let mut done = 0;
    let found = nearest_neighbours(&recipe, &data, 2, &mut |count| done = count).unwrap();
    assert_eq!((found.right, found.samples, done), (346, 360, 360));

    let adder = Dataset::load("full-adder", Path::new(".")).unwrap();
    let error = nearest_neighbours(&recipe, &adder, 1, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("no classes"), "{error}");
    let many = NearestNeighbours { neighbours: 2000, ..recipe };
    let error = nearest_neighbours(&many, &data, 1, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("2000 neighbours are more than the 1437"), "{error}");
}

#[test]
fn half_of_the_weights_become_0_and_stay_0() {
    let mut sparse = trainer(digits("mnist-sparse", 15), 0);
    while !sparse.is_done() {
        sparse.epoch(&mut |_, _| {}).unwrap();
    }
    let shares = sparse.zero_shares().unwrap();
    assert_eq!(
        shares.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["dense2.weight", "dense4.weight"]
    );
    for (name, share) in shares {
        assert!((share - 0.5).abs() < 1e-9, "{name}: {share}");
    }
    let dense = accuracy(digits("mnist-mlp", 15));
    let found = sparse.test().unwrap().accuracy();
    // One of 360 digits is 0.28 points.
    assert!(found > dense - 0.015, "{found}, dense {dense}");
}

/// Before the ramp ends, a dense network may be better; only the time after it decides when to stop and what
/// to keep.
#[test]
fn the_best_of_a_pruned_training_is_pruned() {
    let mut recipe = digits("mnist-sparse", 30);
    recipe.early_stop = Some(EarlyStopTable { patience: 1, validation: 0.2 });
    let mut trainer = trainer(recipe, 0);
    while !trainer.is_done() {
        trainer.epoch(&mut |_, _| {}).unwrap();
    }
    assert!(trainer.steps() > 9 * trainer.steps_an_epoch(), "{}", trainer.steps());
    for (name, share) in trainer.zero_shares().unwrap() {
        assert!((share - 0.5).abs() < 1e-9, "{name}: {share}");
    }
}

#[test]
fn a_shorter_training_is_pruned_to_its_end() {
    for epochs in [1, 2] {
        let mut trainer = trainer(
            Recipe { batch: 32, data: "digits".to_owned(), ..recipe("mnist-sparse").with_epochs(epochs) },
            0,
        );
        while !trainer.is_done() {
            trainer.epoch(&mut |_, _| {}).unwrap();
        }
        for (name, share) in trainer.zero_shares().unwrap() {
            assert!((share - 0.5).abs() < 1e-9, "{name}: {share}");
        }
    }
}

#[test]
fn sixteen_bits_read_as_well() {
    let full = accuracy(digits("mnist-mlp", 15));
    for compute in [Half::F16, Half::Bf16] {
        let precision = Some(PrecisionTable { compute, loss_scale: 65_536.0 });
        let half = accuracy(Recipe { precision, ..digits("mnist-mlp", 15) });
        assert!((half - full).abs() < 0.015, "{compute:?}: {half}, f32 {full}");
    }
}

/// Early in training the loss overflows f16 at a scale of 2^40.
///
/// Steps are left out and the scale is halved until no step overflows.
#[test]
fn overflowing_steps_change_nothing_but_the_scale() {
    let precision = Some(PrecisionTable { compute: Half::F16, loss_scale: 2.0_f32.powi(40) });
    let mut trainer = trainer(Recipe { precision, ..digits("mnist-mlp", 2) }, 1);
    let before = bits(&trainer.network_tensors());
    trainer.step().unwrap();
    assert_eq!(bits(&trainer.network_tensors()), before);
    while !trainer.is_done() {
        trainer.step().unwrap();
    }
    assert_ne!(bits(&trainer.network_tensors()), before);
    assert!(trainer.test().unwrap().accuracy() > 0.7);
}

#[test]
fn a_training_that_gets_no_better_stops_and_keeps_its_best() {
    let early_stop = Some(EarlyStopTable { patience: 3, validation: 0.2 });
    let stopping = || Recipe { early_stop: early_stop.clone(), ..digits("mnist-mlp", 200) };
    let mut whole = trainer(stopping(), 1);
    let mut accuracies = Vec::new();
    while !whole.is_done() {
        whole.epoch(&mut |_, _| {}).unwrap();
        accuracies.push(bits(&whole.network_tensors()));
    }
    let epochs = whole.steps() / whole.steps_an_epoch();
    assert!(epochs < 200, "{epochs}");
    // The last three epochs changed nothing in the kept parameters.
    let kept = &accuracies[accuracies.len() - 4..];
    assert!(kept.iter().all(|tensors| *tensors == kept[0]));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut first = trainer(stopping(), 1);
    for _ in 0..epochs - 2 {
        first.epoch(&mut |_, _| {}).unwrap();
    }
    first.save(&path).unwrap();
    let mut second = trainer(stopping(), 1);
    second.resume(&path).unwrap();
    while !second.is_done() {
        second.epoch(&mut |_, _| {}).unwrap();
    }
    assert_eq!(second.steps(), whole.steps());
    assert_eq!(bits(&second.network_tensors()), kept[0]);
}
