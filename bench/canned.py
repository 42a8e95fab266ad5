# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of EC2's endpoint that answers DescribeInstances from memory, and counts the calls.

Run as a program it makes up instances: python -m bench.canned COUNT ; it prints its address when it is ready.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, Shape, StructureShape

ADDRESS = "127.0.0.1"
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def describe_instances_xml(instances: Sequence[Mapping[str, Any]], *, next_page: int = 0) -> bytes:
    """Return the answer that holds these instances, which are given in the form in which boto3 returns them."""
    shape = botocore.session.Session().get_service_model("ec2").operation_model("DescribeInstances").output_shape
    reservations = [
        {"ReservationId": f"r-{number:017x}", "OwnerId": "123456789012", "Instances": [instance]}
        for number, instance in enumerate(instances)
    ]
    answer = {"Reservations": reservations, **({"NextToken": next_page} if next_page else {})}
    content = "".join(_elements(shape, answer))
    return f'<DescribeInstancesResponse xmlns="{NAMESPACE}">{content}</DescribeInstancesResponse>'.encode()


def _elements(shape: Shape, value: Any) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            tag = shape.members[name].serialization.get("name", name)
            yield f"<{tag}>{''.join(_elements(shape.members[name], member))}</{tag}>"
    elif isinstance(shape, ListShape):
        for item in value:
            yield f"<item>{''.join(_elements(shape.member, item))}</item>"
    else:
        yield str(value).lower() if isinstance(value, bool) else escape(str(value))


def error_xml(code: str, message: str) -> bytes:
    """Return the answer that refuses a call."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>".encode()
    )


class CannedEc2(ThreadingHTTPServer):
    """Answers every call with a page; the next token of a page is the number of the one that follows."""

    def __init__(self, pages: Sequence[bytes], *, status: int = 200, address: str = ADDRESS) -> None:
        super().__init__((address, 0), _Handler)
        self.pages = list(pages)
        self.status = status
        self.calls: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def answer(self, call: dict[str, list[str]]) -> bytes:
        """Note a call and return its page."""
        self.calls.append(call)
        return self.pages[int(call.get("NextToken", ["0"])[0])]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CannedEc2

    def do_POST(self) -> None:
        """Answer a call of the API."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send(self.server.status, self.server.answer(parse_qs(body)))

    def do_GET(self) -> None:
        """Return how many calls there were; this is for the bench, not for EC2's clients."""
        self._send(200, str(len(self.server.calls)).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: CannedEc2) -> Iterator[CannedEc2]:
    """Serve in a thread of this process."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def made_up_instances(count: int) -> Iterator[dict[str, Any]]:
    """Yield instances with all that AWS reports a small ARM64 machine."""
    for number in range(count):
        machine = _Machine(number)
        yield {**machine.identity(), **machine.hardware(), **machine.network(), "Tags": machine.tags()}


class _Machine:
    """The parts of one made-up instance."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = f"{number:017x}"
        self.ipv4 = f"10.10.{number // 200}.{number % 200 + 10}"
        self.name = f"ip-{self.ipv4.replace('.', '-')}.eu-west-1.compute.internal"
        self.groups = [{"GroupId": "sg-0123456789abcdef0", "GroupName": "bench-nodes"}]

    def identity(self) -> dict[str, Any]:
        return {
            "InstanceId": f"i-{self.id}",
            "ImageId": "ami-0123456789abcdef0",
            "State": {"Code": 16, "Name": "running"},
            "PrivateDnsName": self.name,
            "PublicDnsName": "",
            "StateTransitionReason": "",
            "AmiLaunchIndex": 0,
            "ProductCodes": [],
            "LaunchTime": "2026-11-20T08:15:30.000Z",
            "ClientToken": f"token-{self.id}",
            "IamInstanceProfile": {
                "Arn": "arn:aws:iam::123456789012:instance-profile/talos-arm64-bench-node",
                "Id": "AIPAEXAMPLE",
            },
            "PlatformDetails": "Linux/UNIX",
            "UsageOperation": "RunInstances",
            "UsageOperationUpdateTime": "2026-11-20T08:15:30.000Z",
        }

    def hardware(self) -> dict[str, Any]:
        volume = {
            "VolumeId": f"vol-{self.id}",
            "Status": "attached",
            "AttachTime": "2026-11-20T08:15:31.000Z",
            "DeleteOnTermination": True,
        }
        return {
            "InstanceType": "t4g.medium",
            "Architecture": "arm64",
            "Placement": {
                "AvailabilityZone": f"eu-west-1{'abc'[self.number % 3]}",
                "AvailabilityZoneId": f"euw1-az{self.number % 3 + 1}",
                "GroupName": "",
                "Tenancy": "default",
            },
            "Monitoring": {"State": "disabled"},
            "RootDeviceType": "ebs",
            "RootDeviceName": "/dev/xvda",
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
            "VirtualizationType": "hvm",
            "Hypervisor": "xen",
            "EbsOptimized": True,
            "EnaSupport": True,
            "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 1},
            "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
            "HibernationOptions": {"Configured": False},
            "MetadataOptions": {
                "State": "applied",
                "HttpTokens": "required",
                "HttpPutResponseHopLimit": 1,
                "HttpEndpoint": "enabled",
                "HttpProtocolIpv6": "disabled",
                "InstanceMetadataTags": "disabled",
            },
            "EnclaveOptions": {"Enabled": False},
            "BootMode": "uefi",
            "CurrentInstanceBootMode": "uefi",
            "MaintenanceOptions": {"AutoRecovery": "default"},
        }

    def network(self) -> dict[str, Any]:
        return {
            "SubnetId": "subnet-0123456789abcdef0",
            "VpcId": "vpc-0123456789abcdef0",
            "PrivateIpAddress": self.ipv4,
            "SourceDestCheck": True,
            "SecurityGroups": self.groups,
            "NetworkInterfaces": [self.interface()],
            "PrivateDnsNameOptions": {
                "HostnameType": "ip-name",
                "EnableResourceNameDnsARecord": False,
                "EnableResourceNameDnsAAAARecord": False,
            },
        }

    def interface(self) -> dict[str, Any]:
        return {
            "NetworkInterfaceId": f"eni-{self.id}",
            "SubnetId": "subnet-0123456789abcdef0",
            "VpcId": "vpc-0123456789abcdef0",
            "Description": f"bench node {self.number}",
            "OwnerId": "123456789012",
            "Status": "in-use",
            "MacAddress": f"0a:00:00:00:{self.number // 256:02x}:{self.number % 256:02x}",
            "PrivateIpAddress": self.ipv4,
            "PrivateDnsName": self.name,
            "SourceDestCheck": True,
            "Groups": self.groups,
            "Attachment": {
                "AttachmentId": f"eni-attach-{self.id}",
                "DeviceIndex": 0,
                "Status": "attached",
                "AttachTime": "2026-11-20T08:15:30.000Z",
                "DeleteOnTermination": False,
                "NetworkCardIndex": 0,
            },
            "PrivateIpAddresses": [
                {"PrivateIpAddress": self.ipv4, "PrivateDnsName": self.name, "Primary": True},
            ],
            "Ipv6Addresses": [{"Ipv6Address": f"2001:db8:1:2::{self.number + 1:x}", "IsPrimaryIpv6": False}],
            "InterfaceType": "interface",
        }

    def tags(self) -> list[dict[str, str]]:
        tags = {
            "Name": f"bench-node-{self.number}",
            "Project": "talos-arm64",
            "Cluster": "bench",
            "ManagedBy": "urmanac.talos",
            "Node": f"node-{self.number}",
            "Role": "compute" if self.number % 50 else "gateway",
            "MachineType": "worker" if self.number % 10 else "controlplane",
        }
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def main() -> None:
    """Serve made-up instances until the process is ended."""
    server = CannedEc2([describe_instances_xml(list(made_up_instances(int(sys.argv[1]))))])
    print(server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
