# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a bastion, and the user-data that lays them."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import ROLE, bastion_files
from tests.bastion import bastion_settings

EVERYTHING = {"netboot_enabled": True, "dns_enabled": True, "egress": "wireguard"}
KINDS = [
    pytest.param({}, id="EC2"),
    pytest.param({"egress": "wireguard"}, id="tunnel"),
    pytest.param({"netboot_enabled": True, "nat_enabled": False, "firewall_enabled": False}, id="home lab"),
    pytest.param(EVERYTHING, id="everything"),
]


def described(**changes: Any) -> dict[str, Any]:
    """Return what the filter says of settings."""
    return bastion_files(bastion_settings(**changes))


def contents(**changes: Any) -> dict[str, str]:
    """Return the files' contents by their path."""
    return {file["path"]: file["content"] for file in described(**changes)["files"]}


@pytest.mark.parametrize("changes", KINDS)
def test_user_data_lays_the_very_same_files(changes: dict[str, Any], tmp_path: Path) -> None:
    found = described(**changes)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("cat", "chmod", "mkdir", "mv"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in ("dnf", "systemctl"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n')
        (programs / name).chmod(0o755)

    script = gzip.decompress(base64.b64decode(found["user_data_base64"]))
    environment = {"PATH": str(programs), "LAB_ROOT": str(tmp_path / "root")}
    subprocess.run(["/bin/sh"], input=script, env=environment, check=True, capture_output=True, timeout=30)

    laid = {
        "/" + str(path.relative_to(tmp_path / "root")): path
        for path in (tmp_path / "root").rglob("*")
        if path.is_file()
    }
    assert {path: place.read_bytes() for path, place in laid.items()} == {
        file["path"]: file["content"].encode() for file in found["files"]
    }
    assert {path: f"{place.stat().st_mode & 0o777:04o}" for path, place in laid.items()} == {
        file["path"]: file["mode"] for file in found["files"]
    }
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == f"dnf --assumeyes --quiet install {' '.join(found['packages']['RedHat'])}"
    assert calls[-1] == f"systemctl start --no-block {' '.join(found['units'])}"


@pytest.mark.parametrize("changes", KINDS)
def test_user_data_stays_under_what_ec2_takes(changes: dict[str, Any]) -> None:
    assert len(base64.b64decode(described(**changes)["user_data_base64"])) < 16 * 1024


def test_user_data_that_is_too_large_is_refused() -> None:
    names = {f"{os.urandom(60).hex()}.example.com": 6000 + number for number in range(60)}

    with pytest.raises(AnsibleFilterError, match=r"EC2 takes 16384\. Cache fewer registries"):
        described(caches=names)


def test_the_same_settings_make_the_same_user_data() -> None:
    assert described()["user_data_base64"] == described()["user_data_base64"]


@pytest.mark.parametrize("changes", KINDS)
def test_every_file_is_on_the_list_by_which_it_is_removed_again(changes: dict[str, Any]) -> None:
    found = contents(**changes)

    assert found["/etc/talos-bastion/files"].split() == sorted(found)


@pytest.mark.parametrize("changes", KINDS)
def test_every_unit_that_is_started_is_laid(changes: dict[str, Any]) -> None:
    found = described(**changes)

    laid = {Path(file["path"]).name for file in found["files"] if file["path"].startswith("/etc/systemd/system/")}
    assert set(found["units"]) == laid


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_container_is_held_tight_and_is_the_image_that_was_written_down(engine: str) -> None:
    found = contents(engine=engine, **EVERYTHING)

    units = {path: text for path, text in found.items() if "talos-cache-" in path or "talos-dhcp.service" in path}
    assert len([path for path in units if path.endswith(".service")]) == 6
    for text in (text for path, text in units.items() if path.endswith(".service")):
        assert f"ExecStart=/usr/bin/{engine} run --rm" in text
        for part in ("--read-only", "--cap-drop ALL", "no-new-privileges", "--memory ", "--pids-limit", "--health-cmd"):
            assert part in text
        assert "@sha256:" in text
        assert "Restart=always" in text


def test_podman_is_no_daemon_to_wait_for() -> None:
    found = contents(engine="podman")

    assert "/etc/docker/daemon.json" not in found
    assert not [path for path, text in found.items() if "docker.service" in text]


def test_a_cache_for_every_registry_that_is_named() -> None:
    found = contents(caches={"cr.fluentbit.io": 5055}, upstreams={})

    text = found["/etc/talos-bastion/registry/cr.fluentbit.io.yml"]
    assert "addr: 10.10.0.100:5055" in text
    assert "remoteurl: https://cr.fluentbit.io" in text
    assert "tcp dport { 5055, 8081 }" in found["/etc/talos-bastion/firewall.nft"]


def test_without_netboot_nothing_of_it_is_laid() -> None:
    assert not [path for path in contents() if "matchbox" in path or "dnsmasq" in path or "ipxe" in path]


def test_matchbox_boots_the_first_architecture_where_nothing_is_known() -> None:
    found = contents(netboot_enabled=True, netboot={"architectures": ["arm64", "amd64"]})

    documents = {Path(path).stem: json.loads(text) for path, text in found.items() if "/matchbox/" in path}
    assert documents["default"] == {"id": "default", "name": "Every other machine", "profile": "arm64-single"}
    assert documents["x86_64"]["selector"] == {"arch": "x86_64"}
    assert documents["amd64-single"]["boot"]["kernel"] == "http://10.10.0.100:8081/talos/amd64/vmlinuz"
    assert "iseq ${buildarch} i386 && goto amd64 ||" in found["/var/lib/talos-bastion/assets/boot.ipxe"]


def test_ipxe_is_sent_to_where_matchbox_and_the_asset_server_listen() -> None:
    found = contents(netboot_enabled=True)

    (sent,) = re.findall(r"^dhcp-boot=tag:ipxe,http://(.+)/boot\.ipxe$", found["/etc/talos-bastion/dnsmasq.conf"], re.M)
    (without,) = re.findall(r"chain http://(.+)/boot\.ipxe$", found["/var/lib/talos-bastion/assets/boot.ipxe"], re.M)
    assert f" -address={sent} " in found["/etc/systemd/system/talos-matchbox.service"]
    assert f"listen {without};" in found["/etc/talos-bastion/nginx.conf"]


def test_the_packet_filter_lets_the_subnet_reach_what_is_offered_and_nobody_else() -> None:
    rules = contents(netboot_enabled=True)["/etc/talos-bastion/firewall.nft"]

    accepted = [line.split() for line in rules.splitlines() if line.endswith("accept") and "dport" in line]
    strangers = [line for line in accepted if "10.10.0.0/24" not in line and "10.10.0.0/16" not in line]
    assert [" ".join(line) for line in strangers] == [
        "ip6 saddr fe80::/10 udp dport 546 accept",
        "ip6 saddr ::/0 tcp dport 22 accept",
    ]
    assert "type filter hook input priority filter; policy drop;" in rules


def test_a_tunnel_is_all_that_leads_out() -> None:
    found = contents(egress="wireguard")

    rules = found["/etc/talos-bastion/firewall.nft"]
    assert 'ip saddr 10.10.0.0/24 ip daddr != 10.10.0.0/16 oifname "egress" accept' in rules
    assert "counter name leaked drop" in rules
    assert "PrivateKey" not in found["/etc/talos-bastion/wireguard/egress.conf"]
    assert "AllowedIPs = 0.0.0.0/0\n" in found["/etc/talos-bastion/wireguard/egress.conf"]


def test_a_name_reaches_the_shell_as_text() -> None:
    found = contents(egress="wireguard", wireguard={"key_parameter": "/talos/$(touch pwned)"})

    assert "parameter='/talos/$(touch pwned)'\n" in found["/usr/local/libexec/talos-bastion/wireguard-key"]


def test_packages_bear_the_names_of_their_distribution() -> None:
    assert described(egress="wireguard")["packages"] == {
        "RedHat": ["docker", "nftables", "wireguard-tools"],
        "Debian": ["docker.io", "nftables", "wireguard-tools"],
    }


def test_the_role_gives_the_very_settings_that_the_tests_do() -> None:
    variables = ROLE / "vars" / "main.yml"
    given = yaml.safe_load(variables.read_text(encoding="utf-8"))["__bastion_host_settings"]

    settings = bastion_settings()
    assert set(given) == set(settings)
    for name in ("wireguard", "boot_to_talos", "netboot", "health"):
        assert set(given[name]) == set(settings[name]), name
