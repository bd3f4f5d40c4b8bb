"""Files: whole, under the same name each time, and never elsewhere."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.digest import ChannelSpec
from monitor.deliver.base import DeliveryError
from monitor.deliver.file import CHANNEL, file_name
from tests.deliver.messages import MESSAGE, PNG, context, settings, spec


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_all_formats(tmp_path: Path) -> None:
    wanted = spec("file", formats=["html", "markdown", "json"])
    assert CHANNEL.check(wanted, settings(tmp_path)) == []
    receipt = await CHANNEL.deliver(MESSAGE, wanted, context(settings(tmp_path)))
    folder = tmp_path / "digests" / "weekly"
    assert listed(tmp_path) == [f"digests/weekly/weekly.2026-07-13.{end}" for end in ("html", "json", "md")]
    html = (folder / "weekly.2026-07-13.html").read_text()
    assert "cid:" not in html
    assert f'src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in html
    assert (folder / "weekly.2026-07-13.md").read_text() == MESSAGE.markdown
    assert json.loads((folder / "weekly.2026-07-13.json").read_text())["headline"] == "Up 12 %"
    assert str(folder / "weekly.2026-07-13.html") in receipt.said


async def test_again_is_the_same_file(tmp_path: Path) -> None:
    for _ in range(2):
        await CHANNEL.deliver(MESSAGE, spec("file", "a", "b"), context(settings(tmp_path)))
    assert listed(tmp_path) == [f"digests/{one}/weekly/weekly.2026-07-13.html" for one in "ab"]
    receipt = await CHANNEL.deliver(
        MESSAGE, spec("file", "a", "c"), context(settings(tmp_path), already=frozenset({"a"}))
    )
    assert receipt.confirmed == ("c",)


async def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match="No space left") as caught:
        await CHANNEL.deliver(MESSAGE, spec("file"), context(settings(tmp_path)))
    assert caught.value.temporary
    assert listed(tmp_path) == []


@pytest.mark.parametrize(
    "folder", ["../out", "/etc", "a/../../out", "a/..", "..", "~/x", "a\\..\\..", ".hidden", "a\0b"]
)
async def test_no_way_out_of_the_folder(folder: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (problem,) = CHANNEL.check(spec("file", folder), settings(home))
    assert "env:NAME" in problem
    with pytest.raises(DeliveryError, match="is not a folder below") as caught:
        await CHANNEL.deliver(MESSAGE, spec("file", folder), context(settings(home)))
    assert not caught.value.temporary
    assert listed(tmp_path) == []


async def test_no_way_out_by_a_link(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir()
    (home / "digests").mkdir(parents=True)
    (home / "digests" / "link").symlink_to(out)
    with pytest.raises(DeliveryError, match="is a link out of"):
        await CHANNEL.deliver(MESSAGE, spec("file", "link"), context(settings(home)))
    assert listed(out) == []


async def test_the_operator_may_name_any_folder(tmp_path: Path) -> None:
    given = settings(tmp_path / "home", environment={"WWW": str(tmp_path / "www"), "LOOSE": "www"})
    await CHANNEL.deliver(MESSAGE, spec("file", "env:WWW"), context(given))
    assert listed(tmp_path) == ["www/weekly/weekly.2026-07-13.html"]
    assert "absolute path" in CHANNEL.check(spec("file", "env:LOOSE"), given)[0]
    assert "'GONE' is not set" in CHANNEL.check(spec("file", "env:GONE"), given)[0]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (spec("file", formats=["pdf"]), "known: html, json, markdown"),
        (spec("file", formats=[]), "is not a list"),
        (spec("file", formats=[1]), "unknown format"),
        (spec("file", format="html"), "did you mean 'formats'"),
    ],
)
def test_bad_options(wanted: ChannelSpec, problem: str, tmp_path: Path) -> None:
    (found,) = CHANNEL.check(wanted, settings(tmp_path))
    assert problem in found


@given(key=st.text(max_size=300))
def test_any_key_makes_a_harmless_name(key: str) -> None:
    name = file_name(key)
    assert name == file_name(key)
    assert 0 < len(name) <= 100
    assert name.isascii()
    assert not set("/\\:\0") & set(name)
    assert name[0] != "."


@given(one=st.text(max_size=40), two=st.text(max_size=40))
def test_two_keys_have_two_names(one: str, two: str) -> None:
    assert (file_name(one) == file_name(two)) == (one == two)


async def test_keys_and_digests_lead_nowhere_else(tmp_path: Path) -> None:
    odd = replace(MESSAGE, key="../../x")
    await CHANNEL.deliver(odd, spec("file"), replace(context(settings(tmp_path)), digest="../y"))
    (path,) = listed(tmp_path)
    assert path.startswith("digests/y-")
    assert path.count("/") == 2
