//! The meaning of the network's outputs: the most probable classes, and the distance from f32.

use ediacara_data::Labels;
use ediacara_graph::Graph;
use ediacara_profile::{OutputReport, RunReport, TopClass};
use ediacara_tensor::{DType, Tensor};

/// The outputs of a graph, described.
pub(crate) fn described(graph: &Graph) -> Vec<OutputReport> {
    let describe = |&value: &ediacara_graph::ValueId| {
        let ty = graph.ty(value);
        OutputReport {
            name: graph.value(value).name.clone(),
            shape: ty.shape.clone(),
            dtype: ty.dtype.name().to_owned(),
            sqnr_db: None,
        }
    };
    graph.outputs().iter().map(describe).collect()
}

/// Fills in the classes of the first picture and the comparison with the f32 network's outputs.
pub(crate) fn fill(
    report: &mut RunReport,
    outputs: &[(String, Tensor)],
    real: &[Tensor],
    labels: Option<&Labels>,
    top: usize,
) {
    let ratio =
        |((_, found), real): (&(String, Tensor), &Tensor)| signal_to_noise(&numbers(found)?, &numbers(real)?);
    let ratios: Vec<Option<f64>> = outputs.iter().zip(real).map(ratio).collect();
    report.quantisation.sqnr_db = ratios.iter().copied().flatten().min_by(f64::total_cmp);
    report.outputs.iter_mut().zip(ratios).for_each(|(output, ratio)| output.sqnr_db = ratio);
    let Some(((_, found), real)) = outputs.first().zip(real.first()) else { return };
    let Some((scores, expected)) = class_scores(found).zip(class_scores(real)) else { return };
    report.quantisation.top1_equals_f32 = Some(largest(&scores) == largest(&expected));
    report.top = top_classes(&scores, labels, top);
}

/// Signal-to-quantisation-noise ratio in dB: 10 log10(sum of squares / sum of squared differences).
///
/// It is absent if the two are equal.
pub(crate) fn signal_to_noise(found: &[f32], real: &[f32]) -> Option<f64> {
    let (mut signal, mut noise) = (0.0_f64, 0.0_f64);
    for (found, real) in found.iter().zip(real) {
        signal += f64::from(*real).powi(2);
        noise += (f64::from(*real) - f64::from(*found)).powi(2);
    }
    (signal > 0.0 && noise > 0.0).then(|| 10.0 * (signal / noise).log10())
}

pub(crate) fn numbers(tensor: &Tensor) -> Option<Vec<f32>> {
    tensor.dtype().is_float().then(|| tensor.cast(DType::F32).to_vec::<f32>().ok()).flatten()
}

/// The scores of the first picture, if the output has the shape of a classifier's: `[N, classes]`, more than
/// one class.
fn class_scores(tensor: &Tensor) -> Option<Vec<f32>> {
    let [_, classes] = *tensor.shape() else { return None };
    (classes > 1).then(|| numbers(tensor)).flatten().map(|scores| scores[..classes].to_vec())
}

pub(crate) fn largest(scores: &[f32]) -> Option<usize> {
    (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)))
}

fn top_classes(scores: &[f32], labels: Option<&Labels>, top: usize) -> Vec<TopClass> {
    let probabilities = probabilities(scores);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let describe = |index: usize| {
        let (class, label) =
            labels.map_or((Some(index), None), |labels| labels.of_output(index, scores.len()));
        TopClass {
            class: class.unwrap_or(index),
            label: label.map_or_else(|| format!("class {index}"), str::to_owned),
            probability: probabilities[index],
        }
    };
    order.into_iter().take(top).map(describe).collect()
}

/// The scores themselves if they are already a distribution, otherwise their softmax.
fn probabilities(scores: &[f32]) -> Vec<f64> {
    let sum: f64 = scores.iter().map(|&score| f64::from(score)).sum();
    if scores.iter().all(|score| (0.0..=1.0).contains(score)) && (sum - 1.0).abs() < 0.02 {
        return scores.iter().map(|&score| f64::from(score)).collect();
    }
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = scores.iter().map(|&score| f64::from(score - most).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / total).collect()
}

#[cfg(test)]
mod tests {
    use super::{largest, probabilities, signal_to_noise};

    #[test]
    fn probabilities_are_a_softmax_of_logits_and_distributions_stay() {
        let found = probabilities(&[0.0, std::f32::consts::LN_2]);
        assert!((found[0] - 1.0 / 3.0).abs() < 1e-7 && (found[1] - 2.0 / 3.0).abs() < 1e-7, "{found:?}");
        assert_eq!(probabilities(&[0.25, 0.75]), [0.25, 0.75]);
    }

    #[test]
    fn noise_a_tenth_of_the_signal_is_twenty_decibel() {
        let decibel = signal_to_noise(&[1.1, 0.9], &[1.0, 1.0]).unwrap();
        assert!((decibel - 20.0).abs() < 1e-4, "{decibel}");
    }

    #[test]
    fn the_first_of_equal_scores_is_the_largest() {
        assert_eq!(largest(&[1.0, 3.0, 3.0]), Some(1));
    }
}
