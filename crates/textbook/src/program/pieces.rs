//! The state of each piece of a buffer while a program runs: whether it has arrived, and which units are
//! using it.
//!
//! Between two `sync`s nothing orders instructions of different units. If one unit writes a piece there, no
//! other unit may read or write it until the next `sync`. One unit executes its instructions in order.

use super::statement::Program;

/// A unit's number, below 64.
pub(super) type UnitIndex = u32;

/// One piece in one memory.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    arrived: bool,
    /// The stretch between two `sync`s (from 1) of the last write, and the unit.
    written: (u64, UnitIndex),
    /// The stretch of the last reads, and a bit for each unit that read in it.
    read: (u64, u64),
}

/// All pieces of a buffer, for each core that has them.
#[derive(Debug, Clone, Default)]
struct Held {
    allocated: bool,
    pieces: Vec<Piece>,
}

/// All buffers of a program that runs.
pub(super) struct Holdings {
    buffers: Vec<Held>,
    stretch: u64,
}

impl Holdings {
    pub(super) fn new(program: &Program) -> Holdings {
        Holdings { buffers: vec![Held::default(); program.buffers.len()], stretch: 1 }
    }

    /// Everything that units are doing is done.
    pub(super) fn sync(&mut self) {
        self.stretch += 1;
    }

    /// Makes the buffer exist, empty, with `pieces` pieces over all cores.
    pub(super) fn allocate(&mut self, buffer: usize, pieces: usize) -> Result<(), &'static str> {
        let Some(held) = self.buffers.get_mut(buffer) else { return Ok(()) };
        if held.allocated {
            return Err("the buffer exists already: free it first, or declare it outside of the loop");
        }
        *held = Held { allocated: true, pieces: vec![Piece::default(); pieces] };
        Ok(())
    }

    /// Ends the buffer.
    pub(super) fn free(&mut self, buffer: usize) -> Result<(), &'static str> {
        let stretch = self.stretch;
        let Some(held) = self.buffers.get_mut(buffer) else { return Ok(()) };
        if !held.allocated {
            return Err("the buffer is free already");
        }
        if held.pieces.iter().any(|piece| piece.written.0 == stretch || piece.read.0 == stretch) {
            return Err("the buffer is still in use: a sync is missing before it is freed");
        }
        *held = Held::default();
        Ok(())
    }

    /// Lets the unit read a piece.
    pub(super) fn read(&mut self, buffer: usize, piece: usize, unit: UnitIndex) -> Result<(), &'static str> {
        let stretch = self.stretch;
        let piece = self.piece(buffer, piece)?;
        if !piece.arrived {
            return Err("nothing has arrived here yet");
        }
        if piece.written.0 == stretch && piece.written.1 != unit {
            return Err("this has not arrived for certain: a sync is missing after what writes it");
        }
        if piece.read.0 != stretch {
            piece.read = (stretch, 0);
        }
        piece.read.1 |= 1 << unit;
        Ok(())
    }

    /// Lets the unit write a piece.
    pub(super) fn write(&mut self, buffer: usize, piece: usize, unit: UnitIndex) -> Result<(), &'static str> {
        let stretch = self.stretch;
        let piece = self.piece(buffer, piece)?;
        if piece.written.0 == stretch && piece.written.1 != unit {
            return Err(
                "another unit may still be writing this: a sync is missing before it is written again",
            );
        }
        if piece.read.0 == stretch && piece.read.1 & !(1 << unit) != 0 {
            return Err("this may still be read: a sync is missing before it is overwritten");
        }
        piece.arrived = true;
        piece.written = (stretch, unit);
        Ok(())
    }

    fn piece(&mut self, buffer: usize, piece: usize) -> Result<&mut Piece, &'static str> {
        let held = self.buffers.get_mut(buffer).filter(|held| held.allocated);
        let held = held.ok_or("the buffer has been freed")?;
        held.pieces.get_mut(piece).ok_or("there is no such piece")
    }
}
