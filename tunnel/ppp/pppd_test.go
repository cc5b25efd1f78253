package ppp

import (
	"bytes"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The frames of a call between pptp-linux and pptpd, pppd 2.4.9 at both ends,
// recorded on the wire.
const (
	pppdClientRequest = "ff03c0210101001801040578020600000000 05063c0a83c5 0702 0802"
	pppdServerRequest = "ff03c0210101001d01040578020600000000 0305c22381 0506ebe317d6 0702 0802"
	pppdServerAck     = "ff03c0210201001801040578020600000000 05063c0a83c5 0702 0802"
	pppdClientAck     = "ff03c0210201001d01040578020600000000 0305c22381 0506ebe317d6 0702 0802"
	pppdClientEcho    = "c021090000083c0a83c5"
	pppdServerEcho    = "c02109000008ebe317d6"
	pppdServerReply   = "c0210a000008ebe317d6"
	pppdClientReply   = "c0210a0000083c0a83c5"
	pppdChallenge     = "c223014d001f10 64559dad69f05cc3c2bcf0ff4860631f 6c61622d736572766572"
	pppdResponse      = "c223024d003931 9954d9369636c237aa12133372c71293 0000000000000000 7f06cf889cc4a70a56dfa0fda8cac5df936524e5ad6e3ea3 00 6c6162"
	pppdSuccess       = "c223034d003f 533d44464541423834323438433738444531354435443241333734343238373844324331383441413234 204d3d416363657373206772616e746564"
	pppdCCPRequest    = "80fd0101000a120601000040"
	pppdCCPAck        = "80fd0201000a120601000040"
	pppdServerIPCP    = "80210101000a03060a630001"
	pppdClientIPCP    = "80210101000a030600000000"
	pppdClientIPCPNak = "80210301000a03060a630064"
	pppdServerIPCPAck = "80210201000a03060a630001"
	pppdClientIPCP2   = "80210102000a03060a630064"
	pppdClientIPCPAck = "80210202000a03060a630064"
	pppdTerminate     = "ff03c0210502 0011 4d5050452064697361626c6564"

	pppdClientPing = "fd9000a0c84435edb897a540daafe41c87a417e303a48b0fd046b0440bff60b5b5fa90a1bcdf08256c894a12c8ffce0ccc576fed2d75cb10737b99f30394e89394838264b52692406cd51b129c72d81cd18277a2931eb3e28a"
	pppdServerPing = "fd9000cf50be94bb63858bbc0ee910f7a6c05d702bdecdb19827987637ebed2f7b3cc2f52260a82a714b2d5c2d8ab131abf227b1c4c495df38a92e481de7c06347aaeae075ac0a98cb58428470a955ce6bc4defcdb16fda04f"
)

// wire is the bytes of a recorded frame.
func wire(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	require.NoError(t, err)
	return b
}

// say gives the link a recorded frame.
func (s *script) say(frame string) { s.link.Input(s.now, wire(s.t, frame)) }

// sends checks that the next frame is a recorded one, with or without FF 03.
func (s *script) sends(frame string) {
	s.t.Helper()
	require.Less(s.t, s.next, len(s.frames), "no frame left")
	if _, p := parse(s.t, wire(s.t, frame)); p.code != codeConfigureRequest && s.isCopy(s.next) {
		s.next++
	}
	got, want := bytes.TrimPrefix(s.frames[s.next], []byte{0xFF, 3}), bytes.TrimPrefix(wire(s.t, frame), []byte{0xFF, 3})
	require.Equal(s.t, hex.EncodeToString(want), hex.EncodeToString(got))
	s.next++
}

// acknowledge accepts our LCP request, which differs from pppd's by the ACCM.
func (s *script) acknowledge() packet {
	ours := s.expect(ProtoLCP, codeConfigureRequest)
	s.in(ProtoLCP, codeConfigureAck, ours.id, ours.data)
	return ours
}

// decrypts checks that a recorded packet makes sense under a key.
func decrypts(t *testing.T, d Direction, frame string) {
	dec, err := mppe.NewDecrypter(mppe.Config{
		Key: d.Key, Strength: d.Strength, Stateless: d.Stateless, Plausible: mppe.PlausiblePPP(true, false),
	})
	require.NoError(t, err)
	_, err = dec.Decrypt(nil, wire(t, frame)[1:], 0)
	require.NoError(t, err)
}

func TestClientAgainstRecordedPppd(t *testing.T) {
	cfg := clientConfig()
	cfg.Password, cfg.RequestDNS, cfg.HeaderCompression = "lab-pass-1", false, true
	cfg.Rand = io.MultiReader(bytes.NewReader(wire(t, "3c0a83c5 9954d9369636c237aa12133372c71293")))
	s := newScript(t, cfg)
	ours := s.acknowledge()
	assert.Equal(t, wire(t, "01040578 05063c0a83c5 0702 0802"), ours.data, "pppd's request without the ACCM")
	s.say(pppdServerRequest)
	s.sends(pppdClientAck)
	s.say(pppdServerEcho)
	s.sends(pppdClientReply)
	s.say(pppdChallenge)
	s.sends(pppdResponse)
	s.say(pppdSuccess)
	s.sends(pppdCCPRequest)
	s.say(pppdCCPRequest)
	s.sends(pppdCCPAck)
	s.say(pppdServerIPCP) // early: CCP is not open here yet
	s.quiet()
	s.say(pppdCCPAck)
	s.sends(pppdClientIPCP)
	s.sends(pppdServerIPCPAck)
	s.say(pppdClientIPCPNak)
	s.sends(pppdClientIPCP2)
	s.say(pppdClientIPCPAck)
	up := only[NetworkUp](s.end)
	assert.Equal(t, NetworkUp{Local: clientAddr, Remote: serverAddr, SendMRU: 1400, PeerMagic: 0xEBE317D6, PFC: true, ACFC: true}, up)
	encryption := only[EncryptionUp](s.end)
	decrypts(t, encryption.Send, pppdClientPing)
	s.say(pppdTerminate)
	for range probes { // which pppd leaves unanswered, for it is not open any more
		s.expect(ProtoLCP, codeEchoRequest)
		s.wait(maxDoubt / probes)
	}
	s.wait(time.Millisecond)
	s.expect(ProtoLCP, codeTerminateAck)
	assert.Equal(t, `the peer closed the link: "MPPE disabled"`, only[Closing](s.end).Reason.Message)
}

func TestServerAgainstRecordedPppd(t *testing.T) {
	cfg := serverConfig()
	cfg.HeaderCompression = true
	cfg.Lookup = func(string) (Account, bool) { return Account{Password: "lab-pass-1"}, true }
	cfg.Rand = io.MultiReader(bytes.NewReader(wire(t, "ebe317d6 4d 64559dad69f05cc3c2bcf0ff4860631f")))
	s := newScript(t, cfg)
	ours := s.acknowledge()
	assert.Equal(t, wire(t, "01040578 0305c22381 0506ebe317d6 0702 0802"), ours.data, "pppd's request without the ACCM")
	s.say(pppdClientRequest)
	s.sends(pppdServerAck)
	s.sends(pppdChallenge)
	s.say(pppdClientEcho)
	s.sends(pppdServerReply)
	s.say(pppdResponse)
	success := s.expect(ProtoCHAP, chapSuccess)
	assert.Contains(t, string(success.data), "S=DFEAB84248C78DE15D5D2A37442878D2C184AA24 M=")
	s.sends(pppdCCPRequest)
	s.say(pppdCCPRequest)
	s.sends(pppdCCPAck)
	s.say(pppdCCPAck)
	s.sends(pppdServerIPCP)
	s.say(pppdClientIPCP)
	s.sends(pppdClientIPCPNak)
	s.say(pppdServerIPCPAck)
	s.say(pppdClientIPCP2)
	s.sends(pppdClientIPCPAck)
	assert.Equal(t, clientAddr, only[NetworkUp](s.end).Remote)
	encryption := only[EncryptionUp](s.end)
	decrypts(t, encryption.Recv, pppdClientPing)
	decrypts(t, encryption.Send, pppdServerPing)
}
