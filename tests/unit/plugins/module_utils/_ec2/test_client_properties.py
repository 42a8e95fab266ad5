# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes from the address of AWS (the page of a proxy, half an answer), it is read, or an error says so."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.urmanac.talos.plugins.module_utils._codes import CODES
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import AwsApi, AwsError
from tests.rare_values import texts, values

CALLS = {
    "ec2": ("describe_vpcs", {}),
    "iam": ("get_role", {"RoleName": "moon"}),
    "ssm": ("get_parameter", {"Name": "/moon"}),
}
ERROR = "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors></Response>"
CODES_OF_AWS = st.sampled_from(["UnauthorizedOperation", "ExpiredToken", "VcpuLimitExceeded", "Throttling"]) | texts()
OF_XML = st.builds(ERROR.format, CODES_OF_AWS, texts()).map(str.encode) | st.sampled_from(
    [
        b"",
        b"<html><body>Sign in to the network</body></html>",
        b"<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item>",
        b"<DescribeVpcsResponse><vpcSet><item/><item><tagSet/></item></vpcSet></DescribeVpcsResponse>",
        b"<DescribeVpcsResponse><vpcSet><item><isDefault>moon</isDefault></item></vpcSet></DescribeVpcsResponse>",
        b"\xff\xfe",
    ]
)
OF_JSON = (
    st.builds(lambda code, text: {"__type": code, "message": text}, CODES_OF_AWS | values(), values()) | values()
).map(lambda value: json.dumps(value).encode())


class Body(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


@pytest.fixture(scope="module")
def aws() -> tuple[AwsApi, list[Any]]:
    """Give clients that send nothing, and the list of the one answer that they get."""
    answers: list[Any] = []
    session, clients = Session(), {}
    session.set_credentials("AKID", "secret")
    for service in CALLS:
        settings = Config(retries={"total_max_attempts": 1})
        clients[service] = session.create_client(service, region_name="eu-west-1", config=settings)
        clients[service].meta.events.register("before-send", lambda **_: answers[0])
    return AwsApi(clients, "eu-west-1", once=True), answers


@settings(max_examples=80)
@given(
    service=st.sampled_from(sorted(CALLS)),
    status=st.sampled_from([200, 204, 301, 400, 403, 407, 413, 500, 503]),
    body=OF_XML | OF_JSON | st.binary(max_size=20),
)
def test_any_answer_is_one_of_aws_or_an_error_with_a_remedy(
    aws: tuple[AwsApi, list[Any]], service: str, status: int, body: bytes
) -> None:
    api, answers = aws
    answers[:] = [AWSResponse("https://aws.invalid", status, {}, Body(body))]
    operation, parameters = CALLS[service]

    try:
        answer = api.call(service, operation, **parameters)
    except AwsError as error:
        assert error.problem.code in CODES
        assert error.problem.message
        assert error.problem.remedy
    else:
        assert status < 300
        assert isinstance(answer, dict)
