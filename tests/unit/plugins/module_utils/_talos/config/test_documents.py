# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.documents import (
    CONTRACTS,
    CONTROL_PLANE,
    WORKER,
    generate,
    is_split,
)
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text
from tests import generated
from tests.talos_config import CLUSTER, test_bundle

contracts = pytest.mark.parametrize("contract", CONTRACTS)


@pytest.mark.parametrize("wanted", generated.ALL, ids=lambda wanted: wanted.name)
def test_documents_equal_those_of_talos_generator_byte_for_byte(wanted: generated.Wanted) -> None:
    assert generated.ours(wanted, generated.placeholders()) == generated.recorded()[wanted.name]


def documents(machine_type: str = CONTROL_PLANE, **changes: Any) -> list[Any]:
    cluster = CLUSTER._replace(**changes)
    return yaml_text.load_all(yaml_text.dump_all(generate(machine_type, cluster, test_bundle())))


def test_a_worker_holds_no_key_but_the_tokens_it_joins_with() -> None:
    text = yaml_text.dump_all(generate(WORKER, CLUSTER, test_bundle()))

    bundle = test_bundle()
    keys = (
        bundle.os.key,
        bundle.k8s.key,
        bundle.etcd.key,
        bundle.aggregator.key,
        bundle.service_account,
        bundle.secretbox,
    )
    assert [key for key in keys if key in text] == []


def test_network_and_registries_are_documents_from_v1_12_on() -> None:
    mirrors = {"quay.io": ("http://a",), "docker.io": ("http://b", "http://c")}

    kinds = [(item.get("kind"), item.get("name")) for item in documents(contract="v1.12", registry_mirrors=mirrors)]

    assert kinds == [
        (None, None),
        ("RegistryMirrorConfig", "docker.io"),
        ("RegistryMirrorConfig", "quay.io"),
        ("HostnameConfig", None),
    ]


def named(machine_type: str = CONTROL_PLANE, **changes: Any) -> dict[str, Any]:
    """Return the documents for v1.14, by kind and name."""
    made = documents(machine_type, contract="v1.14", **changes)
    return {" ".join(filter(None, (item.get("kind", ""), item.get("name")))): item for item in made}


def test_what_v1_14_has_documents_for_is_not_a_field_any_more() -> None:
    base = named(install_disk="/dev/nvme0n1", sysctls={"a": "1"})[""]

    assert sorted(base["machine"]) == ["ca", "certSANs", "features", "token", "type"]
    assert sorted(base["cluster"]) == ["etcd", "token"]


def test_a_cluster_of_v1_14_without_flannel_has_no_document_for_it() -> None:
    assert "KubeFlannelCNIConfig" in named()
    assert "KubeFlannelCNIConfig" not in named(cni={"name": "none"})


def test_each_manifest_of_a_custom_cni_is_a_document() -> None:
    made = named(cni={"name": "custom", "urls": ["https://example.com/a", "https://example.com/b"]})

    urls = [item["url"] for name, item in made.items() if name.startswith("KubeExternalManifestConfig")]
    assert urls == ["https://example.com/a", "https://example.com/b"]


def test_v1_14_has_no_discovery_service_without_discovery() -> None:
    assert "DiscoveryServiceConfig default" in named()
    assert "DiscoveryServiceConfig default" not in named(discovery_enabled=False)


def test_the_older_key_of_a_bundle_is_written_for_the_provider_that_reads_it() -> None:
    bundle = test_bundle()._replace(secretbox="", aescbc="b2xk")
    made = generate(CONTROL_PLANE, CLUSTER._replace(contract="v1.14"), bundle)

    (config,) = (item["config"] for item in made if item.get("kind") == "KubeEtcdEncryptionConfig")
    assert config["resources"][0]["providers"] == [{"aescbc": {"keys": [{"name": "key1", "secret": "b2xk"}]}}]


def test_registries_are_part_of_the_configuration_in_v1_11() -> None:
    made = documents(contract="v1.11", registry_mirrors={"docker.io": ("http://b",)})

    assert len(made) == 1
    assert made[0]["machine"]["registries"] == {"mirrors": {"docker.io": {"endpoints": ["http://b"]}}}


@contracts
def test_a_plain_mirror_brings_no_tls_settings(contract: str) -> None:
    text = yaml_text.dump_all(
        generate(WORKER, CLUSTER._replace(contract=contract, registry_mirrors={"a": ("http://b",)}), test_bundle())
    )

    assert "http://b" in text
    assert "tls:" not in text
    assert "RegistryTLSConfig" not in text


def test_the_endpoint_is_a_name_of_the_certificate_up_to_v1_11_only() -> None:
    written = [contract for contract in CONTRACTS if not is_split(contract)]
    sans = {contract: documents(contract=contract)[0]["cluster"]["apiServer"].get("certSANs") for contract in written}

    assert sans == {"v1.10": ["192.0.2.101"], "v1.11": ["192.0.2.101"], "v1.12": None, "v1.13": None}


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (yaml_text.dump_all(generate(CONTROL_PLANE, CLUSTER, test_bundle())) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"endpoint": "192.0.2.101:6443"}, "it is not an https URL. Set it to a URL such as", id="endpoint"
        ),
        pytest.param(
            {"contract": "v1.9"}, "it is unknown. Choose one of v1.10, v1.11, v1.12, v1.13, v1.14", id="contract"
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        generate(WORKER, CLUSTER._replace(**changes), test_bundle())


def test_an_unknown_machine_type_is_refused() -> None:
    with pytest.raises(InputError, match="Choose controlplane or worker"):
        generate("init", CLUSTER, test_bundle())
