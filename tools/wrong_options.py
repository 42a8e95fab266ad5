# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong values of options that the modules judge themselves, and who judges the options of which none is tried.

tools/wrong_inputs.py tries them; each has to be refused by an error of the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._boot import plan as boot
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.home.input import parse_expires, parse_home_network
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.module_utils._oci.image import parse_platform
from ansible_collections.urmanac.talos.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.urmanac.talos.plugins.module_utils._options import check_numbers
from ansible_collections.urmanac.talos.plugins.module_utils._state.address import parse_address
from ansible_collections.urmanac.talos.plugins.module_utils._talos.api.access import read_talosconfig
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import merge, options
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.bundle import parse_bundle
from ansible_collections.urmanac.talos.plugins.modules import (
    kubernetes_apply,
    talos_bootstrap,
    talos_kubeconfig,
    talos_secrets,
    talos_upgrade,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LISTS = ("pod_subnets", "service_subnets", "cert_sans", "nameservers", "time_servers")
_TEXTS = ("no such value!", "https://[::1", "a b")


class Tried(NamedTuple):
    """What a module does with an option, and wrong values of it."""

    judge: Callable[[Any], Any]
    values: tuple[Any, ...]


def _of_talos_config(part: str, name: str) -> Tried:
    def judge(value: Any) -> None:
        given = {name: [value] if name in _LISTS else value}
        parts: dict[str, Any] = {"cluster": {}, "network": {}, "nodes": []}
        options.check({**parts, part: [given] if part == "nodes" else given})

    return Tried(judge, _TEXTS)


def _patch(content: Any) -> None:
    merge.apply_patches([{"machine": {}}], [merge.Patch("patches[0]", content)])


def _upgrade(image: str) -> None:
    known: dict[str, Any] = {"version": None, "force": False, "schematic": None, "extensions": []}
    talos_upgrade.desired_of({"image": image, **known})


def _objects(objects: Any) -> None:
    kubernetes_apply.ensure_objects(None, objects, force=False, check_mode=True)  # type: ignore[arg-type]


def _days(certificate_days: int, renewal_days: int) -> None:
    talos_secrets.validity_of({"certificate_days": certificate_days, "renewal_days": renewal_days})


def _of_number(name: str) -> Tried:
    return Tried(lambda value: check_numbers({name: value}), (-1, 0, 65536) if name == "port" else (-1,))


_PATCHES = Tried(_patch, ("machine: [", "text", {"machin": {}}, {"kind": "LinkConfig"}, {"op": "add", "path": "/a"}))
TRIED: Mapping[str, Tried] = {
    **{f"talos_config: cluster.{name}": _of_talos_config("cluster", name) for name in options.CLUSTER},
    **{f"talos_config: network.{name}": _of_talos_config("network", name) for name in options.NETWORK},
    **{f"talos_config: nodes.{name}": _of_talos_config("nodes", name) for name in options.NODE},
    **{f"talos_config: {name}patches": _PATCHES for name in ("", "controlplane_", "worker_", "nodes.")},
    "talos_secrets: content": Tried(lambda text: parse_bundle(text, "content"), ("text", "a: 1", "cluster: [")),
    "talos_secrets: certificate_days": Tried(lambda days: _days(days, 0), (0, 36501)),
    "talos_secrets: renewal_days": Tried(lambda days: _days(365, days), (-1, 365)),
    "talos_kubeconfig: content": Tried(talos_kubeconfig.parsed, ("text", "[a]", "a: [")),
    "talos_bootstrap: snapshot": Tried(talos_bootstrap.read_snapshot, ("/no/such/file", "/")),
    "talos_upgrade: image": Tried(_upgrade, ("ghcr.io/a/talos:latest", "no such value!")),
    "shared by modules, talos: talosconfig": Tried(
        read_talosconfig,
        ("/no/such/file", {}, {"context": "a", "contexts": {}}, {"context": "a", "contexts": {"a": {}}}),
    ),
    "oci_image_info: images": Tried(parse_reference, ("no such value!", "https://ghcr.io/a", "A/B", "a@sha256:0", "")),
    "oci_image_info: platform": Tried(parse_platform, ("arm64", "linux/", "a/b/c/d", "")),
    "boot_to_talos: image": Tried(boot.image_of, ("no such value!", "https://a.io/b.iso", "/dev/sda", "A/B")),
    "boot_to_talos: version": Tried(boot.version_of, ("latest", "0.7", "", "v1.x.0")),
    "ec2_state: address": Tried(parse_address, ("moon", "s3://", "https://moon/a", "s3://moon/../a")),
    "ec2_home_access: ipv6": Tried(parse_home_network, ("::/0", "2001:db8::/16", "192.0.2.0/24", "moon", "")),
    "ec2_home_access: expires": Tried(
        lambda text: parse_expires(text, NOW), ("yesterday", "2020-01-01T00:00:00Z", "-1h", "")
    ),
    "kubernetes_apply: objects": Tried(_objects, ([{}], [{"kind": "A"}], [{"apiVersion": "v1", "kind": "A"}])),
}

_DESCRIBED = "The description of the cluster, as in the table above."
_OF_AWS = "AWS; the module returns the words of AWS and a remedy."
_NODE = "The connection: `NODE_CALL_FAILED` names the cause."
_API = "The connection: `KUBERNETES_CALL_FAILED` names the cause."
_TALOS = "The rules of Talos' version, with the finished configuration."
_PACKAGES = "CozyStack's packages of the version, as for the variables of the same names above."
_FILE = "The file system: the message has its words and the path."
_REGISTRY = "The registry; the message has its words and a remedy."
_BOOT = "The checks of the machine, whose findings block the start."
_ROLES = "The roles, which compose it of variables that are judged."
# By patterns of names.
JUDGES: Mapping[str, str] = {
    "shared by modules, ec2_cluster: cluster.*": _DESCRIBED,
    "shared by modules, talos: *": _NODE,
    "shared by modules, kubernetes: *": _API,
    "cozystack_wait: [ckp]*": _API,
    "cozystack_wait: history": _FILE,
    "talos_wait: *": _NODE,
    "talos_config: nodes": _TALOS,
    "talos_*: talosconfig": "As `shared by modules, talos: talosconfig`.",
    "talos_*: nodes": _NODE,
    "talos_apply: config": "The node, with the words of Talos.",
    "talos_config: bundle*": "As `talos_secrets: content`.",
    "talos_config: *": _TALOS,
    "talos_etcd_snapshot: path": _FILE,
    "talos_kubeconfig: *": "The kubeconfig that it is merged into, and that of the node.",
    "talos_reset: partitions": "The node, with the words of Talos.",
    "talos_secrets: *": "The files, which are read and compared before one is written.",
    "talos_upgrade: *": "The node, after the upgrade, and `talos_upgrade` itself.",
    "cozystack_smoke_test: *": "The Kubernetes API and the nodes: the workload is not created, or does not run.",
    "cozystack_forecast: [nior]*": "`cozystack_forecast`, by the instance types and prices of EC2.",
    "cozystack_*: *": _PACKAGES,
    "oci_image_info: plain_http": _REGISTRY,
    "shared by modules, oci: docker_config": _FILE,
    "boot_to_talos*: *": _BOOT,
    "ec2_home_access*: *": "The limits of AWS, as for the variables of the same names above.",
    "ec2_preflight_info: home_ipv6": "As `ec2_home_access: ipv6`.",
    "ec2_*: *directory": _FILE,
    "ec2_*: *": _OF_AWS,
    "bastion_apply: *": _ROLES,
    "cluster_session_info: compare": "The journal: sessions that do not exist are refused.",
    "cluster_session*: *": _FILE,
    "report_phase: *": _ROLES,
    "run_lock: directory": _FILE,
    "write_files: directory": _FILE,
    "print_lines: lines": "Any text is printed.",
    "variables_info: *": _ROLES,
}


def refusals(title: str, kind: str) -> Iterator[tuple[Any, str]]:
    """Yield each wrong value of an option with the message about it, which is empty if it is accepted."""
    name = title.partition(": ")[2]
    # Numbers within another option are judged with that one.
    tried = TRIED.get(title) or (_of_number(name) if kind in ("int", "float") and "." not in name else None)
    for value in tried.values if tried else ():
        try:
            tried.judge(value)  # type: ignore[union-attr]
        except CollectionError as error:
            yield value, " ".join(str(error).split())
        else:
            yield value, ""


def pattern_of(title: str) -> str:
    """Return the pattern in JUDGES for an option of which no wrong value is tried; an empty text if it has none."""
    return next((pattern for pattern in JUDGES if fnmatchcase(title, pattern)), "")
