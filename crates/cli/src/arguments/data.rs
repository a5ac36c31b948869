//! The arguments of `ediacara data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Download data sets from their official mirrors and verify them; goes on where an earlier fetch stopped
    Fetch(FetchArguments),
    /// List the data sets that can be fetched, and where they are on this machine
    List(ListArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara data fetch mnist fashion-mnist\n  \
    ediacara data fetch cifar10 --to ~/data && export EDIACARA_DATA=~/data\n  \
    ediacara data fetch mnist --mirror file:///media/stick/mnist\n\n\
    The download is done by curl, which must be installed; https_proxy is respected.")]
pub(crate) struct FetchArguments {
    /// Data sets, by the names that `ediacara data list` shows
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Folder in which each set gets a folder of its own [default: EDIACARA_DATA, else ediacara/data in the user's
    /// cache folder; sets there are found without further settings]
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Address of a folder that holds the files, instead of the official mirrors: http, https or file
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Print what was fetched as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ediacara data list --json")]
pub(crate) struct ListArguments {
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
