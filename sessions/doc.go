// Package sessions keeps the state of each shopper behind the vtex_session
// cookie, derives from it the segment that many shoppers share, and serves
// both as the public session manager does (shared facts on the sessions system).
package sessions
