"""Reading a million rows of integers from SQLite without a million rows of Python objects.

SQLite hands out values one by one, each as an object; that takes three quarters of the time. But its function
`char(x, …)` makes one character of each number, and `group_concat` one text of many rows, so a whole batch comes as one
object, and numpy reads it as it stands. Each character carries 20 bits: the code points from U+10000 to U+10FFFF are
exactly 2^20, and none of them means anything to UTF-8 or to SQLite.

A number beyond its room shows as a character below U+10000, because `char` replaces what is no code point; its row is
named, and the caller reads it in the plain way. So every answer is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

BITS = 20
_BASE = 1 << 16
_MASK = (1 << BITS) - 1
_MIDDLE = 1 << (BITS - 1)


def packing(columns: Sequence[str], *, wide: Sequence[str], signed: Sequence[str]) -> str:
    """The SQL expression that packs a row: 20 bits a column, 40 if it is `wide`; half of that below zero if `signed`."""
    parts = []
    for name in columns:
        offset = _BASE + _MIDDLE if name in signed else _BASE
        if name in wide:
            parts += [f"({name} & {_MASK}) + {_BASE}", f"({name} >> {BITS}) + {offset}"]
        else:
            parts.append(f"{name} + {offset}")
    return f"char({', '.join(parts)})"


def unpacked(
    packed: bytes, columns: Sequence[str], *, wide: Sequence[str], signed: Sequence[str]
) -> tuple[Ints, NDArray[np.intp]]:
    """The rows of a text of one or more packed rows, shape (n, columns), and the places of those that hold a number
    beyond its room; what stands in these rows is wrong."""
    import numpy as np

    width = len(columns) + sum(name in wide for name in columns)
    characters = packed.decode("utf-8", "surrogatepass").encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(characters, "<u4").reshape(-1, width)
    beyond = np.empty(0, np.intp) if codes.min() >= _BASE else np.flatnonzero(codes.min(axis=1) < _BASE)
    out = np.empty((len(columns), len(codes)), np.int64)  # a column is one piece of memory
    at = 0
    for name, column in zip(columns, out, strict=True):
        offset = _BASE + _MIDDLE if name in signed else _BASE
        if name in wide:
            np.subtract(codes[:, at + 1], offset, out=column, dtype=np.int64)
            column <<= BITS
            column += codes[:, at]
            column -= _BASE
            at += 2
        else:
            np.subtract(codes[:, at], offset, out=column, dtype=np.int64)
            at += 1
    return out.T, beyond
