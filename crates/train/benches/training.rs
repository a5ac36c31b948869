//! Training beside other frameworks, in one run and in turn.
//!
//! The figures are samples a second of whole steps (forward, backward, plain gradient descent) on one batch
//! that is there already, with two threads each.
//!
//! Run with `cargo xtask setup-peers && cargo bench -p ediacara-train --bench training`. A framework that is
//! not installed is left out. The peers are PyTorch (`benches/peers.py`), burn and candle
//! (`benches/rust-peers`, which says what each is given for speed).

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::Instant;

use ediacara_autodiff::gradients;
use ediacara_graph::{TensorType, ValueId};
use ediacara_nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara_nn::{Mode, Scope, Update, losses};
use ediacara_tensor::Tensor;
use ediacara_train::{RecipeFile, Session, build};

#[path = "../../../benches/peer.rs"]
mod peer;
use peer::{PAUSE, Peer, Start, median};

type Failure = Box<dyn std::error::Error>;

const THREADS: usize = 2;
const ROUNDS: usize = 9;
const SECONDS: f64 = 0.3;

/// The frameworks, in the order of their figures.
const PEERS: [(&str, Start); 3] = [("torch", Peer::python), ("burn", Peer::rust), ("candle", Peer::rust)];

/// The recipes, and the names that the peers give them.
const NETWORKS: [(&str, &str); 2] = [("mnist-mlp", "mlp"), ("lenet5", "lenet5")];

fn main() -> Result<(), Failure> {
    println!(
        "samples a second, {THREADS} threads, median of {ROUNDS} rounds in turn; in brackets ours over theirs"
    );
    for (recipe, name) in NETWORKS {
        let mut ours = Training::new(recipe)?;
        let mut peers: Vec<Peer> =
            PEERS.iter().filter_map(|(peer, start)| start(peer, name, THREADS)).collect();
        let mut figures = vec![Vec::new(); 1 + peers.len()];
        ours.measure()?;
        for _ in 0..ROUNDS {
            std::thread::sleep(PAUSE);
            figures[0].push(ours.measure()?);
            for (peer, figures) in peers.iter_mut().zip(&mut figures[1..]) {
                std::thread::sleep(PAUSE);
                figures.push(peer.measure().ok_or("a peer stopped; its message is above")?);
            }
        }
        let medians: Vec<f64> = figures.into_iter().map(median).collect();
        print!("{recipe:<12} ours {:.0}", medians[0]);
        for (peer, theirs) in peers.iter().zip(&medians[1..]) {
            print!(", {} {theirs:.0} ({:.2})", peer.name, medians[0] / theirs);
        }
        println!();
    }
    Ok(())
}

/// A recipe's network, trained by plain gradient descent on one batch.
struct Training {
    session: Session,
    feeds: Vec<(ValueId, Tensor)>,
    loss: ValueId,
    updates: Vec<Update>,
    batch: usize,
}

impl Training {
    fn new(recipe: &str) -> Result<Training, Failure> {
        let recipe = RecipeFile::load(recipe)?.training(recipe)?;
        let batch = recipe.batch;
        let mut scope = Scope::new("training", Mode::Training, recipe.seed);
        let picture = [batch, 1, 28, 28];
        let x = scope.input("x", TensorType::f32(&picture));
        let targets = scope.input("targets", TensorType::f32(&[batch, 10]));
        let scalars = ["rate", "step"].map(|name| scope.input(name, TensorType::f32(&[])));
        let (outputs, _) = build(&mut scope, x, &recipe.specs()?)?;
        let loss = losses::cross_entropy(&mut scope.emitter("loss"), outputs, targets)?;
        let parameters = scope.parameters().to_vec();
        let learnt: Vec<ValueId> = parameters.iter().map(|parameter| parameter.value).collect();
        let slopes = gradients(scope.graph_mut(), loss, &learnt)?;
        let optimiser = Optimiser::Sgd { momentum: 0.0, form: Momentum::Accumulated };
        let (updates, _) = optimiser.updates(&mut scope, &parameters, &slopes, scalars, Decay::default())?;
        let (graph, ..) = scope.finish();
        // The noise has a fixed seed, and each class comes in turn.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let pictures = (0..picture.iter().product()).map(|_| noise()).collect::<Vec<f32>>();
        let classes = (0..batch * 10).map(|at| f32::from(at / 10 % 10 == at % 10)).collect::<Vec<f32>>();
        let feeds = vec![
            (x, Tensor::from_vec(&picture, pictures)?),
            (targets, Tensor::from_vec(&[batch, 10], classes)?),
            (scalars[0], Tensor::scalar(0.01_f32)),
        ];
        Ok(Training { session: Session::new(graph, &parameters, THREADS)?, feeds, loss, updates, batch })
    }

    /// Samples a second.
    fn measure(&mut self) -> Result<f64, Failure> {
        let (start, mut steps) = (Instant::now(), 0);
        let feeds: Vec<(ValueId, &Tensor)> =
            self.feeds.iter().map(|(value, tensor)| (*value, tensor)).collect();
        while start.elapsed().as_secs_f64() < SECONDS {
            self.session.run(&feeds, &[self.loss], &self.updates)?;
            steps += 1;
        }
        Ok((self.batch * steps) as f64 / start.elapsed().as_secs_f64())
    }
}
