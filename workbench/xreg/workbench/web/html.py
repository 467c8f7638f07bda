"""What every page that opens in a browser needs: templates that escape, and a policy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from xreg.core.text import printable, with_unit, without_credentials

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "json_text", "policy", "resource", "sound", "web_address"]

# What ends a script element, opens a comment in one, or ends a line of JavaScript.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
SEPARATORS = {"\u2028": "\\u2028", "\u2029": "\\u2029"}


@cache
def environment(*rooms: str) -> Environment:
    """Return an environment of the templates in packages; every value in them is escaped."""
    from jinja2 import ChoiceLoader, Environment, FunctionLoader, StrictUndefined

    def loader(room: str) -> FunctionLoader:
        folder = resources.files(room)

        def load(name: str) -> str | None:
            file = folder / name
            return file.read_text(encoding="utf-8") if file.is_file() else None

        return FunctionLoader(load)

    made = Environment(
        loader=ChoiceLoader([loader(room) for room in rooms]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "address": web_address,
        "quote": shlex.quote,
        "sound": sound,
        "with_unit": with_unit,
    }
    return made


def resource(room: str, name: str) -> str:
    """Return a text file that stands beside a module."""
    return (resources.files(room) / name).read_text(encoding="utf-8")


def sound(value: object) -> str:
    """Return foreign text for a page: nothing that steers it or hides in it, no credential."""
    return printable(without_credentials(str(value)))


def web_address(text: str) -> str:
    """Return a text that is an address of the web, without credentials; nothing for any other.

    ``javascript:``, ``data:`` and ``file:`` are addresses too, which a stranger could have run.
    """
    clean = without_credentials(text.strip())
    if re.search(r"[\x00-\x20\x7f\\]", clean) or printable(clean) != clean:
        return ""
    try:
        parts = urlsplit(clean)
        return clean if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def json_text(value: Any) -> str:
    """Return JSON that can stand in a script element: no text in it ends that."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # JSON has these characters inside texts alone, where an escape means the same.
    for character, escape in (UNSAFE | SEPARATORS).items():
        text = text.replace(character, escape)
    return text


def policy(scripts: Iterable[str] = (), styles: Iterable[str] = (), *, files: bool = False) -> str:
    """Return a Content Security Policy: nothing runs or loads but what is named.

    Parameters
    ----------
    scripts, styles
        Contents of the elements that stand in the page.
    files
        Whether scripts, styles and pictures beside the page are allowed too, also from a disk.
    """
    beside = ["'self'", "file:"] if files else []
    rules = {
        "default-src": ["'none'"],
        "script-src": [*beside, *map(_hash, scripts)],
        "style-src": [*beside, *map(_hash, styles)],
        "img-src": [*beside, "data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(found or [_NONE])}" for name, found in rules.items())


_NONE = "'none'"


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
