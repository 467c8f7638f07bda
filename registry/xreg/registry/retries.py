"""Faults of a transport that pass, told from those that stay; patience with the former."""

from __future__ import annotations

import errno
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from xreg.core.errors import XregError
from xreg.core.files import DISK_ERRORS

__all__ = ["TransientError", "retry"]

T = TypeVar("T")

# Of 23 objects from a server that fails a third of all answers, one stays out in 25,000 pulls.
TRIES = 12
TRIES_WITHOUT_ANSWER = 3
FIRST_DELAY, LONGEST_DELAY = 0.05, 4.0  # seconds
BUSY = frozenset({408, 425, 429})
# Packages whose exceptions are about a connection, unless they say otherwise.
TRANSPORTS = frozenset({"aiobotocore", "aiohttp", "aiohttp_retry", "aiosftp", "asyncio", "asyncssh",
                        "azure", "botocore", "google", "http", "requests", "s3fs", "sshfs",
                        "urllib3"})  # fmt: skip
# Those that say otherwise: who asks is not let in, or asks for the wrong thing.
FINAL = frozenset({"ConfigNotFound", "HostKeyNotVerifiable", "InvalidRegionError", "InvalidURL",
                   "KeyImportError", "NoCredentialsError", "NoRegionError", "NonHttpUrlClientError",
                   "ParamValidationError", "PartialCredentialsError", "PermissionDenied",
                   "ProfileNotFound", "RefreshError", "SFTPNoSuchFile", "SFTPPermissionDenied",
                   "TooManyRedirects"})  # fmt: skip
ABSENT = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN)


class TransientError(Exception):
    """Something that may go well the next time."""


def retry(once: Callable[[], T]) -> T:
    """Return what ``once`` returns; faults that pass are waited out, longer each time.

    Raises
    ------
    Exception
        The last one, unchanged: at once where it will stay; after twelve tries where it may pass;
        after three where no server answers at all.
    """
    delay = FIRST_DELAY
    for tries in range(1, TRIES + 1):
        try:
            return once()
        except Exception as error:
            most = _tries(error)
            if tries >= most:
                raise
        time.sleep(delay * random.uniform(0.7, 1.3))
        delay = min(2 * delay, LONGEST_DELAY)
    raise AssertionError("the last try returns or raises")


def _tries(error: Exception) -> int:
    """Return how often to try what ended in this."""
    if isinstance(error, XregError | FileNotFoundError | ImportError):
        return 1
    if isinstance(error, TransientError):
        return TRIES
    chain = list(_chain(error))
    for one in chain:
        status = _status(one)
        if status is not None:
            return TRIES if status >= 500 or status in BUSY else 1
    names = {type(one).__name__ for one in chain}
    if names & FINAL or any(isinstance(one, ssl.SSLCertVerificationError) for one in chain):
        return 1
    if any(_absent(one) for one in chain):
        return TRIES_WITHOUT_ANSWER
    return TRIES if any(_of_transport(one) for one in chain) else 1


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those behind it."""
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that an exception carries."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        value = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return value if isinstance(value, int) else None
    # The parser of aiohttp has a code, too, by which a server would answer a broken request.
    names = {"aiohttp": "status", "azure": "status_code", "google": "code", "gcsfs": "code"}
    package = type(error).__module__.partition(".")[0]
    value = getattr(error, names.get(package, ""), None)
    return value if isinstance(value, int) and 100 <= value < 600 else None


def _absent(error: BaseException) -> bool:
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return True
    if type(error).__name__ in ("ClientConnectorDNSError", "EndpointConnectionError"):
        return True
    return isinstance(error, OSError) and error.errno in ABSENT


def _of_transport(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno not in (*DISK_ERRORS, errno.ENOTDIR, errno.EISDIR, errno.ENOENT)
    if isinstance(error, EOFError | TimeoutError):
        return True
    return type(error).__module__.partition(".")[0] in TRANSPORTS
