//! Which activations stay in NRAM between layers.
//!
//! A buffer that is kept takes its bytes of NRAM from the layer that first writes it to the layer that last reads it; tiles
//! of the layers in between get what is left below. It is kept if the cost model says that these layers are faster
//! for it: they load and store less, and their tiles may have to be smaller. Buffers are weighed one after the other,
//! those that live shortest first, and the choice is not revised.
//!
//! Nothing here knows how a layer reads what is kept: operands become images and views in NRAM
//! ([`crate::keep::residence`]), and lowerings follow.

use std::cmp::Reverse;
use std::fmt;
use std::ops::{Range, RangeInclusive};

use ediacara_graph::{Graph, ValueId};
use ediacara_isa::SourceLocation;

use crate::keep::operands::{self, Place};
use crate::keep::residence::{Frame, Residence, Room};
use crate::program::boxes::joint;
use crate::program::layer::{Conv, Copy, Kind, Layer};
use crate::program::picks::Picks;
use crate::program::view::View;
use crate::tile::block::tiling::BlockProblem;
use crate::tile::choices::Choices;
use crate::tile::claim::TABLE_BYTES;
use crate::tile::cost::{Estimate, Rates, Space};
use crate::tile::{grouping, mean, rows};

/// What was decided about an activation: whether it stays in NRAM between the layers that write and read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Keeping {
    /// The activation.
    pub value: String,
    /// The layers that write or read it, in order.
    pub layers: Vec<u32>,
    /// Bytes of it in NRAM, padding included.
    pub bytes: u64,
    /// What was decided.
    pub verdict: Verdict,
}

/// Whether an activation stays in NRAM, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It stays there.
    Kept {
        /// NRAM address.
        address: u64,
        /// Cycles that its layers were estimated to take.
        cycles: f64,
        /// What they were estimated to take with it in DRAM.
        in_dram: f64,
    },
    /// Its layers would be slower, as their tiles would have to be smaller.
    Slower {
        /// Cycles that its layers were estimated to take with it in NRAM.
        cycles: f64,
        /// What they were estimated to take with it in DRAM.
        in_dram: f64,
    },
    /// NRAM does not hold it beside what is kept already, or beside the tiles of its layers.
    NoRoom,
    /// Its layers do not allow it, or their cycles are not estimated: why.
    Unfit(&'static str),
}

impl Keeping {
    /// Whether the activation stays in NRAM.
    pub fn is_kept(&self) -> bool {
        matches!(self.verdict, Verdict::Kept { .. })
    }
}

impl fmt::Display for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, {} bytes: ", self.value, self.bytes)?;
        match self.verdict {
            Verdict::Kept { address, cycles, in_dram } => write!(
                f,
                "kept in NRAM at {address:#x}; estimated {cycles:.0} cycles for its layers, {in_dram:.0} through DRAM"
            ),
            Verdict::Slower { cycles, in_dram } => write!(
                f,
                "in DRAM; estimated {in_dram:.0} cycles for its layers, {cycles:.0} if it were kept in NRAM"
            ),
            Verdict::NoRoom => write!(f, "in DRAM; it does not fit NRAM beside what its layers need there"),
            Verdict::Unfit(why) => write!(f, "in DRAM; {why}"),
        }
    }
}

/// Activations that stay in NRAM from the first layer that writes them to the last that reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBuffer {
    /// The DRAM addresses that are theirs: of [`Home`](crate::Home)s there, nothing ever lies in DRAM.
    pub home: Range<u64>,
    /// Where the bytes of `home` lie instead, in their order.
    pub place: View,
    /// Those layers.
    pub layers: RangeInclusive<u32>,
    /// The instructions of those layers, by index.
    pub instructions: Range<u32>,
}

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What each layer has for its tiles.
    pub(crate) spaces: Vec<Space>,
    lives: Vec<Life>,
    /// What was decided, buffer by buffer.
    pub keepings: Vec<Keeping>,
    /// Cycles that all layers are estimated to take that are.
    pub(crate) cycles: f64,
}

/// A buffer in NRAM and when.
#[derive(Debug)]
struct Life {
    residence: Residence,
    /// First layer that writes it, last that reads it.
    first: usize,
    last: usize,
}

impl Kept {
    /// Nothing is kept: every layer has all of NRAM.
    pub(crate) fn nothing(layers: &[Layer], rates: &Rates) -> Kept {
        Kept { spaces: vec![rates.space(); layers.len()], ..Kept::default() }
    }

    /// What a layer finds in NRAM.
    pub(crate) fn room(&self, layer: usize) -> Room<'_> {
        let begins = self.lives.iter().filter(|life| life.first == layer);
        Room { space: self.spaces[layer], begins: begins.map(|life| &life.residence).collect() }
    }

    /// Whether a buffer is kept.
    pub(crate) fn holds(&self, buffer: &View) -> bool {
        self.residences().any(|residence| residence.home().start == buffer.base)
    }

    /// All that is kept.
    pub(crate) fn residences(&self) -> impl Iterator<Item = &Residence> {
        self.lives.iter().map(|life| &life.residence)
    }

    /// Bytes of NRAM for the tiles of each layer.
    pub(crate) fn tile_bytes(&self) -> Vec<u64> {
        self.spaces.iter().map(|space| space.nram).collect()
    }

    /// What is kept, each with its layers, in the order of the first; `source_map` tells each instruction's layer.
    pub(crate) fn buffers(&self, source_map: &[SourceLocation]) -> Vec<KeptBuffer> {
        let buffer = |life: &Life| {
            let (first, last) = (life.first as u32, life.last as u32);
            // Instructions lie in the order of their layers.
            let begin = source_map.partition_point(|location| location.layer < first) as u32;
            let end = source_map.partition_point(|location| location.layer <= last) as u32;
            let (home, place) = (life.residence.home(), life.residence.whole());
            KeptBuffer { home, place, layers: first..=last, instructions: begin..end }
        };
        let mut buffers: Vec<KeptBuffer> = self.lives.iter().map(buffer).collect();
        buffers.sort_by_key(|buffer| (*buffer.layers.start(), buffer.home.start));
        buffers
    }
}

/// A buffer that may be kept.
struct Candidate<'a> {
    value: ValueId,
    home: &'a View,
    /// Layers that touch it, in order.
    layers: Vec<usize>,
    frame: Option<Frame>,
    unfit: Option<&'static str>,
}

/// Chooses what is kept and gives the layers its places. `buffers` are those of
/// [`Placement`](crate::build::homes::Placement), `outputs` the homes of what the host reads.
pub(crate) fn keep(
    graph: &Graph,
    layers: &mut [Layer],
    buffers: &[(ValueId, View)],
    outputs: &[View],
    choices: &mut Choices,
) -> Kept {
    let rates = *choices.rates();
    let mut kept = Kept::nothing(layers, &rates);
    let mut candidates = candidates(layers, buffers, outputs);
    candidates.sort_by_key(|candidate| (candidate.lifetime(), candidate.layers[0]));
    let mut keeper = Keeper { costs: vec![None; layers.len()], layers, choices, kept: &mut kept };
    for (index, layer) in keeper.layers.iter().enumerate() {
        keeper.costs[index] = cost(&layer.kind, rates.space(), keeper.choices);
    }
    for candidate in &candidates {
        keeper.weigh(&graph.value(candidate.value).name, candidate);
    }
    let cycles = keeper.costs.iter().flatten().map(|cost| cost.cycles).sum();
    kept.cycles = cycles;
    kept.keepings.sort_by(|left, right| left.layers.cmp(&right.layers));
    kept
}

impl Candidate<'_> {
    fn last(&self) -> usize {
        self.layers.last().copied().unwrap_or_default()
    }

    fn lifetime(&self) -> usize {
        self.last() - self.layers[0]
    }
}

/// The buffers that some layer writes and a later one reads.
fn candidates<'a>(
    layers: &mut [Layer],
    buffers: &'a [(ValueId, View)],
    outputs: &[View],
) -> Vec<Candidate<'a>> {
    let bare = Frame { before: [0; 2], after: [0; 2], pad: 0 };
    let new = |(value, home): &'a (ValueId, View)| Candidate {
        value: *value,
        home,
        layers: Vec::new(),
        frame: Some(bare),
        unfit: outputs.iter().any(|output| contains(home, output.base)).then_some("the host reads it"),
    };
    let mut found: Vec<Candidate> = buffers.iter().map(new).collect();
    for (index, layer) in layers.iter_mut().enumerate() {
        operands::visit(&mut layer.kind, &mut |operand| {
            let base = match &operand.place {
                Place::Image(image) => image.base,
                Place::View(view) => view.base,
            };
            // Buffers lie in the order of their addresses.
            let after = buffers.partition_point(|(_, home)| home.base <= base);
            let Some(candidate) = after.checked_sub(1).and_then(|at| found.get_mut(at)) else { return };
            if !contains(candidate.home, base) {
                return;
            }
            if candidate.layers.last() != Some(&index) {
                candidate.layers.push(index);
            }
            if !operand.written && candidate.layers.len() == 1 {
                candidate.unfit = Some("its first layer reads what it writes");
            }
            candidate.frame = candidate.frame.and_then(|frame| frame.join(&operand.frame));
            if !operand.keepable {
                candidate.unfit = Some("it is transposed on its way");
            }
        });
    }
    found.retain(|candidate| candidate.layers.len() > 1);
    found
}

fn contains(home: &View, address: u64) -> bool {
    (home.base..home.base + home.bytes()).contains(&address)
}

struct Keeper<'a> {
    layers: &'a mut [Layer],
    /// Estimated cost of each layer as it is; nothing for one that cannot be estimated.
    costs: Vec<Option<Cost>>,
    choices: &'a mut Choices,
    kept: &'a mut Kept,
}

impl Keeper<'_> {
    /// Decides about a buffer.
    fn weigh(&mut self, name: &str, candidate: &Candidate) {
        let residence = candidate.frame.as_ref().and_then(|frame| Residence::new(candidate.home, frame));
        let bytes = residence.as_ref().map_or(candidate.home.bytes(), Residence::bytes);
        let verdict = match (candidate.unfit, residence) {
            (Some(why), _) => Verdict::Unfit(why),
            (None, None) => Verdict::Unfit("its readers want different padding around it"),
            (None, Some(residence)) => self.decide(candidate, residence),
        };
        let layers = candidate.layers.iter().map(|&layer| layer as u32).collect();
        self.kept.keepings.push(Keeping { value: name.to_owned(), layers, bytes, verdict });
    }

    fn decide(&mut self, candidate: &Candidate, mut residence: Residence) -> Verdict {
        let (first, last) = (candidate.layers[0], candidate.last());
        let Some(address) = self.address(first, last, residence.bytes()) else { return Verdict::NoRoom };
        residence.address = address;
        let Some(before) = self.costs[first..=last].iter().copied().collect::<Option<Vec<Cost>>>() else {
            // An average over more than NRAM holds is lowered as a convolution.
            return Verdict::Unfit("it is not estimated what one of its layers takes");
        };
        let mut kinds = Vec::new();
        for &layer in &candidate.layers {
            match moved(&self.layers[layer].kind, candidate, &residence) {
                Some(kind) => kinds.push((layer, kind)),
                None => {
                    return Verdict::Unfit("a reader sees it in a way that padding around it would break");
                }
            }
        }
        let mut costs = Vec::with_capacity(last - first + 1);
        for layer in first..=last {
            let kind = kinds.iter().find(|(index, _)| *index == layer).map(|(_, kind)| kind);
            let kind = kind.unwrap_or(&self.layers[layer].kind);
            match cost(kind, self.below(layer, address), self.choices) {
                Some(cost) => costs.push(cost),
                None => return Verdict::NoRoom,
            }
        }
        let sum = |costs: &[Cost], number: fn(&Cost) -> f64| costs.iter().map(number).sum::<f64>();
        let [cycles, in_dram] = [&costs, &before].map(|costs| sum(costs, |cost| cost.cycles));
        if sum(&costs, Cost::rank) >= sum(&before, Cost::rank) {
            return Verdict::Slower { cycles, in_dram };
        }
        for (layer, kind) in kinds {
            self.layers[layer].kind = kind;
        }
        for (layer, cost) in (first..=last).zip(costs) {
            self.kept.spaces[layer] = self.below(layer, address);
            self.costs[layer] = Some(cost);
        }
        self.kept.lives.push(Life { residence, first, last });
        Verdict::Kept { address, cycles, in_dram }
    }

    /// What a layer has below an address of NRAM.
    fn below(&self, layer: usize, address: u64) -> Space {
        let space = self.kept.spaces[layer];
        Space { nram: space.nram.min(address), ..space }
    }

    /// The highest address at which `bytes` are free in all of the layers.
    fn address(&self, first: usize, last: usize, bytes: u64) -> Option<u64> {
        let meets = |life: &&Life| life.first <= last && first <= life.last;
        let range = |life: &Life| {
            let start = life.residence.address;
            start..start + life.residence.bytes()
        };
        let taken = self.kept.lives.iter().filter(meets).map(range).collect();
        highest_gap(taken, self.choices.rates().nram, bytes)
    }
}

/// The highest address below `size` from which `bytes` are free. What is taken may overlap, as lives that do not meet do.
pub(crate) fn highest_gap(mut taken: Vec<Range<u64>>, size: u64, bytes: u64) -> Option<u64> {
    // Of two ranges the one that starts lower may end higher: only from their ends is it known what lies above the next.
    taken.sort_unstable_by_key(|range| Reverse(range.end));
    let mut end = size;
    for range in taken {
        if end.saturating_sub(range.end) >= bytes {
            break;
        }
        end = end.min(range.start);
    }
    end.checked_sub(bytes)
}

/// A layer with a buffer where it is kept; nothing if strides cannot say what it reads or writes there.
fn moved(kind: &Kind, candidate: &Candidate, residence: &Residence) -> Option<Kind> {
    let mut kind = kind.clone();
    let mut possible = true;
    operands::visit(&mut kind, &mut |operand| match operand.place {
        Place::Image(image) if !image.is_kept() && contains(candidate.home, image.base) => {
            match residence.image(image, &operand.frame) {
                Some(kept) => *image = kept,
                None => possible = false,
            }
        }
        Place::View(view) if !view.is_kept() && contains(candidate.home, view.base) => {
            match residence.view(view) {
                // A chain reads its rows as they lie.
                Some(kept) if !operand.by_rows || kept.is_readable() => *view = kept,
                _ => possible = false,
            }
        }
        _ => {}
    });
    possible.then_some(kind)
}

/// What a layer costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cycles: f64,
    traffic: f64,
}

impl Cost {
    fn of(estimate: &Estimate) -> Cost {
        Cost { cycles: estimate.cycles(), traffic: estimate.traffic_share() }
    }

    /// Of two that take as long, the one that moves less is better.
    pub(crate) fn rank(&self) -> f64 {
        self.cycles + self.traffic
    }
}

/// The estimated cost of a layer with that space for its tiles; nothing if they do not fit.
pub(crate) fn cost(kind: &Kind, space: Space, choices: &mut Choices) -> Option<Cost> {
    let rates = *choices.rates();
    let nram = space.nram;
    let product = |conv: &Conv, choices: &mut Choices| {
        let (problem, _) = grouping::convolution(conv, &rates);
        let space = conv.held.as_ref().map_or(space, |held| Space::of_held(held, nram));
        choices.product(&problem, space).ok().map(|choice| Cost::of(&choice.estimate))
    };
    match kind {
        Kind::Conv(conv) => product(conv, choices),
        Kind::Depthwise(conv) => {
            let problem = grouping::depthwise(conv);
            match choices.window(&problem, space) {
                Ok(choice) => Some(Cost::of(&choice.estimate)),
                Err(_) => product(conv, choices),
            }
        }
        Kind::Pool(pool) => {
            let problem = grouping::pool(pool);
            let window = choices.window(&problem, space).ok().map(|choice| choice.estimate);
            let cycles = window.map_or(f64::INFINITY, |estimate| estimate.cycles());
            let mean = mean::faster(pool, cycles, &rates.within(space)).map(|choice| choice.estimate);
            mean.or(window).map(|estimate| Cost::of(&estimate))
        }
        Kind::FloatWindow(layer) => {
            let choice = choices.window(&grouping::float_window(layer), space);
            choice.ok().map(|choice| Cost::of(&choice.estimate))
        }
        Kind::Block(parts) => {
            let problem: BlockProblem = grouping::block(parts);
            choices.block(&problem, space).map(|choice| Cost::of(&choice.estimate))
        }
        // The table itself lies beside the tiles.
        Kind::Table(_) if nram < 2 * TABLE_BYTES => None,
        // These cut their tiles to any size, but not to nothing.
        _ if nram < rates.nram / 4 => None,
        Kind::Binary(binary) => Some(elements([&binary.a, &binary.b, &binary.d], true, &rates)),
        Kind::Table(table) => Some(elements([&table.a, &table.d], true, &rates)),
        Kind::Rows(chain) => {
            rows::choose(chain, &rates.within(space)).map(|choice| Cost::of(&choice.estimate))
        }
        Kind::Copy(copy) => Some(copied(copy, &rates)),
    }
}

fn copied(copy: &Copy, rates: &Rates) -> Cost {
    if let Some(picks) = Picks::of(copy) {
        let rows = picks.count() as f64;
        // Rows without a gap between them share their bursts.
        let bursts = |k: usize| match picks.sides[0].strides[k] == picks.rows[k] {
            true => picks.rows[k] as f64 / rates.burst as f64,
            false => rates.bursts(picks.rows[k] as f64),
        };
        let bursts = bursts(0) + bursts(1);
        let (dram, vector) = (rows * bursts * rates.burst_cycles, rows * picks.beats(rates.lanes) as f64);
        let drain = 2.0 * rates.dram_latency + rates.vector_latency;
        return Cost::of(&Estimate { vector, dram, steady: dram.max(vector), drain, ..Estimate::default() });
    }
    let mut sum = Cost { cycles: 0.0, traffic: 0.0 };
    let mut add = |cost: Cost| {
        sum.cycles += cost.cycles;
        sum.traffic += cost.traffic;
    };
    for view in copy.fill.iter().flat_map(|(views, _)| views) {
        add(elements([view], view.is_kept(), rates));
    }
    for (from, to) in &copy.parts {
        add(elements([from, to], from.is_kept() && to.is_kept(), rates));
    }
    sum
}

/// The cost of going over tensors element by element: what of them lies in DRAM is loaded or stored, and if the vector
/// unit takes part, its beats.
fn elements<const K: usize>(views: [&View; K], vector: bool, rates: &Rates) -> Cost {
    let sides = joint(views);
    let all = views[0].len() as f64;
    let runs = |k: usize| if sides[0].strides[k] == 1 { sides[0].count as f64 } else { 1.0 };
    let mut dram = 0.0;
    for (k, _) in views.iter().enumerate().filter(|(_, view)| !view.is_kept()) {
        dram += all / runs(k) * rates.bursts(runs(k)) * rates.burst_cycles;
    }
    let shortest = (0..K).map(runs).fold(f64::INFINITY, f64::min);
    let beats = if vector { all / shortest * (shortest / rates.lanes as f64).ceil() } else { 0.0 };
    let latency = if dram > 0.0 { 2.0 * rates.dram_latency } else { 0.0 } + rates.vector_latency;
    let estimate =
        Estimate { vector: beats, dram, steady: dram.max(beats), drain: latency, ..Estimate::default() };
    Cost::of(&estimate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries every address from the highest.
    fn by_trial(taken: &[Range<u64>], size: u64, bytes: u64) -> Option<u64> {
        let is_free =
            |&start: &u64| taken.iter().all(|range| range.end <= start || start + bytes <= range.start);
        (0..=size.checked_sub(bytes)?).rev().find(is_free)
    }

    #[test]
    fn a_range_that_starts_lower_may_end_higher() {
        assert_eq!(highest_gap(vec![13..15, 0..16], 16, 1), None);
        assert_eq!(highest_gap(vec![13..15, 10..16], 16, 1), Some(9));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn a_gap_is_the_highest_that_is_free(
            taken in proptest::collection::vec((0u64..40, 1u64..20), 0..6),
            bytes in 1u64..20,
        ) {
            let size = 48;
            let taken: Vec<_> = taken.iter().map(|&(start, length)| start..(start + length).min(size)).collect();
            prop_assert_eq!(highest_gap(taken.clone(), size, bytes), by_trial(&taken, size, bytes));
        }
    }
}
