"""Fits through ``xreg.api``: the result is an object that a notebook shows; nothing is printed."""

from __future__ import annotations

import pytest

from xreg import api
from xreg.core.errors import ConfigError


def test_a_fit_gives_parameters_remarks_and_a_picture(model, spectrum, known, tmp_path, capfd):
    settings = {"generator": "none", "starts": 4, "fix": {"S2": 0.76}, "intervals": False}
    settings |= {"background": "constant"}
    found = api.fit(model, spectrum, out=tmp_path / "it", settings=settings)
    table = found.parameters
    values = dict(zip(table["name"], map(float, table["value"]), strict=True))
    assert values["Dq"] == pytest.approx(known.true["Dq"], abs=0.005)
    assert values["shift"] == pytest.approx(known.shift, abs=0.05)
    assert values["S2"] == 0.76
    assert "fixed" in table["remark"]
    assert found.facts["parameters"]["Dq"]["value"] == pytest.approx(values["Dq"], rel=1e-3)
    assert (found.folder / "fit.json").is_file()
    assert found.plot()._repr_png_().startswith(b"\x89PNG")
    page = found._repr_html_()
    assert "<td>Dq</td>" in page
    assert all(remark[:10] in page for remark in found.remarks)
    assert capfd.readouterr() == ("", "")


def test_without_a_folder_nothing_is_written(model, spectrum, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = api.fit(
        model, spectrum, settings={"generator": "none", "starts": 2, "intervals": False}
    )
    assert found.folder is None
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="'stars'"):
        api.fit(model, spectrum, settings={"stars": 2})
