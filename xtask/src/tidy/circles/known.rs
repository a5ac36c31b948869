//! The known circles and imports upwards, each with the reason.
//!
//! One that is gone is an offence.

/// Modules of one room that import one another in a circle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownCircle {
    /// The crate, as ARCHITECTURE.md has it.
    pub(crate) of: &'static str,
    /// The module in which the circle lies.
    pub(crate) room: &'static str,
    /// All modules on circles with one another, in alphabetical order.
    pub(crate) modules: &'static [&'static str],
    /// Why it is so, or what will become of it.
    pub(crate) reason: &'static str,
}

/// A module that uses what a module around it defines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownUpward {
    /// The crate, as ARCHITECTURE.md has it.
    pub(crate) of: &'static str,
    /// The module that imports.
    pub(crate) module: &'static str,
    /// The module around it.
    pub(crate) above: &'static str,
    /// Why it is so, or what will become of it.
    pub(crate) reason: &'static str,
}

/// The reason for operators whose gradients are one another.
const GRADIENTS: &str = "the gradient of each is made of another one";

/// The known circles.
pub(crate) const CIRCLES: &[KnownCircle] = &[
    KnownCircle {
        of: "fuzzgen",
        room: "crate",
        modules: &["footprint", "vector_footprint"],
        reason: "one walk over all operations in two files, by engine",
    },
    KnownCircle {
        of: "fuzzgen",
        room: "crate",
        modules: &["ordered", "program"],
        reason: "a recipe chooses what makes a program, which draws by the recipe; to be opened",
    },
    KnownCircle {
        of: "graph",
        room: "crate",
        modules: &["gradient", "graph", "op", "ops", "registry", "row_form", "text"],
        reason: "an operator has a gradient, which is built of operators, and a recurrence a graph for its body: adding one \
                 stays one file",
    },
    KnownCircle {
        of: "graph",
        room: "crate::ops",
        modules: &["binary", "cast", "reduce", "select", "support", "transpose"],
        reason: "the gradients of elementwise operators compare, select and sum along what was repeated",
    },
    KnownCircle {
        of: "graph",
        room: "crate::ops",
        modules: &["conv", "conv_filter_gradient", "conv_transpose"],
        reason: GRADIENTS,
    },
    KnownCircle { of: "graph", room: "crate::ops", modules: &["gather", "index_add"], reason: GRADIENTS },
    KnownCircle {
        of: "graph",
        room: "crate::ops",
        modules: &["gather_elements", "scatter_elements"],
        reason: GRADIENTS,
    },
    KnownCircle {
        of: "graph",
        room: "crate::ops",
        modules: &["max_pool_indices", "pool"],
        reason: "the gradient of a pool asks where the maxima are, in the pool's own window",
    },
    KnownCircle {
        of: "graph",
        room: "crate::ops",
        modules: &["pad", "slice", "slice_scatter"],
        reason: GRADIENTS,
    },
    KnownCircle { of: "graph", room: "crate::ops::unary", modules: &["cos", "sin"], reason: GRADIENTS },
    KnownCircle {
        of: "isa",
        room: "crate",
        modules: &["executable", "notes"],
        reason: "notes are a part of the executable whose places they name",
    },
    KnownCircle {
        of: "kernels",
        room: "crate::float::channels_last",
        modules: &["filters", "image", "tile"],
        reason: "filters are packed in the order in which the tile's loop reads them",
    },
    KnownCircle {
        of: "onnx",
        room: "crate::export",
        modules: &["function", "nodes"],
        reason: "a node may become a function, whose body is nodes",
    },
    KnownCircle {
        of: "optimiser",
        room: "crate::quantise",
        modules: &[
            "balance",
            "emit",
            "equalise",
            "origins",
            "plan",
            "rules",
            "scales",
            "sensitivity",
            "shift",
        ],
        reason: "rules plan what they emit, and the plan holds them; to be opened into rooms",
    },
    KnownCircle {
        of: "optimiser",
        room: "crate::quantise::rules",
        modules: &["conv", "gather"],
        reason: "a gather of channels becomes a convolution, and a convolution takes over a gather before it",
    },
    KnownCircle {
        of: "sim",
        room: "crate",
        modules: &["account", "core"],
        reason: "accounts are a part of the run, and look at its lanes",
    },
    KnownCircle {
        of: "tensor",
        room: "crate",
        modules: &["dtype", "error"],
        reason: "an error names types, and a name that is no type is an error",
    },
];

/// The known arrows upwards in the crates of `ROOMS`.
pub(crate) const UPWARD: &[KnownUpward] = &[];
