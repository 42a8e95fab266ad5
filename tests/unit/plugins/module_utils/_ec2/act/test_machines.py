# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a node is launched with."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import botocore.session
import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.engine import Order, ensure_cluster
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.act.work import Machines
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.calls import TERMINATION
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.desired import NETWORK, NODES
from ansible_collections.urmanac.talos.plugins.module_utils._errors import Ec2Error
from tests.ec2_cluster import IMAGE, empty_aws, spec
from tests.ec2_failures import FailingEc2


def test_a_node_has_the_checksum_of_its_user_data_as_a_tag_and_a_second_run_changes_nothing() -> None:
    user_data = b"#!/bin/sh\nid\n"
    with empty_aws():
        api = FailingEc2()
        machines = Machines(image=IMAGE, user_data={"gateway": base64.b64encode(user_data).decode()})
        ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=machines))

        second = ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=Machines(image=IMAGE)))

        (reservation,) = api.call("ec2", "describe_instances")["Reservations"]
    tags = {tag["Key"]: tag["Value"] for tag in reservation["Instances"][0]["Tags"]}
    assert (tags["UserDataSha256"], second.changed) == (hashlib.sha256(user_data).hexdigest(), False)


def test_the_image_of_new_nodes_is_read_from_its_parameter_only_if_a_node_is_created() -> None:
    machines = Machines(image="resolve:ssm:/image")
    with empty_aws():
        api = FailingEc2()
        with pytest.raises(Ec2Error, match=r"Failed to look up the image of new nodes \(ssm:GetParameter in "):
            ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=machines))
        refused = api.writes()
        api.clients["ssm"].put_parameter(Name="/image", Type="String", Value=IMAGE)
        ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=machines))
        (reservation,) = api.call("ec2", "describe_instances")["Reservations"]
        read = api.calls.count("get_parameter")
        ensure_cluster(api.calls_of(), spec(), Order((NETWORK, NODES), machines=machines))

    assert refused == []
    assert reservation["Instances"][0]["ImageId"] == IMAGE
    assert api.calls.count("get_parameter") == read


class Stopping(FailingEc2):
    """AWS, in which an instance never ends to stop."""

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        answer = super().call(service, operation, **parameters)
        for reservation in answer.get("Reservations", ()):
            for instance in reservation["Instances"]:
                instance["State"] = {"Code": 64, "Name": "stopping"}
        return answer


def test_a_node_that_does_not_end_to_stop_is_not_started() -> None:
    order = Order((NETWORK, NODES), machines=Machines(image=IMAGE))
    with empty_aws():
        ensure_cluster(FailingEc2().calls_of(), spec(), order)
        api = Stopping()

        with pytest.raises(Ec2Error, match=r"Failed to start i-.*: it is still stopping after several minutes"):
            ensure_cluster(api.calls_of(), spec(), order)

        assert "start_instances" not in api.writes()


@pytest.mark.parametrize("end", ["InstanceStopped", "InstanceTerminated"])
def test_the_end_of_an_instance_is_waited_for_as_long_as_aws_own_clients_do(end: str) -> None:
    waiter = botocore.session.get_session().get_waiter_model("ec2").get_waiter(end)

    assert TERMINATION.total >= waiter.delay * waiter.max_attempts
