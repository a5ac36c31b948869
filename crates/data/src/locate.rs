//! Where data sets are on this machine.

use std::path::{Path, PathBuf};

use crate::DataError;

/// A data set that may be on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataSet {
    /// 70,000 handwritten digits, 28 x 28.
    Mnist,
    /// 70,000 pictures of clothing, 28 x 28.
    FashionMnist,
    /// 60,000 colour photos of ten classes, 32 x 32.
    Cifar10,
    /// 50 ImageNet photos of 50 classes.
    ImageNet50,
    /// 16 photos of ImageNet's classes that are not from ImageNet.
    ImageNetStubs,
    /// 100 photos of PASCAL VOC 2012 with boxes.
    Voc2012,
    /// 8 COCO photos with boxes.
    Coco8,
    /// Four sounds of one second.
    Audio,
    /// Pretrained networks with stored inputs and outputs.
    Models,
}

impl DataSet {
    /// Every set.
    pub const ALL: [DataSet; 9] = [
        DataSet::Mnist,
        DataSet::FashionMnist,
        DataSet::Cifar10,
        DataSet::ImageNet50,
        DataSet::ImageNetStubs,
        DataSet::Voc2012,
        DataSet::Coco8,
        DataSet::Audio,
        DataSet::Models,
    ];

    /// The set's name, which is its folder's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::ImageNet50 => "imagenet50",
            Self::ImageNetStubs => "imagenet-stubs",
            Self::Voc2012 => "voc2012-100",
            Self::Coco8 => "coco8",
            Self::Audio => "audio",
            Self::Models => "models",
        }
    }

    /// What the user does to get the set.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Mnist => {
                "Get it with `ediacara data fetch mnist`, or set EDIACARA_DATA to a folder that holds it"
            }
            Self::FashionMnist => {
                "Get it with `ediacara data fetch fashion-mnist`, or set EDIACARA_DATA to a folder that holds it"
            }
            Self::Cifar10 => {
                "Get it with `ediacara data fetch cifar10`, or set EDIACARA_DATA to a folder that holds it"
            }
            _ => {
                "It is used in tests and not distributed with Ediacara; set EDIACARA_DATA to a folder that holds it"
            }
        }
    }
}

/// The places where data sets may be, in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Locations {
    folders: Vec<PathBuf>,
    /// The folder for fetched sets, if there is such a place.
    own: Option<PathBuf>,
}

impl Locations {
    /// The places on this machine.
    ///
    /// They are tried in this order:
    ///
    /// - The folder in the environment variable `EDIACARA_DATA`, which must exist if it is set.
    /// - `shared/data` beside `start` or beside a folder above it (so `../shared/data` of the workspace, for
    ///   a start anywhere inside).
    /// - `ediacara/data` in the user's cache folder.
    ///
    /// Tests start from `env!("CARGO_MANIFEST_DIR")`, programs from the working folder.
    pub fn of_machine(start: &Path) -> Result<Self, DataError> {
        let explicit = std::env::var_os("EDIACARA_DATA").filter(|value| !value.is_empty());
        Self::new(explicit.map(PathBuf::from), start, user_cache())
    }

    /// The places for given values of the environment, as in [`Locations::of_machine`].
    pub fn new(explicit: Option<PathBuf>, start: &Path, cache: Option<PathBuf>) -> Result<Self, DataError> {
        if let Some(path) = explicit.as_ref().filter(|path| !path.is_dir()) {
            return Err(DataError::DataFolder { path: path.clone() });
        }
        let start = std::path::absolute(start).map_err(|source| DataError::read(start, source))?;
        let beside = start.ancestors().skip(1).map(|above| above.join("shared").join("data"));
        let beside = beside.filter(|folder| folder.is_dir());
        let cache = cache.map(|cache| cache.join("ediacara").join("data"));
        let own = explicit.clone().or_else(|| cache.clone());
        let folders = explicit.into_iter().chain(beside).chain(cache).collect();
        Ok(Self { folders, own })
    }

    /// The folder for fetched sets, where [`Locations::find`] finds them.
    ///
    /// It is the folder of `EDIACARA_DATA`, else `ediacara/data` in the user's cache folder. It is nothing
    /// where the environment gives neither. It need not exist.
    pub fn own(&self) -> Option<&Path> {
        self.own.as_deref()
    }

    /// The folder of a set, or an error that names the set, the places and the remedy.
    pub fn find(&self, set: DataSet) -> Result<PathBuf, DataError> {
        let candidates: Vec<PathBuf> = self.folders.iter().map(|folder| folder.join(set.name())).collect();
        let found = candidates.iter().find(|candidate| candidate.is_dir());
        found.cloned().ok_or_else(|| DataError::SetNotFound {
            set: set.name(),
            looked_for: match candidates.as_slice() {
                [] => "nothing, since there is no folder to look in".to_string(),
                some => some.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            },
            remedy: set.remedy().to_string(),
        })
    }
}

/// The user's cache folder by the platform's custom, if the environment gives one.
fn user_cache() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_tried_in_order() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let start = make("project/crates/data");
        let cached = make("cache/ediacara/data/mnist");
        let cache = Some(root.path().join("cache"));
        let find = |explicit: Option<PathBuf>| {
            Locations::new(explicit, &start, cache.clone()).unwrap().find(DataSet::Mnist).unwrap()
        };
        assert_eq!(find(None), cached);
        let shared = make("shared/data/mnist");
        assert_eq!(find(None), shared);
        let explicit = make("explicit");
        assert_eq!(
            find(Some(explicit.clone())),
            shared,
            "a set that the explicit folder lacks is looked for elsewhere"
        );
        let named = make("explicit/mnist");
        assert_eq!(find(Some(explicit.clone())), named);
        let own =
            |explicit, cache| Locations::new(explicit, &start, cache).unwrap().own().map(Path::to_path_buf);
        assert_eq!(own(Some(explicit.clone()), cache.clone()), Some(explicit));
        assert_eq!(own(None, cache.clone()), Some(root.path().join("cache/ediacara/data")));
        assert_eq!(own(None, None), None);
    }

    #[test]
    fn errors_name_the_set_and_the_remedy() {
        let root = tempfile::tempdir().unwrap();
        let locations = Locations::new(None, root.path(), Some(root.path().join("cache"))).unwrap();
        let error = locations.find(DataSet::Mnist).unwrap_err().to_string();
        assert!(error.starts_with("data set 'mnist' was not found; looked for "), "{error}");
        assert!(error.ends_with("or set EDIACARA_DATA to a folder that holds it"), "{error}");
        assert!(error.contains("ediacara data fetch mnist"), "{error}");
        let gone = root.path().join("gone");
        let error = Locations::new(Some(gone.clone()), root.path(), None).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("EDIACARA_DATA is '{}', which is not a folder; correct or unset it", gone.display())
        );
    }
}
