"""Damage of which it is known what must not come of it: no number may change its value.

Each function takes a file's bytes or its path and returns how many of its points may be missing
without a word, so that the rest can be compared with the undamaged file.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from fuzzing.mutations import WORDS

# Words that are no numbers wherever they stand. A comment mark hides what stands behind it.
NO_NUMBERS = [
    b"nan", b"inf", b"", b"-", b"****", b"x", b"1.2.3", b"[", b"{{{{{{", b"!!x", b"0x10", b"--5", b"#",
    b"NaN", b"n/a", b"1e", b"e5", b"\xe2\x80\xa8", b'"', b"'", b"9" * 400, b"1e400", b"=", b"1__0",
]  # fmt: skip
COMMENT = b"#"


def damage_text(data: bytes, rng: random.Random) -> tuple[bytes, bool]:
    """Return a damaged text, and whether whole rows may lack in it without a trace."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(10):
        case 0:  # the end is missing
            cut = rng.randrange(1, len(data))
            return data[:cut], True
        case 1:
            del lines[at]
            return b"\n".join(lines), True
        case 2:
            return b"\n".join(lines).replace(b"\n", b"\r\n"), False
        case 3:
            return data.decode("utf-8").encode(rng.choice(("utf-16", "utf-8-sig"))), False
        case 4:  # a hole, as of a block that was never written
            start = rng.randrange(len(data))
            return data[:start] + bytes(rng.choice((1, 512))) + data[start + 512 :], False
        case 5:
            lines.insert(at, rng.choice((b"", b" ", b"\t", b"#", b"# a remark", lines[at])))
        case 6:
            lines[at] = lines[at].replace(b" ", b"\t")
        case 7:  # a block that stands elsewhere
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            words = lines[at].split(b" ")
            words[rng.randrange(len(words))] = rng.choice(NO_NUMBERS)
            lines[at] = b" ".join(words)
            return b"\n".join(lines), len(words) == 1
    return b"\n".join(lines), False


def damage_hdf5(path: Path, rng: random.Random) -> tuple[bool, bool]:
    """Damage a file of HDF5 in place.

    Returns
    -------
    tuple of bool
        Whether what it says may have changed its meaning, and whether an entry may lack.
    """
    import h5py

    with h5py.File(path, "r+") as file:
        found: list[str] = []
        file.visit(found.append)
        for _ in range(rng.choice((1, 1, 2, 3))):
            name = rng.choice(found)
            whole = "/" not in name
            if name in file and _change(file, name, found, rng):
                return True, True
            if whole and name not in file:
                return False, True
    return False, False


def _change(file: Any, name: str, found: list[str], rng: random.Random) -> bool:
    import h5py

    node = file.get(name)  # what leads to another file is not there
    if node is None:
        return False
    choice = rng.randrange(14)
    if isinstance(node, h5py.Group) or choice < 4:
        match choice % 4:
            case 0:
                del file[name]
            case 1:
                file.move(name, f"{name}{rng.choice(('_', 'x', '.old', 'é'))}")
                return True  # what is called otherwise may be something else
            case 2:
                kind = rng.choice((h5py.SoftLink(rng.choice(["/", "/none", *found])),
                                   h5py.ExternalLink("none.h5", "/"), h5py.SoftLink("/" + name)))  # fmt: skip
                del file[name]
                file[name] = kind
                return isinstance(kind, h5py.SoftLink)
            case _:
                key = rng.choice(("NX_class", "signal", "axes", "units", "default", "x"))
                node.attrs[key] = rng.choice(
                    ["", "x", 1, np.array(["a", "b"], "S1"), np.zeros((2, 3)), b"\xff\xfe", -1.5]
                )
                return True
        return False
    old, attributes = node[()], dict(node.attrs)
    new: Any
    if node.dtype.kind not in "fiu" or node.ndim == 0:
        new = rng.choice([b"\xff\xfe", "é" * 9, np.zeros(0), np.array(["a", "b"], "S1"), 5, 1e400])
        meaning = True
    else:
        holes = np.array(old, dtype=np.float64)
        holes[rng.randrange(len(holes) or 1) :][:1] = rng.choice((np.nan, np.inf, -np.inf))
        new, meaning = rng.choice(
            [(old[:-1], False), (holes, False), (old[:0], False), (old.astype("S12"), False),
             (np.stack([old, old]), False), (old.reshape(-1, 1), False), (old.reshape(1, -1), False),
             (old.astype("c16"), False), (np.array(old, [("v", "f8")]) if old.ndim == 1 else old, False),
             (np.full(old.shape, np.nan), False), (old > 1, False), (np.array(3.0), False)]
        )  # fmt: skip
    del file[name]
    file[name] = new
    for key, value in attributes.items():
        file[name].attrs[key] = value
    return bool(meaning)


__all__ = ["NO_NUMBERS", "WORDS", "damage_hdf5", "damage_text"]
