// Package cputime tells how long processors have worked, for a thread and for the process. It says
// more than wall time where others use the machine too. Package speed divides by the first, package
// internal/bench/scale by the second.
package cputime
