//! The sets that can be fetched, their mirrors, and what their files must be.
//!
//! The checksums are SHA-256 of the published files. Those of MNIST and Fashion-MNIST were computed from
//! files with the published MD5: that of their authors (Fashion-MNIST's README) or that of torchvision
//! (MNIST). The author of CIFAR-10's archive publishes the MD5 c32a1d4ab5d03f1284b67883e8d87530. Its SHA-256
//! is taken from TensorFlow Datasets' list of checksums, which agrees with ours on the eight others.

use crate::DataSet;

/// A file of a set as its author published it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name, on the mirrors and on this machine.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its contents, 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
}

/// A set that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The set; its name is the folder's.
    pub set: DataSet,
    /// What it is, in a line.
    pub description: &'static str,
    /// What its authors say about its use.
    pub licence: &'static str,
    /// Addresses of folders that hold the files, tried in this order; each ends with a slash.
    pub mirrors: &'static [&'static str],
    /// The files.
    pub files: &'static [RemoteFile],
}

impl Source {
    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

const fn file(name: &'static str, bytes: u64, sha256: &'static str) -> RemoteFile {
    RemoteFile { name, bytes, sha256 }
}

/// Every set that can be fetched.
pub const CATALOGUE: [Source; 3] = [
    Source {
        set: DataSet::Mnist,
        description: "70,000 handwritten digits, 28 x 28",
        licence: "CC BY-SA 3.0, as usually stated",
        // The author's own server refuses most programs. torchvision and TensorFlow Datasets use these
        // copies.
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ],
    },
    Source {
        set: DataSet::FashionMnist,
        description: "70,000 pictures of clothing, 28 x 28",
        licence: "MIT",
        mirrors: &[
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ],
    },
    Source {
        set: DataSet::Cifar10,
        description: "60,000 colour photos of ten classes, 32 x 32",
        licence: "none stated; cite Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        mirrors: &["https://www.cs.toronto.edu/~kriz/"],
        files: &[file(
            crate::cifar::ARCHIVE,
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_well_formed() {
        for source in CATALOGUE {
            assert!(source.mirrors.iter().all(|mirror| mirror.ends_with('/') && mirror.contains("://")));
            for file in source.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.name);
                assert!(
                    file.sha256.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
                );
            }
        }
        // The sizes that the authors' pages give.
        assert_eq!(CATALOGUE.map(|source| source.bytes()), [11_594_722, 30_878_645, 170_052_171]);
    }
}
