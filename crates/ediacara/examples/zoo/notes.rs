//! Basic Pitch: which notes are played (basic_pitch/inference.py, constants.py).

use ediacara::model::Binding;
use ediacara::tensor::{DType, Tensor};

use crate::sound::Sound;
use crate::task::{Answer, Given, Net, Places, Result, Task};

const RATE: usize = 22_050;
/// Samples of a window: two seconds less one hop.
const SAMPLES: usize = 43_844;
/// Zeros before the first: half of an overlap of 30 hops of 256.
const BEFORE: usize = 15 * 256;
const KEYS: usize = 88;
/// The probability of a note, and for how many frames it sounds at least: `note_creation.py` and `predict` there.
const SOUNDS: f32 = 0.3;
const FRAMES: usize = 11;

/// The beginning of a recording of simpleaudio's, in one window.
fn input(places: &Places, name: &str) -> Result<Vec<Tensor>> {
    let file = places.packaged("simpleaudio", &format!("simpleaudio/test_audio/{name}.wav"));
    let sound = Sound::open(&file)?.at(RATE);
    let mut samples = vec![0.0; BEFORE];
    samples.extend(sound.samples);
    samples.resize(SAMPLES, 0.0);
    Ok(vec![Tensor::from_vec(&[1, SAMPLES, 1], samples)?])
}

/// The name of a key of a piano, 0 for the lowest, A0.
fn key(index: usize) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    format!("{}{}", NAMES[(index + 9) % 12], (index + 9) / 12)
}

/// Names the notes of a recording.
pub(crate) struct Notes;

/// The recordings that are asked about, with the note of each.
const ASKED: [(&str, &str); 1] = [("e", "E")];

impl Task for Notes {
    fn binding(&self) -> Binding {
        let input = ("serving_default_input_2:0".to_owned(), vec![1, SAMPLES, 1]);
        Binding { shapes: vec![input], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "a recording of a note E", calibrated: "recordings of a C and a G, two others" }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        ["c", "g", "notes_2_16_44", "left_right"].iter().map(|name| input(places, name)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        input(places, ASKED[0].0)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let (mut text, mut right) = (Vec::new(), true);
        for (name, note) in ASKED {
            let outputs = net(&input(places, name)?)?;
            // The outputs are notes, their onsets and contours; onsets and notes have the same shape, notes sound longer.
            let mut best: Vec<(usize, usize)> = Vec::new();
            for output in outputs.iter().filter(|output| output.shape().last() == Some(&KEYS)) {
                let sounding = frames(&output.cast(DType::F32).to_vec()?);
                if sounding.iter().map(|key| key.1).sum::<usize>() > best.iter().map(|key| key.1).sum() {
                    best = sounding;
                }
            }
            best.retain(|&(_, frames)| frames >= FRAMES);
            best.sort_by_key(|&(key, frames)| (std::cmp::Reverse(frames), key));
            let longest = best.first().map(|&(index, _)| key(index)).unwrap_or_default();
            right &= longest.trim_end_matches(|letter: char| letter.is_ascii_digit()) == note;
            let name = |&(index, frames): &(usize, usize)| format!("{} for {frames} frames", key(index));
            text.push(best.iter().map(name).collect::<Vec<_>>().join(", "));
        }
        Ok(Answer::to(text.join("; "), right))
    }
}

/// In how many frames each key sounds.
fn frames(values: &[f32]) -> Vec<(usize, usize)> {
    let count = |key: usize| values.iter().skip(key).step_by(KEYS).filter(|&&value| value >= SOUNDS).count();
    (0..KEYS).map(|key| (key, count(key))).filter(|&(_, count)| count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fortieth_key_is_middle_c() {
        assert_eq!([key(0), key(39), key(48), key(87)], ["A0", "C4", "A4", "C8"]);
    }

    #[test]
    fn frames_are_counted_by_key() {
        let mut values = vec![0.0; 3 * KEYS];
        values[5] = 0.9;
        values[2 * KEYS + 5] = 0.4;
        values[KEYS + 7] = 0.2;
        assert_eq!(frames(&values), [(5, 2)]);
    }
}
