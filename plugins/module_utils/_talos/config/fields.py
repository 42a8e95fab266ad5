# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields that each version of Talos knows. Private to urmanac.talos: may change at any time.

Written by tools/talos_fields.py; do not edit. One line per structure: `field:type`, with `+12` for "since v1.12" and
`-12` for "up to v1.12". A type is a kind of scalar, a structure, `[T]` a list, `{T}` a mapping, `any` free-form data,
or `own/T`, a text that T reads by rules of its own. KINDS names the structure of each kind of document.
"""

from __future__ import annotations

KINDS = """
BGPInstanceConfig:network.BGPInstanceConfig+14 BlackholeRouteConfig:network.BlackholeRouteConfig+13
 BondConfig:network.BondConfig+12 BridgeConfig:network.BridgeConfig+12
 CRIBaseRuntimeSpecConfig:cri.CRIBaseRuntimeSpecConfig+14 CRICustomizationConfig:cri.CRICustomizationConfig+14
 ContainerConfig:container.ContainerConfig+14 DHCPv4Config:network.DHCPv4Config+12
 DHCPv6Config:network.DHCPv6Config+12 DiscoveryIdentityConfig:cluster.DiscoveryIdentityConfig+14
 DiscoveryServiceConfig:cluster.DiscoveryServiceConfig+14 DummyLinkConfig:network.DummyLinkConfig+12
 EnvironmentConfig:runtime.Environment+13 EtcFileConfig:runtime.EtcFileConfig+14 EthernetConfig:network.EthernetConfig
 EventSinkConfig:runtime.EventSink ExistingVolumeConfig:block.ExistingVolumeConfig+11
 ExtensionServiceConfig:extensions.ServiceConfig ExternalVolumeConfig:block.ExternalVolumeConfig+13
 FilesystemScrubConfig:block.FilesystemScrubConfig+14 FilesystemTrimConfig:block.FilesystemTrimConfig+14
 HCloudVIPConfig:network.HCloudVIPConfig+12 HTTPProbeConfig:network.HTTPProbeConfig+14
 HostnameConfig:network.HostnameConfig+12 ImageCacheConfig:cri.ImageCacheConfig+14
 ImageVerificationConfig:security.ImageVerificationConfig+13 KernelModuleConfig:runtime.KernelModuleConfig+14
 KmsgLogConfig:runtime.KmsgLog KubeAPIServerCAConfig:k8s.KubeAPIServerCAConfig+14
 KubeAPIServerConfig:k8s.KubeAPIServerConfig+14 KubeAdmissionControlConfig:k8s.KubeAdmissionControlConfig+14
 KubeAggregatorCAConfig:k8s.KubeAggregatorCAConfig+14 KubeAuditPolicyConfig:k8s.KubeAuditPolicyConfig+14
 KubeAuthenticationConfig:k8s.KubeAuthenticationConfig+14 KubeAuthorizerConfig:k8s.KubeAuthorizerConfig+14
 KubeClusterConfig:k8s.KubeClusterConfig+14 KubeControllerManagerConfig:k8s.KubeControllerManagerConfig+14
 KubeCoreDNSConfig:k8s.KubeCoreDNSConfig+14 KubeCredentialProviderConfig:k8s.KubeCredentialProviderConfig+14
 KubeEtcdEncryptionConfig:k8s.KubeEtcdEncryptionConfig+14 KubeExternalManifestConfig:k8s.KubeExternalManifestConfig+14
 KubeFlannelCNIConfig:k8s.KubeFlannelCNIConfig+14 KubeInlineManifestConfig:k8s.KubeInlineManifestConfig+14
 KubeNetworkConfig:k8s.KubeNetworkConfig+14 KubeNodeConfig:k8s.KubeNodeConfig+14
 KubePrismConfig:k8s.KubePrismConfig+14 KubeProxyConfig:k8s.KubeProxyConfig+14
 KubeSchedulerConfig:k8s.KubeSchedulerConfig+14 KubeServiceAccountConfig:k8s.KubeServiceAccountConfig+14
 KubeSpanConfig:network.KubeSpanConfig+13 KubeSpanEndpointsConfig:network.KubespanEndpointsConfig
 KubeStaticPodConfig:k8s.KubeStaticPodConfig+14 KubeTalosAPIAccessConfig:k8s.KubeTalosAPIAccessConfig+14
 KubeletConfig:k8s.KubeletConfig+14 LVMLogicalVolumeConfig:storage.LVMLogicalVolumeConfig+14
 LVMVolumeGroupConfig:storage.LVMVolumeGroupConfig+14 Layer2VIPConfig:network.Layer2VIPConfig+12
 LinkAliasConfig:network.LinkAliasConfig+12 LinkConfig:network.LinkConfig+12
 NetworkDefaultActionConfig:network.DefaultActionConfig NetworkRuleConfig:network.RuleConfig OOMConfig:runtime.OOM+12
 PCIDriverRebindConfig:hardware.PCIDriverRebindConfig RAIDArrayConfig:storage.RAIDArrayConfig+14
 RawVolumeConfig:block.RawVolumeConfig+11 RegistryAuthConfig:cri.RegistryAuthConfig+12
 RegistryMirrorConfig:cri.RegistryMirrorConfig+12 RegistryTLSConfig:cri.RegistryTLSConfig+12
 ResolverConfig:network.ResolverConfig+12 RoutingRuleConfig:network.RoutingRuleConfig+13
 SecurityProfileConfig:runtime.SecurityProfileConfig+14 SideroLinkConfig:siderolink.Config
 StaticHostConfig:network.StaticHostConfig+12 SwapVolumeConfig:block.SwapVolumeConfig+11
 SysctlConfig:runtime.SysctlConfig+14 SysfsConfig:runtime.SysfsConfig+14 TCPProbeConfig:network.TCPProbeConfig+13
 TimeSyncConfig:network.TimeSyncConfig+12 TrustedRootsConfig:security.TrustedRootsConfig
 UdevRulesConfig:runtime.UdevRulesConfig+14 UnattendedInstallConfig:runtime.UnattendedInstallConfig+14
 UserVolumeConfig:block.UserVolumeConfig VLANConfig:network.VLANConfig+12 VRFConfig:network.VRFConfig+13
 VethConfig:network.VethConfig+14 VolumeConfig:block.VolumeConfig WatchdogTimerConfig:runtime.WatchdogTimer
 WireguardConfig:network.WireguardConfig+12 ZswapConfig:block.ZswapConfig+11
"""

STRUCTURES = """
block.DiskSelector match:own/Expression
block.EncryptionKey kms:block.EncryptionKeyKMS lockToState:bool+11 nodeID:block.EncryptionKeyNodeID slot:int
 static:block.EncryptionKeyStatic tpm:block.EncryptionKeyTPM
block.EncryptionKeyKMS endpoint:string
block.EncryptionKeyNodeID
block.EncryptionKeyStatic passphrase:string
block.EncryptionKeyTPM checkSecurebootStatusOnEnroll:bool options:block.EncryptionKeyTPMOptions+12
block.EncryptionKeyTPMOptions pcrs:[int]+12
block.EncryptionSpec allowDiscards:bool+14 blockSize:uint64 cipher:string keySize:uint keys:[block.EncryptionKey]
 options:[string] provider:own/EncryptionProviderType
block.ExistingMountSpec disableAccessTime:bool+13 readOnly:bool+13 secure:bool+13
block.ExistingVolumeConfig apiVersion:string+11 discovery:block.VolumeDiscoverySpec+11 kind:string+11
 mount:block.ExistingMountSpec+13 mount:block.MountSpec+11-12 name:string+11 scrub:block.ScrubConfig+14
 trim:block.TrimConfig+14
block.ExternalMountSpec disableAccessTime:bool+13 readOnly:bool+13 secure:bool+13 virtiofs:block.VirtiofsMountSpec+13
block.ExternalVolumeConfig apiVersion:string+13 filesystemType:own/FilesystemType+13 kind:string+13
 mount:block.ExternalMountSpec+13 name:string+13
block.FilesystemScrubConfig apiVersion:string+14 interval:duration+14 kind:string+14
block.FilesystemSpec projectQuotaSupport:bool+11 type:own/FilesystemType xfs:block.XFSSpec+14
block.FilesystemTrimConfig apiVersion:string+14 interval:duration+14 kind:string+14
block.MountSpec disableAccessTime:bool+14 readOnly:bool+11-12 secure:bool+13
block.ProvisioningSpec diskSelector:block.DiskSelector grow:bool maxSize:own/ByteSize-11 maxSize:own/Size+12
 minSize:own/ByteSize
block.RawVolumeConfig apiVersion:string+11 encryption:block.EncryptionSpec+11 kind:string+11 name:string+11
 provisioning:block.ProvisioningSpec+11
block.ScrubConfig enabled:bool+14 interval:duration+14
block.SwapVolumeConfig apiVersion:string+11 encryption:block.EncryptionSpec+11 kind:string+11 name:string+11
 provisioning:block.ProvisioningSpec+11
block.SystemVolumeFilesystemSpec xfs:block.XFSSpec+14
block.TrimConfig enabled:bool+14 interval:duration+14
block.UserMountSpec disableAccessTime:bool+13 secure:bool+13
block.UserVolumeConfig apiVersion:string encryption:block.EncryptionSpec filesystem:block.FilesystemSpec kind:string
 mount:block.UserMountSpec+13 name:string provisioning:block.ProvisioningSpec scrub:block.ScrubConfig+14
 trim:block.TrimConfig+14 volumeType:own/VolumeType+12
block.VirtiofsMountSpec tag:string+13
block.VolumeConfig apiVersion:string encryption:block.EncryptionSpec+11 filesystem:block.SystemVolumeFilesystemSpec+14
 kind:string mount:block.MountSpec+13 name:string provisioning:block.ProvisioningSpec scrub:block.ScrubConfig+14
 trim:block.TrimConfig+14
block.VolumeDiscoverySpec volumeSelector:block.VolumeSelector+11
block.VolumeSelector match:own/Expression+11
block.XFSSpec minAllocationGroupSize:own/ByteSize+14
block.ZswapConfig apiVersion:string+11 kind:string+11 maxPoolPercent:int+11 shrinkerEnabled:bool+11
cluster.DiscoveryIdentityConfig apiVersion:string+14 clusterID:string+14 clusterSecret:string+14 kind:string+14
cluster.DiscoveryServiceConfig apiVersion:string+14 endpoint:own/URL+14 kind:string+14 name:string+14
container.ContainerCapabilities add:[string]+14 drop:[string]+14
container.ContainerConfig apiVersion:string+14 args:[string]+14 dependsOn:container.ContainerDependsOn+14
 entrypoint:[string]+14 environment:[string]+14 image:string+14 kind:string+14 mounts:[container.ContainerMount]+14
 name:string+14 network:container.ContainerNetwork+14 resources:container.ContainerResources+14
 runAs:container.ContainerRunAs+14 security:container.ContainerSecurity+14 workingDir:string+14
container.ContainerDependsOn containers:[string]+14 networks:[string]+14 paths:[string]+14 time:bool+14
container.ContainerMount hostPath:container.HostPathMount+14 tmpfs:container.TmpfsMount+14
 userVolume:container.UserVolumeMount+14
container.ContainerNetwork mode:string+14
container.ContainerResourceLimits cpu:string+14 memory:string+14
container.ContainerResources limits:container.ContainerResourceLimits+14
container.ContainerRunAs gid:int32+14 uid:int32+14
container.ContainerSecurity capabilities:container.ContainerCapabilities+14 profile:string+14
container.HostPathMount destination:string+14 options:[string]+14 source:string+14
container.TmpfsMount destination:string+14 options:[string]+14 size:string+14
container.UserVolumeMount destination:string+14 name:string+14 options:[string]+14
cri.CRIBaseRuntimeSpecConfig apiVersion:string+14 kind:string+14 overrides:any+14
cri.CRICustomizationConfig apiVersion:string+14 content:string+14 kind:string+14 name:string+14
cri.ImageCacheConfig apiVersion:string+14 kind:string+14 local:cri.LocalImageCacheConfig+14
cri.LocalImageCacheConfig enabled:bool+14
cri.RegistryAuthConfig apiVersion:string+12 auth:string+12 identityToken:string+12 kind:string+12 name:string+12
 password:string+12 username:string+12
cri.RegistryEndpoint overridePath:bool+12 url:own/URL+12
cri.RegistryMirrorConfig apiVersion:string+12 endpoints:[cri.RegistryEndpoint]+12 kind:string+12 name:string+12
 skipFallback:bool+12
cri.RegistryTLSConfig apiVersion:string+12 ca:string+12 clientIdentity:meta.CertificateAndKey+12
 insecureSkipVerify:bool+12 kind:string+12 name:string+12
extensions.ConfigFile content:string mountPath:string
extensions.ServiceConfig apiVersion:string configFiles:[extensions.ConfigFile] environment:[string] kind:string
 name:string
hardware.PCIDriverRebindConfig apiVersion:string kind:string name:string targetDriver:string
k8s.AcceptedServiceAccountConfig audiences:[string]+14 issuers:[own/URL]+14 publicKeys:[string]+14
k8s.IssuerServiceAccountConfig issuerURL:own/URL+14 privateKey:string+14
k8s.KubeAPIServerCAConfig acceptedCAs:[string]+14 apiVersion:string+14 issuingCA:meta.CertificateAndKey+14
 kind:string+14
k8s.KubeAPIServerConfig apiPort:int+14 apiVersion:string+14 certExtraSANs:[string]+14 env:{string}+14
 extraArgs:{own/ArgValue}+14 image:string+14 kind:string+14 resources:k8s.ResourcesConfig+14 startupProbes:bool+14
k8s.KubeAdmissionControlConfig apiVersion:string+14 configuration:any+14 kind:string+14 name:string+14
k8s.KubeAggregatorCAConfig acceptedCAs:[string]+14 apiVersion:string+14 issuingCA:meta.CertificateAndKey+14
 kind:string+14
k8s.KubeAuditPolicyConfig apiVersion:string+14 configuration:any+14 kind:string+14
k8s.KubeAuthenticationConfig apiVersion:string+14 configuration:any+14 kind:string+14
k8s.KubeAuthorizerConfig apiVersion:string+14 kind:string+14 name:string+14 type:string+14 webhook:any+14
k8s.KubeClusterConfig apiVersion:string+14 clusterName:string+14 endpoint:own/URL+14 kind:string+14
k8s.KubeControllerManagerConfig apiVersion:string+14 enabled:bool+14 env:{string}+14 extraArgs:{own/ArgValue}+14
 image:string+14 kind:string+14 resources:k8s.ResourcesConfig+14
k8s.KubeCoreDNSConfig apiVersion:string+14 enabled:bool+14 image:string+14 kind:string+14
k8s.KubeCredentialProviderConfig apiVersion:string+14 configuration:any+14 kind:string+14
k8s.KubeEtcdEncryptionConfig apiVersion:string+14 config:any+14 kind:string+14
k8s.KubeExternalManifestConfig apiVersion:string+14 headers:{string}+14 kind:string+14 name:string+14 url:own/URL+14
k8s.KubeFlannelCNIConfig apiVersion:string+14 backendExtraConfig:any+14 backendMTU:uint32+14 backendPort:uint16+14
 backendType:string+14 extraArgs:[string]+14 kind:string+14 kubeNetworkPoliciesEnabled:bool+14
 resources:k8s.ResourcesConfig+14
k8s.KubeInlineManifestConfig apiVersion:string+14 kind:string+14 manifest:string+14 name:string+14
k8s.KubeNetworkConfig apiVersion:string+14 dnsDomain:string+14 kind:string+14 nodeCIDRMaskSizeIPv4:int+14
 nodeCIDRMaskSizeIPv6:int+14 podSubnets:[own/Prefix]+14 serviceSubnets:[own/Prefix]+14
k8s.KubeNodeConfig annotations:{string}+14 apiVersion:string+14 kind:string+14 labels:{string}+14
 nodeIP:k8s.NodeIPConfig+14 registerWithFQDN:bool+14 skipNodeRegistration:bool+14 taints:{string}+14
k8s.KubePrismConfig apiVersion:string+14 kind:string+14 port:int+14 tlsServerName:string+14
k8s.KubeProxyConfig apiVersion:string+14 config:any+14 enabled:bool+14 extraArgs:{own/ArgValue}+14 image:string+14
 kind:string+14 mode:string+14 resources:k8s.ResourcesConfig+14
k8s.KubeSchedulerConfig apiVersion:string+14 config:any+14 enabled:bool+14 env:{string}+14 extraArgs:{own/ArgValue}+14
 image:string+14 kind:string+14 resources:k8s.ResourcesConfig+14
k8s.KubeServiceAccountConfig accepted:k8s.AcceptedServiceAccountConfig+14 apiVersion:string+14
 issuer:k8s.IssuerServiceAccountConfig+14 kind:string+14
k8s.KubeStaticPodConfig apiVersion:string+14 kind:string+14 name:string+14 pod:any+14
k8s.KubeTalosAPIAccessConfig allowedKubernetesNamespaces:[string]+14 allowedRoles:[string]+14 apiVersion:string+14
 kind:string+14
k8s.KubeletConfig apiVersion:string+14 clusterDNS:[string]+14 config:any+14
 defaultRuntimeSeccompProfileEnabled:bool+14 extraArgs:{own/ArgValue}+14 image:string+14 kind:string+14
k8s.NodeIPConfig validSubnets:[string]+14
k8s.ResourcesConfig limits:any+14 requests:any+14
meta.CertificateAndKey cert:string+12 key:string+12
network.AddressConfig address:own/Prefix+12 routePriority:uint32+12
network.BGPBFDConfig detectMultiplier:uint8+14 receiveInterval:duration+14 transmitInterval:duration+14
network.BGPImportRoute bgpInstance:string+14 prefixes:[own/Prefix]+14
network.BGPInstanceConfig advertise:[string]+14 apiVersion:string+14 importRoutes:[network.BGPImportRoute]+14
 installRoutes:bool+14 kind:string+14 localASN:uint32+14 maxPaths:uint8+14 multipath:bool+14 name:string+14
 neighbors:[network.BGPNeighborConfig]+14 routeSource:own/Addr+14 routerID:own/Addr+14 vrf:string+14
network.BGPNeighborConfig address:own/Addr+14 bfd:network.BGPBFDConfig+14 holdTime:duration+14 link:string+14
 localASN:uint32+14 passive:bool+14 peerASN:uint32+14
network.BlackholeRouteConfig apiVersion:string+13 kind:string+13 metric:uint32+13 name:string+13
network.BondConfig adActorSysPrio:uint16+12 adLACPActive:own/ADLACPActive+12 adSelect:own/ADSelect+12
 adUserPortKey:uint16+12 addresses:[network.AddressConfig]+12 allSlavesActive:uint8+12 apiVersion:string+12
 arpAllTargets:own/ARPAllTargets+12 arpInterval:uint32+12 arpIpTargets:[own/Addr]+12 arpValidate:own/ARPValidate+12
 bondMode:own/BondMode+12 downdelay:uint32+12 failOverMac:own/FailOverMAC+12 hardwareAddr:own/HardwareAddr+12
 kind:string+12 lacpRate:own/LACPRate+12 links:[string]+12 lpInterval:uint32+12 miimon:uint32+12 minLinks:uint32+12
 missedMax:uint8+12 mtu:uint32+12 multicast:bool+12 name:string+12 nsIp6Targets:[own/Addr]+12 numPeerNotif:uint8+12
 packetsPerSlave:uint32+12 peerNotifDelay:uint32+12 primaryReselect:own/PrimaryReselect+12 resendIGMP:uint32+12
 routes:[network.RouteConfig]+12 tlbLogicalLb:uint8+12 up:bool+12 updelay:uint32+12 useCarrier:bool+12
 xmitHashPolicy:own/BondXmitHashPolicy+12
network.BridgeConfig addresses:[network.AddressConfig]+12 apiVersion:string+12 hardwareAddr:own/HardwareAddr+12
 kind:string+12 links:[string]+12 mtu:uint32+12 multicast:bool+12 name:string+12 routes:[network.RouteConfig]+12
 stp:network.BridgeSTPConfig+12 up:bool+12 vlan:network.BridgeVLANConfig+12
network.BridgeSTPConfig enabled:bool+12
network.BridgeVLANConfig filtering:bool+12
network.DHCPv4Config apiVersion:string+12 clientIdentifier:own/ClientIdentifier+12 duidRaw:own/HardwareAddr+12
 ignoreHostname:bool+12 ignoreRoutes:bool+14 kind:string+12 name:string+12 routeMetric:uint32+12
network.DHCPv6Config apiVersion:string+12 clientIdentifier:own/ClientIdentifier+12 duidRaw:own/HardwareAddr+12
 ignoreHostname:bool+12 kind:string+12 name:string+12 routeMetric:uint32+12
network.DefaultActionConfig apiVersion:string ingress:own/DefaultAction kind:string
network.DummyLinkConfig addresses:[network.AddressConfig]+12 apiVersion:string+12 hardwareAddr:own/HardwareAddr+12
 kind:string+12 mtu:uint32+12 multicast:bool+12 name:string+12 routes:[network.RouteConfig]+12 up:bool+12
network.EthernetChannelsConfig combined:uint32 other:uint32 rx:uint32 tx:uint32
network.EthernetConfig apiVersion:string channels:network.EthernetChannelsConfig features:{bool} kind:string
 name:string rings:network.EthernetRingsConfig wakeOnLan:[own/WOLMode]+12
network.EthernetRingsConfig cqe-size:uint32 rx:uint32 rx-buf-len:uint32 rx-jumbo:uint32 rx-mini:uint32 rx-push:bool
 tcp-data-split:bool tx:uint32 tx-push:bool tx-push-buf-len:uint32
network.HCloudVIPConfig apiToken:string+12 apiVersion:string+12 kind:string+12 link:string+12 name:string+12
network.HTTPProbeConfig apiVersion:string+14 failureThreshold:int+14 interval:duration+14 kind:string+14
 name:string+14 timeout:duration+14 url:own/URL+14
network.HostDNSConfig enabled:bool+14 forwardKubeDNSToHost:bool+14 resolveMemberNames:bool+14
network.HostnameConfig apiVersion:string+12 auto:own/AutoHostnameKind+12 hostname:string+12 kind:string+12
network.IngressRule except:own/Prefix subnet:own/Prefix
network.KubeSpanConfig advertiseKubernetesNetworks:bool+13 allowDownPeerBypass:bool+13 apiVersion:string+13
 enabled:bool+13 filters:network.KubeSpanFiltersConfig+13 harvestExtraEndpoints:bool+13 kind:string+13 mtu:uint32+13
network.KubeSpanFiltersConfig endpoints:[string]+13 excludeAdvertisedNetworks:[own/Prefix]+13
network.KubespanEndpointsConfig apiVersion:string extraAnnouncedEndpoints:[own/AddrPort] kind:string
network.Layer2VIPConfig apiVersion:string+12 kind:string+12 link:string+12 name:string+12
network.LinkAliasConfig apiVersion:string+12 kind:string+12 name:string+12 selector:network.LinkSelector+12
network.LinkConfig addresses:[network.AddressConfig]+12 apiVersion:string+12 kind:string+12 mtu:uint32+12
 multicast:bool+12 name:string+12 routes:[network.RouteConfig]+12 up:bool+12
network.LinkSelector match:own/Expression+12
network.NTPConfig servers:[string]+12 useNTS:bool+14
network.NameserverConfig address:own/Addr+12 protocol:own/DNSProtocol+14 tlsServerName:string+14
network.PTPConfig devices:[string]+12
network.ResolverConfig apiVersion:string+12 hostDNS:network.HostDNSConfig+14 kind:string+12
 nameservers:[network.NameserverConfig]+12 searchDomains:network.SearchDomainsConfig+12
network.RouteConfig destination:own/Prefix+12 gateway:own/Addr+12 metric:uint32+12 mtu:uint32+12 source:own/Addr+12
 table:own/RoutingTable+12
network.RoutingRuleConfig action:own/RoutingRuleAction+13 apiVersion:string+13 dst:own/Prefix+13 fwMark:uint32+13
 fwMask:uint32+13 iifName:string+13 kind:string+13 name:string+13 oifName:string+13 src:own/Prefix+13
 table:own/RoutingTable+13
network.RuleConfig apiVersion:string ingress:[network.IngressRule] kind:string name:string
 portSelector:network.RulePortSelector
network.RulePortSelector ports:[own/PortRange] protocol:own/Protocol
network.SearchDomainsConfig disableDefault:bool+12 domains:[string]+12
network.StaticHostConfig apiVersion:string+12 hostnames:[string]+12 kind:string+12 name:string+12
network.TCPProbeConfig apiVersion:string+13 endpoint:string+13 failureThreshold:int+13 interval:duration+13
 kind:string+13 name:string+13 timeout:duration+13
network.TimeSyncConfig apiVersion:string+12 bootTimeout:duration+12 enabled:bool+12 kind:string+12
 ntp:network.NTPConfig+12 ptp:network.PTPConfig+12
network.VLANConfig addresses:[network.AddressConfig]+12 apiVersion:string+12 kind:string+12 mtu:uint32+12
 multicast:bool+12 name:string+12 parent:string+12 routes:[network.RouteConfig]+12 up:bool+12 vlanID:uint16+12
 vlanMode:own/VLANProtocol+12
network.VRFConfig addresses:[network.AddressConfig]+13 apiVersion:string+13 hardwareAddr:own/HardwareAddr+13
 kind:string+13 links:[string]+13 mtu:uint32+13 multicast:bool+13 name:string+13 routes:[network.RouteConfig]+13
 table:own/RoutingTable+13 up:bool+13
network.VethConfig addresses:[network.AddressConfig]+14 apiVersion:string+14 kind:string+14 mtu:uint32+14
 multicast:bool+14 name:string+14 peer:network.VethPeerConfig+14 routes:[network.RouteConfig]+14 up:bool+14
network.VethPeerConfig addresses:[network.AddressConfig]+14 mtu:uint32+14 multicast:bool+14 name:string+14
 routes:[network.RouteConfig]+14 up:bool+14
network.WireguardConfig addresses:[network.AddressConfig]+12 apiVersion:string+12 firewallMark:int+12 kind:string+12
 listenPort:int+12 mtu:uint32+12 multicast:bool+12 name:string+12 peers:[network.WireguardPeer]+12
 privateKey:string+12 routes:[network.RouteConfig]+12 up:bool+12
network.WireguardPeer allowedIPs:[own/Prefix]+12 endpoint:own/AddrPort+12 persistentKeepaliveInterval:duration+12
 presharedKey:string+12 publicKey:string+12
runtime.DiskSelectorSpec match:own/Expression+14
runtime.Environment apiVersion:string+13 kind:string+13 variables:{string}+13
runtime.EtcFileConfig apiVersion:string+14 contents:string+14 kind:string+14 mode:uint32+14 name:string+14
runtime.EventSink apiVersion:string endpoint:string kind:string
runtime.InstallerSpec image:string+14
runtime.KernelModuleConfig apiVersion:string+14 kind:string+14 name:string+14 parameters:[string]+14
runtime.KmsgLog apiVersion:string kind:string name:string url:own/URL
runtime.OOM apiVersion:string+12 cgroupRankingExpression:own/Expression+12 kind:string+12 sampleInterval:duration+12
 strictCgroupClassOrdering:bool+13 triggerExpression:own/Expression+12
runtime.ProvisioningSpec diskSelector:runtime.DiskSelectorSpec+14 wipe:bool+14
runtime.SecurityProfileConfig apiVersion:string+14 kind:string+14 workloadIsolation:bool+14
runtime.SysctlConfig apiVersion:string+14 kind:string+14 params:{string}+14
runtime.SysfsConfig apiVersion:string+14 kind:string+14 params:{string}+14
runtime.UdevRulesConfig apiVersion:string+14 kind:string+14 rules:[string]+14
runtime.UnattendedInstallConfig apiVersion:string+14 installer:runtime.InstallerSpec+14 kind:string+14
 provisioning:runtime.ProvisioningSpec+14 reboot:bool+14
runtime.WatchdogTimer apiVersion:string device:string kind:string timeout:duration
security.ImageKeylessVerifier issuer:string+13 subject:string+13 subjectRegex:string+13
security.ImagePublicKeyVerifier certificate:string+13
security.ImageVerificationConfig apiVersion:string+13 kind:string+13 rules:[security.ImageVerificationRule]+13
security.ImageVerificationRule deny:bool+13 image:string+13 keyless:security.ImageKeylessVerifier+13
 publicKey:security.ImagePublicKeyVerifier+13 skip:bool+13
security.TrustedRootsConfig apiVersion:string certificates:string kind:string name:string
siderolink.Config apiUrl:own/URL apiVersion:string kind:string uniqueToken:string
storage.LVMLogicalVolumeConfig apiVersion:string+14 kind:string+14 mirrors:uint32+14 name:string+14
 provisioning:storage.LVMLogicalVolumeProvisioningSpec+14 stripes:uint32+14 type:own/LVMLogicalVolumeType+14
storage.LVMLogicalVolumeProvisioningSpec maxSize:own/Size+14 minSize:own/ByteSize+14 volumeGroup:string+14
storage.LVMVolumeGroupConfig apiVersion:string+14 kind:string+14 name:string+14
 provisioning:storage.ProvisioningSpec+14
storage.LVMVolumeSelectorSpec match:own/Expression+14
storage.ProvisioningSpec volumeSelector:storage.LVMVolumeSelectorSpec+14
storage.RAIDArrayConfig apiVersion:string+14 kind:string+14 level:own/MDLevel+14 metadata:own/MDMetadata+14
 name:string+14 provisioning:storage.RAIDProvisioningSpec+14
storage.RAIDProvisioningSpec volumeSelector:storage.RAIDVolumeSelector+14
storage.RAIDVolumeSelector match:own/Expression+14
APIServerConfig admissionControl:[AdmissionPluginConfig] auditPolicy:any
 authorizationConfig:[AuthorizationConfigAuthorizerConfig] certSANs:[string] disablePodSecurityPolicy:bool
 env:{string} extraArgs:{own/ArgValue}+13 extraArgs:{string}-12 extraVolumes:[VolumeMountConfig] image:string
 resources:ResourcesConfig
AdminKubeconfigConfig certLifetime:duration
AdmissionPluginConfig configuration:any name:string
AuthorizationConfigAuthorizerConfig name:string type:string webhook:any
Bond adActorSysPrio:uint16 adActorSystem:string adSelect:string adUserPortKey:uint16 allSlavesActive:uint8
 arpAllTargets:string arpIPTarget:[string] arpInterval:uint32 arpValidate:string
 deviceSelectors:[NetworkDeviceSelector] downdelay:uint32 failOverMac:string interfaces:[string] lacpRate:string
 lpInterval:uint32 miimon:uint32 minLinks:uint32 mode:string numPeerNotif:uint8 packetsPerSlave:uint32
 peerNotifyDelay:uint32 primary:string primaryReselect:string resendIgmp:uint32 tlbDynamicLb:uint8 updelay:uint32
 useCarrier:bool xmitHashPolicy:string
Bridge interfaces:[string] stp:STP vlan:BridgeVLAN
BridgePort master:string
BridgeVLAN vlanFiltering:bool
CNIConfig flannel:FlannelCNIConfig name:string urls:[string]
ClusterConfig acceptedCAs:[own/PEMEncodedCertificate] adminKubeconfig:AdminKubeconfigConfig
 aescbcEncryptionSecret:string aggregatorCA:own/PEMEncodedCertificateAndKey allowSchedulingOnControlPlanes:bool
 allowSchedulingOnMasters:bool apiServer:APIServerConfig ca:own/PEMEncodedCertificateAndKey clusterName:string
 controlPlane:ControlPlaneConfig controllerManager:ControllerManagerConfig coreDNS:CoreDNS
 discovery:ClusterDiscoveryConfig etcd:EtcdConfig externalCloudProvider:ExternalCloudProviderConfig
 extraManifestHeaders:{string} extraManifests:[string] id:string inlineManifests:[ClusterInlineManifest]
 network:ClusterNetworkConfig proxy:ProxyConfig scheduler:SchedulerConfig secret:string
 secretboxEncryptionSecret:string serviceAccount:own/PEMEncodedKey token:string
ClusterDiscoveryConfig enabled:bool registries:DiscoveryRegistriesConfig
ClusterInlineManifest contents:string name:string
ClusterNetworkConfig cni:CNIConfig dnsDomain:string podSubnets:[string] serviceSubnets:[string]
Config cluster:ClusterConfig debug:bool machine:MachineConfig persist:bool version:string
ControlPlaneConfig endpoint:own/Endpoint localAPIServerPort:int
ControllerManagerConfig env:{string} extraArgs:{own/ArgValue}+13 extraArgs:{string}-12
 extraVolumes:[VolumeMountConfig] image:string resources:ResourcesConfig
CoreDNS disabled:bool image:string
DHCPOptions duidv6:string ipv4:bool ipv6:bool routeMetric:uint32
Device addresses:[string] bond:Bond bridge:Bridge bridgePort:BridgePort cidr:string
 deviceSelector:NetworkDeviceSelector dhcp:bool dhcpOptions:DHCPOptions dummy:bool ignore:bool interface:string
 mtu:int routes:[Route] vip:DeviceVIPConfig vlans:[Vlan] wireguard:DeviceWireguardConfig
DeviceVIPConfig equinixMetal:VIPEquinixMetalConfig hcloud:VIPHCloudConfig ip:string
DeviceWireguardConfig firewallMark:int listenPort:int peers:[DeviceWireguardPeer] privateKey:string
DeviceWireguardPeer allowedIPs:[string] endpoint:string persistentKeepaliveInterval:duration publicKey:string
DiscoveryRegistriesConfig kubernetes:RegistryKubernetesConfig service:RegistryServiceConfig
DiskPartition mountpoint:string size:own/DiskSize
EncryptionConfig blockSize:uint64 cipher:string keySize:uint keys:[EncryptionKey] options:[string] provider:string
EncryptionKey kms:EncryptionKeyKMS nodeID:EncryptionKeyNodeID slot:int static:EncryptionKeyStatic tpm:EncryptionKeyTPM
EncryptionKeyKMS endpoint:string
EncryptionKeyNodeID
EncryptionKeyStatic passphrase:string
EncryptionKeyTPM checkSecurebootStatusOnEnroll:bool
EtcdConfig advertisedSubnets:[string] ca:own/PEMEncodedCertificateAndKey extraArgs:{own/ArgValue}+13
 extraArgs:{string}-12 image:string listenSubnets:[string] subnet:string
ExternalCloudProviderConfig enabled:bool manifests:[string]
ExtraHost aliases:[string] ip:string
ExtraMount destination:string gidMappings:[LinuxIDMapping] options:[string] source:string type:string
 uidMappings:[LinuxIDMapping]
FeaturesConfig apidCheckExtKeyUsage:bool diskQuotaSupport:bool hostDNS:HostDNSConfig imageCache:ImageCacheConfig
 kubePrism:KubePrism kubernetesTalosAPIAccess:KubernetesTalosAPIAccessConfig nodeAddressSortAlgorithm:string rbac:bool
 stableHostname:bool
FlannelCNIConfig extraArgs:[string] kubeNetworkPoliciesEnabled:bool+13
HostDNSConfig enabled:bool forwardKubeDNSToHost:bool resolveMemberNames:bool
ImageCacheConfig localEnabled:bool
InstallConfig bootloader:bool disk:string diskSelector:InstallDiskSelector extensions:[InstallExtensionConfig]
 extraKernelArgs:[string] grubUseUKICmdline:bool+12 image:string legacyBIOSSupport:bool wipe:bool
InstallDiskSelector busPath:string modalias:string model:string name:string serial:string
 size:own/InstallDiskSizeMatcher type:string uuid:string wwid:string
InstallExtensionConfig image:string
KernelConfig modules:[KernelModuleConfig]
KernelModuleConfig name:string parameters:[string]
KubePrism enabled:bool port:int
KubeSpanFilters endpoints:[string] excludeAdvertisedNetworks:[string]+12
KubeletConfig clusterDNS:[string] credentialProviderConfig:any defaultRuntimeSeccompProfileEnabled:bool
 disableManifestsDirectory:bool extraArgs:{own/ArgValue}+13 extraArgs:{string}-12 extraConfig:any
 extraMounts:[ExtraMount] image:string nodeIP:KubeletNodeIPConfig registerWithFQDN:bool skipNodeRegistration:bool
KubeletNodeIPConfig validSubnets:[string]
KubernetesTalosAPIAccessConfig allowedKubernetesNamespaces:[string] allowedRoles:[string] enabled:bool
LinuxIDMapping containerID:uint32 hostID:uint32 size:uint32
LoggingConfig destinations:[LoggingDestination]
LoggingDestination endpoint:own/Endpoint extraTags:{string} format:string
MachineConfig acceptedCAs:[own/PEMEncodedCertificate] baseRuntimeSpecOverrides:any ca:own/PEMEncodedCertificateAndKey
 certSANs:[string] controlPlane:MachineControlPlaneConfig disks:[MachineDisk] env:{string} features:FeaturesConfig
 files:[MachineFile] install:InstallConfig kernel:KernelConfig kubelet:KubeletConfig logging:LoggingConfig
 network:NetworkConfig nodeAnnotations:{string} nodeLabels:{string} nodeTaints:{string} pods:[any]
 registries:RegistriesConfig seccompProfiles:[MachineSeccompProfile] sysctls:{string} sysfs:{string}
 systemDiskEncryption:SystemDiskEncryptionConfig time:TimeConfig token:string type:string udev:UdevConfig
MachineControlPlaneConfig controllerManager:MachineControllerManagerConfig scheduler:MachineSchedulerConfig
MachineControllerManagerConfig disabled:bool
MachineDisk device:string partitions:[DiskPartition]
MachineFile content:string op:string path:string permissions:uint32
MachineSchedulerConfig disabled:bool
MachineSeccompProfile name:string value:any
NetworkConfig disableSearchDomain:bool extraHostEntries:[ExtraHost] hostname:string interfaces:[Device]
 kubespan:NetworkKubeSpan nameservers:[string] searchDomains:[string]
NetworkDeviceSelector busPath:string driver:string hardwareAddr:string pciID:string permanentAddr:string physical:bool
NetworkKubeSpan advertiseKubernetesNetworks:bool allowDownPeerBypass:bool enabled:bool filters:KubeSpanFilters
 harvestExtraEndpoints:bool mtu:uint32
ProxyConfig disabled:bool extraArgs:{own/ArgValue}+13 extraArgs:{string}-12 image:string mode:string
RegistriesConfig config:{RegistryConfig} mirrors:{RegistryMirrorConfig}
RegistryAuthConfig auth:string identityToken:string password:string username:string
RegistryConfig auth:RegistryAuthConfig tls:RegistryTLSConfig
RegistryKubernetesConfig disabled:bool
RegistryMirrorConfig endpoints:[string] overridePath:bool skipFallback:bool
RegistryServiceConfig disabled:bool endpoint:string
RegistryTLSConfig ca:own/Base64Bytes clientIdentity:own/PEMEncodedCertificateAndKey insecureSkipVerify:bool
ResourcesConfig limits:any requests:any
Route gateway:string metric:uint32 mtu:uint32 network:string source:string
STP enabled:bool
SchedulerConfig config:any env:{string} extraArgs:{own/ArgValue}+13 extraArgs:{string}-12
 extraVolumes:[VolumeMountConfig] image:string resources:ResourcesConfig
SystemDiskEncryptionConfig ephemeral:EncryptionConfig state:EncryptionConfig
TimeConfig bootTimeout:duration disabled:bool servers:[string]
UdevConfig rules:[string]
VIPEquinixMetalConfig apiToken:string
VIPHCloudConfig apiToken:string
Vlan addresses:[string] cidr:string dhcp:bool dhcpOptions:DHCPOptions mtu:uint32 routes:[Route] vip:DeviceVIPConfig
 vlanId:uint16
VolumeMountConfig hostPath:string mountPath:string readonly:bool
"""
