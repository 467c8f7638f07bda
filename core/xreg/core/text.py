"""Text: numbers in words, and what comes from elsewhere without steering or credentials."""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "ascii_line",
    "counted",
    "one_line",
    "printable",
    "superscript",
    "with_unit",
    "without_credentials",
]

# Controls, format characters (bidirectional overrides, zero widths, tags), lone surrogates, and
# the line ends that only Unicode knows. A joiner is part of how some languages are spelt.
STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
# Texts, not patterns: compiling them takes longer than printing a list of plugins may.
PLAIN = r"[\n\t\x20-\x7e]*"

# Each part has a bound, so that the time which a text takes grows with its length, not its square:
# a stranger's title may be a million letters of what could be a scheme.
SCHEME = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,40})://"
# Digits alone are a port.
NO_PORT = r"(?!\d+(?:[/?#\s]|$))(?!\s)"
# A password with an @ and a slash in it: what follows the last @ is the host.
LONG_PASSWORD = (
    SCHEME + r"(?P<user>[^\s@/?#:'\"<>]{0,400}):" + NO_PORT + r"[^\s'\"<>]{1,500}@(?=[A-Za-z\[])"
)
USER_INFORMATION = SCHEME + r"(?P<user>[^\s/?#'\"<>]*)\s{0,40}@"
# A password with a slash or a blank in it, or a line feed with no blank up to the @.
LOOSE_PASSWORD = (
    SCHEME + r"(?P<user>[^\s@/?#:'\"<>]{0,400}) ?:" + NO_PORT + r"[^'\"<>@\r\n]{1,200}"
    r"(?:[\r\n]+[^\s'\"<>@]{0,200}){0,4}@"
)
# What is no URL, for want of slashes or of a scheme: 'https:me:TOKEN@host', 'me:TOKEN@host:path'.
LOOSE_URL = (
    r"(?:(?<![\w/@])|(?<=\w{100}))(?!mailto:)(?P<begin>//|[A-Za-z][A-Za-z0-9+.-]{0,40}:/?)?"
    r"[\w.~%-]{1,200}:[^\s/@'\"<>]{1,200}@"
    r"(?=[A-Za-z\[]|\d+\.\d+\.\d+\.\d+)"
)
# Schemes whose user name says whose account it is on the server; elsewhere it may be a token.
ACCOUNTS = frozenset({"ssh", "git+ssh", "ssh+git", "sftp"})
QUERY = (
    r"(?i)(?P<key>[?&;#](?:[A-Za-z0-9._-]{0,200}(?:token|jwt|bearer|secret|password|passwd|pwd|signature|credential"
    r"|api[_-]?key|access[_-]?key(?:id)?|account[_-]?key|auth(?:orization)?)|sig|key|code|pat"
    r"|x-amz-[a-z-]+|x-goog-[a-z-]+)|(?<=:/)/[^\s'\"<>?#]{0,300}/(?:[a-z_-]{0,40}token|secret|password))"
    r"=[^&\s#'\"<>;]+"
)
# What is a token by its form alone, wherever it stands: GitHub's, GitLab's, Hugging Face's,
# Slack's, those of npm, PyPI and clouds, JSON web tokens, private keys.
TOKEN = (
    r"(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|gl[a-z]{2,5}-[\w-]{18,}"
    r"|hf_[A-Za-z0-9]{24,}|xox[a-z]-[\w-]{10,}|npm_[A-Za-z0-9]{24,}|pypi-[\w-]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{30,}|eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*-----)?)"
)
# In a URL a shorter one is one, too.
TOKEN_IN_URL = (
    r"(?P<before>://[^\s'\"<>]{0,300}?[/=])(?:gh[pousr]_[A-Za-z0-9]+|github_pat_\w+|glpat-[\w-]+"
    r"|(?<=/token/)[^\s'\"<>/?#]+)"
)
QUOTED_URL = r"[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s'\"<>%]{0,300}%[^\s'\"<>]+"
SETTING = (
    r"(?i)(?P<key>(?:passw(?:or)?d|secret[_-]?(?:access[_-]?)?key|api[_-]?key"
    r"|(?:access|auth|private|session|bearer)[_-]?token)['\"]?\s*=\s*['\"]?"
    r"|(?:api-key|\b(?:set-)?cookie)['\"]?\s*:\s*['\"]?"
    r"|(?:passw(?:or)?d|secret|token)['\"]\s*:\s*['\"])[^\s'\",;&]+"
)
# As YAML has it, without quotes: a key and one word, and nothing else in the line or the braces.
PLAIN_SETTING = (
    r"(?im)(?P<key>(?:^|[{,'\"])[ \t]*(?:-[ \t]+)?[\w.-]*"
    r"(?:passw(?:or)?d|secret|token|access[_-]key|api[_-]?key)[ \t]*:[ \t]+)"
    r"[^\s'\",;&{}\[\]*]+(?=[ \t]*(?:$|[},'\"]))"
)
TOKENS = ("gh", "gl", "hf_", "xox", "npm_", "pypi-", "AKIA", "ASIA", "AIza", "eyJ", "-----BEGIN",
          "/token/")  # fmt: skip
SECRETS = ("passw", "secret", "key", "token", "cookie")
LAYERS = 8
HEADER = (
    r"(?i)(?P<key>\bAuthorization['\"]?\s*[:=]\s*['\"]?(?:(?:Basic|Bearer|Digest|Token)\s+)?)"
    r"[^\s'\",;]+"
)


def printable(text: str) -> str:
    """Return text in which every character that steers a terminal is written out in its number.

    Line feeds and tabs stay; for text that must not begin a line of its own see :func:`one_line`.
    """
    if re.fullmatch(PLAIN, text):
        return text
    return "".join(
        c
        if c in "\n\t" or c in JOINERS or unicodedata.category(c) not in STEERING
        else _written_out(c)
        for c in text
    )


def ascii_line(text: str) -> str:
    """Return a text on one line with all but ASCII written out: letters that look like others."""
    return one_line(text).encode("ascii", "backslashreplace").decode()


def one_line(text: str) -> str:
    """Return :func:`printable` text whose line feeds and tabs are written out too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _written_out(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def without_credentials(text: str) -> str:
    """Return text in which no URL holds a user's name, password or token.

    Of ``https://user:token@host`` stays ``https://host``, of ``ssh://git:word@host`` stays
    ``ssh://git@host``; values such as ``?token=…`` and ``X-Amz-Signature=…`` become ``***``, and
    so does what follows ``Authorization:`` or ``password=``, and what is a token by its form, in a
    path, too. Of what is nearly a URL, ``me:token@host``, the part before the host becomes ``***``.
    """
    text = _without_plain(text)
    return re.sub(QUOTED_URL, _without_quoted, text) if "%" in text and "://" in text else text


def _without_plain(text: str) -> str:
    if any(sign in text for sign in TOKENS):
        text = re.sub(TOKEN, "***", text)
        text = re.sub(TOKEN_IN_URL, r"\g<before>***", text)
    if "@" in text:
        text = re.sub(LONG_PASSWORD, _without_user, text)
        text = re.sub(USER_INFORMATION, _without_user, text)
        text = re.sub(LOOSE_PASSWORD, r"\g<scheme>://", text)
        text = re.sub(LOOSE_URL, r"\g<begin>***@", text)
    if "=" in text:
        text = re.sub(QUERY, r"\g<key>=***", text)
    lower = text.lower()
    if any(word in lower for word in SECRETS):
        text = re.sub(SETTING, r"\g<key>***", text)
        text = re.sub(PLAIN_SETTING, r"\g<key>***", text)
    if "uthorization" in lower:
        text = re.sub(HEADER, r"\g<key>***", text)
    return text


def _without_quoted(found: re.Match[str]) -> str:
    """Return a URL as it is, or without the credential that its %XX hide."""
    from urllib.parse import unquote  # takes long where nothing else needs it

    plain = found[0]
    for _ in range(LAYERS):
        quoted, plain = plain, unquote(plain)
        if plain == quoted:
            return found[0]
        clean = _without_plain(plain)
        if clean != plain:
            return clean
    return "***"  # nobody quotes so often but to hide something


def _without_user(found: re.Match[str]) -> str:
    scheme, user = found["scheme"], found["user"].rpartition("@")[2].partition(":")[0]
    return f"{scheme}://{user}@" if user and scheme.lower() in ACCOUNTS else f"{scheme}://"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: ``1 sample``, ``2,040 samples``.

    Parameters
    ----------
    number
        How many.
    one, many
        The noun for one and for any other number; with an s at the end if not given.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def with_unit(name: str, unit: str) -> str:
    """Return a quantity as tables and axes name it: ``r (Å)``; a pure number by its name alone."""
    return f"{name} ({unit})" if unit else name


def superscript(number: int) -> str:
    """Return a whole number in raised digits, as in ``Å³``."""
    return str(number).translate(_RAISED)
