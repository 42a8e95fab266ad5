// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command kubectl_reader prints what kubectl reads of kubeconfigs: one JSON text per line in, one JSON object per line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

type answer struct {
	Error    string `json:"error"`
	Config   any    `json:"config"`
	Document any    `json:"document"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)

	out := json.NewEncoder(os.Stdout)

	for lines.Scan() {
		var text []byte
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}

		out.Encode(read(text)) //nolint:errcheck
	}
}

// read returns what kubectl makes of a kubeconfig, and what its YAML library makes of the text.
func read(text []byte) answer {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return answer{Error: err.Error()}
	}

	config, err := clientcmd.Load(text)
	if err != nil {
		return answer{Error: err.Error(), Document: document}
	}

	return answer{Config: config, Document: document}
}
