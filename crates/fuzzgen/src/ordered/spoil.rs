//! Programs that end in a fault, and are orderly up to there.

use ediacara_isa::{
    AddScalar, Address, Config, ConfigRegister as C, ConfigWrites, ElementBytes, Engine, Fill, FloatFill,
    Instruction, Jump, Load, Loop, Memory, Operation, Store, VectorOperands, VectorOperation, Word,
    encode_unchecked,
};

use super::Builder;
use super::operands::Proposal;

impl Builder<'_> {
    /// The program's words, with a fault at its end and something behind it that must have no effect.
    pub(super) fn spoil(&mut self) -> Vec<Word> {
        let is_halted = !self.random.chance(10);
        let tail = match self.random.range(0, 9) {
            0..=1 => self.operand_fault(),
            2..=5 if self.random.chance(15) => self.store_to_code(u64::from(is_halted)),
            2..=5 => self.address_fault(),
            6 => vec![self.opcode_fault()],
            7 => self.fetch_fault(),
            8 => self.overflow(),
            _ => self.deadlock(),
        };
        let mut words = self.words();
        words.extend(tail);
        if is_halted {
            words.push(encode_unchecked(&Instruction::new(Operation::Halt)));
        }
        words
    }

    fn fill(&mut self) -> Instruction {
        Instruction::new(Fill { d: Address::new(0), value: 1, length: 1, count_1: 1, count_2: 1 })
    }

    fn opcode_fault(&mut self) -> Word {
        let mut word = [0; 32];
        let known = |opcode: u8| ediacara_isa::INSTRUCTIONS.iter().any(|spec| spec.opcode == opcode);
        let opcode = self.random.next() as u8;
        if self.matrix_types().is_empty() && self.random.chance(15) {
            return encode_unchecked(&Instruction::new(self.float_dot_fault().1));
        }
        if !self.has_float() && self.random.chance(30) {
            // What the machine does not have, whatever its operands.
            let fill = FloatFill { d: Address::new(0), length: 1, count_1: 1, count_2: 1 };
            return encode_unchecked(&Instruction::new(fill));
        }
        word[0] = if known(opcode) { 0 } else { opcode };
        word
    }

    /// Words that decoding or issuing refuses.
    fn operand_fault(&mut self) -> Vec<Word> {
        let fill = self.fill();
        let mut word = encode_unchecked(&fill);
        match self.random.range(0, 15) {
            // Counts and lengths of zero.
            0 => word[22..25].fill(0),
            1 => word[26..28].fill(0),
            // Reserved bits.
            2 => word[1] = 1 << self.random.range(0, 7),
            3 => word[31] = 0x80,
            // A mask where none may be.
            4 => word = encode_unchecked(&Instruction::new(Operation::Nop).waiting(1)),
            5 => word = encode_unchecked(&Instruction::new(Operation::Sync).posting(1 << 15)),
            // A loop of no runs.
            6 => word = encode_unchecked(&Instruction::new(Loop { count: 0, register: 0, body: 1 })),
            // Loops that end together.
            7 => {
                let outer = Instruction::new(Loop { count: 2, register: 0, body: 2 });
                let inner = Instruction::new(Loop { count: 2, register: 0, body: 1 });
                return vec![encode_unchecked(&outer), encode_unchecked(&inner), word];
            }
            // A fifth loop.
            8 => {
                let nested = (1..=5).rev().map(|level| Loop { count: 1, register: 0, body: 2 * level - 1 });
                let mut words: Vec<_> =
                    nested.map(|nested| encode_unchecked(&Instruction::new(nested))).collect();
                words.extend([word; 5]);
                return words;
            }
            // A broken record.
            9 => {
                let load = Load {
                    memory: Memory::Pram,
                    source: Address::new(0),
                    destination: Address::new(0),
                    length: 13,
                    count_1: 1,
                    count_2: 1,
                    count_3: 1,
                };
                word = encode_unchecked(&Instruction::new(load));
            }
            // Elements that are wider than a beat.
            10 if self.machine.vector.lanes < 4 => {
                let wide = VectorOperands { length: 1, element: ElementBytes::Four, ..Default::default() };
                word = encode_unchecked(&Instruction::new(VectorOperation::Transpose.with(&wide)));
            }
            // Types that a float instruction may not have; or its registers, where there are none.
            10..=12 => {
                let (writes, operation) = self.float_fault();
                return vec![config(&writes), encode_unchecked(&Instruction::new(operation))];
            }
            // A type that the matrix unit does not have, or a part of an element; or its register, where there is none.
            13..=14 => {
                let (writes, operation) = self.float_dot_fault();
                return vec![config(&writes), encode_unchecked(&Instruction::new(operation))];
            }
            // A clamp whose ends are the wrong way round.
            _ => return self.clamp_fault(),
        }
        vec![word]
    }

    /// A clamp whose ends are the wrong way round, and something that clamps or does not.
    fn clamp_fault(&mut self) -> Vec<Word> {
        let mut words = vec![config(&[(C::VectorLow, 1), (C::VectorHigh, 0)])];
        let integers: Vec<_> =
            VectorOperation::ALL.iter().copied().filter(|kind| !kind.rule().float).collect();
        let kind = self.random.pick(&integers);
        if !kind.rule().clamps() {
            // This is no fault, and the `halt` behind it is reached.
            words.push(encode_unchecked(&Instruction::new(Operation::Sync)));
            words.push(encode_unchecked(&self.fill()));
        } else if let Ok(proposal) = self.pick(|b| b.vector_of(kind)) {
            // Addresses may be wrong under this configuration, but operands are looked at first.
            words.push(encode_unchecked(&Instruction::new(proposal.operation)));
        }
        words
    }

    /// An instruction that fits to the last element, moved one element further.
    fn address_fault(&mut self) -> Vec<Word> {
        let engine = self.random.pick(&[Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store]);
        let Ok(Proposal { writes, operation }) = self.pick(|b| b.propose(engine)) else { return Vec::new() };
        if self.configure(&writes).is_err() {
            return Vec::new();
        }
        // Bisection finds the largest offset that fits. Each operand that can fail is as likely as another.
        let operands = operation.spec().fields.iter().filter(|field| {
            // An address that a flag makes useless cannot fail.
            let is_used = operation.vector().is_none_or(|(kind, operands)| {
                let rule = kind.rule_of(&operands);
                match field.name {
                    "b" => rule.b.is_some(),
                    "p" => rule.p.is_some(),
                    _ => true,
                }
            });
            field.kind.is_address() && is_used
        });
        let names: Vec<_> = operands.map(|field| (field.lsb, field.width)).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let (lsb, width) = self.random.pick(&names);
        let offset_width = if width == 48 { 40 } else { width - 4 };
        let word = encode_unchecked(&Instruction::new(operation));
        let with = |offset: u64| {
            let mut word = word;
            set_bits(&mut word, lsb, offset_width, offset);
            // The register is R0.
            set_bits(&mut word, lsb + offset_width, 4, 0);
            word
        };
        let is_in_range = |offset: u64| {
            ediacara_isa::decode(&with(offset)).is_ok_and(|instruction| {
                let model = &self.s.model;
                !matches!(
                    model.footprint(self.machine, &model.scalar.config, &instruction.operation),
                    Err(crate::footprint::Problem::Fault)
                )
            })
        };
        let row = self.machine.row_bytes();
        let unit = if operation.matrix().is_some() && lsb == 80 { row } else { 1 };
        let (mut low, mut high) = (0, (1u64 << offset_width.min(24)) / unit);
        if !is_in_range(0) {
            // The code lies low in DRAM, so that there is nothing to bisect.
            return self.store_to_code(0);
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if is_in_range(middle * unit) { low = middle } else { high = middle }
        }
        let mask = (1u64 << offset_width) - 1;
        let beyond =
            if self.random.chance(80) { high * unit } else { high * unit + self.random.range(0, 9) * unit };
        vec![with(beyond & mask)]
    }

    /// A store that meets the first byte of the code, or the last one where `behind` instructions follow.
    fn store_to_code(&mut self, behind: u64) -> Vec<Word> {
        let first = self.s.model.code.0;
        let end = first + 32 * (self.s.code.len() as u64 + 1 + behind);
        let at = if self.random.chance(50) { first } else { end - 1 };
        let store = Store {
            source: Address::new(0),
            destination: Address::new(at),
            length: 1,
            count_1: 1,
            count_2: 1,
            count_3: 1,
        };
        vec![encode_unchecked(&Instruction::new(store))]
    }

    fn fetch_fault(&mut self) -> Vec<Word> {
        let end = self.s.code.len() as u64 + 2;
        let target = if self.random.chance(50) { end } else { end + self.random.range(0, 1 << 20) };
        let jump = Instruction::new(Jump { target: target as u32 });
        vec![encode_unchecked(&jump)]
    }

    /// A counter is raised until it is too high.
    fn overflow(&mut self) -> Vec<Word> {
        let mut mask = 1 << self.random.range(0, 15);
        // The fault names the lower one.
        if self.random.chance(30) {
            mask |= 1 << self.random.range(0, 15);
        }
        let mut post = if self.random.chance(50) { Instruction::new(Operation::Signal) } else { self.fill() };
        post = post.posting(mask);
        let sync = Instruction::new(Operation::Sync);
        let fence = Instruction::new(Loop { count: 26, register: 0, body: 10 });
        let mut words = vec![encode_unchecked(&sync), encode_unchecked(&fence)];
        words.extend([encode_unchecked(&post); 10]);
        words
    }

    /// An instruction waits for what nobody posts.
    fn deadlock(&mut self) -> Vec<Word> {
        let free = self.s.model.order.free_for_control();
        if free.is_empty() {
            return Vec::new();
        }
        let mask = 1 << self.random.pick(&free);
        let engine = self.random.pick(&[Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store]);
        let proposal = self.pick(|b| b.propose(engine));
        let Ok(Proposal { writes, operation }) = proposal else { return Vec::new() };
        if self.configure(&writes).is_err() {
            return Vec::new();
        }
        let copies = self.random.range(1, u64::from(self.machine.core.queue_entries) + 1);
        let waiting = encode_unchecked(&Instruction::new(operation).waiting(mask));
        let scalar = Instruction::new(AddScalar { rd: 1, ra: 1, rb: 0, value: 1 });
        let mut words = vec![waiting; copies as usize];
        words.push(encode_unchecked(&scalar));
        // A fault that was found before is the one that is reported.
        if self.random.chance(30) {
            words.push(self.opcode_fault());
        }
        words
    }
}

/// A word that writes registers, at most as many as one can.
fn config(values: &[(C, i64)]) -> Word {
    let mut writes = ConfigWrites::default();
    for (register, value) in values {
        // A value that does not fit is no part of any list here.
        let _ = writes.push(*register, *value);
    }
    encode_unchecked(&Instruction::new(Config { writes }))
}

/// Puts a value into bits of a word, little endian.
fn set_bits(word: &mut Word, lsb: u32, width: u32, value: u64) {
    for bit in 0..width {
        let at = (lsb + bit) as usize;
        let mask = 1 << (at % 8);
        word[at / 8] &= !mask;
        if value >> bit & 1 == 1 {
            word[at / 8] |= mask;
        }
    }
}
