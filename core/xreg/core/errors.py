"""The errors that a user of xreg can meet.

Every message is one sentence that says what failed, on which item, and what to do. The command
line prints it without a traceback and exits with the error's ``exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from xreg.core.text import without_credentials


class XregError(Exception):
    """Base of all errors that xreg raises on purpose; a bad request unless a child says else.

    Whatever URL its message quotes, no credential of it stays.
    """

    exit_code = 2

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(without_credentials(a) if isinstance(a, str) else a for a in arguments))


class ConfigError(XregError):
    """A setting is unknown, of the wrong type, or out of its bounds."""


class ConsentError(XregError):
    """Code that came with a dataset, model or recipe would run, and the user has not agreed."""


class UnknownNameError(XregError, KeyError):
    """A plugin, dataset, version, channel, label or key of that name does not exist.

    Also a ``KeyError``, so that mappings which raise it keep ``in`` and ``get``.
    """

    __str__ = Exception.__str__  # a KeyError would print its sentence in quotes


class PluginError(XregError):
    """A plugin is broken, in conflict with another, or breaks its interface."""


class MissingRequirementError(XregError):
    """A component needs a package or program that is not installed."""


class DataError(XregError):
    """Data are malformed: wrong shape, not finite, unmatched, or not as their schema says."""


class CorruptError(DataError):
    """Stored data differ from what their hash or schema promises."""


class SampleError(DataError):
    """One sample cannot be processed; the driver records it by id and goes on."""


class OutsideError(SampleError):
    """One sample is of a kind that no training sample was: an element, an absorber, a formula.

    Or it is one that the method says nothing of, as a site without neighbours.

    It is no fault of the data; a run leaves the sample out, says so, and goes on.
    """


class NotApplicableError(DataError):
    """An analysis cannot say anything about this model or these data."""


class NotFittedError(XregError):
    """A method was used before ``fit``."""


class RunError(XregError):
    """A request was good, but carrying it out failed."""

    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or a list of what there is, or nothing."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" (there are: {shown})"
