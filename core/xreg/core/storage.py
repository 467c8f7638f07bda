"""Learned state on disk: one JSON file and one safetensors file, each byte accounted for.

Nothing executable is ever read: no pickle, no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import CorruptError

__all__ = ["canonical_json", "digest", "read", "write"]

FORMAT = 1
META = "component.json"
ARRAYS = "arrays.safetensors"


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces, the same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(data: bytes | str) -> str:
    """Return the SHA-256 of bytes or text, in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def write(folder: Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write JSON values and arrays into ``folder``, with a hash over both."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    blob = save({key: np.asarray(value, order="C") for key, value in arrays.items()})
    body = {"format": FORMAT, **meta, "arrays": digest(blob)}
    # Through JSON once, so that the digest is of what a reader will see.
    body = json.loads(json.dumps(body))
    body["digest"] = digest(canonical_json(body))
    (folder / ARRAYS).write_bytes(blob)
    (folder / META).write_text(
        json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def read(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what :func:`write` wrote.

    Raises
    ------
    CorruptError
        If a file is missing, a byte changed, or the format is newer than this xreg.
    """
    from safetensors.numpy import load

    try:
        body = json.loads((folder / META).read_text(encoding="utf-8"))
        blob = (folder / ARRAYS).read_bytes()
    except FileNotFoundError as error:
        raise CorruptError(f"{error.filename} is missing; the saved model is incomplete.") from None
    except ValueError:
        raise CorruptError(f"{folder / META} is not JSON; the file is damaged.") from None
    if not isinstance(body, dict):
        raise CorruptError(f"{folder / META} is not what xreg writes; the file is damaged.")
    stated = body.pop("digest", None)
    if stated != digest(canonical_json(body)):
        raise CorruptError(f"{folder / META} does not match its own digest; the file was changed.")
    if body.get("format") != FORMAT:
        raise CorruptError(
            f"{folder} has format {body.get('format')}; this xreg reads format {FORMAT}."
        )
    if digest(blob) != body.pop("arrays"):
        raise CorruptError(f"{folder / ARRAYS} does not match its hash; the file was changed.")
    return body, load(blob)
