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
	switch indirect(t) {
	case reflect.TypeFor[time.Time]():
		return rfc3339(data)
	case reflect.TypeFor[types.Date]():
		return moment.ReplaceAll(data, []byte(`"$1"`))
	}
	parts := partsOf(data, t)
	if len(parts) == 0 { // It is null, of another kind than t, or read by t itself.
		return data
	}
	members, items := object(data), list(data)
	for i, part := range parts {
		switch rewritten := withTimes(part.data, part.is); {
		case items != nil:
			items[i] = rewritten
		case part.data != nil:
			members[part.key] = rewritten
		}
	}
	var whole any = members
	if items != nil {
		whole = items
	}
	if rewritten, err := json.Marshal(whole); err == nil {
		return rewritten
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
