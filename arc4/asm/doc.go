// Package asm holds RC4 in assembly, at most one implementation an
// architecture. Arch names the one that was built in; where there is none, or
// the build tag purego asks for none, Arch is empty and State is portable Go.
//
// Callers check what package arc4 promises: keys are 1 to 256 bytes long, dst
// is as long as src, not empty, and the two overlap entirely or not at all.
package asm
