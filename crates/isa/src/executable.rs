//! Executables in memory; their bytes are the business of `dlpx`.

use crate::{DecodeError, Instruction, OperandError, Word, decode, encode};

/// The layer of an instruction that belongs to none.
pub const NO_LAYER: u32 = u32::MAX;

/// A program with everything that is needed to run it and to speak about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Executable {
    /// The machine it is for.
    pub machine: MachineKey,
    /// DRAM address of the first instruction: a multiple of 32, and of the machine's burst.
    pub code_base: u64,
    /// Instruction words. They need not decode: a bad one is the machine's business.
    pub code: Vec<Word>,
    /// What DRAM holds before the program starts. Segments do not overlap each other or the code.
    pub segments: Vec<Segment>,
    /// What the host writes before the program starts, in order.
    pub inputs: Vec<Port>,
    /// What the host reads after it ended, in order.
    pub outputs: Vec<Port>,
    /// Layer and source line of each instruction; as long as `code`.
    pub source_map: Vec<SourceLocation>,
    /// The layers, by number.
    pub layers: Vec<LayerInfo>,
}

/// The machine that a program was made for, as far as the program depends on it. A parameter of zero does not
/// matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct MachineKey {
    /// The machine's name; empty if the program does not say.
    pub name: String,
    /// Lanes of an inner product, which decide the layout of weights. Must be equal.
    pub rows: u32,
    /// Columns of the array, likewise.
    pub columns: u32,
    /// NRAM needed at least.
    pub nram_bytes: u64,
    /// WRAM needed at least.
    pub wram_bytes: u64,
    /// ARAM needed at least.
    pub aram_bytes: u64,
    /// PRAM needed at least.
    pub pram_bytes: u64,
    /// DRAM needed at least.
    pub dram_bytes: u64,
}

/// Bytes of DRAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Address of the first byte.
    pub address: u64,
    /// The bytes, at least one.
    pub bytes: Vec<u8>,
}

/// A tensor that host and program exchange through DRAM.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// DRAM address of its first byte.
    pub address: u64,
    /// Extents as stored: dense, row-major.
    pub shape: Vec<usize>,
    /// Element type: `i8`.
    pub dtype: String,
    /// How the host gets it from, or makes of it, real numbers; `None` if the bytes are all there is.
    pub real: Option<Real>,
}

/// The real tensor behind stored integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Real {
    /// N-QUANTIZE, N-DEQUANTIZE.
    pub scale: f32,
    /// Zero point.
    pub zero: i32,
    /// Stored axis `k` is axis `permutation[k]` of the caller's tensor.
    pub permutation: Vec<usize>,
}

/// Where an instruction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceLocation {
    /// Index into [`Executable::layers`], or [`NO_LAYER`].
    pub layer: u32,
    /// Line of the assembly source from 1, or 0.
    pub line: u32,
}

/// What is known of a layer. All work counts are of one run of the program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerInfo {
    /// Name in the network.
    pub name: String,
    /// Operation, such as `conv`.
    pub op: String,
    /// Shape of its output.
    pub shape: Vec<usize>,
    /// Multiply-accumulates of the layer as the network defines it.
    pub macs: u64,
    /// Those done by the matrix engine.
    pub matrix_macs: u64,
    /// Elementary operations of the vector engine.
    pub vector_operations: u64,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

impl Port {
    /// Elements, which are bytes.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the shape has no element; a valid port's has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Executable {
    /// A bare program: these instructions from address `code_base` on, no data, no layers.
    ///
    /// # Errors
    /// What [`encode`] says of the first bad instruction.
    pub fn from_instructions(
        code_base: u64,
        instructions: &[Instruction],
    ) -> Result<Executable, OperandError> {
        let code = instructions.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let source_map = vec![SourceLocation { layer: NO_LAYER, line: 0 }; code.len()];
        Ok(Executable { code_base, code, source_map, ..Executable::default() })
    }

    /// The instruction at an index.
    ///
    /// # Errors
    /// What [`decode`] says. `None` past the end of the code.
    pub fn instruction(&self, index: usize) -> Option<Result<Instruction, DecodeError>> {
        self.code.get(index).map(decode)
    }
}
