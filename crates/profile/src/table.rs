//! Tables and totals as text for people.

use std::ops::Range;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

use ediacara_sim::{Part, Split};

use crate::number::thousands;
use crate::steps::merged;
use crate::{
    Change, Check, EngineReport, LayerReport, OutputReport, RunReport, SegmentReport, Tried, WhatIf,
    most_useful,
};

/// One line a layer, one for the `fetch_bytes` of instructions, and the sum. The steps of a recurrence are one
/// line, with how many they are.
///
/// Occupied cycles do not sum, because layers overlap.
pub fn layer_table(layers: &[LayerReport], fetch_bytes: u64) -> String {
    let header = [
        "layer",
        "op",
        "shape",
        "MACs",
        "cycles",
        "occupied",
        "utilisation",
        "DRAM bytes",
        "roofline",
        "limited by",
    ];
    let row = |(layer, count): &(LayerReport, usize)| {
        let name = match count {
            1 => shorten(&layer.name, 44),
            _ => format!("{} x{count}", shorten(&layer.name, 38)),
        };
        vec![
            name,
            layer.op.clone(),
            shape(&layer.shape),
            thousands(layer.macs),
            thousands(layer.cycles),
            thousands(layer.occupied_cycles),
            utilisation(layer),
            thousands(layer.dram_bytes),
            thousands(layer.roofline_cycles.ceil() as u64),
            layer.limited_by.clone(),
        ]
    };
    let sum = |field: fn(&LayerReport) -> u64| layers.iter().map(field).sum::<u64>();
    let mut fetch = vec![String::new(); header.len()];
    fetch[0] = "instructions".to_owned();
    fetch[7] = thousands(fetch_bytes);
    let mut total = vec![String::new(); header.len()];
    total[0] = "total".to_owned();
    total[3] = thousands(sum(|layer| layer.macs));
    total[4] = thousands(sum(|layer| layer.cycles));
    total[7] = thousands(sum(|layer| layer.dram_bytes) + fetch_bytes);
    total[8] = thousands(layers.iter().map(|layer| layer.roofline_cycles).sum::<f64>().ceil() as u64);
    plain_table(&header, 3..9, merged(layers).iter().map(row).chain([fetch, total]).collect())
}

/// A layer's utilisation, with the unit that it is of.
fn utilisation(layer: &LayerReport) -> String {
    match layer.unit {
        "none" => "-".to_owned(),
        unit => format!("{unit} {:5.1} %", layer.utilisation * 100.0),
    }
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
    engine_table(&report.engines, report.dlp_cycles)
}

/// The number of outputs whose signal-to-noise ratio is shown, the worst first.
const SHOWN_OUTPUTS: usize = 4;

/// The totals, one a line.
pub fn totals(report: &RunReport) -> String {
    let milliseconds = report.seconds_simulated * 1e3;
    let mut lines = vec![
        format!(
            "cycles        {} ({milliseconds:.3} ms at {:.2} GHz)",
            thousands(report.cycles),
            report.clock_hz as f64 / 1e9,
        ),
        format!("on the DLP    {}, {}", thousands(report.dlp_cycles), timing_words(&report.timing_basis)),
        format!(
            "elsewhere     {} at the network's border, {} on the host, {}",
            thousands(report.transfer_cycles),
            thousands(report.host_cycles),
            timing_words("modelled")
        ),
        format!("segments      {}", segments(&report.segments)),
        format!("spent on      {}", split_line(report.layers.iter().map(|layer| &layer.split))),
        format!("would help    {}", would_help(report)),
        format!(
            "roofline      {} layer by layer (the DLP takes {:.3} times it)",
            thousands(report.layer_roofline_cycles),
            report.cycles_over_roofline
        ),
        format!("floor         {}", thousands(report.floor_cycles)),
        format!("MACs          {} ({:.1} % of peak)", thousands(report.macs), report.mac_utilisation * 100.0),
        format!("matrix beats  {}", report.matrix_beats),
        format!(
            "DRAM          {} bytes read, {} of them instructions; {} written",
            thousands(report.dram_read_bytes),
            thousands(report.fetch_bytes),
            thousands(report.dram_write_bytes)
        ),
        format!("instructions  {}", thousands(report.instructions)),
    ];
    lines.extend(check(&report.check));
    lines.push(format!("quantisation  {}", quantisation(report)));
    if let [first, ..] = report.quantisation.seeded_inputs.as_slice() {
        let inputs = report.quantisation.seeded_inputs.join(", ");
        lines.push(format!(
            "notice        int8 ranges rest on made-up numbers for {inputs}: give samples with --calibrate {first}=PATH"
        ));
    }
    lines.join("\n")
}

/// Of so many segments the cycles are shown.
const SHOWN_SEGMENTS: usize = 5;

/// The segments in order with their cycles; of many, how many there are of each place.
fn segments(segments: &[SegmentReport]) -> String {
    let name = |place: &str| if place == "dlp" { "DLP" } else { "host" };
    if segments.len() <= SHOWN_SEGMENTS {
        let one = |segment: &SegmentReport| format!("{} {}", name(segment.place), thousands(segment.cycles));
        return segments.iter().map(one).collect::<Vec<_>>().join(", then ");
    }
    let count = |place: &str| segments.iter().filter(|segment| segment.place == place).count();
    format!("{}: {} of the DLP, {} of the host, in turn", segments.len(), count("dlp"), count("host"))
}

/// What the machine did in the cycles of some layers, as shares of at least a tenth of a percent.
pub fn split_line<'a>(splits: impl Iterator<Item = &'a Split> + Clone) -> String {
    let cycles = |part: Part| splits.clone().map(|split| split.of(part)).sum::<u64>() as f64;
    let total: f64 = Part::ALL.into_iter().map(cycles).sum();
    let shares = Part::ALL.into_iter().map(|part| (part, 100.0 * cycles(part) / total.max(1.0)));
    let shown = shares.filter(|&(_, share)| share >= 0.1);
    shown.map(|(part, share)| format!("{} {share:.1} %", part.name())).collect::<Vec<_>>().join(", ")
}

/// A basis of timing in words (docs/fidelity.md).
pub fn timing_words(basis: &str) -> &str {
    match basis {
        "rtl-verified-rules" => "timed by rules that RTL verifies",
        "rtl-verified" => "timing verified on RTL",
        "modelled" => "modelled timing",
        other => other,
    }
}

/// The changes that were tried with what they saved, else the three that concern the layers of most cycles.
fn would_help(report: &RunReport) -> String {
    let changes = most_useful(report.layers.iter().map(|layer| (layer.remedy, layer.cycles)));
    let limits = |(change, cycles, layers): &(Change, u64, usize)| {
        let plural = if *layers == 1 { "" } else { "s" };
        format!("{} ({layers} layer{plural} of {} cycles)", change.text(), thousands(*cycles))
    };
    let text: Vec<String> = match report.what_if.as_deref() {
        Some(tried) => tried.iter().map(what_if_text).collect(),
        None => changes.iter().take(3).filter(|(_, cycles, _)| *cycles > 0).map(limits).collect(),
    };
    if text.is_empty() { "nothing that could be tried".to_owned() } else { text.join("\n              ") }
}

/// A change that was tried, and its outcome.
pub fn what_if_text(tried: &WhatIf) -> String {
    let (change, set) = (tried.change.text(), &tried.set);
    match &tried.result {
        Tried::Timed { cycles, saved_cycles } => {
            let sign = if *saved_cycles < 0 { "more" } else { "fewer" };
            let saved = thousands(saved_cycles.unsigned_abs());
            format!("{change} ({set}): {} cycles, {saved} {sign}", thousands(*cycles))
        }
        Tried::Refused { problem } => format!("{change} ({set}): {problem}"),
    }
}

/// The result of a comparison.
fn check(check: &Check) -> Vec<String> {
    let reference = &check.reference;
    let first = check.first_difference.iter().map(|first| format!("first in      {first}"));
    let verdict = match check.bit_exact {
        Some(true) => {
            format!("equal to {reference}: {} tensors, {} bytes", check.tensors, thousands(check.bytes))
        }
        Some(false) => format!(
            "DIFFERS from {reference}: largest difference {}",
            check.max_abs_error.unwrap_or_default()
        ),
        None if reference == "none" => "none (no values were computed)".to_owned(),
        None => "none: the DLP computed nothing that could be compared".to_owned(),
    };
    [format!("check         {verdict}")].into_iter().chain(first).collect()
}

fn quantisation(report: &RunReport) -> String {
    let mut text = report.quantisation.method.clone();
    let measured = |output: &OutputReport| Some((output.sqnr_db?, output.name.clone()));
    let mut outputs: Vec<(f64, String)> = report.outputs.iter().filter_map(measured).collect();
    outputs.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    match outputs.as_slice() {
        [] => {}
        [(decibel, _)] => text += &format!("; {decibel:.1} dB against f32"),
        several => {
            let each =
                several.iter().take(SHOWN_OUTPUTS).map(|(decibel, name)| format!("{name} {decibel:.1} dB"));
            text += &format!("; against f32: {}", each.collect::<Vec<_>>().join(", "));
            if several.len() > SHOWN_OUTPUTS {
                text += &format!(" and {} better", several.len() - SHOWN_OUTPUTS);
            }
        }
    }
    if let Some(equal) = report.quantisation.top1_equals_f32 {
        text += if equal { ", same top class" } else { ", another top class" };
    }
    text
}

/// A table with a line under its header and nothing else, so that many rows stay readable.
///
/// The columns of `numbers` are flush right. It never wraps.
pub fn plain_table(header: &[&str], numbers: Range<usize>, rows: Vec<Vec<String>>) -> String {
    let mut table = plain(rows);
    table.set_header(header);
    flush_right(&mut table, numbers);
    table.trim_fmt()
}

/// Rows that are made and laid out at a time.
const ROWS: usize = 4096;

/// As [`plain_table`] for any number of rows: gives `print` so many lines at a time.
///
/// `rows` gives the same rows each time. They are made once to find how wide the columns are, and once to be
/// printed.
pub fn long_table<R: Iterator<Item = Vec<String>>>(
    header: &[&str],
    numbers: Range<usize>,
    rows: impl Fn() -> R,
    mut print: impl FnMut(&str),
) {
    let mut first = plain(Vec::new());
    first.set_header(header);
    let mut widths = first.column_max_content_widths();
    for row in rows() {
        let row = content_widths(row);
        widths.iter_mut().zip(row).for_each(|(width, other)| *width = (*width).max(other));
    }
    let mut table = Some(first);
    for part in parts(rows()) {
        let mut table = table.take().unwrap_or_else(|| plain(Vec::new()));
        table.add_rows(part);
        for (column, &width) in table.column_iter_mut().zip(&widths) {
            let width = width.saturating_add(column.padding_width());
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        flush_right(&mut table, numbers.clone());
        print(&table.trim_fmt());
    }
    if let Some(empty) = table {
        print(&empty.trim_fmt());
    }
}

/// How wide the cells of a row are.
fn content_widths(row: Vec<String>) -> Vec<u16> {
    // Nearly all cells have only characters of one column, which need no table.
    match row.iter().all(|cell| cell.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')) {
        true => row.iter().map(|cell| u16::try_from(cell.len()).unwrap_or(u16::MAX)).collect(),
        false => plain(vec![row]).column_max_content_widths(),
    }
}

/// `rows`, some at a time.
fn parts<T>(mut rows: impl Iterator<Item = T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        Some(rows.by_ref().take(ROWS).collect()).filter(|part: &Vec<T>| !part.is_empty())
    })
}

fn plain(rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.add_rows(rows);
    table
}

fn flush_right(table: &mut Table, numbers: Range<usize>) {
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn shape(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// The end of a long name, because ends tell layers apart.
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
    use super::{ROWS, long_table, plain_table, shorten};

    /// The result is the same whatever the number of rows, and wherever the widest is.
    #[test]
    fn a_long_table_is_a_plain_one_in_parts() {
        for count in [0, 1, ROWS, ROWS + 1, 3 * ROWS - 1] {
            let row = |index: usize| {
                let name = if index == ROWS { "the widest, 幅".to_owned() } else { format!("n{index}") };
                vec![name, "x".repeat(index % 7), index.to_string()]
            };
            let header = ["layer", "kind", "count"];
            let mut lines = Vec::new();
            long_table(&header, 2..3, || (0..count).map(row), |part| lines.push(part.to_owned()));
            let expected = plain_table(&header, 2..3, (0..count).map(row).collect());
            assert_eq!(lines.join("\n"), expected, "{count} rows");
            assert!(lines.len() >= count / ROWS);
        }
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "…cdefg");
    }
}
