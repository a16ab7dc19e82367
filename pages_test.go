package feather_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

// page is a response wrapper, as the generated ones are.
type page struct{ feather.Response }

func TestPages(t *testing.T) {
	errBroken := errors.New("broken")
	tests := []struct {
		name    string
		bodies  map[string]string // by cursor; a missing one is errBroken
		want    []string          // the cursors that were asked for
		wantErr string
	}{
		{
			name:   "one page",
			bodies: map[string]string{"": `{"items": [], "has_more": false, "next_cursor": null}`},
			want:   []string{""},
		},
		{
			name: "three pages",
			bodies: map[string]string{
				"":  `{"next_cursor": "a"}`,
				"a": `{"next_cursor": "b", "has_more": true}`,
				"b": `{}`,
			},
			want: []string{"", "a", "b"},
		},
		{
			name:   "a cursor after the last page",
			bodies: map[string]string{"": `{"next_cursor": "a", "has_more": false}`},
			want:   []string{""},
		},
		{
			name:   "an empty cursor",
			bodies: map[string]string{"": `{"next_cursor": "", "has_more": true}`},
			want:   []string{""},
		},
		{
			name: "a cursor that repeats",
			bodies: map[string]string{
				"":  `{"next_cursor": "a"}`,
				"a": `{"next_cursor": "b"}`,
				"b": `{"next_cursor": "a"}`,
			},
			want:    []string{"", "a", "b"},
			wantErr: `feather: the list sent a cursor twice`,
		},
		{
			name:    "an error on the way",
			bodies:  map[string]string{"": `{"next_cursor": "a"}`},
			want:    []string{"", "a"},
			wantErr: "broken",
		},
		{
			name:    "a body that is no page",
			bodies:  map[string]string{"": `[]`},
			want:    []string{""},
			wantErr: "feather: reading the cursor of the next page: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			pages := feather.Pages(func(cursor *string) (*page, error) {
				at := ""
				if cursor != nil {
					at = *cursor
				}
				asked = append(asked, at)
				body, ok := tt.bodies[at]
				if !ok {
					return nil, errBroken
				}
				return &page{feather.Response{Body: []byte(body)}}, nil
			})
			for range 2 { // Each range begins again.
				asked = nil
				var last error
				for got, err := range pages {
					if last = err; (got == nil) != (err != nil) {
						t.Errorf("page %v with error %v", got, err)
					}
				}
				if !slices.Equal(asked, tt.want) {
					t.Errorf("cursors %q, want %q", asked, tt.want)
				}
				if (last == nil) != (tt.wantErr == "") || last != nil && !strings.HasPrefix(last.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", last, tt.wantErr)
				}
			}
			asked = nil
			for range pages {
				break
			}
			if len(asked) != 1 {
				t.Errorf("a loop that is left asked for %q", asked)
			}
		})
	}
}

func TestPagesOfAMockThatReturnsNothing(t *testing.T) {
	for _, err := range feather.Pages(func(*string) (*page, error) { return nil, nil }) {
		if err == nil || !strings.Contains(err.Error(), "neither a page nor an error") {
			t.Errorf("error %v", err)
		}
	}
}
