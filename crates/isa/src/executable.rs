//! Executables in memory; `dlpx` reads and writes their bytes.

use crate::{Binding, DecodeError, Instruction, Notes, OperandError, Word, decode, encode};

/// The layer of an instruction that belongs to none.
pub const NO_LAYER: u32 = u32::MAX;

/// A program with everything that is needed to run it and to speak about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Executable {
    /// The machine it is for.
    pub machine: MachineKey,
    /// DRAM address of the first instruction: a multiple of 32, and of the machine's burst.
    pub code_base: u64,
    /// Instruction words. They need not decode: the machine raises a fault when it reaches a bad one.
    pub code: Vec<Word>,
    /// What DRAM holds before the program starts. Blocks do not overlap each other or the code.
    pub data: Vec<Data>,
    /// What the host writes before the program starts, in order.
    pub inputs: Vec<Port>,
    /// What the host reads after it ended, in order.
    pub outputs: Vec<Port>,
    /// Layer and source line of each instruction; as long as `code`.
    pub source_map: Vec<SourceLocation>,
    /// The layers, by number.
    pub layers: Vec<LayerInfo>,
    /// What is known beside the program; none of it changes what runs.
    pub notes: Notes,
    /// Scalar registers that are set before it starts.
    ///
    /// They are of a program by itself, as assembly gives it. Within a plan they are the plan's
    /// ([`Plan::bindings`](crate::Plan::bindings)), and the image of a program does not hold them.
    pub bindings: Vec<Binding>,
}

/// The machine that a program was made for, as far as the program depends on it.
///
/// A parameter of zero does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct MachineKey {
    /// The machine's name; empty if the program does not say.
    pub name: String,
    /// Lanes of an inner product, which decide the layout of weights. The machine's must be equal.
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
pub struct Data {
    /// Address of the first byte.
    pub address: u64,
    /// The bytes, at least one.
    pub bytes: Vec<u8>,
}

/// A tensor that host and program exchange through DRAM.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name, which is the network's.
    pub name: String,
    /// DRAM address of its first byte.
    pub address: u64,
    /// Extents as stored: dense, row-major.
    pub shape: Vec<usize>,
    /// Type of the stored elements.
    pub element: ElementType,
    /// What the stored numbers stand for; `None` if they stand for themselves.
    pub encoding: Option<Encoding>,
    /// How the stored elements lie in the caller's tensor.
    pub layout: Layout,
}

/// A type of stored elements.
///
/// Ports of today's compiler hold i8. A plan's buffers hold any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Signed integers of 8 bits.
    I8,
    /// Unsigned integers of 8 bits.
    U8,
    /// Signed integers of 32 bits.
    I32,
    /// Signed integers of 64 bits.
    I64,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Truth values, one byte, 0 or 1.
    Bool,
}

impl ElementType {
    /// Every type, in the order of their numbers in files, which count from 1.
    pub const ALL: [ElementType; 9] = [
        ElementType::I8,
        ElementType::U8,
        ElementType::I32,
        ElementType::I64,
        ElementType::F16,
        ElementType::BF16,
        ElementType::F32,
        ElementType::F64,
        ElementType::Bool,
    ];

    /// The types of a float instruction's operands, by their codes in `vector.a_type` and its like.
    pub const OPERANDS: [ElementType; 5] =
        [ElementType::I8, ElementType::I32, ElementType::F16, ElementType::BF16, ElementType::F32];

    /// Its name in assembly.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::I8 => "i8",
            ElementType::U8 => "u8",
            ElementType::I32 => "i32",
            ElementType::I64 => "i64",
            ElementType::F16 => "f16",
            ElementType::BF16 => "bf16",
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
            ElementType::Bool => "bool",
        }
    }

    /// Its number in files.
    pub(crate) fn code(self) -> u32 {
        self as u32 + 1
    }

    /// The type of a number in files.
    pub(crate) fn of_code(code: u32) -> Option<ElementType> {
        ElementType::ALL.into_iter().find(|element| element.code() == code)
    }

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::I8 | ElementType::U8 | ElementType::Bool => 1,
            ElementType::F16 | ElementType::BF16 => 2,
            ElementType::I32 | ElementType::F32 => 4,
            ElementType::I64 | ElementType::F64 => 8,
        }
    }
}

/// The real numbers that stored integers stand for (N-QUANTIZE, N-DEQUANTIZE).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    /// The real number that one step stands for, positive and finite.
    pub scale: f32,
    /// The integer that stands for zero, -128 to 127.
    pub zero: i32,
}

/// How stored elements lie in the caller's tensor.
///
/// The axes are permuted, and the result is read, row-major, under the caller's shape.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Stored axis `k` is axis `permutation[k]` of the tensor before its shape changes.
    pub permutation: Vec<usize>,
    /// The caller's shape: as many elements as are stored.
    pub shape: Vec<usize>,
}

impl Layout {
    /// The layout of a tensor that is stored as it is.
    pub fn plain(stored: &[usize]) -> Layout {
        Layout { permutation: (0..stored.len()).collect(), shape: stored.to_vec() }
    }

    /// The layout of a tensor whose axes are stored in another order: stored axis `k` is its axis
    /// `permutation[k]`.
    pub fn permuted(stored: &[usize], permutation: Vec<usize>) -> Layout {
        let shape = unpermuted(stored, &permutation);
        Layout { permutation, shape }
    }
}

/// Extents in the order that they have before axes are permuted.
pub(crate) fn unpermuted(stored: &[usize], permutation: &[usize]) -> Vec<usize> {
    let mut shape = stored.to_vec();
    for (&axis, &extent) in permutation.iter().zip(stored) {
        if let Some(place) = shape.get_mut(axis) {
            *place = extent;
        }
    }
    shape
}

/// Where an instruction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceLocation {
    /// Index into [`Executable::layers`], or [`NO_LAYER`].
    pub layer: u32,
    /// Line of the assembly source from 1, or 0.
    pub line: u32,
}

/// What is known of a layer.
///
/// All work counts are for one run of the program.
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
    /// Multiply-accumulates that the matrix engine does.
    pub matrix_macs: u64,
    /// Elementary operations of the vector engine.
    pub vector_operations: u64,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

impl Port {
    /// A port of 8-bit integers that stand for themselves, in the order in which they are stored.
    pub fn plain(name: impl Into<String>, address: u64, shape: Vec<usize>) -> Port {
        let layout = Layout::plain(&shape);
        Port { name: name.into(), address, shape, element: ElementType::I8, encoding: None, layout }
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.bytes()
    }

    /// Whether the shape has no element; a valid port's has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the caller's elements: real where the port says what stored integers stand for.
    pub fn caller_element(&self) -> ElementType {
        if self.encoding.is_some() { ElementType::F32 } else { self.element }
    }

    /// Whether the caller's tensor is what is stored.
    pub fn is_plain(&self) -> bool {
        self.encoding.is_none() && self.layout == Layout::plain(&self.shape)
    }

    /// Extents of the tensor whose axes the layout permutes: the caller's, unless their shape changes too.
    pub fn unpermuted_shape(&self) -> Vec<usize> {
        unpermuted(&self.shape, &self.layout.permutation)
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
