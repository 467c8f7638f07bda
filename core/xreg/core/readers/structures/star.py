"""The text of a CIF, which is a STAR file: data blocks, and in each the values by name.

Read by the grammar of CIF 1.1 (S. R. Hall and J. D. Westbrook, International Tables for
Crystallography G, chapter 2.2), which knows no lines but in texts between semicolons: ASE's parser
wants a row of a loop in lines of its own, and takes remarks behind values for part of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from xreg.core.errors import DataError

__all__ = ["cif_blocks", "tags_of"]

NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(\([0-9]+\))?")
WORD, GAP = re.compile(r"\S"), re.compile(r"\s|$")
CLOSING = {quote: re.compile(rf"{quote}(?=\s|$)") for quote in "'\""}
EXACT = 15  # digits of a whole number that a float holds too
# Names of which two different values cannot both be meant.
DECISIVE = ("_cell_", "_atom_site_", "_space_group", "_symmetry", "_chemical_formula_sum")


class Token(NamedTuple):
    """A text, whether it is quoted (then it is no name and no number), and its line."""

    text: str
    quoted: bool
    line: int


def cif_blocks(lines: Sequence[str]) -> Iterator[tuple[str, list[Token] | None]]:
    """Yield name and tokens of each data block, None where a text in it does not end.

    Tokens before the first block belong to none.
    """
    title: str | None = None
    block: list[Token] = []
    for token in _tokens(lines):
        if token is None:
            if title is not None:
                yield title, None
            return
        if not token.quoted and token.text[:5].lower() == "data_":
            if title is not None:
                yield title, block
            title, block = token.text[5:], []
        else:
            block.append(token)
    if title is not None:
        yield title, block


def tags_of(block: Sequence[Token] | None) -> dict[str, Any]:
    """Return the values of a block by name, in small letters; lists of those in loops.

    Words behind a name that lack their quotes are taken together, where they stand in its line.

    Raises
    ------
    DataError
        If a value has no name, a name no value, or a loop a row that is not whole; or if two values
        are given for what decides about atoms.
    """
    if block is None:
        raise DataError("a text in it begins with ';' and does not end so")
    tags: dict[str, Any] = {}
    names: list[str] = []
    values: list[Token] = []
    loop = False
    for token in block:
        word = "" if token.quoted else token.text.lower()
        if word.startswith("_") or word == "loop_":
            if loop and word != "loop_" and not values:
                names.append(word)
                continue
            _keep(tags, names, values, loop)
            loop = word == "loop_"
            names, values = [] if loop else [word], []
        elif word.startswith(("save_", "stop_", "global_")):
            raise DataError(f"it has '{token.text[:40]}', which a file of structures has not")
        elif loop or (names and token.line == (values or [token])[0].line):
            values.append(token)
        else:
            raise DataError(f"its value '{token.text[:40]}' belongs to no name")
    _keep(tags, names, values, loop)
    return tags


def _tokens(lines: Sequence[str]) -> Iterator[Token | None]:
    """Yield each token of a file; None last where a text between semicolons does not end."""
    text: list[str] | None = None
    for number, line in enumerate(lines):
        at = 0
        if line.startswith(";"):
            if text is None:
                text = [line[1:]]
                continue
            yield Token("\n".join(text).strip(), True, number)
            text, at = None, 1
        elif text is not None:
            text.append(line)
            continue
        unclosed = ""  # quotes with no end in this line, which are not looked for again
        while (found := WORD.search(line, at)) and line[found.start()] != "#":
            at, mark = found.start(), found[0]
            end = None
            if mark in CLOSING and mark not in unclosed:
                end = CLOSING[mark].search(line, at + 1)
                unclosed += "" if end else mark
            if end:
                yield Token(line[at + 1 : end.start()], True, number)
                at = end.end()
            else:
                gap = GAP.search(line, at)
                assert gap is not None  # an end of the line at the least
                yield Token(line[at : gap.start()], False, number)
                at = gap.start()
    if text is not None:
        yield None


def _value(token: Token) -> int | float | str:
    """Return a number without its uncertainty, or a text."""
    found = None if token.quoted else NUMBER.fullmatch(token.text)
    if not found:
        return token.text
    whole = found[1].lstrip("+-").isdigit() and not found[2] and len(found[1]) <= EXACT
    return int(found[1]) if whole else float(found[1])


def _keep(tags: dict[str, Any], names: Sequence[str], values: Sequence[Token], loop: bool) -> None:
    """Add the columns of a loop, or the value of a name."""
    if not names and (loop or values):
        raise DataError("a loop in it has no names")
    if names and not values and names[0].startswith(DECISIVE):
        raise DataError(f"its '{names[0]}' has no value")
    if not loop:
        found: list[Any] = [_value(values[0])] if len(values) == 1 else []
        found = found or [" ".join(token.text for token in values)]
    elif len(values) % len(names):
        raise DataError(
            f"its loop of '{names[0]}' has {len(values)} values for {len(names)} names: one of its "
            "rows is not whole"
        )
    else:
        found = [[_value(token) for token in values[i :: len(names)]] for i in range(len(names))]
    for name, value in zip(names, found, strict=False):
        if name in tags and tags[name] != value and name.startswith(DECISIVE):
            raise DataError(f"it says '{name}' twice: keep one of them")
        tags[name] = value
