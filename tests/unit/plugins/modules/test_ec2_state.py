# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the state in a bucket, with moto as S3 and two controllers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import ClientError

from ansible_collections.urmanac.talos.plugins.module_utils._ec2.client import (
    AwsApi,
    AwsError,
    raise_aws_error,
)
from ansible_collections.urmanac.talos.plugins.module_utils._state.address import Address
from ansible_collections.urmanac.talos.plugins.module_utils._state.bucket import Bucket, StateError
from ansible_collections.urmanac.talos.plugins.module_utils._state.files import Folders
from ansible_collections.urmanac.talos.plugins.module_utils._state.sync import Plan, ensure_state
from ansible_collections.urmanac.talos.plugins.modules import ec2_state
from tests.ec2_cluster import REGION, empty_aws, run_module
from tests.lab.labs import BLOCKS, make_bucket

BUCKET = "moon-state"
FOLDER = f"clusters/talos-arm64/{REGION}/moon"
ADDRESS = f"s3://{BUCKET}/{FOLDER}"
CONTENT = "a secret that appears nowhere\n"


@pytest.fixture
def s3() -> Iterator[Any]:
    with empty_aws():
        client = boto3.client("s3", region_name=REGION)
        make_bucket(client, BUCKET)
        yield client


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], s3: Any) -> Any:
    def of(folder: Path, **options: Any) -> dict[str, Any]:
        folders = {"directory": str(folder), "secrets_directory": str(folder / "secrets")}
        cluster = {"name": "moon", "project": "talos-arm64", "region": REGION, **folders, **options}
        return run_module(ec2_state.main, capsys, address=f"s3://{BUCKET}/clusters", **cluster)

    return of


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Give the directory of a controller that has built a cluster."""
    write(tmp_path / "one" / "secrets" / "secrets.yaml", CONTENT)
    write(tmp_path / "one" / "secrets" / "kubeconfig", "derived")
    write(tmp_path / "one" / "images.json", "{}")
    write(tmp_path / "one" / "sessions" / "first.json", "{}")
    return tmp_path / "one"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Give the directory of a controller without files."""
    return tmp_path / "two"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_another_controller_gets_the_files_and_a_second_run_changes_nothing(
    s3: Any, run: Any, one: Path, two: Path
) -> None:
    pushed, fetched = run(one), run(two, state="fetched")
    again = [run(one), run(two), run(two, state="fetched")]

    assert pushed["pushed"] == ["images.json", "secrets/secrets.yaml", "sessions/first.json"]
    assert fetched["fetched"] == pushed["pushed"]
    assert (two / "secrets" / "secrets.yaml").read_text(encoding="utf-8") == CONTENT
    assert (two / "secrets" / "secrets.yaml").stat().st_mode & 0o777 == 0o600
    assert (two / "secrets").stat().st_mode & 0o777 == 0o700
    assert [result["changed"] for result in again] == [False, False, False]


def test_objects_are_encrypted_with_the_key_that_was_given(s3: Any, run: Any, one: Path) -> None:
    key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]

    run(one, kms_key=key)

    head = s3.head_object(Bucket=BUCKET, Key=f"{FOLDER}/secrets/secrets.yaml")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_long_directory_leaves_room_in_the_metadata(s3: Any, run: Any, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["ü" * 120] * 8, "end")
    write(folder / "images.json", "{}")

    run(folder)

    found = s3.head_object(Bucket=BUCKET, Key=f"{FOLDER}/images.json")["Metadata"]
    assert sum(len(name) + len(value) for name, value in found.items()) <= 2048
    assert unquote(found["directory"]).startswith(str(tmp_path)[:20]) and unquote(found["directory"]).endswith("üü/end")


def test_two_clusters_of_one_address_have_their_own_files(s3: Any, run: Any, one: Path, two: Path) -> None:
    run(one)

    run_of_another = run(two, name="sun")

    assert run_of_another["fetched"] == []
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {key.rpartition("/moon/")[0] for key in keys} == {f"clusters/talos-arm64/{REGION}"}


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
def test_lost_files_are_fetched_back(run: Any, one: Path, two: Path, empty: bool) -> None:
    run(one)
    lost = [one / "secrets" / "secrets.yaml", one / "images.json"]
    for path in lost:
        path.write_bytes(b"") if empty else path.unlink()

    result = run(one)

    assert (result["fetched"], result["pushed"]) == (["images.json", "secrets/secrets.yaml"], [])
    assert all(path.read_bytes() for path in lost)


def test_a_link_stays_one_when_its_file_is_fetched(run: Any, one: Path, two: Path, tmp_path: Path) -> None:
    run(one), run(two)
    shared = tmp_path / "shared.json"
    (two / "images.json").rename(shared)
    (two / "images.json").symlink_to(shared)
    write(one / "images.json", "new")
    run(one)

    assert run(two)["fetched"] == ["images.json"]
    assert (two / "images.json").is_symlink()
    assert shared.read_text(encoding="utf-8") == "new"


def test_a_session_that_changed_on_both_sides_is_set_aside(run: Any, one: Path, two: Path) -> None:
    run(one), run(two)
    write(one / "sessions" / "first.json", "one")
    write(two / "sessions" / "first.json", "two")
    run(one)

    result = run(two)

    assert result["set_aside"] == ["sessions/first.json"]
    assert "sessions/first.json.local" in str(result["warnings"])
    assert (two / "sessions" / "first.json").read_text(encoding="utf-8") == "one"
    assert (two / "sessions" / "first.json.local").read_text(encoding="utf-8") == "two"
    assert (two / "sessions" / "first.json").stat().st_mode & 0o777 == 0o600
    assert (two / "sessions").stat().st_mode & 0o777 == 0o700
    assert run(two)["changed"] is False


def test_a_session_that_is_set_aside_again_replaces_no_earlier_one(run: Any, one: Path, two: Path) -> None:
    run(one), run(two)
    for number in "123":
        write(one / "sessions" / "first.json", f"one {number}")
        write(two / "sessions" / "first.json", f"two {number}")
        run(one), run(two)

    names = ("first.json.local", "first.json.local.2", "first.json.local.3")
    kept = [(two / "sessions" / name).read_text(encoding="utf-8") for name in names]
    assert kept == ["two 1", "two 2", "two 3"]


@pytest.mark.parametrize("text", ["$ANSIBLE_VAULT;1.1;AES256\n61\n", "cluster: ENC\nsops:\n    mac: ENC\n"])
def test_a_bundle_that_was_encrypted_in_its_place_replaces_the_plain_one(
    run: Any, one: Path, two: Path, text: str
) -> None:
    run(one), run(two)
    write(one / "secrets" / "secrets.yaml", text)

    pushed, fetched = run(one), run(two)

    assert pushed["pushed"] == fetched["fetched"] == ["secrets/secrets.yaml"]
    assert (two / "secrets" / "secrets.yaml").read_text(encoding="utf-8") == text


def test_a_change_that_was_not_pushed_yet_is_not_a_conflict_later(run: Any, one: Path, two: Path) -> None:
    run(one), run(two)
    write(one / "images.json", "new")

    run(one, state="fetched")

    assert run(one)["pushed"] == ["images.json"]
    assert run(two)["fetched"] == ["images.json"]


def test_a_file_that_changed_on_both_sides_is_refused_with_both_versions(run: Any, one: Path, two: Path) -> None:
    run(one), run(two)
    write(one / "images.json", "one")
    write(two / "images.json", "two")
    run(one)

    result = run(two)

    assert result["failed"] is True
    assert [problem["code"] for problem in result["problems"]] == ["STATE_CONFLICT"]
    assert f"{two}/images.json, changed 20" in result["msg"]
    assert f"{ADDRESS}/images.json, written by " in result["msg"]
    assert f" in {one}, since 20" in result["msg"]
    assert (two / "images.json").read_text(encoding="utf-8") == "two"
    assert run(one)["changed"] is False


@pytest.mark.parametrize("name", ["secrets.yaml", "secrets.pending.yaml"])
def test_secrets_in_the_bucket_are_never_replaced(s3: Any, run: Any, one: Path, two: Path, name: str) -> None:
    (one / "secrets" / "secrets.yaml").rename(one / "secrets" / name)
    run(one)
    write(two / "secrets" / name, "other secrets")
    before = s3.list_object_versions(Bucket=BUCKET)["Versions"]

    foreign = run(two)
    write(one / "secrets" / name, "changed secrets")
    changed = run(one)

    assert foreign["failed"] is True
    assert changed["failed"] is True
    assert s3.list_object_versions(Bucket=BUCKET)["Versions"] == before
    assert (two / "secrets" / name).read_text(encoding="utf-8") == "other secrets"


@pytest.mark.parametrize("name", ["images.json", "secrets/secrets.yaml"])
@pytest.mark.parametrize("known", [True, False], ids=["that was ours", "that was never fetched"])
def test_a_file_that_another_program_wrote_is_not_used_and_not_overwritten(
    s3: Any, run: Any, one: Path, two: Path, name: str, known: bool
) -> None:
    place = one if known else two
    if known:
        run(one)
    theirs = {"Bucket": BUCKET, "Key": f"{FOLDER}/{name}"}
    s3.put_object(**theirs, Body=b"theirs")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}

    results = [run(place, state="fetched"), run(place)]

    code = "STATE_CONFLICT" if known and name.startswith("secrets/") else "STATE_FILE_FOREIGN"
    assert [[problem["code"] for problem in result["problems"]] for result in results] == [[code]] * 2
    assert f"{ADDRESS}/{name}" in results[0]["msg"]
    assert s3.get_object(**theirs)["Body"].read() == b"theirs"
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_file_that_a_person_copied_from_the_bucket_is_the_clusters(s3: Any, run: Any, one: Path, two: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/images.json", Body=b"restored")
    refused = run(two)
    write(two / "images.json", "restored")
    accepted = run(two)
    write(two / "images.json", "new")

    assert f"`aws s3 cp {ADDRESS}/images.json {two}/images.json`" in refused["msg"]
    assert (accepted["fetched"], accepted["pushed"]) == ([], [])
    assert run(two)["pushed"] == ["images.json"]


def test_nothing_but_names_is_shown(run: Any, one: Path, two: Path) -> None:
    shown = [run(one, _ansible_diff=True), run(two, _ansible_diff=True)]

    assert shown[0]["diff"]["after"]["pushed"] == shown[0]["pushed"]
    assert CONTENT.strip() not in json.dumps(shown)


def test_check_mode_changes_neither_side(s3: Any, run: Any, one: Path, two: Path) -> None:
    planned = run(one, _ansible_check_mode=True)
    left = s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]
    pushed = run(one)["pushed"]
    fetched = run(two, _ansible_check_mode=True)

    assert (planned["pushed"], left) == (pushed, 0)
    assert fetched["fetched"] == planned["pushed"]
    assert not two.exists()


@pytest.mark.parametrize(
    ("change", "text", "code"),
    [
        pytest.param(
            ("delete_public_access_block", {}), "may be made public", "PUBLIC", id="public access is not blocked"
        ),
        pytest.param(
            ("put_public_access_block", {"PublicAccessBlockConfiguration": {**BLOCKS, "BlockPublicPolicy": False}}),
            "may be made public: BlockPublicPolicy is off",
            "PUBLIC",
            id="a policy may open it",
        ),
        pytest.param(
            ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}}),
            "has no versioning",
            "UNVERSIONED",
            id="without versioning",
        ),
        pytest.param(("delete_bucket", {}), "does not exist", "MISSING", id="missing"),
    ],
)
def test_a_bucket_that_must_not_hold_secrets_is_refused(
    s3: Any, run: Any, two: Path, change: tuple[str, dict[str, Any]], text: str, code: str
) -> None:
    operation, options = change
    getattr(s3, operation)(Bucket=BUCKET, **options)

    result = run(two, state="fetched")

    assert text in result["msg"]
    assert [problem["code"] for problem in result["problems"]] == [f"STATE_BUCKET_{code}"]
    assert f"Failed to use {ADDRESS}" in result["msg"]


class S3(AwsApi):
    """S3, in which something happens just before each write."""

    def __init__(self, s3: Any) -> None:
        super().__init__({"s3": s3, "sts": boto3.client("sts", region_name=REGION)}, REGION)
        self.s3 = s3

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "put_object":
            self.before_write(parameters)
        return super().call(service, operation, **parameters)

    def before_write(self, parameters: dict[str, Any]) -> None:
        """Do what happens just before a write with these parameters."""
        raise NotImplementedError


def push(api: S3, directory: Path) -> Plan:
    """Bring the files of a controller into the bucket."""
    bucket = Bucket(api, Address(BUCKET, FOLDER), kms_key="", directory="/here")
    return ensure_state(bucket, Folders(directory, directory / "secrets"), push=True, check_mode=False)


class Racing(S3):
    """S3, to which another controller writes just before each write of ours, or whose answer to it is lost."""

    def __init__(self, s3: Any, content: bytes) -> None:
        super().__init__(s3)
        self._content = content

    def before_write(self, parameters: dict[str, Any]) -> None:
        same = parameters["Body"] == self._content
        metadata = parameters["Metadata"] if same else {"holder": "you@desktop", "directory": "/there"}
        key = {name: parameters[name] for name in ("Bucket", "Key")}
        self.s3.put_object(**key, Body=self._content, Metadata=metadata)


@pytest.mark.parametrize("known", [True, False], ids=["changed", "new"])
def test_a_writer_at_the_same_time_is_not_overwritten_and_named(s3: Any, run: Any, one: Path, known: bool) -> None:
    if known:
        run(one)
        write(one / "images.json", "mine")

    with pytest.raises(StateError, match="at the same time by you@desktop in /there, since 20") as refused:
        push(Racing(s3, b"theirs"), one)

    assert refused.value.problem.code == "STATE_CHANGED"
    assert s3.get_object(Bucket=BUCKET, Key=f"{FOLDER}/images.json")["Body"].read() == b"theirs"


def test_a_write_whose_answer_was_lost_is_our_own(s3: Any, run: Any, one: Path) -> None:
    run(one)
    write(one / "images.json", "mine")

    plan = push(Racing(s3, b"mine"), one)

    assert plan.push == ("images.json",)
    assert run(one)["changed"] is False


class Denying(S3):
    """S3, which lacks a permission for each write."""

    def __init__(self, s3: Any, message: str) -> None:
        super().__init__(s3)
        self._message = message

    def before_write(self, parameters: dict[str, Any]) -> None:
        error = {"Code": "AccessDenied", "Message": self._message}
        raise_aws_error(ClientError({"Error": error}, "PutObject"), "s3", "put_object", REGION)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("Access Denied", "STATE_BUCKET_DENIED", id="by S3"),
        pytest.param(
            "User: me is not authorized to perform: kms:GenerateDataKey on this resource", "NOT_AUTHORIZED", id="by KMS"
        ),
    ],
)
def test_a_denial_names_the_service_that_denies(s3: Any, one: Path, message: str, code: str) -> None:
    with pytest.raises((StateError, AwsError)) as denied:
        push(Denying(s3, message), one)

    assert isinstance(denied.value, StateError | AwsError)
    assert denied.value.problem.code == code


class Listening(S3):
    """S3, and the requests of its writes; moto applies the default of a bucket also where S3 applies aws/s3."""

    def __init__(self, s3: Any) -> None:
        super().__init__(s3)
        self.writes: list[dict[str, Any]] = []

    def before_write(self, parameters: dict[str, Any]) -> None:
        self.writes.append(parameters)


@pytest.mark.parametrize(
    ("default", "asked_for"),
    [
        pytest.param("aws:kms", None, id="a key of KMS"),
        pytest.param("AES256", "aws:kms", id="another one"),
        pytest.param("", "aws:kms", id="none"),
    ],
)
def test_the_default_encryption_of_the_bucket_applies_if_it_has_a_key_of_kms(
    s3: Any, one: Path, default: str, asked_for: str | None
) -> None:
    if default:
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default}}]
        s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": rules})
    api = Listening(s3)

    push(api, one)

    assert {request.get("ServerSideEncryption") for request in api.writes} == {asked_for}
