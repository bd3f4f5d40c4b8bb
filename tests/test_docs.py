"""Documentation that must not fall behind the code."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.cli import app
from monitor.core.metrics import METRICS
from monitor.settings import variables

ROOT = Path(__file__).parents[1]


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    for variable, description in variables().items():
        assert f"`{variable}`" in text, variable
        assert description.replace("|", "/") in text, variable


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    names += [str(group.name) for group in app.registered_groups]
    assert len(names) > 10
    for name in names:
        assert f"trendmonitor {name}" in text, name


def test_every_metric_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for name in METRICS:
        assert f"`{name}`" in text, name


def test_links_between_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
