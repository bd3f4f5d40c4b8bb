"""`trendmonitor platforms`, and the platform's own route for a pasted address."""

from __future__ import annotations

from tests.cli.conftest import Call, Home


def test_the_register_names_each_route_and_how_it_stands(tm: Call) -> None:
    document = tm("platforms", "list", "--json").document
    assert document[0]["routes"][0]["collector"] == "feed"
    assert document[0]["routes"][0]["state"] in ("not_tried", "works", "no_source")
    assert tm("platforms", "--json").document == document
    assert "feed:" in tm("platforms").out


def test_one_platform_in_full_and_one_that_is_not_there(tm: Call) -> None:
    shown = tm("platforms", "show", "web")
    assert "Private pages." in shown.out
    assert tm("platforms", "show", "web", "--json").document["info"]["name"] == "The open web"
    missing = tm("platforms", "show", "myspace")
    assert missing.status == 1
    assert "web, youtube" in missing.err


def test_every_configured_route_is_tried_and_nothing_is_stored(tm: Call, site: str) -> None:
    assert tm("sources", "add", f"{site}/ward-news.xml", "--id", "ward").status == 0
    checked = tm("platforms", "check", "--json")
    assert checked.status == 0
    (tried,) = checked.document
    assert (tried["platform"], tried["collector"], tried["source"], tried["ok"], tried["posts"]) == (
        "web", "feed", "ward", True, 2,
    )  # fmt: skip
    assert tm("posts", "--json").document["posts"] == []
    assert "works" in tm("platforms", "check").out


def test_a_route_that_fails_is_named_and_ends_with_1(tm: Call, site: str) -> None:
    assert tm("sources", "add", f"{site}/nosuch", "--id", "gone", "--no-check").status == 0
    checked = tm("platforms", "check")
    assert checked.status == 1
    assert "fails" in checked.out
    assert tm("platforms", "check", "--json").document[0]["ok"] is False


def test_options_of_a_collector_are_given_by_name_and_checked(tm: Call, site: str, home: Home) -> None:
    odd = tm("sources", "add", site, "--collector", "feed", "--option", "depth=3", "--no-check")
    assert odd.status == 2
    assert "depth" in odd.err
    assert "NAME=VALUE" in tm("sources", "add", site, "--option", "depth").err
    unknown = tm("sources", "add", site, "--collector", "gopher")
    assert unknown.status == 2
    assert "gopher" in unknown.err


def test_what_to_discover_is_one_thing(tm: Call) -> None:
    for arguments in (("sources", "discover"), ("sources", "discover", "example.org", "--podcasts", "nursing")):
        done = tm(*arguments)
        assert done.status == 2
        assert "--podcasts" in done.err
    assert tm("sources", "discover", "--podcasts", " ").status == 2


def test_search_terms_of_pinterest_need_its_key_and_a_region_it_has(tm: Call) -> None:
    unknown = tm("platforms", "pinterest-trends", "MARS")
    assert unknown.status == 2
    assert "US" in unknown.err
    without = tm("platforms", "pinterest-trends", "US")
    assert without.status == 1
    assert "TRENDMONITOR_KEY__PINTEREST" in without.err
