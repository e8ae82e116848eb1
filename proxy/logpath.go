package proxy

import "bytes"

// withoutToken is a path as the access log may have it: the sessions system's endpoints take a token in the path
// (facts/sessions.md, 1.6 to 1.8), and whoever reads one in a log is that shopper. It ends with the slash that stood
// before the token, so that the line still tells which endpoint it was. It is a view of path, whoever answers it: an
// origin's own sessions system has tokens too.
func withoutToken(path []byte) []byte {
	for _, endpoint := range [...]string{"/api/sessions/", "/api/segments/"} {
		if i := bytes.Index(path, []byte(endpoint)); i >= 0 {
			path = path[:i+len(endpoint)]
		}
	}
	return path
}
