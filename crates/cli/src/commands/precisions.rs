//! Which layers `--precision auto` chose, and what that costs.

use ediacara::mixed::Choice;
use ediacara::profile::thousands;
use serde_json::{Value, json};

use crate::output::say;

/// How many layers a line names.
const NAMED: usize = 4;

fn decibels(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "no noise".to_owned(), |ratio| format!("{ratio:.1} dB"))
}

/// The choice; `int8` and `cycles` are the DLP's cycles with all layers in int8, and as chosen.
pub(super) fn print(choice: &Choice, int8: u64, cycles: u64) {
    let names: Vec<String> =
        choice.layers.iter().take(NAMED).map(|(name, ratio)| format!("{name} {ratio:.1} dB")).collect();
    let more = match choice.layers.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if choice.layers.is_empty() {
        return say!(
            "precision     all {} products in int8: {}",
            choice.products,
            decibels(choice.int8_decibels)
        );
    }
    say!(
        "precision     {} of {} products in {}: {} for the {} of int8, in {} DLP cycles for {}, {:.2} times as many",
        choice.layers.len(),
        choice.products,
        choice.precision,
        decibels(choice.decibels),
        decibels(choice.int8_decibels),
        thousands(cycles),
        thousands(int8),
        cycles as f64 / int8.max(1) as f64
    );
    say!("              the noisiest by themselves: {}{more}", names.join(", "));
}

/// How many layers compute in what.
pub(super) fn summary(choice: &Choice) -> String {
    let Choice { layers, products, precision, decibels: found, .. } = choice;
    format!("{} of {products} products in {precision}, for {}", layers.len(), decibels(*found))
}

/// The choice as an object.
pub(super) fn to_json(choice: &Choice, int8: u64) -> Value {
    let layer = |(name, ratio): &(String, f64)| json!({ "name": name, "own_sqnr_db": ratio });
    json!({
        "products": choice.products,
        "precision": choice.precision.name(),
        "layers": choice.layers.iter().map(layer).collect::<Vec<_>>(),
        "sqnr_db": choice.decibels,
        "int8_sqnr_db": choice.int8_decibels,
        "int8_dlp_cycles": int8,
    })
}
