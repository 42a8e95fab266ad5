# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents for the corpus of talos_corpus.py, most of kinds that came with v1.14, valid and invalid."""

from __future__ import annotations

from collections.abc import Iterator

# A document a line, as in talos_corpus.py; below a line with `...`, what stands in its place.
_DOCUMENTS = r"""
BlackholeRouteConfig: {name: 192.0.2.0}
CRIBaseRuntimeSpecConfig: {overrides: {process: {rlimits: [{type: RLIMIT_NOFILE, hard: 1024, soft: 1024}]}}}
CRIBaseRuntimeSpecConfig: {overrides: {unknown: text}}
CRICustomizationConfig: {name: a b, content: '[metrics]'}
CRICustomizationConfig: {name: example.com/a, content: '[metrics]'}
ContainerConfig: {name: Nginx, image: 'docker.io/library/nginx:1.27'}
ContainerConfig: {name: nginx, image: '/b'}
ContainerConfig: {name: nginx, image: 'A/b'}
ContainerConfig: {name: nginx, image: 'Ghcr.io/a/b'}
ContainerConfig: {name: nginx, image: 'a b'}
ContainerConfig: {name: nginx, image: 'a'}
ContainerConfig: {name: nginx, image: 'docker.io/library/Nginx:1.27'}
ContainerConfig: {name: nginx, image: 'docker.io/library/nginx:1.27'}
ContainerConfig: {name: nginx, image: 'ghcr.io//b'}
ContainerConfig: {name: nginx, image: 'ghcr.io/A/b'}
ContainerConfig: {name: nginx, image: 'ghcr.io/b:'}
ContainerConfig: {name: nginx, image: 'ghcr.io/b@sha512:ab'}
ContainerConfig: {name: nginx, image: 'ghcr.io:x/b'}
ContainerConfig: {name: nginx, image: 'https://docker.io/nginx'}
ContainerConfig: {name: nginx, image: 'https://ghcr.io/b'}
ContainerConfig: {name: nginx, image: 'localhost:5000/a:b'}
ContainerConfig: {name: nginx, image: 'nginx'}
ContainerConfig: {name: nginx, image: 'nginx:'}
ContainerConfig: {name: nginx, image: 'nginx@sha256:abc'}
DiscoveryIdentityConfig: {clusterID: a, clusterSecret: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='}
DiscoveryIdentityConfig: {clusterID: a, clusterSecret: 'YQ=='}
DiscoveryIdentityConfig: {clusterID: a, clusterSecret: 'not base64'}
DiscoveryIdentityConfig: {clusterID: a}
DiscoveryServiceConfig: {endpoint: 'https://discovery.example.com/'}
DiscoveryServiceConfig: {name: a, endpoint: '/a'}
DiscoveryServiceConfig: {name: a, endpoint: 'grpc://discovery.example.com:443'}
DiscoveryServiceConfig: {name: a, endpoint: 'https:///a'}
DiscoveryServiceConfig: {name: a, endpoint: 'https://:443/'}
DiscoveryServiceConfig: {name: a, endpoint: 'https://discovery.example.com/'}
DiscoveryServiceConfig: {name: a, endpoint: 'tcp://discovery.example.com'}
DiscoveryServiceConfig: {name: a}
EtcFileConfig: {name: ../motd}
EtcFileConfig: {name: ./a}
EtcFileConfig: {name: .hidden}
EtcFileConfig: {name: /etc/motd}
EtcFileConfig: {name: a/../../b}
EtcFileConfig: {name: a/../b}
EtcFileConfig: {name: a/../hosts}
EtcFileConfig: {name: a/..}
EtcFileConfig: {name: a//b}
EtcFileConfig: {name: cri/conf.d/a.toml}
EtcFileConfig: {name: crio.conf}
EtcFileConfig: {name: cri}
EtcFileConfig: {name: hosts}
EtcFileConfig: {name: motd, contents: a}
EtcFileConfig: {name: ssl/a}
EthernetConfig: {name: eth0, rings: {rx: 5}}
ExistingVolumeConfig: {name: a12345678901234567890123456789012345, discovery: {volumeSelector: {match: "true"}}}
ExistingVolumeConfig: {name: data, discovery: {volumeSelector: {match: "true"}}}
ExistingVolumeConfig: {name: data, scrub: {interval: 1s}, discovery: {volumeSelector: {match: "true"}}}
FilesystemScrubConfig: {interval: 0}
FilesystemScrubConfig: {interval: 1h}
FilesystemScrubConfig: {interval: 1s}
FilesystemTrimConfig: {interval: -1h}
FilesystemTrimConfig: {interval: 1h}
HTTPProbeConfig: {name: a, url: '/a'}
HTTPProbeConfig: {name: a, url: 'http://:80/'}
HTTPProbeConfig: {name: a, url: 'http:example.com'}
HTTPProbeConfig: {name: a, url: 'https:///a'}
HTTPProbeConfig: {name: a, url: 'https://example.com/', failureThreshold: -1}
HTTPProbeConfig: {name: a, url: 'https://example.com/', interval: -1s}
HTTPProbeConfig: {name: a, url: 'https://example.com/', timeout: -1s}
HTTPProbeConfig: {name: a, url: 'https://example.com/a', timeout: 10s}
HTTPProbeConfig: {name: a, url: 'tcp://example.com'}
ImageVerificationConfig: {rules: [null]}
ImageVerificationConfig: {rules: [{image: a, publicKey: null, deny: true}]}
ImageVerificationConfig: {rules: [{image: a, skip: false, deny: true}]}
ImageVerificationConfig: {rules: [{image: a/*, deny: true}]}
ImageVerificationConfig: {rules: [{image: a/*, keyless: {issuer: a, subject: b}, publicKey: {certificate: a}}]}
ImageVerificationConfig: {rules: [{image: a/*, keyless: {issuer: a, subject: b}}]}
ImageVerificationConfig: {rules: [{image: a/*, keyless: {issuer: a, subjectRegex: b}}]}
ImageVerificationConfig: {rules: [{image: a/*, keyless: {issuer: a}}]}
ImageVerificationConfig: {rules: [{image: a/*, keyless: {subject: b}}]}
ImageVerificationConfig: {rules: [{image: a/*, publicKey: {certificate: a}}]}
ImageVerificationConfig: {rules: [{image: a/*, publicKey: {}}]}
ImageVerificationConfig: {rules: [{image: a/*, skip: true, deny: true}]}
ImageVerificationConfig: {rules: [{image: a/*, skip: true, keyless: {issuer: a, subject: b}}]}
ImageVerificationConfig: {rules: [{image: a/*, skip: true}]}
ImageVerificationConfig: {rules: [{image: a/*}]}
ImageVerificationConfig: {rules: [{skip: true}]}
KernelModuleConfig: {name: drbd, parameters: [a=b]}
KernelModuleConfig: {parameters: [a=b]}
KubeAdmissionControlConfig: {name: PodSecurity}
KubeControllerManagerConfig: {enabled: false}
KubeControllerManagerConfig: {image: 'registry.k8s.io/kube-controller-manager:v1.34.0', resources: {requests: {gpu: 1}}}
KubeCredentialProviderConfig: {configuration: {a: b}}
KubeEtcdEncryptionConfig: {config: {resources: []}}
KubeEtcdEncryptionConfig: {config: {}}
KubeFlannelCNIConfig: {backendType: vxlan, resources: {limits: {gpu: 1}}}
KubeSchedulerConfig: {image: 'registry.k8s.io/kube-scheduler:v1.34.0', resources: {limits: {gpu: 1}}}
KubeSpanConfig: {enabled: true, mtu: 0}
LVMLogicalVolumeConfig: {name: a, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, stripes: 2, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: RAID1, mirrors: 2, provisioning: {volumeGroup: v, maxSize: 50%}}
LVMLogicalVolumeConfig: {name: a, type: raid0, stripes: 2, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: raid1, mirrors: 0, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: raid1, mirrors: 1, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: raid1, stripes: 2, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: raid10, stripes: 1, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a, type: raid7, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a.b, type: linear, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMLogicalVolumeConfig: {name: a_b, type: linear, provisioning: {volumeGroup: v, maxSize: 1GiB}}
LVMVolumeGroupConfig: {name: a-b_C, provisioning: {volumeSelector: {match: 'true'}}}
LVMVolumeGroupConfig: {name: a/b, provisioning: {volumeSelector: {match: 'true'}}}
LinkAliasConfig: {name: '%d', selector: {match: 'true'}}
LinkAliasConfig: {name: net%d, selector: {match: 'true'}}
LinkAliasConfig: {name: net%d0, selector: {match: 'true'}}
LinkAliasConfig: {name: net%s, selector: {match: 'true'}}
NetworkRuleConfig: {name: a, portSelector: {ports: [1], protocol: tcp}, ingress: [{subnet: 192.0.2.0/24, except: ''}]}
OOMConfig: {sampleInterval: 0}
PCIDriverRebindConfig: {name: '0000:04:00.00', targetDriver: vfio-pci}
RAIDArrayConfig: {name: a b, level: raid1, provisioning: {volumeSelector: {match: 'true'}}}
RAIDArrayConfig: {name: data, level: raid1, provisioning: {volumeSelector: {match: 'true'}}}
RAIDArrayConfig: {name: data, provisioning: {volumeSelector: {match: 'true'}}}
RegistryTLSConfig: {name: quay.io, clientIdentity: {cert: a, key: b}}
ResolverConfig: {hostDNS: {enabled: false, forwardKubeDNSToHost: true}}
ResolverConfig: {hostDNS: {enabled: false, resolveMemberNames: false}}
ResolverConfig: {hostDNS: {enabled: true, forwardKubeDNSToHost: true, resolveMemberNames: true}}
ResolverConfig: {hostDNS: {resolveMemberNames: true}}
ResolverConfig: {hostDNS: {}}
ResolverConfig: {nameservers: [null, {address: 192.0.2.53, protocol: DoT}]}
ResolverConfig: {nameservers: [null]}
ResolverConfig: {nameservers: [{address: ''}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: ''}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: Do53, tlsServerName: dns.example.com}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: Do53}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoH, tlsServerName: ''}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoH, tlsServerName: dns.example.com}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoT, tlsServerName: dns.example.com}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoT}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: dot, tlsServerName: a}]}
ResolverConfig: {nameservers: [{address: 192.0.2.53, tlsServerName: dns.example.com}]}
ResolverConfig: {nameservers: [{}]}
SecurityProfileConfig: {workloadIsolation: true}
SysctlConfig: {params: {'': b}}
SysctlConfig: {params: {a: b}}
SysfsConfig: {params: {'': b}}
SysfsConfig: {params: {a: b}}
TCPProbeConfig: {name: a, endpoint: 'example.com:443', failureThreshold: -1}
TCPProbeConfig: {name: a, endpoint: 'example.com:443', failureThreshold: 3, interval: 1s}
TCPProbeConfig: {name: a, endpoint: 'example.com:443', interval: -1s}
TCPProbeConfig: {name: a, endpoint: 'example.com:443', timeout: -1s}
TimeSyncConfig: {bootTimeout: -1m}
TimeSyncConfig: {bootTimeout: 0}
TimeSyncConfig: {ntp: {useNTS: false, servers: [192.0.2.123]}}
TimeSyncConfig: {ntp: {useNTS: true, servers: ['2001:db8::123']}}
TimeSyncConfig: {ntp: {useNTS: true, servers: [192.0.2.123]}}
TimeSyncConfig: {ntp: {useNTS: true, servers: [time.example.com]}}
TrustedRootsConfig: {name: a}
UdevRulesConfig: {name: a, rules: [b]}
VLANConfig: {name: eth0.5, vlanID: 5, parent: eth0, vlanMode: 802.1ad}
VLANConfig: {name: eth0.5, vlanID: 5, parent: eth0, vlanMode: 802.3}
VethConfig: {name: 've:th', peer: {name: b}}
VethConfig: {name: .., peer: {name: veth1}}
VethConfig: {name: veth0, peer: null}
VethConfig: {name: veth0, peer: {name: 'a b'}}
VethConfig: {name: veth0, peer: {name: 'a/b'}}
VethConfig: {name: veth0, peer: {name: veth0}}
VethConfig: {name: veth0, peer: {name: veth1, addresses: [{}]}}
VethConfig: {name: veth0, peer: {name: veth1}, addresses: [{address: 0.0.0.0/24}]}
VethConfig: {name: veth0, peer: {name: veth1}}
VethConfig: {name: veth0123456789ab, peer: {name: veth1}}
VethConfig: {name: veth0}
VethConfig: {name: véthéthéthéth, peer: {name: b}}
VolumeConfig: {name: EPHEMERAL, encryption: {keys: [null]}}
VolumeConfig: {name: EPHEMERAL, encryption: {keys: [{slot: 0, nodeID: {}}]}}
VolumeConfig: {name: EPHEMERAL, encryption: {provider: luks2, keys: [{slot: 0, tpm: {options: {pcrs: [-1]}}}]}}
VolumeConfig: {name: EPHEMERAL, encryption: {provider: luks2, keys: [{slot: 0, tpm: {options: {pcrs: [24]}}}]}}
VolumeConfig: {name: EPHEMERAL, encryption: {provider: luks2, keys: [{slot: 0, tpm: {options: {pcrs: [7]}}}]}}
VolumeConfig: {name: EPHEMERAL, mount: {secure: false}}
VolumeConfig: {name: EPHEMERAL, provisioning: {minSize: 0, maxSize: -5GB}}
VolumeConfig: {name: EPHEMERAL, scrub: {interval: 1h}, trim: {interval: 1h}}
VolumeConfig: {name: EPHEMERAL, scrub: {interval: 1s}}
VolumeConfig: {name: EPHEMERAL, trim: {interval: -1h}}
VolumeConfig: {name: ETCD, mount: {secure: true}, provisioning: {diskSelector: {match: "true"}}}
VolumeConfig: {name: ETCD, mount: {secure: true}, provisioning: {diskSelector: {}}}
VolumeConfig: {name: ETCD, mount: {secure: true}, provisioning: {grow: true}}
VolumeConfig: {name: ETCD, mount: {secure: true}}
VolumeConfig: {name: ETCD}
VolumeConfig: {name: IMAGECACHE, filesystem: {xfs: {}}}
VolumeConfig: {name: IMAGECACHE, mount: {secure: false}}
VolumeConfig: {name: STATE, mount: {secure: false}}
VolumeConfig: {name: STATE, mount: {}}
VolumeConfig: {name: etcd}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: '0'}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 0}
WatchdogTimerConfig: {device: /dev/watchdog0, timeout: 60000000000}
WireguardConfig: {name: wg0, privateKey: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='}
BGPInstanceConfig: {name: a, localASN: 65001, ...}
  routerID: 192.0.2.1
  routerID: '2001:db8::1'
  neighbors: [{address: 192.0.2.1, link: eth0}]
  neighbors: [{peerASN: 65000}]
  neighbors: [{link: eth0}, {link: eth0}]
  neighbors: [{link: eth0}, {link: eth1}, {address: 192.0.2.1}]
  neighbors: [{link: eth0, holdTime: -1s}]
  neighbors: [{link: eth0, bfd: {transmitInterval: -1s}}]
  neighbors: [{link: eth0, bfd: {receiveInterval: -1s}}]
  vrf: red, neighbors: [{link: eth0, bfd: {}}]
  vrf: red, neighbors: [{link: eth0}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.0/24]}]
  importRoutes: [{bgpInstance: a, prefixes: [192.0.2.0/24]}]
  importRoutes: [{prefixes: [192.0.2.0/24]}]
  importRoutes: [{bgpInstance: b}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.1/24]}]
  importRoutes: [{bgpInstance: b, prefixes: ['']}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.0/24, 192.0.2.0/25]}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.0/24]}, {bgpInstance: b, prefixes: [198.51.100.0/24]}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.0/24]}, {bgpInstance: c, prefixes: [192.0.0.0/16]}]
  importRoutes: [{bgpInstance: b, prefixes: [192.0.2.0/24]}, {bgpInstance: c, prefixes: ['2001:db8::/32']}]
  neighbors: [null]
  importRoutes: [null]
  importRoutes: [{bgpInstance: b, prefixes: [null]}]
  neighbors: [{link: eth0, bfd: null}], vrf: red
ContainerConfig: {name: nginx, image: nginx, ...}
  environment: [A=b]
  environment: [A]
  mounts: [{}]
  mounts: [{tmpfs: {destination: /a, size: 64MiB}}]
  mounts: [{tmpfs: {destination: a}}]
  mounts: [{tmpfs: {}}]
  mounts: [{tmpfs: {destination: /a, options: [ro, rw]}}]
  mounts: [{tmpfs: {destination: /a, options: [sync]}}]
  mounts: [{tmpfs: {destination: /a}, hostPath: {source: /a, destination: /a}}]
  mounts: [{tmpfs: {destination: /a}}, {hostPath: {source: /a, destination: /a}}]
  mounts: [{hostPath: {source: /a, destination: /b, options: [ro, rbind]}}]
  mounts: [{hostPath: {source: a, destination: /b}}]
  mounts: [{userVolume: {name: data, destination: /b}}]
  mounts: [{userVolume: {destination: /b}}]
  security: {profile: privileged}
  security: {profile: open}
  security: {capabilities: {add: [NET_ADMIN], drop: [ALL]}}
  security: {capabilities: {add: [ALL]}}
  security: {capabilities: {add: [CAP_NET_ADMIN]}}
  security: {capabilities: {drop: [net_admin]}}
  security: {capabilities: {add: [NET_RAW], drop: [NET_RAW]}}
  network: {mode: host}
  network: {mode: bridge}
  resources: {limits: {cpu: 1500m, memory: 512MiB}}
  resources: {limits: {cpu: '1'}}
  resources: {limits: {cpu: 0m}}
  resources: {limits: {memory: much}}
  dependsOn: {paths: [/a], networks: [addresses, etcfiles], containers: [b], time: true}
  dependsOn: {paths: [a]}
  dependsOn: {networks: [dns]}
  dependsOn: {containers: [nginx]}
  dependsOn: {containers: ['']}
  runAs: {uid: 0, gid: 1000}
  runAs: {uid: -1}
  mounts: [null]
  mounts: [{tmpfs: null}]
  environment: [null]
  environment: [A=]
  dependsOn: {paths: [null]}
  security: {capabilities: {add: [null]}}
  security: {capabilities: {add: [ALL], drop: [ALL]}}
  security: {capabilities: {drop: [ALL]}}
  security: {profile: ''}, network: {mode: ''}, resources: {}
  resources: {limits: {cpu: '', memory: 0}}
  resources: {limits: {memory: 1.5 GB}}
  resources: {limits: {memory: -1GB}}
LVMLogicalVolumeConfig: {name: a, type: linear, ...}
  mirrors: 1, provisioning: {volumeGroup: v, maxSize: 1GiB}
  provisioning: {volumeGroup: v, maxSize: -1GiB}
  provisioning: {volumeGroup: v, maxSize: 0}
  provisioning: {volumeGroup: v, minSize: 2GiB, maxSize: 1GiB}
  provisioning: {volumeGroup: v, minSize: 2GiB, maxSize: 50%}
  provisioning: {volumeGroup: v, minSize: 1GiB, maxSize: 0%}
  provisioning: {volumeGroup: v, maxSize: ''}
  provisioning: {volumeGroup: v}
  provisioning: {volumeGroup: v, minSize: 1GiB, maxSize: 0}
UserVolumeConfig: {name: data, ...}
  filesystem: {type: ext4, xfs: {}}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}
  filesystem: {xfs: {}}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}
  trim: {interval: -1h}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}
  scrub: {interval: 1s}, provisioning: {diskSelector: {match: "true"}, maxSize: 10GB}
  volumeType: directory, filesystem: {xfs: {}}
  volumeType: directory, trim: {interval: -1s}
  volumeType: directory, scrub: {interval: 1s}
WireguardConfig: {name: wg0, privateKey: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=', ...}
  peers: [{publicKey: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=', persistentKeepaliveInterval: -1s}]
"""

# Names of configurations, and below each its changes and documents.
_TOGETHER = """
a link and a bond
  LinkConfig: {name: eth0}
  BondConfig: {name: eth0, links: [eth1], bondMode: 802.3ad}
a link and a VLAN
  LinkConfig: {name: eth0}
  VLANConfig: {name: eth0, vlanID: 5, parent: eth1}
a link and a VRF
  LinkConfig: {name: eth0}
  VRFConfig: {name: eth0, table: 100}
a link and DHCP
  LinkConfig: {name: eth0}
  DHCPv4Config: {name: eth0}
a link and a peer
  LinkConfig: {name: eth0}
  VethConfig: {name: a, peer: {name: eth0}}
a peer twice
  VethConfig: {name: a, peer: {name: b}}
  VethConfig: {name: c, peer: {name: b}}
two pairs
  VethConfig: {name: a, peer: {name: b}}
  VethConfig: {name: c, peer: {name: d}}
two VIPs
  Layer2VIPConfig: {name: 192.0.2.9, link: a}
  HCloudVIPConfig: {name: 192.0.2.9, link: a, apiToken: a}
encrypted DNS, host DNS off
  machine.features.hostDNS = {enabled: false}
  ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoT, tlsServerName: a}]}
encrypted DNS, host DNS of the machine
  machine.features.hostDNS = {enabled: true}
  ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoT, tlsServerName: a}]}
encrypted DNS, no host DNS
  - machine.features.hostDNS
  ResolverConfig: {nameservers: [{address: 192.0.2.53, protocol: DoT, tlsServerName: a}]}
a container after another
  ContainerConfig: {name: a, image: a, dependsOn: {containers: [b]}}
  ContainerConfig: {name: b, image: a}
a circle
  ContainerConfig: {name: a, image: a, dependsOn: {containers: [b]}}
  ContainerConfig: {name: b, image: a, dependsOn: {containers: [a]}}
KubeSpan without discovery
  - cluster.discovery
  KubeSpanConfig: {enabled: true}
KubeSpan off, without discovery
  - cluster.discovery
  KubeSpanConfig: {enabled: false}
no encryption in etcd
  - cluster.secretboxEncryptionSecret
encryption in etcd as a document
  - cluster.secretboxEncryptionSecret
  KubeEtcdEncryptionConfig: {config: {a: b}}
an authority as a document
  - cluster.ca
  KubeAPIServerCAConfig: {acceptedCAs: []}
"""


def documents() -> Iterator[str]:
    """Yield each document as a line."""
    head = ""
    for line in _DOCUMENTS.strip().splitlines():
        if line.endswith("...}"):
            head = line
        elif line.startswith("  "):
            yield head.replace("...", line.strip())
        else:
            yield line


def together() -> dict[str, list[str]]:
    """Return names of configurations, each with its changes and documents."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in _TOGETHER.strip().splitlines():
        if line.startswith("  "):
            lines.append(line.strip())
        else:
            lines = found[line] = []
    return found
