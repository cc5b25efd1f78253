//go:build !purego

package asm

func backends() []Backend {
	return []Backend{
		{Name: "amd64", NewStream: func() Stream { return new(words) }},
	}
}
