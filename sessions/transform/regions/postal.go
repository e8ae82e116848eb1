package regions

import "fmt"

const (
	maxDigits = 18 // of a postal code, so that it fits a uint64. The longest in use have 10.
	zipPlus4  = 9  // digits of a ZIP code with its building
)

// code is a postal code: its digits as a number, and how many they are, or 01310 would be 1310.
type code struct {
	number uint64
	digits int
}

// String gives the digits, leading zeros included.
func (c code) String() string { return fmt.Sprintf("%0*d", c.digits, c.number) }

// parseCode reads a postal code of digits; "-", "." and blanks between them count for nothing. ok is false for all else.
func parseCode(country, text string) (c code, ok bool) {
	for i := range len(text) {
		switch b := text[i]; {
		case b >= '0' && b <= '9':
			if c.digits == maxDigits {
				return code{}, false
			}
			c.number = c.number*10 + uint64(b-'0')
			c.digits++
		case b == '-' || b == '.' || b == ' ':
		default:
			return code{}, false
		}
	}
	// The last four of a ZIP+4 are a building's, and browsers fill them in.
	if country == "USA" && c.digits == zipPlus4 {
		c = code{c.number / 1e4, 5}
	}
	return c, c.digits > 0
}
