# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages and releases: how many are ready, and which of them the others wait for.

Private to urmanac.talos: may change at any time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from ..._kubernetes import refusals
from ..._kubernetes.conditions import condition_of, ready_condition
from ..._ports import KUBE_PRISM, KUBERNETES
from ..catalog.packages import maker_of
from .pod_troubles import RELEASE_LABEL

Object = Mapping[str, Any]
PLATFORM: Final = ("cozy-system", "cozystack-platform")
TENANT: Final = ("tenant-root", "tenant-root")
# The message of an object without a condition.
UNPROCESSED: Final = "no controller has processed it yet"
# Of the namespaces of the platform's own releases.
PLATFORM_PREFIX: Final = "cozy-"
# Modules of a tenant, each a release of this name that the tenant's chart creates.
_MODULES: Final = ("etcd", "ingress", "monitoring", "seaweedfs")
_MODULE_LABEL: Final = "internal.cozystack.io/tenantmodule"
# The namespace of the release in RELEASE_LABEL, in which the chart's object need not be.
_RELEASE_NAMESPACE: Final = "helm.toolkit.fluxcd.io/namespace"
# The controllers of Flux choose releases by this label. A tenant's release has this value until flux-shard-operator
# has assigned a controller to it.
_SHARD: Final = "sharding.fluxcd.io/key"
_UNASSIGNED: Final = "tenants"
OVERLOADED: Final = "API_OVERLOADED"
DATABASE_FULL: Final = "ETCD_DATABASE_FULL"
_BASICS: Final = "cozystack.cozystack-basics"
# Reasons of Ready after the cleaning up of a failed attempt.
_REMEDIATED: Final = ("UninstallSucceeded", "RollbackSucceeded")
_GENERATED: Final = re.compile(r"generated (\d+) helmrelease")
_API_PORT: Final = rf"(?:\b10\.96\.0\.1:443|:{KUBERNETES}|:{KUBE_PRISM})"
# Meanings of messages of failed releases and packages; the first match counts.
_CAUSES: Final = (
    # Before all others: whatever stores an object fails with these words in its own.
    (DATABASE_FULL, refusals.DATABASE_FULL),
    ("ETCD_CORRUPT", re.compile(r"etcdserver: corrupt cluster")),
    ("OBJECT_TOO_LARGE", refusals.TOO_LARGE),
    ("POD_SECURITY_REFUSED", refusals.POD_SECURITY),
    (
        "WEBHOOK_REFUSED",
        re.compile(
            r"failed calling webhook|conversion webhook for .* failed|admission webhook .*denied the request", re.S
        ),
    ),
    ("QUOTA_EXCEEDED", refusals.QUOTA),
    (
        "NAME_CLASH",
        re.compile(r"exists and cannot be imported|invalid ownership metadata|cannot re-?use a name|already exists"),
    ),
    (
        "KIND_MISSING",
        re.compile(
            r"no matches for kind|resource mapping not found|ensure CRDs are installed first"
            r"|the server could not find the requested resource"
        ),
    ),
    # Before the failure of hooks: Helm creates their Jobs through the same API.
    # Another server answers for these groups: one that is down says nothing of the Kubernetes API itself.
    (
        "API_SERVICE_UNAVAILABLE",
        re.compile(
            r"complete list of server APIs|stale GroupVersion discovery"
            r"|unable to handle the request \(\w+ [\w-]+\.[\w.-]*(?:cozystack|kubevirt|metrics\.k8s)\.io[ )]"
        ),
    ),
    (OVERLOADED, refusals.STORAGE_BUSY),
    (
        OVERLOADED,
        re.compile(
            r"http2: (?:client connection lost|server sent GOAWAY)"
            r"|the server is currently unable to handle the request|the server has received too many requests"
            r"|Too many requests, please try again|Timeout: request did not complete within requested timeout"
            r"|return a response in the time allotted|resource quota evaluat\w+ time"
            rf"|{_API_PORT}: (?:connect: |read: |write: |i/o timeout)"
            # Of registries this says nothing here.
            r'|(?<!": )net/http: TLS handshake timeout'
            rf'|https://[^/\s]*{_API_PORT}/\S*": (?:net/http: (?:TLS|request canceled)|(?:\w+ )?EOF'
            r"|context deadline exceeded|http2: client connection force closed)"
        ),
    ),
    (
        "JOB_FAILED",
        re.compile(
            r"failed (?:pre|post)-(?:install|upgrade|rollback|delete)|BackoffLimitExceeded|hooks? failed"
            r"|Job (?:has reached the specified backoff limit|was active longer than specified deadline)"
            r"|\bJob/\S+ status: 'Failed'"
        ),
    ),
    ("ARTIFACT_MISSING", re.compile(r"could not get Source object: ExternalArtifact")),
    (
        "RELEASE_LOCKED",
        re.compile(
            r"another operation \(install/upgrade/rollback\) is in progress"
            r"|unable to determine state for release with status 'uninstalling'"
        ),
    ),
    (
        "VALUES_REFUSED",
        re.compile(
            r"values don't meet the specifications of the schema|execution error at|error calling \w+:|parse error"
            r"|nil pointer evaluating|can't evaluate field"
        ),
    ),
    ("IMAGE_RATE_LIMITED", re.compile(r"toomanyrequests|429 Too Many Requests", re.I)),
)
_LONGEST: Final = 600

Key = tuple[str, str]
Name = TypeVar("Name", Key, str)


class Release(NamedTuple):
    """The readiness of a HelmRelease."""

    namespace: str
    name: str
    package: str
    ready: bool
    reason: str
    message: str
    since: str
    failures: int
    depends_on: tuple[Key, ...]
    # Of the root tenant: the releases that its chart creates.
    enables: tuple[Key, ...] = ()
    shard: str = ""
    is_suspended: bool = False
    is_module: bool = False
    # The release whose chart created this one.
    maker: Key | None = None

    @property
    def key(self) -> Key:
        """Return its identity."""
        return self.namespace, self.name

    @property
    def title(self) -> str:
        """Return its name in messages."""
        return f"{self.namespace}/{self.name}"

    @property
    def fails(self) -> bool:
        """Return whether it was tried and failed, in contrast to one in progress or waiting."""
        return not self.ready and (self.failures > 0 or self.reason.endswith(("Failed", "Error", "Exhausted")))


class Package(NamedTuple):
    """The readiness of a Package."""

    name: str
    variant: str
    ready: bool
    reason: str
    message: str
    releases: int | None
    waits_for: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the module returns it."""
        values = {"name": self.name, "variant": self.variant, "reason": self.reason, "message": self.message}
        return values | {"dependencies_missing": list(self.waits_for)}


class Blocker(NamedTuple):
    """A release that is not ready although its dependencies are, and the number of releases that wait for it."""

    release: Release
    reason: str
    message: str
    holds_back: int


def _cause_condition(item: Object) -> Mapping[str, Any]:
    """Return the condition Ready of a HelmRelease, or Released where only that has the cause of a failure.

    During a retry, for up to ten minutes, Ready has no more than "Running 'upgrade' action": helm-controller keeps the
    failure of the last attempt in Released. After a remediation Ready reports only that this succeeded.
    """
    ready, released = ready_condition(item), condition_of(item, "Released")
    if ready.get("status") == "True" and not is_ready(item):
        # The success of a former generation says nothing of this one.
        text = f"no controller has processed generation {item['metadata']['generation']} yet"
        return {"reason": "Pending", "message": text, "lastTransitionTime": ready.get("lastTransitionTime")}
    hides = ready.get("status") == "Unknown" or ready.get("reason") in _REMEDIATED
    return released if hides and released.get("status") == "False" else ready


def is_ready(item: Object | None) -> bool:
    """Return whether the object is ready in its current generation."""
    if not item:
        return False
    condition = ready_condition(item)
    seen, wanted = condition.get("observedGeneration"), item["metadata"].get("generation")
    is_stale = seen is not None and wanted is not None and seen < wanted
    return condition.get("status") == "True" and not is_stale


def release_of(item: Object) -> Release:
    """Return a HelmRelease."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    condition, labels = _cause_condition(item), metadata.get("labels") or {}
    namespace, name = str(metadata.get("namespace", "")), str(metadata["name"])
    return Release(
        namespace=namespace,
        name=name,
        package=str(labels.get("cozystack.io/package") or ""),
        ready=is_ready(item),
        reason=str(condition.get("reason") or "Pending"),
        message=str(condition.get("message") or UNPROCESSED)[:_LONGEST],
        since=str(condition.get("lastTransitionTime") or metadata.get("creationTimestamp") or ""),
        failures=sum(int(status.get(name) or 0) for name in ("failures", "installFailures", "upgradeFailures")),
        depends_on=tuple(
            (str(one.get("namespace") or namespace), str(one["name"])) for one in spec.get("dependsOn") or ()
        ),
        enables=_enabled_by(spec) if (namespace, name) == TENANT else (),
        shard=str(labels.get(_SHARD) or ""),
        is_suspended=spec.get("suspend") is True,
        is_module=namespace == TENANT[0] and (name in _MODULES or labels.get(_MODULE_LABEL) == "true"),
        maker=made_by(labels, namespace),
    )


def made_by(labels: Object, namespace: str) -> Key | None:
    """Return the release whose chart created an object with these labels."""
    name = labels.get(RELEASE_LABEL)
    return (str(labels.get(_RELEASE_NAMESPACE) or namespace), str(name)) if name else None


def of_platform(releases: Iterable[Release]) -> set[Key]:
    """Return the releases that belong to the installation, in contrast to those that users have created.

    These are the components of packages, the modules of the root tenant, and what their charts create.
    """
    known = list(releases)
    ours = {release.key for release in known if _is_of_platform(release)}
    while more := {release.key for release in known if release.key not in ours and release.maker in ours}:
        ours |= more
    return ours


def _is_of_platform(release: Release) -> bool:
    is_component = bool(release.package) or release.namespace.startswith(PLATFORM_PREFIX)
    return is_component or release.key == TENANT or release.is_module


def _enabled_by(spec: Object) -> tuple[Key, ...]:
    """Return the releases that the values of the root tenant enable. A Tenant is its HelmRelease by another name."""
    values = spec.get("values") or {}
    return tuple((TENANT[0], name) for name in _MODULES if values.get(name) is True)


def package_of(item: Object) -> Package:
    """Return a Package."""
    condition, status = ready_condition(item), item.get("status") or {}
    message = str(condition.get("message") or "")
    generated = _GENERATED.search(message)
    dependencies = status.get("dependencies") or {}
    return Package(
        name=str(item["metadata"]["name"]),
        variant=str((item.get("spec") or {}).get("variant") or "default"),
        ready=is_ready(item),
        reason=str(condition.get("reason") or "Pending"),
        message=message[:_LONGEST],
        releases=int(generated[1]) if generated else None,
        waits_for=tuple(
            sorted(name for name, dependency in dependencies.items() if not (dependency or {}).get("ready"))
        ),
    )


def by_key(releases: Iterable[Release]) -> dict[Key, Release]:
    """Return the releases by namespace and name."""
    return {release.key: release for release in releases}


def held_back_by(release: Release, known: Mapping[Key, Release]) -> list[Key]:
    """Return what the release waits for: dependencies that are missing or not ready."""
    return [key for key in release.depends_on if key not in known or not known[key].ready]


def root_blockers(known: Mapping[Key, Release]) -> list[Blocker]:
    """Return the releases that others wait for, the most blocking first."""
    behind = behind_of(known)
    roots = [key for key, needs in behind.items() if not needs] or list(behind)
    found = [_blocker(known[key], known, len(dependents({key}, behind)) - 1) for key in roots]
    return sorted(found, key=lambda one: (-one.holds_back, not one.release.fails, one.release.key))


def _blocker(release: Release, known: Mapping[Key, Release], holds_back: int) -> Blocker:
    missing = [key for key in release.depends_on if key not in known]
    if release.is_suspended:
        return Blocker(release, "Suspended", "Flux does not process it while spec.suspend is true", holds_back)
    if missing:
        text = f"it depends on {', '.join(map(_with_maker, missing))}, which does not exist"
        return Blocker(release, "DependencyMissing", text, holds_back)
    if held_back_by(release, known):
        return Blocker(release, "DependencyCycle", "it depends on releases that depend on it", holds_back)
    if release.shard == _UNASSIGNED and release.reason == "Pending":
        text = f"{release.message}: its label {_SHARD} is still {_UNASSIGNED}, which no controller of Flux selects"
        return Blocker(release, "Unassigned", text, holds_back)
    return Blocker(release, release.reason, release.message, holds_back)


def _with_maker(key: Key) -> str:
    """Return the name of a release with the package that creates it, as far as that is known."""
    maker = maker_of(key)
    return "/".join(key) + (f" of package {maker}" if maker else "")


def not_created(known: Mapping[Key, Release]) -> list[Key]:
    """Return the releases that the root tenant enables and that do not exist although the tenant is ready."""
    tenant = known.get(TENANT)
    return [key for key in tenant.enables if key not in known] if tenant and tenant.ready else []


def behind_of(known: Mapping[Key, Release]) -> dict[Key, list[Key]]:
    """Return which existing releases each one that is not ready waits for."""
    waiting = {key: release for key, release in known.items() if not release.ready}
    return {key: [one for one in held_back_by(release, known) if one in known] for key, release in waiting.items()}


def dependents(names: Collection[Name], behind: Mapping[Name, Collection[Name]]) -> set[Name]:
    """Return these, and all that wait for them directly or indirectly."""
    reached = set(names)
    while more := {name for name, needs in behind.items() if name not in reached and not reached.isdisjoint(needs)}:
        reached |= more
    return reached


def cause_of(message: str) -> str | None:
    """Return the code of a failure's message, if it is known."""
    return next((code for code, pattern in _CAUSES if pattern.search(message)), None)


def expected_releases(
    packages: Sequence[Package], known: Mapping[Key, Release], components: Mapping[str, int]
) -> int | None:
    """Return how many releases there will be, or None until the platform has listed its packages.

    A finished package reports the number of its releases; before, its source has the number of components.
    """
    if PLATFORM not in known or not packages:
        return None
    # The tenant's releases belong to no package: one chart creates the tenant, which creates the others.
    own = {release.key for release in known.values() if not release.package}
    own.update(known[TENANT].enables if TENANT in known else ())
    made = sum(one.releases if one.releases is not None else components.get(one.name, 0) for one in packages)
    return made + len(own | ({TENANT} if any(one.name == _BASICS for one in packages) else set()))
