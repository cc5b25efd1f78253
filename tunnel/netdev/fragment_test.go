package netdev

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// datagram is an IPv4 packet with these options and flags, and data that tells its bytes apart.
func datagram(options []byte, flags uint16, size int) []byte {
	p := make([]byte, 20+len(options)+size)
	p[0] = 4<<4 | byte((20+len(options))/4)
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	binary.BigEndian.PutUint16(p[4:], 0xBEEF)
	binary.BigEndian.PutUint16(p[6:], flags)
	p[8], p[9] = 61, 17
	copy(p[12:], []byte{192, 0, 2, 9, 10, 99, 0, 100})
	copy(p[20:], options)
	for i := range size {
		p[20+len(options)+i] = byte(i ^ i>>8)
	}
	binary.BigEndian.PutUint16(p[10:], ^ippkt.Fold(ippkt.Sum(0, p[:20+len(options)])))
	return p
}

func fragments(f Fragments) (all [][]byte) {
	for {
		b := make([]byte, f.mtu)
		n := f.Next(b)
		if n == 0 {
			return all
		}
		all = append(all, b[:n])
	}
}

// shape is a fragment in words: header and data, where the data belong, and whether others follow.
func shape(p []byte) string {
	flags := binary.BigEndian.Uint16(p[6:])
	header := int(p[0]&15) * 4
	s := fmt.Sprintf("%d+%d at %d", header, len(p)-header, int(flags&ippkt.FragmentOffset)*8)
	if flags&ippkt.MoreFragments != 0 {
		s += " more"
	}
	return s
}

func TestFragment(t *testing.T) {
	// An option that is copied (loose source route), one that is not (record route), and padding.
	options := []byte{0x83, 7, 4, 192, 0, 2, 1, 7, 7, 4, 0, 0, 0, 0, 1, 0}
	for _, tc := range []struct {
		name   string
		packet []byte
		mtu    int
		want   []string // nil: not allowed
	}{
		{"a ping of 1300 to a client that takes 996", datagram(nil, 0, 1280), 996, []string{"20+976 at 0 more", "20+304 at 976"}},
		{"an MTU that is no multiple of eight", datagram(nil, 0, 1300), 1001, []string{"20+976 at 0 more", "20+324 at 976"}},
		{"one byte over", datagram(nil, 0, 977), 996, []string{"20+976 at 0 more", "20+1 at 976"}},
		{"many", datagram(nil, 0, 200), 68, []string{"20+48 at 0 more", "20+48 at 48 more", "20+48 at 96 more", "20+48 at 144 more", "20+8 at 192"}},
		{"a middle fragment", datagram(nil, ippkt.MoreFragments|123, 1376), 996, []string{"20+976 at 984 more", "20+400 at 1960 more"}},
		{"the last fragment", datagram(nil, 123, 1380), 996, []string{"20+976 at 984 more", "20+404 at 1960"}},
		{"options", datagram(options, 0, 1000), 596, []string{"36+560 at 0 more", "28+440 at 560"}},
		{"options that are not sound", datagram([]byte{0x83, 9, 0, 0}, 0, 100), 76, []string{"24+48 at 0 more", "20+52 at 48"}},
		{"what fits", datagram(nil, 0, 100), 996, []string{"20+100 at 0"}},
		{"Don't Fragment", datagram(nil, ippkt.DontFragment, 1280), 996, nil},
		{"Don't Fragment on a fragment", datagram(nil, ippkt.DontFragment|ippkt.MoreFragments, 1280), 996, nil},
		{"no room for eight bytes", datagram(nil, 0, 1280), 27, nil},
		{"longer than any datagram", datagram(nil, 8190, 1280), 996, nil},
		{"IPv6", packet6(segment(0, nil, make([]byte, 1000))), 996, nil},
		{"a header cut off", datagram(nil, 0, 1280)[:19], 996, nil},
		{"data cut off", datagram(nil, 0, 1280)[:1000], 996, nil},
		{"nothing", nil, 996, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := bytes.Clone(tc.packet)
			f, ok := Fragment(tc.packet, tc.mtu)
			require.Equal(t, tc.want != nil, ok)
			var got []string
			for _, p := range fragments(f) {
				got = append(got, shape(p))
				requireFragmentOf(t, before, p)
			}
			assert.Equal(t, tc.want, got)
			assert.Equal(t, before, tc.packet)
		})
	}
}

// requireFragmentOf holds a fragment's header and data to those of the whole.
func requireFragmentOf(t *testing.T, whole, p []byte) {
	t.Helper()
	header, wholeHeader := int(p[0]&15)*4, int(whole[0]&15)*4
	require.Equal(t, len(p), int(binary.BigEndian.Uint16(p[2:])))
	require.Equal(t, uint16(0xFFFF), ippkt.Fold(ippkt.Sum(0, p[:header])), "the header's checksum")
	require.Equal(t, whole[4:6], p[4:6], "the ID")
	require.Equal(t, whole[8:10], p[8:10], "TTL and protocol")
	require.Equal(t, whole[12:20], p[12:20], "the addresses")
	at := (int(binary.BigEndian.Uint16(p[6:])&ippkt.FragmentOffset) - int(binary.BigEndian.Uint16(whole[6:])&ippkt.FragmentOffset)) * 8
	require.Equal(t, whole[wholeHeader:][at:at+len(p)-header], p[header:], "the data")
}

func TestFragmentDoesNotAllocate(t *testing.T) {
	p, b := datagram(nil, 0, 1380), make([]byte, 996)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		f, _ := Fragment(p, 996)
		for f.Next(b) > 0 {
		}
	}))
}

func FuzzFragment(f *testing.F) {
	f.Add(datagram(nil, 0, 1280), 996)
	f.Add(datagram([]byte{0x83, 7, 4, 192, 0, 2, 1, 1}, ippkt.MoreFragments|3, 500), 68)
	f.Add(datagram([]byte{0x83, 1, 0x83, 9}, 0, 99), 76)
	f.Fuzz(func(t *testing.T, p []byte, mtu int) {
		mtu = min(max(mtu, 0), 1500)
		begun, ok := Fragment(p, mtu)
		if !ok {
			return
		}
		header, total, _ := ipv4Lengths(p)
		carried := 0
		all := fragments(begun)
		for i, one := range all {
			require.LessOrEqual(t, len(one), mtu)
			requireFragmentOf(t, p[:total], one)
			last := i == len(all)-1
			more := binary.BigEndian.Uint16(one[6:])&ippkt.MoreFragments != 0
			require.Equal(t, !last || binary.BigEndian.Uint16(p[6:])&ippkt.MoreFragments != 0, more)
			data := len(one) - int(one[0]&15)*4
			require.True(t, last || data%8 == 0)
			carried += data
		}
		require.Equal(t, total-header, carried)
	})
}
