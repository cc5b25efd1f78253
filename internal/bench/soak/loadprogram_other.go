//go:build !linux

package soak

// loadProgram is for systems that tell what is resident.
func loadProgram() {}
