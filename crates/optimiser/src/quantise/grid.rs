//! Real weights that are small integers times a step for each output channel, as dequantised ones are.
//!
//! To round them again by the largest of each channel would add a second error to that of their maker.

/// The fewest weights of an output channel for which a common step is no coincidence.
const FEWEST: usize = 9;

/// The largest magnitude of an integer of 8 bits, which only negative ones have.
const LARGEST: f32 = 128.0;

/// How far a multiple may lie from an integer: f32 rounds the product, and what folds into weights rounds it
/// again.
const TOLERANCE: f32 = 1e-4;

/// The integers and the step of each output channel, if every channel has one.
pub(super) fn integers(weights: &[f32], outputs: usize) -> Option<(Vec<i8>, Vec<f32>)> {
    let length = weights.len() / outputs.max(1);
    if length < FEWEST {
        return None;
    }
    let rows = || weights.chunks_exact(length);
    let steps: Vec<f32> = rows().map(step).collect::<Option<_>>()?;
    let values = rows()
        .zip(&steps)
        .flat_map(|(row, step)| row.iter().map(move |weight| (weight / step).round() as i8));
    Some((values.collect(), steps))
}

/// The largest step of which every weight of a channel is a multiple of 8 bits; 1 if all are 0.
fn step(row: &[f32]) -> Option<f32> {
    let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    if largest == 0.0 {
        return Some(1.0);
    }
    let is_multiple = |weight: &f32, step: f32| {
        let (multiple, nearest) = (weight / step, (weight / step).round());
        (multiple - nearest).abs() <= TOLERANCE && nearest < LARGEST
    };
    let steps = (1..=LARGEST as u8).map(|multiple| largest / f32::from(multiple));
    steps.into_iter().find(|&step| step.is_normal() && row.iter().all(|weight| is_multiple(weight, step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_of_a_step_are_found_and_others_are_not() {
        let steps = [0.013_f32, 0.4];
        let rows = [[-127, 3, 0, 44, -6, 7, 8, 1, 90], [12, -4, 8, 0, 4, 4, -8, 16, 20]];
        let weights: Vec<f32> =
            rows.iter().zip(steps).flat_map(|(row, step)| row.map(|value| value as f32 * step)).collect();
        let (values, found) = integers(&weights, 2).unwrap();
        assert_eq!(values[..9], [-127, 3, 0, 44, -6, 7, 8, 1, 90]);
        // A common divisor of the integers belongs to the step.
        assert_eq!(values[9..], [3, -1, 2, 0, 1, 1, -2, 4, 5]);
        assert!((found[0] / 0.013 - 1.0).abs() < 1e-5 && (found[1] / 1.6 - 1.0).abs() < 1e-5, "{found:?}");
        let mut disturbed = weights.clone();
        disturbed[4] += 0.2 * 0.013;
        assert!(integers(&disturbed, 2).is_none());
        assert!(integers(&weights[..8], 1).is_none(), "eight weights may agree by chance");
    }

    #[test]
    fn eight_bits_hold_one_more_negative_integer() {
        let row = [-128.0, 127.0, 1.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0];
        assert_eq!(integers(&row, 1), Some((vec![-128, 127, 1, 3, 5, 7, 11, 13, 17], vec![1.0])));
    }

    #[test]
    fn a_channel_of_zeros_has_a_step_and_more_than_127_multiples_have_none() {
        assert_eq!(integers(&[0.0; 9], 1), Some((vec![0; 9], vec![1.0])));
        let wide: Vec<f32> = [128.0, 1.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0].to_vec();
        assert!(integers(&wide, 1).is_none());
    }
}
