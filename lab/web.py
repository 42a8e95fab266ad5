# SPDX-License-Identifier: GPL-3.0-or-later
"""Web servers that answer in threads of their own."""

from __future__ import annotations

import socketserver
import threading


class WebServer:
    _server: socketserver.BaseServer

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name=type(self).__name__, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
