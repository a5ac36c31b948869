//! Metrics of predicted classes.

use ediacara_tensor::Tensor;

use crate::DataError;

/// How often each class was predicted as each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Rows are true classes, columns predicted ones.
    counts: Vec<u64>,
}

/// Precision, recall and their harmonic mean, each 0..=1; a quotient 0 / 0 is 0, as in scikit-learn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// The share of predictions as the class that are right.
    pub precision: f64,
    /// The share of the class's samples that were predicted as it.
    pub recall: f64,
    /// `2 * precision * recall / (precision + recall)`.
    pub f1: f64,
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Confusion {
    /// A confusion of this many classes, without a prediction.
    pub fn new(classes: usize) -> Confusion {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// The confusion of predictions, one for each true class.
    ///
    /// # Errors
    /// There are more of one than of the other; one of them is no class.
    pub fn of(classes: usize, truths: &[usize], predictions: &[usize]) -> Result<Confusion, DataError> {
        if truths.len() != predictions.len() {
            let problem = format!("{} true classes but {} predictions", truths.len(), predictions.len());
            return Err(DataError::Request(problem));
        }
        let mut confusion = Confusion::new(classes);
        for (&truth, &prediction) in truths.iter().zip(predictions) {
            confusion.add(truth, prediction)?;
        }
        Ok(confusion)
    }

    /// Counts one prediction.
    ///
    /// # Errors
    /// One of them is no class.
    pub fn add(&mut self, truth: usize, prediction: usize) -> Result<(), DataError> {
        if let Some(class) = [truth, prediction].into_iter().find(|&class| class >= self.classes) {
            let problem = format!("class {class} of {}; classes are numbered from 0", self.classes);
            return Err(DataError::Request(problem));
        }
        self.counts[truth * self.classes + prediction] += 1;
        Ok(())
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// For each true class, a row: how often each class was predicted.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes.max(1))
    }

    /// How many predictions were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of predictions that are right, 0..=1.
    pub fn accuracy(&self) -> f64 {
        share(self.counts.iter().step_by(self.classes + 1).sum(), self.total())
    }

    /// How often this is the true class, and how often it was predicted.
    fn sums(&self, class: usize) -> [u64; 2] {
        let row = &self.counts[class * self.classes..][..self.classes];
        [row.iter().sum(), self.counts.iter().skip(class).step_by(self.classes).sum()]
    }

    /// The scores of one class.
    ///
    /// # Panics
    /// There is no such class.
    pub fn scores(&self, class: usize) -> Scores {
        let [true_count, predicted_count] = self.sums(class);
        let right = self.counts[class * (self.classes + 1)];
        Scores {
            precision: share(right, predicted_count),
            recall: share(right, true_count),
            // The harmonic mean needs no parts: 2 TP / (2 TP + FP + FN).
            f1: share(2 * right, true_count + predicted_count),
        }
    }

    /// The mean of the scores over the classes that occur, as truth or as prediction.
    ///
    /// Each class weighs the same.
    pub fn macro_scores(&self) -> Scores {
        let occurs = |&class: &usize| self.sums(class) != [0, 0];
        let scores: Vec<Scores> = (0..self.classes).filter(occurs).map(|class| self.scores(class)).collect();
        let mean = |of: fn(&Scores) -> f64| {
            if scores.is_empty() { 0.0 } else { scores.iter().map(of).sum::<f64>() / scores.len() as f64 }
        };
        Scores { precision: mean(|s| s.precision), recall: mean(|s| s.recall), f1: mean(|s| s.f1) }
    }
}

/// The share of samples whose true class is among the `k` of the highest scores, 0..=1: `scores[N, classes]`
/// and N labels.
///
/// Of equal scores, that of the lower class counts as the higher. NaN is the lowest.
///
/// # Errors
/// `scores` is no matrix of a floating-point type with a row for each label; a label is no class.
pub fn top_k_accuracy(scores: &Tensor, labels: &[usize], k: usize) -> Result<f64, DataError> {
    let classes = match *scores.shape() {
        [samples, classes] if samples == labels.len() && scores.dtype().is_float() => classes,
        _ => {
            let (dtype, shape) = (scores.dtype(), scores.shape());
            let problem = format!(
                "scores are {dtype} {shape:?}, not a floating-point row for each of {} labels",
                labels.len()
            );
            return Err(DataError::Request(problem));
        }
    };
    if let Some(label) = labels.iter().find(|label| **label >= classes) {
        return Err(DataError::Request(format!(
            "label {label} of {classes} classes, which are numbered from 0"
        )));
    }
    let values = scores.cast(ediacara_tensor::DType::F64).to_vec::<f64>()?;
    let hits = values.chunks_exact(classes.max(1)).zip(labels).filter(|(row, label)| {
        let score = row[**label];
        let before = |(class, &other): (usize, &f64)| other > score || (other == score && class < **label);
        !score.is_nan()
            && row.iter().copied().enumerate().filter(|(class, other)| before((*class, other))).count() < k
    });
    Ok(share(hits.count() as u64, labels.len() as u64))
}
