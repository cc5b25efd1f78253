//go:build !linux

package main

func raiseCapabilities() {}
