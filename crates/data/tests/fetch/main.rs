//! Fetching from a server on this machine: whole, interrupted, damaged, missing.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests may")]

mod server;

use std::path::Path;
use std::time::Duration;

use ediacara_data::DataSet;
use ediacara_data::fetch::{self, FetchError, Fetched, Options, Presence, RemoteFile, Source};
use server::{Behaviour, Server};

/// 300,000 bytes, `index * 31 % 251` each; SHA-256 by Python's hashlib.
const LARGE: RemoteFile = RemoteFile {
    name: "large.bin",
    bytes: 300_000,
    sha256: "4b842fb90e12c8e34f6484748f2e67e138ec9c7c53f72a919f9919c180c6f8d4",
};
/// SHA-256 of `abc`, the example of FIPS 180-2.
const SMALL: RemoteFile = RemoteFile {
    name: "small.bin",
    bytes: 3,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

fn large() -> Vec<u8> {
    (0..300_000_u64).map(|index| (index * 31 % 251) as u8).collect()
}

fn table() -> Source {
    Source { set: DataSet::Mnist, description: "", licence: "", mirrors: &[], files: &[LARGE, SMALL] }
}

fn server(breaks: &[usize]) -> Server {
    let files = [("/set/large.bin", large()), ("/set/small.bin", b"abc".to_vec())];
    let files = files.map(|(name, contents)| (name.to_owned(), contents)).into();
    Server::start(Behaviour { files, breaks: breaks.to_vec(), whole_only: false })
}

fn options(server: &Server) -> Options {
    Options { mirror: Some(format!("{}/set", server.address)), pause: Duration::ZERO, ..Options::default() }
}

fn get(server: &Server, to: &Path) -> Result<Vec<Fetched>, FetchError> {
    fetch::fetch(&table(), to, &options(server), &mut |_| {})
}

/// The names in the set's folder.
fn names(to: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(to.join("mnist")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn large_path() -> String {
    "/set/large.bin".to_owned()
}

fn small_path() -> String {
    "/set/small.bin".to_owned()
}

#[test]
fn a_set_comes_whole_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[]);
    let to = folder.path().join("not/yet/there");
    let mut seen = Vec::new();
    let fetched = fetch::fetch(&table(), &to, &options(&server), &mut |progress| {
        seen.push((progress.file.to_owned(), progress.done, progress.total));
    });
    assert_eq!(fetched.unwrap(), [Fetched::Downloaded { resumed: 0 }; 2]);
    assert_eq!(server.served(), [(large_path(), 0, 200, 300_000), (small_path(), 0, 200, 3)]);
    assert_eq!(std::fs::read(to.join("mnist/large.bin")).unwrap(), large());
    assert_eq!(names(&to), ["large.bin", "small.bin"]);
    assert!(seen.contains(&("large.bin".to_owned(), 300_000, 300_000)), "{seen:?}");
    assert_eq!(seen.last().unwrap(), &("small.bin".to_owned(), 3, 3));
    assert_eq!(fetch::presence(&table(), &to.join("mnist")), Presence::Complete);
    // The second time, everything is verified and nothing is asked for.
    assert_eq!(get(&server, &to).unwrap(), [Fetched::Present; 2]);
    assert_eq!(server.served(), []);
}

#[test]
fn a_broken_connection_is_resumed_in_the_same_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[100_000, 50_000]);
    assert_eq!(get(&server, folder.path()).unwrap()[0], Fetched::Downloaded { resumed: 0 });
    // No byte is sent twice.
    assert_eq!(
        server.served()[..3],
        [
            (large_path(), 0, 200, 100_000),
            (large_path(), 100_000, 206, 50_000),
            (large_path(), 150_000, 206, 150_000)
        ]
    );
    assert_eq!(std::fs::read(folder.path().join("mnist/large.bin")).unwrap(), large());
}

#[test]
fn an_interrupted_fetch_is_resumed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[100_000, 0, 0, 0]);
    let error = get(&server, folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot download large.bin:\n"), "{error}");
    assert!(error.contains("what came so far is kept"), "{error}");
    assert_eq!(server.served().len(), 4, "given up after three times nothing");
    assert_eq!(names(folder.path()), ["large.bin.part"]);
    assert_eq!(std::fs::metadata(folder.path().join("mnist/large.bin.part")).unwrap().len(), 100_000);
    server.behaviour.lock().unwrap().breaks.clear();
    let fetched = get(&server, folder.path()).unwrap();
    assert_eq!(fetched, [Fetched::Downloaded { resumed: 100_000 }, Fetched::Downloaded { resumed: 0 }]);
    assert_eq!(server.served(), [(large_path(), 100_000, 206, 200_000), (small_path(), 0, 200, 3)]);
    assert_eq!(std::fs::read(folder.path().join("mnist/large.bin")).unwrap(), large());
}

#[test]
fn a_server_without_ranges_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[100_000]);
    server.behaviour.lock().unwrap().whole_only = true;
    get(&server, folder.path()).unwrap();
    assert_eq!(std::fs::read(folder.path().join("mnist/large.bin")).unwrap(), large());
}

#[test]
fn a_damaged_part_is_fetched_again() {
    for part in [vec![7; 1000], vec![7; 300_000], vec![7; 300_001]] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mnist")).unwrap();
        std::fs::write(folder.path().join("mnist/large.bin.part"), part).unwrap();
        get(&server(&[]), folder.path()).unwrap();
        assert_eq!(std::fs::read(folder.path().join("mnist/large.bin")).unwrap(), large());
    }
}

#[test]
fn a_corrupted_file_is_refused_by_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[]);
    let set = |contents: &[u8]| {
        server.behaviour.lock().unwrap().files.insert(small_path(), contents.to_vec());
        get(&server, folder.path()).unwrap_err().to_string()
    };
    let error = set(b"abd");
    for part in [
        "cannot download small.bin:\n",
        "/set/small.bin: not the published file",
        "expected SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "found SHA-256 a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9",
        "--mirror URL",
    ] {
        assert!(error.contains(part), "no {part:?} in\n{error}");
    }
    assert_eq!(names(folder.path()), ["large.bin"], "nothing of it is left");
    let error = set(b"ab");
    assert!(error.contains("expected 3 bytes, found 2 bytes"), "{error}");
    let error = set(b"abcd");
    assert!(error.contains("it sends more than the expected 3 bytes"), "{error}");
    assert_eq!(names(folder.path()), ["large.bin"]);
}

#[test]
fn a_file_of_the_user_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mnist/large.bin");
    std::fs::create_dir(folder.path().join("mnist")).unwrap();
    std::fs::write(&mine, "mine").unwrap();
    let server = server(&[]);
    assert_eq!(
        get(&server, folder.path()).unwrap_err().to_string(),
        format!(
            "{} is not the published file: expected 300000 bytes, found 4 bytes. Nothing was changed; move it away or \
             delete it to fetch it again",
            mine.display()
        )
    );
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    assert_eq!(server.served(), []);
    assert_eq!(fetch::presence(&table(), &folder.path().join("mnist")), Presence::Partial);
    assert_eq!(fetch::presence(&table(), folder.path()), Presence::Absent);
}

#[test]
fn the_second_mirror_is_asked_when_the_first_has_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[]);
    let mirror = |path: &str| -> &'static str { format!("{}{path}", server.address).leak() };
    let mirrors: &'static [&'static str] = vec![mirror("/empty/"), mirror("/set/")].leak();
    let source = Source { mirrors, ..table() };
    let options = Options { mirror: None, ..options(&server) };
    fetch::fetch(&source, folder.path(), &options, &mut |_| {}).unwrap();
    assert_eq!(
        server.served()[..2],
        [("/empty/large.bin".to_owned(), 0, 404, 0), (large_path(), 0, 200, 300_000)]
    );
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&[]);
    let fail = |options: Options| {
        fetch::fetch(&table(), folder.path(), &options, &mut |_| {}).unwrap_err().to_string()
    };
    let options = options(&server);
    let nowhere = Options { mirror: Some(format!("{}/nowhere/", server.address)), ..options.clone() };
    let error = fail(nowhere);
    assert!(error.contains("/nowhere/large.bin: ") && error.contains("404"), "{error}");
    // Nobody listens on port 9 of this machine.
    let error = fail(Options { mirror: Some("http://127.0.0.1:9/".to_owned()), ..options.clone() });
    assert!(error.contains("Is there a network?") && error.contains("https_proxy"), "{error}");
    assert!(!folder.path().join("mnist").exists(), "nothing came, and something was left");
    let error = fail(Options { curl: "no-such-curl".into(), ..options.clone() });
    assert!(error.starts_with("cannot start 'no-such-curl', which downloads data sets: "), "{error}");
    assert!(error.contains("Install curl") && error.contains("/set/large.bin"), "{error}");
    let error = fail(Options { mirror: Some("/a/folder".to_owned()), ..options });
    assert!(error.starts_with("'/a/folder' is not a mirror"), "{error}");
    let error = fetch::source(&fetch::CATALOGUE, "imagenet").unwrap_err().to_string();
    assert_eq!(error, "there is no data set 'imagenet' to fetch; there are mnist, fashion-mnist, cifar10");
}

#[test]
fn a_folder_is_a_mirror_too() {
    let [here, there] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    std::fs::write(here.path().join("large.bin"), large()).unwrap();
    std::fs::write(here.path().join("small.bin"), "abc").unwrap();
    let options = Options { mirror: Some(format!("file://{}", here.path().display())), ..Options::default() };
    fetch::fetch(&table(), there.path(), &options, &mut |_| {}).unwrap();
    assert_eq!(names(there.path()), ["large.bin", "small.bin"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_says_how_much_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mnist")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("mnist/large.bin.part")).unwrap();
    let error = get(&server(&[]), folder.path()).unwrap_err().to_string();
    assert!(
        error.starts_with("no space left for ") && error.contains("300000 more bytes are needed"),
        "{error}"
    );
}

#[test]
fn two_processes_do_not_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mnist")).unwrap();
    let held = std::fs::File::create(folder.path().join("mnist/.lock")).unwrap();
    held.lock().unwrap();
    let error = get(&server(&[]), folder.path()).unwrap_err().to_string();
    assert!(error.starts_with("another process is fetching into "), "{error}");
}
