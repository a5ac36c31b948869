//! Attention on the DLP: the vector engine's work is hidden behind the products.

use crate::{json, number};

/// Beats of dlp16 for the products of a layer of ViT-S: 197 tokens of 384 channels, 6 heads of 64.
///
/// A beat is 16 outputs of 16 terms: the four products of the layer, and for each head scores and values, whose 197 are 13
/// blocks or steps of the array.
const BEATS: u64 = 197 * (72 * 24 + 24 * 24 + 96 * 24 + 24 * 96) + 197 * 6 * (13 * 4 + 4 * 13);

#[test]
fn the_layers_of_a_vision_transformer_take_little_more_than_the_beats_of_their_products() {
    let report = json(&["run", "vit_s", "--timing-only", "--ranges", "assumed", "--json"]);
    assert_eq!(report["placement"]["macs_share"], 1.0);
    let segments = report["segments"].as_array().unwrap();
    assert_eq!(segments.len(), 1, "{segments:?}");
    let layers = report["layers"].as_array().unwrap();
    let name = |layer: &serde_json::Value| layer["name"].as_str().unwrap().to_owned();
    let outside =
        |layer: &&serde_json::Value| ["patch_embed", "head"].iter().any(|part| name(layer).starts_with(part));
    let others: u64 = layers.iter().filter(outside).map(|layer| number(&layer["cycles"])).sum();
    let cycles = number(&report["dlp_cycles"]) - others;
    assert!(cycles >= 12 * BEATS, "{cycles} cycles are fewer than the {BEATS} beats of each layer");
    assert!(100 * cycles <= 115 * 12 * BEATS, "{cycles} cycles in 12 layers of {BEATS} beats");
}
