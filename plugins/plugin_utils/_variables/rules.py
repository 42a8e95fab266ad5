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
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._bastion.services import MATCHBOX_PORT
from ...module_utils._bastion.tunnel import PREFIX, tunnel_problems
from ...module_utils._boot.upstream import RAW_ENDINGS
from ...module_utils._digests import SHA256_DIGEST, is_sha256
from ...module_utils._ec2.cost.spec import AFTER_HOURS, PERIODS, POLICIES
from ...module_utils._ec2.home.input import Refusal, parse_expires, parse_home_network
from ...module_utils._ec2.node_images import is_disk_image
from ...module_utils._ec2.spec import NODE_ROLES
from ...module_utils._ec2.texts import change_for, fault
from ...module_utils._errors import InputError
from ...module_utils._findings import Finding, finding
from ...module_utils._oci.errors import ImageError
from ...module_utils._oci.reference import parse_reference
from ...module_utils._ports import ASSET_SERVER, SSH
from ...module_utils._spelling import did_you_mean
from ...module_utils._ssh.arguments import PERCENT_REMEDY, path_problem
from ...module_utils._state.address import ADDRESS_REMEDY, LOCAL, address_of
from ...module_utils._talos.config.contract import CONTRACTS
from ...module_utils._talos.config.decoding import NEWEST
from ...module_utils._talos.config.merge import Patch, apply_patches
from ...module_utils._urls import has_port, split_url
from .types import choice_problem, unknown_key_problems, written

BOOT_METHODS = ("user_data", "ssh")
API_VIA = ("bastion", "localhost")
# Ports of a bastion other than its caches: SSH, DNS, DHCP, TFTP, matchbox and the server of assets.
_TAKEN_PORTS = {
    SSH: "SSH",
    53: "DNS",
    67: "DHCP",
    69: "TFTP",
    MATCHBOX_PORT: "matchbox",
    ASSET_SERVER: "the server of boot-to-talos",
}
_RELEASE = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)(?:-[0-9A-Za-z.-]+)?")
_DEVICE = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9._/:-]*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
# In bytes, on Linux.
_NAME_MAX, _PATH_MAX = 255, 4096
# The default of cozystack_exposed_services, as its role has it.
_EXPOSED = ["dashboard", "api"]
_SOURCE_REF = re.compile(rf"(?:tag|semver)=[^\s=]+|digest={SHA256_DIGEST}")


class Surroundings(NamedTuple):
    """The environment of the checks: the time, the hosts of the inventory, and Ansible's private key."""

    now: datetime
    hosts: frozenset[str] = frozenset()
    # What Ansible itself passes to ssh, such as with --private-key.
    private_key: str = ""


Check = Callable[[str, Any, Surroundings], Iterator[Finding]]


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
    everything = {**derived, **values}
    if boolean(everything.get("cluster_bastion_enabled", True), strict=False):
        yield from _tunnel_problems(everything)
        yield from _place_problems(values, everything)


def _wrong(name: str, message: str, remedy: str) -> Finding:
    return finding("VARIABLE_VALUE_WRONG", name, message, remedy)


# --- Numbers ---


def at_least(smallest: int, what: str, largest: int | None = None) -> Check:
    """Return the check of a whole number with a minimum and an optional maximum."""
    limits = f"{smallest} or more" if largest is None else f"from {smallest} to {largest}"

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if int(value) < smallest:
            yield _wrong(name, f"{value} is less than {smallest}.", f"Set it to {what}, {limits}.")
        elif largest is not None and int(value) > largest:
            yield _wrong(name, f"{written(name, value)} is more than {largest}.", f"Set it to {what}, {limits}.")

    return check


def amount(what: str, largest: float | None = None) -> Check:
    """Return the check of a number from 0 to an optional maximum."""
    limits = "0 or more" if largest is None else f"from 0 to {largest:g}"

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if float(value) < 0 or (largest is not None and float(value) > largest):
            yield _wrong(name, f"{value} is not {what}.", f"Set it to {what}, {limits}.")

    return check


def port(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a number is not a port."""
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,5}", str(value)) or not 0 < int(value) <= 65535:
        yield _wrong(name, f"{value!r} is not a port.", "Set it to a number from 1 to 65535.")


def cache_ports(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems of the bastion's registry caches and their ports."""
    users: dict[int, str] = {}
    for registry, number in value.items():
        yield from registry_name(f"{name}[{registry}]", registry, where)
        problems = list(port(f"{name}[{registry}]", number, where))
        yield from problems or _port_clashes(f"{name}[{registry}]", registry, int(number), users)


def not_empty(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a mapping is empty."""
    if not value:
        yield _wrong(name, "It is empty.", "Add a registry, such as {ghcr.io: 5054}, or remove the variable.")


def _port_clashes(name: str, registry: str, number: int, users: dict[int, str]) -> Iterator[Finding]:
    user = _TAKEN_PORTS.get(number) or users.setdefault(number, registry)
    if user != registry:
        yield _wrong(name, f"The port {number} is used by {user} on the bastion.", "Set a port that is not used.")


# --- Names and versions ---


def one_of(*choices: str) -> Check:
    """Return the check of a text that must be one of these."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if value not in choices:
            yield choice_problem(name, value, choices)

    return check


def keys_of(*keys: str) -> Check:
    """Return the check of a mapping that has only these keys."""

    def check(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
        yield from unknown_key_problems(name, value, keys)

    return check


def registry_name(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the host name of a registry."""
    if not _HOST.fullmatch(str(value)):
        yield _wrong(name, f"{value!r} is not the name of a registry.", "Use only its host name, such as ghcr.io.")


def release_of(what: str, oldest: tuple[int, ...], before: tuple[int, ...]) -> Check:
    """Return the check of a version from the oldest to below the first unsupported one."""
    first, end = (".".join(map(str, version)) for version in (oldest, before))

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        found = _RELEASE.fullmatch(str(value))
        remedy = f"Set it to a release of {what} such as {first}, the oldest supported one."
        if not found:
            yield _wrong(name, f"{value!r} is not a release of {what}.", remedy)
        elif not oldest <= tuple(map(int, found.groups())) < before:
            message = f"{value} is not supported: the collection supports {what} from {first} to below {end}."
            yield _wrong(name, message, remedy)

    return check


def tags(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the keys and values of which AWS would get another text than the user wrote."""
    for key, text in value.items():
        for part in (key, text):
            if not isinstance(part, (str, int)) or isinstance(part, bool):
                message = f"{written(name, part)} is not a string: YAML reads what was written as another type."
                yield _wrong(f"{name}[{key}]", message, 'Put it in quotes, such as {Production: "yes"}, or remove it.')


def known_host(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a host is neither the controller, nor the bastion, nor in the inventory."""
    if value not in {*API_VIA, *where.hosts}:
        message = f"The inventory has no host {value!r}."
        yield _wrong(name, message, "Use localhost, bastion, or the name of a host in the inventory.")


def state_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither `local` nor the address of a folder in a bucket."""
    if value != LOCAL and address_of(str(value)) is None:
        yield _wrong(name, f"{str(value)!r} is not the address of a folder in a bucket.", ADDRESS_REMEDY)


def sha256(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a SHA-256; it may be empty."""
    if value and not is_sha256(str(value)):
        yield _wrong(name, f"{value!r} is not a SHA-256.", "Set it to 64 hexadecimal digits.")


def archive_sha256(name: str, value: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the wrong SHA-256 of archives, which are by version and architecture."""
    for version, archives in value.items():
        subject = f"{name}[{version}]"
        if isinstance(archives, Mapping):
            yield from each(sha256)(subject, archives, where)
        else:
            yield _wrong(subject, f"{archives!r} is not a mapping.", "Write it as {arm64: SHA-256}.")


def file_sha256(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield the wrong SHA-256 of a file that the bastion downloads."""
    if isinstance(value, Mapping):
        yield from sha256(f"{name}.sha256", value.get("sha256"), where)
    else:
        yield _wrong(name, f"{value!r} is not a mapping.", "Write it as {url: URL, sha256: SHA-256}.")


def each(check: Check) -> Check:
    """Return the check of a mapping or list, each value of which passes another check."""

    def check_each(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from check(f"{name}[{key}]", item, where)

    return check_each


def if_given(check: Check) -> Check:
    """Return the check of a text that may be empty."""

    def check_given(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        if value:
            yield from check(name, value, where)

    return check_given


# --- Images and addresses ---


def image(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a value is not a reference to an image."""
    if not isinstance(value, str):
        yield _wrong(name, f"{value!r} is not a string.", "Set it to an image, such as ghcr.io/example/talos:v1.13.9.")
        return
    try:
        parse_reference(str(value))
    except ImageError as error:
        yield error.problem.about(name)


def talos_image(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is neither a reference to an image nor the URL of a disk image."""
    parts = split_url(str(value))
    if parts.scheme not in ("http", "https"):
        yield from image(name, value, where)
    elif not parts.path.endswith(RAW_ENDINGS):
        remedy = f"Remove {parts.scheme}:// if it is an image in a registry; a disk image ends in .raw.xz."
        yield _wrong(name, f"{value!r} is a URL, but not of a disk image.", remedy)


def web_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a URL of the web."""
    parts = split_url(str(value))
    if "@" in parts.netloc:
        message = "It has a user name or a password, and a URL is in logs and in the user-data of instances."
        yield _wrong(name, message, "Remove what is before the @.")
    elif parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", str(value)):
        yield _wrong(name, f"{value!r} is not a URL.", "Write it as https://host/path.")
    elif not has_port(parts):
        yield _wrong(name, f"{value!r} has no valid port.", "Use a port from 1 to 65535, or none.")


def oci_address(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the address of a repository that Flux reads packages from."""
    scheme, _separator, rest = str(value).partition("://")
    if scheme != "oci" or not re.fullmatch(r"[^/\s@]+(/[^/\s@:]+)+", rest):
        remedy = (
            "Write it as oci://registry.example.com/cozystack-packages; the tag or digest goes to the variable _ref."
        )
        yield _wrong(name, f"{value!r} is not the address of an OCI repository.", remedy)


def source_ref(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a tag or digest of the packages."""
    if not _SOURCE_REF.fullmatch(str(value)):
        message = f"{value!r} is not a tag or digest of the packages."
        yield _wrong(name, message, "Write tag=v1.6.2, or digest=sha256: with 64 digits.")


def network(*versions: int) -> Check:
    """Return the check of an IPv4 or IPv6 network."""

    def check(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
        try:
            found = ip_network(str(value)).version
        except ValueError as error:
            yield _wrong(name, f"{error}.", "Write a network such as 10.10.0.0/24, without host bits.")
        else:
            if found not in versions:
                yield _wrong(name, f"{value} is an IPv{found} network.", f"Set it to an IPv{versions[0]} network.")

    return check


# --- Disks and folders ---


def device(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the path of a disk."""
    if not _DEVICE.fullmatch(str(value)) or ".." in str(value):
        yield _wrong(name, f"{value!r} is not the path of a disk.", f"Write it as {_as_device(value)}.")


def _as_device(value: Any) -> str:
    """Return the path that a name of a disk stands for, else an example, which must not name another disk."""
    path = f"/dev/{value}"
    return path if _DEVICE.fullmatch(path) and ".." not in path else "/dev/ and the name of the disk, as lsblk shows it"


def path_of_ssh(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a path is not valid in arguments of ssh."""
    if problem := path_problem(str(value)):
        remedy = "Rename it, and write an environment variable as {{ lookup('ansible.builtin.env', 'HOME') }}."
        yield _wrong(name, problem, remedy)


def writable_folder(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a directory cannot be created or written to."""
    folder = _expanded(value)
    if not folder.is_absolute():
        yield from _not_absolute(name, value)
        return
    if _is_too_long(folder):
        yield finding("DIRECTORY_NOT_WRITABLE", name, "The path or a name in it is longer than Linux allows.")
        return
    there = next((parent for parent in (folder, *folder.parents) if os.path.lexists(parent)), folder)
    if there.is_symlink() and not there.is_dir():
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"{there} is a symbolic link that leads to no directory.")
    elif not there.is_dir():
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"{there} is a file, but {folder} has to be a directory.")
    elif not os.access(there, os.W_OK | os.X_OK) or there.is_relative_to("/proc"):
        yield finding("DIRECTORY_NOT_WRITABLE", name, f"The directory {there} is not writable.")


def _expanded(text: str) -> Path:
    """Return a path with the home directory for ~, unchanged if it names a user that does not exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _is_too_long(path: Path) -> bool:
    """Return whether Linux has no files of this path, for which most methods of Path raise an error."""
    return len(os.fsencode(path)) >= _PATH_MAX or any(len(os.fsencode(part)) > _NAME_MAX for part in path.parts)


def _not_absolute(name: str, value: str) -> Iterator[Finding]:
    if value.startswith("~"):
        message = f"The controller has no user {value.partition('/')[0][1:]!r}."
        yield finding("DIRECTORY_NOT_WRITABLE", name, message, "Begin the path with ~/ or with /.")
        return
    remedy = f"Use an absolute path or one that begins with ~, such as ~/{value or 'moon'}."
    message = f"{value!r} is a relative path, which depends on the current directory."
    yield finding("DIRECTORY_NOT_WRITABLE", name, message, remedy)


def writable_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that the directory of a file cannot be created or written to."""
    if not _expanded(value).is_absolute():
        yield from _not_absolute(name, value)
        return
    yield from writable_folder(name, str(Path(value).parent), where)


def existing_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a file of the controller does not exist."""
    path = _expanded(value)
    if _is_too_long(path) or not path.is_file():
        yield _wrong(
            name, f"The file {str(value)!r} does not exist.", "Set it to the path of a file, or leave it empty."
        )


def identity_file(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that ssh cannot log in with a file; it may be empty."""
    yield from list(path_of_ssh(name, value, where)) or if_given(existing_file)(name, value, where)


# --- Talos ---


def _native(value: Any) -> Any:
    """Return a value of a variable without Ansible's tags, which the loader of YAML does not accept in a text."""
    if isinstance(value, Mapping):
        return {str(key): _native(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_native(part) for part in value]
    return str(value) if isinstance(value, str) else value


def patches(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield the patches that cannot be merged into any configuration, by the rules of the newest release."""
    if not isinstance(value, (list, tuple)):
        yield _wrong(name, "It is not a list.", "Write it as a list of patches.")
        return
    for number, content in enumerate(value):
        subject = f"{name}[{number}]"
        try:
            apply_patches([], [Patch(subject, _native(content))], NEWEST)
        except InputError as error:
            yield _wrong(subject, str(error), "Correct the patch.")


# --- Home ---


def home_network(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield why access must not be opened to a network."""
    try:
        parse_home_network(str(value))
    except Refusal as refusal:
        yield refusal.problem.about(name)


def openings(name: str, value: Sequence[Mapping[str, Any]], where: Surroundings) -> Iterator[Finding]:
    """Yield the problems that AWS would reject in the home access rules."""
    for number, opening in enumerate(value):
        subject = f"{name}[{number}]"
        yield from port(f"{subject}.port", opening["port"], where)
        text = str(opening["description"])
        wrong = fault("rule_description", text)
        if wrong:
            yield _wrong(f"{subject}.description", f"It {wrong}.", f"{change_for('rule_description', text)} it.")


def home_end(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield why home access cannot end at this time."""
    try:
        parse_expires(str(value), where.now)
    except Refusal as refusal:
        yield refusal.problem.about(name)


# --- Several values together ---


def _disk_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    system = values.get("talos_install_disk")
    for name in ("cluster_cozystack_data_disk", "cozystack_data_disk"):
        data = values.get(name)
        if data and system and os.path.normpath(data) == os.path.normpath(system):
            message = f"{data} is talos_install_disk, the disk of Talos."
            yield _wrong(name, message, "Set it to another disk of the nodes, or leave it empty.")
        if data and any(_data_volumes(values)):
            message = f"Nodes have data volumes as well, so there are two disks for LINSTOR: {data} and the volume."
            yield _wrong(name, message, "Leave it empty: the volumes are found by serial number.")


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
            yield _wrong(given, f"{missing} is empty.", "Set both, or none of them for the released packages.")


def _publication_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the settings of published services that nothing reads, because only an ingress publishes services."""
    if boolean(values.get("cozystack_tenant_ingress") or False, strict=False):
        return
    for name in ("cozystack_external_ips", "cozystack_exposed_services"):
        given = values.get(name)
        if given and given != _EXPOSED:
            message = "It has no effect: without cozystack_tenant_ingress no service is published."
            yield _wrong(name, message, "Set cozystack_tenant_ingress to true, or remove it.")


def _disk_image_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    known = values.get("nodes_image_sha256") or {}
    for role, image_name in (values.get("cluster_images") or {}).items():
        # An image in a registry is verified by its digest.
        if is_disk_image(str(image_name)) and not known.get(role):
            message = f"Nothing verifies what {image_name} returns: nodes_image_sha256[{role}] is not set."
            yield _wrong(f"cluster_images[{role}]", message, "Set it to the SHA-256 that its publisher names.")


def _node_patch_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    names = [str(node.get("name")) for node in values.get("cluster_nodes") or () if isinstance(node, Mapping)]
    for name in values.get("talos_node_patches") or {}:
        if names and str(name) not in names:
            message = f"The cluster has no node {name!r}, so its patches would be used by none."
            remedy = did_you_mean(str(name), names) or f"Use the names of nodes: {', '.join(names)}."
            yield _wrong(f"talos_node_patches[{name}]", message, remedy)


def _private_key_problems(values: Mapping[str, Any], where: Surroundings) -> Iterator[Finding]:
    uses_ssh = values.get("cluster_api_via") == "bastion" or values.get("cluster_boot_method") == "ssh"
    if uses_ssh and "%" in where.private_key:
        message = f"{where.private_key!r} contains '%', and ssh reads this as the beginning of a token."
        yield _wrong("--private-key", message, PERCENT_REMEDY)


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


def _place_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the addresses of the bastion that are outside of its subnet."""
    subnet = "bastion_host_subnet_ipv4_cidr"
    names = ["bastion_host_ipv4"] if {"bastion_host_ipv4", subnet} & {*values} else []
    if boolean(everything.get("bastion_host_netboot_enabled", False), strict=False):
        names += ["bastion_host_dhcp_first", "bastion_host_dhcp_last"]
    for name in names:
        if name in everything and not _is_within(everything[name], everything.get(subnet)):
            message = f"{everything[name]!r} is not an address in {everything[subnet]}, the subnet of the bastion."
            yield _wrong(name, message, f"Set it to an address of {subnet}.")


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
_SECONDS_MAX = 7 * 24 * 3600
_SECONDS = at_least(1, "a number of seconds", _SECONDS_MAX)
_FOLDERS = (
    *("cluster_directory", "cluster_secrets_directory", "access_directory", "cozystack_directory"),
    *("report_directory", "talos_directory", "talos_snapshots_directory"),
)
_FILES = ("cluster_bastion_known_hosts", "bastion_known_hosts", "nodes_known_hosts", "bastion_host_health_file")

CHECKS: Mapping[str, Sequence[Check]] = {
    **_checks(_SECONDS, "access_tailscale_timeout", "bastion_wait_timeout", "cozystack_timeout", "cozystack_interval"),
    **_checks(
        _SECONDS, "cozystack_smoke_timeout", "nodes_wait_timeout", "nodes_host_key_timeout", "talos_wait_timeout"
    ),
    **_checks(_SECONDS, "cozystack_blocked_after"),
    **_checks(at_least(0, "a number of seconds", _SECONDS_MAX), "bastion_host_wait_timeout"),
    **_checks(at_least(1, "a number"), "cluster_nodes_max", "nodes_download_attempts", "talos_snapshots_kept"),
    **_checks(at_least(1, "a number"), "cozystack_storage_replicas"),
    **_checks(amount("an amount of US dollars"), *(f"cluster_cost_per_{period}_max" for period in PERIODS)),
    **_checks(amount("a number of hours", 24), "cluster_cost_hours_per_day"),
    **_checks(amount("a number of hours"), "cluster_cost_session_hours"),
    **_checks(amount("a number of GB"), "cluster_cost_transfer_gb"),
    **_checks(at_least(0, "a number of days"), "cluster_cost_actual_days", "preflight_cost_actual_days"),
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
    "cluster_images": (keys_of(*NODE_ROLES), each(talos_image)),
    "cluster_tags": (tags,),
    "nodes_image_sha256": (keys_of(*NODE_ROLES), each(sha256)),
    **_checks(each(web_address), "cluster_images_mirrors", "bastion_host_image_mirrors"),
    **_checks(each(web_address), "cluster_registry_upstreams"),
    **_checks(each(image), "bastion_host_images"),
    **_checks(if_given(image), "cluster_cozystack_operator_image", "cozystack_operator_image"),
    **_checks(image, "bastion_host_netboot_image"),
    **_checks(
        release_of("CozyStack", (1, 0, 0), (2, 0, 0)),
        *("cluster_cozystack_version", "cozystack_version"),
    ),
    **_checks(
        release_of("boot-to-talos", (0, 7, 1), (1, 0, 0)),
        "cluster_boot_to_talos_version",
    ),
    **_checks(release_of("Kubernetes", (1, 28, 0), (2, 0, 0)), "talos_kubernetes_version"),
    **_checks(if_given(oci_address), "cluster_cozystack_platform_source_url", "cozystack_platform_source_url"),
    **_checks(if_given(source_ref), "cluster_cozystack_platform_source_ref", "cozystack_platform_source_ref"),
    **_checks(
        web_address, "cluster_boot_to_talos_releases", "nodes_boot_to_talos_url", "bastion_host_boot_to_talos_url"
    ),
    **_checks(patches, "talos_patches", "talos_controlplane_patches", "talos_worker_patches"),
    **_checks(each(patches), "talos_node_patches"),
    **_checks(if_given(existing_file), "talos_bootstrap_snapshot"),
    **_checks(web_address, "cluster_endpoint", "talos_endpoint", "cozystack_api_server_endpoint"),
    **_checks(archive_sha256, "cluster_boot_to_talos_sha256"),
    **_checks(each(file_sha256), "bastion_host_netboot_ipxe"),
    **_checks(sha256, "nodes_boot_to_talos_sha256", "bastion_host_boot_to_talos_sha256"),
    **_checks(if_given(device), "cluster_cozystack_data_disk", "cozystack_data_disk"),
    **_checks(device, "talos_install_disk", "cluster_root_device", "nodes_root_device", "bastion_root_device"),
    **{name: (path_of_ssh, writable_folder) for name in _FOLDERS},
    **{name: (path_of_ssh, writable_file) for name in _FILES},
    **_checks(
        identity_file, "cluster_bastion_ssh_identity_file", "bastion_ssh_identity_file", "nodes_ssh_identity_file"
    ),
    **_checks(if_given(home_network), "access_ipv6"),
    **_checks(network(4), "bastion_host_subnet_ipv4_cidr", "bastion_host_network_ipv4_cidr"),
    **_checks(each(network(4, 6)), "bastion_host_ssh_sources"),
    **_checks(if_given(home_end), "access_expires"),
    **_checks(openings, "cluster_access_openings"),
}
