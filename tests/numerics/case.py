"""A program under construction, with what the memories hold before it and, by this reference, after it."""

import struct

import core

NRAM, WRAM_ROWS, ARAM, PRAM, DRAM = 2048, 24, 256, 40, 4096
SHAPES = [(4, 4), (8, 4), (4, 8), (8, 8), (16, 16), (16, 8)]


def zero(r):
    return r.choice([r.randrange(-128, 128), 0, -128, 127])


def clamps(r):
    low, high = sorted([r.randrange(-128, 128), r.randrange(-128, 128)])
    return r.choice([(-128, 127), (-128, 127), (low, high), (0, 127), (low, low)])


class Case:
    """A program under construction, with memories full of random numbers."""

    def __init__(self, r, name):
        self.r, self.name = r, name
        self.rows, self.columns = r.choice(SHAPES)
        self.wram = WRAM_ROWS * self.rows * self.columns
        self.before = self.memories()
        self.core = core.Core(self.rows, self.columns, **{k: list(v) for k, v in self.before.items()})
        self.program = []

    def memories(self):
        r = self.r
        flavour = r.choice(["any", "any", "extreme", "small"])
        byte = {
            "any": lambda: r.randrange(-128, 128),
            "extreme": lambda: r.choice([-128, -127, -1, 0, 1, 126, 127]),
            "small": lambda: r.randrange(-3, 4),
        }[flavour]
        word = lambda: r.choice([r.randrange(-2**31, 2**31), r.randrange(-2000, 2000),
                                 r.choice([-2**31, 2**31 - 1, -1, 0, 1])])
        return {
            "dram": [byte() for _ in range(DRAM)],
            "nram": [byte() for _ in range(NRAM)],
            "wram": [byte() for _ in range(self.wram)],
            "aram": [word() for _ in range(ARAM)],
            "pram": [self.record() for _ in range(PRAM)],
        }

    def record(self):
        """12 bytes. Mostly what a compiler would write, sometimes anything."""
        r = self.r
        bias = r.choice([0, r.randrange(-2**31, 2**31), r.randrange(-1000, 1000), -2**31, 2**31 - 1])
        multiplier = r.choice([r.randrange(2**30, 2**31), r.randrange(2**31), 0, 1, 2**31 - 1])
        shift = r.choice([r.randrange(1, 63), r.randrange(30, 45), 1, 62])
        raw = struct.pack("<iIB3x", bias, multiplier, shift)
        if r.random() < 0.05:
            raw = bytes(r.randrange(256) for _ in range(12))
        return [b - 256 if b > 127 else b for b in raw]

    def config(self, **values):
        """config(vector={"low": 3}, matrix={...})"""
        flat = {f"{engine}.{name}": value for engine, some in values.items() for name, value in some.items()}
        names = list(flat)
        for k in range(0, len(names), 5):
            part = names[k : k + 5]
            self.program.append("config " + ", ".join(f"{name}={flat[name]}" for name in part))
        self.core.execute("config", flat)

    def run(self, mnemonic, **operands):
        words = []
        for name, value in operands.items():
            if name == "memory":
                continue
            if value is True or value is False:
                words += [name] if value else []
            elif "memory" in operands and name == ("a" if "d" in operands else "destination"):
                words.append(f"{name}={operands['memory']}[{value}]")
            else:
                words.append(f"{name}={value}")
        self.program.append(f"{mnemonic} " + ", ".join(words))
        self.core.execute(mnemonic, operands)

    def finish(self):
        after = {"dram": self.core.dram, "nram": self.core.nram, "wram": self.core.wram,
                 "aram": self.core.aram, "pram": self.core.pram}
        return {
            "name": self.name,
            "rows": self.rows,
            "columns": self.columns,
            "program": "\n".join(self.program + ["sync", "halt"]) + "\n",
            "before": {k: as_hex(k, v) for k, v in self.before.items()},
            "after": {k: as_hex(k, v) for k, v in after.items() if v != self.before[k]},
        }


def as_hex(memory, values):
    if memory == "aram":
        return b"".join(struct.pack("<i", v) for v in values).hex()
    if memory == "pram":
        # A record as the hardware keeps it: what no instruction reads is zero.
        kept = [core.record(v) for v in values]
        return b"".join(struct.pack("<iIB3x", b, m, s & 63) for b, m, s in kept).hex()
    return bytes(v & 255 for v in values).hex()
