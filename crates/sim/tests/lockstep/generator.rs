//! Random machines and programs. A seed gives the same ones for ever.

use ediacara_arch::{Fraction, Machine};
use ediacara_isa::{
    Add, AddScalar, Address, AveragePool, Branch, Condition, Config, ConfigRegister as C, ConfigWrites, Copy,
    Depthwise, Dot, Fill, Instruction, Jump, Load, LoadTable, Loop, MaxPool, Maximum, Memory, Move, Multiply,
    Operation, Requantise, Set, Store, Table, Transpose, Word, encode_unchecked,
};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `low..=high`
    pub(crate) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Small numbers more often than large ones.
    pub(crate) fn small(&mut self, low: u64, high: u64) -> u64 {
        let top = self.range(low, high);
        self.range(low, top)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.range(1, 100) <= percent
    }

    pub(crate) fn pick<T: std::marker::Copy>(&mut self, from: &[T]) -> T {
        from[self.range(0, from.len() as u64 - 1) as usize]
    }
}

pub(crate) fn machine(random: &mut Random) -> Machine {
    let mut machine = Machine::preset("dlp16").unwrap();
    machine.name = "random".to_owned();
    let r = random;
    machine.dram.bytes = 1 << 16;
    machine.dram.burst_bytes = r.pick(&[32, 64, 64, 128]);
    let (numerator, denominator) =
        r.pick(&[(16, 1), (64, 1), (7, 3), (48, 5), (1, 2), (3, 7), (200, 1), (33, 8)]);
    machine.dram.bytes_per_cycle = Fraction { numerator, denominator };
    machine.dram.latency_cycles = r.pick(&[1, 2, 3, 7, 20, 100]);
    machine.dram.bursts_in_flight = r.pick(&[1, 2, 3, 5, 8, 64]);
    machine.matrix.rows = r.pick(&[4, 8, 16]);
    machine.matrix.columns = r.pick(&[4, 8, 16]);
    machine.matrix.latency_cycles = r.pick(&[3, 4, 8, 13]);
    machine.vector.lanes = r.pick(&[4, 8, 16, 32]);
    machine.vector.latency_cycles = r.pick(&[3, 5, 8, 12]);
    machine.load.move_bytes_per_cycle = r.pick(&[1, 2, 16]);
    machine.core.nram_bytes = r.pick(&[1024, 4096, 128 * 37]);
    machine.core.wram_bytes = r.pick(&[4, 8, 33]) * 256;
    machine.core.aram_bytes = r.pick(&[4, 7, 32]) * 64;
    machine.core.pram_bytes = r.pick(&[12, 240, 1000]);
    machine.core.queue_entries = r.pick(&[1, 2, 4, 16]);
    let burst_instructions = machine.dram.burst_bytes / 32;
    machine.core.fetch_entries = burst_instructions * r.pick(&[1, 2, 4]);
    machine.validate().unwrap();
    machine
}

/// A program and where it lies.
pub(crate) struct Program {
    pub(crate) base: u64,
    pub(crate) code: Vec<Word>,
}

/// A program that makes sense, with `sync` between most of its instructions, so that it stands a chance of
/// being free of races.
pub(crate) fn ordered_program(random: &mut Random, machine: &Machine) -> Program {
    let mut program = program(random, machine);
    let mut code: Vec<Word> = Vec::new();
    for word in &program.code {
        // Branch targets and loop bodies would be wrong: only straight programs.
        let is_branch = (0x07..=0x09).contains(&word[0]);
        if !is_branch && (word[0] != 0x02 || code.len() + 1 == program.code.len()) {
            code.push(*word);
        }
        if random.chance(60) {
            code.push(encode_unchecked(&Instruction::new(Operation::Sync)));
        }
    }
    code.push(encode_unchecked(&Instruction::new(Operation::Halt)));
    program.code = code;
    program
}

pub(crate) fn program(random: &mut Random, machine: &Machine) -> Program {
    let mut generator = Generator {
        random,
        machine,
        code: Vec::new(),
        tokens: [0; 16],
        depth: 0,
        config: reset(),
        chaos: 0,
        stretch_written: false,
    };
    generator.chaos = if generator.random.chance(60) { 0 } else { generator.random.range(1, 6) };
    let length = generator.random.small(3, 60);
    generator.body(length);
    let mut code: Vec<Word> = generator.code.iter().map(encode_unchecked).collect();
    if random.chance(95) {
        code.push(encode_unchecked(&Instruction::new(Operation::Halt)));
    }
    // Broken words.
    if random.chance(4) {
        let index = random.range(0, code.len() as u64 - 1) as usize;
        let bits = random.pick(&[7, 255]);
        for _ in 0..random.range(1, 3) {
            let bit = random.range(0, bits) as usize;
            code[index][bit / 8] ^= 1 << (bit % 8);
        }
    }
    let burst = u64::from(machine.dram.burst_bytes);
    Program { base: random.range(0, 20) * burst, code }
}

fn reset() -> Vec<i64> {
    C::ALL.iter().map(|register| register.reset()).collect()
}

struct Generator<'a> {
    random: &'a mut Random,
    machine: &'a Machine,
    code: Vec<Instruction>,
    /// Tokens that will be there for sure, by semaphore.
    tokens: [u32; 16],
    depth: u32,
    config: Vec<i64>,
    /// Percent of instructions that need not make sense.
    chaos: u64,
    stretch_written: bool,
}

impl Generator<'_> {
    fn push(&mut self, operation: Operation) {
        self.code.push(Instruction::new(operation));
    }

    fn body(&mut self, length: u64) {
        let end = self.code.len() as u64 + length;
        while (self.code.len() as u64) < end {
            match self.random.range(0, 99) {
                0..=3 => self.push(Operation::Nop),
                4..=5 => self.push(Operation::Sync),
                6..=9 => self.signal(),
                10..=14 => self.scalar(),
                15..=29 => self.configure(),
                30..=37 if self.depth < 4 => self.repeat(),
                38..=41 => self.skip(),
                42..=44 if self.depth == 0 => self.count_down(),
                45 if self.random.chance(self.chaos * 10) => self.nonsense(),
                46 => self.stream(),
                47 if self.random.chance(self.chaos * 6) => self.flood(),
                _ => self.engine(),
            }
        }
    }

    fn signal(&mut self) {
        let mask: u16 = 1 << self.random.range(0, 15);
        if self.depth == 0 {
            self.tokens[mask.trailing_zeros() as usize] += 1;
        }
        self.code.push(Instruction::new(Operation::Signal).posting(mask));
    }

    fn scalar(&mut self) {
        let rd = self.random.range(0, 7) as u8;
        if self.random.chance(50) {
            let value = self.random.small(0, 300);
            self.push(Operation::Set(Set { rd, value }));
        } else {
            let (ra, rb) = (self.random.range(0, 7) as u8, 0);
            let value =
                if self.random.chance(80) { self.random.range(0, 4) } else { self.random.next() >> 24 };
            self.push(Operation::AddScalar(AddScalar { rd, ra, rb, value }));
        }
    }

    fn configure(&mut self) {
        let mut writes = ConfigWrites::default();
        for _ in 0..self.random.range(1, 5) {
            let register = self.random.pick(C::ALL);
            let spec = register.spec();
            let name = register.name();
            let value = match () {
                () if name.contains("count") => self.random.small(1, 4) as i64,
                () if name.contains("w_block_stride") => self.random.small(0, 3) as i64,
                () if name.contains("stride") => self.random.small(0, 40) as i64,
                () if name.contains("stretch") => self.random.small(1, 50) as i64,
                () if name == "vector.low" => -(self.random.range(0, 128) as i64),
                () if name == "vector.high" => self.random.range(0, 127) as i64,
                () => spec.low + (self.random.next() % (spec.high - spec.low + 1) as u64) as i64,
            };
            if writes.push(register, value).is_ok() {
                self.config[register.index()] = value;
                self.stretch_written |= register == C::MatrixStretch;
            }
        }
        self.push(Operation::Config(Config { writes }));
    }

    /// A hardware loop.
    fn repeat(&mut self) {
        let runs = self.random.small(1, 6) as u32;
        let place = self.code.len();
        self.push(Operation::Nop);
        let tokens = self.tokens;
        self.depth += 1;
        let length = self.random.small(1, 8);
        self.body(length);
        self.depth -= 1;
        // What a body posts and waits for is balanced within itself.
        self.tokens = tokens;
        let mut body = (self.code.len() - place - 1) as u16;
        // A body must not end with another's end.
        self.push(Operation::Nop);
        if self.random.chance(95) {
            body += 1;
        }
        let register = if self.random.chance(5) { 1 } else { 0 };
        self.code[place] = Instruction::new(Operation::Loop(Loop { count: runs, register, body }));
    }

    /// A forward branch over a few instructions; sometimes to the end of the world.
    fn skip(&mut self) {
        let place = self.code.len();
        self.push(Operation::Nop);
        let tokens = self.tokens;
        for _ in 0..self.random.range(0, 3) {
            self.scalar();
        }
        if self.random.chance(20) {
            self.configure();
        }
        self.tokens = tokens;
        let far = self.random.chance(self.chaos);
        let target = self.code.len() as u32 + if far { self.random.range(0, 40) as u32 } else { 0 };
        let operation = if self.random.chance(50) {
            Operation::Jump(Jump { target })
        } else {
            let condition = self.random.pick(&Condition::ALL);
            let (ra, rb) = (self.random.range(0, 7) as u8, self.random.range(0, 7) as u8);
            Operation::Branch(Branch { condition, ra, rb, target })
        };
        self.code[place] = Instruction::new(operation);
        // Where the branch lands must exist, also inside a loop.
        self.push(Operation::Nop);
    }

    /// A loop by a register and a backward branch.
    fn count_down(&mut self) {
        let runs = self.random.small(1, 5);
        self.push(Operation::Set(Set { rd: 14, value: runs }));
        let target = self.code.len() as u32;
        let tokens = self.tokens;
        self.depth += 1;
        for _ in 0..self.random.range(1, 4) {
            self.engine();
        }
        self.depth -= 1;
        self.tokens = tokens;
        self.push(Operation::AddScalar(AddScalar { rd: 14, ra: 14, rb: 0, value: (1 << 40) - 1 }));
        self.push(Operation::Branch(Branch { condition: Condition::NotEqual, ra: 14, rb: 0, target }));
    }

    /// Loads and stores that fight for DRAM.
    fn stream(&mut self) {
        for _ in 0..self.random.range(2, 6) {
            let mut operation = if self.random.chance(50) { self.load() } else { self.store() };
            match &mut operation {
                Operation::Load(load) if load.memory != Memory::Pram => load.count_3 = 1,
                Operation::Store(store) => store.count_3 = 1,
                _ => {}
            }
            self.push(operation);
        }
    }

    /// Many posts of one semaphore, around the most that it holds.
    fn flood(&mut self) {
        let place = self.code.len();
        self.push(Operation::Nop);
        let mask = 1 << self.random.range(0, 15);
        let posts = self.random.range(1, 3) as u16;
        for _ in 0..posts {
            if self.random.chance(70) {
                self.code.push(Instruction::new(Operation::Signal).posting(mask));
            } else {
                let fill = Fill { d: Address::new(0), value: 0, length: 4, count_1: 1, count_2: 1 };
                self.code.push(Instruction::new(Operation::Fill(fill)).posting(mask));
            }
        }
        let count = self.random.range(240, 270) as u32 / u32::from(posts);
        self.code[place] = Instruction::new(Operation::Loop(Loop { count, register: 0, body: posts }));
    }

    fn nonsense(&mut self) {
        let target = self.random.range(0, self.code.len() as u64 + 3) as u32;
        let operation = match self.random.range(0, 3) {
            0 => Operation::Jump(Jump { target }),
            1 => Operation::Loop(Loop {
                count: self.random.small(0, 2) as u32,
                register: self.random.range(0, 3) as u8,
                body: self.random.range(0, 4) as u16,
            }),
            2 => Operation::Branch(Branch { condition: Condition::GreaterEqual, ra: 1, rb: 2, target }),
            _ => Operation::Halt,
        };
        self.push(operation);
    }

    /// Any engine's instruction, with semaphores: waits for tokens that are there, posts some.
    fn engine(&mut self) {
        let operation = match self.random.range(0, 9) {
            0..=2 => self.load(),
            3 => self.move_rows(),
            4..=5 => self.dot(),
            6..=7 => self.vector(),
            _ => self.store(),
        };
        let mut instruction = Instruction::new(operation);
        if self.random.chance(30) {
            let mut free: Vec<usize> = (0..16).filter(|s| self.tokens[*s] > 0).collect();
            for _ in 0..self.random.range(1, 2) {
                if free.is_empty() {
                    break;
                }
                let semaphore = free.remove(self.random.range(0, free.len() as u64 - 1) as usize);
                self.tokens[semaphore] -= 1;
                instruction = instruction.waiting(1 << semaphore);
            }
        }
        if self.random.chance(self.chaos) {
            instruction = instruction.waiting(1 << self.random.range(0, 15));
        }
        if self.random.chance(40) {
            let semaphore = self.random.range(0, 15) as usize;
            self.tokens[semaphore] += 1;
            instruction = instruction.posting(1 << semaphore);
        }
        if self.random.chance(self.chaos) {
            instruction = instruction.posting(self.random.next() as u16);
        }
        self.code.push(instruction);
    }

    /// An address at which `span` elements fit, if any.
    fn place(&mut self, span: u64, size: u64) -> Address {
        if self.random.chance(self.chaos) {
            return Address {
                offset: self.random.range(0, size + 3),
                register: self.random.range(0, 15) as u8,
            };
        }
        let room = size.saturating_sub(span);
        // Registers hold up to 300 in most programs.
        if room > 400 && self.random.chance(20) {
            return Address {
                offset: self.random.range(0, room - 400),
                register: self.random.range(0, 7) as u8,
            };
        }
        Address::new(self.random.range(0, room))
    }

    fn at(&self, register: C) -> u64 {
        self.config[register.index()] as u64
    }

    fn length(&mut self) -> u32 {
        let top = self.random.pick(&[4, 40, 300]);
        self.random.small(1, top) as u32
    }

    fn counts(&mut self) -> [u16; 3] {
        [0; 3].map(|_| if self.random.chance(60) { 1 } else { self.random.small(1, 5) as u16 })
    }

    fn span(&self, counts: &[u16], strides: &[C]) -> u64 {
        counts.iter().zip(strides).map(|(count, stride)| u64::from(count - 1) * self.at(*stride)).sum()
    }

    fn load(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let memory = self.random.pick(&[Memory::Nram, Memory::Nram, Memory::Wram, Memory::Pram]);
        let mut length = self.length();
        let (size, mut unit) = match memory {
            Memory::Nram => (self.machine.core.nram_bytes, 1),
            Memory::Wram => (self.machine.core.wram_bytes, 1),
            Memory::Pram => (self.machine.pram_records(), 12),
        };
        if memory == Memory::Pram && !self.random.chance(self.chaos) {
            length = length.next_multiple_of(12);
        } else {
            unit = if memory == Memory::Pram { 12 } else { 1 };
        }
        let source = self.span(&counts, &[C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let destination = self.span(
            &counts,
            &[C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3],
        );
        Operation::Load(Load {
            memory,
            source: self.place(source + u64::from(length), self.machine.dram.bytes),
            destination: self.place(destination + u64::from(length / unit), size),
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    fn move_rows(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let length = self.random.small(1, 40) as u32;
        let source = self.span(&counts, &[C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3]);
        let destination = self.span(
            &counts,
            &[C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3],
        );
        Operation::Move(Move {
            memory: Memory::Wram,
            source: self.place(source + u64::from(length), self.machine.core.nram_bytes),
            destination: self.place(destination + u64::from(length), self.machine.core.wram_bytes),
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    fn store(&mut self) -> Operation {
        let [count_1, count_2, count_3] = self.counts();
        let counts = [count_1, count_2, count_3];
        let length = self.length();
        let source =
            self.span(&counts, &[C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3]);
        let strides = [C::StoreDestinationStride1, C::StoreDestinationStride2, C::StoreDestinationStride3];
        let destination = self.span(&counts, &strides);
        // The code lies low.
        let low = if self.random.chance(self.chaos) { 0 } else { 16 * 1024 };
        let mut to = self.place(destination + u64::from(length), self.machine.dram.bytes - low);
        to.offset += low;
        Operation::Store(Store {
            source: self.place(source + u64::from(length), self.machine.core.nram_bytes),
            destination: to,
            length,
            count_1,
            count_2,
            count_3,
        })
    }

    fn dot(&mut self) -> Operation {
        if !self.stretch_written && !self.random.chance(self.chaos) {
            let stretch = self.random.small(1, 50) as i64;
            let mut writes = ConfigWrites::default();
            writes.push(C::MatrixStretch, stretch).unwrap();
            self.config[C::MatrixStretch.index()] = stretch;
            self.stretch_written = true;
            self.push(Operation::Config(Config { writes }));
        }
        let (pixels_x, pixels_y) = (self.random.small(1, 6) as u16, self.random.small(1, 4) as u16);
        let blocks = self.random.small(1, 3) as u16;
        let (wx, wy) = (self.at(C::MatrixWindowCountX), self.at(C::MatrixWindowCountY));
        let stretch = self.at(C::MatrixStretch);
        let x = u64::from(pixels_x - 1) * self.at(C::MatrixXStrideX)
            + u64::from(pixels_y - 1) * self.at(C::MatrixXStrideY)
            + (wx - 1) * self.at(C::MatrixWindowStrideX)
            + (wy - 1) * self.at(C::MatrixWindowStrideY)
            + stretch;
        let rows = u64::from(blocks - 1) * self.at(C::MatrixWBlockStride)
            + wx * wy * stretch.div_ceil(self.machine.matrix.rows.into());
        let acc = u64::from(pixels_x * pixels_y - 1) * self.at(C::MatrixAccStridePixel)
            + u64::from(blocks - 1) * self.at(C::MatrixAccStrideBlock)
            + u64::from(self.machine.matrix.columns);
        let row_bytes = self.machine.row_bytes();
        let mut w = self.place(rows, self.machine.core.wram_bytes / row_bytes);
        if !self.random.chance(self.chaos) {
            w = Address::new(w.offset * row_bytes);
        }
        Operation::Dot(Dot {
            x: self.place(x, self.machine.core.nram_bytes),
            w,
            acc: self.place(acc, self.machine.aram_accumulators()),
            pixels_x,
            pixels_y,
            blocks,
            accumulate: self.random.chance(50),
        })
    }

    fn vector(&mut self) -> Operation {
        let mut length = self.length();
        let (count_1, count_2) = (self.random.small(1, 6) as u16, self.random.small(1, 3) as u16);
        let counts = [count_1, count_2];
        let nram = self.machine.core.nram_bytes;
        let kind = self.random.range(0, 11);
        if matches!(kind, 2 | 3) {
            length = length.min(self.machine.pram_records() as u32);
        }
        let n = u64::from(length);
        let window = (self.at(C::VectorWindowCount1) - 1) * self.at(C::VectorWindowStride1)
            + (self.at(C::VectorWindowCount2) - 1) * self.at(C::VectorWindowStride2);
        let a_span = self.span(&counts, &[C::VectorAStride1, C::VectorAStride2]) + n;
        let b_span = self.span(&counts, &[C::VectorBStride1, C::VectorBStride2]) + n;
        let d_span = self.span(&counts, &[C::VectorDStride1, C::VectorDStride2]) + n;
        let d = self.place(d_span, nram);
        let a = self.place(a_span + window, nram);
        let b = self.place(b_span, nram);
        let p = self.place(n, self.machine.pram_records());
        match kind {
            0 => {
                let value = self.random.next() as i8;
                Operation::Fill(Fill { d, value, length, count_1, count_2 })
            }
            1 => Operation::Copy(Copy { d, a, length, count_1, count_2 }),
            2 => {
                let a = self.place(a_span, self.machine.aram_accumulators());
                Operation::Requantise(Requantise { d, a, p, length, count_1, count_2 })
            }
            3 => {
                let positions = self.at(C::VectorWindowCount1) * self.at(C::VectorWindowCount2);
                let b = self.place((positions - 1) * self.at(C::VectorBWindowStride) + n, nram);
                Operation::Depthwise(Depthwise { d, a, b, p, length, count_1, count_2 })
            }
            4 => Operation::MaxPool(MaxPool { d, a, length, count_1, count_2 }),
            5 => Operation::AveragePool(AveragePool { d, a, length, count_1, count_2 }),
            6 => Operation::Add(Add { d, a, b, length, count_1, count_2 }),
            7 => Operation::Multiply(Multiply { d, a, b, length, count_1, count_2 }),
            8 => Operation::Maximum(Maximum { d, a, b, length, count_1, count_2 }),
            9 => Operation::LoadTable(LoadTable { a: self.place(256, nram) }),
            10 => Operation::Table(Table { d, a, length, count_1, count_2 }),
            _ => {
                let length = length.min(40);
                let span = u64::from(length - 1) * self.at(C::VectorDStride1)
                    + u64::from(count_2 - 1) * self.at(C::VectorDStride2)
                    + u64::from(count_1);
                let d = self.place(span, nram);
                Operation::Transpose(Transpose { d, a, length, count_1, count_2 })
            }
        }
    }
}
