"""What the commands for datasets and for models share: publishing, checking, withdrawing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo
from xreg.core.errors import ConfigError, CorruptError

if TYPE_CHECKING:
    from xreg.registry.recording import Published, Verification
    from xreg.registry.versions.entries import Collection, Entry

Authors = Annotated[list[str] | None, options.Author]
Keywords = Annotated[list[str] | None, typer.Option("--keyword", help="Repeatable.")]
Use = Annotated[str, typer.Option("--use", help="What it is meant for.")]
Limits = Annotated[str, typer.Option(help="Where it is known to fail.")]
Card = Annotated[
    Path | None,
    typer.Option(
        help="YAML file with any of title, description, licence, citation, authors, keywords, "
        "intended_use, limits."
    ),
]
AcceptChanged = Annotated[
    bool,
    typer.Option(
        "--accept-changed",
        help="Take a version though it was published with another hash when you pulled it before.",
    ),
]
Commit = Annotated[
    bool, typer.Option("--commit", help="Commit what that changes in the registry's folder.")
]
References = Annotated[
    list[str],
    typer.Argument(metavar="NAME[@VERSION]...", help="The newest version if none is given."),
]
OneOrAll = Annotated[
    str | None, typer.Argument(metavar="[NAME[@VERSION]]", help="All if none is given.")
]
Exact = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The version.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever pulls it.")]
FIELDS = (
    "title", "description", "licence", "citation", "authors", "keywords", "intended_use", "limits",
)  # fmt: skip


def asked(
    collection: Collection,
    card: Path | None,
    given: Mapping[str, Any],
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a publication says of itself: by options, else by a file, else by asking.

    Raises
    ------
    ConfigError
        If the file is no card.
    """
    from xreg.registry.cards.about import MEANING, about, missing

    said = {**_read(card), **{key: given[key] for key in FIELDS if given.get(key)}}
    if not sys.stdin.isatty():
        return said
    for name in missing(about(said, known), collection):
        option, question = MEANING[name]
        answers = []
        while answer := typer.prompt(f"{question} [{option}]", default="", show_default=False):
            answers.append(answer)
            if name != "authors":
                break
            question = "Another author, or nothing"
        if answers:
            said[name] = answers if name == "authors" else answers[0]
    return said


def _read(card: Path | None) -> dict[str, Any]:
    if card is None:
        return {}
    from yaml import YAMLError

    from xreg.core.yaml_text import load_yaml

    try:
        content = load_yaml(card.read_text(encoding="utf-8"))
    except (YAMLError, ValueError) as error:
        raise ConfigError(f"'{card}' is no YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(content, dict):
        raise ConfigError(f"'{card}' must hold names and values.")
    if odd := sorted(str(key) for key in content if key not in FIELDS):
        raise ConfigError(f"'{card}' has the key '{odd[0]}'; it may have {', '.join(FIELDS)}.")
    return content


def print_published(done: Published[Any], what: str = "", *, commit: bool = False) -> None:
    """Commit what changed, or say what git must be told."""
    entry = done.entry
    noun = entry.collection.noun
    message = f"{'data' if noun == 'dataset' else noun}: {entry.name} {entry.version}"
    echo(
        what or f"{entry.reference} ({entry.size_text}, {entry.hash}) is in the registry's remote."
    )
    if commit:
        from xreg.registry import worktree

        worktree.commit(done.root, done.paths, message)
        echo("It is committed; `git push` makes it known.")
        return
    echo("To make it known, commit and push what git sees changed:")
    echo(f"  cd {done.root}")
    echo(f"  git add {' '.join(done.paths)}")
    echo(f'  git commit -m "{message}"')


def add_commands(app: typer.Typer, noun: str) -> None:
    """Give datasets or models the commands that are the same for both."""

    def kind() -> type[Entry]:
        from xreg.registry.versions.entries import DatasetEntry, ModelEntry

        return DatasetEntry if noun == "dataset" else ModelEntry

    @app.command(help=f"Download {noun}s into the cache and check each file against its hash.")
    def pull(
        references: References,
        registry: options.Registry = None,
        accept_changed: AcceptChanged = False,
    ) -> None:
        from xreg.cli.progress import progress
        from xreg.registry import finding, pulling

        for reference in references:
            with progress():
                found = finding.find(kind(), reference, None, registry, fresh=True)
                place = pulling.pull(found, accept_changed=accept_changed)
            echo(place)

    @app.command(help="Compare every file, in the remote and in the cache, with its hash.")
    def verify(reference: OneOrAll = None, registry: options.Registry = None) -> None:
        from xreg.cli.progress import progress
        from xreg.registry import recording

        with progress():
            checks = list(recording.verify(kind(), reference, registry))
        print_checks(checks)

    @app.command(help="Mark a version as one not to be used any more; nothing is deleted.")
    def withdraw(
        reference: Exact,
        reason: Reason,
        commit: Commit = False,
        registry: options.Registry = None,
    ) -> None:
        from xreg.registry import recording

        done = recording.withdraw(kind(), reference, reason, registry, finish=commit)
        print_published(done, f"{reference} is marked as withdrawn.", commit=commit)


def print_checks(checks: Iterable[Verification[Any]]) -> None:
    """Print a line for each version that was checked.

    Raises
    ------
    CorruptError
        If one is damaged.
    """
    damaged = []
    command = ""
    for check in checks:
        entry, place = check.found.entry, check.found.registry.name
        where = " and ".join(check.copies)
        count = len(check.problems)
        state = f"{count} problem{'s' * (count > 1)}" if count else "intact"
        echo(f"{entry.reference}  {place}  {entry.files} files in {where}: {state}")
        for problem in check.problems:
            echo(f"  {problem}", fg="red", err=True)
        if check.problems:
            command = f"xreg {entry.collection.command} pull"
            damaged.append(f"{entry.reference} of {place}")
    if damaged:
        raise CorruptError(
            f"{', '.join(damaged)}: files differ from what was published; `{command}` mends "
            "the cache, and the registry's maintainers the remote."
        )
