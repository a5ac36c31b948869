//! Doubts every allocation, in every compilation: whether two things that live at one time share an address, and whether each step
//! touches what belongs to its layer and nothing else.
//!
//! It asks nobody who chose a place. When something lives follows from the layers that read and write it, what a step touches from
//! the step itself; the rest is comparing ranges. Whether a step comes before another is the synchronise pass's business, and
//! whether it touches the right part of a tensor the prover's.

use std::collections::HashSet;
use std::ops::Range;

use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::check::declared::{Allocations, held_areas, reservation_of, tile_areas};
use crate::lower::lowering::Slot;
use crate::program::region::Region;
use crate::program::step::{Step, Work};
use crate::program::vector::Vector;

/// Sizes of the memories on chip, in their units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Bytes.
    pub nram: u64,
    /// Bytes.
    pub wram: u64,
    /// Accumulators.
    pub aram: u64,
    /// Records.
    pub pram: u64,
}

/// Something that is kept in NRAM over several layers.
#[derive(Debug)]
struct Life<'a> {
    what: &'a str,
    bytes: Range<u64>,
    /// The layers from the first that touches it to the last.
    layers: Range<usize>,
    writers: Vec<u32>,
    readers: Vec<u32>,
}

/// Checks what was allocated, and what the steps touch.
///
/// # Errors
/// [`CompileError::Allocation`] with the first thing that is wrong.
pub(crate) fn check(allocations: &Allocations, steps: &[Step], sizes: Sizes) -> Result<(), CompileError> {
    let fault = |problem| Err(CompileError::Allocation { problem });
    let lives = lives(allocations);
    if let Some(problem) = check_dram(allocations)
        .or_else(|| check_lives(allocations, &lives, sizes.nram))
        .or_else(|| check_slots(allocations, sizes))
        .or_else(|| check_held(allocations))
    {
        return fault(problem);
    }
    let checker = StepChecker::new(allocations, &lives);
    match steps.iter().find_map(|step| checker.problem(step)) {
        Some(problem) => fault(problem),
        None => Ok(()),
    }
}

fn lives<'a>(allocations: &'a Allocations) -> Vec<Life<'a>> {
    let live = |residence: &&crate::keep::residence::Residence| {
        let tensor = allocations.tensor_of(residence)?;
        let writers: Vec<_> = allocations.users(tensor, true).collect();
        let readers: Vec<_> = allocations.users(tensor, false).collect();
        let layers = || writers.iter().chain(&readers).map(|&layer| layer as usize);
        let layers = layers().min()?..layers().max()? + 1;
        let bytes = residence.start(0)..residence.start(0) + residence.bytes();
        Some(Life { what: &allocations.reservations[tensor].what, bytes, layers, writers, readers })
    };
    allocations.residences.iter().filter_map(live).collect()
}

fn meet<T: Ord>(left: &Range<T>, right: &Range<T>) -> bool {
    left.start < right.end && right.start < left.end
}

/// A range of addresses for people: the last one included.
fn told(memory: Memory, range: &Range<u64>) -> String {
    format!("{} {:#x} to {:#x}", memory.name(), range.start, range.end.saturating_sub(1))
}

/// Nothing in DRAM lies on anything else.
fn check_dram(allocations: &Allocations) -> Option<String> {
    let ends_before =
        |pair: &&[crate::place::dram::Reservation]| pair[0].start + pair[0].bytes <= pair[1].start;
    let pair = allocations.reservations.windows(2).find(|pair| !ends_before(pair))?;
    let range = |index: usize| pair[index].start..pair[index].start + pair[index].bytes;
    Some(format!(
        "{} at {} and {} at {} overlap",
        pair[0].what,
        told(Memory::Dram, &range(0)),
        pair[1].what,
        told(Memory::Dram, &range(1))
    ))
}

/// What is kept at one time lies apart, inside NRAM, and above the tiles of the layers.
fn check_lives(allocations: &Allocations, lives: &[Life], nram: u64) -> Option<String> {
    for (index, life) in lives.iter().enumerate() {
        let Life { what, bytes, layers, .. } = life;
        if bytes.end > nram {
            return Some(format!(
                "{what} is kept at {}, beyond the {nram:#x} bytes of NRAM",
                told(Memory::Nram, bytes)
            ));
        }
        let apart = |other: &&Life| !meet(layers, &other.layers) || !meet(bytes, &other.bytes);
        if let Some(other) = lives[..index].iter().find(|other| !apart(other)) {
            let (first, last) = (layers.start.max(other.layers.start), layers.end.min(other.layers.end) - 1);
            return Some(format!(
                "{what} is kept at {} and {} at {}: they overlap, and both live from layer {first} `{}` to layer {last} `{}`",
                told(Memory::Nram, bytes),
                other.what,
                told(Memory::Nram, &other.bytes),
                allocations.names[first],
                allocations.names[last]
            ));
        }
        let below = |&layer: &usize| allocations.tile_bytes[layer] <= bytes.start;
        if let Some(layer) = layers.clone().find(|layer| !below(layer)) {
            return Some(format!(
                "{what} is kept at {}, among the tiles of layer {layer} `{}`, which may reach to {:#x}",
                told(Memory::Nram, bytes),
                allocations.names[layer],
                allocations.tile_bytes[layer]
            ));
        }
    }
    None
}

/// The slots of a claim lie apart, in the memory that the layer was given.
fn check_slots(allocations: &Allocations, sizes: Sizes) -> Option<String> {
    let range = |slot: &Slot| slot.start..slot.start + slot.size;
    let tell = |slot: &Slot, what: String| {
        let (layer, name) = (slot.layer, allocations.names[slot.layer as usize]);
        format!("layer {layer} `{name}` has a tile at {}, {what}", told(slot.memory, &range(slot)))
    };
    for slots in allocations.slots.chunk_by(|left, right| left.claim == right.claim) {
        let mut sorted: Vec<&Slot> = slots.iter().filter(|slot| slot.size > 0).collect();
        sorted.sort_unstable_by_key(|slot| slot.start);
        let size = |slot: &Slot| match slot.memory {
            Memory::Wram => sizes.wram,
            Memory::Aram => sizes.aram,
            Memory::Pram => sizes.pram,
            Memory::Nram | Memory::Dram => allocations.tile_bytes[slot.layer as usize],
        };
        if let Some(slot) = sorted.iter().find(|slot| range(slot).end > size(slot)) {
            return Some(tell(slot, format!("beyond the {:#x} that it was given", size(slot))));
        }
        if let Some(pair) = sorted.windows(2).find(|pair| meet(&range(pair[0]), &range(pair[1]))) {
            return Some(tell(pair[0], format!("and another at {}", told(pair[1].memory, &range(pair[1])))));
        }
    }
    None
}

/// Constants that are held lie apart from everything that a layer uses between the first and the last that multiply by them.
fn check_held(allocations: &Allocations) -> Option<String> {
    let areas = held_areas(allocations.slots);
    let mut alive: Vec<Vec<usize>> = vec![Vec::new(); allocations.names.len()];
    for (index, area) in areas.iter().enumerate() {
        let (&first, &last) = (area.layers.first()?, area.layers.last()?);
        alive[first as usize..=last as usize].iter_mut().for_each(|list| list.push(index));
    }
    for slot in allocations.slots.iter().filter(|slot| slot.size > 0) {
        let range = slot.start..slot.start + slot.size;
        let mut here = alive[slot.layer as usize].iter().map(|&index| &areas[index]);
        let hit = here.find(|area| {
            area.memory == slot.memory && slot.held != Some(area.index) && meet(&area.area, &range)
        });
        if let Some(area) = hit {
            let name = |layer: u32| allocations.names[layer as usize];
            return Some(format!(
                "layer {} `{}` has a tile at {}, among the weights held at {} since layer `{}`",
                slot.layer,
                name(slot.layer),
                told(slot.memory, &range),
                told(slot.memory, &area.area),
                name(area.layers[0])
            ));
        }
    }
    None
}

/// What the steps of each layer may touch.
struct StepChecker<'a> {
    allocations: &'a Allocations<'a>,
    lives: &'a [Life<'a>],
    /// By layer, where its tiles are.
    areas: Vec<Vec<(Memory, Range<u64>)>>,
    /// By layer, the lives that it is in the middle of.
    live: Vec<Vec<usize>>,
    /// Layers that read a constant that an earlier one placed, with its address.
    reused: HashSet<(u32, u64)>,
}

impl<'a> StepChecker<'a> {
    fn new(allocations: &'a Allocations, lives: &'a [Life<'a>]) -> StepChecker<'a> {
        let mut live = vec![Vec::new(); allocations.names.len()];
        for (index, life) in lives.iter().enumerate() {
            live[life.layers.clone()].iter_mut().for_each(|list| list.push(index));
        }
        let areas = tile_areas(allocations.slots, live.len());
        StepChecker { allocations, lives, areas, live, reused: allocations.reused.iter().copied().collect() }
    }

    fn problem(&self, step: &Step) -> Option<String> {
        let access = step.access();
        let fill = matches!(step.work, Work::Vector(Vector { op: VectorOperation::Fill, .. }));
        let bad = |regions: &[Region], written: bool| {
            let allowed = |region: &&Region| match region.memory {
                Memory::Dram => self.is_own_in_dram(step.layer, region, written),
                _ => self.is_own_on_chip(step.layer, region, written, fill),
            };
            regions
                .iter()
                .find(|region| !allowed(region))
                .map(|region| self.tell(step.layer, region, written))
        };
        bad(&access.reads, false).or_else(|| bad(&access.writes, true))
    }

    /// Whether a region lies in a tensor that the layer reads or writes, or in its constants.
    fn is_own_in_dram(&self, layer: u32, region: &Region, written: bool) -> bool {
        let Some(tensor) = reservation_of(self.allocations.reservations, region.start) else { return false };
        let reservation = &self.allocations.reservations[tensor];
        let operands = &self.allocations.operands[layer as usize];
        region.end() <= reservation.start + reservation.bytes
            && (operands.iter().any(|operand| operand.tensor == tensor && operand.written == written)
                || !written
                    && (self.allocations.constants[layer as usize].contains(&tensor)
                        || self.reused.contains(&(layer, reservation.start))))
    }

    /// Whether a region lies among the layer's tiles, or in something kept that the layer may read or write. Padding is painted by
    /// the first layer that writes there.
    fn is_own_on_chip(&self, layer: u32, region: &Region, written: bool, fill: bool) -> bool {
        let span = region.start..region.end();
        let holds = |range: &Range<u64>| range.start <= span.start && span.end <= range.end;
        let areas = &self.areas[layer as usize];
        if areas.iter().any(|(memory, area)| *memory == region.memory && holds(area)) {
            return true;
        }
        region.memory == Memory::Nram
            && self.live[layer as usize].iter().map(|&index| &self.lives[index]).any(|life| {
                let writes = life.writers.contains(&layer);
                let paints = fill && life.writers.first() == Some(&layer);
                holds(&life.bytes)
                    && if written { writes || paints } else { writes || life.readers.contains(&layer) }
            })
    }

    fn tell(&self, layer: u32, region: &Region, written: bool) -> String {
        let span = region.start..region.end();
        let verb = if written { "writes" } else { "reads" };
        let name = self.allocations.names[layer as usize];
        let what = match region.memory {
            Memory::Dram => reservation_of(self.allocations.reservations, region.start)
                .map(|tensor| &self.allocations.reservations[tensor])
                .map(|found| (&*found.what, found.start..found.start + found.bytes)),
            Memory::Nram => {
                let live = self.live[layer as usize].iter().map(|&index| &self.lives[index]);
                live.clone().find(|life| meet(&life.bytes, &span)).map(|life| (life.what, life.bytes.clone()))
            }
            _ => None,
        };
        let own = match what {
            Some((what, bytes)) => format!("where {what} lies at {}", told(region.memory, &bytes)),
            None => "outside its tiles".to_owned(),
        };
        format!("layer {layer} `{name}` {verb} {}, {own}", told(region.memory, &span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::declared::Operand;
    use crate::keep::residence::{Frame, Residence};
    use crate::place::dram::Reservation;
    use crate::program::step::Transfer;
    use crate::program::view::View;
    use ediacara_isa::Extent;

    const SIZES: Sizes = Sizes { nram: 1000, wram: 100, aram: 100, pram: 100 };

    /// Three layers, `a` to `b` to `c`, with `b` and `c` kept at the addresses given, 100 bytes each, and read by the layer after.
    fn check_kept(addresses: [u64; 2], steps: &[Step]) -> Result<(), String> {
        let reserve = |(what, start): (&str, u64)| Reservation {
            what: what.to_owned(),
            start,
            bytes: 100,
            is_data: false,
        };
        let reservations: Vec<_> =
            ["a", "b", "c", "d"].into_iter().zip([0, 128, 256, 384]).map(reserve).collect();
        let frame = Frame { before: [0; 2], after: [0; 2], pad: 0 };
        let residence = |(home, address): (u64, u64)| {
            let mut residence = Residence::new(&View::dense(home, &[100]), &frame).unwrap();
            residence.address = address;
            residence
        };
        let residences: Vec<_> = [128, 256].into_iter().zip(addresses).map(residence).collect();
        let operand = |tensor: usize, written| {
            let (memory, start) = match tensor {
                1 | 2 => (Memory::Nram, addresses[tensor - 1]),
                _ => (Memory::Dram, reservations[tensor].start),
            };
            Operand { tensor, written, memory, extent: Extent::run(start, 100) }
        };
        let slots: Vec<_> = (0..3)
            .map(|layer| Slot { layer, memory: Memory::Nram, start: 0, size: 200, claim: layer, held: None })
            .collect();
        let allocations = Allocations {
            names: vec!["first", "second", "third"],
            reservations: &reservations,
            constants: vec![0..0; 3],
            operands: (0..3).map(|layer| vec![operand(layer, false), operand(layer + 1, true)]).collect(),
            residences: residences.iter().collect(),
            tile_bytes: vec![500; 3],
            reused: &[],
            slots: &slots,
        };
        check(&allocations, steps, SIZES).map_err(|error| error.to_string())
    }

    fn fill(layer: u32, d: u64, length: u64) -> Step {
        Step { work: Work::Vector(Vector::new(VectorOperation::Fill, d, length)), layer, tile: None }
    }

    fn fails(result: Result<(), String>, parts: &[&str]) {
        let error = result.unwrap_err();
        parts.iter().for_each(|part| assert!(error.contains(part), "`{part}` is not in: {error}"));
    }

    #[test]
    fn lives_of_one_time_lie_apart_below_nrams_end_and_above_the_tiles() {
        assert_eq!(check_kept([800, 900], &[]), Ok(()));
        assert_eq!(check_kept([500, 600], &[]), Ok(()));
        fails(
            check_kept([800, 899], &[]),
            &["c is kept at nram 0x383 to 0x3e6 and b at", "layer 1 `second`"],
        );
        fails(check_kept([600, 901], &[]), &["c is kept", "beyond the 0x3e8 bytes"]);
        fails(check_kept([499, 900], &[]), &["b is kept at nram 0x1f3", "the tiles of layer 0 `first`"]);
    }

    #[test]
    fn steps_keep_to_their_tiles_and_to_what_their_layers_are_declared_to_use() {
        let row = |dram, chip| Transfer::row(Memory::Nram, dram, chip, 100);
        let right = [
            Step { work: Work::Load(row(0, 0)), layer: 0, tile: None },
            fill(0, 800, 100),
            fill(1, 900, 100),
            fill(2, 100, 100),
            Step { work: Work::Store(row(384, 900)), layer: 2, tile: None },
        ];
        assert_eq!(check_kept([800, 900], &right), Ok(()));
        let wrong: [(Step, &[&str]); 6] = [
            (fill(2, 150, 51), &["layer 2 `third` writes nram 0x96 to 0xc8, outside its tiles"]),
            (fill(0, 800, 101), &["layer 0 `first` writes", "where b lies at nram 0x320 to 0x383"]),
            (fill(2, 900, 1), &["layer 2 `third` writes nram 0x384 to 0x384, where c lies"]),
            (
                Step { work: Work::Load(row(128, 0)), layer: 0, tile: None },
                &["`first` reads dram 0x80 to 0xe3, where b"],
            ),
            (
                Step { work: Work::Load(row(1, 0)), layer: 0, tile: None },
                &["`first` reads dram 0x1 to 0x64, where a"],
            ),
            (
                Step { work: Work::Store(row(384, 800)), layer: 2, tile: None },
                &["`third` reads nram 0x320 to 0x383, outside"],
            ),
        ];
        for (step, parts) in wrong {
            fails(check_kept([800, 900], &[step]), parts);
        }
    }

    #[test]
    fn nothing_in_dram_and_no_slot_of_a_claim_lies_on_another() {
        let reserve = |start| Reservation { what: "tensor".to_owned(), start, bytes: 100, is_data: true };
        let slot = |start, size| Slot { layer: 0, memory: Memory::Wram, start, size, claim: 0, held: None };
        let check = |starts: [u64; 2], slots: &[Slot]| {
            let reservations = starts.map(reserve);
            let allocations = Allocations {
                names: vec!["only"],
                reservations: &reservations,
                constants: vec![std::ops::Range::default()],
                operands: vec![Vec::new()],
                residences: Vec::new(),
                tile_bytes: vec![1000],
                reused: &[],
                slots,
            };
            check(&allocations, &[], SIZES).map_err(|error| error.to_string())
        };
        assert_eq!(check([0, 100], &[slot(0, 50), slot(50, 50)]), Ok(()));
        fails(check([0, 99], &[]), &["tensor at dram 0x0 to 0x63 and tensor at dram 0x63"]);
        fails(
            check([0, 100], &[slot(40, 50), slot(0, 50)]),
            &["`only` has a tile at wram 0x0 to 0x31, and another"],
        );
        fails(check([0, 100], &[slot(60, 50)]), &["beyond the 0x64 that it was given"]);
    }
}
