package feather

import (
	"iter"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/featherhq/feather-go/internal/oapi"
)

// Pages yields the pages of a list, one call after another. It takes a function that makes the call
// for one page, and works for every operation whose response has next_cursor:
//
//	params := &feather.ListThingsParams{}
//	pages := feather.Pages(func(cursor *string) (*feather.ListThingsResponse, error) {
//		params.Cursor = cursor // nil for the first page
//		return client.ListThingsWithResponse(ctx, params)
//	})
//	for page, err := range pages {
//		if err != nil {
//			return err
//		}
//		… page.JSON200.Items …
//	}
//
// The last page has no next_cursor, or says "has_more": false. An error of the call is
// yielded as it is, with a zero page, and is the last thing yielded; so is the error for
// a cursor that the server has sent before, with which the pages would never end. Each
// range begins with the first page.
func Pages[Page interface{ bytes() []byte }](fetch func(cursor *string) (Page, error)) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		var cursor *string
		for seen := map[string]bool{}; ; {
			page, err := fetch(cursor)
			if err == nil && oapi.IsNil(page) {
				err = failf("neither a page nor an error; a mock of the client must return one of them")
			}
			var next string
			if err == nil {
				if !yield(page, nil) {
					return
				}
				next, err = nextCursor(page.bytes())
			}
			if seen[next] {
				err = failf("the list sent a cursor twice, so its pages would never end")
			}
			if err != nil {
				yield(*new(Page), err)
			}
			if err != nil || next == "" {
				return
			}
			seen[next], cursor = true, &next
		}
	}
}

// nextCursor returns "" after the last page.
func nextCursor(body []byte) (string, error) {
	var page struct {
		NextCursor string `json:"next_cursor"`
		HasMore    *bool  `json:"has_more"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return "", failf("reading the cursor of the next page: %w", err)
	}
	if page.HasMore != nil && !*page.HasMore {
		return "", nil
	}
	return page.NextCursor, nil
}
