# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: DescribeTags returns the resource type of Elastic IPs under another prefix than eipalloc."""

import moto.ec2.utils

moto.ec2.utils.EC2_RESOURCE_TO_PREFIX["elastic-ip"] = "eipalloc"
moto.ec2.utils.EC2_PREFIX_TO_RESOURCE["eipalloc"] = "elastic-ip"
