"""Foreign text steers no terminal and shows no credential; numbers stand with nouns and units."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from xreg.core.errors import RunError
from xreg.core.text import (
    counted,
    one_line,
    printable,
    superscript,
    with_unit,
    without_credentials,
)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://me:T0KEN@host/x", "http://host/x"),
        ("https://ghp_T0KEN@github.com/a", "https://github.com/a"),
        ("https://me:p@ss:T0KEN@host/x", "https://host/x"),
        ("ssh://git:T0KEN@host/x", "ssh://git@host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("git@host:a/b", "git@host:a/b"),
        ("mail me@host.org", "mail me@host.org"),
        ("'http://me:T0KEN@a/x' and 'http://me:T0KEN@b'", "'http://a/x' and 'http://b'"),
        ("https://h/x?token=T0KEN&page=2", "https://h/x?token=***&page=2"),
        ("https://h/x?sv=1&sig=T0KEN", "https://h/x?sv=1&sig=***"),
        ("s3://b/x?X-Amz-Signature=T0KEN", "s3://b/x?X-Amz-Signature=***"),
        ("private_token in ?private_token=T0KEN", "private_token in ?private_token=***"),
        ("https:me:T0KEN@host/x", "https:***@host/x"),
        ("https:/me:T0KEN@host/x", "https:/***@host/x"),
        ("//me:T0KEN@host/x", "//***@host/x"),
        ("me:T0KEN@host:x", "***@host:x"),
        ("x-access-token:T0KEN@github.com/x", "***@github.com/x"),
        ("me:T0KEN@10.0.0.1/x", "***@10.0.0.1/x"),
        ("https://me:T0/KEN@host/x", "https://host/x"),
        ("https://me:T0 KEN@host/x", "https://host/x"),
        ("https://me:T0KEN\n@host/x", "https://host/x"),
        ("https://me:T0\nKEN@host/x", "https://host/x"),
        ("https://me:T0\r\nKEN@host/x", "https://host/x"),
        ("https://T0KEN\n@host/x", "https://host/x"),
        ("https://host:8080\nand me@host.org", "https://host:8080\nand me@host.org"),
        ("https://host.org\nme@host.org", "https://host.org\nme@host.org"),
        ("https://me:T@0/KEN@host/x", "https://host/x"),
        ("ssh://git:T@0/KEN@host/x", "ssh://git@host/x"),
        ("https://host/ghp_T0KEN/repo", "https://host/***/repo"),
        ("https://host/a/glpat-T0KEN", "https://host/a/***"),
        ("https://host/token/T0KEN/x", "https://host/token/***/x"),
        ("https://host/access_token=T0KEN", "https://host/access_token=***"),
        ("https://host/?t=eyJhbGciOi.eyJzdWIiOi.T0KEN", "https://host/?t=***"),
        (f"in {'ghs_' + 'T0KEN' * 6}, the head", "in ***, the head"),
        (f"{'AKIA' + 'T0KEN' * 3}: denied", "***: denied"),
        ("-----BEGIN RSA PRIVATE KEY-----\nT0KEN\n-----END RSA PRIVATE KEY-----", "***"),
        ("https://h/x?%74oken=T0KEN", "https://h/x?token=***"),
        ("https://h/x?token%3DT0KEN", "https://h/x?token=***"),
        ("https://me%3AT0KEN%40h/x", "https://h/x"),
        ("https://h/x?jwt=T0KEN", "https://h/x?jwt=***"),
        ('{"password": "T0KEN", "user": "me"}', '{"password": "***", "user": "me"}'),
        ("https://h/a%20b@1.0.0", "https://h/a%20b@1.0.0"),
        ("https://h/9a733c7d0f/gh_pages", "https://h/9a733c7d0f/gh_pages"),
        ("https://me :T0KEN@host/x", "https://host/x"),
        ("https://h/x#access_token=T0KEN", "https://h/x#access_token=***"),
        ("https://h/x?pat=T0KEN", "https://h/x?pat=***"),
        ("password=T0KEN, user=me", "password=***, user=me"),
        ("AWS_SECRET_ACCESS_KEY=T0KEN", "AWS_SECRET_ACCESS_KEY=***"),
        ("X-Api-Key: T0KEN", "X-Api-Key: ***"),
        ("Cookie: session=T0KEN", "Cookie: ***"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("https://host: ask me@host.org", "https://host: ask me@host.org"),
        ("mailto:me@host.org", "mailto:me@host.org"),
        ("lab:toy@1.0.0", "lab:toy@1.0.0"),
        ("password: T0KEN", "password: ***"),
        ("a: 1\n  secret_access_key: T0KEN\nb: 2", "a: 1\n  secret_access_key: ***\nb: 2"),
        ("{user: me, api_key: T0KEN}", "{user: me, api_key: ***}"),
        ("its line 'token: T0KEN' is none", "its line 'token: ***' is none"),
        ("password: there is no such setting", "password: there is no such setting"),
        ("unknown key 'password': remove it", "unknown key 'password': remove it"),
        ("Authorization: Basic T0KEN==", "Authorization: Basic ***"),
        ("{'Authorization': 'Bearer T0KEN'}", "{'Authorization': 'Bearer ***'}"),
    ],
)
def test_credentials_are_taken_out(text, clean):
    assert without_credentials(text) == clean
    assert str(RunError(text)) == clean


LONG = ["x", "a-", "x://", "://", "x://%", "x://a:", "token ", "password : ", "key=", "a:b", "&a-"]


@pytest.mark.parametrize("unit", [*LONG, "eyJ", "%25", "x+", " ", "{", "1"])
def test_a_long_text_takes_no_time_to_speak_of(unit):
    """As a stranger's title may be; the time once grew with the square of the length."""
    text = unit * (100_000 // len(unit)) + " @ = % :// key token"
    start = time.process_time()
    without_credentials(text)
    assert time.process_time() - start < 5


def test_a_credential_in_any_number_of_quotations_is_taken_out():
    quoted = "me:T0KEN@"
    for _ in range(12):
        quoted = quote(quoted, safe="")
        assert "T0KEN" not in without_credentials(f"https://{quoted}host/x")
    deep = f"https://host/%{'25' * 5000}41"  # once a recursion without end
    assert without_credentials(f"see {deep}") == "see ***"
    long = "m" * 500
    assert "T0KEN" not in without_credentials(f"https:{long}:T0KEN@host/x")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\x08c\x7f", "a\\x0db\\x08c\\x7f"),
        ("\u202egnp\u2066", "\\u202egnp\\u2066"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("Å é 日本 ∑", "Å é 日本 ∑"),
        ("a\n\tb", "a\n\tb"),
    ],
)
def test_what_steers_is_written_out(text, clean):
    assert printable(text) == clean


def test_a_field_stays_in_its_line():
    assert one_line("a\nb\tc") == "a\\nb\\tc"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 spectra"), (1, "1 spectrum"), (2040, "2,040 spectra")]
)
def test_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "spectrum", "spectra") == text
    assert counted(number, "row").endswith("row" if number == 1 else "rows")


def test_units_stand_in_brackets_and_pure_numbers_alone() -> None:
    assert with_unit("density", f"1/Å{superscript(3)}") == "density (1/Å³)"
    assert with_unit("cosine", "") == "cosine"
    assert superscript(-12) == "⁻¹²"
