// Package asm holds RC4 in assembly. Each architecture's files list what they
// have, and say which of it the processor at hand can run; see [Backends].
//
// Callers check what package arc4 promises: keys are 1 to 256 bytes long, dst
// is as long as src, not empty, and the two overlap entirely or not at all.
package asm
