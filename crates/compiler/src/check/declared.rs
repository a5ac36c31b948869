//! What lies where when all layers are lowered, gathered for those who doubt it: [`check`](crate::check::disjoint::check), in every
//! compilation, and the prover, to which [`Allocations::declare`] says which values there are.
//!
//! A tensor is told from others by its place in DRAM, which nobody shares, even where it is kept in NRAM and never has a byte
//! there. So what layers read and write is noted before the keep pass moves it, and where it lies afterwards.

use std::collections::HashMap;
use std::ops::Range;

use ediacara_isa::{Extent, Memory, Party, Port, Value};

use crate::keep::operands::{self, Place};
use crate::keep::residence::Residence;
use crate::lower::lowering::Slot;
use crate::place::dram::Reservation;
use crate::program::layer::Layer;

/// A tensor that a layer reads or writes, and where.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// Index of the reservation in DRAM that it is a part of.
    pub tensor: usize,
    /// Whether the layer writes it.
    pub written: bool,
    /// The memory in which it lies.
    pub memory: Memory,
    /// Where in that memory.
    pub extent: Extent,
}

/// The reservations that each layer's operands are parts of, in the order in which the layer names its operands. Asked before
/// anything is moved to NRAM.
pub(crate) fn tensors(layers: &mut [Layer], reservations: &[Reservation]) -> Vec<Vec<usize>> {
    let mut tensors = Vec::with_capacity(layers.len());
    for layer in layers {
        let mut list = Vec::new();
        operands::visit(&mut layer.kind, &mut |operand| {
            let base = match operand.place {
                Place::Image(image) => image.base,
                Place::View(view) => view.base,
            };
            list.push(reservation_of(reservations, base).unwrap_or(usize::MAX));
        });
        tensors.push(list);
    }
    tensors
}

/// The reservation that a DRAM address belongs to; reservations lie in the order of addresses.
pub(crate) fn reservation_of(reservations: &[Reservation], address: u64) -> Option<usize> {
    reservations.partition_point(|reservation| reservation.start <= address).checked_sub(1)
}

/// The operands of all layers where they lie at last; `tensors` is what [`tensors`] found.
pub(crate) fn operands(layers: &mut [Layer], tensors: &[Vec<usize>]) -> Vec<Vec<Operand>> {
    let mut all = Vec::with_capacity(layers.len());
    for (layer, tensors) in layers.iter_mut().zip(tensors) {
        let mut list = Vec::with_capacity(tensors.len());
        operands::visit(&mut layer.kind, &mut |operand| {
            let (memory, extent) = match &operand.place {
                Place::Image(image) => {
                    let axes = [
                        (image.batch, image.batch_stride),
                        (image.height, image.row_stride),
                        (image.width, image.pixel_stride),
                        (image.channels, 1),
                    ];
                    (image.memory, Extent::strided(image.base, &axes))
                }
                Place::View(view) => {
                    let view = view.of_bytes();
                    let axes: Vec<_> = view.shape.iter().copied().zip(view.strides.iter().copied()).collect();
                    (view.memory, Extent::strided(view.base, &axes))
                }
            };
            let tensor = tensors.get(list.len()).copied().unwrap_or(usize::MAX);
            list.push(Operand { tensor, written: operand.written, memory, extent });
        });
        all.push(list);
    }
    all
}

/// All that is allocated.
pub(crate) struct Allocations<'a> {
    /// The layers' names.
    pub names: Vec<&'a str>,
    /// DRAM, in the order of addresses.
    pub reservations: &'a [Reservation],
    /// By layer, the constants in DRAM that its lowering placed.
    pub constants: Vec<Range<usize>>,
    /// Layers that read a constant that an earlier one placed, with its address.
    pub reused: &'a [(u32, u64)],
    /// By layer, its activations.
    pub operands: Vec<Vec<Operand>>,
    /// What is kept in NRAM.
    pub residences: Vec<&'a Residence>,
    /// By layer, bytes of NRAM for its tiles, from address 0.
    pub tile_bytes: Vec<u64>,
    /// What layers claimed on chip.
    pub slots: &'a [Slot],
}

impl Allocations<'_> {
    /// The layers that read, or write, a tensor, in order.
    pub(crate) fn users(&self, tensor: usize, written: bool) -> impl Iterator<Item = u32> + '_ {
        let uses = move |operand: &Operand| operand.tensor == tensor && operand.written == written;
        let layers = self.operands.iter().zip(0..);
        layers.filter(move |(operands, _)| operands.iter().any(uses)).map(|(_, layer)| layer)
    }

    /// The tensor that a residence is the place of.
    pub(crate) fn tensor_of(&self, residence: &Residence) -> Option<usize> {
        reservation_of(self.reservations, residence.home().start)
    }

    /// The values of the program: what may be written by whom, and read by whom.
    pub(crate) fn declare(&self, inputs: &[Port], outputs: &[Port]) -> Vec<Value> {
        let mut values = Vec::new();
        for (layer, constants) in self.constants.iter().enumerate() {
            for reservation in &self.reservations[constants.clone()] {
                let again = self.reused.iter().filter(|(_, address)| *address == reservation.start);
                let readers = [layer as u32].into_iter().chain(again.map(|&(layer, _)| layer));
                values.push(whole(reservation, Party::Executable, readers.map(Party::Layer).collect()));
            }
        }
        let by_tensor = self.by_tensor();
        for (tensor, reservation) in self.reservations.iter().enumerate() {
            let lies_in = |port: &Port| reservation_of(self.reservations, port.address) == Some(tensor);
            let operands = &by_tensor[tensor];
            let readers = || operands.iter().filter(|(_, operand)| !operand.written);
            let layers = || readers().map(|&(layer, _)| Party::Layer(layer)).collect::<Vec<_>>();
            let host = outputs.iter().any(lies_in).then_some(Party::Host);
            if reservation.is_data || inputs.iter().any(lies_in) {
                let readers: Vec<_> = layers().into_iter().chain(host).collect();
                if readers.is_empty() {
                    continue;
                }
                if reservation.is_data {
                    values.push(whole(reservation, Party::Executable, readers));
                    continue;
                }
                // What an earlier segment left may be a part of what was reserved for it. A layer may write rows into it.
                for port in inputs.iter().filter(|port| lies_in(port)) {
                    let extent = Extent::run(port.address, port.len() as u64);
                    let mut value = Value { extent, ..whole(reservation, Party::Host, readers.clone()) };
                    let written = operands.iter().filter(|(_, operand)| operand.written);
                    value.writers.extend(written.map(|&(layer, _)| Party::Layer(layer)));
                    values.push(value);
                }
                continue;
            }
            let written = values.len();
            for &(layer, operand) in operands.iter().filter(|(_, operand)| operand.written) {
                let writer = Party::Layer(layer);
                let is_same = |value: &&mut Value| value.extent == operand.extent;
                let value = match values[written..].iter_mut().find(is_same) {
                    Some(value) => value,
                    None => {
                        let readers = readers().filter(|(_, reader)| reader.extent.meets(&operand.extent));
                        let readers = readers.map(|&(layer, _)| Party::Layer(layer)).chain(host).collect();
                        let (name, memory) = (reservation.what.clone(), operand.memory);
                        let extent = operand.extent.clone();
                        values.push(Value { name, memory, extent, writers: Vec::new(), readers });
                        let Some(value) = values.last_mut() else { continue };
                        value
                    }
                };
                value.writers.push(writer);
                // An addition in place reads what its layer has just written.
                value.readers.push(writer);
            }
        }
        self.declare_frames(&mut values);
        self.declare_tiles(&mut values);
        self.declare_held(&mut values);
        values
    }

    /// By tensor, the operands that are it or a part of it.
    fn by_tensor(&self) -> Vec<Vec<(u32, &Operand)>> {
        let mut by_tensor = vec![Vec::new(); self.reservations.len()];
        for (operands, layer) in self.operands.iter().zip(0..) {
            for operand in operands {
                if let Some(list) = by_tensor.get_mut(operand.tensor) {
                    list.push((layer, operand));
                }
            }
        }
        by_tensor
    }

    /// The padding around what is kept, which the first layer that writes there paints.
    fn declare_frames(&self, values: &mut Vec<Value>) {
        for residence in &self.residences {
            let Some(tensor) = self.tensor_of(residence) else { continue };
            let first = self.users(tensor, true).next().map(Party::Layer);
            let readers: Vec<_> = self.users(tensor, false).map(Party::Layer).collect();
            values.extend(residence.frame().into_iter().map(|extent| Value {
                name: format!("the padding of {}", self.reservations[tensor].what),
                memory: Memory::Nram,
                extent,
                writers: first.into_iter().collect(),
                readers: readers.clone(),
            }));
        }
    }

    /// Constants that stay on chip, which the first layer that multiplies by them loads for all.
    fn declare_held(&self, values: &mut Vec<Value>) {
        for HeldArea { memory, area, layers, .. } in held_areas(self.slots) {
            let Some(&first) = layers.first() else { continue };
            values.push(Value {
                name: format!("the weights held since layer `{}`", self.names[first as usize]),
                memory,
                extent: Extent::run(area.start, area.end - area.start),
                writers: vec![Party::Layer(first)],
                readers: layers.into_iter().map(Party::Layer).collect(),
            });
        }
    }

    /// The tiles of each layer, which nobody else reads.
    fn declare_tiles(&self, values: &mut Vec<Value>) {
        let own = self.slots.iter().filter(|slot| slot.held.is_none());
        for (layer, areas) in tile_areas(own, self.names.len()).into_iter().enumerate() {
            for (memory, area) in areas {
                let party = Party::Layer(layer as u32);
                values.push(Value {
                    name: format!("the tiles of layer `{}`", self.names[layer]),
                    memory,
                    extent: Extent::run(area.start, area.end - area.start),
                    writers: vec![party],
                    readers: vec![party],
                });
            }
        }
    }
}

/// Constants that stay on chip over several layers.
#[derive(Debug)]
pub(crate) struct HeldArea {
    /// Their number.
    pub index: u32,
    /// The memory.
    pub memory: Memory,
    /// Where in it.
    pub area: Range<u64>,
    /// The layers that use them, in order.
    pub layers: Vec<u32>,
}

/// What is held on chip, found from the slots.
pub(crate) fn held_areas(slots: &[Slot]) -> Vec<HeldArea> {
    let mut areas: Vec<HeldArea> = Vec::new();
    let mut places: HashMap<(u32, Memory), usize> = HashMap::new();
    for slot in slots {
        let Some(index) = slot.held.filter(|_| slot.size > 0) else { continue };
        let range = slot.start..slot.start + slot.size;
        let place = *places.entry((index, slot.memory)).or_insert(areas.len());
        match areas.get_mut(place) {
            None => {
                areas.push(HeldArea { index, memory: slot.memory, area: range, layers: vec![slot.layer] })
            }
            Some(found) => {
                found.area = found.area.start.min(range.start)..found.area.end.max(range.end);
                if found.layers.last() != Some(&slot.layer) {
                    found.layers.push(slot.layer);
                }
            }
        }
    }
    areas
}

fn whole(reservation: &Reservation, writer: Party, readers: Vec<Party>) -> Value {
    Value {
        name: reservation.what.clone(),
        memory: Memory::Dram,
        extent: Extent::run(reservation.start, reservation.bytes),
        writers: vec![writer],
        readers,
    }
}

/// By layer, the areas on chip that its slots cover, joined where they touch, in the order of memories and addresses.
pub(crate) fn tile_areas<'s>(
    slots: impl IntoIterator<Item = &'s Slot>,
    layers: usize,
) -> Vec<Vec<(Memory, Range<u64>)>> {
    let mut areas: Vec<Vec<(Memory, Range<u64>)>> = vec![Vec::new(); layers];
    for slot in slots.into_iter().filter(|slot| slot.size > 0) {
        areas[slot.layer as usize].push((slot.memory, slot.start..slot.start + slot.size));
    }
    for list in &mut areas {
        list.sort_unstable_by_key(|(memory, area)| (*memory as usize, area.start));
        list.dedup_by(|next, last| {
            let touches = next.0 == last.0 && next.1.start <= last.1.end;
            if touches {
                last.1.end = last.1.end.max(next.1.end);
            }
            touches
        });
    }
    areas
}
