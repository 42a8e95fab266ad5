# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the certificate of a server is refused. Private to urmanac.talos: may change at any time.

By OpenSSL's X509_V_ERR_* numbers, which ssl.SSLCertVerificationError.verify_code holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OTHER_DATE: Final[Mapping[int, str]] = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
}
OTHER_NAME: Final[Mapping[int, str]] = {
    62: "its certificate does not contain this host name",
    64: "its certificate does not contain this address",
}
# The alerts with which a server ends a handshake because of the client's certificate, by the ends of OpenSSL's names.
REJECTIONS: Final[Mapping[str, str]] = {
    "UNKNOWN_CA": "it does not trust the authority of the client certificate",
    "UNKNOWN_CERTIFICATE_AUTHORITY": "it does not trust the authority of the client certificate",
    "CERTIFICATE_EXPIRED": "by its clock, the client certificate is not valid",
    "BAD_CERTIFICATE": "it does not accept the client certificate",
    "CERTIFICATE_UNKNOWN": "it does not accept the client certificate",
    "DECRYPT_ERROR": "it does not accept the client certificate",
    "HANDSHAKE_FAILURE": "it does not accept the client certificate",
}
