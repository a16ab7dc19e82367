package feather

import "github.com/featherhq/feather-go/internal/json"

// Null returns the value of a pointer, slice or map type that is sent as null in the JSON of a
// request, where a nil leaves the field out. T is the type of the field, as in Null[*string]();
// the package comment has an example. It works in every part of a body: in objects, lists and
// unions. It returns the same value every time; do not write to it. Null panics if T is not a
// pointer, a slice or a map.
func Null[T any]() T { return json.Null[T]() }
