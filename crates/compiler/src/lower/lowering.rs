//! What all lowerings share: the steps so far, claims on chip, and the loads, stores and fills that many of them need.

use std::collections::HashMap;
use std::fmt::Display;

use ediacara_arch::Machine;
use ediacara_isa::{ElementType, Memory, OperandTypes, VectorOperation};
use smallvec::SmallVec;

use crate::CompileError;
use crate::keep::residence::Room;
use crate::lower::pixels::{Part, Pixels, joined_rows};
use crate::lower::slots::{Key, Pool, Ring};
use crate::place::dram::DramImage;
use crate::program::layer::BinaryConstants;
use crate::program::step::{Step, Work};
use crate::program::transfer::{BoxCopy, sides};
use crate::program::vector::{FloatOperands, Vector};
use crate::program::view::Image;
use crate::program::window::Tile;
use crate::tile::choices::Choices;
use crate::tile::claim::Claim;
use crate::tile::cost::{Choice, Rates};
use crate::tile::explain::Explanation;

/// The state of lowering a network.
#[derive(Debug)]
pub(crate) struct Lowering {
    /// Rates and sizes of the machine.
    pub rates: Rates,
    /// Its name, for errors.
    pub machine: String,
    /// The steps so far.
    pub steps: Vec<Step>,
    /// Tilings found so far.
    pub choices: Choices,
    /// Constants and addresses in DRAM.
    pub dram: DramImage,
    /// Why layers are cut as they are.
    pub explanations: Vec<Explanation>,
    /// By layer, beats of the matrix engine on rows that a block expands once more.
    pub repeated_beats: Vec<u64>,
    /// What layers claimed on chip.
    pub slots: Vec<Slot>,
    /// Constants that stay on chip, by their number.
    pub held: HashMap<u32, HeldConstants>,
    /// DRAM addresses of tables that several layers look up, by their number.
    pub tables: HashMap<u32, u64>,
    /// Layers that read a constant that an earlier one placed, with its address.
    pub reused: Vec<(u32, u64)>,
    nram: Ring,
    wram: Ring,
    aram: Ring,
    pram: Ring,
    layer: u32,
    /// Which of the layer's tiles the next steps are for.
    pub(super) tile: Option<u32>,
}

/// A place on chip that a layer claimed for its tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// The layer.
    pub layer: u32,
    /// The memory.
    pub memory: Memory,
    /// First unit.
    pub start: u64,
    /// Units.
    pub size: u64,
    /// Which claim it is part of: slots of one claim are in use together.
    pub claim: u32,
    /// The constants that are held there, if some are: other layers use the place, too.
    pub held: Option<u32>,
}

/// Constants that stay on chip, once the first layer has placed them.
#[derive(Debug, Clone)]
pub(crate) struct HeldConstants {
    /// Weights.
    pub w: Pool,
    /// Records.
    pub p: Pool,
    /// DRAM address of each weight tile.
    pub weights: Vec<u64>,
    /// DRAM address of the records.
    pub records: u64,
}

/// The layer in hand, for errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its operator.
    pub op: &'static str,
}

impl Lowering {
    /// Nothing lowered yet; `choices` holds what was searched already, `dram` what is placed.
    pub(crate) fn new(machine: &Machine, choices: Choices, dram: DramImage) -> Lowering {
        let rates = Rates::of(machine);
        Lowering {
            rates,
            machine: machine.name.clone(),
            steps: Vec::new(),
            choices,
            dram,
            explanations: Vec::new(),
            repeated_beats: Vec::new(),
            slots: Vec::new(),
            held: HashMap::new(),
            tables: HashMap::new(),
            reused: Vec::new(),
            nram: Ring::new(rates.nram),
            wram: Ring::new(rates.wram),
            aram: Ring::new(rates.aram),
            pram: Ring::new(rates.pram),
            layer: 0,
            tile: None,
        }
    }

    /// Begins a layer in the NRAM that is left to it.
    pub(crate) fn begin(&mut self, index: u32, room: &Room) {
        self.layer = index;
        self.repeated_beats.push(0);
        self.rates = self.rates.within(room.space);
        self.nram.limit(room.space.nram);
        self.wram.limit(room.space.wram);
        self.pram.limit(room.space.pram);
        for residence in &room.begins {
            for image in 0..residence.batch() {
                self.paint(residence.start(image), &residence.tile, residence.pad);
            }
        }
    }

    /// Takes a choice for this layer, and keeps why.
    pub(crate) fn take<T: Copy + Display>(&mut self, choice: &Choice<T>) -> T {
        self.explanations.push(Explanation::of(self.layer, choice));
        choice.tiling
    }

    /// Claims slots of one memory for this layer: a pool for each claim.
    pub(crate) fn claim<const N: usize>(
        &mut self,
        memory: Memory,
        claims: [Claim; N],
        context: Context,
    ) -> Result<[Pool; N], CompileError> {
        let (ring, size) = match memory {
            Memory::Wram => (&mut self.wram, self.rates.wram),
            Memory::Aram => (&mut self.aram, self.rates.aram),
            Memory::Pram => (&mut self.pram, self.rates.pram),
            Memory::Nram | Memory::Dram => (&mut self.nram, self.rates.nram),
        };
        let unit = memory.unit_bytes();
        let needed = claims.iter().map(Claim::units).sum::<u64>() * unit;
        let Some(pools) = ring.claim(claims) else {
            return Err(self.does_not_fit(context, memory, needed, size * unit));
        };
        self.note(memory, &pools, None);
        Ok(pools)
    }

    /// Notes that the layer uses slots, which are in use together.
    pub(crate) fn note(&mut self, memory: Memory, pools: &[Pool], held: Option<u32>) {
        let (layer, claim) = (self.layer, self.slots.last().map_or(0, |slot| slot.claim + 1));
        for pool in pools {
            let slot = |start| Slot { layer, memory, start, size: pool.size(), claim, held };
            self.slots.extend((0..pool.len()).map(|index| slot(pool.base(index))));
        }
    }

    /// The layer in hand.
    pub(crate) fn layer(&self) -> u32 {
        self.layer
    }

    pub(crate) fn does_not_fit(
        &self,
        context: Context,
        memory: Memory,
        needed: u64,
        available: u64,
    ) -> CompileError {
        let (layer, machine) = (context.name.to_owned(), self.machine.clone());
        CompileError::DoesNotFit { layer, op: context.op, machine, memory, needed, available }
    }

    pub(crate) fn push(&mut self, work: Work) {
        self.steps.push(Step { work, layer: self.layer, tile: self.tile });
    }

    pub(crate) fn vector(&mut self, vector: Vector) {
        self.push(Work::Vector(vector));
    }

    pub(crate) fn load(&mut self, memory: Memory, copy: &BoxCopy) {
        for transfer in copy.transfers(memory) {
            self.push(Work::Load(transfer));
        }
    }

    pub(crate) fn store(&mut self, copy: &BoxCopy) {
        for transfer in copy.transfers(Memory::Nram) {
            self.push(Work::Store(transfer));
        }
    }

    /// Loads `bytes` contiguous bytes.
    pub(crate) fn load_run(&mut self, memory: Memory, dram: u64, chip: u64, bytes: u64) {
        self.load(memory, &BoxCopy { dram, chip, run: bytes, sides: SmallVec::new() });
    }

    /// Writes a constant over `bytes` bytes of NRAM, `count` times at a distance of `stride` bytes.
    pub(crate) fn fill(&mut self, start: u64, bytes: u64, count: u64, stride: u64, pad: impl Into<Pad>) {
        let pad = pad.into();
        let mut done = 0;
        while bytes > 0 && done < count {
            let part = (count - done).min((1 << 16) - 1);
            let at = start + done * stride;
            let fill = match pad {
                Pad::Byte(value) => {
                    Vector { d_strides: [stride, 0], value, ..Vector::new(VectorOperation::Fill, at, bytes) }
                }
                Pad::Real(element, number) => {
                    let unit = element.bytes() as u64;
                    let types = OperandTypes { d: element, ..FloatOperands::default().types };
                    let float = FloatOperands { types, constant: Some(number), ..FloatOperands::default() };
                    let fill = Vector::new(VectorOperation::FloatFill, at, bytes / unit);
                    Vector { d_strides: [stride / unit, 0], float, ..fill }
                }
            };
            self.vector(Vector { counts: [part, 1], ..fill });
            done += part;
        }
    }

    /// Paints the frame of a tile.
    pub(crate) fn paint(&mut self, base: u64, tile: &Tile, pad: impl Into<Pad>) {
        let pad = pad.into();
        if tile.gap() > 0 {
            self.paint_gaps(base, tile, pad);
        }
        self.paint_rows(base, tile, pad);
    }

    /// Paints what lies between the rows of a tile.
    fn paint_gaps(&mut self, base: u64, tile: &Tile, pad: Pad) {
        self.fill(base, tile.gap() * tile.pixel, tile.rows.length() + 1, tile.row_stride(), pad);
    }

    /// Paints the rows of a tile that are padding, but for the gaps.
    fn paint_rows(&mut self, base: u64, tile: &Tile, pad: Pad) {
        let (rows, row, gap) = (tile.rows, tile.row_stride(), tile.gap() * tile.pixel);
        self.fill(base + gap, (rows.before * row).saturating_sub(gap), 1, 0, pad);
        let below = base + gap + (rows.before + rows.valid) * row;
        self.fill(below, (rows.after * row).saturating_sub(gap), 1, 0, pad);
    }

    /// Adds a rectangle of pixels at `b` to those at `y`, in place (N-ADD).
    pub(crate) fn add(&mut self, y: &Pixels, b: &Pixels, part: &Part, constants: &BinaryConstants) {
        let (length, counts, [y_strides, b_strides]) = joined_rows(part, [y, b]);
        self.vector(Vector {
            a: y.address,
            b: b.address,
            counts,
            a_strides: y_strides,
            b_strides,
            d_strides: y_strides,
            zeros: [constants.zeros[0], constants.zeros[1], constants.output.zero],
            low: constants.output.low,
            high: constants.output.high,
            multipliers: constants.multipliers,
            shift: constants.shift,
            ..Vector::new(VectorOperation::Add, y.address, length)
        });
    }

    /// Brings a framed tile of an image into a slot: paints what is padding, loads the rest. Gaps that an
    /// earlier tile of the same geometry painted in the slot are still good, as loads only write between
    /// them.
    pub(crate) fn load_tile(&mut self, pool: &mut Pool, slot: usize, tile: &Tile, source: &TileSource) {
        let base = pool.base(slot);
        debug_assert!(
            tile.bytes() <= pool.size(),
            "a tile of {} bytes in a slot of {}",
            tile.bytes(),
            pool.size()
        );
        if tile.is_padding() {
            self.fill(base, tile.bytes(), 1, 0, source.pad);
            return pool.set_note(slot, None);
        }
        let gap = tile.gap();
        let geometry: Key = [tile.pitch() as u32, gap as u32, tile.pixel as u32, tile.rows.length() as u32];
        let painted =
            pool.note(slot).is_some_and(|note| note[..3] == geometry[..3] && note[3] >= geometry[3]);
        if gap > 0 && !painted {
            self.paint_gaps(base, tile, source.pad);
            pool.set_note(slot, Some(geometry));
        } else if gap == 0 {
            pool.set_note(slot, None);
        }
        self.paint_rows(base, tile, source.pad);
        let (rows, row) = (tile.rows, tile.row_stride());
        let image = source.image;
        let copy = BoxCopy {
            dram: image.address(source.batch, rows.first, tile.columns.first, source.channel),
            chip: base + tile.first_valid(),
            run: tile.pixel,
            sides: sides(&[
                (tile.columns.valid, image.pixel_stride, tile.pixel),
                (rows.valid, image.row_stride, row),
            ]),
        };
        self.load(Memory::Nram, &copy);
    }

    /// Loads the channels of a rectangle of pixels densely.
    pub(crate) fn load_box(&mut self, image: &Image, part: &Part, chip: u64) {
        let copy = part.copy(image, chip);
        self.load(Memory::Nram, &copy);
    }

    /// Stores a dense rectangle of pixels.
    pub(crate) fn store_box(&mut self, image: &Image, part: &Part, chip: u64) {
        let copy = part.copy(image, chip);
        self.store(&copy);
    }

    /// Runs `prepare` and `compute` over items; with `ahead`, the next item is prepared before this one
    /// computes.
    pub(crate) fn pipeline<S, I: Copy, P>(
        &mut self,
        state: &mut S,
        items: impl IntoIterator<Item = I>,
        ahead: bool,
        prepare: impl Fn(&mut Lowering, &mut S, I) -> P,
        compute: impl Fn(&mut Lowering, &mut S, I, P),
    ) {
        let mut waiting: Option<(u32, I, P)> = None;
        for (tile, item) in (0..).zip(items) {
            if !ahead && let Some((tile, item, prepared)) = waiting.take() {
                self.tile = Some(tile);
                compute(self, state, item, prepared);
            }
            self.tile = Some(tile);
            let prepared = prepare(self, state, item);
            if let Some((tile, item, prepared)) = waiting.replace((tile, item, prepared)) {
                self.tile = Some(tile);
                compute(self, state, item, prepared);
            }
        }
        if let Some((tile, item, prepared)) = waiting {
            self.tile = Some(tile);
            compute(self, state, item, prepared);
        }
        self.tile = None;
    }
}

/// Which part of an image a tile shows, and what its frame holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileSource<'a> {
    /// The image.
    pub image: &'a Image,
    /// Which of the batch.
    pub batch: u64,
    /// First channel.
    pub channel: u64,
    /// Value of the frame.
    pub pad: Pad,
}

/// What stands around an image.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pad {
    /// Every byte is this one.
    Byte(i8),
    /// Every element is this number.
    Real(ElementType, f32),
}

impl From<i8> for Pad {
    fn from(byte: i8) -> Pad {
        Pad::Byte(byte)
    }
}
