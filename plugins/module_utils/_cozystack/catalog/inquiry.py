# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up the architectures of CozyStack's images in registries. Private to urmanac.talos: may change at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..._errors import CollectionError
from ..._findings import Finding, finding
from ..._oci.image import Image
from ..names import OPERATOR, STOCK
from .built import OTHERS, Built
from .packages import Choice, disabled_by, installed
from .references import packages_image, references, registries_of
from .releases import DEFAULT

_FOREIGN: Final = "IMAGE_NO_SUCH_PLATFORM"
_MISSING: Final = "IMAGE_NOT_FOUND"
_ELSEWHERE: Final = (
    "Build it for the nodes and set cluster_cozystack_operator_image, or set cluster_cozystack_expect to any to see "
    "where the installation stops."
)

# Above the number of all images; each needs about four requests.
IMAGES_MAX = 100


class Build(NamedTuple):
    """The build of CozyStack to look up; empty strings are the released one."""

    choice: Choice
    operator_image: str = ""
    source_url: str = ""
    source_ref: str = ""


class Registries(NamedTuple):
    """Requests to registries: the archive of an artifact, and the data of images."""

    archive: Callable[[str], bytes]
    images: Callable[[Sequence[str]], Sequence[Image]]


class Answer(NamedTuple):
    """Images with a known architecture, the references that were looked up, notes, and what does not exist."""

    built: Mapping[str, bool]
    images: Mapping[str, tuple[str, ...]]
    notes: tuple[Finding, ...]
    problems: tuple[Finding, ...] = ()

    def over(self, stated: Built) -> dict[str, bool]:
        """Return the known architectures over the stated ones, in the form of the option images_arm64."""
        return {OTHERS: stated.others, **stated.named, **self.built}


def inquire(build: Build, registries: Registries) -> Answer:
    """Return the registries' data about the images of the profile's packages."""
    try:
        archive = registries.archive(packages_image(build.source_url, build.source_ref, build.choice.version))
        named = references(archive, registries_of(build.source_url))
    except CollectionError as error:
        note = unchecked(f"the packages cannot be read: {error}")
        return Answer({}, {}, (note,), tuple(_unreleased(build, registries, error)))
    named[OPERATOR] = (build.operator_image or f"{STOCK}{OPERATOR}:{build.choice.version}",)
    packages = installed(disabled_by(build.choice), build.choice.version)
    wanted = sorted({image for package in packages for image in package.images})
    asked = {name: named[name] for name in wanted if name in named}
    return answer_of(asked, registries, sorted(set(wanted) - set(asked)), own=build.operator_image)


def _unreleased(build: Build, registries: Registries, error: CollectionError) -> Iterator[Finding]:
    """Yield that the packages do not exist: those of the user's own build, or packages and operator of a release.

    A release of which one of the two is missing may be published in another way than the known ones.
    """
    problem = error.problems[0]
    version = build.choice.version
    if problem.code != _MISSING:
        return
    if build.source_url:
        reference = packages_image(build.source_url, build.source_ref, version)
        yield finding(_MISSING, "cluster_cozystack_platform_source_url", f"{reference}: {problem.message}")
    elif [one.exists for one in registries.images([f"{STOCK}{OPERATOR}:{version}"])] == [False]:
        message = f"{STOCK} has neither the packages nor the operator of CozyStack {version}."
        yield finding(_MISSING, "cluster_cozystack_version", message, f"Set it to a release, such as {DEFAULT}.")


def answer_of(
    asked: Mapping[str, tuple[str, ...]], registries: Registries, unnamed: Sequence[str], *, own: str = ""
) -> Answer:
    """Return the architectures of the images, each by all its references in the packages; own is a user's image."""
    every = [image for images in asked.values() for image in images][:IMAGES_MAX]
    found = {image.image: image for image in registries.images(every)}
    built = {
        name: judged for name, images in asked.items() if (judged := validate_variables(images, found)) is not None
    }
    failed = [image for image in found.values() if runs(image) is None]
    missing = [image.error for image in failed if image.image == own and image.exists is False]
    problems = [error.about("cluster_cozystack_operator_image") for error in missing if error]
    return Answer(built, asked, tuple(notes(failed, unnamed)), tuple(problems))


def validate_variables(images: Sequence[str], found: Mapping[str, Image]) -> bool | None:
    """Return whether all references of an image run on arm64, None if unknown."""
    judged = [runs(found[image]) if image in found else None for image in images]
    return False if False in judged else None if None in judged else True


def runs(image: Image) -> bool | None:
    """Return whether an image runs on the requested platform, None if unknown."""
    if image.error is None:
        return True
    return False if image.error.code == _FOREIGN else None


def foreign(images: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield a finding for each image, as oci_image_info returns it, that is not built for the requested platform."""
    for image in images:
        error = image["error"] or {}
        if error.get("code") == _FOREIGN:
            yield finding("ARCH_UNSUPPORTED_IMAGES", image["image"], error["message"], _ELSEWHERE)


def notes(failed: Sequence[Image], unnamed: Sequence[str]) -> Iterator[Finding]:
    """Yield the failed look-ups, with the first cause."""
    if failed:
        first = failed[0]
        cause = first.error.message if first.error else ""
        count = f"{len(failed)} images are" if len(failed) > 1 else "1 image is"
        yield unchecked(f"{count} not known to the registry or could not be asked for, {first.image} first: {cause}")
    if unnamed:
        yield unchecked(f"the packages do not contain references of {', '.join(unnamed)}")


def unchecked(cause: str) -> Finding:
    """Return the note about unknown architectures."""
    return finding("IMAGES_UNCHECKED", "images of CozyStack", f"{cause[:1].upper()}{cause[1:].rstrip('.')}.")


def build_of(params: Mapping[str, Any]) -> Build:
    """Return the build that a module's options describe."""
    choice = Choice(params["profile"], tuple(params["disabled_packages"]), version=params["version"])
    return Build(choice, params["operator_image"], params["platform_source_url"], params["platform_source_ref"])
