#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the Linux that this runs on into Talos."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_to_talos
version_added: 0.1.0
short_description: Boot a Linux machine into Talos
description:
  - Checks whether the machine can boot Talos, and returns all problems at once.
  - Downloads U(https://github.com/cozystack/boot-to-talos), verifies it, and starts it detached from the connection.
    boot-to-talos writes the image over the disk and reboots into Talos; B(everything on the disk is lost).
  - Returns as soon as the image is downloaded and the installer has started. The connection is lost a minute later,
    when the machine reboots; M(urmanac.talos.talos_wait) waits until Talos answers.
  - Uses the same rules as the user-data of the role C(nodes).
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes
attributes:
  check_mode:
    details:
      - Checks the machine, and returns the command line and the plan.
  diff_mode:
    details:
      - Returns the current system and the one that replaces it.
  idempotent:
    details:
      - Changes nothing if the machine runs Talos or boot-to-talos already. After a failure it starts again.
options:
  image:
    description:
      - The Talos installer image, preferably by the digest of the manifest for the machine's architecture.
        An index of several platforms is refused, because boot-to-talos uses its amd64 image on every machine.
      - Or the URL of a disk image, which ends in C(.raw), C(.raw.gz), C(.raw.xz) or C(.raw.zst).
        It is unpacked while it is written, so that a machine with little memory can boot Talos as well.
      - Or the path of such a file on the machine, not on the disk that is written.
    type: str
    required: true
  image_sha256:
    description: The SHA-256 of a disk image at a URL. For an image in a registry, use its digest in O(image).
    type: str
    default: ""
  caches:
    description: The cache of each registry, as C(HOST:PORT); images of these registries are pulled from the cache.
    type: dict
    default: {}
  disk:
    description: The disk to write, such as V(/dev/nvme0n1). By default, the disk of the root file system.
    type: str
    default: ""
  extra_kernel_args:
    description:
      - Kernel arguments for Talos. They take effect on machines without UEFI only; others cause a finding.
    type: list
    elements: str
    default: []
  version:
    description: The release of boot-to-talos, at least V(0.7.1); earlier ones fail on ARM.
    type: str
    default: 0.7.1
  urls:
    description: URLs to download the release's files from, in this order. By default, the release on GitHub.
    type: list
    elements: str
    default: []
  sha256:
    description: The SHA-256 of the release's archive; by default, the one in its list of checksums.
    type: str
    default: ""
  rounds:
    description: How often all O(urls) are tried. The pause between rounds grows by 5 seconds.
    type: int
    default: 5
  wait_timeout:
    description: Seconds to wait for the installer to start. It continues after this time.
    type: float
    default: 900
seealso:
  - module: urmanac.talos.talos_wait
  - module: urmanac.talos.talos_info
"""

EXAMPLES = r"""
- name: Install Talos on a machine in the VPC, through the bastion alone
  urmanac.talos.boot_to_talos:
    image: ghcr.io/urmanac/talos@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    caches:
      ghcr.io: 10.10.0.100:5054
    urls:
      - http://10.10.0.100:8081/boot-to-talos
  become: true

- name: Install Talos on a machine with little memory
  urmanac.talos.boot_to_talos:
    image: https://factory.talos.dev/image/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba/v1.13.6/metal-arm64.raw.xz
  become: true
"""

RETURN = r"""
state:
  description:
    - V(began) when the installer runs, V(pulling) when it does not run yet after O(wait_timeout).
    - V(talos) when the machine runs Talos already, V(planned) in check mode.
  returned: success
  type: str
  sample: began
command:
  description: The command line, with the answers to its prompts.
  returned: when the machine can become Talos
  type: str
  sample: >-
    printf '%s\n' no no no yes | /run/urmanac.talos/boot-to-talos -mode install -image
    10.10.0.100:5054/urmanac/talos@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    -disk /dev/nvme0n1
plan:
  description: The downloads and the disk to write.
  returned: when the machine can become Talos
  type: dict
  contains:
    image:
      description: The image reference that is pulled.
      type: str
      sample: 10.10.0.100:5054/urmanac/talos@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    kind:
      description: V(container) for an image in a registry, V(raw) for a disk image.
      type: str
      sample: container
    disk:
      description: The disk that is written.
      type: str
      sample: /dev/nvme0n1
    archive:
      description: The file of the release.
      type: str
      sample: boot-to-talos-linux-arm64.tar.gz
    urls:
      description: The URLs of the release's files.
      type: list
      elements: str
      sample: [http://10.10.0.100:8081/boot-to-talos]
    memory_bytes:
      description: Approximate memory for the unpacked image; V(0) if the registry does not report it.
      type: int
      sample: 367001600
  sample:
    image: 10.10.0.100:5054/urmanac/talos@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    kind: container
    disk: /dev/nvme0n1
    archive: boot-to-talos-linux-arm64.tar.gz
    urls: [http://10.10.0.100:8081/boot-to-talos]
    memory_bytes: 367001600
findings:
  description:
    - Findings about the machine and the image, in the form that L(docs/codes.md,https://github.com/urmanac/ansible-collection-talos/blob/main/docs/codes.md)
      describes.
    - The severity V(error) prevents the start of boot-to-talos; V(warning) does not.
  returned: always
  type: list
  elements: dict
  sample:
    - code: SECURE_BOOT
      severity: error
      subject: this machine
      message: Secure Boot is on, and the firmware would refuse Talos
      remedy: Turn off Secure Boot; on EC2 choose an AMI without UEFI keys.
      evidence: {}
progress:
  description: What boot-to-talos has printed so far.
  returned: when it was started
  type: list
  elements: str
  sample: ["2026/11/22 10:00:00 starting Talos installer"]
log:
  description: The file on the machine to which boot-to-talos writes, until the machine reboots.
  returned: when it was started
  type: str
  sample: /run/urmanac.talos/boot-to-talos.log
failure:
  description: Why boot-to-talos failed, in the form of RV(findings). Its evidence is the C(line) of the log with the
    error.
  returned: when it failed
  type: dict
  sample:
    code: IMAGE_NOT_FOUND
    severity: error
    subject: this machine
    message: the image does not exist
    remedy: Correct its name, tag or digest.
    evidence:
      line: "failed to get install assets from container source: pull image example.com/talos: MANIFEST_UNKNOWN"
"""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._boot import plan as rules
from ..module_utils._boot import upstream
from ..module_utils._boot.checks import Request, architecture_of, check
from ..module_utils._boot.facts import Facts
from ..module_utils._boot.failures import reported
from ..module_utils._boot.machine import FOLDER, Machine
from ..module_utils._boot.release import Source
from ..module_utils._boot.start import LOG, Run
from ..module_utils._errors import CollectionError, failure_of
from ..module_utils._findings import Finding, sentences
from ..module_utils._oci.image import Image
from ..module_utils._options import check_numbers

ARGUMENT_SPEC: dict[str, Any] = {
    "image": {"type": "str", "required": True},
    "image_sha256": {"type": "str", "default": ""},
    "caches": {"type": "dict", "default": {}},
    "disk": {"type": "str", "default": ""},
    "extra_kernel_args": {"type": "list", "elements": "str", "default": []},
    "version": {"type": "str", "default": upstream.VERSION_MIN},
    "urls": {"type": "list", "elements": "str", "default": []},
    "sha256": {"type": "str", "default": ""},
    "rounds": {"type": "int", "default": 5},
    "wait_timeout": {"type": "float", "default": 900},
}


class Linux(Protocol):
    """The methods of the machine that are needed."""

    @property
    def folder(self) -> Path:
        """Return the directory of the program and its log."""

    def facts(self) -> Facts:
        """Return the facts about the machine."""

    def look(self, image: str, architecture: str) -> Image:
        """Return the image as its registry describes it to this machine."""

    def run(self) -> Run:
        """Return the state of boot-to-talos."""

    def prepare(self, *, architecture: str, sha256: str, image: rules.Image, image_sha256: str) -> None:
        """Download and verify the program and the image."""

    def start(self, command: Sequence[str], answers: Sequence[str], *, raw: bool) -> None:
        """Start the program."""


class Plan(NamedTuple):
    """The planned call of boot-to-talos."""

    image: rules.Image
    disk: str
    command: tuple[str, ...]
    answers: tuple[str, ...]
    architecture: str
    memory_bytes: int


class Outcome(NamedTuple):
    """The findings, the plan and the state of the run."""

    state: str
    changed: bool
    system: str
    findings: tuple[Finding, ...] = ()
    plan: Plan | None = None
    run: Run = Run()

    @property
    def failure(self) -> Finding | None:
        """Return why boot-to-talos failed, None if it did not."""
        return self.run.failure


def request_of(params: Mapping[str, Any]) -> Request:
    """Return the request from the options."""
    check_numbers(params)
    image = rules.through_cache(rules.image_of(params["image"]), params["caches"])
    return Request(image, params["version"], params["disk"], tuple(params["extra_kernel_args"]))


def plan_boot(facts: Facts, request: Request, found: Image | None, folder: Path) -> Plan:
    """Return the plan for a machine without blocking findings."""
    disk = request.disk or f"/dev/{facts.root_disks[0]}"
    image = str(folder / request.image.file) if request.image.is_remote else request.image.text
    words = rules.arguments(image, disk, request.extra_kernel_args)
    answers = rules.answers(has_default_route=facts.has_default_route)
    command = (str(folder / upstream.PROGRAM), *words)
    memory = rules.tmpfs_bytes(found.size or 0) if found else 0
    return Plan(request.image, disk, command, answers, architecture_of(facts), memory)


def ensure_boot(linux: Linux, request: Request, params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Start boot-to-talos, unless the machine runs Talos or boot-to-talos already."""
    facts = linux.facts()
    run = linux.run()
    if facts.is_talos or run.is_running:
        return Outcome("talos" if facts.is_talos else _state(run), changed=False, system=facts.system, run=run)
    found = linux.look(request.image.text, architecture_of(facts)) if request.image.kind == "container" else None
    findings = tuple(check(facts, request, found))
    if any(finding.blocks for finding in findings):
        return Outcome("refused", changed=False, system=facts.system, findings=findings)
    plan = plan_boot(facts, request, found, linux.folder)
    if check_mode:
        return Outcome("planned", changed=True, system=facts.system, findings=findings, plan=plan)
    hashes = {"sha256": params["sha256"], "image_sha256": params["image_sha256"]}
    linux.prepare(architecture=plan.architecture, image=plan.image, **hashes)
    linux.start(plan.command, plan.answers, raw=plan.image.kind == "raw")
    run = wait_for_begin(linux, params["wait_timeout"])
    return Outcome(_state(run), changed=True, system=facts.system, findings=findings, plan=plan, run=run)


def wait_for_begin(
    linux: Linux,
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Run:
    """Return the state of boot-to-talos when its installer has begun, it has ended, or the time is over."""
    until = clock() + timeout
    while True:
        run = linux.run()
        if run.has_begun or run.status is not None or clock() >= until:
            return run
        sleep(0.5)


def _state(run: Run) -> str:
    return "began" if run.has_begun else "pulling"


def as_result(outcome: Outcome, params: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the outcome as the module's result."""
    result: dict[str, Any] = {"changed": outcome.changed, "state": outcome.state}
    result["findings"] = [finding.as_dict() for finding in outcome.findings]
    plan = outcome.plan
    if plan:
        result["command"] = f"printf '%s\\n' {' '.join(plan.answers)} | {shlex.join(plan.command)}"
        result["plan"] = {
            "image": plan.image.text,
            "kind": plan.image.kind,
            "disk": plan.disk,
            "archive": upstream.ARCHIVE.format(architecture=plan.architecture),
            "urls": list(urls_of(params)),
            "memory_bytes": plan.memory_bytes,
        }
        result["diff"] = {"before": {"system": outcome.system}, "after": {"system": f"Talos from {plan.image.text}"}}
    if outcome.run.lines or outcome.run.is_running:
        result |= {"progress": list(outcome.run.lines), "log": str(folder / LOG)}
    if outcome.failure:
        result["failure"] = outcome.failure.as_dict()
    return result


def problem_of(outcome: Outcome) -> str:
    """Return why the module fails, or an empty text."""
    errors = [finding for finding in outcome.findings if finding.blocks]
    if errors and not outcome.plan:
        return f"Failed to turn this machine into Talos; nothing was changed: {'; '.join(map(sentences, errors))}"
    if outcome.failure:
        return f"Failed to turn this machine into Talos: {reported(outcome.failure)}"
    return ""


def problems_of(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the findings that the failure consists of."""
    found = [outcome.failure] if outcome.failure else [finding for finding in outcome.findings if finding.blocks]
    return [finding.as_dict() for finding in found]


def urls_of(params: Mapping[str, Any]) -> Sequence[str]:
    """Return the URLs of the release's files."""
    urls: list[str] = params["urls"]
    return urls or [upstream.RELEASE_URL.format(version=params["version"].lstrip("v"))]


def main(root: str = "/") -> None:
    """Run the module; only tests set another root."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        request = request_of(params)
        linux = Machine(Path(root), Source(urls_of(params), params["rounds"]))
        outcome = ensure_boot(linux, request, params, check_mode=module.check_mode)
    except CollectionError as error:
        module.fail_json(**failure_of(error))
    result = as_result(outcome, params, Path(root) / FOLDER)
    for finding in outcome.findings:
        if not finding.blocks:
            module.warn(sentences(finding))
    problem = problem_of(outcome)
    if problem:
        module.fail_json(msg=problem, problems=problems_of(outcome), **{**result, "changed": outcome.changed})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
