//! The cells of the modules of a mapped design, from Yosys's statistics to a table.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Bits of a block RAM (DP16KD) and of a distributed RAM (TRELLIS_DPR16X4).
const BLOCK_BITS: u64 = 18 * 1024;
const DISTRIBUTED_BITS: u64 = 16 * 4;

/// The cells of one module, for all its instances together and without the modules inside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// How often the module is there.
    pub(super) instances: u64,
    /// Four-input tables, the two of a carry cell (CCU2C) included.
    pub(super) tables: u64,
    /// Multiplexers that join tables to larger ones (PFUMX, L6MUX21).
    pub(super) multiplexers: u64,
    /// TRELLIS_FF.
    pub(super) flip_flops: u64,
    /// MULT18X18D.
    pub(super) multipliers: u64,
    /// Bits of block RAM, whole RAMs.
    pub(super) block_bits: u64,
    /// Bits of distributed RAM, whole RAMs.
    pub(super) distributed_bits: u64,
}

/// Cells by what the reader knows: the module's name, and for memories also which memory.
pub(super) type Usage = BTreeMap<String, Cells>;

impl Cells {
    /// Counts `count` cells of a type of the family.
    fn add(&mut self, kind: &str, count: u64) -> Result<()> {
        match kind {
            "LUT4" => self.tables += count,
            "CCU2C" => self.tables += 2 * count,
            "PFUMX" | "L6MUX21" => self.multiplexers += count,
            "TRELLIS_FF" => self.flip_flops += count,
            "MULT18X18D" => self.multipliers += count,
            "DP16KD" | "PDPW16KD" => self.block_bits += BLOCK_BITS * count,
            "TRELLIS_DPR16X4" => self.distributed_bits += DISTRIBUTED_BITS * count,
            other => bail!("{count} cells of type `{other}` are left unmapped"),
        }
        Ok(())
    }

    fn join(&mut self, other: &Cells) {
        self.instances += other.instances;
        self.tables += other.tables;
        self.multiplexers += other.multiplexers;
        self.flip_flops += other.flip_flops;
        self.multipliers += other.multipliers;
        self.block_bits += other.block_bits;
        self.distributed_bits += other.distributed_bits;
    }

    fn row(&self, name: &str) -> String {
        let numbers = [
            self.tables,
            self.multiplexers,
            self.flip_flops,
            self.multipliers,
            self.block_bits,
            self.distributed_bits,
        ];
        let cells: Vec<_> = numbers.iter().map(|&number| grouped(number)).collect();
        format!("| {name} | {} | {} |\n", self.instances, cells.join(" | "))
    }
}

/// The cells of each module below `top`, itself included.
///
/// # Errors
/// A cell is not of the family, or the statistics are not what Yosys writes.
pub(super) fn usage(statistics: &Value, top: &str) -> Result<Usage> {
    let modules = statistics["modules"].as_object().context("statistics without modules")?;
    let mut usage = Usage::new();
    let mut waiting = vec![(top.to_owned(), 1)];
    while let Some((name, instances)) = waiting.pop() {
        let module = modules.get(&format!("\\{name}")).with_context(|| format!("no statistics of {name}"))?;
        let mut cells = Cells { instances, ..Cells::default() };
        for (kind, count) in module["num_cells_by_type"].as_object().into_iter().flatten() {
            let count = instances * count.as_u64().with_context(|| format!("{kind} in {name}"))?;
            if modules.contains_key(&format!("\\{kind}")) {
                waiting.push((kind.clone(), count));
            } else {
                cells.add(kind, count).with_context(|| format!("in {name}"))?;
            }
        }
        usage.entry(label(&name)).or_default().join(&cells);
    }
    Ok(usage)
}

/// `ram$top.nram` is `ram` of NRAM, whose words are likewise told apart from other memories'.
///
/// Everything else is its module, wherever it is.
fn label(name: &str) -> String {
    let (module, path) = name.split_once('$').unwrap_or((name, ""));
    match (module, path.split('.').find(|part| part.ends_with("ram"))) {
        ("ram" | "ram_word", Some(memory)) => format!("`{module}` of {}", memory.to_uppercase()),
        _ => format!("`{module}`"),
    }
}

/// The table of a shape, its total last.
pub(super) fn render(shape: &str, usage: &Usage) -> String {
    let mut text = format!(
        "`rtl/shapes/{shape}.toml`:\n\n| module | instances | LUT4 | wide multiplexers | flip-flops | DSPs (MULT18X18D) | \
         block RAM, bits | distributed RAM, bits |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let mut total = Cells::default();
    for (name, cells) in usage {
        text.push_str(&cells.row(name));
        total.join(cells);
    }
    text.push_str(&total.row("all"));
    text.push('\n');
    text
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(leaf: &str) -> Value {
        serde_json::json!({ "modules": {
            "\\core": { "num_cells_by_type": { "LUT4": 3, "ram$core.nram": 1, "lane$core.lanes[0]": 4 } },
            "\\ram$core.nram": { "num_cells_by_type": { "CCU2C": 2, "ram_word$core.nram.words[0]": 8 } },
            "\\ram_word$core.nram.words[0]": { "num_cells_by_type": { "DP16KD": 2, "TRELLIS_DPR16X4": 5 } },
            "\\lane$core.lanes[0]": { "num_cells_by_type": { "MULT18X18D": 6, leaf: 100 } },
        } })
    }

    #[test]
    fn cells_count_as_often_as_their_module_is_there() {
        let usage = usage(&statistics("TRELLIS_FF"), "core").unwrap_or_default();
        let names: Vec<_> = usage.keys().map(String::as_str).collect();
        assert_eq!(names, ["`core`", "`lane`", "`ram_word` of NRAM", "`ram` of NRAM"]);
        let word = Cells {
            instances: 8,
            block_bits: 8 * 2 * 18_432,
            distributed_bits: 8 * 5 * 64,
            ..Cells::default()
        };
        assert_eq!(usage["`ram_word` of NRAM"], word);
        let text = render("shape", &usage);
        assert!(text.contains("\n| `lane` | 4 | 0 | 0 | 400 | 24 | 0 | 0 |\n"), "{text}");
        assert!(text.contains("\n| all | 14 | 7 | 0 | 400 | 24 | 294,912 | 2,560 |\n"), "{text}");
    }

    #[test]
    fn what_the_family_has_not_is_an_error() {
        let error = usage(&statistics("$_DLATCH_P_"), "core").err().map(|error| format!("{error:#}"));
        assert_eq!(
            error.as_deref(),
            Some("in lane$core.lanes[0]: 400 cells of type `$_DLATCH_P_` are left unmapped")
        );
        assert!(usage(&statistics("LUT4"), "other").is_err());
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(grouped).as_slice());
    }
}
