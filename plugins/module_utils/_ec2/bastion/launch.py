# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the instance of the bastion's Auto Scaling group. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..calls import Calls, Clock, Patience
from ..client import Api, AwsError
from ..identity import BASTION, NODE_TAG, owner_filters
from ..refusals import OF_TYPES
from ..spec import ClusterSpec

INTERVAL = 3.0
# The call that starts the group comes before the wait, and the clocks of AWS and of the controller differ.
_JUST_BEFORE = timedelta(minutes=2)
# What failed before the wait may have been corrected since. A group tries again after about a minute.
_UNTIL_NEXT_ATTEMPT = 90.0
_READ = {"MaxItems": 20}
# The group tries again and succeeds when these have passed: a new profile that EC2 does not know yet, a service-linked
# role that AWS has just made for the first group of an account, the interface that the previous instance still has, and
# errors of AWS. https://github.com/RaJiska/terraform-aws-fck-nat/issues/85
_PASSING = re.compile(
    r"IamInstanceProfile|Authentication Failure|assume role|interface\S* .*in use|request limit exceeded|"
    r"server\.internal|internal error|unavailable",
    re.I,
)
# Auto Scaling has the message of EC2, without its code.
_CAUSES = (
    (re.compile(r"vCPU limit|maximum number of|quota|LimitExceeded", re.I), "LIMIT_EXCEEDED"),
    (re.compile(r"not have sufficient .*capacity|Insufficient\w*Capacity", re.I), "NO_CAPACITY"),
    *OF_TYPES,
    (re.compile(r"key pair .* does not exist", re.I), "KEY_PAIR_NOT_FOUND"),
    # All that EC2 says if it cannot use the KMS key of a volume.
    (re.compile(r"Client error on launch|KMS", re.I), "VOLUME_KEY_DENIED"),
)
# The usual remedy names the instance type of nodes.
_REMEDIES = {
    "NO_CAPACITY": "Choose another cluster_bastion_instance_type, or another cluster_availability_zone (on an empty "
    "account), or run the playbook again in an hour: the group continues to try.",
    "TYPE_NOT_IN_ZONE": "Choose another cluster_bastion_instance_type, or another cluster_availability_zone (on an "
    "empty account).",
}


class Attempt(NamedTuple):
    """The latest scaling activity of a group: when it began, whether it failed, and what AWS says about it."""

    id: str
    began: datetime
    failed: bool
    message: str

    @property
    def is_final(self) -> bool:
        """Return whether it failed for a cause that does not pass without a change."""
        return self.failed and not _PASSING.search(self.message)


def latest_attempt(api: Api, group: str) -> Attempt | None:
    """Return the latest scaling activity of a group, or None if it has none."""
    answer = api.call("autoscaling", "describe_scaling_activities", AutoScalingGroupName=group, PaginationConfig=_READ)
    found = sorted(map(_attempt, answer["Activities"]), key=lambda attempt: attempt.began)
    return found[-1] if found else None


def _attempt(activity: Mapping[str, Any]) -> Attempt:
    message = " ".join(str(activity.get("StatusMessage") or activity.get("Description") or "").split())
    return Attempt(activity["ActivityId"], activity["StartTime"], activity["StatusCode"] == "Failed", message)


def running_instances(api: Api, spec: ClusterSpec) -> list[str]:
    """Return the ids of the bastion's running instances."""
    filters = [
        *owner_filters(spec),
        {"Name": f"tag:{NODE_TAG}", "Values": [BASTION]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    answer = api.call("ec2", "describe_instances", Filters=filters)
    return [instance["InstanceId"] for found in answer["Reservations"] for instance in found["Instances"]]


def wait_for_instance(
    api: Api, spec: ClusterSpec, timeout: float, now: datetime, clock: Clock | None = None
) -> list[str]:
    """Return the running instances, or raise as soon as AWS reports that the group cannot launch one."""
    clock, group = clock or Clock(), spec.names.unique
    begin, seen = clock.now(), list[Attempt | None]()

    def look() -> list[str]:
        seen.append(latest_attempt(api, group))
        found, latest = running_instances(api, spec), seen[-1]
        if not found and latest and latest.is_final and _is_of_this_run(latest, seen[0], now, clock.now() - begin):
            raise AwsError(_cannot_launch(group, spec.region, latest))
        return found

    found = Calls(api, clock).wait_for(look, Patience(timeout, INTERVAL, INTERVAL))
    if not found:
        raise AwsError(_not_running(group, spec.region, seen[-1], timeout))
    return found


def _is_of_this_run(latest: Attempt, first: Attempt | None, now: datetime, waited: float) -> bool:
    """Return whether an attempt began after what this run has changed; one that began before it may have been last."""
    if first is None or latest.id != first.id:
        return True
    return latest.began >= now - _JUST_BEFORE and waited >= _UNTIL_NEXT_ATTEMPT


def _cannot_launch(group: str, region: str, attempt: Attempt) -> Finding:
    code = next((code for words, code in _CAUSES if words.search(attempt.message)), "BASTION_LAUNCH_FAILED")
    message = f"AWS could not launch an instance at {_time(attempt)}: {attempt.message}"
    return finding(code, _subject(group, region), message, _REMEDIES.get(code))


def _not_running(group: str, region: str, latest: Attempt | None, timeout: float) -> Finding:
    cause = _cannot_launch(group, region, latest) if latest and latest.failed else None
    message = f"it has no running instance after {timeout:.0f} s"
    show = (
        f"To see the attempts: aws autoscaling describe-scaling-activities --region {region} "
        f"--auto-scaling-group-name {group}"
    )
    if cause is None:
        return finding("BASTION_NOT_RUNNING", _subject(group, region), message, show)
    said = f"{message}; {cause.message}"
    return finding("BASTION_NOT_RUNNING", _subject(group, region), said, f"{cause.remedy} {show}")


def _subject(group: str, region: str) -> str:
    return f"start the bastion with the group {group} in {region}"


def _time(attempt: Attempt) -> str:
    return attempt.began.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
