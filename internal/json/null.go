package json

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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
		return reflect.MakeSlice(t, 1, 1).Slice3(0, 0, 0).Interface() // with its own address, and no room
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
func Marshal(v any) ([]byte, error) { return encode(reflect.ValueOf(v)) }

// marshals is true of a type that writes itself.
func marshals(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(marshaler) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
	}
	return false
}

// isSimple is true of a type that has no parts.
func isSimple(t reflect.Type) bool {
	return t.Kind() <= reflect.Complex128 || t.Kind() == reflect.String
}

func encode(v reflect.Value) ([]byte, error) {
	if !v.IsValid() || isNull(v) {
		return []byte("null"), nil
	}
	switch t := v.Type(); {
	case v.Kind() == reflect.Interface, v.Kind() == reflect.Pointer && !marshals(t):
		return encode(v.Elem())
	case isSimple(t) || marshals(t):
	case v.Kind() == reflect.Struct:
		return encodeStruct(v)
	case v.Kind() == reflect.Map:
		return encodeMap(v)
	case v.Kind() == reflect.Slice && v.IsNil() && t.Elem().Kind() == reflect.Uint8:
		return []byte(`""`), nil
	case v.Kind() == reflect.Slice && (v.IsNil() || !isSimple(t.Elem())), v.Kind() == reflect.Array:
		return encodeList(v)
	}
	if v.CanAddr() {
		v = v.Addr() // It may have the method that writes it.
	}
	return json.Marshal(v.Interface())
}

func encodeStruct(v reflect.Value) ([]byte, error) {
	var members [][]byte
	for field, value := range sent(v) {
		isList := value.Kind() == reflect.Slice || value.Kind() == reflect.Map
		if field.nullable && isList && value.IsNil() {
			value = reflect.Value{}
		}
		data, err := encode(value)
		if err == nil && field.quoted && string(data) != "null" {
			data, err = json.Marshal(string(data))
		}
		if err != nil {
			return nil, err
		}
		name, _ := json.Marshal(field.name) // a text always has JSON
		members = append(members, slices.Concat(name, []byte(":"), data))
	}
	return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), nil
}

func encodeList(v reflect.Value) ([]byte, error) {
	items := make([][]byte, v.Len())
	for i := range items {
		data, err := encode(v.Index(i))
		if err != nil {
			return nil, err
		}
		items[i] = data
	}
	return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]")), nil
}

// encodeMap leaves the keys to encoding/json.
func encodeMap(v reflect.Value) ([]byte, error) {
	encoded := reflect.MakeMap(reflect.MapOf(v.Type().Key(), reflect.TypeFor[RawMessage]()))
	for key, value := range v.Seq2() {
		data, err := encode(value)
		if err != nil {
			return nil, err
		}
		encoded.SetMapIndex(key, reflect.ValueOf(RawMessage(data)))
	}
	return json.Marshal(encoded.Interface())
}
