package json

import (
	"cmp"
	"iter"
	"reflect"
	"strings"
	"sync"
)

// field is what the tag of a struct's field says.
type field struct {
	index     int
	name      string // of the JSON member
	isHidden  bool   // it is not exported, or left out
	embeds    bool   // its own fields stand in its place
	omitEmpty bool
	omitZero  bool
	quoted    bool
	nullable  bool // a nil list or map is null, as the API document allows
	hasParts  bool // it may contain what encoding/json writes in another way
	is        reflect.Type
}

var fieldsByType sync.Map // []field

func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldsByType.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, hasTag := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		has := func(option string) bool { return strings.Contains(","+options+",", ","+option+",") }
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		embeds := f.Anonymous && !hasTag && inner.Kind() == reflect.Struct && !marshals(f.Type)
		fields = append(fields, field{
			index: i, name: cmp.Or(name, f.Name), is: f.Type,
			isHidden: !f.IsExported() && !embeds || tag == "-", embeds: embeds,
			omitEmpty: has("omitempty"), omitZero: has("omitzero"),
			quoted: has("string") && !hasParts(f.Type), nullable: f.Tag.Get("nullable") != "",
			hasParts: hasParts(f.Type),
		})
	}
	fieldsByType.Store(t, fields)
	return fields
}

// sent yields the fields of a struct that are written, as encoding/json has it, and those of
// the structs that it embeds.
func sent(v reflect.Value) iter.Seq2[field, reflect.Value] {
	return func(yield func(field, reflect.Value) bool) { eachSent(v, yield) }
}

func eachSent(v reflect.Value, yield func(field, reflect.Value) bool) bool {
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		switch {
		case f.embeds:
			if value = reflect.Indirect(value); value.IsValid() && !eachSent(value, yield) {
				return false
			}
		case f.isHidden, f.omitZero && isZero(value), f.omitEmpty && isEmpty(value):
		case !yield(f, value):
			return false
		}
	}
	return true
}

// Fields yields the names and values of a struct that are sent.
func Fields(body any) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		if v := reflect.Indirect(reflect.ValueOf(body)); v.Kind() == reflect.Struct {
			eachSent(v, func(f field, value reflect.Value) bool { return yield(f.name, value) })
		}
	}
}

// typesOf yields the members of an object that a struct has fields for, and their types. The
// names of fields may be in another case.
func typesOf(object map[string]RawMessage, t reflect.Type) iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) { eachType(object, t, yield) }
}

func eachType(object map[string]RawMessage, t reflect.Type, yield func(string, reflect.Type) bool) bool {
	for _, f := range fieldsOf(t) {
		if f.embeds {
			inner := f.is
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if !eachType(object, inner, yield) {
				return false
			}
			continue
		}
		for key := range object {
			if !f.isHidden && strings.EqualFold(key, f.name) && !yield(key, f.is) {
				return false
			}
		}
	}
	return true
}

func isZero(v reflect.Value) bool {
	isNil := v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && v.IsNil()
	if zero, ok := v.Interface().(interface{ IsZero() bool }); ok && !isNil {
		return zero.IsZero()
	}
	return v.IsZero()
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0 && !isNull(v)
	case reflect.String, reflect.Array:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
