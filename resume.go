package feather

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/featherhq/feather-go/internal/oapi"
)

// maxSubscriptions is how many in a row may bring no event.
const maxSubscriptions = 5

// Resume yields the events of a stream, and subscribes again where it breaks or ends, as a
// browser's EventSource does (WHATWG HTML, section 9.2.3). subscribe makes the call. It gets the
// id of the last event, which is empty at first, and sends it in the header Last-Event-ID:
//
//	events := feather.Resume(ctx, func(lastEventID string) (*http.Response, error) {
//		return client.Request(ctx, "GET", path, nil,
//			feather.LastEventID(lastEventID), feather.RequireEvent("complete"))
//	})
//	for event, err := range events { … }
//
// Without RequireEvent, or a 204, the events never end. Use Resume only for a GET or another call
// without an effect, as each subscription is a call. If the server gives its events no ids, or
// cannot continue after one, they come again from the start. subscribe runs before each
// subscription, so reset there what the events add to.
//
// Only a text/event-stream is resumed. Another subscription follows if the connection cannot be
// made or breaks, if the server is silent for too long ([SilenceTimeout], [EventTimeout]), and if
// the stream ends, unless it ends with an event that [RequireEvent] requires. Before it Resume
// waits as long as the server's last retry field says, but at most a minute, or else 0.5 to 8
// seconds, longer each time, with jitter.
//
// The events end without an error after a 204, and after an event that RequireEvent requires.
// If Resume gives up, it yields a zero Event with an error, and stops. It gives up if the first
// call returns no stream, on any error not listed above, such as an [*APIError] or a
// [*StreamError], after 5 subscriptions in a row without an event, and when ctx ends. Each range
// begins with a first subscription.
func Resume(ctx context.Context, subscribe func(lastEventID string) (*http.Response, error)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		at := &place{}
		for fruitless := 1; ; fruitless++ {
			rsp, err := subscribe(at.lastID)
			goesOn, err := at.forward(ctx, rsp, err, func(event Event) bool {
				fruitless = 0
				return yield(event, nil)
			})
			switch {
			case err == nil && !goesOn:
				return
			case err != nil && !(at.isServerSent && mayResume(err)):
				yield(Event{}, prefixed(err))
				return
			case fruitless == maxSubscriptions:
				yield(Event{}, gaveUp(rsp, err))
				return
			}
			if !sleep(ctx, at.wait(fruitless)) {
				yield(Event{}, ended(ctx, rsp))
				return
			}
		}
	}
}

// forward yields the events of one subscription. goesOn is false after the last event of all.
func (p *place) forward(
	ctx context.Context, rsp *http.Response, err error, yield func(Event) bool,
) (goesOn bool, _ error) {
	if err != nil {
		return true, err
	}
	if rsp != nil && oapi.IsSuccess(rsp.StatusCode) {
		if rsp.StatusCode == http.StatusNoContent {
			closeBody(rsp.Body)
			return false, nil
		}
		if mediaType := oapi.MediaType(rsp.Header); mediaType != "text/event-stream" {
			closeBody(rsp.Body)
			return true, callOf(rsp.Request).failed(rsp,
				fmt.Sprintf("the content type is %q, not text/event-stream, so there is nothing to resume", mediaType))
		}
	}
	for event, err := range stream(rsp, nil, p) {
		if err != nil {
			return true, err
		}
		if contextError(ctx) != nil {
			return true, ended(ctx, rsp)
		}
		if !yield(event) || slices.Contains(callOf(rsp.Request).requiredEvents, event.Type) {
			return false, nil
		}
	}
	return true, nil
}

// ended is the error of the context of Resume.
func ended(ctx context.Context, rsp *http.Response) error {
	c := &call{}
	if rsp != nil {
		c = callOf(rsp.Request)
	}
	text, causes := endOf(ctx, nil)
	return &failure{text: c.clean(text), causes: causes}
}

// gaveUp is the error of the last subscription, if it ended with one.
func gaveUp(rsp *http.Response, last error) error {
	text := fmt.Sprintf("gave up after %d subscriptions without an event", maxSubscriptions)
	if f, ok := errors.AsType[*failure](last); ok {
		gaveUp := &failure{info: f.info, text: text + ": " + f.text + tried(f.tries), causes: []error{f}}
		gaveUp.hideNotSent() // Events have come.
		return gaveUp
	}
	call := callOf(rsp.Request)
	return &failure{info: call.info(rsp), text: text + "; the last stream ended in order"}
}

// mayResume is true of a connection that could not be made, or broke, and of a silent server.
func mayResume(err error) bool {
	ours, _ := errors.AsType[callError](err)
	f, ok := ours.(*failure)
	if !ok || errors.Is(f, context.Canceled) || errors.Is(f, context.DeadlineExceeded) {
		return false
	}
	isConnection := f.tries > 0 && !f.permanent
	return isConnection || errors.Is(f, io.ErrUnexpectedEOF) || errors.Is(f, os.ErrDeadlineExceeded)
}

func (p *place) wait(fruitless int) time.Duration {
	if p.hasRetry {
		return later(p.retry)
	}
	return backoff(max(fruitless, 1))
}

// LastEventID sets the header Last-Event-ID of one call, unless the id is empty or a header cannot
// carry it. Pass it as the last argument of a call that subscribes for [Resume].
func LastEventID(id string) RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		if id != "" && !strings.ContainsFunc(id, unicode.IsControl) {
			req.Header.Set("Last-Event-ID", id)
		}
		return nil
	}
}
