# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The characters and lengths that AWS allows for each kind of text. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

# The limit of user-data before it is encoded:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
USER_DATA_MAX = 16 * 1024
# The maximum length of the arm64 kernel's command line (COMMAND_LINE_SIZE).
COMMAND_LINE_MAX = 2048
# All Unicode separators (category Z), which does not include tabs and line breaks.
_SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_GROUP = r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]"
# The description of a rule that refers to a group allows no ampersand according to botocore's service model.
_RULE = _GROUP.replace("&", "")
_IAM = r"[A-Za-z0-9_+=,.@-]+"
_TAG = rf"[\w{_SEPARATORS}.:/=+\-@]"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_LEVEL = r"/[A-Za-z0-9_.-]+"


class TextRule(NamedTuple):
    """What AWS allows: a pattern for the whole text, the maximum length, the pattern in words, and the source.

    The source is a shape of botocore's model (service and shape), one of its parameters (service, operation and path),
    or a page.
    """

    pattern: str
    longest: int
    characters: str
    source: str


_IAM_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_GROUP_CHARACTERS = "ASCII letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *"
_IAM_CHARACTERS = "ASCII letters, digits and _ + = , . @ -"
_TAG_CHARACTERS = "letters, digits, spaces and + - = . _ : / @"
_LABEL_CHARACTERS = "lower-case letters, digits and hyphens, no hyphen at either end"

RULES: Mapping[str, TextRule] = {
    "host_label": TextRule(_LABEL, 63, _LABEL_CHARACTERS, "https://www.rfc-editor.org/rfc/rfc1123#page-13"),
    "domain_name": TextRule(
        rf"{_LABEL}(\.{_LABEL})*",
        253,
        "labels of lower-case letters, digits and hyphens with dots between",
        "https://www.rfc-editor.org/rfc/rfc1123#page-13",
    ),
    # Only the partition aws, which the ARNs in our policies contain. China and AWS GovCloud have other partitions.
    "region": TextRule(
        r"(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]+",
        63,
        "continent, direction and number, such as eu-west-1, outside of China and AWS GovCloud (US)",
        "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
    ),
    "tag_key": TextRule(
        # The model of EC2 allows 127 characters, the one of IAM 128.
        rf"(?!(?i:aws:)){_TAG}+",
        127,
        f"{_TAG_CHARACTERS}, without the prefix aws:",
        "ec2 CreateTags Tags.Key",
    ),
    # EC2, IAM and SSM allow an empty value. EventBridge Scheduler, whose schedule group has the same tags, does not.
    "tag_value": TextRule(f"{_TAG}+", 256, f"1 or more {_TAG_CHARACTERS}", "iam tagValueType"),
    "security_group_name": TextRule(
        f"(?!(?i:sg-)){_GROUP}+",
        255,
        f"{_GROUP_CHARACTERS}, without the prefix sg-",
        "ec2 CreateSecurityGroup GroupName",
    ),
    "security_group_description": TextRule(f"{_GROUP}+", 255, _GROUP_CHARACTERS, "ec2 CreateSecurityGroup Description"),
    "rule_description": TextRule(
        f"{_RULE}*",
        255,
        _GROUP_CHARACTERS.replace(" &", ""),
        "ec2 AuthorizeSecurityGroupIngress IpPermissions.UserIdGroupPairs.Description",
    ),
    # Its characters are not documented, so only those that every EC2 description allows.
    "eni_description": TextRule(
        f"{_RULE}*",
        255,
        _GROUP_CHARACTERS.replace(" &", ""),
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html",
    ),
    "iam_role_name": TextRule(_IAM, 64, _IAM_CHARACTERS, "iam roleNameType"),
    "iam_role_description": TextRule(
        r"[\t\n\r\u0020-\u007E\u00A1-\u00FF]*", 1000, "Latin-1 characters", "iam roleDescriptionType"
    ),
    # The length of all inline policies of a role, of which a role of ours has one, and of its trust policy.
    "role_policies": TextRule("(?s:.+)", 10_240, "a policy", _IAM_QUOTAS),
    "trust_policy": TextRule("(?s:.+)", 2_048, "a policy", _IAM_QUOTAS),
    "iam_policy_name": TextRule(_IAM, 128, _IAM_CHARACTERS, "iam policyNameType"),
    "instance_profile_name": TextRule(_IAM, 128, _IAM_CHARACTERS, "iam instanceProfileNameType"),
    "launch_template_name": TextRule(
        r"[a-zA-Z0-9().\-/_]{3,}",
        128,
        "3 or more ASCII letters, digits and ( ) . - / _",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html",
    ),
    "autoscaling_group_name": TextRule(
        r"[!-9;-~]+",
        255,
        "visible ASCII characters except the colon",
        "autoscaling CreateAutoScalingGroup AutoScalingGroupName",
    ),
    "scheduled_action_name": TextRule(
        r"[!-9;-~]+",
        255,
        "visible ASCII characters except the colon",
        "autoscaling PutScheduledUpdateGroupAction ScheduledActionName",
    ),
    "time_zone": TextRule(
        r"[A-Z][A-Za-z]+(?:/[A-Za-z0-9_+-]+)+",
        255,
        "an IANA time zone name with a slash",
        "autoscaling PutScheduledUpdateGroupAction TimeZone",
    ),
    "schedule_name": TextRule(r"[0-9a-zA-Z\-_.]+", 64, "ASCII letters, digits and - _ .", "scheduler Name"),
    "schedule_description": TextRule(r"[ -~]*", 512, "ASCII characters", "scheduler Description"),
    "key_pair_name": TextRule(r"[!-~]([ -~]*[!-~])?", 255, "ASCII characters", "ec2 CreateKeyPair KeyName"),
    "parameter_name": TextRule(
        # Fifteen levels at most; 1011 characters with the ARN in front, which takes up to 100.
        rf"(?!/(?i:aws|ssm))({_LEVEL}){{1,15}}",
        900,
        "/ and up to 15 levels of ASCII letters, digits and _ . - separated by /, without the prefixes /aws and /ssm",
        "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
    ),
    "image": TextRule(
        r"(?:ami-[0-9a-f]+|resolve:ssm:[A-Za-z0-9_./:-]+)",
        1024,
        "ami-… or resolve:ssm:/path/of/a/parameter",
        "https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html",
    ),
}


def fits(kind: str, text: str) -> bool:
    """Return whether AWS accepts this text for that kind."""
    return fault(kind, text) is None


def fault(kind: str, text: str) -> str | None:
    """Return what is wrong with a text, as the end of a sentence about it, or None if AWS accepts it."""
    rule = RULES[kind]
    if len(text) > rule.longest:
        return f"has {len(text)} characters, and at most {rule.longest} are allowed"
    if not re.fullmatch(rule.pattern, text):
        return f"is not valid: it must consist of {rule.characters}"
    return None


def change_for(kind: str, text: str) -> str:
    """Return the remedy for a text that AWS rejects, as the beginning of a sentence that names it."""
    return "Shorten" if len(text) > RULES[kind].longest else "Use other characters in"
