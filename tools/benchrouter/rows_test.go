package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	find := func(f figures, what string) verdict {
		for _, v := range judge(f) {
			if v.What == what {
				return v
			}
		}
		require.Fail(t, "no such row", what)
		return verdict{}
	}
	const kernel, memory = "tunnel, both ways, of the kernel's PPTP", "memory of connect under load on 64 MB, MB"
	for _, c := range []struct {
		name, what string
		figures    figures
		shown      string
		reached    bool
	}{
		{"the lower way counts", kernel, figures{"arc4-down": {50}, "kernel-down": {40}, "arc4-up": {36}, "kernel-up": {40}}, "0.90", false},
		{"the median of the rounds' ratios", kernel, figures{"arc4-down": {50, 100, 5}, "kernel-down": {40, 80, 10}, "arc4-up": {50}, "kernel-up": {40}}, "1.25", true},
		{"one way alone", kernel, figures{"arc4-down": {50}, "kernel-down": {40}}, "-", false},
		{"as much as allowed", memory, figures{"64-connect": {12000}}, "12.0", true},
		{"more", memory, figures{"64-connect": {12100}}, "12.1", false},
		{"of two machines", "connect alone on 48 MB, both ways, of 64 MB", figures{"alone-48-down": {49}, "alone-64-down": {88}, "alone-48-up": {36}, "alone-64-up": {54}}, "0.56", true},
		{"not measured", memory, nil, "-", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := find(c.figures, c.what)
			assert.Equal(t, c.shown, v.Shown)
			assert.Equal(t, c.reached, v.Reached)
			assert.Equal(t, c.shown == "-", v.Measured == nil)
		})
	}
}
