# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try every TCP port of an address and print those that answer; send something to every UDP port."""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time

SECONDS = 1.0


def tried(address: str, ports: list[int]) -> list[int]:
    """Return those of the ports that accept a connection; a dropped packet is waited for no longer than a second."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    poll, waiting, found = select.poll(), {}, []
    for port in ports:
        client = socket.socket(family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex((address, port))
        waiting[client.fileno()] = (client, port)
        poll.register(client, select.POLLOUT)
    deadline = time.monotonic() + SECONDS
    while waiting and (left := deadline - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            client, port = waiting.pop(number)
            poll.unregister(number)
            if client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            client.close()
    for client, _ in waiting.values():
        client.close()
    return found


def room() -> int:
    """Return how many connections may be tried at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(hard - 100, 16384)


def send_datagrams(address: str) -> None:
    """Send something to every UDP port, as a DHCP client would."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.bind(("", 68))
        for port in range(1, 65536):
            client.sendto(b"?", (address, port))


if __name__ == "__main__":
    send_datagrams(sys.argv[1])
    ports, at_once = [*range(1, 65536)], room()
    steps = [ports[at : at + at_once] for at in range(0, len(ports), at_once)]
    print(json.dumps(sorted(port for step in steps for port in tried(sys.argv[1], step))))
