//! What the cores of a run share, and what a core may do to it.

use ediacara_isa::Place;

use crate::checked::Checked;
use crate::dram::{DramModel, Requester};
use crate::lane::NEVER;
use crate::memory::ClusterMemories;
use crate::outcome::{Event, EventKind, Fault, FaultKind};
use crate::port::DramPort;
use crate::program::Program;
use crate::resolve::Limits;
use crate::values::Scratch;

/// Requesters of DRAM that a core has.
pub(crate) const REQUESTERS: usize = Requester::ALL.len();

/// Numbers of the machine that a run needs.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) cores: usize,
    pub(crate) limits: Limits,
    pub(crate) burst_shift: u32,
    pub(crate) queue_entries: usize,
    pub(crate) fetch_entries: u64,
    pub(crate) bursts_in_flight: usize,
    pub(crate) matrix_latency: u64,
    pub(crate) vector_latency: u64,
}

/// What the cores of a run share.
pub(crate) struct Chip<'a, D> {
    pub(crate) shape: &'a Shape,
    pub(crate) programs: &'a [Program],
    pub(crate) memories: Option<&'a mut ClusterMemories>,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) checked: Option<&'a mut Checked>,
    pub(crate) limit: u64,
    pub(crate) dram: DramPort<D>,
    /// The cycle that is being or was last done.
    pub(crate) cycle: u64,
    pub(crate) fault: Option<Fault>,
    /// The core of the fault.
    fault_core: usize,
    pub(crate) trace: Option<Vec<Event>>,
    /// Told every event. The run ends after the cycle in which it returns `false`.
    pub(crate) observer: Option<&'a mut (dyn FnMut(Event) -> bool + 'a)>,
}

impl<'a, D: DramModel> Chip<'a, D> {
    pub(crate) fn new(
        shape: &'a Shape,
        programs: &'a [Program],
        dram: D,
        scratch: &'a mut Scratch,
        limit: Option<u64>,
    ) -> Self {
        Self {
            shape,
            programs,
            memories: None,
            scratch,
            checked: None,
            limit: limit.unwrap_or(NEVER),
            dram: DramPort::new(dram, REQUESTERS * shape.cores),
            cycle: 0,
            fault: None,
            fault_core: 0,
            trace: None,
            observer: None,
        }
    }

    /// Whether a fault was found before a cycle, so that nothing is dispatched in it (T-CONTROL-FAULT).
    pub(crate) fn is_stopped(&self, cycle: u64) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.cycle < cycle)
    }

    /// Whether checked mode found a fault, which ends the run at once.
    pub(crate) fn is_checked_fault(&self) -> bool {
        let kind = self.fault.as_ref().map(|fault| fault.kind);
        matches!(kind, Some(FaultKind::Race | FaultKind::Uninitialised))
    }

    /// Forgets a fault that a core found in this cycle.
    pub(crate) fn withdraw(&mut self, core: usize) {
        let (cycle, owner) = (self.cycle, self.fault_core);
        self.fault.take_if(|fault| fault.cycle == cycle && owner == core);
    }

    /// Keeps the first fault.
    pub(crate) fn raise(&mut self, core: usize, kind: FaultKind, instruction: u64, detail: String) {
        if self.fault.is_none() {
            self.set_fault(core, kind, instruction, self.cycle, detail);
        }
    }

    /// Sets the fault, found in `cycle`.
    pub(crate) fn set_fault(
        &mut self,
        core: usize,
        kind: FaultKind,
        instruction: u64,
        cycle: u64,
        detail: String,
    ) {
        let place = self.programs[core].names.place(instruction as usize);
        let other = match (kind, &self.checked) {
            (FaultKind::Race, Some(checked)) => checked.other(),
            _ => None,
        };
        let other = other.map(|(core, other)| self.programs[core].names.place(other as usize));
        let line = (place.line != 0).then_some(place.line);
        let Place { label, layer, .. } = place;
        self.fault_core = core;
        let core = (self.shape.cores > 1).then_some(core);
        self.fault = Some(Fault { kind, core, instruction, line, label, layer, other, cycle, detail });
    }

    pub(crate) fn record(&mut self, core: usize, kind: EventKind) {
        let event = Event { cycle: self.cycle, core, kind };
        if let Some(trace) = &mut self.trace {
            trace.push(event);
        }
        if let Some(observer) = &mut self.observer
            && !observer(event)
        {
            self.limit = self.cycle + 1;
        }
    }
}
