//! Readers of data sets: bundled ones, made-up files, and the real sets where this machine has them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests may")]

use std::io::Write;
use std::path::{Path, PathBuf};

use ediacara_data::boxes::{self, Rectangle};
use ediacara_data::{
    DataError, DataSet, Labels, Locations, RgbImage, bundled, cifar, mnist, photos, synthetic,
};

/// The folder of a set, or a note that the test is skipped.
fn folder_of(set: DataSet) -> Option<PathBuf> {
    match Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().find(set) {
        Ok(folder) => Some(folder),
        Err(error @ DataError::SetNotFound { .. }) => {
            ediacara_data::skip(set.name(), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn bundled_labels_and_digits() {
    let labels = bundled::imagenet_labels().unwrap();
    assert_eq!(labels.len(), 1000);
    assert_eq!(labels.get(281), Some("tabby"));
    assert_eq!(labels.get(999), Some("toilet tissue"));
    let digits = bundled::digits().unwrap();
    assert_eq!(digits.images.shape(), [1797, 1, 8, 8]);
    // The class counts are those of UCI's description of the test set.
    let mut counts = [0; 10];
    digits.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(digits.images.to_vec::<u8>().unwrap()[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
}

#[test]
fn bundled_photos_decode_and_do_not_repeat() {
    let mut names: Vec<_> = bundled::CALIBRATION.iter().map(|photo| photo.name).collect();
    for photo in &bundled::CALIBRATION {
        assert!(photo.file.len() <= 100_000, "{} is large", photo.name);
        assert_eq!(photo.decode().unwrap().height(), 320);
    }
    names.push(bundled::PHOTO.name);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 9);
    assert!(bundled::MODELS[0].preprocessing().is_ok());
}

#[test]
fn idx_is_read_plain_and_gzipped() {
    let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
    for bytes in [bytes.to_vec(), gzip(&bytes)] {
        let tensor = mnist::read_idx(file(&bytes).path()).unwrap();
        assert_eq!(tensor.shape(), [2, 3]);
        assert_eq!(tensor.to_vec::<u8>().unwrap(), [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn broken_idx_files_give_errors() {
    let check = |bytes: &[u8], expect: &str| {
        let file = file(bytes);
        let message = mnist::read_idx(file.path()).unwrap_err().to_string();
        assert!(message.starts_with(&file.path().display().to_string()), "{message} names the file");
        assert!(message.contains(expect), "'{message}' contains '{expect}'");
    };
    check(&[0, 0], "truncated inside its IDX header: it ends at byte 2");
    check(&[0, 0, 8, 2, 0, 0, 0, 1, 0], "truncated inside its IDX header: it ends at byte 9");
    check(&[0, 0, 13, 1, 0, 0, 0, 1, 0], "not an IDX file of bytes: bytes 0 to 4 are [00, 00, 0d, 01]");
    let mut zipped = gzip(&[0, 0, 8, 1, 0, 0, 0, 1, 0]);
    zipped.truncate(12);
    check(&zipped, "damaged at byte 1 of what it holds, unpacked");
    check(&[0, 0, 8, 1, 0, 0, 0, 4, 1, 2], "truncated: 2 of the 4 bytes that its header announces");
    check(&[0, 0, 8, 1, 0, 0, 0, 1, 1, 2], "more than the 1 bytes that its header announces");
    check(
        &[0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255],
        "announces the shape [4294967295, 4294967295] in bytes 4 to 12",
    );
    check(&[0, 0, 8, 1, 0x3f, 255, 255, 255, 1], "truncated: 1 of the 1073741823 bytes");
}

#[test]
fn mnist_checks_that_labels_fit_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, header: &[u8], count: usize, value: u8| {
        let mut bytes = header.to_vec();
        bytes.resize(header.len() + count, value);
        std::fs::write(folder.path().join(name), bytes).unwrap();
    };
    write("t10k-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28], 2 * 784, 7);
    let load = || mnist::load(folder.path(), mnist::Split::Test);
    let error = load().unwrap_err().to_string();
    assert!(error.contains("t10k-labels-idx1-ubyte.gz: there is no such file"), "{error}");
    assert!(error.contains("`ediacara data fetch mnist`"), "{error}");
    write("t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 3], 3, 1);
    let error = load().unwrap_err().to_string();
    let expected = "2 labels expected, one a picture, found the shape [3] in its header, from byte 4 on";
    assert!(error.ends_with(expected), "{error}");
    write("t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2], 2, 10);
    assert!(load().unwrap_err().to_string().ends_with("label 0, byte 8, is 10; labels are 0..=9"));
    write("t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2], 2, 9);
    let set = load().unwrap();
    assert_eq!((set.len(), set.images.shape()), (2, [2, 1, 28, 28].as_slice()));
}

/// The set has the published first labels and the published mean of all training pixels, 33.318421.
///
/// torchvision's normalisation 0.1307 comes from that mean.
#[test]
fn mnist_is_the_published_one() {
    let Some(folder) = folder_of(DataSet::Mnist) else { return };
    let test = mnist::load(&folder, mnist::Split::Test).unwrap();
    assert_eq!(test.images.shape(), [10_000, 1, 28, 28]);
    assert_eq!(test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let train = mnist::load(&folder, mnist::Split::Train).unwrap();
    assert_eq!(train.images.shape(), [60_000, 1, 28, 28]);
    assert_eq!(train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    let pixels = train.images.as_slice::<u8>().unwrap();
    let mean = pixels.iter().map(|&value| u64::from(value)).sum::<u64>() as f64 / pixels.len() as f64;
    assert!((mean - 33.318_421).abs() < 1e-6, "{mean}");
}

#[test]
fn fashion_mnist_has_equal_classes() {
    let Some(folder) = folder_of(DataSet::FashionMnist) else { return };
    let test = mnist::load(&folder, mnist::Split::Test).unwrap();
    for class in 0..10 {
        assert_eq!(test.labels.iter().filter(|&&label| label == class).count(), 1000);
    }
}

#[test]
fn cifar_records_are_checked() {
    let mut record = vec![3_u8];
    record.extend((0..3072).map(|index| (index / 1024) as u8));
    let set = cifar::read_batch(file(&gzip(&[record.clone(), record.clone()].concat())).path()).unwrap();
    assert_eq!((set.images.shape(), set.labels.as_slice()), ([2, 3, 32, 32].as_slice(), [3, 3].as_slice()));
    assert_eq!(set.images.to_vec::<u8>().unwrap()[3072 + 1024], 1);
    let check = |bytes: &[u8], expect: &str| {
        let message = cifar::read_batch(file(bytes).path()).unwrap_err().to_string();
        assert!(message.ends_with(expect), "{message}");
    };
    check(&[], "0 bytes, not a positive multiple of the record's 3073");
    check(&record[1..], "3072 bytes, not a positive multiple of the record's 3073");
    record[0] = 10;
    check(&record, "record 0 has label 10; labels are 0..=9");
}

/// The test makes an archive in the published layout, with one record a batch, whose label is the batch's
/// number.
#[test]
fn cifar_is_read_from_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |batches: &[(&str, u8)]| {
        let mut bytes = Vec::new();
        for &(name, label) in batches {
            let mut record = vec![label];
            record.resize(3073, label * 10);
            bytes.extend(tar_entry(name, &record));
        }
        bytes.resize(bytes.len() + 1024, 0);
        std::fs::write(folder.path().join(cifar::ARCHIVE), gzip(&bytes)).unwrap();
    };
    let names = ["data_batch_1.bin", "data_batch_5.bin", "readme.html", "test_batch.bin", "data_batch_2.bin"];
    let all = [(names[0], 1), (names[1], 5), (names[2], 9), (names[3], 6), (names[4], 2)];
    archive(&[&all[..], &[("data_batch_3.bin", 3), ("data_batch_4.bin", 4)]].concat());
    let train = cifar::load(folder.path(), mnist::Split::Train).unwrap();
    assert_eq!(train.labels, [1, 2, 3, 4, 5]);
    assert_eq!(train.images.shape(), [5, 3, 32, 32]);
    assert_eq!(train.images.to_vec::<u8>().unwrap()[3072], 20);
    let test = cifar::load(folder.path(), mnist::Split::Test).unwrap();
    assert_eq!((test.labels.as_slice(), test.images.shape()), ([6].as_slice(), [1, 3, 32, 32].as_slice()));
    archive(&all);
    let message = cifar::load(folder.path(), mnist::Split::Train).unwrap_err().to_string();
    assert!(message.ends_with("data_batch_3.bin is not in the archive"), "{message}");
    std::fs::write(folder.path().join(cifar::ARCHIVE), gzip(&[1; 600])).unwrap();
    let message = cifar::load(folder.path(), mnist::Split::Test).unwrap_err().to_string();
    assert!(message.ends_with("no tar archive: bad header"), "{message}");
}

/// A ustar header and the contents.
///
/// The header's checksum is the sum of its bytes, with spaces in the checksum's place.
fn tar_entry(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut entry = vec![0_u8; 512];
    let mut put = |at: usize, text: &str| entry[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, &format!("cifar-10-batches-bin/{name}"));
    put(124, &format!("{:011o}", contents.len()));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    let sum: u32 = entry.iter().map(|&byte| u32::from(byte)).sum();
    entry[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    entry.extend(contents);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// The set is the published archive, or the first thousand records of it, whichever this machine has.
#[test]
fn cifar_is_the_published_one() {
    let Some(folder) = folder_of(DataSet::Cifar10) else { return };
    let set = if folder.join(cifar::ARCHIVE).exists() {
        assert_eq!(cifar::load(&folder, mnist::Split::Test).unwrap().len(), 10_000);
        cifar::load(&folder, mnist::Split::Train).unwrap()
    } else {
        cifar::read_batch(&folder.join("data_batch_1_first1000.bin.gz")).unwrap()
    };
    assert!([1000, 50_000].contains(&set.len()));
    // data_batch_1 starts with a frog, two trucks, a deer and an automobile; its first pixel is (59, 62, 63).
    let first: Vec<&str> = set.labels[..5].iter().map(|&label| cifar::CLASSES[usize::from(label)]).collect();
    assert_eq!(first, ["frog", "truck", "truck", "deer", "automobile"]);
    let pixels = set.images.as_slice::<u8>().unwrap();
    assert_eq!([pixels[0], pixels[1024], pixels[2048]], [59, 62, 63]);
}

#[test]
fn photo_tables() {
    for (set, table, count) in [
        (DataSet::ImageNet50, "labels_and_reference_top1.tsv", 50),
        (DataSet::ImageNetStubs, "labels.tsv", 16),
    ] {
        let Some(folder) = folder_of(set) else { continue };
        let found = photos::read_table(&folder.join(table)).unwrap();
        assert_eq!(found.len(), count);
        // EfficientNet-Lite0 is right on all sixteen stubs, and on most of the fifty.
        let right =
            found.iter().filter(|photo| photo.number("efficientnet_lite0_top1") == Some(photo.class)).count();
        assert!(right * 4 >= count * 3, "{right} of {count}");
        for photo in &found {
            assert!(photo.class < 1000);
            assert!(RgbImage::open(&photo.path).unwrap().width() > 30);
        }
    }
}

/// The bundled names belong to the classes of the official list, by their first word.
#[test]
fn labels_agree_with_the_official_list() {
    let Some(folder) = folder_of(DataSet::ImageNet50) else { return };
    let official = Labels::open(&folder.join("classes.tsv")).unwrap();
    let bundled = bundled::imagenet_labels().unwrap();
    assert_eq!(official.len(), 1000);
    for class in 0..1000 {
        let (short, long) = (bundled.get(class).unwrap(), official.get(class).unwrap());
        let word = short.split(' ').next().unwrap().to_lowercase();
        assert!(long.to_lowercase().contains(&word), "class {class}: {short} is not in {long}");
    }
}

#[test]
fn photo_tables_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jpg"), "").unwrap();
    let check = |text: &str, expect: &str| {
        let table = folder.path().join("table.tsv");
        std::fs::write(&table, text).unwrap();
        let message = photos::read_table(&table).unwrap_err().to_string();
        assert!(message.contains(expect), "{message}");
    };
    check("name\tclass\n", "its first line must start with 'file TAB class'");
    check("file\tclass\n", "no photos in it");
    check("file\tclass\na.jpg\n", "line 2: 1 columns, but the header has 2");
    check("file\tclass\na.jpg\tcat\n", "line 2: 'cat' is no class number");
    check("file\tclass\nb.jpg\t1\n", "b.jpg does not exist");
}

#[test]
fn voc_annotations_and_detections() {
    let Some(folder) = folder_of(DataSet::Voc2012) else { return };
    let annotations = boxes::read_voc_folder(&folder.join("gts/pascalvoc_format")).unwrap();
    assert_eq!(annotations.len(), 100);
    let things: Vec<_> = annotations.iter().flat_map(|annotation| &annotation.things).collect();
    // The numbers were counted with grep in the files.
    assert_eq!(things.len(), 273);
    assert_eq!(things.iter().filter(|thing| thing.difficult).count(), 38);
    let first = &annotations[0];
    assert_eq!((first.photo.as_str(), first.width, first.height), ("2007_000027.jpg", 486, 500));
    let expected = Rectangle { left: 174.0, top: 101.0, right: 349.0, bottom: 351.0 };
    assert_eq!((first.things[0].class.as_str(), first.things[0].rectangle), ("person", expected));
    let mut detections = 0;
    for entry in std::fs::read_dir(folder.join("dets/abs_xyx2y2")).unwrap() {
        detections += boxes::read_detections(&entry.unwrap().path()).unwrap().len();
    }
    assert_eq!(detections, 452);
}

#[test]
fn yolo_annotations() {
    let Some(folder) = folder_of(DataSet::Coco8) else { return };
    let names = Labels::open(&folder.join("coco.names")).unwrap();
    assert_eq!(names.len(), 80);
    let names: Vec<&str> = (0..80).map(|class| names.get(class).unwrap()).collect();
    let things = boxes::read_yolo(&folder.join("labels/train/000000000009.txt"), &names, 640, 480).unwrap();
    // COCO photo 9 shows food in bowls; its first box is 45 0.479492 0.688771 0.955609 0.5955.
    assert_eq!(things[0].class, "bowl");
    assert!((things[0].rectangle.left - (0.479_492 - 0.955_609 / 2.0) * 640.0).abs() < 1e-3);
    assert!((things[0].rectangle.bottom - (0.688_771 + 0.595_5 / 2.0) * 480.0).abs() < 1e-3);
}

#[test]
fn broken_boxes_give_errors() {
    let voc = |text: &str, expect: &str| {
        let message = boxes::read_voc(file(text.as_bytes()).path()).unwrap_err().to_string();
        assert!(message.contains(expect), "{message}");
    };
    let size = "<filename>a.jpg</filename><size><width>9</width><height>8</height></size>";
    voc("<size><width>9</width></size>", "no <height> where PASCAL VOC has one");
    voc("<size><width>x</width><height>8</height></size>", "<width> holds 'x', not a number");
    let object = |right: &str| {
        let bounds = format!("<xmin>1</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>2</ymax>");
        format!("{size}<object><name>cat</name><bndbox>{bounds}</bndbox></object>")
    };
    voc(&object("10"), "does not lie inside the photo of 9 x 8");
    assert_eq!(boxes::read_voc(file(object("9").as_bytes()).path()).unwrap().things.len(), 1);
    let detections = |text: &str| boxes::read_detections(file(text.as_bytes()).path());
    assert!(
        detections("1 0.5 1 2 3\n")
            .unwrap_err()
            .to_string()
            .contains("line 1: expected a class and 5 numbers")
    );
    assert!(detections("1 1.5 1 2 3 4\n").unwrap_err().to_string().contains("score of 0..=1"));
    assert!(detections("-1 0.5 1 2 3 4\n").is_err());
    assert_eq!(detections("1 0.5 1 2 3 4\n").unwrap().len(), 1);
}

#[test]
fn overlap_of_rectangles() {
    let square =
        |left: f32, top: f32, side: f32| Rectangle { left, top, right: left + side, bottom: top + side };
    assert_eq!(square(0.0, 0.0, 2.0).overlap(&square(1.0, 1.0, 2.0)), 1.0 / 7.0);
    assert_eq!(square(0.0, 0.0, 2.0).overlap(&square(0.0, 0.0, 2.0)), 1.0);
    assert_eq!(square(0.0, 0.0, 2.0).overlap(&square(5.0, 5.0, 2.0)), 0.0);
    assert_eq!(square(0.0, 0.0, 0.0).overlap(&square(0.0, 0.0, 0.0)), 0.0);
}

const UNIFORM: [f32; 4] = [0.814_305_1, 0.318_821, 0.983_894_1, 0.701_135_6];
const NORMAL: [f32; 4] = [-0.359_540_08, -1.501_484_2, 0.775_030_4, -0.721_009_5];
const BYTES: [i8; 4] = [-48, 81, -5, -77];

/// The numbers are the same for ever: an independent Python program computed them from the published
/// generators.
#[test]
fn synthetic_values_are_pinned() {
    let uniform = synthetic::uniform(&[2, 2], 0.0, 1.0, 42).unwrap().to_vec::<f32>().unwrap();
    let normal = synthetic::normal(&[4], 42).unwrap().to_vec::<f32>().unwrap();
    let bytes = synthetic::bytes(&[4], 42).unwrap().to_vec::<i8>().unwrap();
    assert_eq!(uniform, UNIFORM);
    assert_eq!(normal, NORMAL);
    assert_eq!(bytes, BYTES);
    let indices = synthetic::indices(&[100], 7, 1).unwrap().to_vec::<i64>().unwrap();
    assert!(indices.iter().all(|index| (0..7).contains(index)));
    assert!(synthetic::normal(&[usize::MAX, 2], 1).is_err());
}
