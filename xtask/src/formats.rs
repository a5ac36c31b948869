//! `cargo xtask formats`: the tables of docs/results.md of networks that onnxruntime quantised.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::page;
use crate::programs::run as succeed;
use crate::reference::ensure_reference;

const PAGE: &str = "docs/results.md";

/// The networks, by their folders in the data folder.
const NETWORKS: [&str; 17] = [
    "models/resnet20_cifar10",
    "models/squeezenet10_deepcompressed",
    "models/efficientnet_lite0",
    "models/fastestdet",
    "models2/se_hswish",
    "models2/unet_groupnorm_small",
    "models2/convnext_tiny_small",
    "models2/tcn_1d",
    "models2/bert_tiny",
    "models2/vit_tiny",
    "models2/gpt2_tiny",
    "models2/llama_tiny",
    "models2/t5_tiny_encoder",
    "models2/swin_tiny",
    "models2/whisper_tiny_encoder",
    "models2/lstm",
    "models2/gru",
];

/// Quantises the networks in each of onnxruntime's ways, compares them and rewrites the page.
///
/// With `--check` the page stays.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut is_check = false;
    for argument in std::env::args().skip(2) {
        match argument.as_str() {
            "--check" => is_check = true,
            other => bail!("unknown argument `{other}`; usage: formats [--check]"),
        }
    }
    ensure_reference(root)?;
    succeed(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).current_dir(root).args([
            "build",
            "--release",
            "--locked",
            "--package",
            "ediacara-cli",
        ]),
    )?;
    let data = crate::data(root);
    let output = Command::new(root.join("target/bench-venv/bin/python"))
        .current_dir(root)
        .args(["-W", "ignore", "tests/quantised_formats/compare.py"])
        .args(NETWORKS.map(|network| data.join(network).join("model.onnx")))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start python")?;
    let tables = String::from_utf8(output.stdout).context("the tables are no text")?;
    print!("{tables}");
    let Some((whole, layers)) = tables.split_once("\n\n") else { bail!("the networks were not compared") };
    if !is_check {
        page::replace(root, PAGE, "formats whole", whole.trim_end())?;
        page::replace(root, PAGE, "formats layers", layers.trim_end())?;
    }
    if !output.status.success() {
        bail!("a file of onnxruntime's does not run as it should");
    }
    Ok(())
}
