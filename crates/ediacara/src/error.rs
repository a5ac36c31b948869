//! Everything that can go wrong on the way from a model to its cycles.

use std::path::PathBuf;

use thiserror::Error;

/// What went wrong, with the file or node, what was found, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is neither a file nor a built-in network.
    #[error("{name}: no such file, and no network of this name is built in; {}", ediacara_hint::there_are(.name, .known.iter().map(String::as_str)))]
    NoSuchModel {
        /// What was asked for.
        name: String,
        /// The built-in networks.
        known: Vec<String>,
    },
    /// More inputs given than the network has.
    #[error("{given} inputs given, but the network has {}: {}", inputs.len(), inputs.join(", "))]
    TooManyInputs {
        /// How many were given.
        given: usize,
        /// The network's inputs.
        inputs: Vec<String>,
    },
    /// Inputs whose numbers are doubtful, where that is not allowed.
    #[error("{}; without --strict this is a warning", .0.join("\n"))]
    Doubtful(Vec<String>),
    /// An archive that holds nothing for any input.
    #[error("{}: the archive holds {}, but the inputs are {}", path.display(), found.join(", "), inputs.join(", "))]
    NoSuchArray {
        /// The archive.
        path: PathBuf,
        /// The names of its arrays.
        found: Vec<String>,
        /// The inputs' names.
        inputs: Vec<String>,
    },
    /// A file of an unknown kind as an input.
    #[error("{}: an input is an image (.png, .jpg), a NumPy array (.npy), an archive of them (.npz) or an ONNX tensor (.pb)", path.display())]
    UnknownInputFile {
        /// The file.
        path: PathBuf,
    },
    /// A photo for an input that is no picture.
    #[error(
        "input {input} is no picture: its shape is {shape:?}, a picture is f32 [N, 1 or 3, height, width]; give it a .npy file"
    )]
    NotAPicture {
        /// The input.
        input: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A photo for a program, which knows nothing of photos.
    #[error(
        "{}: a program takes numbers, not pictures; give input {input} a .npy or .pb file, or the network itself to \
         `ediacara run`, which prepares pictures", path.display()
    )]
    PictureForProgram {
        /// The input.
        input: String,
        /// The picture.
        path: PathBuf,
    },
    /// A photo whose preprocessing is not known.
    #[error(
        "how photos for input {input} are preprocessed is not known: say --preprocess imagenet, caffe, tf, torch, lite or none, or --mean and --std"
    )]
    NoPreprocessing {
        /// The input.
        input: String,
    },
    /// A tensor that does not fit its input.
    #[error("input {input} is {expected}, but {source_text} holds {found}")]
    InputMismatch {
        /// The input.
        input: String,
        /// Where the tensor came from.
        source_text: String,
        /// Its type and shape.
        found: String,
        /// The input's type and shape.
        expected: String,
    },
    /// Nothing of a network runs on the DLP.
    #[error(
        "{network}: the DLP would run nothing of it ({share}): {reason}; with --allow-host-only the host runs it alone"
    )]
    HostOnly {
        /// The network.
        network: String,
        /// How much of it the DLP runs.
        share: ediacara_profile::Share,
        /// The operator that keeps it off the DLP, and why.
        reason: String,
    },
    /// A tensor whose numbers change when they are converted to the type of its input.
    #[error(
        "input {input} is {expected}, but {source_text} holds {found} with {number}, which {expected} cannot hold \
         exactly; convert the file first, in NumPy with astype"
    )]
    InexactInput {
        /// The input.
        input: String,
        /// Where the tensor came from.
        source_text: String,
        /// Its element type.
        found: &'static str,
        /// The input's element type.
        expected: &'static str,
        /// The first number that would change.
        number: f64,
    },
    /// An input that does not fit a network whose free dimensions nobody gave a size.
    #[error(
        "{error}. The network's free dimensions were taken as 1: give their sizes with --dim NAME=SIZE; they are {}",
        dims.join(", ")
    )]
    Unbound {
        /// What does not fit.
        error: Box<Error>,
        /// The dimensions' names.
        dims: Vec<String>,
    },
    /// The compiled program stopped with a fault.
    #[error("the program stopped with a fault: {0}")]
    Fault(String),
    /// An executable was compiled for another machine.
    #[error("{0}")]
    Invalid(String),
    /// From the bindings of a program.
    #[error(transparent)]
    Binding(#[from] ediacara_isa::BindingError),
    /// From the tensor files.
    #[error(transparent)]
    Tensor(#[from] ediacara_tensor::TensorError),
    /// From photos, labels and data sets.
    #[error(transparent)]
    Data(#[from] ediacara_data::DataError),
    /// From the ONNX import.
    #[error(transparent)]
    Import(#[from] ediacara_onnx::ImportError),
    /// From the ONNX export.
    #[error(transparent)]
    Export(#[from] ediacara_onnx::ExportError),
    /// From training, and its data sets.
    #[error(transparent)]
    Train(#[from] ediacara_train::TrainError),
    /// From the built-in networks.
    #[error(transparent)]
    Network(#[from] ediacara_nn::NnError),
    /// From the graph.
    #[error(transparent)]
    Graph(#[from] ediacara_graph::GraphError),
    /// From the host.
    #[error(transparent)]
    Host(#[from] ediacara_host::HostError),
    /// From optimising and quantising.
    #[error(transparent)]
    Optimiser(#[from] ediacara_optimiser::OptimiserError),
    /// From the machine description.
    #[error(transparent)]
    Machine(#[from] ediacara_arch::ArchError),
    /// From the compiler.
    #[error(transparent)]
    Compile(#[from] ediacara_compiler::CompileError),
    /// From the executable.
    #[error(transparent)]
    Executable(#[from] ediacara_isa::ExecutableError),
    /// From the simulator.
    #[error(transparent)]
    Simulator(#[from] ediacara_sim::SimError),
    /// From building or running the hardware.
    #[error(transparent)]
    Rtl(#[from] ediacara_rtl::RtlError),
}
