# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.urmanac.talos.plugins.module_utils._errors import InputError
from ansible_collections.urmanac.talos.plugins.module_utils._talos.config.merge import Patch, apply_patches, label
from ansible_collections.urmanac.talos.plugins.module_utils._talos.files import yaml_text

# Rules cited as merge.go, strategic.go, delete.go and selector.go stand in siderolabs/talos under
# pkg/machinery/config/{merge,configpatcher,configloader/internal/decoder}; the types under pkg/machinery/config/types.


Release = tuple[int, int]
V1_11, V1_12, V1_13, V1_14 = (1, 11), (1, 12), (1, 13), (1, 14)


def merged(before: str, *patches: str, release: Release = V1_13) -> list[Any]:
    named = [Patch(f"patches[{position}]", text) for position, text in enumerate(patches)]
    return yaml_text.load_all(yaml_text.dump_all(apply_patches(yaml_text.load_all(before), named, release)))


def machine(before: str, *patches: str) -> Any:
    return merged(*(f"machine: {text}" for text in (before, *patches)))[0]["machine"]


def cluster(before: str, *patches: str) -> Any:
    return merged(*(f"cluster: {text}" for text in (before, *patches)))[0]["cluster"]


# --- values: "if it is a simple value, it's merged into the left unless it's zero value" (merge.go)


def test_a_value_is_replaced() -> None:
    assert machine("{install: {disk: /dev/sda}}", "{install: {disk: /dev/vda}}")["install"]["disk"] == "/dev/vda"


def test_an_empty_text_leaves_what_is_there() -> None:
    assert machine("{install: {disk: /dev/sda}}", "{install: {disk: ''}}")["install"]["disk"] == "/dev/sda"


def test_a_certificate_and_its_key_are_replaced_as_a_whole() -> None:
    assert cluster("{ca: {crt: YQ==, key: Yg==}}", "{ca: {crt: Yw==}}")["ca"] == {"crt": "Yw==", "key": ""}
    assert cluster("{serviceAccount: {key: Yg==}}", "{serviceAccount: {}}")["serviceAccount"] == {"key": ""}


def test_zero_leaves_what_is_there() -> None:
    assert machine("{features: {kubePrism: {port: 7445}}}", "{features: {kubePrism: {port: 0}}}")["features"] == {
        "kubePrism": {"port": 7445}
    }


def test_false_is_merged() -> None:
    """merge.go: "but boolean false is always merged"."""
    assert machine("{install: {wipe: true}}", "{install: {wipe: false}}")["install"]["wipe"] is False


def test_null_leaves_what_is_there() -> None:
    """merge.go: "if it is a pointer, merged dereferencing the pointer unless the right is nil"."""
    assert machine("{install: {disk: /dev/sda}}", "{install: null}")["install"]["disk"] == "/dev/sda"


# --- maps: "if it is a map, for each key value is merged recursively" (merge.go)


def test_maps_are_merged_by_key() -> None:
    assert machine("{sysctls: {a: '1', b: '2'}}", "{sysctls: {b: '3', c: '4'}}")["sysctls"] == {
        "a": "1",
        "b": "3",
        "c": "4",
    }


def test_values_of_a_map_of_texts_are_texts_as_they_were_written() -> None:
    """v1alpha1_types.go: MachineSysctls map[string]string; YAML scalars are decoded into their text."""
    given = "{sysctls: {a: 1.10, b: 010, c: true, d: 0x1F}}"

    assert machine("{}", given)["sysctls"] == {"a": "1.10", "b": "010", "c": "true", "d": "0x1F"}


def test_structures_in_a_map_are_merged() -> None:
    before = "{registries: {mirrors: {docker.io: {endpoints: [a]}}}}"

    after = machine(before, "{registries: {mirrors: {docker.io: {endpoints: [b], skipFallback: true}}}}")

    assert after["registries"]["mirrors"]["docker.io"] == {"endpoints": ["a", "b"], "skipFallback": True}


def test_an_argument_is_replaced_and_others_stay() -> None:
    """v1alpha1_types.go: Args.Merge copies key by key, also lists."""
    after = cluster("{apiServer: {extraArgs: {a: '1', b: '2'}}}", "{apiServer: {extraArgs: {b: [x, y], c: ''}}}")

    assert after["apiServer"]["extraArgs"] == {"a": "1", "b": ["x", "y"], "c": ""}


def test_free_form_data_is_merged_too() -> None:
    """merge.go: "special case for map[string]interface{}"."""
    after = machine("{kubelet: {extraConfig: {a: 1, b: {c: 2}}}}", "{kubelet: {extraConfig: {b: {d: 3}}}}")

    assert after["kubelet"]["extraConfig"] == {"a": 1, "b": {"c": 2, "d": 3}}


# --- lists: "if it is a slice, merged by concatenating the right to the left" (merge.go)


def test_a_list_is_appended_to() -> None:
    assert machine("{certSANs: [a, b]}", "{certSANs: [b, c]}")["certSANs"] == ["a", "b", "b", "c"]


def test_a_list_of_structures_without_key_is_appended_to() -> None:
    after = machine("{kernel: {modules: [{name: a}]}}", "{kernel: {modules: [{name: a, parameters: [b]}]}}")

    assert after["kernel"]["modules"] == [{"name": "a"}, {"name": "a", "parameters": ["b"]}]


@pytest.mark.parametrize("field", ["podSubnets", "serviceSubnets"])
def test_subnets_are_replaced(field: str) -> None:
    """v1alpha1_types.go: `merge:"replace"` at PodSubnet and ServiceSubnet."""
    assert cluster(f"{{network: {{{field}: [a, b]}}}}", f"{{network: {{{field}: [c]}}}}")["network"][field] == ["c"]


def test_an_empty_list_replaces_a_replaced_one_and_appends_nothing_elsewhere() -> None:
    """merge.go: vr.IsZero() is true for a missing slice only, not for an empty one."""
    assert cluster("{network: {podSubnets: [a]}}", "{network: {podSubnets: []}}")["network"]["podSubnets"] == []
    assert machine("{certSANs: [a]}", "{certSANs: []}")["certSANs"] == ["a"]


def test_the_audit_policy_is_replaced_as_a_whole() -> None:
    """v1alpha1_types.go: `merge:"replace"` at AuditPolicyConfig."""
    before = "{apiServer: {auditPolicy: {kind: Policy, omitStages: [a], rules: [{level: Metadata}]}}}"

    after = cluster(before, "{apiServer: {auditPolicy: {rules: [{level: None}]}}}")

    assert after["apiServer"]["auditPolicy"] == {"rules": [{"level": "None"}]}


def test_an_empty_audit_policy_leaves_what_is_there() -> None:
    before = "{apiServer: {auditPolicy: {kind: Policy}}}"

    assert cluster(before, "{apiServer: {auditPolicy: {}}}") == cluster(before, "{}")


@pytest.mark.parametrize("zero", ["0s", "0m", "0h0m0s", "-0.0s", ""])
def test_a_duration_of_nothing_leaves_what_is_there(zero: str) -> None:
    documents = [{"apiVersion": "v1alpha1", "kind": "TimeSyncConfig", "bootTimeout": "2m"}]
    patch = {"apiVersion": "v1alpha1", "kind": "TimeSyncConfig", "bootTimeout": zero}

    assert apply_patches(documents, [Patch("a", patch)]) == documents


def test_an_argument_and_free_form_data_may_be_a_duration_of_nothing() -> None:
    before = "{controllerManager: {extraArgs: {node-monitor-period: 5s}}}"

    after = cluster(before, "{controllerManager: {extraArgs: {node-monitor-period: 0s}}}")

    assert after["controllerManager"]["extraArgs"] == {"node-monitor-period": "0s"}


@pytest.mark.parametrize(("release", "kept"), [((1, 12), "4"), ((1, 13), "")])
def test_an_empty_argument_replaces_one_from_v1_13_on(release: Release, kept: str) -> None:
    documents = [{"cluster": {"scheduler": {"extraArgs": {"v": "4"}}}}]
    patch = {"cluster": {"scheduler": {"extraArgs": {"v": "", "w": ""}}}}

    (after,) = apply_patches(documents, [Patch("a", patch)], release)

    assert after["cluster"]["scheduler"]["extraArgs"] == {"v": kept, "w": ""}


def test_firewall_rules_are_replaced() -> None:
    """network/rule_config.go: `merge:"replace"` at Ingress and Ports."""
    rule = (
        "{apiVersion: v1alpha1, kind: NetworkRuleConfig, name: a, portSelector: {ports: [%s]}, ingress: [{subnet: %s}]}"
    )

    after = merged(rule % (1, "10.0.0.0/8"), rule % (2, "192.0.2.0/24"))

    assert after[0]["portSelector"]["ports"] == [2]
    assert after[0]["ingress"] == [{"subnet": "192.0.2.0/24"}]


# --- lists with keys: types that implement Merge


def test_interfaces_are_merged_by_name() -> None:
    """v1alpha1_types.go: NetworkDeviceList.mergeDevice compares DeviceInterface."""
    before = "{network: {interfaces: [{interface: eth0, dhcp: true}, {interface: eth1, mtu: 1}]}}"

    after = machine(before, "{network: {interfaces: [{interface: eth1, mtu: 2}, {interface: eth2}]}}")

    assert after["network"]["interfaces"] == [
        {"interface": "eth0", "dhcp": True},
        {"interface": "eth1", "mtu": 2},
        {"interface": "eth2"},
    ]


def test_interfaces_without_a_name_are_merged_by_an_equal_selector() -> None:
    """NetworkDeviceList.mergeDevice: otherwise *d.DeviceSelector == *device.DeviceSelector."""
    item = "{network: {interfaces: [{deviceSelector: {hardwareAddr: %s}, addresses: [%s]}]}}"

    after = machine(item % ("a", "x"), item % ("a", "y"), item % ("b", "z"))

    assert [device["addresses"] for device in after["network"]["interfaces"]] == [["x", "y"], ["z"]]


def test_vlans_are_merged_by_id() -> None:
    """v1alpha1_types.go: VlanList.mergeVlan compares VlanID."""
    item = "{network: {interfaces: [{interface: eth0, vlans: [{vlanId: %s, addresses: [%s]}]}]}}"

    after = machine(item % (100, "a"), item % (100, "b"), item % (101, "c"))

    vlans = after["network"]["interfaces"][0]["vlans"]
    assert [(vlan["vlanId"], vlan["addresses"]) for vlan in vlans] == [(100, ["a", "b"]), (101, ["c"])]


def test_admission_plugins_are_merged_by_name() -> None:
    """v1alpha1_types.go: AdmissionPluginConfigList.mergeConfig compares PluginName."""
    item = "{apiServer: {admissionControl: [{name: %s, configuration: {%s: 1}}]}}"

    after = cluster(item % ("A", "a"), item % ("A", "b"), item % ("B", "c"))

    assert after["apiServer"]["admissionControl"] == [
        {"name": "A", "configuration": {"a": 1, "b": 1}},
        {"name": "B", "configuration": {"c": 1}},
    ]


def test_files_of_an_extension_are_merged_by_their_path_and_its_environment_is_appended_to() -> None:
    """runtime/extensions/service_config.go: ConfigFileList.mergeConfigFile compares ConfigFileMountPath."""
    item = "{apiVersion: v1alpha1, kind: ExtensionServiceConfig, name: a, configFiles: [%s], environment: [%s]}"

    after = merged(item % ("{content: x, mountPath: /a}", "A=1"), item % ("{content: y, mountPath: /a}", "B=2"))

    assert after[0]["configFiles"] == [{"content": "y", "mountPath": "/a"}]
    assert after[0]["environment"] == ["A=1", "B=2"]


def test_verification_rules_of_the_same_image_are_replaced() -> None:
    """security/image_verification.go: ImageVerificationRules.Merge replaces where RuleImagePattern is equal."""
    item = "{apiVersion: v1alpha1, kind: ImageVerificationConfig, rules: [{image: a, %s: true}]}"

    assert merged(item % "skip", item % "deny")[0]["rules"] == [{"image": "a", "deny": True}]


# --- deletion


def test_a_field_is_deleted() -> None:
    """selector.go: deleteForPath sets a field of a structure to its zero value."""
    assert "disk" not in machine("{install: {disk: /dev/sda}}", "{install: {disk: {$patch: delete}}}")["install"]


def test_a_key_of_a_map_is_deleted_and_nothing_else() -> None:
    after = machine("{nodeLabels: {a.b/c: '', d: e}}", "{nodeLabels: {a.b/c: {$patch: delete}}}")

    assert after["nodeLabels"] == {"d": "e"}


def test_a_structure_is_deleted_as_a_whole() -> None:
    assert "features" not in machine("{features: {rbac: true}}", "{features: {$patch: delete}}")


def test_an_element_is_deleted_by_the_first_field_it_is_named_with() -> None:
    """delete.go: makeSequenceSelector takes the first key other than $patch."""
    before = "{network: {interfaces: [{interface: eth0}, {interface: eth1}]}}"

    after = machine(before, "{network: {interfaces: [{interface: eth0, mtu: 1, $patch: delete}]}}")

    assert after["network"]["interfaces"] == [{"interface": "eth1"}]


def test_deletions_come_before_what_the_same_patch_adds() -> None:
    """decoder.go: AppendDeletesTo puts the selectors before the document."""
    before = "{network: {interfaces: [{interface: eth0, dhcp: true}]}}"

    after = machine(
        before, "{network: {interfaces: [{interface: eth0, dummy: true}, {interface: eth0, $patch: delete}]}}"
    )

    assert after["network"]["interfaces"] == [{"interface": "eth0", "dummy": True}]


def test_a_parent_of_nothing_but_deletions_adds_nothing() -> None:
    """delete.go: processNode takes out what is empty after its deletions."""
    assert machine("{install: {disk: a}, certSANs: [x]}", "{install: {disk: {$patch: delete}}}")["certSANs"] == ["x"]


def test_a_document_is_deleted() -> None:
    before = "machine: {}\n---\n{apiVersion: v1alpha1, kind: HostnameConfig, auto: stable}"

    after = merged(before, "{apiVersion: v1alpha1, kind: HostnameConfig, $patch: delete}")

    assert [label(document) for document in after] == ["the machine configuration"]


def test_only_the_document_of_that_name_is_deleted() -> None:
    item = "{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: %s, %s}"
    before = "---\n".join((item % ("a", "endpoints: [{url: x}]") + "\n", item % ("b", "endpoints: [{url: y}]") + "\n"))

    assert [document["name"] for document in merged(before, item % ("a", "$patch: delete"))] == ["b"]


# --- documents: "Documents with matching tuples (apiVersion, kind, name) are merged together" (strategic.go)


def test_a_document_of_the_same_kind_and_name_is_merged() -> None:
    item = "{apiVersion: v1alpha1, kind: LinkConfig, name: eth0, addresses: [{address: %s}]}"

    assert [entry["address"] for entry in merged(item % "a", item % "b")[0]["addresses"]] == ["a", "b"]


def test_a_document_of_another_name_is_appended() -> None:
    """strategic.go: "If the document on the right doesn't exist on the left, it is appended"."""
    item = "{apiVersion: v1alpha1, kind: LinkConfig, name: %s}"

    assert [document["name"] for document in merged(item % "b", item % "a")] == ["b", "a"]


def test_a_kind_not_known_here_is_merged_and_written_as_given() -> None:
    before = "{apiVersion: v1alpha1, kind: Future, name: a, z: {b: 1, a: [1]}}"

    after = apply_patches(
        yaml_text.load_all(before), [Patch("p", "{apiVersion: v1alpha1, kind: Future, name: a, z: {a: [2]}}")]
    )

    assert yaml_text.dump_all(after).startswith("apiVersion: v1alpha1\nkind: Future\nname: a\nz:\n    b: 1\n    a:\n")


def test_a_patch_may_hold_many_documents_and_be_given_as_data() -> None:
    patch = Patch("p", [{"machine": {"certSANs": ["b"]}}, {"apiVersion": "v1alpha1", "kind": "TimeSyncConfig"}])

    after = apply_patches([{"machine": {"certSANs": ["a"]}}], [patch])

    assert after[0]["machine"]["certSANs"] == ["a", "b"]
    assert label(after[1]) == "TimeSyncConfig"


def test_what_was_given_is_not_changed() -> None:
    documents = [{"machine": {"sysctls": {"a": "1"}, "certSANs": ["a"]}}]
    patch = {"machine": {"sysctls": {"a": {"$patch": "delete"}}, "certSANs": ["b"]}}

    apply_patches(documents, [Patch("p", patch)])

    assert documents == [{"machine": {"sysctls": {"a": "1"}, "certSANs": ["a"]}}]
    assert patch == {"machine": {"sysctls": {"a": {"$patch": "delete"}}, "certSANs": ["b"]}}


def test_permissions_are_written_without_quotes() -> None:
    patch = {"machine": {"files": [{"path": "/a", "permissions": "0o644", "content": "x", "op": "create"}]}}

    text = yaml_text.dump_all(apply_patches([{"machine": {}}], [Patch("p", patch)]))

    assert "permissions: 0o644\n" in text


# --- what Talos refuses, with the patch, the path and the remedy


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(
            "machine: {sysctl: {a: b}}",
            "at machine.sysctl: Talos does not have this field. Correct",
            id="unknown field",
        ),
        pytest.param(
            "machine: {files: [{contents: a}]}",
            r"at machine.files.\[0\].contents: Talos does not have this field",
            id="in a list",
        ),
        pytest.param(
            "hostname: a",
            "at hostname: Talos does not have this field. .* other documents need kind",
            id="unknown root field",
        ),
        pytest.param("machine: {certSANs: a}", "at machine.certSANs: expected a list, not one value", id="no list"),
        pytest.param("machine: {install: [a]}", "at machine.install: expected a mapping, not a list", id="no mapping"),
        pytest.param(
            "machine: {sysctls: {a: [b]}}", "at machine.sysctls.a: expected one value, not a list", id="no text"
        ),
        pytest.param(
            "machine: {kubelet: {extraConfig: {maxPods: many}}}",
            "at machine.kubelet.extraConfig.maxPods: a text cannot replace a whole number. Quote it",
            id="another type",
        ),
        pytest.param(
            "machine: {network: {hostname: {$patch: delete}}}",
            "at machine.network.hostname: there is nothing to delete. Remove",
            id="nothing to delete",
        ),
        pytest.param(
            "machine: {files: [{path: /b, $patch: delete}]}",
            r"at machine.files.\[0\]: no element has path: /b. The first field",
            id="no such element",
        ),
        pytest.param(
            "machine: {files: [{path: /a, content: {$patch: delete}}]}",
            "a field inside a list element cannot be deleted",
            id="inside an element",
        ),
        pytest.param("machine: {files: [{$patch: delete}]}", "it does not select an element", id="nameless element"),
        pytest.param(
            "$patch: delete", "the machine configuration itself cannot be deleted", id="the configuration itself"
        ),
        pytest.param(
            "{apiVersion: v1alpha1, kind: HostnameConfig, $patch: delete}",
            "HostnameConfig does not exist. Remove",
            id="no such document",
        ),
        pytest.param(
            "[{op: add, path: /machine/x, value: 1}]", "it is a JSON patch. Write it as a strategic", id="JSON patch"
        ),
        pytest.param("{kind: HostnameConfig}", "it has no apiVersion. Add apiVersion", id="no API version"),
        pytest.param(
            "machine: {}\n---\nmachine: {}", "it contains the machine configuration twice. Merge", id="given twice"
        ),
        pytest.param("just a text", "it is not a mapping. Write", id="a text"),
        pytest.param(
            "a: [", r"Failed to read the patch patches\[0\]: Failed to read YAML: .*line [12], column", id="no YAML"
        ),
        pytest.param("machine: {type: a, type: b}", "duplicate key type", id="key given twice"),
    ],
)
def test_a_patch_that_talos_would_refuse_is_refused(patch: str, expected: str) -> None:
    before = "machine: {kubelet: {extraConfig: {maxPods: 1}}, files: [{path: /a, content: x, op: create}]}"

    with pytest.raises(InputError, match=expected) as caught:
        merged(before, patch)

    assert "patches[0]" in str(caught.value)


def test_a_refusal_shows_no_secret() -> None:
    patch = "cluster: {inlineManifests: [{contents: 'password: hunter2', $patch: delete}]}"

    with pytest.raises(InputError) as caught:
        merged("cluster: {}", patch)

    assert "hunter2" not in str(caught.value)


# --- the rules of each version: merge.go and strategic.go of v1.11 to v1.14

MIRROR = "{apiVersion: v1alpha1, kind: RegistryMirrorConfig, name: docker.io, "
ZSWAP = "{apiVersion: v1alpha1, kind: ZswapConfig, maxPoolPercent: "
BEFORE = f"machine: {{}}\n---\n{MIRROR}endpoints: [{{url: 'http://192.0.2.100:5050'}}]}}"


def mirror(patch: str, release: Release) -> Any:
    return merged(BEFORE, patch, release=release)[1]


@pytest.mark.parametrize(("release", "percent"), [(V1_11, 25), (V1_12, 0), (V1_13, 0), (V1_14, 0)])
@pytest.mark.parametrize(
    ("before", "patch", "path"),
    [
        pytest.param(f"{ZSWAP}25}}", f"{ZSWAP}0}}", ["maxPoolPercent"], id="a document"),
        pytest.param(
            "machine: {network: {kubespan: {mtu: 25}}}",
            "machine: {network: {kubespan: {mtu: 0}}}",
            ["machine", "network", "kubespan", "mtu"],
            id="the machine configuration",
        ),
    ],
)
def test_zero_replaces_a_number_of_which_talos_distinguishes_it_from_none(
    release: Release, percent: int, before: str, patch: str, path: list[str]
) -> None:
    value = merged(before, patch, release=release)[0]
    for key in path:
        value = value[key]

    assert value == percent


REPEATED = f"{MIRROR}endpoints: [{{url: 'http://192.0.2.9'}}]}}\n---\n{MIRROR}skipFallback: true}}"


def test_a_document_may_repeat_in_a_patch_from_v1_14_on() -> None:
    after = mirror(REPEATED, V1_14)

    assert [one["url"] for one in after["endpoints"]] == ["http://192.0.2.100:5050", "http://192.0.2.9"]
    assert after["skipFallback"] is True
    with pytest.raises(InputError, match=r"it contains RegistryMirrorConfig docker\.io twice"):
        mirror(REPEATED, V1_13)


def test_a_list_is_deleted_and_set_by_two_documents_of_one_patch_from_v1_14_on() -> None:
    patch = f"{MIRROR}endpoints: {{$patch: delete}}}}\n---\n{MIRROR}endpoints: [{{url: 'http://192.0.2.9'}}]}}"

    assert mirror(patch, V1_14)["endpoints"] == [{"url": "http://192.0.2.9"}]
    with pytest.raises(InputError, match=r"it contains .* twice"):
        mirror(patch, V1_13)


@pytest.mark.parametrize("release", [V1_12, V1_13, V1_14])
def test_a_document_that_is_deleted_whole_does_not_count_as_a_repetition(release: Release) -> None:
    patch = f"{MIRROR}$patch: delete}}\n---\n{MIRROR}skipFallback: true}}"

    assert mirror(patch, release) == {
        "apiVersion": "v1alpha1",
        "kind": "RegistryMirrorConfig",
        "name": "docker.io",
        "skipFallback": True,
    }


@pytest.mark.parametrize(
    ("patch", "left"),
    [
        pytest.param("{apiVersion: v1alpha1, kind: HostnameConfig, $patch: delete}", 1, id="a missing document"),
        pytest.param(f"{ZSWAP}1}}\n---\n{ZSWAP}1, $patch: delete}}", 1, id="one that the patch adds itself"),
        pytest.param(
            "{apiVersion: v1alpha1, kind: ZswapConfig, maxPoolPercent: {$patch: delete}}",
            2,
            id="a field of a missing one",
        ),
    ],
)
def test_the_deletion_of_what_was_not_there_does_nothing_from_v1_14_on(patch: str, left: int) -> None:
    assert len(merged("machine: {}", patch, release=V1_14)) == left
    with pytest.raises(InputError, match=r"does not exist. Remove \$patch: delete"):
        merged("machine: {}", patch, release=V1_13)
