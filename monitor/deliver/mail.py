"""One issue as a mail to one reader: headers, plain-text twin, HTML with its pictures. Bytes only, nothing is sent.

The bytes depend on the message, the sender, the digest and the unsubscribe address alone, so that every try sends the
same mail with the same Message-ID.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.charset import BASE64, Charset
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr
from html import escape
from typing import Any

from monitor.core.digest import Message

_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LONGEST_SUBJECT = 250
_LONGEST_LINK = 900
"""SMTP allows lines of 998 characters."""
_WHOLE = frozenset({"list-unsubscribe", "message-id", "references", "list-id", "content-id"})
"""Headers whose value must stay in one piece: the library would encode a long word of theirs as if it were text."""


class _MailPolicy(EmailPolicy):
    """The library's policy loses or adds spaces where it folds encoded words (seen on 3.11), so the headers with
    people's words are encoded by its older part, which does not."""

    def fold(self, name: str, value: Any) -> str:
        lower = name.lower()
        if lower in _WHOLE:
            return f"{name}: {value}{self.linesep}"
        if lower == "subject":
            return f"{name}: {_encode(str(value), len(name) + 2)}{self.linesep}"
        if lower in ("from", "reply-to"):
            (mailbox,) = value.addresses
            return f"{name}: {_mailbox(mailbox, len(name) + 2)}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


def _encode(text: str, taken: int) -> str:
    if text.isascii() and "=?" not in text:
        charset = Charset("us-ascii")
    else:
        charset = Charset("utf-8")
        # Said here because other libraries of the process (Apprise) change what the name stands for.
        charset.header_encoding = BASE64
    return Header(text, charset, maxlinelen=76, header_name="x" * max(1, taken - 2)).encode(linesep="\r\n")


def _mailbox(mailbox: Address, taken: int) -> str:
    if not mailbox.display_name or mailbox.display_name.isascii():
        return formataddr((mailbox.display_name, mailbox.addr_spec))
    return f"{_encode(mailbox.display_name, taken)}\r\n <{mailbox.addr_spec}>"


_POLICY = _MailPolicy(linesep="\r\n", cte_type="7bit")


def message_id(key: str, domain: str) -> str:
    """The Message-ID of an issue: the same for every try and every reader."""
    return f"<{_local(key)}@{domain}>"


def list_id(digest: str, domain: str) -> str:
    """The List-Id (RFC 2919) of a digest: mail programs sort by it."""
    return f"{_local(digest)}.digests.{domain}"


def build_mail(
    message: Message,
    *,
    sender: Address,
    recipient: str,
    digest: str,
    now: datetime,
    unsubscribe: str = "",
    reply_to: Address | None = None,
) -> bytes:
    """The mail for one reader, lines ended by CRLF, all ASCII.

    `unsubscribe` replaces the message's own link wherever that stands, and goes into List-Unsubscribe if it is https
    (RFC 8058 asks for that). Values of headers lose their control characters, so none can begin another header.
    """
    domain = sender.domain
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = recipient
    if reply_to is not None:
        mail["Reply-To"] = reply_to
    mail["Subject"] = one_line(message.subject)[:_LONGEST_SUBJECT]
    mail["Date"] = format_datetime(message.composed_at or now)
    mail["Message-ID"] = message_id(message.key, domain)
    # Names a mail that never was; programs that thread by references gather the issues of a digest under it.
    mail["References"] = f"<thread.{_local(digest)}@{domain}>"
    # A bare id: a name in front would need encoding, which mail programs read badly here.
    mail["List-Id"] = f"<{list_id(digest, domain)}>"
    mail["Auto-Submitted"] = "auto-generated"
    own = message.links.get("unsubscribe", "")
    link = unsubscribe or own
    if link.startswith("https://") and link.isascii() and link.isprintable() and not re.search(r"[\s<>,]", link):
        if len(link) > _LONGEST_LINK:
            raise ValueError(f"the unsubscribe address is longer than {_LONGEST_LINK} characters")
        mail["List-Unsubscribe"] = f"<{link}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text, html = message.text, message.html
    if own and link != own:
        text = text.replace(own, link)
        for quoted in dict.fromkeys((escape(own), own)):
            html = html.replace(quoted, escape(link))
    mail.set_content(text)
    mail.add_alternative(_name_pictures(message, html, domain), subtype="html")
    part = list(mail.iter_parts())[1]
    for picture in message.pictures:
        part.add_related(
            picture.png,
            maintype="image",
            subtype="png",
            cid=f"<{_content_id(message, picture.cid, domain)}>",
            filename=f"{_local(picture.cid)}.png",
            disposition="inline",
        )
    # The library would draw them at random. "=_" stands in no encoded part.
    mark = hashlib.sha256(f"{message.key}\n{recipient}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    for number, part in enumerate(one for one in mail.walk() if one.is_multipart()):
        part.set_boundary(f"=_{mark}.{number}")
    return mail.as_bytes(policy=_POLICY)


def one_line(text: str) -> str:
    """A header's value: printable, spaces tidied, unpaired surrogates replaced."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(one if one.isprintable() else " " for one in sound).split())


def _name_pictures(message: Message, html: str, domain: str) -> str:
    """Content ids are unique in the world by the standard; within an issue they are short."""
    for picture in message.pictures:
        full = _content_id(message, picture.cid, domain)
        html = re.sub(rf"cid:{re.escape(picture.cid)}(?=[\"'\s)>])", f"cid:{full}", html)
    return html


def _content_id(message: Message, cid: str, domain: str) -> str:
    return f"{_local(cid)}.{_local(message.key)}@{domain}"


def _local(name: str) -> str:
    """`name` if it may stand before an @ as it is, otherwise a digest of it, the same every time."""
    if _ATOM.fullmatch(name) and len(name) <= 100:
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
