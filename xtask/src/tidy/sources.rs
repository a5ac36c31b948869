//! The Rust sources of the workspace's crates, each file parsed once for all checks that look into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use proc_macro2::{TokenStream, TokenTree};

use super::metadata::Member;

/// Parsed files, by their path below `root`.
pub(crate) struct Sources {
    root: PathBuf,
    files: BTreeMap<PathBuf, syn::File>,
}

impl Sources {
    /// Reads and parses every `.rs` file in the members' source folders.
    ///
    /// It fails on a file that is not Rust.
    pub(crate) fn read(root: &Path, members: &[Member]) -> Result<Self> {
        let mut sources = Self { root: root.to_path_buf(), files: BTreeMap::new() };
        for member in members {
            sources.read_folder(&member.source)?;
        }
        Ok(sources)
    }

    fn read_folder(&mut self, folder: &Path) -> Result<()> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                self.read_folder(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = self.name(&path);
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", name.display()))?;
                let file = match syn::parse_file(&text) {
                    Ok(file) => file,
                    Err(error) => {
                        bail!("{}:{}: not Rust: {error}", name.display(), error.span().start().line)
                    }
                };
                self.files.insert(name, file);
            }
        }
        Ok(())
    }

    /// A path as offences name it: below the workspace's root where it lies there.
    pub(crate) fn name(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }

    /// The file of that name, if it was read.
    pub(crate) fn get(&self, name: &Path) -> Option<&syn::File> {
        self.files.get(name)
    }

    /// All files, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &syn::File)> {
        self.files.iter().map(|(name, file)| (name.as_path(), file))
    }
}

/// Whether an item is for tests alone: `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let words = words(list.tokens.clone());
            words.iter().any(|word| word == "test")
                && !words.iter().any(|word| word == "not" || word == "any")
        }
        _ => false,
    })
}

/// Every identifier among the tokens, at any depth.
pub(crate) fn words(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => found.push(word.to_string()),
            TokenTree::Group(group) => found.extend(words(group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod made_up {
    use super::*;

    /// A crate `made_up` with these files below `src`, in a folder that is removed when the first of the two goes.
    pub(crate) fn sources(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Sources>, Member) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("crates/made_up/src");
        for (name, text) in files {
            let path = source.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let roots = vec![source.join("lib.rs")];
        let member = Member { name: "made_up".to_owned(), source, roots, ..Member::default() };
        let sources = Sources::read(folder.path(), std::slice::from_ref(&member));
        (folder, sources, member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_rust_is_an_error_with_its_line() {
        let (_folder, sources, _) =
            made_up::sources(&[("lib.rs", "mod deep;\n"), ("deep/mod.rs", "\nfn f( {}\n")]);
        let error = sources.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("crates/made_up/src/deep/mod.rs:2: not Rust: "), "{error}");
    }

    #[test]
    fn what_is_for_tests_is_known_by_its_attribute() {
        let is_test = |text: &str| is_for_tests(&syn::parse_str::<syn::ItemFn>(text).unwrap().attrs);
        assert!(is_test("#[test] fn f() {}"));
        assert!(is_test("#[cfg(test)] fn f() {}"));
        assert!(is_test("#[cfg(all(test, unix))] fn f() {}"));
        assert!(!is_test("#[cfg(not(test))] fn f() {}"));
        assert!(!is_test("#[cfg(unix)] fn f() {}"));
        assert!(!is_test("fn f() {}"));
    }
}
