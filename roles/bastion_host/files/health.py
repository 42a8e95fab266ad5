#!/usr/bin/python3
# Made by urmanac.talos
"""Check the health of the bastion and print the results as text, or with --json as JSON; exit with 1 if a check fails.

Needs Python 3.9 and root. Changes nothing. Reads its configuration from health.json or from the given file.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

CONFIG = "/etc/talos-bastion/health.json"
TABLE = ("inet", "talos_bastion")
NTP_EPOCH = 2208988800
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


class Answer(NamedTuple):
    """The name of a check, whether it passed, and what it found."""

    check: str
    healthy: bool
    detail: str


def run(*command: str) -> str:
    """Return the output of a command; raise OSError if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise OSError(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def units(config: dict[str, Any]) -> list[Answer]:
    answers = []
    for unit in config["units"]:
        shown = run("systemctl", "show", "--property=ActiveState,SubState", "--value", unit).split()
        answers.append(Answer(f"unit {unit}", shown[0] == "active", " ".join(shown)))
    return answers


def containers(config: dict[str, Any]) -> list[Answer]:
    answers = []
    for name in config["containers"]:
        try:
            seen = run(config["engine"], "inspect", "--format", "{{.State.Health.Status}}", name).strip()
        except OSError as error:
            seen = str(error)
        answers.append(Answer(f"container {name}", seen == "healthy", seen))
    return answers


def urls(config: dict[str, Any]) -> list[Answer]:
    return [fetched(name, **asked) for name, asked in config["http"].items()]


def fetched(name: str, url: str, holds: str) -> Answer:
    """Check that the start of the response of a URL contains a text."""
    request = urllib.request.Request(url, headers={"Accept": MANIFESTS})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            start = answer.read(4096)
            detail = f"{url}: {answer.headers.get('Content-Length', len(start))} bytes"
    except OSError as error:
        return Answer(name, False, f"{url}: {error}")
    healthy = bool(start) and holds.encode() in start
    return Answer(name, healthy, detail if healthy else f"{url}: {holds!r} is not in the answer")


def dhcp(config: dict[str, Any]) -> list[Answer]:
    """Check that a DHCP client is offered an address of the range, without taking a lease."""
    if not config["dhcp"]:
        return []
    try:
        offered = offer(config["address"])
    except OSError as error:
        return [Answer("DHCP offer", False, str(error))]
    low, high = (socket.inet_aton(config["dhcp"][key]) for key in ("first", "last"))
    return [Answer("DHCP offer", low <= offered <= high, socket.inet_ntoa(offered))]


def offer(address: str) -> bytes:
    """Return the address that DHCP offers to a client on this host."""
    number = random.randrange(1 << 32)
    hardware = b"\x02talos"
    head = struct.pack("!BBBBIHH16x6s10x192x", 1, 1, 6, 0, number, 0, 0x8000, hardware)
    packet = head + b"\x63\x82\x53\x63" + b"\x35\x01\x01" + b"\xff"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for option in (socket.SO_BROADCAST, socket.SO_REUSEADDR):
            client.setsockopt(socket.SOL_SOCKET, option, 1)
        device = run("ip", "-brief", "-4", "address", "show", "to", address).split()[0].split("@")[0]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        client.bind(("", 68))
        client.settimeout(6)
        client.sendto(packet, ("255.255.255.255", 67))
        while True:
            answer = client.recv(2048)
            if answer[0] == 2 and struct.unpack("!I", answer[4:8])[0] == number:
                return answer[16:20]


def listeners(config: dict[str, Any]) -> list[Answer]:
    """Check that the services of the subnet listen on its address only."""
    answers = []
    for kind, option in (("tcp", "-t"), ("udp", "-u")):
        seen = [line.split()[3].rpartition(":") for line in run("ss", "-Hln", option).splitlines()]
        for port in config["listeners"][kind]:
            where = sorted({place.split("%")[0] for place, _colon, number in seen if number == str(port)})
            answers.append(Answer(f"{kind} port {port}", where == [config["address"]], ", ".join(where) or "closed"))
    return answers


def firewall(config: dict[str, Any]) -> list[Answer]:
    """Check that the packet filter drops by default and that NAT is on; report their counters."""
    if not any(config["firewall"].values()):
        return []
    try:
        items = json.loads(run("nft", "--json", "list", "table", *TABLE))["nftables"]
    except OSError as error:
        return [Answer("packet filter", False, str(error))]
    chains = {item["chain"]["name"]: item["chain"].get("policy") for item in items if "chain" in item}
    counters = {item["counter"]["name"]: item["counter"]["packets"] for item in items if "counter" in item}
    answers = []
    if config["firewall"]["closed"]:
        refused = f"{counters.get('refused')} packets refused"
        answers.append(Answer("closed by default", chains.get("input") == "drop", refused))
    if config["firewall"]["nat"]:
        forwards = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == "1"
        detail = f"{counters.get('translated')} connections translated" + ("" if forwards else ", ip_forward is off")
        answers.append(Answer("NAT", forwards and "postrouting" in chains, detail))
    return answers


def interface(config: dict[str, Any]) -> list[Answer]:
    seen = run("ip", "-brief", "-4", "address", "show", "to", config["address"]).split()
    return [
        Answer("address", len(seen) > 2, f"{config['address']} on {seen[0].split('@')[0] if seen else 'no interface'}")
    ]


def disk(config: dict[str, Any]) -> list[Answer]:
    path = config["disk"]["path"]
    usage = shutil.disk_usage(path if Path(path).exists() else "/")
    percent = 100 * usage.free // usage.total
    return [Answer("disk", percent >= config["disk"]["free_percent"], f"{percent} % free")]


def clock(config: dict[str, Any]) -> list[Answer]:
    """Compare the clock with a time server."""
    server = config["clock"]["server"]
    if not server:
        return []
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(b"\x23" + bytes(47), (server, 123))
            seconds, fraction = struct.unpack("!II", client.recv(48)[40:48])
    except (OSError, struct.error) as error:
        return [Answer("clock", False, f"{server}: {error}")]
    apart = abs(seconds - NTP_EPOCH + fraction / 2**32 - time.time())
    return [Answer("clock", apart <= config["clock"]["seconds"], f"{apart:.3f} s from {server}")]


CHECKS: list[Callable[[dict[str, Any]], list[Answer]]] = [
    *(interface, units, containers, urls, dhcp, listeners, firewall, disk, clock),
]


def asked(config: dict[str, Any]) -> list[Answer]:
    """Run all checks; a check that cannot run fails."""
    answers = []
    for check in CHECKS:
        try:
            answers += check(config)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            answers.append(Answer(check.__name__, False, str(error)))
    return answers


def main(arguments: list[str]) -> int:
    """Print the results and return the exit code."""
    named = [word for word in arguments if not word.startswith("-")]
    answers = asked(json.loads(Path(*(named or [CONFIG])).read_text()))
    healthy = all(answer.healthy for answer in answers)
    if "--json" in arguments:
        print(json.dumps({"healthy": healthy, "checks": [answer._asdict() for answer in answers]}, indent=1))
    else:
        for answer in answers:
            print(f"{'ok' if answer.healthy else 'FAILED':6} {answer.check}: {answer.detail}")
        print("healthy" if healthy else "NOT HEALTHY")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
