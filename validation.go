package feather

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/featherhq/feather-go/internal/json"
)

// ValidationError says what is wrong with one part of a request.
type ValidationError struct {
	// Loc leads to the part, from body, query, path, header or cookie on; see Path.
	Loc []LocationPart `json:"loc"`

	// Msg is for people; Type, such as missing or string_too_short, for programs.
	Msg  string `json:"msg"`
	Type string `json:"type"`

	// Input is what the request had there, and Ctx what the message was made from.
	// Both may be nil. A number in them is a json.Number, which keeps all its digits.
	Input any            `json:"input,omitempty"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

// LocationPart is one step of a location: the name of a member, or an index in a list.
type LocationPart struct {
	Name  string
	Index int // where Name is empty
}

// MarshalJSON writes a string or a number.
func (p LocationPart) MarshalJSON() ([]byte, error) {
	if p.Name != "" {
		return json.Marshal(p.Name)
	}
	return json.Marshal(p.Index)
}

// UnmarshalJSON reads a string or an integer. Anything else becomes a Name: its JSON.
func (p *LocationPart) UnmarshalJSON(data []byte) error {
	*p = LocationPart{}
	if bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, &p.Name)
	}
	if index, err := strconv.Atoi(string(data)); err == nil {
		p.Index = index
	} else {
		p.Name = string(data)
	}
	return nil
}

// String returns the name without quotes, or the index.
func (p LocationPart) String() string {
	if p.Name != "" {
		return p.Name
	}
	return strconv.Itoa(p.Index)
}

// ValidationErrors is the detail of a 422, as FastAPI sends it: an entry for each part of
// the request that is wrong. If the server sends a text instead, as FastAPI does for an
// HTTPException, there is one entry with the text as its Msg.
type ValidationErrors []ValidationError

// UnmarshalJSON accepts any JSON. A value that is neither null nor a list becomes one entry with
// the value as its Msg, and so does an item of the list that is not a validation error. A text is
// used as it is, any other value as its JSON.
func (v *ValidationErrors) UnmarshalJSON(data []byte) error {
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil {
		*v = ValidationErrors{{Msg: messageOf(data)}}
		return nil
	}
	*v = nil
	for _, item := range items {
		var entry ValidationError
		if json.Unmarshal(item, &entry) != nil || entry.Msg == "" && entry.Type == "" && entry.Loc == nil {
			entry = ValidationError{Msg: messageOf(item)}
		}
		*v = append(*v, entry)
	}
	return nil
}

func messageOf(data []byte) string {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	return text
}

// String returns the entries in one line, as path: message, separated by semicolons.
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

// Path returns Loc as it would be written in code: body.items[3].name.
func (v ValidationError) Path() string {
	path := ""
	for _, part := range v.Loc {
		if part.Name != "" {
			path += "." + part.Name
		} else {
			path += fmt.Sprintf("[%d]", part.Index)
		}
	}
	return strings.TrimPrefix(path, ".")
}
