"""Pages made of what strangers wrote: it is text, it leads nowhere, it hides nothing."""

from __future__ import annotations

import json
import re

import pytest

from xreg.workbench.web.html import environment, json_text, policy, sound, web_address

EVIL = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\u2028alert(1)\u2029",
    "</ScRiPt >",
    "&lt;/script&gt;",
)


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_no_text_ends_a_script(text: str) -> None:
    made = json_text({text: [text, 1.5, None]})
    assert not re.search(r"[<>&\u2028\u2029]", made)
    assert json.loads(made) == {text: [text, 1.5, None]}


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"r2": float("nan")})


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " \x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "https:",
        "https:///x",
        "http://[::1",
        "https://a.example/\\..\\x",
        "https://a.example/\u202egnp",
        "ssh://git@a.example/x",
        "",
    ],
)
def test_only_addresses_of_the_web_are_links(text: str) -> None:
    assert web_address(text) == ""


def test_an_address_loses_its_credential() -> None:
    assert web_address("https://me:word@a.example/x?token=abc") == "https://a.example/x?token=***"
    assert web_address("http://a.example/x") == "http://a.example/x"


def test_what_steers_a_page_is_written_out() -> None:
    assert sound("\x1b[31mred\u202e") == r"\x1b[31mred\u202e"
    assert sound("https://me:word@a.example") == "https://a.example"


def test_templates_escape_and_run_nothing_of_a_value() -> None:
    made = environment("xreg.workbench.pages").from_string("<p title='{{ x | sound }}'>{{ x }}</p>")
    text = made.render(x="{{ 7 * 7 }}' onclick='x'<b>")
    assert "49" not in text
    assert "<b>" not in text
    assert "onclick='" not in text


def test_the_policy_lets_nothing_run_but_what_is_named() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy(["let x = 1;"]).split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].startswith("'sha256-")
    assert rules["style-src"] == "'none'"
    assert "unsafe" not in policy(["a"], ["b"], files=True)
