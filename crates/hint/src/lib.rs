//! Suggests what a mistyped name was meant to be, in the same way wherever a name is one of a list.
//!
//! [`there_are`] gives the text that an error adds behind the name. [`nearest`] gives one name, for callers
//! that say it in their own way. This crate knows no list.

/// The most names that are suggested.
const SUGGESTIONS: usize = 3;
/// The fewest letters of a name that is looked for inside others.
const PART_LENGTH: usize = 3;
/// The most letters of a name that anything is near to: nobody mistypes a longer one into one of ours.
const LONGEST: usize = 64;

/// Says which names there are instead of `name`, the likely ones first:
/// ``did you mean `lenet5`? There are alexnet, lenet5`` or `there are alexnet, lenet5`.
pub fn there_are<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let all = names.join(", ");
    match did_you_mean(name, names) {
        Some(question) => format!("{question} There are {all}"),
        None => format!("there are {all}"),
    }
}

/// ``did you mean `lenet5`?``, with up to three names: those of which `name` is a part, else the nearest one.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    let lower = name.to_lowercase();
    let is_part = |candidate: &&&str| lower.len() >= PART_LENGTH && candidate.to_lowercase().contains(&lower);
    let mut meant: Vec<&str> = names.iter().filter(is_part).take(SUGGESTIONS).copied().collect();
    if meant.is_empty() {
        meant.extend(nearest(name, names));
    }
    let (last, others) = meant.split_last()?;
    let others: String = others.iter().map(|name| format!("`{name}` or ")).collect();
    Some(format!("did you mean {others}`{last}`?"))
}

/// The one of `names` that `name` was probably meant to be.
///
/// It differs in the fewest letters, and is the first of several such names. At most a third of the letters
/// may differ, and at most three.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3).min(3);
    names
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance, where swapping two neighbours is one edit, capitals are their small letters, and `_` is `-`.
fn distance(a: &str, b: &str) -> usize {
    let letters = |name: &str| -> Vec<char> {
        name.chars()
            .flat_map(char::to_lowercase)
            .map(|letter| if letter == '_' { '-' } else { letter })
            .collect()
    };
    let (a, b) = (letters(a), letters(b));
    if a.len() > LONGEST {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest, there_are};

    const NAMES: [&str; 6] = ["mnist-mlp", "mlp-xor", "lenet5", "resnet50", "resnet152", "mobilenet_v2"];

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(did_you_mean(name, NAMES).as_deref(), expected, "{name}");
    }

    #[test]
    fn part_of_a_name_means_those_that_have_it() {
        check("mlp", Some("did you mean `mnist-mlp` or `mlp-xor`?"));
        check("ResNet", Some("did you mean `resnet50` or `resnet152`?"));
        check("net", Some("did you mean `lenet5` or `resnet50` or `resnet152`?"));
    }

    #[test]
    fn a_slip_means_the_nearest_name() {
        check("lente5", Some("did you mean `lenet5`?"));
        check("mobilenet-v2", Some("did you mean `mobilenet_v2`?"));
        check("mnist_mpl", Some("did you mean `mnist-mlp`?"));
        assert_eq!(nearest("resnet51", NAMES), Some("resnet50"));
    }

    #[test]
    fn what_is_far_from_everything_means_nothing() {
        check("transformer", None);
        check("", None);
        check(&"l".repeat(10_000), None);
        assert_eq!(there_are("vit", ["a", "b"]), "there are a, b");
        assert_eq!(there_are("bb", ["a", "b"]), "did you mean `b`? There are a, b");
    }
}
