// Package auth is the transform that knows a shopper, and an operator, by the JWT in their log-in cookie.
//
// # Which token counts
//
// A token counts if a key of the set signed it, by the one algorithm of that key's kty (oct: HS256, RSA: RS256, EC on
// P-256: ES256) whatever the token's own header says; if its account is ours, its issuer the configured one, and its
// time has come and is not over. `audience` (or `aud`) parts the two roles: a token for "admin" counts in the
// operator's cookie alone, every other in the shopper's alone. So no shopper becomes an operator by renaming a cookie,
// though one identity provider signs for both with one key. Of several tokens of a role the first that counts does, in
// the order of the cookies' names. Eight tokens of a call are verified; of more, those that by their own claims would count come
// first.
//
// # Logging out
//
// Every output is written at each call, and the app is called at every request (Spec.Refresh): a cookie that is gone, a
// token that has expired since, a key that was taken out of the set each log out at the next call of /api/sessions.
//
// # Failures
//
// A token that does not count is no failure: it proves nothing, and the outputs are empty. A failure is only that there are
// no keys at all, because the URL has not answered yet or not for URLOptions.Keep. The shopper's last outputs then stay
// while their cookies are the same, as the Engine has it; but where a token has expired, which can be seen without any
// key, they are empty.
package auth
