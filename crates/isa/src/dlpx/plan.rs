//! The file of a plan.

use std::sync::Arc;

use super::container::{self, Kind, Reader, put_bytes, put_list, put_sizes, put_text, put_u32, put_u64};
use super::write::{put_machine, put_rest, put_self_test};
use super::{ExecutableError, PLAN_VERSION, Section};
use crate::{
    Binding, Buffer, BufferId, Constant, CoreProgram, Executable, HostProgram, Plan, Segment, UnknownNote,
    Work,
};

/// Segments, buffers, bindings.
const PLAN: Kind = (1, "plan");
/// Images of programs.
const PROGRAMS: Kind = (2, "programs");
/// Graphs of the host.
const GRAPHS: Kind = (3, "graphs");
/// Constants of the host's graphs.
const CONSTANTS: Kind = (4, "constants");
const REQUIRED: [Kind; 4] = [PLAN, PROGRAMS, GRAPHS, CONSTANTS];
const NOTES: [Section; 2] = [Section::SelfTest, Section::Rest];

/// A segment's place in a file.
const DLP: u32 = 1;
const HOST: u32 = 2;

pub(super) fn to_bytes(plan: &Plan) -> Vec<u8> {
    let required = [
        (PLAN.0, frame(plan)),
        (PROGRAMS.0, programs(plan)),
        (GRAPHS.0, graphs(plan)),
        (CONSTANTS.0, constants(plan)),
    ];
    let mut notes = NOTES.map(|section| (section.kind(), Vec::new()));
    plan.notes.self_test.iter().for_each(|test| put_self_test(&mut notes[0].1, test));
    plan.notes.rest.iter().for_each(|rest| put_rest(&mut notes[1].1, rest));
    let notes = notes.into_iter().filter(|(_, payload)| !payload.is_empty());
    container::file(PLAN_VERSION, required.into_iter().chain(notes).collect(), &plan.notes.unknown)
}

fn frame(plan: &Plan) -> Vec<u8> {
    let ids = |out: &mut Vec<u8>, ids: &[BufferId]| put_list(out, ids, |out, id| put_u32(out, id.0));
    let mut out = Vec::new();
    put_machine(&mut out, &plan.machine);
    put_list(&mut out, &plan.buffers, |out, buffer| {
        put_text(out, &buffer.name);
        put_u32(out, buffer.element.code());
        put_sizes(out, &buffer.shape);
    });
    ids(&mut out, &plan.inputs);
    ids(&mut out, &plan.outputs);
    put_list(&mut out, &plan.segments, |out, segment| {
        put_u32(out, if matches!(segment.work, Work::Dlp(_)) { DLP } else { HOST });
        ids(out, &segment.inputs);
        ids(out, &segment.outputs);
    });
    put_list(&mut out, &plan.bindings, |out, binding| {
        put_text(out, &binding.name);
        put_u32(out, binding.register.into());
        put_u64(out, binding.low);
        put_u64(out, binding.high);
    });
    out
}

fn programs(plan: &Plan) -> Vec<u8> {
    let all = plan.segments.iter().enumerate().flat_map(|(index, segment)| match &segment.work {
        Work::Dlp(programs) => programs.iter().map(|program| (index as u32, program)).collect(),
        Work::Host(_) => Vec::new(),
    });
    let mut out = Vec::new();
    put_list(&mut out, &all.collect::<Vec<_>>(), |out, (segment, program)| {
        put_u32(out, *segment);
        put_u32(out, program.core);
        put_bytes(out, &program.executable.to_bytes());
    });
    out
}

/// The host's graphs with their segments.
fn host_programs(plan: &Plan) -> Vec<(u32, &HostProgram)> {
    let all = plan.segments.iter().enumerate();
    let host = all.filter_map(|(index, segment)| match &segment.work {
        Work::Dlp(_) => None,
        Work::Host(program) => Some((index as u32, program)),
    });
    host.collect()
}

fn graphs(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, &host_programs(plan), |out, (segment, program)| {
        put_u32(out, *segment);
        put_text(out, &program.graph);
    });
    out
}

fn constants(plan: &Plan) -> Vec<u8> {
    let programs = host_programs(plan);
    let all =
        programs.iter().flat_map(|(index, program)| program.constants.iter().map(move |one| (*index, one)));
    let mut out = Vec::new();
    put_list(&mut out, &all.collect::<Vec<_>>(), |out, (segment, constant)| {
        put_u32(out, *segment);
        put_text(out, &constant.name);
        put_u32(out, constant.element.code());
        put_sizes(out, &constant.shape);
        put_bytes(out, &constant.bytes);
    });
    out
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Plan, ExecutableError> {
    let mut plan = Plan::default();
    for (kind, payload) in container::sections(bytes, &REQUIRED, &NOTES.map(Section::entry))? {
        let known = REQUIRED.into_iter().chain(NOTES.map(Section::entry)).find(|(known, _)| *known == kind);
        let Some((_, part)) = known else {
            plan.notes.unknown.push(UnknownNote { kind, bytes: payload.to_vec() });
            continue;
        };
        let mut reader = Reader { part, rest: payload };
        if kind == PLAN.0 {
            reader.frame(&mut plan)?;
        } else if kind == PROGRAMS.0 {
            reader.programs(&mut plan)?;
        } else if kind == GRAPHS.0 {
            reader.graphs(&mut plan)?;
        } else if kind == CONSTANTS.0 {
            reader.constants(&mut plan)?;
        } else if kind == Section::SelfTest.kind() {
            plan.notes.self_test = Some(reader.self_test()?);
        } else {
            plan.notes.rest = Some(reader.rest()?);
        }
        reader.finish()?;
    }
    Ok(plan)
}

impl Reader<'_> {
    fn ids(&mut self) -> Result<Vec<BufferId>, ExecutableError> {
        self.list(4, |reader| Ok(BufferId(reader.u32()?)))
    }

    fn frame(&mut self, plan: &mut Plan) -> Result<(), ExecutableError> {
        plan.machine = self.machine()?;
        plan.buffers = self.list(12, |reader| {
            Ok(Buffer { name: reader.text()?, element: reader.element()?, shape: reader.sizes()? })
        })?;
        plan.inputs = self.ids()?;
        plan.outputs = self.ids()?;
        plan.segments = self.list(12, |reader| {
            let work = match reader.u32()? {
                DLP => Work::Dlp(Vec::new()),
                HOST => Work::Host(HostProgram::default()),
                place => return Err(reader.malformed(format!("{place} is no place for a segment"))),
            };
            Ok(Segment { inputs: reader.ids()?, outputs: reader.ids()?, work })
        })?;
        plan.bindings = self.list(24, |reader| {
            let (name, register) = (reader.text()?, reader.u32()?);
            let register = u8::try_from(register)
                .map_err(|_| reader.malformed(format!("there is no register {register}")))?;
            Ok(Binding { name, register, low: reader.u64()?, high: reader.u64()? })
        })?;
        Ok(())
    }

    /// Reads the number of the segment that an entry belongs to, which must not be before `from`.
    ///
    /// Entries stand in the order of their segments, so that a plan has one form.
    fn segment<'p>(&mut self, plan: &'p mut Plan, from: &mut u32) -> Result<&'p mut Work, ExecutableError> {
        let index = self.u32()?;
        let message = format!("an entry of segment {index} is not where it belongs");
        let wrong = self.malformed(message);
        if index < *from {
            return Err(wrong);
        }
        *from = index;
        plan.segments.get_mut(index as usize).map(|segment| &mut segment.work).ok_or(wrong)
    }

    fn programs(&mut self, plan: &mut Plan) -> Result<(), ExecutableError> {
        let mut from = 0;
        for _ in 0..self.u32()? {
            let work = self.segment(plan, &mut from)?;
            let (core, image) = (self.u32()?, self.bytes()?);
            let Work::Dlp(programs) = work else {
                return Err(self.malformed(format!("segment {from} is the host's, and has a program")));
            };
            programs.push(CoreProgram { core, executable: Arc::new(Executable::from_bytes(image)?) });
        }
        Ok(())
    }

    fn graphs(&mut self, plan: &mut Plan) -> Result<(), ExecutableError> {
        let wanted: Vec<u32> = host_programs(plan).into_iter().map(|(index, _)| index).collect();
        if self.u32()? as usize != wanted.len() {
            return Err(self.malformed(format!("it does not have {} graphs", wanted.len())));
        }
        for index in wanted {
            let found = self.u32()?;
            match plan.segments.get_mut(index as usize).map(|segment| &mut segment.work) {
                Some(Work::Host(program)) if found == index => program.graph = self.text()?,
                _ => return Err(self.malformed(format!("it has a graph of segment {found}, not {index}"))),
            }
        }
        Ok(())
    }

    fn constants(&mut self, plan: &mut Plan) -> Result<(), ExecutableError> {
        let mut from = 0;
        for _ in 0..self.u32()? {
            let work = self.segment(plan, &mut from)?;
            let (name, element, shape) = (self.text()?, self.element()?, self.sizes()?);
            let bytes = self.bytes()?.to_vec();
            let wanted =
                shape.iter().try_fold(element.bytes(), |product, &extent| product.checked_mul(extent));
            if wanted != Some(bytes.len()) {
                let count = bytes.len();
                return Err(self.malformed(format!("constant `{name}` of shape {shape:?} has {count} bytes")));
            }
            let Work::Host(program) = work else {
                return Err(self.malformed(format!("segment {from} is the DLP's, and has a constant")));
            };
            program.constants.push(Constant { name, element, shape, bytes });
        }
        Ok(())
    }
}
