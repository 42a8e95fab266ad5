# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations of `aws ssm get-parameter` on a machine, `aws ssm start-session` and session-manager-plugin elsewhere.

A machine says which one it is, and the lab's AWS refuses what the role in its instance profile does not allow. The
lab's AWS also starts or refuses sessions. What the real programs encrypt and send by way of AWS goes over loopback.
Standard library only: these run as programs of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

PLUGIN = "session-manager-plugin"
SAYS = "[lab, simulated aws and session-manager-plugin]"
CREDENTIAL = "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/ssm/aws4_request, Signature=0"
# The file in which the lab gives a machine its id.
RUN = Path(os.environ.get("LAB_ROOT", "") + "/run/lab")


class Parser(argparse.ArgumentParser):
    """A parser that ends as the AWS CLI does."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(refuse(252, f"aws: [ERROR]: {message}"))


def refuse(code: int, text: str) -> int:
    print(f"\n{text}\n{SAYS}", file=sys.stderr)
    return code


def aws(words: list[str]) -> int:
    """Run the simulated commands of the AWS CLI."""
    command, does = ("get-parameter", get_parameter) if RUN.exists() else ("start-session", start_session)
    if words[:2] != ["ssm", command]:
        return refuse(252, f"aws: the lab's command knows `aws ssm {command}` only, not {' '.join(words[:2])}")
    try:
        return does(words[2:])
    except urllib.error.HTTPError as error:
        answer = json.loads(error.read() or b"{}")
        kind = str(answer.get("__type", error)).rpartition("#")[2]
        operation = command.title().replace("-", "")
        text = f"An error occurred ({kind}) when calling the {operation} operation: {answer.get('message', '')}"
        return refuse(254, text)


def options(*required: str) -> Parser:
    parser = Parser(prog="aws ssm")
    for name in required:
        parser.add_argument(name, required=True)
    return parser


def get_parameter(words: list[str]) -> int:
    parser = options("--name", "--region", "--query", "--output")
    parser.add_argument("--with-decryption", action="store_true")
    parser.add_argument("--cli-connect-timeout", type=int)
    given = parser.parse_args(words)
    endpoint, machine = ((RUN / name).read_text(encoding="utf-8") for name in ("endpoint", "instance"))
    request = {"Name": given.name, "WithDecryption": given.with_decryption}
    print(call(endpoint, given.region, "GetParameter", request, machine=machine)["Parameter"]["Value"])
    return 0


def start_session(words: list[str]) -> int:
    parser = options("--target", "--document-name", "--region")
    parser.add_argument("--parameters", default="")
    parser.add_argument("--profile", default="")
    given = parser.parse_args(words)
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint.startswith("http://127."):
        return refuse(252, "aws: the lab's command knows the lab only, and AWS_ENDPOINT_URL does not name it")
    request = {"Target": given.target, "DocumentName": given.document_name}
    session = call(endpoint, given.region, "StartSession", request | parameters(given.parameters))
    plugin = shutil.which(PLUGIN)
    if plugin is None:
        call(endpoint, given.region, "TerminateSession", {"SessionId": session["SessionId"]})
        return refuse(255, "SessionManagerPlugin is not found. Install it and try again.")
    details = [json.dumps(session), given.region, "StartSession", given.profile, json.dumps(request), endpoint]
    return subprocess.run([plugin, *details], check=False).returncode


def parameters(text: str) -> dict[str, dict[str, list[str]]]:
    if not text:
        return {}
    if text.startswith("{"):
        return {"Parameters": json.loads(text)}
    name, _, value = text.partition("=")
    return {"Parameters": {name: value.split(",")}}


def call(endpoint: str, region: str, action: str, request: dict[str, object], *, machine: str = "") -> dict[str, Any]:
    key = os.environ.get("AWS_ACCESS_KEY_ID", "lab-not-a-real-key")
    headers = {
        **{"Authorization": CREDENTIAL.format(key=key, region=region), "Content-Type": "application/x-amz-json-1.1"},
        **{"X-Amz-Target": f"AmazonSSM.{action}", "X-Lab-Machine": machine},
    }
    asked = urllib.request.Request(endpoint, data=json.dumps(request).encode(), headers=headers, method="POST")  # noqa: S310
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310  loopback, checked by the caller
        return json.load(answer)


def plugin(words: list[str]) -> int:
    place = urllib.parse.urlsplit(json.loads(words[0])["StreamUrl"])
    try:
        machine = socket.create_connection((place.hostname or "", place.port or 0), timeout=10)
    except OSError as error:
        return refuse(255, f"Connection to destination port failed, check SSH server. ({error})")
    machine.settimeout(None)
    threading.Thread(target=send, args=(machine,), daemon=True).start()
    while received := machine.recv(65536):
        write(received)
    return 0


def send(machine: socket.socket) -> None:
    while data := os.read(0, 65536):
        machine.sendall(data)
    machine.shutdown(socket.SHUT_WR)


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    sys.exit({"aws": aws, PLUGIN: plugin}[sys.argv[1]](sys.argv[2:]))
