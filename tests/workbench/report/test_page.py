"""Analysis and figures: numbers against independent ones, pictures of every kind of data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.analysis.components import block_shares, blocks, rank_correlations
from xreg.core.analysis.results import PartResult
from xreg.core.analysis.scores import channel_table, decile_rows, feature_scores, part_scores
from xreg.core.data.dataset import Metadata
from xreg.core.data.grids import bin_weights, coarsen
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.interfaces import FeatureLabel
from xreg.core.model.domain import Target
from xreg.workbench.report.draw import draw_all
from xreg.workbench.report.page import render
from xreg.workbench.report.report_data import Colouring, Decomposition, ReportData, Sweep
from xreg.workbench.report.structure import score_scatter
from xreg.workbench.report.vectors import component_vectors

ENERGY = np.linspace(0, 10, 21)


@settings(max_examples=25)
@given(st.integers(2, 40), st.integers(2, 30), st.integers(0, 2**31))
def test_coarsening_keeps_the_area_of_any_spectrum_on_any_grid(m: int, p: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.cumsum(rng.random(m) + 0.01)
    spectrum = rng.normal(size=m)
    centres, weights = bin_weights(grid, p)
    width = (grid[-1] - grid[0]) / p
    assert np.isclose((spectrum @ weights).sum() * width, np.trapezoid(spectrum, grid))
    # Against a fine numerical average of the same broken line over the first bin.
    fine = np.linspace(grid[0], grid[0] + width, 4001)
    mean = np.trapezoid(np.interp(fine, grid, spectrum), fine) / width
    assert np.isclose((spectrum @ weights)[0], mean, atol=1e-3 * np.abs(spectrum).max())
    assert np.allclose(np.diff(centres), width)


def test_coarsening_refuses_what_it_cannot_do() -> None:
    with pytest.raises(DataError, match="coarsen to fewer"):
        coarsen(Channel(np.zeros((1, 3)), np.arange(3.0)), 4)
    with pytest.raises(DataError, match="no energies"):
        coarsen(Channel(np.zeros((1, 2)), None, ("a", "b")), 2)


def test_scores_of_a_known_case() -> None:
    true = np.array([[1.0, 0.0, 5.0], [3.0, 0.0, 5.0]])
    guess = np.array([[1.0, 0.0, 5.0], [2.0, 0.0, 6.0]])
    scores = part_scores(true, guess, true.std(axis=0))
    assert scores["r2"] == pytest.approx(1 - 2 / 2)
    assert scores["standardised_channels"] == 1
    assert scores["r2_standardised"] == pytest.approx(1 - 1 / 2)
    assert scores["rmse"] == pytest.approx(np.sqrt(2 / 6))
    assert scores["spectrum_error"]["median"] == pytest.approx(100 * (0 + 2 / 16) / 2)
    assert sum(scores["spectrum_error"]["counts"].values()) == 2
    assert part_scores(true[:1], guess[:1], true.std(axis=0))["r2"] is None
    flat = part_scores(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(3))
    assert (flat["sample_r2"]["median"], flat["spectrum_error"]["median"]) == (None, None)
    table = channel_table(true, guess)
    np.testing.assert_allclose(table["bias"], [-0.5, 0, 0.5])
    assert np.isnan(table["r2"][1])


def test_decile_rows_are_the_rows_at_those_shares() -> None:
    scores = np.random.default_rng(0).permutation(101) / 100
    rows = decile_rows(scores)
    assert {name: scores[row] for name, row in rows.items()} == {
        "first decile": 0.1,
        "median": 0.5,
        "ninth decile": 0.9,
    }
    assert scores[decile_rows(np.append(scores, np.nan))["median"]] == 0.5


def test_blocks_follow_their_axis_and_share_the_whole_vector() -> None:
    labels = [FeatureLabel("", block="O–H", axis="r (Å)", at=at) for at in (2.0, 1.0)]
    labels += [FeatureLabel("a"), FeatureLabel("b")]
    found = blocks(labels)
    assert [block.columns.tolist() for block in found] == [[1, 0], [2, 3]]
    assert found[0].at is not None
    assert found[0].at.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(block_shares([[3, 0, 0, 4]], found), [[0.36, 0.64]])


def test_rank_correlations_leave_out_what_has_no_rank() -> None:
    t = np.arange(10.0)[:, None]
    columns = {
        "up": t[:, 0] ** 3,
        "down": -t[:, 0],
        "same": np.ones(10),
        "word": np.array(["a"] * 10),
    }
    columns["hole"] = np.where(t[:, 0] == 3, np.nan, t[:, 0])
    found = rank_correlations(t, columns)
    assert {name: values[0] for name, values in found.items()} == pytest.approx(
        {"up": 1.0, "down": -1.0, "hole": 1.0}
    )


def report_data(
    n: int = 60,
    d: int = 5,
    rank: int = 2,
    labels: list[FeatureLabel] | None = None,
    spread: bool = False,
) -> ReportData:
    rng = np.random.default_rng(0)
    known = np.exp(-((ENERGY - 5 - rng.normal(size=(n, 1))) ** 2))
    guess = known + 0.01 * rng.normal(size=known.shape)
    result = PartResult(
        np.arange(n).astype(str), known, guess, 0 * known + 0.02 if spread else None
    )
    parts = {part: result for part in ("train", "test")}
    metrics = {p: part_scores(known, guess, known.std(axis=0)) for p in parts}
    scores = rng.normal(size=(n, rank))
    vectors = np.linalg.qr(rng.normal(size=(d, d)))[0][:rank]
    sweep = Sweep(np.linspace(-1, 1, 3), np.outer([0.5, 1, 2], known[0]))
    covered = {part: np.linspace(0.5, 0.9, rank).tolist() for part in parts}
    found = Decomposition(
        "eca",
        "eca",
        covered,
        result.ids,
        scores,
        vectors,
        (0.1, 0.5, 0.9),
        [sweep] * rank,
        {"a": [0.5] * rank},
    )
    return ReportData(
        name="<try>",
        dataset=Metadata(name="water", version="1.0.0"),
        target=Target("xes", ENERGY),
        target_scaling="global",
        parts=parts,
        metrics=metrics,
        features=labels or [FeatureLabel(f"f{i}") for i in range(d)],
        decompositions=[found],
        colourings={
            "number": Colouring(rng.normal(size=n), "Å"),
            "word": Colouring(np.array([f"class {i % 12}" for i in range(n)])),
        },
        history=np.array([[10, 0.5, np.nan], [20, 0.4, np.nan]]),
    )


def judged_at(r2: float) -> ReportData:
    """Return report data whose emulator has a given score."""
    shown = report_data()
    metrics = {part: {**scores, "r2": r2} for part, scores in shown.metrics.items()}
    return replace(shown, metrics=metrics)


def gridded(d: int) -> list[FeatureLabel]:
    return [FeatureLabel(f"{i}", block=f"block {i % 9}", axis="r (Å)", at=i) for i in range(d)]


def symmetry_functions() -> list[FeatureLabel]:
    """Return labels as those of wacsf: two axes, and one column that lies on none."""
    radial = [FeatureLabel(f"G2 {i}", "", "G2", "distance (Å)", i) for i in range(32)]
    angular = [
        FeatureLabel(f"G4 {b} {i}", "", f"G4 λ=-1 ζ={b}", "width (Å)", i)
        for b in range(8)
        for i in range(8)
    ]
    return [FeatureLabel("G1", block="G1"), *radial, *angular]


def test_a_panel_is_not_spent_on_one_weight(tmp_path: Path) -> None:
    shown = report_data(d=97, labels=symmetry_functions())
    figure = component_vectors(shown, shown.decompositions[0].vectors)
    assert len(figure.axes) == 2 * 3  # both axes and the shares
    ticks = {text.get_text() for axis in figure.axes for text in axis.get_yticklabels()}
    assert "G1" in ticks


def test_categories_stand_in_their_own_order_and_the_rarest_are_others() -> None:
    counts = {2: 20, 1: 15, 0: 12, 3: 1}
    charges = np.repeat(list(counts), list(counts.values()))
    words = np.array([f"kind {i * i // 48:02d}" for i in range(48)])  # the later, the rarer
    shown = replace(
        report_data(n=48),
        colourings={"charge": Colouring(charges), "kind": Colouring(words)},
    )
    told = [
        [text.get_text() for text in axis.get_legend().get_texts()]
        for axis in score_scatter(shown, shown.decompositions[0]).axes
    ]
    assert told[0] == ["0", "1", "2", "3"]
    assert told[1][:-1] == sorted(told[1][:-1])
    assert "kind 00" in told[1]
    assert told[1][-1] == f"{len(set(words)) - len(told[1]) + 1} others"


def test_targets_of_several_units_are_told_one_by_one(tmp_path: Path) -> None:
    from matplotlib.image import imread

    names = ("main mean (eV)", "main standard deviation (eV)", "main excess kurtosis", "still")
    known = np.random.default_rng(1).normal(size=(40, 4)) * [0.5, 1, 1e4, 0]
    guess = known + np.array([0.1, 0, 0, 0])
    result = PartResult(np.arange(40).astype(str), known, guess)
    scores = part_scores(known, guess, known.std(axis=0), spectra=False)
    assert scores["standardised_channels"] == 3, "a small number may be in a large unit"
    scores["targets"] = feature_scores(known, guess, names)
    assert scores["targets"]["main mean (eV)"]["rmse"] == pytest.approx(0.1)
    assert scores["targets"]["still"]["r2"] is None
    shown = replace(
        report_data(),
        target=Target("xes", None, names, ""),
        parts={"test": result},
        metrics={"test": scores},
        decompositions=[],
        history=None,
    )
    pictures = draw_all(shown, tmp_path)
    pixels = imread(pictures[0].path)[..., :3]
    assert (pixels[:, -1] > 0.99).all(), "a title is cut off"
    page = render(shown, pictures)
    assert "()" not in page
    assert "targets standardised one by one" in page
    assert "<th>main excess kurtosis</th><td>1.00000</td>" in page


@pytest.mark.parametrize(
    "shown",
    [
        report_data(),
        report_data(n=1, rank=1),
        report_data(d=60, rank=4, labels=gridded(60), spread=True),
        report_data(d=45, rank=3, labels=[FeatureLabel(f"f{i}", block="x") for i in range(45)]),
        replace(report_data(), colourings={}, decompositions=[], history=None),
        report_data(d=97, labels=symmetry_functions()),
        judged_at(-0.2),
        judged_at(-3.0),
    ],
    ids=["bars", "one", "axis", "many", "plain", "functions", "bad", "worse"],
)
def test_every_kind_of_material_can_be_drawn(shown: ReportData, tmp_path: Path) -> None:
    from matplotlib.image import imread

    pictures = draw_all(shown, tmp_path)
    names = {picture.path.stem for picture in pictures}
    assert {"mean_spectra", "score_distribution", "residuals"} <= names
    assert ("components_eca" in names) == bool(shown.decompositions)
    for picture in pictures:
        pixels = imread(picture.path)[..., :3]
        assert pixels.shape[1] > 500
        assert (pixels < 0.9).any(axis=2).mean() > 0.003  # ink
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (edge > 0.99).all(), f"{picture.path.name} is cut off at its edge"
    aside = {"samples": {"set_aside": [{"id": "a", "reason": "odd"}]}}
    page = render(replace(shown, summary=aside), pictures)
    assert "1 sample was set aside, first ‘a’" in page
    assert page.count("data:image/png") == len(pictures)
    assert "&lt;try&gt;" in page
    assert "<try>" not in page
