package json

import (
	"encoding/json"
	"reflect"
	"regexp"
	"time"

	"github.com/oapi-codegen/runtime/types"
)

// moment is what Python's isoformat and str write. RFC 3339 wants a T, seconds and an
// offset.
var moment = regexp.MustCompile(
	`^"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d)(:\d\d)?(:\d\d(?:\.\d+)?)? ?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?)?"$`)

// withTimes writes the times in data as RFC 3339 does, and only where t has a time: a
// text that looks like one stays.
func withTimes(data []byte, t reflect.Type) []byte {
	switch {
	case t.Kind() == reflect.Pointer:
		return withTimes(data, t.Elem())
	case t == reflect.TypeFor[time.Time]():
		return rfc3339(data)
	case t == reflect.TypeFor[types.Date]():
		return moment.ReplaceAll(data, []byte(`"$1"`))
	case reflect.PointerTo(t).Implements(unmarshaler):
		return data // It calls Unmarshal for its parts.
	}
	switch t.Kind() {
	case reflect.Struct:
		whole := object(data)
		for key, t := range typesOf(whole, t) {
			whole[key] = withTimes(whole[key], t)
		}
		return rewritten(data, whole, whole == nil)
	case reflect.Map:
		whole := object(data)
		for key, part := range whole {
			whole[key] = withTimes(part, t.Elem())
		}
		return rewritten(data, whole, whole == nil)
	case reflect.Slice, reflect.Array:
		items := list(data)
		for i, part := range items {
			items[i] = withTimes(part, t.Elem())
		}
		return rewritten(data, items, items == nil)
	}
	return data
}

// rewritten keeps data that is null, or of another kind than its type.
func rewritten(data []byte, parts any, isOther bool) []byte {
	if whole, err := json.Marshal(parts); err == nil && !isOther {
		return whole
	}
	return data
}

// rfc3339 takes a time without an offset as UTC.
func rfc3339(data []byte) []byte {
	part := moment.FindSubmatch(data)
	if part == nil {
		return data
	}
	or := func(text []byte, otherwise string) string {
		if len(text) == 0 {
			return otherwise
		}
		return string(text)
	}
	offset := "Z"
	if len(part[6]) > 0 {
		offset = string(part[6]) + ":" + or(part[7], "00")
	}
	at := or(part[2], "00") + or(part[3], ":00") + or(part[4], ":00")
	return []byte(`"` + string(part[1]) + "T" + at + offset + `"`)
}
