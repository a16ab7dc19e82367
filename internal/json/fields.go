package json

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// field is what the tag of a struct's field says. The fields of an embedded struct stand in
// its place.
type field struct {
	index     []int
	name      string // of the JSON member
	omitEmpty bool
	omitZero  bool
	quoted    bool
	nullable  bool // a nil list or map is null, as the API document allows
	is        reflect.Type
}

var fieldsByType sync.Map // []field

func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldsByType.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	embeds := map[string]bool{"[]": true} // by index
	for _, f := range reflect.VisibleFields(t) {
		tag, hasTag := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		has := func(option string) bool { return strings.Contains(","+options+",", ","+option+",") }
		isPromoted := embeds[fmt.Sprint(f.Index[:len(f.Index)-1])]
		isEmbedded := f.Anonymous && indirect(f.Type).Kind() == reflect.Struct
		switch {
		case isPromoted && isEmbedded && !hasTag && !marshals(f.Type):
			embeds[fmt.Sprint(f.Index)] = true
		case isPromoted && (f.IsExported() || isEmbedded) && tag != "-":
			fields = append(fields, field{
				index: f.Index, name: cmp.Or(name, f.Name), is: f.Type,
				omitEmpty: has("omitempty"), omitZero: has("omitzero"),
				quoted: has("string") && isSimple(indirect(f.Type)), nullable: f.Tag.Get("nullable") != "",
			})
		}
	}
	isShadowed := func(f field) bool {
		isOuter := func(g field) bool { return g.name == f.name && len(g.index) < len(f.index) }
		return slices.ContainsFunc(fields, isOuter)
	}
	fields = slices.DeleteFunc(slices.Clone(fields), isShadowed)
	fieldsByType.Store(t, fields)
	return fields
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// sent yields the fields of a struct that are written, as encoding/json has it.
func sent(v reflect.Value) iter.Seq2[field, reflect.Value] {
	return func(yield func(field, reflect.Value) bool) {
		if v.Kind() != reflect.Struct {
			return
		}
		for _, f := range fieldsOf(v.Type()) {
			value, err := v.FieldByIndexErr(f.index) // fails in an embedded pointer that is nil
			isLeftOut := err != nil || f.omitZero && isZero(value) || f.omitEmpty && isEmpty(value)
			if !isLeftOut && !yield(f, value) {
				return
			}
		}
	}
}

// Fields yields the names and values of a struct that are sent.
func Fields(body any) iter.Seq2[string, reflect.Value] {
	fields := sent(reflect.Indirect(reflect.ValueOf(body)))
	return func(yield func(string, reflect.Value) bool) {
		fields(func(f field, value reflect.Value) bool { return yield(f.name, value) })
	}
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
	case reflect.Slice, reflect.Map, reflect.String, reflect.Array:
		return v.Len() == 0 && !isNull(v)
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
