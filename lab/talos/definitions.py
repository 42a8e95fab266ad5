# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of resources that the simulation knows: by which names talosctl finds them, and what it shows of them."""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple

# Type | default namespace | further names | columns of a table, as Talos v1.13 defines them.
_TABLE: Final = """
AddressStatuses.net.talos.dev | network | address addresses | Address={.address}, Link={.linkName}
Disks.block.talos.dev | runtime | | Size={.pretty_size}, Read Only={.readonly}, Transport={.transport}, \
Rotational={.rotational}, WWID={.wwid}, Model={.model}, Serial={.serial}
EtcdMembers.etcd.talos.dev | etcd | | Member ID={.memberID}
ExtensionStatuses.runtime.talos.dev | runtime | extensions | Name={.metadata.name}, Version={.metadata.version}
HostnameStatuses.net.talos.dev | network | hostname | Hostname={.hostname}, Domainname={.domainname}
KernelCmdlines.runtime.talos.dev | runtime | cmdline | Cmdline={.cmdline}
LinkStatuses.net.talos.dev | network | link links | Alias={.alias}, Type={.type}, Kind={.kind}, \
Hw Addr={.hardwareAddr}, Oper State={.operationalState}, Link State={.linkState}
MachineConfigs.config.talos.dev | config | |
MachineStatuses.runtime.talos.dev | runtime | | Stage={.stage}, Ready={.status.ready}
MachineTypes.config.talos.dev | config | | Type={@}
Members.cluster.talos.dev | cluster | | Hostname={.hostname}, Machine Type={.machineType}, OS={.operatingSystem}, \
Addresses={.addresses}
NodeAddresses.net.talos.dev | network | | Addresses={.addresses}, SortAlgorithm={.sortAlgorithm}
Nodenames.kubernetes.talos.dev | k8s | | Nodename={.nodename}
OOMActions.talos.dev | runtime | | Time={.time}, Score={.score}
PlatformMetadatas.talos.dev | runtime | | Platform={.platform}, Type={.instanceType}, Region={.region}, Zone={.zone}
ResourceDefinitions.meta.cosi.dev | meta | api-resources | Aliases={.aliases[:]}
Services.v1alpha1.talos.dev | runtime | svc | Running={.running}, Healthy={.healthy}, Health Unknown={.unknown}
SystemDisks.block.talos.dev | runtime | | Disk={.diskID}
TimeStatuses.v1alpha1.talos.dev | runtime | | Synced={.synced}
Versions.runtime.talos.dev | runtime | version | Version={.version}
"""

SENSITIVE: Final = {"MachineConfigs.config.talos.dev", "OOMActions.talos.dev"}


class Definition(NamedTuple):
    """What COSI reports a kind of resource."""

    type: str
    namespace: str
    given: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]

    @property
    def display_type(self) -> str:
        plural = self.type.partition(".")[0]
        return plural.removesuffix("es" if plural.endswith("sses") or plural.endswith("uses") else "s")

    @property
    def aliases(self) -> list[str]:
        """Return the short names: given ones, the singular, and the capital letters."""
        capitals = "".join(letter for letter in self.type.partition(".")[0] if letter.isupper()).lower()
        letters = [capitals, f"{capitals}s"][: 1 if capitals.endswith("s") else 2] if len(capitals) > 1 else []
        return [*self.given, self.display_type.lower(), *letters]

    @property
    def all_aliases(self) -> list[str]:
        name, *suffix = self.type.split(".")
        plurals = [".".join([name.lower(), *suffix[:end]]) for end in range(len(suffix))]
        return [*plurals, *self.aliases]

    def spec(self) -> dict[str, Any]:
        columns = [{"name": name, "jsonPath": path} for name, path in self.columns]
        spec = {
            "type": self.type,
            "displayType": self.display_type,
            "defaultNamespace": self.namespace,
            "aliases": self.aliases,
            "allAliases": self.all_aliases,
            "printColumns": columns,
        }
        return {**spec, "sensitivity": "sensitive"} if self.type in SENSITIVE else spec


@functools.cache
def definitions() -> dict[str, Definition]:
    found = [_definition(line) for line in _TABLE.strip().splitlines()]
    return {definition.type.lower(): definition for definition in found}


def _definition(line: str) -> Definition:
    kind, namespace, given, columns = (part.strip() for part in line.split("|"))
    pairs = [column.partition("=") for column in columns.split(", ") if column]
    return Definition(kind, namespace, tuple(given.split()), tuple((name, path) for name, _equals, path in pairs))
