# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for values of variables in addition to their types, as far as they need no request.

Private to urmanac.talos: may change at any time. Checks that need AWS or a registry are in ec2_preflight_info and
oci_image_info. The description of the cluster as a whole is judged by module_utils/_ec2/spec.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._bastion.tunnel import PREFIX, tunnel_problems
from ...module_utils._boot import upstream
from ...module_utils._boot.plan import version_of
from ...module_utils._cozystack.catalog import releases
from ...module_utils._digests import is_sha256
from ...module_utils._ec2.cost.spec import AFTER_HOURS, PERIODS, POLICIES, limit_name
from ...module_utils._ec2.home.input import Refusal, parse_expires, parse_home_network
from ...module_utils._ec2.node_images import is_disk_image
from ...module_utils._ec2.spec import NODE_ROLES, validate_spec
from ...module_utils._ec2.spec import problems as description_problems
from ...module_utils._ec2.texts import change_for, fault
from ...module_utils._errors import InputError
from ...module_utils._findings import Finding, finding
from ...module_utils._ports import ASSET_SERVER, DHCP, DNS, MATCHBOX, SSH, TFTP
from ...module_utils._spelling import did_you_mean
from ...module_utils._ssh.arguments import PERCENT_REMEDY
from ...module_utils._state.address import ADDRESS_REMEDY, LOCAL, address_of
from ...module_utils._talos.config.contract import CONTRACTS
from ...module_utils._talos.config.merge import Patch, apply_patches
from ...module_utils._talos.files.user_files import read_kubeconfig, read_talosconfig
from ...module_utils._talos.versions import KUBERNETES_OLDEST, NEWEST, OLDEST
from . import of_bastion, of_cluster, of_cozystack, records
from .addresses import (
    certificate_name,
    image,
    kms_key,
    local_place,
    mirrors,
    network,
    oci_address,
    place,
    registry_keys,
    registry_name,
    source_ref,
    talos_image,
    web_address,
)
from .checks import (
    Check,
    Surroundings,
    amount,
    at_least,
    distinct,
    each,
    exact_keys,
    filled,
    host,
    if_given,
    ipv4_address,
    json_value,
    keys_of,
    matching,
    one_of,
    wrong,
)
from .files import (
    console,
    device,
    file_path,
    identity_file,
    installation_folder,
    lock_file,
    merged_file,
    path_of_ssh,
    snapshot,
    writable_file,
    writable_folder,
)
from .types import unknown_key_problems, written

BOOT_METHODS = ("user_data", "ssh")
API_VIA = ("bastion", "localhost")
# Ports of a bastion other than its caches: SSH, DNS, DHCP, TFTP, matchbox and the server of assets.
_TAKEN_PORTS = {
    SSH: "SSH",
    DNS: "DNS",
    DHCP: "DHCP",
    TFTP: "TFTP",
    MATCHBOX: "matchbox",
    ASSET_SERVER: "the server of boot-to-talos",
}
_RELEASE = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)(?:-[0-9A-Za-z.-]+)?")
# The least that docker accepts, in MiB.
_MEMORY_MIN = 6
# The default of cozystack_exposed_services, as its role has it.
_EXPOSED = ["dashboard", "api"]
# Of the names of containers in /proc/sys, with a dot or a slash between them.
_SYSCTL = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_:*-]+)+")


def value_problems(values: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems of values with the right type; missing names are not checked."""
    for name, value in values.items():
        for check in CHECKS.get(name, ()):
            yield from check(name, value, where)


def joint_problems(values: Mapping[str, Any], derived: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems that several values have together; derived has those of DERIVED that follow from others."""
    yield from _private_key_problems(values, where)
    yield from _node_patch_problems({**derived, **values})
    yield from _disk_problems(values)
    yield from _source_problems(values)
    yield from _publication_problems(values)
    yield from _disk_image_problems(values)
    yield from of_cozystack.platform_problems(values)
    yield from of_bastion.image_problems(values)
    everything = {**derived, **values}
    yield from of_cluster.endpoint_problems(values, everything)
    yield from of_cluster.file_problems(values, everything)
    yield from of_cluster.budget_problems(values)
    yield from records.record_problems(everything)
    if boolean(everything.get("cluster_bastion_enabled", True), strict=False):
        yield from _tunnel_problems(everything)
        yield from _bastion_problems(values, everything, where)
        yield from of_bastion.replacement_problems(values, everything)
        yield from of_bastion.upstream_problems(values, everything)


def role_problems(values: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems of the values of one role, with its defaults, which hold without a cluster as well."""
    yield from value_problems(values, where)
    yield from _disk_problems(values)
    yield from _source_problems(values)
    yield from of_bastion.image_problems(values)
    yield from _bastion_problems(values, values, where)


def _bastion_problems(
    values: Mapping[str, Any], everything: Mapping[str, Any], where: Surroundings
) -> Iterator[Finding]:
    yield from _place_problems(values, everything, where)
    yield from of_bastion.login_problems(values, everything)
    if boolean(everything.get("bastion_host_netboot_enabled", False), strict=False):
        yield from of_bastion.dhcp_problems(everything)


# --- Numbers ---


def port(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a number is not a port."""
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,5}", str(value)) or not 0 < int(value) <= 65535:
        yield wrong(name, f"{value!r} is not a port.", "Set it to a number from 1 to 65535.")


def cache_ports(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems of the bastion's registry caches and their ports."""
    users: dict[int, str] = {}
    for registry, number in value.items():
        yield from registry_name(f"{name}[{registry}]", registry, where)
        problems = list(port(f"{name}[{registry}]", number, where))
        yield from problems or _port_clashes(f"{name}[{registry}]", registry, int(number), users)


def memory(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a number is not an amount of memory that a container can run with."""
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,7}", str(value)) or int(value) < _MEMORY_MIN:
        message = f"{value!r} is not a number of MiB, {_MEMORY_MIN} or more."
        yield wrong(name, message, "Set it to a number such as 64.")


def not_empty(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a mapping is empty."""
    if not value:
        yield wrong(name, "It is empty.", "Add a registry, such as {ghcr.io: 5054}, or remove the variable.")


def _port_clashes(name: str, registry: str, number: int, users: dict[int, str]) -> Iterator[Finding]:
    user = _TAKEN_PORTS.get(number) or users.setdefault(number, registry)
    if user != registry:
        yield wrong(name, f"The port {number} is used by {user} on the bastion.", "Set a port that is not used.")


# --- Names and versions ---


def release_of(what: str, oldest: tuple[int, ...], *, with_v: bool = True) -> Check:
    """Return the check of a version from the oldest to below the next major version, which may begin with v or not."""
    before = (oldest[0] + 1, 0, 0)
    first, end = (".".join(map(str, version)) for version in (oldest, before))

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        found = _RELEASE.fullmatch(str(value))
        remedy = f"Set it to a release of {what} such as {first}, the oldest supported one."
        if not found:
            yield wrong(name, f"{value!r} is not a release of {what}.", remedy)
        elif str(value).startswith("v") and not with_v:
            yield wrong(name, f"{value} begins with v, which URLs add.", f"Write {str(value)[1:]}.")
        elif not oldest <= tuple(map(int, found.groups())) < before:
            message = f"{value} is not supported: the collection supports {what} from {first} to below {end}."
            yield wrong(name, message, remedy)

    return check


def tags(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the keys and values that would reach AWS as another text than the user wrote."""
    for key, text in value.items():
        for part in (key, text):
            if not isinstance(part, (str, int)) or isinstance(part, bool):
                message = f"{written(name, part)} is not a string: YAML reads what was written as another type."
                yield wrong(f"{name}[{key}]", message, 'Put it in quotes, such as {Production: "yes"}, or remove it.')


def known_host(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a host is neither the controller, nor the bastion, nor in the inventory."""
    if value not in {*API_VIA, *where.hosts}:
        message = f"The inventory has no host {value!r}."
        yield wrong(name, message, "Use localhost, bastion, or the name of a host in the inventory.")


def state_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither `local` nor the address of a folder in a bucket."""
    if value != LOCAL and address_of(str(value)) is None:
        yield wrong(name, f"{str(value)!r} is not the address of a folder in a bucket.", ADDRESS_REMEDY)


def sha256(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a SHA-256; it may be empty."""
    if value and not is_sha256(str(value)):
        yield wrong(name, f"{value!r} is not a SHA-256.", "Set it to 64 hexadecimal digits.")


def archive_sha256(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the wrong SHA-256 of archives, which are by version and architecture."""
    for version, archives in value.items():
        subject = f"{name}[{version}]"
        if isinstance(archives, Mapping):
            yield from each(sha256)(subject, archives, where)
        else:
            yield wrong(subject, f"{archives!r} is not a mapping.", "Write it as {arm64: SHA-256}.")


_path_inside = matching(
    r"(?!(.*/)?\.\.?(/|$))[^/\s]+(/[^/\s]+)*", "the path of a file in a package", "usr/lib/ipxe/ipxe-arm64.efi"
)


def downloaded_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield the wrong URL and SHA-256 of a file that the bastion downloads."""
    if isinstance(value, Mapping):
        yield from unknown_key_problems(name, value, ("url", "sha256", "inside"))
        yield from web_address(f"{name}.url", value.get("url"), where)
        yield from sha256(f"{name}.sha256", value.get("sha256"), where)
        if "inside" in value:
            yield from _path_inside(f"{name}.inside", value["inside"], where)
    else:
        yield wrong(name, f"{value!r} is not a mapping.", "Write it as {url: URL, sha256: SHA-256}.")


# --- Talos ---


def _native(value: Any) -> Any:
    """Return a value of a variable without Ansible's tags, which the loader of YAML does not accept in a text."""
    if isinstance(value, Mapping):
        return {str(key): _native(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_native(part) for part in value]
    return str(value) if isinstance(value, str) else value


def sysctls(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the settings that the kernel does not know or that have no value."""
    for key, setting in value.items():
        subject = f"{name}[{key}]"
        if not _SYSCTL.fullmatch(str(key)):
            yield wrong(subject, f"{key!r} is not the name of a kernel setting.", "Write it as vm.nr_hugepages.")
        if isinstance(setting, bool) or not isinstance(setting, (str, int)) or not str(setting).strip():
            message = f"{setting!r} is not the value of a kernel setting."
            yield wrong(subject, message, 'Set it to a number or a text, such as "1".')


def patches(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield the patches that cannot be merged into any configuration, by the rules of the newest release."""
    if not isinstance(value, (list, tuple)):
        yield wrong(name, "It is not a list.", "Write it as a list of patches.")
        return
    for number, content in enumerate(value):
        subject = f"{name}[{number}]"
        try:
            apply_patches([], [Patch(subject, _native(content))], NEWEST)
        except InputError as error:
            yield wrong(subject, str(error), "Correct the patch.")


# --- Home ---


def home_network(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield why access must not be opened to a network."""
    try:
        parse_home_network(str(value))
    except Refusal as refusal:
        yield refusal.problem.about(name)


def openings(name: str, value: Sequence[Mapping[str, Any]], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems that AWS would reject in the home access rules."""
    first: dict[tuple[str, str], int] = {}
    for number, opening in enumerate(value):
        subject = f"{name}[{number}]"
        what = str(opening["group"]), str(opening["port"])
        if first.setdefault(what, number) != number:
            message = f"{name}[{first[what]}] opens port {what[1]} of the group {what[0]} already."
            yield wrong(subject, message, "Remove one of the two.")
        yield from port(f"{subject}.port", opening["port"], where)
        text = str(opening["description"])
        problem = fault("rule_description", text)
        if problem:
            yield wrong(f"{subject}.description", f"It {problem}.", f"{change_for('rule_description', text)} it.")


def home_end(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield why home access cannot end at this time."""
    try:
        parse_expires(str(value), where.now)
    except Refusal as refusal:
        yield refusal.problem.about(name)


# --- The description of a cluster ---


def description(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems of a description that a user wrote, which the modules of AWS would refuse."""
    remedy = "Remove it, and set the variables cluster_*, of which the description is composed."
    _options, spec, errors = validate_spec(_native(value))
    for message in errors:
        yield wrong(name, f"It is not a description of a cluster: {message}.", remedy)
    if spec is not None:
        yield from (problem.about(f"{name}[{problem.subject}]") for problem in description_problems(spec))


# --- Several values together ---


def _disk_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    system = values.get("talos_install_disk")
    for name in ("cluster_cozystack_data_disk", "cozystack_data_disk"):
        data = values.get(name)
        if data and system and os.path.normpath(data) == os.path.normpath(system):
            message = f"{data} is talos_install_disk, the disk of Talos."
            yield wrong(name, message, "Set it to another disk of the nodes, or leave it empty.")
        if data and any(_data_volumes(values)):
            message = f"Nodes have data volumes as well, so there are two disks for LINSTOR: {data} and the volume."
            yield wrong(name, message, "Leave it empty: the volumes are found by serial number.")


def _data_volumes(values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the sizes of data volumes, of all nodes and of single ones."""
    yield values.get("cluster_data_volume_size")
    nodes = values.get("cluster_nodes")
    yield from (node.get("data_volume_size") for node in nodes or () if isinstance(node, Mapping))


def _source_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    for prefix in ("cluster_cozystack", "cozystack"):
        names = f"{prefix}_platform_source_url", f"{prefix}_platform_source_ref"
        url, ref = (values.get(name) for name in names)
        if bool(url) != bool(ref) and None not in (url, ref):
            given, missing = names if url else names[::-1]
            yield wrong(given, f"{missing} is empty.", "Set both, or none of them for the released packages.")


def _publication_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the settings of published services that nothing reads, because only an ingress publishes services."""
    if boolean(values.get("cozystack_tenant_ingress"), strict=False):
        return
    for name in ("cozystack_external_ips", "cozystack_exposed_services"):
        given = values.get(name)
        if given and given != _EXPOSED:
            message = "It has no effect: without cozystack_tenant_ingress no service is published."
            yield wrong(name, message, "Set cozystack_tenant_ingress to true, or remove it.")


def _disk_image_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    known = values.get("nodes_image_sha256") or {}
    for role, image_name in (values.get("cluster_images") or {}).items():
        # An image in a registry is verified by its digest.
        if is_disk_image(str(image_name)) and not known.get(role):
            message = f"Nothing verifies what {image_name} returns: nodes_image_sha256[{role}] is not set."
            remedy = "Set it to the SHA-256 that its publisher names."
            yield finding("DISK_IMAGE_UNVERIFIED", f"cluster_images[{role}]", message, remedy)


def _node_patch_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    names = [str(node.get("name")) for node in values.get("cluster_nodes") or () if isinstance(node, Mapping)]
    for name in values.get("talos_node_patches") or {}:
        if names and str(name) not in names:
            message = f"The cluster has no node {name!r}, so its patches would be used by none."
            remedy = did_you_mean(str(name), names) or f"Use the names of nodes: {', '.join(names)}."
            yield wrong(f"talos_node_patches[{name}]", message, remedy)


def _private_key_problems(values: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    uses_ssh = values.get("cluster_api_via") == "bastion" or values.get("cluster_boot_method") == "ssh"
    if uses_ssh and "%" in where.private_key:
        message = f"{where.private_key!r} contains '%', and ssh reads this as the beginning of a token."
        yield wrong("--private-key", message, PERCENT_REMEDY)


def _tunnel_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield invalid settings of a tunnel, and an endpoint that a bastion on EC2 cannot reach."""
    if values.get("bastion_host_egress") != "wireguard":
        return
    settings = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
    has_ipv4 = values.get("cluster_bastion_egress") != "wireguard"
    chosen_by = "bastion_host_egress" if has_ipv4 else "cluster_bastion_egress"
    for problem in tunnel_problems(settings, has_ipv4=has_ipv4):
        # ec2_preflight_info refuses the same.
        is_known = problem.subject == f"{PREFIX}key_parameter" and not values.get("cluster_bastion_wireguard_parameter")
        if has_ipv4 or not is_known:
            yield problem if values.get(problem.subject) else problem.about(chosen_by)


def _place_problems(values: Mapping[str, Any], everything: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the addresses of the bastion that are outside of its subnet."""
    subnet = "bastion_host_subnet_ipv4_cidr"
    names = ["bastion_host_ipv4"] if {"bastion_host_ipv4", subnet} & {*values} else []
    if boolean(everything.get("bastion_host_netboot_enabled", False), strict=False):
        names += ["bastion_host_dhcp_first", "bastion_host_dhcp_last"]
    for name in names:
        # A value that is not an address is a problem of its own.
        is_judged = name in values and list(ipv4_address(name, values[name], where))
        if name in everything and not is_judged and not _is_within(everything[name], everything.get(subnet)):
            message = f"{everything[name]!r} is not an address in {everything[subnet]}, the subnet of the bastion."
            yield wrong(name, message, f"Set it to an address of {subnet}.")


def _is_within(address: Any, subnet: Any) -> bool:
    try:
        inside = ip_network(str(subnet))
    except ValueError:
        return True
    try:
        return ip_address(str(address)) in inside
    except ValueError:
        return False


# Variables whose defaults follow from others, and which only make sense together with further ones.
DERIVED = (
    "cluster_nodes",
    *("cluster_kubeconfig", "cluster_talosconfig", "cluster_bastion_known_hosts"),
    *(
        "cluster_bastion_egress",
        "bastion_host_egress",
        f"{PREFIX}key_parameter",
        "bastion_host_ipv4",
        "bastion_host_subnet_ipv4_cidr",
    ),
    *("bastion_host_netboot_enabled", "bastion_host_dhcp_first", "bastion_host_dhcp_last"),
)


def _checks(check: Check, *names: str) -> dict[str, Sequence[Check]]:
    return {name: (check,) for name in names}


# No wait of a run is as long as a week, and clocks overflow at some number.
# One address: AWS takes a list of them as one, which receives nothing.
_EMAIL = r"[^@\s,;:<>()\[\]\\\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_SECONDS_MAX = 7 * 24 * 3600
_SECONDS = at_least(1, "a number of seconds", _SECONDS_MAX)
_FOLDERS = (
    *("cluster_directory", "cluster_secrets_directory", "cozystack_directory"),
    *("report_directory", "talos_directory", "talos_snapshots_directory"),
)
_FILES = ("cluster_bastion_known_hosts", "bastion_known_hosts", "nodes_known_hosts", "bastion_host_health_file")

_WITH_CLUSTER = ("access", "bastion", "cozystack", "network", "nodes", "preflight", "report", "talos")
_OF_BASTION: Mapping[str, Sequence[Check]] = {
    **_checks(of_bastion.login, "cluster_bastion_user", "bastion_host_ssh_user", "nodes_ssh_user"),
    **_checks(of_bastion.login, "access_bastion_user", "report_bastion_user"),
    **_checks(of_bastion.public_key, "bastion_host_ssh_public_key", "nodes_ssh_public_key"),
    **_checks(if_given(of_bastion.parameter), "bastion_host_ssh_host_key_parameter"),
    "cluster_registry_login_parameters": (registry_keys, each(of_bastion.parameter)),
    "bastion_host_registry_login_parameters": (registry_keys, each(of_bastion.parameter)),
    "bastion_host_registry_passwords": (registry_keys, each(of_bastion.registry_login)),
    "bastion_host_images": (keys_of(*of_bastion.CONTAINERS), each(image)),
    "bastion_host_memory": (exact_keys(*of_bastion.CONTAINERS), each(memory)),
    "bastion_host_architecture": (one_of(*of_bastion.ARCHITECTURES),),
    "bastion_host_netboot_architectures": (filled, each(one_of(*of_bastion.ARCHITECTURES)), distinct),
    "bastion_host_netboot_kernel_arguments": (each(of_bastion.kernel_argument),),
    "bastion_host_region": (of_bastion.region,),
    "bastion_host_domain": (of_bastion.domain,),
    "bastion_host_interface": (if_given(of_bastion.interface),),
    "bastion_host_dns_names": (of_bastion.host_names,),
    "bastion_host_dhcp_lease": (of_bastion.lease,),
    "bastion_host_dhcp_router": (if_given(ipv4_address),),
    **_checks(each(ipv4_address), "bastion_host_dhcp_dns_servers", "bastion_host_dhcp_ntp_servers"),
    "bastion_host_wireguard_mtu": (at_least(576, "a number of bytes", 9001),),
    "bastion_host_health_clock_seconds": (at_least(1, "a number of seconds", 3600),),
    "bastion_host_health_disk_free_percent": (at_least(0, "a percentage", 99),),
    "bastion_host_health_ntp_server": (if_given(host),),
    "bastion_host_health_manifests": (registry_keys, each(of_bastion.manifest)),
    "bastion_python_directory": (installation_folder,),
    "bastion_python_package": (of_bastion.python_package,),
    "bastion_python_requirements": (lock_file,),
    **_checks(ipv4_address, "bastion_host_ipv4", "bastion_host_dhcp_first", "bastion_host_dhcp_last"),
}
_OF_COZYSTACK: Mapping[str, Sequence[Check]] = {
    **_checks(each(of_cozystack.package), "cluster_cozystack_disabled_packages", "cozystack_disabled_packages"),
    **_checks(each(of_cozystack.package), "preflight_cozystack_disabled_packages", "cozystack_enabled_packages"),
    "cozystack_exposed_services": (each(of_cozystack.service),),
    "cozystack_external_ips": (each(of_cozystack.external_ip), distinct),
    "cozystack_host": (of_bastion.domain,),
    **_checks(json_value, "cozystack_values", "bastion_host_docker_options"),
    **_checks(if_given(place), "cozystack_manifest", "cozystack_crds_manifest"),
    **_checks(if_given(of_cozystack.checksum), "cozystack_manifest_checksum", "cozystack_crds_manifest_checksum"),
    "cozystack_platform_source_secret": (if_given(of_cozystack.object_name),),
    "cozystack_smoke_tests": (each(one_of(*of_cozystack.SMOKE_TESTS)), distinct),
    "cozystack_smoke_images": (keys_of(*of_cozystack.SMOKE_TESTS), each(image)),
    "cozystack_spin_runtime_class": (if_given(of_cozystack.object_name),),
    "cozystack_spin_handler": (of_cozystack.handler,),
    "cozystack_spin_operator_chart": (oci_address,),
    "cozystack_spin_operator_crds": (if_given(local_place),),
    "cozystack_spin_operator_version": (of_cozystack.operator_version,),
    "cozystack_storage_pool": (of_cozystack.pool,),
    **_checks(file_path, "cozystack_kubeconfig", "cozystack_talosconfig", "report_kubeconfig", "report_talosconfig"),
    **_checks(file_path, "access_kubeconfig", "access_talosconfig"),
}
_OF_OTHERS: Mapping[str, Sequence[Check]] = {
    **_checks(merged_file(read_kubeconfig), "cluster_kubeconfig", "talos_kubeconfig"),
    **_checks(merged_file(read_talosconfig), "cluster_talosconfig", "talos_talosconfig"),
    "cluster_kubeconfig_context": (filled,),
    "cluster_claim_existing": (
        if_given(matching("(vpc|i)-[0-9a-f]{8,17}", "the ID of a VPC or an instance", "vpc-…")),
    ),
    "cluster_state_kms_key": (if_given(kms_key),),
    **_checks(of_bastion.public_parameter, "cluster_ami_parameter", "cluster_nodes_ami_parameter"),
    **_checks(if_given(of_bastion.public_parameter), "access_audit_node_ami_parameter", "preflight_node_ami_parameter"),
    "nodes_console": (if_given(console),),
    "talos_cert_sans": (each(certificate_name),),
    "talos_image_schematics": (each(sha256),),
    "talos_image_extensions": (each(each(matching("[a-z0-9][a-z0-9._-]*", "the name of an extension", "tailscale"))),),
    **_checks(description, *(f"{role}_cluster" for role in _WITH_CLUSTER)),
    "talos_image_version": (if_given(release_of("Talos", (*OLDEST, 0))),),
    "talos_sysctls": (sysctls,),
    "talos_tailscale": (
        exact_keys("enabled", "auth_key", "hostname", "routes", "userspace", "auth_once", "extra_args"),
        of_cluster.tailscale_arguments,
    ),
    "cluster_other_variables": (each(filled),),
    "cluster_tailscale_extra_args": (each(of_cluster.tailscale_argument),),
}

CHECKS: Mapping[str, Sequence[Check]] = {
    **_checks(_SECONDS, "access_tailscale_timeout", "bastion_wait_timeout", "cozystack_timeout", "cozystack_interval"),
    **_checks(
        _SECONDS, "cozystack_smoke_timeout", "nodes_wait_timeout", "nodes_host_key_timeout", "talos_wait_timeout"
    ),
    **_checks(_SECONDS, "cozystack_blocked_after", "cozystack_ingress_timeout"),
    **_checks(at_least(0, "a number of seconds", _SECONDS_MAX), "bastion_host_wait_timeout"),
    **_checks(at_least(1, "a number", 1000), "cluster_nodes_max", "nodes_download_attempts", "talos_snapshots_kept"),
    # DRBD connects no more peers.
    **_checks(at_least(1, "a number", 32), "cozystack_storage_replicas"),
    **_checks(amount("an amount of US dollars"), *(limit_name(period) for period in PERIODS)),
    **_checks(amount("an amount of US dollars"), "report_home_lab_power_per_month"),
    "cluster_budget_email": (if_given(matching(_EMAIL, "an e-mail address", "me@example.com")),),
    "cluster_budget_per_month": (amount("an amount of US dollars"),),
    **_checks(
        each(amount("a percentage", 1000)), "cluster_budget_actual_percents", "cluster_budget_forecasted_percents"
    ),
    **_checks(amount("a number of hours", 24), "cluster_cost_hours_per_day"),
    **_checks(amount("a number of hours"), "cluster_cost_session_hours"),
    **_checks(amount("a number of GB"), "cluster_cost_transfer_gb"),
    **_checks(at_least(0, "a number of days", 365), "cluster_cost_actual_days", "preflight_cost_actual_days"),
    **_checks(one_of(*AFTER_HOURS), "cluster_cost_after_hours"),
    **_checks(one_of(*POLICIES), "cluster_cost_policy"),
    "cluster_state": (state_address,),
    "cluster_registry_caches": (not_empty, cache_ports),
    **_checks(cache_ports, "bastion_host_registry_caches"),
    **_checks(each(port), "nodes_registry_caches", "talos_registry_caches"),
    **_checks(one_of(*BOOT_METHODS), "cluster_boot_method"),
    **_checks(one_of(*API_VIA), "cluster_api_via"),
    **_checks(one_of("", *CONTRACTS), "cluster_talos_contract", "talos_contract"),
    **_checks(known_host, "cluster_images_via", "access_api_host", "bastion_api_host", "cozystack_api_host"),
    **_checks(known_host, "nodes_api_host", "report_api_host", "talos_api_host"),
    **_checks(known_host, "talos_api_via", "cozystack_api_via", "cozystack_images_via"),
    "cluster_images": (keys_of(*NODE_ROLES), each(talos_image)),
    "cluster_tags": (tags,),
    "nodes_image_sha256": (keys_of(*NODE_ROLES), each(sha256)),
    **_checks(mirrors, "cluster_images_mirrors", "bastion_host_image_mirrors", "cozystack_image_mirrors"),
    **_checks(mirrors, "cluster_registry_upstreams", "preflight_registry_upstreams"),
    **_checks(if_given(image), "cluster_cozystack_operator_image", "cozystack_operator_image"),
    **_checks(image, "bastion_host_netboot_image"),
    **_checks(
        release_of("CozyStack", releases.OLDEST),
        *("cluster_cozystack_version", "cozystack_version", "preflight_cozystack_version"),
    ),
    **_checks(
        release_of("boot-to-talos", version_of(upstream.VERSION_MIN), with_v=False), "cluster_boot_to_talos_version"
    ),
    **_checks(release_of("Kubernetes", KUBERNETES_OLDEST), "talos_kubernetes_version"),
    **_checks(if_given(oci_address), "cluster_cozystack_platform_source_url", "cozystack_platform_source_url"),
    **_checks(if_given(source_ref), "cluster_cozystack_platform_source_ref", "cozystack_platform_source_ref"),
    **_checks(
        web_address,
        *("cluster_boot_to_talos_releases", "nodes_boot_to_talos_url"),
        *("bastion_host_boot_to_talos_url", "preflight_boot_to_talos_url"),
    ),
    **_checks(patches, "talos_patches", "talos_controlplane_patches", "talos_worker_patches"),
    **_checks(each(patches), "talos_node_patches"),
    **_checks(if_given(snapshot), "talos_bootstrap_snapshot"),
    **_checks(of_cluster.https_address, *of_cluster.ENDPOINTS),
    **_checks(archive_sha256, "cluster_boot_to_talos_sha256"),
    "bastion_host_netboot_ipxe": (of_bastion.boot_files, each(downloaded_file)),
    **_checks(sha256, "nodes_boot_to_talos_sha256", "bastion_host_boot_to_talos_sha256"),
    **_checks(if_given(device), "cluster_cozystack_data_disk", "cozystack_data_disk", "preflight_cozystack_data_disk"),
    **_checks(device, "talos_install_disk", "cluster_root_device", "nodes_root_device", "bastion_root_device"),
    **{name: (path_of_ssh, writable_folder) for name in _FOLDERS},
    **{name: (path_of_ssh, writable_file) for name in _FILES},
    **_checks(
        identity_file, "cluster_bastion_ssh_identity_file", "bastion_ssh_identity_file", "nodes_ssh_identity_file"
    ),
    **_checks(if_given(home_network), "access_ipv6", "preflight_home_ipv6"),
    **_checks(network(4), "bastion_host_subnet_ipv4_cidr", "bastion_host_network_ipv4_cidr"),
    **_checks(each(network(4, 6)), "bastion_host_ssh_sources"),
    **_checks(if_given(home_end), "access_expires"),
    **_checks(openings, "cluster_access_openings"),
    **_OF_BASTION,
    **_OF_COZYSTACK,
    **_OF_OTHERS,
}
