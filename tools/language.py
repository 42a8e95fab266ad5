# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that docs/style.md forbids, each with what to write instead. Add a word here when a reader stumbles over it."""

from __future__ import annotations

# A regular expression for whole words, in any case, and the better word.
WORDS: tuple[tuple[str, str], ...] = (
    (r"(?:un)?told", "given, reported, printed, known"),
    (r"tells?", "return, report, print, show, distinguish"),
    (r"by other means than", "independently of"),
    (r"foret(?:ell?s?|elling|old)", "predict, forecast"),
    (r"mend(?:s|ed|ing)?", "fix, repair, correct"),
    (r"nobody", "no one; better: say who may, or what does not exist"),
    (r"surely", "with retry, reliably"),
    (r"what it is good for", "the smoke tests, its purpose"),
    (r"that there (?:is|are) not", "that does not exist"),
    (r"by what", "with the cause, how, the reason"),
    (r"the rest", "the remaining ones, the others: name them"),
    (r"h[eo]ld(?:s|ing)? [^.,;:]{1,40} against", "compare with, check against"),
    (r"anew", "again, new"),
    (r"(?:registr(?:y|ies)|nodes|kubernetes|gateway) (?:is|are) asked", "look up, read, call"),
    (r"asks (?:aws|the (?:registr(?:y|ies)|nodes|gateway))", "look up, read, call"),
    (r"ha(?:s|ve) the (?:module|files) (?:imported|pushed)", "imports the module, pushes the files"),
    (r"somebody(?: else)?(?:'s)?", "another owner, another client, a user: say who"),
    (r"of others", "of another owner, of other clients: say whose"),
    (r"this computer(?:'s)?", "the controller, the host"),
    (r"user data", "user-data"),
    (r"gravest|dearest", "most severe, most expensive"),
    (r"takes its place", "conflicts with it, replaces it"),
    (r"without a word", "without a message"),
    (r"all the same", "nevertheless, although: say what happens"),
    (r"whoever", "a user who, a process that: say who"),
    (r"that (?:is|are) none", "invalid, not a valid one"),
    (r"no good answer", "a failure"),
    (r"laid out|lays? the files?", "configured, writes the files"),
    (r"have its owner", "ask its owner to"),
    (r"bits set behind", "host bits set"),
    (r"as a person reads", "as text"),
    (r"gave no answer", "failed, returned an error, did not respond"),
    (r"be had", "exist, be available"),
    (r"see how far|how it went", "report the progress, the result"),
    (r"what is known of", "the known facts about"),
    (r"goes on without", "continues without"),
    (r"bad[ _]day", "failures: name them"),
    (r"(?:one.?s|ones)[ _]own", "the user's own, your own"),
    (
        r"(?<!here )(?:is|are|was|were) no "
        r"(?!longer|more|less|other|fewer|better|problems?|trouble|limit|proof|such)[a-z]+",
        "is not a ...",
    ),
    (r"\w*afresh", "again, in a new: say what is new"),
    # Names: what a thing is, not how it came to be known.
    (r"__[a-z_]+_seen", "..._observed, the thing itself"),
    (r"outsiders?", "resources outside of the cluster: say which"),
    (r"wished(?:_\w+)?", "goal, requested"),
    (r"(?:first|second|one)[ _]of[ _]its[ _]kind", "duplicate, the only one"),
    (r"(?-i:[A-Z]{2,}_(?:ELSEWHERE|TWICE|BY_OTHERS))", "a code that names the problem: DUPLICATE_..."),
    (r"stand-?_?ins?", "simulated, simulation; in tests: fake"),
    (r"stands? in for", "simulates, replaces"),
    (r"rehears(?:als?|es?|ed|ing)", "simulation, simulate, dry run"),
    (
        r"(?:test )?doubles(?! (?:quote|every|the|its|with|each))|test doubles?|the double|a double",
        "simulation; in tests: fake",
    ),
)
