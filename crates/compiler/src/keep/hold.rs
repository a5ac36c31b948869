//! Which weights stay in WRAM, with their records in PRAM, from the first layer that multiplies by them to the last.
//!
//! Layers share constants where a network repeats a product: the steps of a recurrence. Constants that are held take their
//! room from all layers in between. They are held if the cost model says that these layers are faster for it. All layers that
//! hold them cut them alike; one that would rather cut them otherwise loads its own.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::keep::decide::{Kept, cost, highest_gap};
use crate::program::layer::{Conv, Held, Kind, Layer};
use crate::tile::choices::Choices;
use crate::tile::convolution::{Claims, Tiling};
use crate::tile::cost::Space;
use crate::tile::grouping;

/// What was decided about constants that several layers multiply by.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The layers, in order.
    pub layers: Vec<u32>,
    /// Bytes of their weights in WRAM.
    pub bytes: u64,
    /// What was decided.
    pub verdict: HoldingVerdict,
}

/// Whether constants stay on chip, and why.
#[derive(Debug, Clone, PartialEq)]
pub enum HoldingVerdict {
    /// They stay there.
    Held {
        /// Where in WRAM, bytes.
        wram: Range<u64>,
        /// Where in PRAM, records.
        pram: Range<u64>,
        /// Cycles that the layers from the first to the last were estimated to take.
        cycles: f64,
        /// What they were estimated to take if each layer loads them.
        loaded: f64,
    },
    /// Those layers would be slower, as others have less room.
    Slower {
        /// Cycles that they were estimated to take with the constants on chip.
        cycles: f64,
        /// What they were estimated to take if each layer loads them.
        loaded: f64,
    },
    /// WRAM or PRAM does not hold them beside what the layers in between need.
    NoRoom,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, first, last) = (self.layers.len(), self.layers.first(), self.layers.last());
        write!(
            f,
            "{} bytes of weights of {count} layers, {} to {}: ",
            self.bytes,
            first.copied().unwrap_or_default(),
            last.copied().unwrap_or_default()
        )?;
        match &self.verdict {
            HoldingVerdict::Held { wram, cycles, loaded, .. } => write!(
                f,
                "held in WRAM at {:#x}; estimated {cycles:.0} cycles for these layers, {loaded:.0} if each loads them",
                wram.start
            ),
            HoldingVerdict::Slower { cycles, loaded } => write!(
                f,
                "loaded by each; estimated {loaded:.0} cycles for these layers, {cycles:.0} if they were held"
            ),
            HoldingVerdict::NoRoom => {
                write!(
                    f,
                    "loaded by each; WRAM or PRAM does not hold them beside what layers in between need"
                )
            }
        }
    }
}

/// Chooses which constants are held, and tells the layers; `kept` is what of the memories each layer has.
pub(crate) fn hold(layers: &mut [Layer], kept: &mut Kept, choices: &mut Choices) -> Vec<Holding> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        if let Kind::Conv(conv) = &layer.kind
            && let Some(shared) = conv.shared
            && conv.computed.is_none()
        {
            groups.entry(shared).or_default().push(index);
        }
    }
    let mut holder = Holder { layers, kept, choices, held: Vec::new() };
    groups.into_values().filter_map(|members| holder.weigh(members)).collect()
}

struct Holder<'a> {
    layers: &'a mut [Layer],
    kept: &'a mut Kept,
    choices: &'a mut Choices,
    /// What is held, with the first layer and the last.
    held: Vec<(Held, [usize; 2])>,
}

/// How constants are cut, and what their pieces take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    blocks: u64,
    taps: [u64; 2],
    channels: u64,
    merges: bool,
    /// Bytes of WRAM and records of PRAM of all pieces.
    sizes: [u64; 2],
}

impl Holder<'_> {
    fn weigh(&mut self, mut members: Vec<usize>) -> Option<Holding> {
        // All but the first step of a recurrence are alike.
        let &last = members.last()?;
        let form = self.form(last, self.kept.spaces[last]);
        if let Some(form) = form {
            let alike = |&member: &usize| {
                let space = Space { wram: form.sizes[0], pram: form.sizes[1], ..self.kept.spaces[member] };
                self.form(member, space) == Some(form)
            };
            let alike: Vec<bool> = members.iter().map(alike).collect();
            let mut kept = alike.into_iter();
            members.retain(|_| kept.next().unwrap_or(false));
        }
        let bytes = form.map_or_else(|| self.weights(last), |form| form.sizes[0]);
        if members.len() < 2 {
            return None;
        }
        let layers = members.iter().map(|&member| member as u32).collect();
        let verdict = form.map_or(HoldingVerdict::NoRoom, |form| self.decide(&members, form));
        Some(Holding { layers, bytes, verdict })
    }

    fn conv(&self, layer: usize) -> Option<&Conv> {
        match &self.layers[layer].kind {
            Kind::Conv(conv) => Some(conv),
            _ => None,
        }
    }

    /// Bytes of a layer's weights.
    fn weights(&self, layer: usize) -> u64 {
        self.conv(layer).map_or(0, |conv| conv.weights.values.len() as u64)
    }

    /// How a layer would cut constants that are held in a space.
    fn form(&mut self, layer: usize, space: Space) -> Option<Form> {
        let rates = *self.choices.rates();
        let (mut problem, _) = grouping::convolution(self.conv(layer)?, &rates);
        problem.held = true;
        let tiling: Tiling = self.choices.product(&problem, space).ok()?.tiling;
        let Claims { w, p, .. } = tiling.claims(&problem, &rates.within(space));
        let merges = tiling.merges_taps(&problem, tiling.channels);
        let Tiling { blocks, taps, channels, .. } = tiling;
        Some(Form { blocks, taps, channels, merges, sizes: [w.units(), p.units()] })
    }

    fn decide(&mut self, members: &[usize], form: Form) -> HoldingVerdict {
        let (first, last) = (members[0], members[members.len() - 1]);
        let rates = *self.choices.rates();
        let meets = |(_, life): &&(Held, [usize; 2])| life[0] <= last && first <= life[1];
        let taken = |range: fn(&Held) -> &Range<u64>| {
            self.held.iter().filter(meets).map(|(held, _)| range(held).clone()).collect()
        };
        let rows = rates.row_bytes();
        let wram =
            highest_gap(taken(|held| &held.wram), rates.wram, form.sizes[0]).map(|start| start / rows * rows);
        let pram = highest_gap(taken(|held| &held.pram), rates.pram, form.sizes[1]);
        let (Some(wram), Some(pram)) = (wram, pram) else { return HoldingVerdict::NoRoom };
        let held = Held {
            index: self.held.len() as u32,
            wram: wram..wram + form.sizes[0],
            pram: pram..pram + form.sizes[1],
        };
        let (mut loaded, mut cycles) = (0.0, 0.0);
        let mut spaces = Vec::with_capacity(last - first + 1);
        for layer in first..=last {
            let space = self.kept.spaces[layer];
            let less = Space { wram: space.wram.min(wram), pram: space.pram.min(pram), ..space };
            spaces.push(less);
            let kind = &self.layers[layer].kind;
            let Some(before) = cost(kind, space, self.choices) else { continue };
            loaded += before.cycles;
            // The first of them loads them for all.
            let after = match (members.binary_search(&layer).is_ok() && layer > first, kind) {
                (true, Kind::Conv(conv)) => {
                    let conv = Conv { held: Some(held.clone()), ..(**conv).clone() };
                    cost(&Kind::Conv(Box::new(conv)), less, self.choices)
                }
                (false, kind) if layer > first => cost(kind, less, self.choices),
                _ => Some(before),
            };
            let Some(after) = after else { return HoldingVerdict::NoRoom };
            cycles += after.cycles;
        }
        if cycles >= loaded {
            return HoldingVerdict::Slower { cycles, loaded };
        }
        for (layer, space) in (first..=last).zip(spaces) {
            self.kept.spaces[layer] = space;
        }
        for &member in members {
            if let Kind::Conv(conv) = &mut self.layers[member].kind {
                conv.held = Some(held.clone());
            }
        }
        let (wram, pram) = (held.wram.clone(), held.pram.clone());
        self.held.push((held, [first, last]));
        HoldingVerdict::Held { wram, pram, cycles, loaded }
    }
}
