//! Whether the parts of a plan fit together.

use std::collections::HashMap;

use super::ExecutableError;
use crate::{Binding, Buffer, BufferId, Plan, Port, REGISTERS, Work};

/// Axes of a buffer, at most.
const RANK_LIMIT: usize = 64;
/// The largest number that a scalar register holds.
const LARGEST: u64 = (1 << 40) - 1;

impl Plan {
    /// Checks that its parts fit together, and its programs ([`Executable::check`](crate::Executable::check)).
    ///
    /// Whatever a segment reads was written before, once; buffers fit the ports that hold them; what several
    /// programs store in DRAM as it is has one place there.
    ///
    /// # Errors
    /// [`ExecutableError::Inconsistent`] with the first contradiction.
    pub fn check(&self) -> Result<(), ExecutableError> {
        for (_, executable) in self.programs() {
            executable.check()?;
        }
        self.contradiction().map_or(Ok(()), |message| Err(ExecutableError::Inconsistent(message)))
    }

    fn contradiction(&self) -> Option<String> {
        self.bad_buffer()
            .or_else(|| self.bad_order())
            .or_else(|| self.bad_segment())
            .or_else(|| self.bad_binding())
    }

    fn bad_buffer(&self) -> Option<String> {
        let bytes = |buffer: &Buffer| {
            let bytes = buffer.element.bytes() as u64;
            buffer.shape.iter().try_fold(bytes, |product, &extent| product.checked_mul(extent as u64))
        };
        let bad = |buffer: &&Buffer| buffer.shape.len() > RANK_LIMIT || bytes(buffer).is_none();
        let Buffer { name, shape, .. } = self.buffers.iter().find(bad)?;
        Some(format!("buffer `{name}` has the shape {shape:?}, which is too large"))
    }

    /// A buffer that is read before it is written, or written twice.
    fn bad_order(&self) -> Option<String> {
        let mut written = vec![false; self.buffers.len()];
        let unknown = |id: &BufferId| format!("there is no buffer {}", id.0);
        let write = |written: &mut Vec<bool>, id: &BufferId, who: &str| match written.get_mut(id.index()) {
            None => Some(unknown(id)),
            Some(true) => Some(format!("{who} writes buffer `{}` again", self.buffers[id.index()].name)),
            Some(place) => {
                *place = true;
                None
            }
        };
        let read = |written: &[bool], id: &BufferId, who: &str| match written.get(id.index()) {
            None => Some(unknown(id)),
            Some(false) => Some(format!(
                "{who} reads buffer `{}`, which nothing before it writes",
                self.buffers[id.index()].name
            )),
            Some(true) => None,
        };
        for id in &self.inputs {
            if let Some(problem) = write(&mut written, id, "the caller") {
                return Some(problem);
            }
        }
        for (index, segment) in self.segments.iter().enumerate() {
            let who = format!("segment {index}");
            let bad = segment.inputs.iter().find_map(|id| read(&written, id, &who));
            let bad = bad.or_else(|| segment.outputs.iter().find_map(|id| write(&mut written, id, &who)));
            if bad.is_some() {
                return bad;
            }
        }
        self.outputs.iter().find_map(|id| read(&written, id, "the caller"))
    }

    /// A segment whose buffers do not fit its ports, or whose programs are not of one machine.
    fn bad_segment(&self) -> Option<String> {
        let mut places: HashMap<BufferId, u64> = HashMap::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let Work::Dlp(programs) = &segment.work else { continue };
            let Some(first) = programs.first() else {
                return Some(format!("segment {index} has no program"));
            };
            if !programs.is_sorted_by(|one, next| one.core < next.core) {
                return Some(format!("the programs of segment {index} are not in the order of their cores"));
            }
            if programs.iter().any(|program| program.executable.machine != self.machine) {
                return Some(format!("a program of segment {index} is for another machine than its plan"));
            }
            let executable = &first.executable;
            for (ports, ids, what) in [
                (&executable.inputs, &segment.inputs, "inputs"),
                (&executable.outputs, &segment.outputs, "outputs"),
            ] {
                if ports.len() != ids.len() {
                    let (ports, ids) = (ports.len(), ids.len());
                    return Some(format!(
                        "segment {index} has {ports} ports for {ids} buffers that are its {what}"
                    ));
                }
                for (port, id) in ports.iter().zip(ids) {
                    let is_input = what == "inputs";
                    if let Some(problem) = self.buffer(*id).and_then(|buffer| misfit(port, buffer, is_input))
                    {
                        return Some(format!("segment {index}: {problem}"));
                    }
                    if port.is_plain() && *places.entry(*id).or_insert(port.address) != port.address {
                        let name = &port.name;
                        return Some(format!(
                            "segment {index} has `{name}` at another place in DRAM than one before"
                        ));
                    }
                }
            }
        }
        None
    }

    fn bad_binding(&self) -> Option<String> {
        for (index, Binding { name, register, low, high }) in self.bindings.iter().enumerate() {
            let exists = (1..REGISTERS).contains(&usize::from(*register));
            if !exists || low > high || *high > LARGEST {
                return Some(format!("binding `{name}` sets register {register} to {low} to {high}"));
            }
            if let Some(before) = self.bindings[..index].iter().find(|before| before.register == *register) {
                let before = &before.name;
                return Some(format!("bindings `{before}` and `{name}` both set register {register}"));
            }
            if self.bindings[..index].iter().any(|before| before.name == *name) {
                return Some(format!("two bindings are called `{name}`"));
            }
        }
        None
    }
}

/// Why a buffer cannot be at a port. What is real in a port may come from an input of another type.
fn misfit(port: &Port, buffer: &Buffer, is_input: bool) -> Option<String> {
    let element = port.caller_element();
    let converted = is_input && port.encoding.is_some();
    if port.layout.shape == buffer.shape && (element == buffer.element || converted) {
        return None;
    }
    let (found, given) = (buffer.element.name(), element.name());
    let (name, shapes) = (&buffer.name, (&buffer.shape, &port.layout.shape));
    Some(format!("buffer `{name}` is {found}{:?}, and port `{}` {given}{:?}", shapes.0, port.name, shapes.1))
}
