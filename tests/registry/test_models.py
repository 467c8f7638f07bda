"""Models by version: published, listed, pulled, checked, used, withdrawn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from xreg.cli.main import main
from xreg.core.errors import ConfigError, CorruptError, DataError, UnknownNameError
from xreg.core.files import files_below, folder_hash
from xreg.registry.catalogue import Catalogue
from xreg.registry.datasets import find as find_dataset
from xreg.registry.datasets import open_dataset
from xreg.registry.models import find, find_model, list_models, load_model, pull
from xreg.registry.publishing import publish_model
from xreg.registry.pulling import cached
from xreg.registry.recording import verify, withdraw
from xreg.registry.versions.entries import ModelEntry, Score

pytestmark = pytest.mark.usefixtures("places")


def xreg(*arguments: object, code: int = 0) -> None:
    try:
        main([str(argument) for argument in arguments])
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    assert status == code


def test_a_published_model_is_known_without_pulling(models_registry, places, capsys):
    (model,) = list_models(models_registry)
    assert (model.reference, model.summary["dataset"]["version"]) == ("noise@1.0.0", "1.1.0")
    xreg("models", "list", "-r", models_registry)
    xreg("models", "show", "noise", "-r", models_registry, "--format", "markdown")
    told = capsys.readouterr().out
    assert "noise@1.0.0  toy 1.1.0" in told
    assert "Mean ± standard deviation over 2 runs" in told
    assert not (places / "cache" / "models").exists()


def test_the_card_says_what_the_model_is(models_registry, toy_runs):
    entry = find("noise", models_registry).entry
    model = load_model(toy_runs[0])
    data = find_dataset("toy@1.1.0", registry=models_registry).entry
    assert (entry.channel, entry.predicts.points, entry.predicts.low) == ("xes", 30, 520.0)
    assert entry.domain.elements == ["H", "O"]
    assert entry.domain.absorbers == ["O"]
    assert (entry.data.reference, entry.data.hash) == ("toy@1.1.0", data.hash)
    assert entry.data.registry == ""  # a folder of this machine is nobody's business
    assert entry.data.parts == {"train": 42, "validation": 14, "test": 14}
    assert [(c.kind, c.name) for c in entry.components] == [
        ("descriptor", "internal"),
        ("emulator", "ridge"),
    ]
    assert entry.components[1].settings == model.emulator.config.model_dump(mode="json")
    assert all(len(c.code) == 64 for c in entry.components)
    assert entry.authors[0].orcid == "0000-0002-1825-0097"
    scores = [json.loads((run / "metrics.json").read_text()) for run in toy_runs]
    r2 = [one["test"]["r2"] for one in scores]
    assert entry.scores["test"]["r2"].mean == pytest.approx(np.mean(r2))
    assert entry.scores["test"]["r2"].spread == pytest.approx(np.std(r2, ddof=1))


def test_the_card_travels_with_the_model_and_stands_in_git(models_registry):
    folder = pull("noise", models_registry)
    card = yaml.safe_load((folder / "card.yaml").read_text())
    assert card["format"] == 1
    entry = find("noise", models_registry).entry
    told = entry.model_dump(mode="json", exclude_defaults=True)
    unknown = {"hash", "size", "files", "published"}
    assert {k: v for k, v in card.items() if k != "format"} == {
        k: v for k, v in told.items() if k not in unknown
    }
    page = (models_registry / "cards" / "models" / "noise" / "1.0.0" / "README.md").read_text()
    assert page.startswith("# A toy that predicts noise\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Score(mean=0.98765, spread=0.00123, runs=3), "0.9877 ± 0.0012"),
        (Score(mean=12.34, spread=2.5, runs=3), "12.3 ± 2.5"),
        (Score(mean=123.4, spread=25, runs=3), "123 ± 25"),
        (Score(mean=0.000123456), "0.0001235"),
        (Score(mean=0.5, spread=0.0, runs=2), "0.5"),
    ],
)
def test_a_score_has_the_digits_that_its_spread_leaves(value, text):
    assert str(value) == text


def test_pulled_is_what_was_published(models_registry, places, toy_runs):
    before = files_below(models_registry)
    folder = pull("noise@1.0.0", models_registry)
    assert files_below(models_registry) == before
    entry = find("noise", models_registry).entry
    assert folder == cached(entry)
    assert folder_hash(folder) == entry.hash
    assert (folder / "model" / "component.json").stat().st_mode & 0o777 == 0o444
    samples = open_dataset("toy@1.0.0", registry=models_registry).samples
    np.testing.assert_array_equal(
        load_model("noise@1.0.0", models_registry).predict(samples),
        load_model(toy_runs[0]).predict(samples),
    )


def test_a_model_by_url_and_a_clone_that_is_renewed(models_registry, toy_runs, model_about, git):
    url = models_registry.as_uri()
    assert load_model("noise@1.0.0", url).target.channel == "xes"
    publish_model(toy_runs[1], "noise@1.1.0", models_registry, model_about)
    git(models_registry, "add", "--all")
    git(models_registry, "commit", "--quiet", "-m", "model")
    assert find_model("noise@1.1.0", url).folder.is_dir()  # the clone did not have it
    with pytest.raises(UnknownNameError, match=r"model 'noise' has no version 2\.0\.0"):
        find_model("noise@2.0.0", url)


def test_objects_that_came_later_are_found_in_a_renewed_clone(models_registry, places, git):
    url = models_registry.as_uri()
    md5 = Catalogue(models_registry, ModelEntry).folder_hash
    lost = models_registry / "dvc-remote" / "files" / "md5" / md5[:2] / md5[2:]
    kept = lost.read_bytes()
    lost.unlink()
    git(models_registry, "commit", "--quiet", "-am", "lose it")
    with pytest.raises(CorruptError, match="missing"):
        pull("noise@1.0.0", url)
    lost.write_bytes(kept)
    git(models_registry, "add", "--all")
    git(models_registry, "commit", "--quiet", "-m", "push it")
    assert find_model("noise@1.0.0", url).folder.is_dir()


def test_predict_and_evaluate_take_a_model_by_name(models_registry, tmp_path, capsys):
    from ase import Atoms
    from ase.io import write

    atoms = Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    write("water.xyz", atoms)
    xreg("predict", "noise@1.0.0", "water.xyz", "-o", "out.csv", "-r", models_registry)
    assert Path("out.csv").is_file()
    xreg("evaluate", "noise@1.0.0", "toy@1.1.0", "-r", models_registry, "-o", "judged")
    summary = json.loads(Path("judged/summary.json").read_text())
    assert "does not tell which samples" not in json.dumps(summary)


@pytest.mark.parametrize("file", ["model/component.json", "model/emulator/arrays.safetensors"])
def test_a_changed_copy_is_noticed_and_mended(models_registry, file):
    folder = pull("noise", models_registry)
    place = folder / file
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptError, match=r"damaged, `xreg models pull noise@1\.0\.0` mends it"):
        load_model("noise@1.0.0", models_registry)
    pull("noise", models_registry)
    load_model("noise@1.0.0", models_registry)


def test_verify_names_a_damaged_object(models_registry, capsys):
    assert [v.problems for v in verify(ModelEntry, None, models_registry)] == [[]]
    objects = sorted((models_registry / "dvc-remote").rglob("*"), key=lambda p: p.name)
    folder = pull("noise", models_registry)
    wanted = (folder / "card.yaml").read_bytes()
    (card,) = [p for p in objects if p.is_file() and p.read_bytes() == wanted]
    card.chmod(0o644)
    card.write_bytes(b"x")
    xreg("models", "verify", "noise", "-r", models_registry, code=2)
    told = capsys.readouterr().err
    assert "card.yaml is damaged in the remote 'bundled'" in told
    assert "`xreg models pull` mends the cache" in told


# Publishing -------------------------------------------------------------------------------------


def test_what_is_missing_is_named_in_one_sentence(models_registry, toy_runs, capsys):
    before = (models_registry / "models.dvc").read_bytes()
    xreg(
        "models", "publish", toy_runs[0], "other@1.0.0", "-r", models_registry, "--title", "x",
        "--author", "Carberry, Josiah", code=2,
    )  # fmt: skip
    told = capsys.readouterr().err
    assert "missing: licence (--licence), intended_use (--use), limits (--limits)." in told
    assert told.count("\n") == 1
    assert (models_registry / "models.dvc").read_bytes() == before


def test_at_a_terminal_what_is_missing_is_asked_for(models_registry, toy_runs, monkeypatch, capsys):
    answers = iter(["A title", "Carberry, Josiah", "{Toys}", "", "CC0-1.0", "tests", "noise"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    xreg("models", "publish", toy_runs[0], "asked@1.0.0", "-r", models_registry)
    entry = find("asked", models_registry).entry
    assert [author.name for author in entry.authors] == ["Josiah Carberry", "Toys"]
    assert (entry.title, entry.licence) == ("A title", "CC0-1.0")
    assert (entry.intended_use, entry.limits) == ("tests", "noise")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"authors": ["Josiah Carberry"]}, r"may be a person or a group; write a person as"),
        ({"authors": ["Carberry, Josiah (0000-0002-1825-0098)"]}, "has a wrong check digit"),
        ({"authors": ["Carberry, Josiah (1825-0097)"]}, "is no ORCID identifier"),
        ({"authors": ["(0000-0002-1825-0097)"]}, "is no author"),
        ({"licence": "CC BY 4.0"}, "is no SPDX expression"),
        ({"licence": "cc-by-4.0"}, "write the licence 'cc-by-4.0' as CC-BY-4.0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_card_that_nobody_could_use_is_refused(
    models_registry, toy_runs, model_about, change, reason
):
    with pytest.raises(ConfigError, match=reason):
        publish_model(toy_runs[0], "other@1.0.0", models_registry, {**model_about, **change})


def test_a_published_version_never_changes(models_registry, toy_runs, model_about):
    with pytest.raises(DataError, match=r"noise@1\.0\.0 is published already"):
        publish_model(toy_runs[1], "noise@1.0.0", models_registry, model_about)


def test_a_repetition_differs_in_seeds_alone(models_registry, toy_runs, model_about, tmp_path):
    other = shutil.copytree(toy_runs[1], tmp_path / "other")
    recipe = yaml.safe_load((other / "recipe.yaml").read_text())
    recipe["emulator"]["alpha"] = 7.0
    (other / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(ConfigError, match=r"its 'emulator\.alpha' is another"):
        publish_model(toy_runs[0], "other@1.0.0", models_registry, model_about, repeats=[other])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda run: (run / "model" / "weights.pkl").write_bytes(b"x"), "no part of a model"),
        (lambda run: (run / "summary.json").unlink(), "no complete run"),
        (lambda run: (run / "recipe.yaml").write_text("- 1"), "no complete run"),
        (lambda run: shutil.rmtree(run / "model"), "holds no model"),
    ],
    ids=["a pickle", "no summary", "no recipe", "no model"],
)
def test_what_is_no_whole_run_is_not_published(
    models_registry, toy_runs, model_about, tmp_path, damage, reason
):
    run = shutil.copytree(toy_runs[0], tmp_path / "run")
    damage(run)
    with pytest.raises(DataError, match=reason):
        publish_model(run, "other@1.0.0", models_registry, model_about)


def test_no_place_of_this_machine_is_published(models_registry, toy_runs, published):
    folder = pull("noise", models_registry)
    for name in files_below(folder):
        assert str(published).encode() not in (folder / name).read_bytes(), name
    assert str(published) not in (models_registry / "models.dvc").read_text()


# Withdrawing ------------------------------------------------------------------------------------


def test_a_withdrawn_version_is_marked_told_and_kept(
    models_registry, toy_runs, model_about, caplog
):
    publish_model(toy_runs[1], "noise@1.1.0", models_registry, model_about)
    withdraw(ModelEntry, "noise@1.1.0", "The split\nwas wrong.", models_registry)
    assert find("noise", models_registry).entry.version == "1.0.0"  # not the newest any more
    folder = pull("noise@1.1.0", models_registry)
    assert "model noise@1.1.0 was withdrawn on" in caplog.text
    assert "The split was wrong." in caplog.text
    assert load_model(folder).target.channel == "xes"
    page = models_registry / "cards" / "models" / "noise" / "1.1.0" / "README.md"
    assert "**Withdrawn on" in page.read_text()
    with pytest.raises(DataError, match="already"):
        withdraw(ModelEntry, "noise@1.1.0", "Again.", models_registry)


def test_a_dataset_is_withdrawn_and_opening_it_warns(models_registry, caplog, capsys):
    xreg(
        "data", "withdraw", "toy@1.1.0", "--reason", "Wrong energies.", "-r", models_registry
    )  # fmt: skip
    assert find_dataset("toy", registry=models_registry).entry.version == "1.0.0"
    assert len(open_dataset("toy@1.1.0", registry=models_registry)) == 70
    assert "dataset toy@1.1.0 was withdrawn on" in caplog.text
    xreg("data", "list", "-r", models_registry)
    assert "withdrawn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reference", "reason", "said"),
    [("noise", "x", "say which version"), ("noise@1.0.0", " ", "say why")],
)
def test_a_withdrawal_says_what_and_why(models_registry, reference, reason, said):
    with pytest.raises(DataError, match=said):
        withdraw(ModelEntry, reference, reason, models_registry)


# Older registries -------------------------------------------------------------------------------


def test_a_registry_without_models_has_none(registry):
    assert list_models(registry) == []
    with pytest.raises(UnknownNameError, match="no model or run 'noise'"):
        find_model("noise", registry)


def test_a_later_format_is_told(models_registry):
    place = models_registry / "models.dvc"
    body = yaml.safe_load(place.read_text())
    body["meta"]["format"] = 2
    place.write_text(yaml.safe_dump(body))
    with pytest.raises(CorruptError, match=r"has format '2'; this xreg reads formats up to 1"):
        find("noise", models_registry)
