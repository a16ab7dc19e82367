package json

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/oapi-codegen/runtime/types"
)

// layouts are what Python's isoformat and str write. RFC 3339 wants a T, seconds and an offset.
var layouts = []string{
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07", time.DateOnly,
}

// withTimes writes the times in data as RFC 3339 does, and only where t has a time: a
// text that looks like one stays.
func withTimes(data []byte, t reflect.Type) []byte {
	switch indirect(t) {
	case reflect.TypeFor[time.Time]():
		return inLayout(time.RFC3339Nano, data)
	case reflect.TypeFor[types.Date]():
		return inLayout(time.DateOnly, data)
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
	if data, _ = json.Marshal(members); items != nil { // The parts are JSON, so there is no error.
		data, _ = json.Marshal(items)
	}
	return data
}

// inLayout takes a time without an offset as UTC.
func inLayout(layout string, data []byte) []byte {
	text := strings.ToUpper(strings.Trim(string(data), `"`))
	text = strings.Replace(strings.Replace(text, " ", "T", 1), " ", "", 1)
	for _, known := range layouts {
		if at, err := time.Parse(known, text); err == nil {
			return []byte(`"` + at.Format(layout) + `"`)
		}
	}
	return data
}
