//! The DRAM image: a bump allocator in whole bursts, and the constants placed in it.

use ediacara_arch::Machine;
use ediacara_isa::{Data, NamedBytes};

use crate::CompileError;

/// Where everything in DRAM lies.
#[derive(Debug)]
pub(crate) struct DramImage {
    machine: String,
    burst: u64,
    limit: u64,
    next: u64,
    reservations: Vec<Reservation>,
    data: Vec<Data>,
}

/// A part of DRAM with one use.
#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    /// What lies there.
    pub what: String,
    /// First byte.
    pub start: u64,
    /// Bytes.
    pub bytes: u64,
    /// Whether the executable places it, before the program begins.
    pub is_data: bool,
}

impl DramImage {
    /// An empty image of the machine's DRAM.
    pub(crate) fn new(machine: &Machine) -> DramImage {
        DramImage {
            machine: machine.name.clone(),
            burst: u64::from(machine.dram.burst_bytes),
            limit: machine.dram.bytes,
            next: 0,
            reservations: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Reserves `bytes` at a multiple of the burst; `what` names them, in the error too.
    ///
    /// # Errors
    /// [`CompileError::Dram`].
    pub(crate) fn reserve(&mut self, bytes: u64, what: &str) -> Result<u64, CompileError> {
        let base = self.next;
        let next = (base + bytes.max(1)).next_multiple_of(self.burst);
        if next > self.limit {
            let machine = self.machine.clone();
            return Err(CompileError::Dram {
                what: what.to_owned(),
                machine,
                needed: next,
                available: self.limit,
            });
        }
        self.next = next;
        self.reservations.push(Reservation { what: what.to_owned(), start: base, bytes, is_data: false });
        Ok(base)
    }

    /// Takes back everything from an address on, which was reserved last and holds nothing.
    pub(crate) fn release(&mut self, start: u64) {
        self.reservations.retain(|reservation| reservation.start < start);
        self.next = self.next.min(start);
    }

    /// The next address that is free.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Places constant bytes at a multiple of the burst.
    ///
    /// # Errors
    /// As [`DramImage::reserve`].
    pub(crate) fn place(&mut self, bytes: Vec<u8>, what: &str) -> Result<u64, CompileError> {
        let address = self.reserve(bytes.len() as u64, what)?;
        self.data.push(Data { address, bytes });
        self.reservations.last_mut().into_iter().for_each(|reservation| reservation.is_data = true);
        Ok(address)
    }

    /// What was reserved, in the order of addresses.
    pub(crate) fn reservations(&self) -> &[Reservation] {
        &self.reservations
    }

    /// What was reserved so far, by name.
    pub(crate) fn names(&self) -> Vec<NamedBytes> {
        let reserved = self.reservations.iter().filter(|reservation| reservation.bytes > 0);
        let named = |reservation: &Reservation| NamedBytes {
            name: reservation.what.clone(),
            address: reservation.start,
            bytes: reservation.bytes,
        };
        reserved.map(named).collect()
    }

    /// The constants, which are handed on.
    pub(crate) fn take_data(&mut self) -> Vec<Data> {
        std::mem::take(&mut self.data)
    }
}
