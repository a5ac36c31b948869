//! Random networks of the parts of published networks, by seed: real (f32, NCHW), to be quantised.
//!
//! A [`Motif`] is one file: a function that appends layers to a network, with shapes drawn as its paper has
//! them. [`MOTIFS`] lists them. [`draw`] chains a few of them, with sides and widths from a [`Size`]. Nothing
//! here quantises or compiles.

mod dense;
mod fire;
mod inception;
mod inverted;
mod layers;
mod maxout;
mod points;
mod pyramid;
mod residual;
mod shuffle;
mod spatial;
mod squeeze;
mod unet;

use std::collections::BTreeSet;

use ediacara_graph::{Graph, ValueId};

use crate::Random;
pub use layers::Layers;

/// A part that published networks are made of.
#[derive(Debug)]
pub struct Motif {
    /// The name in reports.
    pub name: &'static str,
    /// Where its shapes are from.
    pub source: &'static str,
    /// The shorter side of the smallest image that it makes sense on.
    side: usize,
    /// Appends it to what was built so far, on an image `[batch, channels, height, width]`.
    append: fn(&mut Layers, ValueId) -> ValueId,
}

/// Every motif.
pub const MOTIFS: [&Motif; 12] = [
    &dense::MOTIF,
    &fire::MOTIF,
    &inception::MOTIF,
    &inverted::MOTIF,
    &maxout::MOTIF,
    &points::MOTIF,
    &pyramid::MOTIF,
    &residual::MOTIF,
    &shuffle::MOTIF,
    &spatial::MOTIF,
    &squeeze::MOTIF,
    &unet::MOTIF,
];

/// Sides of images in the papers: those of 224 and 227 pixels, halved again and again.
pub const PUBLISHED_SIDES: [usize; 5] = [7, 13, 27, 28, 55];

/// How large a network may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The largest sides of the input.
    pub side: usize,
    /// The most elements of an image between layers, roughly.
    pub elements: usize,
    /// The most multiply-adds of a layer, roughly.
    pub macs: usize,
    /// The most motifs.
    pub motifs: usize,
}

impl Size {
    /// For hardware that is simulated, with memories of a few kilobytes.
    pub const TINY: Size = Size { side: 13, elements: 1 << 10, macs: 12_000, motifs: 1 };
    /// The size of most networks: quick to compare, and crowded where NRAM has 32 KiB.
    pub const SMALL: Size = Size { side: 64, elements: 12 << 10, macs: 400_000, motifs: 4 };
    /// A size between the others.
    pub const MEDIUM: Size = Size { side: 64, elements: 64 << 10, macs: 2_000_000, motifs: 3 };
    /// The size of images that crowd 256 KiB.
    pub const LARGE: Size = Size { side: 64, elements: 320 << 10, macs: 8_000_000, motifs: 2 };

    /// A size: mostly small, now and then larger.
    fn any(random: &mut Random) -> Size {
        match random.below(100) {
            0..62 => Size::SMALL,
            62..90 => Size::MEDIUM,
            _ => Size::LARGE,
        }
    }
}

/// A network, and what it was drawn as.
#[derive(Debug)]
pub struct Drawn {
    /// Real, in NCHW, with its outputs set.
    pub graph: Graph,
    /// The names of its motifs, in order.
    pub motifs: Vec<&'static str>,
}

/// The network of a seed, small or large.
///
/// A seed gives the same one for ever.
///
/// # Panics
/// Never: what is drawn fits.
pub fn draw(seed: u64) -> Drawn {
    build(seed, Size::any(&mut Random::new(!seed)), usize::MAX)
}

/// As [`draw`], cut off after so many motifs, which makes a failure smaller.
///
/// # Panics
/// Never: what is drawn fits.
pub fn draw_first(seed: u64, motifs: usize) -> Drawn {
    build(seed, Size::any(&mut Random::new(!seed)), motifs)
}

/// As [`draw`], of a given size.
///
/// # Panics
/// Never: what is drawn fits.
pub fn draw_sized(seed: u64, size: Size) -> Drawn {
    build(seed, size, usize::MAX)
}

fn build(seed: u64, size: Size, most: usize) -> Drawn {
    let mut layers = Layers::new(seed, size);
    let mut x = layers.input();
    let mut motifs = Vec::new();
    if layers.random().chance(35) {
        x = layers.crowd(x);
    }
    let count = layers.random().between(1, size.motifs);
    for _ in 0..count.min(most) {
        x = layers.narrow(x);
        let side = layers.sides(x).into_iter().min().unwrap_or_default();
        let fitting: Vec<_> = MOTIFS.iter().filter(|motif| motif.side <= side).collect();
        let motif = layers.random().pick(&fitting);
        x = (motif.append)(&mut layers, x);
        motifs.push(motif.name);
    }
    if count <= most && layers.random().chance(40) {
        let y = layers.global_average(x);
        let classes = layers.random().between(2, 40);
        x = layers.classifier(y, classes);
    }
    Drawn { graph: layers.finish(x), motifs }
}

/// What a network shows beside its motifs: published sides, every side, and images of 256 KiB when they are
/// quantised.
pub fn sides_and_crowds(graph: &Graph) -> BTreeSet<String> {
    let computed = graph.values().filter(|&value| graph.constant(value).is_none());
    let images = computed.map(|value| graph.ty(value)).filter(|ty| ty.rank() == 4);
    let mut found = BTreeSet::new();
    for ty in images {
        found.extend(ty.shape[2..].iter().filter(|&&side| side <= 64).map(|side| format!("side {side}")));
        for (most, name) in [(16, "16 KiB"), (64, "64 KiB"), (256, "256 KiB")] {
            // The tensor is within a quarter: it leaves no room for its neighbours, or barely misses its own.
            let (most, bytes) = (most << 10, ty.elements());
            if bytes * 4 >= most * 3 && bytes * 4 <= most * 5 {
                found.insert(format!("crowds {name}"));
            }
        }
    }
    found
}
