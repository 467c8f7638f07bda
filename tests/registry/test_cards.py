"""Cards and citations, against the schemas and readers of those who made the formats."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml

from xreg.cli.main import main
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.registry.cards.citation import FORMATS, cite
from xreg.registry.cards.difference import difference
from xreg.registry.cards.files import write_cards
from xreg.registry.cards.text import card_text, markdown
from xreg.registry.datasets import find as find_dataset
from xreg.registry.models import find as find_model
from xreg.registry.publishing import describe
from xreg.registry.stores.writer import write_store
from xreg.registry.versions.authors import Author
from xreg.registry.versions.entries import Entry, Withdrawal

pytestmark = pytest.mark.usefixtures("places")
CFF = json.loads((Path(__file__).parent / "schemas" / "cff-1.2.0.json").read_text())
URL = "https://me:T0KEN@git.example.org/spectra.git"
NASTY = (
    "\x1b[2J<script>alert(1)</script> [x](javascript:y) `rm -rf` \u202e |\n# H & 50 % \\input{x}"
)


def xreg(*arguments: object) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert not end.value.code


@pytest.fixture
def entries(models_registry) -> list[Entry]:
    """A dataset, a model, and both with every field that a stranger could fill with anything."""
    plain: list[Entry] = [
        find_dataset("toy", registry=models_registry).entry,
        find_model("noise", models_registry).entry,
    ]
    fields = {
        "title": NASTY,
        "description": NASTY,
        "citation": NASTY,
        "keywords": (NASTY, "x", "x"),
        "intended_use": NASTY,
        "limits": NASTY,
        "licence": NASTY,
        "authors": (Author(family=NASTY, given=NASTY), Author(group=NASTY)),
        "withdrawn": Withdrawal(reason=NASTY, date="2026-01-02"),
        "provenance": {NASTY: [NASTY]},
    }
    return [*plain, *(entry.model_copy(update=fields) for entry in plain)]


def test_cff_is_what_its_schema_wants(entries):
    for entry in entries:
        body = yaml.safe_load(cite(entry, URL, "cff"))
        jsonschema.validate(body, CFF)
        assert body["version"] == entry.version
        assert body["repository"] == "https://git.example.org/spectra.git"
    body = yaml.safe_load(cite(entries[0], "/home/me/registry", "cff"))
    assert "repository" not in body
    assert body["authors"][0] == {
        "family-names": "Carberry",
        "given-names": "Josiah",
        "orcid": "https://orcid.org/0000-0002-1825-0097",
    }
    assert body["license"] == "CC0-1.0"


def test_datacite_is_what_its_schema_wants(entries):
    from datacite import schema45

    for entry in entries:
        schema45.validate(json.loads(cite(entry, URL, "datacite")))
    old = entries[0].model_copy(update={"published": ""})
    with pytest.raises(DataError, match="wrote no date down"):
        cite(old, URL, "datacite")


def fields_of_bibtex(text: str) -> dict[str, str]:
    """Read an entry as BibTeX does: braces count, whatever stands before them."""
    fields, depth, start = {}, 0, 0
    for at, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        assert depth >= 0, text
        if character == "{" and depth == 2:
            start = at + 1
        if character == "}" and depth == 1:
            name = text[:start].rpartition("\n")[2].partition("=")[0].strip()
            if name not in fields:
                fields[name] = text[start:at]
    assert depth == 0, text
    return fields


def split_outside_braces(text: str, word: str) -> list[str]:
    parts, depth = [""], 0
    while text:
        if not depth and text.startswith(word):
            parts.append("")
            text = text[len(word) :]
            continue
        depth += (text[0] == "{") - (text[0] == "}")
        parts[-1] += text[0]
        text = text[1:]
    return parts


def test_bibtex_holds_every_field_in_balanced_braces(entries):
    for entry in entries:
        text = cite(entry, URL)
        assert set(fields_of_bibtex(text)) == {
            "author", "title", "year", "howpublished", "url", "note",
        }  # fmt: skip
        assert "\\input" not in text.replace("\\textbackslash{}input", "")
    assert "Carberry, Josiah and {The toy makers}" in cite(entries[0], URL)


AUTHORS = {
    "Łukasiewicz, Żaneta": "Łukasiewicz, Żaneta",
    "van der Waals, Johannes": "van der Waals, Johannes",
    "Smith, John, Jr.": "Smith, {John, Jr.}",
    "Black and White, Ann": "{Black and White}, Ann",
    "others, Given": "{others}, Given",
    "{Ångström & Söhne 100 %}": r"{Ångström \& Söhne 100 \%}",
    "{A {B}": r"{A \textbraceleft{}B}",
    "李, 明": "李, 明",
}


def test_names_and_titles_that_bibtex_would_take_for_more(entries):
    authors = [Author.model_validate(name) for name in AUTHORS]
    crowd = [Author(family=f"Family {i}", given=f"Given {i}") for i in range(500)]
    title = r"TiO$_2$ {rutile}, a } and \emph{b} at T < 5 K | ~ ^"
    for entry in entries[:2]:
        stranger = entry.model_copy(update={
            "authors": (*authors, *crowd), "title": title,
            "licence": "MIT OR Apache-2.0 OR CC0-1.0",
        })  # fmt: skip
        fields = fields_of_bibtex(cite(stranger, "https://example.org/{x}.git"))
        named = split_outside_braces(fields["author"], " and ")
        assert named[: len(authors)] == list(AUTHORS.values())
        assert len(named) == len(authors) + 500
        assert all(len(split_outside_braces(name, ",")) <= 2 for name in named)
        assert fields["title"] == (
            r"{TiO\$\_2\$ \textbraceleft{}rutile\textbraceright{}, a \textbraceright{} and "
            r"\textbackslash{}emph\textbraceleft{}b\textbraceright{} at T \textless{} 5 K "
            r"\textbar{} \textasciitilde{} \textasciicircum{}}"
        )
        assert fields["url"] == "https://example.org/%7Bx%7D.git"
        body = yaml.safe_load(cite(stranger, URL, "cff"))
        jsonschema.validate(body, CFF)
        assert body["license"] == ["MIT", "Apache-2.0", "CC0-1.0"]
        assert body["title"] == title
        all_of_them = stranger.model_copy(update={"licence": "MIT AND CC0-1.0"})
        assert "license" not in yaml.safe_load(cite(all_of_them, URL, "cff"))


@pytest.mark.parametrize("form", FORMATS)
def test_no_citation_has_a_credential_or_steers(entries, form):
    for entry in entries:
        text = cite(entry, URL, form)
        assert "T0KEN" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_an_odd_format_is_refused(entries):
    with pytest.raises(ConfigError, match="choose one of bibtex, cff, datacite"):
        cite(entries[0], URL, "ris")
    with pytest.raises(ConfigError, match="choose markdown, yaml, json, croissant"):
        card_text(entries[0], "ris")
    with pytest.raises(ConfigError, match=r"choose markdown, yaml, json\."):
        card_text(entries[1], "croissant")


def test_croissant_is_read_by_its_own_library(entries, tmp_path, caplog):
    import mlcroissant

    caplog.set_level(logging.WARNING)
    for number, entry in enumerate((entries[0], entries[2])):
        path = tmp_path / f"{number}.json"
        path.write_text(card_text(entry, "croissant", URL))
        described = mlcroissant.Dataset(path)
        assert described.metadata.name == entry.name
        records = list(described.records("spectra"))
        assert {r["spectra/channel"] for r in records} == {b"xes", b"moments"} or {
            r["spectra/channel"] for r in records
        } == {"xes", "moments"}
        assert "T0KEN" not in path.read_text()
    assert "@context" not in caplog.text


def test_markdown_shows_foreign_text_and_does_nothing_with_it(entries):
    for entry in entries[2:]:
        text = markdown(entry)
        lines = [line for line in text.splitlines() if not line.startswith("    ")]
        assert not [line for line in lines if "<script" in line.replace("\\<", "")]
        assert "](javascript" not in "\n".join(lines).replace("\\]", "")
        assert "\x1b" not in text
        assert [line for line in lines if line.startswith("# ")] == [lines[0]]
        assert "**Withdrawn on 2026-01-02:" in text


def test_cards_of_a_stranger_are_written_below_their_folder(entries, tmp_path):
    for entry in entries:
        folder = write_cards(tmp_path, entry)
        assert sorted(p.name for p in (tmp_path / folder).iterdir()) == sorted(
            ["CITATION.cff", "README.md", "datacite.json"]
            + ["croissant.json"] * (entry.collection.noun == "dataset")
        )


def test_cite_finds_either_kind(models_registry, capsys):
    xreg("cite", "noise@1.0.0", "-r", models_registry)
    xreg("cite", "toy@1.0.0", "-r", models_registry, "--format", "cff")
    told = capsys.readouterr().out
    assert told.startswith("@misc{noise-1.0.0,\n")
    assert "type: dataset\n" in told
    with pytest.raises(SystemExit):
        main(["cite", "nobody", "-r", str(models_registry)])
    assert "no dataset 'nobody'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("Curie, Marie", Author(family="Curie", given="Marie")),
        ("Plato,", Author(family="Plato")),
        ("{The toy makers}", Author(group="The toy makers")),
        (
            "Carberry, Josiah (https://orcid.org/0000-0002-1825-0097)",
            Author(family="Carberry", given="Josiah", orcid="0000-0002-1825-0097"),
        ),
        (
            "Uminska, Anna; 0000-0002-1694-233X",
            Author(family="Uminska", given="Anna", orcid="0000-0002-1694-233X"),
        ),
    ],
    ids=["person", "one name", "group", "orcid as url", "orcid with X"],
)
def test_an_author_as_it_is_written(text, author):
    assert Author.model_validate(text) == author


# Differences ------------------------------------------------------------------------------------


def test_what_changed_between_two_versions(toy_dataset):
    old = toy_dataset(50)
    longer = toy_dataset(60, version="1.1.0")
    assert [(c.where, c.text) for c in difference(old, old)] == []
    changes = {c.where: c for c in difference(old, longer)}
    assert changes["samples"].text == "10 samples added"
    assert changes["samples"].ids == longer.samples.ids[50:].tolist()

    intensity = np.array(old.spectra["xes"].intensity)
    intensity[3] += np.float32(0.25)
    labels = {**old.labels, "temperature": old.labels["temperature"] + (np.arange(50) == 7)}
    del labels["converged"]
    channel = replace(old.spectra["xes"], intensity=intensity)
    moved = old.select(np.arange(50))
    new = replace(
        moved,
        spectra=Spectra({"xes": channel, "extra": Channel(intensity, channel.energy)}),
        labels=labels,
        splits={"default": longer.splits["default"]},
        metadata=old.metadata.model_copy(update={"licence": "CC-BY-4.0", "provenance": {}}),
    )
    changes = {c.where: c for c in difference(old, new)}
    assert changes["channel xes"].text.startswith("1 spectrum changed, by at most 0.25")
    assert changes["channel xes"].ids == [old.samples.ids[3]]
    assert changes["channel moments"].text == "removed"
    assert changes["channel extra"].text == "added"
    assert changes["label temperature"].text == "1 value changed, by at most 1"
    assert changes["label converged"].text == "removed"
    assert "split default" in changes
    assert changes["licence"].text == "'CC-BY-4.0' instead of 'CC0-1.0'"
    assert changes["provenance"].text == "differs in failed, generator"


def test_a_moved_atom_is_a_changed_sample(toy_dataset):
    old, new = toy_dataset(20), toy_dataset(20)
    new.samples.positions[4] += 0.01  # of the second molecule
    (change,) = difference(old, new)
    assert (change.where, change.ids) == ("samples", [old.samples.ids[1]])


def test_diff_prints_a_line_for_each(registry, capsys):
    xreg("data", "diff", "toy@1.0.0", "toy@1.1.0", "-r", registry)
    told = capsys.readouterr().out
    assert "samples: 20 samples added (trajectory-2/step-0050é, " in told
    assert told.count("\n") >= 2


def test_a_store_says_what_it_says(toy_dataset, places):
    store = write_store(toy_dataset(20), places / "x.zarr")
    with pytest.raises(ConfigError, match=r"its licence is 'CC0-1\.0' and cannot be published as"):
        describe(store, {"licence": "CC-BY-4.0"})
