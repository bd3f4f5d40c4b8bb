"""What the editor of digests refuses: said at its field, all at once, with everything kept that was typed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from monitor.bootstrap import Services
from tests.api.digest_edit import BASICS, FILE, edit_services, errors_of, fields_of, send
from tests.api.pages import check_structure
from tests.api.support import client_of


@pytest.fixture
def told(filled_home: Path, tmp_path: Path) -> Iterator[Services]:
    made = edit_services(filled_home, tmp_path)
    yield made
    made.close()


@pytest.fixture
async def pages(told: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(told) as client:
        yield client


REFUSED = [
    ({"title": ""}, "title", "Give it a title"),
    ({"schedule": "weekly on funday 08:00"}, "schedule", "'funday' is not a day of the week; did you mean 'sunday'?"),
    ({"schedule": ""}, "schedule", "Say when it goes out"),
    ({"timezone": "Berlin"}, "timezone", "did you mean 'Europe/Berlin'?"),
    (
        {"timezone": "UTC", "schedule": "daily 08:00 Europe/Berlin"},
        "timezone",
        "names the time zone 'Europe/Berlin' already",
    ),
    ({"id": "Not An Id"}, "id", "is not an id"),
    ({"id": "new"}, "id", "is a word of these pages"),
    ({"id": "nurses"}, "id", "There is a digest 'nurses' already"),
    ({"id": "declared"}, "id", "There is a digest 'declared' already"),
    ({"grace": "soon"}, "grace", "is not an interval"),
    ({"quiet": "never"}, "quiet", "Unknown quiet 'never'"),
    ({"locale": "tlh"}, "locale", "Unknown locale 'tlh'"),
    ({"filters.country": "DE, Utopia"}, "filters.country", "is not a country code"),
    ({"filters.source": "wires"}, "filters.source", "did you mean 'wire'?"),
    ({"channels.0.kind": "pigeon"}, "channels.0", "Unknown kind 'pigeon'"),
    ({"channels.1.kind": "file"}, "channels.1.to", "The same channel appears twice"),
    ({"channels.0.formats": "html, pdf"}, "channels.0.formats", "unknown format 'pdf'"),
    ({"channels.0.to": "../etc"}, "channels.0.to", "is not a folder below"),
    ({"channels.0.kind": "email"}, "channels.0.to", "Write at least one mail address."),
    ({"channels.0.kind": "chat", "channels.0.to": "slack://TokenA/TokenB"}, "channels.0.to", "write env:NAME instead"),
    ({"channels.0.kind": "chat", "channels.0.to": "env:NOWHERE"}, "channels.0.to", "'NOWHERE' is not set"),
    ({"channels.0.kind": "webhook", "channels.0.to": "https://a.example/"}, "channels.0.secret", "Name the variable"),
    (
        {"channels.0.kind": "webhook", "channels.0.to": "https://a.example/", "channels.0.secret": "whsec_c2VjcmV0"},
        "channels.0.secret",
        "and not the key itself.",
    ),
    (
        {"channels.0.kind": "webhook", "channels.0.to": "https://a.example/", "channels.0.secret": "env:NOWHERE"},
        "channels.0.secret",
        "'NOWHERE' is not set",
    ),
    (
        {
            "channels.0.kind": "webhook",
            "channels.0.to": "https://me:hunter2@a.example/",
            "channels.0.secret": "env:HOOK_SECRET",
        },
        "channels.0.to",
        "holds a password or key",
    ),
]


@pytest.mark.parametrize(("typed", "field", "says"), REFUSED)
async def test_what_does_not_fit_is_said_beside_its_field(
    told: Services, pages: httpx.AsyncClient, typed: dict[str, str], field: str, says: str
) -> None:
    fields = {**BASICS, **FILE, **typed}
    answer, page = await send(pages, "/digests/new", {**fields, "do": "save"})
    assert answer.status_code == 422
    found = errors_of(page)
    assert list(found) == [field]
    assert says in found[field]
    check_structure(page)
    kept = fields_of(page)
    for name, value in fields.items():
        if name not in ("quiet", "locale"):  # those are no text
            assert kept[name] == value
    assert [one.id for one in told.digests.specs()] == ["declared", "nurses"]


async def test_every_mistake_is_told_at_once(pages: httpx.AsyncClient) -> None:
    wrong = {"title": "", "schedule": "now and then", "filters.language": "klingon"}
    _, page = await send(pages, "/digests/new", {**BASICS, **wrong, "timezone": "", "do": "save"})
    assert list(errors_of(page)) == ["title", "schedule", "filters.language", "add"]


async def test_channels_are_added_by_name_and_not_without_end(pages: httpx.AsyncClient) -> None:
    _, page = await send(pages, "/digests/new", {**BASICS, "add": "pigeon", "do": "add"})
    assert "There is no channel 'pigeon'" in errors_of(page)["add"]
    many = {f"channels.{place}.kind": "file" for place in range(20)}
    _, page = await send(pages, "/digests/new", {**BASICS, **many, "add": "file", "do": "add"})
    assert errors_of(page)["add"] == "A digest has at most 20 channels."
    answer, _ = await send(pages, "/digests/new", {**BASICS, **FILE, "do": "frolic"})
    assert answer.status_code == 422
    answer, _ = await send(pages, "/digests/new", {**BASICS, "titel": "x"})
    assert answer.status_code == 422
