//! Tables and totals as text for people.

use std::ops::Range;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use ediacara_sim::{Part, Split};

use crate::{EngineReport, LayerReport, RunReport, most_useful};

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line a layer, and the sum.
pub fn layer_table(layers: &[LayerReport]) -> String {
    let header =
        ["layer", "op", "shape", "MACs", "cycles", "utilisation", "DRAM bytes", "bound", "limited by"];
    let row = |layer: &LayerReport| {
        vec![
            shorten(&layer.name, 44),
            layer.op.clone(),
            shape(&layer.shape),
            thousands(layer.macs),
            thousands(layer.cycles),
            format!("{:.1} %", layer.utilisation * 100.0),
            thousands(layer.dram_bytes),
            thousands(layer.bound_cycles.ceil() as u64),
            layer.limited_by.clone(),
        ]
    };
    let sum = |field: fn(&LayerReport) -> u64| thousands(layers.iter().map(field).sum());
    let mut total = vec![String::new(); header.len()];
    total[0] = "total".to_owned();
    total[3] = sum(|layer| layer.macs);
    total[4] = sum(|layer| layer.cycles);
    total[6] = sum(|layer| layer.dram_bytes);
    total[7] = thousands(layers.iter().map(|layer| layer.bound_cycles).sum::<f64>().ceil() as u64);
    plain_table(&header, 3..8, layers.iter().map(row).chain([total]).collect())
}

/// One line an engine.
pub fn engine_table(engines: &[EngineReport], cycles: u64) -> String {
    let row = |engine: &EngineReport| {
        let stalls: Vec<String> = engine
            .stall_cycles
            .iter()
            .filter(|(_, cycles)| *cycles > 0)
            .map(|(cause, cycles)| format!("{cause} {}", thousands(*cycles)))
            .collect();
        vec![
            engine.name.clone(),
            thousands(engine.busy_cycles),
            format!("{:.1} %", 100.0 * engine.busy_cycles as f64 / cycles.max(1) as f64),
            thousands(engine.idle_cycles),
            if stalls.is_empty() { "-".to_owned() } else { stalls.join(", ") },
        ]
    };
    plain_table(&["engine", "busy", "share", "idle", "stalled"], 1..4, engines.iter().map(row).collect())
}

/// One line an engine of a run.
pub fn report_engine_table(report: &RunReport) -> String {
    engine_table(&report.engines, report.cycles)
}

/// The totals, one a line.
pub fn totals(report: &RunReport) -> String {
    let milliseconds = report.seconds_simulated * 1e3;
    let mut lines = vec![
        format!(
            "cycles        {} ({milliseconds:.3} ms at {:.2} GHz, {} timing)",
            thousands(report.cycles),
            report.clock_hz as f64 / 1e9,
            report.timing_basis
        ),
        format!("spent on      {}", split_line(report.layers.iter().map(|layer| &layer.split))),
        format!("would help    {}", would_help(&report.layers)),
        format!(
            "layer bound   {} (cycles are {:.3} times it)",
            thousands(report.layer_bound_cycles),
            report.cycles_over_bound
        ),
        format!("floor         {}", thousands(report.floor_cycles)),
        format!("MACs          {} ({:.1} % of peak)", thousands(report.macs), report.mac_utilisation * 100.0),
        format!(
            "DRAM          {} bytes read, {} written",
            thousands(report.dram_read_bytes),
            thousands(report.dram_write_bytes)
        ),
        format!("instructions  {}", thousands(report.instructions)),
    ];
    lines.push(match report.check.bit_exact {
        Some(true) => format!(
            "check         equal to {}: {} tensors, {} bytes",
            report.check.reference,
            report.check.tensors,
            thousands(report.check.bytes)
        ),
        Some(false) => format!(
            "check         DIFFERS from {}: largest difference {}",
            report.check.reference,
            report.check.max_abs_error.unwrap_or_default()
        ),
        None => "check         none (no values were computed)".to_owned(),
    });
    lines.push(format!("quantisation  {}", quantisation(report)));
    if report.partial {
        lines.push("partial       the host operations below have no cycles in the total".to_owned());
    }
    lines.join("\n")
}

/// What the machine did in the cycles of some layers, as shares: those of at least a tenth of a percent.
pub fn split_line<'a>(splits: impl Iterator<Item = &'a Split> + Clone) -> String {
    let cycles = |part: Part| splits.clone().map(|split| split.of(part)).sum::<u64>() as f64;
    let total: f64 = Part::ALL.into_iter().map(cycles).sum();
    let shares = Part::ALL.into_iter().map(|part| (part, 100.0 * cycles(part) / total.max(1.0)));
    let shown = shares.filter(|&(_, share)| share >= 0.1);
    shown.map(|(part, share)| format!("{} {share:.1} %", part.name())).collect::<Vec<_>>().join(", ")
}

/// The three changes that would save most, each with the sum of what its layers would lose at most.
fn would_help(layers: &[LayerReport]) -> String {
    let changes = most_useful(layers.iter().map(|layer| &layer.remedy));
    let text = changes.iter().take(3).filter(|(_, cycles, _)| *cycles > 0).map(|(change, cycles, layers)| {
        let plural = if *layers == 1 { "" } else { "s" };
        format!("{}: up to {} cycles in {layers} layer{plural}", change.text(), thousands(*cycles))
    });
    let text = text.collect::<Vec<_>>().join("; ");
    if text.is_empty() { "nothing: every layer is short".to_owned() } else { text }
}

fn quantisation(report: &RunReport) -> String {
    let mut text = report.quantisation.method.clone();
    if let Some(decibel) = report.quantisation.sqnr_db {
        text += &format!("; {decibel:.1} dB against f32");
    }
    if let Some(equal) = report.quantisation.top1_equals_f32 {
        text += if equal { ", same top class" } else { ", another top class" };
    }
    text
}

/// A table with a line under its header and nothing else, so that many rows stay readable. The columns of `numbers` are
/// flush right. It never wraps.
pub fn plain_table(header: &[&str], numbers: Range<usize>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// The end of a long name, which is what tells layers apart.
pub fn shorten(name: &str, length: usize) -> String {
    let count = name.chars().count();
    if count <= length {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(count - length + 1).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::{shorten, thousands};

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(61_100_840), "61,100,840");
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "…cdefg");
    }
}
