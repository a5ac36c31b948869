//! The program between lowering and emission: fully specified operations in plain program order.
//!
//! A [`Step`] is an instruction with every stride and constant in it, whatever configuration registers may
//! hold, and without semaphores. Lowerings write steps as if they ran one after the other;
//! [`synchronise`](crate::synchronise) and the emit pass turn them into what the machine runs.

use std::fmt;

use ediacara_isa::{ElementType, Memory};

use crate::program::region::{Access, Dimension, Region};
use crate::program::vector::Vector;

/// The engine that runs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// DRAM to chip.
    Load,
    /// Inner products.
    Matrix,
    /// Everything between accumulators and activations.
    Vector,
    /// Chip to DRAM.
    Store,
}

impl Engine {
    /// All, in the order of their indices.
    pub const ALL: [Engine; 4] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

    /// Position in [`Engine::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Lower-case name.
    pub fn name(self) -> &'static str {
        ["load", "matrix", "vector", "store"][self.index()]
    }
}

/// A `load`, a `store` or, between memories on chip, a `move`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The memory on chip; of a `move`, the one that is written.
    pub memory: Memory,
    /// Byte address in DRAM; of a `move`, in NRAM.
    pub dram: u64,
    /// Address on chip: bytes, records for PRAM.
    pub chip: u64,
    /// Bytes of a row.
    pub length: u64,
    /// Rows along dimensions 1 to 3.
    pub counts: [u64; 3],
    /// Bytes between rows there.
    pub dram_strides: [u64; 3],
    /// Units between rows on chip.
    pub chip_strides: [u64; 3],
    /// What a binding adds to the address in DRAM, of a store.
    pub moved: Option<Moved>,
}

/// An address that moves with bindings: the number in a register times a stride is added, once or twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The scalar registers that hold the numbers, and bytes for each one of them. Register 0 holds 0.
    pub terms: [(u8, u64); 2],
    /// The most that is added.
    pub most: u64,
}

impl Transfer {
    /// One row.
    pub fn row(memory: Memory, dram: u64, chip: u64, length: u64) -> Transfer {
        Transfer {
            memory,
            dram,
            chip,
            length,
            counts: [1; 3],
            dram_strides: [0; 3],
            chip_strides: [0; 3],
            moved: None,
        }
    }

    fn dimensions(&self, strides: [u64; 3]) -> [Dimension; 3] {
        [0, 1, 2].map(|i| Dimension { stride: strides[i], count: self.counts[i] })
    }

    fn outer_region(&self, memory: Memory) -> Region {
        if let Some(Moved { most, .. }) = self.moved {
            // Wherever it is moved to: all that it may touch, and what lies between.
            let rows = self.counts.iter().zip(&self.dram_strides);
            let reach = rows.map(|(count, stride)| (count - 1) * stride).sum::<u64>();
            return Region::run(memory, self.dram, self.length + reach + most);
        }
        Region::strided(memory, self.dram, self.length, &self.dimensions(self.dram_strides))
    }

    fn chip_region(&self) -> Region {
        let units = self.length / self.memory.unit_bytes();
        Region::strided(self.memory, self.chip, units, &self.dimensions(self.chip_strides))
    }
}

/// A `dot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    /// The type of x and w: a `float_dot` multiplies real numbers.
    pub element: ElementType,
    /// NRAM address of the first pixel's window.
    pub x: u64,
    /// WRAM byte address.
    pub w: u64,
    /// ARAM address.
    pub acc: u64,
    /// Output pixels across and down.
    pub pixels: [u64; 2],
    /// Blocks of output columns.
    pub blocks: u64,
    /// Whether it adds to what ARAM holds.
    pub accumulate: bool,
    /// NRAM bytes between pixels across and down.
    pub x_strides: [u64; 2],
    /// Contiguous bytes of the reduction.
    pub stretch: u64,
    /// Stretches across and down.
    pub window_counts: [u64; 2],
    /// NRAM bytes between them.
    pub window_strides: [u64; 2],
    /// WRAM rows between blocks.
    pub w_block_stride: u64,
    /// Accumulators between pixels.
    pub acc_stride_pixel: u64,
    /// Accumulators between blocks.
    pub acc_stride_block: u64,
    /// Zero point of x.
    pub x_zero: i8,
    /// Zero point of w.
    pub w_zero: i8,
    /// Bytes of a WRAM row (the machine's), for the region read.
    pub row_bytes: u64,
    /// Lanes of the reduction (the machine's).
    pub rows: u64,
    /// Output columns of a block (the machine's).
    pub columns: u64,
}

impl Dot {
    /// WRAM rows that one block reads: steps of one output pixel.
    pub fn steps(&self) -> u64 {
        self.window_counts[0] * self.window_counts[1] * self.stretch.div_ceil(self.rows)
    }

    fn x_region(&self) -> Region {
        let across = (self.pixels[0] - 1) * self.x_strides[0]
            + (self.window_counts[0] - 1) * self.window_strides[0]
            + self.stretch;
        let down =
            (self.pixels[1] - 1) * self.x_strides[1] + (self.window_counts[1] - 1) * self.window_strides[1];
        Region::run(Memory::Nram, self.x, across + down)
    }

    fn w_region(&self) -> Region {
        let rows = (self.blocks - 1) * self.w_block_stride + self.steps();
        Region::run(Memory::Wram, self.w, rows * self.row_bytes)
    }

    fn acc_region(&self) -> Region {
        let pixels = self.pixels[0] * self.pixels[1];
        let span =
            (pixels - 1) * self.acc_stride_pixel + (self.blocks - 1) * self.acc_stride_block + self.columns;
        Region::run(Memory::Aram, self.acc, span)
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Work {
    /// DRAM to chip.
    Load(Transfer),
    /// NRAM to DRAM.
    Store(Transfer),
    /// NRAM to WRAM.
    Move(Transfer),
    /// Inner products.
    Dot(Dot),
    /// A vector operation.
    Vector(Vector),
}

/// One operation of one engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What it does.
    pub work: Work,
    /// Index of the layer it belongs to.
    pub layer: u32,
    /// Which of the layer's tiles it is for; nothing if it is for the layer as a whole.
    pub tile: Option<u32>,
}

impl Step {
    /// The engine that runs it.
    pub fn engine(&self) -> Engine {
        match self.work {
            Work::Load(_) | Work::Move(_) => Engine::Load,
            Work::Store(_) => Engine::Store,
            Work::Dot(_) => Engine::Matrix,
            Work::Vector(_) => Engine::Vector,
        }
    }

    /// What it reads and writes. The vector engine's table is private to that engine and needs no ordering.
    pub fn access(&self) -> Access {
        let mut access = Access::default();
        match &self.work {
            Work::Load(transfer) => {
                access.reads.push(transfer.outer_region(Memory::Dram));
                access.writes.push(transfer.chip_region());
            }
            Work::Store(transfer) => {
                access.reads.push(transfer.chip_region());
                access.writes.push(transfer.outer_region(Memory::Dram));
            }
            Work::Move(transfer) => {
                access.reads.push(transfer.outer_region(Memory::Nram));
                access.writes.push(transfer.chip_region());
            }
            Work::Dot(dot) => {
                access.reads.extend([dot.x_region(), dot.w_region()]);
                if dot.accumulate {
                    access.reads.push(dot.acc_region());
                }
                access.writes.push(dot.acc_region());
            }
            Work::Vector(vector) => access = vector.access(),
        }
        access
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.work {
            Work::Load(_) => "load",
            Work::Store(_) => "store",
            Work::Move(_) => "move",
            Work::Dot(dot) => match (dot.element, dot.accumulate) {
                (ElementType::I8, true) => "dot+",
                (ElementType::I8, false) => "dot",
                (_, true) => "float_dot+",
                (_, false) => "float_dot",
            },
            Work::Vector(vector) => vector.op.name(),
        };
        let access = self.access();
        write!(f, "{:<6} {name:<12} layer {:<3}", self.engine().name(), self.layer)?;
        for region in &access.reads {
            write!(f, " {region}")?;
        }
        f.write_str(" ->")?;
        for region in &access.writes {
            write!(f, " {region}")?;
        }
        match &self.work {
            Work::Dot(dot) => write!(
                f,
                "  pixels {}x{} blocks {} stretch {} window {}x{}",
                dot.pixels[1],
                dot.pixels[0],
                dot.blocks,
                dot.stretch,
                dot.window_counts[1],
                dot.window_counts[0]
            ),
            Work::Vector(vector) => {
                write!(f, "  rows {}x{} of {}", vector.counts[1], vector.counts[0], vector.length)
            }
            _ => Ok(()),
        }
    }
}
