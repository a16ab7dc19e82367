// Package json is encoding/json with the values of a FastAPI service: it keeps numbers
// exact, reads Python's times, sends null on demand, and an empty list as [].
package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strings"
	"sync"
	"time"
)

// RawMessage is the type of encoding/json.
type RawMessage = json.RawMessage

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// Unmarshal is json.Unmarshal, but a number becomes a json.Number where the Go type is
// any, and times may be in Python's form.
func Unmarshal(data []byte, v any) error {
	err := unmarshal(data, v)
	if _, isTime := errors.AsType[*time.ParseError](err); isTime {
		return unmarshal(withTimes(data, reflect.TypeOf(v)), v)
	}
	return err
}

func unmarshal(data []byte, v any) error {
	if t := reflect.TypeOf(v); t != nil && !mayHoldAny(t) {
		return json.Unmarshal(data, v) // It takes less, and has no number to lose.
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end == io.EOF {
			return nil
		}
	}
	// The decoder says io.EOF of a text that is cut, as a broken response does.
	if syntax := json.Unmarshal(data, new(json.RawMessage)); syntax != nil {
		return syntax
	}
	return err
}

var anyHolders sync.Map // of types, whether they may hold a value of type any

func mayHoldAny(t reflect.Type) bool {
	if known, ok := anyHolders.Load(t); ok {
		return known.(bool)
	}
	holds := findAny(t, map[reflect.Type]bool{})
	anyHolders.Store(t, holds)
	return holds
}

func findAny(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return findAny(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if findAny(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// Mismatch says which part of data does not fit a type, as in "items[3].at is a string, not
// time.Time". It repeats no value of data.
func Mismatch(data []byte, t reflect.Type) string {
	if !json.Valid(data) {
		return "the body is not JSON"
	}
	path, part, t := mismatch("the body", data, t)
	return fmt.Sprintf("%s is %s, not %v", path, kindOf(part), t)
}

func mismatch(path string, data []byte, t reflect.Type) (string, []byte, reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	at := func(step string) string {
		if path == "the body" {
			return step
		}
		return path + "." + step
	}
	fits := func(part []byte, t reflect.Type) bool { return Unmarshal(part, reflect.New(t).Interface()) == nil }
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return path, data, t
	}
	switch t.Kind() {
	case reflect.Struct:
		members := object(data)
		for key, t := range typesOf(members, t) {
			if !fits(members[key], t) {
				return mismatch(at(key), members[key], t)
			}
		}
	case reflect.Map:
		for key, part := range object(data) {
			if !fits(part, t.Elem()) {
				return mismatch(at(key), part, t.Elem())
			}
		}
	case reflect.Slice:
		for i, part := range list(data) {
			if !fits(part, t.Elem()) {
				return mismatch(fmt.Sprintf("%s[%d]", path, i), part, t.Elem())
			}
		}
	}
	return path, data, t
}

// Missing yields the paths of the members that data lacks, or has as null, although t requires
// them: a field that is neither a pointer nor left out when it is empty.
func Missing(data []byte, t reflect.Type) iter.Seq[string] {
	return func(yield func(string) bool) { missing("", data, t, yield) }
}

func missing(path string, data []byte, t reflect.Type, yield func(string) bool) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct:
		members := object(data)
		for _, field := range fieldsOf(t) {
			part, ok := members[field.name]
			at := strings.TrimPrefix(path+"."+field.name, ".")
			isThere := ok && string(part) != "null"
			if members != nil && !isThere && !field.mayLack(ok) && !yield(at) || isThere && !missing(at, part, field.is, yield) {
				return false
			}
		}
	case reflect.Map:
		for key, part := range object(data) {
			if !missing(strings.TrimPrefix(path+"."+key, "."), part, t.Elem(), yield) {
				return false
			}
		}
	case reflect.Slice:
		for i, part := range list(data) {
			if !missing(fmt.Sprintf("%s[%d]", path, i), part, t.Elem(), yield) {
				return false
			}
		}
	}
	return true
}

// mayLack says whether a field allows its member to be absent, or null.
func (f field) mayLack(isNull bool) bool {
	allowsNull := f.is.Kind() == reflect.Pointer || f.is.Kind() == reflect.Interface || f.nullable
	return f.omitEmpty || f.omitZero || f.isHidden || f.embeds || isNull && allowsNull
}

func object(data []byte) (members map[string]RawMessage) {
	_ = json.Unmarshal(data, &members)
	return members
}

func list(data []byte) (items []RawMessage) {
	_ = json.Unmarshal(data, &items)
	return items
}

func kindOf(data []byte) string {
	switch data = bytes.TrimSpace(data); {
	case len(data) == 0:
		return "empty"
	case data[0] == '{':
		return "an object"
	case data[0] == '[':
		return "a list"
	case data[0] == '"':
		return "a string"
	case data[0] == 't', data[0] == 'f':
		return "a boolean"
	case data[0] == 'n':
		return "null"
	}
	return "a number"
}
