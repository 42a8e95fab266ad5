# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CozyStack's packages and what they request. Written by tools/cozystack_data.py; private to urmanac.talos.

cpu is in millicores and memory in MiB, of a whole pod. A package without workloads brings no pods of its own.
"""

from __future__ import annotations

import json
from typing import Any

VERSION = "v1.7"
SOURCE = "https://github.com/cozystack/cozystack at main, 3c780acd4, variant isp-full, charts rendered with helm"

_DATA: dict[str, Any] = json.loads("""
{"bundles": {
    "iaas": ["kubevirt", "kubevirt-cdi", "kamaji", "capi-operator", "capi-provider-bootstrap-kubeadm",
        "capi-provider-core", "capi-provider-cp-kamaji", "capi-provider-infra-kubevirt", "kubernetes-application",
        "kubernetes-nodes-application", "computeplane-application", "virtualprivatecloud-application",
        "vm-disk-application", "vm-instance-application"],
    "paas": ["mariadb-operator", "kafka-operator", "clickhouse-operator", "foundationdb-operator", "rabbitmq-operator",
        "redis-operator", "mongodb-operator", "opensearch-operator", "clickhouse-application",
        "foundationdb-application", "harbor-application", "kafka-application", "mariadb-application",
        "mongodb-application", "nats-application", "openbao-application", "opensearch-application",
        "postgres-application", "qdrant-application", "rabbitmq-application", "redis-application"],
    "naas": ["http-cache-application", "tcp-balancer-application", "vpn-application"]
}, "packages": [
    {"name": "cozystack-operator", "variant": "talos", "depends_on": [], "releases": [],
        "images": ["cozystack-operator"], "workloads": [
        {"name": "cozystack-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "flux", "kind": "Deployment", "replicas": 1, "cpu": 900, "memory": 320, "spread": true}
    ]},
    {"name": "kubevirt", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "kubevirt-operator", "namespace": "cozy-kubevirt", "depends_on": [], "images": []},
        {"name": "kubevirt", "namespace": "cozy-kubevirt", "depends_on": ["kubevirt-operator"], "images": []},
        {"name": "kubevirt-instancetypes", "namespace": "cozy-kubevirt", "depends_on": ["kubevirt-operator",
        "kubevirt"], "images": []}], "images": [], "workloads": [
        {"name": "virt-operator", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 450, "control_plane": true,
            "tolerates": true},
        {"name": "virt-api", "kind": "Deployment", "replicas": "nodes", "cpu": 5, "memory": 500, "control_plane": true,
            "tolerates": true, "source": "kubevirt/kubevirt v1.8.4: pkg/virt-operator/resource/generate/components"},
        {"name": "virt-controller", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 275,
            "control_plane": true, "tolerates": true,
            "source": "kubevirt/kubevirt v1.8.4: pkg/virt-operator/resource/generate/components"},
        {"name": "virt-exportproxy", "kind": "Deployment", "replicas": 2, "cpu": 5, "memory": 150,
            "control_plane": true, "tolerates": true,
            "source": "kubevirt/kubevirt v1.8.4: pkg/virt-operator/resource/generate/components"},
        {"name": "virt-handler", "kind": "DaemonSet", "cpu": 100, "memory": 128,
            "source": "customizeComponents of the KubeVirt resource"}
    ]},
    {"name": "kubevirt-cdi", "variant": "default", "depends_on": ["networking", "cozystack-basics"],
        "releases": [{"name": "kubevirt-cdi-operator", "namespace": "cozy-kubevirt-cdi", "depends_on": [],
        "images": []}, {"name": "kubevirt-cdi", "namespace": "cozy-kubevirt-cdi",
        "depends_on": ["kubevirt-cdi-operator"], "images": []}], "images": [], "workloads": [
        {"name": "cdi-operator", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 150, "tolerates": true},
        {"name": "cdi-apiserver", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 150,
            "source": "kubevirt/containerized-data-importer v1.64.0: pkg/operator/resources/namespaced"},
        {"name": "cdi-deployment", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 150,
            "source": "kubevirt/containerized-data-importer v1.64.0: pkg/operator/resources/namespaced"},
        {"name": "cdi-uploadproxy", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 150,
            "source": "kubevirt/containerized-data-importer v1.64.0: pkg/operator/resources/namespaced"}
    ]},
    {"name": "kamaji", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "kamaji", "namespace": "cozy-kamaji", "depends_on": [], "images": ["kamaji"]}],
        "images": ["kamaji"], "workloads": [
        {"name": "kamaji", "kind": "Deployment", "replicas": 2, "cpu": 100, "memory": 256}
    ]},
    {"name": "capi-operator", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "capi-operator", "namespace": "cozy-cluster-api", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "capi-operator-cluster-api-operator", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 100,
            "tolerates": true}
    ]},
    {"name": "capi-provider-bootstrap-kubeadm", "variant": "default", "depends_on": ["networking", "capi-operator"],
        "releases": [{"name": "capi-providers-bootstrap", "namespace": "cozy-cluster-api", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "kubeadm (BootstrapProvider)", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 64},
        {"name": "talos (BootstrapProvider)", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "capi-provider-core", "variant": "default", "depends_on": ["networking", "capi-operator"],
        "releases": [{"name": "capi-providers-core", "namespace": "cozy-cluster-api", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "cluster-api (CoreProvider)", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 64}
    ]},
    {"name": "capi-provider-cp-kamaji", "variant": "default", "depends_on": ["networking", "capi-operator", "kamaji"],
        "releases": [{"name": "capi-providers-cpprovider", "namespace": "cozy-cluster-api", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "kamaji (ControlPlaneProvider)", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 128}
    ]},
    {"name": "capi-provider-infra-kubevirt", "variant": "default", "depends_on": ["networking", "capi-operator",
        "kubevirt"], "releases": [{"name": "capi-providers-infraprovider", "namespace": "cozy-cluster-api",
        "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "kubevirt (InfrastructureProvider)", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 64}
    ]},
    {"name": "kubernetes-application", "variant": "kubevirt", "depends_on": ["networking", "capi-operator",
        "capi-provider-bootstrap-kubeadm", "capi-provider-core", "capi-provider-cp-kamaji",
        "capi-provider-infra-kubevirt", "cozystack-engine"], "releases": [{"name": "kubernetes-rd",
        "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "kubernetes-nodes-application", "variant": "kubevirt", "depends_on": ["networking", "capi-operator",
        "capi-provider-bootstrap-kubeadm", "capi-provider-core", "capi-provider-cp-kamaji",
        "capi-provider-infra-kubevirt", "cozystack-engine"], "releases": [{"name": "kubernetes-nodes-rd",
        "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "computeplane-application", "variant": "kubevirt", "depends_on": ["cozystack-engine",
        "kubernetes-application"], "releases": [{"name": "computeplane-rd", "namespace": "cozy-system",
        "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "virtualprivatecloud-application", "variant": "kubevirt", "depends_on": ["networking", "multus",
        "cozystack-engine"], "releases": [{"name": "virtualprivatecloud-rd", "namespace": "cozy-system",
        "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "vm-disk-application", "variant": "kubevirt", "depends_on": ["networking", "kubevirt-cdi",
        "cozystack-engine"], "releases": [{"name": "vm-disk-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "vm-instance-application", "variant": "kubevirt", "depends_on": ["networking", "kubevirt",
        "cozystack-engine"], "releases": [{"name": "vm-instance-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "http-cache-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "http-cache-rd", "namespace": "cozy-system", "depends_on": [], "images": []}],
        "images": [], "workloads": []},
    {"name": "tcp-balancer-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "tcp-balancer-rd", "namespace": "cozy-system", "depends_on": [], "images": []}],
        "images": [], "workloads": []},
    {"name": "vpn-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "vpn-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "mariadb-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds",
        "cert-manager"], "releases": [{"name": "mariadb-operator", "namespace": "cozy-mariadb-operator",
        "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "mariadb-operator-cert-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "mariadb-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "mariadb-operator-webhook", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "kafka-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "kafka-operator", "namespace": "cozy-kafka-operator", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "strimzi-cluster-operator", "kind": "Deployment", "replicas": 1, "cpu": 200, "memory": 384}
    ]},
    {"name": "clickhouse-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "clickhouse-operator", "namespace": "cozy-clickhouse-operator", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "clickhouse-operator-altinity-clickhouse-operator", "kind": "Deployment", "replicas": 1, "cpu": 0,
            "memory": 0}
    ]},
    {"name": "foundationdb-operator", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "foundationdb-operator", "namespace": "cozy-foundationdb-operator", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "foundationdb-operator-fdb-operator", "kind": "Deployment", "replicas": 1, "cpu": 500, "memory": 256}
    ]},
    {"name": "rabbitmq-operator", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "rabbitmq-operator", "namespace": "cozy-rabbitmq-operator", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "rabbitmq-cluster-operator", "kind": "Deployment", "replicas": 1, "cpu": 200, "memory": 500},
        {"name": "messaging-topology-operator", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 100}
    ]},
    {"name": "redis-operator", "variant": "default", "depends_on": ["networking"],
        "releases": [{"name": "redis-operator", "namespace": "cozy-redis-operator", "depends_on": [],
        "images": ["redis-operator"]}], "images": ["redis-operator"], "workloads": [
        {"name": "redis-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "mongodb-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds",
        "cert-manager"], "releases": [{"name": "mongodb-operator", "namespace": "cozy-mongodb-operator",
        "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "mongodb-operator-psmdb-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "opensearch-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "opensearch-operator", "namespace": "cozy-opensearch-operator", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "opensearch-operator-controller-manager", "kind": "Deployment", "replicas": 1, "cpu": 125,
            "memory": 375}
    ]},
    {"name": "clickhouse-application", "variant": "default", "depends_on": ["clickhouse-operator", "cozystack-engine"],
        "releases": [{"name": "clickhouse-rd", "namespace": "cozy-system", "depends_on": [], "images": []}],
        "images": [], "workloads": []},
    {"name": "foundationdb-application", "variant": "default", "depends_on": ["networking", "foundationdb-operator",
        "cozystack-engine"], "releases": [{"name": "foundationdb-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "harbor-application", "variant": "default", "depends_on": ["networking", "postgres-operator",
        "redis-operator", "objectstorage-controller", "cozystack-engine"], "releases": [{"name": "harbor-rd",
        "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "kafka-application", "variant": "default", "depends_on": ["networking", "kafka-operator",
        "cozystack-engine"], "releases": [{"name": "kafka-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "mariadb-application", "variant": "default", "depends_on": ["networking", "mariadb-operator",
        "cozystack-engine"], "releases": [{"name": "mariadb-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "mongodb-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "mongodb-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "nats-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "nats-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "openbao-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "openbao-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "opensearch-application", "variant": "default", "depends_on": ["networking", "opensearch-operator",
        "cozystack-engine"], "releases": [{"name": "opensearch-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "postgres-application", "variant": "default", "depends_on": ["networking", "postgres-operator",
        "cozystack-engine"], "releases": [{"name": "postgres-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "qdrant-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "qdrant-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "rabbitmq-application", "variant": "default", "depends_on": ["networking", "rabbitmq-operator",
        "cozystack-engine"], "releases": [{"name": "rabbitmq-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "redis-application", "variant": "default", "depends_on": ["networking", "redis-operator",
        "cozystack-engine"], "releases": [{"name": "redis-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "networking", "variant": "kubeovn-cilium", "depends_on": ["gateway-api-crds"],
        "releases": [{"name": "cilium", "namespace": "cozy-cilium", "depends_on": [], "images": ["cilium"]},
        {"name": "cilium-networkpolicy", "namespace": "cozy-cilium", "depends_on": ["cilium"], "images": []},
        {"name": "kubeovn", "namespace": "cozy-kubeovn", "depends_on": ["cilium"], "images": ["kubeovn"]}],
        "images": ["cilium", "kubeovn"], "workloads": [
        {"name": "cilium", "kind": "DaemonSet", "cpu": 100, "memory": 256, "spread": true, "tolerates": true,
            "ports": [9879]},
        {"name": "cilium-envoy", "kind": "DaemonSet", "cpu": 100, "memory": 512, "spread": true, "tolerates": true,
            "ports": [9964]},
        {"name": "cilium-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0, "spread": true,
            "tolerates": true, "ports": [9234, 9963]},
        {"name": "kube-ovn-cni", "kind": "DaemonSet", "cpu": 50, "memory": 50, "tolerates": true},
        {"name": "ovs-ovn", "kind": "DaemonSet", "cpu": 100, "memory": 50, "tolerates": true},
        {"name": "kube-ovn-pinger", "kind": "DaemonSet", "cpu": 10, "memory": 50, "tolerates": true},
        {"name": "ovn-central", "kind": "Deployment", "replicas": "control planes", "cpu": 50, "memory": 100,
            "control_plane": true, "spread": true, "tolerates": true},
        {"name": "kube-ovn-controller", "kind": "Deployment", "replicas": "control planes", "cpu": 10, "memory": 100,
            "spread": true, "tolerates": true},
        {"name": "kube-ovn-monitor", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 50,
            "control_plane": true, "spread": true, "tolerates": true}
    ]},
    {"name": "kubeovn-webhook", "variant": "default", "depends_on": ["cert-manager"],
        "releases": [{"name": "kubeovn-webhook", "namespace": "cozy-kubeovn", "depends_on": [],
        "images": ["kubeovn-webhook"]}], "images": ["kubeovn-webhook"], "workloads": [
        {"name": "kube-ovn-webhook", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 64, "tolerates": true}
    ]},
    {"name": "kubeovn-plunger", "variant": "default", "depends_on": ["cert-manager", "networking",
        "victoria-metrics-operator"], "releases": [{"name": "kubeovn-plunger", "namespace": "cozy-kubeovn",
        "depends_on": [], "images": ["kubeovn-plunger"]}], "images": ["kubeovn-plunger"], "workloads": [
        {"name": "kube-ovn-plunger", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "cozy-proxy", "variant": "default", "depends_on": ["networking"], "releases": [{"name": "cozy-proxy",
        "namespace": "cozy-system", "depends_on": [], "images": ["cozy-proxy"]}], "images": ["cozy-proxy"],
        "workloads": [
        {"name": "cozy-proxy", "kind": "DaemonSet", "cpu": 0, "memory": 0, "tolerates": true}
    ]},
    {"name": "metallb", "variant": "default", "depends_on": ["networking"], "releases": [{"name": "metallb",
        "namespace": "cozy-metallb", "depends_on": [], "images": ["metallb-controller", "metallb-speaker"]}],
        "images": ["metallb-controller", "metallb-speaker"], "workloads": [
        {"name": "metallb-frr-k8s", "kind": "DaemonSet", "cpu": 130, "memory": 208, "tolerates": true},
        {"name": "metallb-speaker", "kind": "DaemonSet", "cpu": 50, "memory": 64, "tolerates": true},
        {"name": "metallb-frr-k8s-statuscleaner", "kind": "Deployment", "replicas": 1, "cpu": 50, "memory": 64,
            "tolerates": true},
        {"name": "metallb-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "reloader", "variant": "default", "depends_on": ["networking"], "releases": [{"name": "reloader",
        "namespace": "cozy-reloader", "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "reloader-reloader", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 128}
    ]},
    {"name": "linstor-scheduler", "variant": "default", "depends_on": ["linstor", "cert-manager"],
        "releases": [{"name": "linstor-scheduler", "namespace": "cozy-linstor", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "linstor-scheduler-admission", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0},
        {"name": "linstor-scheduler", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0}
    ]},
    {"name": "snapshot-controller", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "snapshot-controller", "namespace": "cozy-snapshot-controller", "depends_on": [],
        "images": []}], "images": [], "workloads": [
        {"name": "snapshot-controller", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0},
        {"name": "snapshot-validation-webhook", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0}
    ]},
    {"name": "securitygroup-controller", "variant": "default", "depends_on": ["networking"],
        "releases": [{"name": "securitygroup-controller", "namespace": "cozy-securitygroup-controller",
        "depends_on": [], "images": ["securitygroup-controller"]}], "images": ["securitygroup-controller"],
        "workloads": [
        {"name": "securitygroup-controller", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 64,
            "tolerates": true}
    ]},
    {"name": "multus", "variant": "default", "depends_on": ["networking"], "releases": [{"name": "multus",
        "namespace": "cozy-multus", "depends_on": [], "images": ["multus-cni"]}], "images": ["multus-cni"],
        "workloads": [
        {"name": "cozy-multus", "kind": "DaemonSet", "cpu": 100, "memory": 100, "tolerates": true}
    ]},
    {"name": "linstor", "variant": "default", "depends_on": ["networking", "cert-manager", "victoria-metrics-operator",
        "reloader", "snapshot-controller"], "releases": [{"name": "piraeus-operator-crds", "namespace": "cozy-linstor",
        "depends_on": [], "images": []}, {"name": "piraeus-operator", "namespace": "cozy-linstor",
        "depends_on": ["piraeus-operator-crds"], "images": []}, {"name": "linstor", "namespace": "cozy-linstor",
        "depends_on": ["piraeus-operator"], "images": ["linstor-csi", "piraeus-server"]}], "images": ["linstor-csi",
        "piraeus-server"], "workloads": [
        {"name": "piraeus-operator-controller-manager", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "linstorcluster (LinstorCluster)", "kind": "Deployment", "replicas": 1, "cpu": 250, "memory": 700},
        {"name": "linstor-csi-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0,
            "source": "piraeusdatastore/piraeus-operator v2: pkg/resources/cluster"},
        {"name": "linstor-affinity-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0,
            "source": "piraeusdatastore/piraeus-operator v2: pkg/resources/cluster"},
        {"name": "linstor-csi-node", "kind": "DaemonSet", "cpu": 0, "memory": 0,
            "source": "piraeusdatastore/piraeus-operator v2: pkg/resources/cluster"},
        {"name": "ha-controller", "kind": "DaemonSet", "cpu": 0, "memory": 0,
            "source": "piraeusdatastore/piraeus-operator v2: pkg/resources/cluster"},
        {"name": "linstor-satellite", "kind": "DaemonSet", "cpu": 120, "memory": 192,
            "source": "podTemplate of LinstorSatelliteConfiguration"}
    ]},
    {"name": "cozystack-scheduler", "variant": "linstor", "depends_on": ["linstor-scheduler"],
        "releases": [{"name": "cozystack-scheduler", "namespace": "kube-system", "depends_on": [],
        "images": ["cozystack-scheduler"]}], "images": ["cozystack-scheduler"], "workloads": [
        {"name": "cozystack-scheduler", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "cozystack-engine", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "application-definition-crd", "namespace": "cozy-system", "depends_on": [],
        "images": []}, {"name": "cozystack-controller", "namespace": "cozy-system",
        "depends_on": ["application-definition-crd"], "images": ["cozystack-controller"]}, {"name": "cozystack-api",
        "namespace": "cozy-system", "depends_on": ["cozystack-controller", "application-definition-crd"],
        "images": ["cozystack-api"]}, {"name": "lineage-controller-webhook", "namespace": "cozy-system",
        "depends_on": ["cozystack-controller", "application-definition-crd"],
        "images": ["lineage-controller-webhook"]}, {"name": "dashboard", "namespace": "cozy-dashboard",
        "depends_on": ["cozystack-api", "cozystack-controller", "application-definition-crd"],
        "images": ["cozystack-ui", "token-proxy"]}], "images": ["cozystack-api", "cozystack-controller",
        "cozystack-ui", "lineage-controller-webhook", "token-proxy"], "workloads": [
        {"name": "cozystack-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "cozystack-api", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0, "tolerates": true},
        {"name": "lineage-controller-webhook", "kind": "Deployment", "replicas": 2, "cpu": 0, "memory": 0,
            "tolerates": true},
        {"name": "cozy-dashboard-console", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 128},
        {"name": "incloud-web-gatekeeper", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 128}
    ]},
    {"name": "gateway-api-crds", "variant": "default", "depends_on": [], "releases": [{"name": "gateway-api-crds",
        "namespace": "cozy-gateway-api", "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "cert-manager", "variant": "default", "depends_on": ["networking", "gateway-api-crds"],
        "releases": [{"name": "cert-manager-crds", "namespace": "cozy-cert-manager", "depends_on": [], "images": []},
        {"name": "cert-manager", "namespace": "cozy-cert-manager", "depends_on": ["cert-manager-crds"], "images": []},
        {"name": "cert-manager-issuers", "namespace": "cozy-cert-manager", "depends_on": ["cert-manager"],
        "images": []}], "images": [], "workloads": [
        {"name": "cert-manager-cainjector", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 128},
        {"name": "cert-manager", "kind": "Deployment", "replicas": 1, "cpu": 50, "memory": 128},
        {"name": "cert-manager-webhook", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 32}
    ]},
    {"name": "flux-plunger", "variant": "default", "depends_on": ["cert-manager", "cozystack-engine"],
        "releases": [{"name": "flux-plunger", "namespace": "cozy-fluxcd", "depends_on": [],
        "images": ["flux-plunger"]}], "images": ["flux-plunger"], "workloads": [
        {"name": "flux-plunger", "kind": "Deployment", "replicas": 1, "cpu": 10, "memory": 64}
    ]},
    {"name": "flux-shard-operator", "variant": "default", "depends_on": ["cert-manager", "cozystack-engine"],
        "releases": [{"name": "flux-shard-operator", "namespace": "cozy-fluxcd", "depends_on": [],
        "images": ["flux-shard-operator"]}], "images": ["flux-shard-operator"], "workloads": [
        {"name": "flux-shard-operator", "kind": "Deployment", "replicas": 2, "cpu": 50, "memory": 64, "tolerates": true}
    ]},
    {"name": "victoria-metrics-operator", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "victoria-metrics-operator", "namespace": "cozy-victoria-metrics-operator",
        "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "victoria-metrics-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "tenant-application", "variant": "default", "depends_on": ["networking", "ingress-application",
        "gateway-application", "seaweedfs-application", "info-application", "monitoring-application",
        "etcd-application", "cozystack-engine"], "releases": [{"name": "tenant-rd", "namespace": "cozy-system",
        "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "ingress-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "ingress-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "gateway-application", "variant": "default", "depends_on": ["gateway-api-crds", "cert-manager",
        "cozystack-engine"], "releases": [], "images": [], "workloads": []},
    {"name": "seaweedfs-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "seaweedfs-rd", "namespace": "cozy-system", "depends_on": [], "images": []}],
        "images": [], "workloads": []},
    {"name": "info-application", "variant": "default", "depends_on": ["networking", "cozystack-engine"],
        "releases": [{"name": "info-rd", "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [],
        "workloads": []},
    {"name": "monitoring-application", "variant": "default", "depends_on": ["networking", "postgres-operator",
        "grafana-operator", "victoria-metrics-operator", "cozystack-engine"], "releases": [{"name": "monitoring-rd",
        "namespace": "cozy-system", "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "etcd-application", "variant": "default", "depends_on": ["networking", "etcd-operator",
        "cozystack-engine"], "releases": [{"name": "etcd-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "cozystack-basics", "variant": "default", "depends_on": ["tenant-application", "cozystack-engine",
        "gateway-api-crds"], "releases": [{"name": "cozystack-basics", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []},
    {"name": "backupstrategy-controller", "variant": "default", "depends_on": ["networking", "cozystack-basics",
        "backup-controller", "bucket-application", "objectstorage-controller", "velero"],
        "releases": [{"name": "backupstrategy-controller", "namespace": "cozy-backup-controller", "depends_on": [],
        "images": ["backupstrategy-controller"]}], "images": ["backupstrategy-controller"], "workloads": [
        {"name": "backupstrategy-controller", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 64,
            "tolerates": true}
    ]},
    {"name": "backup-controller", "variant": "default", "depends_on": ["networking"],
        "releases": [{"name": "backup-controller", "namespace": "cozy-backup-controller", "depends_on": [],
        "images": ["backup-controller"]}], "images": ["backup-controller"], "workloads": [
        {"name": "backup-controller", "kind": "Deployment", "replicas": 2, "cpu": 10, "memory": 64, "tolerates": true}
    ]},
    {"name": "velero", "variant": "default", "depends_on": ["networking", "monitoring-agents"],
        "releases": [{"name": "velero", "namespace": "cozy-velero", "depends_on": [], "images": []}], "images": [],
        "workloads": [
        {"name": "node-agent", "kind": "DaemonSet", "cpu": 50, "memory": 128},
        {"name": "velero", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "vertical-pod-autoscaler", "variant": "default", "depends_on": ["networking", "cert-manager"],
        "releases": [{"name": "vertical-pod-autoscaler-crds", "namespace": "cozy-vertical-pod-autoscaler",
        "depends_on": [], "images": []}, {"name": "vertical-pod-autoscaler",
        "namespace": "cozy-vertical-pod-autoscaler", "depends_on": ["vertical-pod-autoscaler-crds"], "images": []}],
        "images": [], "workloads": [
        {"name": "vertical-pod-autoscaler-admission-controller", "kind": "Deployment", "replicas": 1, "cpu": 50,
            "memory": 50},
        {"name": "vertical-pod-autoscaler-recommender", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "vertical-pod-autoscaler-updater", "kind": "Deployment", "replicas": 1, "cpu": 200, "memory": 200},
        {"name": "vpa-for-vpa-recommender", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 512},
        {"name": "vpa-for-vpa-updater", "kind": "Deployment", "replicas": 1, "cpu": 200, "memory": 200}
    ]},
    {"name": "metrics-server", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "metrics-server", "namespace": "cozy-monitoring", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "metrics-server", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 200}
    ]},
    {"name": "monitoring-agents", "variant": "default", "depends_on": ["networking", "metrics-server",
        "victoria-metrics-operator", "vertical-pod-autoscaler"], "releases": [{"name": "monitoring-agents",
        "namespace": "cozy-monitoring", "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "monitoring-agents-fluent-bit", "kind": "DaemonSet", "cpu": 50, "memory": 128},
        {"name": "monitoring-agents-prometheus-node-exporter", "kind": "DaemonSet", "cpu": 10, "memory": 32,
            "tolerates": true},
        {"name": "monitoring-agents-kube-state-metrics", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "vmagent", "kind": "Deployment", "replicas": 1, "cpu": 50, "memory": 200,
            "source": "VictoriaMetrics/operator v0.68.4: docs/env.md: VM_VMAGENTDEFAULT_RESOURCE_REQUEST"}
    ]},
    {"name": "goldpinger", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds"],
        "releases": [{"name": "goldpinger", "namespace": "cozy-goldpinger", "depends_on": [], "images": []}],
        "images": [], "workloads": [
        {"name": "goldpinger", "kind": "DaemonSet", "cpu": 50, "memory": 64}
    ]},
    {"name": "prometheus-operator-crds", "variant": "default", "depends_on": [],
        "releases": [{"name": "prometheus-operator-crds", "namespace": "cozy-victoria-metrics-operator",
        "depends_on": [], "images": []}], "images": [], "workloads": []},
    {"name": "grafana-operator", "variant": "default", "depends_on": ["networking"],
        "releases": [{"name": "grafana-operator", "namespace": "cozy-grafana-operator", "depends_on": [],
        "images": ["grafana-dashboards"]}], "images": ["grafana-dashboards"], "workloads": [
        {"name": "grafana-operator", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "grafana-dashboards", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "etcd-operator", "variant": "default", "depends_on": ["networking", "cert-manager",
        "vertical-pod-autoscaler"], "releases": [{"name": "etcd-operator-crds", "namespace": "cozy-etcd-operator",
        "depends_on": [], "images": []}, {"name": "etcd-operator", "namespace": "cozy-etcd-operator",
        "depends_on": ["etcd-operator-crds"], "images": []}], "images": [], "workloads": [
        {"name": "etcd-operator-controller-manager", "kind": "Deployment", "replicas": 1, "cpu": 100, "memory": 64}
    ]},
    {"name": "postgres-operator", "variant": "default", "depends_on": ["networking", "prometheus-operator-crds",
        "cert-manager"], "releases": [{"name": "postgres-operator", "namespace": "cozy-postgres-operator",
        "depends_on": [], "images": []}], "images": [], "workloads": [
        {"name": "postgres-operator-cloudnative-pg", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0},
        {"name": "postgres-operator-plugin-barman-cloud", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "objectstorage-controller", "variant": "default", "depends_on": ["networking"],
        "releases": [{"name": "objectstorage-controller", "namespace": "cozy-objectstorage-controller",
        "depends_on": [], "images": ["objectstorage-controller"]}], "images": ["objectstorage-controller"],
        "workloads": [
        {"name": "container-object-storage-controller", "kind": "Deployment", "replicas": 1, "cpu": 0, "memory": 0}
    ]},
    {"name": "bucket-application", "variant": "default", "depends_on": ["networking", "objectstorage-controller",
        "cozystack-engine"], "releases": [{"name": "bucket-rd", "namespace": "cozy-system", "depends_on": [],
        "images": []}], "images": [], "workloads": []}
]}
""")
BUNDLES: dict[str, list[str]] = _DATA["bundles"]
PACKAGES: list[dict[str, Any]] = _DATA["packages"]
