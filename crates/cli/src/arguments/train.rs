//! The arguments of `train`.

use std::path::PathBuf;

use clap::Args;

/// The most threads that are started.
const THREAD_LIMIT: u16 = 1024;

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
    ediacara train --list\n  \
    ediacara train mnist-mlp --save mlp.safetensors --plot mlp.svg\n  \
    ediacara train lenet5 --checkpoint lenet5.checkpoint     stop it at any time; the same command goes on\n  \
    ediacara train mnist-mlp --data digits --batch 32        where no MNIST is present\n  \
    ediacara train lenet5 --export lenet5.onnx && ediacara run lenet5.onnx --dataset mnist-test\n  \
    ediacara train perceptron-logic\n  \
    ediacara train my.toml --json | tail -1\n\n\
    recipes/ holds the recipes that are built in: copy one to make your own. The same recipe gives the same numbers, whatever the\n\
    number of threads.")]
pub(crate) struct TrainArguments {
    /// A recipe: a file (.toml), or the name of one that is built in
    #[arg(required_unless_present = "list")]
    pub(crate) recipe: Option<String>,
    /// List the recipes that are built in
    #[arg(long)]
    pub(crate) list: bool,
    /// Train on another data set: mnist, fashion-mnist, digits, plane, and, or, xor, full-adder
    #[arg(long, value_name = "NAME")]
    pub(crate) data: Option<String>,
    /// How often every sample is seen, instead of the recipe's
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = whole_number)]
    pub(crate) epochs: Option<u64>,
    /// Samples a step, instead of the recipe's
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = size)]
    pub(crate) batch: Option<usize>,
    /// The seed, instead of the recipe's
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = whole_number)]
    pub(crate) seed: Option<u64>,
    /// Threads; 0 for as many as the machine has
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    #[arg(allow_negative_numbers = true, value_parser = threads)]
    pub(crate) threads: u16,
    /// Keep all that is needed to go on in this file, written after every epoch, and go on from it if it is there
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Write the trained parameters
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) save: Option<PathBuf>,
    /// Write the trained network, for any batch, as ONNX
    #[arg(long, value_name = "FILE.onnx")]
    pub(crate) export: Option<PathBuf>,
    /// Draw the loss, step by step
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Print one JSON object an epoch, and a last one for the whole training
    #[arg(long)]
    pub(crate) json: bool,
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("it is a whole number from 0 to {}", u64::MAX))
}

fn size(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("it is a whole number from 0 to {}", usize::MAX))
}

fn threads(text: &str) -> Result<u16, String> {
    let threads = text.parse().ok().filter(|threads| *threads <= THREAD_LIMIT);
    threads.ok_or_else(|| format!("it is a whole number from 0 to {THREAD_LIMIT}"))
}
