# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that CozyStack's releases have in common. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import Final

# The Deployment, its package, and its image.
OPERATOR: Final = "cozystack-operator"
# The repositories of upstream's images.
STOCK: Final = "ghcr.io/cozystack/cozystack/"

# The variants of the platform: of the releases from v1 on, and of 0.3x.
VARIANTS: Final = ("isp-full", "isp-full-generic", "isp-hosted", "default")
LEGACY_VARIANTS: Final = ("paas-full", "paas-hosted", "distro-full", "distro-hosted")

# The driver of LINSTOR's volumes, and what marks the default class of a cluster.
LINSTOR: Final = "linstor.csi.linbit.com"
DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
