package diagnosis

import (
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

const noEchoes = "the server answers no LCP echoes"

func judgeMTU(f *Facts) Verdict {
	p := &f.Path
	why := "and no ICMP says so: a black hole"
	switch {
	case p.Wanted == 0:
		return skipped("not tried")
	case p.TooBigHere:
		why = "since this machine's interface takes no more"
	case p.PathMTU > 0:
		why = fmt.Sprintf("since a router on the way takes %d bytes, as it says by ICMP", p.PathMTU)
	}
	there := ""
	if p.Cut {
		there = "; the way back is not proven, for the server cuts echoes"
	}
	smaller := fmt.Sprintf("--mtu %d here, and at the server if it has such an option (pppd: mtu %d)", p.Largest, p.Largest)
	switch {
	case p.Largest == 0 && p.Returned == 0:
		return warn("", noEchoes)
	case p.Largest >= p.Wanted:
		return ok("packets of %d bytes in the tunnel pass whole%s", p.Largest, there)
	case p.Largest == 0:
		return fail(tunnel.ClassNetwork, "a filter on the way takes GRE of small packets only", "no packet of 576 bytes or more passes, %s", why)
	case p.Fragments:
		return warn(smaller+": faster, and safe with servers that do not fragment", "packets of up to %d bytes in the tunnel pass whole, larger ones in fragments only, %s%s", p.Largest, why, there)
	}
	return fail(tunnel.ClassNetwork, smaller, "packets of more than %d bytes in the tunnel vanish, not even fragments pass, %s%s", p.Largest, why, there)
}

func judgeRoundTrip(f *Facts) Verdict {
	p := &f.Path
	switch {
	case p.Sent == 0:
		return skipped("not tried")
	case p.Returned == 0:
		return warn("", noEchoes)
	}
	return ok("%s median, %s for 95 %% of %d echoes", milliseconds(p.Median), milliseconds(p.Percent), p.Returned)
}

// lossy is the share of packets above which waiting for missing ones costs more than it gains.
const lossy = 0.01

func judgeLoss(f *Facts) Verdict {
	p := &f.Path
	if p.Sent == 0 || p.Returned == 0 {
		return skipped("not tried")
	}
	lost := p.Sent - p.Returned
	share := float64(lost) / float64(p.Sent)
	what := fmt.Sprintf("%d of %d echoes lost", lost, p.Sent)
	if lost > 0 {
		what += fmt.Sprintf(" (%d there, %d back)", p.LostThere, lost-p.LostThere)
	}
	switch {
	case p.Late > 0 || p.LateThere > 0:
		remedy := "--reorder-policy order, which is the default, puts them in order"
		if wait := 2 * p.Slowest; wait > reorder.DefaultTimeout {
			remedy += fmt.Sprintf("; with --reorder-timeout %v", wait.Round(10*time.Millisecond))
		}
		return warn(remedy, "%s, %d late on the way back (by %d packets and %s at most), %d there", what, p.Late, p.Farthest, milliseconds(p.Slowest), p.LateThere)
	case share >= lossy:
		return warn("--reorder-policy immediate suits: nothing is late, and no packet waits for a lost one", "%s, none late", what)
	}
	return ok("%s, none late: any --reorder-policy suits", what)
}
