"""A provider on loopback that writes what a benchmark's script gives it, without delay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Write = Callable[[bytes], None]
Script = Callable[[bytes, Write], None]
"""Takes the request's body and writes the answer's chunks; each is sent at once."""


class Server:
    """Answers every POST with its `script`. A context manager."""

    def __init__(self) -> None:
        self.script: Script = lambda body, write: None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(200)
                self.send_header("content-type", "text/event-stream; charset=utf-8")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                owner.script(body, self._write)
                self._write(b"")

            def _write(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Ignore a browser that closes in the middle of an answer."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def base_url(self) -> str:
        """The provider's base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"


def send_all(chunks: list[bytes]) -> Script:
    """Return a script that writes these chunks one after the other."""

    def script(_: bytes, write: Write) -> None:
        for chunk in chunks:
            write(chunk)

    return script
