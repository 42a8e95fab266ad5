// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command resources writes the descriptors of the COSI resource API, which the descriptors of Talos do not contain, as a FileDescriptorSet.
package main

import (
	"os"

	_ "github.com/cosi-project/runtime/api/v1alpha1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	var found descriptorpb.FileDescriptorSet

	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		found.File = append(found.File, protodesc.ToFileDescriptorProto(file))

		return true
	})

	written, err := proto.Marshal(&found)
	if err != nil {
		panic(err)
	}

	if _, err := os.Stdout.Write(written); err != nil {
		panic(err)
	}
}
