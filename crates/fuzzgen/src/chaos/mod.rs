//! Programs in which nobody cares for order, and little for sense, so that every fault occurs at any place.

mod operands;

use ediacara_arch::Machine;
use ediacara_isa::{
    AddScalar, Address, Branch, Condition, Config, ConfigRegister as C, ConfigWrites, Fill, Instruction,
    Jump, Loop, Memory, Operation, Set, Word, encode_unchecked,
};

use crate::Random;

/// The words of a program, whatever they do.
pub(crate) fn program(random: &mut Random, machine: &Machine) -> Vec<Word> {
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
    code
}

fn reset() -> Vec<i64> {
    C::ALL.iter().map(|register| register.reset()).collect()
}

struct Generator<'a> {
    random: &'a mut Random,
    machine: &'a Machine,
    code: Vec<Instruction>,
    /// Tokens that are certain to be there, by semaphore.
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
        let may_lack = self.random.chance(self.chaos * 2);
        let registers: Vec<_> =
            C::ALL.iter().copied().filter(|register| may_lack || register.is_on(self.machine)).collect();
        for _ in 0..self.random.range(1, 5) {
            let register = self.random.pick(&registers);
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
        // A body posts as much as it waits for.
        self.tokens = tokens;
        let mut body = (self.code.len() - place - 1) as u16;
        // A body must not end where another ends.
        self.push(Operation::Nop);
        if self.random.chance(95) {
            body += 1;
        }
        let register = if self.random.chance(5) { 1 } else { 0 };
        self.code[place] = Instruction::new(Operation::Loop(Loop { count: runs, register, body }));
    }

    /// A forward branch over a few instructions, sometimes to beyond the code.
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
            let condition = self.random.pick(Condition::ALL);
            let (ra, rb) = (self.random.range(0, 7) as u8, self.random.range(0, 7) as u8);
            Operation::Branch(Branch { condition, ra, rb, target })
        };
        self.code[place] = Instruction::new(operation);
        // The branch's target must exist, also inside a loop.
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

    /// Any engine's instruction, with semaphores: it waits for tokens that are there, and posts some.
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
}
