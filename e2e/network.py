"""Servers on loopback and the hosts of a conversation, for tests of the sandbox's network."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

from e2e.app import App

BIG = 10_000_000


class Received(NamedTuple):
    """A request. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


class Site:
    """A server that allows requests of all origins, or of none with ``cors=False``."""

    def __init__(self, *, cors: bool = True) -> None:
        self.received: list[Received] = []
        self.waiting = threading.Event()
        """Set when `/wait` is requested."""
        self.go_on = threading.Event()
        """The answer to `/wait` is sent when this is set, for example by `/go-on`."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def answer(self) -> None:
                headers = {name.lower(): text for name, text in self.headers.items()}
                site.received.append(Received(self.command, self.path, headers))
                body = self.rfile.read(int(headers.get("content-length", 0)))
                path, _, query = self.path.partition("?")
                self.send_response({"/missing": 404, "/redirect": 302}.get(path, 200))
                if path == "/redirect":
                    self.send_header("location", query)
                if path == "/cookies":
                    for rest in ("SameSite=None; Secure", "SameSite=Lax", "SameSite=Strict"):
                        self.send_header("set-cookie", f"{rest[9:12]}=secret; Path=/; {rest}")
                if cors:
                    # As a server does that lets everybody in, with cookies.
                    self.send_header("access-control-allow-origin", headers.get("origin", "*"))
                    self.send_header("access-control-allow-credentials", "true")
                    asked = headers.get("access-control-request-headers", "")
                    self.send_header("access-control-allow-headers", asked)
                    self.send_header("access-control-allow-methods", "GET, POST, PUT")
                if path == "/go-on":
                    site.go_on.set()
                if path == "/wait":
                    site.waiting.set()
                    site.go_on.wait(20)
                if path == "/drip":
                    self.drip()
                else:
                    self.send_body(path, headers, body)

            def drip(self) -> None:
                """Send the second part when `/go-on` is requested."""
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nfirst\r\n")
                site.go_on.wait(20)
                self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

            def send_body(self, path: str, headers: dict[str, str], body: bytes) -> None:
                seen = {"method": self.command, "headers": headers, "body": body.decode("latin-1")}
                known = {"/bytes": bytes(range(256)), "/big": b"x" * BIG, "/code.js": b"1"}
                data = known.get(path, json.dumps(seen).encode())
                kind = "text/javascript" if path == "/code.js" else "application/json"
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet: the record of requests says more."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def host(self) -> str:
        """The host as a user enters it."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://{self.host}"

    def reset(self) -> None:
        """Forget all requests."""
        self.received.clear()
        self.waiting.clear()
        self.go_on.clear()

    @property
    def paths(self) -> list[str]:
        """The requests so far."""
        return [request.path for request in self.received]


CONFIGURE = """async ([conversation, settings]) => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const stored = async () => {
    const database = await done(indexedDB.open("sidestream"));
    const conversations = database.transaction("conversations").objectStore("conversations");
    const found = await done(conversations.get(conversation));
    database.close();
    return JSON.stringify(found?.settings?.network ?? []);
  };
  const port = chrome.runtime.connect({name: "panel"});
  port.postMessage({type: "Join", conversation});
  port.postMessage({type: "Configure", settings});
  while ((await stored()) !== JSON.stringify(settings.network))
    await new Promise((resolve) => setTimeout(resolve, 20));
  port.disconnect();
}"""
"""As a panel does it, and until it is stored."""


def allow(app: App, *hosts: str, conversation: str = "one", **settings: Any) -> None:
    """Have the user allow these hosts in a conversation, and no others."""
    app.send({"type": "LoadSettings"})
    app.lasting_page.evaluate(CONFIGURE, [conversation, {**settings, "network": list(hosts)}])
