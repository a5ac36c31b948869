//! Classification by the nearest samples: Cover and Hart, "Nearest neighbor pattern classification", 1967.

use ediacara_graph::ops::{Gemm, TopK};
use ediacara_graph::{Graph, TensorType, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_tensor::Tensor;

use crate::{Dataset, Evaluation, NearestNeighbours, Samples, TrainError};

/// How many samples are asked at once; their distances to 60,000 others take 60 MB.
const BATCH: usize = 250;

/// Asks the nearest training samples for the class of every test sample.
///
/// `after` sees how many are done.
///
/// The distance is Euclid's. If several classes get most of the votes, that of the nearest sample wins.
///
/// # Errors
/// The data have no classes, or fewer samples than have to vote.
pub fn nearest_neighbours(
    recipe: &NearestNeighbours,
    data: &Dataset,
    threads: usize,
    after: &mut dyn FnMut(usize),
) -> Result<Evaluation, TrainError> {
    data.check(&recipe.data)?;
    let (Some(classes), Some(asked)) = (data.train.classes(), data.test.classes()) else {
        return Err(TrainError::Session(format!("the samples of {} have no classes", recipe.data)));
    };
    if recipe.neighbours > data.train.len() {
        let (wanted, count) = (recipe.neighbours, data.train.len());
        return Err(TrainError::Session(format!(
            "{wanted} neighbours are more than the {count} samples there are"
        )));
    }
    let batch = BATCH.min(data.test.len());
    let executor =
        Executor::new(&graph(&data.train, batch, recipe.neighbours)?, &Options::with_threads(threads))?;
    let mut right = 0;
    for first in (0..data.test.len()).step_by(batch) {
        // The last batch is filled up with samples that do not count.
        let rows: Vec<usize> = (first..first + batch).map(|row| row.min(data.test.len() - 1)).collect();
        let (x, _) = data.test.batch(&rows)?;
        let nearest = executor.run(&[x.reshape(&[batch, data.test.sample_len()])?])?[0].to_vec::<i64>()?;
        let own = rows.iter().zip(nearest.chunks_exact(recipe.neighbours)).take(data.test.len() - first);
        for (&row, nearest) in own {
            let votes: Vec<u8> = nearest.iter().map(|&index| classes[index as usize]).collect();
            right += usize::from(winner(&votes) == asked[row]);
        }
        after((first + batch).min(data.test.len()));
    }
    Ok(Evaluation { right, samples: data.test.len() })
}

/// From `x[batch, K]`, the indices of its nearest samples, nearest first.
///
/// The sample t that is nearest to x has the largest `x . t - |t|² / 2`, since `|x - t|²` is
/// `|x|² - 2 (x . t - |t|² / 2)`. So one product with all samples is enough.
fn graph(samples: &Samples, batch: usize, neighbours: usize) -> Result<Graph, TrainError> {
    let (count, size) = (samples.len(), samples.sample_len());
    let (all, _) = samples.batch(&(0..count).collect::<Vec<_>>())?;
    let all = all.into_dense(&[count, size])?;
    let norm = |row: &[f32]| (-0.5 * row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>()) as f32;
    let norms: Vec<f32> = all.as_slice::<f32>()?.chunks_exact(size).map(norm).collect();
    let mut graph = Graph::new("nearest_neighbours");
    let x = graph.add_input("x", TensorType::f32(&[batch, size]));
    let (all, norms) =
        (graph.add_constant("samples", all), graph.add_constant("norms", Tensor::from_vec(&[count], norms)?));
    let nearness = graph.add("nearness", Gemm::default(), &[x, all, norms])?;
    let node = graph.add_node("nearest", TopK { k: neighbours, axis: 1, largest: true }, &[nearness])?;
    let indices: ValueId = graph.outputs_of(node)[1];
    graph.set_outputs(vec![indices]);
    Ok(graph)
}

/// The class with most votes; of several such classes, the one whose vote comes first.
fn winner(votes: &[u8]) -> u8 {
    let count = |class: u8| votes.iter().filter(|&&vote| vote == class).count();
    let most = votes.iter().map(|&class| count(class)).max().unwrap_or(0);
    votes.iter().copied().find(|&class| count(class) == most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_votes_win_and_of_equal_ones_the_nearest() {
        assert_eq!(winner(&[7]), 7);
        assert_eq!(winner(&[1, 2, 2]), 2);
        assert_eq!(winner(&[3, 1, 1, 3]), 3);
        assert_eq!(winner(&[4, 5, 6]), 4);
    }
}
