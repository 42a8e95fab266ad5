# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations for Talos, valid and invalid, on which Talos itself and our own code are to agree.

They are the same in every run but for the secrets in them. A change is written `path = value` (YAML) or `- path`; the
rest of the path is keys, and a document of its own is written `Kind: fields`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ansible_collections.urmanac.talos.plugins.module_utils._machine_types import CONTROL_PLANE, WORKER
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import cozystack, fields, merge
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config import node as node_config
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.cluster import ClusterConfig
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests.talos_config import test_bundle
from tests.talos_documents import documents, together

Document = dict[str, Any]
DOCUMENTATION = Path(__file__).resolve().parents[1] / "docs" / "talos_versions.md"
ENDPOINT = "https://192.0.2.101:6443"
MIRRORS = {"docker.io": ("http://192.0.2.100:5050",), "ghcr.io": ("http://192.0.2.100:5054",)}
# Each is valid for all versions that know its documents.
BASES = ("v1.11", "v1.12", "v1.13", "v1.14")


class Case(NamedTuple):
    """A configuration under a name, and the patches that talosctl applies before."""

    name: str
    config: str
    patches: tuple[str, ...] = ()


CONTROL_PLANE_CHANGES = r"""
version = v1beta1
debug = true
debug = "true"
debug = maybe
debug = yes
persist = false
persist = no
persist = "off"
persist = yes
typo = 1
- machine
- cluster
machine = null
machine = {}
machine = []
machine = text
machine.typo = 1
machine.kubeletts = {}
machine.type = worker
machine.type = init
machine.type = join
machine.type = boss
machine.type = ''
machine.type = [controlplane]
- machine.type
machine.token = ''
machine.token = 17
- machine.ca
machine.ca = {}
machine.ca.key = ''
machine.ca.crt = ''
machine.ca.crt = "not base64!"
machine.ca.crt = bm90IGEgY2VydGlmaWNhdGU=
machine.ca.typo = 1
machine.acceptedCAs = [{crt: bm90IGEgY2VydGlmaWNhdGU=}]
machine.certSANs = 192.0.2.1
machine.certSANs = ["a b", 5]
machine.kubelet.image = ghcr.io/siderolabs/kubelet:v1.20.0
machine.kubelet.image = ghcr.io/siderolabs/kubelet:latest
machine.kubelet.image = ghcr.io/siderolabs/kubelet
machine.kubelet.image = ghcr.io/siderolabs/kubelet:v1.29.0
machine.kubelet.image = ghcr.io/siderolabs/kubelet:v1.35.0
machine.kubelet.image = ghcr.io/siderolabs/kubelet:v1.37.0
machine.kubelet.image = ghcr.io/siderolabs/kubelet:v1.34.0@sha256:000000000000000000000000000000000000000000000000
cluster.apiServer.image = registry.k8s.io/kube-apiserver:v1.20.0
cluster.scheduler.image = registry.k8s.io/kube-scheduler:v1.99.0
machine.kubelet.nodeIP.validSubnets = [192.0.2.0/24, '!2001:db8::/64']
machine.kubelet.nodeIP.validSubnets = [192.0.2.0/240]
machine.kubelet.nodeIP.validSubnets = [here]
machine.kubelet.nodeIP.typo = 1
machine.kubelet.extraConfig = {maxPods: 512}
machine.kubelet.extraConfig = {port: 10}
machine.kubelet.extraConfig = {authentication: {}}
machine.kubelet.extraConfig = text
machine.kubelet.extraArgs = {v: 4}
machine.kubelet.extraArgs = {v: [a, b]}
machine.kubelet.extraArgs = {v: {a: b}}
machine.kubelet.extraMounts = [{destination: /var/a, type: bind, source: /var/a, options: [bind, rw]}]
machine.kubelet.extraMounts = [{destination: /var/a, sauce: /var/a}]
machine.kubelet.registerWithFQDN = "no"
machine.kubelet.defaultRuntimeSeccompProfileEnabled = 1
- machine.kubelet
- machine.install
machine.install = {}
machine.install = null
machine.install.disk = ''
machine.install.typo = 1
machine.install.dik = /dev/sda
machine.install.wipe = ['true']
machine.install.diskSelector = {size: '>= 10GB'}
machine.install.diskSelector = {size: 'a lot'}
machine.install.diskSelector = {type: ssd}
machine.install.diskSelector = {type: nvme}
machine.install.diskSelector = {type: floppy}
machine.install.diskSelector = {type: SSD}
machine.install.diskSelector = {size: '>1.2.3GB'}
machine.install.diskSelector = {typ: nvme}
machine.install.extraKernelArgs = [console=ttyS0]
machine.install.extraKernelArgs = console=ttyS0
machine.install.grubUseUKICmdline = true
machine.install.extensions = [{image: a}, {image: a}]
machine.install.extensions = [{image: a}]
machine.install.legacyBIOSSupport = true
machine.network.hostname = cp-1
machine.network.hostname = {a: b}
machine.network.nameservers = [192.0.2.53]
machine.network.nameservers = 192.0.2.53
machine.network.searchDomains = [example.com]
machine.network.disableSearchDomain = true
machine.network.typo = 1
machine.network.interfaces = [{interface: eth0, dhcp: true}]
machine.network.interfaces = [{dhcp: true}]
machine.network.interfaces = [{interface: eth0, deviceSelector: {busPath: '0*'}}]
machine.network.interfaces = [{deviceSelector: {}}]
machine.network.interfaces = [{deviceSelector: {hardwareAddr: '02:00:00:00:00:01', physical: true}, dhcp: true}]
machine.network.interfaces = [{deviceSelector: {mac: '02:00:00:00:00:01'}}]
machine.network.interfaces = [{interface: eth0, addresses: [192.0.2.5/24, '2001:db8::5/64']}]
machine.network.interfaces = [{interface: eth0, addresses: [192.0.2.5]}]
machine.network.interfaces = [{interface: eth0, addresses: [192.0.2.500/24]}]
machine.network.interfaces = [{interface: eth0, addresses: [192.0.2.5/33]}]
machine.network.interfaces = [{interface: eth0, addresses: [192.0.2.5/24], cidr: 192.0.2.6/24}]
machine.network.interfaces = [{interface: eth0, cidr: 192.0.2.5/24}]
machine.network.interfaces = [{interface: eth0, routes: [{network: 0.0.0.0/0, gateway: 192.0.2.1}]}]
machine.network.interfaces = [{interface: eth0, routes: [{network: default, gateway: 192.0.2.1}]}]
machine.network.interfaces = [{interface: eth0, routes: [{network: 0.0.0.0, gateway: 192.0.2.1}]}]
machine.network.interfaces = [{interface: eth0, routes: [{network: 0.0.0.0/0, gateway: router}]}]
machine.network.interfaces = [{interface: eth0, routes: [{gateway: 192.0.2.1}]}]
machine.network.interfaces = [{interface: eth0, routes: [{metric: 1}]}]
machine.network.interfaces = [{interface: eth0, routes: [{network: 192.0.2.0/24, source: here}]}]
machine.network.interfaces = [{interface: eth0, routes: [{network: 192.0.2.0/24, metric: -1}]}]
machine.network.interfaces = [{interface: eth0, mtu: many}]
machine.network.interfaces = [{interface: eth0, mtu: 9001}]
machine.network.interfaces = [{interface: eth0, vip: {ip: 192.0.2.9}}]
machine.network.interfaces = [{interface: eth0, vip: {ip: here}}]
machine.network.interfaces = [{interface: eth0, ignore: true, addresses: [here]}]
machine.network.interfaces = [{interface: eth0, ignore: yes, addresses: [here]}]
machine.network.interfaces = [{interface: eth0, ignore: no, addresses: [here]}]
machine.network.interfaces = [{interface: eth0, vlans: [{vlanId: 5, addresses: [192.0.2.5/24]}]}]
machine.network.interfaces = [{interface: eth0, vlans: [{vlanId: 5, addresses: [here]}]}]
machine.network.interfaces = [{interface: eth0, vlans: [{vlanId: 70000}]}]
machine.network.interfaces = [{interface: bond0, bond: {mode: 802.3ad, lacpRate: slow, interfaces: [eth0]}}]
machine.network.interfaces = [{interface: bond0, bond: {mode: fast, interfaces: [eth0]}}]
machine.network.interfaces = [{interface: bond0, bond: {mode: active-backup, lacpRate: slow, interfaces: [eth0]}}]
machine.network.interfaces = [{interface: bond0, bond: {mode: active-backup, interfaces: [eth0]}, bridge: {}}]
machine.network.interfaces = {eth0: {dhcp: true}}
machine.network.extraHostEntries = [{ip: 192.0.2.1, aliases: [a]}]
machine.network.extraHostEntries = [{ip: 192.0.2.1, alias: [a]}]
machine.network.kubespan = {enabled: true}
machine.network.kubespan = {enabled: true, mtu: 100}
machine.network.kubespan = {enabled: no, mtu: 100}
machine.network.kubespan = {enabled: true, mtu: 1300.5}
machine.network.kubespan = {enabled: true, filters: {endpoints: [here]}}
machine.network.kubespan = {enabled: true, typo: 1}
machine.disks = [{device: /dev/sdb, partitions: [{size: 10GB, mountpoint: /var/a}, {mountpoint: /var/b}]}]
machine.disks = [{device: /dev/sdb, partitions: [{mountpoint: /var/b}, {size: 10GB, mountpoint: /var/a}]}]
machine.disks = [{device: /dev/sdb, partitions: [{size: plenty, mountpoint: /var/b}]}]
machine.disks = [{device: /dev/sdb, partitions: [{size: 99EB, mountpoint: /var/b}]}]
machine.files = [{content: a, path: /var/a, permissions: 0o644, op: create}]
machine.files = [{content: a, path: /var/a, permissions: rw, op: create}]
machine.files = [{content: a, path: /var/a, permissions: 0888, op: create}]
machine.files = [{content: a, path: /var/a, permissions: 0o99999999, op: create}]
machine.files = [{content: a, path: /var/a, permissions: 1e3, op: create}]
machine.files = [{content: a, paht: /var/a, op: create}]
machine.env = {A: b}
machine.env = [A=b]
machine.time.servers = [time.example.com]
machine.time.servers = time.example.com
machine.time.bootTimeout = 2m0s
machine.time.bootTimeout = soon
machine.time.disabled = true
machine.sysctls = {vm.nr_hugepages: 16}
machine.sysctls = {vm.nr_hugepages: [16]}
machine.sysctls = [vm.nr_hugepages=16]
machine.sysctls = {vm.nr_hugepages: null}
machine.sysfs = {a.b: c}
machine.registries.mirrors = {docker.io: {endpoints: ['http://192.0.2.100:5050']}}
machine.registries.mirrors = {docker.io: {endpoint: ['http://192.0.2.100:5050']}}
machine.registries.mirrors = {docker.io: {endpoints: 'http://192.0.2.100:5050'}}
machine.registries.mirrors = {docker.io: null}
machine.registries.config = {docker.io: null}
machine.registries.config = {docker.io: {auth: {username: a, password: b}}}
machine.registries.config = {docker.io: {auth: {user: a}}}
machine.registries.config = {docker.io: {tls: {insecureSkipVerify: true, ca: YQ==}}}
machine.registries.config = {docker.io: {tls: {ca: '%'}}}
machine.systemDiskEncryption.state = {provider: luks2, keys: [{nodeID: {}, slot: 0}]}
machine.systemDiskEncryption.state = {provider: luks2, keys: [{slot: 0}]}
machine.systemDiskEncryption.state = {provider: luks2, keys: [{}]}
machine.systemDiskEncryption.state = {provider: luks2, keys: []}
machine.systemDiskEncryption.state = {provider: luks2, keys: [{nodeID: {}, slot: 0}, {tpm: {}, slot: 0}]}
machine.systemDiskEncryption.ephemeral = {provider: luks2, keys: [{tpm: {}, slot: 0}]}
machine.systemDiskEncryption.ephemeral = {provider: luks2, keys: [{nodeId: {}, slot: 0}]}
machine.systemDiskEncryption.ephemeral = {provider: luks2, keys: [{kms: {endpoint: 'https://example.com'}, slot: 0}]}
machine.features.rbac = false
machine.features.stableHostname = false
machine.features.typo = 1
machine.features.kubePrism = {enabled: true, port: 7446}
machine.features.kubePrism = {enabled: true, port: high}
machine.features.hostDNS = {enabled: false, forwardKubeDNSToHost: true}
machine.features.hostDNS = {enabled: no, forwardKubeDNSToHost: yes}
machine.features.hostDNS = {enabled: true, forwardKubeDNSToHost: true, resolveMemberNames: true}
machine.features.kubernetesTalosAPIAccess = {enabled: true, allowedRoles: ['os:reader']}
machine.features.kubernetesTalosAPIAccess = {enabled: true, allowedRoles: [reader]}
machine.features.nodeAddressSortAlgorithm = v2
machine.features.nodeAddressSortAlgorithm = v9
machine.udev.rules = [a]
machine.udev.rules = a
machine.logging.destinations = [{endpoint: 'tcp://192.0.2.1:5044', format: json_lines}]
machine.logging.destinations = [{endpoint: 'tcp://192.0.2.1:5044', format: text}]
machine.logging.destinations = [{endpoint: 'http://192.0.2.1:5044', format: json_lines}]
machine.logging.destinations = [{format: json_lines}]
machine.kernel.modules = [{name: drbd, parameters: [usermode_helper=disabled]}]
machine.kernel.modules = [drbd]
machine.kernel.modules = [{nam: drbd}]
machine.nodeLabels = {example.com/zone: a}
machine.nodeLabels = {example.com/zone: 'a b'}
machine.nodeLabels = {exa mple.com/zone: a}
machine.nodeLabels = {a/b/c: a}
machine.nodeLabels = {/b: a}
machine.nodeLabels = {b: 1}
machine.nodeLabels = {b: -a}
machine.nodeAnnotations = {example.com/zone: 'a b'}
machine.nodeAnnotations = {exa mple.com/zone: a}
machine.nodeTaints = {example.com/gpu: 'true:NoSchedule'}
machine.nodeTaints = {example.com/gpu: NoExecute}
machine.nodeTaints = {example.com/gpu: 'true:Never'}
machine.seccompProfiles = [{name: a.json, value: {defaultAction: SCMP_ACT_LOG}}]
machine.seccompProfiles = [{name: a.json, value: text}]
machine.pods = [{apiVersion: v1, kind: Pod}]
machine.pods = [text]
machine.controlPlane = {controllerManager: {disabled: false}}
machine.controlPlane = {controllerManager: {disable: false}}
cluster.typo = 1
cluster.id = ''
cluster.secret = ''
cluster.clusterName = [a]
cluster.controlPlane.endpoint = http://192.0.2.101:6443
cluster.controlPlane.endpoint = 192.0.2.101:6443
cluster.controlPlane.endpoint = 192.0.2.101
cluster.controlPlane.endpoint = https://
cluster.controlPlane.endpoint = https://192.0.2.101:99999
cluster.controlPlane.endpoint = https://192.0.2.101:0
cluster.controlPlane.endpoint = https://[2001:db8::1]:6443
cluster.controlPlane.endpoint = https://[2001:db8::1]:65536
cluster.controlPlane.endpoint = https://2001:db8::1:6443
cluster.controlPlane.endpoint = ''
cluster.controlPlane.endpoint = null
cluster.controlPlane.localAPIServerPort = text
- cluster.controlPlane
cluster.controlPlane = {}
cluster.network.dnsDomain = cozy.local
cluster.network.dnsDomain = 'cozy local'
cluster.network.podSubnets = 10.244.0.0/16
cluster.network.podSubnets = [here]
cluster.network.cni = {name: none}
cluster.network.cni = {name: cilium}
cluster.network.cni = {}
cluster.network.cni = {name: custom, urls: ['https://example.com/cni.yaml']}
cluster.network.cni = {name: custom, urls: ['https://example.com:99999/cni.yaml']}
cluster.network.cni = {name: none, urls: ['https://example.com/cni.yaml']}
cluster.network.cni = {name: flannel, urls: ['https://example.com/cni.yaml']}
cluster.network.cni = {name: flannel, flannel: {extraArgs: [--iface=eth0]}}
cluster.network.cni = {name: none, flannel: {extraArgs: [--iface=eth0]}}
cluster.network.cni = {name: none, flannel: {kubeNetworkPoliciesEnabled: true}}
cluster.network.typo = 1
- cluster.network
- cluster.ca
cluster.ca.key = ''
cluster.ca.crt = bm90IGEgY2VydGlmaWNhdGU=
- cluster.aggregatorCA
- cluster.serviceAccount
cluster.serviceAccount.typo = 1
cluster.apiServer.extraArgs = {oidc-client-id: kubernetes}
cluster.apiServer.extraArgs = {feature-gates: [A=true, B=true]}
cluster.apiServer.extraVolumes = [{hostPath: /a, mountPath: /b, readonly: true}]
cluster.apiServer.extraVolumes = [{hostPath: /a, mountPath: /b, readOnly: true}]
cluster.apiServer.certSANs = cp.example.com
cluster.apiServer.admissionControl = [{name: PodSecurity, configuration: {}}]
cluster.apiServer.admissionControl = {}
cluster.apiServer.auditPolicy = {kind: Policy}
cluster.apiServer.authorizationConfig = [{type: Node, name: node}]
cluster.apiServer.resources = {requests: {cpu: 100m}}
cluster.apiServer.resources = {requests: {gpu: 1}}
cluster.apiServer.resources = {request: {cpu: 100m}}
cluster.controllerManager.extraArgs = {bind-address: 0.0.0.0}
cluster.controllerManager.extraVolume = []
cluster.proxy.disabled = true
cluster.proxy.mode = nftables
cluster.scheduler.config = {a: b}
cluster.scheduler.config = text
cluster.discovery.enabled = false
cluster.discovery.registries.service.endpoint = https://example.com/path
cluster.discovery.registries.service.endpoint = https://example.com
cluster.discovery.registries.service.endpoint = example
cluster.discovery.registries.kubernetes = {disabled: false}
- cluster.discovery
cluster.etcd.advertisedSubnets = [192.0.2.0/24]
cluster.etcd.advertisedSubnets = [here]
cluster.etcd.listenSubnets = [192.0.2.0/33]
cluster.etcd.subnet = 192.0.2.0/24
cluster.etcd.extraArgs = {quota-backend-bytes: 8589934592}
cluster.etcd.typo = 1
- cluster.etcd.ca
- cluster.etcd
cluster.coreDNS = {disabled: true}
cluster.coreDNS = {enabled: false}
cluster.externalCloudProvider = {enabled: true, manifests: ['https://example.com/a.yaml']}
cluster.externalCloudProvider = {enabled: true, manifests: [a.yaml]}
cluster.externalCloudProvider = {enabled: true, manifests: ['https://example.com:99999/a.yaml']}
cluster.externalCloudProvider = {enabled: no, manifests: ['https://example.com/a.yaml']}
cluster.externalCloudProvider = {enabled: false, manifests: ['https://example.com/a.yaml']}
cluster.extraManifests = ['https://example.com/a.yaml']
cluster.extraManifests = {}
cluster.inlineManifests = [{name: a, contents: 'kind: A'}]
cluster.inlineManifests = [{name: a, contents: 'kind: A'}, {name: a, contents: 'kind: A'}]
cluster.inlineManifests = [{contents: 'kind: A'}]
cluster.inlineManifests = [{name: a, content: 'kind: A'}]
cluster.adminKubeconfig.certLifetime = 8760h0m0s
cluster.adminKubeconfig.certLifetime = a year
cluster.allowSchedulingOnControlPlanes = true
cluster.allowSchedulingOnControlPlanes = sometimes
cluster.allowSchedulingOnMasters = true
"""

WORKER_CHANGES = """
machine.type = controlplane
machine.ca.key = bm90IGEga2V5
cluster.ca.key = bm90IGEga2V5
machine.ca.crt = ''
- machine.ca
- cluster.ca
cluster.etcd = {}
cluster.etcd = {advertisedSubnets: [192.0.2.0/24]}
machine.network.interfaces = [{interface: eth0, vip: {ip: 192.0.2.9}}]
machine.features.kubernetesTalosAPIAccess = {enabled: true, allowedRoles: ['os:reader']}
cluster.apiServer = {image: 'registry.k8s.io/kube-apiserver:v1.20.0'}
cluster.network.cni = {name: cilium}
cluster.allowSchedulingOnControlPlanes = true
- cluster.secret
"""

DOCUMENTS = """
HostnameConfig: {hostname: cp-1}
HostnameConfig: {hostname: cp-1, auto: stable}
HostnameConfig: {hostname: cp-1, auto: 'off'}
HostnameConfig: {auto: never}
HostnameConfig: {auto: addr}
HostnameConfig: {hostname: .example.com}
HostnameConfig: {hostname: a123456789012345678901234567890123456789012345678901234567890123.example.com}
HostnameConfig: {hostnam: cp-1}
HostnameConfig: {hostname: [cp-1]}
LinkConfig: {name: eth0, up: true, mtu: 1500, addresses: [{address: 192.0.2.5/24}], routes: [{gateway: 192.0.2.1}]}
LinkConfig: {name: eth0, addresses: [{address: 192.0.2.5}]}
LinkConfig: {name: eth0, addresses: [{address: 192.0.2.500/24}]}
LinkConfig: {name: eth0, addresses: [{adress: 192.0.2.5/24}]}
LinkConfig: {name: eth0, addresses: [{}]}
LinkConfig: {name: eth0, addresses: [192.0.2.5/24]}
LinkConfig: {name: eth0, routes: [{destination: 192.0.2.0/24, gateway: 192.0.2.1, metric: 5}]}
LinkConfig: {name: eth0, routes: [{destination: 0.0.0.0/0, gateway: 192.0.2.1}]}
LinkConfig: {name: eth0, routes: [{destination: 192.0.2.0, gateway: 192.0.2.1}]}
LinkConfig: {name: eth0, routes: [{gateway: router}]}
LinkConfig: {name: eth0, routes: [{gateway: 192.0.2.1, metric: low}]}
LinkConfig: {name: eth0, routes: [{gateway: 192.0.2.1, table: main}]}
LinkConfig: {name: eth0, routes: [{network: 0.0.0.0/0, gateway: 192.0.2.1}]}
LinkConfig: {name: eth0, up: upwards}
LinkConfig: {up: true}
LinkConfig: {name: eth0, dhcp: true}
LinkAliasConfig: {name: uplink, selector: {match: 'mac(link.permanent_addr) == "02:00:00:00:00:01"'}}
LinkAliasConfig: {name: uplink, selector: {}}
LinkAliasConfig: {name: uplink}
LinkAliasConfig: {selector: {match: 'true'}}
DHCPv4Config: {name: eth0, routeMetric: 100}
DHCPv4Config: {name: eth0, routeMetric: 1.5}
DHCPv4Config: {name: eth0, routeMetric: 1.0}
DHCPv4Config: {name: eth0, clientIdentifier: mac}
DHCPv4Config: {name: eth0, clientIdentifier: name}
DHCPv6Config: {name: eth0, ignoreHostname: true}
ResolverConfig: {nameservers: [{address: 192.0.2.53}, {address: '2001:db8::53'}]}
ResolverConfig: {nameservers: [{address: dns.example.com}]}
ResolverConfig: {nameservers: [192.0.2.53]}
ResolverConfig: {nameservers: [{adress: 192.0.2.53}]}
ResolverConfig: {searchDomains: {domains: [example.com], disableDefault: true}}
ResolverConfig: {searchDomains: [example.com]}
TimeSyncConfig: {ntp: {servers: [time.example.com]}}
TimeSyncConfig: {ntp: {servers: time.example.com}}
TimeSyncConfig: {ntp: {server: [time.example.com]}}
TimeSyncConfig: {ntp: {servers: [a]}, ptp: {devices: [/dev/ptp0]}}
TimeSyncConfig: {enabled: false, bootTimeout: 1m}
TimeSyncConfig: {bootTimeout: soon}
TimeSyncConfig: {servers: [time.example.com]}
StaticHostConfig: {name: 192.0.2.1, hostnames: [a]}
StaticHostConfig: {name: here, hostnames: [a]}
StaticHostConfig: {name: 192.0.2.1}
Layer2VIPConfig: {name: 192.0.2.9, link: eth0}
Layer2VIPConfig: {name: here, link: eth0}
Layer2VIPConfig: {name: 192.0.2.9}
VLANConfig: {name: eth0.5, vlanID: 5, parent: eth0}
VLANConfig: {name: eth0.5, vlanID: 5000, parent: eth0}
VLANConfig: {name: eth0.5, vlanID: 5}
BondConfig: {name: bond0, links: [eth0], bondMode: 802.3ad}
BondConfig: {name: bond0, links: [eth0], bondMode: fast}
BondConfig: {name: bond0, bondMode: 802.3ad}
BondConfig: {name: bond0, links: [eth0]}
BridgeConfig: {name: br0, links: [eth0], stp: {enabled: true}}
BridgeConfig: {name: br0, links: eth0}
DummyLinkConfig: {name: dummy0}
RegistryMirrorConfig: {name: quay.io, endpoints: [{url: 'http://192.0.2.100:5050'}], skipFallback: true}
RegistryMirrorConfig: {name: quay.io, endpoints: [{url: 'tcp://192.0.2.100:5050'}]}
RegistryMirrorConfig: {name: quay.io, endpoints: [{url: '192.0.2.100:5050'}]}
RegistryMirrorConfig: {name: quay.io, endpoints: ['http://192.0.2.100:5050']}
RegistryMirrorConfig: {name: quay.io, endpoints: [{overridePath: true}]}
RegistryMirrorConfig: {endpoints: [{url: 'http://192.0.2.100:5050'}]}
RegistryMirrorConfig: {name: docker.io, endpoints: []}
RegistryAuthConfig: {name: quay.io, username: a, password: b}
RegistryAuthConfig: {name: quay.io, username: a, password: b, auth: c}
RegistryAuthConfig: {name: quay.io, user: a}
RegistryTLSConfig: {name: quay.io, insecureSkipVerify: true}
RegistryTLSConfig: {name: quay.io, insecureSkipVerify: perhaps}
ExtensionServiceConfig: {name: tailscale, environment: [TS_AUTHKEY=a], configFiles: [{content: a, mountPath: /a}]}
ExtensionServiceConfig: {name: tailscale, environment: {TS_AUTHKEY: a}}
ExtensionServiceConfig: {name: tailscale, enviroment: [TS_AUTHKEY=a]}
ExtensionServiceConfig: {name: tailscale}
ExtensionServiceConfig: {name: tailscale, environment: [TS_AUTHKEY]}
ExtensionServiceConfig: {name: tailscale, configFiles: [{content: a}]}
ExtensionServiceConfig: {environment: [TS_AUTHKEY=a]}
NetworkDefaultActionConfig: {ingress: block}
NetworkDefaultActionConfig: {ingress: drop}
NetworkRuleConfig: {name: apid, portSelector: {ports: [50000], protocol: tcp}, ingress: [{subnet: 192.0.2.0/24}]}
NetworkRuleConfig: {name: apid, portSelector: {ports: [50000-50001], protocol: tcp}, ingress: [{subnet: 192.0.2.0}]}
NetworkRuleConfig: {name: apid, portSelector: {ports: [http], protocol: tcp}, ingress: [{subnet: 192.0.2.0/24}]}
NetworkRuleConfig: {name: apid, portSelector: {ports: [50000], protocol: carrier}, ingress: [{subnet: 192.0.2.0/24}]}
NetworkRuleConfig: {name: apid, portSelector: {protocol: tcp}, ingress: [{subnet: 192.0.2.0/24}]}
NetworkRuleConfig: {name: apid, portSelector: {ports: [50000], protocol: tcp}, ingress: [{}]}
NetworkRuleConfig: {name: apid, portSelector: {ports: [5-1], protocol: tcp}}
NetworkRuleConfig: {name: apid, portSelector: {ports: [1-5, 5-7], protocol: tcp}}
NetworkRuleConfig: {name: apid, portSelector: {ports: [6-7, 1-5], protocol: tcp}}
NetworkRuleConfig: {name: apid, portSelector: {ports: [80, 80], protocol: tcp}}
NetworkRuleConfig: {name: apid, portSelector: {ports: [80, 79-81], protocol: tcp}}
NetworkRuleConfig: {portSelector: {ports: [50000], protocol: tcp}}
KmsgLogConfig: {name: a, url: 'tcp://192.0.2.1:5044'}
KmsgLogConfig: {name: a, url: 'http://192.0.2.1:5044'}
KmsgLogConfig: {name: a, url: 'tcp://192.0.2.1'}
KmsgLogConfig: {name: a}
EventSinkConfig: {endpoint: '192.0.2.1:3247'}
EventSinkConfig: {endpoint: 192.0.2.1}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 3m}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 1s}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 5000ms}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 0.1m}
WatchdogTimerConfig: {timeout: 3m}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 50GiB, grow: false}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: a lot}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 10GB, maxSize: 5GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 5GB, maxSize: 5GiB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 5GiB, maxSize: 5GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: "5,000 MB", maxSize: 5GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 5GB, maxSize: 0}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 200%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 100%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 1.5%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 10GB%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: "10 %"}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: +10%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: -10%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: -101%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: -10GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: "-"}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 50%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: -5GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 10GB, maxSize: 5%}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 10GB, maxSize: -5GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 1.2.3GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: .GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 10  GB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: " 5GB"}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 99EB}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 10i}}
VolumeConfig: {name: EPHEMERAL, provisioning: {maxSize: 10g}}
VolumeConfig: {name: IMAGECACHE, provisioning: {minSize: 10GB, maxSize: 5GB}}
VolumeConfig: {name: STATE, provisioning: {maxSize: 50GiB}}
VolumeConfig: {name: STATE, provisioning: {maxSize: 0}}
VolumeConfig: {name: STATE, provisioning: {maxSize: ''}}
VolumeConfig: {name: DATA}
VolumeConfig: {name: STATE, encryption: {provider: luks2, keys: [{slot: 0, nodeID: {}}]}}
UserVolumeConfig: {name: data, provisioning: {diskSelector: {match: "!system_disk"}, minSize: 10GB, maxSize: 5GB}}
UserVolumeConfig: {name: data, provisioning: {diskSelector: {match: "!system_disk"}, minSize: 0}}
UserVolumeConfig: {name: data, provisioning: {diskSelector: {match: "!system_disk"}}}
UserVolumeConfig: {name: data, filesystem: {type: vfat}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}}
UserVolumeConfig: {name: data, filesystem: {type: btrfs}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}}
UserVolumeConfig: {name: data, filesystem: {type: EXT4}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}}
UserVolumeConfig: {name: data, volumeType: disk, provisioning: {diskSelector: {match: "!system_disk"}}}
UserVolumeConfig: {name: data, volumeType: disk, provisioning: {diskSelector: {match: "!system_disk"}, minSize: 10GB}}
UserVolumeConfig: {name: data, volumeType: directory}
UserVolumeConfig: {name: data, volumeType: directory, provisioning: {minSize: 10GB}}
UserVolumeConfig: {name: data, volumeType: directory, filesystem: {type: xfs}}
UserVolumeConfig: {name: data, volumeType: disk}
UserVolumeConfig: {name: data, volumeType: tmpfs}
UserVolumeConfig: {name: data, volumeType: symlink}
RawVolumeConfig: {name: data, provisioning: {diskSelector: {match: "!system_disk"}, minSize: 10GB, maxSize: 5GB}}
SwapVolumeConfig: {name: data, provisioning: {diskSelector: {match: "!system_disk"}, minSize: 10GB, maxSize: 5GB}}
ExternalVolumeConfig: {name: data, filesystemType: virtiofs, mount: {virtiofs: {tag: a}}}
ExternalVolumeConfig: {name: data, filesystemType: xfs, mount: {virtiofs: {tag: a}}}
OOMConfig: {sampleInterval: -1s}
VolumeConfig: {name: STATE, encryption: {provider: luks2, keys: [{slot: 0, nodeID: {}, lockToState: true}]}}
VolumeConfig: {name: EPHEMERAL, encryption: {provider: luks2, keys: [{slot: 0, nodeID: {}, lockToState: true}]}}
VolumeConfig: {name: STATE, encryption: {provider: luks2, keys: [{slot: 0}]}}
VolumeConfig: {name: STATE, encryption: {provider: luks2}}
VolumeConfig: {name: STATE, encryption: {provider: luks1, keys: [{slot: 0, nodeID: {}}]}}
KubeSpanConfig: {enabled: true}
KubeSpanConfig: {enabled: true, mtu: lots}
KubeSpanEndpointsConfig: {extraAnnouncedEndpoints: ['192.0.2.1:51820']}
KubeSpanEndpointsConfig: {extraAnnouncedEndpoints: [192.0.2.1]}
KubeSpanEndpointsConfig: {extraAnnouncedEndpoints: ['192.0.2.1:99999']}
KubeSpanEndpointsConfig: {extraAnnouncedEndpoints: ['[2001:db8::1]:51820']}
KubeSpanEndpointsConfig: {extraAnnouncedEndpoints: ['2001:db8::1:51820']}
EnvironmentConfig: {variables: {A: b}}
EnvironmentConfig: {variables: {1A: b}}
TrustedRootsConfig: {name: a, certificates: a}
OOMConfig: {sampleInterval: 1s}
BlackholeRouteConfig: {name: 192.0.2.0/24}
KubePrismConfig: {port: 7445}
UdevRulesConfig: {name: a, rules: []}
KubeletConfig: {image: 'ghcr.io/siderolabs/kubelet:v1.34.0'}
KubeCoreDNSConfig: {enabled: false}
LinkConfg: {name: eth0}
hostnameconfig: {hostname: cp-1}
Secret: {name: a}
"""

# Changes of a configuration with documents of its own: the legacy field beside the document.
BESIDE = """
machine.network.hostname = cp-1
machine.network.nameservers = [192.0.2.53]
machine.network.searchDomains = [example.com]
machine.network.disableSearchDomain = true
machine.network.disableSearchDomain = false
machine.network.interfaces = [{interface: eth0, dhcp: true}]
machine.time.servers = [time.example.com]
machine.time.disabled = true
machine.time.disabled = false
machine.time.bootTimeout = 1m
machine.features.stableHostname = true
machine.features.stableHostname = false
machine.registries.mirrors = {docker.io: {endpoints: ['http://192.0.2.100:5050']}}
machine.install.extraKernelArgs = [console=ttyS0]
"""

PATCHES = r"""
machine: {network: {hostname: cp-1}}
machine: {network: {nameservers: [192.0.2.53]}}
machine: {time: {servers: [time.example.com]}}
machine: {type: worker}
machine: {systemDiskEncryption: {state: {provider: luks2, keys: [{nodeID: {}, slot: 0}]}}}
machine: {systemDiskEncryption: {ephemeral: {provider: luks2, keys: [{tpm: {}, slot: 0}]}}}
machine: {sysctls: {vm.nr_hugepages: 16}}
machine: {sysctls: [vm.nr_hugepages=16]}
machine: {sysctl: {vm.nr_hugepages: "16"}}
machine: {install: {disk: /dev/sdb, wipe: true}}
machine: {install: {extraKernelArgs: [console=ttyS0]}}
machine: {install: {extraKernelArgs: [console=ttyS0], grubUseUKICmdline: false}}
machine: {install: {$patch: delete}}
machine: {install: {disk: {$patch: delete}}}
machine: {ca: {crt: '', key: ''}}
machine: {ca: {key: bm90IGEga2V5}}
machine: {ca: {crt: bm90IGEgY2VydGlmaWNhdGU=}}
cluster: {ca: {crt: bm90IGEgY2VydGlmaWNhdGU=}}
cluster: {ca: {key: null}}
cluster: {aggregatorCA: {}}
cluster: {serviceAccount: {key: ''}}
cluster: {secretboxEncryptionSecret: ''}
persist: no
version: v1beta1
{version: v1beta1, machine: {sysctls: {a: b}}}
cluster: {controlPlane: {endpoint: "https://192.0.2.9:99999"}}
machine: {install: {diskSelector: {type: floppy}}}
machine: {files: [{path: /var/x, op: create, content: a, permissions: rw-r--r--}]}
machine: {files: [{path: /var/x, op: create, content: a, permissions: 1e3}]}
machine: {certSANs: [cp.example.com]}
machine: {certSANs: cp.example.com}
machine: {features: {hostDNS: {enabled: false}}}
machine: {kubelet: {nodeIP: {validSubnets: [here]}}}
machine: {nodeLabels: {"example.com/zone": a b}}
machine: {nodeLabels: {node.kubernetes.io/exclude-from-external-load-balancers: {$patch: delete}}}
machine: {}
cluster: {}
cluster: {etcd: {$patch: delete}}
machine: {ca: {crt: {$patch: delete}}}
cluster: {ca: {key: {$patch: delete}}}
cluster: {ca: {$patch: delete}}
cluster: {serviceAccount: {key: {$patch: delete}}}
cluster: {etcd: {ca: {key: {$patch: delete}}}}
cluster: {discovery: {enabled: false}}
cluster: {network: {cni: {name: cilium}}}
cluster: {apiServer: {admissionControl: {$patch: delete}}}
cluster: {controlPlane: {endpoint: "https://192.0.2.9:6443"}}
cluster: {proxy: {disabled: true}}
cluster: {inlineManifests: [{name: a, contents: "kind: A"}]}
{apiVersion: v1alpha1, kind: HostnameConfig, hostname: cp-1}
{apiVersion: v1alpha1, kind: HostnameConfig, hostname: cp-1, auto: "off"}
{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: docker.io, endpoints: [{url: "http://192.0.2.9"}]}
{apiVersion: v1alpha1, kind: ResolverConfig, nameservers: [{address: 192.0.2.54}]}
{apiVersion: v1alpha1, kind: ResolverConfig, nameservers: [{address: here}]}
{apiVersion: v1alpha1, kind: LinkConfig, name: eth1, dhcp: true}
{apiVersion: v1alpha1, kind: ExtensionServiceConfig, name: tailscale, environment: [TS_AUTHKEY=a]}
{apiVersion: v1alpha1, kind: LinkConfg, name: eth1}
{kind: HostnameConfig, hostname: cp-1}
{apiVersion: v1alpha1, hostname: cp-1}
typo: 1
"""

_MIRROR = "{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: docker.io, "
_NEW_MIRROR = "{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: quay.io, "
_ETHERNET = "{apiVersion: v1alpha1, kind: EthernetConfig, name: eth0, "
_LINK = "{apiVersion: v1alpha1, kind: LinkConfig, name: uplink, "
_URL = "endpoints: [{url: 'http://192.0.2.9'}]}"
_SYSCTL = "machine: {sysctls: {a: '1'}}"
_KUBESPAN = "machine: {network: {kubespan: "
# In these, the versions of Talos differ: documents that repeat, documents that do not exist, and 0.
SEVERAL: dict[str, tuple[str, ...]] = {
    "a document twice": (f"{_MIRROR}{_URL}\n---\n{_MIRROR}skipFallback: true}}",),
    "the machine configuration twice": (f"{_SYSCTL}\n---\nmachine: {{sysctls: {{b: '2'}}}}",),
    "a list deleted, then set": (f"{_MIRROR}endpoints: {{$patch: delete}}}}\n---\n{_MIRROR}{_URL}",),
    "a map deleted, then set": (f"machine: {{sysctls: {{$patch: delete}}}}\n---\n{_SYSCTL}",),
    "a new document twice": (f"{_NEW_MIRROR}{_URL}\n---\n{_NEW_MIRROR}skipFallback: true}}",),
    "a document deleted, then created again": (f"{_MIRROR}$patch: delete}}\n---\n{_MIRROR}{_URL}",),
    "a document changed, then deleted": (f"{_MIRROR}skipFallback: true}}\n---\n{_MIRROR}$patch: delete}}",),
    "a new document, then deleted": (f"{_ETHERNET}rings: {{rx: 5}}}}\n---\n{_ETHERNET}$patch: delete}}",),
    "a document deleted twice": (f"{_MIRROR}$patch: delete}}\n---\n{_MIRROR}$patch: delete}}",),
    "a missing document deleted": (f"{_ETHERNET}$patch: delete}}",),
    "a missing document without a name deleted": ("{apiVersion: v1alpha1, kind: ZswapConfig, $patch: delete}",),
    "a missing document deleted beside a change": (f"{_ETHERNET}$patch: delete}}\n---\n{_SYSCTL}",),
    "a field of a missing document deleted": (f"{_ETHERNET}rings: {{$patch: delete}}}}",),
    "a field of a missing document deleted, another set": (
        f"{_ETHERNET}rings: {{$patch: delete}}, features: {{a: true}}}}",
    ),
    "a document of an unknown kind deleted": ("{apiVersion: v1alpha1, kind: Nonsense, $patch: delete}",),
    "a missing list deleted": ("machine: {time: {servers: {$patch: delete}}}",),
    "a missing map deleted": ("machine: {kubelet: {extraArgs: {$patch: delete}}}",),
    "a missing entry deleted": ("machine: {sysctls: {nope: {$patch: delete}}}",),
    "a missing element deleted": ("cluster: {apiServer: {admissionControl: [{name: Nope, $patch: delete}]}}",),
    "an element of a link deleted": (f"{_LINK}addresses: [{{address: 192.0.2.101/24, $patch: delete}}]}}",),
    "a list of a link deleted": (f"{_LINK}addresses: {{$patch: delete}}}}",),
    "the machine configuration deleted": ("{$patch: delete}",),
    "nothing between two documents": (f"{_SYSCTL}\n---\nnull\n---\ncluster: {{clusterName: b}}",),
    "0 in a document": (f"{_ETHERNET}rings: {{rx: 5}}}}", f"{_ETHERNET}rings: {{rx: 0}}}}"),
    "0 in the machine configuration": (f"{_KUBESPAN}{{mtu: 1300}}}}}}", f"{_KUBESPAN}{{mtu: 0}}}}}}"),
    "0 percent": tuple(f"{{apiVersion: v1alpha1, kind: ZswapConfig, maxPoolPercent: {at}}}" for at in (25, 0)),
    "0 that is the same as none": (f"{_LINK}mtu: 1400}}", f"{_LINK}mtu: 0}}"),
    "an empty text": ("cluster: {clusterName: ''}",),
    "false": ("machine: {features: {diskQuotaSupport: false}}",),
}


# Old fields and new documents beside those of the contract v1.14. A patch of UnattendedInstallConfig has the selector
# of the disk in it: without it, Talos v1.14.0-rc.1 drops the one that is there, and merge.py keeps it.
SPLIT_PATCHES = r"""
machine: {kubelet: {extraConfig: {maxPods: 200}}}
machine: {kubelet: {image: 'ghcr.io/siderolabs/kubelet:v1.34.0'}}
machine: {nodeLabels: {a: b}}
machine: {nodeTaints: {a: 'b:NoSchedule'}}
machine: {kernel: {modules: [{name: br_netfilter}]}}
machine: {features: {hostDNS: {enabled: false}}}
machine: {features: {kubePrism: {enabled: false}}}
machine: {install: {image: 'registry.example.com/installer:v1'}}
machine: {files: [{content: a, path: /var/a, op: create}]}
machine: {registries: {mirrors: {docker.io: {endpoints: ['http://192.0.2.9']}}}}
machine: {network: {kubespan: {enabled: true}}}
cluster: {id: a, secret: b}
cluster: {clusterName: other}
cluster: {controlPlane: {endpoint: 'https://192.0.2.9:6443'}}
cluster: {network: {cni: {name: none}}}
cluster: {network: {podSubnets: [10.0.0.0/16]}}
cluster: {apiServer: {certSANs: [a.example.com]}}
cluster: {controllerManager: {extraArgs: {v: '2'}}}
cluster: {scheduler: {extraArgs: {v: '2'}}}
cluster: {proxy: {disabled: true}}
cluster: {coreDNS: {disabled: true}}
cluster: {discovery: {enabled: false}}
cluster: {etcd: {extraArgs: {quota-backend-bytes: '1'}}}
cluster: {allowSchedulingOnControlPlanes: true}
cluster: {inlineManifests: [{name: a, contents: 'kind: Namespace'}]}
cluster: {extraManifests: ['https://example.com/a.yaml']}
cluster: {externalCloudProvider: {enabled: true}}
{apiVersion: v1alpha1, kind: KubeletConfig, config: {maxPods: 200}, clusterDNS: [192.0.2.53]}
{apiVersion: v1alpha1, kind: KubeletConfig, config: {port: 1}}
{apiVersion: v1alpha1, kind: KubeletConfig, extraArgs: {v: 2}, typo: 1}
{apiVersion: v1alpha1, kind: KubeletConfig, extraArgs: {v: [a, b]}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, labels: {a: b}, taints: {a: 'b:NoSchedule'}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, labels: {'a b': b}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, taints: {a: b}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, nodeIP: {validSubnets: [192.0.2.0/24]}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, nodeIP: {validSubnets: [here]}}
{apiVersion: v1alpha1, kind: KubeNodeConfig, taints: {node-role.kubernetes.io/control-plane: {$patch: delete}}}
{apiVersion: v1alpha1, kind: KubeNetworkConfig, podSubnets: [10.0.0.0/16]}
{apiVersion: v1alpha1, kind: KubeNetworkConfig, podSubnets: [here]}
{apiVersion: v1alpha1, kind: KubeFlannelCNIConfig, $patch: delete}
{apiVersion: v1alpha1, kind: KubeFlannelCNIConfig, kubeNetworkPoliciesEnabled: true}
{apiVersion: v1alpha1, kind: KubeAPIServerConfig, apiPort: 7443, certExtraSANs: [a.example.com], env: {A: b}}
{apiVersion: v1alpha1, kind: KubeAPIServerConfig, resources: {requests: {cpu: 1}}}
{apiVersion: v1alpha1, kind: KubeControllerManagerConfig, extraArgs: {v: '2'}, enabled: false}
{apiVersion: v1alpha1, kind: KubeSchedulerConfig, config: {profiles: []}}
{apiVersion: v1alpha1, kind: KubeProxyConfig, enabled: false}
{apiVersion: v1alpha1, kind: KubeProxyConfig, mode: nftables}
{apiVersion: v1alpha1, kind: KubeCoreDNSConfig, enabled: false}
{apiVersion: v1alpha1, kind: KubeAuditPolicyConfig, configuration: {rules: []}}
{apiVersion: v1alpha1, kind: KubeAdmissionControlConfig, name: PodSecurity, configuration: {defaults: {warn: a}}}
{apiVersion: v1alpha1, kind: KubeAdmissionControlConfig, name: PodSecurity, $patch: delete}
{apiVersion: v1alpha1, kind: KubePrismConfig, port: 7446}
{apiVersion: v1alpha1, kind: SysctlConfig, params: {vm.nr_hugepages: 16}}
{apiVersion: v1alpha1, kind: KernelModuleConfig, name: drbd, parameters: [usermode_helper=disabled]}
{apiVersion: v1alpha1, kind: CRICustomizationConfig, name: own, content: '[metrics]'}
{apiVersion: v1alpha1, kind: CRICustomizationConfig, name: customization, content: '[metrics]'}
{apiVersion: v1alpha1, kind: UnattendedInstallConfig, provisioning: {diskSelector: {match: "true"}, wipe: true}}
{apiVersion: v1alpha1, kind: UnattendedInstallConfig, $patch: delete}
{apiVersion: v1alpha1, kind: SecurityProfileConfig, workloadIsolation: false}
{apiVersion: v1alpha1, kind: DiscoveryServiceConfig, name: default, $patch: delete}
{apiVersion: v1alpha1, kind: DiscoveryIdentityConfig, $patch: delete}
{apiVersion: v1alpha1, kind: KubeClusterConfig, clusterName: other}
{apiVersion: v1alpha1, kind: KubeClusterConfig, $patch: delete}
"""


def documented_patch() -> str:
    """Return the patch that the documentation has for settings that came with v1.14."""
    return DOCUMENTATION.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]


def cases() -> Iterator[Case]:
    """Yield every case."""
    yield from own_cases()
    yield from _changed("v1.11", CONTROL_PLANE, CONTROL_PLANE_CHANGES)
    yield from _changed("v1.11", WORKER, WORKER_CHANGES)
    for contract in BASES[1:]:
        yield from _changed(contract, CONTROL_PLANE, BESIDE)
    yield from _swept()
    yield from _with_documents()
    yield from _kinds()
    yield from _texts()
    for contract in ("v1.11", "v1.13", "v1.14"):
        base = _text(base_documents(contract, CONTROL_PLANE))
        for patch in PATCHES.strip().splitlines():
            yield Case(f"{contract} patched: {patch}", base, (patch,))
        for name, patches in SEVERAL.items():
            yield Case(f"{contract} patched: {name}", base, patches)
    split = _text(base_documents("v1.14", CONTROL_PLANE))
    for patch in SPLIT_PATCHES.strip().splitlines():
        yield Case(f"v1.14 with its own documents, patched: {patch}", split, (patch,))
    newest = _text(base_documents("v1.13", CONTROL_PLANE))
    yield Case("v1.13 patched: settings of v1.14, as documented", newest, (documented_patch(),))


@cache
def base_documents(contract: str, machine_type: str) -> list[Document]:
    """Return a node's documents with every option of the network; they are not to be changed."""
    return node_config.node_documents(_node(machine_type, ""), _plan(contract), test_bundle())


def _node(machine_type: str, link: str) -> node_config.NodeConfig:
    return node_config.NodeConfig(
        "cp-0",
        machine_type,
        ipv4="192.0.2.101",
        ipv6="2001:db8::101",
        mac="02:00:00:00:00:01",
        link=link,
        hostname="" if link else "cp-0",
    )


def _plan(contract: str, *, mirrors: bool = True, preset: bool = False) -> node_config.Plan:
    cluster = ClusterConfig(
        "example",
        ENDPOINT,
        "1.34.0",
        contract,
        install_disk="/dev/nvme0n1",
        install_image="ghcr.io/siderolabs/installer:v1.11.5",
        registry_mirrors=MIRRORS if mirrors else {},
    )
    network = node_config.Network("192.0.2.0/24", "", "", ("169.254.169.253",), ("169.254.169.123",))
    return node_config.Plan(cluster, network, cozystack.Preset(("192.0.2.0/24",)) if preset else None)


def own_cases() -> Iterator[Case]:
    """Yield what our own modules write: every contract, machine type, way to name the link, and preset."""
    for contract in BASES:
        for machine_type in (CONTROL_PLANE, WORKER):
            for link in ("", "eth0"):
                for preset in (False, True):
                    plan = _plan(contract, mirrors=not link, preset=preset)
                    text = node_config.node_config(_node(machine_type, link), plan, test_bundle())
                    name = f"{contract} {machine_type}, link {link or 'by MAC'}{', CozyStack' if preset else ''}"
                    yield Case(name, text)


def _changed(contract: str, machine_type: str, changes: str) -> Iterator[Case]:
    for change in changes.strip().splitlines():
        documents = copy.deepcopy(base_documents(contract, machine_type))
        _apply(documents[0], change)
        yield Case(f"{contract} {machine_type}: {change}", _text(documents))


def _apply(document: Document, change: str) -> None:
    is_removal = change.startswith("- ")
    path, _, value = change.removeprefix("- ").partition(" = ")
    *parents, last = path.split(".")
    for key in parents:
        document = document.setdefault(key, {})
    if is_removal:
        document.pop(last, None)
    else:
        document[last] = yaml_text.load_all(value)[0] if value != "null" else None


def _with_documents() -> Iterator[Case]:
    """Yield a configuration with one more document each, in place of one of the same kind and name."""
    for line in (*DOCUMENTS.strip().splitlines(), *documents()):
        added = _document(line)
        kept = [item for item in _plain_documents() if merge.identity(item) != merge.identity(added)]
        yield Case(line, _text([*kept, added]))
    for name, lines in together().items():
        base = _plain_documents()
        changes = [line for line in lines if " = " in line or line.startswith("- ")]
        for change in changes:
            _apply(base[0], change)
        yield Case(name, _text([*base, *(_document(line) for line in lines if line not in changes)]))


def _document(line: str) -> Document:
    kind, _, content = line.partition(": ")
    return {"apiVersion": "v1alpha1", "kind": kind, **yaml.safe_load(content)}


def _plain_documents() -> list[Document]:
    # The oldest contract would have legacy fields, and the newest documents of its own that Talos v1.11 does not know.
    documents = base_documents("v1.13", CONTROL_PLANE)
    base = copy.deepcopy(documents[0])
    base["machine"]["install"].pop("grubUseUKICmdline")
    return [base]


def _swept() -> Iterator[Case]:
    """Yield a whole configuration with one thing wrong: an unknown key in a mapping, or a value of another form."""
    documents = base_documents("v1.13", CONTROL_PLANE)
    for position, document in enumerate(documents):
        for path in _paths(document):
            for name, change in _SWEEPS:
                changed = copy.deepcopy(documents)
                if _swap(changed[position], path, change):
                    where = ".".join(map(str, path)) or "the document"
                    yield Case(f"swept {merge.label(document)} at {where}: {name}", _text(changed))


_SWEEPS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("an unknown key", lambda value: {**value, "typo": 1} if isinstance(value, dict) else value),
    ("a text for a mapping", lambda value: "text" if isinstance(value, dict) else value),
    ("a text for a list", lambda value: "text" if isinstance(value, list) else value),
    ("a mapping for one value", lambda value: value if isinstance(value, dict | list) else {"a": "b"}),
    ("a text for a number or switch", lambda value: "text" if isinstance(value, bool | int) else value),
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value[:1])
    for key, item in items:
        yield from _paths(item, (*path, key))


def _swap(document: Any, path: tuple[str | int, ...], change: Callable[[Any], Any]) -> bool:
    """Change what is at the path, and return whether that made a difference."""
    if not path:
        changed = change(document)
        is_changed = isinstance(changed, dict) and changed != document
        document.update(changed if is_changed else {})
        return is_changed
    for key in path[:-1]:
        document = document[key]
    before = document[path[-1]]
    document[path[-1]] = change(before)
    return bool(document[path[-1]] != before)


def _kinds() -> Iterator[Case]:
    """Yield every kind of document with nothing in it but a name, and with an unknown field."""
    for kind in sorted(item.split(":")[0] for item in fields.KINDS.split()):
        document = {"apiVersion": "v1alpha1", "kind": kind}
        for content in ({"typo": 1}, {}):
            yield Case(f"{kind}: {content}", _text([*_plain_documents(), {**document, **content}]))


def _texts() -> Iterator[Case]:
    """Yield what is wrong with a whole text."""
    base = base_documents("v1.13", CONTROL_PLANE)
    text, alone = _text(base), _text([base[0]])
    host = "apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: a\n"
    yield Case("the text is empty", "")
    yield Case("the text is a comment", "# nothing\n")
    yield Case("the text is not YAML", "machine: [\n")
    yield Case("the text is a list", "- machine: {}\n")
    yield Case("an empty document before", f"---\n---\n{text}")
    yield Case("a null document after", f"{text}---\nnull\n")
    yield Case("the machine configuration twice", f"{alone}---\n{alone}")
    yield Case("a document twice", f"{text}---\n{host}")
    yield Case("a document alone", host)
    yield Case("a document without kind", f"{text}---\napiVersion: v1alpha1\nhostname: a\n")
    yield Case("a document without apiVersion", f"{alone}---\nkind: HostnameConfig\nhostname: a\n")
    yield Case("a document of apiVersion v1", f"{alone}---\napiVersion: v1\nkind: HostnameConfig\nhostname: a\n")
    yield Case("a key twice", text.replace("version: v1alpha1", "version: v1alpha1\nversion: v1alpha1", 1))
    yield Case("the document after the base", f"{host}---\n{alone}")
    file = "machine:\n    files: [{path: /var/a, op: create, content: a, permissions: %s}]\n"
    for mode in ("0o644", '"0o644"', '"420"'):
        yield Case(f"the mode of a file, {mode}", text.replace("machine:\n", file % mode, 1))


def _text(documents: list[Document]) -> str:
    # Not as Talos writes it: fields that it would leave out are part of what is tried.
    return "---\n".join(yaml_text.dump_plain(document) for document in documents)
