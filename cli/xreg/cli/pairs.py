"""Options of the form NAME=VALUE and LOW:HIGH."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xreg.core.errors import ConfigError

__all__ = ["numbers", "pairs"]


def pairs(option: str, texts: Sequence[str] | None) -> Iterator[tuple[str, str]]:
    """Yield name and value of each ``NAME=VALUE``.

    Raises
    ------
    ConfigError
        If a text has no ``=``, or a name stands twice.
    """
    seen: set[str] = set()
    for text in texts or []:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise ConfigError(f"{option} takes NAME=VALUE, got '{text}'.")
        if name in seen:
            raise ConfigError(f"{option} names '{name}' twice; give it once.")
        seen.add(name)
        yield name, value


def numbers(option: str, text: str, count: int) -> tuple[float, ...]:
    """Return the numbers of ``0.5`` or ``LOW:HIGH``.

    Raises
    ------
    ConfigError
        If there are fewer or more of them, or one is no number.
    """
    try:
        found = tuple(float(part) for part in text.split(":"))
    except ValueError:
        found = ()
    if len(found) != count:
        wanted = "LOW:HIGH" if count == 2 else "a number"
        raise ConfigError(f"{option} takes {wanted}, got '{text}'.")
    return found
