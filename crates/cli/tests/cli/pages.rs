//! The pages of docs/textbook show what the command prints.
//!
//! Their blocks and pictures are compared with a run of it.
//!
//! A block begins with a line `<!-- ediacara ARGUMENTS -->`, goes on with the output as fenced text, and ends
//! with `<!-- end of output -->`. A picture that the command draws (`--svg pictures/NAME.svg`) is compared as
//! well. `cargo xtask pages`, or `UPDATE_EXPECT=1`, writes both again.

use std::fs;
use std::path::Path;

use crate::{root, succeed};

const BEGIN: &str = "<!-- ediacara ";
const END: &str = "<!-- end of output -->";

#[test]
fn pages_show_what_the_command_prints() {
    let folder = root().join("docs/textbook");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut blocks = 0;
    let mut pages: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    for page in pages.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let old = fs::read_to_string(page).unwrap();
        let (new, count) = with_outputs(&old, &folder, update);
        blocks += count;
        if update && new != old {
            fs::write(page, &new).unwrap();
        }
        assert!(
            update || new == old,
            "{} is stale, write it again with cargo xtask pages:\n{new}",
            page.display()
        );
    }
    assert!(blocks >= 6, "only {blocks} blocks were found");
}

/// The page with what its commands print now, and how many there are.
fn with_outputs(page: &str, folder: &Path, update: bool) -> (String, usize) {
    let (mut text, mut rest, mut blocks) = (String::new(), page, 0);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (command, after) = after.split_once(" -->").unwrap();
        let (_, after) =
            after.split_once(END).unwrap_or_else(|| panic!("the block of `{command}` has no end"));
        let output = run(command, folder, update);
        text += &format!("{before}{BEGIN}{command} -->\n\n```text\n{}\n```\n\n{END}", output.trim_end());
        (rest, blocks) = (after, blocks + 1);
    }
    (text + rest, blocks)
}

/// The output of a command.
///
/// The picture that it draws is compared with the page's, or replaces it.
fn run(command: &str, folder: &Path, update: bool) -> String {
    let mut arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let Some(at) = arguments.iter().position(|argument| argument == "--svg") else {
        return succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let scratch = tempfile::tempdir().unwrap();
    let drawn = scratch.path().join("drawn.svg");
    let picture = folder.join(&arguments[at + 1]);
    arguments[at + 1] = drawn.display().to_string();
    let output = succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    if update {
        fs::copy(&drawn, &picture).unwrap();
    }
    assert!(
        fs::read(&drawn).unwrap() == fs::read(&picture).unwrap_or_default(),
        "{} is stale",
        picture.display()
    );
    output
}
