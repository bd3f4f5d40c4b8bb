"""Mail addresses: what is accepted, and in which form it goes into a header and an envelope."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr

import idna

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST = 254


def tidy_address(text: str) -> str:
    """The bare address with its domain in ASCII, as servers want it. Raises ValueError that says what would be right.

    Quoted local parts and non-ASCII ones are refused: few servers take them. Whether the mailbox exists, only its
    server can tell.
    """
    shown = "".join(one if one.isprintable() else "?" for one in text.strip())[:80]
    example = "write it like reader@example.org"
    local, at, domain = text.strip().rpartition("@")
    if not at or not local or not domain:
        raise ValueError(f"{shown!r} is not a mail address: {example}")
    if not local.isascii():
        raise ValueError(f"{shown!r}: letters beyond ASCII before the @ are not supported: use another address")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        raise ValueError(f"{shown!r} is not a mail address: {local[:40]!r} can't stand before the @; {example}")
    try:
        plain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        plain = ""
    labels = plain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError(f"{shown!r} is not a mail address: {domain[:40]!r} is not a domain; {example}")
    address = f"{local}@{plain.lower()}"
    if len(address) > _LONGEST:
        raise ValueError(f"{shown!r} is longer than {_LONGEST} characters: {example}")
    return address


def split_mailbox(text: str) -> Address:
    """'Name <user@example.org>' or a bare address. Raises ValueError that says what would be right."""
    example = "write it like Trend digest <digest@example.org>"
    if not text.isprintable():
        raise ValueError(f"it contains control characters: {example}")
    name, address = parseaddr(text)
    # parseaddr makes something of almost anything; what it dropped shows that the text was not one mailbox
    if not address or text.count("@") != address.count("@") or ("<" in text) != text.rstrip().endswith(">"):
        raise ValueError(f"it is not one mailbox: {example}")
    local, _, domain = tidy_address(address).rpartition("@")
    return Address(display_name=name, username=local, domain=domain)
