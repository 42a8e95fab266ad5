# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, change and delete the resources of a cluster. Private to urmanac.talos: may change at any time.

`engine.py` reads, compares, refuses what it must not do, and then acts in the order of `kinds.py`.
`calls.py` makes every call: a creating one is never repeated before a search for what a lost answer may have made.

A kind of resource is added in three steps:

1. A module of its family has `ensure_<kind>(work, key)`. It makes the resource with `work.make(key, ...)` if
   `work.things.get(key)` is None, and then sets what `work.differs(key)` names, tags last with `work.tag(key)`.
   A resource that others name (a group in the rule of another group) gets a second function that links them.
   Other resources are named by their keys: `work.id("subnet")`, `work.id("security_group/nodes")`.
2. The same module has `delete_<kind>(work, id)`, which takes an id and is content if it has gone.
3. `kinds.py` gets a line: how it is made (operation, place of the record in the answer, type of its tags), the kinds
   that have to be there first, and the functions above.

Nothing acts by name, takes a tag or a rule away that it did not put there, or sleeps other than through `Calls`.
"""
