#!/usr/bin/python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of matchbox, of which Debian has no package: answers iPXE from matchbox' profiles and groups.

matchbox -address=HOST:PORT -data-path=FOLDER
"""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CHAIN = "#!ipxe\nchain ipxe?mac=${mac:hexhyp}&arch=${buildarch}\n"


def documents(folder: Path) -> list[dict[str, Any]]:
    """Return the documents of a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def chosen(folder: Path, labels: dict[str, str]) -> dict[str, Any]:
    """Return the profile of the group that fits a machine best."""
    groups = [item for item in documents(folder / "groups") if item.get("selector", {}).items() <= labels.items()]
    group = max(groups, key=lambda item: len(item.get("selector", {})))
    found: dict[str, Any] = json.loads((folder / "profiles" / f"{group['profile']}.json").read_text(encoding="utf-8"))
    return found


def script(boot: dict[str, Any]) -> str:
    """Return what a profile boots as a script for iPXE."""
    initrds = [f"initrd {name}" for name in boot["initrd"]]
    return "\n".join(["#!ipxe", f"kernel {boot['kernel']} {' '.join(boot['args'])}", *initrds, "boot", ""])


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers iPXE."""

    folder = Path()

    def do_GET(self) -> None:
        """Send the first script, or the one for a machine."""
        address = urlsplit(self.path)
        labels = {name: values[0] for name, values in parse_qs(address.query).items()}
        known = {"/boot.ipxe": lambda: CHAIN, "/ipxe": lambda: script(chosen(self.folder, labels)["boot"])}
        body = known[address.path]().encode() if address.path in known else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    given = dict(argument.lstrip("-").split("=", 1) for argument in arguments)
    host, _colon, port = given["address"].rpartition(":")
    Handler.folder = Path(given["data-path"])
    http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
