//go:build purego || !(amd64 || mipsle)

package asm

func backends() []Backend { return nil }
