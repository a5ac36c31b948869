//! What every instruction reads and writes.

use std::ops::Range;

use ediacara_isa::{Engine, Memory, VectorOperation, VectorShape};

use super::Checked;
use super::shadow::{Conflict, Other};
use crate::outcome::FaultKind;
use crate::resolve::Refusal;
use crate::work::{Clock, Dot, Rows, Vector, Work};

impl Checked {
    /// Checks and remembers every access of `work`.
    pub(super) fn access(&mut self, engine: Engine, work: &Work, clock: &Clock) -> Result<(), Refusal> {
        match work {
            Work::Load(memory, rows) => self.load(*memory, rows, clock),
            Work::Move(rows, _) => {
                let length = rows.length as usize;
                for (source, destination) in rows.addresses() {
                    let (source, destination) = (source as usize, destination as usize);
                    self.read(Memory::Nram, engine, "source", source..source + length, clock)?;
                    self.write(
                        Memory::Wram,
                        engine,
                        "destination",
                        destination..destination + length,
                        clock,
                    )?;
                }
                Ok(())
            }
            Work::Store(rows) => {
                for (source, destination) in rows.addresses() {
                    let source = source as usize;
                    self.read(Memory::Nram, engine, "source", source..source + rows.length as usize, clock)?;
                    self.write_dram_row(destination, rows.length as usize, clock)?;
                }
                Ok(())
            }
            Work::Dot(dot) => self.dot(dot, clock),
            Work::Vector(vector) => self.vector(vector, clock),
        }
    }

    fn read(
        &mut self,
        memory: Memory,
        engine: Engine,
        operand: &'static str,
        range: Range<usize>,
        clock: &Clock,
    ) -> Result<(), Refusal> {
        let result = self.shadow(memory).read(engine, range.clone(), clock);
        result.map_err(|conflict| self.refusal(memory, operand, range, conflict))
    }

    fn write(
        &mut self,
        memory: Memory,
        engine: Engine,
        operand: &'static str,
        range: Range<usize>,
        clock: &Clock,
    ) -> Result<(), Refusal> {
        let result = self.shadow(memory).write(engine, range.clone(), clock);
        result.map_err(|conflict| self.refusal(memory, operand, range, conflict))
    }

    fn shadow(&mut self, memory: Memory) -> &mut super::Shadow {
        match memory {
            // DRAM has marks of another kind: nobody asks for it here.
            Memory::Nram | Memory::Dram => &mut self.nram,
            Memory::Wram => &mut self.wram,
            Memory::Aram => &mut self.aram,
            Memory::Pram => &mut self.pram,
        }
    }

    fn refusal(&mut self, memory: Memory, operand: &str, range: Range<usize>, conflict: Conflict) -> Refusal {
        let element = self.shadow(memory).element;
        match conflict {
            Conflict::Uninitialised(at) => Self::uninitialised(operand, &format!("{element} {at:#x}")),
            Conflict::Race(at, other) => {
                let there = self.shadow(memory).around(at, other);
                let wide = |range: Range<usize>| range.start as u64..range.end as u64;
                self.race(operand, (element, at as u64), other, [range, there].map(wide))
            }
        }
    }

    fn load(&mut self, memory: Memory, rows: &Rows, clock: &Clock) -> Result<(), Refusal> {
        let (length, unit) = (rows.length as usize, memory.unit_bytes() as usize);
        for (source, destination) in rows.addresses() {
            self.read_dram_row(source, length, clock)?;
            let destination = destination as usize;
            let range = destination / unit..(destination + length) / unit;
            self.write(memory, Engine::Load, "destination", range, clock)?;
        }
        Ok(())
    }

    fn read_dram_row(&mut self, address: u64, length: usize, clock: &Clock) -> Result<(), Refusal> {
        if let Some(at) = self.dram.written.find(address, length, |written| written == 0) {
            return Err(Self::uninitialised("source", &format!("DRAM byte {:#x}", address + at as u64)));
        }
        let (known, row) = (clock[Engine::Store as usize], address..address + length as u64);
        if let Some(at) = self.dram.stores.find(address, length, |number| number > known) {
            let address = address + at as u64;
            let other = Other { engine: Engine::Store, number: self.dram.stores.get(address), wrote: true };
            return Err(self.dram_race("source", address, row, other));
        }
        self.dram.loads.fill(address, length, clock[Engine::Load as usize]);
        Ok(())
    }

    fn write_dram_row(&mut self, address: u64, length: usize, clock: &Clock) -> Result<(), Refusal> {
        let (known, row) = (clock[Engine::Load as usize], address..address + length as u64);
        if let Some(at) = self.dram.loads.find(address, length, |number| number > known) {
            let address = address + at as u64;
            let other = Other { engine: Engine::Load, number: self.dram.loads.get(address), wrote: false };
            return Err(self.dram_race("destination", address, row, other));
        }
        self.dram.written.fill(address, length, 1);
        self.dram.stores.fill(address, length, clock[Engine::Store as usize]);
        Ok(())
    }

    fn dram_race(&mut self, operand: &str, at: u64, row: Range<u64>, other: Other) -> Refusal {
        let numbers = if other.wrote { &self.dram.stores } else { &self.dram.loads };
        let same = |address: u64| numbers.get(address) == other.number;
        let first = (0..at).rev().take_while(|&address| same(address)).last().unwrap_or(at);
        let last = (at..self.dram_bytes).take_while(|&address| same(address)).last().unwrap_or(at);
        self.race(operand, ("DRAM byte", at), other, [row, first..last + 1])
    }

    fn dot(&mut self, dot: &Dot, clock: &Clock) -> Result<(), Refusal> {
        const MATRIX: Engine = Engine::Matrix;
        let array = &dot.array;
        for py in 0..array.pixels[1] {
            for px in 0..array.pixels[0] {
                let base = array.x + py * array.x_strides[1] + px * array.x_strides[0];
                for wy in 0..array.window_counts[1] {
                    for wx in 0..array.window_counts[0] {
                        let at = base + wy * array.window_strides[1] + wx * array.window_strides[0];
                        self.read(Memory::Nram, MATRIX, "x", at..at + array.stretch, clock)?;
                    }
                }
            }
        }
        let row_bytes = array.rows * array.columns;
        let rows = array.window_counts[0] * array.window_counts[1] * dot.steps;
        for block in 0..array.blocks {
            let first = array.w_row + block * array.w_block_stride;
            self.read(Memory::Wram, MATRIX, "w", first * row_bytes..(first + rows) * row_bytes, clock)?;
            for pixel in 0..array.pixels[0] * array.pixels[1] {
                let at = array.acc + pixel * array.acc_stride_pixel + block * array.acc_stride_block;
                let range = at..at + array.columns;
                if dot.accumulate {
                    self.read(Memory::Aram, MATRIX, "acc", range.clone(), clock)?;
                }
                self.write(Memory::Aram, MATRIX, "acc", range, clock)?;
            }
        }
        Ok(())
    }

    fn vector(&mut self, v: &Vector, clock: &Clock) -> Result<(), Refusal> {
        const VECTOR: Engine = Engine::Vector;
        if let Some(detail) = self.overlap.find(v) {
            return Err(Refusal { kind: FaultKind::Race, detail });
        }
        if v.rule.shape == VectorShape::Table {
            self.read(Memory::Nram, VECTOR, "a", v.a.base..v.a.base + v.length, clock)?;
            self.has_table = true;
            return Ok(());
        }
        if v.operation == VectorOperation::Table && !self.has_table {
            return Err(Self::uninitialised("a", "the table"));
        }
        if v.rule.p.is_some() {
            self.read(Memory::Pram, VECTOR, "p", v.p..v.p + v.length, clock)?;
        }
        for i2 in 0..v.counts[1] {
            for i1 in 0..v.counts[0] {
                self.vector_row(v, i1, i2, clock)?;
            }
        }
        Ok(())
    }

    fn vector_row(&mut self, v: &Vector, i1: usize, i2: usize, clock: &Clock) -> Result<(), Refusal> {
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
                    self.read(memory, VECTOR, "a", at..at + v.a_units(), clock)?;
                }
                if let Some(memory) = rule.b {
                    let at = b + (w2 * positions[0] + w1) * v.b_window_stride;
                    self.read(memory, VECTOR, "b", at..at + v.b_units(), clock)?;
                }
            }
        }
        if rule.shape == VectorShape::Transpose {
            let d = v.d.base + i2 * v.d.strides[1] + i1 * v.units.d;
            for j in 0..v.length {
                let at = d + j * v.d.strides[0];
                self.write(Memory::Nram, VECTOR, "d", at..at + v.units.d, clock)?;
            }
            return Ok(());
        }
        let d = v.d.row(i1, i2);
        if rule.reads_d {
            self.read(Memory::Nram, VECTOR, "d", d..d + v.d_units(), clock)?;
        }
        self.write(Memory::Nram, VECTOR, "d", d..d + v.d_units(), clock)
    }
}
