//! The types that a machine description is made of.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::{ArchError, presets};

/// Bytes of one requantise record in PRAM (docs/isa.md, "Memories").
pub const RECORD_BYTES: u64 = 12;

/// One machine, checked.
///
/// The fields are public so that a sweep can vary them. Call [`Machine::validate`] afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Short name, such as `dlp16`: lower-case letters, digits, `_` and `-`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Where the numbers come from.
    pub source: String,
    /// Clusters, cores, clock.
    pub chip: Chip,
    /// The memory behind everything.
    pub dram: Dram,
    /// RAM sizes and queues of one core.
    pub core: Core,
    /// The matrix engine.
    pub matrix: MatrixUnit,
    /// The vector engine.
    pub vector: VectorUnit,
    /// The load engine.
    pub load: LoadEngine,
    /// The computer around the chip, which runs what the chip does not.
    #[serde(default)]
    pub host: Host,
}

/// The chip as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Clusters on the chip. Today's tools accept 1.
    pub clusters: u32,
    /// Cores in a cluster. Today's tools accept 1.
    pub cores_per_cluster: u32,
    /// Clock rate in hertz, 1 kHz to 10 GHz.
    pub clock_hz: u64,
}

/// The DRAM, seen through the rules T-DRAM-* of docs/microarchitecture.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dram {
    /// Size in bytes: a multiple of the burst, at most 2^40.
    pub bytes: u64,
    /// Bandwidth in bytes a cycle.
    pub bytes_per_cycle: Fraction,
    /// Bytes of one burst: a power of two, 32 to 4096 (so whole instructions fit).
    pub burst_bytes: u32,
    /// Cycles from a grant to the data, at least 1.
    pub latency_cycles: u32,
    /// The most bursts that are granted and not yet returned.
    pub bursts_in_flight: u32,
}

/// An exact positive fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fraction {
    /// Above the line, 1 to 65,535.
    pub numerator: u32,
    /// Below the line, 1 to 65,535.
    pub denominator: u32,
}

impl Fraction {
    /// The value as a floating-point number, for reports.
    ///
    /// Timing uses the two integers.
    pub fn to_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

/// RAMs and queues of one core.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// NRAM in bytes: activations, depthwise weights, tables.
    pub nram_bytes: u64,
    /// WRAM in bytes, whole rows of it: weights of the matrix unit.
    pub wram_bytes: u64,
    /// ARAM in bytes: 32-bit accumulators.
    pub aram_bytes: u64,
    /// PRAM in bytes: requantise records of 12 bytes.
    pub pram_bytes: u64,
    /// Entries of each engine's queue.
    pub queue_entries: u32,
    /// Instructions in the prefetch FIFO.
    pub fetch_entries: u32,
}

/// The matrix engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixUnit {
    /// How the array is built. Today's tools accept `dot` and `systolic-ws`.
    pub kind: MatrixKind,
    /// Lanes of one inner product: the reduction's step.
    pub rows: u32,
    /// Inner products side by side: output channels of one block.
    pub columns: u32,
    /// Element types: `int8` always, and types of floating point, for `float_dot` (docs/isa.md, "Matrix engine").
    pub types: Vec<ElementType>,
    /// Cycles from the last beat to the commit (T-DOT).
    pub latency_cycles: u32,
}

impl MatrixUnit {
    /// Whether it has `float_dot` and its register.
    pub fn has_float(&self) -> bool {
        self.types.iter().any(|ty| ty.is_float())
    }

    /// The most elements of one column's share of a WRAM row that are numbers of floating point: the products
    /// that are added in one beat. 0 without `float_dot`.
    pub fn float_lanes(&self) -> u32 {
        let bytes = self.types.iter().filter(|ty| ty.is_float()).map(|ty| ty.bytes());
        bytes.min().map_or(0, |bytes| self.rows / bytes)
    }
}

/// Kinds of matrix unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatrixKind {
    /// Stacked inner-product units.
    Dot,
    /// A systolic array that keeps the weights in place.
    SystolicWs,
    /// A systolic array that keeps the outputs in place.
    SystolicOs,
    /// One multiplier.
    Scalar,
}

impl MatrixKind {
    /// The name in a description.
    pub fn name(self) -> &'static str {
        match self {
            MatrixKind::Dot => "dot",
            MatrixKind::SystolicWs => "systolic-ws",
            MatrixKind::SystolicOs => "systolic-os",
            MatrixKind::Scalar => "scalar",
        }
    }
}

/// Element types of a matrix unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// Signed 8-bit integers, 32-bit accumulation.
    Int8,
    /// IEEE 754 binary16, f32 accumulation.
    F16,
    /// bfloat16, f32 accumulation.
    Bf16,
    /// IEEE 754 binary32.
    F32,
}

impl ElementType {
    /// The name in a description.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::Int8 => "int8",
            ElementType::F16 => "f16",
            ElementType::Bf16 => "bf16",
            ElementType::F32 => "f32",
        }
    }

    /// Bytes of an element.
    pub fn bytes(self) -> u32 {
        match self {
            ElementType::Int8 => 1,
            ElementType::F16 | ElementType::Bf16 => 2,
            ElementType::F32 => 4,
        }
    }

    /// Whether it is a type of floating point.
    pub fn is_float(self) -> bool {
        self != ElementType::Int8
    }
}

/// The vector engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorUnit {
    /// Bytes of integer elements a beat.
    pub lanes: u32,
    /// Real numbers a beat (T-VECTOR-WIDTH): 0, which is no floating point, or a power of two to 16.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub float_lanes: u32,
    /// Cycles from the last beat to the commit (T-VECTOR).
    pub latency_cycles: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The computer around the chip, as far as its time counts (docs/fidelity.md, "The host").
///
/// The numbers of every preset are an assumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Host {
    /// Cycles of the chip's clock that pass whenever the host takes over.
    pub call_cycles: u32,
    /// Bytes that the host reads or writes in a cycle of the chip's clock.
    pub bytes_per_cycle: u32,
    /// Operations on scalars that it does in one.
    pub operations_per_cycle: u32,
}

impl Default for Host {
    fn default() -> Self {
        Self { call_cycles: 1000, bytes_per_cycle: 16, operations_per_cycle: 16 }
    }
}

impl Host {
    /// Cycles that the host takes to move so many bytes and do so many operations, both at once.
    pub fn cycles(&self, bytes: u64, operations: u64) -> u64 {
        let bytes = bytes.div_ceil(u64::from(self.bytes_per_cycle));
        bytes.max(operations.div_ceil(u64::from(self.operations_per_cycle)))
    }
}

/// The load engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadEngine {
    /// Bytes of a row that `move` takes in a cycle (T-MOVE).
    pub move_bytes_per_cycle: u32,
}

impl Machine {
    /// Loads the machine that `name_or_path` names: a preset, else a TOML file.
    ///
    /// # Errors
    /// [`ArchError::Unknown`] if it is neither, and what [`Machine::from_file`] returns.
    pub fn load(name_or_path: &str) -> Result<Machine, ArchError> {
        if presets::text(name_or_path).is_some() {
            return Machine::preset(name_or_path);
        }
        // A file may be called anything, so only a name that is no file at all is an unknown machine.
        if Path::new(name_or_path).exists() {
            return Machine::from_file(Path::new(name_or_path));
        }
        Err(unknown(name_or_path))
    }

    /// A machine that comes with the tools.
    ///
    /// # Errors
    /// [`ArchError::Unknown`], which lists the presets.
    pub fn preset(name: &str) -> Result<Machine, ArchError> {
        let text = presets::text(name).ok_or_else(|| unknown(name))?;
        Machine::from_toml(text, &format!("{name}.toml"))
    }

    /// The names of the presets, smallest first.
    pub fn presets() -> &'static [&'static str] {
        &presets::NAMES
    }

    /// Reads and checks a description.
    ///
    /// # Errors
    /// [`ArchError::Read`], [`ArchError::Syntax`] or [`ArchError::Invalid`], each naming the file.
    pub fn from_file(path: &Path) -> Result<Machine, ArchError> {
        let file = path.display().to_string();
        let text = ediacara_files::read_text(path)
            .map_err(|source| ArchError::Read { file: file.clone(), source })?;
        Machine::from_toml(&text, &file)
    }

    /// Parses and checks a description.
    ///
    /// Only messages use `file`.
    ///
    /// # Errors
    /// [`ArchError::Syntax`] or [`ArchError::Invalid`].
    pub fn from_toml(text: &str, file: &str) -> Result<Machine, ArchError> {
        let machine: Machine = toml::from_str(text)
            .map_err(|error| ArchError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        match machine.problems() {
            problems if problems.is_empty() => Ok(machine),
            problems => Err(ArchError::Invalid { file: file.to_owned(), problems }),
        }
    }

    /// Checks a machine that was changed in memory.
    ///
    /// # Errors
    /// [`ArchError::Invalid`] with every problem, under the machine's name.
    pub fn validate(&self) -> Result<(), ArchError> {
        match self.problems() {
            problems if problems.is_empty() => Ok(()),
            problems => Err(ArchError::Invalid { file: self.name.clone(), problems }),
        }
    }

    /// The description as TOML, which reads back as an equal machine.
    pub fn to_toml(&self) -> String {
        // Writing plain structs of strings and integers cannot fail.
        toml::to_string(self).unwrap_or_default()
    }

    /// Bytes of one row of WRAM, which the array consumes in one cycle.
    pub fn row_bytes(&self) -> u64 {
        u64::from(self.matrix.rows) * u64::from(self.matrix.columns)
    }

    /// The basis of the simulator's cycle counts on this machine (docs/fidelity.md).
    ///
    /// It is `rtl-verified-rules` where the hardware description covers such a machine: the simulator's rules
    /// are then held to it cycle by cycle. Otherwise it is `modelled`. Only a comparison of the program
    /// itself can say `rtl-verified`.
    pub fn timing_basis(&self) -> &'static str {
        match self.matrix.kind {
            MatrixKind::Dot => "rtl-verified-rules",
            MatrixKind::SystolicWs | MatrixKind::SystolicOs | MatrixKind::Scalar => "modelled",
        }
    }

    /// Rows that WRAM holds.
    pub fn wram_rows(&self) -> u64 {
        self.core.wram_bytes / self.row_bytes()
    }

    /// Accumulators that ARAM holds.
    pub fn aram_accumulators(&self) -> u64 {
        self.core.aram_bytes / 4
    }

    /// Requantise records that PRAM holds.
    pub fn pram_records(&self) -> u64 {
        self.core.pram_bytes / RECORD_BYTES
    }

    /// Multiply-accumulates of int8 of the whole chip in a cycle.
    pub fn peak_macs_per_cycle(&self) -> u64 {
        self.row_bytes() * u64::from(self.chip.clusters) * u64::from(self.chip.cores_per_cluster)
    }

    /// Instructions in one burst.
    pub fn instructions_per_burst(&self) -> u32 {
        self.dram.burst_bytes / 32
    }
}

fn unknown(name: &str) -> ArchError {
    ArchError::Unknown { name: name.to_owned(), presets: presets::NAMES.to_vec() }
}
