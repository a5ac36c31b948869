//! ARCHITECTURE.md's table of crates against `cargo metadata`.
//!
//! The table is where the layers are written down. A crate depends only on crates of rows before its own. Its
//! last column names exactly the crates of the workspace that it depends on, in the order of the table.
//! Dependencies of tests do not matter.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::metadata::Member;

const PAGE: &str = "ARCHITECTURE.md";

/// The line that begins the table.
const HEAD: &str = "| crate | one sentence | depends on |";

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: usize,
    name: String,
    sentence: String,
    depends_on: String,
}

/// The differences between the table and Cargo.
///
/// It fails where the page has no such table.
pub(crate) fn offences(root: &Path, members: &[Member]) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    Ok(compare(&table(&text)?, members))
}

fn table(page: &str) -> Result<Vec<Row>> {
    let lines = page.lines().enumerate().skip_while(|(_, line)| *line != HEAD);
    let mut rows = Vec::new();
    // The head and the line below it are no rows.
    for (index, line) in lines.skip(2).take_while(|(_, line)| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, sentence, depends_on] = cells[..] else {
            bail!("{PAGE}:{}: a row of {} cells in the table of crates, which has 3", index + 1, cells.len());
        };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            bail!("{PAGE}:{}: the crate's name is `{name}`: put it in backticks", index + 1);
        };
        let (name, sentence, depends_on) = (name.to_owned(), sentence.to_owned(), depends_on.to_owned());
        rows.push(Row { line: index + 1, name, sentence, depends_on });
    }
    if rows.is_empty() {
        bail!("{PAGE} has no table of crates: it begins with the line `{HEAD}`");
    }
    Ok(rows)
}

fn compare(rows: &[Row], members: &[Member]) -> Vec<String> {
    let by_name: BTreeMap<&str, &Member> =
        members.iter().map(|member| (member.name.as_str(), member)).collect();
    let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
    let mut offences = Vec::new();
    for (rank, row) in rows.iter().enumerate() {
        if !by_name.contains_key(row.name.as_str()) {
            offences.push(format!(
                "{PAGE}:{}: there is no crate `{}` in the workspace: remove its row",
                row.line, row.name
            ));
        }
        if ranks.insert(&row.name, rank).is_some() {
            offences.push(format!("{PAGE}:{}: a second row of `{}`", row.line, row.name));
        }
        if row.sentence.is_empty() {
            offences.push(format!("{PAGE}:{}: `{}` has no sentence", row.line, row.name));
        }
    }
    for member in members.iter().filter(|member| !ranks.contains_key(member.name.as_str())) {
        offences.push(format!(
            "{PAGE} has no row of the crate `{}`: add one below those it depends on",
            member.name
        ));
    }
    for (rank, row) in rows.iter().enumerate() {
        if let Some(member) = by_name.get(row.name.as_str()) {
            offences.extend(compare_row(row, rank, member, &ranks));
        }
    }
    offences
}

fn compare_row(row: &Row, rank: usize, member: &Member, ranks: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut dependencies: Vec<&str> = member.dependencies.iter().map(String::as_str).collect();
    // Crates without a row come last. There already is an offence for each.
    dependencies.sort_by_key(|name| (ranks.get(name).copied().unwrap_or(usize::MAX), *name));
    let mut offences = Vec::new();
    for other in &dependencies {
        if ranks.get(other).is_some_and(|other| *other >= rank) {
            offences.push(format!(
                "{PAGE}:{}: `{}` depends on `{other}`, which has no row above: drop the dependency or move the row",
                row.line, row.name
            ));
        }
    }
    let wanted = dependencies.join(", ");
    if row.depends_on != wanted {
        offences.push(format!(
            "{PAGE}:{}: `{}` is said to depend on `{}`; its Cargo.toml says `{wanted}`",
            row.line, row.name, row.depends_on
        ));
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
        Member { name: name.to_owned(), dependencies, ..Member::default() }
    }

    /// The offences of a page whose table has these rows, in a folder of its own.
    fn check(rows: &str, members: &[Member]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let page = format!("# Crates\n\n{HEAD}\n| --- | --- | --- |\n{rows}\n\nText | with a bar.\n");
        std::fs::write(folder.path().join(PAGE), page).unwrap();
        offences(folder.path(), members).unwrap()
    }

    #[test]
    fn a_table_that_says_what_cargo_says_has_no_offence() {
        let members = [member("b", &["a", "z"]), member("a", &[]), member("z", &["a"])];
        let rows = "| `a` | does a | |\n| `z` | does z | a |\n| `b` | does b | a, z |";
        assert_eq!(check(rows, &members), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_offences() {
        let wanted = [
            "ARCHITECTURE.md:6: there is no crate `gone` in the workspace: remove its row",
            "ARCHITECTURE.md:7: a second row of `a`",
            "ARCHITECTURE.md:7: `a` has no sentence",
            "ARCHITECTURE.md has no row of the crate `new`: add one below those it depends on",
        ];
        let rows = "| `a` | does a | |\n| `gone` | did | |\n| `a` | | |";
        assert_eq!(check(rows, &[member("a", &[]), member("new", &[])]), wanted);
    }

    #[test]
    fn a_dependency_on_a_later_row_is_an_offence() {
        let wanted = [
            "ARCHITECTURE.md:5: `b` depends on `a`, which has no row above: drop the dependency or move the row",
        ];
        let rows = "| `b` | does b | a |\n| `a` | does a | |";
        assert_eq!(check(rows, &[member("a", &[]), member("b", &["a"])]), wanted);
    }

    #[test]
    fn the_column_names_all_dependencies_and_no_other_in_the_order_of_the_table() {
        let members = [member("a", &[]), member("b", &[]), member("c", &["a", "b"])];
        for column in ["", "a", "b, a", "a, b, b", "all of the above"] {
            let rows = format!("| `a` | does a | |\n| `b` | does b | |\n| `c` | does c | {column} |");
            let wanted =
                format!("ARCHITECTURE.md:7: `c` is said to depend on `{column}`; its Cargo.toml says `a, b`");
            assert_eq!(check(&rows, &members), [wanted]);
        }
    }

    #[test]
    fn a_page_without_the_table_is_an_error_that_says_what_is_wanted() {
        let error = table("# Crates\n").unwrap_err().to_string();
        assert_eq!(
            error,
            format!("ARCHITECTURE.md has no table of crates: it begins with the line `{HEAD}`")
        );
        let error = table(&format!("{HEAD}\n| --- | --- | --- |\n| `a` | b |\n")).unwrap_err().to_string();
        assert_eq!(error, "ARCHITECTURE.md:3: a row of 2 cells in the table of crates, which has 3");
    }
}
