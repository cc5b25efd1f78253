package soak

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// Scene is some seconds of one kind of trouble.
type Scene struct {
	Number   int // from 1
	Kind     string
	Lasts    time.Duration
	Download link.Config // the link, from the server to the client
	Upload   link.Config
	Load     Load
	Events   []event // in the order of their times

	// Server and Client, if not nil, are settings with which that end is started
	// anew before the scene.
	Server, Client *endSettings
}

// Load is what the traffic of a scene asks for, in each direction.
type Load struct {
	Datagrams int // UDP packets a second
	Burst     int // of which so many are sent at once
	Stream    int // bytes a second of TCP; 0: as much as goes through
}

// endSettings are those of one end of the tunnel that differ from instance to instance.
type endSettings struct {
	Policy   reorder.Policy
	MPPE     ppp.MPPEPolicy
	FirstSeq uint32 // of its GRE packets
}

func (s endSettings) String() string {
	mode := "stateless"
	if s.MPPE.Stateful == ppp.StatefulRequired {
		mode = "stateful"
	}
	return fmt.Sprintf("%v, MPPE %d %s, from %d", s.Policy, s.MPPE.Strengths[0], mode, s.FirstSeq)
}

// eventKind is what happens at one moment of a scene.
type eventKind int

const (
	linkDown       eventKind = iota // both directions, or the one that Event names
	linkUp                          // as the scene has it
	killServer                      // from one moment to the next
	stopServer                      // in order
	restartServer                   // again
	jumpServer                      // the server's clock, by Event.By
	jumpClient                      // the client's
	pressureOn                      // memory is short
	pressureOff                     // no more
	dieSilently                     // the client's sockets are gone, with no word to the server
	burstOfTraffic                  // Event.Count UDP packets at once, both ways
)

var eventNames = [...]string{
	"link down", "link up", "server killed", "server stopped", "server started", "server's clock", "client's clock",
	"memory short", "memory free", "client's sockets gone", "burst",
}

// event is something that happens in a scene.
type event struct {
	At    time.Duration // since the scene's beginning
	Kind  eventKind
	Only  outageDirection // of linkDown
	By    time.Duration   // of jumps
	Count int             // of burstOfTraffic
}

// outageDirection of a linkDown.
type outageDirection int

const (
	bothWays outageDirection = iota
	downloadOnly
	uploadOnly
)

func (e event) String() string {
	text := fmt.Sprintf("%v %s", e.At.Round(10*time.Millisecond), eventNames[e.Kind])
	switch {
	case e.Kind == linkDown && e.Only == downloadOnly:
		text += " (download)"
	case e.Kind == linkDown && e.Only == uploadOnly:
		text += " (upload)"
	case e.By != 0:
		text += fmt.Sprintf(" %+v", e.By)
	case e.Count != 0:
		text += fmt.Sprintf(" of %d", e.Count)
	}
	return text
}

func (s Scene) String() string {
	words := []string{fmt.Sprintf("%s, %v", s.Kind, s.Lasts.Round(100*time.Millisecond))}
	down, up := s.Download.String(), s.Upload.String()
	switch {
	case down == up && down != "":
		words = append(words, down)
	case down != up:
		words = append(words, "down "+orPerfect(down), "up "+orPerfect(up))
	}
	if s.Server != nil {
		words = append(words, fmt.Sprintf("new server (%v)", s.Server))
	}
	if s.Client != nil {
		words = append(words, fmt.Sprintf("new client (%v)", s.Client))
	}
	for _, e := range s.Events {
		if e.Kind != burstOfTraffic {
			words = append(words, e.String())
		}
	}
	return strings.Join(words, "; ")
}

func orPerfect(spec string) string {
	if spec == "" {
		return "perfect"
	}
	return spec
}

// breaksSessions reports whether a session may end in the scene.
func (s Scene) breaksSessions() bool {
	for _, e := range s.Events {
		switch e.Kind {
		case killServer, stopServer, dieSilently:
			return true
		case linkDown:
			if s.outage() >= echoTimeout/2 {
				return true
			}
		case jumpServer, jumpClient:
			// An answer that is under way then comes a minute late.
			if e.By >= time.Minute {
				return true
			}
		}
	}
	return false
}

// losesDevices reports whether a device of the tunnel goes in the scene, and with it the
// connections on it.
func (s Scene) losesDevices() bool {
	return slices.ContainsFunc(s.Events, func(e event) bool {
		return e.Kind == killServer || e.Kind == stopServer || e.Kind == dieSilently
	})
}

// linkGoesDown reports whether the link goes down in the scene.
func (s Scene) linkGoesDown() bool {
	return slices.ContainsFunc(s.Events, func(e event) bool { return e.Kind == linkDown })
}

// outage is the longest time for which the link is down.
func (s Scene) outage() (longest time.Duration) {
	since := time.Duration(-1)
	for _, e := range s.Events {
		switch {
		case e.Kind == linkDown && since < 0:
			since = e.At
		case e.Kind == linkUp && since >= 0:
			longest = max(longest, e.At-since)
			since = -1
		}
	}
	return longest
}

// overtakes reports whether the link may let one packet overtake another.
func (s Scene) overtakes() bool {
	return s.Download.Jitter > 0 || s.Download.Reorder > 0 || s.Upload.Jitter > 0 || s.Upload.Reorder > 0
}

// delays reports whether packets are under way for some time.
func (s Scene) delays() bool {
	return s.Download.Delay > 0 || s.Download.Rate > 0 || s.Upload.Delay > 0 || s.Upload.Rate > 0
}
