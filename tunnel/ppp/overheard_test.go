package ppp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOverhear(t *testing.T) {
	mppe := appendMPPE(nil, mppe128|mppeStateless)
	response := strings.Repeat("r", 49)
	for name, c := range map[string]struct {
		proto uint16
		info  []byte
		want  Overheard
	}{
		"a request":                 {ProtoCCP, appendPacket(nil, 1, 7, mppe), Overheard{OverheardConfigureRequest, 7, mppe, ""}},
		"an acknowledgment":         {ProtoCCP, append(appendPacket(nil, 2, 7, mppe), 0, 0), Overheard{OverheardConfigureAck, 7, mppe, ""}},
		"a rejection":               {ProtoLCP, appendPacket(nil, 4, 1, nil), Overheard{OverheardConfigureOther, 1, []byte{}, ""}},
		"an end":                    {ProtoIPCP, appendPacket(nil, 5, 1, nil), Overheard{OverheardTerminate, 1, []byte{}, ""}},
		"a reset":                   {ProtoCCP, appendPacket(nil, 14, 2, nil), Overheard{OverheardResetRequest, 2, []byte{}, ""}},
		"an answer to a reset":      {ProtoCCP, appendPacket(nil, 15, 2, nil), Overheard{OverheardResetAck, 2, []byte{}, ""}},
		"a reset of LCP":            {ProtoLCP, appendPacket(nil, 14, 2, nil), Overheard{OverheardNothing, 2, []byte{}, ""}},
		"options that do not hold":  {ProtoCCP, appendPacket(nil, 1, 7, []byte{18, 9}), Overheard{OverheardNothing, 7, []byte{18, 9}, ""}},
		"a challenge":               {ProtoCHAP, appendPacket(nil, 1, 3, []byte("\x04abcdserver")), Overheard{OverheardChallenge, 3, []byte("abcd"), "server"}},
		"a response":                {ProtoCHAP, appendPacket(nil, 2, 3, []byte("\x31"+response+"alice")), Overheard{OverheardResponse, 3, []byte(response), "alice"}},
		"a success":                 {ProtoCHAP, appendPacket(nil, 3, 3, []byte("S=")), Overheard{OverheardSuccess, 3, []byte("S="), ""}},
		"a failure":                 {ProtoCHAP, appendPacket(nil, 4, 3, []byte("E=691")), Overheard{OverheardFailure, 3, []byte("E=691"), ""}},
		"PAP":                       {ProtoPAP, appendPacket(nil, 1, 3, []byte("\x05alice\x06secret")), Overheard{OverheardPAPRequest, 3, nil, "alice"}},
		"a length that is too long": {ProtoCHAP, []byte{1, 1, 0, 99}, Overheard{}},
		"another protocol":          {ProtoEAP + 2, appendPacket(nil, 1, 3, nil), Overheard{OverheardNothing, 3, []byte{}, ""}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Overhear(c.proto, c.info)) })
	}
}

func TestOverheardOptions(t *testing.T) {
	for name, c := range map[string]struct {
		bits      uint32
		strength  int
		stateless bool
		ok        bool
	}{
		"128 stateless": {mppe128 | mppeStateless, 128, true, true},
		"56 stateful":   {mppe56, 56, false, true},
		"40 and MPPC":   {mppe40 | mppeMPPC, 40, false, true},
		"several":       {mppe128 | mppe40 | mppeStateless, 128, true, false},
		"none":          {mppeStateless, 0, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			strength, stateless, ok := MPPEOf(appendMPPE(nil, c.bits))
			assert.Equal(t, c.strength, strength)
			assert.Equal(t, c.stateless, stateless)
			assert.Equal(t, c.ok, ok)
		})
	}
	_, _, ok := MPPEOf(appendOption(nil, 1, nil))
	assert.False(t, ok)
	assert.Equal(t, "MS-CHAPv1", AuthOf(appendOption(nil, lcpOptAuth, []byte{0xC2, 0x23, 0x80})))
	assert.Empty(t, AuthOf(nil))
}
