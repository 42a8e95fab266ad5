# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a bastion, and the user-data that installs them."""

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

from ansible_collections.urmanac.talos.plugins.filter.bastion_files import ROLE, bastion_files
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.audit.secrets import find_secrets
from tests.bastion import bastion_settings
from tests.shell_programs import program

# In two parts, so that nothing takes this file for a key.
BEGIN, END = (" ".join((f"-----{end}", "OPENSSH", "PRIVATE", "KEY-----")) for end in ("BEGIN", "END"))
EVERYTHING = {"netboot_enabled": True, "dns_enabled": True, "egress": "wireguard"}
KINDS = [
    pytest.param({}, id="EC2"),
    pytest.param({"egress": "wireguard"}, id="tunnel"),
    pytest.param({"netboot_enabled": True, "nat_enabled": False, "firewall_enabled": False}, id="home lab"),
    pytest.param(EVERYTHING, id="everything"),
]


def described(**changes: Any) -> dict[str, Any]:
    """Return the result of the filter for settings."""
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
        program(programs / name, f'echo {name} "$@" >> {tmp_path}/calls')

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


class Boot:
    """A root folder in which user-data runs, with fakes of the programs that it calls."""

    def __init__(self, folder: Path) -> None:
        self.root, self.calls, self.programs = folder / "root", folder / "calls", folder / "bin"
        for place in ("home/ec2-user", "etc/ssh", "etc/amazon/ssm"):
            (self.root / place).mkdir(parents=True)
        (self.root / "etc/os-release").write_text('ID="amzn"\n')
        for kind in ("rsa", "ecdsa", "ed25519"):
            (self.root / f"etc/ssh/ssh_host_{kind}_key").write_text("made by cloud-init\n")
            (self.root / f"etc/ssh/ssh_host_{kind}_key.pub").write_text("made by cloud-init\n")
        self.programs.mkdir()
        for name in ("cat", "chmod", "chown", "grep", "mkdir", "mv", "rm", "touch"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        for name in ("dnf", "sleep", "systemctl"):
            self.program(name, "")

    def program(self, name: str, script: str) -> None:
        """Lay a program that notes how it is called."""
        program(self.programs / name, f'echo {name} "$@" >> {self.calls}\n{script}')

    def run(self, **changes: Any) -> str:
        """Run the user-data of these settings and return its output."""
        script = described(**changes)["user_data"]
        environment = {"PATH": str(self.programs), "LAB_ROOT": str(self.root)}
        done = subprocess.run(
            ["/bin/sh"], input=script, env=environment, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout


SSH = {"user": "ec2-user", "public_key": "ssh-ed25519 AAAA ada's key", "host_key_parameter": "/moon/bastion-host-key"}


def test_user_data_lets_the_public_key_in_and_keeps_other_keys(tmp_path: Path) -> None:
    boot = Boot(tmp_path)
    boot.program("aws", f"echo {BEGIN}; echo {END}")
    keys = boot.root / "home/ec2-user/.ssh/authorized_keys"
    keys.parent.mkdir()
    keys.write_text("of the key pair\n")

    boot.run(ssh=SSH)
    boot.run(ssh=SSH)

    assert keys.read_text() == f"of the key pair\n{SSH['public_key']}\n"
    assert [f"{place.stat().st_mode & 0o777:o}" for place in (keys.parent, keys)] == ["700", "600"]


def test_user_data_replaces_the_host_keys_by_the_clusters(tmp_path: Path) -> None:
    boot = Boot(tmp_path)
    boot.program("aws", f"echo {BEGIN}; echo {END}; echo $AWS_USE_DUALSTACK_ENDPOINT >&2")

    said = boot.run(ssh=SSH)

    place = boot.root / "etc/ssh"
    assert {path.name for path in place.iterdir()} == {"ssh_host_ed25519_key"}
    assert (place / "ssh_host_ed25519_key").read_text() == f"{BEGIN}\n{END}\n"
    assert f"{(place / 'ssh_host_ed25519_key').stat().st_mode & 0o777:o}" == "600"
    calls = boot.calls.read_text().splitlines()
    asked = "aws ssm get-parameter --region eu-west-1 --name /moon/bastion-host-key --with-decryption"
    options = "--query Parameter.Value --output text --cli-connect-timeout 5"
    assert calls[:2] == [f"{asked} {options}", "systemctl restart sshd.service"]
    assert "sshd uses the cluster's host key" in said


# Of an aws for which the endpoint with this value of AWS_USE_DUALSTACK_ENDPOINT has no address.
UNRESOLVED = '[ "$AWS_USE_DUALSTACK_ENDPOINT" != {} ] || { echo Could not connect >&2; exit 255; }\n'


@pytest.mark.parametrize("unresolved", ["true", "false"])
def test_the_host_key_is_read_from_the_endpoint_that_resolves(tmp_path: Path, unresolved: str) -> None:
    boot = Boot(tmp_path)
    boot.program("aws", UNRESOLVED.replace("{}", unresolved, 1) + f"echo {BEGIN}; echo {END}")

    said = boot.run(ssh=SSH)

    assert (boot.root / "etc/ssh/ssh_host_ed25519_key").read_text() == f"{BEGIN}\n{END}\n"
    assert "FAILED" not in said


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("echo AccessDeniedException >&2; exit 254", id="refused"),
        pytest.param("echo None", id="no key"),
        pytest.param(f"echo {BEGIN}", id="half a key"),
    ],
)
def test_a_host_key_that_cannot_be_read_is_reported_and_the_bastion_still_made(tmp_path: Path, answer: str) -> None:
    boot = Boot(tmp_path)
    boot.program("aws", answer)

    said = boot.run(ssh=SSH)

    assert "FAILED: the host key could not be read" in said
    assert boot.calls.read_text().count("aws ssm") == (20 if "exit" in answer else 10)
    assert (boot.root / "etc/ssh/ssh_host_ed25519_key").read_text() == "made by cloud-init\n"
    assert "the bastion is configured" in said


@pytest.mark.parametrize(
    ("egress", "configured"),
    [pytest.param("none", True, id="IPv6 alone"), pytest.param("public_ipv4", False, id="with IPv4")],
)
def test_session_managers_agent_is_configured_to_use_ipv6(tmp_path: Path, egress: str, configured: bool) -> None:
    boot = Boot(tmp_path)

    boot.run(egress=egress)

    file = boot.root / "etc/amazon/ssm/amazon-ssm-agent.json"
    assert file.exists() == configured
    assert not configured or json.loads(file.read_text()) == {"Agent": {"UseDualStackEndpoint": True}}
    assert ("systemctl try-restart amazon-ssm-agent.service" in boot.calls.read_text()) == configured


@pytest.mark.parametrize(
    ("engine", "system", "expected"),
    [
        pytest.param("podman", "amzn", ["spal-release", "podman nftables"], id="podman on Amazon Linux"),
        pytest.param("podman", "fedora", ["podman nftables"], id="podman elsewhere"),
        pytest.param("docker", "amzn", ["docker nftables"], id="docker"),
    ],
)
def test_amazon_linux_gets_the_repository_of_podman_first(
    tmp_path: Path, engine: str, system: str, expected: list[str]
) -> None:
    boot = Boot(tmp_path)
    (boot.root / "etc/os-release").write_text(f'ID="{system}"\n')

    boot.run(engine=engine)

    calls = [line for line in boot.calls.read_text().splitlines() if line.startswith("dnf")]
    assert calls == [f"dnf --assumeyes --quiet install {packages}" for packages in expected]


@pytest.mark.parametrize("changes", KINDS)
def test_user_data_holds_no_secret(changes: dict[str, Any]) -> None:
    assert find_secrets(described(ssh=SSH, **changes)["user_data"].encode()) == []


@pytest.mark.parametrize("changes", KINDS)
def test_user_data_stays_under_what_ec2_takes(changes: dict[str, Any]) -> None:
    assert len(base64.b64decode(described(**changes)["user_data_base64"])) < 16 * 1024


def test_user_data_that_is_too_large_is_a_problem_that_names_what_makes_it_so() -> None:
    names = {f"{os.urandom(60).hex()}.example.com": 6000 + number for number in range(60)}

    (problem,) = described(caches=names)["user_data_problems"]

    assert problem["code"] == "USER_DATA_TOO_LONG"
    assert problem["message"].endswith("compressed, and EC2 accepts 16384")
    assert "Cache fewer registries" in problem["remedy"]
    assert described()["user_data_problems"] == []


def test_the_same_settings_make_the_same_user_data() -> None:
    assert described()["user_data_base64"] == described()["user_data_base64"]


@pytest.mark.parametrize("changes", KINDS)
def test_every_file_is_on_the_list_by_which_it_is_removed_again(changes: dict[str, Any]) -> None:
    found = contents(**changes)

    assert found["/etc/talos-bastion/files"].split() == sorted(found)


@pytest.mark.parametrize("changes", KINDS)
def test_every_started_unit_has_a_file(changes: dict[str, Any]) -> None:
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


def test_podman_is_not_a_daemon_to_wait_for() -> None:
    found = contents(engine="podman")

    assert "/etc/docker/daemon.json" not in found
    assert not [path for path, text in found.items() if "docker.service" in text]


def test_a_cache_for_every_registry_that_is_named() -> None:
    found = contents(caches={"cr.fluentbit.io": 5055}, upstreams={})

    text = found["/etc/talos-bastion/registry/cr.fluentbit.io.yml"]
    assert "addr: 10.10.0.100:5055" in text
    assert "remoteurl: https://cr.fluentbit.io" in text
    assert "tcp dport { 5055, 8081 }" in found["/etc/talos-bastion/firewall.nft"]


def test_case_27_netboot_uboot_and_pi() -> None:
    lines = contents(netboot_enabled=True)["/etc/talos-bastion/dnsmasq.conf"].splitlines()

    found = [re.fullmatch(r"dhcp-match=set:([\w-]+),option:client-arch,(\d+)", line) for line in lines]
    tags = {match[2]: match[1] for match in found if match}
    assert (tags["11"], tags["22"]) == ("efi-arm64", "efi-arm64")


def test_a_sha256_in_upper_case_is_compared_in_lower_case() -> None:
    ipxe = {"ipxe.efi": {"url": "https://example.com/ipxe.efi", "sha256": "CD" * 32}}
    release = {**bastion_settings()["boot_to_talos"], "sha256": "AB" * 32}
    netboot = {**bastion_settings()["netboot"], "ipxe": ipxe}

    found = contents(netboot_enabled=True, netboot=netboot, boot_to_talos=release)

    downloads = json.loads(found["/etc/talos-bastion/fetch.json"])["downloads"]
    assert [item["sha256"] for item in downloads] == ["ab" * 32, "cd" * 32]


def test_no_netboot_files_are_written_without_netboot() -> None:
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


def test_the_packet_filter_lets_the_subnet_reach_what_is_offered_and_no_other_address() -> None:
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
    (task,) = yaml.safe_load((ROLE / "tasks" / "files.yml").read_text(encoding="utf-8"))
    given = task["vars"]["__bastion_host_settings"]

    settings = bastion_settings()
    assert set(given) == set(settings)
    for name in ("wireguard", "boot_to_talos", "netboot", "health"):
        assert set(given[name]) == set(settings[name]), name


LOGINS = {"docker.io": "/talos/docker.io", "ghcr.io": ""}
LOGIN_PROGRAM = "/usr/local/libexec/talos-bastion/registry-login"


def test_a_cache_with_a_login_reads_it_before_it_starts_and_others_do_not() -> None:
    found = contents(logins=LOGINS)

    for registry in bastion_settings()["caches"]:
        unit = found[f"/etc/systemd/system/talos-cache-{registry}.service"]
        has_login = registry in LOGINS
        assert (f"ExecStartPre={LOGIN_PROGRAM} {registry}\n" in unit) is has_login
        assert (f"  --env-file /run/talos-bastion/registry-logins/{registry} \\\n" in unit) is has_login


def test_a_login_that_the_role_writes_is_on_the_list_by_which_it_is_removed_again() -> None:
    found = contents(logins=LOGINS)

    listed = set(found["/etc/talos-bastion/files"].split())
    assert listed - set(found) == {"/etc/talos-bastion/registry-passwords/ghcr.io"}


def test_without_logins_there_is_nothing_about_them() -> None:
    found = contents()

    assert LOGIN_PROGRAM not in found
    assert not [path for path, text in found.items() if "registry-login" in text or "env-file" in text]


def login_program(folder: Path, answer: str) -> Path:
    """Return the program that gives caches their logins, in a folder of its own, with an aws that answers so."""
    (folder / "etc/registry-passwords").mkdir(parents=True)
    program(folder / "bin" / "aws", f'echo "$@" "$AWS_USE_DUALSTACK_ENDPOINT" >> {folder}/calls\n{answer}')
    text = contents(logins=LOGINS)[LOGIN_PROGRAM]
    for place, own in (("/run/talos-bastion", folder / "run"), ("/etc/talos-bastion", folder / "etc")):
        text = text.replace(place, str(own))
    made = folder / "registry-login"
    made.write_text(text)
    return made


def log_in(made: Path, registry: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{made.parent / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(
        ["/bin/sh", str(made), registry], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_a_container_gets_its_login_from_a_file_for_root_alone_and_nothing_prints_it(tmp_path: Path) -> None:
    made = login_program(tmp_path, "printf '%s\\n' 'ada:p:ss w\"$(rd) x'")
    (tmp_path / "etc/registry-passwords/ghcr.io").write_text("bob:hush\n")

    done = [log_in(made, registry) for registry in LOGINS]

    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [(0, "", "")] * 2
    files = [tmp_path / "run/registry-logins" / registry for registry in LOGINS]
    assert [path.read_text() for path in files] == [
        'REGISTRY_PROXY_USERNAME=ada\nREGISTRY_PROXY_PASSWORD=p:ss w"$(rd) x\n',
        "REGISTRY_PROXY_USERNAME=bob\nREGISTRY_PROXY_PASSWORD=hush\n",
    ]
    assert {f"{path.stat().st_mode & 0o777:o}" for path in files} == {"600"}
    assert {path.name for path in (tmp_path / "run/registry-logins").iterdir()} == set(LOGINS)
    asked = "ssm get-parameter --region eu-west-1 --name /talos/docker.io --with-decryption --query Parameter.Value"
    assert (tmp_path / "calls").read_text() == f"{asked} --output text --cli-connect-timeout 5 true\n"


@pytest.mark.parametrize("unresolved", ["true", "false"])
def test_a_login_is_read_from_the_endpoint_that_resolves(tmp_path: Path, unresolved: str) -> None:
    made = login_program(tmp_path, UNRESOLVED.replace("{}", unresolved, 1) + "echo ada:hush")

    assert log_in(made, "docker.io").returncode == 0

    assert (tmp_path / "run/registry-logins/docker.io").read_text().endswith("PASSWORD=hush\n")


@pytest.mark.parametrize("unresolved", ["true", "false"])
def test_the_key_of_the_tunnel_is_read_from_the_endpoint_that_resolves(tmp_path: Path, unresolved: str) -> None:
    program(tmp_path / "bin" / "aws", UNRESOLVED.replace("{}", unresolved, 1) + "echo key")
    text = contents(egress="wireguard")["/usr/local/libexec/talos-bastion/wireguard-key"]
    (tmp_path / "read").write_text(text.replace("/run/talos-bastion", str(tmp_path / "run")))

    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", str(tmp_path / "read")], env=environment, check=True, timeout=30)

    assert (tmp_path / "run/wireguard.key").read_text() == "key\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("echo hush", id="no user"),
        pytest.param("echo :hush", id="an empty user"),
        pytest.param("echo hush:", id="no password"),
        pytest.param("printf 'ada:hush\\nREGISTRY_HTTP_ADDR=:80\\n'", id="two lines"),
        pytest.param("true", id="nothing"),
        pytest.param("exit 254", id="refused"),
    ],
)
def test_a_login_of_another_form_gives_the_container_no_environment_and_is_not_shown(
    tmp_path: Path, answer: str
) -> None:
    made = login_program(tmp_path, answer)

    done = log_in(made, "docker.io")

    assert done.returncode != 0
    assert not list(tmp_path.glob("run/registry-logins/*"))
    assert "hush" not in done.stdout + done.stderr
    assert answer == "exit 254" or "The login of docker.io is not of the form USER:PASSWORD" in done.stderr
