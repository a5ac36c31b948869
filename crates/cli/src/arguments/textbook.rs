//! The arguments of the commands that answer the textbook's questions.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ediacara estimate --list\n  \
    ediacara estimate fc_32x256x128\n  \
    ediacara estimate fc_32x256x128 --source > mine.dlpa && ediacara estimate mine.dlpa --svg mine.svg\n  \
    ediacara estimate mine.dlpa --machine book_cluster --json\n\n\
    docs/textbook/01-abstract-programs.md is the manual of the language.")]
pub(crate) struct EstimateArguments {
    /// A program: a file (.dlpa), or the name of one that is built in
    #[arg(required_unless_present = "list")]
    pub(crate) program: Option<String>,
    /// The machine: book_core, book_cluster or a TOML file [default: the program's own]
    #[arg(long, short, value_name = "NAME|FILE")]
    pub(crate) machine: Option<String>,
    /// List the programs that are built in
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the program's text instead of running it
    #[arg(long, conflicts_with = "json")]
    pub(crate) source: bool,
    /// Draw when each unit works
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the estimate as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
