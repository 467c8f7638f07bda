"""Learned state on disk: one JSON file and one safetensors file, each byte accounted for.

Nothing executable is ever read: no pickle, no code.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import CorruptError, PluginError, XregError
from xreg.core.files import read_file

__all__ = [
    "RAW",
    "LearnedArrays",
    "canonical_json",
    "digest",
    "parse_json",
    "read",
    "read_meta",
    "reading",
    "write",
]

FORMAT = 1
META = "component.json"
ARRAYS = "arrays.safetensors"


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, the same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_json(text: str | bytes, what: str) -> dict[str, Any]:
    """Return the JSON object that a text from outside holds.

    Raises
    ------
    CorruptError
        If it is no JSON, no object, or nested beyond reason.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise CorruptError(f"{what} is not JSON; the file is damaged.") from None
    if not isinstance(body, dict):
        raise CorruptError(f"{what} is not what xreg writes; the file is damaged.")
    return body


def digest(data: bytes | str) -> str:
    """Return the SHA-256 of bytes or text, in hex."""
    # A lone surrogate, which JSON can spell, is no reason to fail.
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return hashlib.sha256(raw).hexdigest()


def write(folder: Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write JSON values and arrays into ``folder``, with a hash over both."""
    from safetensors.numpy import save

    for key, value in arrays.items():
        if np.asarray(value).dtype.kind not in "biufc":
            raise PluginError(
                f"{_owner(meta)} cannot be saved: its array '{key}' is of {np.asarray(value).dtype}"
                ", which is no array of numbers; keep what it stands for as JSON values."
            )
    body = {"format": FORMAT, **meta}
    _require_json(body, meta)
    folder.mkdir(parents=True, exist_ok=True)
    blob = save({key: np.asarray(value, order="C") for key, value in arrays.items()})
    # Through JSON once, so that the digest is of what a reader will see.
    body = json.loads(json.dumps({**body, "arrays": digest(blob)}))
    body["digest"] = digest(canonical_json(body))
    (folder / ARRAYS).write_bytes(blob)
    (folder / META).write_text(
        json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _owner(meta: Mapping[str, Any]) -> str:
    return f"{meta.get('kind', 'component')} '{meta.get('name', '')}'".replace(" ''", "")


def _require_json(body: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Refuse what JSON cannot hold, with its name and the way out."""
    state = body.get("state")
    values = dict(state) if isinstance(state, Mapping) else dict(body)
    for key, value in values.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            raise PluginError(
                f"{_owner(meta)} cannot be saved: its '{key}' ({type(value).__name__}) is neither "
                "an array of numbers nor a JSON value; return what it takes to rebuild it "
                "from state(), and rebuild it in restore() (trees of scikit-learn: "
                "xreg.core.emulators.trees)."
            ) from None


def read_meta(folder: Path) -> dict[str, Any]:
    """Read the JSON values of what :func:`write` wrote, checked against their digest.

    Raises
    ------
    CorruptError
        If the file is missing, a byte changed, or the format is newer than this xreg.
    """
    place = folder / META
    try:
        text = read_file(place)
    except OSError as error:
        raise CorruptError(
            f"{place} is missing ({error.strerror}); the saved model is incomplete."
        ) from None
    body = parse_json(text, str(place))
    stated = body.pop("digest", None)
    if stated != digest(canonical_json(body)):
        raise CorruptError(f"{place} does not match its own digest; the file was changed.")
    if body.get("format") != FORMAT:
        raise CorruptError(
            f"{folder} has format {body.get('format')}; this xreg reads format {FORMAT}."
        )
    return body


def read(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what :func:`write` wrote.

    Raises
    ------
    CorruptError
        If a file is missing, a byte changed, or the format is newer than this xreg.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    body = read_meta(folder)
    try:
        blob = read_file(folder / ARRAYS, sys.maxsize)
    except OSError as error:
        raise CorruptError(
            f"{folder / ARRAYS} is missing ({error.strerror}); the saved model is incomplete."
        ) from None
    if digest(blob) != body.pop("arrays", None):
        raise CorruptError(f"{folder / ARRAYS} does not match its hash; the file was changed.")
    try:
        return body, load(blob)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError):
        raise CorruptError(f"{folder / ARRAYS} holds no arrays; the file is damaged.") from None


RAW = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
"""What code raises that meets content which it was not written for."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Tell what goes wrong while saved state is taken back: the state is at fault, not xreg.

    Raises
    ------
    CorruptError
        In place of every error that is not told in words already.
    """
    try:
        yield
    except XregError:
        raise
    except RAW as error:
        text = " ".join(str(error).split())[:120]
        raise CorruptError(
            f"{what} holds what does not belong together ({type(error).__name__}: {text}); get "
            "it anew, or train it again."
        ) from error


@dataclass(frozen=True, eq=False)
class LearnedArrays:
    """Something learned, each of whose fields is an array."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything by name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """Take back what :meth:`arrays` returned; None where there is nothing."""
        return cls(**arrays) if arrays else None
