//! Recipe files: what to do, on what, and how.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Recipe, TrainError};

/// The content of a recipe file.
///
/// `method` says which kind it is; without it, it is a training.
#[derive(Debug, Clone, PartialEq)]
pub enum RecipeFile {
    /// A network that learns from gradients.
    Training(Box<Recipe>),
    /// `method = "nearest_neighbours"`: nothing is learnt, the samples themselves are asked.
    NearestNeighbours(NearestNeighbours),
    /// `method = "recipes"`: other recipes, one after the other.
    Recipes(Recipes),
}

/// Classification by the nearest samples.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearestNeighbours {
    /// [`Method::NearestNeighbours`].
    pub method: Method,
    /// What it shows, in a sentence.
    pub title: String,
    /// The data set, one of those with classes.
    pub data: String,
    /// How many of the nearest training samples vote.
    pub neighbours: usize,
}

/// Recipes that belong together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipes {
    /// [`Method::Recipes`].
    pub method: Method,
    /// What they show, in a sentence.
    pub title: String,
    /// Their names, out of those that are built in.
    pub recipes: Vec<String>,
}

/// The method, if it is not a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// [`NearestNeighbours`]
    NearestNeighbours,
    /// [`Recipes`]
    Recipes,
}

/// Everything that a file must say before it is known what else it must say.
#[derive(Debug, Deserialize)]
struct Head {
    method: Option<Method>,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../recipes/", $name, ".toml")))),*]
    };
}

/// The recipes that are built in, by name.
const RECIPES: &[(&str, &str)] = built_in![
    "mnist-mlp",
    "lenet5",
    "mnist-sparse",
    "mnist-mixed",
    "knn",
    "linear",
    "full-adder",
    "perceptron-logic",
    "perceptron-and",
    "perceptron-or",
    "perceptron-xor",
    "mlp-xor",
];

impl RecipeFile {
    /// The names of the recipes that are built in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RECIPES.iter().map(|(name, _)| *name)
    }

    /// The recipe of this name, or in this file.
    ///
    /// # Errors
    /// There is neither, or the file is no recipe.
    pub fn load(name_or_path: &str) -> Result<RecipeFile, TrainError> {
        if let Some((name, text)) = RECIPES.iter().find(|(name, _)| *name == name_or_path) {
            return RecipeFile::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if !path.exists() {
            let known = ediacara_hint::there_are(name_or_path, RecipeFile::names());
            let problem = format!("there is no such file, and no recipe of this name is built in; {known}");
            return Err(TrainError::Recipe { path: name_or_path.to_owned(), problem });
        }
        if path.is_dir() {
            let problem = "is a folder; give a recipe in it, a file that ends in .toml".to_owned();
            return Err(TrainError::Recipe { path: name_or_path.to_owned(), problem });
        }
        let text = ediacara_files::read_text(path).map_err(|error| TrainError::Recipe {
            path: name_or_path.to_owned(),
            problem: error.to_string(),
        })?;
        RecipeFile::parse(&text, name_or_path)
    }

    /// Parses a recipe; `name` only appears in errors.
    ///
    /// # Errors
    /// It is no TOML, lacks a field, has an unknown one, or has one whose value makes no sense.
    pub fn parse(text: &str, name: &str) -> Result<RecipeFile, TrainError> {
        let problem = |problem: String| TrainError::Recipe { path: name.to_owned(), problem };
        let head: Head = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        match head.method {
            None => {
                let recipe: Recipe = read(text, name)?;
                recipe.check().map_err(problem)?;
                Ok(RecipeFile::Training(Box::new(recipe)))
            }
            Some(Method::NearestNeighbours) => {
                let recipe: NearestNeighbours = read(text, name)?;
                if recipe.neighbours == 0 {
                    return Err(problem("neighbours: 0 cannot vote; give 1 or more".to_owned()));
                }
                Ok(RecipeFile::NearestNeighbours(recipe))
            }
            Some(Method::Recipes) => {
                let recipes: Recipes = read(text, name)?;
                match recipes.recipes.iter().find(|part| !RECIPES.iter().any(|(known, _)| known == part)) {
                    Some(part) => {
                        let known = ediacara_hint::there_are(part, RecipeFile::names());
                        Err(problem(format!("recipes: no recipe `{part}` is built in; {known}")))
                    }
                    None if recipes.recipes.is_empty() => Err(problem("recipes: there is none".to_owned())),
                    None => Ok(RecipeFile::Recipes(recipes)),
                }
            }
        }
    }

    /// What it shows, in a sentence.
    pub fn title(&self) -> &str {
        match self {
            RecipeFile::Training(recipe) => &recipe.title,
            RecipeFile::NearestNeighbours(recipe) => &recipe.title,
            RecipeFile::Recipes(recipes) => &recipes.title,
        }
    }

    /// The data set; none if there are several recipes.
    pub fn data(&self) -> &str {
        match self {
            RecipeFile::Training(recipe) => &recipe.data,
            RecipeFile::NearestNeighbours(recipe) => &recipe.data,
            RecipeFile::Recipes(_) => "",
        }
    }

    /// The recipe of a training.
    ///
    /// # Errors
    /// It is something else.
    pub fn training(self, name: &str) -> Result<Recipe, TrainError> {
        match self {
            RecipeFile::Training(recipe) => Ok(*recipe),
            _ => Err(TrainError::Recipe {
                path: name.to_owned(),
                problem: "has a `method`, and is no training".to_owned(),
            }),
        }
    }
}

fn read<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, TrainError> {
    toml::from_str(text)
        .map_err(|error| TrainError::Recipe { path: name.to_owned(), problem: error.to_string() })
}
