// Package transform derives the namespaces of a session from what a shopper
// says and proves: the engine that runs apps in rounds to a fixed point, the apps over
// HTTP, and those that come with aisle.
//
// # Rounds
//
// A round calls every app whose inputs are not those of its last call, all at once, on one snapshot
// of the session; then it merges the replies in the order of the configuration. What the replies changed is
// what the next round starts from. The rounds end when nothing is left to call. Two apps that write
// one key are allowed: the later one in the order of the configuration wins within a round, and the later round
// wins over the earlier; Engine.Overlaps lists such keys.
//
// Rounds that do not come to rest are cut at Options.Rounds. The keys that still
// changed, and all that apps made of them, become empty, and Result.Loop names them: a value that the
// apps do not agree on is nobody's right.
//
// # Failures
//
// A failed call (an error, a panic, a timeout, a reply that cannot be read) never grants more than its
// success could have. The app's last outputs are those of other inputs; they stay where the
// session still has what they were made from, and are cleared where it has not:
//
//   - An input was cleared: the outputs are cleared. The shopper logged out, or took back what they said.
//   - An input by which a shopper is known has another value: the outputs are cleared, or the next
//     customer at this browser would have the price tables of the last. These are the inputs of every namespace but
//     public, and public.storeUserEmail and public.vtex-impersonated-customer-email.
//   - Another public input has another value, or any input was added: the outputs stay. The shopper
//     could have had them anyway, by saying again what they said before, or by proving less.
//   - Nothing changed (a refresh): the outputs stay.
//
// Cleared are the keys that this app gave, not those that it might have given, nor a
// value that the caller wrote in the very same change. The app is due at the next request, whatever that changes.
// An app whose output takes something away from a shopper must be written so that
// absence is the narrowest: a new session without it looks the same.
//
// # Refusals
//
// A refusal counts once the rounds have come to rest, and if it is the app's last word: who asks
// for a private channel and logs in by the same request is a stranger to the store app in the first round only. Nothing of such
// a Run is to be stored. Another one without the Values has what the Cookies show all the same.
package transform
