//! The licences of all dependencies.

use super::metadata::{Metadata, text};

/// Licences that a dependency may have.
///
/// Every alternative of an `OR` is looked at, and every part of an `AND` must be here.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
    "ISC",
    "BSL-1.0",
    "CC0-1.0",
];

/// The packages whose licence is not among [`LICENCES`].
pub(crate) fn offences(metadata: &Metadata) -> Vec<String> {
    let mut offences = Vec::new();
    for package in metadata.packages() {
        let licence = text(&package["license"]);
        if !is_allowed(licence) {
            let (name, version) = (text(&package["name"]), text(&package["version"]));
            offences.push(format!("{name} {version}: licence {licence:?}"));
        }
    }
    offences
}

fn is_allowed(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ").replace(['(', ')'], "");
    licence.split(" OR ").any(|choice| choice.split(" AND ").all(|part| LICENCES.contains(&part.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_choice_is_enough_and_all_its_parts_are_wanted() {
        for allowed in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in ["", "GPL-3.0", "MIT AND GPL-3.0"] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }
}
