# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of installing and removing CozyStack. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..._errors import InputError
from ..._kubernetes import kinds
from ..._kubernetes.api import Api
from ..._kubernetes.apply import Change, ensure_object, shown
from ..._kubernetes.errors import ApiError, Cause
from ..._urls import split_url
from ..catalog import packages
from ..catalog.releases import data_of, has_data
from ..names import OPERATOR
from . import installed, platform
from .manifests import (
    NAMESPACE,
    Overrides,
    Source,
    customised,
    is_legacy,
    read_manifest,
    released,
    stock_images,
)
from .platform import Desired

Object = dict[str, Any]


class Plan(NamedTuple):
    """The input of an installation that does not depend on the cluster."""

    legacy: bool
    operator: Sequence[Object]
    definitions: Sequence[Object]
    platform: Object
    disabled: Sequence[str]
    desired: Desired
    version: str
    # The packages that the profile disables, without those of disabled_packages.
    left_out: Sequence[str] = ()
    runtime_classes: Sequence[Object] = ()
    allow_unsupported_architecture: bool = False
    adopt: bool = False
    force: bool = False
    wait_timeout: float = 300


class Outcome(NamedTuple):
    """The result of the installation."""

    server: str
    owner: str
    changes: Sequence[Change] = ()
    leftovers: Sequence[str] = ()
    disabled: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def result(self) -> dict[str, Any]:
        """Return what the module returns."""
        return {
            "changed": any(one.changed for one in self.changes),
            "server": self.server,
            "owner": self.owner,
            "objects": [one.summary() for one in self.changes],
            "leftovers": list(self.leftovers),
            "disabled_packages": list(self.disabled),
        }


def plan_of(params: Mapping[str, Any], fetch: Callable[[str], bytes]) -> Plan:
    """Return the plan of the options; reads manifests, makes no request to the cluster."""
    legacy = is_legacy(params["version"])
    if legacy and params["profile"] != "full":
        text = "CozyStack 0.3x has no packages. Set disabled_packages to names of its releases"
        raise InputError(f"Failed to use the profile {params['profile']}: {text}.")
    disabled = _disabled(params, legacy=legacy)
    desired = _desired(params, disabled)
    left_out = () if legacy else packages.profile_disabled(params["profile"], params["version"])
    is_absent = params["state"] == "absent"
    operator, definitions = ((), ()) if is_absent else _manifests(params, fetch)
    asked = ("allow_unsupported_architecture", "adopt", "force", "wait_timeout")
    content = {} if is_absent else platform.config_map(desired) if legacy else platform.package(desired)
    options = {name: params[name] for name in asked}
    classes = [_runtime_class(*one) for one in params["runtime_classes"].items()]
    return Plan(
        legacy, operator, definitions, content, disabled, desired, params["version"], left_out, classes, **options
    )


def _runtime_class(name: str, handler: str) -> Object:
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": handler}


def _disabled(params: Mapping[str, Any], *, legacy: bool) -> list[str]:
    """Return the omitted packages; explicitly enabled packages are never omitted by the profile."""
    if legacy:
        return list(params["disabled_packages"])
    choice = packages.Choice(
        profile=params["profile"],
        disabled=tuple(params["disabled_packages"]),
        enabled=tuple(params["enabled_packages"]),
        metallb=params["metallb_enabled"],
        version=params["version"],
    )
    return list(packages.disabled_by(choice))


def _desired(params: Mapping[str, Any], disabled: Sequence[str]) -> platform.Desired:
    given = {name: params[name] for name in platform.Desired._fields if name != "disabled_packages"}
    return platform.Desired(**given, disabled_packages=disabled)


def _manifests(params: Mapping[str, Any], fetch: Callable[[str], bytes]) -> tuple[Sequence[Object], Sequence[Object]]:
    own = released(params["version"], params["variant"])
    place = params["manifest"] or own[0]
    definitions = params["crds_manifest"] or (None if params["manifest"] or len(own) < 2 else own[1])
    overrides = Overrides(
        image=params["operator_image"],
        source_url=params["platform_source_url"],
        source_ref=params["platform_source_ref"],
        source_secret=params["platform_source_secret"],
        api_server_host=split_url(params["api_server_endpoint"] or "").hostname,
        telemetry_enabled=params["telemetry_enabled"],
    )
    operator = customised(read_manifest(Source(place, params["manifest_checksum"]), fetch), overrides)
    if not definitions:
        return operator, ()
    return operator, read_manifest(Source(definitions, params["crds_manifest_checksum"]), fetch)


def ensure_present(
    api: Api,
    plan: Plan,
    *,
    check_mode: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Install CozyStack, or converge an installation, and create the runtime classes beside it."""
    outcome = _installed(api, plan, check_mode=check_mode, clock=clock, sleep=sleep)
    classes = [ensure_object(api, one, check_mode=check_mode, force=True) for one in plan.runtime_classes]
    return outcome._replace(changes=[*outcome.changes, *classes])


def _installed(
    api: Api, plan: Plan, *, check_mode: bool, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Outcome:
    found = installed.look(api, platform=platform.PLATFORM)
    installed.refuse_other_flow(api.server, found, is_legacy=plan.legacy)
    if found.owner == "helm" and not plan.adopt:
        text = f"The Helm release {found.release} manages CozyStack. Set adopt to take it over."
        return Outcome(api.server, "helm", warnings=[text])
    if not plan.allow_unsupported_architecture:
        installed.refuse_architecture(api.server, found, stock_images(plan.operator))
    plan = _closed(api, plan)
    force = plan.force or plan.adopt
    changes = [ensure_object(api, one, check_mode=check_mode, force=force) for one in _before_platform(api, plan)]
    if not check_mode and not plan.legacy:
        _await_definitions(api, plan, clock, sleep)
    if not plan.legacy:
        changes.append(ensure_object(api, plan.platform, check_mode=check_mode, force=force))
    left = [] if plan.legacy else installed.leftovers(api, plan.disabled)
    return Outcome(api.server, found.owner, changes, left, plan.disabled, _warnings(plan, left, _waiting(api, plan)))


def _before_platform(api: Api, plan: Plan) -> list[Object]:
    """Return the objects before the platform's Package; existing CRDs are managed by the operator."""
    missing = [one for one in plan.definitions if not api.get(kinds.CRD, one["metadata"]["name"])]
    if not plan.legacy:
        return [*missing, *plan.operator]
    namespaces = [one for one in plan.operator if one["kind"] == "Namespace"]
    rest = [one for one in plan.operator if one["kind"] != "Namespace"]
    return [*namespaces, plan.platform, *rest]


def _await_definitions(api: Api, plan: Plan, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Wait until the server has the kind Package."""
    end = clock() + plan.wait_timeout
    while True:
        try:
            api.kind_of(plan.platform)
        except ApiError as error:
            if error.cause is not Cause.NO_KIND:
                raise
        else:
            return
        if clock() >= end:
            seen = "; ".join(installed.waiting_pods(api)) or "its pods do not show the cause"
            detail = f"the operator did not install the CRD of Packages within {plan.wait_timeout:g} s ({seen})"
            raise ApiError(api.server, "install CozyStack", Cause.NO_KIND, detail)
        sleep(1)


def _warnings(plan: Plan, left: Sequence[str], waiting: Iterable[str]) -> list[str]:
    warnings = []
    if left:
        text = "Existing packages are kept; delete them to remove their releases and data"
        warnings.append(f"Disabled packages exist: {', '.join(left)}. {text}.")
    if waiting:
        text = "Disable them as well, or enable their dependencies"
        warnings.append(f"Packages would wait for disabled ones forever: {', '.join(sorted(waiting))}. {text}.")
    if not plan.legacy and not has_data(plan.version):
        taken = data_of(plan.version).version
        warnings.append(
            f"The collection has no data of CozyStack {plan.version}: profiles are closed by the packages of {taken} "
            "until the cluster has its own, and by those in the next run."
        )
    return warnings


def _waiting(api: Api, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the packages that would wait for disabled ones forever, by the cluster's sources if it has them."""
    if plan.legacy:
        return {}
    graph = installed.graph(api)
    if not graph:
        return packages.unmet(plan.disabled, plan.version)
    return packages.unmet_of({name: needed for name, needed in graph.items() if name not in plan.disabled})


def _closed(api: Api, plan: Plan) -> Plan:
    """Return the plan whose profile also omits the packages that depend on its packages in the cluster."""
    graph = {} if plan.legacy else installed.graph(api)
    waiting = set(packages.close_over(plan.left_out, graph)) - set(plan.desired.enabled_packages) - set(plan.disabled)
    if not waiting:
        return plan
    disabled = sorted({*plan.disabled, *waiting})
    return plan._replace(
        disabled=disabled, platform=platform.package(plan.desired._replace(disabled_packages=disabled))
    )


def ensure_absent(api: Api, plan: Plan, *, check_mode: bool) -> Outcome:
    """Remove the operator and its RBAC, and the runtime classes beside it; the objects that it created stay."""
    outcome = _uninstalled(api, plan, check_mode=check_mode)
    names = [one["metadata"]["name"] for one in plan.runtime_classes]
    classes = [_removed(api, kinds.RUNTIME_CLASS, name, "", check_mode=check_mode) for name in names]
    return outcome._replace(changes=[*outcome.changes, *classes])


def _uninstalled(api: Api, plan: Plan, *, check_mode: bool) -> Outcome:
    found = installed.look(api, platform=platform.PLATFORM)
    if found.owner == "helm" and not plan.adopt:
        text = f"The Helm release {found.release} manages CozyStack. Set adopt to remove its operator."
        return Outcome(api.server, "helm", warnings=[text])
    name = installed.LEGACY if plan.legacy else OPERATOR
    targets = [(kinds.DEPLOYMENT, name, NAMESPACE)]
    other = found.operator if plan.legacy else found.legacy
    if other is None:
        # Both generations use the same names.
        targets += [(kinds.CLUSTER_ROLE_BINDING, "cozystack", ""), (kinds.SERVICE_ACCOUNT, "cozystack", NAMESPACE)]
    changes = [_removed(api, *target, check_mode=check_mode) for target in targets]
    return Outcome(api.server, found.owner, changes)


def _removed(api: Api, kind: kinds.Kind, name: str, namespace: str, *, check_mode: bool) -> Change:
    before = api.get(kind, name, namespace=namespace)
    if before is None:
        return Change(kind.kind, name, namespace, changed=False)
    api.delete(kind, name, namespace=namespace, dry_run=check_mode)
    return Change(kind.kind, name, namespace, changed=True, before=shown(before))
