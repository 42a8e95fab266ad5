# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong values of single variables, pool values that are right for one, and what other judges judge.

tools/wrong_inputs.py tries them; each of WRONG has to be refused, and each of RIGHT accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

_SMALL: tuple[Any, ...] = (-1, 0)
_HOST_NAMES: tuple[Any, ...] = ("moon.", "moon..base", "-moon", "moon_base", "Moon", "https://moon.base", "moon/base")
_LOGINS: tuple[Any, ...] = ("", "root", "ec2 user", "1st", "-l", "ada;reboot", "a" * 33, "ada@moon")
_PACKAGES: tuple[Any, ...] = (
    ["goldpinger"],
    ["cozystack.Goldpinger"],
    ["cozystack.goldpingr"],
    [""],
)
_MIRRORS: tuple[Any, ...] = (
    {"ghcr": "http://10.10.0.100:5054"},
    {"https://ghcr.io": "http://10.10.0.100:5054"},
    {"ghcr.io": "10.10.0.100:5054"},
    {"ghcr.io": "http://"},
    {"ghcr.io": "http://10.10.0.100:0x5054"},
    {"ghcr.io": "https://a.io/?b"},
    {"ghcr.io": "https://ada@a.io"},
    {"ghcr.io": ""},
    {"ghcr.io": None},
    {"a b": "https://a.io"},
)
_FILES: tuple[Any, ...] = ("", " ", "/usr", "/", "kubeconfig", "/home/ada/kubeconfig/", "/dev/null")
_WRITTEN: tuple[Any, ...] = (*_FILES, "/proc/kubeconfig")
_CHECKSUMS: tuple[Any, ...] = ("0" * 64, "sha256:abc", "md5:" + "0" * 32, "sha256:" + "x" * 64)
_MANIFESTS: tuple[Any, ...] = ("operator.yaml", "http://a.io/operator.yaml", "ftp://a.io/operator.yaml", "https://")
_PARAMETERS: tuple[Any, ...] = ("aws/service/ami", "/", "//ami", "/aws/a b")
_ADDRESSES: tuple[Any, ...] = ("10.10.0", "10.10.0.256", "10.10.0.0/24", "2001:db8::1", "moon", "")
_IMAGES_ARM64: tuple[Any, ...] = ("some", {"no-such-image": True}, {"others": "maybe"}, ["a"], 2)
_IMAGES = {"registry": "a.io/b:c", "dnsmasq": "a.io/d:e", "matchbox": "a.io/f:g", "nginx": "a.io/h:i"}
_FOLDERS: tuple[Any, ...] = ('/srv/a"b', r"/srv/a\b", "/proc/moon")
_NOT_JSON: tuple[Any, ...] = (
    {"since": date(2026, 11, 30)},
    {"share": float("nan")},
    {"limits": [float("inf")]},
    {True: "a"},
    {"a": {1.5: "b"}},
    {"key": b"text"},
    {"names": {"a"}},
)
_CLUSTERS: tuple[Any, ...] = ({"name": "moon"}, {})

WRONG: Mapping[str, tuple[Any, ...]] = {
    # CozyStack
    "cozystack_exposed_services": (["dashbord"], ["Dashboard"], ["keycloak"], [""]),
    "cozystack_external_ips": (
        *([address] for address in ("10.10.0", "moon", "2001:db8::1", "10.10.0.0/24", "224.0.0.1", "255.255.255.255")),
        *(["169.254.1.1"], ["10.10.0.101", "10.10.0.101"], [""]),
    ),
    "cozystack_host": ("", *_HOST_NAMES, "a" * 64),
    **dict.fromkeys(("cozystack_values", "bastion_host_docker_options"), _NOT_JSON),
    **dict.fromkeys(
        ("cluster_cozystack_platform_source_ref", "cozystack_platform_source_ref"),
        ("v1.6.2", "tag=", "tag=a/b:c", "digest=sha256:abc", "branch=main"),
    ),
    "cozystack_smoke_tests": (["spinn"], ["spin", "spin"], ["virtual-machine"], [""]),
    "cozystack_smoke_images": ({"spinn": "a.io/b:c"}, {"spin": "not an image"}, {"spin": None}),
    "cozystack_enabled_packages": (*_PACKAGES, ["cozystack.external-dnss"]),
    **dict.fromkeys(("cluster_cozystack_disabled_packages", "cozystack_disabled_packages"), _PACKAGES),
    "preflight_cozystack_disabled_packages": _PACKAGES,
    "cozystack_ingress_timeout": ("0", 604801),
    **dict.fromkeys(("cozystack_manifest", "cozystack_crds_manifest"), _MANIFESTS),
    **dict.fromkeys(("cozystack_manifest_checksum", "cozystack_crds_manifest_checksum"), _CHECKSUMS),
    "cozystack_platform_source_secret": ("My-Secret", "cozy-system/secret", "a" * 254),
    "cozystack_spin_handler": ("", "Spin", "io.containerd.spin.v2"),
    "cozystack_spin_runtime_class": ("Spin", "wasmtime spin"),
    "cozystack_spin_operator_chart": ("", "https://a.io/charts/spin", "oci://a.io", "oci://a.io/charts/spin:0.6.1"),
    "cozystack_spin_operator_crds": ("crds.yaml", "/no/such/crds.yaml", "ftp://a.io/crds.yaml"),
    "cozystack_spin_operator_version": ("", "v0.6.1", "latest", "0.6"),
    "cozystack_storage_pool": ("", "Data", "d", "mirror1", "log", "1st", "my data", "a" * 49),
    "cozystack_storage_replicas": (33,),
    "cozystack_variant": ("", "paas-full", "isp-ful"),
    **dict.fromkeys(("cozystack_image_mirrors", "cluster_images_mirrors", "bastion_host_image_mirrors"), _MIRRORS),
    **dict.fromkeys(("cluster_registry_upstreams", "preflight_registry_upstreams"), _MIRRORS),
    **dict.fromkeys(("cluster_cozystack_images_arm64", "cozystack_images_arm64"), _IMAGES_ARM64),
    "preflight_cozystack_images_arm64": _IMAGES_ARM64,
    # Files of the controller
    **dict.fromkeys(("cluster_kubeconfig", "cluster_talosconfig", "talos_kubeconfig", "talos_talosconfig"), _WRITTEN),
    **dict.fromkeys(("cozystack_kubeconfig", "cozystack_talosconfig", "report_kubeconfig"), _FILES),
    **dict.fromkeys(("report_talosconfig", "access_kubeconfig", "access_talosconfig"), _FILES),
    **dict.fromkeys(
        ("cluster_bastion_known_hosts", "bastion_host_health_file"), ("/usr", "/proc/file", "", '/srv/a"b')
    ),
    **{f"{role}_directory": _FOLDERS for role in ("cluster", "cozystack", "report", "talos")},
    **dict.fromkeys(("cluster_secrets_directory", "talos_snapshots_directory"), _FOLDERS),
    **dict.fromkeys(("bastion_known_hosts", "nodes_known_hosts"), _FOLDERS),
    "cluster_kubeconfig_context": ("", " "),
    # The bastion and logins
    **dict.fromkeys(("cluster_bastion_user", "bastion_host_ssh_user", "nodes_ssh_user"), _LOGINS),
    **dict.fromkeys(("access_bastion_user", "report_bastion_user"), _LOGINS),
    **dict.fromkeys(("bastion_host_ssh_public_key", "nodes_ssh_public_key"), ("ssh-ed25519 AAAA", "ssh-dss AAAA a")),
    "bastion_host_ssh_host_key_parameter": ("talos/key", "/aws/key", "/a b"),
    "bastion_host_memory": (
        {"registry": 256},
        *({"registry": 128, "dnsmasq": 32, "matchbox": 64, "nginx": size} for size in (0, -1, "64m", None, True, 1.5)),
        {"registry": 128, "dnsmasq": 32, "matchbox": 64, "nginx": 64, "ngnix": 64},
    ),
    "bastion_host_images": (
        {"registry": "a.io/b:c"},
        {"regstry": "a.io/b:c"},
        {},
        {**_IMAGES, "caddy": "a.io/b:c"},
        {**_IMAGES, "nginx": "A.io/B"},
    ),
    "bastion_host_architecture": ("", "aarch64", "x86_64", "ARM64"),
    "bastion_host_netboot_architectures": ([], ["arm"], ["aarch64"], ["x86_64"], ["arm64", "arm64"], [""]),
    "bastion_host_netboot_kernel_arguments": (["console=ttyS0 quiet"], [""], ['a="b"'], ["a\nb"]),
    "bastion_host_netboot_ipxe": (
        {"../ipxe.efi": {"url": "https://a.io/ipxe.efi"}},
        {"ipxe-arm64.ef": {"url": "https://a.io/ipxe.efi"}},
        {"ipxe.efi": {"sha256": "0" * 64}},
        {"ipxe.efi": {"url": "a.io/ipxe.efi"}},
        {"ipxe.efi": {"url": "https://a.io/ipxe.efi", "sha256": "abc"}},
        {"ipxe.efi": {"url": "https://a.io/ipxe.efi", "sha": "abc"}},
        {"ipxe.efi": {"url": "https://a.io/ipxe.deb", "inside": "../ipxe.efi"}},
        {"ipxe.efi": {"url": "https://a.io/ipxe.deb", "inside": "/usr/lib/ipxe.efi"}},
        {"ipxe.efi": "https://a.io/ipxe.efi"},
    ),
    "bastion_host_dhcp_lease": ("", "0", "60", "1m", "12 h", "12hours", "forever", "-1"),
    **dict.fromkeys(("bastion_host_dhcp_first", "bastion_host_dhcp_last", "bastion_host_ipv4"), _ADDRESSES),
    "bastion_host_dhcp_router": _ADDRESSES[:-1],
    **dict.fromkeys(
        ("bastion_host_dhcp_dns_servers", "bastion_host_dhcp_ntp_servers"),
        (["ntp.example.com"], ["2001:db8::1"], ["10.10.0"], [""]),
    ),
    "bastion_host_dns_names": ({"Moon": "10.10.0.101"}, {"a b": "10.10.0.101"}, {"moon": "base"}, {"moon": "::1"}),
    "bastion_host_domain": ("", *_HOST_NAMES),
    "bastion_host_interface": ("a" * 16, "ens 5", "ens/5", "."),
    "bastion_host_region": ("", "eu-west-1a", "moon"),
    **dict.fromkeys(
        ("cluster_registry_login_parameters", "bastion_host_registry_login_parameters"),
        ({"docker.io": "talos"}, {"docker.io": "/aws/a"}, {"docker.io": ""}, {"dockerio": "/talos/login"}),
    ),
    "bastion_host_registry_passwords": (
        *({"docker.io": login} for login in ("", "hush", ":hush", "ada:", "ada b:hush", "ada:hush\nb", None)),
        {"https://docker.io": "ada:hush"},
    ),
    "bastion_host_wireguard_mtu": (*_SMALL, 500, 9002),
    "bastion_host_health_clock_seconds": (3601,),
    "bastion_host_health_disk_free_percent": (100,),
    "bastion_host_health_ntp_server": ("10.10.0", "ntp example", "https://ntp.example.com"),
    "bastion_host_health_manifests": (
        {"ghcr": "a/manifests/b"},
        {"ghcr.io": "/v2/a/manifests/b"},
        {"ghcr.io": "a/b:c"},
        {"ghcr.io": ""},
    ),
    "bastion_python_directory": ("", "/", "/opt", "opt/urmanac.talos", "~/urmanac.talos", "/opt/../etc"),
    "bastion_python_package": ("", "python", "python3.9", "python3.10", "python2.7"),
    "bastion_host_ssh_sources": (["home"], ["10.0.0.5/24"], ["2001:db8::1/64"], [""], [None]),
    "cluster_access_openings": (
        [{"group": "nodes", "port": 0, "description": "a"}],
        [{"group": "nodes", "port": 22, "description": "Ada's"}],
        [{"group": "nodes"}],
        [{"group": "nodes", "port": 22, "description": "a", "protocol": "udp"}],
        [{"group": "nodes", "port": 22, "description": "a"}, {"group": "nodes", "port": 22, "description": "b"}],
    ),
    **dict.fromkeys(
        ("talos_patches", "talos_controlplane_patches", "talos_worker_patches"),
        (["machine: ["], [{"machin": {}}], [{"op": "add", "path": "/a"}], [{"kind": "LinkConfig"}]),
    ),
    "bastion_python_requirements": ("", "/no/such/requirements.txt"),
    **dict.fromkeys(
        ("cluster_ami_parameter", "cluster_nodes_ami_parameter"), ("", "resolve:ssm:/aws/a", "ami-1", *_PARAMETERS)
    ),
    **dict.fromkeys(("access_audit_node_ami_parameter", "preflight_node_ami_parameter"), _PARAMETERS),
    # The cluster
    "cluster_images": ({"gatewy": "a.io/b:c"}, {"gateway": "not an image"}, {"compute": ""}, {"compute": None}),
    "cluster_registry_caches": ({}, {"ghcr": 5054}, {"ghcr.io:": 5054}),
    "cluster_nodes_max": (1001,),
    "nodes_download_attempts": (1001,),
    "talos_snapshots_kept": (1001,),
    **dict.fromkeys(("cluster_cost_actual_days", "preflight_cost_actual_days"), (366,)),
    "cluster_budget_email": ("me", "me@", "me@example", "me@example.com, you@example.com", "<me@example.com>"),
    **dict.fromkeys(("cluster_budget_actual_percents", "cluster_budget_forecasted_percents"), ([-1], [1001], ["a"])),
    "cluster_claim_existing": ("vpc", "vpc-123", "talos-vpc", "subnet-0123456789abcdef0"),
    "cluster_state_kms_key": ("talos", "alias/", "arn:aws:s3:::bucket", "arn:aws:kms:eu-west-1:1:key/a"),
    "cluster_other_variables": ([""], [" "]),
    **dict.fromkeys(
        ("cluster_endpoint", "talos_endpoint", "cozystack_api_server_endpoint"), ("http://10.10.0.101:6443",)
    ),
    "cluster_tailscale_extra_args": ([""], ["--foo bar"], ["--authkey=x"], ["-hostname", "moon"]),
    "cluster_audit_allowed": ({"rule": {}}, {"rules": ["a"]}, {"routes": "10.0.0.0/8"}, {"public_ipv4": {"a": 1}}),
    "nodes_console": ("ttyS0", "/etc/console", "/dev/../etc"),
    "talos_cert_sans": (["https://moon.base"], ["moon base"], ["10.10.0"], ["moon.base:6443"], [""]),
    "talos_image_version": ("latest", "v1.9.6", "1.13", "v2.0.0"),
    "talos_image_schematics": ({"gatewy": "0" * 64}, {"gateway": "abc"}, {"compute": ["a"]}),
    "talos_image_extensions": ({"gatewy": ["tailscale"]}, {"compute": "spin"}, {"gateway": ["siderolabs/tailscale"]}),
    "talos_sysctls": ({"nr_hugepages": 16}, {"vm.nr_hugepages": True}, {"vm.nr_hugepages": ""}, {"vm nr": 1}),
    "talos_tailscale": ({"enabled": True}, {"enable": True}),
    **{f"{role}_cluster": _CLUSTERS for role in ("access", "bastion", "cozystack", "network", "nodes", "preflight")},
    **{f"{role}_cluster": _CLUSTERS for role in ("report", "talos")},
    "report_home_lab_power_per_month": (-1, "1e999"),
}

# What is right for a variable, of the values that are wrong for most variables of its type.
_NAMES = ("moon", "v0.0.1")
_LARGE = (24.5,)
RIGHT: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(("access_bastion_user", "bastion_host_ssh_user", "cluster_bastion_user"), _NAMES),
    **dict.fromkeys(("nodes_ssh_user", "report_bastion_user", "bastion_host_domain", "cozystack_host"), _NAMES),
    **dict.fromkeys(("bastion_host_health_ntp_server", "bastion_host_interface", "bastion_host_netboot_image"), _NAMES),
    **dict.fromkeys(("cluster_cozystack_operator_image", "cozystack_operator_image"), _NAMES),
    **dict.fromkeys(("cozystack_platform_source_secret", "cozystack_spin_runtime_class"), _NAMES),
    **dict.fromkeys(("cozystack_spin_handler", "cozystack_storage_pool"), ("moon",)),
    # Kubernetes does not restrict the names of contexts.
    "cluster_kubeconfig_context": (
        *("no such value!", "https://", "https://[::1", "https://ada:secret@example.com", "moon", "v0.0.1"),
        *("../there", "~no-such-user/moon", "2001:db8::/16", "$HOME/moon"),
    ),
    # The bastion, on which the file may be, may have this user.
    **dict.fromkeys(("cozystack_manifest", "cozystack_crds_manifest"), ("~no-such-user/moon",)),
    **dict.fromkeys(("bastion_host_wait_timeout", "bastion_host_health_disk_free_percent"), (0,)),
    **dict.fromkeys(("cluster_cost_actual_days", "preflight_cost_actual_days"), (0,)),
    **{f"cluster_cost_per_{period}_max": _LARGE for period in ("day", "hour", "month", "session")},
    **dict.fromkeys(("cluster_cost_session_hours", "cluster_cost_transfer_gb", "cluster_budget_per_month"), _LARGE),
    "report_home_lab_power_per_month": _LARGE,
    # The description of the cluster limits the characters.
    "cluster_tags": ({"a b": "no such value!"}, {"ghcr.io": 70000}, {"gateway": "https://ghcr.io/a"}),
    "talos_sysctls": ({"ghcr.io": 70000},),
    # The chart of the platform and docker have their own rules.
    **dict.fromkeys(
        ("cozystack_values", "bastion_host_docker_options"),
        ({"a": None}, {"a b": "no such value!"}, {"ghcr.io": 70000}, {"gateway": "https://ghcr.io/a"}),
    ),
}

# Values of the right type that no rule of the variables limits, and who does.
_DESCRIBED = "The description of the cluster is judged by `ec2_preflight_info`."
_OF_AWS = "`ec2_preflight_info` looks it up in AWS."
_DERIVED = "It follows from other variables, which are judged."
_TUNNEL = "It is judged with `bastion_host_egress: wireguard`, and not used without."
_TAILSCALE = "It is judged with `cluster_tailscale_enabled`, in the list of `preflight`."
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("cluster_availability_zone", "cluster_bastion_host_key_parameter", "cluster_bastion_image"),
            *("cluster_bastion_ipv4", "cluster_bastion_keep_minutes", "cluster_bastion_ssh_key_name"),
            *("cluster_bastion_ssh_public_key", "cluster_bastion_start", "cluster_bastion_stop"),
            *("cluster_bastion_time_zone", "cluster_bastion_volume_size", "cluster_bastion_wireguard_parameter"),
            *("cluster_cpu_credits", "cluster_data_volume_size", "cluster_domain", "cluster_name", "cluster_nodes"),
            *("cluster_nodes_extra_kernel_args", "cluster_nodes_start", "cluster_nodes_stop", "cluster_project"),
            *("cluster_nodes_time_zone", "cluster_region", "cluster_subnet_ipv4_cidr", "cluster_ttl_hours"),
            *("cluster_volume_size", "cluster_vpc_ipv4_cidr", "preflight_kernel_arguments"),
        ),
        _DESCRIBED,
    ),
    **dict.fromkeys(("cluster_bastion_instance_type", "cluster_instance_type", "cluster_nodes_ssh_key_name"), _OF_AWS),
    **dict.fromkeys(("access_audit_node_ssh_key_name", "preflight_node_ssh_key_name"), _OF_AWS),
    **dict.fromkeys(("access_audit_user_data", "preflight_sources", "preflight_cozystack_sources"), _DERIVED),
    **dict.fromkeys(("preflight_inventory_connection", "report_tailscale_routes"), _DERIVED),
    **dict.fromkeys(("report_audit", "report_cozystack", "report_forecast", "report_phases"), _DERIVED),
    **{f"bastion_host_wireguard_{part}": _TUNNEL for part in ("address", "endpoint", "key_parameter", "private_key")},
    "bastion_host_wireguard_public_key": _TUNNEL,
    **{f"cluster_tailscale_{part}": _TAILSCALE for part in ("auth_key", "hostname", "routes")},
    "report_sessions_compare": "`sessions.yml` refuses sessions that do not exist; it changes nothing.",
    "talos_upgrade_nodes": "`upgrade.yml` refuses names of no node before it changes anything.",
    "cluster_spec": "It is composed of the variables, and is not to be set.",
}
