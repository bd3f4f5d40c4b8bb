"""The pages of posts: searching and narrowing down, every link and count, one post with its reasons, and correcting tags."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from lxml import html

from api.dashboard.posts import facets as post_facets
from api.dashboard.posts import views as post_views
from api.dashboard.posts import words as post_words
from api.dashboard.posts.asked import Asked, post_address
from collectors.base import Engagement
from monitor.bootstrap import Services
from monitor.core.model import Observed, Write
from tests.api.browser import serving
from tests.api.driving import driving
from tests.api.pages import BROWSER, by_class, check_policy, check_structure, page_of, text_of
from tests.api.support import NOW, client_of, make_post, make_services

FORM = {"Content-Type": "application/x-www-form-urlencoded", **BROWSER}
POST = post_address("wire", "wire/3")
NASTY = '</title><script>alert(1)</script><img src=x onerror="alert(2)">'


def words_of(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def titles(page: html.HtmlElement) -> list[str]:
    return [text_of(one) for one in page.iterfind(".//article/h3/a")]


def facet(page: html.HtmlElement, name: str) -> dict[str, tuple[int, str]]:
    """name of a value → (count, where it leads)"""
    title = page.get_element_by_id(f"facet-{name}", None)
    if title is None:
        return {}  # all posts have the same
    found = title.getparent()
    rows = {}
    for one in found.iter("li"):
        link = one.find("a")
        count = int(text_of(one.find_class("count")[0]).replace(",", ""))
        rows[(link.text or "").strip()] = (count, link.get("href"))
    return rows


def heading(page: html.HtmlElement) -> str:
    return text_of(page.find(".//h1"))


async def test_the_list_says_how_many_and_shows_the_newest_masked(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/posts")
    check_policy(page)
    check_structure(page)
    assert heading(page) == "98 posts"
    assert titles(page)[:2] == ["Vaccine news 49", "Vaccine news 49"]
    assert len(titles(page)) == 20
    first = words_of(page.find(".//article"))
    assert "[email]" in first
    assert "[phone]" in first
    assert "press@" not in first
    assert page.find('.//nav[@aria-label="Main"]/a[@aria-current="page"]').get("href") == "/posts"
    told = text_of(page.get_element_by_id("told"))
    assert told == "No copies are left out."
    articles = {text_of(one.find("h3/a")) + one.find("h3/a").get("href"): words_of(one) for one in page.iter("article")}
    clip = next(text for key, text in articles.items() if "clips" in key)
    wire = next(text for key, text in articles.items() if "wire" in key)
    assert "100 views, 49 likes and 0 comments; shares not told" in clip
    assert "Views, likes, comments and shares: not told" in wire
    assert "YouTube" in clip
    assert "Original at clips.example" in clip
    assert "ab" * 16 not in text_of(page), "no authors"


async def test_every_facet_counts_what_its_link_leads_to(reader: httpx.AsyncClient) -> None:
    checked = 0
    for start in ("/posts", "/posts?content_type=video&country=DE", "/posts?q=vaccine&audience=nurses"):
        page = await page_of(reader, start)
        chosen = parse_qs(urlsplit(start).query)
        for name in ("content_type", "audience", "platform", "region", "country", "source"):
            for value, (count, address) in facet(page, name).items():
                other = await page_of(reader, address)
                asked = parse_qs(urlsplit(address).query)
                if set(chosen.get(name, [])) or name not in asked:
                    continue  # it adds to, or takes from, what is chosen
                assert heading(other) == post_words.count_words(count, capped=False), (start, name, value)
                checked += 1
    assert checked > 15


async def test_filters_are_words_and_chips_that_remove_themselves(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/posts?content_type=video&country=DE,unknown&q=news&since=2026-11-06")
    told = words_of(page.get_element_by_id("told"))
    assert told.startswith(
        "With the words “news”; content type Video; country Germany or Country unknown; published since 6 November 2026."
    )
    chips = {
        text_of(one).removeprefix("Remove ").removesuffix(" ×"): one.get("href")
        for one in by_class(page, "post-chips").iter("a")
    }
    assert list(chips) == [
        "Words: news", "Content type: Video", "Country: Germany", "Country: Country unknown", "Since 2026-11-06",
        "all",
    ]  # fmt: skip
    assert chips["Country: Germany"] == "/posts?q=news&content_type=video&country=unknown&since=2026-11-06"
    assert chips["Words: news"] == "/posts?content_type=video&country=DE,unknown&since=2026-11-06"
    for address in chips.values():
        assert (await reader.get(address, headers=BROWSER)).status_code == 200
    assert facet(page, "content_type")["Video"][1] == "/posts?q=news&country=DE,unknown&since=2026-11-06"


async def test_pages_lead_on_and_back_through_all_posts(reader: httpx.AsyncClient) -> None:
    seen, address, pages = [], "/posts?content_type=news", []
    while address:
        page = await page_of(reader, address)
        pages.append(titles(page))
        seen += titles(page)
        following = page.find('.//a[@rel="next"]')
        last, address = address, following.get("href") if following is not None else ""
    assert len(seen) == len(set(seen)) == 49
    back = [titles(await page_of(reader, last))]
    page = await page_of(reader, last)
    while (before := page.find('.//a[@rel="prev"]')) is not None:
        page = await page_of(reader, before.get("href"))
        back.append(titles(page))
    assert back[::-1] == pages


async def test_empty_fields_do_not_get_into_the_address(reader: httpx.AsyncClient) -> None:
    sent = await reader.get("/posts?q=&since=&until=&order=&content_type=video", headers=BROWSER)
    assert (sent.status_code, sent.headers["location"]) == (303, "/posts?content_type=video")
    form = (await page_of(reader, "/posts?content_type=video&order=engagement")).get_element_by_id("search")
    assert form.get("action") == "/posts"
    assert [(one.get("name"), one.get("value")) for one in form.iterfind('.//input[@type="hidden"]')] == [
        ("content_type", "video")
    ]
    assert form.find(".//option[@selected]").get("value") == "engagement"


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("since=yesterday", "since", "yesterday"),
        ("until=2026-01-01&since=2026-02-01", "since", "empty"),
        ("order=best", "order", "one of newest"),
        ("content_type=movie", "search", "one of video"),
        ("cursor=xyz", "search", "cursor"),
        ("q=" + "a+" * 70, "q", "more than 64 words"),
    ],
)
async def test_what_does_not_fit_is_said_and_kept(reader: httpx.AsyncClient, query: str, field: str, says: str) -> None:
    answer = await reader.get(f"/posts?{query}", headers=BROWSER)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    check_structure(page)
    assert text_of(page.find(".//title")).startswith("Error: ")
    link = by_class(page, "problem").find(".//a")
    assert says in text_of(link)
    assert link.get("href") in (f"#{field}", "#until")
    typed = parse_qs(query).get("since", [""])[0]
    assert page.get_element_by_id("since").get("value") == typed


async def test_unknown_and_repeated_parameters_are_refused(reader: httpx.AsyncClient) -> None:
    for query in ("limit=5", "contenttype=video", "since=2026-01-01&since=2026-02-01"):
        assert (await reader.get(f"/posts?{query}", headers=BROWSER)).status_code == 422, query
    assert "Did you mean content_type?" in (await reader.get("/posts?contenttype=video", headers=BROWSER)).text


async def test_nothing_found_says_why_and_offers_what_is_near(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, "/posts?q=zebra&content_type=video")
    assert heading(page) == "No posts"
    assert text_of(by_class(page, "notice")) == "No stored post fits all of these."
    assert "49 posts without the words" in [text_of(one) for one in page.iterfind(".//main//li/a")]
    early = await page_of(reader, "/posts?until=2020-01-01")
    assert "Not collected: the oldest stored post is of 4 November 2026." in text_of(by_class(early, "notice"))
    late = await page_of(reader, "/posts?since=2026-11-18")
    assert "Nothing observed yet: the newest stored post is of" in text_of(by_class(late, "notice"))


async def test_without_any_post_the_page_says_how_they_come(tmp_path: Path, config_dir: Path) -> None:
    services = make_services(tmp_path, config_dir)
    async with client_of(services) as client:
        page = await page_of(client, "/posts")
    services.close()
    check_structure(page)
    assert "Nothing is stored yet." in text_of(by_class(page, "notice"))


async def test_copies_are_left_out_counted_and_reached(services: Services) -> None:
    start = NOW - timedelta(days=3)
    posts = tuple(
        replace(post, annotation=replace(post.annotation, duplicate_keys=(7,)), title=f"Same text {number}")
        for number in range(3)
        for post in [make_post("wire", 100 + number, start + timedelta(hours=number))]
    )
    services.store.commit(Write("wire", NOW, posts))
    async with client_of(services) as client:
        page = await page_of(client, "/posts")
        assert heading(page) == "99 posts"
        told = page.get_element_by_id("told")
        assert "Left out: 2 copies of earlier posts." in text_of(told)
        links = {text_of(one): one.get("href") for one in told.iter("a")}
        assert heading(await page_of(client, links["Show only the copies"])) == "2 posts"
        among = await page_of(client, links["Show them among the others"])
        assert heading(among) == "101 posts"
        assert "2 of them repeat an earlier post" in text_of(among)
        searched = await page_of(client, "/posts?q=same")
        assert heading(searched) == "1 post"
        assert "Left out: 2 copies" in text_of(searched)
        one = await page_of(client, post_address("wire", "wire/101"))
        copies = one.get_element_by_id("tags").getparent().xpath('.//section[@id="copies"]//li/a')
        assert [text_of(link) for link in copies if link.get("href").startswith("/posts/")] == [
            "Same text 0",
            "Same text 2",
        ]


async def test_exports_are_what_is_seen_and_say_what_is_cut(
    reader: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await page_of(reader, "/posts?content_type=video&country=DE")
    rows = {text_of(one): one.find("a").get("href") for one in page.find_class("data")[0].iter("li")}
    assert list(rows) == ["CSV: 25 rows, all of them", "JSON: 25 rows, all of them"]
    csv = await reader.get(rows["CSV: 25 rows, all of them"])
    assert len(csv.text.splitlines()) == 26
    assert len((await reader.get(rows["JSON: 25 rows, all of them"])).json()["posts"]) == 25
    assert post_words.export_words(12_345, 500, capped=False) == "the first 500 of 12,345"
    assert post_words.export_words(10_000, 500, capped=True) == "the first 500 of at least 10,000"


async def test_many_matches_are_said_to_be_more_than_was_counted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_facets, "LATEST", 25)
    async with client_of(services) as client:
        page = await page_of(client, "/posts?q=vaccine")
        assert heading(page) == "At least 25 posts"
        assert "the 25 matches of the words that were stored last" in text_of(page.get_element_by_id("facets"))
        assert sum(count for count, _ in facet(page, "audience").values()) == 25
        assert "CSV: 500 rows at most" in text_of(page)
        rare = await page_of(client, "/posts?q=vaccine&content_type=podcast")
        assert heading(rare) == "No posts", "the search itself found none"
        plain = await page_of(client, "/posts")
        assert heading(plain) == "98 posts", "without words everything is counted"
    assert post_words.count_words(10_000, capped=True) == "More than 10,000 posts"
    assert post_words.count_words(10_000, capped=False) == "10,000 posts"
    assert post_words.count_words(1, capped=True) == "At least 1 post"


async def test_a_post_tells_all_its_tags_with_why(reader: httpx.AsyncClient) -> None:
    page = await page_of(reader, POST)
    check_policy(page)
    check_structure(page)
    assert heading(page) == "Vaccine news 3"
    tags = {text_of(one.find("dt")): words_of(one.find("dd")) for one in by_class(page, "post-tagged").findall("div")}
    assert list(tags) == list(post_words.TAG_NAMES.values())
    assert tags["Content type"].startswith("News Why: its source is news.")
    assert tags["Live"].startswith("Not live Why: nothing says that it is.")
    assert tags["Country"].startswith("Germany")
    main = words_of(page.find(".//main"))
    assert "[email]" in main
    assert "press@" not in main
    assert "It was published while its source was being observed." in main
    assert "It is too short to say whether it repeats another." in main
    assert "Views, likes, comments and shares: not told" in main
    assert (await reader.get(f"/api/v1{POST}")).json()["id"] == "wire/3"
    clip = await page_of(reader, post_address("clips", "clips/3"))
    history = [words_of(one) for one in clip.iterfind(".//table/tbody/tr") if "UTC" in words_of(one)]
    assert history == ["18 November 2026, 11:51 UTC 100 3 0 [x]"]


async def test_a_missing_post_says_so_and_programs_get_a_problem(reader: httpx.AsyncClient) -> None:
    for path in (post_address("wire", "nothing"), post_address("nobody", NASTY)):
        answer = await reader.get(path, headers=BROWSER)
        assert answer.status_code == 404
        page = html.document_fromstring(answer.text)
        check_policy(page)
        check_structure(page)
    program = await reader.get(post_address("wire", "nothing"))
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")


async def test_hostile_posts_cannot_break_out_of_the_page(services: Services) -> None:
    post = replace(
        make_post("wire", 900, NOW - timedelta(hours=1)),
        title=NASTY,
        text=NASTY + "\n" + "x" * 5_000,
        url="javascript:alert(1)",
        repairs=(NASTY,),
        engagement=Engagement(likes=1),
    )
    odd = replace(post, id="a/b?c#d%2F e", url="https://ward.example:99999/", title="")
    services.store.commit(Write("wire", NOW, (post, odd), observed=Observed(NOW - timedelta(days=1), NOW)))
    async with client_of(services) as client:
        for path in ("/posts", post_address("wire", post.id), post_address("wire", odd.id)):
            answer = await client.get(path, headers=BROWSER)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text
            assert "javascript:" not in answer.text
            page = html.document_fromstring(answer.text)
            check_policy(page)
            check_structure(page)
        for query in ("q", "source", "topic"):
            answer = await client.get("/posts", params={query: NASTY}, headers=BROWSER)
            assert "<script>alert" not in answer.text
            check_policy(html.document_fromstring(answer.text))


# --- correcting ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def pages(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(services) as client:
        yield client


async def send(client: httpx.AsyncClient, path: str = f"{POST}/label", **fields: str) -> httpx.Response:
    return await client.post(
        path, data={name.replace("__", "."): value for name, value in fields.items()}, headers=FORM
    )


def tag_words(page: html.HtmlElement, dimension: str) -> str:
    return words_of(page.get_element_by_id(f"tag-{dimension}").find("dd"))


async def test_a_corrected_tag_is_shown_and_counted_at_once_and_can_be_taken_back(
    services: Services, pages: httpx.AsyncClient
) -> None:
    form = (await page_of(pages, POST)).get_element_by_id("tag-content_type").find(".//form")
    assert form.get("action") == f"{POST}/label"
    assert form.find(".//option[@selected]").get("value") == "news"
    before = facet(await page_of(pages, "/posts"), "content_type")
    sent = await send(pages, dimension="content_type", value="podcast", annotator="Ann B.", note="you hear it <b>")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{POST}?saved=content_type#tag-content_type")
    page = await page_of(pages, sent.headers["location"].partition("#")[0])
    check_structure(page)
    assert "Saved: Content type." in text_of(page)
    said = tag_words(page, "content_type")
    assert said.startswith("Podcast Why: corrected by a person. Ann B. said Podcast (tagging says")
    assert "you hear it <b>" in said
    after = facet(await page_of(pages, "/posts"), "content_type")
    assert after["Podcast"][0] == 1
    assert after["News"][0] == before["News"][0] - 1
    assert services.store.rebuild_cells() == 0
    label = page.get_element_by_id("tag-content_type").find('.//button[@name="label"]').get("value")
    back = await send(pages, f"{POST}/withdraw", label=label)
    assert back.status_code == 303
    page = await page_of(pages, POST)
    assert not tag_words(page, "content_type").startswith("Podcast")
    assert "Ann B. took back Podcast" in tag_words(page, "content_type")
    again = await send(pages, f"{POST}/withdraw", label=label)
    assert again.status_code == 422
    assert services.store.rebuild_cells() == 0


async def test_several_topics_and_none_can_be_said(services: Services, pages: httpx.AsyncClient) -> None:
    await send(pages, dimension="topics", topics__telehealth="true", annotator="A")
    assert services.store.post("wire", "wire/3").annotation.topics == ("telehealth",)  # type: ignore[union-attr]
    page = await page_of(pages, POST)
    boxes = {one.get("name"): one.get("checked") for one in page.get_element_by_id("tag-topics").iter("input")}
    assert boxes["topics.telehealth"] is not None
    await send(pages, dimension="topics", annotator="A")
    assert tag_words(await page_of(pages, POST), "topics").startswith("None Why: confirmed by a person.")
    page = await page_of(pages, POST)
    assert "1 earlier A said Telehealth," in tag_words(page, "topics")


async def test_a_refused_label_keeps_what_was_typed_beside_its_words(
    services: Services, pages: httpx.AsyncClient
) -> None:
    for fields, field, says in (
        (
            {"dimension": "country", "value": "Atlantis", "annotator": "A", "note": "n"},
            "value-country",
            "'Atlantis' is no",
        ),
        (
            {"dimension": "country", "value": "FR", "annotator": "", "note": "n"},
            "annotator-country",
            "name or initials",
        ),
        (
            {"dimension": "country", "value": "FR", "annotator": "x" * 41, "note": "n"},
            "annotator-country",
            "at most 40",
        ),
    ):
        answer = await send(pages, **fields)
        assert answer.status_code == 422
        page = html.document_fromstring(answer.text)
        check_structure(page)
        assert text_of(page.find(".//title")).startswith("Error: ")
        assert by_class(page, "problem").find(".//a").get("href") == f"#{field}"
        assert says in text_of(page.get_element_by_id(f"{field}-error"))
        form = page.get_element_by_id("tag-country")
        assert form.find("dd/details").get("open") is not None
        assert page.get_element_by_id("value-country").get("value") == fields["value"]
        assert page.get_element_by_id("note-country").get("value") == "n"
    bare = await send(pages, dimension="country", value="Atlantis")
    assert bare.status_code == 422
    assert services.store.labels.of_post("wire", "wire/3") == []


async def test_forms_are_refused_where_they_do_not_belong(pages: httpx.AsyncClient, services: Services) -> None:
    good = {"dimension": "live", "value": "true", "annotator": "A"}
    assert (await send(pages, f"{post_address('wire', 'nothing')}/label", **good)).status_code == 404
    assert (await send(pages, **good, mood="x")).status_code == 422
    assert (await send(pages, **{**good, "dimension": "mood"})).status_code == 422
    assert (await pages.post(f"{POST}/label", json=good)).status_code == 415
    foreign = await pages.post(f"{POST}/label", data=good, headers={**FORM, "Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert services.store.labels.of_post("wire", "wire/3") == []


async def test_people_who_are_logged_in_need_the_seal_and_readers_see_no_form(services: Services) -> None:
    writer, reader_key = (services.store.create_key("k", scope, NOW) for scope in ("write", "read"))
    async with client_of(services) as client:
        plain = await client.get(POST, headers={"Authorization": f"Bearer {reader_key}", **BROWSER})
        assert "Correct or confirm" not in plain.text
        assert "trendmonitor label add" in plain.text
        await client.post("/login", data={"key": writer, "next": POST}, headers=FORM)
        page = await client.get(POST, headers=BROWSER)
        seal = re.search(r'name="seal" value="([^"]+)"', page.text)
        assert seal is not None
        good = {"dimension": "live", "value": "true", "annotator": "A"}
        assert (await send(client, **good)).status_code == 403
        assert (await send(client, **good, seal=seal[1])).status_code == 303


async def test_a_post_without_text_says_so_and_takes_no_labels(services: Services, pages: httpx.AsyncClient) -> None:
    services.store.forget_text(NOW)
    page = await page_of(pages, POST)
    assert heading(page) == "Post without words"
    assert "The text was deleted here" in text_of(page)
    assert "Correct or confirm" not in text_of(page)
    refused = await send(pages, dimension="live", value="true", annotator="A")
    assert refused.status_code == 422


def test_the_address_is_the_question_and_toggles_back() -> None:
    asked = Asked.read({"q": [" flu "], "topic": ["a,b", "c"], "copy": ["false"], "since": [""]})
    assert asked.address == "/posts?q=flu&topic=a,b,c"
    assert asked.toggled("topic", "b").address == "/posts?q=flu&topic=a,c"
    assert asked.toggled("topic", "b").toggled("topic", "b").filters["topic"] == ("a", "c", "b")
    assert asked.text("cursor", "x").only("topic").address == "/posts?q=flu"
    assert asked.api("csv") == "/api/v1/posts?q=flu&topic=a,b,c&copy=false&limit=500&format=csv"


def test_links_of_posts_lead_to_the_web_or_nowhere() -> None:
    assert post_views.outside("https://www.who.int/news?x=1") == {
        "href": "https://www.who.int/news?x=1", "host": "www.who.int",
    }  # fmt: skip
    for bad in (None, "", "javascript:alert(1)", "ftp://x.example/", "//x.example", "https://", "http://[bad"):
        assert post_views.outside(bad) is None


def test_not_told_is_not_zero() -> None:
    assert post_words.engagement_words(Engagement(views=0)) == "0 views; likes, comments and shares not told"
    assert post_words.engagement_words(Engagement(1, 1, 1, 1)) == "1 view, 1 like, 1 comment and 1 share"
    assert post_words.sentiment_words(-0.4) == "Negative (−0.40)"
    assert post_words.sentiment_words(0.0) == "Neutral (0.00)"
    assert post_words.sentiment_words(None) == "Not scored"


def test_a_reader_searches_and_corrects_with_and_without_scripts(services: Services, tmp_path: Path) -> None:
    with serving(services) as address, driving(tmp_path) as tab:
        tab.open(f"{address}/posts", scripts=False)
        tab.write("#q", "vaccine")
        tab.press("#search button")
        assert "With the words “vaccine”." in tab.text
        assert tab.ask("location.search") == "?q=vaccine"
        tab.press("#facets li a")
        tab.press("article h3 a")
        tab.open(f"{address}{POST}")
        tab.ask("document.querySelector('#tag-country details').open = true")
        tab.write("#value-country", "FR")
        tab.write("#annotator-country", "Ann")
        tab.press("#tag-country form button")
        assert "Ann said France" in tab.text
        tab.resize(390)
        for path in ("/posts?q=vaccine", POST, "/posts?since=x"):
            tab.open(f"{address}{path}")
            assert tab.overflow <= 0, path
        tab.open(f"{address}/posts")
        tab.write("#q", "news")
        tab.ask("document.querySelector('#search').requestSubmit()")
        for _ in range(100):
            if "“news”" in tab.text:
                break
        assert "With the words “news”." in tab.text
        assert tab.ask("location.search") == "?q=news"
        assert tab.ask("document.activeElement.id") == "q", "focus stays where it was"
        assert [line for line in tab.console if "422" not in line] == []
