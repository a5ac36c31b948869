//! The steps of a recurrence as one line.
//!
//! A recurrence is unrolled: a layer of its step 3 is called `lstm@3/gates`.

use std::collections::HashMap;

use crate::LayerReport;

/// A name without the numbers of its steps: `lstm@*/gates` for `lstm@3/gates`; nothing if it has none.
fn without_step(name: &str) -> Option<String> {
    let mut parts = name.split('@');
    let mut general = parts.next()?.to_owned();
    let mut found = false;
    for part in parts {
        let rest = part.trim_start_matches(|character: char| character.is_ascii_digit());
        let is_step = rest.len() < part.len() && rest.starts_with('/');
        found |= is_step;
        general.extend(["@", if is_step { "*" } else { "" }, if is_step { rest } else { part }]);
    }
    found.then_some(general)
}

/// The layers with those of all steps of a recurrence summed up where the first stands, each with how many it is.
///
/// Utilisation is over all their occupied cycles; what limits them is what limits the longest.
pub(crate) fn merged(layers: &[LayerReport]) -> Vec<(LayerReport, usize)> {
    let mut lines: Vec<(LayerReport, usize)> = Vec::new();
    let mut places: HashMap<(String, &str), usize> = HashMap::new();
    let mut longest: Vec<u64> = Vec::new();
    for layer in layers {
        let general = without_step(&layer.name);
        let key = general.clone().map(|general| (general, layer.op.as_str()));
        let place = key.as_ref().and_then(|key| places.get(key)).copied();
        let Some(place) = place else {
            places.extend(key.map(|key| (key, lines.len())));
            let name = general.unwrap_or_else(|| layer.name.clone());
            lines.push((LayerReport { name, ..layer.clone() }, 1));
            longest.push(layer.cycles);
            continue;
        };
        let (sum, count) = &mut lines[place];
        let occupied = sum.occupied_cycles + layer.occupied_cycles;
        let used =
            sum.utilisation * sum.occupied_cycles as f64 + layer.utilisation * layer.occupied_cycles as f64;
        sum.utilisation = if occupied > 0 { used / occupied as f64 } else { 0.0 };
        sum.occupied_cycles = occupied;
        sum.macs += layer.macs;
        sum.matrix_macs += layer.matrix_macs;
        sum.cycles += layer.cycles;
        sum.dram_bytes += layer.dram_bytes;
        sum.roofline_cycles += layer.roofline_cycles;
        if layer.cycles > longest[place] {
            longest[place] = layer.cycles;
            (sum.unit, sum.remedy) = (layer.unit, layer.remedy);
            sum.limited_by.clone_from(&layer.limited_by);
        }
        *count += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_its_step() {
        assert_eq!(without_step("lstm@12/gates + lstm@12/sum").unwrap(), "lstm@*/gates + lstm@*/sum");
        assert_eq!(without_step("a@b/c@7/d").unwrap(), "a@b/c@*/d");
        assert!(
            ["conv1", "user@example", "x@12", "x@/y"].into_iter().all(|name| without_step(name).is_none())
        );
    }
}
