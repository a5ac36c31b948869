//! The calibration of a network on the command line.

use ediacara::tensor::{Tensor, npy};

use crate::{fail, json};

#[test]
fn folders_and_names_are_taken_and_hidden_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Tensor::from_vec(&[1, 6], vec![-1.0_f32, -0.5, 0.0, 0.25, 0.5, 1.0]).unwrap();
    for name in ["1.npy", "2.npy"] {
        npy::write(&folder.path().join(name), &sample).unwrap();
    }
    // The file that a Mac leaves beside another one has the same extension.
    std::fs::write(folder.path().join("._1.npy"), b"no array").unwrap();
    let path = folder.path().display();
    for given in [path.to_string(), format!("input={path}")] {
        let report = json(&["run", "mlp:6-4-3", "--calibrate", &given, "--json"]);
        assert_eq!(report["quantisation"]["method"], "min-max over 2 given samples");
        assert_eq!(report["quantisation"]["seeded_inputs"].as_array().unwrap().len(), 0);
        assert!(report["outputs"][0]["sqnr_db"].is_number());
    }
    let said = fail(&["run", "mlp:6-4-3", "--calibrate", &format!("nobody={path}")]);
    assert!(said.contains("no input nobody; its inputs are input"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    let said = fail(&["run", "mlp:6-4-3", "--calibrate", &empty.path().display().to_string()]);
    assert!(said.contains("no calibration sample"), "{said}");
}

#[test]
fn assumed_ranges_are_for_timing_alone() {
    let report = json(&["run", "lenet5", "--timing-only", "--ranges", "assumed", "--json"]);
    assert_eq!(report["quantisation"]["method"], "assumed");
    assert!(report["quantisation"]["sqnr_db"].is_null() && report["check"]["bit_exact"].is_null());
    assert!(fail(&["run", "lenet5", "--ranges", "assumed"]).contains("--timing-only"));
    let said = fail(&["run", "lenet5", "--timing-only", "--ranges", "assumed", "--calibrate", "x.npy"]);
    assert!(said.contains("--calibrate"), "{said}");
}
