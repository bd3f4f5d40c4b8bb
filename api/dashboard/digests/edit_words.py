"""The words of the editor of digests: channels and their fields, periods, examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.schedule import FORMS, Unit


@dataclass(frozen=True, slots=True)
class OptionWords:
    """One option of a channel as a text field."""

    name: str
    label: str
    hint: str
    many: bool = False
    """Always a list, also with one value."""
    needed: str = ""
    """What is said if it is empty; '' if it may be."""


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind of channel. `to` is empty where nobody is named."""

    name: str
    about: str
    to: str = ""
    hint: str = ""
    needed: str = ""
    """What is said if nobody is named; '' if nobody need be."""
    commas: bool = False
    """Recipients may also be separated by commas."""
    options: tuple[OptionWords, ...] = ()


KINDS: Mapping[str, KindWords] = {
    "email": KindWords(
        "Email",
        "Every reader gets a mail of their own and sees nobody else's address.",
        "Mail addresses",
        "One a line, or with commas.",
        "Write at least one mail address.",
        True,
        (OptionWords("reply_to", "Answers go to", "A mailbox, if they should not go to the sender."),),
    ),
    "chat": KindWords(
        "Chat",
        "A few lines and a link, to Slack, Teams, Discord, Telegram, Matrix and others. The address of a room holds a "
        "secret, so it stands in an environment variable.",
        "Variables with the addresses",
        "Such as env:SLACK_URL; one a line, or with commas.",
        "Name at least one variable, such as env:SLACK_URL.",
        True,
    ),
    "webhook": KindWords(
        "Webhook",
        "The issue as signed JSON, for programs.",
        "Web addresses",
        "One a line, such as https://example.org/hook. One that is itself secret: env:NAME.",
        "Write at least one web address.",
        False,
        (
            OptionWords(
                "secret",
                "Variable with the signing key",
                "Such as env:WEBHOOK_SECRET; two with a comma while you change it.",
                needed="Name the variable with the signing key, such as env:WEBHOOK_SECRET.",
            ),
        ),
    ),
    "file": KindWords(
        "File",
        "Every issue as files, which appear whole or not at all.",
        "Folders",
        "Below digests/ of the home directory, one a line; empty: digests/ itself. Any other place: env:NAME.",
        options=(OptionWords("formats", "Formats", "Some of html, markdown, json; empty: html.", many=True),),
    ),
    "atom": KindWords("Atom", "Nothing is sent: readers fetch the issues as a feed, which its page links to."),
}
"""Of a kind that is not here, recipients and options are plain lines."""

PERIODS: Mapping[Unit, str] = {
    "day": "the day before",
    "week": "the last complete week, Monday to Sunday",
    "month": "the last complete calendar month",
    "days": "the whole days since the run before",
    "run": "the time since the run before",
}
DIMENSION_NAMES: Mapping[str, str] = {
    "content_type": "Content type",
    "audience": "Audience",
    "region": "Region",
    "live": "Live",
    "sponsored": "Sponsored",
    "topic": "Topics",
    "platform": "Platforms",
    "country": "Countries",
    "language": "Languages",
    "source": "Sources",
}
WRITTEN_HINTS: Mapping[str, str] = {
    "country": "Two letters each, such as US, DE; empty: all.",
    "language": "Two letters each, such as en, de; empty: all.",
    "source": "Ids, as the page of a source shows it; empty: all.",
}
FLAG_NAMES: Mapping[str, Mapping[str, str]] = {
    "live": {"true": "live", "false": "not live"},
    "sponsored": {"true": "sponsored", "false": "not sponsored"},
}
LOCALE_NAMES: Mapping[str, str] = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
}
QUIET_CHOICES: Mapping[str, str] = {
    "always": "Send it all the same, so that silence is never mistaken for health",
    "if_changed": "Keep the issue and send nothing",
}
EXAMPLES = tuple(dict.fromkeys(form.rpartition(" ")[0] for form in FORMS))
"""Schedules without their time zone."""
ZONES = (
    "UTC",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Chicago",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Paris",
    "Europe/Zurich",
)
"""Suggested; any other is taken too."""
REPLACED: Mapping[str, str] = {
    "webhook: `secret` must name the environment variable with the key that signs; write `secret: env:WEBHOOK_SECRET` (or "
    "a list of two while you change it)": "Name the environment variable that holds the key, such as env:WEBHOOK_SECRET, "
    "and not the key itself",
    "write for example `formats: [html, json]`": "write for example html, json",
    "; see docs/digests.md": "",
}
"""What the check says of a file, as it is said of a form."""
