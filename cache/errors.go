package cache

import "errors"

var (
	errNobodyReads = errors.New("the body outgrew max_object and nobody reads it any more")
	errFellBehind  = errors.New("the reader fell behind what is kept of a body larger than max_object")
	errPanicked    = errors.New("the fetch panicked")
	errDeadline    = errors.New("no answer before the request's deadline")
	errClosed      = errors.New("the engine was closed")
	errUnasked     = errors.New("a status that was not asked for")
)
