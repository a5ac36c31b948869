//! Where a name comes from: the module that defines what a path means.
//!
//! Names are followed as the compiler follows them, through `use` and `pub use`, but without types. What
//! comes after the first item of a path, as a function after its type, is not looked at.

use std::collections::BTreeSet;

use super::modules::{Reference, Tree};

/// The meaning of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A module, by its scope.
    Module(usize),
    /// Something that the scope defines.
    Item(usize),
    /// Something of another crate, a local name, or one that only a macro knows.
    Outside,
}

/// The meaning of a path, and the scopes whose `use` leads there.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) meaning: Meaning,
    pub(crate) through: Vec<usize>,
}

/// Finds what `reference` means in `scope`.
pub(crate) fn resolve(tree: &Tree, scope: usize, reference: &Reference) -> Resolved {
    let mut resolver = Resolver { tree, seen: BTreeSet::new(), through: Vec::new() };
    let meaning = resolver.path(scope, &reference.segments);
    Resolved { meaning, through: resolver.through }
}

struct Resolver<'t> {
    tree: &'t Tree,
    /// The names that were looked up, since imports may go in a circle.
    seen: BTreeSet<(usize, String)>,
    through: Vec<usize>,
}

impl Resolver<'_> {
    fn path(&mut self, scope: usize, segments: &[String]) -> Meaning {
        let Some((first, rest)) = segments.split_first() else { return Meaning::Outside };
        if ["crate", "self", "super"].contains(&first.as_str()) {
            return self.walk(scope, segments);
        }
        match self.name(scope, first, rest.is_empty()) {
            Some(Meaning::Module(module)) => self.walk(module, rest),
            Some(meaning) => meaning,
            None => Meaning::Outside,
        }
    }

    fn walk(&mut self, mut scope: usize, segments: &[String]) -> Meaning {
        for (index, segment) in segments.iter().enumerate() {
            match segment.as_str() {
                "crate" => scope = 0,
                "self" => {}
                "super" => scope = self.tree.scopes[scope].parent.unwrap_or(0),
                name => match self.name(scope, name, index + 1 == segments.len()) {
                    Some(Meaning::Module(module)) => scope = module,
                    Some(meaning) => return meaning,
                    None if self.tree.scopes[scope].globs.is_empty() => return Meaning::Item(scope),
                    None => return Meaning::Outside,
                },
            }
        }
        Meaning::Module(scope)
    }

    /// The meaning of a name in a scope; `None` where the scope does not have it.
    ///
    /// A module and an item may share a name. Before `::` it is the module, and at the end of a path the
    /// item.
    fn name(&mut self, scope: usize, name: &str, is_last: bool) -> Option<Meaning> {
        if !self.seen.insert((scope, name.to_owned())) {
            return None;
        }
        let tree = self.tree;
        let here = &tree.scopes[scope];
        let child = here.children.get(name).map(|child| Meaning::Module(*child));
        if !is_last && child.is_some() {
            return child;
        }
        if here.items.contains(name) {
            return Some(Meaning::Item(scope));
        }
        let mut is_outside = false;
        for import in here.imports.iter().filter(|import| import.name == name) {
            let meaning = self.path(scope, &import.from.segments);
            if meaning != Meaning::Outside {
                self.through.push(scope);
                return Some(meaning);
            }
            // A type of another crate and a function of this one may share a name.
            is_outside = true;
        }
        if is_outside {
            return Some(Meaning::Outside);
        }
        for glob in &here.globs {
            if let Meaning::Module(module) = self.path(scope, &glob.segments)
                && let Some(meaning) = self.name(module, name, is_last)
            {
                self.through.push(scope);
                return Some(meaning);
            }
        }
        if here.generated.contains(name) {
            return Some(Meaning::Item(scope));
        }
        if scope == 0
            && let Some(declared) = tree.exported.get(name)
        {
            return Some(Meaning::Item(*declared));
        }
        child
    }
}
