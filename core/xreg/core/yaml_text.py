"""YAML in and out as recipes are meant: the core schema of YAML 1.2, and no key twice.

PyYAML follows YAML 1.1, where ``8:10`` is the number 490 (to base 60), ``No`` is false, ``010`` is
eight, ``1e-3`` is a text and ``2026-11-21`` a date. In YAML 1.2 (chapter 10.3) a number is a number
and everything else is text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import yaml

__all__ = ["dump_yaml", "in_one_line", "load_yaml"]

# Tag, pattern, and the characters that such a value can begin with ("" is the empty value).
CORE_SCHEMA = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)

CORE = "tag:yaml.org,2002:"
PATTERNS = {tag: re.compile(f"(?:{pattern})$") for tag, pattern, _ in CORE_SCHEMA}
KINDS = {
    **dict.fromkeys([*PATTERNS, "str"], yaml.ScalarNode),
    "seq": yaml.SequenceNode,
    "map": yaml.MappingNode,
}
HALVES = re.compile("[\ud800-\udfff]")

FOREIGN_BREAKS = frozenset("\r\x85\u2028\u2029")
"""What ends a line in YAML 1.1 beside the line feed."""


DEEPEST = 100
MOST_VALUES = 1_000_000
"""Values of a file once its aliases are written out."""
MOST_DIGITS = 400
"""Digits of a whole number; the largest decimal number has 309."""


class _Loader(yaml.SafeLoader):
    """Reads the core schema; a key that stands twice is an error, not a silent replacement."""

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
        """Go no deeper than any recipe does; for each level the scanner looks at all others."""
        if self.flow_level >= DEEPEST:
            raise yaml.YAMLError("nested too deep")
        super().fetch_flow_collection_start(TokenClass)

    def get_single_node(self) -> yaml.Node | None:
        """Refuse aliases that stand for what they are part of, or for more than memory holds."""
        node = super().get_single_node()
        if node is not None:
            _written_out(node, {})
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or mapping, no word", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_integer(self, node: Any) -> int:
        text = self.construct_scalar(node)
        if len(text) > MOST_DIGITS:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number has {len(text)} digits", node.start_mark
            )
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


class _Dumper(yaml.SafeDumper):
    """Block style throughout, except for lists of plain values; texts of many lines as they are.

    A text that either version of YAML would take for something else is quoted.
    """


def _written_out(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node has with its aliases written out.

    Parameters
    ----------
    node
        What is counted.
    known
        Counts by the node's identity; 0 of those that this one is part of.
    """
    if isinstance(node, yaml.ScalarNode):
        _require_core(node)
        return 1
    if id(node) not in known:
        known[id(node)] = 0
        _require_core(node)
        pairs = isinstance(node, yaml.MappingNode)
        parts = [one for pair in node.value for one in pair] if pairs else node.value
        known[id(node)] = 1 + sum(_written_out(part, known) for part in parts)
    problem = "an alias stands for what it is part of" if not known[id(node)] else ""
    if known[id(node)] > MOST_VALUES:
        problem = f"with its aliases written out it has more than {MOST_VALUES:,} values"
    if problem:
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return known[id(node)]


def _require_core(node: yaml.Node) -> None:
    """Refuse a tag that the core schema has not, or that does not fit what stands behind it."""
    name = node.tag.removeprefix(CORE)
    fits = KINDS.get(name) is type(node)
    if fits and isinstance(node, yaml.ScalarNode) and name in PATTERNS:
        fits = PATTERNS[name].match(node.value) is not None
    tag = node.tag.replace(CORE, "!!")[:40]
    problem = "" if fits else f"what is marked as {tag} is none"
    if name not in KINDS or name == node.tag:
        problem = f"the tag {tag} is not known; write plain values"
    elif isinstance(node, yaml.ScalarNode) and HALVES.search(node.value):
        problem = "a text holds half a character (an escape such as \\ud800)"
    if problem:
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _represent_list(dumper: yaml.SafeDumper, values: Sequence[Any]) -> yaml.SequenceNode:
    plain = not any(isinstance(value, list | dict) for value in values)
    return dumper.represent_sequence(f"{CORE}seq", values, flow_style=plain)


_Loader.yaml_implicit_resolvers = {}  # those of YAML 1.1 go


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if not FOREIGN_BREAKS.isdisjoint(text):  # which are only safe where they are escaped
        style = '"'
    return dumper.represent_scalar(f"{CORE}str", text, style=style)


for _tag, _, _first in CORE_SCHEMA:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(CORE + _tag, PATTERNS[_tag], _first)
_Loader.add_constructor(f"{CORE}int", _Loader.construct_integer)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(str, _represent_text)


def load_yaml(text: str) -> Any:
    """Return what a YAML text holds.

    Raises
    ------
    yaml.YAMLError
        If it is no YAML, a key stands twice, or a value has a tag that the core schema has not.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise yaml.YAMLError("nested too deep") from None
    except (ValueError, OverflowError):  # of the scanner, which makes characters of escapes
        raise yaml.YAMLError("it holds an escape of no character") from None


def dump_yaml(content: Mapping[str, Any]) -> str:
    """Return YAML in the order of the keys, short lists on one line."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def in_one_line(content: Mapping[str, Any]) -> str:
    """Return YAML in one line, without the outermost brackets: ``pca: {rank: 2}``."""
    text = yaml.dump(
        dict(content),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True,
        width=float("inf"),
    )
    return " ".join(text.split("\n")).strip().removeprefix("{").removesuffix("}")
