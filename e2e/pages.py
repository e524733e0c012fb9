"""Web pages on loopback, for the tests that read them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESOLVER_RULES = "--host-resolver-rules=MAP *.test 127.0.0.1"
"""The browser finds every site whose name ends so here."""

PDF = (
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1"
    b">>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF"
)
"""An empty page."""


class Pages:
    """A server of pages. Use it as a context manager.

    Sidestream has permission to read pages of 127.0.0.1, and of no other site (`RESOLVER_RULES`).
    """

    def __init__(self) -> None:
        self._pages: dict[str, tuple[str, bytes, bool]] = {}
        self._closing = threading.Event()
        self.asked: list[str] = []
        """The path of every request, with its query."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._serve(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Pages:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def put(
        self,
        path: str,
        body: str | bytes,
        content_type: str = "text/html; charset=utf-8",
        *,
        host: str = "127.0.0.1",
        whole: bool = True,
    ) -> str:
        """Have a page served, and return its address. One that is not whole never ends."""
        data = body.encode() if isinstance(body, str) else body
        self._pages[path] = (content_type, data, whole)
        return f"http://{host}:{self._http.server_address[1]}{path}"

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        page = self._pages.get(handler.path.partition("?")[0])
        if page is None:
            handler.send_error(404)
            return
        content_type, data, whole = page
        handler.send_response(200)
        handler.send_header("content-type", content_type)
        if whole:
            handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        handler.wfile.flush()
        if not whole:
            self._closing.wait()
