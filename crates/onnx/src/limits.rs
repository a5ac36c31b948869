//! How much a file may make the importer do.

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
