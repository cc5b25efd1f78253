package diagnosis

import (
	"fmt"

	"github.com/arc4tun/arc4tun/tunnel"
)

// Step is a thing that can fail, in the order in which they are tried.
type Step int

// The steps.
const (
	Name Step = iota
	RouteTo
	Port
	Answer
	Call
	Sent
	Received
	LCP
	Methods
	Login
	MPPE
	Addresses
	MTU
	RoundTrip
	Loss
	steps
)

var stepNames = [steps]string{
	"name", "route", "TCP", "PPTP", "call", "GRE sent", "GRE received", "LCP", "methods", "login", "MPPE", "addresses", "MTU", "round trip", "loss",
}

func (s Step) String() string { return stepNames[s] }

// Steps are all of them, in order.
func Steps() []Step {
	list := make([]Step, steps)
	for i := range list {
		list[i] = Step(i)
	}
	return list
}

// State is how a step went.
type State int

// The states.
const (
	OK State = iota
	Warn
	Fail
	Skipped // not tried
)

func (s State) String() string { return [...]string{"ok", "warn", "FAIL", "--"}[s] }

// Verdict is what a step showed.
type Verdict struct {
	Step   Step
	State  State
	Text   string
	Remedy string       // what to do; empty: nothing
	Class  tunnel.Class // of a failure, for the exit code
}

// Judge says how a step went, by what is known of it.
func Judge(s Step, f *Facts) Verdict {
	v := judges[s](f)
	v.Step = s
	return v
}

var judges = [steps]func(*Facts) Verdict{
	judgeName, judgeRoute, judgePort, judgeAnswer, judgeCall, judgeSent, judgeReceived,
	judgeLCP, judgeMethods, judgeLogin, judgeMPPE, judgeAddresses, judgeMTU, judgeRoundTrip, judgeLoss,
}

func ok(format string, args ...any) Verdict {
	return Verdict{State: OK, Text: fmt.Sprintf(format, args...)}
}

func skipped(text string) Verdict { return Verdict{State: Skipped, Text: text} }

func warn(remedy, format string, args ...any) Verdict {
	return Verdict{State: Warn, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}

func fail(class tunnel.Class, remedy, format string, args ...any) Verdict {
	return Verdict{State: Fail, Class: class, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}
