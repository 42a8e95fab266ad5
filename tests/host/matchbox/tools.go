// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

//go:build tools

// Package matchbox names the program that is built for the tests, so that go.mod and go.sum list all it needs.
package matchbox

import _ "github.com/poseidon/matchbox/cmd/matchbox"
