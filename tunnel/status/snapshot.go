package status

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Roles of a process.
const (
	RoleClient = "client"
	RoleServer = "server"
)

// Snapshot is one process at one time. Its JSON names are stable: fields are added, not renamed.
type Snapshot struct {
	Time     time.Time         `json:"time"`
	Process  Process           `json:"process"`
	Client   *Client           `json:"client,omitempty"` // what a client does, with a session and without
	Way      *Way              `json:"way,omitempty"`    // a client's
	Names    *Names            `json:"names,omitempty"`  // a client's, while this machine asks the tunnel's name servers
	Proxy    *Proxy            `json:"proxy,omitempty"`  // a client's, that has a proxy in the place of a device
	Sessions []Session         `json:"sessions"`
	Totals   Totals            `json:"totals"`
	Refused  map[string]uint64 `json:"refused"` // what was turned away, by reason
	Bans     []Ban             `json:"bans"`    // of a server, those in force, at most 100; the last to end first
	BansMore int               `json:"bans_more,omitempty"`
}

// Ban is an address, or one user at it, that has failed to log in too often.
type Ban struct {
	Address  string    `json:"address"`
	User     string    `json:"user,omitempty"` // as the peer gave it; empty: all users at the address
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Failures int       `json:"failures"`
	Why      string    `json:"why"`
}

// Process is what runs.
type Process struct {
	Version    string    `json:"version"`
	Role       string    `json:"role"` // RoleClient or RoleServer
	PID        int       `json:"pid"`
	Started    time.Time `json:"started"`
	Profile    string    `json:"profile,omitempty"` // a client's, by name, if it was dialled by one
	Device     string    `json:"device,omitempty"`  // the TUN device, if there is one
	Listen     string    `json:"listen,omitempty"`  // a server's addresses, with ", " between them
	Backend    string    `json:"backend"`
	BackendWhy string    `json:"backend_why"`
	Memory     *Memory   `json:"memory,omitempty"`
}

// Memory is how much a process may hold, and holds; sizes are bytes, 0 where the system does not
// say.
type Memory struct {
	Mode           string `json:"mode"` // small or normal
	Why            string `json:"why"`
	Resident       uint64 `json:"resident"`        // of the process, in memory now
	Peak           uint64 `json:"peak"`            // the most that was
	Usable         uint64 `json:"usable"`          // what the machine, or the control group, has
	CollectorLimit uint64 `json:"collector_limit"` // GOMEMLIMIT, set by itself or by the user; 0: none
}

// What a client does.
const (
	Connecting   = "connecting"   // an attempt goes on: name, TCP, call, login
	Up           = "up"           // packets pass
	Reconnecting = "reconnecting" // the tunnel is down, and another attempt will be made
	Waiting      = "waiting"      // the tunnel is down until a packet asks for it
)

// What a client waits for while its tunnel is not up.
const (
	ForServer  = "server"  // the look-up of the server's name, and its answer on TCP
	ForCall    = "call"    // the server's answer to the call
	ForLink    = "link"    // the login, and agreement on encryption and addresses
	ForPause   = "pause"   // the end of the pause before the next attempt, or another network
	ForNetwork = "network" // a way to the server; the next attempt is made then, or when the pause ends
	ForPacket  = "packet"  // a packet for the networks behind the tunnel
)

// Client is a client's own view of its tunnel, which is there when no session is.
type Client struct {
	State       string    `json:"state"`                 // Connecting, Up, Reconnecting or Waiting
	Since       time.Time `json:"since"`                 // of the state
	Attempts    uint64    `json:"attempts"`              // made since the tunnel was up last; 0 while it is
	Reason      string    `json:"reason,omitempty"`      // why the last attempt, or the last tunnel, ended
	NextAttempt time.Time `json:"next_attempt,omitzero"` // while Reconnecting; comes sooner if the network changes
	WaitsFor    string    `json:"waits_for,omitempty"`   // ForServer and so on; empty while Up
	Until       time.Time `json:"until,omitzero"`        // when that ends at the latest; zero: nothing here limits it
	WokenBy     string    `json:"woken_by,omitempty"`    // the packet that asked for the tunnel, where that is made on demand
}

// SetWay notes how a client reaches its server. One that pauses while there is no way waits for
// that.
func (s *Snapshot) SetWay(w *Way) {
	s.Way = w
	if c := s.Client; c != nil && w != nil && w.Missing != "" && c.WaitsFor == ForPause {
		c.WaitsFor = ForNetwork
	}
}

// Names says which name servers this machine asks because of a tunnel.
type Names struct {
	By      string   `json:"by"`                // who was told: systemd-resolved, resolvconf or /etc/resolv.conf
	Servers []string `json:"servers"`           // their addresses, the first asked first
	Domains []string `json:"domains,omitempty"` // those that they are asked about; none: all names
}

// Way is how a client reaches its server around the tunnel.
type Way struct {
	Server  string `json:"server"`            // its outer address; empty before the name was looked up
	Device  string `json:"device"`            // the interface that leads there; empty: there is no way
	Gateway string `json:"gateway,omitempty"` // empty: the server is on the link
	Source  string `json:"source"`            // our outer address on it
	Missing string `json:"missing,omitempty"` // why there is no way
}

// Session is one call: one peer, one PPP link.
type Session struct {
	ID     string     `json:"id"`     // unique within the process
	User   string     `json:"user"`   // as the peer gave it
	Peer   string     `json:"peer"`   // outer address
	Local  netip.Addr `json:"local"`  // in the tunnel; invalid until agreed
	Remote netip.Addr `json:"remote"` // in the tunnel
	State  string     `json:"state"`
	Since  time.Time  `json:"since"`          // of the state
	Heard  time.Time  `json:"heard,omitzero"` // the peer's last sign of life: an answer to LCP, or data
	// Unanswered is how many LCP Echo-Requests the peer has not answered since.
	Unanswered int      `json:"echoes_unanswered"`
	Auth       string   `json:"auth"` // method
	MPPE       MPPE     `json:"mppe"`
	MTU        int      `json:"mtu"`    // bytes
	Policy     string   `json:"policy"` // reorder policy
	IO         IO       `json:"io"`     // how its packets are sent
	Window     Window   `json:"window"`
	Traffic             // its fields stand beside these
	Counters   Counters `json:"counters,omitempty"` // all others, by name
}

// MPPE is a session's encryption, and the counters of its decrypter and encrypter.
type MPPE struct {
	Strength  int      `json:"strength"` // 40, 56 or 128; 0: not encrypted
	Stateless bool     `json:"stateless"`
	Counters  Counters `json:"counters,omitempty"`
}

// IO is how the GRE packets of a session are sent.
type IO struct {
	Way string `json:"way"` // xsk, packet or raw
	Why string `json:"why"`
}

// Window is the reorder window's five counters.
type Window struct {
	Accepted    uint64 `json:"accepted"`
	UnderWindow uint64 `json:"under_window"`
	Buffered    uint64 `json:"buffered"`
	Duplicated  uint64 `json:"duplicated"`
	Lost        uint64 `json:"lost"`
}

// Traffic is what went through: IP packets and their bytes, and GRE acknowledgments that went
// alone. In is from the peer.
type Traffic struct {
	BytesIn    uint64 `json:"bytes_in"`
	BytesOut   uint64 `json:"bytes_out"`
	PacketsIn  uint64 `json:"packets_in"`
	PacketsOut uint64 `json:"packets_out"`
	AcksIn     uint64 `json:"acks_in"`
	AcksOut    uint64 `json:"acks_out"`
}

// Counters are numbers by snake_case name.
type Counters map[string]uint64

// Totals are since the process started, ended sessions included.
type Totals struct {
	Sessions uint64 `json:"sessions"`
	Traffic
	Window   Window   `json:"window"`
	Counters Counters `json:"counters,omitempty"` // the sums of the sessions' counters, by name
}

// normal makes what JSON would write as null into what readers can go through, and puts the
// sessions, which a server keeps in no order, into a stable one.
func (s Snapshot) normal() Snapshot {
	order := make([]*Session, len(s.Sessions)) // a sort of pointers is in a router's build already
	for i := range s.Sessions {
		order[i] = &s.Sessions[i]
	}
	slices.SortFunc(order, func(a, b *Session) int { return strings.Compare(a.ID, b.ID) })
	s.Sessions = make([]Session, len(order))
	for i, session := range order {
		s.Sessions[i] = *session
	}
	if s.Refused == nil {
		s.Refused = map[string]uint64{}
	}
	if s.Bans == nil {
		s.Bans = []Ban{}
	}
	return s
}
