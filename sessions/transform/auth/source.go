package auth

import "context"

// source gives the keys as they are now.
type source interface {
	// keys gives the set to verify by, or why there is none. It waits for a first one, no longer than ctx.
	keys(ctx context.Context) (*KeySet, error)
	// renewed gives a set that was loaded later than the one that keys gave, for a token whose key is not in it; nil
	// where none can be had now.
	renewed(ctx context.Context, old *KeySet) *KeySet
	close()
}

// Load tells of keys that were loaded, or why the ones of before stay.
type Load struct {
	From     string // the file, or the URL without its password and query
	Keys     int    // that tokens are verified by
	Passed   int    // that were passed over: of a type, algorithm or use which is not ours, or unusable
	Unusable error  // the unusable ones of a URL: their places and why, and nothing of them; in a file they are an Err
	Err      error  // holds nothing of the keys
}
