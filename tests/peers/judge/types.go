// Copyright (c) 2026, The urmanac.talos authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/types/v1alpha1"
)

var textual = reflect.TypeFor[encoding.TextUnmarshaler]()

// types returns the fields of all structures of the kinds of documents, and of the machine configuration:
// structure -> field -> type.
func types(kinds []string) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	describe(reflect.TypeFor[v1alpha1.Config](), found)

	for _, kind := range kinds {
		provider, err := configloader.NewFromBytes([]byte("apiVersion: v1alpha1\nkind: " + kind + "\nname: a\n"))
		if err != nil && strings.Contains(err.Error(), "unknown keys") {
			provider, err = configloader.NewFromBytes([]byte("apiVersion: v1alpha1\nkind: " + kind + "\n"))
		}

		if err != nil && strings.Contains(err.Error(), "not registered") {
			continue
		}

		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}

		for _, document := range provider.Documents() {
			name := describe(reflect.TypeOf(document), found)
			found["kind "+kind] = map[string]string{"": name}
		}
	}

	return found, nil
}

// describe returns how the type is written in the table, and adds the structures that it leads to.
func describe(of reflect.Type, found map[string]map[string]string) string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}

	name := strings.TrimPrefix(of.String(), "*")

	isListOfStructures := of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct

	if decodesItself(of) && !isListOfStructures {
		return "own " + name
	}

	if of == reflect.TypeFor[time.Duration]() {
		return "duration"
	}

	switch of.Kind() { //nolint:exhaustive
	case reflect.Struct:
		if isFree(of) {
			return "any"
		}

		if _, known := found[name]; !known {
			found[name] = map[string]string{}
			describeFields(of, found[name], found)
		}

		return name
	case reflect.Slice, reflect.Array:
		return "[" + describe(of.Elem(), found) + "]"
	case reflect.Map:
		return "{" + describe(of.Elem(), found) + "}"
	default:
		return of.Kind().String()
	}
}

func decodesItself(of reflect.Type) bool {
	_, has := reflect.PointerTo(of).MethodByName("UnmarshalYAML")

	return has || reflect.PointerTo(of).Implements(textual)
}

// isFree returns whether a structure takes all keys.
func isFree(of reflect.Type) bool {
	return of.NumField() == 1 && of.Field(0).Type.Kind() == reflect.Map && strings.Contains(of.Field(0).Tag.Get("yaml"), "inline")
}

func describeFields(of reflect.Type, fields map[string]string, found map[string]map[string]string) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")

		inner := field.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}

		switch {
		case strings.Contains(options, "inline") && inner.Kind() == reflect.Struct:
			describeFields(inner, fields, found)
		case field.IsExported() && name != "-" && name != "":
			fields[name] = describe(field.Type, found)
		}
	}
}
