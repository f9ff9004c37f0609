"""Hashes of texts, the same in every process: those of Keras's hashing and lookup layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish.errors import brief

FULL = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def buckets(tokens: Iterable[Any], count: int, salt: Any = None) -> np.ndarray:
    """A number from 0 to ``count - 1`` for each token; whole numbers are hashed as texts.

    By FarmHash64, or by SipHash64 with a `salt` of two whole numbers, as in TensorFlow.

    >>> buckets(["A", "B", "C", "D", "E"], 3)
    array([1, 0, 1, 1, 2])
    """
    known: dict[Any, int] = {}
    numbers = []
    for token in tokens:
        number = known.get(token)
        if number is None:
            data = str(token).encode()
            hashed = farmhash64(data) if salt is None else siphash64(data, salt[0], salt[1])
            number = known[token] = hashed % count
        numbers.append(number)
    return np.array(numbers, np.int64)


def hashed(x: np.ndarray, bins: int, mask: Any = None, salt: Any = None) -> np.ndarray:
    """The hash of each element below `bins`, floats cut to whole numbers; 0 is that of `mask`."""
    values = x.astype(np.int64) if x.dtype.kind in "bf" else x
    if mask is None or bins == 1:
        return buckets(values.ravel().tolist(), bins, salt).reshape(x.shape)
    found = buckets(values.ravel().tolist(), bins - 1, salt).reshape(x.shape)
    return np.where(x == mask, 0, found + 1)


def salt_pair(owner: str, salt: Any) -> list[int] | None:
    """The two halves of the key that an argument `salt` stands for."""
    if salt is None:
        return None
    if isinstance(salt, int) and not isinstance(salt, bool):
        return [salt, salt]
    if isinstance(salt, list | tuple) and [type(n) for n in salt] == [int, int]:
        return list(salt)
    raise ValueError(
        f"{owner}: `salt` must be a whole number, or a list of 2 whole numbers, but is "
        f"{brief(salt)}."
    )


def farmhash64(data: bytes) -> int:
    """FarmHash's `Fingerprint64` (Geoff Pike, farmhashna), which never changes.

    >>> farmhash64(b"test")
    8581389452482819506
    """
    size = len(data)
    if size > 64:
        return _long(data)
    mul = K2 + size * 2
    if size > 32:
        return _to_64(data, mul)
    if size > 16:
        a, b = _word(data, 0) * K1, _word(data, 8)
        c, d = _word(data, size - 8) * mul, _word(data, size - 16) * K2
        u = _turn(a + b, 43) + _turn(c, 30) + d
        return _mix(u, a + _turn(b + K2, 18) + c, mul)
    if size >= 8:
        a, b = _word(data, 0) + K2, _word(data, size - 8)
        c, d = _turn(b, 37) * mul + a, (_turn(a, 25) + b) * mul
        return _mix(c, d, mul)
    if size >= 4:
        a, b = (int.from_bytes(data[i : i + 4], "little") for i in (0, size - 4))
        return _mix(size + (a << 3), b, mul)
    if size:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[-1] << 2)
        return (_fold((y * K2 ^ z * K0) & FULL) * K2) & FULL
    return K2


def _to_64(data: bytes, mul: int) -> int:
    size = len(data)
    a, b = _word(data, 0) * K2, _word(data, 8)
    c, d = _word(data, size - 8) * mul, _word(data, size - 16) * K2
    y = (_turn(a + b, 43) + _turn(c, 30) + d) & FULL
    z = _mix(y, a + _turn(b + K2, 18) + c, mul)
    e, f = _word(data, 16) * mul, _word(data, 24)
    g, h = (y + _word(data, size - 32)) * mul, (z + _word(data, size - 24)) * mul
    return _mix(_turn(e + f, 43) + _turn(g, 30) + h, e + _turn(f + a, 18) + g, mul)


def _long(data: bytes) -> int:
    """64 bytes at a time, the last 64 with another factor."""
    last = len(data) - 64
    x, y = 81, (81 * K1 + 113) & FULL
    z = (_fold((y * K2 + 113) & FULL) * K2) & FULL
    v, w = (0, 0), (0, 0)
    x = (x * K2 + _word(data, 0)) & FULL
    for at in range(0, (len(data) - 1) // 64 * 64, 64):
        x = _turn(x + y + v[0] + _word(data, at + 8), 37) * K1 & FULL
        y = _turn(y + v[1] + _word(data, at + 48), 42) * K1 & FULL
        x ^= w[1]
        y = (y + v[0] + _word(data, at + 40)) & FULL
        z = _turn(z + w[0], 33) * K1 & FULL
        v = _weak(data, at, v[1] * K1, x + w[0])
        w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
        x, z = z, x
    mul = K1 + ((z & 0xFF) << 1)
    w0 = w[0] + ((len(data) - 1) & 63)
    v0 = v[0] + w0
    w0 += v0
    x = _turn(x + y + v0 + _word(data, last + 8), 37) * mul & FULL
    y = _turn(y + v[1] + _word(data, last + 48), 42) * mul & FULL
    x ^= (w[1] * 9) & FULL
    y = (y + v0 * 9 + _word(data, last + 40)) & FULL
    z = _turn(z + w0, 33) * mul & FULL
    v = _weak(data, last, v[1] * mul, x + w0)
    w = _weak(data, last + 32, z + w[1], y + _word(data, last + 16))
    x, z = z, x
    u = _mix(v[0], w[0], mul) + _fold(y) * K0 + z
    return _mix(u, _mix(v[1], w[1], mul) + x, mul)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_word(data, at + i) for i in (0, 8, 16, 24))
    a += w
    b = _turn(b + a + z, 21)
    start = a
    a += x + y
    b += _turn(a, 44)
    return (a + z) & FULL, (b + start) & FULL


def _mix(u: int, v: int, mul: int) -> int:
    v &= FULL
    a = _fold(((u & FULL) ^ v) * mul & FULL)
    return _fold((v ^ a) * mul & FULL) * mul & FULL


def _fold(value: int) -> int:
    return value ^ (value >> 47)


def _turn(value: int, right: int) -> int:
    value &= FULL
    return (value >> right) | (value << (64 - right)) & FULL


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def siphash64(data: bytes, key0: int, key1: int) -> int:
    """SipHash-2-4 (Aumasson and Bernstein 2012) with a key of two whole numbers."""
    key0, key1 = key0 & FULL, key1 & FULL
    v = [
        key0 ^ 0x736F6D6570736575,
        key1 ^ 0x646F72616E646F6D,
        key0 ^ 0x6C7967656E657261,
        key1 ^ 0x7465646279746573,
    ]
    whole = len(data) // 8 * 8
    words = [_word(data, at) for at in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[int], count: int) -> None:
    a, b, c, d = v
    for _ in range(count):
        a = (a + b) & FULL
        b = _turn(b, 51) ^ a
        a = _turn(a, 32)
        c = (c + d) & FULL
        d = _turn(d, 48) ^ c
        a = (a + d) & FULL
        d = _turn(d, 43) ^ a
        c = (c + b) & FULL
        b = _turn(b, 47) ^ c
        c = _turn(c, 32)
    v[:] = a, b, c, d
