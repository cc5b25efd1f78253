// Package recording makes captures of PPTP calls for tests: both ends are this module's own PPP
// links and MPPE encrypters, and the wire between them is a list of packets.
package recording

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Packet is an IP packet of the capture.
type Packet struct {
	At time.Time
	IP []byte
	// Data reports whether it carries a packet of Call.Send.
	Data bool
}

// Recording is what was captured so far, a millisecond between two packets.
type Recording struct {
	Packets []Packet
	Now     time.Time
	random  io.Reader
	ids     uint16
}

// New makes an empty recording, whose random numbers come of the seed.
func New(seed uint64) *Recording {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	return &Recording{Now: time.Unix(1_700_000_000, 0).UTC(), random: rand.NewChaCha8(key)}
}

// Options are how a call is.
type Options struct {
	Client, Server     netip.Addr // 192.0.2.2 and 192.0.2.1 if not valid
	ClientID, ServerID uint16     // the IDs by which each has its packets
	User, Password     string
	Auth               ppp.AuthMethod // MSCHAPv2 if 0
	MPPE               ppp.MPPEPolicy
	LinuxReset         bool // stateful, as Linux does it
	// ServerPassword is what the server takes for the user's; empty: Password.
	ServerPassword string
	// FirstSequence is that of both ends' GRE packets.
	FirstSequence uint32
	// NoControl leaves the control connection out, Incoming has the server call.
	NoControl, Incoming bool
}

// Call is one that goes on. Directions are 0, from the client, and 1, from the server.
type Call struct {
	rec   *Recording
	opt   Options
	links [2]*ppp.Link
	enc   [2]*mppe.Encrypter
	seq   [2]uint32
	queue []frame
	// Sent are the packets that each has sent.
	Sent [2][][]byte
	// Up reports whether both ends have a network, Failed whether the login was refused.
	Up     [2]bool
	Failed bool
}

type frame struct {
	from int
	data []byte
}

// Dial records the beginning of a call: the control connection, the login, encryption, addresses.
func (r *Recording) Dial(opt Options) (*Call, error) {
	if !opt.Client.IsValid() {
		opt.Client, opt.Server = netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.1")
	}
	if opt.Auth == 0 {
		opt.Auth = ppp.MSCHAPv2
	}
	if opt.ServerPassword == "" {
		opt.ServerPassword = opt.Password
	}
	c := &Call{rec: r, opt: opt, seq: [2]uint32{opt.FirstSequence, opt.FirstSequence}}
	if !opt.NoControl {
		c.control()
	}
	return c, c.Relink()
}

// Relink has both ends begin anew on the same call: LCP, a login, encryption.
func (c *Call) Relink() error {
	c.Up, c.enc = [2]bool{}, [2]*mppe.Encrypter{}
	for end := range 2 {
		cfg := ppp.Config{
			Server: end == 1, Auth: []ppp.AuthMethod{c.opt.Auth}, MPPE: c.opt.MPPE, Rand: c.rec.random,
			User: c.opt.User, Password: c.opt.Password,
			Send:  func(data []byte) { c.queue = append(c.queue, frame{end, bytes.Clone(data)}) },
			Event: func(e ppp.Event) { c.event(end, e) },
		}
		if end == 1 {
			cfg.User, cfg.Password = "", ""
			cfg.Lookup = func(string) (ppp.Account, bool) { return ppp.Account{Password: c.opt.ServerPassword}, true }
			cfg.Assign = func(string) (netip.Addr, netip.Addr, error) {
				return netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.100"), nil
			}
		}
		link, err := ppp.New(cfg)
		if err != nil {
			return err
		}
		c.links[end] = link
	}
	for _, l := range c.links {
		l.Open(c.rec.Now)
	}
	c.pump()
	if !c.Failed && c.Up != [2]bool{true, true} {
		return fmt.Errorf("recording: the links did not come up: %v", c.Up)
	}
	return nil
}

// pump takes frames to and fro until nobody has anything to say.
func (c *Call) pump() {
	for n := 0; len(c.queue) > 0 && n < 1000; n++ {
		f := c.queue[0]
		c.queue = c.queue[1:]
		c.Frame(f.from, f.data)
		c.links[1-f.from].Input(c.rec.Now, f.data)
	}
}

func (c *Call) event(end int, e ppp.Event) {
	switch e := e.(type) {
	case ppp.EncryptionUp:
		c.enc[end], _ = mppe.NewEncrypter(mppe.Config{Key: e.Send.Key, Strength: e.Send.Strength, Stateless: e.Send.Stateless, LinuxReset: c.opt.LinuxReset})
	case ppp.NetworkUp:
		c.Up[end] = true
	case ppp.AuthFailed:
		c.Failed = true
	}
}

// Send records an IP packet in the tunnel, encrypted if the call is.
func (c *Call) Send(from int, ip []byte) {
	c.Sent[from] = append(c.Sent[from], bytes.Clone(ip))
	plain := append([]byte{0, byte(ppp.ProtoIPv4)}, ip...)
	if ip[0]>>4 == 6 {
		plain[1] = byte(ppp.ProtoIPv6)
	}
	data := append([]byte{0xFF, 0x03}, plain...)
	if e := c.enc[from]; e != nil {
		data = e.Encrypt([]byte{0xFF, 0x03, 0, byte(ppp.ProtoCompressed)}, plain)
	}
	c.Frame(from, data)
	c.rec.Packets[len(c.rec.Packets)-1].Data = true
}

// Reset answers a Reset-Request of the other end, which is not recorded: the next packet begins
// with new tables.
func (c *Call) Reset(from int) { c.enc[from].Reset() }

// Frame records a PPP frame in a GRE packet.
func (c *Call) Frame(from int, data []byte) {
	id := c.opt.ServerID
	if from == 1 {
		id = c.opt.ClientID
	}
	h := gre.Header{CallID: id, PayloadLen: uint16(len(data)), HasSeq: true, Seq: c.seq[from]}
	if other := c.seq[1-from]; other != c.opt.FirstSequence {
		h.HasAck, h.Ack = true, other-1
	}
	c.seq[from]++
	c.rec.ip(c.ends(from), ippkt.GRE, append(h.AppendTo(nil), data...))
}

// ends are the outer addresses of who sends and who receives.
func (c *Call) ends(from int) [2]netip.Addr {
	if from == 1 {
		return [2]netip.Addr{c.opt.Server, c.opt.Client}
	}
	return [2]netip.Addr{c.opt.Client, c.opt.Server}
}

// ip records an IP packet.
func (r *Recording) ip(ends [2]netip.Addr, protocol byte, body []byte) {
	r.ids++
	p := IPv4(ends[0], ends[1], protocol, r.ids, body)
	r.Now = r.Now.Add(time.Millisecond)
	r.Packets = append(r.Packets, Packet{At: r.Now, IP: p})
}

// IPv4 makes a packet.
func IPv4(from, to netip.Addr, protocol byte, id uint16, body []byte) []byte {
	p := make([]byte, ippkt.IPv4Len, ippkt.IPv4Len+len(body))
	ippkt.IPv4Header{From: from, To: to, Protocol: protocol, ID: id}.Put(p, len(body))
	return append(p, body...)
}

// control records the control connection.
func (c *Call) control() {
	clientPort, serverPort := uint16(40000+c.opt.ClientID%20000), uint16(1723)
	caller, called, id, peerID := 0, 1, c.opt.ClientID, c.opt.ServerID
	segment := func(from int, seq, ack uint32, flags byte, data []byte) {
		b := binary.BigEndian.AppendUint16(nil, [2]uint16{clientPort, serverPort}[from])
		b = binary.BigEndian.AppendUint16(b, [2]uint16{serverPort, clientPort}[from])
		b = binary.BigEndian.AppendUint32(b, seq)
		b = binary.BigEndian.AppendUint32(b, ack)
		b = append(b, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0)
		c.rec.ip(c.ends(from), ippkt.TCP, append(b, data...))
	}
	const syn, ack, push = ippkt.FlagSYN, ippkt.FlagACK, ippkt.FlagPSH | ippkt.FlagACK
	seq := [2]uint32{0xFFFFFFF0, 7000}
	segment(0, seq[0], 0, syn, nil)
	seq[0]++
	segment(1, seq[1], seq[0], syn|ack, nil)
	seq[1]++
	say := func(from int, m control.Message) {
		data := m.AppendTo(nil)
		segment(from, seq[from], seq[1-from], push, data)
		seq[from] += uint32(len(data))
	}
	say(0, control.StartRequest{Version: control.Version})
	say(1, control.StartReply{Version: control.Version, Result: control.StartOK})
	if c.opt.Incoming {
		// The one that asks for the call is the PAC, and the server here.
		say(called, control.IncomingCallRequest{CallID: peerID})
		say(caller, control.IncomingCallReply{CallID: id, PeerCallID: peerID, Result: control.IncomingConnect})
		say(called, control.IncomingCallConnected{PeerCallID: id})
		return
	}
	say(caller, control.OutgoingCallRequest{CallID: id})
	say(called, control.OutgoingCallReply{CallID: peerID, PeerCallID: id, Result: control.CallConnected})
	say(caller, control.EchoRequest{})
}

// Write writes the packets as a capture.
func Write(w io.Writer, f capturefile.Format, packets []Packet) error {
	out, err := capturefile.NewWriter(w, f)
	if err != nil {
		return err
	}
	from, err := out.Interface(4, "recording", "")
	if err != nil {
		return err
	}
	for _, p := range packets {
		if err := out.Write(p.At, from, p.IP); err != nil {
			return err
		}
	}
	return out.Flush()
}
