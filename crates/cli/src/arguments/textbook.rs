//! The arguments of the commands that answer the textbook's questions.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara estimate --list\n  \
    ediacara estimate fc_32x256x128\n  \
    ediacara estimate fc_32x256x128 --source > mine.dlpa && ediacara estimate mine.dlpa --svg mine.svg\n  \
    ediacara estimate mine.dlpa --machine book_cluster --json\n\n\
    docs/textbook/01-abstract-programs.md is the manual of the language.")]
pub(crate) struct EstimateArguments {
    /// A program: a file (.dlpa), or the name of one that is built in
    #[arg(required_unless_present = "list")]
    pub(crate) program: Option<String>,
    /// The machine: book_core, book_cluster or a TOML file [default: the program's own]
    #[arg(long, short, value_name = "NAME|FILE")]
    pub(crate) machine: Option<String>,
    /// List the programs that are built in
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the program's text instead of running it
    #[arg(long, conflicts_with = "json")]
    pub(crate) source: bool,
    /// Draw when each unit works
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the estimate as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara roofline alexnet vgg19 resnet152 mlp:784-1024-1024-10 lstm:512-512x20 lstm:128-128x100 --svg roofline.svg\n  \
    ediacara roofline model.onnx --machine dlp32 --json\n  \
    ediacara roofline vgg19 --paper                  without simulating: at once\n  \
    ediacara roofline lstm:128-128x100 --machine dlp16f --precision f32")]
pub(crate) struct RooflineArguments {
    /// Networks: what `ediacara run` takes
    #[arg(required = true)]
    pub(crate) models: Vec<String>,
    #[command(flatten)]
    pub(crate) machine: super::MachineArguments,
    /// What networks compute in: int8, or f32, bf16 or f16 on a machine whose array multiplies it (dlp16f, textbook1)
    #[arg(long, value_name = "TYPE", default_value_t, conflicts_with = "ranges")]
    pub(crate) precision: ediacara::Precision,
    /// Only what follows on paper; nothing is compiled or simulated
    #[arg(long)]
    pub(crate) paper: bool,
    /// Whether the int8 ranges of what is simulated are measured or assumed
    #[arg(long, value_enum, default_value_t, conflicts_with = "paper")]
    pub(crate) ranges: super::Ranges,
    /// Draw the roofs, networks and layers
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the numbers as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara utilisation                             AlexNet at 12.8 GB/s, 1 to 4,096 MACs\n  \
    ediacara utilisation vgg19 --bandwidth 25.6 --svg utilisation.svg\n  \
    ediacara utilisation --json\n\n\
    Utilisation is multiply-adds over time times peak, as in the report of `ediacara run`.")]
pub(crate) struct UtilisationArguments {
    /// The network: what `ediacara run` takes
    #[arg(default_value = "alexnet")]
    pub(crate) model: String,
    /// On-chip bandwidth in 10^9 bytes a second
    #[arg(long, default_value_t = 12.8, value_name = "GB/s", value_parser = parse_factor)]
    pub(crate) bandwidth: f64,
    /// Clock in MHz
    #[arg(long, default_value_t = 1000, value_name = "MHz", value_parser = up_to(100_000))]
    pub(crate) clock: u64,
    /// The largest number of multiply-accumulators
    #[arg(long, default_value_t = 4096, value_name = "MACS", value_parser = up_to(1 << 20))]
    pub(crate) largest: u64,
    /// Draw both machines
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the numbers as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara tiles alexnet features.6\n  \
    ediacara tiles vgg19 features.2 --machine dlp32 --svg tiles.svg\n  \
    ediacara tiles alexnet                           names the layers")]
pub(crate) struct TilesArguments {
    /// The network: what `ediacara run` takes
    pub(crate) model: String,
    /// The layer: a part of its name that no other has
    pub(crate) layer: Option<String>,
    #[command(flatten)]
    pub(crate) machine: super::MachineArguments,
    /// Whether the int8 ranges of what is compiled are measured or assumed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) ranges: super::Ranges,
    /// Draw which block is where when
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print loops and traffic as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlotArguments {
    #[command(subcommand)]
    pub(crate) command: PlotCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlotCommand {
    /// Sigmoid, tanh, ReLU, PReLU, ELU, GELU and softmax with their derivatives, and the table of their ranges
    Activations(ActivationsArguments),
    /// What int8, f16 and bf16 leave of the weights and values of a network
    Formats(FormatsArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara plot formats                            the bundled network on the bundled photo\n  \
    ediacara plot formats model.onnx --input tokens.npy --svg formats.svg\n  \
    ediacara plot formats --json                     with every tensor and every power of two\n\n\
    docs/textbook/10-number-formats.md explains the picture.")]
pub(crate) struct FormatsArguments {
    #[command(flatten)]
    pub(crate) model: super::ModelArguments,
    /// An input, as of `ediacara run`; repeatable [default: the bundled photo for the bundled network, otherwise seeded numbers]
    #[arg(long, short, value_name = "[NAME=]FILE", value_parser = super::parse_sample)]
    pub(crate) input: Vec<ediacara::SampleFile>,
    #[command(flatten)]
    pub(crate) preprocess: super::PreprocessArguments,
    /// Seed of the numbers that stand in for missing inputs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw error beside magnitude, and the SQNR of each tensor
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print tables and curves as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara plot activations                        the table of ranges\n  \
    ediacara plot activations --svg activations.svg  and a picture\n  \
    ediacara plot activations --json                 with points of the curves")]
pub(crate) struct ActivationsArguments {
    /// Draw values and derivatives
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print ranges and curves as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara speedup network alexnet --conv 10 --fc 2\n  \
    ediacara speedup layer --inputs 9216 --outputs 4096 --bytes 1")]
pub(crate) struct SpeedupArguments {
    #[command(subcommand)]
    pub(crate) command: SpeedupCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpeedupCommand {
    /// A network some of whose layers become faster (Amdahl), with its simulated times
    Network(NetworkSpeedupArguments),
    /// A fully connected layer that is fed from memory, against a machine of one arithmetic unit
    Layer(LayerSpeedupArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara speedup network alexnet --conv 10 --fc 2\n  \
    ediacara speedup network resnet50 --conv 10 --machine dlp32 --svg speedup.svg --json")]
pub(crate) struct NetworkSpeedupArguments {
    /// The network: what `ediacara run` takes
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) machine: super::MachineArguments,
    /// Whether int8 ranges are measured or assumed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) ranges: super::Ranges,
    /// How many times as fast convolutions become, with what is fused into them
    #[arg(long, default_value_t = 10.0, value_parser = parse_factor)]
    pub(crate) conv: f64,
    /// The same of fully connected layers
    #[arg(long, default_value_t = 2.0, value_parser = parse_factor)]
    pub(crate) fc: f64,
    /// The same of everything else
    #[arg(long, default_value_t = 1.0, value_parser = parse_factor)]
    pub(crate) other: f64,
    /// Draw the time before and after
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara speedup layer                           4096 x 4096, 16 bits, 12.8 GB/s; one unit at 1 GHz\n  \
    ediacara speedup layer --inputs 9216 --outputs 4096 --bytes 1 --macs 256 --json")]
pub(crate) struct LayerSpeedupArguments {
    /// Inputs of the layer
    #[arg(long, default_value_t = 4096, value_parser = up_to(1 << 24))]
    pub(crate) inputs: u64,
    /// Outputs of the layer
    #[arg(long, default_value_t = 4096, value_parser = up_to(1 << 24))]
    pub(crate) outputs: u64,
    /// Rows that share the weights
    #[arg(long, default_value_t = 1, value_parser = up_to(1 << 24))]
    pub(crate) batch: u64,
    /// Bytes of a number
    #[arg(long, default_value_t = 2, value_parser = up_to(8))]
    pub(crate) bytes: u64,
    /// The accelerator's memory bandwidth in 10^9 bytes a second
    #[arg(long, default_value_t = 12.8, value_name = "GB/s", value_parser = parse_factor)]
    pub(crate) bandwidth: f64,
    /// The accelerator's multiply-accumulators [default: as many as it can use]
    #[arg(long, value_parser = up_to(1 << 32))]
    pub(crate) macs: Option<u64>,
    /// Clock of both in MHz; the one unit does an operation a cycle
    #[arg(long, default_value_t = 1000.0, value_name = "MHz", value_parser = parse_factor)]
    pub(crate) clock: f64,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ediacara decoder --svg decoder.svg")]
pub(crate) struct DecoderArguments {
    /// Draw the states
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print states, transitions and instructions as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A whole number from 1 to `largest`.
fn up_to(largest: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=largest)
}

fn parse_factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err(format!("expected a number above 0, found {text:?}")),
    }
}
