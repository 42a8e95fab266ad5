#!/usr/bin/python
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a cluster's secrets bundle once, and a talosconfig from it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: talos_secrets
version_added: 0.1.0
short_description: Create a cluster's secrets once, and a talosconfig from them
description:
  - Creates the secrets bundle of a Talos cluster in the layout of C(talosctl gen secrets), unless the file exists.
  - An existing bundle is validated, never replaced, because a cluster cannot be managed without its secrets.
  - Bundles of C(talosctl gen secrets) are supported.
  - Creates a talosconfig with a certificate for C(os:admin), and renews the certificate before it expires.
  - Secrets are not returned, shown in a diff or logged.
author:
  - The urmanac.talos authors (@urmanac)
extends_documentation_fragment:
  - urmanac.talos.attributes
attributes:
  diff_mode:
    details:
      - Shows which files change, without their secrets.
options:
  path:
    description: File of the bundle; created with mode C(0600), its directory with C(0700).
    type: path
    required: true
  content:
    description:
      - The decrypted bundle, for a file with an encryption that the module does not support.
      - A file that is encrypted with Ansible Vault is decrypted with the vault passwords of the run, one that is
        encrypted with SOPS by the program C(sops), if that is installed. The file stays encrypted.
    type: str
  pending:
    description:
      - Create a new bundle next to O(path), with C(.pending) in its name, such as C(secrets.pending.yaml).
      - The next run without O(pending) renames it to O(path). Before, M(urmanac.talos.ec2_claim) claims the cluster for
        its authority, so that only one of two controllers has secrets.
    type: bool
    default: false
  talosconfig:
    description:
      - File of the talosconfig. Other contexts, comments, quotes, the encoding (UTF-8 or UTF-16) and the permissions
        are kept. Links are followed.
    type: path
  context:
    description: Name of the context, usually that of the cluster. Required with O(talosconfig).
    type: str
  endpoints:
    description: Addresses of the control planes, the endpoints of C(talosctl).
    type: list
    elements: str
    default: []
  nodes:
    description: Addresses of the nodes, the default nodes of C(talosctl).
    type: list
    elements: str
    default: []
  shared_files:
    description:
      - Files in which the cluster will have a context, and which other clusters may use too. They are only read.
      - A context that belongs to another cluster is in RV(problems). If the bundle does not exist, every context does.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind of the file.
        type: str
        choices: [kubeconfig, talosconfig]
        required: true
      path:
        description: The file, which may be missing.
        type: path
        required: true
      context:
        description: Name of the context.
        type: str
        required: true
  certificate_days:
    description: Lifetime of an admin certificate in days, at most 36500.
    type: int
    default: 365
  renewal_days:
    description: Days before its expiry when the certificate of the talosconfig is renewed.
    type: int
    default: 30
requirements:
  - cryptography >= 42
  - PyYAML
seealso:
  - module: urmanac.talos.talos_config
"""

EXAMPLES = r"""
- name: Create the secrets of the cluster
  urmanac.talos.talos_secrets:
    path: ~/clusters/example/secrets.yaml
    talosconfig: ~/clusters/example/talosconfig
    context: example
    endpoints:
      - 192.0.2.101
    nodes:
      - 192.0.2.101
      - 192.0.2.102
"""

RETURN = r"""
path:
  description: File of the bundle.
  type: str
  returned: success
  sample: /home/me/clusters/example/secrets.yaml
created:
  description: Whether this run created the bundle (or, in check mode, would).
  type: bool
  returned: success
  sample: true
authority:
  description:
    - Fingerprint of the cluster's certificate authority for the Talos API, SHA-256 in hexadecimal.
    - Empty in check mode if a bundle would be created.
  type: str
  returned: success
  sample: 5d41402abc4b2a76b9719d911017c592ae3d1e0e1a5d6e6d2f0a8c3d1b2e4f60
problems:
  description: The contexts of O(shared_files) that belong to another cluster.
  type: list
  elements: dict
  returned: success
  sample: []
talosconfig:
  description: File of the talosconfig.
  type: str
  returned: with O(talosconfig)
  sample: /home/me/clusters/example/talosconfig
expires:
  description: Expiry of the certificate in the talosconfig.
  type: str
  returned: with O(talosconfig), when there is one
  sample: "2027-11-21T12:00:00+00:00"
"""

import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import CollectionError, InputError, failure_of
from ..module_utils._libraries import require

MISSING: ImportError | None = None
try:
    from ..module_utils._talos.config import secrets
    from ..module_utils._talos.config.bundle import Bundle
    from ..module_utils._talos.files.owners import taken
except ImportError as error:
    MISSING = error

# Certificates that end after the year 9999 cannot be written.
LIFETIME_MAX = 36500
ARGUMENT_SPEC: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "no_log": True},
    "pending": {"type": "bool", "default": False},
    "talosconfig": {"type": "path"},
    "context": {"type": "str"},
    "endpoints": {"type": "list", "elements": "str", "default": []},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "shared_files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "choices": ["kubeconfig", "talosconfig"], "required": True},
            "path": {"type": "path", "required": True},
            "context": {"type": "str", "required": True},
        },
    },
    "certificate_days": {"type": "int", "default": 365},
    "renewal_days": {"type": "int", "default": 30},
}


class Outcome(NamedTuple):
    """The result for a file."""

    path: str
    changed: bool
    what: str
    warnings: tuple[str, ...] = ()


def ensure_secrets(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Write both files and return the changes, without secrets."""
    validity = validity_of(params)
    path = Path(params["path"])
    created = not path.exists()
    ensure = secrets.ensure_pending_bundle if params["pending"] else secrets.ensure_bundle
    changed, bundle = ensure(path, check_mode=check_mode, content=params["content"])
    outcomes = [Outcome(str(path), changed, "a new secrets bundle" if created else "mode 0600")]
    result: dict[str, Any] = {"path": str(path), "created": created and changed, "authority": ""}
    if bundle:
        result["authority"] = secrets.authority_of(bundle)
    kubernetes, talos = (bundle.k8s.crt, bundle.os.crt) if bundle else ("", "")
    found = taken(params["shared_files"], kubernetes=kubernetes, talos=talos)
    result["problems"] = [problem.as_dict() for problem in found]
    if params["talosconfig"]:
        outcomes.append(ensure_talosconfig(params, bundle, validity, check_mode=check_mode))
        result |= {"talosconfig": params["talosconfig"]} | expiry(params)
    return {
        **result,
        "warnings": [warning for outcome in outcomes for warning in outcome.warnings],
        "changed": any(outcome.changed for outcome in outcomes),
        "diff": [diff(item) for item in outcomes],
    }


def ensure_talosconfig(
    params: dict[str, Any], bundle: Bundle | None, validity: secrets.Validity, *, check_mode: bool
) -> Outcome:
    """Update the talosconfig; without a bundle (check mode) it would be new."""
    path = Path(params["talosconfig"])
    context = secrets.Context(params["context"], tuple(params["endpoints"]), tuple(params["nodes"]))
    what = f"context {context.name}, with a new certificate"
    if bundle is None:
        return Outcome(str(path), True, what)
    kept = secrets.ensure_talosconfig(path, bundle, context, validity=validity, check_mode=check_mode)
    return Outcome(str(path), kept.changed, what, kept.warnings)


def validity_of(params: dict[str, Any]) -> secrets.Validity:
    """Return the wanted validity; raise if the certificate would be renewed in every run."""
    lifetime, renewal = params["certificate_days"], params["renewal_days"]
    if not 1 <= lifetime <= LIFETIME_MAX:
        raise InputError(
            f"Failed to plan the admin certificate: certificate_days ({lifetime}) is not from 1 to {LIFETIME_MAX}."
        )
    if not 0 <= renewal < lifetime:
        raise InputError(
            f"Failed to plan the admin certificate: renewal_days ({renewal}) is not below certificate_days "
            f"({lifetime}), or is negative. Use a number of days from 0 to {lifetime - 1}."
        )
    return secrets.Validity(datetime.timedelta(days=lifetime), datetime.timedelta(days=renewal))


def expiry(params: dict[str, Any]) -> dict[str, str]:
    """Return the expiry of the certificate, if there is one."""
    end = secrets.valid_until(Path(params["talosconfig"]), params["context"])
    return {"expires": end.isoformat()} if end else {}


def diff(outcome: Outcome) -> dict[str, str]:
    """Return a diff with the name of the file and a summary."""
    after = f"{outcome.what}\n" if outcome.changed else ""
    return {"before_header": outcome.path, "after_header": outcome.path, "before": "", "after": after}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_by={"talosconfig": ["context"]},
        mutually_exclusive=[("pending", "talosconfig")],
        supports_check_mode=True,
    )
    require(module, MISSING)
    try:
        result = ensure_secrets(module.params, check_mode=module.check_mode)
    except (CollectionError, OSError) as error:
        module.fail_json(**failure_of(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
