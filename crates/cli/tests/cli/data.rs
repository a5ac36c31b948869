//! `ediacara data`: fetching through a server on this machine, and the list.

#[path = "../../../data/tests/fetch/server.rs"]
mod server;

use std::path::Path;
use std::process::Command;

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;
use server::{Behaviour, Server};

use crate::{fail, json, number, succeed};

/// The real Fashion-MNIST, on a server.
fn fashion() -> Option<Server> {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let folder = match locations.find(DataSet::FashionMnist) {
        Ok(folder) => folder,
        Err(error) => {
            skip("fashion-mnist", &error.to_string());
            return None;
        }
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).map(|path| {
        (format!("/{}", path.file_name().unwrap().to_str().unwrap()), std::fs::read(&path).unwrap())
    });
    Some(Server::start(Behaviour { files: files.collect(), ..Behaviour::default() }))
}

#[test]
fn a_real_set_is_fetched_and_then_found() {
    let Some(server) = fashion() else { return };
    let cache = tempfile::tempdir().unwrap();
    // This user has no EDIACARA_DATA, and is outside the workspace.
    let user = |arguments: &[&str]| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_ediacara"))
            .args(arguments)
            .current_dir(cache.path())
            .env_remove("EDIACARA_DATA")
            .env("XDG_CACHE_HOME", cache.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let list = |field: &str| user(&["data", "list", "--json"])[1][field].clone();
    assert_eq!(list("state"), "no");
    let fetch = ["data", "fetch", "fashion-mnist", "--mirror", &server.address, "--json"];
    let first = user(&fetch);
    let set = &first["sets"][0];
    assert_eq!((&set["name"], &set["error"]), (&Value::from("fashion-mnist"), &Value::Null));
    let files = set["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|file| file["state"] == "downloaded" && file["resumed_bytes"] == 0), "{set}");
    assert_eq!(server.served().iter().map(|served| served.3).sum::<usize>(), 30_878_645);
    assert_eq!(list("state"), "complete");
    assert_eq!(list("folder"), set["folder"]);
    assert!(
        user(&fetch)["sets"][0]["files"].as_array().unwrap().iter().all(|file| file["state"] == "present")
    );
    assert_eq!(server.served(), []);
}

#[test]
fn a_failed_fetch_names_the_file_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let server = Server::start(Behaviour::default());
    let error = fail(&["data", "fetch", "mnist", "--to", to, "--mirror", &server.address]);
    for part in ["mnist", "cannot download train-images-idx3-ubyte.gz", "404", "--mirror URL"] {
        assert!(error.contains(part), "no {part:?} in\n{error}");
    }
    let contents = vec![0; 28_881];
    server.behaviour.lock().unwrap().files.insert("/train-images-idx3-ubyte.gz".to_owned(), contents);
    let error = fail(&["data", "fetch", "mnist", "--to", to, "--mirror", &server.address]);
    assert!(error.contains("expected 9912422 bytes, found 28881 bytes"), "{error}");
    assert_eq!(
        std::fs::metadata(folder.path().join("mnist/train-images-idx3-ubyte.gz")).ok().map(|_| ()),
        None
    );
}

#[test]
fn without_curl_the_way_out_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ediacara"))
        .args(["data", "fetch", "cifar10", "--json", "--to", folder.path().to_str().unwrap()])
        .env("PATH", "")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("Install curl"), "{error}");
    assert!(error.contains("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["sets"][0]["error"].as_str().unwrap().contains("Install curl"), "{report}");
}

#[test]
fn an_unknown_set_lists_the_names() {
    let error = fail(&["data", "fetch", "imagenet"]);
    assert!(error.contains("imagenet") && error.contains("mnist, fashion-mnist, cifar10"), "{error}");
    fail(&["data", "fetch"]);
}

#[test]
fn the_list_has_sizes_and_names() {
    let list = json(&["data", "list", "--json"]);
    let sizes: Vec<u64> = list.as_array().unwrap().iter().map(|set| number(&set["bytes"])).collect();
    assert_eq!(sizes, [11_594_722, 30_878_645, 170_052_171]);
    let text = succeed(&["data", "list"]);
    for part in ["fashion-mnist", "170.0 MB", "30.8 MB", "licence"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}
