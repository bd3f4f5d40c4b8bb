"""The OpenAPI document is complete, and no request it allows or forbids gets an answer it does not describe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from api.app import create_app
from collectors.base import RetryLater, Source
from monitor.bootstrap import Services
from monitor.core.model import Visit
from monitor.pipeline import CollectReport
from monitor.previews import Preview
from tests.api.support import NOW, make_services

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


class Offline:
    """A collection without a network: every address fails to answer, every visit finds nothing new."""

    async def collect(self, only: Sequence[str] | None = None) -> CollectReport:
        return CollectReport(tuple(Visit(name, NOW, NOW, "unchanged") for name in only or ()))

    async def preview(self, source: Source, *, limit: int = 20) -> Preview:
        return Preview(source, error=f"{source.url} did not answer within {limit} s.", code="timeout_total")

    async def discover(self, url: str) -> list[object]:
        raise RetryLater(f"{url} did not answer.", code="timeout_total")


@pytest.fixture(scope="module")
def fuzzed(filled_home: Path, config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str]]:
    """The document of a running service, and a key that may do everything."""
    home = tmp_path_factory.mktemp("fuzzed")
    for file in filled_home.glob("trendmonitor.db*"):
        (home / file.name).write_bytes(file.read_bytes())
    services = make_services(home, config_dir)
    services.__dict__["collection"] = services.__dict__["previews"] = Offline()
    key = services.store.create_key("fuzz", "write", NOW)
    headers = {"Authorization": f"Bearer {key}"}
    yield schemathesis.openapi.from_asgi("/openapi.json", create_app(services), headers=headers), key
    services.store.close()


def requests() -> list[tuple[str, str, GenerationMode]]:
    """(path, method, mode) of everything documented; opens no database.

    Bad requests only where a query or a body can be bad: in a path, any text is an id.
    """
    document = create_app(make_services(Path("unused"), Path("unused"))).openapi()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found.append((path, method, GenerationMode.POSITIVE))
            if "requestBody" in operation or any(one["in"] == "query" for one in operation.get("parameters", [])):
                found.append((path, method, GenerationMode.NEGATIVE))
    return found


@pytest.mark.parametrize(("path", "method", "mode"), requests())
def test_every_answer_is_described(fuzzed: tuple[Any, str], path: str, method: str, mode: GenerationMode) -> None:
    document, key = fuzzed
    operation = document[path][method.upper()]

    @settings(max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    ask()


async def test_the_document_is_complete(reader: httpx.AsyncClient) -> None:
    document = (await reader.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    paths = set(document["paths"])
    one = "/api/v1/sources/{id}"
    assert {f"{one}{part}" for part in ("", "/test", "/collect", "/pause", "/resume", "/runs", "/coverage")} <= paths
    for name in (
        "trends",
        "posts",
        "sources",
        "sources/opml",
        "sources/test",
        "sources/discover",
        "platforms",
        "topics",
    ):
        assert f"/api/v1/{name}" in paths
    assert {"/healthz", "/readyz", "/metrics"} <= paths
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (path, method)
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and path != "/readyz":
                    assert list(response["content"]) == ["application/problem+json"], (path, method, status)
            for parameter in operation.get("parameters", []):
                assert parameter["in"] == "path" or parameter["description"], (path, parameter["name"])


async def test_platforms_and_topics(reader: httpx.AsyncClient, shared: Services) -> None:
    rows = {row["id"]: row for row in (await reader.get("/api/v1/platforms")).json()["platforms"]}
    assert set(rows) == set(shared.config.platforms)
    assert (rows["web"]["sources"], rows["web"]["working"], rows["web"]["measurable"]) == (3, 1, True)
    assert (rows["youtube"]["sources"], rows["youtube"]["measurable"]) == (1, False)
    assert rows["youtube"]["not_measurable"] == "Private videos."
    topics = (await reader.get("/api/v1/topics")).json()["topics"]
    assert topics == [{"id": "telehealth", "label": "Telehealth", "description": "Care at a distance."}]
