//! How good speech sounds, from 1 to 5: DNSMOS, PLCMOS and AECMOS (speechmos/dnsmos.py, plcmos.py, aecmos.py).

use ediacara::model::Binding;
use ediacara::tensor::{DType, Tensor};

use crate::sound::Sound;
use crate::spectrum::{Windows, mel, scaled_decibel};
use crate::task::{Answer, Given, Net, Places, Result, Task, numbers};

const RATE: usize = 16_000;
const CALIBRATED: &str = "spoken `no`, soft and loud, and another part of the noise";
/// Samples that DNSMOS wants: 9.01 seconds; a shorter sound is repeated.
const LENGTH: usize = 144_160;
/// Hop of its windows.
const HOP: usize = 160;

/// What a network of DNSMOS listens to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Heard {
    /// Samples.
    Samples,
    /// 120 mel bands of 900 windows.
    Mel,
    /// Powers of 901 windows as logarithms, which sig.onnx and bak_ovr.onnx took in DNSMOS's first form.
    Power,
}

/// DNSMOS.
pub(crate) struct Dnsmos {
    pub(crate) heard: Heard,
    /// What the outputs are, each with the polynomial of `get_polyfit_val`, highest power first.
    pub(crate) scores: &'static [(&'static str, &'static [f32])],
}

impl Dnsmos {
    fn input(&self, sound: &Sound) -> Result<Vec<Tensor>> {
        let samples = sound.repeated(LENGTH);
        Ok(vec![match self.heard {
            Heard::Samples => Tensor::from_vec(&[1, LENGTH], samples)?,
            Heard::Mel => {
                let power = Windows::hann(2 * HOP + 1, HOP).power(&samples[..LENGTH - HOP]);
                let bands = mel(&power, 120, RATE, 2 * HOP + 1);
                Tensor::from_vec(&[1, bands.len(), 120], scaled_decibel(&bands))?
            }
            Heard::Power => {
                let power = Windows::hann(2 * HOP, HOP).power(&samples[..LENGTH - HOP]);
                let shape = [1, power.len(), HOP + 1];
                let logarithm = |power: &f64| power.max(1e-12).log10() as f32;
                Tensor::from_vec(&shape, power.iter().flatten().map(logarithm).collect())?
            }
        }])
    }
}

/// A polynomial, highest power first; without coefficients, the number itself.
fn polynomial(coefficients: &[f32], at: f32) -> f32 {
    if coefficients.is_empty() {
        return at;
    }
    coefficients.iter().fold(0.0, |sum, coefficient| sum * at + coefficient)
}

impl Task for Dnsmos {
    fn binding(&self) -> Binding {
        let shape = match self.heard {
            Heard::Samples => vec![1, LENGTH],
            Heard::Mel => vec![1, 900, 120],
            Heard::Power => vec![1, 901, 161],
        };
        Binding { shapes: vec![("input_1".to_owned(), shape)], ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "spoken `yes`, and noise, both repeated", calibrated: CALIBRATED }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        Sound::calibration(places)?.iter().map(|sound| self.input(sound)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        self.input(&Sound::judged(places, "yes")?)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let mut text = Vec::new();
        for name in ["yes", "noise"] {
            let scores = numbers(&net(&self.input(&Sound::judged(places, name)?)?)?, 0)?;
            let said = self.scores.iter().zip(scores).map(|((what, coefficients), score)| {
                format!("{what} {:.2}", polynomial(coefficients, score))
            });
            text.push(format!("{name}: {}", said.collect::<Vec<_>>().join(", ")));
        }
        Ok(Answer::open(text.join("; ")))
    }
}

/// PLCMOS: how well gaps were filled.
pub(crate) struct Plcmos;

/// Windows of half a second of sound that is cut in the same way for all.
const PLC_WINDOWS: usize = 64;
const PLC_SIZE: usize = 512;
const RATERS: usize = 64;

impl Plcmos {
    /// Powers of Hamming windows as natural logarithms over 20: `stft_transform`; and a listener, whom the package
    /// draws by chance and who is the same one here for all.
    fn input(sound: &Sound) -> Result<Vec<Tensor>> {
        let hamming =
            |index: usize| 0.54 - 0.46 * (2.0 * std::f64::consts::PI * index as f64 / PLC_SIZE as f64).cos();
        let windows = Windows {
            size: PLC_SIZE,
            hop: PLC_SIZE / 2,
            shape: (0..PLC_SIZE).map(hamming).collect(),
            padding: PLC_SIZE / 2,
        };
        let mut power = windows.power(&sound.repeated(RATE));
        power.truncate(PLC_WINDOWS - 1);
        let bins = PLC_SIZE / 2 + 1;
        power.resize(PLC_WINDOWS, vec![0.0; bins]);
        let least = power.iter().flatten().copied().filter(|&power| power > 0.0).fold(f64::MAX, f64::min);
        // Nothing is 12 powers of ten below the least.
        let logarithm = |power: &f64| {
            // `logpow_dns` is given amplitudes and squares them: they are the powers here.
            let power = if *power > 0.0 { *power } else { least * 1e-12 };
            (power.ln() / 20.0) as f32
        };
        let values = power.iter().flatten().map(logarithm).collect();
        let listener = ediacara::data::synthetic::normal(&[1, RATERS], 1)?;
        Ok(vec![Tensor::from_vec(&[1, 1, PLC_WINDOWS, bins], values)?, listener])
    }
}

impl Task for Plcmos {
    fn binding(&self) -> Binding {
        let shape = vec![1, 1, PLC_WINDOWS, PLC_SIZE / 2 + 1];
        let shapes = vec![("degraded_audio".to_owned(), shape), ("rater_embed".to_owned(), vec![1, RATERS])];
        Binding { shapes, ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "spoken `yes`, and noise", calibrated: CALIBRATED }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        Sound::calibration(places)?.iter().map(Plcmos::input).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Plcmos::input(&Sound::judged(places, "yes")?)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let mut text = Vec::new();
        for name in ["yes", "noise"] {
            let score = numbers(&net(&Plcmos::input(&Sound::judged(places, name)?)?)?, 0)?;
            text.push(format!("{name}: {:.2}", score[0]));
        }
        Ok(Answer::open(text.join("; ")))
    }
}

/// AECMOS: how much echo is left, and how much else was harmed.
pub(crate) struct Aecmos {
    pub(crate) rate: usize,
    /// Numbers in a layer's state.
    pub(crate) state: usize,
    /// Whether the kind of conversation is marked at the end of the sound.
    pub(crate) marked: bool,
}

const BANDS: usize = 160;
/// Rows of each mark.
const MARK: usize = 20;

impl Aecmos {
    /// Window and hop, which are 32 and 16 milliseconds.
    fn size(&self) -> usize {
        self.rate / 1000 * 32
    }

    fn rows(&self) -> usize {
        self.rate.div_ceil(self.size() / 2) + if self.marked { 2 * MARK } else { 0 }
    }

    /// Mel bands of the far end, the microphone and what was made of it, for a near end that speaks alone: `_get_mos`
    /// with the talk type `nst`, a silent far end, and nothing changed.
    fn input(&self, far: &Sound, near: &Sound) -> Result<Vec<Tensor>> {
        let bands = |sound: &Sound| {
            let second = Sound { rate: RATE, samples: sound.repeated(RATE) };
            let samples = second.at(self.rate).samples;
            let power = Windows::hann(self.size() + 1, self.size() / 2).power(&samples);
            let mut bands = scaled_decibel(&mel(&power, BANDS, self.rate, self.size() + 1));
            bands.resize((self.rows() - if self.marked { 2 * MARK } else { 0 }) * BANDS, -1.0);
            bands
        };
        let marks = |first: f32| {
            let marks = [vec![first; MARK * BANDS], vec![0.0; MARK * BANDS]].concat();
            if self.marked { marks } else { Vec::new() }
        };
        let near = bands(near);
        let values = [bands(far), marks(0.0), near.clone(), marks(1.0), near, marks(1.0)].concat();
        let state = Tensor::zeros(DType::F32, &[4, 1, self.state])?;
        Ok(vec![Tensor::from_vec(&[1, 3, self.rows(), BANDS], values)?, state])
    }

    /// What is heard while the far end is silent.
    fn near(&self, places: &Places, sound: &Sound) -> Result<Vec<Tensor>> {
        self.input(&Sound::judged(places, "silence")?, sound)
    }
}

impl Task for Aecmos {
    fn binding(&self) -> Binding {
        let state = vec![4, 1, self.state];
        let shapes = vec![("input".to_owned(), vec![1, 3, self.rows(), BANDS]), ("h0".to_owned(), state)];
        Binding { shapes, ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given { judged: "spoken `yes`, and noise, from the near end alone", calibrated: CALIBRATED }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        Sound::calibration(places)?.iter().map(|sound| self.near(places, sound)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        self.near(places, &Sound::judged(places, "yes")?)
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let mut text = Vec::new();
        for name in ["yes", "noise"] {
            let scores = numbers(&net(&self.near(places, &Sound::judged(places, name)?)?)?, 0)?;
            text.push(format!("{name}: echo {:.2}, else {:.2}", scores[0], scores[1]));
        }
        Ok(Answer::open(text.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::polynomial;

    #[test]
    fn a_polynomial_begins_with_its_highest_power() {
        assert_eq!(polynomial(&[2.0, 0.0, 1.0], 3.0), 19.0);
        assert_eq!(polynomial(&[], 3.0), 3.0);
    }
}
