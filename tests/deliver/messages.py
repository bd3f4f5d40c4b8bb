"""An issue to deliver, and the settings to deliver it with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from monitor.core.digest import ChannelSpec, Message, Picture
from monitor.deliver.base import DeliveryContext, DeliverySettings, Smtp

NOW = datetime(2026, 7, 13, 6, 0, 5, tzinfo=UTC)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
UNSUBSCRIBE = "https://trends.example.org/unsubscribe?digest=weekly&all=1"
MESSAGE = Message(
    key="weekly.2026-07-13",
    subject="Week of 6 July: vaccine posts up 12 %, 1 verdict changed — “measles”",
    preheader="One verdict changed",
    html=(
        '<!doctype html><html lang="en"><body><h1>Up 12 %</h1><img src="cid:chart" alt="Up"><img src="cid:chart2" alt="">'
        f'<a href="{UNSUBSCRIBE.replace("&", "&amp;")}">Unsubscribe</a></body></html>'
    ),
    text=f"Vaccine posts rose by 12 %.\n\nUnsubscribe: {UNSUBSCRIBE}\n",
    short="Vaccine posts rose by 12 %.\nhttps://trends.example.org/digests/weekly",
    markdown="# Up 12 %\n",
    document={"headline": "Up 12 %", "n": 1200, "at": NOW},
    pictures=(Picture("chart", PNG, "Up", 560, 300), Picture("chart2", PNG + b"2", "", 560, 300)),
    links={"view": "https://trends.example.org/d/1", "unsubscribe": UNSUBSCRIBE},
    composed_at=datetime(2026, 7, 13, 6, 0, tzinfo=UTC),
)
NEAR = (ip_network("127.0.0.0/8"),)


def settings(
    home: Path = Path("/nonexistent"), *, port: int = 0, environment: Mapping[str, str] | None = None, **smtp: Any
) -> DeliverySettings:
    server = Smtp(host="127.0.0.1", port=port, tls="none", sender="Trend digest <digest@example.org>")
    return DeliverySettings(
        home=home,
        environment=environment or {},
        smtp=replace(server, **smtp),
        allow_nets=NEAR,
        contact="ops@example.org",
    )


def context(given: DeliverySettings, **more: Any) -> DeliveryContext:
    return DeliveryContext(settings=given, clock=lambda: NOW, digest="weekly", **{"timeout": 5.0, **more})


def spec(kind: str, *to: str, **options: Any) -> ChannelSpec:
    return ChannelSpec(kind, to, options)
