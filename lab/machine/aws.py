# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of the AWS CLI of Amazon Linux: `aws ssm get-parameter`, as far as the machine has permission.

Permissions are those of the role in the machine's instance profile, so that a policy that allows too little shows here.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

ROOT = os.environ.get("LAB_ROOT", "")
CREDENTIALS = "AWS4-HMAC-SHA256 Credential=lab-not-a-real-key/20260101/{region}/{service}/aws4_request, Signature=0"
ACCOUNT = "123456789012"


def refuse(code: int, text: str) -> int:
    print(f"\n{text}", file=sys.stderr)
    return code


def post(endpoint: str, service: str, region: str, body: bytes, headers: dict[str, str]) -> bytes:
    signed = {"Authorization": CREDENTIALS.format(region=region, service=service), **headers}
    request = urllib.request.Request(endpoint, data=body, headers=signed, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback, see lab/settings.py
        found: bytes = answer.read()
    return found


def query(endpoint: str, service: str, region: str, version: str, **parameters: str) -> ET.Element:
    body = urllib.parse.urlencode({**parameters, "Version": version}).encode()
    text = post(endpoint, service, region, body, {"Content-Type": "application/x-www-form-urlencoded"})
    return ET.fromstring(text)  # noqa: S314  the lab's own answer


def texts(element: ET.Element, name: str) -> list[str]:
    return [found.text or "" for found in element.iter() if found.tag.rpartition("}")[2] == name]


def policies(endpoint: str, region: str, instance: str) -> list[dict[str, Any]]:
    ec2 = {"Action": "DescribeInstances", "InstanceId.1": instance}
    described = query(endpoint, "ec2", region, "2016-11-15", **ec2)
    profiles = [arn.rpartition("/")[2] for arn in texts(described, "arn") if ":instance-profile/" in arn]
    found = []
    for profile in profiles[:1]:
        asked = {"Action": "GetInstanceProfile", "InstanceProfileName": profile}
        for role in texts(query(endpoint, "iam", region, "2010-05-08", **asked), "RoleName"):
            names = query(endpoint, "iam", region, "2010-05-08", Action="ListRolePolicies", RoleName=role)
            for name in texts(names, "member"):
                asked = {"Action": "GetRolePolicy", "RoleName": role, "PolicyName": name}
                document = texts(query(endpoint, "iam", region, "2010-05-08", **asked), "PolicyDocument")[0]
                found.append(json.loads(urllib.parse.unquote(document)))
    return found


def allowed(documents: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Tell whether a statement allows the action; conditions are taken as met."""
    statements = [statement for document in documents for statement in _list(document["Statement"])]
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in _list(statement["Action"]))
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in _list(statement["Resource"]))
        for statement in statements
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def get_parameter(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="aws ssm get-parameter")
    for name in ("--name", "--region", "--query", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--with-decryption", action="store_true")
    given = parser.parse_args(words)
    endpoint = Path(f"{ROOT}/run/lab/endpoint").read_text(encoding="utf-8")
    instance = Path(f"{ROOT}/run/lab/instance").read_text(encoding="utf-8")
    arn = f"arn:aws:ssm:{given.region}:{ACCOUNT}:parameter{given.name}"
    if not allowed(policies(endpoint, given.region, instance), "ssm:GetParameter", arn):
        return refuse(
            254,
            "An error occurred (AccessDeniedException) when calling the GetParameter operation: the role of "
            f"{instance} is not authorized to perform: ssm:GetParameter on resource: {arn}",
        )
    body = json.dumps({"Name": given.name, "WithDecryption": given.with_decryption}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"}
    try:
        answer = json.loads(post(endpoint, "ssm", given.region, body, headers))
    except urllib.error.HTTPError as error:
        kind = json.loads(error.read() or b"{}").get("__type", str(error))
        return refuse(254, f"An error occurred ({kind}) when calling the GetParameter operation")
    print(answer["Parameter"]["Value"])
    return 0


def main(words: list[str]) -> int:
    if words[:2] != ["ssm", "get-parameter"]:
        return refuse(252, f"aws: the lab's command knows `aws ssm get-parameter` only, not {' '.join(words[:2])}")
    return get_parameter(words[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
