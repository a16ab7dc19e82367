// Package json is encoding/json with the values of a FastAPI service: it keeps numbers
// exact, reads Python's times, sends null on demand, and an empty list as [].
package json

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
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
	if !json.Valid(data) {
		return json.Unmarshal(data, v) // A decoder says io.EOF of a text that is cut, and stops before a second one.
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// Mismatch says which part of data does not fit a type, as in "items[3].at is a string, not
// time.Time". It repeats no value of data.
func Mismatch(data []byte, t reflect.Type) string {
	if !json.Valid(data) {
		return "the body is not JSON"
	}
	path, data, t := mismatch("", data, t)
	if path = strings.TrimPrefix(path, "."); path == "" || path[0] == '[' {
		path = "the body" + path
	}
	return fmt.Sprintf("%s is %s, not %v", path, cmp.Or(kinds[bytes.TrimSpace(data)[0]], "a number"), t)
}

func mismatch(path string, data []byte, t reflect.Type) (string, []byte, reflect.Type) {
	for _, part := range partsOf(data, t) {
		if part.data != nil && Unmarshal(part.data, reflect.New(part.is).Interface()) != nil {
			return mismatch(path+part.step, part.data, part.is)
		}
	}
	return path, data, indirect(t)
}

// Missing yields the paths of the members that data lacks, or has as null, although t requires
// them: a field that is neither a pointer nor left out when it is empty.
func Missing(data []byte, t reflect.Type) iter.Seq[string] {
	return func(yield func(string) bool) { missing("", data, t, yield) }
}

func missing(path string, data []byte, t reflect.Type, yield func(string) bool) bool {
	for _, part := range partsOf(data, t) {
		at := path + part.step
		isThere := part.data != nil && string(part.data) != "null"
		if !isThere && !part.mayLack(part.data != nil) && !yield(strings.TrimPrefix(at, ".")) {
			return false
		}
		if isThere && !missing(at, part.data, part.is, yield) {
			return false
		}
	}
	return true
}

// part is what an object has for a field, or an item of a map or a list.
type part struct {
	step string     // to the part: .name or [3]
	key  string     // in an object
	data RawMessage // nil for a member that is absent
	field
}

// partsOf takes an object or a list apart as t does, unless t reads itself. The names of fields
// may be in another case.
func partsOf(data []byte, t reflect.Type) (parts []part) {
	t = indirect(t)
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	members := object(data)
	switch t.Kind() {
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			isThere := false
			for key, member := range members {
				if strings.EqualFold(key, f.name) {
					parts, isThere = append(parts, part{"." + key, key, member, f}), true
				}
			}
			if members != nil && !isThere {
				parts = append(parts, part{step: "." + f.name, field: f})
			}
		}
	case reflect.Map:
		for key, member := range members {
			parts = append(parts, part{"." + key, key, member, field{is: t.Elem(), omitEmpty: true}})
		}
	case reflect.Slice, reflect.Array:
		for i, item := range list(data) {
			parts = append(parts, part{fmt.Sprintf("[%d]", i), "", item, field{is: t.Elem(), omitEmpty: true}})
		}
	}
	return parts
}

// mayLack says whether a field allows its member to be absent, or null.
func (f field) mayLack(isNull bool) bool {
	allowsNull := f.is.Kind() == reflect.Pointer || f.is.Kind() == reflect.Interface || f.nullable
	return f.omitEmpty || f.omitZero || isNull && allowsNull
}

func object(data []byte) (members map[string]RawMessage) {
	_ = json.Unmarshal(data, &members)
	return members
}

func list(data []byte) (items []RawMessage) {
	_ = json.Unmarshal(data, &items)
	return items
}

var kinds = map[byte]string{
	'{': "an object", '[': "a list", '"': "a string", 't': "a boolean", 'f': "a boolean", 'n': "null",
}
