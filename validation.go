package feather

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ValidationErrors is FastAPI's detail of a 422: an entry for each part of the
// request that is wrong. Where the server sends a text in its place, as FastAPI
// does for an HTTPException, there is one entry with that text as its Msg.
type ValidationErrors []ValidationError

// UnmarshalJSON accepts every JSON value. What is neither null nor a list of
// validation errors becomes the Msg of one entry: a text as it is, any other
// value as its JSON.
func (v *ValidationErrors) UnmarshalJSON(data []byte) error {
	var entries []ValidationError
	if json.Unmarshal(data, &entries) == nil {
		*v = entries
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*v = ValidationErrors{{Msg: text}}
	return nil
}

// String returns the entries in one line, as path: message, with a semicolon
// between them.
func (v ValidationErrors) String() string {
	entries := make([]string, len(v))
	for i, entry := range v {
		entries[i] = entry.Msg
		if path := entry.Path(); path != "" {
			entries[i] = path + ": " + entry.Msg
		}
	}
	return strings.Join(entries, "; ")
}

// Path returns Loc as one writes it in code: body.items[3].name.
func (v ValidationError) Path() string {
	var path strings.Builder
	for _, part := range v.Loc {
		name, err := part.AsValidationErrorLoc0()
		switch {
		case err != nil:
			fmt.Fprintf(&path, "[%s]", part)
		case path.Len() > 0:
			path.WriteString("." + name)
		default:
			path.WriteString(name)
		}
	}
	return path.String()
}

// String returns the name of a member without its quotes, or the index in a
// list.
func (t LocationPart) String() string {
	if name, err := t.AsValidationErrorLoc0(); err == nil {
		return name
	}
	return string(t.union)
}
