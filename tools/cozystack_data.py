#!/usr/bin/env python3
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the collection knows of a version of CozyStack: its packages, releases, workloads and their requests.

    git clone --branch v1.6.2 https://github.com/cozystack/cozystack
    tools/cozystack_data.py cozystack v1.6.2 > plugins/module_utils/_cozystack/catalog/v1_6.py
    tools/cozystack_data.py cozystack v1.7 --ref "main, 3c780acd4" > plugins/module_utils/_cozystack/catalog/v1_7.py

Renders the platform of variant isp-full and then every release's chart, as the operator would, with helm 3.18 or newer.
Read are declared requests. Pods that operators make at run time are in no chart: MADE_AT_RUN_TIME has them with the
source of each figure, by the kind of the custom resource that they are made from, and the data name that source.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PREFIX = "cozystack."
REGISTRY = "ghcr.io/cozystack/cozystack/"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# Releases whose replicas follow the control planes are distinguished by rendering with one and with three of them.
MASTERS = ("192.0.2.1", "192.0.2.1,192.0.2.2,192.0.2.3")
BUNDLES = ("iaas", "paas", "naas")
# Images that charts name and no pod of the platform runs. This is that of gateways that the platform does not create.
# Upstream does not build it: in Kube-OVN's ConfigMap ovn-vpc-nat-config its registry precedes a default of the chart.
NEVER_RUN = frozenset({"vpc-nat-gateway"})
# Custom resources from which an operator makes one Deployment, and where they name its containers.
MADE_BY_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "BootstrapProvider": ("deployment",),
    "ControlPlaneProvider": ("deployment",),
    "CoreProvider": ("deployment",),
    "InfrastructureProvider": ("deployment",),
    "LinstorCluster": ("controller", "podTemplate", "spec"),
}
_KUBEVIRT = "kubevirt/kubevirt v1.8.4: pkg/virt-operator/resource/generate/components"
_CDI = "kubevirt/containerized-data-importer v1.64.0: pkg/operator/resources/namespaced"
_METRICS = "VictoriaMetrics/operator v0.68.4: docs/env.md: VM_VMAGENTDEFAULT_RESOURCE_REQUEST"
_PIRAEUS = "piraeusdatastore/piraeus-operator v2: pkg/resources/cluster"


def made(name: str, source: str, kind: str = "Deployment", **figures: Any) -> dict[str, Any]:
    """Return pods that an operator makes, in the form of workload()."""
    replicas = {} if kind == "DaemonSet" else {"replicas": figures.pop("replicas", 1)}
    return {"name": name, "kind": kind, **replicas, **{"cpu": 0, "memory": 0, **figures}, "source": source}


# KubeVirt keeps what belongs to its infrastructure on control planes, and tolerates their taint there.
_INFRASTRUCTURE: Mapping[str, Any] = {"replicas": 2, "control_plane": True, "tolerates": True}
MADE_AT_RUN_TIME: Mapping[str, tuple[dict[str, Any], ...]] = {
    "KubeVirt": (
        made("virt-api", _KUBEVIRT, cpu=5, memory=500, **{**_INFRASTRUCTURE, "replicas": "nodes"}),
        made("virt-controller", _KUBEVIRT, cpu=10, memory=275, **_INFRASTRUCTURE),
        made("virt-exportproxy", _KUBEVIRT, cpu=5, memory=150, **_INFRASTRUCTURE),
        made("virt-handler", _KUBEVIRT, "DaemonSet", cpu=10, memory=325),
    ),
    "CDI": tuple(made(f"cdi-{name}", _CDI, cpu=100, memory=150) for name in ("apiserver", "deployment", "uploadproxy")),
    "VMAgent": (made("vmagent", _METRICS, cpu=50, memory=200),),
    "LinstorCluster": (
        made("linstor-csi-controller", _PIRAEUS),
        made("linstor-affinity-controller", _PIRAEUS),
        made("linstor-csi-node", _PIRAEUS, "DaemonSet"),
        made("ha-controller", _PIRAEUS, "DaemonSet"),
        made("linstor-satellite", _PIRAEUS, "DaemonSet"),
    ),
}
WIDTH = 120
UNITS = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "k": 1e3, "M": 1e6, "G": 1e9}

TEMPLATE = """\
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
\"\"\"CozyStack's packages and what they request. Written by tools/cozystack_data.py; private to urmanac.talos.

cpu is in millicores and memory in MiB, of a whole pod. A package without workloads brings no pods of its own.
\"\"\"

from __future__ import annotations

import json
from typing import Any

VERSION = "{version}"
SOURCE = "https://github.com/cozystack/cozystack at {ref}, variant isp-full, charts rendered with helm"

_DATA: dict[str, Any] = json.loads(\"\"\"
{text}
\"\"\")
BUNDLES: dict[str, list[str]] = _DATA["bundles"]
PACKAGES: list[dict[str, Any]] = _DATA["packages"]
"""


class Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)  # a plain = is text there


class Release(NamedTuple):
    """A chart that is installed for a package."""

    package: str
    name: str
    namespace: str
    chart: Path
    depends_on: tuple[str, ...] = ()
    values_files: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}


class Platform(NamedTuple):
    """The packages that the platform's chart installs."""

    packages: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, Mapping[str, Any]]
    cluster_values: Mapping[str, Any]


def cpu(quantity: object) -> int:
    """Return millicores."""
    text = str(quantity)
    return round(float(text[:-1])) if text.endswith("m") else round(float(text) * 1000)


def memory(quantity: object) -> int:
    """Return MiB, rounded up."""
    text = str(quantity)
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    return -int(-(float(text.removesuffix(unit)) * UNITS.get(unit, 1.0)) // 2**20)


def requests(pod: Mapping[str, Any]) -> tuple[int, int]:
    """Return what a scheduler reserves for a pod: all containers together, or the greediest init container."""
    initial = pod.get("initContainers") or []
    beside = [
        _of(one) for one in (*pod["containers"], *(one for one in initial if one.get("restartPolicy") == "Always"))
    ]
    before = [_of(one) for one in initial if one.get("restartPolicy") != "Always"]
    return tuple(max([sum(one[i] for one in beside), *(one[i] for one in before)]) for i in (0, 1))  # type: ignore[return-value]


def _of(container: Mapping[str, Any]) -> tuple[int, int]:
    resources = container.get("resources") or {}
    # A limit without a request is the request.
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return cpu(wanted.get("cpu") or 0), memory(wanted.get("memory") or 0)


def constraints(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the restrictions on the nodes of a pod."""
    affinity = pod.get("affinity") or {}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = (affinity.get("nodeAffinity") or {}).get(required, {}).get("nodeSelectorTerms", [])
    keys = [{expression["key"] for expression in term.get("matchExpressions", ())} for term in terms]
    apart = (affinity.get("podAntiAffinity") or {}).get(required, [])
    found = {
        "control_plane": CONTROL_PLANE in (pod.get("nodeSelector") or {})
        or any(CONTROL_PLANE in each for each in keys),
        "spread": any(term["topologyKey"] == "kubernetes.io/hostname" for term in apart),
        "tolerates": any(_tolerates(one) for one in pod.get("tolerations") or ()),
        "ports": sorted(
            {port["hostPort"] for one in pod["containers"] for port in one.get("ports") or () if port.get("hostPort")}
        ),
    }
    return {name: value for name, value in found.items() if value}


def _tolerates(toleration: Mapping[str, Any]) -> bool:
    """Return whether it lets a pod onto a control plane that is kept free."""
    key, effect = toleration.get("key"), toleration.get("effect")
    return effect in (None, "", "NoSchedule") and (
        key == CONTROL_PLANE or (not key and toleration["operator"] == "Exists")
    )


def workloads_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the pods that an object brings: its own, and those that an operator makes from it."""
    own = workload(document)
    patched = customised(document)
    later = [{**one, **patched.get(one["name"], {})} for one in MADE_AT_RUN_TIME.get(document["kind"], ())]
    return [*([own] if own else []), *later]


def customised(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the requests that a custom resource patches into what its operator makes, by the name of the workload."""
    parts = (document.get("spec") or {}).get("customizeComponents") if document["kind"] == "KubeVirt" else None
    found = {}
    for patch in (parts or {}).get("patches") or ():
        pod = yaml.safe_load(patch["patch"]).get("spec", {}).get("template", {}).get("spec", {})
        if any(one.get("resources") for one in pod.get("containers") or ()):
            found[patch["resourceName"]] = {**_amounts(pod), "source": "customizeComponents of the KubeVirt resource"}
    return found


def with_satellites(found: list[dict[str, Any]], documents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the workloads with what the configurations of LINSTOR's satellites request for their containers."""
    configurations = [one for one in documents if one["kind"] == "LinstorSatelliteConfiguration"]
    pods = [(one["spec"].get("podTemplate") or {}).get("spec") or {} for one in configurations]
    containers = [one for pod in pods for one in pod.get("containers") or () if one.get("resources")]
    if not containers:
        return found
    amounts = {**_amounts({"containers": containers}), "source": "podTemplate of LinstorSatelliteConfiguration"}
    return [{**one, **amounts} if one["name"] == "linstor-satellite" else one for one in found]


def workload(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the pods that an object declares, None if it declares none that stay."""
    kind, name = document["kind"], document["metadata"]["name"]
    if kind in MADE_BY_OPERATORS:
        spec = document["spec"]
        for step in MADE_BY_OPERATORS[kind]:
            spec = spec.get(step) or {}
        spec = {"containers": [], **spec}
        return {"name": f"{name} ({kind})", "kind": "Deployment", "replicas": 1, **_amounts(spec)}
    if kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        return None
    pod = document["spec"]["template"]["spec"]
    replicas = {} if kind == "DaemonSet" else {"replicas": document["spec"].get("replicas", 1)}
    return {"name": name, "kind": kind, **replicas, **_amounts(pod), **constraints(pod)}


def _amounts(pod: Mapping[str, Any]) -> dict[str, int]:
    millicores, mebibytes = requests(pod)
    return {"cpu": millicores, "memory": mebibytes}


def images(value: object) -> Iterator[str]:
    """Yield the project's own images that something names, but for those that no pod runs."""
    if isinstance(value, str):
        name = value.removeprefix(REGISTRY).split("@")[0].split(":")[0]
        if value.startswith(REGISTRY) and name not in NEVER_RUN:
            yield name
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from images(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from images(inner)


def helm_template(helm: str, release: str, chart: Path, *values: Path, namespace: str) -> list[dict[str, Any]]:
    """Return what a chart makes."""
    files = [part for path in values for part in ("--values", str(path))]
    command = [helm, "template", release, str(chart), "--namespace", namespace, "--kube-version", "1.33.0", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"Failed to render {chart}: {done.stderr.strip()[-2000:]}")
    return [document for document in yaml.load_all(done.stdout, Loader) if document]


def read_platform(helm: str, checkout: Path, scratch: Path, **bundles: bool) -> Platform:
    """Return the packages that the platform's chart installs."""
    chart = scratch / "platform"
    if not chart.exists():
        # What is left out asks a cluster, and names nothing that is installed.
        ignored = shutil.ignore_patterns("repository.yaml", "migration-hook.yaml", "tests")
        shutil.copytree(checkout / "packages/core/platform", chart, ignore=ignored)
    values = scratch / "bundles.yaml"
    values.write_text(
        json.dumps({"bundles": {name: {"enabled": on} for name, on in bundles.items()}}), encoding="utf-8"
    )
    files = (chart / "values.yaml", chart / "values-isp-full.yaml", values)
    made = helm_template(helm, "cozystack-platform", chart, *files, namespace="cozy-system")
    secret = next(document for document in made if document["kind"] == "Secret")
    return Platform(
        packages={one["metadata"]["name"]: one["spec"] for one in made if one["kind"] == "Package"},
        sources={one["metadata"]["name"]: one["spec"] for one in made if one["kind"] == "PackageSource"},
        cluster_values=yaml.safe_load(secret["stringData"]["values.yaml"]),
    )


def variant_of(platform: Platform, package: str) -> Mapping[str, Any]:
    """Return the variant of a package that is installed."""
    wanted = platform.packages[package].get("variant", "default")
    return next(one for one in platform.sources[package]["variants"] if one["name"] == wanted)


def releases_of(platform: Platform, package: str, charts: Path) -> list[Release]:
    """Return the releases that the operator makes for a package."""
    given = platform.packages[package].get("components") or {}
    return [
        Release(
            package=package,
            name=component["install"].get("releaseName") or component["name"],
            namespace=component["install"]["namespace"],
            chart=charts / component["path"],
            depends_on=tuple(component["install"].get("dependsOn") or ()),
            values_files=tuple(component.get("valuesFiles") or ()),
            values=(given.get(component["name"]) or {}).get("values") or {},
        )
        for component in variant_of(platform, package)["components"]
        if component.get("install")
    ]


def nested(platform: Platform, documents: Iterable[Mapping[str, Any]], charts: Path) -> Iterator[Release]:
    """Yield the releases that a release itself makes, such as the root tenant."""
    for document in documents:
        if document["kind"] != "HelmRelease":
            continue
        artifact = document["spec"]["chartRef"]["name"]
        for package in platform.packages:
            variant = variant_of(platform, package)
            stem = f"{package}-{variant['name']}-".replace(".", "-")
            for component in variant["components"]:
                if artifact == stem + component["name"].replace(".", "-"):
                    name, namespace = document["metadata"]["name"], document["metadata"].get("namespace", "cozy-system")
                    values = document["spec"].get("values") or {}
                    yield Release(package, name, namespace, charts / component["path"], values=values)


def render(
    release: Release, *, helm: str, scratch: Path, cluster_values: Mapping[str, Any], masters: str
) -> list[dict[str, Any]]:
    """Return what a release makes, with the values in the operator's order."""
    given: dict[str, Any] = dict(release.values)
    if "kube-ovn" in given:
        given["kube-ovn"] = {**given["kube-ovn"], "MASTER_NODES": masters}
    paths = [release.chart / name for name in release.values_files]
    for index, values in enumerate((cluster_values, given)):
        path = scratch / f"{release.namespace}-{release.name}-{masters.count(',')}-{index}.yaml"
        path.write_text(json.dumps(values), encoding="utf-8")
        paths.append(path)
    return helm_template(helm, release.name, release.chart, *paths, namespace=release.namespace)


def workloads(few: Iterable[Mapping[str, Any]], many: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pods of a release; replicas are "control planes" where they follow them."""
    found = []
    for one, three in zip(few, many, strict=True):
        for brought, grown in zip(workloads_of(one), workloads_of(three), strict=True):
            follows = brought.get("replicas") != grown.get("replicas")
            found.append({**brought, **({"replicas": "control planes"} if follows else {})})
    return found


def rendered(
    platform: Platform, releases: list[Release], *, charts: Path, **how: Any
) -> tuple[dict[str, set[str]], list[dict[str, Any]]]:
    """Return the images of each release, those that releases install included, and all workloads."""
    found: list[dict[str, Any]] = []
    own: dict[str, set[str]] = {}
    pending = releases
    while pending:
        made: list[dict[str, Any]] = []
        for release in pending:
            few, many = (
                render(release, cluster_values=platform.cluster_values, masters=nodes, **how) for nodes in MASTERS
            )
            found = with_satellites(found + workloads(few, many), few)
            own[release.name] = {image for document in few for image in images(document)}
            made += few
        pending = list(nested(platform, made, charts))
    return own, found


def package_record(platform: Platform, name: str, *, charts: Path, **how: Any) -> dict[str, Any]:
    """Return what is to be known of one package."""
    releases = releases_of(platform, name, charts)
    own, found = rendered(platform, releases, charts=charts, **how)
    short = [
        {
            "name": one.name,
            "namespace": one.namespace,
            "depends_on": list(one.depends_on),
            "images": sorted(own[one.name]),
        }
        for one in releases
    ]
    return {
        "name": name.removeprefix(PREFIX),
        "variant": platform.packages[name].get("variant", "default"),
        "depends_on": [other.removeprefix(PREFIX) for other in variant_of(platform, name).get("dependsOn") or ()],
        "releases": short,
        "images": sorted(set().union(*own.values())),
        "workloads": found,
    }


def beginning(helm: str, checkout: Path) -> dict[str, Any]:
    """Return the objects that exist before any package: the operator, and its Flux."""
    chart = checkout / "packages/core/installer"
    made = helm_template(helm, "cozystack", chart, namespace="cozy-system")
    flux = (checkout / "internal/fluxinstall/manifests/fluxcd.yaml").read_text(encoding="utf-8")
    documents = [*made, *(document for document in yaml.load_all(flux, Loader) if document)]
    return {
        "name": "cozystack-operator",
        "variant": "talos",
        "depends_on": [],
        "releases": [],
        "images": sorted({image for document in documents for image in images(document)}),
        "workloads": [found for document in documents if (found := workload(document))],
    }


def collect(helm: str, checkout: Path, scratch: Path) -> dict[str, Any]:
    """Return everything that the collection ships."""
    platform = read_platform(helm, checkout, scratch)
    bundles = {}
    for bundle in BUNDLES:
        without = read_platform(helm, checkout, scratch, **{bundle: False}).packages
        bundles[bundle] = [name.removeprefix(PREFIX) for name in platform.packages if name not in without]
    record = partial(package_record, platform, charts=checkout / "packages", helm=helm, scratch=scratch)
    with ThreadPoolExecutor() as pool:
        packages = list(pool.map(lambda name: record(name), platform.packages))
    return {"bundles": bundles, "packages": [beginning(helm, checkout), *packages]}


def module(version: str, data: Mapping[str, Any], *, ref: str = "") -> str:
    """Return the data as the text of a Python module, each package and workload beginning a line."""
    bundles = ",\n".join(f"    {json.dumps(name)}: {json.dumps(members)}" for name, members in data["bundles"].items())
    packages = ",\n".join("\n".join(package_lines(package)) for package in data["packages"])
    text = f'{{"bundles": {{\n{bundles}\n}}, "packages": [\n{packages}\n]}}'
    wrapped = "\n".join(part for line in text.split("\n") for part in wrap(line))
    return TEMPLATE.format(version=version, ref=ref or version, text=wrapped)


def package_lines(package: Mapping[str, Any]) -> Iterator[str]:
    """Yield one package as lines of JSON."""
    if not package["workloads"]:
        yield f"    {json.dumps(package)}"
        return
    # The workloads are the last key: what is written before them is closed after them.
    yield "    " + json.dumps({**package, "workloads": []})[:-2]
    yield ",\n".join(f"        {json.dumps(each)}" for each in package["workloads"])
    yield "    ]}"


def wrap(line: str) -> Iterator[str]:
    """Yield a line in pieces that fit, broken between the items of lists; no name holds a comma and a space."""
    indent = line[: len(line) - len(line.lstrip())] + "    "
    while len(line) > WIDTH:
        end = line.rindex(", ", 0, WIDTH)
        yield line[: end + 1]
        line = indent + line[end + 2 :]
    yield line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a checkout of cozystack/cozystack")
    parser.add_argument("version", help="what it is a checkout of, such as v1.6.2")
    parser.add_argument("--ref", default="", help="the branch and commit, if the version is not released yet")
    parser.add_argument("--helm", default="helm", help="the program to render charts with")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = collect(options.helm, options.checkout, Path(scratch))
    sys.stdout.write(module(options.version, data, ref=options.ref))


if __name__ == "__main__":
    main()
