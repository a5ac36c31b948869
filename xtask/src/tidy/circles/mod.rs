//! Circles of modules inside a crate.
//!
//! A module is a file, and one with files below it is a room. A use of what a module defines is an arrow to
//! it. For each room, take the arrows between the modules in it, each with all that lies inside it. They must
//! make no circle, so that the modules can be read in an order. In the crates of [`ROOMS`] two more rules
//! hold. No module uses what a module around it defines in its own file. The modules of the root are declared
//! in such an order that none uses what lies in a later one.
//!
//! A name is followed to the module that defines it, through the `use` of modules around (resolve.rs). A
//! `use` of a module on its own is no arrow, but the paths that begin with it are. The check does not follow
//! methods, macros that a module below may use without a path, and what is for tests alone.

mod known;
mod modules;
mod resolve;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::PathBuf;

use anyhow::Result;

use super::metadata::Member;
use super::sources::Sources;
use known::{CIRCLES, KnownCircle, KnownUpward, UPWARD};
use modules::{Reference, Tree};
use resolve::{Meaning, resolve};

/// The crates, as ARCHITECTURE.md has them, that want arrows to run downwards only.
const ROOMS: &[&str] = &["compiler"];

const LIST: &str = "xtask/src/tidy/circles/known.rs";

/// The circles and the arrows upwards that are not known, and the known ones that are gone.
pub(crate) fn offences(sources: &Sources, members: &[Member]) -> Result<Vec<String>> {
    let mut offences = Vec::new();
    for member in members {
        let found = find(sources, member)?;
        offences.extend(compare_circles(&member.name, &found.circles, CIRCLES));
        if ROOMS.contains(&member.name.as_str()) {
            offences.extend(compare_upward(&member.name, &found.upward, UPWARD));
            offences.extend(found.late.iter().map(|late| format!("crate {}: {late}", member.name)));
        }
    }
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let named = CIRCLES.iter().map(|known| known.of).chain(ROOMS.iter().copied());
    for of in named.filter(|of| !names.contains(of)).collect::<BTreeSet<_>>() {
        offences.push(format!("{LIST}: there is no crate `{of}` any more: remove it here and in ROOMS"));
    }
    for known in UPWARD.iter().filter(|known| !ROOMS.contains(&known.of)) {
        offences
            .push(format!("{LIST}: `{}` lies in crate {}, which is none of ROOMS", known.module, known.of));
    }
    Ok(offences)
}

/// What is found in one crate.
struct Found {
    circles: Vec<Circle>,
    upward: Vec<Upward>,
    late: Vec<Late>,
}

fn find(sources: &Sources, member: &Member) -> Result<Found> {
    let mut found = Found { circles: Vec::new(), upward: Vec::new(), late: Vec::new() };
    for root in &member.roots {
        let tree = Tree::read(sources, &sources.name(root))?;
        let arrows = arrows(&tree);
        found.late.extend(find_late(&tree, &arrows));
        found.circles.extend(find_circles(&arrows));
        found.upward.extend(find_upward(&arrows));
    }
    Ok(found)
}

/// A use of what one module defines in another one.
///
/// A module is given by the modules that lead to it from the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: Vec<String>,
    to: Vec<String>,
    place: Place,
}

/// Where an arrow begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: PathBuf,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file.display(), self.line)
    }
}

/// All arrows of a tree, without those of a module to itself.
fn arrows(tree: &Tree) -> BTreeSet<Arrow> {
    let mut arrows = BTreeSet::new();
    for (index, scope) in tree.scopes.iter().enumerate() {
        let imports = scope.imports.iter().map(|import| &import.from);
        for reference in imports.chain(&scope.references).chain(&scope.globs) {
            for target in targets(tree, index, reference) {
                let (from, to) = (&tree.scopes[scope.module], &tree.scopes[tree.scopes[target].module]);
                if from.path != to.path {
                    let place = Place { file: scope.file.clone(), line: reference.line };
                    arrows.insert(Arrow { from: from.path.clone(), to: to.path.clone(), place });
                }
            }
        }
    }
    arrows
}

/// The scopes that a path needs.
///
/// They are the one that defines what the path means, and those outside of its own line that pass it on.
fn targets(tree: &Tree, scope: usize, reference: &Reference) -> Vec<usize> {
    let here = &tree.scopes[scope].path;
    let resolved = resolve(tree, scope, reference);
    let Meaning::Item(target) = resolved.meaning else { return Vec::new() };
    let others = resolved.through.into_iter().filter(|other| !here.starts_with(&tree.scopes[*other].path));
    others.chain([target]).collect()
}

/// Modules of one room, each of which is on a circle with every other one.
#[derive(Debug, PartialEq, Eq)]
struct Circle {
    room: String,
    modules: Vec<String>,
    /// One of the shortest circles.
    shortest: Vec<Step>,
}

/// An arrow of a circle: the names of the two modules in their room, and one place of it.
type Step = (String, String, Place);

/// The arrows between the modules of one room, with the first place of each.
type Room = BTreeMap<String, BTreeMap<String, Place>>;

fn find_circles(arrows: &BTreeSet<Arrow>) -> Vec<Circle> {
    let mut rooms: BTreeMap<&[String], Room> = BTreeMap::new();
    for Arrow { from, to, place } in arrows {
        let common = from.iter().zip(to).take_while(|(from, to)| from == to).count();
        if let (Some(source), Some(target)) = (from.get(common), to.get(common)) {
            let room = rooms.entry(&from[..common]).or_default();
            let targets = room.entry(source.clone()).or_default();
            targets.entry(target.clone()).or_insert_with(|| place.clone());
        }
    }
    let mut circles = Vec::new();
    for (path, room) in rooms {
        let mut done = BTreeSet::new();
        for module in room.keys() {
            if done.contains(module) {
                continue;
            }
            let reached = reachable(&room, module);
            let modules: Vec<String> =
                reached.iter().filter(|other| reachable(&room, other).contains(module)).cloned().collect();
            if !modules.is_empty() {
                done.extend(modules.iter().cloned());
                let shortest = shortest_circle(&room, &modules);
                circles.push(Circle { room: written(path), modules, shortest });
            }
        }
    }
    circles
}

/// The modules to which arrows lead, itself among them only if it is on a circle.
fn reachable(room: &Room, start: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(module) = waiting.pop() {
        for target in room.get(&module).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(target.clone()) {
                waiting.push(target.clone());
            }
        }
    }
    reached
}

fn shortest_circle(room: &Room, modules: &[String]) -> Vec<Step> {
    modules.iter().filter_map(|start| way_back(room, start)).min_by_key(Vec::len).unwrap_or_default()
}

/// The shortest way from a module back to it.
fn way_back(room: &Room, start: &str) -> Option<Vec<Step>> {
    let mut ways = VecDeque::from([(start, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((module, way)) = ways.pop_front() {
        for (target, place) in room.get(module).into_iter().flatten() {
            let mut way = way.clone();
            way.push((module.to_owned(), target.clone(), place.clone()));
            if target == start {
                return Some(way);
            }
            if seen.insert(target) {
                ways.push_back((target, way));
            }
        }
    }
    None
}

/// A module that uses what a module around it defines, and where.
#[derive(Debug, PartialEq, Eq)]
struct Upward {
    module: String,
    above: String,
    places: Vec<Place>,
}

fn find_upward(arrows: &BTreeSet<Arrow>) -> Vec<Upward> {
    let mut found: Vec<Upward> = Vec::new();
    for Arrow { from, to, place } in arrows.iter().filter(|arrow| arrow.from.starts_with(&arrow.to)) {
        let (module, above) = (written(from), written(to));
        match found.last_mut() {
            Some(last) if last.module == module && last.above == above => last.places.push(place.clone()),
            _ => found.push(Upward { module, above, places: vec![place.clone()] }),
        }
    }
    found
}

/// A use of what lies in a module that the root declares later than the one that uses it.
#[derive(Debug, PartialEq, Eq)]
struct Late {
    module: String,
    needs: String,
    place: Place,
}

impl fmt::Display for Late {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Late { module, needs, place } = self;
        write!(out, "`{module}` uses what lies in `{needs}` ({place}), which is declared after it")
    }
}

/// The first place of each pair of modules of the root.
fn find_late(tree: &Tree, arrows: &BTreeSet<Arrow>) -> Vec<Late> {
    // Scopes are numbered in the order in which modules are declared.
    let number = |path: &[String]| path.first().and_then(|name| tree.scopes[0].children.get(name)).copied();
    let mut found: Vec<Late> = Vec::new();
    for Arrow { from, to, place } in arrows {
        let (Some(own), Some(other)) = (number(from), number(to)) else { continue };
        let (module, needs) = (written(&from[..1]), written(&to[..1]));
        let is_known = |late: &Late| late.module == module && late.needs == needs;
        if own < other && !found.iter().any(is_known) {
            found.push(Late { module, needs, place: place.clone() });
        }
    }
    found
}

/// A path as code has it: `crate::module`.
fn written(path: &[String]) -> String {
    let mut text = "crate".to_owned();
    for name in path {
        text += "::";
        text += name;
    }
    text
}

fn compare_circles(of: &str, circles: &[Circle], known: &[KnownCircle]) -> Vec<String> {
    let is_same = |known: &KnownCircle, circle: &Circle| {
        known.of == of && known.room == circle.room && circle.modules == known.modules
    };
    let mut offences = Vec::new();
    for circle in circles.iter().filter(|circle| !known.iter().any(|known| is_same(known, circle))) {
        let arrows = circle.shortest.iter().map(|(from, to, place)| format!("{from} -> {to} ({place})"));
        offences.push(format!(
            "crate {of}: in `{}`, {} import one another in a circle: {}. Move what closes it to where both may look, \
             or give a reason in {LIST}",
            circle.room,
            circle.modules.join(", "),
            arrows.collect::<Vec<_>>().join(", ")
        ));
    }
    for known in known.iter().filter(|known| known.of == of) {
        let (modules, room) = (known.modules.join(", "), known.room);
        if known.reason.is_empty() {
            offences.push(format!("{LIST}: crate {of}: the circle of {modules} in `{room}` has no reason"));
        }
        if !circles.iter().any(|circle| is_same(known, circle)) {
            offences.push(format!(
                "{LIST}: crate {of} has no circle of exactly {modules} in `{room}` any more: remove it, or list what \
                 is left of it"
            ));
        }
    }
    offences
}

/// How many places of arrows upwards a message names.
const PLACES: usize = 5;

fn compare_upward(of: &str, upward: &[Upward], known: &[KnownUpward]) -> Vec<String> {
    let is_same = |known: &KnownUpward, upward: &Upward| {
        known.of == of && known.module == upward.module && known.above == upward.above
    };
    let mut offences = Vec::new();
    for upward in upward.iter().filter(|upward| !known.iter().any(|known| is_same(known, upward))) {
        let mut places: Vec<String> = upward.places.iter().take(PLACES).map(ToString::to_string).collect();
        if upward.places.len() > PLACES {
            places.push(format!("and {} more", upward.places.len() - PLACES));
        }
        offences.push(format!(
            "crate {of}: `{}` runs back up to `{}`: {}. Move what it uses into a module of its own, or give a reason \
             in {LIST}",
            upward.module,
            upward.above,
            places.join(", ")
        ));
    }
    for known in known.iter().filter(|known| known.of == of) {
        let (module, above) = (known.module, known.above);
        if known.reason.is_empty() {
            offences
                .push(format!("{LIST}: crate {of}: `{module}` runs back up to `{above}` without a reason"));
        }
        if !upward.iter().any(|upward| is_same(known, upward)) {
            offences.push(format!(
                "{LIST}: in crate {of}, `{module}` does not run back up to `{above}` any more: remove it"
            ));
        }
    }
    offences
}

#[cfg(test)]
mod tests;
