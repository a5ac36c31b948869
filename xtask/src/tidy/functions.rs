//! The length of functions: how many lines from the `fn` to its closing brace.
//!
//! A function begins with `fn` and has a body; tests and functions within functions are functions too. What
//! `macro_rules!` defines is no function. A function in the braces of a macro call counts if the braces hold
//! only items.

use std::collections::BTreeMap;
use std::path::Path;

use syn::visit::{self, Visit};

use super::sources::Sources;

/// How long a function may be, in lines.
const LONGEST_LINES: usize = 70;

/// The file that lists the exceptions.
const LIST: &str = "xtask/src/tidy/functions.rs";

/// Functions that may be longer, as `path::function` or `path::Type::function`, each with the reason.
pub(crate) const EXCEPTIONS: &[(&str, &str)] = &[
    ("crates/cli/src/places.rs::places", "one short arm for each command, so that none is forgotten"),
    (
        "crates/compiler/src/tile/convolution.rs::Tiling::estimate",
        "one formula, whose terms share a dozen counts",
    ),
    (
        "crates/fuzzgen/src/ordered/vector.rs::Builder::vector_of",
        "its draws come in one order, on which every seed depends",
    ),
];

/// The functions that are too long, and the exceptions that no function needs.
pub(crate) fn offences(sources: &Sources, exceptions: &[(&str, &str)]) -> Vec<String> {
    let mut needed: BTreeMap<&str, bool> = exceptions.iter().map(|(name, _)| (*name, false)).collect();
    let mut offences = Vec::new();
    for (name, _) in exceptions.iter().filter(|(_, reason)| reason.is_empty()) {
        offences.push(format!("{LIST}: the exception `{name}` has no reason"));
    }
    for (path, file) in sources.iter() {
        for function in functions(path, file) {
            if function.lines <= LONGEST_LINES {
                continue;
            }
            match needed.get_mut(function.name.as_str()) {
                Some(is_needed) => *is_needed = true,
                None => offences.push(format!(
                    "{}:{}: `{}` has {} lines, {} is the limit: split it, or give a reason in {LIST}",
                    path.display(),
                    function.line,
                    function.name,
                    function.lines,
                    LONGEST_LINES
                )),
            }
        }
    }
    for (name, _) in needed.into_iter().filter(|(_, is_needed)| !is_needed) {
        offences.push(format!(
            "{LIST}: no function `{name}` is longer than {LONGEST_LINES} lines: remove the exception"
        ));
    }
    offences
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn functions(path: &Path, file: &syn::File) -> Vec<Function> {
    let mut finder = Finder { path: path.display().to_string(), owner: None, found: Vec::new() };
    finder.visit_file(file);
    finder.found
}

/// Walks a file and notes its functions.
struct Finder {
    path: String,
    /// The type or trait whose functions are visited.
    owner: Option<String>,
    found: Vec<Function>,
}

impl Finder {
    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let start = signature.fn_token.span.start().line;
        let end = body.brace_token.span.close().end().line;
        let owner = self.owner.as_ref().map(|owner| format!("{owner}::")).unwrap_or_default();
        let name = format!("{}::{owner}{}", self.path, signature.ident);
        self.found.push(Function { name, line: start, lines: end - start + 1 });
    }

    fn within(&mut self, owner: Option<String>, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.owner, owner);
        visit(self);
        self.owner = outer;
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        // A function within a method is no method.
        self.within(None, |finder| {
            finder.note(&item.sig, &item.block);
            visit::visit_item_fn(finder, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.note(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(kind) => kind.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        self.within(owner, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within(Some(item.ident.to_string()), |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("macro_rules") {
            return;
        }
        if let Ok(file) = syn::parse2::<syn::File>(call.tokens.clone()) {
            let mut finder = Finder { path: self.path.clone(), owner: None, found: Vec::new() };
            finder.visit_file(&file);
            self.found.append(&mut finder.found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::made_up;
    use super::*;

    /// `head` with a body such that the function has that many lines.
    fn function(head: &str, lines: usize) -> String {
        format!("{head} {{\n{}}}\n", "    call();\n".repeat(lines - 2))
    }

    fn check(text: &str, exceptions: &[(&str, &str)]) -> Vec<String> {
        let (_folder, sources, _) = made_up::sources(&[("lib.rs", text)]);
        offences(&sources.unwrap(), exceptions)
    }

    fn too_long(line: usize, name: &str, lines: usize) -> String {
        format!(
            "crates/made_up/src/lib.rs:{line}: `crates/made_up/src/lib.rs::{name}` has {lines} lines, 70 is the limit: \
             split it, or give a reason in xtask/src/tidy/functions.rs"
        )
    }

    #[test]
    fn seventy_lines_are_allowed_and_seventy_one_are_not() {
        assert_eq!(check(&function("fn f()", 70), &[]), Vec::<String>::new());
        assert_eq!(check(&function("/// Words.\n#[inline]\npub fn f()", 70), &[]), Vec::<String>::new());
        assert_eq!(check(&function("\nfn f()", 71), &[]), [too_long(2, "f", 71)]);
        // The signature counts.
        assert_eq!(check(&function("fn f(\n    a: u8,\n)", 70), &[]), [too_long(1, "f", 72)]);
    }

    #[test]
    fn braces_in_strings_characters_and_comments_do_not_end_a_function() {
        let body = "    let a = \"}\"; let b = '}'; let c = r#\"\"}\"#; // }\n    /* } */ let d: &'static str = a;\n";
        let text = format!("fn f() {{\n{body}{}}}\nfn g() {{}}\n", "    call();\n".repeat(68));
        assert_eq!(check(&text, &[]), [too_long(1, "f", 72)]);
    }

    #[test]
    fn methods_have_their_type_before_their_name_and_tests_count() {
        let text = format!(
            "impl<T> Trait for Kind<T> {{\n{}}}\ntrait Trait {{\n{}}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            function("fn a()", 80),
            function("fn b()", 80),
            function("#[test]\nfn c()", 80),
        );
        let wanted = [too_long(2, "Kind::a", 80), too_long(84, "Trait::b", 80), too_long(168, "c", 80)];
        assert_eq!(check(&text, &[]), wanted);
    }

    #[test]
    fn what_a_macro_defines_is_no_function_and_what_is_given_to_one_is() {
        let rules = format!("macro_rules! m {{ () => {{\n{}}} }}\n", function("fn f()", 90));
        assert_eq!(check(&rules, &[]), Vec::<String>::new());
        let call = format!("items! {{\n{}}}\n", function("fn f()", 90));
        assert_eq!(check(&call, &[]), [too_long(2, "f", 90)]);
    }

    #[test]
    fn an_exception_allows_a_function_and_is_an_offence_without_one() {
        let exceptions = [("crates/made_up/src/lib.rs::f", "one table")];
        assert_eq!(check(&function("fn f()", 71), &exceptions), Vec::<String>::new());
        let wanted = "xtask/src/tidy/functions.rs: no function `crates/made_up/src/lib.rs::f` is longer than 70 lines: \
                      remove the exception";
        assert_eq!(check(&function("fn f()", 70), &exceptions), [wanted]);
        let without_reason = [("crates/made_up/src/lib.rs::f", "")];
        let wanted =
            "xtask/src/tidy/functions.rs: the exception `crates/made_up/src/lib.rs::f` has no reason";
        assert_eq!(check(&function("fn f()", 71), &without_reason), [wanted]);
    }
}
