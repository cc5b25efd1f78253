// Package bugreport makes an archive of what somebody needs to know who looks for a fault, without
// the secrets of who has it: Secrets are taken out by their values, wherever they stand and however
// they are written, so that a place that nobody thought of has none either.
package bugreport
