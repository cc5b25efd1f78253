// Package house has the tests that hold the structure of the repository: which package may import
// which, what other programs may call, and that what comments name is there.
package house
