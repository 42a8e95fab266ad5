# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talos' own decoder and validation, one program per minor version, as judges of configurations.

Where the module proxy lacks a version, URMANAC_TALOS_SOURCE names a clone of https://github.com/siderolabs/talos.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.go_programs import is_built
from tests.talos_corpus import Case

ROOT = Path(__file__).resolve().parents[2]
MODULE = Path(__file__).parent / "judge"
CACHED = ROOT / ".cache" / "peers"
MACHINERY = "github.com/siderolabs/talos/pkg/machinery"
_ORIGIN = "https://github.com/siderolabs/talos"


class Version(NamedTuple):
    """A minor version of Talos and the release whose code judges for it."""

    minor: int
    release: str

    @property
    def name(self) -> str:
        """Return how the version is called."""
        return f"v1.{self.minor}"


# Whose verdicts are not recorded: its nodes do not compare the versions of Kubernetes and Talos, as we do.
OLDEST = Version(10, "v1.10.9")
VERSIONS = (Version(11, "v1.11.5"), Version(12, "v1.12.6"), Version(13, "v1.13.9"), Version(14, "v1.14.0-rc.1"))


class CannotBuildError(Exception):
    """A judge that cannot be built here, and why."""


def find_judge(version: Version) -> Path:
    """Return the judge of a version: built before from the same sources, or now."""
    return _built(f"judge-{version.name}", version, MODULE)


def find_generator() -> Path:
    """Return the newest version's generator, which writes for older ones too: built before, or now."""
    return _built("generator", VERSIONS[-1], MODULE / "generator")


def find_resources(version: Version) -> Path:
    """Return the program that writes the descriptors of a version's resource API: built before, or now."""
    return _built(f"resources-{version.name}", version, MODULE / "resources")


def _built(name: str, version: Version, package: Path) -> Path:
    program = CACHED / name
    sources = [MODULE / f"{version.name}.sum", *package.glob("*.go")]
    if not is_built(program, *sources):
        CACHED.mkdir(parents=True, exist_ok=True)
        _go(version, "build", "-trimpath", "-o", str(program), f"./{package.relative_to(MODULE)}")
    return program


def sources(version: Version) -> Path:
    """Return the folder of Talos' machinery that the judge is built from."""
    return Path(_go(version, "list", "-m", "-f", "{{.Dir}}", MACHINERY).strip())


def release_of(version: Version) -> str:
    """Return the release that a judge was built from."""
    return subprocess.run([find_judge(version), "version"], capture_output=True, text=True, check=True).stdout.strip()


def arguments_of(version: Version) -> str:
    """Return the kernel arguments that an image of a version has on every platform."""
    return subprocess.run([find_judge(version), "arguments"], capture_output=True, text=True, check=True).stdout.strip()


class Verdict(NamedTuple):
    """Why a version of Talos refuses a configuration, or nothing; what it warns of; what patches made of it."""

    error: str
    warnings: tuple[str, ...] = ()
    outcome: str = ""


def verdicts(version: Version, cases: Iterable[Case]) -> dict[str, Verdict]:
    """Return the verdict of a version of Talos on each case."""
    lines = "\n".join(json.dumps(case._asdict()) for case in cases)
    reported = subprocess.run([find_judge(version)], input=lines, capture_output=True, text=True, check=True)
    answers: list[dict[str, Any]] = [json.loads(line) for line in reported.stdout.splitlines()]
    return {
        answer["name"]: Verdict(answer["error"], tuple(answer["warnings"] or ()), answer["outcome"])
        for answer in answers
    }


def generated(requests: Iterable[Any]) -> list[str]:
    """Return the configurations that Talos' generator writes, as talosctl gen config does."""
    lines = "\n".join(map(json.dumps, requests))
    written = subprocess.run([find_generator()], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in written.stdout.splitlines()]


def _go(version: Version, command: str, *arguments: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise CannotBuildError("Go is not installed, so Talos' own validation cannot be built")
    words = [go, command, f"-modfile={version.name}.mod", *arguments]
    # No other toolchain is fetched, and a static program starts on every machine.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", **_clone()}
    done = subprocess.run(words, cwd=MODULE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotBuildError(f"Talos {version.release} cannot be built: {done.stderr[-600:].strip()}")
    return done.stdout


def _clone() -> dict[str, str]:
    """Return the environment in which Go takes Talos from a clone on this machine, if one is named."""
    named = os.environ.get("URMANAC_TALOS_SOURCE")
    if not named:
        return {}
    skipped = dict.fromkeys(("GONOPROXY", "GONOSUMDB"), "github.com/siderolabs/talos/*")
    setting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{Path(named).resolve()}.insteadOf"}
    return {**skipped, **setting, "GIT_CONFIG_VALUE_0": _ORIGIN}
