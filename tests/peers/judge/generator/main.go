// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command generator writes machine configurations with Talos' own generator: one JSON object per line in, one per line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configpatcher"
	"github.com/siderolabs/talos/pkg/machinery/config/encoder"
	"github.com/siderolabs/talos/pkg/machinery/config/generate"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"
	"github.com/siderolabs/talos/pkg/machinery/config/machine"
	"go.yaml.in/yaml/v4"
)

// cluster has the fields of ClusterConfig in documents.py.
type cluster struct {
	Name          string `json:"name"`
	Endpoint      string `json:"endpoint"`
	Kubernetes    string `json:"kubernetes_version"`
	Contract      string `json:"contract"`
	DNSDomain     string `json:"dns_domain"`
	InstallDisk   string `json:"install_disk"`
	InstallImage  string `json:"install_image"`
	APIPort       int    `json:"local_api_server_port"`
	SchedulesOnCP bool   `json:"schedules_on_control_planes"`
	WithDiscovery bool   `json:"discovery_enabled"`
	CNI           struct {
		URLs []string `json:"urls"`
	} `json:"cni"`
	PodSubnets      []string            `json:"pod_subnets"`
	ServiceSubnets  []string            `json:"service_subnets"`
	CertSANs        []string            `json:"cert_sans"`
	KernelArguments []string            `json:"extra_kernel_args"`
	Sysctls         map[string]string   `json:"sysctls"`
	Mirrors         map[string][]string `json:"registry_mirrors"`
}

type wanted struct {
	MachineType string   `json:"machine_type"`
	Secrets     string   `json:"secrets"`
	Cluster     cluster  `json:"cluster"`
	Patches     []string `json:"patches"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)

	out := json.NewEncoder(os.Stdout)

	for lines.Scan() {
		text, err := write(lines.Bytes())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}

		out.Encode(text) //nolint:errcheck
	}
}

// write returns the configuration that a line describes.
func write(line []byte) (string, error) {
	var asked wanted
	if err := json.Unmarshal(line, &asked); err != nil {
		return "", err
	}

	input, err := describe(asked)
	if err != nil {
		return "", err
	}

	kind, err := machine.ParseType(asked.MachineType)
	if err != nil {
		return "", err
	}

	provider, err := input.Config(kind)
	if err != nil {
		return "", err
	}

	plain, err := provider.EncodeBytes(encoder.WithComments(encoder.CommentsDisabled))
	if err != nil {
		return "", err
	}

	return patch(plain, asked.Patches)
}

// describe returns the input of the generator.
func describe(asked wanted) (*generate.Input, error) {
	of := asked.Cluster

	contract, err := config.ParseContractFromVersion(of.Contract)
	if err != nil {
		return nil, err
	}

	bundle := &secrets.Bundle{Clock: secrets.NewClock()}
	if err = yaml.Unmarshal([]byte(asked.Secrets), bundle); err != nil {
		return nil, err
	}

	options := []generate.Option{
		generate.WithSecretsBundle(bundle),
		generate.WithVersionContract(contract),
		generate.WithDNSDomain(of.DNSDomain),
		generate.WithInstallDisk(of.InstallDisk),
		generate.WithInstallImage(of.InstallImage),
		generate.WithLocalAPIServerPort(of.APIPort),
		generate.WithAllowSchedulingOnControlPlanes(of.SchedulesOnCP),
		generate.WithClusterDiscovery(of.WithDiscovery),
		generate.WithAdditionalSubjectAltNames(of.CertSANs),
		generate.WithInstallExtraKernelArgs(of.KernelArguments),
		generate.WithSysctls(of.Sysctls),
	}

	for host, urls := range of.Mirrors {
		options = append(options, generate.WithRegistryMirror(host, urls...))
	}

	for _, url := range of.CNI.URLs {
		options = append(options, generate.WithCustomCNIUrl(url))
	}

	input, err := generate.NewInput(of.Name, of.Endpoint, of.Kubernetes, options...)
	if err != nil {
		return nil, err
	}

	input.PodNet, input.ServiceNet = of.PodSubnets, of.ServiceSubnets

	return input, nil
}

// patch returns a configuration as talosctl writes it after patches.
func patch(text []byte, contents []string) (string, error) {
	patches := make([]configpatcher.Patch, 0, len(contents))

	for _, content := range contents {
		loaded, err := configpatcher.LoadPatch([]byte(content))
		if err != nil {
			return "", err
		}

		patches = append(patches, loaded)
	}

	patched, err := configpatcher.Apply(configpatcher.WithBytes(text), patches)
	if err != nil {
		return "", err
	}

	outcome, err := patched.Bytes()

	return string(outcome), err
}
