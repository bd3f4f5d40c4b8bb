"""Settings from the environment: everything that differs between machines, and every secret.

Names begin with TRENDMONITOR_. A bad value is refused with one line that names the variable and says what would be
right; secrets never appear in a message, a log or a `repr`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as NotReadableError

if TYPE_CHECKING:
    from monitor.deliver.base import DeliverySettings

PREFIX = "TRENDMONITOR_"
_RETENTION_CRON = "17 3 * * *"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """The environment can't be used. `problems`: one line for each bad variable."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _default_workers() -> int:
    return max(1, min(4, os.cpu_count() or 1))


class Settings(BaseSettings):
    """One field a variable: TRENDMONITOR_ and the field's name in capitals. Use `Settings.load` to read them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    home: Path = Field(default=Path("var"), description="Directory of the database and other state; made if missing.")
    config: Path = Field(default=Path("config"), description="Directory with sources.yaml and platforms.yaml.")
    database_url: str = Field(
        default="",
        repr=False,
        validate_default=False,
        description="Database: sqlite:///path or postgresql://user:password@host/name. Default: SQLite in the home directory.",
    )
    allow_nets: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Private networks that fetching may reach, comma-separated, such as 127.0.0.0/8. Default: none.",
    )
    api_base: dict[str, str] = Field(
        default_factory=dict,
        description="Another base address for a platform's API: TRENDMONITOR_API_BASE__<COLLECTOR>=https://….",
    )
    key: dict[str, SecretStr] = Field(
        default_factory=dict,
        repr=False,
        description="A platform's key: TRENDMONITOR_KEY__<COLLECTOR>. Never shown again.",
    )
    contact: str = Field(
        default="",
        max_length=200,
        description="Email or web address put into the User-Agent, so that a site's owner can reach you.",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to serve on. Others than loopback need keys."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to serve on; 0 takes a free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Log lines for people or for programs."
    )
    concurrency: int = Field(default=20, ge=1, le=500, description="Sources that are fetched at the same time.")
    collect_workers: int = Field(
        default_factory=_default_workers,
        ge=0,
        le=64,
        description="Processes that parse and tag; 0 does it in the service's own. Default: one a CPU, at most 4.",
    )
    pace_seconds: float = Field(
        default=1.0, ge=0, le=3600, allow_inf_nan=False, description="Least seconds between two requests to one host."
    )
    max_body_mb: int = Field(default=15, ge=1, le=1000, description="Largest answer that is read, decompressed, in MB.")
    retention_text_days: int = Field(
        default=730,
        ge=0,
        le=36500,
        description="Days that title, text and link of a post are kept; counts stay. 0 keeps them for ever.",
    )
    retention_cron: str = Field(
        default=_RETENTION_CRON,
        description="When old texts are deleted (UTC): minute, hour, day of month, month, day of week.",
    )
    public_url: str = Field(
        default="",
        description="Address under which readers reach this service, such as https://trends.example.org. Links in digests lead there.",
    )
    smtp_host: str = Field(default="", description="Mail server that digests are handed to. Default: no email.")
    smtp_port: int = Field(
        default=0, ge=0, le=65535, description="Its port. Default: 587 for starttls, 465 for implicit, 25 for none."
    )
    smtp_user: str = Field(default="", repr=False, description="Account at the mail server, if it asks for one.")
    smtp_password: SecretStr = Field(
        default=SecretStr(""), repr=False, description="Password of that account. Never shown again."
    )
    smtp_tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls",
        description="How the connection is secured: starttls, implicit, or none (only for a server on this machine).",
    )
    smtp_from: str = Field(
        default="", description="Sender of digests, such as Trend digest <digest@example.org>. Needed for email."
    )

    @field_validator("log_level", "log_format", "smtp_tls", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("allow_nets", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(_network(part.strip()) for part in value.split(",") if part.strip())

    @field_validator("api_base")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        out = {}
        for collector, address in value.items():
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{collector}: it is not a web address: write for example http://127.0.0.1:9001")
            out[collector.lower()] = address.rstrip("/")
        return out

    @field_validator("key")
    @classmethod
    def _keys(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        return {collector.lower(): secret for collector, secret in value.items()}

    @field_validator("contact")
    @classmethod
    def _header_text(cls, value: str) -> str:
        if not value.isprintable() or not value.isascii():
            raise ValueError("it goes into an HTTP header: use plain ASCII, such as ops@example.org")
        return value.strip()

    @field_validator("host")
    @classmethod
    def _bare_host(cls, value: str) -> str:
        if "/" in value or re.search(r"\s", value):
            raise ValueError("it is not a host: write an address or name alone, such as 127.0.0.1")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _mail_host(cls, value: str) -> str:
        if re.search(r"[\s/@]", value) or (":" in value and not _is_ipv6(value)):
            raise ValueError("it is not a host: write a name alone, such as mail.example.org; the port has its own")
        return value

    @field_validator("smtp_tls")
    @classmethod
    def _kept_secret(cls, value: str, info: ValidationInfo) -> str:
        from monitor.deliver.base import is_loopback

        host = str(info.data.get("smtp_host") or "")
        if value == "none" and host and not is_loopback(host):
            raise ValueError(f"mail to {host} would travel unencrypted: write starttls or implicit")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if value:
            from monitor.deliver.address import split_mailbox

            split_mailbox(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        except ValueError:
            usable = False
        if value and (not usable or re.search(r"[\s<>\"]", value)):
            raise ValueError("it is not a web address: write for example https://trends.example.org")
        return value.rstrip("/")

    @field_validator("retention_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        if value != _RETENTION_CRON:
            from monitor.config_source import validate_cron  # late: brings YAML, which most commands do without

            validate_cron(value)
        return value

    @field_validator("database_url")
    @classmethod
    def _driver(cls, value: str) -> str:
        scheme, separator, rest = value.strip().partition("://")
        usual = "write sqlite:///path/to/file.db or postgresql://user:password@host/name"
        if not separator:
            raise ValueError(f"it is not a database address: {usual}")
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            if not rest:
                raise ValueError(f"host and database name are missing: {usual}")
            return f"postgresql+psycopg://{rest}"
        if scheme in ("sqlite", "sqlite+pysqlite"):
            if not rest.startswith("/") or rest in ("/", "/:memory:"):
                raise ValueError(
                    f"a database in memory is lost at every restart, and a file needs three slashes: {usual}"
                )
            return f"sqlite://{rest}"
        raise ValueError(f"{scheme!r} is not supported: {usual}")

    @model_validator(mode="before")
    @classmethod
    def _places(cls, data: Any) -> Any:
        # The default database lies in the home directory, wherever that was put.
        if isinstance(data, dict) and not data.get("database_url"):
            home = Path(data.get("home") or "var").expanduser().absolute()
            return {**data, "database_url": f"sqlite:///{home / 'trendmonitor.db'}"}
        return data

    @classmethod
    def load(cls) -> Settings:
        """Read the environment. Raises SettingsError with one line for every bad variable."""
        try:
            return cls()
        except ValidationError as error:
            problems = [_explain(entry) for entry in error.errors(include_url=False, include_input=False)]
            raise SettingsError(problems) from None
        except NotReadableError as error:
            # the two groups given without a collector; the message names the field, never the value
            field = next((name for name in ("api_base", "key") if f'"{name}"' in str(error)), "")
            variable = f"{PREFIX}{field.upper()}"
            raise SettingsError([f"{variable}: the collector is missing: write {variable}__<COLLECTOR>=…"]) from None

    def delivery(self, environment: Mapping[str, str]) -> DeliverySettings:
        """What channels need of the settings. `environment` holds the secrets that digests name, usually os.environ."""
        from monitor.deliver.base import DeliverySettings, Smtp

        return DeliverySettings(
            home=self.home,
            environment=environment,
            smtp=Smtp(
                host=self.smtp_host,
                port=self.smtp_port,
                user=self.smtp_user,
                password=self.smtp_password.get_secret_value(),
                tls=self.smtp_tls,
                sender=self.smtp_from,
            ),
            public_url=self.public_url,
            allow_nets=self.allow_nets,
            contact=self.contact,
        )

    def key_for(self, collector: str) -> SecretStr | None:
        """The key of a platform, if one was given."""
        return self.key.get(collector.lower())

    def api_base_for(self, collector: str) -> str | None:
        """Another base address for a platform's API, without a slash at its end, if one was given."""
        return self.api_base.get(collector.lower())


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        better = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not a network: write for example 127.0.0.0/8,10.1.0.0/16,::1/128") from None
    raise ValueError(f"{text!r} has bits set outside its mask: write {better}")


def _explain(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error["loc"]]
    message = str(error["msg"]).removeprefix("Value error, ")
    field = place[0] if place else ""
    variable = PREFIX + field.upper()
    if field in ("api_base", "key"):
        collector, colon, rest = message.partition(": ")
        named = place[1] if len(place) > 1 else collector if colon and rest else "<COLLECTOR>"
        return f"{variable}__{named.upper()}: {rest or message}"
    return f"{variable}: {message[:1].lower()}{message[1:]}"


def variables() -> dict[str, str]:
    """Every environment variable that is read → what it is for."""
    suffix = {"api_base": "__<COLLECTOR>", "key": "__<COLLECTOR>"}
    return {
        f"{PREFIX}{name.upper()}{suffix.get(name, '')}": info.description or ""
        for name, info in Settings.model_fields.items()
    }


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables with our prefix that nothing reads (most likely misspelt) → what was probably meant."""
    from monitor.config_yaml import nearest

    exact = {name for name in variables() if "<" not in name}
    groups = tuple(name.partition("<")[0] for name in variables() if "<" in name)
    return {
        name: nearest(name.upper(), exact)
        for name in sorted(environ)
        if name.upper().startswith(PREFIX) and name.upper() not in exact and not name.upper().startswith(groups)
    }
