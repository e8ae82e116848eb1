// Package scenarios tells what an operator or a shopper sees of the real binary, a story per .txtar file: scripted
// origin, edge, requests, and what is to be seen in answers, metrics and logs. A file's name is a letter for its
// theme and two digits: a anonymous pages, b bad input, c cookies and segments, d debugging, f failures, o operation,
// p purges. Nothing in a scenario waits for a clock.
package scenarios
