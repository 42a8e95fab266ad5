# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers that share the state of a cluster in a bucket, one after the other."""

from __future__ import annotations

import json
import re
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.identity import Identity, owner_tags
from ansible_collections.urmanac.talos.plugins.module_utils._ec2.ownership.run_lock import (
    dumped,
    lock_name,
    lock_of,
)
from ansible_collections.urmanac.talos.plugins.module_utils._runs import Run as Owner
from lab.aws.patches import ACCOUNT
from lab.settings import REGION
from tests.lab.labs import Lab, make_bucket
from tests.playbooks.runs import CONFIRMED, Run, instances, play, vpcs

SITE, RESET = "playbooks/site.yml", "playbooks/reset.yml"
BUCKET, PREFIX = "moon-state", "clusters"
FOLDER = f"{PREFIX}/talos-arm64/{REGION}/lab"
NETWORK = ("--tags", "preflight,network")
CLUSTER = Identity("lab", "talos-arm64")
PENDING = "secrets/secrets.pending.yaml"


@pytest.fixture(scope="module")
def s3(lab: Lab) -> Any:
    """Give S3 with a bucket that may hold secrets."""
    client = lab.client("s3")
    make_bucket(client, BUCKET)
    return client


@pytest.fixture(scope="module")
def one(lab: Lab, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory of the controller that has built the network of a cluster."""
    directory = tmp_path_factory.mktemp("one")
    run = shared(lab, SITE, directory, *NETWORK)
    assert run.code == 0, run.output
    return directory


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Give the directory of another controller, which has no files."""
    return tmp_path / "two"


def shared(lab: Lab, playbook: str, directory: Path, *options: str, bucket: str = BUCKET) -> Run:
    """Run a playbook from a controller that shares the state."""
    state = {"cluster_directory": str(directory), "cluster_state": f"s3://{bucket}/{PREFIX}"}
    return play(lab, playbook, "-e", json.dumps(state), *options)


def objects(s3: Any) -> dict[str, bytes]:
    """Return the files in the bucket."""
    names = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {name.removeprefix(f"{FOLDER}/"): s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}


def test_a_run_saves_the_state_encrypted_and_before_it_releases_its_lock(lab: Lab, s3: Any, one: Path) -> None:
    saved = objects(s3)

    assert saved[PENDING] == (one / PENDING).read_bytes()
    assert {name.partition("/")[0] for name in saved} == {"secrets", "sessions"}
    assert s3.head_object(Bucket=BUCKET, Key=f"{FOLDER}/{PENDING}")["ServerSideEncryption"] == "aws:kms"
    sessions = {f"sessions/{path.name}": path.read_bytes() for path in (one / "sessions").glob("*.json")}
    assert sessions
    assert sessions.items() <= saved.items()
    order = [
        call["action"] for call in lab.ask("/lab/calls") if re.match(r"PUT /.*json|DeleteParameter", call["action"])
    ]
    assert order[-1] == "DeleteParameter"


def test_another_controller_meets_the_lock_and_converges_with_the_fetched_state_when_it_is_gone(
    lab: Lab, s3: Any, one: Path, two: Path
) -> None:
    name, owner = lock_name(CLUSTER.project, CLUSTER.name), owner_tags(CLUSTER)
    theirs = Owner(7, "1", "desktop", "site.yml", user="you", directory=str(one), kernel="another")
    tags = [{"Key": key, "Value": value} for key, value in owner.items()]
    lab.client("ssm").put_parameter(
        Name=name, Type="String", Value=dumped(lock_of(theirs, datetime.now(UTC))), Tags=tags
    )

    refused = shared(lab, SITE, two, *NETWORK)
    lab.client("ssm").delete_parameter(Name=name)
    run = shared(lab, SITE, two, *NETWORK)

    assert refused.code != 0
    found = re.sub(r"\s+", " ", refused.output)
    assert re.search(rf"another run \(site\.yml, process 7 of you on desktop in {one}, since 20", found), refused.output
    assert (run.code, run.changed) == (0, 0), run.output
    assert (two / PENDING).read_bytes() == (one / PENDING).read_bytes()
    assert len(vpcs(lab, Project="talos-arm64")) == 1


def test_a_controller_that_lost_its_files_fetches_them(lab: Lab, one: Path) -> None:
    secrets = (one / PENDING).read_bytes()
    shutil.rmtree(one)

    run = shared(lab, SITE, one, *NETWORK)

    assert run.code == 0, run.output
    assert (one / PENDING).read_bytes() == secrets


@pytest.mark.parametrize("playbook", [SITE, "playbooks/upgrade.yml"])
def test_without_files_and_bucket_a_cluster_gets_no_new_secrets(lab: Lab, one: Path, two: Path, playbook: str) -> None:
    unreachable = shared(lab, playbook, two, bucket="moon-missing")
    local = play(lab, playbook, "-e", f"cluster_directory={two}", *(NETWORK if playbook == SITE else ()))

    assert unreachable.code != 0
    assert "bucket moon-missing does not exist" in re.sub(r"\s+", " ", unreachable.output)
    assert local.code != 0
    assert "belongs to another controller, " in local.output
    assert socket.gethostname() in local.output
    assert list(two.rglob("secrets*.yaml")) == []


def test_other_secrets_are_refused_before_anything_is_changed(lab: Lab, s3: Any, one: Path, two: Path) -> None:
    before = objects(s3)
    (two / "secrets").mkdir(parents=True)
    (two / PENDING).write_text("other secrets", encoding="utf-8")

    run = shared(lab, SITE, two, *NETWORK)

    assert run.code != 0
    text = re.sub(r"\s+", " ", run.output)
    assert f"{two}/{PENDING}, changed 20" in text
    assert f"s3://{BUCKET}/{FOLDER}/{PENDING}, written by " in text
    assert objects(s3) == before


def test_a_plan_saves_nothing(lab: Lab, s3: Any, one: Path, two: Path) -> None:
    before = s3.list_object_versions(Bucket=BUCKET)["Versions"]

    run = shared(lab, SITE, two, *NETWORK, "--check")

    assert run.code == 0, run.output
    assert (two / PENDING).read_bytes() == (one / PENDING).read_bytes()
    assert s3.list_object_versions(Bucket=BUCKET)["Versions"] == before


def test_a_playbook_that_tolerates_another_problem_fetches_as_well(lab: Lab, one: Path, two: Path) -> None:
    run = shared(lab, "playbooks/sessions.yml", two, "-e", "access_expires=yesterday")

    assert run.code == 0, run.output
    assert (two / PENDING).read_bytes() == (one / PENDING).read_bytes()


def test_a_talosconfig_is_made_of_the_secrets(lab: Lab, one: Path, two: Path) -> None:
    (two / "secrets").mkdir(parents=True)
    shutil.copy(one / PENDING, two / "secrets" / "secrets.yaml")

    run = shared(lab, "playbooks/sessions.yml", two)

    assert run.code == 0, run.output
    config = yaml.safe_load((two / "secrets" / "talosconfig").read_text(encoding="utf-8"))
    endpoints = config["contexts"]["lab"]["endpoints"]
    assert [endpoint.rpartition(".")[2] for endpoint in endpoints] == ["101", "102", "103"]


def test_a_snapshot_does_not_wait_for_the_bucket(lab: Lab, one: Path) -> None:
    run = shared(lab, "playbooks/etcd_snapshot.yml", one, "-e", "cluster_api_via=localhost", bucket="moon-missing")

    assert "Warning: the files of this controller are used. Failed to use s3://moon-missing/" in run.output
    assert "Failed to find the talosconfig of lab" in run.output


def test_the_lab_refuses_a_bucket_of_another_account(lab: Lab, s3: Any) -> None:
    own = s3.list_objects_v2(Bucket=BUCKET, ExpectedBucketOwner=ACCOUNT)

    assert own["Name"] == BUCKET
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=BUCKET, ExpectedBucketOwner="111122223333")


@pytest.mark.parametrize("address", ["moon", f"s3://{BUCKET}"])
def test_a_wrong_address_is_one_of_the_problems(lab: Lab, one: Path, address: str) -> None:
    run = play(lab, SITE, "-e", f"cluster_directory={one}", "-e", f"cluster_state={address}", *NETWORK)

    assert run.code != 0
    assert "cluster_state: " in run.output
    assert "such as s3://my-bucket/clusters" in re.sub(r"\s+", " ", run.output)


def test_a_wrong_address_is_refused_also_by_a_playbook_that_tolerates_other_values(lab: Lab, one: Path) -> None:
    run = play(lab, "playbooks/sessions.yml", "-e", f"cluster_directory={one}", "-e", "cluster_state=moon")

    assert run.code != 0
    assert "such as s3://my-bucket/clusters" in re.sub(r"\s+", " ", run.output)


def test_another_controller_removes_the_cluster_and_the_state_says_so(lab: Lab, s3: Any, one: Path, two: Path) -> None:
    run = shared(lab, RESET, two, "-e", CONFIRMED)
    again = shared(lab, RESET, one, "-e", CONFIRMED)

    assert run.code == 0, run.output
    assert again.code == 0, again.output
    assert (vpcs(lab, Project="talos-arm64"), instances(lab, Project="talos-arm64")) == ([], [])
    sessions = [json.loads(text) for name, text in objects(s3).items() if name.startswith("sessions/")]
    assert [session["end"] for session in sessions] == ["removed"]
    assert {path.name for path in (one / "sessions").glob("*.json")} == {
        path.name for path in (two / "sessions").glob("*.json")
    }
