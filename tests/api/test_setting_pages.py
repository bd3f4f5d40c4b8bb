"""Settings and keys: a key is shown once and nowhere else, revoking asks first, and no secret is ever shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from lxml import html
from pydantic import SecretStr

from api.dashboard.settings import views as setting_views
from api.dashboard.settings import words as setting_words
from api.sessions import COOKIE, LASTS
from collectors.base import Source
from monitor.bootstrap import Services
from monitor.core.model import Visit
from monitor.doctor import Finding
from monitor.settings import Settings, variables
from monitor.store import set_aside, visits
from monitor.store.keys import ApiKey
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of, make_services

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = re.compile(r"tm_[\w-]{20,}")
SECRETS = ("smtp-hunter2", "mailbox-account", "key-hunter2", "base-hunter2", "post-hunter2")


@pytest.fixture
async def pages(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(services) as client:
        client.headers.update(BROWSER)
        yield client


@pytest.fixture
def outside(services: Services) -> Iterator[Services]:
    """The same data, served to other machines."""
    made = make_services(services.settings.home, services.settings.config, host="0.0.0.0")
    yield made
    made.close()


@pytest.fixture
async def browser(outside: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(outside, base="http://monitor.example:8000", client=("203.0.113.9", 40000)) as client:
        client.headers.update(BROWSER)
        yield client


async def log_in(client: httpx.AsyncClient, services: Services, scope: str = "write", name: str = "me") -> str:
    key = services.store.create_key(name, scope, NOW)
    answer = await client.post("/login", data={"key": key, "next": "/settings"})
    assert answer.status_code == 303
    return key


def keys_of(services: Services) -> dict[str, bool]:
    """Name → whether the key is revoked."""
    found = services.store.keys()
    return {key.name: key.revoked for key in found}


def tree(answer: httpx.Response) -> html.HtmlElement:
    return html.document_fromstring(answer.text)


def seal_in(answer: httpx.Response) -> str:
    return str(tree(answer).find(".//input[@name='seal']").get("value"))


def words_of(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def rows_of(page: html.HtmlElement, caption: str) -> list[str]:
    table = next(one for one in page.iter("table") if text_of(one.find("caption")).startswith(caption))
    return [words_of(row) for row in table.iterfind("./tbody/tr")]


# --- keys ------------------------------------------------------------------------------------------------------------


async def test_before_the_first_key_the_page_says_what_it_will_end(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/settings")
    check_policy(page)
    check_structure(page)
    assert text_of(page.find(".//h1")) == (
        "Everyone on this machine may read and change things: there is no key that can be used."
    )
    assert setting_words.FIRST_KEY in words_of(page)
    assert page.find(".//input[@value='write']").get("checked") is not None


async def test_a_key_is_shown_once_on_the_answer_that_is_not_cached(
    pages: httpx.AsyncClient, services: Services, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = await pages.post("/settings/keys", data={"name": "  newsroom laptop ", "scope": "write"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    page = tree(answer)
    check_policy(page)
    key = text_of(page.find_class("key")[0])
    assert TOKEN.fullmatch(key)
    assert services.store.check_key(key) == "write"
    assert list(keys_of(services)) == ["newsroom laptop"]
    for element in page.iter("a", "form", "img"):
        assert key not in (element.get("href") or element.get("action") or element.get("src") or "")
    later = await pages.get("/settings")
    assert not TOKEN.search(later.text)
    printed = capsys.readouterr()
    assert key not in printed.out + printed.err + caplog.text


async def test_the_first_key_closes_open_writing_and_one_button_logs_in(
    pages: httpx.AsyncClient, services: Services
) -> None:
    made = tree(await pages.post("/settings/keys", data={"name": "me", "scope": "write"}))
    assert "this is the only one" in words_of(made)
    refused = await pages.post("/settings/keys", data={"name": "other", "scope": "write"})
    assert refused.status_code == 401
    closed = await page_of(pages, "/settings")
    assert "Log in with a key that may write" in words_of(closed)
    assert closed.find(".//form[@action='/settings/keys']") is None
    form = made.find(".//form[@action='/login']")
    fields = {one.get("name"): one.get("value") for one in form.iter("input")}
    entered = await pages.post("/login", data=fields)
    assert (entered.status_code, entered.headers["location"]) == (303, "/settings")
    inside = tree(await pages.get("/settings"))
    assert text_of(inside.find(".//h1")) == "1 key can be used; it may write."
    assert "me you are logged in with it Read and write" in rows_of(inside, "Every key")[0]


async def test_the_first_key_must_be_one_that_may_write(pages: httpx.AsyncClient, services: Services) -> None:
    answer = await pages.post("/settings/keys", data={"name": "reader", "scope": "read"})
    assert answer.status_code == 422
    page = tree(answer)
    assert text_of(page.find(".//title")).startswith("Error: ")
    assert setting_words.FIRST_MUST_WRITE in text_of(page.find_class("field-error")[0])
    assert page.get_element_by_id("name").get("value") == "reader"
    assert services.store.keys() == []


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"name": "", "scope": "write"}, "name", "Write what or whom the key is for."),
        ({"name": "n" * 81, "scope": "write"}, "name", "has 81 characters; at most 80"),
        ({"name": "a\x07b", "scope": "write"}, "name", "cannot be printed"),
        ({"name": "me", "scope": "write"}, "name", "A key “me” exists already"),
        ({"name": "new", "scope": "admin"}, "scope", "Choose what the key may do."),
        ({"name": "new"}, "scope", "Choose what the key may do."),
    ],
)
async def test_what_does_not_fit_is_said_beside_its_field_and_stays(
    pages: httpx.AsyncClient, services: Services, fields: dict[str, str], field: str, why: str
) -> None:
    await log_in(pages, services)
    seal = seal_in(await pages.get("/settings"))
    answer = await pages.post("/settings/keys", data={**fields, "seal": seal})
    assert answer.status_code == 422
    page = tree(answer)
    check_structure(page)
    assert why in text_of(page.get_element_by_id(f"{field}-error"))
    assert page.find_class("problem")[0].find(".//a").get("href") == f"#{field}"
    assert page.get_element_by_id(field) is not None
    assert page.get_element_by_id("name").get("value") == fields["name"]
    assert len(services.store.keys()) == 1


async def test_sending_the_form_again_makes_no_second_key(pages: httpx.AsyncClient, services: Services) -> None:
    await log_in(pages, services)
    fields = {"name": "laptop", "scope": "read", "seal": seal_in(await pages.get("/settings"))}
    assert (await pages.post("/settings/keys", data=fields)).status_code == 200
    again = await pages.post("/settings/keys", data=fields)
    assert again.status_code == 422
    assert not TOKEN.search(again.text)
    assert list(keys_of(services)) == ["me", "laptop"]


async def test_forms_need_the_seal_and_a_key_that_may_write(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside)
    for path, fields in (("/settings/keys", {"name": "x", "scope": "write"}), ("/settings/keys/1/revoke", {})):
        assert (await browser.post(path, data=fields, headers=FORM)).status_code == 403
        assert (await browser.post(path, data={**fields, "seal": "made-up"})).status_code == 403
    browser.cookies.clear()
    await log_in(browser, outside, "read", "reader")
    page = await browser.get("/settings")
    assert '<form method="post" action="/settings/keys"' not in page.text
    refused = await browser.post("/settings/keys", data={"name": "x", "scope": "write", "seal": seal_in(page)})
    assert refused.status_code == 403
    assert keys_of(outside) == {"me": False, "reader": False}


async def test_another_site_can_make_no_key(pages: httpx.AsyncClient, services: Services) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await pages.post("/settings/keys", data={"name": "x", "scope": "write"}, headers=headers)
        assert answer.status_code == 403
    asked = await pages.get("/settings/keys?name=x&scope=write")
    assert asked.status_code == 405
    assert services.store.keys() == []


async def test_revoking_asks_first_and_says_what_follows(browser: httpx.AsyncClient, outside: Services) -> None:
    other = outside.store.create_key("laptop", "read", NOW)
    await log_in(browser, outside)
    asked = await browser.get("/settings/keys/1/revoke")
    page = tree(asked)
    check_policy(page)
    check_structure(page)
    assert text_of(tree(asked).find(".//h1")) == "Revoke the key “laptop”?"
    assert outside.store.check_key(other) == "read", "asking changes nothing"
    done = await browser.post("/settings/keys/1/revoke", data={"seal": seal_in(asked)})
    assert (done.status_code, done.headers["location"]) == (303, "/settings#keys")
    assert outside.store.check_key(other) is None
    listed = rows_of(tree(await browser.get("/settings")), "Every key")
    assert "– Revoked" in listed[1]
    assert "is revoked" in words_of(tree(await browser.get("/settings/keys/1/revoke")))


async def test_revoking_the_key_one_is_logged_in_with_logs_out(browser: httpx.AsyncClient, outside: Services) -> None:
    await log_in(browser, outside)
    asked = await browser.get("/settings/keys/1/revoke")
    said = words_of(tree(asked))
    assert "this logs you out" in said
    assert "the service does not start again" in said
    done = await browser.post("/settings/keys/1/revoke", data={"seal": seal_in(asked)})
    assert done.status_code == 303
    assert COOKIE not in browser.cookies
    assert (await browser.get("/settings")).headers["location"].startswith("/login")


def test_what_revoking_means_depends_on_the_keys_that_are_left() -> None:
    write, read, spare = (
        ApiKey(number, f"k{number}", scope, NOW, None, False)
        for number, scope in ((1, "write"), (2, "read"), (3, "write"))
    )

    def said(key: ApiKey, *keys: ApiKey, loopback: bool = True) -> str:
        return " ".join(setting_words.revoke_warnings(key, keys, own=False, loopback=loopback))

    assert said(write, write, spare) == ""
    assert said(read, write, read) == ""
    assert "last key that may write" in said(write, write, read)
    assert "everyone on this machine may change things here again" in said(write, write)
    assert "does not start again" in said(write, write, loopback=False)


@pytest.mark.parametrize("number", ["99", "0", "-1", "x", "1e3", "99999999999999999999", "%C2%B2"])
async def test_a_key_that_is_not_there_is_not_found(pages: httpx.AsyncClient, number: str) -> None:
    assert (await pages.get(f"/settings/keys/{number}/revoke")).status_code == 404
    assert (await pages.post(f"/settings/keys/{number}/revoke", headers=FORM)).status_code == 404


async def test_names_of_keys_and_values_are_for_those_who_may_change_things(
    browser: httpx.AsyncClient, outside: Services
) -> None:
    outside.store.create_key("whistleblower desk", "read", NOW)
    await log_in(browser, outside, "read", "reader")
    for path in ("/settings", "/settings/findings", "/settings/keys/1/revoke"):
        answer = await browser.get(path)
        assert answer.status_code == 200
        check_structure(tree(answer))
        assert "whistleblower" not in answer.text
        assert str(outside.settings.home) not in answer.text
    assert "2 keys can be used; none of them may write." in (await browser.get("/settings")).text


async def test_a_hostile_name_stays_text(pages: httpx.AsyncClient, services: Services) -> None:
    name = "</title><script>alert(1)</script>"
    answer = await pages.post("/settings/keys", data={"name": name, "scope": "write"})
    assert "<script>alert" not in answer.text
    await log_in(pages, services)
    for path in ("/settings", "/settings/keys/1/revoke"):
        page = await pages.get(path)
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text


# --- settings and what is kept ---------------------------------------------------------------------------------------


async def test_every_setting_is_listed_and_no_secret_is_shown(services: Services) -> None:
    settings = Settings(
        home=services.settings.home,
        config=services.settings.config,
        smtp_host="mail.example.org",
        smtp_user=SECRETS[1],
        smtp_password=SecretStr(SECRETS[0]),
        key={"youtube": SecretStr(SECRETS[2]), "misspelt": SecretStr(SECRETS[2])},
        api_base={"x": f"http://me:{SECRETS[3]}@127.0.0.1:9001"},
        allow_nets=(ip_network("10.1.0.0/16"),),
        retention_text_days=90,
    )
    made = Services(settings, clock=lambda: NOW)
    async with client_of(made) as client:
        answer = await client.get("/settings", headers=BROWSER)
        found = await client.get("/settings/findings", headers=BROWSER)
    made.close()
    page = tree(answer)
    check_policy(page)
    check_structure(page)
    for secret in SECRETS:
        assert secret not in answer.text
        assert secret not in found.text
    rows = rows_of(page, "Every setting")
    named = [row.split()[0] for row in rows]
    assert named == [name for name in variables() if "_KEY__" not in name]
    told = dict(zip(named, rows, strict=True))
    assert "TRENDMONITOR_SMTP_PASSWORD set, not shown" in told["TRENDMONITOR_SMTP_PASSWORD"]
    assert "set, not shown" in told["TRENDMONITOR_SMTP_USER"]
    assert "10.1.0.0/16" in told["TRENDMONITOR_ALLOW_NETS"]
    assert "x: http://127.0.0.1:9001" in told["TRENDMONITOR_API_BASE__<COLLECTOR>"]
    assert "TRENDMONITOR_RETENTION_TEXT_DAYS 90 Days" in told["TRENDMONITOR_RETENTION_TEXT_DAYS"]
    assert "1.0 by default" in told["TRENDMONITOR_PACE_SECONDS"]
    keys = rows_of(page, "Whether the key")
    assert any(row.startswith("TRENDMONITOR_KEY__YOUTUBE set An API key") for row in keys)
    assert any(row.startswith("TRENDMONITOR_KEY__X not set") for row in keys)
    assert any("MISSPELT set Nothing reads it" in row for row in keys)
    assert any(
        row.startswith("Title, text and link of a post 90 days after publication") for row in rows_of(page, "What this")
    )


def test_the_address_of_a_database_is_shown_without_its_password() -> None:
    settings = Settings(database_url=f"postgresql://me:{SECRETS[4]}@db.example/monitor")
    rows = setting_views.setting_rows(settings, "postgresql+psycopg://me:***@db.example/monitor")
    assert SECRETS[4] not in str(rows)
    row = next(one for one in rows if one["variable"] == "TRENDMONITOR_DATABASE_URL")
    assert (row["value"], row["given"]) == ("postgresql+psycopg://me:***@db.example/monitor", True)


async def test_what_is_kept_is_told_with_the_numbers_of_the_code(pages: httpx.AsyncClient) -> None:
    page = await page_of(pages, "/settings")
    kept = " ".join(rows_of(page, "What this service keeps"))
    for part in (
        "730 days after publication", f"{set_aside.KEPT.days} days As they came", f"latest {visits.KEPT} of each source",
        f"{LASTS.days} days A signed cookie", "keyed hash only: never a name, handle or profile",
    ):  # fmt: skip
        assert part in kept, part
    duties = rows_of(page, "Shorter or more")
    assert any(row.startswith("youtube 0 30 days after they were last confirmed every 20 days") for row in duties)
    assert any(row.startswith("bluesky 0 as above every 7 days, until they are 30 days old") for row in duties)
    assert not any(row.startswith("feed ") for row in duties)


def test_texts_that_are_kept_for_ever_are_said_to_be() -> None:
    assert setting_words.kept_rows(0, "17 3 * * *")[0]["long"] == "For ever"


async def test_the_data_are_counted_and_older_tags_are_told(services: Services) -> None:
    services.recipe  # noqa: B018 - remembers by which lists posts are tagged
    async with client_of(services) as client:
        said = words_of(await page_of(client, "/settings"))
        assert "Database SQLite, " in said
        assert "Posts 98 , published from" in said
        assert "Sources 4 tracked" in said
        assert "All stored posts were tagged by the present rules and word lists." in said
        services.config.lexicon["changed"] = True  # type: ignore[index]
        assert "run trendmonitor retag --all" in words_of(await page_of(client, "/settings"))


async def test_findings_come_on_their_own_page_and_into_this_one(services: Services, pages: httpx.AsyncClient) -> None:
    services.store.add_source(Source("evil", "feed", "web", "https://evil.example/f", "Evil"), NOW - timedelta(days=9))
    services.store.record_visit(
        Visit("evil", NOW - timedelta(days=4), NOW - timedelta(days=4), "http_500", ok=False, failures=1.0,
              message="<script>alert(1)</script> write to jane@ward.example", next_due=NOW + timedelta(hours=5))
    )  # fmt: skip
    answer = await pages.get("/settings/findings")
    page = tree(answer)
    check_policy(page)
    check_structure(page)
    assert page.get_element_by_id("found") is not None
    assert "worth knowing" in text_of(page.find(".//h1"))
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
    assert "jane@ward.example" not in answer.text
    asks = (await page_of(pages, "/settings")).get_element_by_id("findings").find(".//div")
    assert (asks.get("hx-get"), asks.get("hx-select")) == ("/settings/findings", "#found")
    assert asks.find(".//a").get("href") == "/settings/findings", "the same without scripts"


def test_findings_put_what_needs_a_person_first() -> None:
    findings = [Finding("ok", "disk", "a"), Finding("warning", "tags", "b"), Finding("problem", "network", "c", "Do.")]
    assert [one["subject"] for one in setting_views.finding_rows(findings)] == ["network", "tags", "disk"]
    assert setting_views.findings_lead(findings) == "1 thing needs you."
    assert setting_views.findings_lead(findings[:2]) == "Nothing needs you; 1 thing is worth knowing."
    assert setting_views.findings_lead(findings[:1]) == "Nothing is wrong."


@pytest.mark.parametrize("asked", ["/settings?tab=keys", "/settings/findings?all=1", "/settings/keys/1/revoke?yes=1"])
async def test_what_is_not_a_parameter_is_refused(pages: httpx.AsyncClient, asked: str) -> None:
    assert (await pages.get(asked)).status_code == 422


async def test_a_field_that_is_not_of_the_form_is_refused(pages: httpx.AsyncClient, services: Services) -> None:
    answer = await pages.post("/settings/keys", data={"name": "x", "scope": "write", "admin": "1"})
    assert answer.status_code == 422
    assert services.store.keys() == []


@pytest.mark.parametrize(("size", "said"), [(4096, "4 kB"), (12_400_000, "12.4 MB"), (3_210_000_000, "3.2 GB")])
def test_sizes_are_told_in_the_unit_that_fits(size: int, said: str) -> None:
    assert setting_words.size_words(size) == said


# --- in the browser --------------------------------------------------------------------------------------------------


def test_a_person_makes_the_first_key_logs_in_with_it_and_revokes_it(services: Services, tmp_path: Path) -> None:
    with serving(services) as address, driving(tmp_path / "profile") as tab:
        for scripts in (True, False):
            tab.open(f"{address}/settings", scripts=scripts)
            tab.write("#name", "my laptop")
            tab.press(".fields button")
            assert "Copy the key now" in tab.text
            assert TOKEN.search(tab.text)
            assert "tm_" not in str(tab.ask("location.href"))
            tab.press("form[action='/login'] button")
            assert tab.path == "/settings"
            assert "1 key can be used; it may write." in tab.text
            assert "you are logged in with it" in tab.text
            tab.resize(390)
            assert tab.overflow <= 0
            tab.resize(1200)
            tab.press("#keys a[href$='/revoke']")
            assert "everyone on this machine may change things here again" in tab.text
            tab.press("form[action$='/revoke'] button")
            assert tab.path == "/settings"
            assert "there is no key that can be used" in tab.text
        assert tab.console == []
    found = services.store.keys()
    assert [one.revoked for one in found] == [True, True]
