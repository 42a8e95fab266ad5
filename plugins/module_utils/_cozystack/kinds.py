# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of objects that CozyStack and Flux add to a cluster. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from typing import Final

from .._kubernetes.kinds import Kind

PACKAGE: Final = Kind("cozystack.io", "v1alpha1", "packages", "Package", namespaced=False)
PACKAGE_SOURCE: Final = Kind("cozystack.io", "v1alpha1", "packagesources", "PackageSource", namespaced=False)
HELM_RELEASE: Final = Kind("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease")
OCI_REPOSITORY: Final = Kind("source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository")
TENANT: Final = Kind("apps.cozystack.io", "v1alpha1", "tenants", "Tenant")
SPIN_APP: Final = Kind("core.spinkube.dev", "v1alpha1", "spinapps", "SpinApp")
