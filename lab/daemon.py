# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's one long-running process: simulations of AWS, of the bastion's servers, machines and Talos."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading

from lab import processes
from lab.assets import write_assets
from lab.code import fingerprint
from lab.machines import MachinePark
from lab.registry.images import shared_store
from lab.registry.server import Registry
from lab.settings import REGISTRY_PORT, Settings, read_settings

LOG = logging.getLogger("lab")


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    settings = read_settings()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    # Read once at import by moto: refuse what EC2 would refuse.
    os.environ |= {"MOTO_ENABLE_AMI_VALIDATION": "true", "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true"}
    from lab.aws.server import AwsServer

    park = MachinePark(settings)
    write_assets(settings.assets)
    registry = Registry(settings.registry_address, REGISTRY_PORT, store=shared_store())
    aws = AwsServer(settings, park)
    registry.start()
    _write_state(settings)
    aws.start()
    LOG.info("a simulation of AWS answers at %s", settings.endpoint)
    ended.wait()
    aws.stop()
    park.stop()
    registry.stop()
    LOG.info("ended")
    return 0


def _write_state(settings: Settings) -> None:
    state = {
        **{"pid": os.getpid(), "started": processes.start_time(os.getpid()), "code": fingerprint()},
        **{"port": settings.port, "network": str(settings.network), "endpoint": settings.endpoint},
    }
    settings.state_file.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
