# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List every text that a cluster's description sends to AWS, and check each. Private: may change at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import InputError
from ..._findings import Finding, failure, finding
from ..desired import Desired, description_of, desired
from ..identity import claim_name
from ..policies import policy_text
from ..spec import ClusterSpec
from ..texts import COMMAND_LINE_MAX, RULES, change_for, fault

# Everything else has its name in the tag Name alone.
NAMES: Mapping[str, tuple[str, ...]] = {
    "security_group": ("security_group_name",),
    # The policy inside a role has the role's name.
    "iam_role": ("iam_role_name", "iam_policy_name"),
    "instance_profile": ("instance_profile_name",),
    "launch_template": ("launch_template_name",),
    "autoscaling_group": ("autoscaling_group_name",),
    "schedule_group": ("schedule_name",),
}
PROPERTIES: Mapping[str, str] = {
    "domain_name": "domain_name",
    "image": "image",
    "ssh_key_name": "key_pair_name",
    "time_zone": "time_zone",
}
# A policy as a whole, of which IAM limits the length.
POLICIES: Mapping[str, str] = {"policy": "role_policies", "trust_policy": "trust_policy"}
# Choices of AWS, addresses, and names of other resources that are checked where these are described.
NO_TEXTS = frozenset(
    {
        *("associated_with", "attached_to", "availability_zone", "availability_zones", "cpu_credits"),
        *("domain_name_servers", "imds_tokens", "instance_profile", "ipv4", "ipv4_cidr", "ipv6_cidr"),
        *("launch_template", "launch_template_version", "network_interface", "ntp_servers", "recurrence"),
        *("roles", "routes", "security_groups", "state", "subnet", "subnets", "type", "volume_type"),
        "vpc",
        # Of a schedule.
        *("expression", "input", "role", "target"),
    }
)
_WRONG_PARTS = frozenset(
    {
        *("INVALID_CLUSTER_NAME", "INVALID_PROJECT_NAME", "INVALID_NODE_NAME", "INVALID_TAG_KEY", "INVALID_TAG_VALUE"),
        *("INVALID_DOMAIN", "INVALID_IMAGE", "INVALID_TIME_ZONE", "INVALID_KEY_PAIR_NAME"),
    }
)


class Text(NamedTuple):
    """A text that is sent to AWS: where it is used, its kind (None if there is no rule for it), and its value."""

    subject: str
    kind: str | None
    text: str


def described_texts(spec: ClusterSpec) -> Iterator[Text]:
    """Yield every text of the described resources, of the role that closes home access, and of the claim."""
    for resource in desired(spec).values():
        yield from _resource_texts(resource)
        yield from _description_texts(spec, resource)
    for kind in NAMES["iam_role"]:
        yield Text("the role that closes home access", kind, spec.schedule_role_name)
    # The SSM parameter with which a controller claims the cluster.
    yield Text("claim on the cluster", "parameter_name", claim_name(spec.project, spec.name))


def _description_texts(spec: ClusterSpec, resource: Desired) -> Iterator[Text]:
    """Yield the description of a group or a role, which is set when it is created."""
    subject = f"{resource.kind.replace('_', ' ')} {resource.name}"
    if resource.kind in ("security_group", "iam_role"):
        text = description_of(spec, resource.kind, resource.part)
        yield Text(f"{subject}, description", f"{resource.kind}_description", text)


def text_problems(spec: ClusterSpec, found: list[Finding]) -> list[Finding]:
    """Return the given problems, and one for each text that AWS would reject although its parts are valid."""
    if any(problem.code in _WRONG_PARTS for problem in found):
        # An invalid part makes every text invalid that contains it.
        return found
    texts = {text.text: text for text in described_texts(spec) if text.kind and fault(text.kind, text.text)}
    return [*found, *map(_problem, texts.values())]


def sent_problems(texts: Iterable[Text]) -> Iterator[Finding]:
    """Return one problem for each text that AWS would reject, for modules that pass it unchanged."""
    return (_problem(text, "it") for text in texts if text.kind and fault(text.kind, text.text))


def refuse_sent(doing: str, texts: Iterable[Text]) -> None:
    """Raise InputError, before any call, for each text that AWS would reject."""
    found = list(sent_problems(texts))
    if found:
        messages = (failure(f"{doing}: {problem.subject}", problem) for problem in found)
        raise InputError("\n".join(messages), problems=found)


def identity_texts(name: str, project: str, parameter: str = "") -> Iterator[Text]:
    """Yield the texts of the tags that every thing of a cluster has, and of a parameter that they name."""
    yield Text("name", "tag_value", name)
    yield Text("project", "tag_value", project)
    if parameter:
        yield Text("parameter of name and project", "parameter_name", parameter)


def tag_texts(tags: Mapping[str, str]) -> Iterator[Text]:
    """Yield the texts of tags."""
    for key, value in tags.items():
        yield Text("tag", "tag_key", key)
        yield Text(f"tag {key}", "tag_value", value)


def command_line_problems(arguments: Sequence[str]) -> Iterator[Finding]:
    """Yield one problem if the kernel would truncate its command line, which is also part of the user-data."""
    length = len(" ".join(arguments).encode())
    if length > COMMAND_LINE_MAX:
        message = f"The kernel arguments are {length} bytes long, but the arm64 kernel accepts {COMMAND_LINE_MAX}."
        yield finding("COMMAND_LINE_TOO_LONG", "cluster_nodes_extra_kernel_args", message, "Remove some of them.")


def _problem(text: Text, what: str = "cluster_name or cluster_project") -> Finding:
    kind = text.kind or ""
    if kind in POLICIES.values():
        message = f"The policy {fault(kind, text.text)} without white space."
        return finding("POLICY_TOO_LONG", text.subject, message)
    message = f"{text.text!r} {fault(kind, text.text)}."
    is_too_long = len(text.text) > RULES[kind].longest
    remedy = f"{change_for(kind, text.text)} {what}."
    if is_too_long and kind in NAMES["iam_role"]:
        return finding("IAM_NAME_TOO_LONG", text.subject, message, remedy)
    return finding("TEXT_NOT_ALLOWED", text.subject, message, remedy)


def _resource_texts(resource: Desired) -> Iterator[Text]:
    subject = f"{resource.kind.replace('_', ' ')} {resource.name}"
    for kind in NAMES.get(resource.kind, ("tag_value",)):
        yield Text(subject, kind, resource.name)
    for name, value in resource.want.items():
        yield from _property_texts(subject, resource.kind, name, value)


def _property_texts(subject: str, kind: str, name: str, value: Any) -> Iterator[Text]:
    if name == "tags":
        for key, content in value.items():
            yield Text(f"{subject}, tag", "tag_key", key)
            yield Text(f"{subject}, tag {key}", "tag_value", content)
    elif name in POLICIES:
        yield Text(f"{subject}, {name}", POLICIES[name], policy_text(value))
    elif name == "schedules":
        yield from _schedule_texts(subject, kind, value)
    elif name == "rules":
        for rule in value:
            yield Text(f"{subject}, rule", "rule_description", rule.description)
    else:
        yield from _plain_texts(subject, kind, name, value)


def _schedule_texts(subject: str, kind: str, schedules: Mapping[str, Mapping[str, Any]]) -> Iterator[Text]:
    for action, schedule in schedules.items():
        name = "schedule_name" if kind == "schedule_group" else "scheduled_action_name"
        yield Text(f"{subject}, schedule", name, action)
        for part, content in schedule.items():
            yield from _plain_texts(f"{subject}, schedule {action}", kind, part, content)


def _plain_texts(subject: str, kind: str, name: str, value: Any) -> Iterator[Text]:
    if name in NO_TEXTS or value is None or isinstance(value, (bool, int)):
        return
    rule = f"{kind}_description" if name == "description" else PROPERTIES.get(name)
    for content in value if isinstance(value, (list, tuple)) else [value]:
        yield Text(f"{subject}, {name}", rule, str(content))
