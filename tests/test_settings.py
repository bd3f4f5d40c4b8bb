"""Settings from the environment: what is read, what is refused, and that secrets stay secret."""

import ipaddress
import logging
import os
from pathlib import Path

import pytest

from monitor.config_source import validate_cron
from monitor.settings import Settings, SettingsError, unknown_variables, variables


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("TRENDMONITOR_"):
            monkeypatch.delenv(name)


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"TRENDMONITOR_{name}", value)
    return Settings.load()


def refused(monkeypatch: pytest.MonkeyPatch, **values: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, **values)
    return caught.value.problems


def test_without_variables_everything_has_a_default() -> None:
    settings = Settings.load()
    assert settings.home == Path("var")
    assert settings.config == Path("config")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.allow_nets == ()
    assert 1 <= settings.collect_workers <= 4
    assert settings.database_url == f"sqlite:///{Path('var').absolute() / 'trendmonitor.db'}"


def test_the_default_database_lies_in_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load(monkeypatch, HOME=str(tmp_path)).database_url == f"sqlite:///{tmp_path / 'trendmonitor.db'}"
    assert Settings(home=tmp_path / "other").database_url == f"sqlite:///{tmp_path / 'other' / 'trendmonitor.db'}"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@db/health", "postgresql+psycopg://u:p@db/health"),
        ("postgres://u:p@db/health?sslmode=require", "postgresql+psycopg://u:p@db/health?sslmode=require"),
        ("postgresql+psycopg://db/health", "postgresql+psycopg://db/health"),
        ("sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_database_addresses(monkeypatch: pytest.MonkeyPatch, given: str, used: str) -> None:
    assert load(monkeypatch, DATABASE_URL=given).database_url == used


@pytest.mark.parametrize(
    "given", ["mysql://root:hush@db/x", "x.db", "sqlite://", "sqlite:///:memory:", "postgresql://"]
)
def test_other_databases_are_refused_without_telling_the_password(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    (problem,) = refused(monkeypatch, DATABASE_URL=given)
    assert problem.startswith("TRENDMONITOR_DATABASE_URL: ")
    assert "postgresql://user:password@host/name" in problem
    assert "hush" not in problem


def test_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, ALLOW_NETS=" 127.0.0.0/8, ::1/128 ,10.1.2.3,")
    assert settings.allow_nets == tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128", "10.1.2.3/32")))


def test_a_bad_network_says_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(monkeypatch, ALLOW_NETS="127.0.0.0/8,10.0.0.1/8") == (
        "TRENDMONITOR_ALLOW_NETS: '10.0.0.1/8' has bits set outside its mask: write 10.0.0.0/8",
    )
    (problem,) = refused(monkeypatch, ALLOW_NETS="localhost")
    assert problem.startswith("TRENDMONITOR_ALLOW_NETS: 'localhost' is not a network: write for example")


def test_keys_and_base_addresses_by_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch, KEY__YOUTUBE="geheim", API_BASE__YOUTUBE="http://127.0.0.1:9001/", KEY__META__APP="two"
    )
    secret = settings.key_for("youtube")
    assert secret is not None
    assert secret.get_secret_value() == "geheim"
    assert settings.api_base_for("YouTube") == "http://127.0.0.1:9001"
    assert settings.key_for("meta__app") is not None
    assert settings.key_for("x") is None
    assert settings.api_base_for("x") is None


def test_no_secret_is_ever_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    settings = load(monkeypatch, KEY__YOUTUBE="geheim", DATABASE_URL="postgresql://u:verborgen@db/x")
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r %s", settings, settings, settings.key)
    assert "geheim" not in caplog.text
    assert "verborgen" not in caplog.text
    (problem,) = refused(monkeypatch, KEY="geheim")
    assert problem == "TRENDMONITOR_KEY: the collector is missing: write TRENDMONITOR_KEY__<COLLECTOR>=…"


def test_all_bad_variables_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = refused(
        monkeypatch,
        PORT="http",
        CONCURRENCY="0",
        LOG_LEVEL="loud",
        LOG_FORMAT="xml",
        COLLECT_WORKERS="-1",
        PACE_SECONDS="nan",
        MAX_BODY_MB="0",
        RETENTION_TEXT_DAYS="-3",
        RETENTION_CRON="61 * * * *",
        HOST="http://localhost",
        CONTACT="ops@exämple.org",
        API_BASE__YOUTUBE="9001",
        ALLOW_NETS="x",
    )
    named = {problem.partition(":")[0].removeprefix("TRENDMONITOR_") for problem in problems}
    assert named == {
        "PORT", "CONCURRENCY", "LOG_LEVEL", "LOG_FORMAT", "COLLECT_WORKERS", "PACE_SECONDS", "MAX_BODY_MB", "HOST",
        "RETENTION_TEXT_DAYS", "RETENTION_CRON", "CONTACT", "API_BASE__YOUTUBE", "ALLOW_NETS",
    }  # fmt: skip
    assert all("\n" not in problem for problem in problems)


def test_an_empty_variable_counts_as_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, PORT="", HOST="", DATABASE_URL="", ALLOW_NETS="", LOG_LEVEL=" DEBUG ")
    assert settings.port == 8000
    assert settings.log_level == "debug"


def test_every_variable_is_described() -> None:
    described = variables()
    assert "TRENDMONITOR_KEY__<COLLECTOR>" in described
    assert len(described) == len(Settings.model_fields)
    assert all(len(text) > 15 and text.endswith(".") for text in described.values())


def test_misspelt_variables_are_found() -> None:
    environ = {"TRENDMONITOR_ALOW_NETS": "x", "TRENDMONITOR_PORT": "1", "TRENDMONITOR_KEY__X": "y", "PATH": "/bin"}
    assert unknown_variables(environ) == {"TRENDMONITOR_ALOW_NETS": "did you mean 'TRENDMONITOR_ALLOW_NETS'?"}


def test_the_schedule_that_is_taken_unchecked_is_right() -> None:
    validate_cron(Settings.load().retention_cron)
