package feather

// For the tests of package feather_test.
var (
	NewTransport = newTransport
	RetryAfter   = retryAfter
)
