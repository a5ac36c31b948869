//! Spectra as speechmos takes them from librosa: power of short windows, mel bands, decibel.

use std::f64::consts::PI;

/// How a sound is cut into windows.
pub(crate) struct Windows {
    /// Samples of a window.
    pub(crate) size: usize,
    /// Samples from one window to the next.
    pub(crate) hop: usize,
    /// The window's weights.
    pub(crate) shape: Vec<f64>,
    /// Zeros before and after the sound.
    pub(crate) padding: usize,
}

impl Windows {
    /// Windows around their centres, weighted as `scipy.signal.get_window("hann")` does: what `librosa.stft` takes.
    pub(crate) fn hann(size: usize, hop: usize) -> Windows {
        let weight = |index: usize| 0.5 - 0.5 * (2.0 * PI * index as f64 / size as f64).cos();
        Windows { size, hop, shape: (0..size).map(weight).collect(), padding: size / 2 }
    }

    /// The power at each frequency from zero to half the rate, one row a window.
    pub(crate) fn power(&self, samples: &[f32]) -> Vec<Vec<f64>> {
        let turn = |index: usize| (2.0 * PI * index as f64 / self.size as f64).sin_cos();
        let turns: Vec<(f64, f64)> = (0..self.size).map(turn).collect();
        let frames = (samples.len() + 2 * self.padding).saturating_sub(self.size) / self.hop + 1;
        let sample = |at: usize| at.checked_sub(self.padding).and_then(|at| samples.get(at)).copied();
        let row = |frame: usize| {
            let from = frame * self.hop;
            let weighted = (0..self.size)
                .map(|index| self.shape[index] * f64::from(sample(from + index).unwrap_or_default()));
            let weighted: Vec<f64> = weighted.collect();
            let bin = |frequency: usize| {
                let (mut real, mut imaginary) = (0.0, 0.0);
                for (index, value) in weighted.iter().enumerate() {
                    let (sin, cos) = turns[index * frequency % self.size];
                    real += value * cos;
                    imaginary += value * sin;
                }
                real * real + imaginary * imaginary
            };
            (0..=self.size / 2).map(bin).collect()
        };
        (0..frames).map(row).collect()
    }
}

/// Slaney's mel scale: 200/3 Hz a step up to 1 kHz, then 27 steps for a factor of 6.4.
fn hertz_of_mel(mel: f64) -> f64 {
    let linear = 200.0 / 3.0;
    if mel < 15.0 { linear * mel } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

fn mel_of_hertz(hertz: f64) -> f64 {
    if hertz < 1000.0 { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4_f64.ln() }
}

/// The powers summed over `bands` triangles of equal width on the mel scale and of area one, as `librosa.filters.mel`
/// has them.
pub(crate) fn mel(power: &[Vec<f64>], bands: usize, rate: usize, size: usize) -> Vec<Vec<f64>> {
    let top = mel_of_hertz(rate as f64 / 2.0);
    let corner = |index: usize| hertz_of_mel(top * index as f64 / (bands + 1) as f64);
    let corners: Vec<f64> = (0..bands + 2).map(corner).collect();
    let weight = |band: usize, bin: usize| {
        let hertz = (bin * rate) as f64 / size as f64;
        let rising = (hertz - corners[band]) / (corners[band + 1] - corners[band]);
        let falling = (corners[band + 2] - hertz) / (corners[band + 2] - corners[band + 1]);
        rising.min(falling).max(0.0) * 2.0 / (corners[band + 2] - corners[band])
    };
    let weights: Vec<Vec<f64>> =
        (0..bands).map(|band| (0..=size / 2).map(|bin| weight(band, bin)).collect()).collect();
    let sum =
        |row: &[f64], weights: &[f64]| weights.iter().zip(row).map(|(weight, power)| weight * power).sum();
    power.iter().map(|row| weights.iter().map(|weights| sum(row, weights)).collect()).collect()
}

/// Decibel below the largest power, at most 80, moved and scaled: (dB + 40) / 40.
pub(crate) fn scaled_decibel(power: &[Vec<f64>]) -> Vec<f32> {
    let largest = power.iter().flatten().copied().fold(1e-10, f64::max);
    let decibel = |power: &f64| (10.0 * (power.max(1e-10) / largest).log10()).max(-80.0);
    power.iter().flatten().map(|power| ((decibel(power) + 40.0) / 40.0) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cosine of two turns in a window of eight, Hann weights: half of 8/2 at its own frequency, a quarter beside.
    #[test]
    fn a_tone_is_at_its_frequency() {
        let tone: Vec<f32> = (0..8).map(|index| (PI * f64::from(index) / 2.0).cos() as f32).collect();
        let windows = Windows { padding: 0, ..Windows::hann(8, 8) };
        let power = windows.power(&tone);
        assert_eq!(power.len(), 1);
        let wanted = [0.0, 1.0, 4.0, 1.0, 0.0];
        assert!(
            power[0].iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-5),
            "{power:?}"
        );
    }

    #[test]
    fn the_mel_scale_meets_at_one_kilohertz() {
        assert!((mel_of_hertz(1000.0) - 15.0).abs() < 1e-12);
        assert!((hertz_of_mel(42.0) - 6400.0).abs() < 1e-9);
        assert!((hertz_of_mel(mel_of_hertz(5000.0)) - 5000.0).abs() < 1e-9);
    }

    #[test]
    fn decibel_end_eighty_below_the_largest() {
        assert_eq!(scaled_decibel(&[vec![1.0, 0.01], vec![1e-12, 0.0001]]), [1.0, 0.5, -1.0, 0.0]);
    }
}
