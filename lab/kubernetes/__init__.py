# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation of the Kubernetes API server of the lab's Talos clusters.

server.py listens and knows who asks, http.py reads and writes HTTP, api.py answers requests, write.py those that change
something, with the rules of admission.py and the field managers of ownership.py (on fields.py); store.py keeps objects,
discovery.py and kinds.py know which kinds there are, selectors.py picks among objects.

The controllers: nodes.py and kubelet.py are the kubelets, talos_pods.py what Talos brings, workloads.py Deployments and
DaemonSets, scheduler.py (on amounts.py) the scheduler, events.py what they report.
operator.py, helm.py and charts.py simulate CozyStack, manifests.py for its release's files. cluster.py holds
together what the control planes of one cluster share.
"""
