package regions

// Matches says whether an escaped path is one of the endpoints.
func Matches(escaped string) bool {
	e, _ := parsePath(escaped)
	return e != noEndpoint
}
