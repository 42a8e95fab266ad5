# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the variables of bastions and of logins. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._bastion.netboot import BUILDS, CLIENTS
from ...module_utils._bastion.services import unused_images
from ...module_utils._ec2.spec import address_of
from ...module_utils._findings import Finding
from ...module_utils._spelling import is_misspelt
from ...module_utils._ssh.keys import public_key_problem
from .checks import Surroundings, fitting, ipv4_address, matching, missing_keys, wrong

CONTAINERS = ("registry", "dnsmasq", "matchbox", "nginx")
ARCHITECTURES = tuple(BUILDS)
# The programs that dnsmasq offers to firmware over TFTP.
BOOT_FILES = tuple(name for _clients, name in CLIENTS.values())
# Of a cache either a parameter or a password may be given.
_PASSWORDS = "bastion_host_registry_passwords"
_PARAMETERS = ("cluster_registry_login_parameters", "bastion_host_registry_login_parameters")
_UPSTREAMS = ("cluster_registry_upstreams", "preflight_registry_upstreams")
# Of the role cluster, which also holds for caches without it.
_DEFAULT_UPSTREAMS = {"docker.io": "https://registry-1.docker.io"}
# The first that is given has the caches of the bastion.
_CACHES = ("bastion_host_registry_caches", "cluster_registry_caches")
# Of dnsmasq, which raises shorter leases to this.
_LEASE_MIN = 120
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LEASE = re.compile(rf"([0-9]{{1,9}})([{''.join(_UNITS)}]?)")
# The options that useradd(8) describes, in upper case and with dots as well, as images and directories have them.
login = matching("(?!root$)[A-Za-z_][A-Za-z0-9_.-]{0,31}", "the name of a user with a directory in /home", "ec2-user")
# A Linux interface has at most 15 characters.
interface = matching(r"(?!\.{1,2}$)[^\s/:]{1,15}", "the name of a network interface", "ens5")
manifest = matching(
    r"[a-z0-9][a-z0-9._/-]*/manifests/[A-Za-z0-9_][A-Za-z0-9_.:-]*",
    "the path of a manifest",
    "library/alpine/manifests/latest",
)
# The programs of iPXE and of boot loaders split the command line at blanks.
kernel_argument = matching(r"[^\s\"']+", "one argument of the kernel", "console=ttyS0, each as an element of its own")
parameter = fitting("parameter_name", "the name of an SSM parameter of your own", "/talos/wireguard")
public_parameter = matching(
    r"(/[A-Za-z0-9_.-]+){1,15}", "the name of an SSM parameter", "/aws/service/ami-amazon-linux-latest/NAME"
)
region = fitting("region", "a supported region", "eu-west-1")
domain = fitting("domain_name", "a DNS domain in lower case", "talos.local")


def lease(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not a duration that dnsmasq takes as it is."""
    found = _LEASE.fullmatch(str(value))
    if str(value) != "infinite" and (not found or int(found[1]) * _UNITS[found[2]] < _LEASE_MIN):
        message = f"{str(value)!r} is not the duration of a lease."
        yield wrong(name, message, "Write it as 12h, with s, m, h, d or w: two minutes or more, or infinite.")


def host_names(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the names and addresses that dnsmasq cannot answer with."""
    for key, address in value.items():
        subject = f"{name}[{key}]"
        yield from fitting("domain_name", "a host name in lower case", "gateway")(subject, key, where)
        yield from ipv4_address(subject, address, where)


def registry_login(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a value is not the login of a registry, without the value."""
    if not re.fullmatch(r"[^:\s]+:[^\r\n]+", str(value)):
        yield wrong(name, "The value is not a login.", "Write it as USER:PASSWORD, in one line.")


def boot_files(name: str, value: Mapping[Any, Any], where: Surroundings) -> Iterator[Finding]:
    """Yield the names that are not of a file that TFTP serves, and those that are misspelt."""
    for key in map(str, value):
        meant = [file for file in BOOT_FILES if is_misspelt(key, file)]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", key):
            yield wrong(f"{name}[{key}]", f"{key!r} is not the name of a file.", f"Use {' or '.join(BOOT_FILES)}.")
        elif meant:
            message = f"DHCP offers {meant[0]} to machines, and no {key}."
            yield wrong(f"{name}[{key}]", message, f"Did you mean {meant[0]}?")


def public_key(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a text is not the public key of a user; it may be empty."""
    problem = public_key_problem(str(value)) if value else None
    if problem:
        yield wrong(name, problem, "Set it to the content of a file such as ~/.ssh/id_ed25519.pub.")


def python_package(name: str, value: Any, where: Surroundings) -> Iterator[Finding]:
    """Yield that a package has no Python that the modules can run with."""
    found = re.fullmatch(r"python3(?:\.([0-9]{1,3}))?", str(value))
    if not found or int(found[1] or 11) < 11:
        message = f"{str(value)!r} is not a package with Python 3.11 or newer."
        yield wrong(name, message, "Set it to a package such as python3.11.")


def image_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the containers that run and have no image."""
    name = "bastion_host_images"
    enabled = {
        part: boolean(values.get(f"bastion_host_{part}"), strict=False) for part in ("dns_enabled", "netboot_enabled")
    }
    needed = [one for one in CONTAINERS if one not in unused_images(**enabled)]
    if name in values:
        yield from missing_keys(name, values[name], needed)


def login_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the logins of registries that the bastion does not cache, and a second login of one that it caches."""
    for name in (*_PARAMETERS, _PASSWORDS):
        yield from _uncached_problems(name, values, everything)
    for name in _PARAMETERS:
        for registry in everything.get(name) or ():
            if registry in (values.get(_PASSWORDS) or ()):
                message = f"{name}[{registry}] is a login of the same cache."
                yield wrong(f"{_PASSWORDS}[{registry}]", message, "Remove one of the two.")


def replacement_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the logins that a new instance of the cluster's bastion would not have."""
    uncached = _uncached(_PASSWORDS, values, everything)
    for registry in values.get(_PASSWORDS) or ():
        if registry not in uncached:
            message = "A new instance of the cluster's bastion would not have it, so this cache would not start."
            remedy = "Put it into an SSM SecureString, and name that in cluster_registry_login_parameters."
            yield wrong(f"{_PASSWORDS}[{registry}]", message, remedy)


def upstream_problems(values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the upstreams of registries that the bastion does not cache, which nothing would use."""
    for name in _UPSTREAMS:
        if values.get(name) != _DEFAULT_UPSTREAMS:
            yield from _uncached_problems(name, values, everything)


def _uncached_problems(name: str, values: Mapping[str, Any], everything: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the registries in a variable that the bastion does not cache."""
    caches = _caches(everything)
    for registry in _uncached(name, values, everything):
        message = f"The bastion has no cache of {registry}, only of {', '.join(map(str, everything[caches]))}."
        yield wrong(f"{name}[{registry}]", message, f"Correct it, or add it to {caches}.")


def _uncached(name: str, values: Mapping[str, Any], everything: Mapping[str, Any]) -> list[Any]:
    """Return the registries in a variable that are not those of a known cache."""
    known = everything.get(_caches(everything))
    return [registry for registry in values.get(name) or () if known and registry not in known]


def _caches(everything: Mapping[str, Any]) -> str:
    """Return the variable that has the caches of the bastion."""
    return next((name for name in _CACHES if everything.get(name)), _CACHES[-1])


def dhcp_problems(values: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield that the range of DHCP ends before it begins, or has the bastion's own address in it."""
    first, last, own = (
        address_of(str(values.get(f"bastion_host_{part}"))) for part in ("dhcp_first", "dhcp_last", "ipv4")
    )
    if first and last and first > last:
        message = f"The range of DHCP ends with {last}, before it begins with {first}."
        yield wrong("bastion_host_dhcp_last", message, f"Set it to {first} or a later address.")
    elif first and last and own and first <= own <= last:
        message = f"The range of DHCP has {own} in it, the address of the bastion."
        yield wrong("bastion_host_dhcp_first", message, "Set it to an address behind the bastion's.")
