package usleep

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The instructions of Go 1.26.8, as they lie in memory, and mended ones.
var (
	faulty32 = []uint32{
		0xafbfffe0, 0x27bdffe0, 0xafbf0000, 0x8fa30024, 0x00032825, 0x3c04000f, 0x34844240, 0x0064001b, 0x00001812, 0xafa30018,
		0x240403e8, 0x00830019, 0x00002012, 0x00a42823, 0xafa5001c, 0x27a40018, 0x00002825, 0x24021046, 0x0000000c,
	}
	mended32 = []uint32{
		0xafbfffe0, 0x27bdffe0, 0xafbf0000, 0x8fa30024, 0x00032825, 0x3c04000f, 0x34844240, 0x0064001b, 0x00001812, 0xafa30018,
		0x3c04000f, 0x34844240, 0x00830019, 0x00002012, 0x00a42823, 0x240403e8, 0x00a40019, 0x00002812, 0xafa5001c,
		0x27a40018, 0x00002825, 0x24021046, 0x0000000c,
	}
	faulty64 = []uint32{
		0xffbfffe8, 0x63bdffe8, 0xffbf0000, 0x9fa30020, 0x00032825, 0x3c04000f, 0x34844240, 0x0064001f, 0x00001812, 0xffa30008,
		0x640403e8, 0x0083001d, 0x00002012, 0x00a4282f, 0xffa50010, 0x63a40008, 0x00002804, 0x640213aa, 0x0000000c,
	}
	mended64 = []uint32{
		0x0064001f, 0x00001812, 0xffa30008, 0x3c04000f, 0x34844240, 0x0083001d, 0x00002012, 0x00a4282f,
		0x640403e8, 0x00a4001d, 0x00002812, 0xffa50010, 0x63a40008, 0x00002804, 0x640213aa, 0x0000000c,
	}
	// The fault behind the system call is another function's.
	behind = append([]uint32{0x640213aa, 0x0000000c}, faulty32...)
)

func TestIsFaulty(t *testing.T) {
	for _, test := range []struct {
		name string
		code []uint32
		want bool
	}{
		{"32 bits as it is in Go", faulty32, true},
		{"32 bits mended", mended32, false},
		{"64 bits as it is in Go", faulty64, true},
		{"64 bits mended", mended64, false},
		{"cut off", faulty32[:13], false},
		{"behind the system call", behind, false},
		{"nothing", nil, false},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, isFaulty(test.code)) })
	}
}
