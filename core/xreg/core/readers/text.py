"""Text of files that anyone may have written: encodings, line ends, and what is no text at all."""

from __future__ import annotations

import codecs
import re

from xreg.core.errors import DataError

__all__ = ["decode", "lines_of"]

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the mark of UTF-16 does, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FIRST_OF_MARKS = frozenset(mark[:1] for mark, _ in MARKS)
# What other files begin with, what that is, and what makes text of it.
BINARY = (
    (b"\x1f\x8b", "compressed (gzip); unpack it first"),
    (b"BZh", "compressed (bzip2); unpack it first"),
    (b"\xfd7zXZ", "compressed (xz); unpack it first"),
    (
        b"PK\x03\x04",
        "compressed (zip); unpack it first, or save it as text if it is a sheet of Excel",
    ),
    (b"\xd0\xcf\x11\xe0", "a document of Office; save it as text"),
    (b"\x89HDF\r\n", "an HDF5 file, as NeXus is; export what is wanted as text"),
    *((b"CDF" + v, "a netCDF file; export what is wanted as text") for v in (b"\1", b"\2", b"\5")),
    (b"SQLite format 3\0", "a database, as ASE's may be; export it as extended xyz"),
    (b"- of Ulm", "a trajectory of ASE's; export it as extended xyz"),
    (b"\x80\x04\x95", "a pickle, which is never read as it may run code"),
    (b"\x28\xb5\x2f\xfd", "compressed (Zstandard); unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "compressed (7-Zip); unpack it first"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file; fetch it by `git lfs pull`"),
    (b"/annex/objects/", "a pointer of git-annex, not the file; fetch it by `git annex get`"),
    (b"##TITLE", "JCAMP-DX, whose factors are not read; export it as columns"),
    *((head, "a web page, not the file") for head in (b"<!DOCTYPE html", b"<!doctype", b"<html")),
    (b"%PDF-", "no text, but a PDF"),
    (b"\x89PNG", "no text, but an image"),
)
HEADS = tuple(head for head, _ in BINARY)
# Marks without width that editors and joined files leave between characters.
INVISIBLE = dict.fromkeys((0x200B, 0x2060, 0xFEFF))
# What no text holds; tab, line ends, form feed and DOS' end of file (0x1a) may stand in one.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")
CONTROLS = bytes(code for code in range(128) if CONTROL.match(chr(code)))


def decode(content: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 or UTF-32, else in Windows-1252 or Latin-1.

    A byte-order mark tells the encoding and is taken away; UTF-16 without one is known by its
    zeros.

    Raises
    ------
    DataError
        If it is no text, with what it is where that is known.
    """
    if content.startswith(HEADS):
        what = next(what for head, what in BINARY if content.startswith(head))
        raise DataError(f"it is {what}")
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if any(content.startswith(mark) for mark, _ in MARKS):
            raise DataError("it is no text") from None
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    # Of bytes that are characters the check is much faster before they are decoded.
    plain = encoding in ("utf-8", "utf-8-sig")
    if len(content.translate(None, CONTROLS)) != len(content) if plain else CONTROL.search(text):
        raise DataError("it is no text")
    return text if text.isascii() else text.translate(INVISIBLE)


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file, without their ends (LF, CRLF or CR).

    Raises
    ------
    DataError
        If it is no text.
    """
    text = decode(content)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1a" in text:
        text = text.partition("\x1a")[0]
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _encoding(content: bytes) -> str:
    if content[:1] in FIRST_OF_MARKS:
        for mark, name in MARKS:
            if content.startswith(mark):
                return name
    head = content[:1024]
    if b"\0" in head:
        # Latin letters and digits have one zero byte each in UTF-16: the second, or the first.
        even, odd = head[::2].count(0), head[1::2].count(0)
        if odd > len(head) // 4 and not even:
            return "utf-16-le"
        if even > len(head) // 4 and not odd:
            return "utf-16-be"
    return "utf-8"
