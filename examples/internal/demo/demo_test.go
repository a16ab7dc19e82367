package demo

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/google/uuid"
)

func reply(end error, events ...feather.Event) iter.Seq2[feather.Event, error] {
	return func(yield func(feather.Event, error) bool) {
		for _, event := range events {
			if !yield(event, nil) {
				return
			}
		}
		if end != nil {
			yield(feather.Event{}, end)
		}
	}
}

func TestPrintShowsWords(t *testing.T) {
	delta := func(data string) feather.Event { return feather.Event{Type: "delta", Data: data} }
	complete := func(data string) feather.Event { return feather.Event{Type: "complete", Data: data} }
	tests := []struct {
		name   string
		events []feather.Event
		end    error
		out    string
		notice string
	}{
		{
			name:   "piece by piece, and not again in complete",
			events: []feather.Event{delta(`{"text":"It "}`), delta(`{"text":"is."}`), complete(`{"text":"It is."}`)},
			out:    "It is.\n",
		},
		{
			name:   "only in complete",
			events: []feather.Event{complete(`{"turn": {"content": [{"text": "It "}, {"text": "is."}]}}`)},
			out:    "It is.\n",
		},
		{
			name:   "a line that breaks off ends before the error",
			events: []feather.Event{delta("It ")},
			end:    errors.New("broken off"),
			out:    "It \n",
		},
		{
			name:   "events without a name",
			events: []feather.Event{{Data: "It "}, {Data: "is."}},
			out:    "It is.\n",
		},
		{
			name: "another event with words",
			events: []feather.Event{
				delta("Wait"),
				{Type: "requires_approval", Data: `{"message": "Refund 20?"}`},
				delta("Done"),
			},
			out:    "Wait\nDone\n",
			notice: "[requires_approval] Refund 20?\n",
		},
		{
			name:   "an event without words",
			events: []feather.Event{{Type: "usage", Data: `{"tokens": 3}`}, {Data: `{"a": 1}`}, complete(`{"id": 7}`)},
			notice: "[usage: 13 bytes without words]\n[an event: 8 bytes without words]\n[complete: 9 bytes without words]\n",
		},
		{
			name: "control characters",
			events: []feather.Event{delta("\x1b[2J\x1b]0;title\aclear\r\n\u202eevil\u009b\ttab"),
				{Type: "a\x1b", Data: "b\x1b"}},
			out:    "�[2J�]0;title�clear\n�evil�\ttab\n",
			notice: "[a�] b�\n",
		},
		{
			name: "a notice of two lines, and characters that nobody sees",
			events: []feather.Event{{Type: "note\n[x]", Data: "a\n[error] forged"},
				delta("a\u200b\u2060b\u2028c\U000e0041d\ufeffe")},
			out:    "ab�cde\n",
			notice: "[note [x]] a [error] forged\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, notice bytes.Buffer
			err := Print(&out, &notice, reply(tt.end, tt.events...))
			if err != tt.end || out.String() != tt.out || notice.String() != tt.notice {
				t.Errorf("out %q, notice %q, error %v; want %q, %q, %v", &out, &notice, err, tt.out, tt.notice, tt.end)
			}
		})
	}
}

func TestSessionID(t *testing.T) {
	for text, want := range map[string]uuid.UUID{"": uuid.Nil, "0190a5b4-0000-7000-8000-000000000001": uuid.MustParse("0190a5b4-0000-7000-8000-000000000001")} {
		if got, err := SessionID(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := SessionID("abc"); err == nil || !strings.Contains(err.Error(), `"abc" is not a UUID`) {
		t.Errorf("error %v", err)
	}
}
