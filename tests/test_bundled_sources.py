"""What comes with the product: the access register covers the report, the sources cover its dimensions."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor.config import Config, load_config
from monitor.core.model import REGIONS, UNKNOWN
from monitor.core.region import region_of

DIRECTORY = Path(__file__).parents[1] / "config"
PLAYERS = {
    "x", "linkedin", "youtube", "sermo", "doximity", "facebook", "instagram", "threads", "mommd", "physicians_practice",
    "g2s_technology", "penn_medicine", "pinterest",
}  # fmt: skip
BESIDE = {
    "web", "news", "podcast", "reddit", "bluesky", "mastodon", "tiktok", "telegram", "gdelt", "vimeo", "twitch",
}  # fmt: skip
REPORT_COUNTRIES = {
    "US", "CA", "DE", "FR", "GB", "IT", "RU", "CN", "JP", "KR", "IN", "AU", "TW", "ID", "TH", "MY", "MX", "BR", "AR",
    "CO", "TR", "AE",
}  # fmt: skip
"""The report also names Saudi Arabia, for which no public healthcare feed is known."""


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(DIRECTORY)


def test_there_are_enough_and_they_are_spread(config: Config) -> None:
    assert len(config.sources) >= 170
    content = Counter(source.content_type for source in config.sources)
    assert content["video"] >= 15
    assert content["podcast"] >= 25
    assert content["news"] >= 80
    assert content["other"] >= 20
    audience = Counter(name for source in config.sources for name in source.audience)
    assert audience["physicians"] >= 25
    assert audience["nurses"] >= 12
    assert audience["public_health"] >= 25


def test_every_region_and_the_reports_countries_are_there(config: Config) -> None:
    regions = Counter(region_of(source.country) for source in config.sources if source.country)
    for region in REGIONS:
        if region != UNKNOWN:
            assert regions[region] >= 8, regions
    assert {source.country for source in config.sources} >= REPORT_COUNTRIES


def test_languages(config: Config) -> None:
    languages = {source.language for source in config.sources} - {None}
    assert languages >= {"en", "de", "fr", "es", "it", "pt", "ja", "ko", "zh", "ar", "tr", "ru", "id"}


def test_no_address_twice(config: Config) -> None:
    plain = Counter(source.url.partition("://")[2].rstrip("/").lower() for source in config.sources)
    assert [url for url, times in plain.items() if times > 1] == []


def test_every_source_is_tagged_and_honest_about_not_being_checked(config: Config) -> None:
    for source in config.sources:
        assert source.name, source.id
        assert source.content_type, source.id
        assert source.collector in {"feed", "site", "reddit", "mastodon", "gdelt"}, source.id  # none needs a key
        assert not source.verified, source.id


def test_no_route_that_is_not_meant_for_programs(config: Config) -> None:
    hosts = {(urlsplit(source.url).hostname or "").removeprefix("www.") for source in config.sources}
    assert not any(
        host == "news.google.com" or host.endswith(("linkedin.com", "facebook.com", "x.com")) for host in hosts
    )


def test_reddit_is_asked_rarely(config: Config) -> None:
    for source in config.sources:
        if source.platform == "reddit":
            assert source.every is not None
            assert source.every.total_seconds() >= 3600


def test_the_platform_of_a_source_fits_its_address(config: Config) -> None:
    owner = {host: row.id for row in config.platforms.values() for host in row.hosts}
    for source in config.sources:
        host = (urlsplit(source.url).hostname or "").removeprefix("www.")
        assert source.platform == owner.get(host, source.platform), source.id


def test_the_register_has_a_row_for_every_player(config: Config) -> None:
    assert {row.id for row in config.platforms.values() if row.player} == PLAYERS
    assert config.platforms.keys() >= PLAYERS | BESIDE


def test_meta_owns_its_three(config: Config) -> None:
    assert {row.id for row in config.platforms.values() if row.company == "Meta"} == {
        "facebook",
        "instagram",
        "threads",
    }


def test_every_row_says_what_is_not_measurable(config: Config) -> None:
    for row in config.platforms.values():
        assert len(row.not_measurable) > 20, row.id
        for route in row.routes:
            assert route.observes.endswith("."), row.id


def test_closed_networks_have_no_route_to_their_members(config: Config) -> None:
    closed = [row for row in config.platforms.values() if row.kind == "closed_network"]
    assert {row.id for row in closed} == {"sermo", "doximity"}
    assert all(row.access == "closed" for row in closed)
    assert config.platforms["g2s_technology"].access == "needs_address"
    assert config.platforms["g2s_technology"].routes == ()
