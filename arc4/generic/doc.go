// Package generic holds the portable RC4 implementations. They differ in the
// shape of their state and in how many bytes they handle at a time, never in
// their output.
//
// Callers check what package arc4 promises: keys are 1 to 256 bytes long, dst
// is as long as src, and the two overlap entirely or not at all.
package generic
