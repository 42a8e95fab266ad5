# SPDX-License-Identifier: GPL-3.0-or-later
"""A small etcd snapshot, whole enough for etcd's own tools: a bbolt file of four pages and its checksum."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PAGE: Final = 4096
_PAGES: Final = 4
_MAGIC: Final = 0xED0CDAED
_VERSION: Final = 2
_LEAF, _META, _FREELIST = 0x02, 0x04, 0x10
_IS_BUCKET: Final = 1
_HEADER: Final = struct.Struct("<QHHI")
_ELEMENT: Final = struct.Struct("<IIII")
_FREELIST_PAGE, _ROOT_PAGE = 2, 3
_FIRST_REVISION: Final = struct.pack(">Q", 2) + b"_" + struct.pack(">Q", 0)


class _Item(NamedTuple):
    key: bytes
    value: bytes
    flags: int = 0


def snapshot(pairs: Mapping[str, str], *, version: str) -> bytes:
    """Return a snapshot with the keys and values, as an etcd of the version would keep it."""
    keys = [
        _Item(struct.pack(">Q", number) + _FIRST_REVISION[8:], _key_value(key.encode(), value.encode(), number))
        for number, (key, value) in enumerate(pairs.items(), start=2)
    ]
    buckets = [_bucket("key", keys), _bucket("meta", [_Item(b"storageVersion", version.encode())])]
    pages = [_meta(0), _meta(1), _page(_FREELIST_PAGE, _FREELIST, 0, b"")]
    body = b"".join([*pages, _leaf(_ROOT_PAGE, buckets).ljust(PAGE, b"\0")])
    return body + hashlib.sha256(body).digest()


def _bucket(name: str, items: Sequence[_Item]) -> _Item:
    """Return a bucket that is small enough to lie in its parent's page."""
    return _Item(name.encode(), struct.pack("<QQ", 0, 0) + _leaf(0, items), _IS_BUCKET)


def _leaf(number: int, items: Sequence[_Item]) -> bytes:
    elements, content = b"", b""
    for index, item in enumerate(items):
        # Counted from the element itself.
        position = (len(items) - index) * _ELEMENT.size + len(content)
        elements += _ELEMENT.pack(item.flags, position, len(item.key), len(item.value))
        content += item.key + item.value
    return _HEADER.pack(number, _LEAF, len(items), 0) + elements + content


def _page(number: int, kind: int, count: int, content: bytes) -> bytes:
    return (_HEADER.pack(number, kind, count, 0) + content).ljust(PAGE, b"\0")


def _meta(number: int) -> bytes:
    fields = struct.pack("<IIIIQQQQQ", _MAGIC, _VERSION, PAGE, 0, _ROOT_PAGE, 0, _FREELIST_PAGE, _PAGES, number)
    return _page(number, _META, 0, fields + struct.pack("<Q", _fnv(fields)))


def _fnv(content: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def _key_value(key: bytes, value: bytes, revision: int) -> bytes:
    """Return etcd's own message: key, revisions of creation and change, version, value."""
    numbers = bytes([0x10, revision, 0x18, revision, 0x20, 1])
    return b"\x0a" + _varint(len(key)) + key + numbers + b"\x2a" + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)
