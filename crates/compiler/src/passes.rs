//! The passes as users see them: their names, which of them run, and what they print.

use crate::CompileError;

/// A pass as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassDescription {
    /// The name that [`Options`] take.
    pub name: &'static str,
    /// What it does.
    pub documentation: &'static str,
    /// Whether [`Options::disable`] may name it.
    pub optional: bool,
}

/// The passes, in the order in which they run.
pub const PASSES: &[PassDescription] = &[
    PassDescription {
        name: "partition",
        documentation: "divides the graph between DLP and host, with a reason for every node of the host",
        optional: false,
    },
    PassDescription {
        name: "pack",
        documentation: "lets caches that only products read lie in DRAM as WRAM wants them",
        optional: true,
    },
    PassDescription {
        name: "fuse-add",
        documentation: "lets a convolution or matrix product do the residual addition after it",
        optional: true,
    },
    PassDescription {
        name: "fuse-block",
        documentation: "joins depthwise convolutions and max pools with the convolutions around them where that is faster",
        optional: true,
    },
    PassDescription {
        name: "fuse-gather",
        documentation: "lets a convolution write its channels in the order of the shuffle after it where that is faster",
        optional: true,
    },
    PassDescription {
        name: "fuse-table",
        documentation: "lets a convolution or matrix product do the table after it: an activation such as SiLU",
        optional: true,
    },
    PassDescription {
        name: "fuse-row",
        documentation: "joins operations on the rows of real tensors, so that what passes between them stays on chip",
        optional: true,
    },
    PassDescription {
        name: "fuse-epilogue",
        documentation: "lets operations on rows go on with the sums of a product, a tile at a time",
        optional: true,
    },
    PassDescription {
        name: "place",
        documentation: "gives every activation a home in DRAM; concats, slices and reshapes become views",
        optional: false,
    },
    PassDescription { name: "build", documentation: "makes layers of nodes", optional: false },
    PassDescription {
        name: "keep",
        documentation: "lets activations stay in NRAM between the layers that write and read them where that is faster",
        optional: true,
    },
    PassDescription {
        name: "hold",
        documentation: "lets weights stay in WRAM, and their records in PRAM, where several layers multiply by them",
        optional: true,
    },
    PassDescription {
        name: "lower",
        documentation: "tiles each layer and turns it into steps in program order",
        optional: false,
    },
    PassDescription {
        name: "synchronise",
        documentation: "finds, from the bytes that steps touch, which must wait for which",
        optional: false,
    },
    PassDescription {
        name: "emit",
        documentation: "writes configuration registers where they change and encodes instructions",
        optional: false,
    },
];

/// What a compilation may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Names of passes whose result is wanted as text.
    pub print_after: Vec<String>,
    /// Names of optional passes to leave out.
    pub disable: Vec<String>,
}

/// The result of a pass as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The pass.
    pub pass: &'static str,
    /// One line a thing.
    pub text: String,
}

/// Which passes run, and what was asked of them as text.
#[derive(Debug)]
pub(crate) struct Listings<'a> {
    options: &'a Options,
    found: Vec<Listing>,
}

impl<'a> Listings<'a> {
    /// Nothing printed yet.
    ///
    /// # Errors
    /// [`CompileError::UnknownPass`].
    pub(crate) fn new(options: &'a Options) -> Result<Listings<'a>, CompileError> {
        check_names(options)?;
        Ok(Listings { options, found: Vec::new() })
    }

    /// Keeps the result of a pass as text if that was asked for.
    pub(crate) fn add(&mut self, pass: &'static str, text: impl FnOnce() -> String) {
        if self.options.print_after.iter().any(|name| name == pass) {
            self.found.push(Listing { pass, text: text() });
        }
    }

    /// Whether a pass runs.
    pub(crate) fn enabled(&self, pass: &str) -> bool {
        !self.options.disable.iter().any(|name| name == pass)
    }

    /// What was asked for.
    pub(crate) fn finish(self) -> Vec<Listing> {
        self.found
    }
}

fn check_names(options: &Options) -> Result<(), CompileError> {
    let all: Vec<&'static str> = PASSES.iter().map(|pass| pass.name).collect();
    let optional: Vec<&'static str> =
        PASSES.iter().filter(|pass| pass.optional).map(|pass| pass.name).collect();
    for (names, known) in [(&options.print_after, all), (&options.disable, optional)] {
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(CompileError::UnknownPass { name: name.clone(), known });
        }
    }
    Ok(())
}
