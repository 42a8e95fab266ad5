# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of Talos for its own containers and images. Private to urmanac.talos: may change at any time.

They are facts about the Validate methods of types/container and types/security in siderolabs/talos, and about its
container_deps.go.
"""

from __future__ import annotations

import re
from typing import Any

from .decoding import Document, size_of
from .values import CORRECT, Found, at, items_of, words

_NAME = re.compile(r"[a-z0-9-]{1,63}")
# A host and port, a repository, and a tag or digest, as go-containerregistry reads them.
_IMAGE = re.compile(r"(?:[^/@]+/)*?[a-z0-9_./-]{2,255}(?::[\w.-]{1,127})?(?:@sha256:[0-9a-f]{64})?")
_MOUNTS = {"userVolume": ("destination",), "tmpfs": ("destination",), "hostPath": ("source", "destination")}
_OPTIONS = words("ro rw noexec nosuid nodev noatime rbind rshared")
_CONDITIONS = words("addresses connectivity hostname etcfiles")
# Of fields that have one of a few values: the values; nothing is a default.
_CHOICES = {"security.profile": ("restricted", "privileged"), "network.mode": ("none", "host")}


def container_faults(document: Document) -> Found:
    """Yield what is wrong with a container."""
    name, image = str(document.get("name") or ""), str(document.get("image") or "")
    if name and not _NAME.fullmatch(name):
        cause = "name can only contain up to 63 lowercase ASCII letters, digits and hyphens"
        yield "name", cause, CORRECT
    if image and not _IMAGE.fullmatch(image):
        yield "image", "invalid image reference", CORRECT
    yield from _process(document)
    yield from _mounts(document)
    yield from _capabilities(document)
    yield from _limits(document)
    yield from _conditions(document)


def _process(document: Document) -> Found:
    for position, item in enumerate(items_of(document, "environment")):
        if "=" not in str(item):
            yield f"environment.[{position}]", "it must be in KEY=value form", CORRECT
    for path, values in _CHOICES.items():
        if at(document, path) not in (None, "", *values):
            yield path, f'unsupported value "{at(document, path)}"', f"Choose {' or '.join(values)}."
    for field in ("uid", "gid"):
        if (at(document, f"runAs.{field}") or 0) < 0:
            yield f"runAs.{field}", f"runAs.{field} must be non-negative", CORRECT


def _mounts(document: Document) -> Found:
    seen: set[str] = set()
    for position, mount in enumerate(items_of(document, "mounts")):
        path = f"mounts.[{position}]"
        kinds = [kind for kind in _MOUNTS if mount.get(kind) is not None]
        if len(kinds) != 1:
            yield path, "exactly one of userVolume, tmpfs or hostPath must be set", "Set one of them."
            continue
        settings = mount[kinds[0]]
        found = list(_mount(kinds[0], settings))
        yield from ((f"{path}.{kinds[0]}.{field}", cause, remedy) for field, cause, remedy in found)
        destination = str(settings.get("destination") or "")
        if not found and destination in seen:
            yield path, f'duplicate destination "{destination}"', "Choose another one."
        seen |= set() if found else {destination}


def _mount(kind: str, settings: dict[str, Any]) -> Found:
    for field in _MOUNTS[kind]:
        if not str(settings.get(field) or "").startswith("/"):
            yield field, "it must be an absolute path", CORRECT
    if kind == "userVolume" and not settings.get("name"):
        yield "name", "userVolume.name is required", "Add it."
    options = {str(item) for item in items_of(settings, "options")}
    for option in sorted(options - _OPTIONS):
        yield "options", f'unsupported mount option "{option}"', f"Choose among {', '.join(sorted(_OPTIONS))}."
    if {"ro", "rw"} <= options:
        yield "options", "mount options ro and rw are mutually exclusive", "Remove one of them."


def _capabilities(document: Document) -> Found:
    path = "security.capabilities"
    added, dropped = ([str(item) for item in items_of(document, f"{path}.{field}")] for field in ("add", "drop"))
    if "ALL" in added:
        yield f"{path}.add", "capabilities.add does not accept ALL", "Set profile: privileged."
    for field, names in (("add", added), ("drop", dropped)):
        for name in names:
            if name.startswith("CAP_") or not re.fullmatch("[A-Z_]+", name):
                yield f"{path}.{field}", f'"{name}" is not a capability', "Write it in upper case, without CAP_."
    for name in sorted({*added} & {*dropped} - {"ALL"}):
        yield path, f'capability "{name}" appears in both add and drop', "Remove one of the two."


def _limits(document: Document) -> Found:
    limits = at(document, "resources.limits") or {}
    cpu, memory = (str(limits.get(field) or "") for field in ("cpu", "memory"))
    if cpu and not re.fullmatch(r"0*[1-9][0-9]{0,18}m", cpu):
        yield "resources.limits.cpu", "it must be expressed in millicores", "Use one such as 1500m."
    if memory and size_of(memory) is None:
        yield "resources.limits.memory", "it is not a valid size", "Use one such as 512MiB."


def _conditions(document: Document) -> Found:
    for item in items_of(document, "dependsOn.paths"):
        if not str(item).startswith("/"):
            yield "dependsOn.paths", "it must be an absolute path", CORRECT
    for item in items_of(document, "dependsOn.networks"):
        if item not in _CONDITIONS:
            yield (
                "dependsOn.networks",
                f'unsupported condition "{item}"',
                f"Choose among {', '.join(sorted(_CONDITIONS))}.",
            )


def dependency_faults(documents: list[Document]) -> Found:
    """Yield the containers that wait for one which is missing, or for themselves."""
    edges = {
        str(document.get("name") or ""): [str(item) for item in items_of(document, "dependsOn.containers")]
        for document in documents
        if document.get("kind") == "ContainerConfig"
    }
    for name, needed in edges.items():
        for missing in sorted({*needed} - edges.keys()):
            cause = f'container "{name}" depends on container "{missing}", which is not configured'
            yield "dependsOn.containers", cause, "Add a ContainerConfig for it, or remove it from the list."
        if name in _reached(name, edges):
            yield (
                "dependsOn.containers",
                f"container dependsOn cycle detected at {name}",
                "Remove one of the containers.",
            )


def _reached(name: str, edges: dict[str, list[str]]) -> set[str]:
    """Return the containers that one waits for, directly and by others."""
    found: set[str] = set()
    waiting = list(edges[name])
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += edges.get(one, [])
    return found


def image_verification_faults(document: Document) -> Found:
    """Yield what is wrong with the rules by which images are verified."""
    for position, item in enumerate(items_of(document, "rules")):
        for field, cause, remedy in _image_rule(item):
            yield ".".join(filter(None, ("rules", f"[{position}]", field))), cause, remedy


def _image_rule(rule: dict[str, Any]) -> Found:
    switches = [field for field in ("skip", "deny") if rule.get(field)]
    verifiers = [field for field in ("keyless", "publicKey") if rule.get(field) is not None]
    if not rule.get("image"):
        yield "image", "imagePattern must be specified", "Add image."
    if len(switches) + len(verifiers) != 1:
        yield "", "exactly one of skip, deny, keyless and publicKey is needed", "Set one of them."
    keyless = rule.get("keyless")
    if keyless is not None and not keyless.get("issuer"):
        yield "keyless.issuer", "verifier OIDC issuer must be specified", "Add it."
    if keyless is not None and not (keyless.get("subject") or keyless.get("subjectRegex")):
        yield "keyless", "verifier subject or subjectRegex must be specified", "Add one of them."
    if "publicKey" in verifiers and not rule["publicKey"].get("certificate"):
        yield "publicKey.certificate", "verifier certificates must be specified", "Add it."
