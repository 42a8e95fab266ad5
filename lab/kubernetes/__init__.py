# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the Kubernetes API server of the lab's Talos clusters.

server.py listens and knows who asks, http.py reads and writes HTTP, api.py answers requests, store.py keeps objects,
discovery.py tells which kinds there are, selectors.py picks among objects, nodes.py does what the kubelets do, and
cluster.py holds together what the control planes of one cluster share.
"""
