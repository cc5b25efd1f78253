package ppp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckOptions(t *testing.T) {
	for name, c := range map[string]struct {
		in  []byte
		err error
	}{
		"empty":             {nil, nil},
		"one":               {[]byte{1, 4, 5, 0x78}, nil},
		"no value":          {[]byte{7, 2}, nil},
		"length 0":          {[]byte{7, 0}, errOptionShort},
		"length 1":          {[]byte{7, 1, 0}, errOptionShort},
		"overlong":          {[]byte{7, 3}, errOptionOverlong},
		"a type alone":      {[]byte{7}, errOptionOverlong},
		"rest after a good": {[]byte{7, 2, 8}, errOptionOverlong},
		"255 of them":       {bytes.Repeat([]byte{200, 2}, 255), nil},
		"the longest":       {append([]byte{9, 255}, make([]byte, 253)...), nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorIs(t, checkOptions(c.in), c.err)
		})
	}
}

func TestSublist(t *testing.T) {
	whole := []byte{1, 4, 5, 0x78, 5, 6, 1, 2, 3, 4, 7, 2}
	for name, c := range map[string]struct {
		part []byte
		want bool
	}{
		"first":          {whole[:4], true},
		"middle":         {whole[4:10], true},
		"all":            {whole, true},
		"nothing":        {nil, false},
		"other value":    {[]byte{1, 4, 5, 0x79}, false},
		"other order":    {[]byte{7, 2, 1, 4, 5, 0x78}, false},
		"one too many":   {append(bytes.Clone(whole), 8, 2), false},
		"the same twice": {[]byte{7, 2, 7, 2}, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, sublist(c.part, whole)) })
	}
}

func FuzzOptions(f *testing.F) {
	f.Add([]byte{1, 4, 5, 0x78, 2, 6, 0, 0, 0, 0, 3, 5, 0xC2, 0x23, 0x81, 5, 6, 1, 2, 3, 4, 7, 2, 8, 2})
	f.Add([]byte{18, 6, 1, 0, 0, 0x40})
	f.Add([]byte{18, 6, 0, 0, 0, 0})
	f.Add([]byte{3, 6, 10, 0, 0, 1, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0})
	f.Add([]byte{1, 10, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{7, 0})
	f.Add(bytes.Repeat([]byte{200, 2}, 255))
	f.Fuzz(func(t *testing.T, list []byte) {
		if checkOptions(list) != nil {
			return
		}
		var copied []byte
		eachOption(list, func(o option) { copied = appendOption(copied, o.typ, o.value) })
		require.Equal(t, string(list), string(copied))
		for _, server := range []bool{false, true} {
			cfg := clientConfig()
			if server {
				cfg = serverConfig()
			}
			cfg.IPv6 = true
			for _, noNak := range []bool{false, true} {
				e := newEnd(t, cfg, 3)
				for _, l := range []layer{e.link.lcp, e.link.ccp, e.link.ipcp, e.link.ipv6cp} {
					e.link.ipcp.servers.begin(&e.link.cfg)
					v := verdict{noNak: noNak}
					l.answer(list, &v)
					require.NoError(t, checkOptions(v.naked))
					require.True(t, len(v.rejected) == 0 || sublist(v.rejected, list), "a rejection is a part of the request")
					l.naked(list)
					l.rejected(list)
					require.NoError(t, checkOptions(l.request()))
				}
			}
		}
	})
}
