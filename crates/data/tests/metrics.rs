//! Metrics against figures worked out by hand, scikit-learn's, pycocotools' and a script of VOC's definitions.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;

use ediacara_data::boxes::{self, Detection, Rectangle};
use ediacara_data::metrics::{
    Confusion, Definition, DetectedPhoto, GroundTruth, Scores, average_precisions, mean_average_precision,
    top_k_accuracy,
};
use ediacara_data::{DataError, DataSet, Labels, Locations, skip};
use ediacara_tensor::Tensor;
use serde_json::Value;

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

fn near_scores(found: Scores, [precision, recall, f1]: [f64; 3]) {
    near(found.precision, precision);
    near(found.recall, recall);
    near(found.f1, f1);
}

/// The figures are those of the example of scikit-learn's `classification_report`.
#[test]
fn precision_and_recall_are_those_of_scikit_learn() {
    let confusion = Confusion::of(4, &[0, 1, 2, 2, 2], &[0, 0, 2, 2, 1]).unwrap();
    let rows: Vec<&[u64]> = confusion.rows().collect();
    assert_eq!(rows, [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]]);
    assert_eq!((confusion.total(), confusion.classes()), (5, 4));
    near(confusion.accuracy(), 0.6);
    near_scores(confusion.scores(0), [0.5, 1.0, 2.0 / 3.0]);
    near_scores(confusion.scores(1), [0.0, 0.0, 0.0]);
    near_scores(confusion.scores(2), [1.0, 2.0 / 3.0, 0.8]);
    near_scores(confusion.scores(3), [0.0; 3]);
    // Class 3 does not occur.
    near_scores(confusion.macro_scores(), [0.5, 5.0 / 9.0, (2.0 / 3.0 + 0.8) / 3.0]);
    near_scores(Confusion::new(2).macro_scores(), [0.0; 3]);
    near(Confusion::new(0).accuracy(), 0.0);
}

#[test]
fn top_k_counts_the_highest_scores() {
    let rows = vec![0.1_f32, 0.7, 0.2, 0.5, 0.5, 0.0, f32::NAN, 0.3, 0.1];
    let scores = Tensor::from_vec(&[3, 3], rows).unwrap();
    let accuracy = |labels: &[usize], k: usize| top_k_accuracy(&scores, labels, k).unwrap();
    near(accuracy(&[1, 0, 1], 1), 1.0);
    near(accuracy(&[2, 1, 2], 1), 0.0);
    near(accuracy(&[2, 1, 2], 2), 1.0);
    near(accuracy(&[0, 2, 0], 2), 0.0);
    near(accuracy(&[0, 2, 0], 3), 2.0 / 3.0);
}

#[test]
fn misfits_are_named() {
    let check = |result: Result<(), DataError>, expected: &str| {
        assert_eq!(result.unwrap_err().to_string(), expected);
    };
    check(Confusion::of(2, &[0], &[]).map(drop), "1 true classes but 0 predictions");
    check(Confusion::of(2, &[0], &[2]).map(drop), "class 2 of 2; classes are numbered from 0");
    let scores = Tensor::from_vec(&[1, 2], vec![0.0_f32, 1.0]).unwrap();
    check(
        top_k_accuracy(&scores, &[0, 0], 1).map(drop),
        "scores are f32 [1, 2], not a floating-point row for each of 2 labels",
    );
    check(top_k_accuracy(&scores, &[2], 1).map(drop), "label 2 of 2 classes, which are numbered from 0");
}

fn square(left: f32, side: f32) -> Rectangle {
    Rectangle { left, top: 0.0, right: left + side, bottom: side }
}

fn truth(left: f32, ignored: bool) -> GroundTruth {
    GroundTruth { class: 3, rectangle: square(left, 10.0), ignored }
}

fn found(score: f32, left: f32) -> Detection {
    Detection { class: 3, score, rectangle: square(left, 10.0) }
}

#[test]
fn overlap_is_intersection_over_union() {
    near(square(0.0, 10.0).overlap(&square(5.0, 10.0)).into(), f64::from(1.0_f32 / 3.0));
    near(square(0.0, 10.0).overlap(&square(10.0, 10.0)).into(), 0.0);
    near(square(0.0, 0.0).overlap(&square(0.0, 0.0)).into(), 0.0);
}

fn check(photo: DetectedPhoto, definition: Definition, expected: Option<f64>) {
    let precisions = average_precisions(&[photo], definition, &[0.5]);
    match (precisions.get(&3), expected) {
        (Some(&found), Some(expected)) => near(found, expected),
        (found, expected) => assert_eq!(found, expected.as_ref()),
    }
}

/// The detections are right, wrong, right: recall 1/2, 1/2, 1 with precision 1, 1/2, 2/3.
#[test]
fn definitions_differ_in_where_recall_is_sampled() {
    let photo = DetectedPhoto {
        truths: vec![truth(0.0, false), truth(100.0, false)],
        detections: vec![found(0.7, 100.0), found(0.9, 0.0), found(0.8, 50.0)],
    };
    check(photo.clone(), Definition::Voc2007, Some((6.0 + 5.0 * 2.0 / 3.0) / 11.0));
    check(photo.clone(), Definition::Voc2010, Some((1.0 + 2.0 / 3.0) / 2.0));
    check(photo, Definition::Coco, Some((51.0 + 50.0 * 2.0 / 3.0) / 101.0));
}

#[test]
fn what_is_found_twice_is_wrong_the_second_time() {
    let detections = vec![found(0.9, 0.0), found(0.8, 0.0), found(0.7, 100.0)];
    let photo = DetectedPhoto { truths: vec![truth(0.0, false), truth(100.0, false)], detections };
    check(photo, Definition::Voc2010, Some((1.0 + 2.0 / 3.0) / 2.0));
}

#[test]
fn what_is_ignored_is_neither_right_nor_wrong() {
    let detections = vec![found(0.9, 100.0), found(0.85, 100.0), found(0.8, 0.0)];
    let truths = vec![truth(100.0, true), truth(0.0, false)];
    for definition in [Definition::Voc2007, Definition::Voc2010, Definition::Coco] {
        check(
            DetectedPhoto { truths: truths.clone(), detections: detections.clone() },
            definition,
            Some(1.0),
        );
        let nothing_to_find =
            DetectedPhoto { truths: vec![truth(0.0, true)], detections: detections.clone() };
        assert_eq!(mean_average_precision(std::slice::from_ref(&nothing_to_find), definition), None);
        check(nothing_to_find, definition, None);
    }
}

/// A box at the corner of a crowd overlaps it by 1/4, but lies in it.
#[test]
fn a_crowd_takes_what_lies_in_it() {
    let crowd = GroundTruth { class: 3, rectangle: square(0.0, 20.0), ignored: true };
    let photo = DetectedPhoto {
        truths: vec![crowd, truth(100.0, false)],
        detections: vec![found(0.9, 0.0), found(0.8, 100.0)],
    };
    check(photo.clone(), Definition::Coco, Some(1.0));
    check(photo, Definition::Voc2010, Some(0.5));
}

fn voc_photos(folder: &Path, crowds: bool) -> Vec<DetectedPhoto> {
    let names = Labels::open(&folder.join("voc.names")).unwrap();
    let class = |name: &str| (0..names.len()).find(|&class| names.get(class) == Some(name)).unwrap();
    let annotations = boxes::read_voc_folder(&folder.join("gts/pascalvoc_format")).unwrap();
    let photo = |annotation: &boxes::Annotation| {
        let truth = |thing: &boxes::Thing| GroundTruth {
            class: class(&thing.class),
            rectangle: thing.rectangle,
            ignored: thing.difficult && crowds,
        };
        // Two photos have no detections, and no file.
        let path = folder.join("dets/abs_xyx2y2").join(annotation.photo.replace(".jpg", ".txt"));
        let detections = if path.exists() { boxes::read_detections(&path).unwrap() } else { Vec::new() };
        DetectedPhoto { truths: annotation.things.iter().map(truth).collect(), detections }
    };
    annotations.iter().map(photo).collect()
}

fn near_figures(photos: &[DetectedPhoto], definition: Definition, figures: &Value) {
    let precisions = average_precisions(photos, definition, &definition.overlaps());
    let expected: BTreeMap<usize, f64> = figures["classes"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter_map(|(class, figure)| Some((class, figure.as_f64()?)))
        .collect();
    assert_eq!(precisions.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    precisions.values().zip(expected.values()).for_each(|(&found, &expected)| near(found, expected));
    near(mean_average_precision(photos, definition).unwrap(), figures["mean"].as_f64().unwrap());
}

#[test]
fn average_precisions_of_the_voc_detections_are_those_of_other_programs() {
    let found = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR")))
        .and_then(|locations| locations.find(DataSet::Voc2012));
    let folder = match found {
        Ok(folder) => folder,
        Err(error) => return skip(DataSet::Voc2012.name(), &error.to_string()),
    };
    let figures: Value = serde_json::from_str(include_str!("data/average_precision.json")).unwrap();
    let difficult = voc_photos(&folder, true);
    near_figures(&difficult, Definition::Voc2007, &figures["voc2007"]);
    near_figures(&difficult, Definition::Voc2010, &figures["voc2010"]);
    near_figures(&difficult, Definition::Coco, &figures["coco with crowds"]);
    let everything = voc_photos(&folder, false);
    near_figures(&everything, Definition::Coco, &figures["coco"]);
    for (least, name) in [(0.5, "mean at 0.50"), (0.75, "mean at 0.75")] {
        let precisions = average_precisions(&everything, Definition::Coco, &[least]);
        let mean = precisions.values().sum::<f64>() / precisions.len() as f64;
        near(mean, figures["coco"][name].as_f64().unwrap());
    }
}
