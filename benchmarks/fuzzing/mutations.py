"""Mutations of texts, bytes and JSON values."""

from __future__ import annotations

import copy
import json
import random
import struct
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, 1, 2, -1, 7.5, -1e-300, 1e308, float("nan"), float("inf"), 10**12, 10**40,
    -(10**18), "", "x", "é\x00", "\x1b[2J", "../../x", "/etc/passwd", "nan", "1e999", "0x10",
    "x" * 5000, "\ud800", [], {}, [[]], [None], {"": None}, [1, "a", None], {"name": {"name": 1}},
    [[[[[[[[]]]]]]]], "os:system", "1.0.0", "a\nb", "${x}", "inf", [10**9] * 3, ["a"] * 300,
]  # fmt: skip


WORDS = [
    b"nan", b"inf", b"-1", b"1e400", b"1000000000000", b"0", b"", b"1.2-101", b"1D+03", b"1,5",
    b"\x00", b"\xff\xfe", b"#", b"\r", b"\n\n\n", b"[", b"{{{{{{", b"*a", b"&a [*a, *a]", b"!!x",
    b"\t", b"'", b'"', b":", b"-" * 3, b"9" * 400, b"e", b"Xx", b"3", b"=", b"\xe2\x80\xa8", b";",
]  # fmt: skip


def mutate_json(value: Any, rng: random.Random) -> Any:
    """Return JSON values with one to three places changed."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return copy.deepcopy(rng.choice(ODD))
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1:
                other, name = rng.choice(places)
                holder[key] = _get(other, name, holder[key])
            case 2 if isinstance(holder, dict):
                holder[rng.choice(["x", "", "name", "each", "__class__"])] = copy.deepcopy(
                    rng.choice(ODD)
                )
            case 3 if isinstance(holder[key], list) and holder[key]:
                holder[key] = holder[key] * rng.choice((0, 2, 50)) + [
                    copy.deepcopy(rng.choice(ODD))
                ]
            case 4 if isinstance(holder[key], int | float):
                holder[key] = rng.choice((holder[key] * 1000, -holder[key], holder[key] + 1, 0.5))
            case _:
                holder[key] = copy.deepcopy(rng.choice(ODD))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _places(inner)
    return found


def _get(holder: Any, key: Any, default: Any) -> Any:
    try:
        return json.loads(json.dumps(holder[key]))
    except (LookupError, TypeError):
        return default


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with one to six places changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(6):
            case 0 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                del out[at : at + rng.choice((1, 4, 40, 4000))]
            case 2:
                out[at:at] = rng.choice(WORDS)
            case 3:
                end = at + rng.randrange(200)
                out[at:at] = out[at:end]
            case 4 if out:
                out[at : at + 4] = struct.pack("<I", rng.choice((0, 1, 2**31, 2**32 - 1, 10**6)))
            case _:
                del out[rng.randrange(len(out) + 1) :]
    return bytes(out)


def mutate_text(data: bytes, rng: random.Random) -> bytes:
    """Return text with words, lines or bytes changed."""
    if rng.random() < 0.25:
        return mutate_bytes(data, rng)
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 2:
                lines.insert(at, b"")
            case _:
                words = lines[at].split(b" ")
                words[rng.randrange(len(words))] = rng.choice(WORDS)
                lines[at] = b" ".join(words)
    text = b"\n".join(lines)
    match rng.randrange(8):
        case 0:
            return text.replace(b"\n", b"\r\n")
        case 1:
            return text.decode("latin-1").encode("utf-16")
        case _:
            return text
