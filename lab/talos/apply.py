# SPDX-License-Identifier: GPL-3.0-or-later
"""How the simulation takes a configuration: checks, modes and dry runs as each release does them."""

from __future__ import annotations

from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from ansible_collections.urmanac.talos.plugins.module_utils._talos.api import proto
from lab.talos.config import Config, ConfigError, check_certificates, difference, needs_reboot, parse
from lab.talos.machine import Node
from lab.talos.state import CONFIG

REBOOT, AUTO, NO_REBOOT, STAGED, TRY = range(5)
_DETAILS = {
    REBOOT: "Applied configuration with a reboot",
    NO_REBOOT: "Applied configuration without a reboot",
    TRY: "Applied configuration without a reboot",
    STAGED: "Staged configuration to be applied after the next reboot",
}


async def apply_configuration(node: Node, request: Any) -> Any:
    if node.faults.apply_busy:
        raise GRPCError(Status.FAILED_PRECONDITION, "another apply configuration is already in progress")
    try:
        config = parse(request.data, node.release)
        check_certificates(config)
    except ConfigError as error:
        raise GRPCError(Status.INVALID_ARGUMENT, str(error)) from error
    mode = _mode(node, request.mode, config)
    if request.dry_run:
        return _reply(mode, _dry_run_text(node, mode, config))
    _take(node, mode, config, request.data)
    return _reply(mode, _DETAILS[mode])


def _reply(mode: int, details: str) -> Any:
    element = proto.message("ApplyConfiguration")(mode=mode, mode_details=details)
    return proto.message("ApplyConfigurationResponse")(messages=[element])


def _mode(node: Node, wanted: int, config: Config) -> int:
    if not node.active:
        return _mode_in_maintenance(node, wanted)
    if wanted == REBOOT and node.release >= (1, 14):
        text = "the REBOOT mode is not supported, please use AUTO or NO_REBOOT modes instead"
        raise GRPCError(Status.UNIMPLEMENTED, text)
    is_slow = node.release < (1, 14) and needs_reboot(node.active, config)
    if wanted == NO_REBOOT and is_slow:
        text = "this config change can't be applied in immediate mode"
        raise GRPCError(Status.INVALID_ARGUMENT, text)
    if wanted != AUTO:
        return wanted
    return REBOOT if is_slow else NO_REBOOT


def _mode_in_maintenance(node: Node, wanted: int) -> int:
    if node.release < (1, 13) and wanted in (NO_REBOOT, STAGED):
        names = {NO_REBOOT: "NO_REBOOT", STAGED: "STAGED"}
        raise GRPCError(Status.UNIMPLEMENTED, f"mode {names[wanted]} is not supported in maintenance mode")
    if node.release < (1, 13):
        return REBOOT if wanted == AUTO else wanted
    return NO_REBOOT if wanted in (AUTO, REBOOT) else wanted


def _dry_run_text(node: Node, mode: int, config: Config) -> str:
    if not node.active and node.release < (1, 13):
        return "Dry run summary:\nNode is running in maintenance mode and does not have a config yet."
    changes = difference(node.active, config) or "No changes."
    return f"Dry run summary:\n{_DETAILS[mode]} (skipped in dry-run).\nConfig diff:\n\n{changes}"


def _take(node: Node, mode: int, config: Config, text: bytes) -> None:
    """Store the configuration according to the mode; the first one always causes a reboot."""
    if mode != TRY:
        node.disk.write(CONFIG, text)
    if not node.active or mode == REBOOT:
        node.reboot_soon()
    elif mode != STAGED:
        node.active = config
