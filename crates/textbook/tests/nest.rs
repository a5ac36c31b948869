//! Loop nests: the closed forms of the traffic against a walk over every tile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_textbook::layers::{Layer, layers};
use ediacara_textbook::nest::{Dimension, Memories, Stationary, Tile, Tiling, definition, timeline};

fn layer(batch: u64, inputs: u64, outputs: u64, image: u64, kernel: u64, stride: u64, padding: u64) -> Layer {
    let pixels = (image + 2 * padding - kernel) / stride + 1;
    Layer {
        name: "conv".to_owned(),
        batch,
        outputs,
        inputs,
        groups: 1,
        pixels: [pixels, pixels],
        image: [image, image],
        kernel: [kernel, kernel],
        stride: [stride, stride],
        dilation: [1, 1],
        padding: [padding, padding],
    }
}

/// Bytes of inputs, weights and sums that pass DRAM, tile by tile.
///
/// A block is loaded whenever it is another one than before.
fn walk(layer: &Layer, tiling: &Tiling) -> (u64, u64, u64) {
    let Tile { k, c, p, q } = tiling.tile;
    let count = |dimension| match dimension {
        Dimension::N => layer.batch,
        Dimension::K => layer.outputs.div_ceil(k),
        Dimension::C => layer.inputs.div_ceil(c),
        Dimension::P => layer.pixels[0].div_ceil(p),
        Dimension::Q => layer.pixels[1].div_ceil(q),
    };
    let order = tiling.stationary.order();
    let length = |block: u64, size: u64, all: u64| size.min(all - block * size);
    // The rows (or columns) of the image that a tile's windows touch, one by one.
    let touched = |block: u64, size: u64, axis: usize| {
        let outputs = block * size..(block * size + size).min(layer.pixels[axis]);
        let places = outputs.flat_map(|output| (0..layer.kernel[axis]).map(move |tap| (output, tap)));
        let places = places
            .map(|(output, tap)| (output * layer.stride[axis] + tap) as i64 - layer.padding[axis] as i64);
        let inside: std::collections::BTreeSet<i64> =
            places.filter(|place| (0..layer.image[axis] as i64).contains(place)).collect();
        inside.last().map_or(0, |last| (last - inside.first().unwrap() + 1) as u64)
    };
    let (mut inputs, mut weights, mut sums) = (0, 0, 0);
    let (mut last_x, mut last_w, mut last_y) = (None, None, None);
    let mut visits: HashMap<[u64; 4], u64> = HashMap::new();
    for step in 0..tiling.steps(layer) {
        let mut rest = step;
        let mut at = HashMap::new();
        for dimension in order.into_iter().rev() {
            at.insert(format!("{dimension:?}"), rest % count(dimension));
            rest /= count(dimension);
        }
        let [n, bk, bc, bp, bq] = ["N", "K", "C", "P", "Q"].map(|name| at[name]);
        if last_x.replace([n, bc, bp, bq]) != Some([n, bc, bp, bq]) {
            inputs += length(bc, c, layer.inputs) * touched(bp, p, 0) * touched(bq, q, 1);
        }
        if last_w.replace([bk, bc]) != Some([bk, bc]) {
            weights += length(bk, k, layer.outputs)
                * length(bc, c, layer.inputs)
                * layer.kernel[0]
                * layer.kernel[1];
        }
        let y = [n, bk, bp, bq];
        if last_y.replace(y) != Some(y) {
            let visit = visits.entry(y).or_default();
            // The sums were stored when the block left, and are loaded now.
            if *visit > 0 {
                let size = length(bk, k, layer.outputs)
                    * length(bp, p, layer.pixels[0])
                    * length(bq, q, layer.pixels[1]);
                sums += 2 * 4 * size;
            }
            *visit += 1;
        }
    }
    (inputs, weights, sums)
}

#[test]
fn the_closed_forms_are_those_of_a_walk() {
    let shapes = [
        layer(1, 32, 48, 13, 3, 1, 1),
        layer(2, 20, 40, 9, 1, 1, 0),
        layer(1, 3, 64, 23, 7, 2, 3),
        layer(3, 64, 16, 8, 5, 3, 2),
    ];
    for shape in &shapes {
        for stationary in Stationary::ALL {
            for (k, c, p, q) in
                [(16, 16, 4, 13), (16, 64, 3, 2), (48, 8, 1, 5), (64, 64, 64, 64), (32, 3, 5, 4)]
            {
                let tile = Tile {
                    k: k.min(shape.outputs),
                    c: c.min(shape.inputs),
                    p: p.min(shape.pixels[0]),
                    q: q.min(shape.pixels[1]),
                };
                let tiling = Tiling { stationary, tile };
                let traffic = tiling.dram_traffic(shape);
                let found = (traffic.inputs, traffic.weights, traffic.sums);
                assert_eq!(found, walk(shape, &tiling), "{shape:?} {tiling:?}");
                assert_eq!(traffic.outputs, shape.results());
            }
        }
    }
}

#[test]
fn what_stays_passes_once() {
    let memories = Memories::of(&Machine::preset("dlp16").unwrap());
    let shape = layer(1, 192, 384, 13, 3, 1, 1);
    for stationary in Stationary::ALL {
        let tiling = Tiling::best(&shape, &memories, stationary).unwrap().unwrap();
        let traffic = tiling.dram_traffic(&shape);
        match stationary {
            Stationary::Outputs => assert_eq!(traffic.sums, 0),
            Stationary::Weights => assert_eq!(traffic.weights, 384 * 192 * 9),
            Stationary::Inputs => assert!(traffic.inputs >= 192 * 13 * 13),
        }
        assert!(traffic.total() >= 384 * 192 * 9 + 192 * 169 + 384 * 169);
        // A beat takes 16 inputs, whole vectors of 16 channels; there are 169 x 24 blocks x 108 steps of
        // them.
        let array = tiling.array_traffic(&shape, &memories);
        let beats = 169 * 24 * 108;
        match stationary {
            Stationary::Outputs => {
                assert_eq!((array.nram_read, array.wram_read), (16 * beats, 256 * beats));
                assert_eq!(array.aram_written, 4 * 384 * 169);
            }
            Stationary::Weights => assert_eq!(array.nram_read, 16 * beats),
            Stationary::Inputs => assert_eq!(array.wram_read, 256 * beats),
        }
    }
}

#[test]
fn the_definition_has_seven_loops() {
    let text = definition(&layer(1, 192, 384, 13, 3, 1, 1));
    assert_eq!(text.lines().filter(|line| line.trim_start().starts_with("for ")).count(), 7);
    assert!(text.ends_with("y[n, k, p, q] += x[n, c, p + r - 1, q + s - 1] * w[k, c, r, s]"), "{text}");
    assert!(definition(&layer(1, 3, 64, 224, 7, 2, 3)).contains("x[n, c, 2*p + r - 3, 2*q + s - 3]"));
}

#[test]
fn groups_are_refused() {
    let memories = Memories::of(&Machine::preset("dlp16").unwrap());
    let grouped = Layer { groups: 4, ..layer(1, 16, 16, 8, 3, 1, 1) };
    assert!(Tiling::best(&grouped, &memories, Stationary::Outputs).unwrap_err().contains("4 groups"));
}

#[test]
fn the_picture_is_of_alexnet() {
    let memories = Memories::of(&Machine::preset("dlp4").unwrap());
    let layers = layers(&ediacara_nn::build("alexnet", 1, 1).unwrap());
    let layer = layers.iter().find(|layer| layer.name == "features.6").unwrap();
    let tilings = Stationary::ALL.map(|one| Tiling::best(layer, &memories, one).unwrap().unwrap());
    let svg = timeline(layer, &tilings).to_svg();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/textbook/pictures/tiles.svg");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &svg).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == svg, "{path} differs: UPDATE_EXPECT=1 draws it again");
}
