package feather

// For the tests of package feather_test.
var RetryAfter = retryAfter
