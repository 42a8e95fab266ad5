# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring parts of a cluster to their description, or remove them. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from ..._errors import Ec2Error
from ..._findings import Finding, finding
from ..bastion.current import checksum
from ..calls import KEPT, Calls, errors_named
from ..client import AwsError, Refused
from ..desired import ACCESS, BASTION, HOURS, NETWORK, NODES, RUNNING, Desired
from ..plan.choosing import choose
from ..plan.compare import compare, teardown_rank
from ..plan.comparison import Comparison, Found, Resource
from ..plan.current import Existing, read_cluster
from ..plan.owners import conflict_problems, duplicate_problems, unmanaged_problems
from ..plan.reading import wanted_of
from ..plan.text import foreign_resource_problems, kind_word, tie_problem
from ..plan.ties import Tie, read_ties
from ..spec import ClusterSpec
from ..texts import USER_DATA_MAX
from ..values import BY_PARAMETER
from .kinds import KINDS, MAKINGS, steps
from .scaling import postpone_stop
from .stopping import lines, machines_to_stop, stop
from .work import Machines, Work

Act = Callable[[Work, str], None]
# What was deleted, by kind and id: a role, its profile and a group have one name, which is their id.
Gone = set[tuple[str, str]]
_WORKERS = 8
# How Work reports that an instance was created.
_MADE_MACHINE = f"created {kind_word('instance')} "


class Order(NamedTuple):
    """The request."""

    parts: tuple[str, ...]
    state: str = "present"
    remove_duplicates: bool = False
    check_mode: bool = False
    machines: Machines = Machines()

    @property
    def absent(self) -> bool:
        """Return whether the parts are to be removed."""
        return self.state == "absent"


class Outcome(NamedTuple):
    """The result of a run, or its prediction in check mode: actions, the cluster before and after, stopped machines."""

    changed: bool
    lines: tuple[str, ...]
    before: Comparison
    after: Comparison
    stopped: tuple[Existing, ...] = ()


Want = Callable[[list[Existing]], dict[str, Desired]]


def ensure_cluster(calls: Calls, spec: ClusterSpec, order: Order, *, now: datetime | None = None) -> Outcome:
    """Bring the parts to the requested state and return what changed."""
    want = partial(_wanted, spec, order.machines, now or datetime.now(UTC))
    things = read_cluster(calls, spec)
    wanted = want(things)
    ties = read_ties(calls, spec, things, thorough=order.absent or order.remove_duplicates)
    before = compare(wanted, things, ties)
    if order.state == "stopped":
        return _stopped(calls, spec, things, order, before, want)
    if order.state == "postponed":
        return _postponed(calls, spec, order, before, want)
    todo, to_delete = _todo(before, order), _to_delete(before, order, spec.names.bastion)
    refuse(before, todo, to_delete, order)
    if not (todo or to_delete):
        return Outcome(changed=False, lines=(), before=before, after=before)
    if order.check_mode:
        return Outcome(changed=True, lines=tuple(_would(todo, to_delete)), before=before, after=before)
    work = _work(calls, spec, things, wanted, _with_image(calls, order.machines, todo))
    _delete(work, to_delete)
    with _saying_what_runs(work, before):
        _ensure(work, [resource.key for resource in todo])
    return Outcome(changed=True, lines=tuple(work.lines), before=before, after=_settled(work, want, todo, to_delete))


def _stopped(
    calls: Calls, spec: ClusterSpec, things: list[Existing], order: Order, before: Comparison, want: Want
) -> Outcome:
    """Stop the machines of the parts; create and delete nothing."""
    machines = machines_to_stop(before, things, order.parts)
    stopping = {(item.kind, item.id) for item in machines}
    # AWS terminates any instance of a group that is stopped, also one of another owner.
    ties = [tie for tie in before.ties if tie.blocks and (tie.ours.kind, tie.ours.id) in stopping]
    if ties:
        raise Refused(*(_tied("stop", tie) for tie in ties))
    if order.check_mode or not machines:
        would = lines(machines, "would stop")
        return Outcome(bool(machines), tuple(would), before=before, after=before, stopped=tuple(machines))
    done = stop(calls, machines)
    now = read_cluster(calls, spec)
    return Outcome(True, tuple(done), before, compare(want(now), now, before.ties), tuple(machines))


def _postponed(calls: Calls, spec: ClusterSpec, order: Order, before: Comparison, want: Want) -> Outcome:
    """Postpone the next stop of the bastion, and change nothing else."""
    stops = _next_stop_only(before)
    late = stops.resources
    verb = "would change" if order.check_mode else "changed"
    done = tuple(f"{verb} {kind_word(item.kind)} {item.name}: next stop at {item.want['next_stop']}" for item in late)
    if order.check_mode or not late:
        return Outcome(bool(late), done, before=stops, after=before)
    for item in late:
        with errors_named(f"postpone the stop of {item.name}"):
            postpone_stop(calls, item.name, (item.have or {})["schedules"], item.want["next_stop"])
    now = read_cluster(calls, spec)
    return Outcome(True, done, stops, compare(want(now), now, before.ties))


def _next_stop_only(before: Comparison) -> Comparison:
    """Return the resources with another next stop, and no other difference of theirs, which a diff would show."""
    late = (
        item._replace(differences=tuple(what for what in item.differences if what.property == "next_stop"))
        for item in before.resources
    )
    return before._replace(resources=tuple(item for item in late if item.differences))


@contextmanager
def _saying_what_runs(work: Work, before: Comparison) -> Iterator[None]:
    """Add to an error which instances cost money now: those of earlier runs, and those of this one."""
    try:
        yield
    except AwsError as error:
        problem = error.problem
        remedy = f"{problem.remedy} {_costs(work, before)}".strip()
        raise AwsError(replace(problem, remedy=remedy), error.reason) from None


def _costs(work: Work, before: Comparison) -> str:
    # A machine that this run has started is in work.things with its new state.
    states = {thing.id: thing.have.get("state") for thing in (*work.ours, *work.things.values())}
    machines = [found for found in before.found if found.kind == "instance"]
    earlier = [f"{found.name} ({found.id})" for found in machines if states[found.id] in RUNNING]
    made = [line.removeprefix(_MADE_MACHINE) for line in work.lines if line.startswith(_MADE_MACHINE)]
    running = ", ".join(earlier + made)
    return (
        f"These instances are running and cost money: {running}; playbooks/reset.yml removes them." if running else ""
    )


def _wanted(spec: ClusterSpec, machines: Machines, now: datetime, things: list[Existing]) -> dict[str, Desired]:
    """Return the described resources, with the properties of the bastion that only the caller knows."""
    wanted = wanted_of(spec, things, now)
    user_data = machines.user_data.get(BASTION)
    more: dict[str, dict[str, Any]] = {
        f"launch_template/{BASTION}": {"user_data_sha256": checksum(user_data)} if user_data else {},
        f"autoscaling_group/{BASTION}": {
            **({"desired_capacity": 1} if machines.bastion_started else {}),
            **({"next_stop": machines.bastion_stop_at} if machines.bastion_stop_at else {}),
        },
    }
    return {key: item._replace(want={**item.want, **more.get(key, {})}) for key, item in wanted.items()}


def _todo(before: Comparison, order: Order) -> list[Resource]:
    if order.absent:
        return []
    todo = [item for item in before.resources if item.part in order.parts and item.state != "present"]
    return [item for item in todo if item.kind in KINDS]


def _to_delete(before: Comparison, order: Order, bastion: str) -> list[Found]:
    """Return what to delete, in order; bastion is the name of the bastion's resources."""
    ours = [found for found in before.found if found.part in order.parts and found.kind in KINDS]
    if order.absent:
        return ours
    # The bastion's Elastic IP costs money for as long as it exists. One with another name must be released by the user:
    # the same address cannot be obtained again.
    return [
        found
        for found in ours
        if (found.unused and order.remove_duplicates)
        or (found.kind == "address" and not found.described and found.name == bastion)
        # A schedule that is not described any more would stop the cluster.
        or (found.part == HOURS and not found.described)
    ]


def refuse(before: Comparison, todo: Sequence[Resource], to_delete: Sequence[Found], order: Order) -> None:
    """Raise Ec2Error for every change that is not allowed, before the first one."""
    # Including resources that are created elsewhere, such as SSM parameters.
    wanted = [] if order.absent else [item for item in before.resources if item.part in order.parts]
    reasons = [
        *(item.about(f"create {item.subject}") for item in conflict_problems(wanted)),
        *_disputed(before, order),
        *_replacements(todo),
        *_too_long(order.machines),
        *(_obstacles(before) if order.absent and NETWORK in order.parts else ()),
        *_held(before, to_delete, order),
        # In check mode the account may be empty.
        *(() if order.check_mode else _unplaced(before, todo, order)),
    ]
    if reasons:
        raise Refused(*reasons)


def _disputed(before: Comparison, order: Order) -> list[Finding]:
    """Return the resources without ManagedBy and the duplicates, all of which a removal deletes."""
    seconds = [] if order.absent else duplicate_problems(before.seconds)
    verb = "remove" if order.absent else "change"
    found = [*unmanaged_problems(before.unmanaged), *seconds]
    return [item.about(f"{verb} the cluster") for item in found]


def _too_long(machines: Machines) -> list[Finding]:
    sizes = {name: len(base64.b64decode(text)) for name, text in machines.user_data.items()}
    return [
        finding("USER_DATA_TOO_LONG", f"create user-data of {size} bytes for {name}", f"EC2 accepts {USER_DATA_MAX}")
        for name, size in sizes.items()
        if size > USER_DATA_MAX
    ]


def _replacements(todo: Iterable[Resource]) -> list[Finding]:
    remedy = (
        "Restore the description, or remove the cluster (playbooks/reset.yml -e reset_confirmation=yes) and build it "
        "again."
    )
    return [
        finding(
            "CHANGE_NEEDS_DECISION",
            f"change {difference.property} of {kind_word(item.kind)} {item.name} ({item.id}) from {difference.have} to "
            f"{difference.want}",
            "it cannot be changed after creation",
            remedy,
        )
        for item in todo
        for difference in item.differences
        # A new set replaces the old one without an interruption.
        if difference.replace and item.kind != "dhcp_options"
    ]


def _unplaced(before: Comparison, todo: Sequence[Resource], order: Order) -> list[Finding]:
    """Return what cannot be created or changed because the network is missing or incomplete."""
    network = [item for item in before.resources if item.part == NETWORK and item.state == "missing"]
    # The roles of schedules only need the account, which the VPC has.
    account = [item for item in network if item.key == "vpc"]
    needed = {ACCESS: account, HOURS: account, NODES: network, BASTION: network}
    parts = [part for part in order.parts if NETWORK not in order.parts and needed[part]]
    stopped = [item for item in todo if item.part in parts]
    if not stopped:
        return []
    exists = "the network of the cluster does not exist"
    if not any(item.key == "vpc" for item in network):
        exists = f"the network of the cluster has no {', no '.join(_titles(network))}"
    return [finding("NETWORK_MISSING", f"create {', '.join(_titles(stopped))}", exists)]


def _titles(resources: Iterable[Resource]) -> list[str]:
    return [f"{kind_word(item.kind)} {item.name}" for item in resources]


def _obstacles(before: Comparison) -> list[Finding]:
    """Return what prevents the removal of the network: our instances, and resources of another owner in it."""
    machines = [f"{found.name} ({found.id})" for found in before.found if found.kind in ("instance", "eni")]
    ours = [finding("NETWORK_IN_USE", "network", f"{', '.join(machines)} still exist")] if machines else []
    return [problem.about("remove the network") for problem in (*ours, *foreign_resource_problems(before))]


def _held(before: Comparison, to_delete: Iterable[Found], order: Order) -> list[Finding]:
    """Return which resources to delete, or that the parts need, are used by another owner."""
    going = {(found.kind, found.id) for found in to_delete}
    needed = set() if order.absent else {item.id for item in before.resources if item.part in order.parts}
    deleting = [tie for tie in before.ties if (tie.ours.kind, tie.ours.id) in going]
    using = [tie for tie in before.blocking_ties if tie.ours.id in needed and tie not in deleting]
    return [_tied(verb, tie) for verb, ties in (("delete", deleting), ("use", using)) for tie in ties]


def _tied(verb: str, tie: Tie) -> Finding:
    return tie_problem(tie).about(f"{verb} {kind_word(tie.ours.kind)} {tie.ours.name}")


def _would(todo: Iterable[Resource], to_delete: Iterable[Found]) -> list[str]:
    verbs = {"missing": "create", "differs": "change"}
    return [
        *(f"would delete {kind_word(item.kind)} {item.name} ({item.id})" for item in to_delete),
        *(f"would {verbs[item.state]} {kind_word(item.kind)} {item.name}" for item in todo),
    ]


def _work(
    calls: Calls, spec: ClusterSpec, things: list[Existing], wanted: dict[str, Desired], machines: Machines
) -> Work:
    ours = [thing for thing in things if thing.owned]
    chosen = {key: thing for key, item in wanted.items() if (thing := choose(item, ours))}
    return Work(calls, spec, wanted, chosen, ours, MAKINGS, machines=machines)


def _with_image(calls: Calls, machines: Machines, todo: Iterable[Resource]) -> Machines:
    """Return the options with the id of the image, which is read only if a node has to be created."""
    parameter = machines.image.removeprefix(BY_PARAMETER)
    is_needed = any(item.kind == "instance" and item.state == "missing" for item in todo)
    if parameter == machines.image or not is_needed:
        return machines
    with errors_named("look up the image of new nodes"):
        found = calls.call("ssm", "get_parameter", Name=parameter)
    return machines._replace(image=found["Parameter"]["Value"])


def _ensure(work: Work, keys: Sequence[str]) -> None:
    """Create and change resources, in parallel if they do not depend on each other."""
    # What an earlier task has made is listed, but not every part of AWS knows it yet.
    work.calls.made(*work.own_ids)
    kinds = {key: work.wanted[key].kind for key in keys}
    for step in steps(kinds.values()):
        now = [key for key in _with_linked(work, keys) if work.wanted[key].kind in step]
        _side_by_side(
            [(f"create {_title(work, key)}", KINDS[kinds[key]].ensure, key) for key in now if key in kinds], work
        )
        links = [(key, link) for key in now if (link := KINDS[work.wanted[key].kind].link)]
        _side_by_side([(f"change {_title(work, key)}", link, key) for key, link in links], work)


def _with_linked(work: Work, keys: Sequence[str]) -> list[str]:
    """Return the keys, extended by all resources of kinds whose members refer to each other."""
    linked = {work.wanted[key].kind for key in keys if KINDS[work.wanted[key].kind].link}
    return [key for key, item in work.wanted.items() if key in keys or item.kind in linked]


def _title(work: Work, key: str) -> str:
    return f"{kind_word(work.wanted[key].kind)} {work.wanted[key].name}"


def _delete(work: Work, to_delete: Sequence[Found]) -> None:
    """Delete resources, in parallel if they do not depend on each other."""
    gone: Gone = set()
    with _saying_what_is_left(to_delete, gone):
        for _rank, group in groupby(to_delete, key=lambda found: teardown_rank(found.kind)):
            items = list(group)
            prepare = KINDS[items[0].kind].prepare
            if prepare:
                with errors_named(f"empty {kind_word(items[0].kind)} " + ", ".join(item.name for item in items), ""):
                    prepare(work, [item.id for item in items])
            deletions = [
                (f"delete {kind_word(item.kind)} {item.name}", _deletion(item.kind, gone), item.id) for item in items
            ]
            _side_by_side(deletions, work, again="")
            for item in items:
                work.did("deleted", item.kind, item.name, item.id)


def _deletion(kind: str, gone: Gone) -> Act:
    """Return a deletion that records what was deleted."""

    def delete(work: Work, thing_id: str) -> None:
        KINDS[kind].delete(work, thing_id)
        gone.add((kind, thing_id))

    return delete


@contextmanager
def _saying_what_is_left(to_delete: Sequence[Found], gone: Gone) -> Iterator[None]:
    """Add to the failure of a deletion what remains, which of it costs money, and how to continue."""
    try:
        yield
    except Ec2Error as error:
        raise _with_advice(error, _left(to_delete, gone)) from error


def _with_advice(error: Ec2Error, advice: str) -> Ec2Error:
    """Return the same error with additional advice."""
    if not isinstance(error, AwsError):
        return Ec2Error(f"{error} {advice}")
    remedy = f"{error.problem.remedy} {advice}".strip()
    return AwsError(replace(error.problem, remedy=remedy), error.reason)


def _left(to_delete: Sequence[Found], gone: Gone) -> str:
    # A volume is deleted with its instance.
    left = [item for item in to_delete if (item.kind, item.id) not in gone and not item.goes_with]
    machines = [item.name for item in left if item.kind == "instance"]
    costs = f" {', '.join(machines)} cost{'s' * (len(machines) == 1)} money until then." if machines else ""
    things = ", ".join(f"{kind_word(item.kind)} {item.name} ({item.id})" for item in left)
    again = "Run the playbook again (playbooks/reset.yml for everything): it continues with the remaining resources."
    return f"Not deleted yet: {things}.{costs} {again}"


def _side_by_side(tasks: Sequence[tuple[str, Act, str]], work: Work, again: str = KEPT) -> None:
    """Run the functions in parallel; raise the first error after all have ended, so that none is interrupted."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        futures = [pool.submit(_run, what, act, work, argument, again) for what, act, argument in tasks]
    for future in futures:
        future.result()


def _run(what: str, act: Act, work: Work, argument: str, again: str) -> None:
    with errors_named(what, again):
        act(work, argument)


def _settled(work: Work, want: Want, todo: Sequence[Resource], to_delete: Sequence[Found]) -> Comparison:
    """Return the cluster as soon as AWS shows all creations and deletions, or raise for those that it does not show."""
    seen: list[Comparison] = []

    def look() -> Comparison | None:
        things = read_cluster(work.calls, work.spec)
        seen.append(compare(want(things), things))
        return None if _late(seen[-1], todo, to_delete) else seen[-1]

    settled = work.calls.wait_for(look)
    if settled is None:
        late = ", ".join(_late(seen[-1], todo, to_delete))
        raise Ec2Error(
            f"Failed to verify the changes of cluster {work.spec.name}: AWS does not show them yet ({late}). Run the "
            f"playbook again."
        )
    return settled


def _late(seen: Comparison, todo: Sequence[Resource], to_delete: Sequence[Found]) -> list[str]:
    keys, gone = {item.key for item in todo}, {(item.kind, item.id) for item in to_delete}
    differing = [item for item in seen.resources if item.key in keys and item.state != "present"]
    return [
        *(
            f"{item.key}: {item.state} {' '.join(what.property for what in item.differences)}".strip()
            for item in differing
        ),
        *(f"{item.id}: still exists" for item in seen.found if (item.kind, item.id) in gone),
    ]
