# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change and delete the resources of a cluster. Private to urmanac.talos: may change at any time.

`engine.py` reads, compares, fails if a change is not allowed, and then acts in the order of `kinds.py`.
`calls.py` makes every call: before it repeats one that creates, it searches for a resource whose response was lost.

A kind of resource is added in three steps:

1. A module of its family has `ensure_<kind>(work, key)`. It creates the resource with `work.make(key, ...)` if
   `work.things.get(key)` is None, and then sets what differs by `work.differs(key)`, tags last with `work.tag(key)`.
   A resource that others refer to (a group in the rule of another group) has a second function that links them.
   References to other resources are keys: `work.id("subnet")`, `work.id("security_group/nodes")`.
2. The same module has `delete_<kind>(work, id)`, which takes an id and succeeds if it does not exist.
3. `kinds.py` has a line: how it is created (operation, place of the record in the response, type of its tags), the
kinds that must exist first, and the functions above.

No function acts by name, removes a tag or a rule that it did not add, or sleeps other than through `Calls`.
"""
