package transform

import "strings"

// FoldEmail is the form in which e-mails are compared: A to Z in lower case, without ASCII space around it. Servers that tell
// these cases apart are a thing of RFC 5321 alone. Other letters stay: Unicode has some whose lower case is in ASCII, as the Kelvin
// sign, by which another address would be taken for a customer's.
func FoldEmail(text string) string {
	folded := []byte(strings.Trim(text, " \t\r\n"))
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}
