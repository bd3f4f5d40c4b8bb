"""A real browser that is told what to do, as its user would: pages opened, buttons pressed, fields filled.

Speaks the browser's own debugging protocol (one WebSocket on loopback) with the standard library alone.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.chromium import needed

PATIENCE = 30.0


class Tab:
    """One tab. Errors of the page and refusals by its policy gather in `console`."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        while self._file.readline().strip():
            pass
        self._number = 0
        self.console: list[str] = []
        self._loaded = 0
        for domain in ("Page", "Runtime", "Log"):
            self._do(f"{domain}.enable")

    def open(self, address: str, *, scripts: bool = True) -> None:
        self._do("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._after(lambda: self._do("Page.navigate", url=address))

    def resize(self, width: int) -> None:
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def press(self, selector: str) -> None:
        """Press what a selector finds, with the mouse, and wait for the page that follows."""
        self._do("Runtime.evaluate", expression=f"document.querySelector({selector!r}).scrollIntoView()")
        place = self.ask(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )

        def click() -> None:
            for kind in ("mousePressed", "mouseReleased"):
                self._do("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

        self._after(click)

    def write(self, selector: str, text: str) -> None:
        """Replace what a field holds."""
        self.ask(f"(() => {{ const f = document.querySelector({selector!r}); f.focus(); f.select(); }})()")
        self._do("Input.insertText", text=text)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self._do("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    @property
    def text(self) -> str:
        return " ".join(str(self.ask("document.querySelector('main').innerText")).split())

    @property
    def path(self) -> str:
        return str(self.ask("location.pathname"))

    def _after(self, act: Any) -> None:
        seen = self._loaded
        act()
        while self._loaded == seen:
            self._read()

    def _do(self, method: str, **params: Any) -> Any:
        self._number += 1
        body = json.dumps({"id": self._number, "method": method, "params": params}).encode()
        mask = os.urandom(4)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(body))
        self._socket.sendall(b"\x81" + size + mask + bytes(one ^ mask[at % 4] for at, one in enumerate(body)))
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._frame())
        event = message.get("method")
        if event == "Page.loadEventFired":
            self._loaded += 1
        elif event == "Log.entryAdded":
            self.console.append(message["params"]["entry"]["text"])
        elif event in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.console.append(json.dumps(message["params"])[:500])
        return message

    def _frame(self) -> bytes:
        body = b""
        while True:
            head = self._file.read(2)
            length = head[1] & 0x7F
            if length > 125:
                length = struct.unpack(*((">H", self._file.read(2)) if length == 126 else (">Q", self._file.read(8))))[
                    0
                ]
            part = self._file.read(length)
            if head[0] & 0x0F in (0, 1):
                body += part
                if head[0] & 0x80:
                    return body

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@contextmanager
def driving(profile: Path) -> Iterator[Tab]:
    """A browser with one tab, as long as the context lasts. Skips where none is installed."""
    browser = needed()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"]
    command = [browser, *flags, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + PATIENCE
            told = profile / "DevToolsActivePort"
            while not (told.exists() and told.read_text().strip()):
                assert time.monotonic() < until, "the browser did not start"
                time.sleep(0.05)
            port = told.read_text().split()[0]
            pages = httpx.get(f"http://127.0.0.1:{port}/json", timeout=PATIENCE).json()
            tab = Tab(next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page"))
            try:
                yield tab
            finally:
                tab.close()
        finally:
            process.terminate()
            process.wait(10)
