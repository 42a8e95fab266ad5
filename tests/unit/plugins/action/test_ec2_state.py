# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the save at the end of ansible-playbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from ansible_collections.urmanac.talos.plugins.action.ec2_state import saved
from ansible_collections.urmanac.talos.plugins.module_utils._errors import CollectionError
from ansible_collections.urmanac.talos.plugins.modules import ec2_run_lock
from ansible_collections.urmanac.talos.plugins.plugin_utils._in_process import printed_by
from ansible_collections.urmanac.talos.plugins.plugin_utils._run_lock import current_run
from tests.ec2_cluster import REGION, empty_aws


def test_a_run_that_has_lost_its_lock_does_not_save(tmp_path: Path) -> None:
    (tmp_path / "images.json").write_text("{}", encoding="utf-8")
    cluster = {"name": "moon", "project": "talos-arm64", "region": REGION, "directory": str(tmp_path)}
    state = {"address": "s3://moon-state/clusters", "secrets_directory": str(tmp_path / "secrets"), "kms_key": ""}
    run = current_run(str(tmp_path))._asdict()
    text = json.dumps({"arguments": {**cluster, **state, "save_at_end": True}, "run": run})
    with empty_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="moon-state", CreateBucketConfiguration={"LocationConstraint": REGION})

        with pytest.raises(CollectionError, match="complete on this controller only"):
            saved(text)
        without = objects(s3)
        taken = json.loads(printed_by(ec2_run_lock, {**cluster, "run": run}))
        saved(text)

        assert "failed" not in taken
        assert (without, objects(s3)) == ([], [f"clusters/talos-arm64/{REGION}/moon/images.json"])


def objects(s3: Any) -> list[str]:
    """Return the names of the files in the bucket."""
    return [item["Key"] for item in s3.list_objects_v2(Bucket="moon-state").get("Contents", [])]
