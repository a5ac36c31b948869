//! The rows of docs/zoo.md, and what is wrong with a network.

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) const FIGURES: &[&str] = &[
    "network",
    "on the DLP",
    "segments",
    "DLP cycles",
    "host and transfer",
    "over yardstick",
    "SQNR",
    "bytes compared",
    "proven",
    "`exec`",
];
pub(super) const ANSWERS: &[&str] = &["network", "given", "calibrated on", "f32", "int8 on the DLP"];
pub(super) const FLOATS: &[&str] = &[
    "network",
    "f32 on dlp16f: DLP cycles",
    "bytes compared",
    "from plain f32",
    "bf16: DLP cycles",
    "bytes compared",
    "from plain f32",
];
pub(super) const HOST: &[&str] = &["network", "what the host computes, and why"];
pub(super) const USAGE: &[&str] = &["network", "file", "options", "without them"];

/// The least share of multiply-adds on the DLP.
const LEAST_SHARE: f64 = 0.95;
/// The largest difference of f32 on the DLP from plain f32, as a share of an output's largest number.
const MOST_ERROR: f64 = 1e-4;
/// The longest error.
const ERROR_LINES: usize = 20;

/// The head of a table.
pub(super) fn head(cells: &[&str]) -> String {
    format!("| {} |\n|{}", cells.join(" | "), " --- |".repeat(cells.len()))
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | "))
}

/// The row of a network that did not run.
pub(super) fn failed(name: &str, error: &str, head: &[&str]) -> String {
    let mut cells = vec![name.to_owned(), format!("failed: {error}")];
    cells.resize(head.len(), String::new());
    row(&cells)
}

/// The rows of a page's table by their first cells.
pub(super) fn by_name(page: &str, task: &str) -> BTreeMap<String, String> {
    let begin = format!("<!-- cargo xtask zoo {task} -->");
    let table = page.split_once(&begin).map_or("", |(_, rest)| rest);
    let table = table.split_once("<!-- end of").map_or(table, |(table, _)| table);
    let named = |line: &str| Some((line.strip_prefix("| ")?.split_once(" |")?.0.to_owned(), line.to_owned()));
    table.lines().filter_map(named).collect()
}

/// A text of what was found.
pub(super) fn text<'a>(found: &'a Value, key: &str) -> &'a str {
    found[key].as_str().unwrap_or_default()
}

fn whole(found: &Value, key: &str) -> u64 {
    found[key].as_u64().unwrap_or_default()
}

/// A number with a comma before every three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in per cent, rounded down, so that 100 % is all.
fn percent(share: Option<f64>) -> String {
    share.map_or("none to do".to_owned(), |share| format!("{:.2} %", (share * 10_000.0).floor() / 100.0))
}

pub(super) fn figures(found: &Value) -> String {
    let decibel = found["sqnr_db"].as_f64().map_or("equal".to_owned(), |ratio| format!("{ratio:.1} dB"));
    let compared = match (whole(found, "compared_bytes"), found["bit_exact"].as_bool()) {
        (0, _) => "NOT COMPARED".to_owned(),
        (bytes, Some(true)) => thousands(bytes),
        _ => "DIFFERENT".to_owned(),
    };
    let proven = match (found["proven"].as_bool(), whole(found, "proven_bytes")) {
        (Some(true), bytes) if bytes > 0 => "yes",
        _ => "NO",
    };
    row(&[
        text(found, "name").to_owned(),
        percent(found["on_dlp"]["macs_share"].as_f64()),
        whole(found, "segments").to_string(),
        thousands(whole(found, "dlp_cycles")),
        thousands(whole(found, "host_cycles") + whole(found, "transfer_cycles")),
        format!("{:.2}", found["cycles_over_roofline"].as_f64().unwrap_or_default()),
        decibel,
        compared,
        proven.to_owned(),
        (if found["exec_equal"] == true { "equal" } else { "OTHER" }).to_owned(),
    ])
}

pub(super) fn answers(found: &Value) -> String {
    let said = |words: &str, right: &str| match found[right].as_bool() {
        Some(false) => format!("WRONG: {}", text(found, words)),
        _ => text(found, words).to_owned(),
    };
    row(&[
        text(found, "name").to_owned(),
        text(found, "judged").to_owned(),
        text(found, "calibrated").to_owned(),
        said("real", "real_right"),
        said("int8", "int8_right"),
    ])
}

/// The network in floating point; an empty line of one that comes quantised.
pub(super) fn floats(found: &Value) -> String {
    let types = in_types(found);
    if types.is_empty() {
        return String::new();
    }
    let cells = types.iter().flat_map(|of| {
        let compared = match of["bit_exact"] == true {
            true => thousands(whole(of, "compared_bytes")),
            false => "DIFFERENT".to_owned(),
        };
        let error = of["error"].as_f64().unwrap_or(f64::INFINITY);
        [thousands(whole(of, "dlp_cycles")), compared, format!("{error:.0e}")]
    });
    row(&[text(found, "name").to_owned()].into_iter().chain(cells).collect::<Vec<_>>())
}

/// What was found of a network in each type of floating point.
fn in_types(found: &Value) -> &[Value] {
    found["floats"].as_array().map_or(&[], Vec::as_slice)
}

/// What stays on the host.
pub(super) fn host(found: &Value) -> String {
    let steps: Vec<&str> = found["host"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let steps = if steps.is_empty() { "nothing".to_owned() } else { steps.join("; ") };
    row(&[text(found, "name").to_owned(), steps])
}

/// How a user runs the file, and what he sees without its options.
pub(super) fn usage(found: &Value, alone: &Option<String>) -> String {
    let without = match alone {
        None => "runs".to_owned(),
        Some(error) => {
            let line = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let path = format!("{}/{}: ", text(found, "package"), text(found, "file"));
            line.strip_prefix(&path).unwrap_or(line).to_owned()
        }
    };
    let file = format!("{}: {}", text(found, "package"), text(found, "file"));
    let options = Some(text(found, "options")).filter(|options| !options.is_empty());
    let options = options.map_or("none".to_owned(), |options| format!("`{options}`"));
    row(&[text(found, "name").to_owned(), file, options, without])
}

/// What is wrong with a network.
pub(super) fn problems(found: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut want = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let share = found["on_dlp"]["macs_share"].as_f64().unwrap_or(1.0);
    let reason = text(found, "host_reason");
    want(share <= 1.0, format!("a share of {share}"));
    // Magika looks its bytes up by a product, of which any share may be on the host.
    want(share >= LEAST_SHARE || text(found, "name") == "magika", format!("a share of {share}: {reason}"));
    want(whole(found, "compared_bytes") > 0, "nothing was compared".to_owned());
    want(found["bit_exact"] == true, "DLP and host differ".to_owned());
    want(found["proven"] == true && whole(found, "proven_bytes") > 0, "it is not proven".to_owned());
    want(found["exec_equal"] == true, "`exec` gives other outputs or cycles".to_owned());
    for of in in_types(found) {
        let name = text(of, "precision");
        want(of["bit_exact"] == true, format!("DLP and host differ in {name}"));
        let share = of["on_dlp"]["macs_share"].as_f64().unwrap_or(1.0);
        want(share >= LEAST_SHARE, format!("a share of {share} in {name}"));
        let left = of["left"].as_array().and_then(|left| left.first());
        want(left.is_none(), format!("the host computes in {name}: {}", left.unwrap_or(&Value::Null)));
        let error = of["error"].as_f64().unwrap_or(f64::INFINITY);
        want(name != "f32" || error <= MOST_ERROR, format!("f32 is {error:e} from the plain network"));
    }
    want(found["real_right"] != false, format!("a wrong answer in f32: {}", text(found, "real")));
    want(found["int8_right"] != false, format!("a wrong answer in int8: {}", text(found, "int8")));
    problems
}

/// What is wrong with an error that a user sees.
pub(super) fn complaints(error: &Option<String>) -> impl Iterator<Item = String> {
    let error = error.as_deref().unwrap_or_default();
    let lines = error.lines().count();
    let long = (lines > ERROR_LINES).then(|| format!("an error of {lines} lines"));
    let speaks = error.contains("::") || error.contains("Rust") || error.contains("panicked");
    let inside = speaks.then(|| format!("an error that speaks of what the command line has not: {error}"));
    long.into_iter().chain(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_first_cells() {
        let page = "x\n<!-- cargo xtask zoo files -->\n\n| network |\n| --- |\n| a | 1 |\n\n<!-- end of";
        let rows = by_name(page, "files");
        assert_eq!(rows.get("a").map(String::as_str), Some("| a | 1 |"));
        assert_eq!(by_name(page, "answers").len(), 0);
    }

    #[test]
    fn numbers_are_written_as_on_other_pages() {
        assert_eq!([7, 999, 1000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
        assert_eq!(percent(Some(0.999_999)), "99.99 %");
        assert_eq!(percent(Some(1.0)), "100.00 %");
    }

    #[test]
    fn a_network_that_compared_nothing_is_a_problem() {
        let mut found = serde_json::json!({
            "name": "a", "on_dlp": {"macs_share": 0.97}, "compared_bytes": 5, "bit_exact": true, "proven": true,
            "proven_bytes": 9, "exec_equal": true, "real_right": null, "int8_right": true,
        });
        assert_eq!(problems(&found).len(), 0);
        found["compared_bytes"] = 0.into();
        found["int8_right"] = false.into();
        found["on_dlp"]["macs_share"] = 0.9.into();
        assert_eq!(problems(&found).len(), 3);
        assert!(figures(&found).contains("NOT COMPARED"));
        assert!(answers(&found).contains("WRONG"));
    }

    #[test]
    fn an_error_of_the_library_is_a_complaint() {
        assert_eq!(complaints(&None).count(), 0);
        assert_eq!(complaints(&Some("give --dim N=1".to_owned())).count(), 0);
        assert_eq!(complaints(&Some("see ImportOptions::dims".to_owned())).count(), 1);
        assert_eq!(complaints(&Some("a\n".repeat(21))).count(), 1);
    }
}
