// Package memory knows how much memory a machine has for this process, and how much of it the parts
// of a tunnel may hold.
//
// What decides is the machine's memory and the limits of the control groups that the process is in
// ([Read]). From them, or from what the user asked for, comes a [Plan]: small or normal. The
// [Sizes] of both are in one table, and so is what a server's session takes ([SessionBytes]).
package memory
