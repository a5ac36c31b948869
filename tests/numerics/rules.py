"""The rules of docs/numerics.md over Python's unbounded integers.

Nothing here is shared with the Rust code: this is written from the page alone, so that agreement means something.
"""

from fractions import Fraction


def wrap32(v):
    """v reduced to 32 bits, two's complement."""
    v &= 0xFFFFFFFF
    return v - (1 << 32) if v >> 31 else v


def clamp(v, low, high):
    return min(max(v, low), high)


def round_shift(v, s):
    """N-ROUND"""
    assert 1 <= s <= 62
    return (v + (1 << (s - 1))) >> s


def requantise(acc, bias, multiplier, shift, zero, low, high):
    """N-REQUANTISE; a record is read as docs/isa.md says: 31 bits of multiplier, 6 bits of shift, shift 0 rounds nothing."""
    multiplier &= 0x7FFFFFFF
    shift &= 63
    t = wrap32(acc + bias)
    product = t * multiplier
    value = product if shift == 0 else (product + (1 << (shift - 1))) >> shift
    return clamp(zero + value, low, high)


def quantize_multiplier(r):
    """N-MULTIPLIER of a Fraction r > 0; None where the rule says error."""
    f, e = Fraction(r), 0
    while f >= 1:
        f, e = f / 2, e + 1
    while f < Fraction(1, 2):
        f, e = f * 2, e - 1
    scaled = f * (1 << 31)
    m = int(scaled + Fraction(1, 2))  # positive: halves away from zero is floor(x + 1/2)
    if m == 1 << 31:
        m, e = 1 << 30, e + 1
    s = 31 - e
    if s > 62:
        excess = s - 62
        m = 0 if excess > 62 else round_shift(m, excess)
        s = 62
    if s < 1:
        return None
    return m, s


def dot(xs, ws, x_zero, w_zero):
    """N-DOT"""
    return wrap32(sum((x - x_zero) * (w - w_zero) for x, w in zip(xs, ws)))


def average(xs, x_zero, multiplier, shift, zero, low, high):
    """N-AVERAGE"""
    return requantise(wrap32(sum(x - x_zero for x in xs)), 0, multiplier, shift, zero, low, high)


def add(x, y, x_zero, y_zero, x_multiplier, y_multiplier, shift, zero, low, high):
    """N-ADD"""
    t = (x - x_zero) * x_multiplier + (y - y_zero) * y_multiplier
    return clamp(zero + round_shift(t, shift), low, high)


def multiply(x, y, x_zero, y_zero, multiplier, shift, zero, low, high):
    """N-MULTIPLY"""
    return clamp(zero + round_shift((x - x_zero) * (y - y_zero) * multiplier, shift), low, high)


def max_pool(xs, low, high):
    """N-MAXPOOL"""
    return clamp(max(xs), low, high)


def maximum(x, y, low, high):
    """N-MAXIMUM"""
    return clamp(max(x, y), low, high)


# What takes two numbers and the ends of the clamp, by mnemonic.
OF_TWO = {"maximum": maximum}


def table(x, entries):
    """N-TABLE"""
    return entries[x + 128]
