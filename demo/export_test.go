package demo

// Money lets tests see how prices are written.
func Money(cents int64, symbol, culture string) string { return money(cents, symbol, culture) }
