//! The files that a command reads and writes, known before it works.
//!
//! Nothing is written over what is read, and no two outputs go to one place.

use std::path::{Path, PathBuf};

use ediacara::files::same_file;
use ediacara::isa::included_files;
use ediacara::model::files_beside;
use ediacara::tensor::check_writable;

use crate::arguments::{Command, PlotCommand, SpeedupCommand, paths};

/// Finds the files that a model or program reads beside the one of its name.
type Beside = fn(&Path) -> Vec<PathBuf>;

/// The files that a command reads and writes.
#[derive(Default)]
struct Places {
    /// Files, folders whose files are read, and names that may be those of files.
    read: Vec<PathBuf>,
    /// Those of `read` that are models and programs, each with how to find the files that it reads beside
    /// itself.
    readers: Vec<(PathBuf, Beside)>,
    /// Each with what names it: an option, or what the command writes without one.
    written: Vec<(&'static str, PathBuf)>,
}

/// Refuses a command if an output cannot be written or is also an input, or if two outputs are the same file.
pub(crate) fn check(command: &Command) -> Result<(), String> {
    let places = places(command);
    for (option, path) in &places.written {
        if let Some(read) = places.read.iter().find_map(|read| read_from(read, path)) {
            let (path, read) = (path.display(), read.display());
            return Err(format!("{option} {path} is the file {read} that is read; write to another one"));
        }
        if let Some((reader, beside)) = places.beside(path) {
            let (path, reader, beside) = (path.display(), reader.display(), beside.display());
            return Err(format!(
                "{option} {path} is the file {beside} that {reader} reads; write to another one"
            ));
        }
    }
    check_written(places.written.iter().map(|(option, path)| (*option, path.as_path())))
}

/// The files that a command reads, the one that it is about first.
pub(crate) fn read_files(command: &Command) -> Vec<PathBuf> {
    places(command).read.into_iter().filter(|path| path.is_file()).collect()
}

/// A message that names the file that it is about.
///
/// If it names none of `files`, the first of them is put in front.
pub(crate) fn named(files: &[PathBuf], message: String) -> String {
    let names = |path: &PathBuf| message.contains(&*path.to_string_lossy());
    match files.first() {
        Some(first) if !files.iter().any(names) => format!("{}: {message}", first.display()),
        _ => message,
    }
}

/// Refuses outputs that cannot be written, or of which two are the same file.
///
/// Work must not be lost because its result has no place.
pub(crate) fn check_written<'a>(
    written: impl Iterator<Item = (&'static str, &'a Path)>,
) -> Result<(), String> {
    let mut taken: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in written {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
            let problem = format!("there is no folder {}; make it first", folder.display());
            return Err(format!("{option} {}: {problem}", path.display()));
        }
        let place = check_writable(path).map_err(|error| format!("{option} {error}"))?;
        if let Some((other, _)) = taken.iter().find(|(_, other)| *other == place) {
            let path = path.display();
            return Err(format!("{other} and {option} are both {path}; give each a file of its own"));
        }
        taken.push((option, place));
    }
    Ok(())
}

/// The file under `read`, which is a file or a folder of files, that `path` leads to.
fn read_from(read: &Path, path: &Path) -> Option<PathBuf> {
    if !read.is_dir() {
        return same_file(read, path).then(|| read.to_owned());
    }
    let entries = std::fs::read_dir(read).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|entry| same_file(entry, path))
}

fn places(command: &Command) -> Places {
    let mut places = Places::default();
    match command {
        Command::Run(run) => {
            places.read_model(&run.model.model).read(&run.machine.machine);
            places.read_all(paths(&run.input)).read_all(run.calibration.paths()).read_all(&run.labels);
            places.write("--save-outputs", &run.save_outputs);
        }
        Command::Compile(compile) => {
            places.read_model(&compile.model.model).read(&compile.machine.machine);
            places.read_all(compile.calibration.paths());
            places.write("--output", &Some(compile.output()));
        }
        Command::Exec(exec) => {
            places.read_model(&exec.program).read_all(&exec.machine).read_all(paths(&exec.input));
            places.write("--output", &exec.output);
        }
        Command::Asm(asm) => {
            places.read_assembly(&asm.source).read(&asm.machine.machine);
            places.write("--output", &Some(asm.output()));
        }
        Command::Disasm(disasm) => {
            places.read(&disasm.program).write("--output", &disasm.output);
        }
        Command::Verify(verify) => {
            places.read_model(&verify.model.model).read_all(&verify.machine).read_all(paths(&verify.input));
            places.read_all(verify.calibration.paths()).write("--wave", &verify.wave);
        }
        Command::Machines(machines) => {
            places.read_all(&machines.name).write("--svg", &machines.svg);
            places.write("--efficiency-svg", &machines.efficiency_svg);
        }
        Command::Train(train) => {
            places.read_all(&train.recipe).write("--checkpoint", &train.checkpoint);
            places.write("--save", &train.save).write("--export", &train.export);
            places.write("--plot", &train.plot);
        }
        Command::Estimate(estimate) => {
            places.read_all(&estimate.program).read_all(&estimate.machine).write("--svg", &estimate.svg);
        }
        Command::Roofline(roofline) => {
            for model in &roofline.models {
                places.read_model(model);
            }
            places.read(&roofline.machine.machine).write("--svg", &roofline.svg);
        }
        Command::Utilisation(utilisation) => {
            places.read_model(&utilisation.model).write("--svg", &utilisation.svg);
        }
        Command::Tiles(tiles) => {
            places.read_model(&tiles.model).read(&tiles.machine.machine).write("--svg", &tiles.svg);
        }
        Command::Speedup(speedup) => match &speedup.command {
            SpeedupCommand::Network(network) => {
                places.read_model(&network.model).read(&network.machine.machine).write("--svg", &network.svg);
            }
            SpeedupCommand::Layer(_) => {}
        },
        Command::Decoder(decoder) => {
            places.write("--svg", &decoder.svg);
        }
        Command::Plot(plot) => match &plot.command {
            PlotCommand::Activations(activations) => {
                places.write("--svg", &activations.svg);
            }
            PlotCommand::Formats(formats) => {
                places.read_model(&formats.model.model).read_all(paths(&formats.input));
                places.write("--svg", &formats.svg);
            }
        },
        // `prove` and `summary` write nothing; `data fetch` writes into the folder of data sets.
        Command::Prove(_) | Command::Summary(_) | Command::Data(_) => {}
    }
    places
}

impl Places {
    fn read(&mut self, path: impl Into<PathBuf> + Clone) -> &mut Self {
        self.read.push(path.into());
        self
    }

    /// A model, or a program by its extension.
    fn read_model(&mut self, path: impl Into<PathBuf> + Clone) -> &mut Self {
        self.readers.push((path.clone().into(), files_beside));
        self.read(path)
    }

    /// A text that is assembled, whatever its extension.
    fn read_assembly(&mut self, path: impl Into<PathBuf> + Clone) -> &mut Self {
        self.readers.push((path.clone().into(), included_files));
        self.read(path)
    }

    /// A model or program and the file that it reads beside itself, if `path` leads to such a file.
    ///
    /// Files are only looked for if `path` is a file.
    fn beside(&self, path: &Path) -> Option<(&Path, PathBuf)> {
        let readers = self.readers.iter().filter(|_| path.is_file());
        let mut files = readers
            .flat_map(|(reader, find)| find(reader).into_iter().map(move |file| (reader.as_path(), file)));
        files.find(|(_, file)| same_file(file, path))
    }

    fn read_all<'a, T: Into<PathBuf> + Clone + 'a>(
        &mut self,
        paths: impl IntoIterator<Item = &'a T>,
    ) -> &mut Self {
        self.read.extend(paths.into_iter().map(|path| path.clone().into()));
        self
    }

    fn write(&mut self, option: &'static str, path: &Option<PathBuf>) -> &mut Self {
        self.written.extend(path.iter().map(|path| (option, path.clone())));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_message_names_the_file_that_it_is_about() {
        let files = ["m.onnx".into(), "cat.png".into()];
        assert_eq!(named(&files, "node `y`: too large".into()), "m.onnx: node `y`: too large");
        assert_eq!(named(&files, "cat.png: truncated".into()), "cat.png: truncated");
        assert_eq!(named(&[], "no model".into()), "no model");
    }
}
