"""The one place where things are wired. Everything is made when it is first asked for, so a command that only reads
the database never loads a language model."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from monitor.core.model import Applied
from monitor.settings import Settings
from monitor.store import Store

if TYPE_CHECKING:
    from collectors.fetch import Http
    from monitor.config import Config
    from monitor.digests import Digests
    from monitor.labels import Labels
    from monitor.ledger import Ledger
    from monitor.pipeline import Collection
    from monitor.previews import Previews
    from monitor.readers import Readers, Recipe
    from monitor.reviews import Reviews
    from monitor.signal_watch import SignalWatch
    from monitor.trends import Trends
    from monitor.workbench import Workbench


def utc_now() -> datetime:
    return datetime.now(UTC)


class Services:
    """All that commands, routes and ticks work with. Times from `clock` are aware UTC."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng or random.Random()  # noqa: S311 - jitter of polling times, not a secret
        self.last_tick: datetime | None = None
        """When the clock of this process last looked for due sources."""

    @cached_property
    def config(self) -> Config:
        """Raises ConfigErrors with every problem found."""
        from monitor.config import load_config

        return load_config(self.settings.config)

    @cached_property
    def store(self) -> Store:
        """Opened and migrated. Raises StoreError."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        store = Store.open(self.settings.database_url)
        store.migrate()
        return store

    @cached_property
    def trends(self) -> Trends:
        from monitor.trends import Trends

        platforms = self.config.platforms
        closed = {name: info.not_measurable for name, info in platforms.items() if info.is_closed}
        return Trends(self.store, clock=self.clock, labels=self.labels, closed=closed)

    @property
    def labels(self) -> dict[str, dict[str, str]]:
        """Names for people: dimension → key → name."""
        return {
            "platform": {name: info.name for name, info in self.config.platforms.items()},
            "topic": {name: str(topic.get("label", name)) for name, topic in self.config.taxonomy.items()},
        }

    @cached_property
    def ledger(self) -> Ledger:
        from monitor.ledger import Ledger

        return Ledger(self.trends, self.store, self.config.claims, clock=self.clock)

    @cached_property
    def signal_watch(self) -> SignalWatch:
        from monitor.signal_watch import SignalWatch

        return SignalWatch(self.trends, self.store, clock=self.clock, labels=self.labels)

    @cached_property
    def digests(self) -> Digests:
        from monitor.deliver import channels
        from monitor.deliver.drawing import Drawer
        from monitor.digest_composer import Composer
        from monitor.digests import Digests

        composer = Composer(
            self.trends,
            lambda: self.ledger,
            self.store,
            self.config,
            lambda: self.signal_watch,
            public_url=self.settings.public_url,
            draw=Drawer(),
        )
        return Digests(
            self.store,
            declared=self.config.digests,
            compose=composer.compose,
            render=composer.render,
            channels=channels(),
            settings=self.settings.delivery(os.environ),
            clock=self.clock,
            rng=self.rng,
        )

    @cached_property
    def recipe(self) -> Recipe:
        """What tagging needs. Remembers in the store by which lists posts will be tagged from now on."""
        from monitor.readers import Recipe
        from monitor.retag import remember_lists

        remember_lists(self.store, self.config.taxonomy, self.config.lexicon, now=self.clock())
        return Recipe(taxonomy=self.config.taxonomy, lexicon=self.config.lexicon, author_key=self.store.author_key())

    @cached_property
    def labelling(self) -> Labels:
        """What people say of tags."""
        from monitor.labels import Labels
        from monitor.retag import mark

        return Labels(
            self.store,
            recipe=lambda: self.recipe,
            mark=lambda: mark(self.config.taxonomy, self.config.lexicon),
            config=lambda: self.config,
            clock=self.clock,
        )

    @cached_property
    def readers(self) -> Readers:
        from monitor.readers import Readers

        return Readers(self.recipe, workers=self.settings.collect_workers)

    @cached_property
    def bench(self) -> Workbench:
        from monitor.workbench import Workbench

        return Workbench(
            store=self.store,
            readers=self.readers,
            http=lambda: self.http,
            clock=self.clock,
            keys={name: secret.get_secret_value() for name, secret in self.settings.key.items()},
            bases=self.settings.api_base,
        )

    @cached_property
    def collection(self) -> Collection:
        from monitor.pipeline import Collection

        return Collection(self.bench, rng=self.rng, concurrency=self.settings.concurrency)

    @cached_property
    def previews(self) -> Previews:
        from monitor.previews import Previews

        return Previews(self.bench)

    @cached_property
    def reviews(self) -> Reviews:
        from monitor.reviews import Reviews

        return Reviews(self.bench)

    @cached_property
    def http(self) -> Http:
        """One for the process: ticks and visits that somebody asks for wait for each other's hosts and holds."""
        from collectors.fetch import Http, HttpSettings

        return Http(
            HttpSettings(
                allow_nets=self.settings.allow_nets,
                contact=self.settings.contact,
                max_body=self.settings.max_body_mb * 1_000_000,
                pace=self.settings.pace_seconds,
                concurrency=self.settings.concurrency,
            ),
            clock=self.clock,
        )

    @property
    def generated(self) -> bool:
        """True if this database holds generated posts."""
        return self.store.generated

    def apply(self) -> Applied:
        """Make the declared sources of config/ the state of the database. Nothing changes if config/ has an error."""
        import structlog  # late, like all that is slow to load and not always needed

        applied = self.store.apply(self.config.sources, self.clock())
        structlog.get_logger(__name__).info(
            "config_applied",
            added=len(applied.added),
            changed=len(applied.changed),
            retired=len(applied.retired),
            unchanged=applied.unchanged,
        )
        self._try_new_keys()
        return applied

    def _try_new_keys(self) -> None:
        """Sources that failed for want of a key which is set by now are due at once; nobody should wait out a back-off."""
        for one in self.store.sources():
            if (
                one.state.error_code == "needs_key"
                and not one.state.paused
                and one.source.collector in self.settings.key
            ):
                self.store.set_paused(one.source.id, False, self.clock())

    def close(self) -> None:
        """Give back threads, processes and connections that were made; never opens anything."""
        made = self.__dict__
        if "bench" in made:
            self.bench.close()
        elif "readers" in made:
            self.readers.close()
        if "store" in made:
            self.store.close()
