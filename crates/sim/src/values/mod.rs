//! What instructions compute.
//!
//! An instruction is executed as a whole when it starts. In a program without races nobody can tell: whoever
//! depends on it starts after its commit, and whoever it depends on has committed.

mod float;
mod vector;

use ediacara_isa::Memory;
use ediacara_kernels::int8::{Accumulation, ArrayScratch, array_dot};
use ediacara_kernels::ordered::{self, OrderedScratch};

use crate::memory::{ClusterMemories, Memories, Paged};
use crate::work::{Dot, Rows, Work};

/// Buffers that live as long as the simulator, so that the run allocates nothing.
#[derive(Default)]
pub(crate) struct Scratch {
    dot: ArrayScratch,
    float_dot: OrderedScratch,
    vector: vector::Scratch,
    bytes: Vec<i8>,
}

/// Executes `work` of the core that has these memories.
pub(crate) fn execute(
    work: &Work,
    memories: &mut Memories,
    cluster: &mut ClusterMemories,
    scratch: &mut Scratch,
) {
    match work {
        Work::Load(memory, transfer) => {
            load(*memory, transfer, memories, &cluster.dram, &mut scratch.bytes);
        }
        Work::Move(transfer, _) => {
            let length = transfer.length as usize;
            for (source, destination) in transfer.addresses() {
                let (source, destination) = (source as usize, destination as usize);
                let source = &memories.nram[source..source + length];
                memories.wram[destination..destination + length].copy_from_slice(source);
            }
        }
        Work::Store(transfer) => {
            let length = transfer.length as usize;
            for (source, destination) in transfer.addresses() {
                let source = source as usize;
                cluster.dram.write(destination, &memories.nram[source..source + length]);
            }
        }
        Work::Dot(dot) => multiply(dot, memories, scratch),
        Work::Vector(vector) => vector::execute(vector, memories, &mut scratch.vector),
    }
}

fn load(memory: Memory, transfer: &Rows, memories: &mut Memories, dram: &Paged<i8>, bytes: &mut Vec<i8>) {
    let length = transfer.length as usize;
    for (source, destination) in transfer.addresses() {
        match memory {
            Memory::Nram => {
                let destination = destination as usize;
                dram.read(source, &mut memories.nram[destination..destination + length]);
            }
            Memory::Wram => {
                let destination = destination as usize;
                dram.read(source, &mut memories.wram[destination..destination + length]);
            }
            Memory::Pram | Memory::Aram | Memory::Dram => {
                debug_assert!(length.is_multiple_of(memory.unit_bytes() as usize), "a broken record");
                bytes.clear();
                bytes.resize(length, 0);
                dram.read(source, bytes);
                memories.write(memory, destination, bytes);
            }
        }
    }
}

/// N-DOT or N-FLOAT-DOT
fn multiply(dot: &Dot, memories: &mut Memories, scratch: &mut Scratch) {
    let accumulation = if dot.accumulate { Accumulation::Accumulate } else { Accumulation::Overwrite };
    let (Memories { nram, wram, aram, .. }, array) = (memories, &dot.array);
    let result = match dot.stored {
        None => array_dot(array, accumulation, nram, wram, aram, &mut scratch.dot),
        Some(stored) => {
            ordered::array_dot(array, stored, accumulation, nram, wram, aram, &mut scratch.float_dot)
        }
    };
    assert!(result.is_ok(), "every address was checked at issue: {result:?}");
}
