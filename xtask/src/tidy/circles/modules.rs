//! The modules of a crate as its files have them: what each declares, imports and names.
//!
//! Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};

use super::super::sources::{Sources, is_for_tests, words};

/// A path as it is written: its segments, the first of which may be `crate`, `self` or `super`, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// A name that a `use` brings into a scope.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) from: Reference,
}

/// A module: a file, or the braces of a `mod` within one.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// The modules that lead here from the crate's root, which has none.
    pub(crate) path: Vec<String>,
    pub(crate) parent: Option<usize>,
    /// The scope of the whole file in which this one lies.
    pub(crate) module: usize,
    pub(crate) file: PathBuf,
    pub(crate) children: BTreeMap<String, usize>,
    /// Functions, types, constants, traits and macros.
    pub(crate) items: BTreeSet<String>,
    /// Every word in calls of macros that stand where items do, since they may declare any of them.
    pub(crate) generated: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// The modules of `use module::*`.
    pub(crate) globs: Vec<Reference>,
    /// All other paths in code.
    pub(crate) references: Vec<Reference>,
    /// The folder of the files of its children.
    folder: PathBuf,
}

/// The modules of one library or command.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The first is the root.
    pub(crate) scopes: Vec<Scope>,
    /// Macros that `#[macro_export]` puts into the root, and the scopes that declare them.
    pub(crate) exported: BTreeMap<String, usize>,
}

impl Tree {
    /// Follows the `mod` declarations from the file `root`.
    ///
    /// It fails where a module's file is missing.
    pub(crate) fn read(sources: &Sources, root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_path_buf();
        let scope = Scope { file: root.to_path_buf(), folder, ..Scope::default() };
        tree.read_file(sources, scope)?;
        Ok(tree)
    }

    fn read_file(&mut self, sources: &Sources, mut scope: Scope) -> Result<usize> {
        let name = scope.file.display().to_string();
        let file = sources.get(&scope.file).with_context(|| format!("no source file {name}"))?;
        let index = self.scopes.len();
        scope.module = index;
        self.scopes.push(scope);
        let mut collector = Collector { tree: self, scope: index, bodies: 0, files: Vec::new() };
        collector.visit_file(file);
        for (parent, declaration) in collector.files {
            self.read_declared(sources, parent, declaration)?;
        }
        Ok(index)
    }

    fn read_declared(&mut self, sources: &Sources, parent: usize, declaration: &syn::ItemMod) -> Result<()> {
        let name = plain(&declaration.ident);
        let above = &self.scopes[parent];
        let candidates = match path_attribute(&declaration.attrs) {
            Some(path) => vec![above.file.parent().unwrap_or(Path::new("")).join(path)],
            None => {
                vec![above.folder.join(format!("{name}.rs")), above.folder.join(&name).join("mod.rs")]
            }
        };
        let Some(file) = candidates.iter().find(|file| sources.get(file).is_some()) else {
            bail!(
                "{}:{}: no file of the module `{name}`; looked for {}",
                above.file.display(),
                declaration.ident.span().start().line,
                candidates.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" and ")
            );
        };
        let folder = if file.ends_with("mod.rs") { file.with_file_name("") } else { file.with_extension("") };
        let path = above.path.iter().cloned().chain([name.clone()]).collect();
        let scope = Scope { path, parent: Some(parent), file: file.clone(), folder, ..Scope::default() };
        let index = self.read_file(sources, scope)?;
        self.scopes[parent].children.insert(name, index);
        Ok(())
    }
}

/// Walks one file.
///
/// Modules in files of their own are noted for later.
struct Collector<'t, 'ast> {
    tree: &'t mut Tree,
    /// The scope that is walked.
    scope: usize,
    /// How many function bodies are around the present place: declarations in them are their own.
    bodies: usize,
    files: Vec<(usize, &'ast syn::ItemMod)>,
}

impl<'ast> Collector<'_, 'ast> {
    fn here(&mut self) -> &mut Scope {
        &mut self.tree.scopes[self.scope]
    }

    fn enter(&mut self, declaration: &'ast syn::ItemMod, items: &'ast [syn::Item]) {
        let name = plain(&declaration.ident);
        let (index, outer) = (self.tree.scopes.len(), self.scope);
        let above = self.here();
        let scope = Scope {
            path: above.path.iter().cloned().chain([name.clone()]).collect(),
            parent: Some(outer),
            module: above.module,
            file: above.file.clone(),
            folder: above.folder.join(&name),
            ..Scope::default()
        };
        above.children.insert(name, index);
        self.tree.scopes.push(scope);
        self.scope = index;
        for item in items {
            self.visit_item(item);
        }
        self.scope = outer;
    }
}

impl<'ast> Visit<'ast> for Collector<'_, 'ast> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        if self.bodies == 0
            && let Some(name) = declared(item)
        {
            self.here().items.insert(plain(name));
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.bodies += 1;
        visit::visit_block(self, block);
        self.bodies -= 1;
    }

    fn visit_item_mod(&mut self, declaration: &'ast syn::ItemMod) {
        match &declaration.content {
            Some((_, items)) => self.enter(declaration, items),
            None => self.files.push((self.scope, declaration)),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A name that begins with `::` lies in another crate.
        if item.leading_colon.is_some() {
            return;
        }
        let mut names = Names::default();
        names.read(&item.tree, &mut Vec::new());
        let is_local = self.bodies > 0;
        let here = self.here();
        if is_local {
            here.references.extend(names.imports.into_iter().map(|import| import.from));
        } else {
            here.imports.append(&mut names.imports);
        }
        here.globs.append(&mut names.globs);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
            && let Some(name) = &item.ident
        {
            self.tree.exported.insert(plain(name), self.scope);
        }
        if item.ident.is_none() && self.bodies == 0 {
            let words = words(item.mac.tokens.clone());
            self.here().generated.extend(words);
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        token_paths(call.tokens.clone(), &mut self.here().references);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            token_paths(list.tokens.clone(), &mut self.here().references);
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in crate::module)` says who may look, not where something comes from.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            let line = first.ident.span().start().line;
            let segments = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
            self.here().references.push(Reference { segments, line });
        }
        visit::visit_path(self, path);
    }
}

/// The names of a `use`.
#[derive(Default)]
struct Names {
    imports: Vec<Import>,
    globs: Vec<Reference>,
}

impl Names {
    fn read(&mut self, tree: &syn::UseTree, above: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                above.push(plain(&path.ident));
                self.read(&path.tree, above);
                above.pop();
            }
            syn::UseTree::Name(name) => self.name(&name.ident, &name.ident, above),
            syn::UseTree::Rename(rename) => self.name(&rename.ident, &rename.rename, above),
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.globs.push(Reference { segments: above.clone(), line });
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.read(item, above);
                }
            }
        }
    }

    fn name(&mut self, ident: &Ident, alias: &Ident, above: &[String]) {
        let line = ident.span().start().line;
        let (mut segments, mut name) = (above.to_vec(), plain(alias));
        if ident == "self" && !segments.is_empty() {
            // `use module::{self}` is `use module`.
            if alias == "self" {
                name = segments.last().cloned().unwrap_or_default();
            }
        } else {
            segments.push(plain(ident));
        }
        self.imports.push(Import { name, from: Reference { segments, line } });
    }
}

/// Notes the paths of two or more segments among tokens of unknown meaning.
fn token_paths(tokens: TokenStream, found: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            TokenTree::Group(group) => token_paths(group.stream(), found),
            TokenTree::Ident(first) => {
                let segments = token_path(&tokens[index..]);
                let line = first.span().start().line;
                let is_path = segments.len() > 1 && !is_continued(&tokens[..index]);
                index += 3 * (segments.len() - 1);
                if is_path {
                    found.push(Reference { segments, line });
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        index += 1;
    }
}

/// The segments of the path that begins with the first token, which is a name.
fn token_path(tokens: &[TokenTree]) -> Vec<String> {
    let mut segments = Vec::new();
    for step in tokens.chunks(3) {
        let Some(TokenTree::Ident(name)) = step.first() else { break };
        segments.push(plain(name));
        if step.len() < 3 || !is_double_colon(&step[1..]) {
            break;
        }
    }
    segments
}

/// Whether a name after these tokens belongs to what they begin: a path, a field, a method or a lifetime.
fn is_continued(before: &[TokenTree]) -> bool {
    let ends_with =
        |mark: char| matches!(before.last(), Some(TokenTree::Punct(last)) if last.as_char() == mark);
    let is_path = before.len() > 1 && is_double_colon(&before[before.len() - 2..]);
    is_path || ends_with('.') || ends_with('\'')
}

fn is_double_colon(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second)] => {
            first.as_char() == ':'
                && first.spacing() == proc_macro2::Spacing::Joint
                && second.as_char() == ':'
        }
        _ => false,
    }
}

/// A name without the `r#` before one that is a keyword.
fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item gives to its module, apart from modules and imports.
fn declared(item: &syn::Item) -> Option<&Ident> {
    use syn::Item;
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}
