# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine configurations that Talos' own generator was recorded to write, and those that our modules write.

`pytest tests/peers/test_judges.py --record` writes the record.
"""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import Bundle, Pair, to_document
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.cluster import ClusterConfig
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.documents import (
    CONTRACTS,
    CONTROL_PLANE,
    WORKER,
    generate,
    is_split,
)
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.merge import Patch, apply_patches
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text

RECORDED = Path(__file__).parent / "generated.json"
PLAIN = ClusterConfig("base", "https://base:6443", "1.28.0")
CLUSTERS = {
    "plain": PLAIN,
    "changed": PLAIN._replace(
        cert_sans=("192.0.2.102", "api.example.com"),
        schedules_on_control_planes=True,
        dns_domain="cozy.local",
        install_disk="/dev/nvme0n1",
        extra_kernel_args=("console=ttyS0", "a=b"),
        local_api_server_port=5443,
        sysctls={"vm.nr_hugepages": "16", "net.ipv4.ip_forward": "1"},
        cni={"name": "custom", "urls": ["https://example.com/cni.yaml"]},
        registry_mirrors={"quay.io": ("https://192.0.2.100",), "docker.io": ("http://192.0.2.100:5050", "http://b")},
    ),
    "other": PLAIN._replace(
        endpoint="https://[2001:db8::101]:6443",
        discovery_enabled=False,
        install_disk="/dev/sda",
        install_image="registry.example.com/installer:v1",
        pod_subnets=("10.1.0.0/16", "2001:db8:1::/64"),
        service_subnets=("10.2.0.0/16", "2001:db8:2::/112"),
    ),
}
FIELD_PATCH = "machine: {kubelet: {extraMounts: [{source: /var/a, destination: /var/a, type: bind, options: [rw]}]}}"
DOCUMENT_PATCH = "{apiVersion: v1alpha1, kind: KubeletConfig, clusterDNS: [192.0.2.53]}"


class Wanted(NamedTuple):
    """A machine's configuration to be written."""

    contract: str
    variant: str
    machine_type: str

    @property
    def name(self) -> str:
        """Return how the record calls it."""
        return " ".join(self)

    @property
    def cluster(self) -> ClusterConfig:
        """Return the cluster that the machine belongs to."""
        return CLUSTERS[self.variant]._replace(contract=self.contract)

    @property
    def patches(self) -> tuple[str, ...]:
        """Return what is merged in afterwards."""
        if self.variant != "changed":
            return ()
        return (DOCUMENT_PATCH if is_split(self.contract) else FIELD_PATCH,)


ALL = tuple(itertools.starmap(Wanted, itertools.product(CONTRACTS, CLUSTERS, (CONTROL_PLANE, WORKER))))


def placeholders() -> Bundle:
    """Return a bundle with a text that is not a secret in each place; neither generator reads what is in them."""
    names = ("etcd", "Kubernetes", "the aggregator", "Talos")
    etcd, k8s, aggregator, talos = (
        Pair(_encoded(f"Certificate of {name}"), _encoded(f"Key of {name}")) for name in names
    )
    return Bundle(
        cluster_id=_encoded("cluster-id"),
        cluster_secret=_encoded("cluster secret"),
        bootstrap_token=_token("a"),
        secretbox=_encoded("secretbox"),
        aescbc="",
        trustd_token=_token("b"),
        etcd=etcd,
        k8s=k8s,
        aggregator=aggregator,
        service_account=_encoded("Key of service accounts"),
        os=talos,
    )


def _encoded(text: str) -> str:
    # Of several lines, as a key is.
    return base64.b64encode(f"{text}\nA placeholder\n".encode()).decode()


def _token(letter: str) -> str:
    return f"{letter * 6}.{letter * 16}"


def ours(wanted: Wanted, bundle: Bundle) -> str:
    """Return the configuration that our modules write."""
    patches = [Patch("a patch", patch) for patch in wanted.patches]
    return yaml_text.dump_all(apply_patches(generate(wanted.machine_type, wanted.cluster, bundle), patches))


def request(wanted: Wanted, bundle: Bundle) -> dict[str, Any]:
    """Return what Talos' generator needs to know, for JSON."""
    cluster = wanted.cluster._asdict()
    secrets = yaml_text.dump_plain(to_document(bundle))
    return {"machine_type": wanted.machine_type, "secrets": secrets, "cluster": cluster, "patches": wanted.patches}


def recorded() -> dict[str, str]:
    """Return the configurations that Talos was recorded to write, by name."""
    content: dict[str, list[str]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {name: "\n".join(lines) for name, lines in content.items()}


def record(texts: dict[str, str]) -> None:
    """Write the configurations of Talos, line by line, so that two records can be compared."""
    content = {name: text.split("\n") for name, text in texts.items()}
    RECORDED.write_text(json.dumps(content, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
