# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of Talos documents. Private to urmanac.talos: may change at any time.

One line per structure: its fields in the order in which Talos writes them. A field is `name` (one value) or
`name:type`; types are `T` a structure, `[T]` a list of structures, `[]` a list of texts, `{}` a map of texts, `{T}` a
map of structures, `args` command line arguments, `any` free-form data, `mode` permissions, `manifest` Kubernetes YAML,
`number` one of which 0 is another value than none.
`[T@a,b]` is a list whose elements are merged where field a (or, where a is not set, b) is equal; `[T=a]` one whose
elements are replaced where a is equal. `!` after the type: replaced, never appended to. `+` after the name: written
even when empty.

Talos keeps this in structure tags (types/v1alpha1/v1alpha1_types.go and its neighbours) and merges by reflection; field
names and rules here are facts about it, valid for v1.11 to v1.14.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

LEGACY = "Config"

_STRUCTURES = """
Config: version+ debug persist machine+:Machine cluster+:Cluster
Pair: crt+ key+
Certificate: crt+
Key: key+
Machine: type+ token+ ca:Pair acceptedCAs:[Certificate] certSANs+:[] controlPlane:MachineControlPlane kubelet:Kubelet
 pods:[any] network:Network disks:[MachineDisk] install:Install files:[File] env:{} time:Time sysctls:{} sysfs:{}
 registries:Registries systemDiskEncryption:DiskEncryption features:Features udev:Udev logging:Logging kernel:Kernel
 seccompProfiles:[SeccompProfile] baseRuntimeSpecOverrides:any nodeLabels:{} nodeAnnotations:{} nodeTaints:{}
SeccompProfile: name+ value:any
MachineControlPlane: controllerManager:Switch scheduler:Switch
Switch: disabled
Kubelet: image clusterDNS:[] extraArgs:args extraMounts:[Mount] extraConfig:any credentialProviderConfig:any
 defaultRuntimeSeccompProfileEnabled registerWithFQDN nodeIP:NodeIP skipNodeRegistration disableManifestsDirectory
NodeIP: validSubnets:[]
Mount: destination+ type source options:[] uidMappings:[IdMapping] gidMappings:[IdMapping]
IdMapping: containerID hostID size
Network: hostname interfaces:[Device@interface,deviceSelector] nameservers:[] searchDomains:[]
 extraHostEntries:[HostEntry] kubespan:KubeSpan disableSearchDomain
HostEntry: ip+ aliases+:[]
KubeSpan: enabled advertiseKubernetesNetworks allowDownPeerBypass harvestExtraEndpoints mtu:number
 filters:KubeSpanFilters
KubeSpanFilters: endpoints:[] excludeAdvertisedNetworks:[]
Device: interface deviceSelector:Selector addresses:[] cidr routes:[Route] bond:Bond bridge:Bridge
 bridgePort:BridgePort vlans:[Vlan@vlanId] mtu dhcp ignore dummy dhcpOptions:DhcpOptions wireguard:Wireguard vip:Vip
Selector: busPath hardwareAddr permanentAddr pciID driver physical
Route: network+ gateway+ source metric mtu
Vlan: addresses:[] cidr routes+:[Route] dhcp vlanId mtu vip:Vip dhcpOptions:DhcpOptions
DhcpOptions: routeMetric ipv4 ipv6 duidv6
Bond: interfaces:[] deviceSelectors:[Selector] arpIPTarget:[] mode xmitHashPolicy lacpRate adActorSystem arpValidate
 arpAllTargets primary primaryReselect failOverMac adSelect miimon updelay downdelay arpInterval resendIgmp minLinks
 lpInterval packetsPerSlave numPeerNotif tlbDynamicLb allSlavesActive useCarrier adActorSysPrio adUserPortKey
 peerNotifyDelay
Bridge: interfaces:[] stp:Stp vlan:BridgeVlan
Stp: enabled
BridgeVlan: vlanFiltering
BridgePort: master
Wireguard: privateKey listenPort firewallMark peers:[WireguardPeer]
WireguardPeer: publicKey endpoint persistentKeepaliveInterval allowedIPs:[]
Vip: ip equinixMetal:ApiToken hcloud:ApiToken
ApiToken: apiToken+
MachineDisk: device partitions:[Partition]
Partition: size mountpoint
Install: disk diskSelector:DiskSelector extraKernelArgs:[] image extensions:[Extension] bootloader wipe
 legacyBIOSSupport grubUseUKICmdline
Extension: image+
DiskSelector: size name model serial modalias uuid wwid type busPath
File: content+ permissions+:mode path+ op+
Time: disabled servers:[] bootTimeout
Registries: mirrors:{Mirror} config:{Registry}
Mirror: endpoints+:[] overridePath skipFallback
Registry: tls:RegistryTls auth:RegistryAuth
RegistryTls: clientIdentity:Pair ca insecureSkipVerify
RegistryAuth: username password auth identityToken
DiskEncryption: state:Encryption ephemeral:Encryption
Encryption: provider+ keys:[EncryptionKey] cipher keySize blockSize options:[]
EncryptionKey: static:any nodeID:any kms:any slot:number tpm:any
Features: rbac stableHostname kubernetesTalosAPIAccess:ApiAccess apidCheckExtKeyUsage diskQuotaSupport
 kubePrism:KubePrism hostDNS:HostDns imageCache:ImageCache nodeAddressSortAlgorithm
ApiAccess: enabled allowedRoles:[] allowedKubernetesNamespaces:[]
KubePrism: enabled port
HostDns: enabled forwardKubeDNSToHost resolveMemberNames
ImageCache: localEnabled
Udev: rules:[]
Logging: destinations:[LoggingDestination]
LoggingDestination: endpoint format extraTags:{}
Kernel: modules:[Module]
Module: name+ parameters:[]
Cluster: id secret controlPlane:ControlPlane clusterName network:ClusterNetwork token aescbcEncryptionSecret
 secretboxEncryptionSecret ca:Pair acceptedCAs:[Certificate] aggregatorCA:Pair serviceAccount:Key apiServer:ApiServer
 controllerManager:ControllerManager proxy:Proxy scheduler:Scheduler discovery:Discovery etcd:Etcd coreDNS:CoreDns
 externalCloudProvider:CloudProvider extraManifests:[] extraManifestHeaders:{} inlineManifests:[Manifest]
 adminKubeconfig:AdminKubeconfig allowSchedulingOnMasters allowSchedulingOnControlPlanes
ControlPlane: endpoint localAPIServerPort
ClusterNetwork: cni:Cni dnsDomain+ podSubnets+:[]! serviceSubnets+:[]!
Cni: name urls:[] flannel:Flannel
Flannel: extraArgs:[] kubeNetworkPoliciesEnabled
ApiServer: image extraArgs:args extraVolumes:[VolumeMount] env:{} certSANs:[] disablePodSecurityPolicy
 admissionControl:[AdmissionPlugin@name] auditPolicy:any! resources:Resources authorizationConfig:[Authorizer]
AdmissionPlugin: name+ configuration:any
Authorizer: type+ name+ webhook:any
VolumeMount: hostPath+ mountPath+ readonly
Resources: requests:any limits:any
ControllerManager: image extraArgs:args extraVolumes:[VolumeMount] env:{} resources:Resources
Proxy: disabled image mode extraArgs:args
Scheduler: image extraArgs:args extraVolumes:[VolumeMount] env:{} resources:Resources config:any
Discovery: enabled registries:DiscoveryRegistries
DiscoveryRegistries: kubernetes:Switch service:DiscoveryService
DiscoveryService: disabled endpoint
Etcd: image ca:Pair extraArgs:args subnet advertisedSubnets:[] listenSubnets:[]
CoreDns: disabled image
CloudProvider: enabled manifests:[]
Manifest: name+ contents+:manifest
AdminKubeconfig: certLifetime
HostnameConfig: apiVersion kind auto hostname
LinkConfig: apiVersion kind name up mtu addresses:[LinkAddress] routes:[LinkRoute] multicast
LinkAddress: address routePriority
LinkRoute: destination gateway source metric mtu table
LinkAliasConfig: apiVersion kind name selector:LinkSelector
LinkSelector: match
DHCPv4Config: apiVersion kind name routeMetric ignoreHostname clientIdentifier duidRaw
DHCPv6Config: apiVersion kind name routeMetric ignoreHostname clientIdentifier duidRaw
ResolverConfig: apiVersion kind nameservers:[Nameserver] searchDomains:SearchDomains hostDNS:HostDns
Nameserver: address protocol tlsServerName
SearchDomains: domains:[] disableDefault
StaticHostConfig: apiVersion kind name hostnames:[]
TimeSyncConfig: apiVersion kind enabled bootTimeout ntp:Ntp ptp:Ptp
Ntp: servers:[]
Ptp: devices:[]
RegistryMirrorConfig: apiVersion kind name endpoints:[MirrorEndpoint] skipFallback
MirrorEndpoint: url overridePath
ExtensionServiceConfig: apiVersion kind name configFiles:[ConfigFile@mountPath] environment:[]
ConfigFile: content+ mountPath+
ImageVerificationConfig: apiVersion kind rules:[any=image]
NetworkRuleConfig: apiVersion kind name portSelector:PortSelector ingress:[any]!
PortSelector: ports:[any]! protocol
DiscoveryServiceConfig: apiVersion kind name endpoint
DiscoveryIdentityConfig: apiVersion kind clusterID+ clusterSecret+
UnattendedInstallConfig: apiVersion kind reboot installer+:Installer provisioning+:InstallTarget
Installer: image
InstallTarget: diskSelector:LinkSelector wipe
SysctlConfig: apiVersion kind params+:{}
KernelModuleConfig: apiVersion kind name+ parameters:[]
CRICustomizationConfig: apiVersion kind name+ content+
SecurityProfileConfig: apiVersion kind workloadIsolation
PemPair: cert key
KubeClusterConfig: apiVersion kind clusterName+ endpoint+
KubeNodeConfig: apiVersion kind skipNodeRegistration registerWithFQDN nodeIP+:NodeIP labels:{} annotations:{} taints:{}
KubeletConfig: apiVersion kind image+ config+:any extraArgs:args clusterDNS:[] defaultRuntimeSeccompProfileEnabled
KubeNetworkConfig: apiVersion kind dnsDomain+ podSubnets+:[]! serviceSubnets+:[]! nodeCIDRMaskSizeIPv4
 nodeCIDRMaskSizeIPv6
KubeAPIServerCAConfig: apiVersion kind issuingCA:PemPair acceptedCAs:[]
KubePrismConfig: apiVersion kind port+ tlsServerName
KubeAggregatorCAConfig: apiVersion kind issuingCA:PemPair acceptedCAs:[]
KubeAdmissionControlConfig: apiVersion kind name+ configuration+:any
KubeAuditPolicyConfig: apiVersion kind configuration+:any!
KubeAuthenticationConfig: apiVersion kind configuration+:any!
KubeAuthorizerConfig: apiVersion kind name+ type+ webhook:any
KubeEtcdEncryptionConfig: apiVersion kind config+:any
KubeServiceAccountConfig: apiVersion kind issuer+:Issuer accepted:AcceptedIssuers
Issuer: privateKey+ issuerURL+
AcceptedIssuers: publicKeys:[] issuers:[] audiences:[]
KubeAPIServerConfig: apiVersion kind image+ extraArgs:args env:{} resources:Resources apiPort:number certExtraSANs:[]
 startupProbes
KubeControllerManagerConfig: apiVersion kind enabled image+ extraArgs:args env:{} resources:Resources
KubeSchedulerConfig: apiVersion kind enabled image+ config+:any extraArgs:args env:{} resources:Resources
KubeProxyConfig: apiVersion kind enabled image mode config+:any extraArgs:args resources:Resources
KubeFlannelCNIConfig: apiVersion kind backendType+ backendPort backendMTU backendExtraConfig:any resources:Resources
 extraArgs:[] kubeNetworkPoliciesEnabled
KubeCoreDNSConfig: apiVersion kind enabled image
KubeExternalManifestConfig: apiVersion kind name+ headers:{} url+
"""

_FIELD = re.compile(r"(?P<name>[A-Za-z0-9]+)(?P<required>\+?)(?::(?P<type>[^!]+)(?P<replace>!?))?\Z")
_TYPE = re.compile(r"(?P<open>[\[{]?)(?P<of>\w*)(?:(?P<rule>[@=])(?P<keys>[\w,]+))?[\]}]?\Z")


class Field(NamedTuple):
    """One field of a structure: form is one of those above; of is the nested structure."""

    name: str
    form: str
    of: str = ""
    keys: tuple[str, ...] = ()
    replaces_elements: bool = False
    replaced: bool = False
    required: bool = False


FREE = Field("", "any")
# Numbers of that type in kinds that are not in the table.
_NUMBERS = {
    "EthernetConfig": "rings.rx rings.tx rings.rx-mini rings.rx-jumbo rings.rx-buf-len rings.cqe-size "
    "rings.tx-push-buf-len channels.rx channels.tx channels.other channels.combined",
    "BondConfig": "miimon updelay downdelay arpInterval adActorSysPrio adUserPortKey resendIGMP minLinks lpInterval "
    "packetsPerSlave numPeerNotif tlbLogicalLb allSlavesActive peerNotifDelay missedMax",
    "ZswapConfig": "maxPoolPercent",
    "KubeSpanConfig": "mtu",
    "ContainerConfig": "runAs.uid runAs.gid",
    "LVMLogicalVolumeConfig": "mirrors stripes",
}


@cache
def structure(name: str) -> dict[str, Field] | None:
    """Return the fields of a structure in Talos' order, or None for an unknown structure."""
    return _structures().get(name)


def root(kind: str) -> Field:
    """Return the description of a whole document of this kind ("" for the machine configuration itself)."""
    name = kind or LEGACY
    # A kind that is not in the table is passed on unchanged.
    return Field(name, "struct" if structure(name) is not None else "unknown", name)


def is_number(field: Field, path: tuple[str, ...]) -> bool:
    """Return whether 0 differs from an absent value at this path of a document."""
    if field.form == "unknown":
        return ".".join(path) in _NUMBERS.get(field.of, "").split()
    return field.form == "number"


def element(field: Field) -> Field:
    """Return the description of one element of a list or map."""
    if field.form in ("any", "unknown", "args"):
        return FREE if field.form == "args" else field
    if field.of in ("", "any"):
        return FREE if field.of == "any" else Field(field.name, "text")
    return Field(field.name, "struct", field.of)


@cache
def _structures() -> dict[str, dict[str, Field]]:
    lines = _STRUCTURES.strip().replace("\n ", " ").splitlines()
    return {name: _fields(text) for name, text in (line.split(":", 1) for line in lines)}


def _fields(text: str) -> dict[str, Field]:
    fields = [_field(item) for item in text.split()]
    return {field.name: field for field in fields}


def _field(item: str) -> Field:
    match = _FIELD.match(item)
    if match is None:  # an error in the table above, which any test finds
        raise AssertionError(item)
    required, replaced = bool(match["required"]), bool(match["replace"])
    kind = match["type"] or "scalar"
    if kind in ("scalar", "any", "args", "mode", "manifest", "number"):
        return Field(match["name"], kind, required=required, replaced=replaced)
    inner = _TYPE.match(kind)
    if inner is None:
        raise AssertionError(item)
    form = {"[": "list", "{": "map", "": "struct"}[inner["open"]]
    keys = tuple(inner["keys"].split(",")) if inner["keys"] else ()
    return Field(match["name"], form, inner["of"], keys, inner["rule"] == "=", replaced, required)
