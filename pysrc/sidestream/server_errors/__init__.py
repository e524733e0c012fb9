"""From what a server answers to a `SidestreamError`.

`error_from_response` serves responses with an error status, `error_from_server_error` serves errors
inside a stream, and `bad_body_error` serves responses of 200 that hold no answer. Each reads what
the server says (`shapes`), looks the cause up (`causes`, `params`), and writes the texts for the
user (`texts`, `plans`).
"""

from __future__ import annotations

from sidestream.server_errors.response import (
    bad_body_error,
    error_from_response,
    error_from_server_error,
    request_id_of,
)

__all__ = ["bad_body_error", "error_from_response", "error_from_server_error", "request_id_of"]
