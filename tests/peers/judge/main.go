// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command judge prints what a real Talos says of machine configurations: one JSON object per line in, one per line out.
//
// It does what a node does when a configuration is applied: decode, validate, validate against what the machine has.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/impl/inmem"
	"github.com/cosi-project/runtime/pkg/state/impl/namespaced"
	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/imager/quirks"
	"github.com/siderolabs/talos/pkg/machinery/kernel"
	"github.com/siderolabs/talos/pkg/machinery/resources/block"
	"github.com/siderolabs/talos/pkg/machinery/version"
)

// metal is the mode of a machine that is not a container and has no Talos on its disk yet.
type metal struct{}

func (metal) String() string        { return "metal" }
func (metal) RequiresInstall() bool { return true }
func (metal) InContainer() bool     { return false }

type question struct {
	Name    string   `json:"name"`
	Config  string   `json:"config"`
	Patches []string `json:"patches"`
}

type answer struct {
	Name     string   `json:"name"`
	Error    string   `json:"error"`
	Outcome  string   `json:"outcome"`
	Warnings []string `json:"warnings"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "version" {
		fmt.Println(version.Tag)

		return
	}

	if len(os.Args) > 1 && os.Args[1] == "arguments" {
		fmt.Println(strings.Join(kernel.DefaultArgs(quirks.New(version.Tag)), " "))

		return
	}

	if len(os.Args) > 1 && os.Args[1] == "types" {
		found, err := types(os.Args[2:])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}

		json.NewEncoder(os.Stdout).Encode(found) //nolint:errcheck

		return
	}

	machine, err := newMachine()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)

	out := json.NewEncoder(os.Stdout)

	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}

		reported := answer{Name: asked.Name}
		if reported.Outcome, reported.Warnings, err = judge(machine, asked); err != nil {
			reported.Error = err.Error()
		}

		out.Encode(reported) //nolint:errcheck
	}
}

// newMachine returns the resources of a machine with one disk.
func newMachine() (state.State, error) {
	machine := state.WrapCore(namespaced.NewState(inmem.Build))
	disk := block.NewDisk(block.NamespaceName, "nvme0n1")
	disk.TypedSpec().DevPath = "/dev/nvme0n1"
	disk.TypedSpec().Size = 20 << 30
	disk.TypedSpec().Transport = "nvme"

	return machine, machine.Create(context.Background(), disk)
}

// judge returns the configuration with its patches applied, and what Talos says of it.
func judge(machine state.State, asked question) (outcome string, warnings []string, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()

	provider, err := load(asked)
	if err != nil {
		return "", nil, err
	}

	if provider.RawV1Alpha1() == nil {
		return "", nil, fmt.Errorf("the applied machine configuration doesn't contain v1alpha1 config")
	}

	if len(asked.Patches) > 0 {
		patched, encodeErr := provider.Bytes()
		if encodeErr != nil {
			return "", nil, encodeErr
		}

		outcome = string(patched)
	}

	warnings, err = provider.Validate(metal{})
	if err != nil {
		return outcome, warnings, err
	}

	more, err := provider.RuntimeValidate(context.Background(), machine, metal{})

	return outcome, append(warnings, more...), err
}

// load decodes a configuration; with patches, as talosctl applies them before it sends the outcome.
func load(asked question) (config.Provider, error) {
	text := []byte(asked.Config)

	if len(asked.Patches) > 0 {
		patches := make([]configpatcher.Patch, 0, len(asked.Patches))

		for _, content := range asked.Patches {
			patch, err := configpatcher.LoadPatch([]byte(content))
			if err != nil {
				return nil, fmt.Errorf("patch: %w", err)
			}

			patches = append(patches, patch)
		}

		patched, err := configpatcher.Apply(configpatcher.WithBytes(text), patches)
		if err != nil {
			return nil, fmt.Errorf("patch: %w", err)
		}

		if text, err = patched.Bytes(); err != nil {
			return nil, fmt.Errorf("patch: %w", err)
		}
	}

	return configloader.NewFromBytes(text)
}
