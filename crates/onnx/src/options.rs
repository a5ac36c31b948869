//! What the caller decides about an import, and what the import reports beside the graph.

use ediacara_tensor::Tensor;

/// What the caller decides about an import.
///
/// The default binds every free dimension to 1.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Sizes of symbolic dimensions, by name: `("N", 4)`.
    ///
    /// Any axis can also be called after its input: `("data[0]", 4)`. A dimension without a name, or with the
    /// name `?`, has no other name. A fixed size is overridden. Free dimensions that are not listed become 1
    /// and are reported.
    pub dims: Vec<(String, usize)>,
    /// Whole shapes of inputs, by the input's name.
    ///
    /// They override the sizes that the file declares, but not the number of axes. They bind the symbolic
    /// dimensions of the input wherever else those stand.
    pub shapes: Vec<(String, Vec<usize>)>,
    /// Shapes of the tensors that will be fed, in the order of the inputs, as far as they are known.
    ///
    /// If a shape fits what the file declares, it gives a size to each dimension that neither `dims` nor
    /// `shapes` binds.
    pub fed: Vec<Option<Vec<usize>>>,
    /// Inputs that are fixed to a value, by name; the graph does not have them any more.
    ///
    /// They serve inputs that decide about shapes, which are static here, or about the branch that an If
    /// takes. Numbers are converted to the input's type.
    pub constants: Vec<(String, Tensor)>,
    /// Bounds on what a file may make the import do.
    pub limits: Limits,
}

/// Bounds on memory and work, so that no file, however hostile, takes the machine down.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// The largest single tensor that is stored, in bytes.
    pub tensor_bytes: usize,
    /// The largest input, in bytes; a few bytes of a file can ask for any size.
    pub input_bytes: usize,
    /// The largest result of a node, in bytes.
    pub result_bytes: usize,
    /// All constants together, stored or computed, in bytes.
    pub total_bytes: usize,
    /// All constants that folding computes, in bytes; further ones stay in the graph as nodes.
    pub folded_bytes: usize,
    /// The elements and multiplications that constant folding may compute in all; further work stays in the
    /// graph as nodes.
    pub folding_work: u64,
    /// The most nodes that the decomposed graph may have.
    pub nodes: usize,
}

impl Default for Limits {
    /// 16 GiB files and stored tensors, 256 MiB inputs, 2 GiB results, 512 MiB of folded constants, 4 * 10^9
    /// elements of folding, two million nodes.
    fn default() -> Limits {
        Limits {
            file_bytes: 16 << 30,
            tensor_bytes: 16 << 30,
            input_bytes: 256 << 20,
            result_bytes: 2 << 30,
            total_bytes: 32 << 30,
            folded_bytes: 512 << 20,
            folding_work: 4_000_000_000,
            nodes: 2_000_000,
        }
    }
}

/// What was learned from the file beside the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The version of the file format.
    pub ir_version: i64,
    /// The version of the default operator set.
    pub opset: i64,
    /// The program that wrote the file, with its version.
    pub producer: String,
    /// What the file says about itself beside the graph (`metadata_props`): keys with values.
    pub metadata: Vec<(String, String)>,
    /// Every symbolic dimension, in the order in which the inputs show them.
    pub dims: Vec<BoundDim>,
    /// Values that the file quantises with scales computed from the data, imported as real numbers.
    ///
    /// Their products keep the file's weights; what quantises the graph gives them scales that are fixed.
    pub dynamic: usize,
}

/// A symbolic dimension and the size it was bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundDim {
    /// The name in the file, or `INPUT[AXIS]` if it has none.
    pub name: String,
    /// The size.
    pub size: usize,
    /// Whether the size was given, or taken from a tensor that will be fed; otherwise it is the default, 1.
    pub given: bool,
}
