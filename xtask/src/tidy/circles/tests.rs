//! The check on small made-up crates.

use super::super::sources::made_up;
use super::known::{KnownCircle, KnownUpward};
use super::*;

/// The offences in a crate of these files.
fn found(files: &[(&str, &str)]) -> Found {
    let (_folder, sources, member) = made_up::sources(files);
    find(&sources.unwrap(), &member).unwrap()
}

/// The circles: each room, its modules, and the arrows of a shortest circle.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let describe = |circle: &Circle| {
        let steps: Vec<String> = circle
            .shortest
            .iter()
            .map(|(from, to, place)| {
                let file = place.file.strip_prefix("crates/made_up/src").unwrap().display();
                format!("{from} -> {to} {file}:{}", place.line)
            })
            .collect();
        format!("{}: {}: {}", circle.room, circle.modules.join(" "), steps.join(", "))
    };
    found(files).circles.iter().map(describe).collect()
}

/// The arrows upwards: the modules, and the lines.
fn upward(files: &[(&str, &str)]) -> Vec<String> {
    let describe = |upward: &Upward| {
        let lines: Vec<String> = upward.places.iter().map(|place| place.line.to_string()).collect();
        format!("{} -> {}: {}", upward.module, upward.above, lines.join(" "))
    };
    found(files).upward.iter().map(describe).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn modules_that_can_be_read_in_an_order_make_no_circle() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n"),
        ("a.rs", "use crate::b::B;\nuse crate::c::C;\npub struct A(B, C);\n"),
        ("b.rs", "use super::c::C;\npub struct B(C);\n"),
        ("c.rs", "use std::fmt;\npub struct C;\n"),
    ];
    assert_eq!(circles(&files), NONE);
    assert_eq!(upward(&files), NONE);
}

#[test]
fn a_use_of_what_is_declared_later_is_told_once() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
        ("a.rs", "pub struct A;\n"),
        (
            "b.rs",
            "use crate::a::A;\nuse crate::c::C;\npub struct B(A, C);\npub fn c() -> C { crate::c::C }\n",
        ),
        ("c.rs", "use crate::a::A;\npub struct C;\npub fn a() -> A { A }\n"),
    ];
    let late: Vec<String> = found(&files).late.iter().map(ToString::to_string).collect();
    let wanted =
        "`crate::b` uses what lies in `crate::c` (crates/made_up/src/b.rs:2), which is declared after it";
    assert_eq!(late, [wanted]);
}

#[test]
fn a_circle_of_two_names_both_imports() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "//! A.\nuse crate::b::B;\npub struct A;\n"),
        ("b.rs", "use super::{\n    a::A,\n};\npub struct B;\n"),
    ];
    assert_eq!(circles(&files), ["crate: a b: a -> b a.rs:2, b -> a b.rs:2"]);
}

#[test]
fn all_modules_on_circles_are_named_and_one_shortest_circle() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::c::C;\npub struct B;\n"),
        ("c.rs", "use crate::a::A;\nuse crate::b::B;\npub struct C;\n"),
        ("d.rs", "use crate::a::A;\n"),
    ];
    assert_eq!(circles(&files), ["crate: a b c: b -> c b.rs:1, c -> b c.rs:2"]);
}

#[test]
fn a_room_is_one_with_all_that_lies_in_it() {
    let files = [
        ("lib.rs", "mod a;\nmod room;\n"),
        ("a.rs", "pub fn a() { crate::room::y::y() }\n"),
        ("room/mod.rs", "pub mod x;\npub mod y;\n"),
        ("room/x.rs", "fn x() { crate::a::a() }\n"),
        ("room/y.rs", "pub fn y() {}\n"),
    ];
    assert_eq!(circles(&files), ["crate: a room: a -> room a.rs:1, room -> a room/x.rs:1"]);
}

#[test]
fn a_circle_inside_a_room_is_that_room_s_and_the_file_beside_its_folder_is_the_room() {
    let files = [
        ("lib.rs", "mod room;\n"),
        ("room.rs", "mod x;\nmod y;\n"),
        ("room/x.rs", "use super::y::Y;\npub struct X;\n"),
        ("room/y.rs", "use super::x::X;\npub struct Y;\n"),
    ];
    assert_eq!(circles(&files), ["crate::room: x y: x -> y room/x.rs:1, y -> x room/y.rs:1"]);
}

#[test]
fn a_name_that_a_module_around_passes_on_is_its_definer_s() {
    let files = [
        ("lib.rs", "mod room;\npub use room::*;\n"),
        ("room/mod.rs", "mod x;\nmod y;\npub use x::X;\nuse y::{Y as Z, make};\n"),
        ("room/x.rs", "use super::Z;\npub struct X;\n"),
        ("room/y.rs", "fn f(_: crate::X) {}\npub struct Y;\npub fn make() {}\n"),
    ];
    assert_eq!(circles(&files), ["crate::room: x y: x -> y room/x.rs:1, y -> x room/y.rs:1"]);
    assert_eq!(upward(&files), NONE);
}

#[test]
fn a_neighbour_that_passes_a_name_on_is_needed_too() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
        ("a.rs", "use crate::b::C;\npub struct A;\n"),
        ("b.rs", "pub use crate::c::C;\nuse crate::a::A;\n"),
        ("c.rs", "pub struct C;\n"),
    ];
    assert_eq!(circles(&files), ["crate: a b: a -> b a.rs:1, b -> a b.rs:2"]);
}

#[test]
fn a_module_that_is_imported_whole_is_an_arrow_where_its_items_are_used() {
    let unused = ("a.rs", "use crate::b;\npub struct A;\n");
    let used = ("a.rs", "use crate::b;\npub struct A;\nfn f() {\n    b::g();\n}\n");
    let others = [("lib.rs", "mod a;\nmod b;\n"), ("b.rs", "use crate::a::A;\npub fn g() {}\n")];
    assert_eq!(circles(&[unused, others[0], others[1]]), NONE);
    assert_eq!(circles(&[used, others[0], others[1]]), ["crate: a b: a -> b a.rs:4, b -> a b.rs:1"]);
}

#[test]
fn paths_in_macros_attributes_and_types_count_and_tests_comments_and_visibility_do_not() {
    let others = [("lib.rs", "mod a;\nmod b;\n"), ("b.rs", "use crate::a::A;\npub fn g() {}\n")];
    let check = |text: &str| circles(&[("a.rs", text), others[0], others[1]]);
    for text in [
        "pub struct A;\nfn f() { println!(\"{}\", crate::b::g()); }\n",
        "pub struct A;\n#[arg(parser = crate::b::g)] struct F;\n",
        "pub struct A;\nimpl A { fn f(_: Vec<crate::b::G>) {} }\n",
        "pub struct A;\nmacro_rules! m { () => { $crate::b::g() } }\n",
    ] {
        assert_eq!(check(text), ["crate: a b: a -> b a.rs:2, b -> a b.rs:1"], "{text}");
    }
    for text in [
        "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::g; }\n",
        "pub struct A;\n#[cfg(test)]\nuse crate::b::g;\n",
        "/// As [`crate::b::g`].\npub struct A; // crate::b::g()\n",
        "pub struct A;\nfn f() -> &'static str { \"crate::b::g\" }\n",
        "pub struct A;\npub(in crate::b) struct F;\n",
        "pub struct A;\nfn f() { ::other::b::g(); x.b::<u8>(); other::b::g() }\n",
    ] {
        assert_eq!(check(text), NONE, "{text}");
    }
}

#[test]
fn what_a_module_around_defines_is_an_arrow_upwards_and_no_circle() {
    let files = [
        ("lib.rs", "mod room;\npub struct Root;\n"),
        ("room/mod.rs", "mod x;\nmod y;\npub struct Shared;\nfn f() { x::make(); }\n"),
        ("room/x.rs", "use super::Shared;\nuse crate::Root;\npub fn make() -> super::Shared {}\n"),
        ("room/y.rs", "mod inner {\n    use super::super::Shared;\n}\n"),
    ];
    assert_eq!(circles(&files), NONE);
    let wanted = [
        "crate::room::x -> crate: 2",
        "crate::room::x -> crate::room: 1 3",
        "crate::room::y -> crate::room: 2",
    ];
    assert_eq!(upward(&files), wanted);
}

#[test]
fn names_that_only_a_macro_declares_and_names_of_other_crates_are_found_or_left_out() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nuse other::Thing;\n"),
        ("a.rs", "declare!(Made);\nuse crate::b::B;\n"),
        ("b.rs", "use crate::Thing;\nuse crate::a::Made;\npub struct B;\n"),
    ];
    assert_eq!(circles(&files), ["crate: a b: a -> b a.rs:2, b -> a b.rs:2"]);
    assert_eq!(upward(&files), NONE);
}

#[test]
fn a_file_may_lie_where_its_path_attribute_says_and_a_missing_one_is_an_error() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "#[path = \"far/away.rs\"]\nmod near;\n"),
        ("far/away.rs", "use crate::b::B;\npub struct Near;\n"),
        ("b.rs", "use crate::a::near::Near;\npub struct B;\n"),
    ];
    assert_eq!(circles(&files), ["crate: a b: a -> b far/away.rs:1, b -> a b.rs:1"]);
    let (_folder, sources, member) = made_up::sources(&[("lib.rs", "\nmod gone;\n")]);
    let error = find(&sources.unwrap(), &member).err().map(|error| error.to_string());
    let wanted = "crates/made_up/src/lib.rs:2: no file of the module `gone`; looked for \
                  crates/made_up/src/gone.rs and crates/made_up/src/gone/mod.rs";
    assert_eq!(error.as_deref(), Some(wanted));
}

#[test]
fn a_known_circle_is_allowed_and_an_offence_once_it_is_gone() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "use crate::b::B;\npub struct A;\n"),
        ("b.rs", "use crate::a::A;\npub struct B;\n"),
    ];
    let found = found(&files).circles;
    let circle = |modules| KnownCircle { of: "made_up", room: "crate", modules, reason: "made up" };
    assert_eq!(compare_circles("made_up", &found, &[circle(&["a", "b"])]), NONE);
    assert_eq!(compare_circles("other", &[], &[circle(&["a", "b"])]), NONE);
    let new = "crate made_up: in `crate`, a, b import one another in a circle: a -> b (crates/made_up/src/a.rs:1), b -> a \
               (crates/made_up/src/b.rs:1). Move what closes it to where both may look, or give a reason in \
               xtask/src/tidy/circles/known.rs";
    assert_eq!(compare_circles("made_up", &found, &[]), [new]);
    let gone = "xtask/src/tidy/circles/known.rs: crate made_up has no circle of exactly a, b, c in `crate` any more: remove \
                it, or list what is left of it";
    assert_eq!(compare_circles("made_up", &found, &[circle(&["a", "b", "c"])]), [new, gone]);
    let without_reason = KnownCircle { reason: "", ..circle(&["a", "b"]) };
    let wanted =
        "xtask/src/tidy/circles/known.rs: crate made_up: the circle of a, b in `crate` has no reason";
    assert_eq!(compare_circles("made_up", &found, &[without_reason]), [wanted]);
}

#[test]
fn a_known_arrow_upwards_is_allowed_and_an_offence_once_it_is_gone() {
    let text = "mod a;\npub struct Root;\n";
    let uses = "fn f(_: crate::Root) {}\n".repeat(7);
    let found = found(&[("lib.rs", text), ("a.rs", &uses)]).upward;
    let known = KnownUpward { of: "made_up", module: "crate::a", above: "crate", reason: "made up" };
    assert_eq!(compare_upward("made_up", &found, &[known]), NONE);
    let places: Vec<String> = (1..=5).map(|line| format!("crates/made_up/src/a.rs:{line}")).collect();
    let new = format!(
        "crate made_up: `crate::a` runs back up to `crate`: {}, and 2 more. Move what it uses into a module of its own, or \
         give a reason in xtask/src/tidy/circles/known.rs",
        places.join(", ")
    );
    assert_eq!(compare_upward("made_up", &found, &[]), [new]);
    let gone = "xtask/src/tidy/circles/known.rs: in crate made_up, `crate::a` does not run back up to `crate` any more: remove it";
    assert_eq!(compare_upward("made_up", &[], &[known]), [gone]);
}
