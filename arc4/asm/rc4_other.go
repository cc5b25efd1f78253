//go:build purego || !(amd64 || arm || arm64 || mips || mipsle)

package asm

func backends() []Backend { return nil }
