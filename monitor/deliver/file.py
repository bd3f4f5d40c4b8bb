"""Files: each issue as HTML, Markdown or JSON in a folder of its digest, by default `digests/` in the home directory.

A file appears whole or not at all, and the same issue always has the same name, so that writing it again changes
nothing. What a specification names stays below `digests/`; another place needs an environment variable (`env:NAME`),
which only the operator can set.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import orjson

from monitor.core.digest import ChannelSpec, Message
from monitor.deliver.base import (
    DeliveryContext,
    DeliveryError,
    DeliverySettings,
    Receipt,
    conclude,
    look_up,
    names_variable,
    option_problems,
)
from monitor.deliver.webhook import plain_value

_OPTIONS = ("formats",)
_MOST_FOLDERS = 10
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_FOLDER_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ -]{0,98}")


def _html(message: Message) -> bytes:
    """The mail's document with its pictures inside, so that one file is all there is."""
    html = message.html
    for picture in message.pictures:
        inside = f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
        html = re.sub(rf"cid:{re.escape(picture.cid)}(?=[\"'\s)>])", inside, html)
    return html.encode("utf-8", "replace")


def _markdown(message: Message) -> bytes:
    return message.markdown.encode("utf-8", "replace")


def _json(message: Message) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(message.document, option=options | orjson.OPT_NON_STR_KEYS, default=plain_value)


FORMATS: Mapping[str, tuple[str, Callable[[Message], bytes]]] = {
    "html": ("html", _html),
    "markdown": ("md", _markdown),
    "json": ("json", _json),
}
"""Format → suffix and how to render it."""


class FileChannel:
    kind = "file"

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        problems = option_problems(spec, _OPTIONS)
        if len(spec.to) > _MOST_FOLDERS:
            problems.append(f"file: {len(spec.to)} folders are too many: at most {_MOST_FOLDERS}")
        for one in spec.to or ("",):
            try:
                _folder(one, settings)
            except LookupError as error:
                problems.append(f"file: {error}")
        try:
            _formats(spec)
        except LookupError as error:
            problems.append(f"file: {error}")
        return problems

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        """Recipients are the folders as written; the default folder is ''."""
        try:
            rendered = {suffix: render(message) for suffix, render in _formats(spec)}
        except LookupError as error:
            raise DeliveryError(f"file: {error}.", temporary=False) from None
        name = file_name(message.key)
        tried: dict[str, DeliveryError | None] = {}
        written: list[Path] = []
        for recipient in dict.fromkeys(spec.to or ("",)):
            if recipient in context.already:
                continue
            try:
                folder = _folder(recipient, context.settings) / file_name(context.digest)
                written += await asyncio.to_thread(_write_all, folder, name, rendered)
            except LookupError as error:
                tried[recipient] = DeliveryError(f"file: {error}.", temporary=False)
            except OSError as error:
                # A full disk or a missing mount passes; who fixes rights should not have to send again either.
                why = error.strerror or type(error).__name__
                tried[recipient] = DeliveryError(f"The folder {recipient or 'digests'}: {why}.", temporary=True)
            else:
                tried[recipient] = None
                await context.confirmed(recipient)
        return conclude(tried, f"wrote {', '.join(str(path) for path in written)}", context)


def file_name(key: str) -> str:
    """A name for a file or folder: `key` itself where that is harmless, otherwise a readable part and a digest of it."""
    if _NAME.fullmatch(key) and ".." not in key:
        return key
    readable = re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")[:60]
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable}-{mark}" if readable else mark


def _formats(spec: ChannelSpec) -> list[tuple[str, Callable[[Message], bytes]]]:
    given = spec.options.get("formats", ["html"])
    wanted = [given] if isinstance(given, str) else given
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise LookupError("`formats` is not a list: write for example `formats: [html, json]`")
    unknown = [str(one)[:60] for one in wanted if not isinstance(one, str) or one not in FORMATS]
    if unknown:
        raise LookupError(f"unknown format {unknown[0]!r}: known: {', '.join(sorted(FORMATS))}")
    return [FORMATS[str(one)] for one in dict.fromkeys(wanted)]


def _folder(recipient: str, settings: DeliverySettings) -> Path:
    """The folder meant; it need not exist. Raises LookupError."""
    if names_variable(recipient):
        named = Path(look_up(recipient, settings.environment)).expanduser()
        if not named.is_absolute():
            name = recipient.removeprefix("env:")
            raise LookupError(f"the folder in {name} is not an absolute path: write one that begins with /")
        return named
    base = (settings.home / "digests").expanduser().absolute()
    parts = PurePosixPath(recipient).parts
    if "\\" in recipient or not all(_FOLDER_PART.fullmatch(part) and ".." not in part for part in parts):
        raise LookupError(
            f"{recipient[:80]!r} is not a folder below {base}: write a plain name such as weekly, or env:NAME with the "
            "full path in that variable"
        )
    folder = base.joinpath(*parts)
    # A link inside the folder could lead out of it.
    if not folder.resolve().is_relative_to(base.resolve()):
        raise LookupError(f"{recipient[:80]!r} is a link out of {base}: write env:NAME with the full path instead")
    return folder


def _write_all(folder: Path, name: str, rendered: Mapping[str, bytes]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix, content in rendered.items():
        path = folder / f"{name}.{suffix}"
        _write(path, content)
        paths.append(path)
    return paths


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: written beside its place, to disk, then moved there."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        # Rights as the process gives them to any new file, so that a web server may read it if the operator wants.
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


CHANNEL = FileChannel()
