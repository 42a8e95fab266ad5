# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bastion's description and its AWS resources. Private to urmanac.talos: may change at any time.

Depends only on the names of other parts of a cluster, so that the cluster's description can contain it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..._findings import Finding, finding
from ..._ssh.keys import public_key_problem
from ..hours.daily import Daily, cron_fields, daily_problems
from ..identity import BASTION, unique_name
from ..options import parsed
from ..policies import allow, policy, trust
from ..texts import fault, fits

CONNECTIONS = ("ssh", "ssm")
EGRESS = ("public_ipv4", "wireguard", "none")
# The type of a parameter whose value SSM encrypts.
ENCRYPTED = "SecureString"
_VOLUME_SIZE_MIN = 8
# The limit of gp3 according to CreateVolume in the EC2 API reference.
VOLUME_SIZE_MAX = 65536
KEEP_MINUTES_MAX = 7 * 24 * 60
# Only Session Manager: with the managed policy AmazonSSMManagedInstanceCore the bastion could read every parameter.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
_SESSION_MANAGER = (
    "ssm:UpdateInstanceInformation",
    *(f"ssmmessages:{verb}{what}Channel" for verb in ("Create", "Open") for what in ("Control", "Data")),
)


@dataclass(frozen=True)
class BastionSpec(Daily):
    """The described bastion; without start and stop it always runs."""

    instance_type: str
    volume_size: int
    image: str
    egress: str = "public_ipv4"
    start: str = ""
    stop: str = ""
    time_zone: str = "Etc/UTC"
    ssh_key_name: str = ""
    wireguard_parameter: str = ""
    login_parameters: tuple[str, ...] = ()
    keep_minutes: int = 0
    ssh_public_key: str = ""
    host_key_parameter: str = ""
    connection: str = "ssh"

    @property
    def secret_parameters(self) -> tuple[str, ...]:
        """Return the names of the SSM parameters with its keys and logins, which it may read."""
        tunnel = self.wireguard_parameter if self.egress == "wireguard" else ""
        return tuple(filter(None, (tunnel, self.host_key_parameter, *self.login_parameters)))


class Names(NamedTuple):
    """The properties of the cluster that the bastion's resources need."""

    cluster: str
    project: str
    region: str
    zone: str
    ipv4: str
    cpu_credits: str | None = None

    @property
    def bastion(self) -> str:
        """Return the tag Name of the interface, the address and the instance, which are identified by id."""
        return f"{self.cluster}-{BASTION}"

    @property
    def unique(self) -> str:
        """Return the unique name of the IAM resources, the launch template and the group."""
        return unique_name(self.project, self.cluster)


def bastion_options() -> dict[str, Any]:
    """Return the suboptions of the option C(cluster.bastion)."""
    text = {"type": "str", "default": ""}
    return {
        "enabled": {"type": "bool", "default": True},
        "instance_type": {"type": "str", "required": True},
        "volume_size": {"type": "int", "required": True},
        "image": {"type": "str", "required": True},
        "egress": {"type": "str", "default": "public_ipv4"},
        "time_zone": {"type": "str", "default": "Etc/UTC"},
        "keep_minutes": {"type": "int", "default": 0},
        "connection": {"type": "str", "default": "ssh"},
        **dict.fromkeys(("start", "stop", "ssh_key_name", "wireguard_parameter"), text),
        "login_parameters": {"type": "list", "elements": "str", "default": []},
        "ssh_public_key": {"type": "str", "default": ""},
        # The name of the parameter that contains the key.
        "host_key_parameter": {"type": "str", "default": "", "no_log": False},
    }


def parse_bastion(bastion: Mapping[str, Any] | None) -> BastionSpec | None:
    """Return the bastion of the option C(cluster.bastion), or None if there is none."""
    if not bastion or not bastion.get("enabled", True):
        return None
    spec = parsed(BastionSpec, bastion)
    # Two registries may have the same login.
    return replace(spec, login_parameters=tuple(sorted({*spec.login_parameters})))


def bastion_problems(bastion: BastionSpec) -> Iterator[Finding]:
    """Yield all problems of the bastion's description."""
    yield from _egress_problems(bastion)
    yield from _login_problems(bastion)
    yield from _machine_problems(bastion)
    yield from _ssh_problems(bastion)
    yield from daily_problems(bastion, "cluster_bastion")


def _egress_problems(bastion: BastionSpec) -> Iterator[Finding]:
    if bastion.egress not in EGRESS:
        remedy = f"Use {', '.join(EGRESS[:-1])} or {EGRESS[-1]}."
        yield finding("UNKNOWN_EGRESS", "cluster_bastion_egress", fact=repr(bastion.egress), remedy=remedy)
    if bastion.egress == "wireguard" and not fits("parameter_name", bastion.wireguard_parameter):
        yield finding(
            "WIREGUARD_PARAMETER_MISSING",
            "cluster_bastion_wireguard_parameter",
            f"{bastion.wireguard_parameter!r} is not a valid name of an SSM parameter, which must contain the "
            f"WireGuard key.",
        )


def _login_problems(bastion: BastionSpec) -> Iterator[Finding]:
    for name in bastion.login_parameters:
        if not fits("parameter_name", name):
            message = f"{name!r} is not a valid name of an SSM parameter, which must contain the login of a registry."
            yield finding("INVALID_PARAMETER_NAME", "cluster_registry_login_parameters", message)


def volume_size_problems(subject: str, size: int) -> Iterator[Finding]:
    """Yield a problem if EC2 does not support gp3 volumes of this size."""
    if size > VOLUME_SIZE_MAX:
        message = f"EC2 does not support volumes of {size} GiB; the maximum is {VOLUME_SIZE_MAX}."
        yield finding("VOLUME_TOO_LARGE", subject, message)


def _machine_problems(bastion: BastionSpec) -> Iterator[Finding]:
    if bastion.volume_size < _VOLUME_SIZE_MIN:
        message = f"A volume of {bastion.volume_size} GiB is too small for Amazon Linux 2023."
        yield finding(
            "VOLUME_TOO_SMALL", "bastion", message, f"Set cluster_bastion_volume_size to at least {_VOLUME_SIZE_MIN}."
        )
    yield from volume_size_problems("bastion", bastion.volume_size)
    wrong_key = bastion.ssh_key_name and fault("key_pair_name", bastion.ssh_key_name)
    if wrong_key:
        message = f"The name of the key pair {wrong_key}."
        yield finding("INVALID_KEY_PAIR_NAME", "cluster_bastion_ssh_key_name", message)
    if not fits("image", bastion.image):
        yield finding("INVALID_IMAGE", "cluster_bastion_image", f"{bastion.image!r} is not a valid image name.")
    if not 0 <= bastion.keep_minutes <= KEEP_MINUTES_MAX:
        message = f"The bastion cannot be kept running for {bastion.keep_minutes} minutes."
        remedy = (
            f"Use 0 to {KEEP_MINUTES_MAX}, or leave cluster_bastion_start and _stop empty for a bastion that always "
            f"runs."
        )
        yield finding("INVALID_KEEP_MINUTES", "cluster_bastion_keep_minutes", message, remedy)


def _ssh_problems(bastion: BastionSpec) -> Iterator[Finding]:
    problem = public_key_problem(bastion.ssh_public_key) if bastion.ssh_public_key else None
    if problem:
        yield finding(
            "INVALID_SSH_PUBLIC_KEY",
            "cluster_bastion_ssh_public_key",
            problem,
        )
    if bastion.connection not in CONNECTIONS:
        yield finding("UNKNOWN_CONNECTION", "cluster_bastion_connection", fact=repr(bastion.connection))
    if bastion.host_key_parameter and not fits("parameter_name", bastion.host_key_parameter):
        yield finding(
            "INVALID_PARAMETER_NAME",
            "cluster_bastion_host_key_parameter",
            fact=repr(bastion.host_key_parameter),
        )


def bastion_resources(bastion: BastionSpec, names: Names) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return kind, name and properties of each of the bastion's resources, in the order in which they are created."""
    address = {"network_interface": names.bastion}
    # The form that its ARN contains: the name is also its id, which a comparison would treat as the tag Name.
    parameter = {"resource": f"parameter{bastion.host_key_parameter}", "type": ENCRYPTED}
    return {
        **(
            {"ssm_parameter/bastion": ("ssm_parameter", names.bastion, parameter)} if bastion.host_key_parameter else {}
        ),
        "iam_role/bastion": ("iam_role", names.unique, _role(bastion, names)),
        "instance_profile/bastion": ("instance_profile", names.unique, {"roles": [names.unique]}),
        "eni/bastion": ("eni", names.bastion, _interface(names)),
        **({"address/bastion": ("address", names.bastion, address)} if bastion.egress == "public_ipv4" else {}),
        "launch_template/bastion": ("launch_template", names.unique, _template(bastion, names)),
        "autoscaling_group/bastion": ("autoscaling_group", names.unique, _group(bastion, names)),
    }


def _role(bastion: BastionSpec, names: Names) -> dict[str, Any]:
    sessions = allow(list(_SESSION_MANAGER), "*", {"aws:RequestedRegion": names.region})
    reads = [_read_parameters(bastion.secret_parameters, names)] if bastion.secret_parameters else []
    return {"trust_policy": trust("ec2.amazonaws.com"), "policy": policy(sessions, *reads)}


def _read_parameters(parameters: Iterable[str], names: Names) -> dict[str, Any]:
    """Return one statement for all: the length of a role's policies is limited."""
    # The account id is not known here; the condition excludes parameters that other accounts share.
    arns = [f"arn:aws:ssm:{names.region}:*:parameter{parameter}" for parameter in parameters]
    return allow("ssm:GetParameter", arns, {"aws:ResourceAccount": "${aws:PrincipalAccount}"})


def _interface(names: Names) -> dict[str, Any]:
    return {
        "subnet": f"{names.cluster}-subnet",
        "ipv4": names.ipv4,
        "ipv6_count": 1,
        "security_groups": [names.bastion],
        # It routes for the nodes, so it must forward packets from and to other addresses.
        "source_dest_check": False,
        "description": f"Bastion of cluster {names.cluster}",
    }


def _template(bastion: BastionSpec, names: Names) -> dict[str, Any]:
    # User-data is rendered by roles, from files; the role bastion compares it by its checksum.
    want: dict[str, Any] = {
        "image": bastion.image,
        "type": bastion.instance_type,
        "network_interface": names.bastion,
        "imds_tokens": "required",
        "imds_hop_limit": 1,
        "volume_type": "gp3",
        "volume_size": bastion.volume_size,
        "volume_encrypted": True,
        "instance_profile": names.unique,
        "ssh_key_name": bastion.ssh_key_name or None,
    }
    return {**want, "cpu_credits": names.cpu_credits} if names.cpu_credits else want


def _group(bastion: BastionSpec, names: Names) -> dict[str, Any]:
    # The schedule sets how many instances run. A zone, not a subnet, because the template's interface already has one.
    # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    return {
        "min_size": 0,
        "max_size": 1,
        "availability_zones": [names.zone],
        "launch_template": names.unique,
        "launch_template_version": "$Latest",
        "schedules": _schedules(bastion, names),
    }


def action_names(group: str) -> tuple[str, str]:
    """Return the names of the scheduled actions that start and stop the bastion; others are not managed here."""
    return f"{group}-start", f"{group}-stop"


def _schedules(bastion: BastionSpec, names: Names) -> dict[str, dict[str, Any]]:
    start, stop = action_names(names.unique)
    times = {start: (bastion.start, 1), stop: (bastion.stop, 0)} if bastion.is_scheduled else {}
    return {
        name: {
            "recurrence": f"{cron_fields(time)} * * *",
            "time_zone": bastion.time_zone,
            "capacity": capacity,
        }
        for name, (time, capacity) in times.items()
    }
