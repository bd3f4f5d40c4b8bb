"""What every page keeps, found out in a real browser: reading, keyboard, widths, schemes, and the policy it is sent with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.api.pages import BROWSER
from tests.browser.addresses import PAGES, Address, resolve
from tests.browser.probing import Examiner, Found

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
PRINTED = ("claims", "claim", "digest-issue", "digest-preview")


@pytest.fixture(scope="module")
def found(browser: Browser, address: str) -> Iterator[Callable[[Address], Found]]:
    """What was found about a page; each is opened once."""
    known: dict[str, Found] = {}
    examiner = Examiner(browser, address)

    def read(path: str) -> str:
        return httpx.get(address + path, headers=BROWSER, timeout=60).text

    def look(page: Address) -> Found:
        if page.name not in known:
            path = resolve(page, read)
            assert path is not None, f"nothing on {page.path} leads to {page.find}"
            known[page.name] = examiner.look(path, variant=page.variant)
        return known[page.name]

    yield look
    examiner.close()


Look = Callable[[Address], Found]


@every_page
def test_the_page_answers_and_works_with_scripts_switched_off(page: Address, found: Look) -> None:
    seen = found(page)
    assert seen.status == page.status
    assert seen.without_scripts["status"] == page.status
    assert [" ".join(one.split()) for one in seen.without_scripts["headings"]] == [
        " ".join(one.split()) for one in seen.markup["headings"]
    ]
    assert seen.without_scripts["tables"] == seen.markup["tables"]
    if seen.markup["charts"]:
        assert seen.without_scripts["pictures"] >= 1


@every_page
def test_axe_finds_nothing_serious_in_light_in_dark_and_on_a_phone(page: Address, found: Look) -> None:
    assert {how: faults for how, faults in found(page).axe.items() if faults} == {}


@every_page
def test_the_console_stays_empty_and_nothing_is_asked_of_others(page: Address, found: Look) -> None:
    assert found(page).console == []
    assert found(page).elsewhere == []


@every_page
def test_no_width_scrolls_sideways(page: Address, found: Look) -> None:
    assert {width: faults for width, faults in found(page).overflow.items() if faults} == {}


@every_page
def test_one_heading_names_the_page_and_pictures_and_charts_can_be_read(page: Address, found: Look) -> None:
    markup = found(page).markup
    assert len(markup["headings"]) == 1
    assert markup["pictures"] == []
    assert markup["twinless"] == []
    assert markup["undrawn"] == []
    assert markup["odd_links"] == []


@pytest.mark.parametrize("page", [one for one in PAGES if not one.variant], ids=lambda one: one.name)
def test_the_tab_key_reaches_everything_and_shows_where_it_is(page: Address, found: Look) -> None:
    assert found(page).unreached == []
    assert found(page).unseen_focus == []


@pytest.mark.parametrize("page", [one for one in PAGES if one.name in PRINTED], ids=lambda one: one.name)
def test_claims_and_digests_are_printed_without_what_only_a_screen_needs(page: Address, found: Look) -> None:
    printed = found(page).printed
    assert printed["navigation"] == 0
    assert printed["text"] > 200
