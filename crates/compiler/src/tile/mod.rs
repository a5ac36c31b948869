//! How a layer is cut into tiles: for each kind of layer a problem, its tilings, what each costs, and the search for the best.

pub mod block;
pub(crate) mod choices;
pub mod claim;
pub mod convolution;
pub mod cost;
pub mod epilogue;
pub(crate) mod explain;
pub(crate) mod grouping;
pub mod mean;
pub mod rows;
pub mod window;
