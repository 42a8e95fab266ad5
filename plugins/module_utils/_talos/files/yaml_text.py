# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write YAML as Talos does. Private to urmanac.talos: may change at any time.

Reading: YAML 1.2 (yes is a string, 0o644 a number), no timestamps, and numbers keep their original text, because Talos
reads 1.10 in a string field as that text. Writing: four spaces, strings quoted where they could be read as another
type, maps in natural order; the same document always gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml
from ansible.module_utils.common.yaml import SafeLoader

from ..._errors import InputError
from ..config import schema

_NUMBER = re.compile(
    r"""[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?
    |\.(?:inf|Inf|INF)|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)\Z|\.(?:nan|NaN|NAN)\Z""",
    re.VERBOSE,
)
_WORD = re.compile(r"(?i)(?:true|false|yes|no|on|off|y|n|null|~|<<)\Z")
_OCTAL = re.compile(r"(?:0o)?[0-7]+")
# What aliases may make of a text: as many values as no file for Talos or kubectl has, or so many times its own.
_VALUES_MAX, _COPIES_MAX = 20_000, 10
# Some readers treat these as line breaks; inside quotes they are written as escapes.
_BREAK = re.compile("[\r\x85\u2028\u2029\ufeff]")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt\s].*)?\Z")


class WrittenInt(int):
    """An integer that keeps its original text."""

    text: str


class WrittenFloat(float):
    """A floating point number that keeps its original text."""

    text: str


class FileMode(int):
    """File permissions, written in octal without quotes, as Talos reads them."""


_EMPTY: dict[str, Any] = {"list": [], "struct": None, "mode": FileMode(0)}


def load_all(text: str, *, exact: bool = False) -> list[Any]:
    """Return the documents of a YAML text without empty ones. exact: with the parser of Loader, not libyaml."""
    try:
        loader = Loader if exact else _Reader
        return [document for document in yaml.load_all(text, Loader=loader) if document is not None]
    except yaml.YAMLError as error:
        raise InputError(
            f"Failed to read YAML: {_brief(error)}. Correct the text at this position.", code="FILE_INVALID"
        ) from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise InputError(
            "Failed to read YAML: a value does not match its tag. Correct the tag or the value.", code="FILE_INVALID"
        ) from error
    except RecursionError as error:
        raise InputError(
            "Failed to read YAML: it is nested too deeply. Correct its brackets.", code="FILE_INVALID"
        ) from error


def dump_all(documents: Iterable[dict[str, Any]]) -> str:
    """Return documents as one text, with fields in Talos' order."""
    return "---\n".join(dump(document) for document in documents)


def dump(document: Any) -> str:
    """Return one document as text without the fields that are empty for its kind."""
    root = schema.root(str(document.get("kind", "")))
    if root.form == "unknown":
        head = {key: document[key] for key in ("apiVersion", "kind", "name") if key in document}
        return dump_plain(head | document)
    return dump_plain(arrange(document, root))


def dump_plain(data: Any) -> str:
    """Return data as text in the order given."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=1 << 20, indent=4, allow_unicode=True)


def arrange(value: Any, field: schema.Field) -> Any:
    """Return a value with its fields in order and without the empty fields that Talos omits."""
    if field.form == "struct" and isinstance(value, dict):
        return _arrange_structure(value, field.of)
    if field.form == "list" and isinstance(value, list):
        return [arrange(item, schema.element(field)) for item in value]
    if field.form == "map" and isinstance(value, dict):
        inner = schema.element(field)
        return {key: arrange(value[key], inner) for key in sorted(value, key=natural)}
    if field.form == "mode":
        return file_mode(value)
    return _arrange_free(value) if field.form in ("any", "args") else value


def file_mode(value: Any) -> FileMode:
    """Return permissions from a number or an octal string, or raise ValueError."""
    if isinstance(value, str) and _OCTAL.fullmatch(value):
        value = int(value, 8)
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or not 0 <= value < 1 << 32:
        raise ValueError("it is not the mode of a file")
    return FileMode(value)


def text_of(value: Any) -> str:
    """Return the original text of a scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", "" if value is None else value))


def natural(key: Any) -> list[tuple[int, int, str]]:
    """Return the sort key of Talos' YAML library: punctuation before digits before letters, digits by value."""
    parts = re.findall(r"\d+|\D", str(key))
    return [(1, int(part), part) if part.isdigit() else (2 if part.isalpha() else 0, 0, part) for part in parts]


def _arrange_structure(value: dict[str, Any], name: str) -> dict[str, Any]:
    fields = schema.structure(name) or {}
    arranged: dict[str, Any] = {}
    for field in fields.values():
        item = value.get(field.name)
        if _is_left_out(item, field):
            continue
        arranged[field.name] = _EMPTY.get(field.form, "") if item is None else arrange(item, field)
    return arranged


def _is_left_out(item: Any, field: schema.Field) -> bool:
    if field.required:
        return False
    # An empty mapping can be a value: nodeID: {} selects the key that is derived from the node's id.
    if (field.form in ("struct", "any") and isinstance(item, dict)) or (field.form == "number" and item is not None):
        return False
    return item is None or (not isinstance(item, bool) and not item)


def _arrange_free(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _arrange_free(value[key]) for key in sorted(value, key=natural)}
    if isinstance(value, list):
        return [_arrange_free(item) for item in value]
    return value


def _brief(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        what = f"U+{error.character:04X}" if isinstance(error.character, int) else "a byte"
        return f"character {error.position + 1} is {what}, which YAML does not have"
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{getattr(error, 'problem', None) or 'it is not YAML'}{where}"


class _Words(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """Constructs YAML 1.2; rejects duplicate keys and anchors that contain themselves."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own convention

    def construct_document(self, node: yaml.Node) -> Any:
        _check_anchors(node)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            if key.tag == "tag:yaml.org,2002:str" and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value}", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class Loader(_Words, yaml.SafeLoader):
    """Reads with PyYAML's own parser, which knows where each node ends, and takes the escapes of JSON."""


class _Reader(_Words, SafeLoader):  # type: ignore[misc]  # one of two classes
    """Reads many times faster where PyYAML was built with libyaml, of which Talos' own parser is a translation."""


def _check_anchors(root: yaml.Node) -> None:
    """Refuse an alias inside of its own anchor, as Talos does, and aliases that make a short text endless."""
    around: set[int] = set()
    # How many values a node has with the values behind its aliases.
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in around:
            raise yaml.MarkedYAMLError(None, None, "an anchor contains itself", node.start_mark)
        if id(node) not in sizes:
            around.add(id(node))
            sizes[id(node)] = 1 + sum(map(size, _children(node)))
            around.remove(id(node))
        return sizes[id(node)]

    # Each node is once in sizes: what the text has itself, which may be long.
    if size(root) > max(_VALUES_MAX, _COPIES_MAX * len(sizes)):
        raise yaml.MarkedYAMLError(None, None, "its aliases make too many copies", root.start_mark)


def _children(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.ScalarNode):
        return ()
    return (part for pair in node.value for part in pair) if isinstance(node, yaml.MappingNode) else node.value


_PREFIX = "tag:yaml.org,2002:"
_Words.add_implicit_resolver(_PREFIX + "bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))
_Words.add_implicit_resolver(_PREFIX + "null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Words.add_implicit_resolver(
    _PREFIX + "int", re.compile(r"[-+]?(?:0o[0-7]+|0x[0-9a-fA-F]+|0|[1-9][0-9_]*|0[0-7]+)\Z"), list("-+0123456789")
)
_Words.add_implicit_resolver(
    _PREFIX + "float",
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?\Z"),
    list("-+.0123456789"),
)
_Words.add_implicit_resolver(_PREFIX + "merge", re.compile(r"<<\Z"), ["<"])


def _construct_int(loader: _Words, node: yaml.ScalarNode) -> WrittenInt:
    text = str(loader.construct_scalar(node))
    plain = text.replace("_", "")
    # A leading zero means octal to Talos, with or without the o.
    base = 0 if re.match(r"[-+]?(?:0[ox]|0\Z|[1-9])", plain) else 8
    number = WrittenInt(int(plain, base))
    number.text = text
    return number


def _construct_float(loader: _Words, node: yaml.ScalarNode) -> WrittenFloat:
    text = str(loader.construct_scalar(node))
    number = WrittenFloat(text)
    number.text = text
    return number


_Words.add_constructor(_PREFIX + "int", _construct_int)  # type: ignore[type-var]  # its stubs know whole loaders only
_Words.add_constructor(_PREFIX + "float", _construct_float)  # type: ignore[type-var]  # its stubs know whole loaders only


class _Dumper(yaml.SafeDumper):
    """Writes with the indentation and quoting of Talos' YAML library."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        self.indents.append(self.indent)
        if self.indent is None:
            self.indent = self.best_indent if flow else 0
        elif self.states[-1:] == [self.expect_block_sequence_item]:
            # The first level inside a list item only skips the dash; other levels are indented to the next multiple.
            self.indent += 2
        else:
            self.indent = self.best_indent * ((self.indent + self.best_indent) // self.best_indent)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    ambiguous = not text or any(form.match(text) for form in (_NUMBER, _WORD, _DATE)) or _BREAK.search(text)
    style = '"' if ambiguous else "|" if "\n" in text else None
    return dumper.represent_scalar(_PREFIX + "str", text, style=style)


def _plain(tag: str) -> Any:
    return lambda dumper, value: dumper.represent_scalar(_PREFIX + tag, text_of(value))


# 0o644 is a number for Talos and a string for PyYAML, which would write a tag.
_Dumper.add_implicit_resolver(_PREFIX + "int", re.compile(r"0o[0-7]+\Z"), ["0"])
# A single equals sign is special in PyYAML only.
_Dumper.yaml_implicit_resolvers.pop("=", None)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_multi_representer(str, lambda dumper, text: _represent_text(dumper, str(text)))
_Dumper.add_representer(bool, _plain("bool"))
_Dumper.add_representer(WrittenInt, _plain("int"))
_Dumper.add_representer(WrittenFloat, _plain("float"))
_Dumper.add_representer(int, _plain("int"))
_Dumper.add_representer(FileMode, lambda dumper, mode: dumper.represent_scalar(_PREFIX + "int", f"0o{mode:o}"))
