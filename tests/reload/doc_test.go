// Package reload_test has real processes reload and replace each other, under load and one by one.
package reload_test
