//! What the caller decides about an import, and what the import reports beside the graph.

use ediacara_tensor::Tensor;

use crate::limits::Limits;
use crate::operators::Operators;

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
    /// Tensors that will be fed, in the order of the inputs, as far as they are known.
    ///
    /// If the shape fits what the file declares, it gives a size to each dimension that neither `dims` nor
    /// `shapes` binds. What decides shapes and depends on data (how many elements a NonZero finds) is taken from
    /// the run of these tensors; the graph then checks it in every run, and refuses other inputs.
    pub fed: Vec<Option<Tensor>>,
    /// Inputs that are fixed to a value, by name; the graph does not have them any more.
    ///
    /// They serve inputs that decide about shapes, which are static here, or about the branch that an If
    /// takes. Numbers are converted to the input's type.
    pub constants: Vec<(String, Tensor)>,
    /// Bounds on what a file may make the import do.
    pub limits: Limits,
    /// Operators beside those that Ediacara imports itself, or in their place.
    pub operators: Operators,
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
