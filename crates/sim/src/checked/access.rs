//! What every instruction reads and writes.

use std::ops::Range;

use ediacara_isa::{Engine, Memory, VectorOperation, VectorShape};

use super::shadow::{Conflict, Other, Shadow};
use super::{Access, uninitialised};
use crate::outcome::FaultKind;
use crate::resolve::Refusal;
use crate::work::{Dot, ENGINES, Rows, Vector, Work};

impl<'a> Access<'a> {
    /// Checks and remembers every access of `work`.
    pub(super) fn access(&mut self, engine: Engine, work: &Work) -> Result<(), Refusal> {
        match work {
            Work::Load(memory, rows) => self.load(*memory, rows),
            Work::Move(rows, _) => {
                let length = rows.length as usize;
                for (source, destination) in rows.addresses() {
                    let (source, destination) = (source as usize, destination as usize);
                    self.read(Memory::Nram, engine, "source", source..source + length)?;
                    self.write(Memory::Wram, engine, "destination", destination..destination + length)?;
                }
                Ok(())
            }
            Work::Store(rows) => {
                for (source, destination) in rows.addresses() {
                    let source = source as usize;
                    self.read(Memory::Nram, engine, "source", source..source + rows.length as usize)?;
                    self.write_dram_row(destination, rows.length as usize)?;
                }
                Ok(())
            }
            Work::Dot(dot) => self.dot(dot),
            Work::Vector(vector) => self.vector(vector),
        }
    }

    fn read(
        &mut self,
        memory: Memory,
        engine: Engine,
        operand: &'static str,
        range: Range<usize>,
    ) -> Result<(), Refusal> {
        let clock = self.own_clock();
        let result = self.shadow(memory).read(engine, range.clone(), clock);
        result.map_err(|conflict| self.refusal(memory, operand, range, conflict))
    }

    fn write(
        &mut self,
        memory: Memory,
        engine: Engine,
        operand: &'static str,
        range: Range<usize>,
    ) -> Result<(), Refusal> {
        let clock = self.own_clock();
        let result = self.shadow(memory).write(engine, range.clone(), clock);
        result.map_err(|conflict| self.refusal(memory, operand, range, conflict))
    }

    /// The part of the clock that is about the engines of the core.
    fn own_clock(&self) -> &'a [u32] {
        &self.clock[self.core * ENGINES..][..ENGINES]
    }

    fn shadow(&mut self, memory: Memory) -> &mut Shadow {
        match memory {
            // DRAM has a shadow of another kind: nobody asks for it here.
            Memory::Nram | Memory::Dram => &mut self.chip.nram,
            Memory::Wram => &mut self.chip.wram,
            Memory::Aram => &mut self.chip.aram,
            Memory::Pram => &mut self.chip.pram,
        }
    }

    fn refusal(&mut self, memory: Memory, operand: &str, range: Range<usize>, conflict: Conflict) -> Refusal {
        let shadow = self.shadow(memory);
        let element = shadow.element;
        match conflict {
            Conflict::Uninitialised(at) => uninitialised(operand, &format!("{element} {at:#x}")),
            Conflict::Race(at, other) => {
                let there = shadow.around(at, other);
                let here = range.start as u64..range.end as u64;
                self.race(operand, (element, at), other, [here, there])
            }
        }
    }

    fn load(&mut self, memory: Memory, rows: &Rows) -> Result<(), Refusal> {
        let (length, unit) = (rows.length as usize, memory.unit_bytes() as usize);
        for (source, destination) in rows.addresses() {
            let result = self.dram.read((self.core, Engine::Load), source, length, self.clock);
            result.map_err(|conflict| self.dram_refusal("source", source, length, conflict))?;
            let destination = destination as usize;
            let range = destination / unit..(destination + length) / unit;
            self.write(memory, Engine::Load, "destination", range)?;
        }
        Ok(())
    }

    fn write_dram_row(&mut self, address: u64, length: usize) -> Result<(), Refusal> {
        let result = self.dram.write((self.core, Engine::Store), address, length, self.clock);
        result.map_err(|conflict| self.dram_refusal("destination", address, length, conflict))
    }

    fn dram_refusal(&mut self, operand: &str, address: u64, length: usize, conflict: Conflict) -> Refusal {
        let element = self.dram.element;
        match conflict {
            Conflict::Uninitialised(at) => uninitialised(operand, &format!("{element} {at:#x}")),
            Conflict::Race(at, other) => {
                let there = self.dram.around(at, other);
                self.race(operand, (element, at), other, [address..address + length as u64, there])
            }
        }
    }

    /// The refusal of a race.
    ///
    /// `here` and `there` are what the two instructions touch around the element.
    fn race(
        &mut self,
        operand: &str,
        (unit, at): (&str, u64),
        other: Other,
        [here, there]: [Range<u64>; 2],
    ) -> Refusal {
        let history = &self.history[other.core * ENGINES + other.engine as usize];
        let instruction = history.get(other.number as usize - 1).copied().unwrap_or_default();
        *self.other = Some((other.core, instruction));
        let done = if other.wrote { "written" } else { "read" };
        let of_core =
            if other.core == self.core { String::new() } else { format!(" of core {}", other.core) };
        let detail = format!(
            "{operand}: {unit} {at:#x} was {done} by instruction {instruction} of the {} engine{of_core}, without an order between the two; it touches {:#x}..={:#x}, the other {:#x}..={:#x}",
            other.engine,
            here.start,
            here.end - 1,
            there.start,
            there.end - 1
        );
        Refusal { kind: FaultKind::Race, detail }
    }

    fn dot(&mut self, dot: &Dot) -> Result<(), Refusal> {
        const MATRIX: Engine = Engine::Matrix;
        let array = &dot.array;
        for py in 0..array.pixels[1] {
            for px in 0..array.pixels[0] {
                let base = array.x + py * array.x_strides[1] + px * array.x_strides[0];
                for wy in 0..array.window_counts[1] {
                    for wx in 0..array.window_counts[0] {
                        let at = base + wy * array.window_strides[1] + wx * array.window_strides[0];
                        self.read(Memory::Nram, MATRIX, "x", at..at + array.stretch)?;
                    }
                }
            }
        }
        let row_bytes = array.rows * array.columns;
        let rows = array.window_counts[0] * array.window_counts[1] * dot.steps;
        for block in 0..array.blocks {
            let first = array.w_row + block * array.w_block_stride;
            self.read(Memory::Wram, MATRIX, "w", first * row_bytes..(first + rows) * row_bytes)?;
            for pixel in 0..array.pixels[0] * array.pixels[1] {
                let at = array.acc + pixel * array.acc_stride_pixel + block * array.acc_stride_block;
                let range = at..at + array.columns;
                if dot.accumulate {
                    self.read(Memory::Aram, MATRIX, "acc", range.clone())?;
                }
                self.write(Memory::Aram, MATRIX, "acc", range)?;
            }
        }
        Ok(())
    }

    fn vector(&mut self, v: &Vector) -> Result<(), Refusal> {
        const VECTOR: Engine = Engine::Vector;
        if let Some(detail) = self.chip.overlap.find(v) {
            return Err(Refusal { kind: FaultKind::Race, detail });
        }
        if v.rule.shape == VectorShape::Table {
            self.read(Memory::Nram, VECTOR, "a", v.a.base..v.a.base + v.length)?;
            self.chip.has_table = true;
            return Ok(());
        }
        if v.operation == VectorOperation::Table && !self.chip.has_table {
            return Err(uninitialised("a", "the table"));
        }
        if v.rule.p.is_some() {
            self.read(Memory::Pram, VECTOR, "p", v.p..v.p + v.length)?;
        }
        for i2 in 0..v.counts[1] {
            for i1 in 0..v.counts[0] {
                self.vector_row(v, i1, i2)?;
            }
        }
        Ok(())
    }

    fn vector_row(&mut self, v: &Vector, i1: usize, i2: usize) -> Result<(), Refusal> {
        const VECTOR: Engine = Engine::Vector;
        let rule = &v.rule;
        let positions = match rule.shape {
            VectorShape::Window => v.window_counts,
            VectorShape::Rows | VectorShape::RowReduction | VectorShape::Transpose | VectorShape::Table => {
                [1, 1]
            }
        };
        let b = match rule.shape {
            VectorShape::Window if !rule.b_moves => v.b.base,
            _ => v.b.row(i1, i2),
        };
        for w2 in 0..positions[1] {
            for w1 in 0..positions[0] {
                if let Some(memory) = rule.a {
                    let at = v.a.row(i1, i2) + w2 * v.window_strides[1] + w1 * v.window_strides[0];
                    self.read(memory, VECTOR, "a", at..at + v.a_units())?;
                }
                if let Some(memory) = rule.b {
                    let at = b + (w2 * positions[0] + w1) * v.b_window_stride;
                    self.read(memory, VECTOR, "b", at..at + v.b_units())?;
                }
            }
        }
        if rule.shape == VectorShape::Transpose {
            let d = v.d.base + i2 * v.d.strides[1] + i1 * v.units.d;
            for j in 0..v.length {
                let at = d + j * v.d.strides[0];
                self.write(Memory::Nram, VECTOR, "d", at..at + v.units.d)?;
            }
            return Ok(());
        }
        let d = v.d.row(i1, i2);
        if rule.reads_d {
            self.read(Memory::Nram, VECTOR, "d", d..d + v.d_units())?;
        }
        self.write(Memory::Nram, VECTOR, "d", d..d + v.d_units())
    }
}
