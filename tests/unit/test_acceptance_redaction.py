# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the record of an acceptance run must not hold, and what it must hold to be useful."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from botocore.session import Session

from tests.aws.redaction import SECRET, Redactor, numbered, restored, vocabulary
from tests.fake_credentials import pem_header, tailscale_key

LOT = random.Random(7)  # noqa: S311  test data
UPPER, HEX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "0123456789abcdef"


def drawn(alphabet: str, length: int) -> str:
    """Return random characters."""
    return "".join(LOT.choice(alphabet) for _ in range(length))


MAKERS: dict[str, Callable[[], str]] = {
    "account": lambda: drawn("123456789", 12),
    "access key": lambda: "AKIA" + drawn(UPPER, 16),
    "role id": lambda: "AROA" + drawn(UPPER, 17),
    "secret key": lambda: "9aZ" + drawn(UPPER + "abcdefgh/+", 37),
    "instance id": lambda: "i-" + drawn(HEX, 17),
    "cidr association": lambda: "vpc-cidr-assoc-" + drawn(HEX, 17),
    "old id": lambda: "sg-" + drawn(HEX, 8),
    "public IPv4": lambda: f"54.{LOT.randrange(256)}.{LOT.randrange(256)}.{LOT.randrange(256)}",
    "IPv6": lambda: f"2a05:d018:{drawn('123456789a', 4)}:{drawn('123456789a', 4)}::{drawn('123456789a', 4)}",
    "MAC": lambda: ":".join(drawn(HEX, 2) for _ in range(6)),
    "mail address": lambda: drawn("abcdefgh", 8) + "@example.org",
    "SSH key": lambda: "ssh-ed25519 AAAAC3Nza" + drawn(UPPER, 60) + " jane",
    "private key": lambda: pem_header("OPENSSH PRIVATE KEY") + "\n" + drawn(UPPER, 64) + "\n-----END",
    "Tailscale key": lambda: tailscale_key("k" + drawn("abcdefgh", 10) + "-" + drawn("abcdefgh", 20)),
    "person": lambda: "jane-roe",
}


@cache
def model(service: str, operation: str) -> Any:
    """Return what botocore knows of an operation; reading it takes a third of a second."""
    return Session().get_service_model(service).operation_model(operation)


def call(service: str, operation: str, parameters: Any, answer: Any, redactor: Redactor | None = None) -> Any:
    """Return what is kept of a call."""
    return (redactor or Redactor(b"key", ["jane-roe"])).call(model(service, operation), parameters, answer)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("around", ["{}", "a {} b", '{{"Resource":"{}"}}', "arn:aws:iam::1:role/{}", "({},", "x={}"])
def test_what_identifies_survives_neither_in_what_we_sent_nor_in_an_answer(kind: str, around: str) -> None:
    for _ in range(40):
        secret = MAKERS[kind]()
        text = around.format(secret)
        tags = [{"Key": "Name", "Value": text}]

        kept = json.dumps(call("ec2", "CreateTags", {"Resources": [text], "Tags": tags}, {}))
        kept += json.dumps(call("ec2", "DescribeTags", {}, {"Tags": [{"Key": text, "Value": text}]}))

        assert secret not in kept
        assert secret.split()[-1] not in kept or kind in ("SSH key", "private key")
        assert secret.split("\n")[0] not in kept


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "answer"),
    [
        ("ec2", "RunInstances", {"UserData": "hidden word"}, {}),
        ("ec2", "CreateLaunchTemplate", {"LaunchTemplateData": {"UserData": "hidden word"}}, {}),
        ("ec2", "DescribeInstanceAttribute", {}, {"UserData": {"Value": "hidden word"}}),
        ("ec2", "GetConsoleOutput", {}, {"Output": "hidden word"}),
        ("ec2", "DescribeVpcs", {"NextToken": "hidden word"}, {"NextToken": "hidden word"}),
        ("ssm", "PutParameter", {"Value": "hidden word", "Type": "SecureString"}, {}),
        ("ssm", "GetParameter", {}, {"Parameter": {"Value": "hidden word"}}),
        ("ec2", "CreateKeyPair", {}, {"KeyMaterial": "hidden word"}),
        ("ec2", "DescribeVpcs", {}, {"ResponseMetadata": {"HTTPHeaders": {"x": "hidden word"}}}),
        ("ec2", "DescribeVpcs", {}, {"Error": {"Code": "UnauthorizedOperation", "Message": "hidden word"}}),
        ("ec2", "DescribeInstances", {}, {"Reservations": [{"Instances": [{"PrivateDnsName": "hidden word"}]}]}),
    ],
)
def test_secrets_messages_headers_and_foreign_texts_are_not_recorded(
    service: str, operation: str, parameters: Any, answer: Any
) -> None:
    assert "hidden" not in json.dumps(call(service, operation, parameters, answer))


def test_numbers_choices_and_common_addresses_stay() -> None:
    instance = {
        "InstanceType": "t4g.medium",
        "EbsOptimized": True,
        "AmiLaunchIndex": 0,
        "PrivateIpAddress": "10.10.0.5",
    }
    answer = {"Reservations": [{"Instances": [{**instance, "LaunchTime": datetime.now(UTC)}]}]}

    kept = call("ec2", "DescribeInstances", {}, answer)["answer"]["Reservations"][0]["Instances"][0]

    assert kept.pop("LaunchTime").startswith("<time-")
    assert kept == instance


def test_the_same_thing_has_the_same_placeholder_in_every_process_of_a_run_and_another_one_in_another_run() -> None:
    answer = {"Vpcs": [{"VpcId": "vpc-0123456789abcdef0"}]}
    one, same, other = (call("ec2", "DescribeVpcs", {}, answer, Redactor(key, [])) for key in (b"a", b"a", b"b"))

    assert one == same != other
    assert numbered(one) == numbered(other)
    assert numbered(one)["answer"] == {"Vpcs": [{"VpcId": "<vpc-1>"}]}


def test_a_part_of_an_ipv6_network_is_named_by_the_whole() -> None:
    redactor = Redactor(b"key", [])
    whole, part = (
        redactor.scrub(f"2600:1f18:12:3400::/{n}".replace("3400", b)) for n, b in ((56, "3400"), (64, "3401"))
    )

    assert [numbered([whole, part])] == [["<net6-1:00>/56", "<net6-1:01>/64"]]


def test_texts_that_we_sent_are_readable_in_answers_and_other_texts_are_not() -> None:
    redactor = Redactor(b"key", [])
    tags = [{"Key": "Name", "Value": "moon-gateway"}]
    sent = call("ec2", "CreateTags", {"Resources": ["i-0123456789abcdef0"], "Tags": tags}, {}, redactor)
    found = {"Tags": [*tags, {"Key": "Name", "Value": "payroll"}]}
    seen = call("ec2", "DescribeTags", {}, found, redactor)

    words = vocabulary([sent, seen], redactor)
    values = [tag["Value"] for tag in restored(seen["answer"], words)["Tags"]]

    assert values[0] == "moon-gateway"
    assert values[1].startswith("<text-")


def test_bytes_are_not_recorded() -> None:
    assert call("ec2", "ImportKeyPair", {"PublicKeyMaterial": b"key"}, {})["parameters"] == {
        "PublicKeyMaterial": SECRET
    }
