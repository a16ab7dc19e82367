package json

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

// nulls has the value that Null returns, by its type.
var nulls sync.Map

// Null returns the one value of a pointer, slice or map type that Marshal writes as null.
// It panics for other types.
func Null[T any]() T {
	t := reflect.TypeFor[T]()
	made, ok := nulls.Load(t)
	if !ok {
		made, _ = nulls.LoadOrStore(t, newNull(t))
	}
	return made.(T)
}

func newNull(t reflect.Type) any {
	switch t.Kind() {
	case reflect.Slice:
		return reflect.MakeSlice(t, 1, 1).Slice3(0, 0, 0).Interface() // with an address of its own, and no room
	case reflect.Map:
		return reflect.MakeMap(t).Interface()
	case reflect.Pointer:
		// With the byte, two values without a size have two addresses.
		padded := reflect.StructOf([]reflect.StructField{
			{Name: "Value", Type: t.Elem()}, {Name: "Padding", Type: reflect.TypeFor[byte]()},
		})
		return reflect.New(padded).Elem().Field(0).Addr().Convert(t).Interface()
	}
	panic(fmt.Sprintf("feather: Null[%v]: only a pointer, a slice or a map can be null", t))
}

func isNull(v reflect.Value) bool {
	null, ok := nulls.Load(v.Type())
	return ok && reflect.ValueOf(null).UnsafePointer() == v.UnsafePointer()
}

// Marshal is json.Marshal, but writes null for what Null returned, and [] or {} for a nil
// list or map, unless the tag of its field says nullable.
func Marshal(v any) ([]byte, error) {
	value := reflect.ValueOf(v)
	if !value.IsValid() || !isSpecial(value, 0) {
		return json.Marshal(v)
	}
	return encode(value, 0)
}

// maxDepth is far above any document, and far below what the stack takes.
const maxDepth = 1_000

// isSpecial is true of a value that json.Marshal would write in another way. A value that contains
// itself is left to json.Marshal, which returns an error.
func isSpecial(v reflect.Value, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && (isNull(v) || !marshals(v.Type()) && isSpecial(v.Elem(), depth+1))
	case reflect.Interface:
		return !v.IsNil() && isSpecial(v.Elem(), depth+1)
	}
	if marshals(v.Type()) {
		return false
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && (v.IsNil() || isNull(v)) {
			return true
		}
		for i := 0; i < v.Len() && hasParts(v.Type().Elem()); i++ {
			if isSpecial(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		if v.IsNil() || isNull(v) {
			return true
		}
		for _, value := range v.Seq2() {
			if isSpecial(value, depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for field, value := range sent(v) {
			if field.hasParts && isSpecial(value, depth+1) && !field.staysNull(value) {
				return true
			}
		}
	}
	return false
}

// marshals is true of a type that writes itself.
func marshals(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(marshaler) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
	}
	return false
}

func hasParts(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return true
	}
	return false
}

// staysNull is true of a nil list or map for which the API document allows null.
func (f field) staysNull(v reflect.Value) bool {
	return f.nullable && (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil()
}

func encode(v reflect.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errors.New("a value contains itself, or is nested too deeply")
	}
	if !isSpecial(v, depth) {
		return json.Marshal(v.Interface())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if isNull(v) {
			return []byte("null"), nil
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return encode(v.Elem(), depth+1)
	case reflect.Struct:
		return encodeStruct(v, depth)
	case reflect.Map:
		return encodeMap(v, depth)
	}
	if v.Kind() == reflect.Slice && v.IsNil() && v.Type().Elem().Kind() == reflect.Uint8 {
		return []byte(`""`), nil
	}
	return join("[", v.Len(), func(i int) (string, reflect.Value) { return "", v.Index(i) }, "]", depth)
}

func encodeStruct(v reflect.Value, depth int) ([]byte, error) {
	var names []string
	var values []reflect.Value
	for field, value := range sent(v) {
		if field.staysNull(value) {
			value = reflect.ValueOf(RawMessage("null"))
		} else if field.quoted {
			data, err := json.Marshal(value.Interface())
			if err != nil {
				return nil, err
			}
			value = reflect.ValueOf(string(data))
		}
		names, values = append(names, field.name), append(values, value)
	}
	return join("{", len(names), func(i int) (string, reflect.Value) { return names[i], values[i] }, "}", depth)
}

// encodeMap leaves the keys to encoding/json.
func encodeMap(v reflect.Value, depth int) ([]byte, error) {
	encoded := reflect.MakeMap(reflect.MapOf(v.Type().Key(), reflect.TypeFor[RawMessage]()))
	for key, value := range v.Seq2() {
		data, err := encode(value, depth+1)
		if err != nil {
			return nil, err
		}
		encoded.SetMapIndex(key, reflect.ValueOf(RawMessage(data)))
	}
	return json.Marshal(encoded.Interface())
}

// join writes n parts; those of an object have a name.
func join(start string, n int, part func(int) (string, reflect.Value), end string, depth int) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(start)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		name, value := part(i)
		if start == "{" {
			quoted, err := json.Marshal(name)
			if err != nil {
				return nil, err
			}
			out.Write(append(quoted, ':'))
		}
		data, err := encode(value, depth+1)
		if err != nil {
			return nil, err
		}
		out.Write(data)
	}
	out.WriteString(end)
	return out.Bytes(), nil
}
