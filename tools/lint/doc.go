// Package lint holds the module to rules that no compiler knows: files that comments name exist,
// and comments are not too wide. It consists of tests.
package lint
