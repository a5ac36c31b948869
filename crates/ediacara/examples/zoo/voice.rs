//! Silero: is this speech? Windows of a sound go through the network one after the other, with a state.

use ediacara::model::Binding;
use ediacara::tensor::{DType, Tensor};

use crate::sound::Sound;
use crate::task::{Answer, Given, Net, Places, Result, Task, number, numbers};

/// The probability from which a window is speech: `get_speech_timestamps` of silero_vad/utils_vad.py.
const THRESHOLD: f32 = 0.5;
/// Numbers in each half of the state: `reset_states` there.
const STATE: usize = 128;

/// A network that takes one window at a time.
pub(crate) struct Windowed {
    /// Samples a second: 8,000 or 16,000.
    pub(crate) rate: usize,
    /// Whether the rate is an input of the network.
    pub(crate) takes_rate: bool,
}

impl Windowed {
    /// The windows of a sound, each after the end of the one before it: `OnnxWrapper.__call__` there.
    fn windows(&self, sound: &Sound) -> Vec<Vec<f32>> {
        let sound = sound.at(self.rate);
        windows(&sound.samples, self.rate)
    }

    fn length(&self) -> usize {
        let (context, new) = sizes(self.rate);
        context + new
    }

    /// The inputs of each window of a sound, with the state that `net` reached before it.
    fn walk(&self, sound: &Sound, net: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut state = Tensor::zeros(DType::F32, &[2, 1, STATE])?;
        let mut inputs = Vec::new();
        for window in self.windows(sound) {
            let given = vec![Tensor::from_vec(&[1, self.length()], window)?, state];
            state = net(&given)?.swap_remove(1);
            inputs.push(given);
        }
        Ok(inputs)
    }
}

/// Samples of the context and of a window: `RATE_CONFIG` of silero_vad/sequence_vad.py.
fn sizes(rate: usize) -> (usize, usize) {
    if rate == 8_000 { (32, 256) } else { (64, 512) }
}

/// The whole windows of a sound, each after the last samples of the one before.
fn windows(samples: &[f32], rate: usize) -> Vec<Vec<f32>> {
    let (context, new) = sizes(rate);
    let padded = [&vec![0.0; context][..], samples].concat();
    (0..samples.len() / new).map(|index| padded[index * new..index * new + context + new].to_vec()).collect()
}

const GIVEN: Given = Given {
    judged: "spoken `yes`; noise and silence beside it",
    calibrated: "spoken `no`, and another part of the noise",
};

/// What is said of the probabilities in each sound: speech is heard in the first alone.
fn said(places: &Places, heard: &dyn Fn(&Sound) -> Result<Vec<f32>>) -> Result<Answer> {
    let (mut text, mut right) = (Vec::new(), true);
    for name in ["yes", "noise", "silence"] {
        let heard = heard(&Sound::judged(places, name)?)?;
        let speech = heard.iter().filter(|probability| **probability >= THRESHOLD).count();
        let most = heard.iter().copied().fold(0.0, f32::max);
        right &= (speech > 0) == (name == "yes");
        text.push(format!("{name}: speech in {speech} of {} windows, at most {most:.2}", heard.len()));
    }
    Ok(Answer::to(text.join("; "), right))
}

impl Task for Windowed {
    fn binding(&self) -> Binding {
        let shapes =
            vec![("input".to_owned(), vec![1, self.length()]), ("state".to_owned(), vec![2, 1, STATE])];
        let rate = self.takes_rate.then(|| ("sr".to_owned(), Tensor::scalar(self.rate as i64)));
        Binding { shapes, constants: rate.into_iter().collect(), ..Binding::default() }
    }

    fn given(&self) -> Given {
        GIVEN
    }

    fn samples(&self, places: &Places, real: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut all = Vec::new();
        let [no, _, noise] = Sound::calibration(places)?;
        for sound in [no, noise] {
            all.extend(self.walk(&sound, real)?);
        }
        Ok(all)
    }

    fn judged(&self, places: &Places, real: Net) -> Result<Vec<Tensor>> {
        let mut walk = self.walk(&Sound::judged(places, "yes")?, real)?;
        // In the middle of the word.
        let middle = walk.len() / 2;
        Ok(walk.swap_remove(middle))
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        said(places, &|sound| {
            let mut state = Tensor::zeros(DType::F32, &[2, 1, STATE])?;
            let mut heard = Vec::new();
            for window in self.windows(sound) {
                let mut outputs = net(&[Tensor::from_vec(&[1, self.length()], window)?, state])?;
                heard.push(number(&outputs, 0)?);
                state = outputs.swap_remove(1);
            }
            Ok(heard)
        })
    }
}

/// The network that takes all windows at once: silero_vad/sequence_vad.py.
pub(crate) struct Sequence;

/// Windows in a call, which is half a second.
const AT_ONCE: usize = 15;
const RATE: usize = 16_000;

impl Sequence {
    fn inputs(&self, windows: &[Vec<f32>], state: [Tensor; 2]) -> Result<Vec<Tensor>> {
        let [hidden, cell] = state;
        let windows = Tensor::from_vec(&[windows.len(), windows[0].len()], windows.concat())?;
        Ok(vec![windows, hidden, cell])
    }

    fn walk(&self, sound: &Sound, net: Net) -> Result<(Vec<Vec<Tensor>>, Vec<f32>)> {
        let zero = Tensor::zeros(DType::F32, &[1, 1, STATE])?;
        let (mut state, mut given, mut heard) = ([zero.clone(), zero], Vec::new(), Vec::new());
        for windows in windows(&sound.samples, RATE).chunks_exact(AT_ONCE) {
            let inputs = self.inputs(windows, state)?;
            let outputs = net(&inputs)?;
            heard.extend(numbers(&outputs, 0)?);
            state = [outputs[1].clone(), outputs[2].clone()];
            given.push(inputs);
        }
        Ok((given, heard))
    }
}

impl Task for Sequence {
    fn binding(&self) -> Binding {
        let (context, new) = sizes(RATE);
        Binding { shapes: vec![("input".to_owned(), vec![AT_ONCE, context + new])], ..Binding::default() }
    }

    fn given(&self) -> Given {
        GIVEN
    }

    fn samples(&self, places: &Places, real: Net) -> Result<Vec<Vec<Tensor>>> {
        let mut all = Vec::new();
        let [no, _, noise] = Sound::calibration(places)?;
        for sound in [no, noise] {
            all.extend(self.walk(&sound, real)?.0);
        }
        Ok(all)
    }

    fn judged(&self, places: &Places, real: Net) -> Result<Vec<Tensor>> {
        // The second half of the word, and what follows.
        let (mut given, _) = self.walk(&Sound::judged(places, "yes")?, real)?;
        given.pop().ok_or_else(|| "the sound is too short".into())
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        said(places, &|sound| Ok(self.walk(sound, net)?.1))
    }
}

#[cfg(test)]
mod tests {
    use super::windows;

    #[test]
    fn a_window_begins_with_the_end_of_the_last() {
        let samples: Vec<f32> = (0..1100).map(|index| index as f32).collect();
        let windows = windows(&samples, 16_000);
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[0][..64], [0.0; 64]);
        assert_eq!((windows[0][64], windows[0][575]), (0.0, 511.0));
        assert_eq!((windows[1][0], windows[1][63], windows[1][575]), (448.0, 511.0, 1023.0));
    }
}
