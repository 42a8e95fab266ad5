# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of an OCI registry: real manifests of images that hold next to nothing, over plain http."""
