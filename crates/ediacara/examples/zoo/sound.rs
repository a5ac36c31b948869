//! Sounds: WAV files as samples between -1 and 1.

use std::path::Path;

use ediacara::data::DataSet;

use crate::task::{Places, Result};

/// A sound of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sound {
    /// Samples a second.
    pub(crate) rate: usize,
    pub(crate) samples: Vec<f32>,
}

impl Sound {
    /// Reads a WAV file of 16-bit samples; several channels are averaged.
    pub(crate) fn open(path: &Path) -> Result<Sound> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Sound::parse(&bytes)
            .ok_or_else(|| format!("{}: no WAV file of 16-bit samples", path.display()).into())
    }

    /// One of the four sounds of the data set `audio`, 16 kHz and one second: `yes`, `no`, `noise`, `silence`.
    fn named(places: &Places, name: &str) -> Result<Sound> {
        Sound::open(&places.data(DataSet::Audio, &format!("{name}_1000ms.wav"))?)
    }

    /// A sound to judge by: `yes`, `silence`, or the second half of the noise, `noise`.
    pub(crate) fn judged(places: &Places, name: &str) -> Result<Sound> {
        let mut sound = Sound::named(places, name)?;
        if name == "noise" {
            sound.samples.drain(..sound.samples.len() / 2);
        }
        Ok(sound)
    }

    /// The sounds to calibrate by, none of which is judged: spoken `no`, the same as loud as can be, and the first half
    /// of the noise.
    pub(crate) fn calibration(places: &Places) -> Result<[Sound; 3]> {
        let (soft, mut noise) = (Sound::named(places, "no")?, Sound::named(places, "noise")?);
        noise.samples.truncate(noise.samples.len() / 2);
        let mut loud = soft.clone();
        let peak = soft.samples.iter().fold(f32::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
        loud.samples.iter_mut().for_each(|sample| *sample /= peak);
        Ok([soft, loud, noise])
    }

    fn parse(bytes: &[u8]) -> Option<Sound> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
            return None;
        }
        let (mut at, mut format) = (12, None);
        loop {
            let (name, length) = (bytes.get(at..at + 4)?, word(at + 4)?);
            let body = at + 8;
            match name {
                b"fmt " if half(body)? == 1 && half(body + 14)? == 16 => {
                    format = Some((usize::from(half(body + 2)?).max(1), word(body + 4)?));
                }
                b"data" => {
                    let (channels, rate) = format?;
                    let data = &bytes[body..bytes.len().min(body + length)];
                    let samples = data.chunks_exact(2 * channels).map(|frame| mean(frame, channels));
                    return Some(Sound { rate, samples: samples.collect() });
                }
                _ => {}
            }
            at = body + length + length % 2;
        }
    }

    /// The sound at `rate`, which divides its own or is a multiple of it.
    ///
    /// Fewer samples are means, more lie on straight lines between the old ones.
    pub(crate) fn at(&self, rate: usize) -> Sound {
        let samples = if self.rate >= rate {
            let step = self.rate / rate;
            self.samples.chunks_exact(step).map(|part| part.iter().sum::<f32>() / step as f32).collect()
        } else {
            let step = rate / self.rate;
            let place = |index: usize| {
                let (from, part) = (index / step, (index % step) as f32 / step as f32);
                let next = self.samples[(from + 1).min(self.samples.len() - 1)];
                self.samples[from] * (1.0 - part) + next * part
            };
            (0..self.samples.len() * step).map(place).collect()
        };
        Sound { rate, samples }
    }

    /// `count` samples of the sound, which is repeated if it is shorter.
    pub(crate) fn repeated(&self, count: usize) -> Vec<f32> {
        self.samples.iter().copied().cycle().take(count).collect()
    }
}

fn mean(frame: &[u8], channels: usize) -> f32 {
    let values = frame.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])));
    values.sum::<f32>() / channels as f32 / 32_768.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    /// Two channels at 4 Hz: (16384, 0) and (-32768, -32768), after a chunk that says nothing.
    #[test]
    fn channels_are_averaged() {
        let mut bytes = b"RIFF\0\0\0\0WAVEnote\x01\0\0\0x\0fmt \x10\0\0\0\x01\0\x02\0".to_vec();
        bytes.extend([4, 0, 0, 0, 16, 0, 0, 0, 4, 0, 16, 0]);
        bytes.extend(b"data\x08\0\0\0");
        bytes.extend([0, 64, 0, 0, 0, 128, 0, 128]);
        let sound = Sound::parse(&bytes).unwrap();
        assert_eq!(sound, Sound { rate: 4, samples: vec![0.25, -1.0] });
        assert_eq!(sound.at(2).samples, [-0.375]);
        assert_eq!(sound.at(8).samples, [0.25, -0.375, -1.0, -1.0]);
        assert_eq!(sound.repeated(3), [0.25, -1.0, 0.25]);
        assert_eq!(Sound::parse(&bytes[4..]), None);
    }
}
