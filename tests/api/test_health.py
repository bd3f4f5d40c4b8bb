"""/healthz, /readyz, /metrics."""

from __future__ import annotations

from datetime import timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from api.schemas import ReadyOut
from monitor.bootstrap import Services
from tests.api.support import NOW, client_of


async def test_healthz_looks_at_nothing(services: Services) -> None:
    services.store.close()
    async with client_of(services) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.head("/healthz")).content == b""


async def test_ready_even_while_a_source_fails(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/readyz")
    ready = ReadyOut.model_validate_json(answer.content)
    assert answer.status_code == 200, answer.text
    assert any(one.subject == "sick" and one.level != "ok" for one in ready.findings)


async def test_not_ready_when_the_clock_stands(client: httpx.AsyncClient, services: Services) -> None:
    for last in (None, NOW - timedelta(hours=2)):
        services.last_tick = last
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        clock = [one for one in ReadyOut.model_validate_json(answer.content).findings if one.subject == "clock"]
        assert clock[0].level == "problem"
        assert clock[0].remedy


async def test_not_ready_with_a_configuration_that_cannot_be_read(services: Services) -> None:
    directory = services.settings.home / "config"
    directory.mkdir()
    services.settings = services.settings.model_copy(update={"config": directory})
    async with client_of(services) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert "configuration" in {one["subject"] for one in answer.json()["findings"] if one["level"] == "problem"}


async def test_metrics_are_what_prometheus_reads(reader: httpx.AsyncClient) -> None:
    await reader.get("/api/v1/nothing")
    answer = await reader.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    sources = {sample.labels["status"]: sample.value for sample in families["trendmonitor_sources"].samples}
    assert sources == {"ok": 2, "failing": 1, "waiting": 1, "stopped": 0, "paused": 0, "archive": 0}
    assert families["trendmonitor_posts"].samples[0].value == 98
    failing = {sample.labels["code"]: sample.value for sample in families["trendmonitor_sources_failing"].samples}
    assert failing == {"http_404": 1}
    visits = {sample.labels["outcome"]: sample.value for sample in families["trendmonitor_visits_24h"].samples}
    assert visits == {"new": 2, "http_404": 1}
    answered = {
        (sample.labels["method"], sample.labels["status"]): sample.value
        for sample in families["trendmonitor_http_requests"].samples
        if sample.name.endswith("_total")
    }
    assert answered["GET", "404"] == 1
