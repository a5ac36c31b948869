//! The names of classes.

use std::path::Path;

use crate::{DataError, files};

/// The names of a network's classes, in class order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    names: Vec<String>,
}

impl Labels {
    /// Reads a label file as [`Labels::parse`] does.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::parse(&files::read_text(path)?, path)
    }

    /// Parses labels; `name` only appears in errors.
    ///
    /// The text may have one name a line, where the first line is class 0. Or it has tab-separated columns,
    /// the first the class and the last its name, in any order and without gaps. There a first line whose
    /// first column is no number is a header.
    pub fn parse(text: &str, name: &Path) -> Result<Self, DataError> {
        let mut names = if text.contains('\t') { parse_columns(text, name)? } else { parse_lines(text) };
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        if names.is_empty() {
            return Err(DataError::format(name, "no labels in it; one class a line is expected"));
        }
        Ok(Self { names })
    }

    /// How many classes have a name.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Always false: labels have at least one name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of class `class`, if there is one.
    pub fn get(&self, class: usize) -> Option<&str> {
        self.names.get(class).map(String::as_str)
    }

    /// The class and name of output `index` of a network with `outputs` outputs.
    ///
    /// A network may have one output more than there are names, as TensorFlow's ImageNet networks do. Its
    /// first output is then `background`, which is no class of the list.
    pub fn of_output(&self, index: usize, outputs: usize) -> (Option<usize>, Option<&str>) {
        if outputs != self.names.len() + 1 {
            return (Some(index), self.get(index));
        }
        match index.checked_sub(1) {
            None => (None, Some("background")),
            Some(class) => (Some(class), self.get(class)),
        }
    }
}

fn parse_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_string()).collect()
}

fn parse_columns(text: &str, name: &Path) -> Result<Vec<String>, DataError> {
    let mut rows: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut columns = line.split('\t').map(str::trim);
        let class = columns.next().unwrap_or_default().parse();
        match (class, columns.next_back()) {
            (Ok(class), Some(label)) => rows.push((class, label.to_string())),
            _ if index == 0 || line.trim().is_empty() => {}
            _ => {
                let problem =
                    format!("line {}: expected 'class TAB ... TAB name', found '{line}'", index + 1);
                return Err(DataError::format(name, problem));
            }
        }
    }
    rows.sort();
    for (expected, (class, _)) in rows.iter().enumerate() {
        if *class != expected {
            return Err(DataError::format(name, format!("class {expected} is missing or named twice")));
        }
    }
    Ok(rows.into_iter().map(|(_, label)| label).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[&str], &str>) {
        let found = Labels::parse(text, Path::new("labels.txt"));
        match (found, expect) {
            (Ok(labels), Ok(names)) => assert_eq!(labels.names, names),
            (Err(error), Err(message)) => assert_eq!(error.to_string(), message),
            (found, expect) => panic!("found {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn lines() {
        check("tench\ngoldfish\r\n", Ok(&["tench", "goldfish"]));
        check("a\n\nc\n\n", Ok(&["a", "", "c"]));
        check("\n", Err("labels.txt: no labels in it; one class a line is expected"));
    }

    #[test]
    fn columns() {
        check("1\tn01443537\tgoldfish\n0\tn01440764\ttench, Tinca\n", Ok(&["tench, Tinca", "goldfish"]));
        check("class\tname\n0\ttench\n", Ok(&["tench"]));
        check("0\ttench\n2\tshark\n", Err("labels.txt: class 1 is missing or named twice"));
        check("0\ttench\n0\tshark\n", Err("labels.txt: class 1 is missing or named twice"));
        check("0\ttench\nx\ty\n", Err("labels.txt: line 2: expected 'class TAB ... TAB name', found 'x\ty'"));
    }

    #[test]
    fn background_comes_first_when_there_is_one_output_more() {
        let labels = Labels { names: vec!["tench".into(), "goldfish".into()] };
        assert_eq!(labels.of_output(1, 2), (Some(1), Some("goldfish")));
        assert_eq!(labels.of_output(0, 3), (None, Some("background")));
        assert_eq!(labels.of_output(2, 3), (Some(1), Some("goldfish")));
        assert_eq!(labels.of_output(5, 10), (Some(5), None));
    }
}
