# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: ModifyInstanceMetadataOptions resets the options that a call does not name."""

from __future__ import annotations

import copy
from typing import Any

from moto.ec2.models.instances import InstanceBackend, MetadataOptions

from lab.aws.patches import replaces


@replaces(InstanceBackend, "modify_instance_metadata_options")
def _modify_metadata(self: Any, instance_id: str, **changes: Any) -> MetadataOptions:
    instance = self.get_instance(instance_id)
    options = copy.copy(instance.metadata_options)
    names = {"hop_limit": "http_put_response_hop_limit", "http_protocol": "http_protocol_ipv6",
             "metadata_tags": "instance_metadata_tags"}  # fmt: skip
    for name, value in changes.items():
        if value is not None and name != "dry_run":
            setattr(options, names.get(name, name), value)
    instance.metadata_options = options
    return options
